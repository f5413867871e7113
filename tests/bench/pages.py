"""How soon the pages of a district come: 500 buildings, 20,000 rooms, 100,000 tickets, readings meanwhile.

Rule: nothing here asserts. A real daemon behind a real Mosquitto; how the tickets were made `aged` says.
`first` is the first request of that page after the start, `after a decision` the first one after the power of
a building failed: nothing of either is kept from before. The rest is asked for again and again, every part of
it made anew but for what no decision has changed. With `--shards 8` two workers watch the district in a
PostgreSQL, and `safetyd run --role pages` shows it; else one daemon does both from a file.
"""

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection

from filling import aged
from ingest import row
from measures import Figure, say
from shared import Shared
from stand import SAFETYD, broker, cpu_seconds, folder, memory_mb, process, sink, until
from wire import Wire, publish_packet, wire
from workers import District, running

from safetyd.configuration import load
from safetyd.core.model import Role
from safetyd.site import Site
from safetyd.site_part import cut
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing
from safetyd.store.district import District as Leases
from safetyd.store.district import store_url

_TIMES, _DECISIONS = 20, 8
_BUILDINGS = 2 * _DECISIONS  # of which the power fails


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Measure the pages of a district on this machine.")
    parser.add_argument("--quick", action="store_true", help="50 buildings and 4,000 tickets")
    parser.add_argument("--shards", type=int, help="in a PostgreSQL, with workers and pages of their own")
    asked = parser.parse_args()
    rooms, tickets = (2000, 4000) if asked.quick else (20_000, 100_000)
    with (
        ExitStack() as stack,
        folder() as where,
        broker(where, 1000) as port,
        sink() as (_, webhook_port),
        wire(port, "publisher") as publisher,
        wire(port, "decider") as decider,
    ):
        if asked.shards:
            district: District = Shared(where, port, webhook_port, rooms, 2, asked.shards, stack)
        else:
            district = District(where, port, webhook_port, rooms)
        ids, secrets = _prepared(district, tickets, asked.shards or 1)
        for figure in _measured(district, publisher, decider, ids, secrets, is_shared=bool(asked.shards)):
            print(row(figure), flush=True)
    return 0


def _stores(district: District, shards: int) -> Iterator[tuple[str, Site]]:
    """Yield the URL of each store, and what of the site is in it."""
    loaded = load(district.workers[0].config, {})
    if shards == 1:
        yield f"sqlite:///{district.workers[0].store}", loaded.site
        return
    with closing(Leases(loaded.settings.store.url)) as leases:
        leases.prepare(shards)
    for shard in range(shards):
        yield store_url(loaded.settings.store.url, shard), cut(loaded.site, shard, shards)


def _prepared(district: District, tickets: int, shards: int) -> tuple[list[str], dict[str, str]]:
    """Fill the stores; return the ids of their tickets, and the session of some browsers."""
    began, ids, root = time.monotonic(), list[str](), district.workers[0].root
    stores = list(_stores(district, shards))
    say(f"the site is read in {time.monotonic() - began:.2f} s; making {tickets:,} tickets")
    for url, site in stores:
        own = {each.id for each in site.buildings}
        topics = [each for each in district.topics if each.split("/")[2] in own]
        ids += aged(url, site, root, topics, tickets // shards)
    say(f"made in {time.monotonic() - began:.0f} s, {district.bytes() / 1e6:,.0f} MB")
    now, secrets = datetime.now(UTC), {}
    with closing(open_for_writing(stores[0][0])) as connection:
        for name, role, buildings in (
            ("district", Role.DISTRICT, ()),
            ("facilities", Role.FACILITIES, ()),
            ("principal", Role.ADMINISTRATOR, ("b0003",)),
        ):
            accounts.add(connection, f"Kim {name}", role, buildings, "not used", now)
            number = accounts.named(connection, f"Kim {name}").number
            secrets[name] = sessions.begin(connection, number, now)
    return ids, secrets


def _measured(
    district: District,
    publisher: Wire,
    decider: Wire,
    ids: Sequence[str],
    secrets: dict[str, str],
    *,
    is_shared: bool,
) -> Iterator[Figure]:
    (worker,) = district.workers
    port = int(worker.listen.rpartition(":")[2])
    with ExitStack() as stack:
        children, spans = stack.enter_context(running(district))
        pid = children[0].pid
        if is_shared:
            pages = [*SAFETYD, "run", "--role", "pages", "--config", str(worker.config)]
            pid = stack.enter_context(process(pages)).pid
        stack.enter_context(_speaking(district, publisher))
        yield Figure("start to subscribed", spans[0], "s", "", _load())
        for number in range(_BUILDINGS):
            said = publish_packet(f"safetyd/power/b{number:04}/ups", b'{"mains": true}', number)
            decider.publish(said)
        time.sleep(5)
        until(lambda: _answers(port), "the pages")
        cpu, began = cpu_seconds(pid), time.monotonic()
        time.sleep(10)
        alone = 100 * (cpu_seconds(pid) - cpu) / (time.monotonic() - began)
        yield Figure(
            "processor, nobody looking", alone, "% of one", "", f"{district.rooms / 60:.0f} readings/s"
        )
        asked = [
            ("All buildings", "/district", "district"),
            ("  overdue", "/district?only=overdue", "district"),
            ("  silent", "/district?only=silent", "district"),
            ("  undelivered", "/district?only=undelivered", "district"),
            ("  by clause, overdue", "/district?clause=9.14.3&only=overdue", "district"),
            ("  the last page", "/district?page=10", "district"),
            ("  for facilities", "/district", "facilities"),
            ("  its changing part", "/district/buildings", "district"),
            ("A building", "/buildings/b0003", "district"),
            ("  for its principal", "/buildings/b0003", "principal"),
            ("Tickets", "/tickets", "district"),
            ("  newest", "/tickets?order=newest", "district"),
            ("  overdue", "/tickets?overdue=yes", "district"),
            ("  of one building", "/tickets?building=b0003", "district"),
            ("  found by words", "/tickets?text=r00123", "district"),
            ("A ticket", f"/tickets/{ids[-1]}", "district"),
            ("Troubles", "/troubles", "district"),
            ("People", "/people", "district"),
        ]
        for name, path, who in asked:
            first, size = _ask(port, path, secrets[who])
            spans = [_ask(port, path, secrets[who])[0] for _ in range(_TIMES)]
            aim = "< 200" if "buildings" in name else ""
            yield Figure(f"{name}, first", first, "ms", aim, f"{size / 1000:,.0f} kB")
            yield Figure(f"{name}, again", statistics.median(spans), "ms", "", f"slowest {max(spans):.0f}")
        for kind, (name, path) in enumerate((("All buildings", "/district"), ("Tickets", "/tickets"))):
            spans = []
            for number in range(_DECISIONS):
                _decide(decider, kind * _DECISIONS + number)
                time.sleep(1.5)
                spans.append(_ask(port, path, secrets["district"])[0])
            note = f"slowest {max(spans):.0f}; {_load()}"
            yield Figure(f"{name}, after a decision", statistics.median(spans), "ms", "< 200", note)
        cpu, began, some = cpu_seconds(pid), time.monotonic(), 0
        while time.monotonic() - began < 10:
            _ask(port, "/district/buildings", secrets["district"])
            some += 1
            time.sleep(0.4)
        looking = 100 * (cpu_seconds(pid) - cpu) / (time.monotonic() - began)
        yield Figure("processor, a page open", looking, "% of one", "", f"{some} looks in 10 s")
        yield Figure("memory at most", memory_mb(pid, "VmHWM"), "MB", "", f"{len(ids):,} tickets")


def _decide(decider: Wire, number: int) -> None:
    """Let the power of a building fail: it is told at once, and everything is another decision."""
    decider.publish(publish_packet(f"safetyd/power/b{number:04}/ups", b'{"mains": false}', number))


@contextmanager
def _speaking(district: District, publisher: Wire) -> Iterator[None]:
    """Let every room speak once a minute meanwhile."""
    is_over = threading.Event()

    def speak() -> None:
        began, sent = time.monotonic(), 0
        while not is_over.wait(0.02):
            due = int((time.monotonic() - began) * district.rooms / 60) - sent
            now = time.time()
            rooms = [(sent + each) % district.rooms for each in range(due)]
            if rooms:
                publisher.publish(b"".join(district.reading(each, now) for each in rooms))
            sent += due

    speaker = threading.Thread(target=speak, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        is_over.set()
        speaker.join()


def _ask(port: int, path: str, secret: str) -> tuple[float, int]:
    """Return how long a page took to its last byte, in ms, and its length."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"safetyd={secret}", "Accept": "text/html"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return (time.monotonic() - began) * 1000, len(body)


def _answers(port: int) -> bool:
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status in (200, 503)
    except OSError:
        return False


def _load() -> str:
    return "load " + "/".join(f"{each:.1f}" for each in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
