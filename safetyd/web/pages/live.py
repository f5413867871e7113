"""News for a page that is open: that the record has changed, or that there are newer readings.

Rule: it says that there is news, never what; a page asks for that as always, and rights are looked at there.
"""

import time
from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from safetyd.store import ledger
from safetyd.store.database import Connection
from safetyd.web.looking import Looking
from safetyd.web.problems import Problem
from safetyd.web.visitors import visitor

_LOOK_S = 0.4
_READINGS_S = 10.0  # between two words of newer readings: a chart does not need more
_BREATH_S = 15.0  # between two signs of life, by which a connection that is gone is found
_LONGEST_S = 600.0  # then it comes again, and is asked again who it is
_MOST = 200  # pages that are open at once


class Live:
    """Looks at the store for everybody who listens, while somebody does."""

    def __init__(self, looking: Looking) -> None:
        self._looking = looking
        self._listeners = 0
        self._looked_s = 0.0
        self._seen: tuple[object, ...] = ()
        self._changed_s = 0.0
        self.record = 0  # how often something was decided
        self.readings = 0  # how often there were newer readings

    async def events(self, request: Request) -> Response:
        """Return a stream of events, `record` and `readings`."""
        if await visitor(self._looking, request) is None:
            raise Problem(401, "log in first")
        if self._listeners >= _MOST:
            raise Problem(503, f"{_MOST} pages are open already; load this one again for what is new")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(), media_type="text/event-stream", headers=headers)

    async def _stream(self) -> AsyncIterator[str]:
        self._listeners += 1
        try:
            yield "retry: 2000\nevent: begun\ndata: 0\n\n"
            began_s = said_s = time.monotonic()
            record, readings = self.record, self.readings
            while time.monotonic() - began_s < _LONGEST_S:
                await anyio.sleep(_LOOK_S)
                await self._look()
                if self.record != record:
                    event = "record"
                elif self.readings != readings:
                    event = "readings"
                elif time.monotonic() - said_s >= _BREATH_S:
                    event = ""
                else:
                    continue
                record, readings, said_s = self.record, self.readings, time.monotonic()
                yield f"event: {event}\ndata: {record}\n\n" if event else ": still here\n\n"
        finally:
            self._listeners -= 1

    async def _look(self) -> None:
        """Look at the store, unless somebody just did."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_S / 2:
            return
        self._looked_s = now_s
        seen = await self._looking.ask(_signs)
        before, self._seen = self._seen, seen
        if not before:
            return
        if seen[1:] != before[1:]:
            self.record += 1
            self._changed_s = now_s
        elif seen[0] != before[0] and now_s - self._changed_s >= _READINGS_S:
            self.readings += 1
            self._changed_s = now_s


def _signs(connection: Connection) -> tuple[object, ...]:
    """Return what changes with every commit, and then what changes with a decision."""
    version = connection.exec_driver_sql("PRAGMA data_version").scalar()
    return (version, *ledger.signature(connection))
