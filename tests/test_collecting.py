"""How a centre keeps a gateway's copy: commands wait in it until they are answered, files come in parts."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from safetyd.collecting import UNHEARD_S, Collecting
from safetyd.gateway_copy import Copy
from safetyd.held_copies import begin_anew, copy_object
from safetyd.ingest.message import Message
from safetyd.setting_centre import Gateway
from safetyd.settings import Mqtt, Settings, Store
from safetyd.store import bidden, inbox, receiving, shipping
from safetyd.store.database import HEAD, open_for_reading, open_for_writing, writer_lock
from safetyd.store.shipment import Answered, packed, read_bid, read_held, written
from safetyd.store.shipping import Bounds
from tests.everything import NINE, Record, of_every_kind


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy(Gateway("maple-gw", "safetyd", tmp_path / "copies" / "maple-gw.db", ()), lambda: NINE)
    made.open()
    yield made
    made.close()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    (tmp_path / "gateway").mkdir()
    made = of_every_kind(tmp_path / "gateway")
    yield made
    made.end()


def ask(copy: Copy, **said: object) -> int:
    with closing(open_for_writing(copy.gateway.url)) as connection:
        return inbox.leave(connection, json.dumps(said), NINE)


def answered(copy: Copy, number: int) -> str | None:
    with closing(open_for_reading(copy.gateway.url)) as connection:
        return inbox.answered(connection, number)


def test_a_command_is_sent_until_it_is_answered(copy: Copy) -> None:
    number = ask(copy, do="note", ticket="maple-2026-0001", by="Dora")
    (sent,) = copy.bids()
    assert copy.bids() == [], "not again at once"
    copy.close()
    assert copy.bids() == [], "its pause goes on"
    again = Copy(copy.gateway, lambda: NINE)
    assert again.bids() == [sent], "a centre that begins anew asks again, under the same key"
    again.close()
    copy.take_answer(written(Answered("another", "{}")))
    assert answered(copy, number) is None
    copy.take_answer(written(Answered(read_bid(sent).key, '{"ticket": null}')))
    assert answered(copy, number) == '{"ticket": null}' and copy.bids() == []


def test_a_word_of_the_gateway_has_what_it_did_not_answer_sent_again(copy: Copy, record: Record) -> None:
    ask(copy, do="note", by="Dora")
    assert len(copy.bids()) == 1 and copy.bids() == []
    assert take_next(copy, record, Bounds())
    assert len(copy.bids()) == 1


def test_the_same_words_in_another_copy_have_another_key() -> None:
    assert bidden.key(1, 5, "{}") != bidden.key(1, 6, "{}") != bidden.key(2, 5, "{}")


def test_what_is_too_large_for_brokers_is_refused_with_what_to_do(copy: Copy) -> None:
    number = ask(copy, do="note", by="Dora", attach=[{"name": "a.jpg", "base64": "A" * 2_000_000}])
    assert copy.bids() == []
    assert "attach the file at the gateway itself" in str(answered(copy, number))


def take_next(copy: Copy, record: Record, bounds: Bounds) -> bool:
    """Send what the copy asks for; return whether there was anything and it fitted."""
    with closing(open_for_reading(record.url)) as reader:
        made = shipping.piece(reader, read_held(copy.held()), HEAD, NINE, bounds)
    return made is not None and copy.take(packed(made))


def test_a_file_comes_in_parts_and_is_proved(copy: Copy, record: Record) -> None:
    while take_next(copy, record, Bounds(bytes=4)):
        pass
    with closing(open_for_reading(copy.gateway.url)) as connection:
        assert (
            connection.exec_driver_sql("SELECT content FROM attachment").scalar_one()
            == b"\xff\xd8\xff window"
        )
    assert copy.fault == ""


def test_how_far_a_copy_is_is_told_against_what_the_gateway_last_said(copy: Copy, record: Record) -> None:
    assert copy_object("maple-gw", None)["behind"] is None
    take_next(copy, record, Bounds(links=5, readings=1))
    ask(copy, do="note", ticket="maple-2026-0001", by="Dora", attach=[{"name": "a", "base64": "QQ=="}])
    with closing(open_for_reading(copy.gateway.url)) as connection:
        told = copy_object("maple-gw", connection)
    head = record.head()
    assert told["number"] + told["behind"] == head.number and told["readings_behind"] > 0
    assert told["heard_at"] == "2026-12-01T17:00:00Z"
    (pending,) = told["pending"]
    assert pending["asked"]["attach"] == [{"name": "a"}] and pending["since"] == "2026-12-01T17:00:00Z"


def test_a_copy_that_is_begun_anew_leaves_the_old_one_as_it_was(copy: Copy, record: Record) -> None:
    while take_next(copy, record, Bounds()):
        pass
    copy.close()
    aside = begin_anew(copy.gateway)
    with closing(open_for_reading(f"sqlite:///{aside}")) as old:
        assert receiving.held(old).chain == record.head().number
    assert read_held(copy.held()).chain == 0
    assert take_next(copy, record, Bounds())


def test_a_piece_that_does_not_fit_is_kept_aside_and_halts_the_chain(copy: Copy) -> None:
    assert not copy.take(b"no piece")
    assert "cannot be read" in copy.fault
    assert copy.gateway.copy.with_name("maple-gw.db.refused").read_bytes() == b"no piece"
    assert read_held(copy.held()).is_halted


def centre(folder: Path) -> tuple[Record, Gateway, Collecting]:
    """Return a district's watch, its one gateway, and what keeps the copy of that."""
    folder.mkdir()
    gateway = Gateway("maple-gw", "safetyd", folder / "maple-gw.db", ())
    watch = Record(folder)
    watch.begin('timezone = "UTC"\n[[buildings]]\nid = "maple"\ngateway = "maple-gw"\n')
    settings = Settings.model_construct(gateways=(gateway,), mqtt=Mqtt(port=1), store=Store(url=watch.url))
    return watch, gateway, Collecting(settings, watch.service, lambda: NINE, {})


def test_a_copy_that_another_safetyd_writes_is_left_alone_until_that_ends(
    tmp_path: Path, record: Record
) -> None:
    watch, gateway, collecting = centre(tmp_path / "district")
    (topic,) = collecting._copies
    other = Copy(gateway, lambda: NINE)
    other.open()
    with closing(open_for_reading(record.url)) as reader:
        piece = shipping.piece(reader, read_held(other.held()), HEAD, NINE, Bounds())
    other.close()
    message = Message(NINE, topic.format("record"), packed(piece))
    collecting.stop()
    with ExitStack() as stack:
        with writer_lock(gateway.url) as is_ours:
            assert is_ours
            collecting._begin_all(stack)
            assert "another safetyd writes this copy" in collecting._copies[topic].fault
            collecting._take(message)
            assert copy_object("maple-gw", open_for_reading(gateway.url))["number"] == 0
        collecting._begin_all(stack)
        collecting._take(message)
        assert copy_object("maple-gw", open_for_reading(gateway.url))["number"] > 0
        assert collecting._copies[topic].fault == ""
    watch.end()


def test_a_gateway_that_is_well_and_sends_nothing_of_its_record_is_a_trouble(tmp_path: Path) -> None:
    watch, _, collecting = centre(tmp_path / "district")
    (copy,) = collecting._copies.values()

    def told() -> list[str]:
        collecting.complain(watch.now)
        standing = watch.service.world.troubles.get("[[gateways]] maple-gw", {})
        return [each.note for each in standing.values()]

    try:
        watch.service.take(Message(watch.now, "safetyd/gateways/maple-gw", b'{"state": "running"}'))
        assert told() == []
        copy.heard_s -= UNHEARD_S
        (note,) = told()
        assert "nothing comes of its record" in note
        copy.heard_s += UNHEARD_S
        assert told() == []
    finally:
        collecting.stop()
        watch.end()
