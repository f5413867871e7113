"""How many messages an hour of a heat wave is to each principal: 5,000 tickets in 500 buildings.

Rule: the service decides as always, on a clock of its own, and nothing is sent; when a message would go out
to somebody is worked out as the sender does it, by how many an hour go one by one. Counted is what goes out
within 75 minutes.
"""

import json
import random
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
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
        for budget in (10, 6, 5, 4):
            counts = [_count(each, budget) for name, each in owed.items() if name.startswith("Principal")]
            mean, over = sum(counts) / len(counts), sum(count > 9 for count in counts)
            said = f"mean {mean:.1f}, most {max(counts)}, ten or more to {over} of {len(counts)}"
            print(f"{shape}, messages_per_hour = {budget}: {said}", flush=True)
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


def _count(owed: Sequence[datetime], budget: int) -> int:
    """Return in how many messages what is owed goes out."""
    sent: list[datetime] = []
    left = list(owed)
    while left:
        at = next_message_at(sent, budget, max([left[0], *sent[-1:]]), is_urgent=False)
        left = [each for each in left if each > at]
        sent.append(at)
    return len(sent)


if __name__ == "__main__":
    sys.exit(main())
