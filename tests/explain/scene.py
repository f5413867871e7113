"""A story in a store, and what is explained of it; every clock in it is the story's own."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from safetyd.cli import main
from safetyd.core.model import Observation, Place
from safetyd.explain.asking import Ground, ground, of_place
from safetyd.explain.explanation import Explanation
from safetyd.explain.words import headline, sections
from safetyd.replay import Line, read_recording, replay
from safetyd.site import Site
from safetyd.store.database import Connection
from safetyd.times import rfc3339
from tests.core.stories import Deed, Event
from tests.stores import empty_store
from tests.story import Run, Story

DAY = "2026-10-06"  # a Tuesday, and past
_FIELDS = ("temperature_f", "temperature_c", "humidity", "mains", "voltage")


def lines_of(events: Iterable[Event], ids: Sequence[str]) -> list[Line]:
    """Return what happened as the lines of a recording; what people do they try with each of some tickets."""
    told: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, Deed):
            told += [_deed(event, id) for id in ids]
        else:
            told.append(_message(event))
    told.sort(key=lambda each: datetime.fromisoformat(each["at"]))
    return list(read_recording(map(json.dumps, told), "the story"))


def _message(spoke: Observation) -> dict[str, Any]:
    place = spoke.sensor.place
    where = f"readings/{place}" if place.room else f"power/{place.building}"
    said = {name: value for name in _FIELDS if (value := getattr(spoke, name)) is not None}
    if spoke.observed_at != spoke.received_at:
        said["ts"] = rfc3339(spoke.observed_at)
    return {
        "at": rfc3339(spoke.received_at),
        "topic": f"safetyd/{where}/{spoke.sensor.id}",
        "payload": json.dumps(said),
        "retain": spoke.retained,
    }


def _deed(deed: Deed, id: str) -> dict[str, Any]:
    said = {"at": rfc3339(deed.at), "do": deed.verb.value, "ticket": id, "by": "Ann", "note": deed.note}
    until = rfc3339(deed.at + timedelta(days=30))
    return said | {"tier": deed.tier.value, "until": until}


@contextmanager
def lived(lines: Sequence[Line], site: Site, until: datetime) -> Iterator[tuple[Connection, dict[str, Any]]]:
    """Yield the store of a story that was lived through up to a moment, and what replay tells of it."""
    store = empty_store()
    try:
        yield store, replay(lines, site, until=until, store=store)
    finally:
        store.close()


def on(store: Connection, site: Site, now: datetime) -> Ground:
    """Return what explanations of a store rest on."""
    return ground(store, site, "safetyd", now)


def text_of(found: Explanation) -> str:
    """Return every sentence of an explanation."""
    return "\n".join([headline(found), *(line for each in sections(found) for line in each.sentences)])


def explained(story: Story, folder: Path, what: str, until: str = f"{DAY} 18:00", *more: str) -> str:
    """Return what `safetyd explain` prints of a story; fail unless it succeeded."""
    run = explain(story, folder, what, until, *more)
    assert run.code == 0, run.err
    return run.out


def explain(story: Story, folder: Path, what: str, until: str = f"{DAY} 18:00", *more: str) -> Run:
    """Run `safetyd explain` on a story and return what it left behind."""
    config = story.keep(Path(mkdtemp(dir=folder)), until)
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["explain", what, "--config", str(config), *more])
    return Run(code, out.getvalue(), err.getvalue())


def at_place(store: Connection, site: Site, place: Place, at: datetime, now: datetime) -> Explanation:
    """Return how a place is explained at a moment."""
    return of_place(on(store, site, now), place, at)
