"""What the facts of a ticket stand on: episodes, coverage, sensors, rules; in annexes values and hashes.

Rule: single readings are in the packet's CSV; here stands what they come to by the hour, or by the day.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import fsum
from zoneinfo import ZoneInfo

from safetyd.evidence.case import Calibration, Case, Point, Sensor
from safetyd.evidence.pdf_facts import coverage
from safetyd.evidence.pdf_words import Moment, event, lasted, length, number, quantity, share, size, unit
from safetyd.paper.blocks import Block, Facts, Heading, PageBreak, Row, Table, Text, Tone

_BY_HOUR_AT_MOST = timedelta(days=14)


def known(case: Case, moment: Moment) -> list[Block]:
    """Return the episodes, and how much of the time is known."""
    blocks: list[Block] = [Heading("Episodes and coverage")]
    if case.ticket.episodes:
        rows = tuple(
            (
                moment(each.began_at),
                moment(each.ended_at) or "goes on",
                lasted(each.began_at, each.ended_at or case.as_of),
                "–" if each.worst is None else f"{each.worst:.1f}",
                share(each.coverage, 1),
            )
            for each in case.ticket.episodes
        )
        heads = ("Began", "Ended", "Lasted", "Worst, °F", "Seen")
        blocks.append(Table(heads, rows, (3, 3, 1.6, 1.2, 1), frozenset({2, 3, 4})))
    else:
        blocks.append(Text("No episode was measured."))
    span = f"from {moment(case.span.begin)} to {moment(case.span.end)}"
    blocks.append(
        Text(f"Of the time {span}: {coverage(case)}. {case.readings:,} values of it are in the packet.")
    )
    return blocks


def sensors(case: Case, moment: Moment) -> list[Block]:
    """Return the sensors of the place, what they said, and how they are corrected."""
    heading = Heading("Sensors and calibration")
    if not case.sensors:
        return [heading, Text("No sensor belongs to this place.")]
    rows = tuple(_sensor(each, moment) for each in case.sensors)
    heads = ("Sensor", "Topic and format", "Values", "Rejected", "Error band", "Calibration")
    return [heading, Table(heads, rows, (1.4, 3, 0.9, 1, 1.2, 2.5), frozenset({2, 3}))]


def rules(case: Case) -> list[Block]:
    """Return every number of the rules that judged the ticket."""
    found = case.rules
    since = f"from {found.effective}" if found.effective else "from the beginning"
    blocks: list[Block] = [Heading("Rules in force"), Text(f"Version {found.hash}, in force {since}.")]
    if not found.numbers:
        return [*blocks, Text("Its numbers are not on record.")]
    rows = tuple((key, number(key, value)) for key, value in found.numbers)
    return [*blocks, Table(("Key in the site file", "Value"), rows, (2, 3))]


def annexes(case: Case, zone: ZoneInfo, moment: Moment) -> list[Block]:
    """Return what is looked up and not read: values by the hour, hashes of the history, files."""
    return [PageBreak(), *_values(case, zone), *_hashes(case, moment), *_files(case), *_about(case, moment)]


def _sensor(sensor: Sensor, moment: Moment) -> Row:
    every = f", every {length(sensor.interval_s)}" if sensor.interval_s else ""
    said = (
        f"\n{moment(sensor.first_at)} to {moment(sensor.last_at)}" if sensor.first_at else "\nnothing heard"
    )
    return (
        sensor.id,
        f"{sensor.topic}\n{sensor.format}{every}{said}",
        f"{sensor.readings:,}",
        f"{sensor.rejected:,}",
        "\n".join(_band(sensor)) or "not stated",
        "\n".join(_calibration(each, moment) for each in sensor.calibrations) or "none on record",
    )


def _band(sensor: Sensor) -> Iterator[str]:
    if sensor.error_band_f is not None:
        yield f"± {sensor.error_band_f:g} °F"
    if sensor.error_band_humidity is not None:
        yield f"± {sensor.error_band_humidity:g} % humidity"


def _calibration(calibration: Calibration, moment: Moment) -> str:
    since = f"since {moment(calibration.since)}" if calibration.since else "from the beginning"
    added = [f"{calibration.temperature_f:+g} °F"] if calibration.temperature_f else []
    added += [f"{calibration.humidity:+g} % humidity"] if calibration.humidity else []
    return f"{', '.join(added) or 'nothing'} added {since}"


def _values(case: Case, zone: ZoneInfo) -> list[Block]:
    found = [each for each in case.series if each.points]
    if not found:
        return [Heading("Annex: values"), Text("No value of this place is on record for this time.")]
    is_by_hour = case.span.end - case.span.begin <= _BY_HOUR_AT_MOST
    folded = [_folded(each.points, zone, is_by_hour) for each in found]
    names = tuple(f"{quantity(each.quantity).capitalize()}, {unit(each.unit)}" for each in found)
    every = "hour" if is_by_hour else "day"
    rows = tuple(_rows(folded, zone, is_by_hour))
    return [
        Heading(f"Annex: values by the {every}"),
        Text(
            f"Lowest to highest value that counted, mean, of how many; by when each {every} begins.",
            Tone.SMALL,
        ),
        Table((every.capitalize(), *names), rows, (1.0,) * (1 + len(names))),
    ]


def _rows(folded: Sequence[dict[datetime, Point]], zone: ZoneInfo, by_hour: bool) -> Iterator[Row]:
    """Return a row for each hour or day of which something is known, and one for each time between."""
    longest = timedelta(hours=1) if by_hour else timedelta(hours=25)  # the day the clocks go back
    spans = sorted({begin for each in folded for begin in each})
    for n, begin in enumerate(spans):
        if n and begin - spans[n - 1] > longest:
            since = spans[n - 1] + longest  # an hour into a day is that day
            yield (_begin(since.astimezone(zone), by_hour), *["no value till the next row"] * len(folded))
        yield (_begin(begin.astimezone(zone), by_hour), *(_folds(each.get(begin)) for each in folded))


def _folded(points: Sequence[Point], zone: ZoneInfo, by_hour: bool) -> dict[datetime, Point]:
    """Return the spans of a series as hours or days of the site, by when they begin, in UTC."""
    parts: dict[datetime, list[Point]] = {}
    for each in points:
        local = each.at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        begin = local if by_hour else local.replace(hour=0, fold=0)
        parts.setdefault(begin.astimezone(UTC), []).append(each)
    return {begin: _one(begin, each) for begin, each in parts.items()}


def _one(begin: datetime, parts: Sequence[Point]) -> Point:
    weights = [max(each.n, 1) for each in parts]
    mean = fsum(each.mean * weight for each, weight in zip(parts, weights, strict=True)) / sum(weights)
    low, high = min(each.low for each in parts), max(each.high for each in parts)
    return Point(begin, low, mean, high, sum(each.n for each in parts))


def _begin(local: datetime, by_hour: bool) -> str:
    day = f"{local:%a} {local.day} {local:%b %Y}"
    return f"{day}, {local:%H:%M %Z}" if by_hour else day


def _folds(point: Point | None) -> str:
    if point is None:
        return "–"
    return f"{point.low:.1f} to {point.high:.1f}, mean {point.mean:.1f} ({point.n:,})"


def _hashes(case: Case, moment: Moment) -> list[Block]:
    if not case.timeline:
        return []
    rows = tuple((moment(each.at), event(each.event), each.hash) for each in case.timeline)
    heading = Heading("Annex: history with its hashes")
    return [heading, Table(("When", "What", "Hash of the row in the chain"), rows, (2.4, 1.3, 6.3))]


def _files(case: Case) -> list[Block]:
    if not case.attachments:
        return []
    rows = tuple(
        (each.name if each.path else f"{each.name} (not in the packet)", size(each.size), each.sha256)
        for each in case.attachments
    )
    table = Table(("Name", "Size", "SHA-256"), rows, (2.4, 1.3, 6.3), frozenset({1}))
    return [Heading("Annex: files that people attached"), table]


def _about(case: Case, moment: Moment) -> list[Block]:
    head, segment, stamp = case.head, case.segment, case.stamp
    rows = [
        ("Ticket", case.ticket.id),
        ("Site", case.site),
        ("Building", f"{case.building_name} ({case.ticket.building})"),
        (
            "Room",
            f"{case.room_name or ''} ({case.ticket.room})" if case.ticket.room else "the whole building",
        ),
        ("As of", f"{moment(case.as_of)}: the newest moment on record"),
        ("Time zone", case.timezone),
        ("Head of the chain", f"row {head.number:,}, {head.hash}" if head else "there is no chain"),
        (
            "Stamped",
            f"row {stamp.number:,}, {moment(stamp.at)}, by {stamp.by}: {stamp.path}" if stamp else "never",
        ),
        ("Rows in the packet", f"{segment.first:,} to {segment.last:,}" if segment else "none"),
        ("Calendar", case.ticket.calendar or "none: every hour counts as a student day"),
        ("Names", "of educators who reported are withheld" if case.withheld else "none are withheld"),
        ("Made by", f"{case.made_by}, format {case.format} of the packet"),
    ]
    letters = (
        "A character that the font of this document has no shape for stands as its number, [U+738B]; "
        "in ticket.json it stands as it was written."
    )
    return [Heading("Annex: about this document"), Facts(tuple(rows)), Text(letters, Tone.SMALL)]
