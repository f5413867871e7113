"""The tables of what people are told, beside those of `schema`: notices, their deliveries and attempts."""

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint, text

from safetyd.store.schema import metadata

IS_DIGEST = text("tickets <> 'null'")  # word for word, so that SQLite goes by the index

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("at", Integer, nullable=False),
    Column("building", Text, nullable=False),
    Column("ticket", Text),
    Column("tickets", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("people", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("plan", Text),  # the version that said who is told
    Column("unreached_since", Integer),  # while nobody has it and the last resort was not told
    Column("last_resort_at", Integer),  # when that was told
    Column("language", Text),  # of title and text; none: English
    Column("shelved", Text),  # of one that is owed to nobody: who held it back, and until when
    Index("notice_ticket", "ticket"),
    Index("notice_digest", "id", sqlite_where=IS_DIGEST),
    Index("notice_unreached", "unreached_since", sqlite_where=text("unreached_since IS NOT NULL")),
)

wording = Table(  # a notice in the other languages of its people
    "wording",
    metadata,
    Column("notice", Integer, primary_key=True, autoincrement=False),
    Column("language", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("notice", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column(
        "address", Text, nullable=False
    ),  # a fingerprint: addresses hold secrets and stay in the site file
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Integer),
    Column("done_at", Integer),
    Column("answer", Text, nullable=False),
    Column("settled", Text),  # of an address with several mailboxes: those that need no further attempt
    Column("instead_of", Text),  # for whom this person stands in
    Column("went_to", Text),  # who was told instead of this person
    Column("language", Text),  # the person's; none: the notice's own
    UniqueConstraint("notice", "person", "address"),
    Index("delivery_due", "due_at", sqlite_where=text("due_at IS NOT NULL")),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("delivery", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("ended_at", Integer),  # none: under way, or the daemon ended before an answer came
    Column("outcome", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Index("attempt_delivery", "delivery", "id"),
    Index("attempt_under_way", "id", sqlite_where=text("outcome = 'under_way'")),
)

rejected_address = Table(  # refused for good, until something is accepted there
    "rejected_address",
    metadata,
    Column("person", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("answer", Text, nullable=False),
)
