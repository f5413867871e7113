"""What a program of somebody's is told has the form of Standard Webhooks, and what it answers is heard."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook as Verified
from standardwebhooks import WebhookVerificationError

from safetyd.notify.request import Said
from safetyd.notify.webhook import (
    LONGEST_PAUSE_S,
    LONGEST_RETRY_AFTER_S,
    TROUBLE_AFTER,
    _fault,
    headers,
    message,
    pause_s,
    wait_s,
)
from safetyd.setting_hooks import Webhook
from safetyd.store.moments import micros
from safetyd.store.replica import TicketEvent
from tests.receiver import SECRET

NOW = datetime.now(UTC)  # whoever receives a message believes it for five minutes
AT = datetime(2026, 12, 1, 16, 0, 0, 250_000, tzinfo=UTC)
HOOK = Webhook("desk.example", SecretStr("https://desk.example/x"), SecretStr(SECRET))
OTHER = HOOK._replace(url=SecretStr("https://desk.example/y"))
EVENT = TicketEvent(
    7, "maple", "12", "cold", "", "maple-2026-0003", micros(AT), "opened", "safetyd", "", "{}", "ab"
)
TICKET = {
    "id": "maple-2026-0003",
    "history": [{"event": "note", "hash": "aa"}, {"event": "opened", "hash": "ab"}],
}
HOUR = timedelta(hours=1)


def test_a_message_says_what_when_the_row_and_the_ticket() -> None:
    assert json.loads(message(EVENT, TICKET)) == {
        "type": "ticket.opened",
        "timestamp": "2026-12-01T16:00:00.25Z",
        "data": {"row": TICKET["history"][1], "ticket": TICKET},
    }


def test_a_receivers_library_believes_it_and_not_another_text_or_secret() -> None:
    body = message(EVENT, TICKET | {"note": "45 °F – “cold”"})
    given = headers(HOOK, EVENT, body, datetime.now(UTC))  # a receiver believes what is of the last minutes
    assert Verified(SECRET).verify(body, given)["type"] == "ticket.opened"
    with pytest.raises(WebhookVerificationError):
        Verified(SECRET).verify(body + " ", given)
    with pytest.raises(WebhookVerificationError):
        Verified("whsec_" + "b3RoZXI" * 5 + "=").verify(body, given)


def test_an_id_is_of_one_event_at_one_hook_whenever_it_is_sent() -> None:
    id = headers(HOOK, EVENT, "{}", NOW)["webhook-id"]
    assert headers(HOOK, EVENT, "{ }", NOW + HOUR)["webhook-id"] == id
    others = [(OTHER, EVENT), (HOOK, EVENT._replace(hash="ac")), (HOOK, EVENT._replace(row=8))]
    assert len({id, *(headers(*each, "{}", NOW)["webhook-id"] for each in others)}) == 4
    assert "." not in id


def test_pauses_grow_to_ten_minutes() -> None:
    assert 2.5 <= pause_s(0) <= 5
    assert LONGEST_PAUSE_S / 2 <= pause_s(7) <= pause_s(1000) == LONGEST_PAUSE_S


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        (None, 5.0),
        ("4", 5.0),
        ("6", 6.0),
        ("soon", 5.0),
        (format_datetime(AT.replace(microsecond=0) + 2 * HOUR / 4, usegmt=True), 1799.75),
        ("3600", LONGEST_RETRY_AFTER_S),
        ("999999999", LONGEST_RETRY_AFTER_S),
    ],
)
def test_who_wishes_to_be_left_alone_is_for_an_hour_at_most(retry_after: str | None, expected: float) -> None:
    assert wait_s(Said(429, "", retry_after), 5.0, AT) == pytest.approx(expected)


def test_who_is_gone_is_left_alone_for_good() -> None:
    assert wait_s(Said(410), 5.0, AT) is None
    assert "410" in _fault(Said(410), 0, timedelta(0))


@pytest.mark.parametrize(
    ("status", "is_one"), [(200, True), (299, True), (199, False), (300, False), (None, False)]
)
def test_only_a_2xx_is_accepted(status: int | None, is_one: bool) -> None:
    assert Said(status).is_accepted is is_one


@pytest.mark.parametrize(
    ("status", "failures", "waited", "is_one"),
    [
        (503, 999, TROUBLE_AFTER - timedelta(seconds=1), False),
        (503, 999, TROUBLE_AFTER, True),
        (None, 0, TROUBLE_AFTER, True),
        (404, 4, HOUR, False),
        (404, 5, HOUR, True),
        (429, 999, HOUR, False),
    ],
)
def test_a_day_or_six_refusals_are_a_trouble(
    status: int | None, failures: int, waited: timedelta, is_one: bool
) -> None:
    assert bool(_fault(Said(status, "no"), failures, waited)) is is_one
