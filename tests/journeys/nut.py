"""Real Network UPS Tools on this machine for one test: upsd, and a driver of a UPS that is only a file.

Rule: as in servers.py. Each program runs in the foreground, so that it is ours to end by its own number.
"""

import os
import shutil
import signal
import socket
import subprocess
from getpass import getuser
from pathlib import Path
from typing import Self

from tests.journeys.servers import LOOPBACK, WITHIN, free_port, until

DEAD_AFTER = 3  # seconds without a word from a driver until upsd calls what it has stale
# Where distributions put them. Debian's /usr/sbin/upsd is a script that heeds the machine's own set-up.
FOLDERS = ("/lib/nut", "/usr/lib/nut", "/usr/libexec/nut", "/usr/local/libexec/nut", "/usr/sbin", "/usr/bin")


def program(name: str) -> str:
    """Return the path of a program of NUT; fail naming the package it comes in."""
    found = shutil.which(name, path=os.pathsep.join([*FOLDERS, os.environ.get("PATH", os.defpath)]))
    assert found, f"{name} is not on this machine; it comes with: apt-get install nut-server"
    return found


class Nut:
    """An upsd with the UPS `closet`, whose driver says what a file says. Both can end and come back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._state = folder / "state"
        self._state.mkdir(mode=0o700)
        self._driver: subprocess.Popen[bytes] | None = None
        self._upsd: subprocess.Popen[bytes] | None = None
        self._write("ups.conf", "[closet]\ndriver = dummy-ups\nport = closet.dev\nmode = dummy-loop\n")
        self._write("upsd.conf", f"LISTEN {LOOPBACK} {self.port}\nMAXAGE {DEAD_AFTER}\n")
        self._write("upsd.users", "")

    def says(self, status: str, **more: str) -> None:
        """Let the UPS say this from now on: `says("OB", input_voltage="0")`."""
        values = {"ups.status": status} | {name.replace("_", ".", 1): value for name, value in more.items()}
        self._write("closet.next", "".join(f"{name}: {value}\n" for name, value in values.items()))
        (self.folder / "closet.next").replace(self.folder / "closet.dev")  # never half a file

    def start(self) -> Self:
        self.start_driver()
        self.start_upsd()
        return self

    def start_driver(self) -> None:
        self._driver = self._run("dummy-ups", "-a", "closet", "-i", "1")
        until("the driver of the UPS is ready", (self._state / "dummy-ups-closet").exists)

    def start_upsd(self) -> None:
        self._upsd = self._run("upsd")
        until("upsd listens", self._listens)

    def freeze_driver(self) -> None:
        """Let the driver stay and say nothing more."""
        assert self._driver is not None
        self._driver.send_signal(signal.SIGSTOP)

    def kill_driver(self) -> None:
        self._kill(self._driver)
        (self._state / "dummy-ups-closet").unlink(missing_ok=True)
        self._driver = None

    def kill_upsd(self) -> None:
        self._kill(self._upsd)
        self._upsd = None

    def stop(self) -> None:
        self.kill_upsd()
        self.kill_driver()

    def _write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")

    def _run(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        places = {"NUT_CONFPATH": str(self.folder), "NUT_STATEPATH": str(self._state)}
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [program(name), "-F", "-u", getuser(), *arguments],
                env=os.environ | places | {"NUT_ALTPIDPATH": str(self._state)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _listens(self) -> bool:
        assert self._upsd is not None
        assert self._upsd.poll() is None, f"upsd has ended:\n{(self.folder / 'upsd.log').read_text()}"
        try:
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @staticmethod
    def _kill(child: subprocess.Popen[bytes] | None) -> None:
        if child is not None:
            child.kill()
            child.wait(WITHIN)
