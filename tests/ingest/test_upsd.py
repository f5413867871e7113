"""What upsd says becomes a word on the mains or a fault, however it says it and whatever it is."""

import json
import select
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safetyd.ingest.message import Message
from safetyd.ingest.native import decode
from safetyd.ingest.upsd import ANSWER_WITHIN, LONGEST_ANSWER, Upsd, mains_of
from tests.examples import examples

PATIENCE = 10.0  # seconds for what takes none
TOPIC = "safetyd/power/lincoln/ups-closet"
SECOND = timedelta(seconds=1)


class Peer:
    """Whoever listens where upsd should, and the one who asks; time passes when the test says so."""

    def __init__(self, name: str = "closet", **options: str) -> None:
        self.now = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(PATIENCE)
        self.port = self.listening.getsockname()[1]
        self.talking: socket.socket | None = None
        self.heard = b""
        self.upsd = Upsd("127.0.0.1", self.port, name, SECOND, lambda: self.now, topic=TOPIC, **options)

    def wait(self, **span: float) -> list[Message]:
        """Let time pass, and let safetyd do what is due."""
        self.now += timedelta(**span)
        return self.upsd.tend(self.now)

    def asked(self) -> str:
        """Return the next line that safetyd says, after a new connection if there is none."""
        told = self.upsd.tend(self.now)
        assert not told
        if self.talking is None:
            self.talking, _ = self.listening.accept()
            self.talking.settimeout(PATIENCE)
        while b"\n" not in self.heard:
            if self.upsd.wants_to_write:
                select.select([], [self.upsd.socket()], [], PATIENCE)
                assert not self.upsd.tend(self.now)
            received = self.talking.recv(4096)
            assert received, "safetyd hung up"
            self.heard += received
        line, _, self.heard = self.heard.partition(b"\n")
        return line.decode()

    def says(self, data: str | bytes) -> list[Message]:
        """Say something as one packet, and return what safetyd makes of it."""
        assert self.talking is not None
        self.talking.sendall(data.encode() if isinstance(data, str) else data)
        return self.tended()

    def tended(self) -> list[Message]:
        select.select([self.upsd.socket()], [], [], PATIENCE)
        return self.upsd.tend(self.now)

    def answers(self, data: str) -> list[Message]:
        """Answer the next question."""
        assert self.asked() == "LIST VAR closet"
        return self.says(data)

    def reports(self, status: str, **more: str) -> list[Message]:
        """Let a second pass and answer with variables: `input_voltage="119"`."""
        self.now += SECOND
        return self.answers(variables(status, **more))

    def hangs_up(self) -> None:
        assert self.talking is not None
        self.talking.close()
        self.talking, self.heard = None, b""

    def close(self) -> None:
        self.upsd.close()
        self.listening.close()
        if self.talking is not None:
            self.talking.close()


def variables(status: str, **more: str) -> str:
    values = {"ups.status": status} | {name.replace("_", ".", 1): value for name, value in more.items()}
    lines = [f'VAR closet {name} "{value}"\n' for name, value in values.items()]
    return "".join(["BEGIN LIST VAR closet\n", *lines, "END LIST VAR closet\n"])


def said(told: list[Message]) -> dict[str, object]:
    (message,) = told
    return dict(json.loads(message.payload))


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


# a word on the mains


def test_a_ups_on_line_says_that_the_mains_are_on(peer: Peer) -> None:
    (message,) = peer.reports(
        "OL CHRG", input_voltage="118.4", battery_charge="96", ups_realpower="41", output_voltage="120.0"
    )
    assert (message.topic, message.received_at, message.retain) == (TOPIC, peer.now, False)
    read = decode(message.payload)
    assert (read.mains, read.voltage, read.battery, read.power_w) == (True, 118.4, 96, 41)
    assert not peer.upsd.fault and not peer.upsd.is_dying


def test_the_output_of_a_ups_is_no_mains_voltage(peer: Peer) -> None:
    told = peer.reports("OB DISCHRG", output_voltage="120.1", input_voltage_nominal="120")
    assert said(told) == {"mains": False}


@pytest.mark.parametrize(
    ("status", "mains"),
    [
        ("OL", True),
        ("OL CHRG", True),
        ("ALARM OL RB", True),
        ("OL BOOST", True),
        ("OL CAL DISCHRG", True),
        ("FSD OL", True),
        ("OL LB CHRG", True),
        ("OB", False),
        ("OB DISCHRG", False),
        ("FSD OB LB", False),
        ("ALARM OB LB RB", False),
        ("", None),
        ("WAIT", None),
        ("OFF", None),
        ("OL OFF", None),
        ("COMMLOST", None),
        ("OL COMMLOST", None),
        ("OL OB", None),
        ("OB CAL", None),
        ("OB DISCHRG TEST", None),
        ("CHRG LB", None),
        ("ol", None),
        ("OLD", None),
        ("OL,OB", None),
    ],
)
def test_only_a_plain_word_counts(status: str, mains: bool | None) -> None:
    assert mains_of(frozenset(status.split())) is mains


@pytest.mark.parametrize(
    ("status", "is_dying"),
    [
        ("OB", False),
        ("OB DISCHRG LB", True),
        ("LB OL CHRG", False),
        ("FSD OB LB", True),
        ("FSD OL", True),
        ("OB CAL LB", False),
    ],
)
def test_a_ups_that_is_about_to_order_a_shutdown_is_dying(peer: Peer, status: str, is_dying: bool) -> None:
    peer.reports(status)
    assert peer.upsd.is_dying is is_dying


def test_a_ups_that_got_its_mains_back_is_no_longer_dying(peer: Peer) -> None:
    peer.reports("OB LB")
    peer.reports("OL LB CHRG")
    assert not peer.upsd.is_dying


def test_a_status_without_a_word_is_a_fault_and_no_message(peer: Peer) -> None:
    assert peer.reports("OFF", input_voltage="119") == []
    assert peer.upsd.fault == 'UPS closet says "OFF", which is no word on the mains'


def test_a_ups_without_a_status_is_a_fault_and_no_message(peer: Peer) -> None:
    assert peer.answers('BEGIN LIST VAR closet\nVAR closet input.voltage "119"\nEND LIST VAR closet\n') == []
    assert peer.upsd.fault == 'UPS closet says "", which is no word on the mains'


@pytest.mark.parametrize("voltage", ["0", "0.0", "nan", "inf", "1e999", "", "n/a", "1_2"])
def test_a_voltage_that_cannot_be_is_left_out_while_the_mains_are_on(peer: Peer, voltage: str) -> None:
    assert said(peer.reports("OL DISCHRG", input_voltage=voltage)) == {"mains": True}


def test_no_voltage_on_battery_is_told(peer: Peer) -> None:
    assert said(peer.reports("OB", input_voltage="0.0")) == {"mains": False, "voltage": 0}


# how often


def test_a_change_is_told_at_once_and_the_rest_once_a_minute(peer: Peer) -> None:
    told = [(second, each) for second in range(1, 131) for each in peer.reports("OL")]
    assert [second for second, _ in told] == [1, 61, 121]
    assert said(peer.reports("OB")) == {"mains": False}
    assert peer.reports("OB DISCHRG") == []
    assert said(peer.reports("OL CHRG")) == {"mains": True}


def test_after_a_fault_the_first_word_is_told_at_once(peer: Peer) -> None:
    peer.reports("OL")
    peer.now += SECOND
    assert peer.answers("ERR DATA-STALE\n") == []
    assert said(peer.reports("OL")) == {"mains": True}
    assert not peer.upsd.fault


def test_it_asks_as_often_as_it_was_told(peer: Peer) -> None:
    began = peer.now
    peer.answers(variables("OL"))
    assert peer.upsd.next_at == began + SECOND
    assert peer.wait(seconds=0.9) == [] and not peer.upsd.wants_to_write
    peer.wait(seconds=0.1)
    assert peer.asked() == "LIST VAR closet"


def test_a_clock_that_was_put_back_does_not_silence_it(peer: Peer) -> None:
    peer.answers(variables("OL"))
    peer.now -= timedelta(hours=1)
    assert said(peer.answers(variables("OL"))) == {"mains": True}


# how it is said


def test_an_answer_in_pieces_is_one_answer(peer: Peer) -> None:
    assert peer.asked() == "LIST VAR closet"
    *pieces, last = variables("OB", input_voltage="3.5")
    assert [peer.says(piece) for piece in pieces] == [[]] * len(pieces)
    assert said(peer.says(last)) == {"mains": False, "voltage": 3.5}


def test_quotes_and_backslashes_in_a_value_are_harmless(peer: Peer) -> None:
    assert peer.asked() == "LIST VAR closet"
    told = peer.says(
        "BEGIN LIST VAR closet\n"
        r'VAR closet ups.mfr "a \"big\" \\ one: VAR closet ups.status \"OB\""' + "\n"
        'VAR closet ups.model "caf\xe9"\n'
        'VAR closet ups.status "OL"\n'
        "VAR closet input.voltage 119\n"  # a line that cannot be read leaves the others standing
        "VAR closet odd\n"
        "END LIST VAR closet\n"
    )
    assert said(told) == {"mains": True}


def test_a_name_and_a_password_come_before_the_first_question() -> None:
    peer = Peer(username="watch", password='two "words"')
    try:
        lines = [peer.asked() for _ in range(3)]
        assert lines == ['USERNAME "watch"', r'PASSWORD "two \"words\""', "LIST VAR closet"]
        assert said(peer.says("OK\nOK\n" + variables("OL"))) == {"mains": True}
        assert said(peer.reports("OB")) == {"mains": False}
    finally:
        peer.close()


# errors of upsd


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("DRIVER-NOT-CONNECTED", "Driver not connected"),
        ("DATA-STALE", "Data stale"),
        ("ACCESS-DENIED", "denies us access to UPS closet"),
        ("ACCESS-DENIED and why", "denies us access to UPS closet"),
        ("SOMETHING-NEW", 'refuses to speak of UPS closet: "SOMETHING-NEW"'),
        ("", "refuses to speak of UPS closet"),
    ],
)
def test_an_error_is_put_into_words_and_is_no_message(peer: Peer, error: str, words: str) -> None:
    peer.reports("OL")
    peer.now += timedelta(minutes=2)
    assert peer.answers(f"ERR {error}\n") == []
    assert words in peer.upsd.fault
    assert said(peer.reports("OL")) == {"mains": True}
    assert not peer.upsd.fault


def test_an_unknown_ups_is_told_with_those_that_are_known(peer: Peer) -> None:
    assert peer.answers("ERR UNKNOWN-UPS\n") == []
    assert peer.asked() == "LIST UPS"
    peer.says('BEGIN LIST UPS\nUPS rack "Server rack"\nUPS gate "Description unavailable"\nEND LIST UPS\n')
    assert peer.upsd.fault == "UPS closet is unknown to upsd; known: rack, gate"
    assert said(peer.reports("OL")) == {"mains": True}


def test_of_many_known_a_few_are_told(peer: Peer) -> None:
    peer.answers("ERR UNKNOWN-UPS\n")
    assert peer.asked() == "LIST UPS"
    names = "".join(f'UPS {"u" * 200}{number} ""\n' for number in range(100))
    peer.says(f"BEGIN LIST UPS\n{names}END LIST UPS\n")
    assert len(peer.upsd.fault) < 500


def test_a_upsd_that_knows_none_says_so(peer: Peer) -> None:
    peer.answers("ERR UNKNOWN-UPS\n")
    assert peer.asked() == "LIST UPS"
    peer.says("BEGIN LIST UPS\nEND LIST UPS\n")
    assert peer.upsd.fault == "UPS closet is unknown to upsd; known: none"


# lost and found


def silence(peer: Peer) -> str:
    return f"upsd does not answer at 127.0.0.1:{peer.port}"


def attempts(peer: Peer, seconds: int) -> list[int]:
    """Return after how many seconds safetyd tried to connect, in so many seconds of an upsd that is away."""
    found, before = [], peer.now
    while peer.now < before + timedelta(seconds=seconds):
        due = peer.upsd.next_at
        peer.now = max(peer.now, due)
        assert peer.upsd.tend(peer.now) == []
        if peer.upsd.socket() is not None:
            peer.tended()
        assert peer.upsd.fault.startswith(silence(peer))
        found.append(int((peer.now - before).total_seconds()))
    return found


def test_an_absent_upsd_is_tried_again_with_growing_pauses(peer: Peer) -> None:
    peer.listening.close()
    assert attempts(peer, 120) == [0, 1, 3, 7, 15, 31, 61, 91, 121]


def test_a_upsd_that_comes_back_is_found_again(peer: Peer) -> None:
    peer.reports("OL")
    peer.listening.close()
    peer.hangs_up()
    peer.tended()
    attempts(peer, 60)
    peer.listening = socket.create_server(("127.0.0.1", peer.port))
    peer.now = peer.upsd.next_at
    assert said(peer.answers(variables("OL"))) == {"mains": True}
    assert not peer.upsd.fault
    peer.listening.close()
    peer.hangs_up()
    peer.tended()
    peer.now += SECOND
    assert attempts(peer, 5) == [0, 1, 3, 7]  # the pauses are short again


def test_a_upsd_that_hangs_up_before_it_answered_is_a_fault(peer: Peer) -> None:
    peer.reports("OL")
    peer.now += SECOND
    assert peer.asked() == "LIST VAR closet"
    peer.says('BEGIN LIST VAR closet\nVAR closet ups.status "OL"\n')
    peer.hangs_up()
    assert peer.tended() == []
    assert peer.upsd.fault.startswith(silence(peer))
    peer.now = peer.upsd.next_at
    assert said(peer.answers(variables("OL"))) == {"mains": True}


def test_a_upsd_that_hangs_up_between_questions_is_none(peer: Peer) -> None:
    peer.reports("OL")
    peer.hangs_up()
    assert peer.tended() == [] and not peer.upsd.fault
    assert peer.upsd.socket() is None
    assert said(peer.reports("OB")) == {"mains": False}


def test_a_upsd_that_does_not_answer_is_a_fault_after_two_seconds(peer: Peer) -> None:
    assert peer.asked() == "LIST VAR closet"
    peer.wait(seconds=1.9)
    assert not peer.upsd.fault
    peer.wait(seconds=0.1)
    assert peer.upsd.fault.startswith(silence(peer))
    assert peer.upsd.socket() is None and peer.upsd.next_at == peer.now + SECOND


def test_an_answer_that_trickles_is_not_waited_for(peer: Peer) -> None:
    assert peer.asked() == "LIST VAR closet"
    peer.says("BEGIN LIST VAR closet\n")
    began = peer.now
    while not peer.upsd.fault:
        peer.now += SECOND / 4
        assert peer.says('VAR closet ups.status "OL"\n') == []
    assert peer.now - began == ANSWER_WITHIN


def test_the_last_word_of_a_dying_ups_is_kept_when_upsd_goes(peer: Peer) -> None:
    peer.reports("FSD OB LB")
    peer.now += SECOND
    assert peer.asked() == "LIST VAR closet"
    peer.hangs_up()
    peer.tended()
    assert peer.upsd.fault and peer.upsd.is_dying


@pytest.mark.parametrize(("host", "port"), [("a" * 64, 3493), ("127.0.0.1", 70000)])
def test_an_address_that_cannot_be_is_a_fault(host: str, port: int) -> None:
    now = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
    upsd = Upsd(host, port, "closet", SECOND, lambda: now, topic=TOPIC)
    for _ in range(3):
        assert upsd.tend(upsd.next_at) == []
        if upsd.socket() is not None:
            select.select([upsd.socket()], [], [], PATIENCE)
            upsd.tend(now)
    assert upsd.fault.startswith(f"upsd does not answer at {host}:{port}")


def test_a_name_with_two_addresses_is_tried_at_both(peer: Peer) -> None:
    upsd = Upsd("localhost", peer.port, "closet", SECOND, lambda: peer.now, topic=TOPIC)
    peer.listening.setblocking(False)
    for _ in range(4):
        upsd.tend(peer.now)
        if upsd.socket() is not None:
            select.select([], [upsd.socket()], [], PATIENCE)
        if select.select([peer.listening], [], [], 0)[0]:
            break
    else:
        pytest.fail(f"never called: {upsd.fault}")
    assert not upsd.fault
    upsd.close()


# whatever it is


@pytest.mark.parametrize(
    "garbage",
    [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "OK\n",
        "\n\n\n",
        "BEGIN LIST VAR other\n",
        "BEGIN LIST VAR closet\nVAR other ups.status \"OL\"\n",
        "BEGIN LIST VAR closet\nERR DATA-STALE\n",
        "END LIST VAR closet\n",
        variables("OL") + variables("OL"),
        variables("OL") + "more",
        b"\xff\xfe\x00\n",
    ],
)  # fmt: skip
def test_who_is_no_upsd_is_told_so_and_left(peer: Peer, garbage: str | bytes) -> None:
    assert peer.asked() == "LIST VAR closet"
    assert peer.says(garbage) == []
    assert peer.upsd.fault.startswith(f"What answers at 127.0.0.1:{peer.port} is no upsd")
    assert len(peer.upsd.fault) < 150 and peer.upsd.fault.isprintable()
    assert peer.upsd.socket() is None
    peer.hangs_up()
    peer.now = peer.upsd.next_at
    assert said(peer.answers(variables("OL"))) == {"mains": True}


def test_who_talks_unasked_is_left(peer: Peer) -> None:
    peer.reports("OL")
    assert peer.says('VAR closet ups.status "OB"\n') == []
    assert "is no upsd" in peer.upsd.fault


@pytest.mark.parametrize("piece", [b"x" * 1024, b'VAR closet a "b"\n' * 64])
def test_an_endless_answer_is_cut_off(peer: Peer, piece: bytes) -> None:
    assert peer.asked() == "LIST VAR closet"
    begin = "BEGIN LIST VAR closet\n"
    peer.says(begin)
    for _ in range((LONGEST_ANSWER - len(begin)) // len(piece)):
        assert peer.says(piece) == [] and not peer.upsd.fault
    assert peer.says(piece) == []
    assert "more than 65536 bytes" in peer.upsd.fault
    assert peer.upsd.socket() is None


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b"BEGIN LIST VAR closet\n", b"END LIST VAR closet\n", b"ERR UNKNOWN-UPS\n", b"ERR \n", b"\n"]
            ),
            st.binary(max_size=20).map(lambda text: b"VAR closet ups.status " + text + b"\n"),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(derandomize=True, max_examples=examples(150))
def test_no_bytes_raise_or_make_a_message_without_a_word(pieces: list[bytes]) -> None:
    peer = Peer()
    try:
        assert peer.asked() == "LIST VAR closet"
        for piece in pieces:
            if not piece or peer.upsd.socket() is None:
                continue
            for message in peer.says(piece):
                assert b'"OL"' in b"".join(pieces) or b'"OB"' in b"".join(pieces), message
    finally:
        peer.close()
