"""Commands to calls, errors to exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration.

Rule: every error a person can cause is one sentence on standard error; a traceback is a bug.
"""

import os
import sys
from collections.abc import Sequence

from safetyd.frugal import lasting

_WRONG = 2
_FAILED = 1
_INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    from safetyd.cli import every  # noqa: F401 - commands register themselves

    return _run(argv)


def _run(argv: Sequence[str]) -> int:
    from safetyd.cli.application import application
    from safetyd.core.errors import SafetydError
    from safetyd.faults import ConfigurationError
    from safetyd.replay import RecordingError

    try:
        return application(list(argv))
    except (ConfigurationError, RecordingError) as error:
        print(error, file=sys.stderr)
        return _WRONG
    except SafetydError as error:
        print(f"safetyd: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"safetyd: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED


def entry() -> None:
    """Run the command line of this process; one that runs for years does not carry all other commands."""
    argv = sys.argv[1:]
    with lasting():
        if argv[:1] == ["run"]:
            from safetyd.cli import serving  # noqa: F401 - it registers itself
        else:
            from safetyd.cli import every  # noqa: F401 - commands register themselves
    sys.exit(_run(argv))
