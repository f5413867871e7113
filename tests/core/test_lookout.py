"""The laws, held against silences nobody thought of: two schools, a link each, and whatever they say or not.

How often the watch is woken never changes what it decides, and whom it hears is well.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.district import District, site
from tests.examples import examples

BUILDINGS = ("maple", "cedar")
laws = settings(derandomize=True, max_examples=examples(40), database=None)
Do = Callable[[District, str], None]
WORDS: dict[str, Do] = {
    "on": lambda watch, where: watch.mains("on", where),
    "out": lambda watch, where: watch.mains("out", where, since=watch.now),
    "suspected": lambda watch, where: watch.mains("suspected", where, since=watch.now),
    "unknown": lambda watch, where: watch.mains("unknown", where),
    "online": lambda watch, where: watch.status("online", where),
    "offline": lambda watch, where: watch.status("offline", where),
    "stopped": lambda watch, where: watch.life("stopped", where),
    "last words": lambda watch, where: watch.life("last_words", where),
    "running": lambda watch, where: watch.life("running", where),
    "link up": lambda watch, where: watch.link(1, where),
    "link down": lambda watch, where: watch.link(0, where),
    "own": lambda watch, where: watch.own_ticket(watch.now, id=f"{where}-2026-0001"),
    "own closed": lambda watch, where: watch.says(f"safetyd/tickets/{where}/{where}-2026-0001", b""),
    "remembered": lambda watch, where: watch.mains("on", where, retain=True),
}
Event = tuple[int, str, str]
gaps = st.sampled_from([1, 30, 60, 100, 190, 200, 600, 3600, 7200, 7201])
events = st.lists(st.tuples(gaps, st.sampled_from(sorted(WORDS)), st.sampled_from(BUILDINGS)), max_size=25)


def lived(story: Sequence[Event], step: timedelta | None = None) -> District:
    watch = District(site(*BUILDINGS), step)
    for seconds, word, where in story:
        watch.passes(seconds=seconds)
        WORDS[word](watch, where)
    watch.passes(hours=3)
    return watch


def decided(watch: District) -> dict[str, Any]:
    """Return all that was decided, and all that was told of it and when."""
    return {
        "tickets": [{**each, "history": _without_hash(each["history"])} for each in watch.tickets()],
        "troubles": watch.troubles(),
        "seen": [watch.seen(each) for each in BUILDINGS],
        "told": [(each["reason"], each["title"], each["at"]) for each in watch.notices()],
    }


def _without_hash(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "hash"} for row in history]


@laws
@given(events, st.integers(13, 900))
def test_how_often_we_wake_never_changes_an_outcome(story: list[Event], seconds: int) -> None:
    assert decided(lived(story, timedelta(seconds=seconds))) == decided(lived(story))


@laws
@given(events)
def test_one_ticket_with_duties_a_building_and_none_within_two_hours(story: list[Event]) -> None:
    watch = lived(story)
    tickets = watch.tickets()
    for building in BUILDINGS:
        of = [each for each in tickets if each["building"] == building]
        assert sum(each["status"] not in ("joined", "closed") for each in of) <= 1
        assert all(each["id"].startswith(f"{building}-watch-2026-") for each in of)
    for each in watch.service.world.episodes.values():
        assert watch.service.world.now - each.began_at > timedelta(hours=2)


@laws
@given(events)
def test_what_is_silent_is_told_within_200_s_and_who_speaks_is_well(story: list[Event]) -> None:
    watch = District(site(*BUILDINGS))
    for seconds, word, where in story:
        watch.passes(seconds=seconds)
        WORDS[word](watch, where)
        for building in BUILDINGS:
            known = watch.service.world.afar.get(building)
            if known is None or known.heard_at is None:
                continue
            silent_for = watch.now - known.heard_at
            if silent_for < timedelta(seconds=190):
                assert watch.state(building) == "well"
            elif silent_for > timedelta(seconds=200) and watch.state(building) == "well":
                began = [each for each in watch.troubles("gap")]
                assert began  # it has the time to speak since we hear again
