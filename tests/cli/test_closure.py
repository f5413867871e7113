"""`ticket ID close-building` and its sisters: on record by name, in words, and lifted by two people."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.store.database import open_for_writing
from safetyd.times import rfc3339

ZONE = ZoneInfo("America/Los_Angeles")
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
[[buildings.rooms]]
id = "12"
"""
PEOPLE = "".join(
    f'[[people]]\nname = "{name}"\nroles = ["{role}"]\nbuildings = ["maple"]\n'
    for name, role in (("Ada Holt", "administrator"), ("Dora Quist", "district"), ("Finn Ray", "facilities"))
)
HOUR = timedelta(hours=1)


class Dark:
    """A building that has been without electricity for three hours, and the person at the terminal."""

    def __init__(self, folder: Path, out: Callable[[], Any]) -> None:
        self.folder, self.out = folder, out
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.began_at = self.now - 3 * HOUR
        self.id = f"maple-{(self.began_at + 2 * HOUR).astimezone(ZONE).year}-0001"
        (folder / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
        self.people(PEOPLE)
        configuration = load(self.config, {})
        with closing(open_for_writing(configuration.settings.store.url)) as connection:
            service = Service(connection, configuration.site, "safetyd", self.began_at)
            service.take(Message(self.began_at, "safetyd/power/maple", b'{"mains": "off"}'))
            service.commit(self.began_at)
            service.elapse(self.began_at + 2 * HOUR + timedelta(seconds=1))
            service.save_all(self.now)

    @property
    def config(self) -> Path:
        return self.folder / "safetyd.toml"

    def people(self, text: str) -> None:
        (self.folder / "site.toml").write_text(SITE + text, encoding="utf-8")

    def run(self, do: str, *arguments: str) -> tuple[int, str, str]:
        code = main(["ticket", self.id, do, *arguments, "--config", str(self.config)])
        said = self.out()
        return code, " ".join(said.out.split()), said.err

    def does(self, do: str, by: str, *arguments: str) -> str:
        code, out, err = self.run(do, "--by", by, *arguments)
        assert (code, err) == (0, "")
        return out

    def refuses(self, do: str, by: str, *arguments: str) -> str:
        code, out, err = self.run(do, "--by", by, *arguments)
        assert (code, out) == (1, "") and "Traceback" not in err
        return err

    def shown(self) -> dict[str, Any]:
        code = main(["ticket", self.id, "--json", "--config", str(self.config)])
        assert code == 0
        return dict(json.loads(self.out().out))


@pytest.fixture
def dark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Dark:
    return Dark(tmp_path, capsys.readouterr)


def wall(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%a %d %b %Y %H:%M}"


def test_at_first_the_words_say_what_is_not_on_record(dark: Dark) -> None:
    _, out, _ = dark.run("show")
    assert "nobody has put on record that it was told (tell-district)" in out
    assert "its closing is not on record (close-building)" in out


def test_a_closing_and_its_lift_are_told_in_words_at_every_step(dark: Dark) -> None:
    since = dark.began_at + HOUR
    out = dark.does("tell-district", "Ada Holt", "--note", "by telephone")
    assert "district: told by Ada Holt" in out and "60 min after the ticket opened" in out
    out = dark.does("close-building", "Ada Holt", "--since", rfc3339(since))
    assert f"building: closed by Ada Holt since {wall(since)}" in out
    assert f"staff could not work there: {wall(since)} to now" in out
    out = dark.does("lift", "Ada Holt", "--note", "a generator runs")
    assert "Ada Holt proposes to reopen it, another person must confirm-lift" in out
    out = dark.does("confirm-lift", "Dora Quist")
    assert "by Dora Quist (proposed by Ada Holt)" in out and "to now" not in out


def test_the_words_with_underscores_are_taken_too(dark: Dark) -> None:
    dark.does("close_building", "Finn Ray")
    assert dark.shown()["closure"]["closed_by"] == "Finn Ray"


def test_what_is_on_record_outlives_the_process(dark: Dark) -> None:
    dark.does("close-building", "Finn Ray")
    dark.does("lift", "Dora Quist", "--note", "a generator runs")
    shown = dark.shown()
    assert (shown["closure"]["state"], shown["closure"]["lift_proposed_by"]) == ("lifting", "Dora Quist")
    events = [row["event"] for row in shown["history"]]
    assert events[-2:] == ["close_building", "lift"]


def test_only_two_people_of_the_right_role_lift_it(dark: Dark) -> None:
    dark.does("close-building", "Finn Ray")
    assert "expected one of Ada Holt, Dora Quist" in dark.refuses("lift", "Finn Ray", "--note", "it is fine")
    dark.does("lift", "Ada Holt", "--note", "a generator runs")
    assert "cannot confirm it too; expected one of Dora Quist" in dark.refuses("confirm-lift", "Ada Holt")
    assert dark.shown()["closure"]["state"] == "lifting"


def test_a_site_that_names_nobody_cannot_check_and_says_so(dark: Dark) -> None:
    dark.people("")
    dark.does("close-building", "Finn Ray")
    dark.does("lift", "Finn Ray", "--note", "a generator runs")
    dark.does("confirm-lift", "Anybody Else")
    rows = {row["event"]: row for row in dark.shown()["history"]}
    for event in ("lift", "confirm_lift"):
        assert rows[event]["role"].startswith("could not be checked")
    assert "role" not in rows["close_building"]


def test_the_ticket_cannot_be_closed_over_a_closed_building(dark: Dark) -> None:
    dark.does("close-building", "Ada Holt")
    assert "on record as closed" in dark.refuses("close", "Ada Holt", "--note", "done")


def test_since_belongs_to_the_closing_of_a_building(dark: Dark) -> None:
    assert "has no key 'since'" in dark.refuses("lift", "Ada Holt", "--since", rfc3339(dark.now))


@pytest.mark.parametrize("do", ["tell-district", "close-building", "lift", "confirm-lift"])
def test_each_needs_a_name(dark: Dark, do: str) -> None:
    code, out, err = dark.run(do)
    assert (code, out) == (2, "") and "--by" in err and do in err


def test_a_word_that_is_none_is_refused_with_those_there_are(dark: Dark) -> None:
    code, out, err = dark.run("shut", "--by", "Ada Holt")
    assert (code, out) == (2, "") and "'shut' is not one of show" in err and "confirm-lift" in err
