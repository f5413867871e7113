"""The promise: Home Assistant learns of rooms and buildings in its own terms, of the unknown as unknown."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from safetyd.announcement import announcements
from safetyd.core.model import Place
from safetyd.ingest.message import Message
from safetyd.objects import room_object
from safetyd.service import Service
from safetyd.site import Site, read_site
from safetyd.store.database import open_for_writing
from tests.stores import store_url

Json = dict[str, Any]

NOON = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
ONE_SCHOOL = """
name = "Riverbend"
timezone = "America/Los_Angeles"
[[buildings]]
id = "maple"
name = "Maple School"
rooms = [{ id = "12", name = "Room 12" }, { id = "lab" }]
"""
TWO_SCHOOLS = f"""{ONE_SCHOOL}
[[buildings]]
id = "cedar"
name = "Cedar School"
rooms = [{{ id = "12", name = "Room 12" }}]
"""

# What Home Assistant documents for a device and for entities that only show something.
OF_A_MESSAGE = {"device", "origin", "components", "state_topic", "availability"}
OF_A_DEVICE = {"identifiers", "name", "model", "suggested_area", "via_device"}
OF_ANY_ENTITY = {"platform", "name", "unique_id", "device_class", "value_template"}
OF_A = {
    "sensor": OF_ANY_ENTITY | {"state_class", "unit_of_measurement", "suggested_display_precision"},
    "binary_sensor": OF_ANY_ENTITY | {"payload_on", "payload_off"},
}
UNITS = {"temperature": {"°C", "°F", "K"}, "humidity": {"%"}, None: {None}}
ON_MEANS_BAD = {"cold", "heat", "problem"}


def site_of(text: str, folder: Path) -> Site:
    file = folder / "site.toml"
    file.write_text(text, encoding="utf-8")
    site = read_site([file], {}, [])
    assert site is not None
    return site


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., dict[str, Json]]:
    """What is announced of a site, by topic."""

    def tell(text: str = ONE_SCHOOL, root: str = "safetyd", client_id: str = "safetyd") -> dict[str, Json]:
        said = announcements(site_of(text, tmp_path), root, "homeassistant", client_id)
        return {topic: json.loads(payload) for topic, payload in said.items()}

    return tell


Told = Callable[..., dict[str, Json]]


def entities(told: dict[str, Json]) -> list[Json]:
    return [entity for message in told.values() for entity in message["components"].values()]


def test_a_building_is_announced_before_its_rooms(told: Told) -> None:
    assert list(told()) == [
        "homeassistant/device/safetyd_maple/config",
        "homeassistant/device/safetyd_maple_12/config",
        "homeassistant/device/safetyd_maple_lab/config",
    ]


def test_a_room_is_a_device_of_its_building_in_an_area_of_its_name(told: Told) -> None:
    device = told()["homeassistant/device/safetyd_maple_12/config"]["device"]
    assert device["name"] == device["suggested_area"] == "Room 12"
    assert device["via_device"] == "safetyd_maple"


def test_rooms_of_one_name_in_two_buildings_share_no_area(told: Told) -> None:
    areas = [message["device"].get("suggested_area") for message in told(TWO_SCHOOLS).values()]
    assert areas == [None, "Maple School Room 12", "Maple School lab", None, "Cedar School Room 12"]


def test_only_keys_that_home_assistant_documents_are_used(told: Told) -> None:
    for message in told(TWO_SCHOOLS).values():
        assert message.keys() <= OF_A_MESSAGE
        assert message["device"].keys() <= OF_A_DEVICE
        assert message["origin"].keys() == {"name", "sw_version"}
        for entity in message["components"].values():
            assert entity.keys() <= OF_A[entity["platform"]]


def test_units_fit_what_is_measured_and_on_is_what_is_bad(told: Told) -> None:
    for entity in entities(told()):
        if entity["platform"] == "sensor":
            assert entity.get("unit_of_measurement") in UNITS[entity.get("device_class")]
        else:
            assert entity["device_class"] in ON_MEANS_BAD
            assert (entity["payload_on"], entity["payload_off"]) == ("breach", "ok")


def test_ids_are_unlike_and_of_letters_that_home_assistant_takes(told: Told) -> None:
    ids = [entity["unique_id"] for entity in entities(told(TWO_SCHOOLS))]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"safetyd_[a-zA-Z0-9_-]+", id) for id in ids)


def test_ids_outlive_names_the_root_and_the_client_id(told: Told) -> None:
    renamed = told(ONE_SCHOOL.replace("Room 12", "Ms. Park"), root="district", client_id="basement")
    assert [entity["unique_id"] for entity in entities(renamed)] == [e["unique_id"] for e in entities(told())]


def test_everything_is_unavailable_while_safetyd_is_away(told: Told) -> None:
    for message in told(root="district", client_id="basement").values():
        (availability,) = message["availability"]
        assert availability["topic"] == "district/status/basement"
        assert shown(availability, {"state": "online"}) == availability["payload_available"]
        assert shown(availability, {"state": "offline"}) == availability["payload_not_available"]


# What the templates make of our own documents


class Document(dict[str, Any]):
    """A JSON object as a template sees it: a name after a dot is first looked for among a dict's methods."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def shown(entity: Json, document: Json) -> str:
    """Return what a template makes of a document; ours are such that Python reads them as Jinja does."""
    found = re.fullmatch(r"\{\{ (.+) \}\}", entity["value_template"])
    assert found
    seen = json.loads(json.dumps(document), object_hook=Document)
    return str(eval(found[1], {"none": None, "value_json": seen}))


def states(message: Json, document: Json) -> dict[str, str]:
    return {key: shown(entity, document) for key, entity in message["components"].items()}


@pytest.fixture
def room(tmp_path: Path, told: Told) -> Callable[..., dict[str, str]]:
    """How Home Assistant shows room 12 after it said something, a while later."""

    def show(*said: Json, retained: bool = False, after: timedelta = timedelta(0)) -> dict[str, str]:
        site = site_of(ONE_SCHOOL, tmp_path)
        service = Service(open_for_writing(store_url(tmp_path)), site, "safetyd", NOON)
        for number, each in enumerate(said):
            at = NOON + timedelta(minutes=number)
            service.take(Message(at, "safetyd/readings/maple/12", json.dumps(each).encode(), retained))
            service.commit(at)
        now = NOON + timedelta(minutes=len(said)) + after
        service.elapse(now)
        document = room_object(service.world, service.facts, Place("maple", "12"), "Room 12", now)
        service.connection.close()
        return states(told()["homeassistant/device/safetyd_maple_12/config"], document)

    return show


Room = Callable[..., dict[str, str]]


def test_a_room_that_is_well_shows_its_values(room: Room) -> None:
    seen = room({"temperature_f": 71.5, "humidity": 42})
    assert (seen["temperature"], seen["humidity"], seen["cold"], seen["heat"]) == ("71.5", "42.0", "ok", "ok")
    assert 69 < float(seen["heat_index"]) < 73


def test_a_room_in_breach_is_on(room: Room) -> None:
    seen = room(*[{"temperature_f": 56.0, "humidity": 42}] * 3)
    assert (seen["cold"], seen["heat"]) == ("breach", "ok")


def test_what_nobody_measures_is_unknown_and_no_zero(room: Room) -> None:
    seen = room({"temperature_f": 71.5})
    assert (seen["temperature"], seen["humidity"], seen["heat_index"]) == ("71.5", "None", "None")


@pytest.mark.parametrize(
    "said",
    [
        {"said": []},
        {"said": [{"temperature_f": 71.5, "humidity": 42}], "after": timedelta(days=1)},
        {"said": [{"temperature_f": 71.5, "humidity": 42}], "retained": True},
    ],
    ids=["never heard", "silent since yesterday", "remembered by the broker"],
)
def test_silence_is_unknown_and_never_off(room: Room, said: dict[str, Any]) -> None:
    assert set(room(*said.pop("said"), **said).values()) == {"None"}


@pytest.mark.parametrize("mains, electricity", [("ok", "ok"), ("breach", "breach"), ("unknown", "None")])
def test_a_building_shows_its_tickets_and_its_electricity(told: Told, mains: str, electricity: str) -> None:
    building = told()["homeassistant/device/safetyd_maple/config"]
    seen = states(building, {"open_tickets": 0, "mains": mains})
    assert seen == {"open_tickets": "0", "mains": electricity}
