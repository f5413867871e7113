"""What is done for the chain day by day: old records, digests, and the head that goes out."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from safetyd.core.units import JUST_AFTER
from safetyd.store import chain, outbox, statements
from safetyd.store.copies import back_up, restore
from safetyd.store.database import open_for_reading
from safetyd.store.statements import Subject
from safetyd.store.verifying import Given, Verdict, verify
from tests.everything import DAY, HOUR, MINUTE, NINE, SITE, Record, of_every_kind

MIDNIGHT = NINE + 15 * HOUR  # at the school


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path)


def verdict(record: Record, given: Given | None = None) -> Verdict:
    with open_for_reading(record.url) as connection:
        return verify(connection, () if given is None else (given,), lambda done, all: None)


def stated(record: Record, subject: Subject) -> list[tuple[str, dict[str, object]]]:
    with open_for_reading(record.url) as connection:
        return [(each.name, each.body) for each in statements.all_of(connection, subject)]


# digests of readings


def test_a_day_has_its_digest_two_minutes_after_it_is_over(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend(MIDNIGHT + 2 * MINUTE - JUST_AFTER - NINE)
    assert stated(record, Subject.READINGS) == []
    record.tend(JUST_AFTER)
    ((day, body),) = stated(record, Subject.READINGS)
    assert (day, body["first"], body["last"], list(body["places"])) == ("2026-12-01", 1, 1, ["maple/12"])


def test_what_comes_late_is_in_the_digest_of_the_day_on_which_it_came(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend(DAY)
    record.hear("12", record.now, temperature_f=67.0, ts=(NINE + HOUR).timestamp())
    record.tend(DAY)
    days = stated(record, Subject.READINGS)
    assert [(day, body["first"], body["last"]) for day, body in days] == [
        ("2026-12-01", 1, 1),
        ("2026-12-02", 2, 2),
    ]
    assert verdict(record).digests == 2


def test_a_day_without_readings_has_none_and_the_next_one_follows_on(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend(5 * DAY)
    record.hear("lab", record.now, temperature_f=66.0)
    record.tend(DAY)
    assert [day for day, _ in stated(record, Subject.READINGS)] == ["2026-12-01", "2026-12-06"]
    assert verdict(record).faults == []


def test_retired_readings_leave_their_digest_which_says_that_it_cannot_be_worked_out(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.hear("lab", NINE, temperature_f=66.0)
    record.tend(DAY)
    statements.add(record.connection, Subject.RETIRED, "", {"before": 2}, record.now)
    record.connection.exec_driver_sql("DELETE FROM reading WHERE id = 1")
    record.connection.commit()
    found = verdict(record)
    assert (found.faults, found.retired, found.digests) == ([], 1, 1)
    record.connection.exec_driver_sql("UPDATE reading SET value = 70 WHERE id = 2")
    record.connection.commit()
    assert verdict(record).faults, "what is left is still held against it"


# the site


def test_how_the_site_is_read_is_on_record_and_again_when_it_is_another(record: Record) -> None:
    record.tend()
    record.tend(DAY)
    kinds = (Subject.RULES, Subject.PLAN, Subject.CALENDAR, Subject.SENSORS, Subject.PEOPLE)
    assert [len(stated(record, each)) for each in kinds] == [1, 1, 1, 1, 1]
    record.end()
    record.begin(SITE + "[[rules]]\ncold = { below_f = 62 }\n")
    record.tend()
    assert [len(stated(record, each)) for each in kinds] == [2, 1, 1, 1, 1]
    assert stated(record, Subject.RULES)[1][1][0]["cold"]["below_f"] == 62  # type: ignore[index]


def test_whom_the_site_names_is_on_record_and_an_address_that_goes_leaves_its_trace(record: Record) -> None:
    record.tend()
    record.end()
    record.begin(SITE.replace("notify = [", "messages_per_hour = 4 # [", 1))
    record.tend()
    ((building, before), (_, after)) = stated(record, Subject.PEOPLE)
    assert building == "maple" and "://" not in str(before), "an address is a secret"
    was, then = ({each["name"]: each for each in cast(list[Any], said)} for said in (before, after))
    (changed,) = (name for name in was if was[name] != then[name])
    assert len(was[changed]["addresses"]) == 1 and then[changed]["addresses"] == []
    assert (was[changed]["messages_per_hour"], then[changed]["messages_per_hour"]) == (9, 4)


# the head


def heads(record: Record) -> list[dict[str, object]]:
    found = [each for each in outbox.notices(record.connection) if each["reason"] == "head"]
    record.connection.rollback()
    return found


def test_both_parties_are_told_the_head_each_morning_at_eight_and_a_file_too(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend(7 * HOUR)
    assert heads(record) == [], "not on the day on which it began"
    record.tend(NINE + 23 * HOUR - JUST_AFTER - record.now)
    assert heads(record) == []
    before = record.head()
    record.tend(JUST_AFTER)
    (told,) = heads(record)
    assert told["to"] == ["Ann", "Ximena"]
    line = f"{before.hash}@{before.number}"
    assert line in str(told["text"]) and f"safetyd audit verify --head {line}" in str(told["text"])
    assert record.heads.read_text().split()[1] == line
    assert verdict(record, Given(before.number, before.hash)).faults == []


def test_a_head_is_told_once_a_day_through_restarts(record: Record) -> None:
    record.tend()
    record.tend(DAY)
    for _ in range(3):
        record.end()
        record.begin()
        record.tend(HOUR)
    assert len(heads(record)) == 1 == len(record.heads.read_text().splitlines())
    record.tend(DAY)
    assert len(heads(record)) == 2


def test_where_nobody_can_be_told_nobody_is_owed_it(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.end()
    record.begin(SITE.replace("notify = [", "messages_per_hour = 9 # ["))
    record.tend()
    record.tend(DAY)
    assert heads(record) == []
    assert len(record.heads.read_text().splitlines()) == 1


def test_a_file_that_cannot_be_written_is_a_trouble_until_it_can(record: Record) -> None:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend()
    record.heads.mkdir()
    record.tend(DAY)
    assert record.service.world.troubles["[audit] head_file"]
    record.heads.rmdir()
    record.tend(DAY)
    assert not record.service.world.troubles["[audit] head_file"]


# another hand

HUGE = 9_000_000_000_000_000_000


@pytest.mark.sqlite  # which lets anything stand in any column
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE reading SET value = 'x' WHERE id = 2", "readings that arrived on 2026-12-01 (rows 1 to 4)"),
        ("UPDATE statement SET body = '{}' WHERE subject = 'retired'", "statement"),
        ("UPDATE statement SET body = '[1]' WHERE subject = 'retired'", "statement"),
        ("""UPDATE statement SET body = '{"before":"x"}' WHERE subject = 'retired'""", "statement"),
        (
            """UPDATE statement SET body = '{"first":1e999,"last":2,"places":{}}' WHERE id = 7""",
            "statement 7",
        ),
        (f"""UPDATE statement SET body = '{{"first":1,"last":9{HUGE}}}' WHERE id = 7""", "statement 7"),
        (f"UPDATE statement SET at = {HUGE}", "statement 1 "),
        (f"UPDATE chain SET at = {HUGE} WHERE number = (SELECT max(number) FROM chain)", "does not follow"),
        ("UPDATE chain SET at = 'x' WHERE number = (SELECT max(number) FROM chain)", "does not follow"),
        (f"UPDATE history SET at = {HUGE} WHERE id = 2", "history 2 "),
    ],
)
def test_what_another_hand_has_made_unreadable_is_named(tmp_path: Path, change: str, told: str) -> None:
    record = of_every_kind(tmp_path)
    statements.add(record.connection, Subject.RETIRED, "", {"before": 1}, record.now)
    record.connection.commit()
    record.end()
    assert verdict(record).faults == []
    with closing(sqlite3.connect(record.file)) as connection:
        connection.execute(change)
        connection.commit()
    assert any(told in each for each in verdict(record).faults), verdict(record).faults


# an older store, a kill, a restore


def without_a_chain(record: Record) -> None:
    """Make of it a store of a time before there was one."""
    record.end()
    with closing(sqlite3.connect(record.file)) as connection:
        connection.execute("DELETE FROM chain")
        connection.execute("DELETE FROM statement")
        connection.execute("DELETE FROM anchor")
        connection.commit()


@pytest.mark.sqlite
def test_an_older_store_is_taken_in_and_until_then_it_is_said_what_is_left(tmp_path: Path) -> None:
    record = of_every_kind(tmp_path)
    without_a_chain(record)
    record.begin()
    record.command(do="note", ticket="maple-2026-0001", by="A. Roe", note="seen again")
    found = verdict(record)
    assert found.faults == [] and found.older > 20
    record.tend()
    found = verdict(record)
    assert (found.faults, found.older, found.digests) == ([], 0, 2)
    first, last = stated(record, Subject.BEGIN)
    assert first[1]["older"]["history"] == 5 and last[0] == chain.ALL  # type: ignore[index]


@pytest.mark.sqlite
def test_an_older_store_goes_on_where_a_kill_has_left_it(tmp_path: Path) -> None:
    record = of_every_kind(tmp_path)
    without_a_chain(record)
    record.begin()
    record.hear("12", record.now + MINUTE, temperature_f=57.0, humidity=40)
    work = record.notary.round(record.now)
    for _ in range(6):
        next(work)
    record.end()
    record.begin()
    record.tend()
    assert (verdict(record).faults, verdict(record).older) == ([], 0)
    rows = "SELECT count(*) FROM chain WHERE kind = 'delivery'"
    deliveries = "SELECT count(*) FROM delivery"
    with open_for_reading(record.url) as connection:
        assert connection.exec_driver_sql(rows).scalar() == connection.exec_driver_sql(deliveries).scalar()


KILLED = """
import sys
from pathlib import Path
from typing import Any, cast
from tests.everything import *
record = Record(Path(sys.argv[1]))
for number in range(100000):
    record.hear("12", NINE + number * MINUTE, temperature_f=57.0 if number % 90 < 45 else 70.0, humidity=40)
    record.tend()
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_kill_at_any_moment_leaves_a_chain_that_goes_on(tmp_path: Path, after: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(after):
        assert child.stdout.readline()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    record = Record(tmp_path, NINE + 200 * MINUTE)
    assert verdict(record).faults == []
    record.hear("lab", record.now, temperature_f=57.0, humidity=40)
    record.tend(DAY)
    assert verdict(record).faults == []


@pytest.mark.sqlite
def test_a_backup_that_is_restored_is_sound_and_cut_for_who_has_a_later_head(tmp_path: Path) -> None:
    record, file = of_every_kind(tmp_path), tmp_path / "monday.backup"
    back_up(record.file, file, lambda done, all: None, force=False)
    early = record.head()
    record.hear("12", record.now + HOUR, temperature_f=57.0, humidity=40)
    record.tend(DAY)
    late = record.head()
    record.end()
    restore(record.file, file, record.now, lambda done, all: None, force=True)
    assert verdict(record, Given(early.number, early.hash)).faults == []
    (fault,) = verdict(record, Given(late.number, late.hash)).faults
    assert fault.startswith("the chain is cut: ")
    record.begin()
    record.hear("12", record.now, temperature_f=70.0, humidity=40)
    record.tend(timedelta(minutes=1))
    assert verdict(record).faults == []


def test_the_same_record_has_the_same_chain(tmp_path: Path) -> None:
    def told(name: str) -> list[str]:
        folder = tmp_path / name
        folder.mkdir()
        record = of_every_kind(folder)
        with open_for_reading(record.url) as connection:
            return list(connection.exec_driver_sql("SELECT body FROM chain ORDER BY number").scalars())

    assert told("a") == told("b")
