"""One estimate in a process of its own, which gives way to everything else and ends with its answer.

Rule: whoever asks has neither processor nor interpreter taken away: what is worked out here can hold up no
reading and no page. The process reads the store only; when nobody listens to it any more, it ends.
"""

import copyreg
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from types import MappingProxyType
from typing import IO, Any, NamedTuple

from safetyd.core.errors import SafetydError
from safetyd.site import Site
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.figures import WhatIfError
from safetyd.whatif.rolled import estimated

WITHIN_S = 180.0
_LEAST_PRIORITY = 19
_RUN = "from safetyd.whatif.apart import main; main()"

Tell = Callable[[float], object]  # which share of it is done


class Order(NamedTuple):
    """What is to be worked out from which store, by whose rules."""

    url: str
    site: Site
    question: Question


class _Refused(NamedTuple):
    """Why there is no answer, in a sentence."""

    words: str


class Errand:
    """An order on its way. `stop` may be called from any thread, and then there is no answer."""

    def __init__(self, order: Order, within_s: float = WITHIN_S) -> None:
        self._order = order
        self._within_s = within_s
        self._is_late = False
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for who asks; this one ends when nobody listens any more
        )

    def answer(self, tell: Tell) -> Answer:
        """Return the answer, once it is there.

        Raises:
            WhatIfError: there is none, or not in time.
        """
        watch = threading.Timer(self._within_s, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            return self._hear(tell)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            if self._is_late:
                words = f"it takes longer than {self._within_s / 60:g} minutes"
                raise WhatIfError(
                    f"{words}; ask for a shorter time or one building, or use safetyd whatif"
                ) from error
            raise WhatIfError("the process that worked it out has ended; the log may say why") from error
        finally:
            watch.cancel()
            self.stop()

    def stop(self) -> None:
        """Let go of it."""
        self._process.kill()
        self._process.wait()

    def _give_up(self) -> None:
        self._is_late = True
        self._process.kill()

    def _hear(self, tell: Tell) -> Answer:
        with self._process as process:
            assert process.stdin is not None and process.stdout is not None
            _Packer(process.stdin).dump(self._order)
            process.stdin.flush()
            while True:
                said = pickle.load(process.stdout)
                if isinstance(said, Answer):
                    return said
                if isinstance(said, _Refused):
                    raise WhatIfError(said.words)
                tell(said)


def main() -> None:
    """Work out the order that comes along standard input."""
    os.nice(_LEAST_PRIORITY)
    _say(sys.stdout.buffer, _worked_out(pickle.load(sys.stdin.buffer), _Percent(sys.stdout.buffer).tell))


def _worked_out(order: Order, tell: Tell) -> Answer | _Refused:
    from safetyd.store.database import open_for_reading, told_on_failure

    try:
        with told_on_failure(order.url), closing(open_for_reading(order.url)) as connection:
            return estimated(connection, order.site, order.question, tell)
    except SafetydError as error:
        return _Refused(str(error))


class _Percent:
    """Says how far it has come, a hundred times at most."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to
        self._said = 0

    def tell(self, share: float) -> None:
        """Say it if it is worth it."""
        if (percent := int(share * 100)) > self._said:
            self._said = percent
            _say(self._to, share)


def _say(to: IO[bytes], said: object) -> None:
    pickle.dump(said, to)
    to.flush()


class _Packer(pickle.Pickler):
    """Knows how a mapping that nobody may change is sent."""

    dispatch_table = copyreg.dispatch_table | {MappingProxyType: lambda each: (_fixed, (dict(each),))}


def _fixed(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)
