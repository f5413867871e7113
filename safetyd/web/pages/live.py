"""News for a page that is open: that the record has changed, or that there are newer readings.

Rule: it says that there is news, never what; a page asks for that as always, and rights are looked at there.
What it says has happened is there for whoever asks then.
"""

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from safetyd.store import ledger
from safetyd.store.accounts import Account
from safetyd.store.database import StoreError
from safetyd.view import Version, View
from safetyd.web.access import sees
from safetyd.web.looking import Looking
from safetyd.web.problems import Problem
from safetyd.web.visitors import visitor

_LOOK_S = 0.4
_READINGS_S = 10.0  # between two words of newer readings: a chart does not need more
_BREATH_S = 15.0  # between two signs of life, by which either end finds out that the other is gone
_LONGEST_S = 600.0  # then it comes again, and is asked again who it is
MOST, MOST_OF_ONE = 200, 20  # pages that are open at once, and of one account

log = logging.getLogger("safetyd.web")


class News:
    """What was last told to all who listen: a decision at once, readings every so often."""

    def __init__(self) -> None:
        self.told = Version()
        self._told_s = float("-inf")

    def take(self, seen: Version, now_s: float) -> None:
        """Take in what there is now; what is not told yet stays to be told."""
        is_decided = seen.decisions != self.told.decisions
        is_heard = seen.readings != self.told.readings and now_s - self._told_s >= _READINGS_S
        if is_decided or is_heard:
            self.told, self._told_s = seen, now_s


class Live:
    """Looks at the store for everybody who listens, while somebody does.

    Every `breath_s` a listener is told that it is heard, and asked whether it is still logged in.
    """

    def __init__(self, looking: Looking, breath_s: float = _BREATH_S) -> None:
        self._of: Counter[int] = Counter()
        self._looking = looking
        self._breath_s = breath_s
        self._looked_s = float("-inf")
        self._news = News()

    @property
    def listeners(self) -> int:
        """How many pages are open."""
        return self._of.total()

    async def events(self, request: Request) -> Response:
        """Return a stream of events: `begun`, `record`, `readings`, and `here`.

        With `ticket` in the query, `record` is said of that ticket only, and `readings` of everything else.
        """
        who = await visitor(self._looking, request)
        if who is None:
            raise Problem(401, "log in first")
        if self.listeners >= MOST:
            raise Problem(503, f"{MOST} pages are open already; load this one again for what is new")
        if self._of[who.account.number] >= MOST_OF_ONE:
            raise Problem(
                503, f"you have {MOST_OF_ONE} pages open; close some, or load this one again for what is new"
            )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._stream(request, who.account), media_type="text/event-stream", headers=headers
        )

    async def _stream(self, request: Request, account: Account) -> AsyncIterator[str]:
        self._of[account.number] += 1
        try:
            async for event in self._events(request, account):
                yield event
        except StoreError:
            pass  # the page sees that nobody speaks to it any more, and asks again
        except Exception:
            log.exception("a page that is open could not be told of news")
        finally:
            self._of[account.number] -= 1
            self._of += Counter()  # forgets who listens no more

    async def _events(self, request: Request, account: Account) -> AsyncIterator[str]:
        id = request.query_params.get("ticket")
        await self._look()
        yield "retry: 2000\nevent: begun\ndata: 0\n\n"
        began_s = breathed_s = time.monotonic()
        known, stood = self._news.told, await self._ticket(id, account)
        while time.monotonic() - began_s < _LONGEST_S:
            await anyio.sleep(_LOOK_S)
            await self._look()
            told = self._news.told
            if told != known:
                is_record = told.decisions != known.decisions
                if is_record and id is not None:
                    before, stood = stood, await self._ticket(id, account)
                    is_record = stood != before
                yield _event("record" if is_record else "readings")
                known = told
            if time.monotonic() - breathed_s >= self._breath_s:
                if await visitor(self._looking, request) is None:
                    return
                breathed_s = time.monotonic()
                yield _event("here")

    async def _ticket(self, id: str | None, account: Account) -> object:
        """Return how a ticket stands, if somebody may see it; it is another after anything is put on it."""

        def look(view: View) -> object:
            ticket = view.world.tickets.get(id or "")
            if ticket is None or not sees(account, ticket.place.building):
                return None
            connection = view.of(ticket.place.building).connection
            return ticket, len(list(ledger.history(connection, ticket.id)))

        return None if id is None else await self._looking.view(look)

    async def _look(self) -> None:
        """Look how everything stands, unless somebody just did."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_S / 2:
            return
        self._looked_s = now_s
        self._news.take(await self._looking.view(lambda view: view.version), now_s)


def _event(name: str) -> str:
    return f"event: {name}\ndata: 1\n\n"
