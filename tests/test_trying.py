"""The promise: a test notice reaches one person by the way of every notice, and troubles nobody else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from safetyd.core.errors import ActionError, SafetydError, TransitionError
from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.sparing import Quiet
from safetyd.core.trial import BETWEEN, MOST_AN_HOUR
from safetyd.shapes import quiet_hours
from safetyd.site import Site
from safetyd.store import outbox, told, unreached
from safetyd.trying import carry_out
from tests.desk import HOUR, SECOND, T0, Desk, Hook, person, site
from tests.journeys.servers import WITHIN

REFUSED = 410


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def address(hook: Hook) -> str:
    url = hook.settings.url
    assert url is not None
    return url.get_secret_value().replace("http://", "json://")


def school(hook: Hook, **more: Any) -> Site:
    boss = person("Ann Lee", address(hook), roles=(Role.ADMINISTRATOR,))
    return site(boss, replace(person("Bo Ruiz", address(hook)), **more), person("Cy Moe"))


def ask(desk: Desk, name: str = "Bo Ruiz", by: str = "Ann Lee", **more: str) -> str:
    said = {"do": "test_notice", "person": name, "by": by, **more}
    says = str(carry_out(desk.service, said, desk.now)["says"])
    desk.commit()
    desk.dispatch.look(desk.now)
    return says


def test_it_reaches_that_person_alone_marked_as_a_test_and_is_on_record(hook: Hook) -> None:
    desk = Desk(school(hook))
    assert ask(desk, note="new phone") == "a test notice is on its way to Bo Ruiz, at 1 address"
    desk.turn()
    text = hook.heard.get(timeout=WITHIN)
    assert "Riverbend: test" in text and "Nothing is wrong" in text
    assert "Ann Lee (administrator) wants to know" in text and "new phone" in text
    assert hook.heard.empty()
    (kept,) = outbox.notices(desk.service.connection)
    assert (kept["reason"], kept["ticket"], kept["tickets"], kept["to"]) == ("test", None, None, ["Bo Ruiz"])
    assert desk.record()["Bo Ruiz"]["state"] == "accepted"


def test_it_does_not_wait_for_the_end_of_quiet_hours(hook: Hook) -> None:
    quiet = quiet_hours("00:00-23:59")
    assert isinstance(quiet, Quiet)
    desk = Desk(school(hook, quiet=quiet))
    ask(desk)
    desk.turn()
    assert desk.record()["Bo Ruiz"]["state"] == "accepted"


def test_an_address_that_refuses_it_is_a_trouble_and_nobody_is_told_instead(hook: Hook) -> None:
    desk = Desk(school(hook))
    hook.answers = [REFUSED]
    ask(desk)
    desk.turn()
    assert hook.heard.get(timeout=WITHIN) and hook.heard.empty()
    (only,) = desk.deliveries()
    assert (only["state"], only["went_to"]) == ("given_up", [])
    assert list(desk.troubles()) and "Bo Ruiz" in next(iter(desk.troubles()))


def test_an_address_that_rests_is_tried_all_the_same_and_is_good_again_when_it_accepts(hook: Hook) -> None:
    desk = Desk(school(hook))
    hook.answers = [REFUSED]
    ask(desk)
    desk.turn()
    desk.now += BETWEEN
    ask(desk)
    desk.turn()
    found = [each for each in told.newest(desk.service.connection, 9) if each.reason is Reason.TEST]
    assert [each.state.value for each in found] == ["accepted", "given_up"]
    assert desk.troubles() == {}


def test_a_test_that_reaches_nobody_is_no_matter_for_the_last_resort(hook: Hook) -> None:
    desk = Desk(school(hook))
    hook.answers = [503]
    ask(desk)
    desk.turn()
    assert desk.deliveries()[0]["state"] == "waiting"
    assert unreached.unreached(desk.service.connection, T0 - HOUR) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": "Bo Ruis"}, "did you mean 'Bo Ruiz'?"),
        ({"name": "Cy Moe"}, "has no address"),
        ({"by": "Nobody Known"}, "does not know Nobody Known"),
        ({"by": "Nobody Known", "role": "educator"}, "is for facilities, administrator or district"),
        ({"role": "district"}, "is administrator here and not district"),
        ({"ticket": "maple-2026-0001"}, "has no key 'ticket'"),
        ({"by": " "}, "by: ' ' is no text"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(hook: Hook, said: dict[str, str], words: str) -> None:
    desk = Desk(school(hook))
    with pytest.raises(ActionError, match=words.replace("?", r"\?")):
        ask(desk, **said)
    assert outbox.notices(desk.service.connection) == []


def test_one_person_is_tried_once_in_five_minutes(hook: Hook) -> None:
    desk = Desk(school(hook))
    ask(desk)
    ask(desk, "Ann Lee")
    desk.now = T0 + BETWEEN - SECOND
    with pytest.raises(TransitionError, match="the next may go in 1 s"):
        ask(desk)
    desk.now = T0 + BETWEEN
    ask(desk)


def test_twenty_tests_may_go_in_an_hour_whoever_they_try(hook: Hook) -> None:
    many = [person(f"Person {number}", address(hook)) for number in range(MOST_AN_HOUR + 1)]
    boss = person("Ann Lee", address(hook), roles=(Role.ADMINISTRATOR,))
    desk = Desk(site(boss, *many))
    for number in range(MOST_AN_HOUR):
        ask(desk, f"Person {number}")
        desk.now += SECOND
    with pytest.raises(SafetydError, match="20 test notices were sent within an hour"):
        ask(desk, f"Person {MOST_AN_HOUR}")
    desk.now = T0 + HOUR - SECOND
    with pytest.raises(SafetydError):
        ask(desk, f"Person {MOST_AN_HOUR}")
    desk.now = T0 + HOUR
    ask(desk, f"Person {MOST_AN_HOUR}")


def test_what_was_asked_and_not_committed_counts_too(hook: Hook) -> None:
    desk = Desk(school(hook))
    said = {"do": "test_notice", "person": "Bo Ruiz", "by": "Ann Lee"}
    carry_out(desk.service, said, desk.now)
    with pytest.raises(TransitionError):
        carry_out(desk.service, said, desk.now)


def test_the_newest_deliveries_are_found_by_address(hook: Hook) -> None:
    desk = Desk(school(hook))
    ask(desk)
    desk.turn()
    desk.now += HOUR
    ask(desk, "Ann Lee")
    desk.turn()
    found = told.newest(desk.service.connection, 1)
    assert [(each.person, each.reason, each.state.value) for each in found] == [
        ("Ann Lee", Reason.TEST, "accepted")
    ]
    assert len(told.newest(desk.service.connection, 5)) == 2
