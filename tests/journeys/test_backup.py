"""A backup is whole although the daemon writes meanwhile; a restore leaves the old store or the new one."""

import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from safetyd.cli import main
from tests.journeys.servers import ROOT, WITHIN, Broker, Client, House, ago, environment, until
from tests.journeys.test_daemon import in_breach
from tests.journeys.test_nothing_is_lost import assert_chained

pytestmark = pytest.mark.journey

Make = Callable[..., House]
DYING = """
import os, sys
left, folder = int(sys.argv[1]), sys.argv[2]

def watch(event, arguments):
    global left
    if event.split(".")[0] in ("open", "os", "sqlite3") and any(folder in str(each) for each in arguments):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)

from safetyd.cli import main
import safetyd.store.copies
sys.addaudithook(watch)
sys.exit(main(sys.argv[3:]))
"""


def grown(home: House, readings: int = 400_000) -> None:
    """Let a store that nobody has open grow, so that its copy takes more than one step."""
    with closing(sqlite3.connect(home.store)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO reading (sensor, quantity, observed_at, delay, value, mark)"
            " SELECT 99, 1, 5, 0, 70.0, 0 FROM n",
            (readings,),
        )


def whole(file: Path) -> int:
    """Return how many readings a file has; fail unless it is whole."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return int(connection.execute("SELECT count(*) FROM reading").fetchone()[0])


def test_a_backup_while_the_daemon_writes_is_one_moment_of_it(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    in_breach(home, client)
    assert home.stop() == 0
    grown(home)
    home.start(client)
    before, file = home.count("reading"), home.folder / "monday.backup"
    copying = home.begin("backup", str(file))
    first_at, told = int(ago(hours=3).timestamp()), 0
    while copying.poll() is None:
        said = ({"temperature_f": 70 + n % 7 / 10, "ts": first_at + n} for n in range(told, told + 50))
        client.tell("safetyd/readings/maple/lab", *said)
        told += 50
    out, err = copying.communicate(timeout=60)
    assert copying.returncode == 0 and err == "", err
    assert "tickets 1, readings" in out and "checked" in out
    home.has("reading", before + told)
    assert before <= whole(file) <= before + told
    assert [path.name for path in home.folder.iterdir() if "backup" in path.name] == ["monday.backup"]
    assert home.is_running


def test_a_backup_goes_back_and_everything_goes_on(broker: Broker, client: Client, house: Make) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    photo = home.folder / "photo.jpg"
    photo.write_bytes(b"57.2")
    home.asked("ticket", id, "note", "--by", "A. Reyes", "--note", "cold", "--attach", str(photo))
    file = home.folder / "monday.backup"
    assert home.run("backup", str(file)).code == 0
    home.asked("ticket", id, "acknowledge", "--by", "A. Reyes")

    refused = home.run("restore", str(file))
    assert refused.code == 1 and "stop it first" in refused.err
    home.kill()  # not even an unclean end mixes the two
    newer = home.run("restore", str(file))
    assert newer.code == 1 and "--force" in newer.err and home.ticket(id)["status"] == "acknowledged"
    done = home.run("restore", str(file), "--force")
    assert done.code == 0, done.err
    assert home.ticket(id)["status"] == "open"
    (kept,) = home.store.parent.glob("safetyd.db.replaced-*")
    assert str(kept) in done.out
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT status FROM ticket").fetchall() == [("acknowledged",)]

    home.start(client)
    home.asked("ticket", id, "acknowledge", "--by", "B. Osei")
    assert home.asked("attachments", id)["attachments"][0]["name"] == "photo.jpg"
    assert_chained(home)


def test_a_damaged_store_ends_run_in_a_sentence_that_says_what_to_do(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    id = in_breach(home, client)
    assert home.stop() == 0
    good = home.store.with_name("monday.backup")
    assert home.run("backup", str(good)).code == 0
    content = bytearray(home.store.read_bytes())
    content[100:3000] = bytes(2900)
    home.store.write_bytes(content)

    ended = home.run("run")
    (sentence,) = ended.err.splitlines()
    assert ended.code == 1 and ended.out == ""
    assert str(home.store) in sentence and "damaged" in sentence and f"newest good backup: {good}" in sentence
    command = sentence.rpartition("restore one with: safetyd ")[2].split()
    done = subprocess.run([home.command[0], *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    home.start(client)
    assert home.ticket(id)["status"] == "open"


def test_a_damage_that_is_only_met_when_the_record_is_read_ends_run_in_a_sentence_too(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    in_breach(home, client)
    assert home.stop() == 0  # after a clean end the readings are not looked at
    grown(home, readings=2000)
    content = bytearray(home.store.read_bytes())
    content[-8192:] = bytes(each ^ 0xFF for each in content[-8192:])
    home.store.write_bytes(content)
    ended = home.run("run")
    assert ended.code == 1, ended
    assert "damaged" in ended.err.splitlines()[-1] and "Traceback" not in ended.err


def test_a_damaged_store_without_a_backup_says_so(broker: Broker, house: Make) -> None:
    home = house(broker)
    home.store.parent.mkdir()
    home.store.write_bytes(b"Dear diary, " * 1000)
    ended = home.run("run")
    assert ended.code == 1 and len(ended.err.splitlines()) == 1
    assert "no good backup" in ended.err and "not a database" in ended.err
    assert home.store.read_bytes().startswith(b"Dear diary")


def test_a_power_cut_at_any_step_of_a_restore_leaves_the_old_store_or_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('timezone = "UTC"\n[[buildings]]\nid = "maple"\n', encoding="utf-8")
    config = tmp_path / "safetyd.toml"
    config.write_text('site = ["site.toml"]\n', encoding="utf-8")
    store, file = tmp_path / "var" / "safetyd.db", tmp_path / "monday.backup"
    assert main(["tell", "maple", "--hazard", "water", "--by", "A", "--config", str(config)]) == 1  # none yet
    made = [sys.executable, "-c", MAKE, str(store), str(file)]
    subprocess.run(made, check=True, cwd=ROOT)
    restore = ["restore", str(file), "--force", "--config", str(config)]
    seen = []
    for step in range(1, 200):
        dying = [sys.executable, "-c", DYING, str(step), str(store.parent), *restore]
        ended = subprocess.run(
            dying, capture_output=True, text=True, cwd=ROOT, env=environment(), check=False
        )
        assert ended.returncode in (0, -9), ended.stderr
        seen.append(whole(store))
        if ended.returncode == 0:
            break
    assert set(seen) == {2, 1} and seen == sorted(seen, reverse=True), seen
    assert len(seen) > 8, "there were few steps to die at"
    kept = list(store.parent.glob("safetyd.db.replaced-*"))
    assert 2 in [whole(each) for each in kept if not each.name.endswith(("-wal", "-shm"))]


MAKE = """
import sys
from pathlib import Path
from safetyd.store.copies import back_up
from safetyd.store.database import open_for_writing

store, file = map(Path, sys.argv[1:])
row = "INSERT INTO reading (sensor, quantity, observed_at, delay, value, mark) VALUES (1, 1, 5, 0, 70.0, 0)"
connection = open_for_writing(f"sqlite:///{store}")
connection.exec_driver_sql(row)
connection.commit()
back_up(store, file, lambda *_: None, force=False)
connection.exec_driver_sql(row)
connection.commit()
import os
os._exit(0)  # as a power cut would: what came last is not in the store's own file yet
"""


def test_on_a_terminal_there_is_a_bar_and_in_a_pipe_there_is_none(
    broker: Broker, client: Client, house: Make
) -> None:
    home = house(broker).start(client)
    in_breach(home, client)
    assert home.stop() == 0
    said = home.run("backup", str(home.folder / "a.backup"))
    assert said.code == 0 and said.err == "" and len(said.out.splitlines()) == 1
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [home.command[0], "backup", str(home.folder / "b.backup"), "--config", str(home.config)],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=environment() | {"TERM": "xterm"},
    ) as copying:
        os.close(theirs)
        seen = bytearray()

        def ended() -> bool:
            try:
                seen.extend(os.read(ours, 65536))
            except OSError:  # the other side is closed
                return True
            return False

        until("the terminal is closed", ended)
        assert copying.wait(WITHIN) == 0
    os.close(ours)
    assert b"copying" in seen or b"checking" in seen
