"""The commands by name, with what they take; each hands over to the module that does it."""

import json
import sys
from contextvars import ContextVar
from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

app = typer.Typer(
    name="safetyd",
    help="Watches classroom temperature, heat index and electricity, and keeps the contract's deadlines."
    "\n\nExample: safetyd run --config config/safetyd.toml",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="safetyd.toml; else SAFETYD_CONFIG, else config/, else /etc/safetyd/."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]
_FAILED, _WRONG = 1, 2
_command = cache(get_command)  # all of them take 20 ms to build, and nothing changes them afterwards


_gateway: ContextVar[str | None] = ContextVar("gateway", default=None)


@app.callback()
def _safetyd(
    gateway: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="At a centre: by the copy of this gateway's record."),
    ] = None,
) -> None:
    """Each command has an example: safetyd COMMAND --help."""
    _gateway.set(gateway)


def asked_gateway() -> str | None:
    """Return by the copy of whose record the command goes, None where it is our own."""
    return _gateway.get()


def print_json(document: Any) -> None:
    """Print one JSON document and nothing else."""
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def application(argv: list[str]) -> int:
    """Run one command and return its exit code; wrong usage is told in a sentence.

    Raises:
        SafetydError: the command failed.
    """
    command = _command(app)
    try:
        with command.make_context("safetyd", argv) as context:
            code = command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return _FAILED
    except typer.TyperException as error:
        said = getattr(error, "format_message", error.__str__)().replace("Value error, ", "")
        print(said if said.startswith("Usage") else f"safetyd: {said}", file=sys.stderr)
        return _WRONG
    return code if isinstance(code, int) else 0
