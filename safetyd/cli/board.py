"""The board: how the demo stands, drawn for a terminal.

Rule: pure; the same snapshot and size give the same picture. Colour repeats what a word and a sign say
already, and what is unknown has a sign and a word of its own.
"""

import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from safetyd.cli.snapshot import (
    COLUMN,
    COLUMNS,
    MainsSeen,
    NoticeSeen,
    RoomSeen,
    Snapshot,
    TicketSeen,
    mains_word,
)
from safetyd.core.model import Verdict

SIGNS = {
    Verdict.OK: ("✓ ok", "green"),
    Verdict.BREACH: ("✗ BREACH", "bold #ffffff on #b3261e"),
    Verdict.UNKNOWN: ("? unknown", "bold magenta"),
}
NEAR = ("▲ ok, close", "yellow")
HEAD = "bold cyan"
RED = "bold #ff7b72"
_BARS = "▁▂▃▄▅▆▇"  # not the full block: rows would run into each other
_NO_BAR = "·"
_LEAST_SPREAD_F = 10.0  # a sensor's noise must not look like weather
_METER = 16
_WIDE = 106  # columns; below it the rooms' history and the meters are left out
_AROUND = 14  # rows of frames, headings and footer around the lists


def board(snapshot: Snapshot, width: int, height: int) -> RenderableType:
    """Return the picture of a snapshot for a terminal of this many columns and rows."""
    left = max(2, height - _AROUND - len(snapshot.rooms))
    tickets = min(len(snapshot.tickets), max(1, left // 2))
    parts: list[RenderableType] = [
        _header(snapshot),
        _mains(snapshot.mains, snapshot.at, snapshot.show.building),
        *_district(snapshot),
        _rooms(snapshot, with_history=width >= _WIDE),
        *_tickets(snapshot, tickets, with_meter=width >= _WIDE),
        *_notices(snapshot, max(1, left - tickets)),
        _footer(snapshot),
    ]
    return Group(*parts)


def picture(snapshot: Snapshot, width: int = 110, height: int = 38) -> str:
    """Return the board as an SVG document that asks nothing of any other host."""
    console = Console(
        record=True, width=width, force_terminal=True, color_system="truecolor", file=io.StringIO()
    )
    console.print(board(snapshot, width, height))
    template = re.sub(r"@font-face \{\{.*?\}\}\s*|<!--.*?-->\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    template = template.replace("Fira Code,", "'Fira Code', 'DejaVu Sans Mono', Menlo, Consolas,")
    return console.export_svg(title="safetyd demo", code_format=template, unique_id="board")


def closing(snapshot: Snapshot) -> Iterator[str]:
    """Yield what came of it all, in lines."""
    zone = snapshot.show.timezone
    yield f"It is {snapshot.at.astimezone(zone):%A %d %B %Y %H:%M} at {snapshot.show.building}."
    if snapshot.district:
        yield f"Seen from the district: {snapshot.district}"
    yield f"Tickets: {len(snapshot.tickets) or 'none'}"
    for ticket in snapshot.tickets:
        began = f"since {ticket.began_at.astimezone(zone):%a %d %b %H:%M}"
        left = _owed(ticket, snapshot.at)[1].plain
        yield f"  {ticket.id}  {ticket.clause}, {ticket.where}: {ticket.what}"
        yield f"      {began}; {ticket.status}, {left}"
    sent = sum(len(notice.to) for notice in snapshot.notices)
    yield f"Notices: {len(snapshot.notices) or 'none'}" + (f", handed to {sent} addresses" if sent else "")
    yield f"Readings stored: {snapshot.readings:,}"


def lasting(span: timedelta) -> str:
    """Return how long something lasts, in words: days and hours, hours and minutes, or minutes."""
    minutes = max(0, int(span.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60:02} min" if hours else f"{minutes % 60} min"


def meter(share: float, width: int = _METER) -> str:
    """Return a bar that is filled by this share, 0 to 1."""
    filled = round(min(1.0, max(0.0, share)) * width)
    return "━" * filled + "┄" * (width - filled)


def bars(temps_f: Iterable[float | None], low_f: float, high_f: float) -> str:
    """Return a room's history as a line of bars between two temperatures, a dot where nothing was known."""
    top = len(_BARS) - 1
    return "".join(
        _NO_BAR if each is None else _BARS[min(top, max(0, round((each - low_f) / (high_f - low_f) * top)))]
        for each in temps_f
    )


def _header(snapshot: Snapshot) -> Panel:
    show = snapshot.show
    local = snapshot.at.astimezone(show.timezone)
    return Panel(
        Text(show.story),
        title=Text.assemble((f" safetyd demo: {show.scenario} ", HEAD)),
        title_align="left",
        subtitle=Text.assemble(
            (f" {local:%A %d %B %Y}  ", ""),
            (f"{local:%H:%M}", "bold"),
            (f" {local:%Z}  ·  {show.speed:g} times as fast as the world ", ""),
        ),
        subtitle_align="right",
        border_style="cyan",
    )


def _mains(mains: MainsSeen, at: datetime, building: str) -> Text:
    text = Text.assemble((f" {building}", "bold"), "   mains ", no_wrap=True, overflow="ellipsis")
    if mains.out_since is None:
        sign, style = SIGNS[mains.verdict]
        text.append("✓ on" if mains.verdict is Verdict.OK else sign, style)
    elif mains.is_returning:
        text.append(f"▲ {mains_word(mains)}", "yellow")
    elif mains.verdict is Verdict.BREACH or mains.breach_at is None:
        text.append(f"✗ {mains_word(mains)}", SIGNS[Verdict.BREACH][1])
        text.append(f"  for {lasting(at - mains.out_since)}")
    else:
        text.append(f"✗ {mains_word(mains)} for {lasting(at - mains.out_since)}", SIGNS[Verdict.BREACH][1])
        share = (at - mains.out_since) / (mains.breach_at - mains.out_since)
        text.append(f"  {meter(share)} a breach in {lasting(mains.breach_at - at)}", "yellow")
    said = ", ".join(f"{who} says {_word(is_on)}" for who, is_on in mains.witnesses.items())
    return text.append(f"   {said or 'no witness has spoken yet'}", "dim")


def _district(snapshot: Snapshot) -> Iterator[Text]:
    if snapshot.district:
        dark = "   (the gateway is dark: this is what it last knew)" if snapshot.is_dark else ""
        style = "" if snapshot.district.startswith("well") else RED
        yield Text.assemble(
            (" seen from the district   ", "bold"),
            (snapshot.district, style),
            (dark, "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )


def _word(is_on: bool | None) -> str:
    return "nothing" if is_on is None else "on" if is_on else "OFF"


def _rooms(snapshot: Snapshot, *, with_history: bool) -> Table:
    rooms = snapshot.rooms
    known = [temp for room in rooms for temp in room.temps_f if temp is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    spare = max(0.0, _LEAST_SPREAD_F - (high - low)) / 2
    low, high = low - spare, high + spare
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=True, padding=(0, 1), header_style=HEAD)
    table.add_column("room", ratio=1, no_wrap=True)
    table.add_column("temp.", justify="right", no_wrap=True)
    table.add_column("humidity", justify="right", no_wrap=True)
    table.add_column("heat index", justify="right", no_wrap=True)
    if with_history:
        hours = COLUMN * COLUMNS // timedelta(hours=1)
        table.add_column(f"last {hours} hours", width=COLUMNS, no_wrap=True)
    table.add_column("cold", width=11, no_wrap=True)
    table.add_column("heat", width=11, no_wrap=True)
    for room in rooms:
        history = [Text(bars(room.temps_f, low, high), "blue")] if with_history else []
        table.add_row(Text(room.name), *_values(room), *history, *_verdicts(room))
    return table


def _values(room: RoomSeen) -> tuple[str, str, str]:
    def shown(value: float | None, form: str) -> str:
        return "–" if value is None else form.format(value)

    return (
        shown(room.temperature_f, "{:.1f} °F"),
        shown(room.humidity, "{:.0f} %"),
        shown(room.heat_index_f, "{:.1f} °F"),
    )


def _verdicts(room: RoomSeen) -> tuple[Text, Text]:
    heat = NEAR if room.heat is Verdict.OK and room.is_near else SIGNS[room.heat]
    return Text(*SIGNS[room.cold]), Text(*heat)


def _tickets(snapshot: Snapshot, at_most: int, *, with_meter: bool) -> Iterable[RenderableType]:
    tickets = snapshot.tickets
    hidden = len(tickets) - at_most
    count = f"{len(tickets)}" + (f", the newest {at_most} shown" if hidden > 0 else "")
    yield Text.assemble((" Tickets ", HEAD), (count if tickets else "none", "dim"))
    if not tickets:
        return
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, width=17)
    table.add_column(no_wrap=True, ratio=1)
    for _ in range(3 if with_meter else 2):
        table.add_column(no_wrap=True)
    for ticket in tickets[-at_most:]:
        style = RED if ticket.verdict is Verdict.BREACH else "yellow"
        bar, left = _owed(ticket, snapshot.at)
        words = f"{ticket.where}: {ticket.what}"
        owed = [Text(bar, style), left] if with_meter else [left]
        table.add_row(Text(ticket.id), Text(words, overflow="ellipsis"), Text(ticket.status, style), *owed)
    yield Padding(table, (0, 1))


def _owed(ticket: TicketSeen, at: datetime) -> tuple[str, Text]:
    if ticket.due_at is None:
        return "", Text("nothing is due")
    if at > ticket.due_at:
        return meter(1.0), Text(f"{ticket.tier} MISSED {lasting(at - ticket.due_at)} ago", RED)
    share = (at - ticket.began_at) / (ticket.due_at - ticket.began_at)
    return meter(share), Text(f"{ticket.tier} due in {lasting(ticket.due_at - at)}")


def _notices(snapshot: Snapshot, at_most: int) -> Iterable[RenderableType]:
    sent = sum(len(notice.to) for notice in snapshot.notices)
    told = f"{len(snapshot.notices)}, handed to {sent} addresses" if sent else "none"
    yield Text.assemble(("\n Notices ", HEAD), (told, "dim"))
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, width=5)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, ratio=1)
    for notice in reversed(snapshot.notices[-at_most:]):
        table.add_row(*_notice(notice, snapshot))
    if snapshot.notices:
        yield Padding(table, (0, 1))


def _notice(notice: NoticeSeen, snapshot: Snapshot) -> tuple[str, Text, Text]:
    show = snapshot.show
    title = notice.title.removeprefix(f"{show.building}, ").removeprefix(f"{show.building}: ")
    duties = ", ".join(name.rpartition(", ")[2] for name in notice.to)
    at = f"{notice.at.astimezone(show.timezone):%H:%M}"
    return at, Text(title, overflow="ellipsis"), Text(f"to {duties}", "dim", overflow="ellipsis")


def _footer(snapshot: Snapshot) -> Text:
    show = snapshot.show
    words = f"{snapshot.readings:,} readings stored  ·  broker: {show.broker}  ·  Ctrl-C ends the demo"
    pages = f" Look at it in a browser: {show.pages}\n" if show.pages else "\n"
    return Text.assemble(pages, (f" {words}", "dim"), no_wrap=True, overflow="fold")
