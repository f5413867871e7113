"""The tables, as one picture; migrations bring older files to it.

Rule: readings are append-only and carry no index but their number, which keeps a memory card alive; times are
microseconds since 1970 in UTC; what only the core understands is kept as one document beside the columns
that are searched. Which rows an index has is said for SQLite, and holds for PostgreSQL too.
"""

from sqlalchemy import (
    Column,
    Float,
    Index,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from safetyd.store.columns import Whole, Words

metadata = MetaData()

sensor = Table(
    "sensor",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),  # empty: the building as a whole
    Column("name", Words, nullable=False),
    Column("topic", Words, nullable=False),
    Column("format", Words, nullable=False),
    Column("interval", Whole),  # of what no site file describes: how often it measured
    UniqueConstraint("building", "room", "name"),
)

reading = Table(
    "reading",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("sensor", Whole, nullable=False),
    Column("quantity", Whole, nullable=False),  # readings.QUANTITIES: what, and in which unit it was sent
    Column("observed_at", Whole, nullable=False),
    Column("delay", Whole, nullable=False),  # from observed_at to arrival
    Column("value", Float, nullable=False),
    Column("mark", Whole, nullable=False),
    Column("reason", Words),
    Column("stamp", Words),  # what a clock said, where it was not believed
    Column("device_skew", Whole),  # from arrival to what the device's own clock said, where it said anything
    Column("gateway_skew", Whole),  # and to what the clock of its gateway said
    Column(
        "frame", Words
    ),  # by what it is known when it comes again: of an observation on its first row only
)

refused = Table(
    "refused",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("kind", Words, nullable=False),
    Column("topic", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("refused_topic", "topic", "id"),
)

unassigned = Table(
    "unassigned",
    metadata,
    Column("topic", Words, primary_key=True),
    Column("first_at", Whole, nullable=False),
    Column("last_at", Whole, nullable=False),
    Column("heard", Whole, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

place_state = Table(
    "place_state",
    metadata,
    Column("building", Words, primary_key=True),
    Column("room", Words, primary_key=True),
    Column("period", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("reading", Whole, nullable=False),  # the last one that is folded in
    Column(
        "is_settled", Whole, nullable=False
    ),  # no suspect value waits: the past may be read again from here
    Column("body", LargeBinary, nullable=False),
)

progress = Table(  # one row: every place is saved up to this reading
    "progress",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("reading", Whole, nullable=False),
)

IS_OPEN = text("status NOT IN ('joined', 'closed')")  # word for word, so that SQLite goes by the index

ticket = Table(
    "ticket",
    metadata,
    Column("id", Words, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),
    Column("condition", Words, nullable=False),
    Column("hazard", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("opened_at", Whole, nullable=False),
    Column("body", Words, nullable=False),
    Index(
        "one_open_ticket",
        "building",
        "room",
        "condition",
        "hazard",
        unique=True,
        sqlite_where=IS_OPEN,
    ),
)

episode = Table(
    "episode",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),
    Column("condition", Words, nullable=False),
    Column("began_at", Whole, nullable=False),
    Column("ended_at", Whole),
    Column("ticket", Words),
    Column("body", Words, nullable=False),
    Index("episode_ticket", "ticket"),
    Index("episode_place", "building", "room", "condition", "began_at"),
)

episode_change = Table(  # each beginning that an episode has or had, numbered anew when it changes
    "episode_change",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),
    Column("condition", Words, nullable=False),
    Column("began_at", Whole, nullable=False),
    UniqueConstraint("building", "room", "condition", "began_at"),
    sqlite_autoincrement=True,  # a number is never given twice
)

held = Table(
    "held",
    metadata,
    Column("episode", Whole, primary_key=True),
    Column("due_at", Whole, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("ticket", Words, nullable=False),
    Column("at", Whole, nullable=False),
    Column("event", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("hash", Words, nullable=False),
    Index("history_ticket", "ticket", "id"),
)

attachment = Table(  # files that go with notes, each content once
    "attachment",
    metadata,
    Column("sha256", Words, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

attached = Table(  # which lines of history they belong to; their names stand there
    "attached",
    metadata,
    Column("history", Whole, primary_key=True),
    Column("sha256", Words, primary_key=True),
)

trouble = Table(
    "trouble",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("sensor", Words, nullable=False),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),
    Column("began_at", Whole, nullable=False),
    Column("ended_at", Whole),
    Column("note", Words, nullable=False),
    Index(
        "trouble_standing",
        "sensor",
        "kind",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
    ),
)

desk = Table(
    "desk",
    metadata,
    Column("building", Words, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

beat = Table(  # one row: when the daemon was last known to live
    "beat",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("boot", Words, nullable=False),
    Column("is_last", Whole, nullable=False),
    Column("since_boot", Whole),  # and how long the machine had run then
    Column("unsure", Whole),  # 1: by a clock that was believed for want of a better
)

undated = Table(  # what arrived while nobody knew the time
    "undated",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("boot", Words, nullable=False),
    Column("since_boot", Whole, nullable=False),
    Column("topic", Words, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Whole, nullable=False),
    Column("command", Whole),  # a person's, by its number in the inbox; no topic and no payload then
)

bridge = Table(  # those that have come back, and when
    "bridge",
    metadata,
    Column("topic", Words, primary_key=True),
    Column("back_at", Whole, nullable=False),
)

awaited = Table(  # sensors of the site file that were not heard when they were first waited for
    "awaited",
    metadata,
    Column("sensor", Words, primary_key=True),
    Column("since", Whole, nullable=False),
)

afar = Table(  # what is known of buildings that are watched from afar
    "afar",
    metadata,
    Column("building", Words, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

shelf = Table(  # each row is how one stood once it had begun or ended; the last of a place is how it stands
    "shelf",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("building", Words, nullable=False),
    Column("room", Words, nullable=False),  # empty: the building as a whole
    Column("by", Words, nullable=False),
    Column("role", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("began_at", Whole, nullable=False),
    Column("until", Whole, nullable=False),
    Column("since", Whole, nullable=False),
    Column("ended_at", Whole),
    Column("ended_by", Words, nullable=False),
    Column("ended_note", Words, nullable=False),
    Index("shelf_place", "building", "room", "id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("body", Words, nullable=False),
    Column("answer", Words),
)

once = Table(  # commands that whoever leaves them may leave again, by the key they gave
    "once",
    metadata,
    Column("account", Whole, primary_key=True, autoincrement=False),
    Column("key", Words, primary_key=True),
    Column("request", Words, nullable=False),  # SHA-256 of what was asked
    Column("at", Whole, nullable=False),
    Column("command", Whole, nullable=False),  # its number in the inbox
    Index("once_at", "at"),
)

copied = Table(  # up to which row each target has what
    "copied",
    metadata,
    Column("target", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("row", Whole, nullable=False),
)

uncopied = Table(  # rows that a target will not have, with its reason
    "uncopied",
    metadata,
    Column("target", Words, primary_key=True),
    Column("stream", Words, primary_key=True),
    Column("row", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("line", Words, nullable=False),
    Column("reason", Words, nullable=False),
)

imported = Table(  # files that were imported, and the rows of readings that came of each
    "imported",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("at", Whole, nullable=False),
    Column("by", Words, nullable=False),
    Column("file", Words, nullable=False),
    Column("sha256", Words, nullable=False),
    Column("sensor", Words, nullable=False),
    Column("rows", Whole, nullable=False),
    Column("stored", Whole, nullable=False),
    Column("rejected", Whole, nullable=False),
    Column("is_ticketed", Whole, nullable=False),
    Column("extents", Words, nullable=False),  # of each place: how many values, from when to when
    Column("first", Whole, nullable=False),
    Column("last", Whole, nullable=False),
)
