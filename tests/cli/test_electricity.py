"""`power`: where each building's electricity stands and who says so; a person's word; wrong usage."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
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

MINUTE = timedelta(minutes=1)
ZONE = ZoneInfo("America/Los_Angeles")
SITE = """
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
[[buildings.rooms]]
id = "12"
[[buildings.rooms]]
id = "lab"
[[buildings]]
id = "cedar"
name = "Cedar School"
[[buildings.rooms]]
id = "12"
"""
CEDAR = SITE.index('[[buildings]]\nid = "cedar"')
PLUG = '[[buildings.sensors]]\nid = "{0}"\ntopic = "zigbee2mqtt/{0}"\nformat = "zigbee2mqtt"\nroom = "{1}"\n'
PLUGS = "".join(PLUG.format(id, room) + "mains_powered = true\n" for id, room in (("a", "12"), ("b", "lab")))
MAINS = "safetyd/power/maple"


@dataclass
class House:
    """A configuration and a store that a daemon has filled."""

    folder: Path
    out: Callable[[], Any]
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    said: list[Message] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "safetyd.toml"

    def site(self, more: str = "", rules: str = "") -> "House":
        text = f"{SITE[:CEDAR]}{more}{SITE[CEDAR:]}{rules}"
        (self.folder / "site.toml").write_text(text, encoding="utf-8")
        return self

    def hear(self, minutes_ago: float, topic: str = MAINS, **values: object) -> "House":
        self.said.append(Message(self.now - minutes_ago * MINUTE, topic, json.dumps(values).encode()))
        return self

    @contextmanager
    def daemon(self, at: datetime) -> Iterator[Service]:
        settings = load(self.config, {})
        with closing(open_for_writing(settings.settings.store.url)) as connection:
            yield Service(connection, settings.site, "safetyd", at)

    def live(self) -> "House":
        """Let the daemon hear all that was said, and end."""
        self.said.sort(key=lambda message: message.received_at)
        with self.daemon(self.said[0].received_at - MINUTE if self.said else self.now) as service:
            for message in self.said:
                service.take(message)
                service.commit(message.received_at)
            service.elapse(self.now)
            service.save_all(self.now)
        self.said.clear()
        return self

    def run(self, *arguments: str, command: str = "power") -> tuple[int, str, str]:
        code = main([command, *arguments, "--config", str(self.config)])
        said = self.out()
        return code, said.out, said.err

    def words(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, "")
        return out

    def asked(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the buildings of the one JSON document that is printed."""
        document = json.loads(self.words(*arguments, "--json"))
        assert list(document) == ["buildings"]
        return list(document["buildings"])

    def maple(self) -> dict[str, Any]:
        (found,) = self.asked("maple")
        return found

    def is_refused(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code and what was said of a command that must print nothing else."""
        code, out, err = self.run(*arguments)
        assert out == "" and "Traceback" not in err
        return code, err

    def ago(self, minutes: float) -> str:
        return rfc3339(self.now - minutes * MINUTE)

    def wall(self, minutes_ago: float) -> str:
        """Return a moment's time of day as a person at the school would write it."""
        return f"{(self.now - minutes_ago * MINUTE).astimezone(ZONE):%H:%M}"


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
    return House(tmp_path, capsys.readouterr).site()


def silent(house: House) -> House:
    """Let two plugs speak until half an hour ago."""
    house.site(PLUGS)
    for minutes_ago in (45, 40, 35, 30):
        for plug in ("a", "b"):
            house.hear(minutes_ago, f"zigbee2mqtt/{plug}", temperature=21.0, humidity=40)
    return house.live()


# Where it stands


def test_of_a_building_that_nobody_has_spoken_of_nothing_is_known(house: House) -> None:
    house.live()
    assert house.maple() == {
        "building": "maple",
        "open_tickets": 0,
        "mains": "unknown",
        "electricity": "unknown",
        "since": None,
        "last_on_at": None,
        "flickers": 0,
        "witnesses": [],
    }
    assert "Maple School: unknown" in house.words() and "nobody" in house.words()


def test_a_witness_that_says_on_is_named_with_its_last_word(house: House) -> None:
    house.hear(9, mains="on", voltage=121).hear(4, mains="on", voltage=120).live()
    building = house.maple()
    assert (building["electricity"], building["mains"], building["since"]) == ("on", "ok", None)
    assert building["witnesses"] == [
        {
            "witness": "mains",
            "says": "on",
            "since": house.ago(9),
            "heard_at": house.ago(4),
            "counts": True,
        }
    ]
    words = house.words("maple")
    assert "Maple School: on" in words and "mains: on" in words
    assert house.wall(9) in words and house.wall(4) in words


@pytest.mark.parametrize(("minutes_ago", "counts"), [(13, True), (17, False)])
def test_an_on_grows_old(minutes_ago: int, counts: bool, house: House) -> None:
    house.hear(minutes_ago, mains="on").live()
    building = house.maple()
    assert building["electricity"] == ("on" if counts else "unknown")
    assert building["witnesses"][0]["counts"] is counts
    assert ("no longer counts" in house.words()) is not counts


def test_an_outage_is_shown_between_its_bounds(house: House) -> None:
    house.hear(44, mains="on").hear(40, mains="off").live()
    building = house.maple()
    assert (building["electricity"], building["mains"]) == ("out", "unknown")
    assert building["since"] == house.ago(40)
    assert building["last_on_at"] == house.ago(44)
    words = house.words("maple")
    assert "Maple School: out since" in words and "last known to be on" in words
    assert house.wall(40) in words and house.wall(44) in words


def test_beyond_two_hours_it_is_a_breach_and_has_its_ticket(house: House) -> None:
    house.hear(125, mains="off").live()
    building = house.maple()
    assert (building["electricity"], building["mains"], building["open_tickets"]) == ("out", "breach", 1)


def test_a_short_return_is_counted_and_not_believed_yet(house: House) -> None:
    house.hear(40, mains="off").hear(30, mains="on").hear(25, mains="off").hear(3, mains="on").live()
    building = house.maple()
    assert (building["electricity"], building["flickers"]) == ("out", 1)
    assert building["since"] == house.ago(40)
    assert "1 short return" in house.words("maple") and "1 short returns" not in house.words("maple")


def test_a_return_that_held_is_on(house: House) -> None:
    house.hear(40, mains="off")
    for minutes_ago in (25, 20, 15, 9, 4):
        house.hear(minutes_ago, mains="on")
    building = house.live().maple()
    assert (building["electricity"], building["since"], building["flickers"]) == ("on", None, 0)


def test_devices_that_fell_silent_together_are_suspected(house: House) -> None:
    building = silent(house).maple()
    assert (building["electricity"], building["mains"]) == ("suspected", "unknown")
    assert building["since"] == house.ago(30)
    assert "Maple School: suspected since" in house.words("maple")


def test_witnesses_that_disagree_are_each_shown(house: House) -> None:
    house.hear(12, f"{MAINS}/gym", mains="on").hear(11, f"{MAINS}/west", mains="on")
    house.hear(9, f"{MAINS}/east", mains="off").live()
    building = house.maple()
    assert building["electricity"] == "on"
    assert [(each["witness"], each["says"]) for each in building["witnesses"]] == [
        ("east", "off"),
        ("gym", "on"),
        ("west", "on"),
    ]
    words = house.words("maple")
    assert all(name in words for name in ("east: off", "gym: on", "west: on"))


def test_without_a_building_all_of_them_are_shown(house: House) -> None:
    house.hear(5, mains="on").hear(5, "safetyd/power/cedar", mains="off").live()
    assert [(each["building"], each["electricity"]) for each in house.asked()] == [
        ("maple", "on"),
        ("cedar", "out"),
    ]
    assert [each["building"] for each in house.asked("cedar")] == ["cedar"]
    words = house.words()
    assert "Maple School: on" in words and "Cedar School: out" in words


# A person's word


def test_a_person_is_a_witness_by_name(house: House) -> None:
    house.live()
    assert "out" in house.words("maple", "off", "--by", "J. Doe", "--note", "dark since the storm")
    (witness,) = house.maple()["witnesses"]
    assert "J. Doe" in witness["witness"]
    assert (witness["says"], witness["counts"]) == ("off", True)
    assert [each["electricity"] for each in house.asked()] == ["out", "unknown"]


def test_the_answer_to_a_word_may_be_json(house: House) -> None:
    house.live()
    (building,) = house.asked("maple", "on", "--by", "J. Doe")
    assert building["electricity"] == "on"


def test_a_person_confirms_and_denies_a_suspicion(house: House) -> None:
    silent(house)
    house.words("maple", "off", "--by", "J. Doe")
    assert house.maple()["electricity"] == "out"
    house.words("maple", "on", "--by", "J. Doe")
    assert house.maple()["electricity"] == "out", "it must hold first"


def test_two_people_are_two_witnesses(house: House) -> None:
    house.live()
    house.words("maple", "off", "--by", "J. Doe")
    house.words("maple", "on", "--by", "A. Roe")
    assert len(house.maple()["witnesses"]) == 2
    assert house.maple()["electricity"] == "out", "half the votes do not bring it back"


def test_a_word_on_a_ticketed_outage_is_in_its_history(house: House) -> None:
    house.hear(130, mains="off").live()
    house.words("maple", "off", "--by", "J. Doe", "--note", "all of the east wing")
    code, out, _ = house.run(
        "maple-" + str(house.now.astimezone(ZONE).year) + "-0001", "show", command="ticket"
    )
    assert code == 0
    assert "J. Doe" in out and "all of the east wing" in out


# Wrong usage


def test_a_building_that_is_not_is_refused_with_a_hint(house: House) -> None:
    house.live()
    code, err = house.is_refused("mapel")
    assert code == 2 and "mapel" in err and "maple" in err.replace("mapel", "")


def test_a_word_needs_a_name(house: House) -> None:
    house.live()
    code, err = house.is_refused("maple", "off")
    assert code == 2 and "--by" in err
    assert house.maple()["witnesses"] == []


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_name_is_none(name: str, house: House) -> None:
    house.live()
    code, err = house.is_refused("maple", "off", "--by", name)
    assert code in (1, 2) and "by" in err
    assert house.maple()["witnesses"] == []


def test_it_is_on_or_off(house: House) -> None:
    house.live()
    code, err = house.is_refused("maple", "dim", "--by", "J. Doe")
    assert code == 2 and "dim" in err and "on" in err and "off" in err


@pytest.mark.parametrize("more", [["--by", "J. Doe"], ["--note", "dark"]])
def test_a_name_or_a_note_without_a_word_is_not_silently_dropped(more: list[str], house: House) -> None:
    house.live()
    assert house.is_refused("maple", *more)[0] == 2


def test_a_rooms_electricity_is_none_of_its_business(house: House) -> None:
    house.live()
    assert house.is_refused("maple/12", "off", "--by", "J. Doe")[0] == 2


def test_there_is_nothing_to_see_before_the_first_run(house: House) -> None:
    for arguments in ([], ["maple"], ["maple", "off", "--by", "J. Doe"]):
        code, err = house.is_refused(*arguments)
        assert code == 1 and "safetyd run" in err and len(err.splitlines()) == 1


def test_a_faulty_configuration_is_told(house: House) -> None:
    house.live()
    (house.folder / "site.toml").write_text("roms = 1\n", encoding="utf-8")
    code, err = house.is_refused()
    assert code == 2 and "roms" in err


def test_help_shows_an_example(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    main(["power", "--help"])
    assert "Example" in capsys.readouterr().out
