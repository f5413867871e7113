"""Parts of pages are made once for all of the same rights, and anew as soon as something has changed."""

from contextlib import closing
from datetime import timedelta

import pytest

from safetyd.core.model import Role
from safetyd.store.database import open_for_writing
from safetyd.web.pages import kept
from safetyd.web.pages.kept import Kept, Key
from safetyd.web.pages.table import PAGES
from tests.web.school import Browser, School

ROOMS = "/buildings/maple/rooms"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which part was made for whom, each time one is."""
    found: list[str] = []
    part = Kept.part

    def noted(self: Kept, key: Key, view: object, make: object) -> bytes:
        def making() -> bytes:
            found.append(f"{key.page} {' '.join(key.query)} {key.role} {' '.join(key.buildings)}")
            return make()  # type: ignore[operator,no-any-return]

        return part(self, key, view, making)  # type: ignore[arg-type]

    monkeypatch.setattr(Kept, "part", noted)
    return found


def visitor(school: School, role: Role, *buildings: str) -> Browser:
    browser = Browser(school)
    browser.enter(role, *buildings)
    return browser


def test_a_part_is_made_once_for_people_of_the_same_rights(at_school: School, made: list[str]) -> None:
    first, other = visitor(at_school, Role.ADMINISTRATOR), visitor(at_school, Role.EDUCATOR, "maple")
    assert first.get(ROOMS).body == first.get(ROOMS).body
    assert first.get(ROOMS).body != other.get(ROOMS).body
    first.get(ROOMS + "?only=not-ok")
    first.get(ROOMS + "?nonsense=1")
    assert made == [
        "now_rooms  administrator ",
        "now_rooms  educator maple",
        "now_rooms not-ok administrator ",
    ]


def test_nothing_in_it_is_of_who_has_asked_first(at_school: School) -> None:
    browser = visitor(at_school, Role.ADMINISTRATOR)
    name, token = browser.account.name, browser.token()
    for page in PAGES:
        if page.shared is not None:
            body = browser.get(at_school.path_of(page.path)).text
            assert name not in body and token not in body and 'name="token"' not in body


def test_it_is_made_anew_for_a_reading_and_for_a_decision(at_school: School, made: list[str]) -> None:
    browser = visitor(at_school, Role.ADMINISTRATOR)
    browser.get(ROOMS)
    at_school.hears("maple/lab", temperature_f=70, humidity=40)
    assert "70.0 °F" in browser.get(ROOMS).text
    at_school.commands(do="acknowledge", ticket=at_school.ids[1], note="", role="facilities")
    for _ in range(2):
        assert "acknowledged" in browser.get(ROOMS).text
    assert len(made) == 3


def test_what_is_no_reading_and_no_decision_leaves_it(at_school: School, made: list[str]) -> None:
    browser = visitor(at_school, Role.ADMINISTRATOR)
    browser.get(ROOMS)
    with closing(open_for_writing(at_school.url)) as connection:
        connection.exec_driver_sql("INSERT INTO roll_up_place VALUES (1, 'maple', '12', 0)")
        connection.commit()
    browser.get(ROOMS)
    assert len(made) == 1


def test_time_alone_makes_it_anew_after_a_quarter_of_a_minute(at_school: School, made: list[str]) -> None:
    browser = visitor(at_school, Role.ADMINISTRATOR)
    for seconds in (0, 14, 15, 29, 30):
        at = at_school.now.replace(microsecond=0, second=0) + timedelta(seconds=seconds)
        at_school.application._looking.records[0].outlook._now = lambda at=at: at  # type: ignore[misc]
        browser.get(ROOMS)
    assert len(made) == 3


def test_no_more_is_kept_than_there_is_room_for(
    at_school: School, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = visitor(at_school, Role.ADMINISTRATOR)
    size = len(browser.get(ROOMS).body)
    monkeypatch.setattr(kept, "_MOST_BYTES", size)
    browser.get(ROOMS)
    assert len(made) == 1, "just enough"
    browser.get(ROOMS + "?only=not-ok")
    browser.get(ROOMS)
    assert len(made) == 3


def test_a_part_that_somebody_may_not_see_is_not_there_though_it_is_kept(at_school: School) -> None:
    assert visitor(at_school, Role.ADMINISTRATOR).get(ROOMS).status == 200
    assert visitor(at_school, Role.ADMINISTRATOR, "cedar").get(ROOMS).status == 400
    assert Browser(at_school).get(ROOMS).status == 303
