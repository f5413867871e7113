"""Cases to draw: a hot workshop with all that may be known, and others of which little is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import sin

from safetyd.evidence.case import (
    Attempt,
    Calibration,
    Case,
    Coverage,
    Deadline,
    Delivery,
    Duty,
    Episode,
    File,
    Head,
    Limit,
    Line,
    Notice,
    Point,
    Proof,
    Rules,
    Segment,
    Sensor,
    Series,
    Span,
    Stamp,
    Ticket,
    Worst,
)

BEGAN = datetime(2027, 6, 8, 20, 5, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_HEX = "9c1d7a40be5f2d3386e1a0c4f7b2d9580a6e4c13f8257bd09e61c2a43d5f7081"


def _hash(n: int) -> str:
    return f"sha256:{n:02x}{_HEX[2:]}"


def _points(base: float, swing: float) -> tuple[Point, ...]:
    begin = BEGAN - 4 * _HOUR
    found = []
    for n in range(62 * 4):
        at = begin + n * timedelta(minutes=15)
        if timedelta(hours=30) < at - begin < timedelta(hours=34):
            continue
        mean = base + swing * sin((n - 2) / 96 * 6.283)
        found.append(Point(at, mean - 0.6, mean, mean + 0.7, 15))
    return tuple(found)


def hot_workshop() -> Case:
    """Return a closed ticket: two episodes, relief in time, a file, a dispute, a notice that bounced."""
    line_1 = BEGAN + timedelta(minutes=6)
    relief = BEGAN + 3 * _HOUR
    closed = BEGAN + 50 * _HOUR
    return Case(
        format=1,
        made_by="safetyd 0.1.0",
        site="Alder Valley Schools",
        timezone="America/Los_Angeles",
        as_of=BEGAN + 58 * _HOUR,
        head=Head(48211, BEGAN + 57 * _HOUR, _hash(255)),
        stamp=Stamp(48102, _hash(254), BEGAN + 41 * _HOUR, "CN=Example Stamps", "stamp.tsr"),
        segment=Segment(47100, 48211),
        withheld=True,
        building_name="Kestrel Hill Middle School",
        room_name="Łukasz Nguyễn wood workshop",
        ticket=Ticket(
            id="kestrel-hill-2027-0003",
            building="kestrel-hill",
            room="w2",
            condition="heat",
            hazard=None,
            clause="9.14.3",
            rules=_hash(17),
            calendar=_hash(18),
            status="closed",
            verdict="ok",
            student_day=True,
            began_at=BEGAN,
            opened_at=BEGAN,
            worst=Worst(91.4, "degF", BEGAN + 2 * _HOUR),
            episodes=(
                Episode(BEGAN, BEGAN + 7 * _HOUR, 91.4, 1.0),
                Episode(BEGAN + 23 * _HOUR, BEGAN + 31 * _HOUR, 90.2, 0.62),
            ),
            deadlines=(
                Deadline("mitigation", BEGAN + 24 * _HOUR, "met", relief, "Dolores Ibarra"),
                Deadline("immediate", BEGAN + timedelta(days=14), "met", relief, "Dolores Ibarra"),
                Deadline("midterm", datetime(2027, 6, 11, 23, 30, tzinfo=UTC), "missed"),
                Deadline("long_term", None, "unset"),
            ),
            disputed=True,
            follows=None,
            duties=(
                Duty(
                    "9.14.3.A",
                    "written notice by the educator",
                    "on_record",
                    None,
                    (Proof(line_1, "an educator", "Glue does not set and children feel sick."),),
                ),
                Duty(
                    "9.14.3.B",
                    "relief (9.9.4)",
                    "on_record",
                    BEGAN + 24 * _HOUR,
                    (Proof(relief, "Dolores Ibarra", "fans or heaters; two fans from the store"),),
                ),
                Duty("9.14.3.C", "alternative space in the student day", "not_on_record", None, ()),
                Duty(
                    "9.14.3.D",
                    "new work location outside the student day, in writing",
                    "not_applicable",
                    None,
                    (),
                ),
            ),
            not_on_record=("9.14.3.C",),
        ),
        timeline=(
            Line(BEGAN, "opened", "safetyd", "heat index 85.6 °F", _hash(1), {}),
            Line(line_1, "notice", "an educator", "Glue does not set and children feel sick.", _hash(2), {}),
            Line(BEGAN + _HOUR, "acknowledged", "Dolores Ibarra", "", _hash(3), {}),
            Line(
                relief,
                "relieved",
                "Dolores Ibarra",
                "two fans from the store",
                _hash(4),
                {"tier": "immediate", "kind": "fans_or_heaters"},
                (File("fans.jpg", 220114, _HEX, "files/fans.jpg"),),
            ),
            Line(BEGAN + 7 * _HOUR, "ended", "safetyd", "", _hash(5), {}),
            Line(BEGAN + 23 * _HOUR, "recurred", "safetyd", "heat index 85.2 °F", _hash(6), {}),
            Line(
                BEGAN + 25 * _HOUR, "disputed", "Ottmar Quist", "The fans were gone next day.", _hash(7), {}
            ),
            Line(BEGAN + 31 * _HOUR, "ended", "safetyd", "", _hash(8), {}),
            Line(closed, "closed", "Dolores Ibarra", "A vent was opened for good.", _hash(9), {}),
        ),
        rules=Rules(
            _hash(17),
            date(2026, 8, 1),
            (
                ("cold.below_f", "60.0"),
                ("heat.above_f", "85.0"),
                ("heat.end_f", "84.0"),
                ("heat.end_after", "1800.0"),
                ("outage.longer_than", "7200.0"),
                ("outage.warn_at", "3600.0, 5400.0"),
                ("quality.max_step_f_per_min", "5.0"),
            ),
        ),
        notices=(
            Notice(
                BEGAN + timedelta(seconds=2),
                "opened",
                ("administrator", "facilities"),
                (),
                "Wood workshop, Kestrel Hill: too hot, heat index 85.6 °F",
                "…",
                _hash(40),
                None,
                (
                    Delivery(
                        "Dolores Ibarra",
                        "mailto",
                        "accepted",
                        1,
                        "",
                        None,
                        (),
                        None,
                        BEGAN + timedelta(seconds=4),
                        (
                            Attempt(
                                BEGAN + timedelta(seconds=3),
                                BEGAN + timedelta(seconds=4),
                                "accepted",
                                "250 queued",
                            ),
                        ),
                    ),
                    Delivery(
                        "Ottmar Quist",
                        "sms",
                        "given_up",
                        3,
                        "no such number",
                        None,
                        (),
                        None,
                        BEGAN + 2 * _HOUR,
                        (
                            Attempt(
                                BEGAN + timedelta(seconds=3),
                                BEGAN + timedelta(seconds=9),
                                "refused",
                                "no such number",
                            ),
                        ),
                    ),
                ),
            ),
        ),
        sensors=(
            Sensor(
                "w2-north",
                "safetyd/readings/kestrel-hill/w2/north",
                "native",
                60.0,
                None,
                None,
                (Calibration(datetime(2026, 9, 2, 17, 0, tzinfo=UTC), -0.4, 1.5),),
                0.9,
                3.0,
                3480,
                2,
                BEGAN - 4 * _HOUR,
                BEGAN + 58 * _HOUR,
            ),
            Sensor(
                "w2-door",
                "zigbee2mqtt/Werkstatt Tür",
                "zigbee2mqtt",
                300.0,
                None,
                None,
                (),
                None,
                None,
                612,
                0,
                BEGAN - 4 * _HOUR,
                BEGAN + 58 * _HOUR,
            ),
        ),
        span=Span(BEGAN - 4 * _HOUR, BEGAN + 58 * _HOUR),
        student_days=(
            Span(datetime(2027, 6, 8, 16, 5, tzinfo=UTC), datetime(2027, 6, 8, 22, 15, tzinfo=UTC)),
            Span(datetime(2027, 6, 9, 15, 30, tzinfo=UTC), datetime(2027, 6, 9, 22, 15, tzinfo=UTC)),
            Span(datetime(2027, 6, 10, 15, 30, tzinfo=UTC), datetime(2027, 6, 10, 22, 15, tzinfo=UTC)),
        ),
        readings=4092,
        series=(
            Series("temperature", "degF", 900.0, _points(80.5, 7.5)),
            Series("heat_index", "degF", 900.0, _points(81.0, 9.5)),
            Series("humidity", "percent", 900.0, _points(42.0, -6.0)),
        ),
        limits=(
            Limit("heat_index", 85.0, "is the limit"),
            Limit("heat_index", 84.0, "ends a breach"),
            Limit("temperature", 60.0, "is the limit"),
        ),
        coverage=Coverage(154_800, 54_000, 14_400),
        attachments=(File("fans.jpg", 220114, _HEX, "files/fans.jpg"),),
    )


def leak_without_sensor() -> Case:
    """Return a hazard that a person reported where nothing is measured, of which nobody was told."""
    hot = hot_workshop()
    line = Line(BEGAN, "opened", "an educator", "Water drips on the saw.", _hash(1), {})
    ticket = replace(
        hot.ticket,
        id="kestrel-hill-2027-0004",
        condition="hazard",
        hazard="leaks",
        clause="9.14.4",
        status="open",
        verdict="breach",
        worst=None,
        episodes=(),
        deadlines=(Deadline("immediate", BEGAN + timedelta(days=14), "pending"),),
        disputed=False,
        duties=(Duty("9.14.4.A", "written notice by the educator", "not_on_record", None, ()),),
    )
    return replace(
        hot,
        ticket=ticket,
        timeline=(line,),
        head=None,
        segment=None,
        withheld=False,
        notices=(),
        sensors=(),
        student_days=(),
        readings=0,
        series=(),
        limits=(),
        coverage=Coverage(0, 0, 0),
        attachments=(),
        rules=replace(hot.rules, effective=None),
    )


def dark_school() -> Case:
    """Return an outage of a whole building that goes on."""
    hot = hot_workshop()
    ticket = replace(
        hot.ticket,
        id="kestrel-hill-2027-0005",
        room=None,
        condition="outage",
        clause="9.14.5",
        status="open",
        verdict="breach",
        opened_at=BEGAN + 2 * _HOUR,
        worst=None,
        episodes=(Episode(BEGAN, None, None, 1.0),),
        deadlines=(Deadline("immediate", BEGAN + timedelta(days=14), "pending"),),
        disputed=False,
        duties=(
            Duty(
                "9.14.5",
                "the district told immediately",
                "on_record",
                None,
                (Proof(BEGAN, "Dolores Ibarra", ""),),
            ),
            Duty("9.14.5", "the building closed until resolved", "not_on_record", None, ()),
        ),
    )
    return replace(hot, ticket=ticket, room_name=None, series=(), limits=(), notices=(), attachments=())
