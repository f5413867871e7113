"""What a gateway sends to a centre, and what it lets a centre do: once, if its own file says so."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from safetyd.errands import Errands
from safetyd.ingest.message import Message
from safetyd.setting_centre import Centre
from safetyd.settings import Mqtt, Settings
from safetyd.store import receiving, shipping
from safetyd.store.database import HEAD, abandon, open_for_reading
from safetyd.store.shipment import Bid, Held, read_answer, unpacked, written
from safetyd.uplink import WORD_S, Uplink, topics
from tests.everything import NINE, Record

HAVE, COMMAND = "safetyd/have/maple-gw", "safetyd/command/maple-gw"
RECORD, ANSWER = "safetyd/record/maple-gw", "safetyd/answer/maple-gw"
TICKET = "maple-2026-0001"


class Gateway:
    """A record with its uplink, and all that it said."""

    def __init__(self, folder: Path, *, commands: bool = True) -> None:
        self.record = Record(folder)
        centre = Centre.model_validate({"record": True, "commands": commands})
        self.settings = Settings.model_construct(mqtt=Mqtt(client_id="maple-gw"), centre=centre)
        self.said: list[tuple[str, bytes]] = []
        self.reader = open_for_reading(self.record.url)
        self.start()
        self.record.hear("12", NINE, temperature_f=57.2, humidity=40)

    def start(self) -> None:
        def publish(topic: str, payload: bytes) -> None:
            self.said.append((topic, payload))

        self.uplink = Uplink(self.settings, self.reader, publish)
        self.errands = Errands(self.record.service, self.reader, self._commit)

    def _commit(self) -> None:
        with self.record.service.writing() as connection:
            self.errands.write_answers(connection)
            self.uplink.write(connection, self.record.now)
        self.record.service.commit(self.record.now)
        self.errands.are_answered()

    def hears(self, topic: str, payload: bytes) -> bool:
        return self.uplink.hear(Message(self.record.now, topic, payload))

    def bid(self, key: str, **command: object) -> None:
        assert self.hears(COMMAND, written(Bid(key, command)))
        self._commit()
        for (number,) in self.reader.exec_driver_sql("SELECT id FROM inbox WHERE answer IS NULL").fetchall():
            self.reader.rollback()
            self.errands.carry_out(number, self.record.now)
        self.reader.rollback()
        self.uplink.tend(self.record.now, is_free=True)

    def answers(self) -> list[dict[str, object]]:
        return [json.loads(read_answer(payload).answer) for topic, payload in self.said if topic == ANSWER]

    def notes(self) -> int:
        found = self.reader.exec_driver_sql("SELECT count(*) FROM history WHERE event = 'note'").scalar_one()
        self.reader.rollback()
        return int(found)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    made.reader.close()
    made.record.end()


def note(gateway: Gateway, key: str) -> None:
    gateway.bid(key, do="note", ticket=TICKET, by="Dora", role="district", note="on our way")


def test_nothing_is_said_before_the_centre_has_asked(gateway: Gateway) -> None:
    gateway.uplink.tend(NINE, is_free=True)
    assert gateway.said == []
    assert gateway.hears(HAVE, written(Held(HEAD)))
    gateway.uplink.tend(NINE, is_free=False)
    assert gateway.said == [], "what is live comes first"
    gateway.uplink.tend(NINE, is_free=True)
    gateway.uplink.tend(NINE, is_free=True)
    ((topic, payload),) = gateway.said
    assert topic == RECORD and unpacked(payload).links[0].number == 1, "one piece an answer"


def test_a_centre_that_has_everything_is_sent_nothing(gateway: Gateway, tmp_path: Path) -> None:
    with closing(receiving.open_copy_of("maple-gw", f"sqlite:///{tmp_path / 'copy.db'}")) as copy:
        for _ in range(20):
            told = receiving.held(copy)
            copy.rollback()
            before = len(gateway.said)
            gateway.hears(HAVE, written(told))
            gateway.uplink.tend(NINE, is_free=True)
            if len(gateway.said) == before:
                break
            receiving.take(copy, unpacked(gateway.said[-1][1]))
        assert told.chain == gateway.record.head().number and told.reading == 2


def test_who_asks_after_a_while_hears_that_there_is_nothing_new(gateway: Gateway, tmp_path: Path) -> None:
    with closing(receiving.open_copy_of("maple-gw", f"sqlite:///{tmp_path / 'copy.db'}")) as copy:
        while (made := shipping.piece(gateway.reader, receiving.held(copy), HEAD, NINE)) is not None:
            copy.rollback()
            receiving.take(copy, made)
        gateway.reader.rollback()
        gateway.hears(HAVE, written(receiving.held(copy)))
    gateway.uplink.tend(NINE, is_free=True)
    assert gateway.said == []
    gateway.uplink._spoke_s -= WORD_S
    gateway.uplink._next_s = 0.0
    gateway.uplink.tend(NINE, is_free=True)
    ((_, payload),) = gateway.said
    word = unpacked(payload)
    assert not word.is_full and word.head == gateway.record.head().number


def test_a_command_is_carried_out_once_and_answered_however_often_it_comes(
    gateway: Gateway,
) -> None:
    note(gateway, "k1")
    note(gateway, "k1")
    gateway.start()
    note(gateway, "k1")
    assert gateway.notes() == 1
    assert [each.get("ticket") for each in gateway.answers()] == [TICKET] * 3
    note(gateway, "k2")
    assert gateway.notes() == 2


def test_a_command_whose_transaction_is_undone_is_left_by_the_next(gateway: Gateway) -> None:
    said = Bid("k1", {"do": "note", "ticket": TICKET, "by": "Dora", "role": "district", "note": "on our way"})
    assert gateway.hears(COMMAND, written(said))
    gateway.uplink.write(gateway.record.connection, NINE)
    abandon(gateway.record.connection)
    gateway._commit()
    gateway.errands.tend(gateway.record.now)
    gateway.uplink.tend(gateway.record.now, is_free=True)
    assert gateway.notes() == 1 and [each.get("ticket") for each in gateway.answers()] == [TICKET]


def test_what_the_state_does_not_allow_is_answered_with_its_reason(gateway: Gateway) -> None:
    gateway.bid("k", do="reopen", ticket=TICKET, by="Dora", role="district")
    (answer,) = gateway.answers()
    assert TICKET in str(answer["refused"]) or "reopen" in str(answer["refused"])


def test_a_gateway_obeys_only_where_its_own_file_says_so(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, commands=False)
    note(gateway, "k1")
    (answer,) = gateway.answers()
    assert "[centre] commands = true" in str(answer["refused"]) and gateway.notes() == 0
    gateway.reader.close()
    gateway.record.end()


@pytest.mark.parametrize("do", ["import", "test_notice", "run", None])
def test_a_centre_may_do_what_people_do_to_tickets_and_nothing_else(gateway: Gateway, do: str | None) -> None:
    gateway.bid("k1", do=do, file="/etc/passwd")
    (answer,) = gateway.answers()
    assert "nothing that a centre may have done" in str(answer["refused"])


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"key": 1}', b"\xff", b'{"version": 3}'])
@pytest.mark.parametrize("topic", [HAVE, COMMAND])
def test_what_cannot_be_read_stops_nothing(gateway: Gateway, topic: str, payload: bytes) -> None:
    assert gateway.hears(topic, payload)
    gateway.uplink.tend(NINE, is_free=True)
    assert gateway.said == []


def test_without_a_centre_nobody_is_listened_to() -> None:
    assert topics(Settings.model_construct(mqtt=Mqtt(), centre=Centre())) == []


def test_a_fault_of_ours_stops_no_watch(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.reader.close()
    gateway.hears(HAVE, written(Held(HEAD)))
    gateway.uplink.tend(NINE, is_free=True)
    gateway.uplink.tend(NINE, is_free=True)
    assert gateway.said == [] and caplog.text.count("cannot be sent to the centre") == 1


def test_no_word_of_the_centre_ends_a_gateway(gateway: Gateway) -> None:
    assert gateway.hears(HAVE, b"[" * 100_000)
    gateway.bid("k", do=["note"], ticket=TICKET)
    (answer,) = gateway.answers()
    assert "is nothing that a centre may have done" in str(answer["refused"])
    note(gateway, "k2")
    note(gateway, "k2")
    assert gateway.notes() == 1, "it goes on"
