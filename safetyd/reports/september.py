"""What a safety committee gives the administrator and facilities before the end of September (9.9.2.1).

Rule: rooms stand in order of their hours in breach, then of what came back, of missed deadlines, of open
hazards; a room of which little was seen stands there with its coverage, not without it.
"""

from datetime import datetime, timedelta

from safetyd.core.model import CLAUSE, Condition, Place
from safetyd.core.tally import Account
from safetyd.core.ticket import Deadline, Due
from safetyd.reports.report import Bars, Cell, Column, Form, Report, Table, hours_in_breach, report, share
from safetyd.reports.season import Case, Season

_HOUR = timedelta(hours=1)
_MISSED = (Due.MISSED, Due.MET_LATE)


def september(season: Season) -> Report:
    """Return the list."""
    notes = (
        "Due before the end of September (9.9.2.1).",
        "Hours in breach run from the contract's limit until the value is back at the end value, as History"
        " shows them; cold and heat at once count once.",
        "A missed deadline is one that fell due in the range without its relief on record by then.",
    )
    tables = (_rooms(season), _electricity(season), _missed(season), _hazards(season))
    return report("september", "Recommendations to the administrator and facilities", season, tables, notes)


def missed_of(case: Case, season: Season) -> list[Deadline]:
    """Return the deadlines of a ticket that fell due in the range and were missed."""
    return [each for each in case.ticket.deadlines if each.state in _MISSED and season.holds(each.due_at)]


def recurrences(case: Case, season: Season) -> int:
    """Return how often a ticket's breach came back in the range."""
    return sum(season.holds(at) for at in case.recurred_at)


def is_open_hazard(case: Case, season: Season) -> bool:
    """Return whether a ticket is of a hazard that came up by the end of the range and nobody has closed."""
    is_hazard = case.ticket.condition is Condition.HAZARD
    return is_hazard and case.is_open and case.ticket.opened_at < season.end


def _rooms(season: Season) -> Table:
    rows = sorted((_room(season, each) for each in season.rooms), key=_rank)
    columns = (
        Column("rank", "Rank", Form.COUNT),
        Column("building", "Building"),
        Column("room", "Room"),
        Column("name", "Name"),
        Column("breach_h", "Hours in breach", Form.HOURS),
        Column("breach_student_h", "of them in the student day", Form.HOURS),
        Column("cold_h", "Too cold, h", Form.HOURS),
        Column("heat_h", "Too hot, h", Form.HOURS),
        Column("tickets", "Tickets", Form.COUNT),
        Column("recurrences", "Came back", Form.COUNT),
        Column("missed", "Deadlines missed", Form.COUNT),
        Column("open_hazards", "Open hazards", Form.COUNT),
        Column("seen_cold", "Seen for cold", Form.SHARE),
        Column("seen_heat", "Seen for heat", Form.SHARE),
    )
    ranked = tuple((rank, *row) for rank, row in enumerate(rows, 1))
    bars = Bars("Hours in breach by room", ("building", "name"), "breach_h", "h")
    return Table("rooms", "Rooms by hours in breach", columns, ranked, "There are no rooms.", (bars,))


def _room(season: Season, place: Place) -> tuple[Cell, ...]:
    cases = season.of(place)
    cold, heat = (season.time(place, each) for each in (Account.COLD, Account.HEAT))
    return (
        place.building,
        place.room,
        season.room_name(place),
        hours_in_breach(season.time(place, Account.ROOM)),
        hours_in_breach(season.time(place, Account.ROOM, in_class=True)),
        hours_in_breach(cold),
        hours_in_breach(heat),
        sum(season.holds(each.ticket.opened_at) for each in cases),
        sum(recurrences(each, season) for each in cases),
        sum(len(missed_of(each, season)) for each in cases),
        sum(is_open_hazard(each, season) for each in cases),
        share(cold),
        share(heat),
    )


def _rank(row: tuple[Cell, ...]) -> tuple[object, ...]:
    building, room, _, breach, in_class, _, _, tickets, came_back, missed, hazards, *_ = row
    numbers = (breach, in_class, came_back, missed, hazards, tickets)
    return *(-each if isinstance(each, int | float) else 0 for each in numbers), building, room


def _electricity(season: Season) -> Table:
    columns = (
        Column("building", "Building"),
        Column("name", "Name"),
        Column("outage_h", "Hours without electricity", Form.HOURS),
        Column("tickets", "Tickets (9.14.5)", Form.COUNT),
        Column("recurrences", "Came back", Form.COUNT),
        Column("missed", "Deadlines missed", Form.COUNT),
        Column("seen", "Seen", Form.SHARE),
    )
    rows = []
    for building in season.buildings:
        place = Place(building.id, None)
        cases = [each for each in season.of(place) if each.ticket.condition is Condition.OUTAGE]
        time = season.time(place, Account.OUTAGE)
        rows.append(
            (
                building.id,
                building.name,
                hours_in_breach(time),
                sum(season.holds(each.ticket.opened_at) for each in cases),
                sum(recurrences(each, season) for each in cases),
                sum(len(missed_of(each, season)) for each in cases),
                share(time),
            )
        )
    return Table(
        "electricity", "Electricity of the buildings", columns, tuple(rows), "There are no buildings."
    )


def _missed(season: Season) -> Table:
    columns = (
        Column("ticket", "Ticket"),
        Column("building", "Building"),
        Column("room", "Room"),
        Column("what", "What"),
        Column("clause", "Clause"),
        Column("tier", "Relief", Form.WORD),
        Column("due_at", "Was due", Form.MOMENT),
        Column("extended_to", "Extended to", Form.MOMENT),
        Column("met_at", "On record since", Form.MOMENT),
        Column("late_h", "Hours late", Form.HOURS),
    )
    rows = []
    for case in season.cases:
        ticket = case.ticket
        for each in missed_of(case, season):
            rows.append(
                (
                    ticket.id,
                    ticket.place.building,
                    season.room_name(ticket.place),
                    what(case),
                    CLAUSE[ticket.condition],
                    each.tier.value,
                    each.due_at,
                    each.extended_to,
                    each.met_at,
                    _late_h(each, season.end),
                )
            )
    rows.sort(key=lambda row: (str(row[6]), str(row[0])))
    return Table("missed", "Deadlines missed", columns, tuple(rows), "No deadline was missed.")


def _late_h(deadline: Deadline, end: datetime) -> float | None:
    until = deadline.met_at or end
    return None if deadline.due_at is None else round(max(until - deadline.due_at, timedelta(0)) / _HOUR, 4)


def _hazards(season: Season) -> Table:
    columns = (
        Column("ticket", "Ticket"),
        Column("building", "Building"),
        Column("room", "Room"),
        Column("hazard", "Hazard"),
        Column("status", "Status"),
        Column("opened_at", "Open since", Form.MOMENT),
        Column("days", "Days", Form.COUNT),
        Column("missed", "Deadlines missed", Form.COUNT),
    )
    rows = []
    for case in season.cases:
        ticket = case.ticket
        if is_open_hazard(case, season):
            rows.append(
                (
                    ticket.id,
                    ticket.place.building,
                    season.room_name(ticket.place),
                    what(case),
                    ticket.status.value,
                    ticket.opened_at,
                    (season.end - ticket.opened_at).days,
                    sum(each.state in _MISSED for each in ticket.deadlines),
                )
            )
    rows.sort(key=lambda row: (str(row[5]), str(row[0])))
    return Table("hazards", "Hazards that nobody has closed", columns, tuple(rows), "No hazard is open.")


def what(case: Case) -> str:
    """Return what a ticket is about, in a word."""
    ticket = case.ticket
    return (ticket.hazard.value if ticket.hazard else ticket.condition.value).replace("_", " ")
