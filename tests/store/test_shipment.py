"""A copy of a gateway's store becomes its equal, whatever becomes of the pieces, and takes nothing that does
not follow from what it has."""

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.core.errors import SafetydError
from safetyd.store import chain, copy_of, receiving, shipping
from safetyd.store.database import HEAD, Connection, open_copy, open_for_reading
from safetyd.store.receiving import MisfitError
from safetyd.store.records import TABLES, Kind
from safetyd.store.reporters import reporters
from safetyd.store.shipment import Held, Piece, ShipmentError, packed, read_held, unpacked, written
from safetyd.store.shipping import Bounds
from safetyd.store.verifying import verify
from tests.everything import HOUR, MINUTE, NINE, Record, of_every_kind
from tests.stores import ENGINE

pytestmark = pytest.mark.sqlite  # a copy is a file
SMALL = Bounds(links=5, readings=3, troubles=2, bytes=1500)
RECORD = ("reading", "sensor", "chain", "trouble", "attached", "attempt", "wording", "progress", "desk")
SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Centre:
    """A copy, and all that was ever sent to it."""

    def __init__(self, folder: Path, name: str = "copy.db") -> None:
        self.file = folder / name
        self.connection = receiving.open_copy_of("maple-gw", f"sqlite:///{self.file}")
        self.sent: list[bytes] = []

    def held(self, *, is_halted: bool = False) -> Held:
        """What it holds, as it travels."""
        told = receiving.held(self.connection, is_halted=is_halted)
        self.connection.rollback()
        return read_held(written(told))

    def asks(self, reader: Connection, bounds: Bounds = SMALL) -> Piece | None:
        made = shipping.piece(reader, self.held(), HEAD, NINE, bounds)
        reader.rollback()
        if made is None:
            return None
        self.sent.append(packed(made))
        return unpacked(self.sent[-1])

    def take(self, piece: Piece) -> None:
        receiving.take(self.connection, piece)
        if piece.file is not None and len(piece.file.content) == piece.file.size:
            receiving.keep_file(self.connection, piece.file.sha256, piece.file.content)

    def takes_all(self, reader: Connection, bounds: Bounds = SMALL) -> int:
        """Ask until nothing comes; return how many pieces it took."""
        for number in range(1000):
            piece = self.asks(reader, bounds)
            if piece is None:
                return number
            self.take(piece)
        raise AssertionError("it never ends")

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def centre(tmp_path: Path):
    made = Centre(tmp_path)
    yield made
    made.close()


@pytest.fixture
def record(tmp_path: Path):
    folder = tmp_path / "gateway"
    folder.mkdir()
    made = of_every_kind(folder)
    yield made
    made.end()


def keep(file: Path, where: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", (str(where),))


def contents(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as connection:
        tables = (*RECORD, *(table.name for table in TABLES.values()))
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables
        }


def verdict(file: Path) -> tuple[list[str], str]:
    with closing(open_for_reading(f"sqlite:///{file}")) as connection:
        found = verify(connection, (), lambda done, all: None)
        assert found.head is not None and found.head.number == found.rows
        return found.faults, found.head.hash


def are_equal(centre: Centre, record: Record) -> None:
    assert contents(centre.file) == contents(record.file)
    faults, head = verdict(centre.file)
    assert (faults, head) == ([], record.head().hash)
    with open_copy(record.file) as theirs, closing(open_for_reading(f"sqlite:///{centre.file}")) as ours:
        assert ours.exec_driver_sql("SELECT content FROM attachment").fetchall() == (
            theirs.exec_driver_sql("SELECT content FROM attachment").fetchall()
        )


def test_a_record_of_every_kind_arrives_whole_in_small_pieces(centre: Centre, record: Record) -> None:
    with closing(open_for_reading(record.url)) as reader:
        assert centre.takes_all(reader) > 5
        are_equal(centre, record)
        assert not shipping.has_news(reader, centre.held())
        assert shipping.piece(reader, centre.held(), HEAD, NINE) is None


def test_who_reported_at_the_gateway_is_known_at_the_copy_too(centre: Centre, record: Record) -> None:
    """The inbox stays at the gateway; whose names are withheld must not depend on it."""
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
        reported = "SELECT \"by\" FROM history WHERE event IN ('opened', 'measured') AND \"by\" <> 'safetyd'"
        names = set(reader.exec_driver_sql(reported).scalars())
    assert names, "somebody reported"
    assert names <= {each.name for each in reporters(centre.connection, 0)[0]}


def test_what_happens_later_follows(centre: Centre, record: Record) -> None:
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
        record.hear("12", record.now + MINUTE, temperature_f=51.0, humidity=40)
        record.tend(25 * HOUR)
        reader.rollback()
        assert shipping.has_news(reader, centre.held())
        centre.takes_all(reader)
        are_equal(centre, record)


@SLOW
@given(seed=st.integers(0, 2**32))
def test_lost_doubled_and_reordered_pieces_end_with_equal_stores(tmp_path_factory, seed: int) -> None:
    chance, folder = Random(seed), tmp_path_factory.mktemp("any")
    record, centre = Record(folder), Centre(folder)
    arrived: list[bytes] = []
    with closing(open_for_reading(record.url)) as reader:
        for _ in range(chance.randint(4, 14)):
            happen(record, chance)
            for _ in range(chance.randint(0, 4)):
                piece = centre.asks(reader, Bounds(chance.randint(1, 9), chance.randint(1, 9), 2, 900))
                if piece is not None and chance.random() < 0.7:
                    arrived.append(packed(piece))
            chance.shuffle(arrived)
            while arrived and chance.random() < 0.8:
                late = arrived.pop()
                if chance.random() < 0.3:
                    arrived.append(late)
                centre.take(unpacked(late))
        centre.takes_all(reader)
    are_equal(centre, record)
    record.end()
    centre.close()


def happen(record: Record, chance: Random) -> None:
    """Something of what happens at a school."""
    match chance.randint(0, 5):
        case 0 | 1:
            for _ in range(chance.randint(1, 8)):
                record.hear(
                    chance.choice(("12", "lab")),
                    record.now + 3 * MINUTE,
                    temperature_f=chance.choice((57.2, 51.0, 66.0, 70.0)),
                    humidity=40,
                )
        case 2:
            record.tend(chance.choice((MINUTE, HOUR, 25 * HOUR)))
        case _ if record.service.world.tickets:
            ticket = chance.choice(sorted(record.service.world.tickets))
            do = chance.choice(("note", "dispute", "close", "reopen"))
            with suppress(SafetydError):  # not every state allows it
                record.command(do=do, ticket=ticket, by="A. Roe", note="seen")
        case _:
            record.hear("12", record.now + MINUTE, temperature_f=57.2, humidity=40)


def changed(record: Record, *statements: str) -> None:
    with closing(sqlite3.connect(record.file)) as connection:
        for each in statements:
            assert connection.execute(each).rowcount, each
        connection.commit()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE ticket SET status = 'closed' WHERE id LIKE '%1'", "ticket maple-2026-0001 is not what row"),
        ("UPDATE history SET note = 'fine' WHERE id = 2", "history 2 is not what row"),
        ("DELETE FROM episode", "episode 1 is not what row"),
        ("UPDATE chain SET body = 'x' WHERE number = 7", "row 7 of its chain"),
        ("UPDATE chain SET at = at + 1 WHERE number = 7", "row 7 of its chain"),
        ("DELETE FROM chain WHERE number = 7", "row 7 is missing before row 8"),
        ("UPDATE wording SET text = 'nada'", "notice"),
        ("UPDATE attempt SET answer = 'yes'", "delivery"),
    ],
)
def test_a_falsified_record_is_refused_and_named(
    centre: Centre, record: Record, statement: str, words: str
) -> None:
    changed(record, statement)
    with closing(open_for_reading(record.url)) as reader, pytest.raises(MisfitError, match=words):
        centre.takes_all(reader)
    kept = chain.head(centre.connection)
    assert kept is None or kept.number < record.head().number


def test_what_is_changed_after_it_was_sent_stays_right_in_the_copy(centre: Centre, record: Record) -> None:
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
        changed(record, "UPDATE history SET note = 'fine' WHERE id = 2")
        reader.rollback()
        centre.takes_all(reader)
        assert verdict(record.file)[0] and not verdict(centre.file)[0]


def test_a_changed_reading_shows_by_the_digest_of_its_day(centre: Centre, record: Record) -> None:
    changed(record, "UPDATE reading SET value = 70.0 WHERE id = 1")
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
    assert "readings of maple/12" in verdict(centre.file)[0][0]


def test_readings_go_on_while_the_chain_is_halted(centre: Centre, record: Record) -> None:
    changed(record, "UPDATE ticket SET status = 'closed'")
    with closing(open_for_reading(record.url)) as reader:
        while (piece := shipping.piece(reader, centre.held(is_halted=True), HEAD, NINE, SMALL)) is not None:
            centre.take(piece)
    assert contents(centre.file)["reading"] == contents(record.file)["reading"]
    assert chain.head(centre.connection) is None


def test_a_gateway_restored_from_an_older_backup_is_named_by_the_first_row_that_differs(
    tmp_path: Path, centre: Centre
) -> None:
    record = Record(tmp_path)
    record.hear("12", NINE, temperature_f=57.2, humidity=40)
    record.tend()
    backup, last = record.head(), tmp_path / "backup.db"
    keep(record.file, last)
    by = {"ticket": "maple-2026-0001", "by": "A. Roe"}
    record.command(do="note", note="57 at the window", **by)
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
    lost = record.head()
    record.end()
    for each in ("", "-wal", "-shm"):
        (tmp_path / f"safetyd.db{each}").unlink(missing_ok=True)
    shutil.copy(last, record.file)
    record.begin()
    with closing(open_for_reading(record.url)) as reader:
        piece = centre.asks(reader)
        assert piece is not None and piece.odds == "chain"
        with pytest.raises(MisfitError, match=f"ends with row {backup.number}.*row {backup.number + 1} is"):
            centre.take(piece)
        record.command(do="acknowledge", **by)
        record.command(do="note", note="again", **by)
        record.command(do="note", note="and again", **by)
        reader.rollback()
        with pytest.raises(MisfitError, match=f"row {backup.number + 1} of its chain is another"):
            centre.takes_all(reader)
    record.end()
    assert chain.head(centre.connection) == lost, "the copy keeps what the gateway has lost"


def test_a_centre_restored_from_an_older_backup_and_a_new_one_are_filled_again(
    tmp_path: Path, centre: Centre, record: Record
) -> None:
    with closing(open_for_reading(record.url)) as reader:
        for _ in range(3):
            piece = centre.asks(reader)
            assert piece is not None
            centre.take(piece)
        keep(centre.file, tmp_path / "older.db")
        centre.takes_all(reader)
        for name in ("older.db", "new.db"):
            other = Centre(tmp_path, name)
            other.takes_all(reader)
            are_equal(other, record)
            other.close()


def test_nobody_else_decides_in_a_copy(centre: Centre, record: Record) -> None:
    with closing(open_for_reading(record.url)) as reader:
        centre.takes_all(reader)
    centre.connection.exec_driver_sql("SELECT 1")
    chain.note(centre.connection, Kind.TICKET, "maple-2026-0001")
    with pytest.raises(copy_of.CopyError, match="copy of maple-gw"):
        centre.connection.commit()
    centre.connection.rollback()


def test_a_store_of_its_own_and_the_copy_of_another_are_no_place_for_a_copy(
    tmp_path: Path, centre: Centre, record: Record
) -> None:
    with pytest.raises(MisfitError, match="a store of its own"):
        receiving.open_copy_of("maple-gw", record.url)
    with pytest.raises(MisfitError, match="is the copy of maple-gw"):
        receiving.open_copy_of("cedar-gw", f"sqlite:///{centre.file}")


def test_a_large_file_is_sent_in_parts_by_what_is_there_of_it(centre: Centre, record: Record) -> None:
    with closing(open_for_reading(record.url)) as reader:
        whole = b""
        while not receiving.held(centre.connection).file:
            centre.connection.rollback()
            piece = centre.asks(reader)
            assert piece is not None
            receiving.take(centre.connection, piece)
        name, _ = receiving.held(centre.connection).file or ("", 0)
        centre.connection.rollback()
        while True:
            told = receiving.held(centre.connection, (name, len(whole)))
            centre.connection.rollback()
            piece = shipping.piece(reader, told, HEAD, NINE, Bounds(bytes=4))
            assert piece is not None and piece.file is not None
            whole += piece.file.content
            if len(whole) == piece.file.size:
                break
    assert whole == b"\xff\xd8\xff window"


@pytest.mark.parametrize("payload", [b"", b"{}", b"x" * 99, packed(Piece(HEAD, 0, 0, "", 0))[:-3]])
def test_what_is_no_piece_is_refused(payload: bytes) -> None:
    with pytest.raises(ShipmentError):
        unpacked(payload)


def test_a_piece_of_a_newer_safetyd_is_refused_with_what_to_do(centre: Centre) -> None:
    with pytest.raises(MisfitError, match="update the centre first"):
        centre.take(Piece("9999", 0, 0, "", 0))


def test_a_row_that_promises_a_record_must_keep_it(centre: Centre, record: Record) -> None:
    """A ticket that is said to change later, and then does not, is refused when its row comes."""
    changed(record, "UPDATE ticket SET status = 'closed'")
    with closing(open_for_reading(record.url)) as reader, pytest.raises(MisfitError, match="ticket maple"):
        for _ in range(100):
            piece = centre.asks(reader, Bounds(links=1))
            assert piece is not None
            centre.take(piece)


@pytest.mark.journey
def test_a_record_in_postgresql_arrives_in_a_copy(tmp_path: Path, centre: Centre) -> None:
    (tmp_path / "district").mkdir()
    record = of_every_kind(tmp_path / "district", url=ENGINE.server.url("shipped"))
    with closing(open_for_reading(record.url)) as reader:
        assert centre.takes_all(reader) > 5
        faults, head = verdict(centre.file)
        assert (faults, head) == ([], record.head().hash)
    record.end()
