"""Who reads page after page sees each once, whatever happens meanwhile."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from safetyd.core.model import Place, Role, TroubleKind
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from tests.web.school import School


def happen(school: School, change: Callable[[Service], object]) -> None:
    with closing(open_for_writing(school.url)) as connection:
        service = Service(connection, school.site, "safetyd", school.now)
        change(service)
        service.commit(school.now)


def leak(service: Service, room: str, school: School) -> None:
    said = {"do": "report", "by": "Ann Lee", "building": "maple", "room": room, "hazard": "leaks"}
    service.command(said, school.now + timedelta(seconds=1))


def pages(school: School, path: str, key: str, meanwhile: Callable[[int], object]) -> list[list[object]]:
    token, seen, cursor = school.token(Role.DISTRICT), [], ""
    while cursor is not None:
        page = school.ask(f"{path}limit=1&cursor={cursor}", token).json
        seen.append(page[key])
        cursor = page["next"]
        meanwhile(len(seen))
    return seen


def test_a_ticket_that_opens_meanwhile_repeats_and_hides_none(at_school: School) -> None:
    happen(at_school, lambda service: leak(service, "12", at_school))
    listed = at_school.ask("/api/v1/tickets", at_school.token(Role.ASSOCIATION)).json["tickets"]
    before = [each["id"] for each in listed]
    rooms = iter(["lab"])

    def open_one(_: int) -> None:
        for room in rooms:
            happen(at_school, lambda service, room=room: leak(service, room, at_school))
            return

    seen = pages(at_school, "/api/v1/tickets?", "tickets", open_one)
    assert [page[0]["id"] for page in seen] == before and len(before) == 3


def test_a_ticket_that_leaves_the_list_meanwhile_still_says_where_to_go_on(at_school: School) -> None:
    happen(at_school, lambda service: leak(service, "12", at_school))

    def close_the_first(count: int) -> None:
        if count == 1:
            said = {"do": "close", "by": "Ann Lee", "note": "mended", "ticket": newest}
            happen(at_school, lambda service: service.command(said, at_school.now + timedelta(seconds=2)))

    token = at_school.token(Role.ASSOCIATION)
    newest = at_school.ask("/api/v1/tickets?limit=1", token).json["tickets"][0]["id"]
    seen = pages(at_school, "/api/v1/tickets?status=open&", "tickets", close_the_first)
    assert [page[0]["id"] for page in seen] == [newest, *reversed(at_school.ids)]


def test_a_trouble_that_begins_meanwhile_repeats_and_hides_none(at_school: School) -> None:
    def complain(number: int) -> Callable[[Service], None]:
        place, kind = Place("maple", None), TroubleKind.CONFIGURATION
        return lambda service: service.complain(f"[{number}]", place, kind, "a fault", at_school.now)

    for number in range(3):
        happen(at_school, complain(number))
    seen = pages(
        at_school, "/api/v1/troubles?", "troubles", lambda count: happen(at_school, complain(count + 9))
    )
    assert [page[0]["sensor"] for page in seen] == ["[2]", "[1]", "[0]"]
