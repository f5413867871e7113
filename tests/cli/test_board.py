"""The board says everything in words: whoever sees no colour, or only text, misses nothing."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from safetyd.cli.board import bars, board, closing, lasting, meter, picture
from safetyd.cli.snapshot import (
    COLUMNS,
    MainsSeen,
    NoticeSeen,
    RoomSeen,
    Show,
    Snapshot,
    TicketSeen,
    news,
)
from safetyd.core.model import Verdict

ONE = datetime(2026, 9, 2, 20, tzinfo=UTC)  # 13:00 at the school
SHOW = Show(
    "heat-wave",
    "September brings heat.",
    60.0,
    "mosquitto",
    "Lincoln High School",
    ZoneInfo("America/Los_Angeles"),
)
MAINS_ON = MainsSeen(Verdict.OK, {"main": True, "ups": True})
HISTORY = (None,) * (COLUMNS - 3) + (80.0, 84.0, 88.0)


def room(name: str, heat: Verdict, *, is_near: bool = False) -> RoomSeen:
    return RoomSeen(name, 88.04, 51.4, 92.26, Verdict.OK, heat, is_near, True, HISTORY)


TICKET = TicketSeen(
    "lincoln-2026-0001",
    "Room 204, chemistry",
    "too hot",
    "9.14.3",
    "open",
    Verdict.BREACH,
    ONE - timedelta(hours=6),
    ONE - timedelta(hours=6),
    "mitigation",
    ONE + timedelta(hours=18),
)
NOTICE = NoticeSeen(
    ONE - timedelta(minutes=3),
    ("Marisol Okafor, principal", "Dale Brennan, head custodian"),
    "Lincoln High School, Room 204, chemistry: too hot",
    "",
)
SNAPSHOT = Snapshot(
    SHOW,
    ONE,
    (
        room("Room 204, chemistry", Verdict.BREACH),
        room("Room 203, mathematics", Verdict.OK, is_near=True),
        room("Room 112, art", Verdict.OK),
        RoomSeen("Library", None, None, None, Verdict.UNKNOWN, Verdict.UNKNOWN, False, False),
    ),
    MAINS_ON,
    (TICKET,),
    (NOTICE,),
    12_345,
)


def drawn(snapshot: Snapshot, width: int = 110, height: int = 40) -> list[str]:
    """Return what a terminal without any colour shows."""
    console = Console(width=width, file=io.StringIO(), color_system=None, record=True)
    console.print(board(snapshot, width, height))
    return console.export_text(styles=False).splitlines()


def line(snapshot: Snapshot, word: str) -> str:
    """Return the line of the board that holds a word."""
    return next(each for each in drawn(snapshot) if word in each)


def test_the_header_tells_the_story_and_the_schools_own_time() -> None:
    top = "\n".join(drawn(SNAPSHOT)[:4])
    for words in (
        "heat-wave",
        "September brings heat.",
        "Wednesday 02 September 2026",
        "13:00 PDT",
        "60 times",
    ):
        assert words in top


def test_a_room_shows_its_values_rounded_and_its_verdicts_in_words() -> None:
    shown = line(SNAPSHOT, "Room 204, chemistry   ")
    for words in ("88.0 °F", "51 %", "92.3 °F", "✓ ok", "✗ BREACH", "···▂▄▆"):
        assert words in shown


def test_unknown_has_a_sign_and_a_word_of_its_own() -> None:
    ok, unknown = line(SNAPSHOT, "Room 112"), line(SNAPSHOT, "Library")
    assert ok.count("✓ ok") == 2 and "?" not in ok
    assert unknown.count("? unknown") == 2 and "ok" not in unknown
    assert "–" in unknown


def test_close_to_the_limit_is_ok_and_says_that_it_is_close() -> None:
    assert "▲ ok, close" in line(SNAPSHOT, "Room 203")


def test_a_ticket_shows_what_is_due_next_as_a_bar_and_in_words() -> None:
    shown = line(SNAPSHOT, "lincoln-2026-0001")
    for words in (
        "Room 204, chemistry: too hot",
        "open",
        "━━━━┄┄┄┄┄┄┄┄┄┄┄┄",
        "mitigation due in 18 h 00 min",
    ):
        assert words in shown


def test_a_missed_deadline_says_so() -> None:
    later = replace(SNAPSHOT, at=ONE + timedelta(hours=19, minutes=5))
    assert "mitigation MISSED 1 h 05 min ago" in line(later, "lincoln-2026-0001")


def test_a_notice_shows_when_what_and_to_whom() -> None:
    shown = line(SNAPSHOT, "12:57")
    assert "Room 204, chemistry: too hot" in shown
    assert "to principal, head custodian" in shown


def test_the_newest_notice_stands_first_and_the_oldest_leave_when_there_is_no_room() -> None:
    many = tuple(
        replace(NOTICE, at=ONE + timedelta(minutes=n), title=f"notice number {n}") for n in range(50)
    )
    shown = [each for each in drawn(replace(SNAPSHOT, notices=many)) if "notice number" in each]
    assert "notice number 49" in shown[0]
    assert 5 < len(shown) < 30


@pytest.mark.parametrize(("width", "height"), [(80, 24), (110, 40), (200, 60)])
def test_it_fits_the_terminal(width: int, height: int) -> None:
    crowded = replace(
        SNAPSHOT,
        rooms=SNAPSHOT.rooms * 2,
        tickets=tuple(replace(TICKET, id=f"lincoln-2026-{n:04}") for n in range(12)),
        notices=(NOTICE,) * 40,
    )
    lines = drawn(crowded, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert any("Ctrl-C" in each for each in lines)


@pytest.mark.parametrize(
    ("mains", "words"),
    [
        (MAINS_ON, "mains ✓ on   main says on, ups says on"),
        (MainsSeen(Verdict.UNKNOWN, {}), "mains ? unknown   no witness has spoken yet"),
        (
            MainsSeen(
                Verdict.UNKNOWN, {"ups": False}, ONE - timedelta(minutes=30), ONE + timedelta(minutes=90)
            ),
            "mains ✗ OUT for 30 min  ━━━━┄┄┄┄┄┄┄┄┄┄┄┄ a breach in 1 h 30 min   ups says OFF",
        ),
        (
            MainsSeen(Verdict.BREACH, {"ups": False}, ONE - timedelta(hours=3), ONE - timedelta(hours=1)),
            "mains ✗ OUT, longer than 9.14.5 allows  for 3 h 00 min",
        ),
        (
            MainsSeen(Verdict.OK, {"ups": True}, ONE - timedelta(hours=3), ONE, is_returning=True),
            "mains ▲ back, not yet for long",
        ),
    ],
)
def test_the_mains_are_told_in_words(mains: MainsSeen, words: str) -> None:
    assert words in line(replace(SNAPSHOT, mains=mains), "mains")


def test_a_broker_that_is_only_for_demonstrations_says_so() -> None:
    show = replace(SHOW, broker="amqtt, for demonstration only")
    assert "amqtt, for demonstration only" in line(replace(SNAPSHOT, show=show), "readings stored")


def test_the_picture_asks_nothing_of_any_other_host() -> None:
    svg = picture(SNAPSHOT)
    assert set(re.findall(r"https?://[^\"' )>]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in svg
    assert "BREACH" in svg
    assert svg == picture(SNAPSHOT)


def test_the_closing_words_count_what_there_was() -> None:
    said = "\n".join(closing(SNAPSHOT))
    for words in (
        "Tickets: 1",
        "9.14.3",
        "mitigation due in 18 h 00 min",
        "Notices: 1, handed to 2",
        "12,345",
    ):
        assert words in said


def test_the_closing_words_say_none_where_there_was_nothing() -> None:
    said = list(closing(replace(SNAPSHOT, tickets=(), notices=())))
    assert "Tickets: none" in said and "Notices: none" in said


def test_spans_are_told_in_the_two_units_that_matter() -> None:
    spans = [
        timedelta(minutes=-1),
        timedelta(minutes=7),
        timedelta(minutes=125),
        timedelta(days=13, hours=22),
    ]
    assert [lasting(span) for span in spans] == ["0 min", "7 min", "2 h 05 min", "13 d 22 h"]


def test_bars_are_full_at_the_top_and_a_dot_where_nothing_is_known() -> None:
    assert bars((None, 60.0, 70.0, 65.0), 60.0, 70.0) == "·▁▇▄"
    assert [meter(share, 4) for share in (-1.0, 0.0, 0.5, 2.0)] == ["┄┄┄┄", "┄┄┄┄", "━━┄┄", "━━━━"]


def test_news_are_what_is_new_in_order_of_time_and_nothing_else() -> None:
    rooms = (room("Room 204, chemistry", Verdict.OK), *SNAPSHOT.rooms[1:])
    before = replace(SNAPSHOT, rooms=rooms, tickets=(), notices=(replace(NOTICE, to=NOTICE.to[:1]),))
    said = [(kind, words) for _, kind, words in news(before, SNAPSHOT)]
    assert said == [
        (
            "ticket",
            "lincoln-2026-0001 opened, 9.14.3: Room 204, chemistry, too hot;"
            " mitigation is due Thu 03 Sep 07:00",
        ),
        ("notice", "Lincoln High School, Room 204, chemistry: too hot (to Dale Brennan, head custodian)"),
        ("verdict", "Room 204, chemistry: heat ok → breach (92.26 °F heat index)"),
    ]
    assert list(news(SNAPSHOT, SNAPSHOT)) == []


def test_the_first_word_of_a_sensor_is_no_news() -> None:
    first = tuple(replace(each, was_heard=False, heat=Verdict.UNKNOWN) for each in SNAPSHOT.rooms)
    mains = MainsSeen(Verdict.UNKNOWN, {})
    assert list(news(replace(SNAPSHOT, rooms=first, mains=mains), SNAPSHOT)) == []


def test_a_narrow_terminal_leaves_out_bars_and_no_words() -> None:
    shown = "\n".join(drawn(SNAPSHOT, 80, 24))
    for words in ("lincoln-2026-0001  Room 204, c", "open  mitigation due in 18 h 00 min", "✗ BREACH"):
        assert words in shown
    assert not set("┄━▇▅") & set(shown)
