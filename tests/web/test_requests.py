"""What is asked badly is answered by a problem that names the parameter and the mend, and nothing happens."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safetyd.core.model import Role
from safetyd.store.database import open_for_reading
from safetyd.web.routes import BODY_BYTES, NOTE_BYTES
from tests.examples import examples
from tests.web.school import School

REPORT = {"building": "maple", "room": "12", "hazard": "leaks"}
TICKET = "/api/v1/tickets/{id}"


@pytest.fixture
def token(at_school: School) -> str:
    return at_school.token(Role.ADMINISTRATOR, "maple")


def left(school: School) -> int:
    """Return how many commands were left for the writer."""
    with open_for_reading(school.url) as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar() or 0)


def is_problem(answer: object, status: int, parameter: str | None, hint: str) -> None:
    assert answer.status == status, answer.body  # type: ignore[attr-defined]
    said = answer.json  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    assert said["status"] == status and said["title"] and said["type"] == "about:blank"
    assert said.get("parameter") == parameter and hint in said["detail"], said


@pytest.mark.parametrize(
    ("query", "parameter", "hint"),
    [
        ("tickets?satus=open", "satus", "did you mean 'status'"),
        ("tickets?status=opn", "status", "did you mean 'open'"),
        ("tickets?status=open&status=closed", "status", "give it once"),
        ("tickets?condition=wet", "condition", "cold, heat, outage, hazard"),
        ("tickets?building=mapel", "building", "did you mean 'maple'"),
        ("tickets?limit=0", "limit", "from 1 to 200"),
        ("tickets?limit=201", "limit", "from 1 to 200"),
        ("tickets?limit=1e2", "limit", "whole number"),
        ("tickets?limit=" + "9" * 5000, "limit", "whole number"),
        ("tickets?cursor=maple-1999-0001", "cursor", "as it came"),
        ("tickets?" + "x" * 5000 + "=1", "x" * 5000, "is no parameter"),
        ("tickets?%FF=1", "\ufffd", "is no parameter"),
        ("troubles?cursor=-1", "cursor", "as it came"),
        ("troubles?standing=maybe", "standing", "true, false"),
        ("readings", "building", "is needed"),
        ("readings?building=maple&room=13", "room", "no room of maple"),
        ("readings?building=maple&quantity=heat", "quantity", "heat_index"),
        ("readings?building=maple&from=yesterday", "from", "2026-12-01T16:05:00Z"),
        ("readings?building=maple&from=2026-02-02&to=2026-02-02", "from", "is not before"),
        ("readings?building=maple&every=1", "every", "expected"),
        ("readings?building=maple&every=7m", "every", "`from` is needed"),
        ("readings?building=maple&every=7m&from=2020-01-01&to=2020-01-20", "every", "at most 14 days"),
        ("readings?building=maple&every=1s&from=2020-01-01", "every", "longer spans"),
        ("rooms?room=12", "room", "it takes building"),
    ],
)
def test_a_parameter_that_will_not_do_is_named(
    at_school: School, token: str, query: str, parameter: str, hint: str
) -> None:
    is_problem(at_school.ask(f"/api/v1/{query}", token), 400, parameter, hint)


def test_an_empty_parameter_was_not_given(at_school: School, token: str) -> None:
    answer = at_school.ask("/api/v1/tickets?status=&building=&condition=&limit=&cursor=", token)
    assert [each["id"] for each in answer.json["tickets"]] == [at_school.ids[1]]


def test_pages_follow_each_other_to_the_end(at_school: School) -> None:
    token, seen, cursor = at_school.token(Role.DISTRICT), [], ""
    while cursor is not None:
        page = at_school.ask(f"/api/v1/tickets?limit=1&cursor={cursor}", token).json
        seen += [each["id"] for each in page["tickets"]]
        cursor = page["next"]
    assert sorted(seen) == at_school.ids


@pytest.mark.parametrize(
    ("path", "said", "status", "parameter", "hint"),
    [
        ("relieve", {}, 400, "tier", "mitigation"),
        ("relieve", {"tier": "soon"}, 400, "tier", "is not one of"),
        ("relieve", {"tier": ["mitigation"]}, 400, "tier", "is not one of"),
        ("relieve", {"tier": "mitigation", "kind": 5}, 400, "kind", "is not one of"),
        ("extend", {"tier": "midterm", "until": "soon"}, 400, "until", "is no time"),
        ("dispute", {"withdraw": "yes"}, 400, "withdraw", "neither true nor false"),
        ("note", {"note": 7}, 400, "note", "is no text"),
        ("note", {"attach": "x"}, 400, "attach", "no list of files"),
        ("close", {"by": "Somebody Else"}, 400, "by", "leave it out"),
        ("close", {"role": "district"}, 400, "role", "leave it out"),
        ("close", {"ticket": "cedar-2026-0001"}, 400, "ticket", "leave it out"),
        ("close", {"nte": "x"}, 400, "nte", "did you mean 'note'"),
        ("close", [], 400, None, "no JSON object"),
        ("close", b"", 400, None, "no JSON"),
        ("close", b"{", 400, None, "no JSON"),
        ("close", b'{"note": "\xff"}', 400, None, "no JSON"),
        ("close", b'{"note": NaN}', 400, None, "no JSON"),
        ("close", b"[" * 60_000, 400, None, "no JSON"),
        ("close", b" " * (BODY_BYTES + 1), 413, None, "longer than"),
        ("note", b" " * (NOTE_BYTES + 1), 413, None, "longer than"),
    ],
)
def test_a_body_that_will_not_do_is_refused_and_nothing_is_left(
    at_school: School, token: str, path: str, said: object, status: int, parameter: str | None, hint: str
) -> None:
    where = f"/api/v1/tickets/{at_school.ids[1]}/{path}"
    is_problem(at_school.ask(where, token, said), status, parameter, hint)
    assert left(at_school) == 0


@pytest.mark.parametrize(
    ("said", "parameter", "hint"),
    [
        ({}, "building", "needs building"),
        ({"building": "maple"}, "room", "needs room"),
        (REPORT | {"room": "13"}, "room", "no room of maple"),
        (REPORT | {"room": 12}, "room", "no room's id"),
        (REPORT | {"building": None}, "building", "no building's id"),
        (REPORT | {"hazard": "leak"}, "hazard", "did you mean 'leaks'"),
        (REPORT | {"hazard": None}, None, "needs one of"),
        (REPORT | {"humidity": "40"}, "humidity", "is no number"),
        (REPORT | {"mains": True}, "mains", "is no key"),
        ({"building": "maple", "room": "12", "temperature_f": 50}, "humidity", "needs humidity"),
    ],
)
def test_a_report_that_will_not_do_is_refused(
    at_school: School, token: str, said: object, parameter: str | None, hint: str
) -> None:
    answer = at_school.ask("/api/v1/reports", token, said)
    assert answer.status == 400 and hint in answer.json["detail"], answer.body
    assert answer.json.get("parameter") in (parameter, None)
    assert left(at_school) == 0


def test_a_body_of_another_kind_is_refused(at_school: School, token: str) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    is_problem(at_school.ask("/api/v1/reports", token, REPORT, kind), 415, None, "application/json")


def test_a_body_is_not_read_before_its_sender_is_let_in(at_school: School) -> None:
    assert at_school.ask("/api/v1/reports", "", b" " * (BODY_BYTES + 1)).status == 401


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1/tickets/", "/api/v1/ticket", "/api/v2/tickets", "/%00", "/" + "a" * 5000]
)
def test_what_is_not_there_is_a_problem_too(at_school: School, path: str) -> None:
    answer = at_school.ask(path)
    is_problem(answer, 404, None, "openapi.json")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_method_that_is_not_served_is_a_problem_too(at_school: School, token: str) -> None:
    answer = at_school.ask("/api/v1/tickets", token, method="DELETE")
    is_problem(answer, 405, None, "GET")
    assert "GET" in answer.headers["allow"]


def test_what_nobody_has_answered_yet_is_accepted_and_left(at_school: School, token: str) -> None:
    at_school.application.inbox.patience_s = 0.0
    told = at_school.ask(f"/api/v1/tickets/{at_school.ids[1]}/acknowledge", token, {})
    assert told.status == 202 and told.json["ticket"] == at_school.ids[1] and told.json["pending"]
    told = at_school.ask("/api/v1/reports", token, REPORT)
    assert (told.status, told.json["ticket"]) == (202, None)
    assert left(at_school) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(
    [
        "note",
        "tier",
        "kind",
        "room",
        "since",
        "until",
        "agreed_by",
        "withdraw",
        "attach",
        "building",
        "hazard",
    ]
)


@settings(max_examples=examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    verb=st.sampled_from(["relieve", "extend", "dispute"]),
    said=st.dictionaries(KEYS | st.text(max_size=5), JSON, min_size=1, max_size=3),
)
def test_no_body_makes_it_fail(at_school: School, verb: str, said: dict[str, object]) -> None:
    token = at_school.token(Role.ADMINISTRATOR, name=f"A {people(at_school)}")
    said |= {"kind": "nonsense"} if verb == "relieve" else {"tier": "nonsense"}
    body = json.dumps(said).encode()
    answer = at_school.ask(f"/api/v1/tickets/{at_school.ids[1]}/{verb}", token, body)
    assert answer.status == 400 and answer.json["detail"]


def people(school: School) -> int:
    """Return how many may log in."""
    with open_for_reading(school.url) as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM account").scalar() or 0)
