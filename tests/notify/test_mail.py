"""What a mail server says of each mailbox is understood: for good, for now, or nobody knows."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from safetyd.notify.forms import Words
from safetyd.notify.mail import Mail, Post, message, send
from safetyd.notify.sender import Line
from safetyd.store.attempts import Answer, Result
from tests.journeys.post import HANG_UP, PostOffice
from tests.journeys.servers import LOOPBACK, free_port

AT = datetime(2026, 12, 1, 16, 5, tzinfo=UTC)
ANN, BO, CLEO = "ann@school.example", "bo@school.example", "cleo@school.example"
MAIL = Mail("k/1", AT, "Maple School, Room 12: too cold", "Since Tue 1 Dec 08:05, 57.2 °F.\n.\nTicket 1.")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


def post(port: int, *to: str) -> Post:
    return Post(LOOPBACK, port, ("safetyd", "safetyd@school.example"), tuple(("", each) for each in to))


def test_a_mail_that_is_accepted_arrives_as_it_was_written(office: PostOffice) -> None:
    assert send(post(office.port, ANN), MAIL) == Answer(Result.ACCEPTED, "accepted", None, _settled(ANN))
    ((mailboxes, mail),) = office.arrived
    assert mailboxes == (ANN,)
    assert mail["Subject"] == MAIL.title
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().replace("\r\n", "\n") == MAIL.text + "\n"


def _settled(*mailboxes: str) -> frozenset[str]:
    from safetyd.notify.mail import _mark

    return frozenset(f"+{_mark(each)}" for each in mailboxes)


def test_a_mail_that_is_sent_again_is_known_by_its_id() -> None:
    one, same, other = (message(post(1, ANN), mail) for mail in (MAIL, MAIL, MAIL._replace(id="k/2")))
    assert one["Message-ID"] == same["Message-ID"] != other["Message-ID"]


def test_a_mailbox_that_is_refused_is_refused_for_good_and_the_answer_holds_no_address(
    office: PostOffice,
) -> None:
    office.answer(ANN, f"550 5.1.1 <{ANN}>: Recipient address rejected")
    told = send(post(office.port, ANN), MAIL)
    assert told.result is Result.REFUSED
    assert told.words == "the mail server answered 550 5.1.1: there is no such mailbox"
    assert not office.arrived


def test_one_of_several_that_is_refused_keeps_the_mail_from_no_other(office: PostOffice) -> None:
    office.answer(BO, "550 5.1.1 unknown")
    told = send(post(office.port, ANN, BO, CLEO), MAIL)
    assert told.result is Result.ACCEPTED
    assert told.partly == "1 of 3 mailboxes: the mail server answered 550 5.1.1: there is no such mailbox"
    assert [mailboxes for mailboxes, _ in office.arrived] == [(ANN, CLEO)]


def test_one_that_is_busy_is_tried_again_and_the_others_are_not(office: PostOffice) -> None:
    office.answer(BO, "451 4.3.0 later")
    told = send(post(office.port, ANN, BO), MAIL)
    assert told.result is Result.FAILED
    again = send(post(office.port, ANN, BO), MAIL, told.settled)
    assert again.result is Result.ACCEPTED
    assert [mailboxes for mailboxes, _ in office.arrived] == [(ANN,), (BO,)]


def test_when_the_last_of_several_refuses_after_others_accepted_the_person_was_told(
    office: PostOffice,
) -> None:
    office.answer(BO, "451 later", "550 5.1.1 no")
    told = send(post(office.port, ANN, BO), MAIL)
    assert send(post(office.port, ANN, BO), MAIL, told.settled).result is Result.ACCEPTED


@pytest.mark.parametrize("code", ["450 4.2.1", "452 4.2.2", "552 5.2.2"])
def test_a_mailbox_that_is_busy_or_full_is_tried_again(code: str, office: PostOffice) -> None:
    office.answer(ANN, f"{code} no room")
    assert send(post(office.port, ANN), MAIL).result is Result.FAILED


@pytest.mark.parametrize(("code", "result"), [("554 5.7.1", Result.REFUSED), ("451 4.3.0", Result.FAILED)])
def test_a_mail_that_is_refused_at_its_end_was_told_to_nobody(
    code: str, result: Result, office: PostOffice
) -> None:
    office.answer("DATA", f"{code} no")
    told = send(post(office.port, ANN, BO), MAIL)
    assert told.result is result
    assert not office.arrived


def test_a_server_that_dies_before_its_last_answer_leaves_it_unknown(office: PostOffice) -> None:
    office.answer("DATA", HANG_UP)
    told = send(post(office.port, ANN), MAIL)
    assert told == Answer(Result.UNKNOWN, "it may have arrived: the mail server hung up")
    assert office.mails_for(ANN)


def test_a_server_that_hangs_leaves_it_unknown(office: PostOffice) -> None:
    with office.hanging():
        told = send(post(office.port, ANN), MAIL, timeout_s=0.2)
    assert told == Answer(Result.UNKNOWN, "it may have arrived: no answer within 0.2 s")


def test_nobody_there_is_a_fault_that_may_pass() -> None:
    assert send(post(free_port(), ANN), MAIL) == Answer(Result.FAILED, "Connection refused")


def test_encryption_that_is_not_offered_is_not_done_without(office: PostOffice) -> None:
    plain = post(office.port, ANN)
    told = send(Post(plain.host, plain.port, plain.sender, plain.to, security="starttls"), MAIL)
    assert told.result is Result.FAILED
    assert told.words == "the mail server offers no such encryption or login"
    assert not office.asked


@pytest.mark.parametrize("title", ["two\r\nBcc: eve@school.example", "Señor Ñ – 学校 \x00", "x" * 2000])
def test_a_title_of_any_kind_adds_no_header(title: str, office: PostOffice) -> None:
    assert send(post(office.port, ANN), MAIL._replace(title=title)).result is Result.ACCEPTED
    ((mailboxes, mail),) = office.arrived
    assert mailboxes == (ANN,) and mail["Bcc"] is None


def test_an_apprise_address_of_mail_goes_this_way_to_all_its_mailboxes(office: PostOffice) -> None:
    office.answer(BO, "550 5.1.1 no")
    url = office.address(ANN, BO) + f"&cc={CLEO}&bcc=dee@school.example"
    told = Line(url).send(
        "k/1", AT, Words("title", "text <&>", ("maple-2026-0001",), ("https://x.example/t/1",))
    )
    assert told.result is Result.ACCEPTED and told.partly
    ((mailboxes, mail),) = office.arrived
    assert set(mailboxes) == {ANN, CLEO, "dee@school.example"}
    assert "dee@" not in mail.as_string() and mail["From"] == "safetyd <safetyd@school.example>"
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and page is not None
    assert text.get_content().split() == ["text", "<&>", "https://x.example/t/1"]
    assert "text &lt;&amp;&gt;" in page.get_content()


def test_what_apprise_does_not_understand_is_refused_for_good() -> None:
    assert Line("nonsense://x").send("k", AT, Words("title", "text")).result is Result.REFUSED
