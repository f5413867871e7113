"""What a daemon that does everything has loaded at its end: nothing that it does not use."""

import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.journeys.influx import influx_server
from tests.journeys.servers import LOOPBACK, Broker, Client, House, Sink, Site, free_port, until
from tests.journeys.test_influx import section

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
# It ends by os._exit, after which nobody can ask any more.
TELLS = """
import os, sys
leave = os._exit
def told(code):
    print("loaded:", *sys.modules, flush=True)
    leave(code)
os._exit = told
from safetyd.cli import entry
entry()
"""
USED = "apprise.plugins.custom_json influxdb_client.service.write_service safetyd.web.app uvicorn.server"
NOT_USED = """
    alembic amqtt arrow attr authlib babel click cryptography dask distributed duckdb font_roboto google
    httpx2 icalendar markdown numpy pandas PIL polars psycopg pyarrow pygments pytest reactivex reportlab
    resvg_py rich segno xlsxwriter yaml sqlalchemy.dialects.postgresql sqlalchemy.ext sqlalchemy.orm
    uvicorn.main influxdb_client.client.write_api safetyd.cli.every safetyd.doctor safetyd.lake
    safetyd.simulate
"""


def test_a_daemon_carries_nothing_that_it_does_not_use(
    broker: Broker, client: Client, house: Callable[..., House], sink: Sink, tmp_path: Path
) -> None:
    with influx_server(tmp_path / "influx") as influx:
        port = free_port()
        also = f'[web]\nlisten = "{LOOPBACK}:{port}"\n{section(influx, tmp_path)}'
        home = house(broker, Site(people={"Ann Lee": [sink.address("ann")]}), mqtt=also)
        home.command = [sys.executable, "-c", TELLS, *home.command[1:]]
        home.start(client)
        client.tell(TOPIC, {"temperature_f": 55.0})
        until("Ann Lee is told", lambda: sink.of("ann"))
        until("it is copied", influx.count)
        until("a page is there", lambda: asked(port, "/login") == 200)
        assert home.stop() == 0
    loaded = set(home.log.rpartition("loaded: ")[2].split())
    assert sorted(set(USED.split()) - loaded) == []
    parts = {".".join(name.split(".")[: end + 1]) for name in loaded for end in range(name.count(".") + 1)}
    assert sorted(set(NOT_USED.split()) & parts) == []
    assert [each for each in loaded if each.startswith("influxdb_client.domain.")] == []


def asked(port: int, path: str) -> int:
    """Return what a page answers, 0 where nobody does yet."""
    connection = HTTPConnection(LOOPBACK, port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()
