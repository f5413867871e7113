"""The tables, as one picture; migrations bring older files to it.

Rule: readings are append-only and carry no index but their number, which keeps a memory card alive; times are
microseconds since 1970 in UTC; what only the core understands is kept as one document beside the columns
that are searched.
"""

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

sensor = Table(
    "sensor",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),  # empty: the building as a whole
    Column("name", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("interval", Integer),  # of what no site file describes: how often it measured
    UniqueConstraint("building", "room", "name"),
)

reading = Table(
    "reading",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sensor", Integer, nullable=False),
    Column("quantity", Integer, nullable=False),  # readings.QUANTITIES: what, and in which unit it was sent
    Column("observed_at", Integer, nullable=False),
    Column("delay", Integer, nullable=False),  # from observed_at to arrival
    Column("value", Float, nullable=False),
    Column("mark", Integer, nullable=False),
    Column("reason", Text),
    Column("stamp", Text),  # what a clock said, where it was not believed
    Column(
        "device_skew", Integer
    ),  # from arrival to what the device's own clock said, where it said anything
    Column("gateway_skew", Integer),  # and to what the clock of its gateway said
    Column("frame", Text),  # by what it is known when it comes again: of an observation on its first row only
)

refused = Table(
    "refused",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("refused_topic", "topic", "id"),
)

unassigned = Table(
    "unassigned",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("first_at", Integer, nullable=False),
    Column("last_at", Integer, nullable=False),
    Column("heard", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

place_state = Table(
    "place_state",
    metadata,
    Column("building", Text, primary_key=True),
    Column("room", Text, primary_key=True),
    Column("period", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("reading", Integer, nullable=False),  # the last one that is folded in
    Column(
        "is_settled", Integer, nullable=False
    ),  # no suspect value waits: the past may be read again from here
    Column("body", LargeBinary, nullable=False),
)

progress = Table(  # one row: every place is saved up to this reading
    "progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reading", Integer, nullable=False),
)

IS_OPEN = text("status NOT IN ('joined', 'closed')")  # word for word, so that SQLite goes by the index

ticket = Table(
    "ticket",
    metadata,
    Column("id", Text, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", Integer, nullable=False),
    Column("body", Text, nullable=False),
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
    Column("id", Integer, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("began_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("ticket", Text),
    Column("body", Text, nullable=False),
    Index("episode_ticket", "ticket"),
    Index("episode_place", "building", "room", "condition", "began_at"),
)

episode_change = Table(  # each beginning that an episode has or had, numbered anew when it changes
    "episode_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("began_at", Integer, nullable=False),
    UniqueConstraint("building", "room", "condition", "began_at"),
    sqlite_autoincrement=True,  # a number is never given twice
)

held = Table(
    "held",
    metadata,
    Column("episode", Integer, primary_key=True),
    Column("due_at", Integer, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("history_ticket", "ticket", "id"),
)

attachment = Table(  # files that go with notes, each content once
    "attachment",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

attached = Table(  # which lines of history they belong to; their names stand there
    "attached",
    metadata,
    Column("history", Integer, primary_key=True),
    Column("sha256", Text, primary_key=True),
)

trouble = Table(
    "trouble",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sensor", Text, nullable=False),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("began_at", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("note", Text, nullable=False),
    Index("trouble_standing", "sensor", "kind", unique=True, sqlite_where=text("ended_at IS NULL")),
)

desk = Table(
    "desk",
    metadata,
    Column("building", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

beat = Table(  # one row: when the daemon was last known to live
    "beat",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("boot", Text, nullable=False),
    Column("is_last", Integer, nullable=False),
    Column("since_boot", Integer),  # and how long the machine had run then
    Column("unsure", Integer),  # 1: by a clock that was believed for want of a better
)

undated = Table(  # what arrived while nobody knew the time
    "undated",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("boot", Text, nullable=False),
    Column("since_boot", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Integer, nullable=False),
    Column("command", Integer),  # a person's, by its number in the inbox; no topic and no payload then
)

bridge = Table(  # those that have come back, and when
    "bridge",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("back_at", Integer, nullable=False),
)

awaited = Table(  # sensors of the site file that were not heard when they were first waited for
    "awaited",
    metadata,
    Column("sensor", Text, primary_key=True),
    Column("since", Integer, nullable=False),
)

afar = Table(  # what is known of buildings that are watched from afar
    "afar",
    metadata,
    Column("building", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

shelf = Table(  # each row is how one stood once it had begun or ended; the last of a place is how it stands
    "shelf",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("building", Text, nullable=False),
    Column("room", Text, nullable=False),  # empty: the building as a whole
    Column("by", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("began_at", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Column("since", Integer, nullable=False),
    Column("ended_at", Integer),
    Column("ended_by", Text, nullable=False),
    Column("ended_note", Text, nullable=False),
    Index("shelf_place", "building", "room", "id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("answer", Text),
)

once = Table(  # commands that whoever leaves them may leave again, by the key they gave
    "once",
    metadata,
    Column("account", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("request", Text, nullable=False),  # SHA-256 of what was asked
    Column("at", Integer, nullable=False),
    Column("command", Integer, nullable=False),  # its number in the inbox
    Index("once_at", "at"),
)

copied = Table(  # up to which row each target has what
    "copied",
    metadata,
    Column("target", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("row", Integer, nullable=False),
)

uncopied = Table(  # rows that a target will not have, with its reason
    "uncopied",
    metadata,
    Column("target", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("row", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

imported = Table(  # files that were imported, and the rows of readings that came of each
    "imported",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("sensor", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("is_ticketed", Integer, nullable=False),
    Column("extents", Text, nullable=False),  # of each place: how many values, from when to when
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
)
