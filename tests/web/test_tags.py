"""Whoever has an answer asks only whether it is another now."""

import pytest

from safetyd.core.model import Role
from safetyd.web.routes import ARCHIVE, ROUTES
from tests.web.school import HERE, School

ROOMS = "/api/v1/rooms"
TAGGED = [
    each
    for each in ROUTES
    if each.method == "GET" and each.path.startswith("/api/v1") and each.answer != ARCHIVE
]


def test_every_answer_to_a_look_has_a_strong_tag(at_school: School) -> None:
    token = at_school.token(Role.DISTRICT)
    for route in TAGGED:
        more = "?building=maple&room=12" if route.name in ("readings", "explanation") else ""
        path = route.path.replace("{id}", at_school.ids[0]) + more
        answer = at_school.ask(path, token)
        assert answer.status == 200 and answer.headers["etag"].startswith('"'), path
        assert answer.headers["cache-control"] == "private, no-cache"


def test_health_and_figures_have_none(at_school: School) -> None:
    for path in ("/healthz", "/metrics"):
        assert "etag" not in at_school.ask(path, address=HERE).headers


@pytest.mark.parametrize("given", ["{}", "W/{}", '"other", {}', '"other",W/{}', "*"])
def test_what_is_still_the_same_is_not_sent_again(at_school: School, given: str) -> None:
    token = at_school.token(Role.DISTRICT)
    tag = at_school.ask("/api/v1/openapi.json").headers["etag"]
    again = at_school.ask("/api/v1/openapi.json", token, headers={"if-none-match": given.format(tag)})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag and "content-type" not in again.headers
    assert again.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("given", ['"other"', "nonsense", '"', "", "W/*"])
def test_what_is_another_is_sent(at_school: School, given: str) -> None:
    token = at_school.token(Role.DISTRICT)
    assert at_school.ask(ROOMS, token, headers={"if-none-match": given}).status == 200


def test_what_somebody_may_not_see_has_no_tag_for_them(at_school: School) -> None:
    both, one = at_school.token(Role.DISTRICT), at_school.token(Role.DISTRICT, "maple")
    tag = at_school.ask(ROOMS, both).headers["etag"]
    assert at_school.ask(ROOMS, one, headers={"if-none-match": tag}).status == 200
    assert at_school.ask(ROOMS, headers={"if-none-match": "*"}).status == 401
    assert at_school.ask(f"{ROOMS}?building=oak", both, headers={"if-none-match": "*"}).status == 400
