"""What Home Assistant is told of us by MQTT discovery: a device for each building and each room.

Rule: a device is one retained message, so that a room comes and goes as a whole: Home Assistant knows this
form since 2024.11, and one message per entity for older ones would be five times as many. What is unknown is
shown as unknown, never as off or as a number. Ids are made of the site file's ids alone, so that a device
stays itself under another name, root or client id.
"""

import json
from collections.abc import Iterator
from typing import Any

from safetyd import __version__
from safetyd.ingest.message import PayloadError
from safetyd.ingest.values import json_object
from safetyd.site import Building, Room, Site

Json = dict[str, Any]

_OURS = "safetyd_"  # so begins every id


def announcements(site: Site, root: str, prefix: str, client_id: str) -> dict[str, bytes]:
    """Return the discovery topics with their messages, each building before its rooms."""
    shared = {
        "availability": [
            {
                "topic": _status(root, client_id),
                "value_template": "{{ value_json.state }}",
                "payload_available": "online",
                "payload_not_available": "offline",
            }
        ],
        "origin": {"name": "safetyd", "sw_version": __version__},
    }
    return {
        f"{prefix}/device/{device['device']['identifiers'][0]}/config": json.dumps(device | shared).encode()
        for device in _devices(site, root)
    }


def is_announcement(topic: str, payload: bytes, root: str, client_id: str) -> bool:
    """Return whether a discovery message is one of ours, of this site file or of one before."""
    if not topic.split("/")[-2].startswith(_OURS):
        return False
    try:
        said = json_object(payload)
    except PayloadError:
        return False
    state_topic, availability, components = (
        said.get(key) for key in ("state_topic", "availability", "components")
    )
    if not (isinstance(availability, list) and isinstance(components, dict) and components):
        return False
    ids = [entity.get("unique_id") if isinstance(entity, dict) else None for entity in components.values()]
    return (
        isinstance(state_topic, str)
        and state_topic.startswith(f"{root}/")
        and [each.get("topic") for each in availability if isinstance(each, dict)]
        == [_status(root, client_id)]
        and all(isinstance(id, str) and id.startswith(_OURS) for id in ids)
    )


def _status(root: str, client_id: str) -> str:
    return f"{root}/status/{client_id}"


def _devices(site: Site, root: str) -> Iterator[Json]:
    is_one_of_many = len(site.buildings) > 1 or (site.part is not None and site.part.is_one_of_many)
    for building in site.buildings:
        yield _building(building, root)
        for room in building.rooms:
            # In a site of several buildings "Room 12" of one is not to share an area with that of another.
            name = f"{building.name} {room.name}" if is_one_of_many else room.name
            yield _room(building, room, name, root)


def _building(building: Building, root: str) -> Json:
    id = f"{_OURS}{building.id}"
    return {
        "device": {"identifiers": [id], "name": building.name, "model": "building watched by safetyd"},
        "state_topic": f"{root}/buildings/{building.id}",
        "components": _with_ids(
            id,
            {
                "open_tickets": {
                    "platform": "sensor",
                    "name": "Open tickets",
                    "state_class": "measurement",
                    "value_template": "{{ value_json.open_tickets }}",
                },
                "mains": _verdict("Electricity", "problem", "mains"),
            },
        ),
    }


def _room(building: Building, room: Room, name: str, root: str) -> Json:
    id = f"{_OURS}{building.id}_{room.id}"
    return {
        "device": {
            "identifiers": [id],
            "name": name,
            "model": "room watched by safetyd",
            "suggested_area": name,
            "via_device": f"{_OURS}{building.id}",
        },
        "state_topic": f"{root}/rooms/{building.id}/{room.id}",
        "components": _with_ids(
            id,
            {
                "temperature": _value("Temperature", "temperature", "°F", "temperature_f"),
                "humidity": _value("Humidity", "humidity", "%", "humidity"),
                "heat_index": _value("Heat index", "temperature", "°F", "heat_index_f"),
                "cold": _verdict("Too cold", "cold", "verdicts.cold"),
                "heat": _verdict("Too hot", "heat", "verdicts.heat"),
            },
        ),
    }


def _with_ids(device: str, entities: dict[str, Json]) -> dict[str, Json]:
    return {key: entity | {"unique_id": f"{device}_{key}"} for key, entity in entities.items()}


def _value(name: str, kind: str, unit: str, key: str) -> Json:
    """Return a sensor of one of a room's values; a retained one is no measurement of now, so it is unknown.

    In a template `.values` would be the method of every dict, and null is what is written `None`.
    """
    return {
        "platform": "sensor",
        "name": name,
        "device_class": kind,
        "state_class": "measurement",
        "unit_of_measurement": unit,
        "suggested_display_precision": 1,
        "value_template": f"{{{{ none if value_json.retained else value_json['values'].{key} }}}}",
    }


def _verdict(name: str, kind: str, key: str) -> Json:
    """Return a binary sensor that is on in breach and off when ok."""
    return {
        "platform": "binary_sensor",
        "name": name,
        "device_class": kind,
        "payload_on": "breach",
        "payload_off": "ok",
        "value_template": f"{{{{ none if value_json.{key} == 'unknown' else value_json.{key} }}}}",
    }
