"""Node-RED as npm hands it out, in build/nodered: what safetyd is measured against.

Rule: a package of another hash than requirements/nodered.txt pins is not installed.
No registry is named: npm has its own.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.assets import ROOT, Package, Unavailable, integrity, packed, read

PINS = ROOT / "requirements" / "nodered.txt"
PLACE = ROOT / "build" / "nodered"


def main() -> None:
    """Install what is not here as it is pinned; SQLite is compiled, which takes some minutes."""
    pins = PINS.read_text("utf-8")
    stamp = PLACE / "pins.txt"
    if stamp.is_file() and stamp.read_text("utf-8") == pins:
        return
    try:
        install(read(pins))
    except Unavailable as reason:
        sys.exit(str(reason))
    stamp.write_text(pins, "utf-8")


def install(packages: list[Package]) -> None:
    """Lay the packages, and what they need, into an empty folder.

    Raises:
        Unavailable: npm cannot hand one out or cannot build it, or it is not what was pinned.
    """
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for each in packages:
        archive = packed(each.name, each.version)
        if integrity(archive) != each.integrity:
            raise Unavailable(
                f"{each.name} {each.version} from npm is not what requirements/nodered.txt pins"
            )
        (PLACE / f"{each.name}.tgz").write_bytes(archive)
    needs = {each.name: f"file:{each.name}.tgz" for each in packages}
    (PLACE / "package.json").write_text(json.dumps({"private": True, "dependencies": needs}))
    print("installing Node-RED into build/nodered; compiling its SQLite takes some minutes", file=sys.stderr)
    program = shutil.which("npm")
    assert program is not None, "packed() has found it"
    command = [
        program,
        "install",
        "--omit=dev",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ]
    if Path("/usr/include/node/node.h").is_file():
        command.append(
            "--nodedir=/usr"
        )  # of Debian's libnode-dev; else npm asks the makers of Node for theirs
    done = subprocess.run(command, cwd=PLACE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"npm cannot install Node-RED: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    main()
