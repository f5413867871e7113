"""Messages that others have collected: each must come out as they say it must, or not at all, with a reason.

Rule: where the folder is not there one test says so. A line's `map` is what a site file would say; one that
says less than is expected only points out. Lines of `sparkplug` and the bridges' own announcements of Home
Assistant are told apart by their `decoder`.
"""

import base64
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from safetyd.core.model import Observation, Place, Quantity, Sensor
from safetyd.core.quality import Belief, judge
from safetyd.core.rules import QualityRule
from safetyd.ingest.decode import reader
from safetyd.ingest.message import Heard, PayloadError, Sample
from safetyd.paths import read_path
from safetyd.profile import Value, Wiring, Words, read_conditions, shipped_profiles

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SAFETYD_PAYLOADS", ROOT.parent / "shared" / "payloads"))
AT = datetime(2026, 12, 1, 16, tzinfo=UTC)
WIDE = QualityRule(range_c=(-40, 60))
GENERIC = ("json", "plain")
ANNOUNCEMENT, BY_CODE = "ha-discovery", "sparkplug"
COVERED = {  # files whose lines name no profile, and the profile that reads them as well
    "airgradient": "airgradient",
    "bthome": "bthome",
    "ecowitt": "ecowitt",
    "esphome": "esphome",
    "ha_statestream": "ha_statestream",
    "mbdetnrs": "eaton",
    "mbmd": "mbmd",
    "neuron": "neuron",
    "openhab": "openhab",
    "zwave_js_ui": "zwave_js",
}
UNIT_FROM_SITE = ("homie", "shelly1")  # their lines without a map are of devices set to °C
NAMED_TAGS = ("neuron",)  # only the site file knows what its values are called
UNITS = {"degC": "C", "degF": "F"}
FIELDS = {
    ("temperature", "degC"): "temperature_c",
    ("temperature", "degF"): "temperature_f",
    ("humidity", "%"): "humidity",
    ("mains", "bool"): "mains",
    ("voltage", "V"): "voltage",
    ("power", "W"): "power_w",
    ("battery", "%"): "battery",
    ("battery", "V"): "battery_v",
    ("battery", "bool"): "battery_ok",
}


class Way(NamedTuple):
    """One way to read a line: through a profile, with what a site file would say."""

    profile: str
    wiring: Wiring
    has_map: bool
    knows_presence: bool = True


def lines() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.jsonl")):
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            line = json.loads(text)
            if "decoder" not in line and path.stem == "sparkplug_b":
                line["decoder"] = BY_CODE
            yield f"{path.stem}:{number}", line


def payload_of(line: dict[str, Any]) -> bytes:
    text = str(line["payload"])
    return base64.b64decode(text) if line.get("encoding") == "base64" else text.encode()


def quantities_of(line: dict[str, Any]) -> dict[Quantity, str]:
    return {Quantity(name): path for name, path in line.get("map", {}).items() if name in set(Quantity)}


def ways(name: str, line: dict[str, Any]) -> Iterator[Way]:
    decoder, said = line["decoder"], line.get("map", {})
    wanted = {Quantity(each["metric"]) for each in line["expect"] if each["metric"] != "availability"}
    is_whole = wanted <= set(quantities_of(line))
    if decoder == ANNOUNCEMENT:
        yield Way("json", Wiring(), has_map=False)
    elif decoder in GENERIC:
        covering = COVERED.get(name.partition(":")[0]) or COVERED.get(line["topic"].partition("/")[0])
        if covering:
            yield Way(covering, wiring(line, with_paths=covering in NAMED_TAGS), has_map=True)
        if said or not covering:
            yield Way(decoder, wiring(line, with_paths=True), has_map=True, knows_presence=False)
    elif said and is_whole:
        yield Way(decoder, wiring(line, with_paths=True), has_map=True)
    else:
        unit = "C" if decoder in UNIT_FROM_SITE else None
        yield Way(decoder, Wiring(unit=unit, only=only(line)), has_map=bool(said))


def wiring(line: dict[str, Any], with_paths: bool) -> Wiring:
    said = line.get("map", {})
    unit = UNITS.get(said.get("unit", ""), said.get("unit"))
    words = Words(on=(said["true"],), off=(said["false"],)) if "true" in said else Words()
    paths = quantities_of(line)
    if not with_paths or set(paths.values()) == {"$"}:
        return Wiring(unit=unit, words=words, measures=tuple(paths), only=only(line))
    values = tuple(
        Value(quantity, (read_path(path),), unit=battery_unit(line) if quantity is Quantity.BATTERY else "")
        for quantity, path in paths.items()
    )
    time = read_path(said["time"]) if "time" in said else None
    return Wiring(unit=unit, words=words, values=values, only=only(line), time=time)


def battery_unit(line: dict[str, Any]) -> str:
    return next((each["unit"] for each in line["expect"] if each["metric"] == "battery"), "%")


def only(line: dict[str, Any]) -> Any:
    key = line.get("map", {}).get("room-key") or ("id" if line["decoder"] == "rtl_433" else None)
    if key is None or not line["payload"].startswith("{"):
        return ()
    return read_conditions({key: json.loads(line["payload"])[key]})


def expected(line: dict[str, Any], way: Way) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for each in line["expect"]:
        of = each.get("sensor", "")
        if each["metric"] == "availability":
            if way.knows_presence:
                found.append(("availability", each["value"], "bridge" if of in ("bridge", "gateway") else ""))
            continue
        value = pytest.approx(each["value"]) if line.get("approx") else each["value"]
        found.append((each["metric"], value, each["unit"], "" if way.has_map else of))
    return found


def judged(heard: Heard, sensor: Sensor) -> tuple[list[Sample], list[str]]:
    """What is left of the samples once implausible ones are taken out, and why those were."""
    left, reasons = [], []
    for channel in dict.fromkeys(sample.channel for sample in heard.samples):
        samples = [sample for sample in heard.samples if sample.channel == channel]
        said: Any = {FIELDS[sample.quantity, sample.unit]: sample.value for sample in samples}
        flaws = judge(Belief(), Observation(sensor, AT, AT, **said), WIDE)[1].flaws
        reasons += [flaw.reason for flaw in flaws]
        left += [sample for sample in samples if sample.quantity not in {flaw.quantity for flaw in flaws}]
    return left, reasons


def read(way: Way, line: dict[str, Any]) -> tuple[list[tuple[object, ...]], list[str]]:
    """What comes out of a line, and why the rest does not."""
    try:
        heard = reader(shipped_profiles()[way.profile], way.wiring)(line["topic"], payload_of(line))
    except PayloadError as error:
        return [], [str(error)]
    invalid = frozenset({-0.1}) if "plausible-sentinel" in line.get("tags", ()) else frozenset()
    left, reasons = judged(heard, Sensor(Place("school", "101"), "s", invalid=invalid))
    found: list[tuple[object, ...]] = [
        (sample.quantity.value, sample.value, sample.unit, "" if way.has_map else sample.channel)
        for sample in left
    ]
    if heard.presence is not None:
        found.append(("availability", heard.presence, "bridge" if heard.is_bridge else ""))
    return found, [*heard.refusals, *reasons, *([heard.reason] if heard.reason else [])]


LINES = dict(lines())

if LINES:

    @pytest.mark.parametrize("name", [name for name, line in LINES.items() if line["decoder"] != BY_CODE])
    def test_a_collected_message_comes_out_as_it_should(name: str) -> None:
        line = LINES[name]
        for way in ways(name, line):
            found, reasons = read(way, line)
            wanted = expected(line, way)
            assert sorted(found, key=key) == sorted(wanted, key=key), (way.profile, reasons)
            assert found or any(reasons), way.profile

    def key(found: tuple[object, ...]) -> tuple[str, str]:
        return str(found[0]), str(found[-1])

    def test_every_line_is_read_by_a_profile_or_by_code() -> None:
        known = {*shipped_profiles(), ANNOUNCEMENT, BY_CODE}
        assert {line["decoder"] for line in LINES.values()} <= known
        by_code = sum(line["decoder"] == BY_CODE for line in LINES.values())
        assert by_code == len([name for name in LINES if name.startswith("sparkplug_b:")])
        assert sum(1 for path in FOLDER.glob("*.jsonl") for _ in path.open(encoding="utf-8")) == len(LINES)

else:

    def test_there_is_no_folder_of_collected_payloads_here() -> None:
        assert not LINES
