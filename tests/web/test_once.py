"""What is asked under a key is done once, whatever ends between the asking and the answer."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from safetyd.core.model import Role
from safetyd.errands import Errands
from safetyd.service import Service
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.store.once import KEPT
from safetyd.web.app import Application
from safetyd.web.asking import KEY_HEADER
from safetyd.web.house import House
from tests.web.school import Answer, School

HEADER = KEY_HEADER.lower()


@pytest.fixture
def token(at_school: School) -> str:
    at_school.application.inbox.patience_s = 0.1
    return at_school.token(Role.ADMINISTRATOR)


def act(
    school: School, token: str, key: str = "a-1", said: object = None, verb: str = "acknowledge"
) -> Answer:
    path = f"/api/v1/tickets/{school.ids[0]}/{verb}"
    return school.ask(path, token, {"note": "seen"} if said is None else said, {HEADER: key})


def restart(school: School) -> None:
    """As after a kill: nothing is left but the store."""
    school.application.close()
    school.application = Application(House(school.url, "safetyd", lambda: school.site, school.pulse))
    school.application.inbox.patience_s = 0.1


def carry_out(school: School) -> None:
    """As the daemon does it when it comes back."""
    with (
        closing(open_for_writing(school.url)) as connection,
        closing(open_for_reading(school.url)) as reader,
    ):
        now = datetime.now(UTC)
        service = Service(connection, school.site, "safetyd", now)

        def commit() -> None:
            errands.write_answers(connection)
            service.commit(now)
            errands.are_answered()

        errands = Errands(service, reader, commit)
        errands.tend(now)


def events(school: School) -> list[str]:
    with closing(open_for_reading(school.url)) as connection:
        said = "SELECT event FROM history WHERE ticket = ? ORDER BY id"
        return list(connection.exec_driver_sql(said, (school.ids[0],)).scalars())


def test_what_comes_again_after_a_kill_is_not_done_again(at_school: School, token: str) -> None:
    assert act(at_school, token).status == 202, "nobody carries it out yet"
    restart(at_school)
    assert act(at_school, token).status == 202, "the same one is waited for"
    carry_out(at_school)
    told = [act(at_school, token) for _ in range(2)]
    restart(at_school)
    told.append(act(at_school, token))
    assert [(each.status, each.json["status"]) for each in told] == [(200, "acknowledged")] * 3
    carry_out(at_school)
    assert events(at_school) == ["opened", "acknowledged"]


def test_without_a_key_it_is_done_again(at_school: School, token: str) -> None:
    path = f"/api/v1/tickets/{at_school.ids[0]}/note"
    for _ in range(2):
        assert at_school.ask(path, token, {"note": "again"}).status == 202
    carry_out(at_school)
    assert events(at_school) == ["opened", "note", "note"]


def test_a_refusal_stays_one_though_it_would_be_allowed_now(at_school: School, token: str) -> None:
    assert act(at_school, token, "r", verb="reopen").status == 202
    carry_out(at_school)
    first = act(at_school, token, "r", verb="reopen")
    assert first.status == 409
    assert act(at_school, token, "c", {"note": "wrong"}, "close").status == 202
    carry_out(at_school)
    assert act(at_school, token, "r", verb="reopen").json == first.json


def test_a_report_comes_back_with_its_ticket(at_school: School, token: str) -> None:
    said = {"building": "cedar", "room": "1", "hazard": "leaks"}

    def report() -> Answer:
        return at_school.ask("/api/v1/reports", token, said, {HEADER: "leak"})

    assert report().status == 202
    carry_out(at_school)
    first, second = report(), report()
    assert first.status == 201 and first.json["ticket"] and second.json == first.json


@pytest.mark.parametrize(("said", "verb"), [({"note": "other"}, "acknowledge"), ({"note": "seen"}, "note")])
def test_a_key_is_good_for_one_request(at_school: School, token: str, said: object, verb: str) -> None:
    act(at_school, token)
    answer = act(at_school, token, said=said, verb=verb)
    assert (answer.status, answer.json["parameter"]) == (422, KEY_HEADER)
    assert "under a new one" in answer.json["detail"]
    carry_out(at_school)
    assert events(at_school) == ["opened", "acknowledged"]


def test_the_order_of_a_bodys_keys_makes_no_other_request(at_school: School, token: str) -> None:
    act(at_school, token, said=b'{"tier": "mitigation", "note": "fan"}', verb="relieve")
    again = act(at_school, token, said=b'{"note":"fan","tier":"mitigation"}', verb="relieve")
    assert again.status == 202
    carry_out(at_school)
    assert events(at_school) == ["opened", "relieved"]


def test_somebody_elses_key_is_another(at_school: School, token: str) -> None:
    other = at_school.token(Role.DISTRICT)
    said = {"note": "each for themselves"}
    assert act(at_school, token, said=said, verb="note").status == 202
    assert act(at_school, other, said=said, verb="note").status == 202
    carry_out(at_school)
    assert events(at_school) == ["opened", "note", "note"]


@pytest.mark.parametrize(("after", "times"), [(KEPT - timedelta(seconds=30), 1), (KEPT, 2)])
def test_after_a_day_a_key_is_forgotten(at_school: School, after: timedelta, times: int) -> None:
    at_school.application.inbox.patience_s = 0.1
    token = at_school.token(Role.ADMINISTRATOR, lasts=timedelta(days=3))
    act(at_school, token, verb="note")
    at_school.pulse.note(datetime.now(UTC) + after, "", has_broker=True)
    act(at_school, token, verb="note")
    carry_out(at_school)
    assert events(at_school) == ["opened", *["note"] * times]
    with closing(open_for_reading(at_school.url)) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM once").scalar() == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "tab\t"])
def test_what_is_no_key_is_refused_and_nothing_is_done(at_school: School, token: str, key: str) -> None:
    answer = act(at_school, token, key)
    assert (answer.status, answer.json["parameter"]) == (400, KEY_HEADER)
    carry_out(at_school)
    assert events(at_school) == ["opened"]


def test_the_longest_key_is_one(at_school: School, token: str) -> None:
    assert act(at_school, token, "~" * 255).status == 202


def test_what_was_not_understood_has_not_used_its_key(at_school: School, token: str) -> None:
    assert act(at_school, token, said={"until": "soon", "tier": "mitigation"}, verb="extend").status == 400
    assert act(at_school, token).status == 202
