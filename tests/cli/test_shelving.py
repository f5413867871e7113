"""`shelve` and `unshelve` at a terminal: done, listed, shown on the ticket, refused in a sentence."""

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

SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
rooms = [{ id = "12", name = "Room 12" }]
[[people]]
name = "Finn Ray"
roles = ["facilities"]
notify = ["json://127.0.0.1:9/finn"]
"""
HOUR = timedelta(hours=1)
BY = ("--by", "Finn Ray", "--note", "new valve")


class School:
    """One cold room, and the person at the terminal."""

    def __init__(self, folder: Path, out: Callable[[], Any]) -> None:
        self.folder, self._out = folder, out
        (folder / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        self.now = datetime.now(UTC).replace(microsecond=0)
        begun = self.now - timedelta(minutes=2)
        configuration = load(folder / "safetyd.toml", {})
        with closing(open_for_writing(configuration.settings.store.url)) as connection:
            service = Service(connection, configuration.site, "safetyd", begun)
            said = json.dumps({"temperature_f": 55.0, "humidity": 40}).encode()
            service.take(Message(begun, "safetyd/readings/maple/12", said))
            service.save_all(begun)
        self.id = f"maple-{begun.astimezone(ZoneInfo('America/Los_Angeles')).year}-0001"

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--config", str(self.folder / "safetyd.toml")])
        told = self._out()
        return code, told.out, told.err

    def asked(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def until(self, **later: float) -> tuple[str, str]:
        at = self.now + timedelta(**later)
        return "--until", f"{at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def school(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> School:
    return School(tmp_path, capsys.readouterr)


def test_what_is_shelved_is_shown_where_people_look(school: School) -> None:
    until = school.until(hours=3)
    code, out, _ = school.run("shelve", "maple/12", *until, *BY)
    assert code == 0
    for words in ("maple/12", "held back", "Finn Ray (facilities)", "new valve"):
        assert words in out
    code, out, _ = school.run("tickets")
    assert code == 0 and "shelved by Finn Ray until" in out
    code, out, _ = school.run("ticket", school.id)
    assert code == 0 and "its messages are shelved by Finn Ray until" in out and "new valve" in out
    assert school.asked("tickets")["tickets"][0]["shelved"] == {
        "by": "Finn Ray",
        "until": until[1],
        "note": "new valve",
    }


def test_a_notice_that_was_not_sent_says_so_on_its_ticket(school: School) -> None:
    school.run("shelve", "maple", *school.until(hours=3), *BY)
    school.run("ticket", school.id, "acknowledge", "--by", "Finn Ray")
    code, out, _ = school.run("ticket", school.id)
    assert code == 0 and "– not sent: shelved by Finn Ray until" in out
    told = {each["reason"]: each for each in school.asked("ticket", school.id)["notices"]}
    assert told["acknowledged"]["shelved"]["by"] == "Finn Ray" and told["acknowledged"]["deliveries"] == []
    assert told["shelved"]["shelved"] is None and len(told["shelved"]["deliveries"]) == 1


def test_the_list_holds_what_stands_and_what_ever_was(school: School) -> None:
    assert school.run("shelve", "--list")[1] == "Nothing was ever shelved.\n"
    assert school.asked("shelve", "--list") == {"shelves": []}
    school.run("shelve", "maple/12", *school.until(hours=3), *BY)
    school.run("shelve", "maple/12", *school.until(hours=5), *BY)
    school.run("unshelve", "maple/12", "--by", "Finn Ray", "--note", "done")
    school.run("shelve", "maple", *school.until(hours=1), *BY)
    found = school.asked("shelve", "--list")["shelves"]
    assert [(each["room"], each["state"], each["ended_note"]) for each in found] == [
        ("12", "over", "replaced"),
        ("12", "over", "done"),
        (None, "standing", None),
    ]
    code, out, _ = school.run("shelve", "--list")
    assert code == 0 and "by Finn Ray: done" in out and "held back" in out


def test_it_can_be_ended_and_shows_that(school: School) -> None:
    school.run("shelve", "maple/12", *school.until(hours=3), *BY)
    shown = school.asked("unshelve", "maple/12", "--by", "Finn Ray")
    assert (shown["state"], shown["ended_by"]) == ("over", "Finn Ray")
    assert school.asked("ticket", school.id)["shelved"] is None
    told = [each["reason"] for each in school.asked("ticket", school.id)["notices"]]
    assert told[-2:] == ["shelved", "unshelved"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("shelve",), "PLACE is needed"),
        (("shelve", "maple/12", *BY), "--until is needed"),
        (("shelve", "maple/12", "--until", "2027-01-01", "--by", "Finn Ray"), "--note is needed"),
        (("shelve", "maple/12", "--until", "2027-01-01", "--note", "so"), "--by is needed"),
        (("shelve", "maple/attic", "--until", "2027-01-01", *BY), "attic"),
        (("shelve", "--list", "maple"), "--list"),
        (("unshelve", "maple/12"), "--by is needed"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(words: tuple[str, ...], said: str, school: School) -> None:
    code, out, err = school.run(*words)
    assert (code, out) == (2, "") and said in err and len(err.splitlines()) == 1


def test_what_may_not_be_is_refused_in_a_sentence_and_nothing_changes(school: School) -> None:
    for words, said in (
        (("shelve", "maple/12", *school.until(days=8), *BY), "which is 7 days"),
        (("shelve", "maple/12", *school.until(hours=-1), *BY), "expected later than"),
        (("shelve", "maple/12", *school.until(hours=1), "--by", "Jo", "--note", "so"), "give role"),
        (("shelve", "maple/12", *school.until(hours=1), "--by", "Finn Ray", "--note", " "), "needs note"),
        (("unshelve", "maple/12", "--by", "Finn Ray"), "maple/12 is not shelved"),
    ):
        code, out, err = school.run(*words)
        assert (code, out) == (1, "") and said in err and len(err.splitlines()) == 1, words
    assert school.asked("shelve", "--list") == {"shelves": []}
