"""A plain Debian 12 of its own for one test: made by debootstrap, booted with systemd, gone at the end.

Rule: nothing of this machine is written down here: where packages come from is read at run time, from apt's
and pip's own configuration. Every mount is in a namespace that ends with the process that made it.
"""

import ast
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.journeys.servers import ROOT, SYSTEM_PROGRAMS, Said, until

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip", "systemd")
_CACHE = "/var/cache/pip"
SECONDS = 600  # a mirror may be slow
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Debian:
    """A tree, and what runs in it; on this machine's network."""

    def __init__(self, tree: Path) -> None:
        assert os.geteuid() == 0, (
            "only root makes a Debian and boots it; leave it out with ARGS='--ignore tests/deploy'"
        )
        self.tree = tree
        self._boot: subprocess.Popen[bytes] | None = None
        self._first = 0  # the process that is init in there
        with _base().open("rb") as packed:
            subprocess.run(["tar", "-xp", "-C", str(tree)], stdin=packed, check=True)
        _give(tree, Path("/etc/ssl/certs/ca-certificates.crt"))
        (tree / "etc/pip.conf").write_text(_pip_conf(), encoding="utf-8")
        (tree / "etc/hosts").write_text("127.0.0.1 localhost\n", encoding="utf-8")

    def path(self, inside: str) -> Path:
        """Return where a path of the tree is from here."""
        return self.tree / inside.lstrip("/")

    def boot(self) -> None:
        """Start systemd in it, as a machine does."""
        command = ["setpriv", "--pdeathsig", "TERM", *_nspawn(self.tree), "--console=pipe", "--boot"]
        with (self.tree.parent / "boot.log").open("wb") as log:
            self._boot = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        children = Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children")

        def is_up() -> bool:
            assert self._boot is not None and self._boot.poll() is None, "the container has ended"
            pids = children.read_text().split()
            self._first = int(pids[0]) if pids else 0  # at first a process that only makes the first one
            return bool(pids) and self.run("systemctl", "is-system-running").out.strip() in (
                "running",
                "degraded",
            )

        until("systemd is up", is_up, SECONDS)

    def run(self, *command: str) -> Said:
        """Run a command in it as root and return what it left behind."""
        inside = ["/usr/bin/env", "-i", f"PATH={_PATH}", "LANG=C.UTF-8", *_of_pip(), *command]
        if self._boot is None:
            inside = [*_nspawn(self.tree), "--pipe", *inside]
        else:
            inside = ["nsenter", "-t", str(self._first), "-a", *inside]
        done = subprocess.run(
            inside, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def did(self, *command: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        said = self.run(*command)
        assert said.code == 0, f"{' '.join(command)}: {said.code}\n{said.out}\n{said.err}"
        return said.out

    def close(self) -> None:
        if self._boot is not None:
            self._boot.terminate()  # it is shut down in order
            try:
                self._boot.wait(30)
            except subprocess.TimeoutExpired:
                self._boot.kill()
                self._boot.wait(30)


def _program(name: str, package: str) -> str:
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_PROGRAMS])
    found = shutil.which(name, path=search)
    assert found, f"{name} is not on this machine; it comes with: apt-get install {package}"
    return found


def _nspawn(tree: Path) -> list[str]:
    program = _program("systemd-nspawn", "systemd-container")
    given = [f"--bind-ro={each}" for each in _of_indexes()]
    cache = Path.home() / ".cache/pip"
    if cache.is_dir():
        given.append(f"--bind={cache}:{_CACHE}")
    return [program, "--quiet", f"--directory={tree}", "--register=no", "--keep-unit", *given]


def _base() -> Path:
    """Return the packed tree of a Debian with nothing on it yet, made once for these packages."""
    mirror = _mirror()
    name = hashlib.sha256(" ".join((SUITE, mirror, *PACKAGES)).encode()).hexdigest()[:12]
    packed = ROOT / "build" / f"debian-{name}.tar"
    if packed.exists():
        return packed
    packed.parent.mkdir(exist_ok=True)
    tree = packed.with_suffix(f".{os.getpid()}.tree")
    part = packed.with_suffix(f".{os.getpid()}.part")
    try:
        command = [
            _program("unshare", "util-linux"),
            "--mount",
            _program("debootstrap", "debootstrap"),
            "--variant=minbase",
            f"--include={','.join(PACKAGES)}",
        ]
        done = subprocess.run(
            [*command, SUITE, str(tree), mirror], capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, f"debootstrap: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        shutil.rmtree(tree / "var/cache/apt/archives")
        subprocess.run(["tar", "-c", "-C", str(tree), "-f", str(part), "."], check=True)
        part.replace(packed)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        part.unlink(missing_ok=True)
    return packed


def _mirror() -> str:
    """Return where this machine's own apt takes Debian's main archive from."""
    for file in _sources():
        said = file.read_text(encoding="utf-8")
        for each in re.findall(r"^(?:URIs:\s*|deb\s+(?:\[.*?\]\s+)?)(\S+)", said, re.MULTILINE):
            if "security" not in each:
                return str(each)
    raise AssertionError("apt's sources name no archive of Debian; look at /etc/apt/sources.list.d")


def _sources() -> Iterator[Path]:
    yield from sorted(Path("/etc/apt/sources.list.d").glob("debian*.sources"))
    if (old := Path("/etc/apt/sources.list")).is_file():
        yield old
    yield from sorted(Path("/etc/apt/sources.list.d").glob("*.list"))


def _pip_settings() -> dict[str, str]:
    pip = shutil.which("pip") or shutil.which("pip3")
    assert pip, "pip is not on this machine; it comes with: apt-get install python3-pip"
    said = subprocess.run([pip, "config", "list"], capture_output=True, text=True, check=True).stdout
    pairs = (line.split("=", 1) for line in said.splitlines() if "=" in line)
    return {name: str(ast.literal_eval(value)) for name, value in pairs}


def _pip_conf() -> str:
    found = _pip_settings()
    lines = [
        f"{name.removeprefix('global.')} = {value}"
        for name, value in found.items()
        if "global." in name and name != "global.cache-dir"
    ]
    return "\n".join(["[global]", *lines, f"cache-dir = {_CACHE}", ""])


def _of_pip() -> Sequence[str]:
    return [f"{name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]


def _of_indexes() -> list[Path]:
    """Return the folders of this machine that pip's configuration names."""
    words = " ".join(_pip_settings().values()).replace("file://", " ").split()
    tops = {Path(*Path(word).parts[:3]) for word in words if word.startswith("/")}
    return sorted(each for each in tops if each.is_dir() and each.parts[1] not in ("etc", "usr", "root"))


def _give(tree: Path, file: Path) -> None:
    if file.is_file():
        there = tree / file.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
