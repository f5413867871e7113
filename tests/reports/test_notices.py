"""When a notice counts as late, undelivered, or none of anybody's fault."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert

from safetyd.core.plan import Reason
from safetyd.reports.compliance import compliance
from safetyd.reports.season import Season
from safetyd.store import promptness
from safetyd.store.moments import micros
from safetyd.store.notice_schema import delivery, notice
from safetyd.store.promptness import Prompt
from tests.history.scene import HERE, MINUTE, NOON
from tests.stores import empty_store

HOUR = timedelta(hours=1)
OWED = Prompt("maple", ("maple-2026-0001",), Reason.OPENED, NOON, None, False, False, False)


def counted(*prompts: Prompt, after: timedelta = HOUR) -> dict[str, object]:
    season = Season(HERE, HERE.buildings, NOON, NOON + HOUR, NOON + after, {}, (), prompts)
    table = compliance(season).tables[2]
    (row,) = table.rows
    return {each.name: cell for each, cell in zip(table.columns, row, strict=True) if cell}


@pytest.mark.parametrize(
    ("first_after", "kind"),
    [(0 * MINUTE, "prompt"), (10 * MINUTE, "prompt"), (10 * MINUTE + MINUTE / 60, "late")],
)
def test_ten_minutes_are_in_time_and_a_second_more_is_late(first_after: timedelta, kind: str) -> None:
    told = counted(OWED._replace(first_at=NOON + first_after))
    assert told == {"building": "maple", "term": "2026-27 first", "notices": 1, kind: 1}


@pytest.mark.parametrize(("after", "kind"), [(10 * MINUTE, "waiting"), (11 * MINUTE, "undelivered")])
def test_what_nobody_has_is_undelivered_once_ten_minutes_are_over(after: timedelta, kind: str) -> None:
    assert counted(OWED, after=after)[kind] == 1


def test_what_was_owed_to_nobody_is_counted_apart() -> None:
    told = counted(
        OWED._replace(is_shelved=True), OWED._replace(is_moot=True), OWED._replace(has_no_address=True)
    )
    assert (told["notices"], told["shelved"], told["moot"], told["nobody"]) == (3, 1, 1, 1)
    assert "undelivered" not in told


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([("accepted", 5), ("accepted", 2), ("waiting", None)], OWED._replace(first_at=NOON + 2 * MINUTE)),
        ([("waiting", None), ("given_up", 3)], OWED),
        ([("overtaken", 3), ("withdrawn", 4)], OWED._replace(is_moot=True)),
        ([("overtaken", 3), ("given_up", 4)], OWED),
        ([], OWED._replace(has_no_address=True)),
    ],
)
def test_a_notice_is_told_as_soon_as_its_first_delivery_is_accepted(
    states: list[tuple[str, int | None]], told: Prompt
) -> None:
    store = empty_store()
    said = {"roles": "[]", "people": "[]", "title": "", "text": "", "at": micros(NOON), "building": "maple"}
    store.execute(
        insert(notice),
        [
            {
                "id": 1,
                "key": "a",
                "ticket": None,
                "tickets": json.dumps(told.tickets),
                "reason": "opened",
                **said,
            },
            {"id": 2, "key": "b", "ticket": None, "tickets": "null", "reason": "trouble", **said},
            {"id": 3, "key": "c", "ticket": None, "tickets": "null", "reason": "test", **said},
        ],
    )
    for number, (state, minutes) in enumerate(states):
        done_at = None if minutes is None else micros(NOON + minutes * MINUTE)
        made = {"notice": 1, "person": f"P{number}", "address": "x", "attempts": 1, "answer": ""}
        store.execute(insert(delivery).values(state=state, done_at=done_at, **made))
    assert list(promptness.notices(store, NOON, NOON + MINUTE, ["maple"])) == [told]
    assert list(promptness.notices(store, NOON - MINUTE, NOON, ["maple"])) == []
    assert list(promptness.notices(store, NOON, NOON + MINUTE, ["cedar"])) == []
