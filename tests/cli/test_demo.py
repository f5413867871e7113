"""The demo tells its story from beginning to end with nothing configured, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from safetyd.cli import main
from safetyd.simulate.sink import Heard, sink
from tests.journeys.servers import until

DEMO = [sys.executable, "-m", "safetyd", "demo"]
NINE = datetime(2026, 9, 2, 16, tzinfo=UTC)


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}


def moment(line: str) -> str:
    return line[len("Wed 18 Nov ") :][:5]


@pytest.mark.journey
def test_a_power_outage_from_its_first_notice_to_its_end(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--scenario", "power-outage", "--speed", "1000", "--plain", "--keep", "kept"],
        cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()

    def first(*words: str) -> int:
        return next(n for n, line in enumerate(lines) if all(word in line for word in words))

    gone = first("notice", "power is out", "principal")
    assert first("notice", "power is out", "district facilities office")
    opened = first("ticket", "lincoln-2026-0001 opened, 9.14.5", "Lincoln High School, no electricity")
    back = first("notice", "electricity is back")
    assert gone < opened < back
    dark, lit = first("gateway", "dark"), first("gateway", "back")
    seen = first("district", "no mains", "power out since 10:05")
    ours = first("district", "lincoln-watch-2026-0001 open")
    joined = first("district", "lincoln-watch-2026-0001 joined to lincoln-2026-0001")
    assert gone < dark < seen < ours < lit < back
    assert lit < opened and ours < joined
    assert "12:05" <= moment(lines[ours]) <= "12:20"
    assert first("Seen from the district: well, lincoln-watch-2026-0001 joined to lincoln-2026-0001") > joined
    assert "10:15" <= moment(lines[gone]) <= "10:50"  # a quarter of an hour after a last word that it was on
    assert moment(lines[opened]) == "12:05"
    assert first("Tickets: 1") < first("since Wed 18 Nov 10:05; open, immediate due in 13 d")
    stored = re.search(r"Readings stored: ([\d,]+)", done.stdout)
    assert stored and int(stored[1].replace(",", "")) > 10_000

    told = (tmp_path / "kept" / "notices.txt").read_text(encoding="utf-8")
    assert "to Marisol Okafor, principal: Lincoln High School: electricity is back" in told
    config = str(tmp_path / "kept" / "safetyd.toml")
    listed = subprocess.run(
        [sys.executable, "-m", "safetyd", "tickets", "--json", "--config", config],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert [ticket["clause"] for ticket in json.loads(listed.stdout)["tickets"]] == ["9.14.5"]
    config = str(tmp_path / "kept" / "watch.toml")
    elsewhere = subprocess.run(
        [sys.executable, "-m", "safetyd", "tickets", "--json", "--config", config],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    (ticket,) = json.loads(elsewhere.stdout)["tickets"]
    assert (ticket["status"], ticket["joined"]) == ("joined", "lincoln-2026-0001")


@pytest.mark.journey
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_when_told_within_two_seconds_and_leaves_nothing(
    sign: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [*DEMO, "--scenario", "school-day"],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None and demo.stderr is not None
        while "ordinary" not in demo.stdout.readline():
            assert demo.poll() is None
        time.sleep(0.5)
        told = time.monotonic()
        demo.send_signal(sign)
        rest, complaints = demo.stdout.read(), demo.stderr.read()
        assert demo.wait(10) == 0
        assert time.monotonic() - told < 2
    assert complaints == ""
    assert "was ended early" in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.journey
def test_without_mosquitto_the_stand_in_carries_the_story_and_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--scenario", "power-outage", "--speed", "2000", "--broker", "amqtt"],
        env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "broker: amqtt, for demonstration only" in done.stdout
    assert "lincoln-2026-0001 opened, 9.14.5" in done.stdout


@pytest.mark.journey
def test_a_busy_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"safetyd: Port {port} on 127.0.0.1 cannot be had")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--scenario", "heatwave"], "no scenario is called 'heatwave'; did you mean 'heat-wave'?"),
        (["--scenario", "flood"], "there are boiler-failure, heat-wave, power-outage and school-day"),
        (["--speed", "0"], "--speed is 0; expected a number above 0"),
        (["--speed", "nan"], "--speed is nan; expected a number above 0"),
        (["--speed", "100000"], "up to 3600"),
        (["--port", "70000"], "--port is 70000"),
        (["--keep", __file__], "is there already; expected a new or an empty folder"),
    ],
)
def test_wrong_usage_is_told_and_nothing_starts(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *given]) == 2
    assert said in capsys.readouterr().err


def post(url: str, body: bytes) -> int:
    try:
        with urllib.request.urlopen(url, body, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_sink_writes_down_what_it_accepts(tmp_path: Path) -> None:
    heard: list[Heard] = []
    file, names = tmp_path / "notices.txt", {"facilities": "Dale Brennan"}
    zone = ZoneInfo("America/Los_Angeles")
    with sink(file, names, timezone=zone, now=lambda: NINE, hear=heard.append) as url:
        address = url.replace("json://", "http://")
        notice = {"title": "Room 204: too hot", "message": "Since 09:00.\nDue tomorrow.", "type": "info"}
        assert post(f"{address}facilities", json.dumps(notice).encode()) == 200
        assert post(f"{address}facilities", b"no JSON") == 400
        assert post(f"{address}facilities", b"[]") == 400
        assert post(f"{address}nobody", json.dumps(notice).encode()) == 400
    assert heard == [Heard(NINE, "Dale Brennan", "Room 204: too hot", "Since 09:00.\nDue tomorrow.")]
    assert file.read_text(encoding="utf-8") == (
        "Wed 02 Sep 2026 09:00  to Dale Brennan: Room 204: too hot\n    Since 09:00.\n    Due tomorrow.\n\n"
    )


@pytest.mark.journey
def test_its_link_shows_the_school_in_a_browser_already_logged_in(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--scenario", "school-day", "--speed", "1", "--plain"],
        cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert demo.stdout is not None
    try:
        told = (line.partition("in a browser: ")[2].strip() for line in demo.stdout)
        link = next(filter(None, told))
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        page = until("the pages answer", lambda: opened(browser, link))
        assert "Lincoln High School" in page and "Demo visitor" in page
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)


def opened(browser: urllib.request.OpenerDirector, link: str) -> str:
    """Return a page, nothing while nobody answers."""
    try:
        with browser.open(link, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return ""
