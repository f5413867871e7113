"""All that is known of one sensor: its bindings, its troubles, what it said, what could not be used.

Rule: the command line and the web show the same sheet.
"""

from typing import Any

from safetyd.ingest.topics import routes
from safetyd.sensor_objects import Watched, detail_object
from safetyd.store import latest, leftovers
from safetyd.store.leftovers import KEPT_A_TOPIC, Refusal
from safetyd.store.troubles import every_trouble
from safetyd.view import View

TROUBLES, READINGS, REFUSED = 10, 20, 20  # of each so many, the newest


def sensor_sheet(seen: View, each: Watched) -> dict[str, Any]:
    """Return a sensor with its past, the newest first."""
    (shown,) = seen.sensor_objects([each])
    troubles = [trouble for trouble in every_trouble(seen.connection) if trouble.sensor == each.sensor.key]
    said = (
        []
        if each.number is None
        else latest.readings_of(seen.connection, each.number, each.heard_at, seen.at, READINGS)
    )
    detail = detail_object(shown, each, troubles[: -TROUBLES - 1 : -1], said, _refused(seen, each))
    bridges = seen.facts.bridges.get(each.sensor.key, ())
    silent = [bridge for bridge in bridges if seen.world.troubles.get(bridge)]
    return detail | ({"bridge": silent[0]} if silent else {})


def _refused(seen: View, each: Watched) -> list[Refusal]:
    """Return what was refused of a sensor's messages lately."""
    if not each.bindings:
        return leftovers.refusals_of(seen.connection, [each.topic], REFUSED)
    bound, key = routes(seen.site), each.sensor.key
    of_topic = {
        topic: heard
        for topic in leftovers.refused_topics(seen.connection)
        if (heard := [route for route in bound.of(topic) if route.sensor.key == key])
    }
    found = leftovers.refusals_of(seen.connection, of_topic, KEPT_A_TOPIC * len(of_topic))
    own = [each for each in found if any(route.holds(each.at) for route in of_topic[each.topic])]
    return own[:REFUSED]
