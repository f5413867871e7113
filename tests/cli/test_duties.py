"""`tell` and `ticket` at a terminal: reports, the checklist, and one decision for many rooms."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safetyd.cli import main
from safetyd.cli.words import ticket_words
from safetyd.configuration import load
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store.database import open_for_writing

SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
rooms = [{ id = "12", name = "Room 12" }, { id = "14", name = "Room 14" }, { id = "lab", name = "The lab" }]
[[people]]
name = "Finn Ray"
roles = ["facilities"]
"""


class School:
    """Two cold rooms, a warm one, and the person at the terminal."""

    def __init__(self, folder: Path, out: Callable[[], Any]) -> None:
        self.folder, self._out = folder, out
        (folder / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2)
        configuration = load(folder / "safetyd.toml", {})
        with closing(open_for_writing(configuration.settings.store.url)) as connection:
            service = Service(connection, configuration.site, "safetyd", now)
            for room, temp_f in (("12", 55.0), ("14", 55.0), ("lab", 70.0)):
                said = json.dumps({"temperature_f": temp_f, "humidity": 40}).encode()
                service.take(Message(now, f"safetyd/readings/maple/{room}", said))
            service.save_all(now)
        self.first, self.second = (
            f"maple-{now.astimezone(ZoneInfo('America/Los_Angeles')).year}-000{n}" for n in (1, 2)
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--config", str(self.folder / "safetyd.toml")])
        told = self._out()
        return code, told.out, told.err

    def ticket(self, id: str) -> dict[str, Any]:
        code, out, _ = self.run("ticket", id, "show", "--json")
        assert code == 0
        return dict(json.loads(out))


@pytest.fixture
def school(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> School:
    return School(tmp_path, capsys.readouterr)


def test_a_ticket_shows_what_it_asks_and_where_a_class_could_go(school: School) -> None:
    code, out, _ = school.run("ticket", school.first)
    assert code == 0
    assert "9.14.3.A" in out and "written notice by the educator" in out and "nothing yet" in out
    assert "in range now: The lab (70 °F)" in out
    assert [each["room"] for each in school.ticket(school.first)["alternative_spaces"]] == ["lab"]


def test_one_command_relieves_every_cold_room_of_the_building(school: School) -> None:
    words = ("--tier", "mitigation", "--kind", "restored", "--by", "Finn Ray", "--note", "boiler lit")
    code, out, _ = school.run("ticket", school.first, "relieve", "--alike", *words)
    assert code == 0 and "✓" in out
    for id in (school.first, school.second):
        assert school.ticket(id)["status"] == "relieved"
        assert school.ticket(id)["history"][-1]["role"] == "facilities"


def test_what_was_refused_of_several_is_told_and_the_others_are_done(school: School) -> None:
    school.run("ticket", school.second, "close", "--by", "Finn Ray", "--note", "not in use")
    code, _, err = school.run(
        "ticket", school.first, "acknowledge", "--also", school.second, "--by", "Finn Ray"
    )
    assert code == 1 and f"{school.second} is closed" in err and "the others are done" in err
    assert school.ticket(school.first)["status"] == "acknowledged"


def test_a_written_notice_is_told_and_checks_its_box(school: School) -> None:
    code, out, _ = school.run(
        "tell",
        "maple/12",
        "--notice",
        "cold",
        "--by",
        "Edda Moss",
        "--role",
        "educator",
        "--note",
        "coats on",
    )
    assert code == 0 and "on record" in out
    found = next(each for each in school.ticket(school.first)["duties"] if each["clause"] == "9.14.3.A")
    assert (found["state"], found["proofs"][0]["by"]) == ("on_record", "Edda Moss")


def test_a_reading_by_hand_and_a_hazard_show_the_ticket_they_are_about(school: School) -> None:
    code, out, _ = school.run(
        "tell", "maple/lab", "--temperature-f", "58", "--humidity", "40", "--instrument", "sling", "--by", "A"
    )
    assert code == 0 and "lab" in out and "cold" in out
    code, out, _ = school.run("tell", "maple", "--hazard", "water", "--by", "A", "--json")
    assert code == 0
    assert (json.loads(out)["condition"], json.loads(out)["room"]) == ("hazard", None)


def test_what_opens_nothing_says_so_and_what_is_unknown_is_refused(school: School) -> None:
    code, out, _ = school.run("tell", "maple/lab", "--heat-index-f", "80", "--by", "A")
    assert (code, out) == (0, "maple/lab: on record; it opened no ticket\n")
    code, _, err = school.run("tell", "maple/attic", "--hazard", "water", "--by", "A")
    assert code == 2 and "attic" in err
    code, _, err = school.run("tell", "maple/lab", "--by", "A")
    assert code == 1 and "heat_index_f" in err


def test_a_duty_whose_hours_have_not_come_is_not_yet_owed(school: School) -> None:
    code, out, _ = school.run("ticket", school.first, "show")
    assert code == 0 and "does not apply" not in out
    assert "not yet: no hour outside the student day in it so far" in " ".join(out.split())


def test_what_safetyd_wrote_is_told_by_the_clocks_of_the_site(
    school: School, capsys: pytest.CaptureFixture[str]
) -> None:
    found = school.ticket(school.first) | {"notices": [], "alternative_spaces": []}
    found["history"][0]["note"] = "in range since 2026-12-02 16:42 UTC"
    site = load(school.folder / "safetyd.toml", {}).site
    ticket_words(found, site)
    assert "in range since Wed 02 Dec 2026 08:42" in " ".join(capsys.readouterr().out.split())
