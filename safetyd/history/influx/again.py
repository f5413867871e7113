"""Sends once more what a copy refused: the server was mended, or another one stands there now.

Rule: nothing is made anew but the line, from the row that our own store has; what is refused again stays on
record.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from safetyd.core.model import Sensor
from safetyd.history.influx.counted import Counted
from safetyd.history.influx.door import Door
from safetyd.history.influx.lines import Line, ReadingLines, episode_line, ticket_line
from safetyd.history.influx.patience import Answer, Meaning, meaning
from safetyd.setting_outside import Influx
from safetyd.store import readings, replica
from safetyd.store.database import Connection
from safetyd.store.replica import Stream

_PIECE = 500
_RECALLED = 1000  # rows: what a sensor said last, and what of it waits to be borne out
_OF_A_LINE = (Meaning.UNREADABLE, Meaning.TOO_LARGE)


class SentAgain(NamedTuple):
    """What became of refused rows: those that are there now, how many still are not, and why we stopped."""

    rows: list[tuple[Stream, int]]
    refused: int
    fault: str = ""


Sensors = Callable[[Connection], Mapping[int, Sensor]]


class Rows:
    """The committed rows as lines; what is counted of readings goes on from the rows before."""

    def __init__(self, sensors: Sensors) -> None:
        self._sensors = sensors
        self._made = ReadingLines({})
        self._counted: Counted | None = None

    def forget(self) -> None:
        """Begin anew with what is known of sensors, and with what they last said."""
        self._made, self._counted = ReadingLines({}), None

    def after(self, connection: Connection, stream: Stream, after: int, limit: int) -> list[Line]:
        """Return the lines of the next rows of a stream after a number."""
        match stream:
            case Stream.EPISODE:
                return [episode_line(each) for each in replica.episode_changes(connection, after, limit)]
            case Stream.TICKET_EVENT:
                return [ticket_line(each) for each in replica.ticket_events(connection, after, limit)]
        if self._counted is None:
            self._counted = Counted(self._made)
            self._lines(connection, max(0, after - _RECALLED), min(after, _RECALLED))
        return self._lines(connection, after, limit)

    def _lines(self, connection: Connection, after: int, limit: int) -> list[Line]:
        found = replica.reading_rows(connection, after, limit)
        if any(each.sensor not in self._made.sensors for each in found):
            self._made.sensors = self._sensors(connection)
        counted = self._counted or Counted(self._made)
        return [line for each in found for line in counted.lines(each)]


def as_stored(connection: Connection) -> Mapping[int, Sensor]:
    """Return every sensor by its number, without what the site file says of it."""
    return {each.number: each.sensor for each in readings.sensors(connection)}


def send_again(settings: Influx, connection: Connection, sensors: Sensors = as_stored) -> SentAgain:
    """Send what a copy refused, and return what is there now; it ends where the server takes nothing."""
    door, rows = Door(settings), Rows(sensors)
    wanted = [(each.stream, each.row) for each in replica.uncopied(connection, settings.target)]
    stored: list[tuple[Stream, int]] = []
    refused = 0
    try:
        for first in range(0, len(wanted), _PIECE):
            todo = [wanted[first : first + _PIECE]]
            while todo:
                part = todo.pop()
                lines = [
                    line.text for stream, row in part for line in _lines_of(rows, connection, stream, row)
                ]
                answer = door.write(lines) if lines else Answer(204)
                match meaning(answer):
                    case Meaning.STORED | Meaning.TOO_OLD:
                        stored += part
                    case why if why in _OF_A_LINE and len(part) > 1:
                        middle = len(part) // 2
                        todo += [part[middle:], part[:middle]]
                    case why if why in _OF_A_LINE:
                        refused += 1
                    case _:
                        fault = f"{answer.status or 'no answer'}: {answer.words}"
                        return SentAgain(stored, refused, fault)
    finally:
        door.close()
    return SentAgain(stored, refused)


def _lines_of(rows: Rows, connection: Connection, stream: Stream, row: int) -> list[Line]:
    """Return what one row makes; nothing if it is not there any more."""
    rows.forget()
    return [line for line in rows.after(connection, stream, row - 1, 1) if line.row == row]
