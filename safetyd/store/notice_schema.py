"""The tables of what people are told, beside those of `schema`: notices, their deliveries and attempts."""

from sqlalchemy import Column, Index, Table, UniqueConstraint, text

from safetyd.store.columns import Whole, Words
from safetyd.store.schema import metadata

IS_DIGEST = text("tickets <> 'null'")  # word for word, so that SQLite goes by the index

notice = Table(
    "notice",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("key", Words, nullable=False, unique=True),
    Column("at", Whole, nullable=False),
    Column("building", Words, nullable=False),
    Column("ticket", Words),
    Column("tickets", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("roles", Words, nullable=False),
    Column("people", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("plan", Words),  # the version that said who is told
    Column("unreached_since", Whole),  # while nobody has it and the last resort was not told
    Column("last_resort_at", Whole),  # when that was told
    Column("language", Words),  # of title and text; none: English
    Column("shelved", Words),  # of one that is owed to nobody: who held it back, and until when
    Index("notice_ticket", "ticket"),
    Index("notice_digest", "id", sqlite_where=IS_DIGEST),
    Index("notice_unreached", "unreached_since", sqlite_where=text("unreached_since IS NOT NULL")),
)

wording = Table(  # a notice in the other languages of its people
    "wording",
    metadata,
    Column("notice", Whole, primary_key=True, autoincrement=False),
    Column("language", Words, primary_key=True),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("notice", Whole, nullable=False),
    Column("person", Words, nullable=False),
    Column(
        "address", Words, nullable=False
    ),  # a fingerprint: addresses hold secrets and stay in the site file
    Column("state", Words, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("due_at", Whole),
    Column("done_at", Whole),
    Column("answer", Words, nullable=False),
    Column("settled", Words),  # of an address with several mailboxes: those that need no further attempt
    Column("instead_of", Words),  # for whom this person stands in
    Column("went_to", Words),  # who was told instead of this person
    Column("language", Words),  # the person's; none: the notice's own
    UniqueConstraint("notice", "person", "address"),
    Index("delivery_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("delivery", Whole, nullable=False),
    Column("at", Whole, nullable=False),
    Column("ended_at", Whole),  # none: under way, or the daemon ended before an answer came
    Column("outcome", Words, nullable=False),
    Column("answer", Words, nullable=False),
    Index("attempt_delivery", "delivery", "id"),
    Index("attempt_under_way", "id", sqlite_where=text("outcome = 'under_way'")),
)

rejected_address = Table(  # refused for good, until something is accepted there
    "rejected_address",
    metadata,
    Column("person", Words, primary_key=True),
    Column("address", Words, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("answer", Words, nullable=False),
)
