"""Who sees and does what: every route, by every role and by nobody."""

from itertools import chain

import pytest

from safetyd.core.closure import ClosureVerb
from safetyd.core.model import Role
from safetyd.core.ticket import Verb
from safetyd.store.accounts import Scope
from safetyd.web.access import RIGHTS, Right
from safetyd.web.door import FAILURES, WITHIN_S, Failures
from safetyd.web.routes import ROUTES, Route
from tests.web.school import HERE, School

SEEN = [
    "rooms",
    "readings",
    "tickets",
    "whatif",
    "troubles",
    "sensors",
    "metrics",
    "people",
    "calendar",
    "rules",
]
KEEP = ["assign", "addresses", "test_notice"]
DONE = ["acknowledge", "relieve", "note", "extend", "dispute", "close", "reopen", "accounts", *KEEP]
CLOSING = ["tell_district", "close_building", "lift", "confirm_lift"]
WORK = ["acknowledge", "relieve", "note", "close", "reopen", "tell_district", *KEEP]
MAY = {
    Role.FACILITIES: [*SEEN, "report", *WORK],
    Role.ADMINISTRATOR: [*SEEN, "names", "report", *DONE, *CLOSING],
    Role.DISTRICT: [*SEEN, "names", "report", *DONE, *CLOSING],
    Role.SAFETY_COMMITTEE: [*SEEN, "report", "dispute"],
    Role.ASSOCIATION: [*SEEN, "names", "report", "dispute"],
    Role.EDUCATOR: ["rooms", "readings", "calendar", "rules", "report"],
}
LOCKED = [each for each in ROUTES if each.right is not None]
NEEDED = {"readings": "?building=maple&room=12", "explanation": "?building=maple&room=12"}


def ask(school: School, route: Route, token: str = "") -> int:
    """Ask, or act with a key that nobody knows: who may is told so."""
    path = route.path.replace("{id}", school.ids[1]) + NEEDED.get(route.name, "")
    return school.ask(path, token, {"nonsense": 1} if route.acts else None).status


def test_the_table_says_what_it_ought_to() -> None:
    assert {role: {right.value for right in rights} for role, rights in RIGHTS.items()} == {
        role: set(words) for role, words in MAY.items()
    }
    assert set(MAY) == set(Role) and {*chain(*MAY.values())} == {right.value for right in Right}


def test_every_action_on_a_ticket_has_its_right_and_route() -> None:
    acting = {each.name for each in ROUTES if each.acts}
    assert acting == {*map(str, Verb), *map(str, ClosureVerb), "report", "assign", "unassign"}
    assert acting - {"unassign"} == {str(each.right) for each in ROUTES if each.acts}


@pytest.mark.parametrize("role", Role)
def test_every_route_is_open_to_a_role_or_refused_by_the_table(at_school: School, role: Role) -> None:
    token = at_school.token(role, "maple")
    for route in LOCKED:
        allowed = str(route.right) in MAY[role]
        assert ask(at_school, route, token) == ((400 if route.acts else 200) if allowed else 403), route.path


@pytest.mark.parametrize("role", Role)
def test_a_token_to_read_acts_nowhere(at_school: School, role: Role) -> None:
    token = at_school.token(role, scope=Scope.READ)
    assert {ask(at_school, route, token) for route in LOCKED if route.acts} == {403}


def test_nobody_and_an_unknown_token_see_and_do_nothing(at_school: School) -> None:
    for route in LOCKED:
        assert ask(at_school, route) == 401, route.path
    assert ask(at_school, LOCKED[0], "safetyd_" + "x" * 43) == 401


def test_what_needs_no_login_is_health_and_the_document() -> None:
    assert {each.name for each in ROUTES if each.right is None} == {"health", "openapi"}


def test_figures_are_for_this_machine_or_a_token(at_school: School) -> None:
    assert at_school.ask("/metrics", address=HERE).status == 200
    assert at_school.ask("/metrics", address=("::1", 1)).status == 200
    assert at_school.ask("/metrics").status == 401
    for header in ("x-forwarded-for", "forwarded", "via"):
        assert at_school.ask("/metrics", headers={header: "192.0.2.1"}, address=HERE).status == 401
    assert at_school.ask("/metrics", at_school.token(Role.ASSOCIATION)).status == 200
    assert at_school.ask("/metrics", "nonsense", address=HERE).status == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer\x00", "bearer \udcff"])
def test_a_header_that_is_no_token_lets_nobody_in(at_school: School, header: str) -> None:
    answer = at_school.ask("/api/v1/rooms", headers={"authorization": header})
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")


def test_too_many_unknown_tokens_are_told_to_wait_and_a_good_one_is_let_in(at_school: School) -> None:
    token = at_school.token(Role.DISTRICT)
    told = [at_school.ask("/api/v1/rooms", f"guess{n}").status for n in range(FAILURES + 1)]
    assert told == [401] * (FAILURES - 1) + [429] * 2
    waiting = at_school.ask("/api/v1/rooms", "guess")
    assert 0 < int(waiting.headers["retry-after"]) <= WITHIN_S + 1
    assert at_school.ask("/api/v1/rooms", token).status == 200
    assert at_school.ask("/api/v1/rooms", "guess", address=("192.0.2.8", 1)).status == 401


def test_the_wait_ends_a_minute_after_the_first_failure() -> None:
    now_s = [0.0]
    failures = Failures(lambda: now_s[0])
    waits = [failures.note("a") for _ in range(FAILURES)]
    assert waits == [0.0] * (FAILURES - 1) + [WITHIN_S]
    now_s[0] = WITHIN_S - 1
    assert failures.note("a") == 1
    now_s[0] = WITHIN_S
    assert failures.note("a") == 0


def test_addresses_without_end_are_not_remembered_without_end() -> None:
    failures = Failures(lambda: 0.0)
    for number in range(3000):
        failures.note(str(number))
    assert len(failures._failed) == 1000


def test_what_belongs_to_no_building_is_for_who_sees_all(at_school: School) -> None:
    bound, free = at_school.token(Role.FACILITIES, "maple"), at_school.token(Role.FACILITIES)
    assert {each["building"] for each in at_school.ask("/api/v1/rooms", bound).json["rooms"]} == {"maple"}
    assert len({each["building"] for each in at_school.ask("/api/v1/rooms", free).json["rooms"]}) == 2
    for path in ("tickets", "sensors", "rooms", "troubles"):
        refused = at_school.ask(f"/api/v1/{path}?building=cedar", bound)
        unknown = at_school.ask(f"/api/v1/{path}?building=oak", bound)
        assert refused.status == unknown.status == 400
        assert refused.json["detail"].replace("cedar", "oak") == unknown.json["detail"]
