"""A small season in a store: what a room's sensor said, what people did, rolled up as the daemon does."""

import hashlib
import json
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from safetyd.cli import main
from tests.story import Run, Story, instant

Json = dict[str, Any]

BEGIN, END = "2026-09-01 00:00", "2026-09-11 00:00"


def kept(story: Story, folder: Path, until: str = END) -> Path:
    """Return the configuration of a store that holds a story and its roll-ups."""
    config = story.keep(folder, until)
    with redirect_stdout(StringIO()):
        assert main(["history", "rebuild", "--config", str(config)]) == 0
    return config


def ask(config: Path, *settings: str, exact: bool = False, begin: str = BEGIN, end: str = END) -> Json:
    """Return what `whatif --json` prints; fail unless it succeeded."""
    run = tell(config, *settings, exact=exact, begin=begin, end=end, more=["--json"])
    assert run.code == 0, run.err
    return dict(json.loads(run.out))


def tell(
    config: Path,
    *settings: str,
    exact: bool = False,
    begin: str = BEGIN,
    end: str = END,
    more: list[str] | None = None,
) -> Run:
    """Run `whatif` and return what it left behind; times are wall time at the school."""
    since, until = (f"{instant(each):%Y-%m-%dT%H:%M:%SZ}" for each in (begin, end))
    argv = ["whatif", "--config", str(config), "--from", since, "--to", until, *(more or [])]
    for setting in settings:
        argv += ["--set", setting]
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*argv, *(["--exact"] if exact else [])])
    return Run(code, out.getvalue(), err.getvalue())


def digest(folder: Path) -> str:
    """Return the hash of the store's file."""
    with closing((folder / "kept.db").open("rb")) as file:
        return hashlib.sha256(file.read()).hexdigest()
