"""Everything that goes onto a gateway with safetyd, its versions, hashes and licences, as CycloneDX.

Rule: it lists what is installed in an environment of its own, not what a file says should be.
"""

import argparse
import base64
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.assets import PINS, ROOT, Package, read

_SHIPPED = "safetyd/"  # the other assets are for tests


def installed(python: Path) -> dict[str, Any]:
    """Return the list of what is installed beside an interpreter; one environment gives the same bytes."""
    command = [
        *(sys.executable, "-m", "cyclonedx_py", "environment"),
        *("--output-reproducible", "--pyproject", str(ROOT / "pyproject.toml"), str(python)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if done.returncode:
        sys.exit(f"what is installed beside {python} could not be listed: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def for_browsers(packages: Iterable[Package]) -> list[dict[str, Any]]:
    """Return what a browser is given, as components."""
    return [
        _component(each) for each in packages if any(file.path.startswith(_SHIPPED) for file in each.files)
    ]


def _component(package: Package) -> dict[str, Any]:
    kind, hashed = package.integrity.split("-", 1)
    licences = [ROOT / file.path for file in package.files if file.inside.startswith("LICENSE")]
    purl = f"pkg:npm/{package.name}@{package.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "hashes": [{"alg": f"SHA-{kind.removeprefix('sha')}", "content": base64.b64decode(hashed).hex()}],
        "licenses": [
            {"license": {"name": each.read_text(encoding="utf-8").split("\n")[0]}} for each in licences
        ],
    }


def by_licence(components: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the names of components under the licence that each states, an SPDX one before other words."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in components:
        stated = each.get("licenses", [])
        spdx = [one.get("expression") or one["license"].get("id") for one in stated]
        named = [
            one["license"]["name"].split(" :: ")[-1] for one in stated if "name" in one.get("license", {})
        ]
        found[next(filter(None, [*spdx, *named]), "none stated")].append(each["name"])
    return dict(sorted(found.items()))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    asked.add_argument("python", type=Path, help="the interpreter of the environment that is listed")
    asked.add_argument("-o", "--output", type=Path, required=True)
    given = asked.parse_args()
    found = installed(given.python)
    found["components"] += for_browsers(read(PINS.read_text(encoding="utf-8")))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for licence, names in by_licence(found["components"]).items():
        print(f"{licence}: {', '.join(sorted(names, key=str.lower))}")
    print(f"{len(found['components'])} components are in {given.output}")


if __name__ == "__main__":
    main()
