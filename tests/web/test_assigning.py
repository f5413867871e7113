"""Who asks for an assignment over HTTP is held to their buildings, and told by name what is wrong."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from safetyd.assigning import carry_out
from safetyd.core.model import Role
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from tests.web.school import School

PATH, TOPIC = "/api/v1/assignments", "safetyd/readings/maple/attic"
ASKED = {"topic": TOPIC, "building": "maple", "room": "12"}


@pytest.mark.parametrize(
    ("asked", "parameter", "words"),
    [
        ({"topic": "tele/+"}, "topic", "has a wildcard"),
        ({"topic": 7}, "topic", "topic: "),
        ({"building": "mapel"}, "building", "did you mean 'maple'?"),
        ({"room": "13"}, "room", "no room of maple is called '13'"),
        ({"room": 13}, "room", "13 is no room's id"),
        ({"from": "soon"}, "from", "'soon' is no time"),
        ({"sensor": "A B"}, "sensor", "is not an id"),
        ({"note": ["x"]}, "note", "is no text"),
        ({"by": "Somebody"}, "by", "it is"),
        ({"until": "2026-12-01"}, "until", "is no key of assign"),
    ],
)
def test_what_is_wrong_is_named(at_school: School, asked: dict[str, Any], parameter: str, words: str) -> None:
    said = ASKED | asked
    answer = at_school.ask(PATH, at_school.token(Role.FACILITIES), said)
    assert (answer.status, answer.json["parameter"]) == (400, parameter)
    assert words in answer.json["detail"] or parameter == "by"


def test_another_building_is_not_there(at_school: School) -> None:
    answer = at_school.ask(PATH, at_school.token(Role.FACILITIES, "cedar"), ASKED)
    assert answer.status == 400 and "no building is called 'maple'" in answer.json["detail"]


def test_what_is_of_another_building_now_is_not_theirs_to_let_go(at_school: School) -> None:
    at = at_school.now - timedelta(minutes=1)
    with closing(open_for_writing(at_school.url)) as connection:
        service = Service(connection, at_school.site, "safetyd", at)
        service.take(Message(at, TOPIC, b'{"temperature_f": 70}'))
        for number, place in enumerate((("cedar", "1"), ("maple", "12"))):
            said = {"do": "assign", "topic": TOPIC, "building": place[0], "room": place[1]}
            who = {"by": "Ann Ruiz", "role": "district"}
            carry_out(service, said | who, at + timedelta(seconds=3 * number))
            if number == 0:
                carry_out(service, {"do": "unassign", "topic": TOPIC} | who, at + timedelta(seconds=1))
        service.commit(at)
    at_school.application.inbox.patience_s = 0
    answer = at_school.ask(f"{PATH}/end", at_school.token(Role.FACILITIES, "cedar"), {"topic": TOPIC})
    assert answer.status == 409 and "is assigned to no room" in answer.json["detail"]
    mine = at_school.ask(f"{PATH}/end", at_school.token(Role.FACILITIES, "maple"), {"topic": TOPIC})
    assert mine.status == 202 and "pending" in mine.json
