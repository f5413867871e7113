"""Looks at a store that is in a PostgreSQL: whether the server answers, and keeps what it has said it has.

Rule: the store is only read, and nothing is asked of it that would take long.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from safetyd.core.errors import SafetydError
from safetyd.doctor.finding import Finding, State
from safetyd.doctor.record import running_finding, version_finding
from safetyd.store.server import Server, Standbys, looked_at

_AREA = "store"
_OLDEST = 13
_A_YEAR = timedelta(days=365)


def served_findings(url: str, now: datetime) -> tuple[bool | None, list[Finding]]:
    """Return whether a daemon runs on the store, None if nobody can say, and what is found of it."""
    try:
        server = looked_at(url)
    except SafetydError as error:
        do = "look whether PostgreSQL runs, at [store] url, and at password_file"
        return None, [Finding(_AREA, "server", State.BAD, str(error), do)]
    return server.is_running, list(_findings(server, now))


def _findings(server: Server, now: datetime) -> Iterator[Finding]:
    yield running_finding(is_running=server.is_running)
    about, seen = "server", f"PostgreSQL {server.release} answers"
    if int(server.release.split(".")[0]) < _OLDEST:
        yield Finding(_AREA, about, State.WARN, seen, f"install PostgreSQL {_OLDEST} or newer")
    else:
        yield Finding(_AREA, about, State.OK, seen)
    yield _durability(server)
    yield from _standby_findings(server.standbys)
    if server.version is None:
        yield Finding(_AREA, "tables", State.WARN, "there are none yet", "safetyd run makes them")
        return
    size = f"{server.bytes / 1e6:,.1f} MB"
    if server.first_at is not None and now - server.first_at > timedelta(days=1):
        size += f", {server.bytes / 1e6 * (_A_YEAR / (now - server.first_at)):,.0f} MB a year"
    yield Finding(_AREA, "tables", State.OK, size)
    yield version_finding(server.version)


def _durability(server: Server) -> Finding:
    about = "durability"
    seen = f"synchronous_commit {server.synchronous_commit}, fsync {_word(server.fsync)}"
    seen += f", full_page_writes {_word(server.full_page_writes)}"
    if not server.fsync or not server.full_page_writes:
        do = "turn fsync and full_page_writes on in postgresql.conf: a power cut may destroy the store"
        return Finding(_AREA, about, State.BAD, seen, do)
    if server.synchronous_commit in ("off", "local"):
        do = "set synchronous_commit = on in postgresql.conf; safetyd asks for it by itself"
        return Finding(_AREA, about, State.WARN, seen, do)
    return Finding(_AREA, about, State.OK, seen)


def _standby_findings(standbys: Standbys) -> Iterator[Finding]:
    """What of a commit would be there after a fail-over; nothing where there is nothing to fail over to."""
    about, count = "standbys", standbys.following
    waits = f"synchronous_standby_names = '{standbys.names}'"
    if not count and standbys.names:
        do = "start the standby, or have commits wait for nobody: set synchronous_standby_names = ''"
        yield Finding(_AREA, about, State.BAD, f"{waits}, and none follows: no commit returns", do)
    elif count and (standbys.waited_for == 0 or not standbys.names):
        seen = f"{count}, and no commit waits for one: after a fail-over what was acknowledged may be missing"
        do = "set synchronous_standby_names in postgresql.conf, such as 'ANY 1 (*)', and reload"
        yield Finding(_AREA, about, State.WARN, seen, do)
    elif count and standbys.waited_for is None:
        seen = f"{count}; {waits}; whether one of them is synchronous is not told to this user"
        yield Finding(_AREA, about, State.UNCHECKED, seen, "GRANT pg_read_all_stats TO it")
    elif count:
        seen = f"{count}, of which a commit waits for {standbys.waited_for}"
        yield Finding(_AREA, about, State.OK, f"{seen}; {waits}")


def _word(value: bool) -> str:
    return "on" if value else "off"
