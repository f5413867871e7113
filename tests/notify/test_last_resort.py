"""Somebody is told that telling fails: in one sentence, after a while, at most once an hour."""

import logging
import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from safetyd.notify.last_resort import EVERY, RETRY, Teller, Unreached, due_at, sentence, tell
from safetyd.setting_outside import LastResort
from tests.journeys.post import PostOffice
from tests.journeys.servers import LOOPBACK, WITHIN, free_port

AT = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
AFTER = timedelta(minutes=10)
ZONE = ZoneInfo("America/Los_Angeles")
SECRET = "t0ken-of-the-hook"


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


def by_mail(port: int) -> LastResort:
    return LastResort(
        smtp_host=LOOPBACK, smtp_port=port, smtp_from="safetyd@school.example", smtp_to="di@school.example"
    )


# when


def test_nothing_is_told_while_nothing_is_amiss() -> None:
    assert due_at(None, None, None, AFTER) is None


def test_it_is_told_when_a_notice_has_reached_nobody_for_so_long() -> None:
    assert due_at(AT, None, None, AFTER) == AT + AFTER


def test_it_is_told_once_an_hour_at_most() -> None:
    assert due_at(AT, AT - AFTER, None, AFTER) == AT - AFTER + EVERY
    assert due_at(AT, AT - 2 * EVERY, None, AFTER) == AT + AFTER


def test_what_could_not_be_told_is_told_after_a_pause() -> None:
    failed_at = AT + AFTER
    assert due_at(AT, None, failed_at, AFTER) == failed_at + RETRY


# what


def test_it_is_told_which_building_and_since_when_in_one_sentence() -> None:
    assert sentence([Unreached("Maple School", 1, AT)], ZONE) == (
        "Maple School has a notice that reaches nobody since Tue 1 Dec 2026 08:05: "
        "please look at what it says there, and at the addresses of those who should be told."
    )


def test_several_buildings_share_the_sentence_and_many_are_counted() -> None:
    said = sentence([Unreached(f"School {number}", 2, AT) for number in range(12)], ZONE)
    assert said.startswith(
        "School 0 has 2 notices that reach nobody since Tue 1 Dec 2026 08:05; School 1 has"
    )
    assert "; and so have 2 more buildings: please" in said and "School 11" not in said


# how


def test_a_mail_server_is_told(office: PostOffice) -> None:
    assert tell(by_mail(office.port), "Maple School has a notice.", AT) == ""
    (mail,) = office.mails_for("di@school.example")
    assert mail["Subject"] == "safetyd: a notice reaches nobody"
    assert mail.get_content().strip() == "Maple School has a notice."


def test_what_a_mail_server_refuses_is_not_told(office: PostOffice) -> None:
    office.answer("di@school.example", "550 5.1.1 no")
    assert "550 5.1.1" in tell(by_mail(office.port), "text", AT)


@pytest.mark.parametrize(
    "settings",
    [
        LastResort(url=f"http://{LOOPBACK}:{free_port()}/{SECRET}"),
        LastResort(url=f"http://no.such.host.invalid/{SECRET}"),
        LastResort(url=f"https://{LOOPBACK}:{free_port()}/{SECRET}"),
        LastResort(url=f"http://{LOOPBACK}:99999/{SECRET}"),
        by_mail(free_port()),
    ],
)
def test_it_raises_nothing_and_no_word_of_it_holds_the_address(
    settings: LastResort, caplog: pytest.LogCaptureFixture
) -> None:
    said: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    with caplog.at_level(logging.DEBUG):
        Teller(settings, lambda number, why: said.put((number, why))).say(7, "text", AT)
        number, why = said.get(timeout=WITHIN)
    assert number == 7 and why
    for secret in (SECRET, "di@school.example"):
        assert secret not in why + caplog.text + repr(settings).replace("di@school.example", "")
