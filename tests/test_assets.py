"""What a browser is given that is not ours is what was pinned, and travels with safetyd."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.assets import PINS, Package, integrity, read, written

ROOT = Path(__file__).resolve().parent.parent
TOLD = "npm fetches it; on Debian: apt-get install npm, then make assets"
GIVEN = b"let answer = 42"
FOR_PAGES = ("uPlot.iife.min.js", "uPlot.min.css")


@pytest.mark.parametrize("package", read(PINS.read_text("utf-8")), ids=lambda package: package.name)
def test_what_is_fetched_is_what_is_pinned(package: Package) -> None:
    assert [file.path for file in package.files if not file.is_here] == [], TOLD


def test_each_package_brings_its_licence() -> None:
    packages = read(PINS.read_text("utf-8"))
    assert all("LICENSE" in [file.inside for file in each.files] for each in packages)


def test_the_pins_name_exact_versions_and_no_place() -> None:
    text = PINS.read_text("utf-8")
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert text == head + written(read(text))
    assert "//" not in head and ":/" not in text
    assert all(each.version.replace(".", "").isdigit() for each in read(text))


# In a tree of its own, with an npm that hands out what the test likes.


class Tree(NamedTuple):
    """A tree that pins one file, and a folder where npm may be."""

    root: Path
    programs: Path

    def hands_out(self, content: bytes) -> Path:
        """Put an npm there that hands out a package with this content; return its archive."""
        inside, archive = self.root / "given.js", self.root / "given.tgz"
        inside.write_bytes(content)
        with tarfile.open(archive, "w:gz") as made:
            made.add(inside, "package/dist/given.js")
        npm = self.programs / "npm"
        npm.write_text(f"#!/bin/sh\n{shutil.which('cp')} '{archive}' .\n")
        npm.chmod(0o755)
        return archive

    def pins(self, archive: bytes, content: bytes) -> None:
        self.root.joinpath("requirements").mkdir()
        self.root.joinpath("requirements", "web.txt").write_text(
            f"given==1.2.3 {integrity(archive)}\n    dist/given.js out/given.js {integrity(content)}\n"
        )

    def fetch(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(self.root / "deploy" / "assets.py"), *arguments]
        env = os.environ | {"PATH": str(self.programs)}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    @property
    def fetched(self) -> bytes | None:
        place = self.root / "out" / "given.js"
        return place.read_bytes() if place.exists() else None


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path / "tree", tmp_path / "programs")
    (made.root / "deploy").mkdir(parents=True)
    made.programs.mkdir()
    shutil.copy(ROOT / "deploy" / "assets.py", made.root / "deploy")
    return made


def test_what_has_the_pinned_hash_is_laid_in_its_place(tree: Tree) -> None:
    tree.pins(tree.hands_out(GIVEN).read_bytes(), GIVEN)
    assert tree.fetch().returncode == 0
    assert tree.fetched == GIVEN


def test_what_is_in_its_place_is_not_asked_for_again(tree: Tree) -> None:
    tree.pins(tree.hands_out(GIVEN).read_bytes(), GIVEN)
    tree.fetch()
    (tree.programs / "npm").unlink()
    assert tree.fetch().returncode == 0


def test_what_was_changed_since_is_fetched_again(tree: Tree) -> None:
    tree.pins(tree.hands_out(GIVEN).read_bytes(), GIVEN)
    tree.fetch()
    (tree.root / "out" / "given.js").write_bytes(GIVEN + b" ")
    assert tree.fetch().returncode == 0
    assert tree.fetched == GIVEN


def test_an_archive_that_is_another_is_refused(tree: Tree) -> None:
    tree.pins(b"another", GIVEN)
    tree.hands_out(GIVEN)
    said = tree.fetch()
    assert said.returncode == 1 and "given 1.2.3" in said.stderr
    assert tree.fetched is None


def test_a_file_that_is_another_is_refused(tree: Tree) -> None:
    tree.pins(tree.hands_out(GIVEN).read_bytes(), b"another")
    said = tree.fetch()
    assert said.returncode == 1 and "dist/given.js" in said.stderr
    assert tree.fetched is None


def test_without_npm_the_package_is_named(tree: Tree) -> None:
    tree.pins(b"", GIVEN)
    said = tree.fetch()
    assert said.returncode == 1
    assert "apt-get install npm" in said.stderr


def test_what_can_do_without_says_so_in_one_line(tree: Tree) -> None:
    tree.pins(b"", GIVEN)
    said = tree.fetch("--if-possible")
    assert said.returncode == 0
    assert len(said.stderr.splitlines()) == 1 and "without" in said.stderr


def test_pinning_anew_takes_the_hashes_of_what_is_handed_out(tree: Tree) -> None:
    tree.pins(b"another", b"another")
    tree.hands_out(GIVEN)
    assert tree.fetch("--pin").returncode == 0
    assert tree.fetched == GIVEN
    assert tree.fetch().returncode == 0


@pytest.mark.journey
def test_the_wheel_holds_what_pages_are_made_of(tmp_path: Path) -> None:
    ours = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "safetyd", tmp_path / "safetyd", ignore=ours)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", "out", "."]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    assert {f"safetyd/web/vendor/{name}" for name in FOR_PAGES} <= held, TOLD
    for folder in ("static", "templates", "vendor"):
        here = [each for each in (ROOT / "safetyd" / "web" / folder).rglob("*") if each.is_file()]
        assert {str(each.relative_to(ROOT)) for each in here} <= held
