"""Why a place was judged as it was, for whoever may see its tickets: what pages and API answer.

Rule: it is read from the past, beside what looks at the present, and only of buildings that are seen.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from safetyd.core.errors import ActionError
from safetyd.explain.asking import TooLongError, ground, of_place, of_ticket
from safetyd.explain.document import explanation_object
from safetyd.explain.explanation import Explanation
from safetyd.site import Site
from safetyd.store import concerning
from safetyd.store.accounts import Account
from safetyd.store.database import Connection
from safetyd.times import read_time
from safetyd.web.access import sees
from safetyd.web.answers import Asked, building_of, place_of
from safetyd.web.problems import Problem, misused

MOST_READINGS = 50_000  # some two seconds; a room that is heard each minute says as many in five weeks


def why_place(
    connection: Connection, site: Site, root: str, account: Account, said: Mapping[str, str], now: datetime
) -> Explanation:
    """Return how a place that somebody may see stood at a moment, else now.

    Raises:
        Problem: there is none for them, or the moment is none.
    """
    place = place_of(building_of(site, account, said["building"]), said.get("room"))
    at = _moment(said.get("at"), site, now)
    try:
        return of_place(ground(connection, site, root, now, MOST_READINGS), place, at)
    except TooLongError as error:
        raise misused("at", f"at: {error}", 413) from error


def why_ticket(
    connection: Connection, site: Site, root: str, account: Account, id: str, now: datetime
) -> Explanation:
    """Return why a ticket that somebody may see was opened.

    Raises:
        Problem: there is none for them.
    """
    building = concerning.building_of(connection, id)
    if building is None or not sees(account, building):
        raise Problem(404, f"there is no ticket {id[:80]!r}")
    try:
        return of_ticket(ground(connection, site, root, now, MOST_READINGS), id)
    except TooLongError as error:
        raise Problem(413, str(error)) from error
    except ActionError as error:
        raise Problem(404, f"there is no ticket {id[:80]!r}") from error


def explanation(connection: Connection, site: Site, root: str, asked: Asked, now: datetime) -> dict[str, Any]:
    """Return the API's answer.

    Raises:
        Problem: neither a ticket nor a place is named, or both are.
    """
    said, account = asked.said, asked.account
    if ("ticket" in said) == ("building" in said):
        raise misused("ticket", "ticket or building is needed, one of the two")
    if "ticket" in said:
        return explanation_object(why_ticket(connection, site, root, account, said["ticket"], now))
    return explanation_object(why_place(connection, site, root, account, said, now))


def _moment(text: str | None, site: Site, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        return read_time(text[:80].replace(" ", "+"), site.timezone)  # a plus that was not escaped
    except ValueError as error:
        raise misused("at", f"at: {error}") from error
