"""How many messages an hour of a heat wave is to each principal: 5,000 tickets in 500 buildings.

Rule: the service decides as always, on a clock of its own, and nothing is sent; when a message would go out
to somebody is worked out as the sender does it, by how many an hour they may have. Counted is what goes out
in the fullest hour, and how long what is owed waits for company.
"""

import json
import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, quantiles
from tempfile import TemporaryDirectory

from workers import HOT_F, ROOMS_A_BUILDING, WARM_F, WAVE_HUMIDITY, District

from safetyd.configuration import load
from safetyd.core.sparing import next_message_at
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site import Site
from safetyd.store import outbox
from safetyd.store.database import in_memory

_ROOMS, _TICKETS = 20_000, 5_000
_BEGIN = datetime(2026, 9, 8, 19, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def main() -> int:
    """Work it out for two shapes of the wave and some budgets."""
    with TemporaryDirectory() as folder:
        district = District(Path(folder), 1, 1, _ROOMS)
        site = load(district.workers[0].config, {}).site
    chance = random.Random(3)
    chosen = chance.sample(range(_ROOMS), _TICKETS)
    swells = [chance.uniform(0, 40) for _ in range(_ROOMS // ROOMS_A_BUILDING)]
    shapes = {
        "evenly": {room: chance.uniform(0, 60) for room in chosen},
        "in a swell": {
            room: min(60.0, max(0.0, swells[room // ROOMS_A_BUILDING] + chance.gauss(10, 5)))
            for room in chosen
        },
    }
    for shape, minutes in shapes.items():
        owed = _owed(site, district.topics, minutes)
        for whom, budget in (("Principal", 9), ("Principal", 4), ("Custodian", 60)):
            sent = [_messages(each, budget) for name, each in owed.items() if name.startswith(whom)]
            counts = [_fullest_hour([at for at, _ in each]) for each in sent]
            waits = [wait for each in sent for _, some in each for wait in some]
            late = quantiles(waits, n=100, method="inclusive")[98] / _MINUTE
            said = f"mean {mean(counts):.1f}, most {max(counts)}; p99 of the wait {late:.0f} min"
            print(f"{shape}, {whom.lower()}s with {budget} an hour: {said}", flush=True)
    return 0


def _owed(site: Site, topics: Sequence[str], minutes: Mapping[int, float]) -> Mapping[str, list[datetime]]:
    """Return when notices were owed to whom, if rooms get too hot at these minutes."""
    owed: dict[str, list[datetime]] = defaultdict(list)
    with closing(in_memory()) as store:
        service = Service(store, site, "safetyd", _BEGIN - 2 * _MINUTE)

        def say(room: int, at: datetime, temperature_f: float) -> None:
            said = {"temperature_f": temperature_f, "humidity": WAVE_HUMIDITY}
            service.take(Message(at, topics[room], json.dumps(said).encode()))

        for room in minutes:
            say(room, _BEGIN - _MINUTE, WARM_F)
        for number, (minute, room) in enumerate(sorted((minute, room) for room, minute in minutes.items())):
            say(room, _BEGIN + minute * _MINUTE, HOT_F)
            if number % 50 == 0:
                service.commit(_BEGIN + minute * _MINUTE)
        service.elapse(_BEGIN + 75 * _MINUTE)
        service.commit(_BEGIN + 75 * _MINUTE)
        for notice in outbox.notices(store):
            for name in notice["to"]:
                owed[name].append(notice["at"])
    return owed


def _messages(owed: Sequence[datetime], budget: int) -> list[tuple[datetime, list[timedelta]]]:
    """Return when messages go out, and how long what is in each has waited."""
    sent: list[tuple[datetime, list[timedelta]]] = []
    left = list(owed)
    while left:
        before = [at for at, _ in sent]
        at = next_message_at(before, budget, max([left[0], *before[-1:]]), is_urgent=False)
        sent.append((at, [at - each for each in left if each <= at]))
        left = [each for each in left if each > at]
    return sent


def _fullest_hour(sent: Sequence[datetime]) -> int:
    return max(sum(at - 60 * _MINUTE < each <= at for each in sent) for at in sent)


if __name__ == "__main__":
    sys.exit(main())
