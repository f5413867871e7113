"""Every command says how it is used, fails in a sentence, and prints JSON and nothing else when asked to."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from safetyd.cli import every  # noqa: F401 - commands register themselves
from safetyd.cli.application import app
from tests.journeys.servers import SAFETYD, Said, environment

pytestmark = pytest.mark.journey  # it starts processes

PROJECT = Path(__file__).parents[2]
AT, TOPIC = "2026-12-01T16:05:00Z", "safetyd/readings/maple/12"
COLD = json.dumps({"at": AT, "topic": TOPIC, "payload": '{"temperature_f": 55}'})
LONE = "\ud800"  # half a character: JSON can say it, nothing can store it
SAID_LONE = [
    {"do": "note", "ticket": "maple-2026-0001", "by": "A. Reyes", "note": LONE},
    {"topic": TOPIC, "payload": json.dumps({"temperature_f": LONE})},
    {"topic": TOPIC, "payload": json.dumps({"temperature_f": 55, "ts": LONE})},
    {"topic": f"safetyd/{LONE}", "payload": "{}"},
    {"do": "report", "building": "maple", "room": "12", "by": LONE, "hazard": "mold"},
]


def run(*arguments: str, env: dict[str, str] | None = None) -> Said:
    done = subprocess.run(
        [SAFETYD, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment() | (env or {}),
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command there is, the hidden ones not."""

    def below(command: object, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            return [words]
        return [
            found for name, each in inner.items() if not each.hidden for found in below(each, (*words, name))
        ]

    return below(get_command(app), ())


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(
        'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\n[[buildings.rooms]]\nid = "12"\n',
        encoding="utf-8",
    )
    file = tmp_path / "safetyd.toml"
    file.write_text('site = ["site.toml"]\n', encoding="utf-8")
    return file


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "cold.jsonl"
    file.write_text(COLD + "\n", encoding="utf-8")
    return file


def one_sentence(said: Said, code: int) -> str:
    assert said.code == code, said
    assert said.out == ""
    (sentence,) = said.err.splitlines()
    assert "Traceback" not in sentence
    return sentence


# help


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_shows_an_example(words: tuple[str, ...]) -> None:
    said = run(*words, "--help")
    assert said.code == 0 and said.err == ""
    assert f"safetyd {' '.join(words)}" in said.out.split("Example:", 1)[1]


def test_all_commands_are_listed_in_the_help() -> None:
    said = run("--help")
    assert said.code == 0
    for words in commands():
        assert words[0] in said.out


def test_the_help_itself_shows_an_example() -> None:
    assert "Example" in run("--help").out


# wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ["ticket"],
        ["tikets"],
        ["tickets", "--stauts", "open"],
        ["tickets", "--status", "opne"],
        ["run", "now"],
        ["ticket", "maple-2026-0001", "forget"],
        ["ticket", "maple-2026-0001", "relieve", "--tier", "soon"],
        ["replay"],
        ["notify", "tset"],
        ["readings"],
        ["tickets", "--config"],
    ],
)
def test_wrong_usage_is_told_in_a_sentence(arguments: list[str]) -> None:
    one_sentence(run(*arguments), 2)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["readings", "maple/99"], "'99'"),
        (["readings", "cedar"], "'cedar'"),
        (["readings", "maple/12", "--from", "yesterday"], "'yesterday'"),
        (["readings", "maple/12", "--every", "often"], "often"),
        (["readings", "maple/12", "--every", "0s"], "0"),
        (["tickets", "--building", "mapel"], "maple"),
        (["notify", "test", "--person", "Nobody"], "Nobody"),
    ],
)
def test_what_nobody_knows_is_named(arguments: list[str], words: str, config: Path) -> None:
    assert words in one_sentence(run(*arguments, "--config", str(config)), 2)


def test_a_recording_that_is_not_there_is_named(config: Path) -> None:
    assert "nowhere.jsonl" in one_sentence(run("replay", "nowhere.jsonl", "--config", str(config)), 2)


@pytest.mark.parametrize("until", ["noon", "2026-12-01T16:05:00", "2026-12-01"])
def test_a_time_without_its_zone_is_refused(until: str, config: Path, recording: Path) -> None:
    said = run("replay", str(recording), "--until", until, "--config", str(config))
    assert until in one_sentence(said, 2)


# configuration


def test_every_fault_of_the_configuration_is_told_at_once(config: Path) -> None:
    config.write_text(
        'site = ["site.toml"]\n[mqtt]\nprot = 1\nport = 0\n[store]\nurl = "x"\n', encoding="utf-8"
    )
    (config.parent / "site.toml").write_text(
        'timezone = "Mars"\n[[buildings]]\nid = "A B"\n', encoding="utf-8"
    )
    for command in (["check"], ["tickets"], ["run"], ["tickets", "--json"], ["notify", "test"]):
        said = run(*command, "--config", str(config), env={"SAFETYD_MQTT__HSOT": "x"})
        assert said.code == 2 and said.out == ""
        for words in ("prot", "mqtt.port", "store.url", "timezone", "buildings[0].id", "SAFETYD_MQTT__HSOT"):
            assert words in said.err, (command, words)
        assert "safetyd.toml" in said.err and "site.toml" in said.err
        assert "Traceback" not in said.err


def test_a_configuration_that_is_not_there_is_named() -> None:
    said = run("check", "--config", "/nowhere/safetyd.toml")
    assert said.code == 2 and "/nowhere/safetyd.toml" in said.err


def test_the_configuration_that_comes_with_safetyd_is_right() -> None:
    said = run("check", "--config", str(PROJECT / "config" / "safetyd.toml"))
    assert said.code == 0 and said.err == ""
    assert "Lincoln High School" in said.out


def test_check_shows_no_address_and_no_secret(config: Path) -> None:
    site = config.parent / "site.toml"
    people = '[[people]]\nname = "Ann"\nroles = ["facilities"]\nnotify = ["json://ann:pa55word@example.org/t0ken"]\n'
    site.write_text(site.read_text(encoding="utf-8") + people, encoding="utf-8")
    said = run("check", "--config", str(config))
    assert said.code == 0
    assert "pa55word" not in said.out + said.err and "t0ken" not in said.out + said.err


# output


def test_json_is_one_document_and_nothing_else(config: Path, recording: Path) -> None:
    said = run("replay", str(recording), "--json", "--config", str(config))
    assert said.code == 0 and said.err == ""
    assert len(json.loads(said.out)["tickets"]) == 1


def test_before_the_first_run_the_store_is_missed_in_a_sentence(config: Path) -> None:
    for command in (["tickets", "--json"], ["ticket", "maple-2026-0001"], ["readings", "maple/12", "--json"]):
        assert "safetyd run" in one_sentence(run(*command, "--config", str(config)), 1)


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "JSON"])
def test_who_stops_reading_our_output_is_not_bothered(more: list[str], config: Path, recording: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [SAFETYD, "replay", str(recording), "--config", str(config), *more]
    try:
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, env=environment(), check=False, timeout=60
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0


def test_a_full_disk_under_our_output_is_a_failure_in_a_sentence(config: Path, recording: Path) -> None:
    command = [SAFETYD, "replay", str(recording), "--config", str(config), "--json"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False, timeout=60
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and b"space" in done.stderr


@pytest.mark.parametrize("line", SAID_LONE, ids=["note", "value", "stamp", "topic", "name"])
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "JSON"])
def test_half_a_character_in_a_recording_ends_no_replay(
    line: dict[str, str], more: list[str], config: Path, recording: Path
) -> None:
    recording.write_text(f"{COLD}\n{json.dumps({'at': AT} | line)}\n", encoding="utf-8")
    said = run("replay", str(recording), "--config", str(config), *more)
    assert "Traceback" not in said.err
    assert said.code in (0, 2)
