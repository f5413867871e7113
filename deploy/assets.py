"""What a browser is given that is not ours: fetched with npm, checked, laid where pages and tests find it.

Rule: what does not have the hash that requirements/web.txt pins is not written.
No registry is named: npm has its own.
"""

import argparse
import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
IMPATIENT = ("--fetch-timeout=20000", "--fetch-retries=1", "--fetch-retry-mintimeout=1000")  # milliseconds
PINS = ROOT / "requirements" / "web.txt"
WITHOUT = "the pages do without zoomable charts"


class Unavailable(Exception):
    """Says in a sentence what cannot be had."""


class File(NamedTuple):
    """One file of a package: where it is in there, where it goes in this tree, its hash."""

    inside: str
    path: str
    integrity: str

    @property
    def is_here(self) -> bool:
        """Whether it lies in its place as it should be."""
        place = ROOT / self.path
        return place.is_file() and integrity(place.read_bytes()) == self.integrity


class Package(NamedTuple):
    """One package of npm, at one version."""

    name: str
    version: str
    integrity: str
    files: tuple[File, ...]


def integrity(content: bytes) -> str:
    """Return the hash of a content as npm and browsers write it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def read(text: str) -> list[Package]:
    """Return the packages of a file of pins."""
    packages: list[Package] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(" "):
            last = packages[-1]
            packages[-1] = last._replace(files=(*last.files, File(*line.split())))
        else:
            called, hashed = line.split()
            packages.append(Package(*called.split("=="), hashed, ()))
    return packages


def written(packages: list[Package]) -> str:
    """Return the lines of a file of pins."""
    lines = []
    for each in packages:
        lines.append(f"{each.name}=={each.version} {each.integrity}")
        lines += [f"    {' '.join(file)}" for file in each.files]
    return "".join(f"{line}\n" for line in lines)


def npm(*arguments: str, folder: Path) -> str:
    """Return what npm prints.

    Raises:
        Unavailable: there is no npm, or it failed.
    """
    program = shutil.which("npm")
    if program is None:
        raise Unavailable("npm is not on this machine; it comes with: apt-get install npm")
    command = [program, *arguments, "--loglevel=error", *IMPATIENT]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if done.returncode:
        code = re.search(r"^npm (?:error|ERR!) code (.+)", done.stderr, re.M)
        raise Unavailable(f"npm {' '.join(arguments)} failed: {code[1] if code else done.stderr.strip()}")
    return done.stdout.strip()


def packed(name: str, version: str) -> bytes:
    """Return a package as npm hands it out."""
    with tempfile.TemporaryDirectory() as folder:
        npm("pack", f"{name}@{version}", folder=Path(folder))
        (archive,) = Path(folder).glob("*.tgz")
        return archive.read_bytes()


def contents(archive: bytes, files: tuple[File, ...]) -> dict[File, bytes]:
    """Return what is in an archive under the names of these files."""
    with tempfile.TemporaryFile() as held:
        held.write(archive)
        held.seek(0)
        with tarfile.open(fileobj=held, mode="r:gz") as opened:
            found = {}
            for file in files:
                inside = opened.extractfile(f"package/{file.inside}")
                assert inside is not None, f"{file.inside} is no file"
                found[file] = inside.read()
            return found


def fetch(package: Package) -> None:
    """Lay the files of a package into their places.

    Raises:
        Unavailable: npm cannot hand it out, or it is not what was pinned.
    """
    archive = packed(package.name, package.version)
    if integrity(archive) != package.integrity:
        raise Unavailable(f"{package.name} {package.version} from npm is not what requirements/web.txt pins")
    for file, content in contents(archive, package.files).items():
        if integrity(content) != file.integrity:
            raise Unavailable(f"{file.inside} of {package.name} is not what requirements/web.txt pins")
        place = ROOT / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f"{place.name}.part")
        fresh.write_bytes(content)
        fresh.replace(place)


def pinned_anew(package: Package, *, is_newest: bool) -> Package:
    """Return a package with the hashes that npm's answer has now."""
    version = npm("view", package.name, "version", folder=ROOT) if is_newest else package.version
    archive = packed(package.name, version)
    found = contents(archive, package.files)
    files = tuple(file._replace(integrity=integrity(found[file])) for file in package.files)
    return Package(package.name, version, integrity(archive), files)


def main() -> None:
    """Fetch what is not here, or pin anew."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--if-possible", action="store_true", help="do without, and say so")
    asked.add_argument("--pin", action="store_true", help="write the hashes of what npm hands out")
    asked.add_argument("--upgrade", action="store_true", help="with --pin: of the newest versions")
    said = asked.parse_args()
    text = PINS.read_text("utf-8")
    packages = read(text)
    try:
        if said.pin:
            packages = [pinned_anew(each, is_newest=said.upgrade) for each in packages]
            head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
            PINS.write_text(head + written(packages), "utf-8")
        for each in packages:
            if not all(file.is_here for file in each.files):
                fetch(each)
    except Unavailable as reason:
        print(f"{reason}; {WITHOUT}" if said.if_possible else reason, file=sys.stderr)
        sys.exit(0 if said.if_possible else 1)


if __name__ == "__main__":
    main()
