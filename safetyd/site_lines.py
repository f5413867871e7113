"""Lines to paste into a site file or its spreadsheet, for what was heard and nobody has assigned yet.

Rule: what is not known stands there as `?`, with a remark that says in words what is missing; once that is
filled in, the lines are accepted. What a spreadsheet cannot say has no row.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

from safetyd.core.model import Quantity
from safetyd.ingest.guess import JSON, NO_UNIT, PLAIN, Guess, Lack
from safetyd.ingest.message import Sample
from safetyd.ingest.proposals import Proposal
from safetyd.ingest.values import measured
from safetyd.paths import WHOLE
from safetyd.profile import NATIVE, Profile, Scalar
from safetyd.site_topics import own_levels

OPEN = "?"
COLUMNS = ("building", "room", "measures", "system", "topic", "sensor", "unit", "expect_every", "notes")
SIGNS = {"degC": "°C", "degF": "°F", "%": "%", "V": "V", "W": "W", NO_UNIT: "(°C or °F: not said)"}
_OF_ROOM = (Quantity.TEMPERATURE, Quantity.HUMIDITY)
_OF_MAINS = (Quantity.MAINS, Quantity.VOLTAGE)
_COLUMN_WORDS = {Quantity.VOLTAGE: "mains-voltage"}
_DEGREES = {"°c": "C", "°f": "F"}
_WITHOUT_NAME = "(unnamed)"  # matches no channel, and so the one that has no name
_UNIT_OPEN = "C or F: the messages do not say"
_CHECK = "check it, declarations can be wrong"
_SHOWN, _LONGEST_TEXT = 200, 200
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet would calculate it


@dataclass(frozen=True, slots=True)
class Entry:
    """One sensor as the site file would name it. `says` is what it was heard to say, in words.

    `measures` and `unit` may be OPEN; `values` are paths by quantity. `declared` is who says what is not in
    the messages. `brings` is all that comes of it.
    """

    topic: str
    format: str
    says: str
    is_witness: bool = False
    is_in_room: bool = True
    brings: tuple[Quantity, ...] = ()
    measures: str = ""
    channel: str = ""
    unit: str = ""
    values: Mapping[Quantity, str] = field(default_factory=dict)
    only: tuple[tuple[str, Scalar], ...] = ()
    words: tuple[str, str] | None = None
    declared: str = ""


def entries(topic: str, guess: Guess, proposals: Sequence[Proposal] = ()) -> list[Entry]:
    """Return what the site file could say of a topic; nothing if nothing of use comes on it."""
    if guess.format == NATIVE or not topic.isprintable() or not all(_fits(str(v)) for _, v in guess.only):
        return []
    declared = [
        each for each in proposals if each.topic == topic and each.quantity and each.at and _fits(each.at)
    ]
    format = next((each.format for each in declared if each.format), guess.format)
    if guess.is_sure and guess.heard.samples:
        return _of_quantities(topic, guess, guess.heard.samples, declared)
    if declared and format not in ("", JSON, PLAIN) and Lack.MEASURES not in guess.lacks:
        said = [Sample(each.quantity, 0.0, NO_UNIT) for each in declared if each.quantity]
        return _of_quantities(topic, guess._replace(format=format, only=()), said, declared)
    if declared:
        return _of_declarations(topic, guess, declared)
    return _open(topic, guess) if guess.candidates else []


def toml(found: Iterable[Entry], profiles: Mapping[str, Profile], taken: Collection[str] = ()) -> str:
    """Return the entries as tables of a site file, with ids that are not among those taken."""
    ids = set(taken)
    tables = []
    for entry in found:
        id = _new_id(entry, profiles, ids)
        ids.add(id)
        tables.append("\n".join(_table(entry, id)) + "\n")
    return "\n".join(tables)


def csv_rows(found: Iterable[Entry], *, with_building: bool = False) -> str:
    """Return the entries as a spreadsheet with its heading; those that it can say."""
    columns = COLUMNS if with_building else COLUMNS[1:]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for entry in found:
        row = _row(entry)
        if row is not None:
            writer.writerow([row.get(column, "") for column in columns])
    return text.getvalue()


def sample_words(sample: Sample) -> str:
    """Return a reading in words: `temperature 21.5 °C (AM2301)`."""
    channel = f" ({sample.channel})" if sample.channel else ""
    if sample.unit == "bool":
        words = ("low", "good") if sample.quantity is Quantity.BATTERY else ("off", "on")
        return f"{sample.quantity} {words[bool(sample.value)]}{channel}"
    return f"{sample.quantity} {sample.value:.10g} {SIGNS[sample.unit]}{channel}"


def guess_words(guess: Guess) -> str:
    """Return what was read or is there to be read, in words; empty if that is nothing."""
    said = [sample_words(sample) for sample in guess.heard.samples]
    listed = [f"{each.path} {each.says}" if each.path != WHOLE else each.says for each in guess.candidates]
    if guess.heard.presence is not None:
        who = "bridge" if guess.heard.is_bridge else "device"
        said.append(f"{who} is {'here' if guess.heard.presence else 'gone'}")
    return ", ".join([*said, *([f"says {', '.join(listed)}"] if listed else [])])


def one_line(text: str, at_most: int = _SHOWN) -> str:
    """Return a text that stays on its line and moves no cursor, whoever sent it."""
    plain = "".join(each if each.isprintable() else "�" for each in text[: at_most + 1])
    return plain if len(plain) <= at_most else plain[:at_most] + "…"


def _of_quantities(
    topic: str, guess: Guess, samples: Sequence[Sample], declared: Sequence[Proposal]
) -> list[Entry]:
    """One entry for all, or one for each channel where several of a kind come."""
    channels: dict[Quantity, list[str]] = {}
    for sample in samples:
        of_kind = channels.setdefault(sample.quantity, [])
        if sample.channel not in of_kind:
            of_kind.append(sample.channel)
    judged = [quantity for quantity in channels if quantity in _OF_ROOM + _OF_MAINS]
    if all(len(of_kind) == 1 for of_kind in channels.values()):
        parts = {"": list(channels)}
    else:
        names = dict.fromkeys(name for quantity in judged for name in channels[quantity])
        parts = {
            name or _WITHOUT_NAME: [quantity for quantity in channels if name in channels[quantity]]
            for name in names
        }
    found = []
    for channel, kinds in parts.items():
        if not set(kinds) & set(judged) or not _fits(channel):
            continue
        is_open = Lack.UNIT in guess.lacks and Quantity.TEMPERATURE in kinds
        unit, who = _declared_unit(declared) if is_open else ("", "")
        found.append(
            Entry(
                topic,
                guess.format,
                guess_words(guess) or _declarations(declared),
                is_witness=any(quantity in _OF_MAINS for quantity in kinds),
                is_in_room=any(quantity in _OF_ROOM for quantity in kinds),
                brings=tuple(kinds),
                channel=channel,
                unit=unit,
                only=guess.only,
                declared=who,
            )
        )
    return found


def _of_declarations(topic: str, guess: Guess, declared: Sequence[Proposal]) -> list[Entry]:
    """Return entries whose paths somebody declares; the second of a kind is another sensor."""
    parts: list[dict[Quantity, Proposal]] = []
    for each in declared:
        assert each.quantity is not None
        free = next((part for part in parts if each.quantity not in part and each.at != WHOLE), None)
        if free is None:
            parts.append({each.quantity: each})
        else:
            free[each.quantity] = each
    found = []
    for part in parts:
        if not set(part) & {*_OF_ROOM, *_OF_MAINS}:
            continue
        is_plain = any(each.at == WHOLE for each in part.values())
        unit, who = _declared_unit(list(part.values())) if Quantity.TEMPERATURE in part else ("", "")
        known = guess.format if guess.format not in ("", JSON, PLAIN) else ""
        found.append(
            Entry(
                topic,
                known or (PLAIN if is_plain else JSON),
                guess_words(guess) or _declarations(declared),
                is_witness=any(quantity in _OF_MAINS for quantity in part),
                is_in_room=any(quantity in _OF_ROOM for quantity in part),
                brings=tuple(part),
                measures=next(iter(part)) if is_plain else "",
                unit=unit,
                values={} if is_plain else {quantity: each.at or "" for quantity, each in part.items()},
                words=next(
                    (each.words for each in part.values() if each.words and all(map(_fits, each.words))), None
                ),
                declared=who or f"declared by {next(iter(part.values())).source}; {_CHECK}",
            )
        )
    return found


def _open(topic: str, guess: Guess) -> list[Entry]:
    has_values, unit = Lack.VALUES in guess.lacks, OPEN if Lack.UNIT in guess.lacks else ""
    values = {Quantity.TEMPERATURE: OPEN, Quantity.HUMIDITY: OPEN} if has_values else {}
    measures = "" if has_values else OPEN
    written = {measured(each.says.strip('"'), Quantity.TEMPERATURE)[1] for each in guess.candidates}
    who = ""
    if unit and not has_values and written <= {"degC", "degF"} and len(written) == 1:
        unit, who = ("C" if "degC" in written else "F"), "as the messages say"
    says = guess_words(guess)
    return [Entry(topic, guess.format, says, measures=measures, unit=unit, values=values, declared=who)]


def _declared_unit(declared: Sequence[Proposal]) -> tuple[str, str]:
    """Return the one unit that is declared and who declares it, or that it is open."""
    said = {
        (unit, each.source)
        for each in declared
        if each.quantity is Quantity.TEMPERATURE and (unit := _DEGREES.get(each.unit.casefold()))
    }
    if len({unit for unit, _ in said}) != 1:
        return OPEN, ""
    unit, source = min(said)
    return unit, f"declared by {source} as °{unit}; {_CHECK}"


def _declarations(declared: Sequence[Proposal]) -> str:
    said = ", ".join(f"{each.quantity} in {each.unit or 'a unit not said'}" for each in declared)
    by = " and ".join(dict.fromkeys(each.source for each in declared))
    return f"not heard yet; {by} declares {said}"


def _fits(text: str) -> bool:
    return text.isprintable() and text == text.strip() and len(text) <= _LONGEST_TEXT


def _table(entry: Entry, id: str) -> Iterable[str]:
    yield f"# {one_line(entry.says)}"
    yield "[[buildings.sensors]]"
    yield f"id = {_quoted(id)}"
    yield f"topic = {_quoted(entry.topic)}"
    yield f"format = {_quoted(entry.format)}"
    if entry.is_in_room:
        is_open = entry.measures == OPEN or OPEN in entry.values.values()
        mend = "; for a witness of the mains instead: power = true" if is_open else ""
        yield f'room = "?"  # the id of its room{mend}'
    if entry.is_witness:
        yield "power = true  # a witness of the building's mains"
    if entry.measures == OPEN:
        yield f'measures = "?"  # which of {", ".join(Quantity)}'
    elif entry.measures:
        yield f"measures = {_quoted(entry.measures)}  # {entry.declared}"
    if entry.channel:
        yield f"channel = {_quoted(entry.channel)}"
    if entry.values:
        pairs = ", ".join(f"{quantity} = {_quoted(path)}" for quantity, path in entry.values.items())
        is_open = OPEN in entry.values.values()
        mend = "where each stands in the message; take away what it does not measure"
        yield f"values = {{ {pairs} }}  # {mend if is_open else entry.declared}"
    if entry.words:
        yield f"words = {{ on = [{_quoted(entry.words[0])}], off = [{_quoted(entry.words[1])}] }}"
    if entry.unit == OPEN:
        mend = "" if entry.brings else "; take it away if it is no temperature"
        yield f'unit = "?"  # {_UNIT_OPEN}{mend}'
    elif entry.unit:
        yield f"unit = {_quoted(entry.unit)}  # {entry.declared}"
    if entry.only:
        yield f"only = {{ {', '.join(f'{key} = {_scalar(value)}' for key, value in entry.only)} }}"


def _row(entry: Entry) -> dict[str, str] | None:
    """Return the cells of an entry; None for what a spreadsheet cannot say."""
    cells = {
        "building": OPEN,
        "room": OPEN if entry.is_in_room else "",
        "measures": "+".join(_COLUMN_WORDS.get(each, each) for each in entry.brings) or OPEN,
        "system": entry.format,
        "topic": entry.topic,
        "sensor": _sensor_cell(entry),
        "unit": entry.unit,
        "notes": "; ".join(filter(None, [one_line(entry.says), entry.declared, *_gaps(entry)])),
    }
    is_ambiguous = any(mark in entry.channel for mark in ".[=") or any(
        re.search(r"\+\s*[A-Za-z_-]+\s*=", path) for path in entry.values.values()
    )
    is_changed = entry.topic != entry.topic.strip() or "*" in entry.topic.split("/")
    is_formula = any(cells[name].startswith(_FORMULA) for name in ("topic", "sensor", "notes"))
    cannot_be_said = entry.only or entry.words or is_ambiguous or is_changed or is_formula
    return None if cannot_be_said else cells


def _sensor_cell(entry: Entry) -> str:
    if OPEN in entry.values.values():
        return OPEN
    if entry.values:
        return "+".join(f"{quantity}={path}" for quantity, path in entry.values.items())
    return entry.channel


def _gaps(entry: Entry) -> Iterable[str]:
    if OPEN in entry.values.values():
        yield "sensor: where the value stands in the message"
    if not entry.brings:
        yield "measures: what it is"
    if entry.unit == OPEN:
        yield f"unit: {_UNIT_OPEN}"


def _new_id(entry: Entry, profiles: Mapping[str, Profile], taken: Collection[str]) -> str:
    """Return an id made of what tells the topic from others and, if need be, of what it brings."""
    profile, levels = profiles.get(entry.format), entry.topic.split("/")
    is_known = profile is not None and entry.format not in (JSON, PLAIN)
    own = own_levels(profile, entry.topic) if is_known and profile is not None else levels[-2:]
    slugs = [word for level in own if (word := slug(level))]
    name = "-".join(slugs[-1:] if is_known else slugs) or "sensor"
    name = f"{name}-{slug(entry.channel)}".strip("-") if entry.channel else name
    wanted = [name[:50], *(f"{name[:50]}-{quantity}" for quantity in entry.brings[:1])]
    numbered = (f"{wanted[-1]}-{number}" for number in range(2, len(taken) + 3))
    return next(id for id in (*wanted, *numbered) if id not in taken)


def slug(text: str) -> str:
    """Return what of a text an id may be made of; it may be nothing."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _scalar(value: Scalar) -> str:
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return a text as TOML writes it on one line."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
