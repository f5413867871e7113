"""What was seen of a broker, judged: both sides of every limit, and a mend for whatever is not well."""

import pytest

from safetyd.doctor.broker_findings import SENT, WINDOW, Seen, broker_findings
from safetyd.doctor.finding import Finding, State, is_sound, tally

GOOD = Seen(
    "127.0.0.1:1883",
    version="mosquitto version 2.0.11",
    status="online",
    said=("a/b", "c"),
    denied=(),
    reads_all=True,
    has_session=True,
    kept=SENT,
    window=WINDOW,
    promised=WINDOW,
    strangers=False,
    is_open=False,
)


def finding(about: str, *, is_running: bool = True, **seen: object) -> Finding:
    found = {each.about: each for each in broker_findings(GOOD._replace(**seen), is_running=is_running)}
    return found[about]


def test_a_good_broker_is_well_but_for_what_only_its_restart_would_show() -> None:
    found = list(broker_findings(GOOD, is_running=True))
    assert [each.about for each in found if each.state is not State.OK] == ["restart"]


def test_whatever_is_not_well_says_what_to_do() -> None:
    worst = Seen("x:1", is_open=True, denied=("a",), unheard=("b",), kept=0, strangers=True, largest=100)
    for seen in (
        worst,
        GOOD._replace(kept=1, window=1),
        GOOD._replace(refused="no"),
        Seen("x:1", unproved="so"),
    ):
        for each in broker_findings(seen, is_running=True):
            assert each.do or each.state is State.OK, each


def test_where_nobody_is_let_in_nothing_else_is_said() -> None:
    (only,) = broker_findings(GOOD._replace(refused="it refuses us: Not authorized"), is_running=True)
    assert only.state is State.BAD and "Not authorized" in only.seen and "password_file" in only.do


@pytest.mark.parametrize(("kept", "state"), [(SENT, State.OK), (SENT - 1, State.BAD), (1000, State.BAD)])
def test_a_queue_that_drops_one_message_is_bad(kept: int, state: State) -> None:
    assert finding("queue", kept=kept).state is state


def test_what_was_dropped_is_told_with_the_lines_that_mend_it() -> None:
    found = finding("queue", kept=1000)
    assert "of 1,100 messages it kept 1,000" in found.seen and "max_queued_messages 10000000" in found.do


@pytest.mark.parametrize("seen", [{"kept": 0}, {"has_session": False}])
def test_a_session_that_is_not_kept_is_bad(seen: dict[str, object]) -> None:
    assert finding("session", **seen).state is State.BAD


def test_a_session_that_is_forgotten_after_a_while_is_warned_of() -> None:
    assert finding("session", forgets_after_s=7200).seen == "it forgets us after 2.0 h"


@pytest.mark.parametrize(
    ("window", "promised", "state"),
    [
        (WINDOW, WINDOW, State.OK),
        (WINDOW, None, State.OK),
        (WINDOW - 1, WINDOW, State.WARN),
        (WINDOW, 20, State.WARN),
    ],
)
def test_the_window_is_the_smaller_of_what_is_named_and_what_came(
    window: int, promised: int | None, state: State
) -> None:
    assert finding("window", window=window, promised=promised).state is state


@pytest.mark.parametrize(("largest", "state"), [(None, State.OK), (65536, State.OK), (65535, State.WARN)])
def test_a_broker_that_takes_only_small_messages_is_warned_of(largest: int | None, state: State) -> None:
    assert finding("message size", largest=largest).state is state


@pytest.mark.parametrize(
    ("status", "is_running", "state"),
    [
        ("online", True, State.OK),
        ("online", False, State.WARN),
        ("offline", True, State.BAD),
        ("", True, State.BAD),
        ("offline", False, State.OK),
        ("", False, State.OK),
    ],
)
def test_our_status_there_goes_with_what_runs_here(status: str, is_running: bool, state: State) -> None:
    assert finding("our status", is_running=is_running, status=status).state is state


@pytest.mark.parametrize(
    ("strangers", "write", "is_open", "state"),
    [
        (False, None, True, State.OK),
        (True, False, True, State.OK),
        (True, True, False, State.OK),
        (True, True, True, State.WARN),
        (True, None, True, State.WARN),
        (True, True, None, State.WARN),
        (None, None, True, State.UNCHECKED),
    ],
)
def test_who_may_send_readings_without_a_name_from_elsewhere_is_warned_of(
    strangers: bool | None, write: bool | None, is_open: bool | None, state: State
) -> None:
    found = finding("who gives no name", strangers=strangers, strangers_write=write, is_open=is_open)
    assert found.state is state


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("mosquitto version 2.0.11", State.OK),
        ("mosquitto version 1.6.9", State.WARN),
        ("another 1.0", State.OK),
        ("", State.UNCHECKED),
    ],
)
def test_the_version_is_what_the_broker_says(version: str, state: State) -> None:
    assert finding("version", version=version).state is state


def test_rights_that_are_refused_are_named() -> None:
    assert finding("our rights to write", denied=("a/b", "c")).seen == "refused: a/b, c"
    assert finding("our rights to read", unheard=("d/#",)).state is State.BAD
    assert finding("our rights to write", denied=None).state is State.UNCHECKED


@pytest.mark.parametrize(
    ("version", "reads_all", "state"),
    [
        ("mosquitto version 2.0.11", True, State.OK),
        ("mosquitto version 2.0.11", False, State.UNCHECKED),
        ("", False, State.UNCHECKED),
        ("another 1.0", False, State.OK),
    ],
)
def test_what_mosquitto_grants_is_no_proof_of_what_it_lets_through(
    version: str, reads_all: bool, state: State
) -> None:
    assert finding("our rights to read", version=version, reads_all=reads_all).state is state


def test_in_the_clear_over_the_network_is_warned_of_and_on_this_machine_is_not() -> None:
    assert finding("encryption", is_open=True).state is State.WARN
    assert finding("encryption", is_open=False).state is State.OK
    assert finding("encryption", is_open=True, is_encrypted=True).state is State.OK


def test_all_is_sound_unless_something_is_bad() -> None:
    one = Finding("a", "b", State.WARN, "c")
    assert is_sound([one, one._replace(state=State.UNCHECKED)])
    assert not is_sound([one, one._replace(state=State.BAD)])
    assert tally([one, one, one._replace(state=State.BAD)]) == "2 warn, 1 bad"
