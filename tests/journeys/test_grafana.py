"""The dashboards: Grafana's shape, and every query of theirs finds something in a real InfluxDB.

Rule: no Grafana is here; its variables and macros are put in as it does, and the server judges the rest.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.journeys.influx import DATABASE, TOKEN, influx_server
from tests.journeys.servers import Broker, Client, House, Site, ago, until

GRAFANA = Path(__file__).resolve().parents[2] / "deploy" / "grafana"
FILES = sorted(GRAFANA.glob("dashboards/*.json"))
# What the plug-in of a data source reads and the model of a dashboard leaves to it.
OF_THE_DATA_SOURCE = re.compile(
    r"^\.(templating\.list\[\d+\]\.definition|annotations\.list\[\d+\]\.target\.\w+)$"
)
KINDS = {"stat", "table", "timeseries"}
Json = dict[str, Any]


def read(file: Path) -> Json:
    return dict(json.loads(file.read_text("utf-8")))


def targets(board: Json) -> Iterator[tuple[str, Json]]:
    """Yield every query with where it stands."""
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target
    for note in board["annotations"]["list"]:
        yield f"annotation {note['name']}", note["target"]


def test_there_are_three() -> None:
    assert {file.stem for file in FILES} == {"building-now", "room-history", "district-overview"}
    assert len({read(file)["uid"] for file in FILES}) == len({read(file)["title"] for file in FILES}) == 3


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_has_the_shape_that_grafana_reads(file: Path) -> None:
    board = read(file)
    assert re.fullmatch("[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert "id" not in board, "a number of its own would clash with another dashboard's"
    assert board["schemaVersion"] >= 36 and board["time"]["to"] == "now"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 0
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["type"] in KINDS and panel["title"] and panel["targets"]
        assert panel["datasource"] == {"type": "influxdb", "uid": "safetyd"}
        at = panel["gridPos"]
        squares = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24 and not taken & squares, f"{panel['title']} lies on another"
        taken |= squares
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
    names = {each["name"] for each in board["templating"]["list"]}
    for where, target in targets(board):
        assert target["rawQuery"] is True and target["resultFormat"] in {"time_series", "table"}, where
        used = set(re.findall(r"\$(\w+)", target["query"])) - {"timeFilter", "__interval"}
        assert used <= names, where


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_grafana_s_own_model_of_a_dashboard_knows_every_key_and_keeps_every_value(file: Path) -> None:
    board = read(file)
    known = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))
    strange = [where for where in unlike(board, known) if not OF_THE_DATA_SOURCE.search(where)]
    assert strange == []


def unlike(given: object, known: object, where: str = "") -> Iterator[str]:
    """Yield what the model has not taken over as it was."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            yield from unlike(value, known[key], f"{where}.{key}") if key in known else [f"{where}.{key}"]
    elif isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        for number, (one, other) in enumerate(zip(given, known, strict=True)):
            yield from unlike(one, other, f"{where}[{number}]")
    elif given != known:
        yield where


def test_a_slip_in_a_dashboard_is_found() -> None:
    board = read(FILES[0])
    board["panels"][0]["gridPos"]["hight"] = 3
    known = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(board)))
    assert ".panels[0].gridPos.hight" in unlike(board, known)


def test_the_data_source_is_the_one_that_the_dashboards_name() -> None:
    source = (GRAFANA / "provisioning/datasources/safetyd.yaml").read_text("utf-8")
    for line in ("uid: safetyd", "type: influxdb", "version: InfluxQL", "dbName: safety", "url: http"):
        assert line in source
    assert "Token $SAFETYD_INFLUX_READ_TOKEN" in source, "no secret stands in the file"
    assert "type: file" in (GRAFANA / "provisioning/dashboards/safetyd.yaml").read_text("utf-8")


@pytest.mark.journey
def test_every_query_finds_something_in_what_the_daemon_copies(
    broker: Broker, client: Client, house: Callable[..., House], tmp_path: Path
) -> None:
    with influx_server(tmp_path / "influx") as influx:
        (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
        section = f'[influx]\nurl = "{influx.url}"\nbucket = "{DATABASE}"\ntoken_file = "{tmp_path}/token"'
        cedar = '[[buildings]]\nid = "cedar"\nname = "Cedar"\n[[buildings.rooms]]\nid = "7"'
        home = house(broker, Site(more=cedar), mqtt=section).start(client)
        for minutes in (9, 6, 3):
            at = ago(minutes=minutes).timestamp()
            client.tell("safetyd/readings/maple/12", {"temperature_f": 57.2, "humidity": 41, "ts": at})
            client.tell("safetyd/readings/cedar/7", {"temperature_f": 70.1, "ts": at})
        client.tell("safetyd/readings/maple/12", {"temperature_c": 85})
        client.tell("safetyd/power/maple", {"mains": True})
        home.has("ticket", 1)
        until("everything is copied", lambda: influx.count() == home.count("reading") == 11)
        events = home.count("history")
        until("the ticket is copied", lambda: influx.count("ticket_event", "events") == events > 0)
        until("the episode is copied", lambda: influx.ask('SELECT * FROM "episode" WHERE "ended" = 0'))
        since, by = ago(hours=1), ago(hours=-1)
        given = {
            "$timeFilter": f"time >= {since.timestamp():.0f}000ms and time <= {by.timestamp():.0f}000ms",
            "$__interval": "1m",
            "$building": "maple",
            "$room": "12",
        }
        empty = []
        for file in FILES:
            board = read(file)
            asked = [(where, target["query"]) for where, target in targets(board)]
            asked += [(f"variable {each['name']}", each["query"]) for each in board["templating"]["list"]]
            for where, query in asked:
                for name, value in given.items():
                    query = query.replace(name, value)
                counted = query.replace('("mark" = \'accepted\' OR "borne_out" = 1)', "\"mark\" = 'accepted'")
                assert influx.ask(query) == influx.ask(counted), "nothing is borne out here"
                if not influx.ask(query):
                    empty.append(f"{file.stem}: {where}: {query}")
        assert empty == []
