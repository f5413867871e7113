"""Who may import whom, and which library has which door.

Rule: a module may import what stands in a row below its own and, in its own row, only its own unit. There is
no list of exceptions; what does not fit is built differently, or the tables below are changed.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "safetyd"
MAX_LINES = 350
# One file of its own, packed into every packet of evidence: who checks one needs nothing beside it, and it
# holds what people read against the records, thing by thing.
LONGER = {"evidence/verify.py": 640}

# Top row first; units of one row never import each other. A unit is a name, or several joined by " + ":
# `x.*` is the module or package x with all that is in it; `x` alone only the module, or a package's __init__.
SHELL = (
    ("__main__",),
    ("cli.*",),
    ("worker",),
    ("shard", "showing"),
    ("daemon.*", "recorder", "doctor.*"),
    ("reloading",),
    (
        "dispatch",
        "bulletin",
        "vitals",
        "vigil",
        "doorbell",
        "errands",
        "following",
        "reception",
        "notary",
    ),
    (
        "timekeeper",
        "holding",
        "reaching",
        "distress",
        "stand_ins",
        "allowance",
        "setback",
        "imports.taking",
        "history.older",
        "calling",
        "collecting + gateway_copy",
        "uplink",
        "anchoring",
        "systemd",
    ),
    (
        "ingest.mqtt + ingest.buffered + ingest.turns",
        "ingest.upsd.*",
        "notify.sender.*",
        "notify.heartbeat",
        "notify.last_resort",
        "notify.webhook",
        "notify.anchor",
        "history.influx.*",
        "simulate.*",
        "web.*",
    ),
    ("lake.*",),
    ("replay.*", "whatif.*", "explain.*", "evidence.*", "reports.*"),
    ("trying",),
    ("rolled_copies",),
    ("assigning",),
    (
        "service.*",
        "sensor_sheet",
        "history.queries + history.points + history.coverage + history.rollups + history.rolling "
        "+ history.tails + history.breaches + history.retention + history.files + history.document"
        " + history.days + history.daily",
    ),
    ("history.buckets", "view", "held_copies"),
    ("hearing", "saving", "sensor_objects", "earshot", "imports.weighing", "assigned"),
    ("catching_up",),
    ("recovery", "past", "objects", "waiting", "site_lines", "announcement", "sharding"),
    ("notify.letters",),
    (
        "commands",
        "unspoken",
        "declared",
        "naming + own_words",
        "notify.render.*",
        "ingest.published + ingest.message + ingest.native + ingest.decode + ingest.topics"
        " + ingest.values + ingest.takes + ingest.stamps + ingest.binding + ingest.repeats"
        " + ingest.sparkplug + ingest.sparkplug_message + ingest.ruuvi + ingest.guess + ingest.proposals"
        " + ingest.afar"
        " + ingest.profiles.*",
    ),
    ("notify.mail", "notify.patience", "notify.company"),
    ("notify.forms",),
    ("notify.shelf_words",),
    ("notify.trouble_words + notify.remarks",),
    (
        "notify.ticket_words",
        "notify.outage_words",
        "notify.morning_words",
        "notify.trial_words",
        "notify.head_words",
    ),
    ("notify.breach_words", "notify.tier_words", "notify.who_and_where"),
    ("notify.request", "notify.tongue"),
    ("store.*",),
    ("site_words + people_words + calendar_words + centre_words + district_words",),
    ("imports.layout + imports.moments + imports.rows + imports.sheet",),
    ("configuration", "certificates"),
    (
        "settings.* + setting_shapes + setting_outside + setting_web + setting_hooks + setting_files"
        " + setting_audit + setting_centre + setting_district + setting_doctor + setting_store + setting_log"
        " + setting_mqtt",
        "site.* + site_rules + site_plan + site_calendar + site_ics + site_sensors + site_readings"
        " + site_part + site_topics + site_csv + site_outposts + site_reports + overrides + profile"
        " + site_sheet + site_people + site_people_csv",
        "clock",
        "machine",
    ),
    ("shapes", "tables", "paths", "pieces"),
    (
        "faults",
        "times",
        "wording",
        "passwords",
        "credentials",
        "languages.*",
        "value_words",
        "record_words",
        "logs",
        "paper.*",
        "ticks",
        "way",
        "stamping",
    ),
    ("frugal",),
)
CORE = (
    ("core.report",),
    ("core.engine", "core.duty", "core.spaces"),
    ("core.timekeeping",),
    ("core.supervision", "core.waking", "core.lookout"),
    ("core.blackout", "core.drift"),
    ("core.revision", "core.amendment", "core.hindsight"),
    ("core.obligation", "core.taken_up"),
    ("core.overtaken",),
    ("core.morning", "core.lateness", "core.shelving", "core.trial"),
    ("core.telling",),
    ("core.world",),
    ("core.trouble",),
    ("core.health",),
    ("core.clocks",),
    ("core.tally", "core.chronicle", "core.testimony"),
    ("core.account",),
    ("core.afar",),
    ("core.notice", "core.room", "core.power", "core.succession", "core.sparing"),
    ("core.warmth", "core.votes", "core.register"),
    ("core.plan",),
    ("core.closing",),
    ("core.ticket", "core.watch"),
    ("core.quality", "core.closure", "core.shelf", "core.assignment"),
    ("core.rules",),
    ("core.calendar", "core.heat_index", "core.attachment"),
    ("core.model",),
    ("core.book",),
    ("core.units", "core.errors", "core.shards"),
)
# Packages whose modules stand in several rows: their __init__ imports nothing of ours.
ROOTS = ((PACKAGE, "core", "history", "imports", "ingest", "notify"),)
LAYERS = SHELL + CORE + ROOTS

DOORS = {
    "alembic": ("store.*",),
    "amqtt": ("simulate.*",),
    "argon2": ("passwords", "simulate.*"),
    "authlib": ("web.pages.sso",),
    "apprise": ("notify.sender.*",),
    "dateutil": ("site_ics",),
    "duckdb": ("lake.duck",),
    "font_roboto": ("paper.fonts", "web.charts.export"),
    "google": ("ingest.sparkplug_message",),
    "icalendar": ("site_ics",),
    "influxdb_client": ("history.influx.*",),
    "jinja2": ("web.pages.frame",),
    "psycopg": ("store.*",),
    "paho": ("ingest.mqtt", "ingest.buffered", "simulate.publisher", "cli.record", "doctor.broker"),
    "prometheus_client": ("web.metrics",),
    "polib": ("notify.tongue",),
    "reportlab": ("paper.*",),
    "resvg_py": ("web.charts.export",),
    "cryptography": ("stamping", "certificates"),
    "rfc3161_client": ("stamping",),
    "rich": ("cli.*",),
    "segno": ("web.pages.codes",),
    "smtplib": ("notify.mail",),
    "sqlalchemy": ("store.*",),
    "starlette": ("web.*",),
    "structlog": ("logs",),
    "typer": ("cli.*",),
    "uvicorn": ("web.server", "web.connection"),
    "xlsxwriter": ("history.files",),
    "pyarrow": ("history.files",),
}

# What the core does not know to exist: the outside, other threads, chance, logs and "now".
NOT_IN_CORE = """
    asyncio http io logging multiprocessing os pathlib queue random secrets shutil signal socket sqlite3
    subprocess tempfile threading time urllib uuid
"""


@dataclass(frozen=True, slots=True)
class Import:
    """One name that one module imports, as an absolute dotted path."""

    where: str  # "safetyd/core/x.py:12"
    module: str  # the importing module without the package's name: "core.x"
    target: str


def modules(root: Path) -> dict[str, Path]:
    """Return the file of every module, by its name inside the package (`core.x`; the root is `safetyd`)."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        found[".".join(parts) or PACKAGE] = path
    return found


@cache
def imports(root: Path) -> tuple[Import, ...]:
    """Return every import wherever it stands: in functions and under TYPE_CHECKING too."""
    return tuple(_imports(root))


def _imports(root: Path) -> Iterator[Import]:
    known = modules(root)
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            where = f"{path.relative_to(root)}:{node.lineno}"
            if isinstance(node, ast.Import):
                yield from (Import(where, module, alias.name) for alias in node.names)
            else:
                base = _absolute(node, module, path)
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield Import(where, module, full if _ours(full) in known else base)


def _absolute(node: ast.ImportFrom, module: str, path: Path) -> str:
    if not node.level:
        return node.module or ""
    here = [PACKAGE] if module == PACKAGE else [PACKAGE, *module.split(".")]
    up = node.level - (path.name == "__init__.py")
    return ".".join([*here[: len(here) - up], *([node.module] if node.module else [])])


def _ours(target: str) -> str | None:
    """Return the name of a module of the package without the package's, None for others."""
    if target == PACKAGE:
        return PACKAGE
    return target.removeprefix(f"{PACKAGE}.") if target.startswith(f"{PACKAGE}.") else None


def _matches(module: str, pattern: str) -> bool:
    name = pattern.removesuffix(".*")
    return module == name or (name != pattern and module.startswith(f"{name}."))


def _place(module: str) -> tuple[int, str, str] | None:
    """Return a module's row, its unit, and the unit's pattern that names it."""
    for row, units in enumerate(LAYERS):
        for unit in units:
            for pattern in unit.split(" + "):
                if _matches(module, pattern):
                    return row, unit, pattern.removesuffix(".*")
    return None


def misplaced(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: {module} stands in no row of tests/test_layers.py"
        for module, path in modules(root).items()
        if _place(module) is None
    ]


def against_the_order(root: Path) -> list[str]:
    faults = []
    for one in imports(root):
        target = _ours(one.target)
        if target is None:
            continue
        here, there = _place(one.module), _place(target)
        if here is None:
            continue  # misplaced() names it
        if there is None:
            faults.append(f"{one.where} imports {one.target}: it stands in no row of tests/test_layers.py")
        elif there[0] < here[0] or (there[0] == here[0] and there[1] != here[1]):
            left, right = _said(here[2], there[2])
            faults.append(f"{one.where} imports {one.target}: {left} may not import {right}")
    return faults


def _said(here: str, there: str) -> tuple[str, str]:
    """Return both names as wide as the rule: `core`, not `core.rules`, where all of core is meant."""
    if here.startswith("core.") and not there.startswith("core"):
        return "core", there
    return here, there


def through_the_wall(root: Path) -> list[str]:
    faults = []
    for one in imports(root):
        library = one.target.split(".")[0]
        doors = DOORS.get(library)
        if doors is not None and not any(_matches(one.module, door) for door in doors):
            names = " or ".join(doors)
            faults.append(f"{one.where} imports {one.target}: {library} may be imported only in {names}")
    return faults


def impure(root: Path) -> list[str]:
    faults = []
    for one in imports(root):
        library = one.target.split(".")[0]
        if not _matches(one.module, "core.*") or library == PACKAGE:
            continue
        if library not in sys.stdlib_module_names:
            faults.append(f"{one.where} imports {one.target}: core may import only the standard library")
        elif library in NOT_IN_CORE.split():
            faults.append(f"{one.where} imports {one.target}: core may not know {library}")
    return faults


def too_long(root: Path) -> list[str]:
    lengths = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in modules(root).values())
    limits = {root / PACKAGE / name: most for name, most in LONGER.items()}
    return [
        f"{path.relative_to(root)} has {lines} lines: at most {limits.get(path, MAX_LINES)}"
        for path, lines in lengths
        if lines > limits.get(path, MAX_LINES)
    ]


def _none(faults: Iterable[str]) -> None:
    found = list(faults)
    assert not found, "\n" + "\n".join(found)


def test_there_is_something_to_check():
    assert len(modules(ROOT)) > 1
    assert any(one.target.startswith(f"{PACKAGE}.") for one in imports(ROOT))


def test_every_module_has_its_row():
    _none(misplaced(ROOT))


def test_imports_go_down_the_rows():
    _none(against_the_order(ROOT))


def test_one_library_one_door():
    _none(through_the_wall(ROOT))


def test_the_core_imports_values_and_arithmetic_only():
    _none(impure(ROOT))


def test_no_module_is_too_long():
    _none(too_long(ROOT))


def test_no_module_stands_in_two_rows():
    names = [pattern.removesuffix(".*") for row in LAYERS for unit in row for pattern in unit.split(" + ")]
    assert len(names) == len(set(names))


# The checks themselves, on trees made for them.


def tree(root: Path, modules: dict[str, str]) -> Path:
    """Return root with a package of these modules: `{"core/x": "import os"}` is safetyd/core/x.py."""
    for name, source in {"__init__": "", **modules}.items():
        path = root / PACKAGE / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return root


STORE = {"store/__init__": "", "store/schema": ""}


@pytest.mark.parametrize(
    ("module", "source", "message"),
    [
        ("core/rules", "import safetyd.store", "safetyd.store: core may not import store"),
        ("core/rules", "from safetyd import store", "safetyd.store: core may not import store"),
        ("core/rules", "from ..store import schema", "safetyd.store.schema: core may not import store"),
        ("core/rules", "def f():\n from safetyd.store import x", "safetyd.store: core may not import store"),
        (
            "core/model",
            "from safetyd.core.rules import A",
            "safetyd.core.rules: core.model may not import core.rules",
        ),
        ("core/room", "from .power import A", "safetyd.core.power: core.room may not import core.power"),
        ("site", "import safetyd.settings", "safetyd.settings: site may not import settings"),
        ("service", "import safetyd.replay", "safetyd.replay: service may not import replay"),
        (
            "ingest/__init__",
            "from . import topics",
            "safetyd.ingest.topics: ingest may not import ingest.topics",
        ),
        ("ingest/native", "import safetyd.ingest.mqtt", "ingest.native may not import ingest.mqtt"),
        ("service", "import safetyd.nowhere", "safetyd.nowhere: it stands in no row"),
    ],
)
def test_an_import_against_the_order_is_named(tmp_path, module, source, message):
    others = {"core/power": "", "core/rules": "", "ingest/topics": "", "settings": "", "replay": ""}
    (fault,) = against_the_order(tree(tmp_path, {**STORE, **others, module: source}))
    assert fault.startswith(f"safetyd/{module}.py:")
    assert message in fault


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("replay", "from safetyd.service import A\nfrom safetyd.ingest.native import B"),
        ("ingest/native", "from safetyd.ingest.topics import A"),
        ("settings", "from safetyd.faults import Fault"),
        ("site", "from safetyd.faults import Fault\nfrom safetyd.core.rules import Rules"),
        ("store/readings", "from .schema import readings\nimport sqlalchemy"),
        ("cli/main", "from safetyd import __version__\nimport typer"),
    ],
)
def test_an_import_along_the_order_passes(tmp_path, module, source):
    others = {"service": "", "ingest/native": "", "ingest/topics": "", "faults": "", "core/rules": ""}
    root = tree(tmp_path, {**STORE, **others, module: source})
    assert not against_the_order(root) + through_the_wall(root) + misplaced(root)


def test_a_module_without_a_row_is_named(tmp_path):
    (fault,) = misplaced(tree(tmp_path, {"core/luck": ""}))
    assert fault == "safetyd/core/luck.py: core.luck stands in no row of tests/test_layers.py"


def test_a_library_beside_its_door_is_named(tmp_path):
    (fault,) = through_the_wall(tree(tmp_path, {"service": "from paho.mqtt.client import Client"}))
    assert fault.startswith(
        "safetyd/service.py:1 imports paho.mqtt.client: paho may be imported only in ingest.mqtt"
    )


@pytest.mark.parametrize(
    ("source", "words"), [("import msgspec", "only the standard"), ("import time", "know time")]
)
def test_a_core_that_looks_outside_is_named(tmp_path, source, words):
    (fault,) = impure(tree(tmp_path, {"core/rules": source, "service": source}))
    assert fault.startswith("safetyd/core/rules.py:1") and words in fault


def test_one_line_too_many_is_named(tmp_path):
    assert not too_long(tree(tmp_path, {"service": "x = 1\n" * MAX_LINES}))
    faults = too_long(tree(tmp_path, {"service": "x = 1\n" * (MAX_LINES + 1)}))
    assert faults == ["safetyd/service.py has 351 lines: at most 350"]
    (fault,) = too_long(tree(tmp_path / "verify", {"evidence/verify": "x = 1\n" * 641}))
    assert fault == "safetyd/evidence/verify.py has 641 lines: at most 640"
