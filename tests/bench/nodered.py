"""Node-RED doing the same job with a flow of ours: hear, judge by three rules, store, then tell a webhook.

Rule: it is given its best. No editor, no type of node that the flow has no use for, NODE_ENV=production, QoS
1 with a session that is kept, prepared statements; one row holds both values of a message, and there is no
other table. It promises what safetyd promises as far as it can: a commit has reached the disk when it
returns (WAL with synchronous FULL), and a breach is told after it is stored. Two forms promise less and are
quicker for it: `HASTY` tells first; `BY_HAND` gathers in JavaScript and synchronises seldom (NORMAL).
"""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from stand import _HERE, ROOT, Plant, process
from wire import wire

PLACE = ROOT / "build" / "nodered" / "node_modules"
_CORE = PLACE / "@node-red" / "nodes" / "core"
_USED = {
    "20-inject.js",
    "10-function.js",
    "17-split.js",
    "10-mqtt.js",
    "05-tls.js",
    "06-httpproxy.js",
    "21-httprequest.js",
}
_BATCH, _BATCH_MS = 100, 250
_TABLE = (
    "CREATE TABLE reading (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, at REAL NOT NULL,"
    " temperature_f REAL, humidity REAL, mains INTEGER)"
)
_INTO = "INSERT INTO reading (topic, at, temperature_f, humidity, mains)"
_ONE = f"{_INTO} VALUES ($topic, $at, $t, $rh, $mains)"
_MANY = f"{_INTO} SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each($rows)"

_JUDGE_ONE = """
msg.params = {$topic: msg.topic, $at: at, $t: said.temperature_f, $rh: said.humidity, $mains: mains};
msg.notice = notice;
return msg;
"""
_JUDGE_AND_TELL = """
msg.params = {$topic: msg.topic, $at: at, $t: said.temperature_f, $rh: said.humidity, $mains: mains};
return [msg, notice === null ? null : {payload: {message: notice}}];
"""
_JUDGE_MANY = """
msg.payload = [msg.topic, at, said.temperature_f, said.humidity, mains, notice];
return msg;
"""
_ROWS = """
msg.params = {$rows: JSON.stringify(msg.payload)};
msg.notices = msg.payload.map(row => row[5]).filter(notice => notice !== null);
return msg;
"""
_GATHER = f"""
const batch = context.get("batch");
batch.rows.push([msg.topic, at, said.temperature_f, said.humidity, mains]);
if (notice !== null) batch.notices.push(notice);
function send() {{
    clearTimeout(batch.timer);
    node.send({{params: {{$rows: JSON.stringify(batch.rows)}}, notices: batch.notices}});
    batch.timer = null; batch.rows = []; batch.notices = [];
}}
if (batch.rows.length >= {_BATCH}) send();
else if (batch.timer === null) batch.timer = setTimeout(send, {_BATCH_MS});
"""
_PREPARE = 'context.set("told", {}); context.set("batch", {timer: null, rows: [], notices: []});'
_LETTER = "if (msg.notice === null) return null; msg.payload = {message: msg.notice}; return msg;"
_LETTERS = "return [msg.notices.map(notice => ({payload: {message: notice}}))];"


class Form(StrEnum):
    """How the flow stores: each message in a transaction of its own, or many in one."""

    SINGLE = "single"
    BATCHED = "batched"
    HASTY = "hasty"
    BY_HAND = "by hand"


def flow(plant: Plant, form: Form) -> list[dict[str, Any]]:
    """Return the nodes of the flow, as the editor would have saved them."""
    synchronous = "NORMAL" if form is Form.BY_HAND else "FULL"
    call = {
        "method": "POST",
        "ret": "txt",
        "persist": True,
        "paytoqs": "ignore",
        "headers": [],
        "wires": [[]],
    }
    hear = {"clientid": "nodered", "cleansession": False, "protocolVersion": "4", "keepalive": 60}
    hear |= {"birthTopic": "nodered/status", "birthPayload": "online", "birthQos": "0"}
    return [
        {"id": "tab", "type": "tab", "label": "Classrooms"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": plant.port} | hear,
        {"id": "file", "type": "sqlitedb", "db": str(plant.where / "bench.db"), "mode": "RW"},
        _node("begin", "inject", {"once": True, "onceDelay": 0.01, "props": []}, "synchronous"),
        _sqlite("synchronous", "fixed", f"PRAGMA synchronous = {synchronous}"),
        _hear("readings", "safetyd/readings/+/+"),
        _hear("power", "safetyd/power/+"),
        *_from_judge(form),
        _node("call", "http request", {"url": f"http://127.0.0.1:{plant.webhook or 9}/"} | call),
    ]


def _from_judge(form: Form) -> list[dict[str, Any]]:
    """Return the nodes between a reading and the call."""
    match form:
        case Form.SINGLE:
            judge = _function("judge", _JUDGE_ONE, "store")
            return [judge, _sqlite("store", "prepared", _ONE, "letter"), _function("letter", _LETTER, "call")]
        case Form.HASTY:
            return [_function("judge", _JUDGE_AND_TELL, "store", "call"), _sqlite("store", "prepared", _ONE)]
        case Form.BATCHED:
            how = {"mode": "custom", "build": "array", "property": "payload", "propertyType": "msg"}
            how |= {"count": str(_BATCH), "timeout": str(_BATCH_MS / 1000), "accumulate": False}
            gathers = [
                _function("judge", _JUDGE_MANY, "gather"),
                _node("gather", "join", how, "rows"),
                _function("rows", _ROWS, "store"),
            ]
        case Form.BY_HAND:
            gathers = [_function("judge", _GATHER, "store")]
    return [
        *gathers,
        _sqlite("store", "prepared", _MANY, "letters"),
        _function("letters", _LETTERS, "call"),
    ]


def _node(id: str, type: str, how: dict[str, Any], *to: str) -> dict[str, Any]:
    return {"id": id, "type": type, "z": "tab", "wires": [[each] for each in to]} | how


def _hear(id: str, topic: str) -> dict[str, Any]:
    how = {"topic": topic, "qos": "1", "datatype": "json", "broker": "broker", "inputs": 0}
    return _node(id, "mqtt in", how, "judge")


def _function(id: str, code: str, *to: str) -> dict[str, Any]:
    judging = (_HERE / "flow.js").read_text() if id == "judge" else ""
    return _node(id, "function", {"func": judging + code, "outputs": len(to), "initialize": _PREPARE}, *to)


def _sqlite(id: str, how: str, sql: str, *to: str) -> dict[str, Any]:
    return _node(id, "sqlite", {"mydb": "file", "sqlquery": how, "sql": sql}, *to)


def settings() -> str:
    """Return a settings file: nothing is served, and no type of node is loaded without need."""
    unused = [each.name for each in sorted(_CORE.glob("*/*.js")) if each.name not in _USED]
    chosen = {
        "disableEditor": True,
        "httpAdminRoot": False,
        "httpNodeRoot": False,
        "credentialSecret": False,
        "telemetry": {"enabled": False},
        "diagnostics": {"enabled": False},
        "logging": {"console": {"level": "error"}},
        "nodesExcludes": unused,
    }
    return f"module.exports = {json.dumps(chosen)};\n"


def prepare(plant: Plant, form: Form) -> None:
    """Write what Node-RED starts from beside a plant, and an empty store."""
    (plant.where / "flow.json").write_text(json.dumps(flow(plant, form)))
    (plant.where / "settings.js").write_text(settings())
    with closing(sqlite3.connect(plant.where / "bench.db")) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute(_TABLE)
        store.commit()


@contextmanager
def node_red(plant: Plant, form: Form) -> Iterator[subprocess.Popen[str]]:
    """Yield Node-RED, connected and subscribed."""
    if not (plant.where / "flow.json").exists():
        prepare(plant, form)
    with wire(plant.port, "starter") as watch:
        watch.subscribe("nodered/status")
        with process(command(plant)) as child:
            watch.wait_for(b"online")
            yield child


def command(plant: Plant) -> list[str]:
    """Return how Node-RED is started; `env` becomes it."""
    program = shutil.which("node")
    if program is None:
        raise RuntimeError("nodejs is not installed")
    starts: list[str | Path] = ["env", "NODE_ENV=production", program, PLACE / "node-red" / "red.js"]
    here = ["--userDir", plant.where, "--settings", plant.where / "settings.js", plant.where / "flow.json"]
    return [str(each) for each in (*starts, *here)]
