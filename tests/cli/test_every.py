"""All commands are there, and the one that runs for years carries no other."""

import re
import subprocess
import sys
from pathlib import Path

from safetyd import cli

FOLDER = Path(cli.__file__).parent
REGISTERS = re.compile(r"^@\w+\.command|^app\.add_typer", re.M)


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a process of safetyd has loaded at its end."""
    program = (
        "import atexit, sys; from safetyd.cli import entry\n"
        f"atexit.register(lambda: print(*sys.modules)); sys.argv = ['safetyd', *{arguments}]; entry()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_module_with_a_command_is_imported() -> None:
    with_one = {each.stem for each in FOLDER.glob("*.py") if REGISTERS.search(each.read_text("utf-8"))}
    assert {f"safetyd.cli.{name}" for name in with_one} <= loaded_by("--help")


def test_run_carries_no_other_command_and_nothing_that_draws_tables() -> None:
    found = loaded_by("run", "--help")
    assert "safetyd.cli.serving" in found
    assert not {"safetyd.cli.every", "safetyd.cli.reporting", "rich"} & found
