"""Several notices as one message: the most urgent gives the title, and none is left out."""

from html.parser import HTMLParser

from safetyd.core.plan import Reason
from safetyd.notify.company import IN_FULL, NAMED, News, together
from safetyd.notify.forms import SMS_SEPTETS, Words, html, plain, short


def news(name: str, reason: Reason = Reason.RELIEVED) -> News:
    id = f"maple-2026-{name:0>4}"
    words = Words(
        f"Room {name}: {reason}", f"About room {name}.", (id,), (f"http://s/{id}",), plan="1a2b3c4d"
    )
    return News(reason, words)


def test_one_alone_stays_as_it_is() -> None:
    one = news("1")
    assert together([one]) is one.words


def test_the_most_urgent_comes_first_and_gives_the_title() -> None:
    told = together([news("1"), news("2", Reason.OPENED), news("3", Reason.OVERDUE), news("4")])
    assert told.title == "Room 3: overdue (and 3 more)"
    assert [line for line in told.text.splitlines() if line.startswith("Room")] == [
        "Room 3: overdue",
        "Room 2: opened",
        "Room 1: relieved",
        "Room 4: relieved",
    ]


def test_what_is_as_urgent_stays_in_order() -> None:
    told = together([news(name) for name in "123"])
    assert [part.title[:6] for part in told.parts] == ["Room 1", "Room 2", "Room 3"]


def test_a_few_are_told_in_full_and_of_the_others_what_where_and_which_ticket() -> None:
    told = together([news(str(number)) for number in range(1, 41)])
    assert told.title.endswith("(and 39 more)")
    assert told.text.count("About room") == IN_FULL
    assert "- Room 40: relieved [maple-2026-0040]" in told.text
    assert len(told.tickets) == len(told.links) == 40
    for number in range(1, 41):
        assert f"Room {number}: relieved" in told.text


def test_of_a_thousand_those_at_the_end_are_numbers_and_none_is_left_out() -> None:
    untold = News(Reason.TROUBLE, Words("Sensor of room 5: silent", "Look at it."))
    told = together([*(news(str(number)) for number in range(1, 1000)), untold])
    assert all(f"maple-2026-{number:04}" in told.text for number in range(IN_FULL + 1, 1000))
    assert "- Sensor of room 5: silent" in told.text
    assert told.text.count("relieved") == len(told.links) == NAMED
    assert len(plain(told).encode()) < 28_000


def test_a_ticket_is_linked_once_however_often_it_is_told_of() -> None:
    told = together([news("1"), news("1", Reason.CLOSED)])
    assert told.tickets == ("maple-2026-0001",) and len(told.links) == 1


def test_it_is_said_in_the_language_of_what_it_joins() -> None:
    two = [each._replace(words=each.words._replace(language="es")) for each in map(news, "12")]
    assert together(two).title == "Room 1: relieved (y uno más)"


def test_every_form_says_all_of_it() -> None:
    told = together([news("1"), news("<2>"), news("3")])
    assert "About room <2>." in plain(told) and "plan 1a2b3c4d" in plain(told)
    page = html(told)
    HTMLParser().feed(page)
    assert page.count("<h2") == 3 and "&lt;2&gt;" in page and "<2>" not in page
    assert len(short(told)) <= SMS_SEPTETS and short(told).startswith("Room 1: relieved (and 2 more)")
