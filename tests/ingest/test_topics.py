"""A topic names its sensor, or belongs to nobody; no device may pass itself off as another."""

from zoneinfo import ZoneInfo

import pytest

from safetyd.core.model import Place, Sensor
from safetyd.core.report import HAND
from safetyd.ingest.topics import native_route, routes, subscriptions
from safetyd.profile import shipped_profiles
from safetyd.site import Building, Room, SensorBinding, Site
from safetyd.site_calendar import read_calendar
from safetyd.site_rules import read_rulebook
from safetyd.tables import Table

UTC = ZoneInfo("UTC")
PROFILES = shipped_profiles()
BINDINGS = (
    SensorBinding("t12", "zigbee2mqtt/Room 12", "zigbee2mqtt", "12", profile=PROFILES["zigbee2mqtt"]),
    SensorBinding("ups", "nut/maple/ups/status", "nut", power=True, profile=PROFILES["nut"]),
    SensorBinding("own", "lab/own", "native", room="lab"),
)
NOTHING = Table("site.toml", "", {}, [])
SITE = Site(
    "Riverbend",
    UTC,
    read_rulebook(NOTHING, UTC),
    read_calendar(NOTHING, UTC),
    (Building("maple", "Maple", (Room("12", "Room 12"), Room("lab", "Lab")), BINDINGS),),
)
ROOM, WHOLE = Place("maple", "12"), Place("maple", None)


@pytest.mark.parametrize(
    "topic, sensor",
    [
        ("safetyd/readings/maple/12", Sensor(ROOM, "12")),
        ("safetyd/readings/maple/12/window", Sensor(ROOM, "window")),
        ("safetyd/readings/maple/12/by the door é", Sensor(ROOM, "by the door é")),
        ("safetyd/power/maple", Sensor(WHOLE, "mains")),
        ("safetyd/power/maple/ups", Sensor(WHOLE, "ups")),
    ],
)
def test_a_native_topic_names_its_place_and_sensor(topic: str, sensor: Sensor) -> None:
    route = native_route(topic, SITE, "safetyd")
    assert route is not None and route.sensor == sensor and route.format == "native"


@pytest.mark.parametrize(
    "topic",
    [
        "safetyd/readings/maple",
        "safetyd/readings/maple/",
        "safetyd/readings/maple/12/",
        "safetyd/readings/maple/12/a/b",
        "safetyd/readings//12",
        "safetyd/readings/maple/99",
        "safetyd/readings/cedar/12",
        "safetyd/power",
        "safetyd/power/cedar",
        "safetyd/power/maple/",
        "safetyd/power/maple/a/b",
        "safetyd/tickets/maple/1",
        "safetyd/",
        "safetyd",
        "readings/maple/12",
        "safetyd2/readings/maple/12",
        "other/readings/maple/12",
        "",
        "/",
        "safetyd//",
        "SAFETYD/readings/maple/12",
        "safetyd/readings/maple/12\x00",
    ],
)
def test_any_other_topic_belongs_to_nobody(topic: str) -> None:
    assert native_route(topic, SITE, "safetyd") is None


def test_no_device_passes_itself_off_as_a_persons_instrument() -> None:
    """A hand-held reading needs no confirmation, and the record knows one by its sensor's name."""
    route = native_route(f"safetyd/readings/maple/12/{HAND}psychrometer", SITE, "safetyd")
    assert route is None or not route.sensor.id.startswith(HAND)


def test_a_root_of_several_words_is_taken_as_it_is() -> None:
    assert native_route("air.quality/readings/maple/12", SITE, "air.quality") is not None


def test_what_the_site_file_names_is_listened_to() -> None:
    assert subscriptions(SITE, "root") == [
        "root/readings/#",
        "root/power/#",
        "lab/own",
        "nut/bridge/state",
        "nut/maple/bridge/state",
        "nut/maple/ups/bridge/state",
        "nut/maple/ups/status",
        "zigbee2mqtt/Room 12",
        "zigbee2mqtt/bridge/state",
    ]


def test_what_is_heard_too_comes_once() -> None:
    assert subscriptions(SITE, "root", ["zigbee2mqtt/+", "tele/#"]) == [
        "root/readings/#",
        "root/power/#",
        "lab/own",
        "nut/bridge/state",
        "nut/maple/bridge/state",
        "nut/maple/ups/bridge/state",
        "nut/maple/ups/status",
        "tele/#",
        "zigbee2mqtt/+",
        "zigbee2mqtt/bridge/state",
    ]
    assert subscriptions(SITE, "root", ["#"]) == ["#"]


def test_a_witness_speaks_for_the_building_and_any_other_for_its_room() -> None:
    found = routes(SITE)
    assert [route.sensor for route in found.of("nut/maple/ups/status")] == [Sensor(WHOLE, "ups")]
    assert [route.sensor for route in found.of("zigbee2mqtt/Room 12")] == [Sensor(ROOM, "t12")]
    assert [route.sensor for route in found.of("lab/own")] == [Sensor(Place("maple", "lab"), "own")]
    assert found.of("lab/others") == ()
