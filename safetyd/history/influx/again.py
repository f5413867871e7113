"""Sends once more what a copy refused: the server was mended, or another one stands there now.

Rule: nothing is made anew but the line, from the row that our own store has; what is refused again stays on
record.
"""

from typing import NamedTuple

from safetyd.history.influx.door import Door
from safetyd.history.influx.lines import Line, ReadingLines, episode_line, ticket_line
from safetyd.history.influx.patience import Answer, Meaning, meaning
from safetyd.setting_outside import Influx
from safetyd.store import readings, replica
from safetyd.store.database import Connection
from safetyd.store.replica import Stream

_PIECE = 500
_OF_A_LINE = (Meaning.UNREADABLE, Meaning.TOO_LARGE)


class SentAgain(NamedTuple):
    """What became of refused rows: those that are there now, how many still are not, and why we stopped."""

    rows: list[tuple[Stream, int]]
    refused: int
    fault: str = ""


def next_lines(
    connection: Connection, stream: Stream, after: int, limit: int, made: ReadingLines
) -> list[Line]:
    """Return the lines of the next rows of a stream after a number."""
    match stream:
        case Stream.EPISODE:
            return [episode_line(each) for each in replica.episode_changes(connection, after, limit)]
        case Stream.TICKET_EVENT:
            return [ticket_line(each) for each in replica.ticket_events(connection, after, limit)]
    found = replica.reading_rows(connection, after, limit)
    if any(each.sensor not in made.sensors for each in found):
        made.sensors = {each.number: each.sensor for each in readings.sensors(connection)}
    return [made.line(each) for each in found]


def send_again(settings: Influx, connection: Connection) -> SentAgain:
    """Send what a copy refused, and return what is there now; it ends where the server takes nothing."""
    door, made = Door(settings), ReadingLines({})
    wanted = [(each.stream, each.row) for each in replica.uncopied(connection, settings.target)]
    stored: list[tuple[Stream, int]] = []
    refused = 0
    try:
        for first in range(0, len(wanted), _PIECE):
            todo = [wanted[first : first + _PIECE]]
            while todo:
                part = todo.pop()
                lines = [
                    line.text
                    for stream, row in part
                    for line in next_lines(connection, stream, row - 1, 1, made)
                    if line.row == row
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
