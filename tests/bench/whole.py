"""The whole daemon: web with pages open, notices sent, a copy to InfluxDB that catches up, after a burst.

Rule: nothing here asserts; the peak is that of the process and of all that it has started.
"""

import time
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection

from copying import _taker
from measures import SETTLE, fail
from parties import PARTIES, Stand, stand, tree
from sides import Line, Size, lap, steadily
from stand import daemon, folder, memory_mb

from safetyd.core.model import Role
from safetyd.store import accounts, sessions
from safetyd.store.database import open_for_writing

_PAGES = ("/buildings/b0000", "/buildings/b0000/rooms", "/district", "/tickets")


def whole(size: Size) -> list[Line]:
    """What the daemon holds at most with everything in use."""
    (safetyd,) = (each for each in PARTIES if each.started is daemon)
    with (
        folder() as where,
        stand(where, safetyd, extra_buildings=1) as here,
        _taker(where, "alone") as (_, taker_port),
    ):
        with here.plant.config.open("a") as config:
            config.write(f'[influx]\nurl = "http://127.0.0.1:{taker_port}"\nbucket = "bench"\n')
        secret = _logged_in(here)
        with daemon(here.plant) as child:
            here.first_words()
            fail(here.publisher, 0)
            here.webhook.next()
            for _ in range(2):
                _visit(here, secret)
                lap(here, child, size.messages)
            steadily([here], size.seconds / 3)
            _visit(here, secret)
            time.sleep(SETTLE)
            calm = sum(memory_mb(pid, "VmRSS") for pid in tree(child.pid))
            most = sum(memory_mb(pid, "VmHWM") for pid in tree(child.pid))
    note = f"{calm:.0f} MB at rest; aim 110 MB; 200 rooms, two bursts"
    return [Line("memory at most with pages, notices and InfluxDB", "MB", {"safetyd": most}, note)]


def _logged_in(here: Stand) -> str:
    now = datetime.now(UTC)
    with closing(open_for_writing(f"sqlite:///{here.plant.where}/bench.db")) as connection:
        accounts.add(connection, "Ana Reyes", Role.FACILITIES, (), "not used", now)
        return sessions.begin(connection, accounts.named(connection, "Ana Reyes").number, now)


def _visit(here: Stand, secret: str) -> None:
    """Ask for each page once."""
    with closing(HTTPConnection(here.plant.listen, timeout=20)) as browser:
        for path in _PAGES:
            browser.request("GET", path, headers={"Cookie": f"safetyd={secret}"})
            answer = browser.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
