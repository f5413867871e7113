"""The delivery record: what was tried where and when, what is given up, and to whom it went instead.

Real servers answer; the time is the story's own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from safetyd.core.model import Role
from safetyd.notify.patience import DOUBTS, LONGEST_PAUSE, REST
from safetyd.store import attempts, outbox, unreached
from safetyd.store.database import StoreError
from tests.desk import HOUR, MINUTE, SECOND, T0, Desk, Hook, person, site
from tests.journeys.post import HANG_UP, PostOffice
from tests.journeys.servers import LOOPBACK, WITHIN, Sink, until

NO_SUCH = "550 5.1.1 <ann@school.example>: no such mailbox"
REFUSED = "the mail server answered 550 5.1.1: there is no such mailbox"
ANN, ANN2, BO, ADA, DI = (f"{name}@school.example" for name in ("ann", "ann2", "bo", "ada", "di"))


class Ntfy:
    """A push server: it takes what is posted to it, and keeps how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        ntfy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                ntfy.asked.append(
                    (self.path, self.headers.get("X-Title", self.headers.get("Title", "")), body)
                )
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"ntfy://{LOOPBACK}:{self._server.server_address[1]}/custodians"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture
def desk() -> Callable[..., Desk]:
    return lambda *people: Desk(site(*people))


Make = Callable[..., Desk]


@contextmanager
def full(desk: Desk, table: str) -> Iterator[None]:
    """Let no row into a table for a while."""
    connection = desk.service.connection
    refuse = f"CREATE TEMP TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
    connection.exec_driver_sql(refuse)
    connection.commit()
    yield
    connection.exec_driver_sql("DROP TRIGGER full")
    connection.commit()


def outcomes(delivery: dict[str, Any]) -> list[str]:
    return [each["outcome"] for each in delivery["tried"]]


# attempts


def test_an_attempt_is_on_record_before_it_is_made_and_its_outcome_after(
    office: PostOffice, desk: Make
) -> None:
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    with office.hanging():
        one.dispatch.send_due(one.now)
        until("the mail is there", lambda: office.mails_for(ANN))
        (delivery,) = one.deliveries()
        assert (delivery["state"], delivery["attempts"]) == ("waiting", 1)
        assert delivery["tried"] == [{"at": T0, "ended_at": None, "outcome": "under_way", "answer": ""}]
    one.turn()
    (delivery,) = one.deliveries()
    assert (delivery["state"], delivery["attempts"], delivery["done_at"]) == ("accepted", 1, T0)
    assert delivery["tried"] == [{"at": T0, "ended_at": T0, "outcome": "accepted", "answer": "accepted"}]


def test_the_first_attempt_is_on_record_by_the_commit_that_owes_it_and_made_after_that(
    sink: Sink, desk: Make
) -> None:
    one = desk(person("Ann", sink.address("ann")))
    one.turn()
    one.decide("a")
    one.dispatch.way.take(one.service.world.changes.notices)
    one.service.commit(one.now, one.dispatch.begin)
    (delivery,) = one.deliveries()
    assert [each["outcome"] for each in delivery["tried"]] == ["under_way"]
    assert not sink.asked_of("ann") and not one.dispatch.in_hand
    assert one.dispatch.way.is_taken  # by who is told, from pages
    one.dispatch.hand_over()
    one.turn()
    assert len(sink.of("ann")) == 1 and one.record()["Ann"]["state"] == "accepted"
    assert not one.dispatch.way.is_taken


def test_what_could_not_be_committed_is_not_sent_and_goes_once_when_it_is(sink: Sink, desk: Make) -> None:
    one = desk(person("Ann", sink.address("ann")))
    one.turn()
    one.decide("a")
    with full(one, "attempt"), pytest.raises(StoreError, match="full"):
        one.service.commit(one.now, one.dispatch.begin)
    assert not one.deliveries() and not one.dispatch.in_hand
    one.service.commit(one.now, one.dispatch.begin)
    one.dispatch.hand_over()
    one.settle()
    assert len(sink.of("ann")) == 1 and len(one.record()["Ann"]["tried"]) == 1


def test_what_was_begun_and_could_not_be_written_is_not_sent_without_its_record(
    sink: Sink, desk: Make
) -> None:
    one = desk(person("Ann", sink.address("ann")))
    one.turn()
    one.owe("a")
    with full(one, "chain"), pytest.raises(StoreError, match="full"):
        one.dispatch.send_due(one.now)
    one.dispatch.take_back(one.now)
    one.dispatch.hand_over()
    assert not one.dispatch.in_hand and not one.deliveries()[0]["tried"]
    one.settle()
    assert len(sink.of("ann")) == 1 and len(one.record()["Ann"]["tried"]) == 1


def test_an_address_that_is_gone_or_refuses_is_not_asked_by_the_commit_but_thought_about_after(
    office: PostOffice, sink: Sink, desk: Make
) -> None:
    office.answer(ANN, *["550 5.1.1 no such user"] * 2)
    one = desk(person("Ann", office.address(ANN)), person("Ben", sink.address("ben")))
    one.owe("a")
    one.settle()
    assert one.troubles()
    one.decide("b")
    one.service.commit(one.now, one.dispatch.begin)
    one.dispatch.hand_over()
    one.settle()
    states = {each["person"]: each["state"] for each in one.deliveries(2)}
    assert states == {"Ann": "given_up", "Ben": "accepted"} and not one.deliveries(2)[0]["tried"]


def test_what_fails_for_now_is_tried_again_and_each_attempt_is_on_record(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, "451 4.3.0 later", "451 4.3.0 later")
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    one.turn()
    one.turn(after=timedelta(seconds=2))
    assert outcomes(one.record()["Ann"]) == ["failed"], "too soon"
    one.turn(after=timedelta(seconds=4))
    one.turn(after=timedelta(seconds=10))
    delivery = one.record()["Ann"]
    assert (delivery["state"], delivery["attempts"]) == ("accepted", 3)
    assert outcomes(delivery) == ["failed", "failed", "accepted"]
    assert delivery["tried"][0]["answer"] == "the mail server answered 451 4.3.0"
    assert not one.troubles()


def test_years_of_attempts_are_counted_and_the_first_and_newest_are_kept(desk: Make, sink: Sink) -> None:
    one = desk(person("Ann", sink.address("ann")))
    one.owe()
    store, number = one.service.connection, attempts.FIRST_KEPT + attempts.NEWEST_KEPT + 15
    for minute in range(number):
        attempts.begin(store, 1, T0 + timedelta(minutes=minute))
    store.commit()
    (delivery,) = one.deliveries()
    assert delivery["attempts"] == number
    minutes = [(each["at"] - T0) // timedelta(minutes=1) for each in delivery["tried"]]
    assert minutes == [*range(attempts.FIRST_KEPT), *range(number - attempts.NEWEST_KEPT, number)]


def test_what_was_under_way_when_we_ended_is_unknown_and_is_tried_again(
    office: PostOffice, desk: Make
) -> None:
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    attempts.begin(one.service.connection, 1, T0)
    one.service.connection.commit()
    one.turn()
    delivery = one.record()["Ann"]
    assert outcomes(delivery) == ["unknown", "accepted"]
    assert delivery["tried"][0]["answer"] == "it may have arrived: safetyd ended before an answer came"


def test_a_server_that_dies_before_its_answer_gets_it_again_under_the_same_id(
    office: PostOffice, desk: Make
) -> None:
    office.answer("DATA", HANG_UP)
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    one.turn()
    one.turn(after=6 * SECOND)
    assert outcomes(one.record()["Ann"]) == ["unknown", "accepted"]
    first, second = office.mails_for(ANN)
    assert first["Message-ID"] == second["Message-ID"]


# in each person's language


def test_each_person_is_told_in_their_own_language(office: PostOffice, sink: Sink, desk: Make) -> None:
    spanish = replace(person("Bo", office.address(BO), sink.address("bo")), language="es")
    one = desk(person("Ann", office.address(ANN)), spanish)
    one.owe()
    one.settle()
    (to_ann,), (to_bo,) = office.mails_for(ANN), office.mails_for(BO)
    assert to_ann["Subject"] == "Maple School: electricity is back"
    assert to_bo["Subject"] == "Maple School: volvió la electricidad"
    plain, page = (part.get_content() for part in to_bo.iter_parts())
    assert "No hubo desde el mar 1 dic 08:00 hasta el mar 1 dic 08:00." in plain
    assert '<html lang="es">' in page and "No hubo desde" in page
    assert '<html lang="en">' in [part.get_content() for part in to_ann.iter_parts()][1]
    (letter,) = sink.of("bo")
    assert letter.title == "Maple School: volvió la electricidad"
    (kept,) = outbox.notices(one.service.connection)
    assert kept["title"] == "Maple School: electricity is back", "the record is in the site's language"


def test_where_the_site_is_spanish_a_person_may_be_told_in_english(sink: Sink) -> None:
    ann, bo = (person(name, sink.address(name)) for name in ("ann", "bo"))
    where = replace(site(ann, replace(bo, language="es")), language="es")
    one = Desk(where)
    one.owe()
    one.settle()
    assert sink.of("ann")[0].title == "Maple School: electricity is back"
    assert sink.of("bo")[0].title == "Maple School: volvió la electricidad"
    (kept,) = outbox.notices(one.service.connection)
    assert kept["title"] == "Maple School: volvió la electricidad"


def test_whoever_stands_in_is_told_in_their_own_language_if_it_was_said_in_that(
    office: PostOffice, desk: Make
) -> None:
    """Di, who is told only because nobody of the role can be, speaks the language of one who is."""
    office.answer(ANN, NO_SUCH)
    ann = replace(person("Ann", office.address(ANN)), language="es")
    di = replace(person("Di", office.address(DI), roles=(Role.ADMINISTRATOR,)), language="es")
    one = desk(ann, di)
    one.owe()
    one.settle()
    assert one.record()["Di"]["instead_of"] == "Ann"
    assert office.mails_for(DI)[0]["Subject"] == "Maple School: volvió la electricidad"


def test_whoever_stands_in_is_told_in_the_site_s_language_if_it_was_not(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH)
    di = replace(person("Di", office.address(DI), roles=(Role.ADMINISTRATOR,)), language="es")
    one = desk(person("Ann", office.address(ANN)), di)
    one.owe()
    one.settle()
    (mail,) = office.mails_for(DI)
    assert mail["Subject"] == "Maple School: electricity is back"
    assert '<html lang="en">' in [part.get_content() for part in mail.iter_parts()][1]


# given up, and to whom it went instead


def test_a_rejected_address_is_given_up_at_once_and_is_a_trouble_that_names_the_person(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH)
    one = desk(person("Ann", office.address(ANN)), person("Bo", office.address(BO)))
    one.owe()
    one.settle()
    ann, bo = one.record()["Ann"], one.record()["Bo"]
    assert (ann["state"], outcomes(ann), ann["answer"]) == ("given_up", ["refused"], REFUSED)
    assert ann["went_to"] == ["Bo"] and bo["state"] == "accepted"
    ((subject, note),) = one.troubles().items()
    assert subject.startswith("notice to Ann at ") and note == REFUSED
    assert "ann@" not in subject + note


def test_a_person_s_other_address_is_enough(office: PostOffice, desk: Make) -> None:
    office.answer(ANN, NO_SUCH)
    one = desk(
        person("Ann", office.address(ANN), office.address(ANN2)),
        person("Ada", office.address(ADA), roles=(Role.ADMINISTRATOR,)),
    )
    one.owe()
    one.settle()
    first, second = one.deliveries()
    assert (first["state"], first["went_to"], second["state"]) == ("given_up", [], "accepted")
    assert not office.mails_for(ADA)


def test_when_nobody_of_the_role_is_left_the_next_role_up_is_told_and_the_record_says_for_whom(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH)
    office.answer(ADA, NO_SUCH)
    one = desk(
        person("Ann", office.address(ANN)),
        person("Ada", office.address(ADA), roles=(Role.ADMINISTRATOR,)),
        person("Di", office.address(DI), roles=(Role.DISTRICT,)),
    )
    one.owe()
    one.settle()
    ann, ada, di = (one.record()[name] for name in ("Ann", "Ada", "Di"))
    assert (ann["state"], ann["went_to"]) == ("given_up", ["Ada"])
    assert (ada["state"], ada["instead_of"], ada["went_to"]) == ("given_up", "Ann", ["Di"])
    assert (di["state"], di["instead_of"]) == ("accepted", "Ada")
    assert len(office.asked) == 3


def test_the_last_one_of_a_notice_is_never_given_up(office: PostOffice, desk: Make) -> None:
    office.answer(ANN, NO_SUCH, NO_SUCH)
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    one.settle()
    assert one.record()["Ann"]["state"] == "waiting"
    one.turn(after=LONGEST_PAUSE)
    one.turn(after=LONGEST_PAUSE)
    assert outcomes(one.record()["Ann"]) == ["refused", "refused", "accepted"]
    assert not one.troubles(), "the trouble ends when something is accepted there"


def test_an_address_that_refused_is_asked_about_the_next_notice_if_nobody_else_can_be_told(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH)
    one = desk(person("Ann", office.address(ANN)))
    one.owe("first")
    one.settle()
    one.owe("second")
    one.turn(after=HOUR)
    assert one.record(2)["Ann"]["state"] == "accepted"
    one.settle()
    assert one.record(1)["Ann"]["state"] == "accepted", "what had waited follows"


def test_an_address_that_refused_is_asked_about_no_other_notice_for_a_day_and_then_about_one(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH, NO_SUCH)
    one = desk(person("Ann", office.address(ANN)), person("Bo", office.address(BO)))
    for key in ("first", "second"):
        one.owe(key)
        one.settle()
        one.now += HOUR
    assert office.asked.count(ANN) == 1
    second = one.record(2)["Ann"]
    assert (second["state"], second["attempts"], second["answer"]) == ("given_up", 0, REFUSED)
    assert second["went_to"] == ["Bo"]
    one.now += REST
    for key in ("third", "fourth"):
        one.owe(key)
        one.settle()
    assert office.asked.count(ANN) == 2
    one.now += REST
    one.owe("fifth")
    one.settle()
    assert one.record(5)["Ann"]["state"] == "accepted" and not one.troubles()


def test_a_new_address_in_the_site_file_is_told_what_the_old_one_could_not_be(
    office: PostOffice, sink: Sink, desk: Make
) -> None:
    office.answer(ANN, *[NO_SUCH] * 9)
    one = desk(person("Ann", office.address(ANN)))
    one.owe()
    one.settle()
    assert one.troubles()
    renewed = site(person("Ann", sink.address("ann")))
    one.service.take_site(renewed, one.now)
    one.dispatch.take_site(renewed)
    one.turn(after=LONGEST_PAUSE)
    one.settle()
    old, new = one.deliveries()
    assert (old["state"], new["state"]) == ("withdrawn", "accepted")
    assert sink.of("ann") and not one.troubles()


def test_what_is_on_its_way_to_an_address_that_leaves_the_site_file_is_not_withdrawn(
    sink: Sink, desk: Make
) -> None:
    one = desk(person("Ann", sink.address("ann")))
    one.owe()
    one.dispatch.send_due(one.now)
    renewed = site(person("Ben", sink.address("ben")))
    one.service.take_site(renewed, one.now)
    one.dispatch.take_site(renewed)
    one.dispatch.send_due(one.now)
    one.turn()
    assert one.record()["Ann"]["state"] == "accepted" and sink.of("ann")


def test_what_waits_for_an_address_is_sent_as_soon_as_it_accepts_again(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, *["451 later"] * 5)
    one = desk(person("Ann", office.address(ANN)))
    one.owe("first")
    for _ in range(5):
        one.turn(after=HOUR)
    one.owe("second")
    one.settle()
    assert [one.record(number)["Ann"]["state"] for number in (1, 2)] == ["accepted", "accepted"]


def test_one_rejected_mailbox_of_several_is_a_trouble_and_the_others_are_told_once(
    office: PostOffice, desk: Make
) -> None:
    office.answer(ANN, NO_SUCH)
    one = desk(person("Crew", office.address(ANN, BO)))
    one.owe()
    one.settle()
    assert one.record()["Crew"]["state"] == "accepted" and len(office.arrived) == 1
    assert list(one.troubles().values()) == [f"1 of 2 mailboxes: {REFUSED}"]


# web hooks


@pytest.mark.parametrize(("code", "asked"), [(410, 1), (404, DOUBTS)])
def test_a_web_hook_that_is_gone_is_given_up_at_once_and_one_that_is_not_found_after_some_attempts(
    code: int, asked: int, sink: Sink, desk: Make
) -> None:
    sink.answer("ann", *[code] * 50)
    one = desk(person("Ann", sink.address("ann")), person("Bo", sink.address("bo")))
    one.owe()
    for _ in range(10):
        one.turn(after=10 * timedelta(minutes=1))
    ann = one.record()["Ann"]
    assert (ann["state"], ann["went_to"]) == ("given_up", ["Bo"])
    assert len(sink.asked_of("ann")) == ann["attempts"] == asked
    assert f"{code}" in ann["answer"]


def test_a_web_hook_that_stumbles_is_tried_again(sink: Sink, desk: Make) -> None:
    sink.answer("ann", 500)
    one = desk(person("Ann", sink.address("ann")), person("Bo", sink.address("bo")))
    one.owe()
    one.turn()
    one.turn(after=6 * SECOND)
    assert outcomes(one.record()["Ann"]) == ["failed", "accepted"]


def test_a_push_server_gets_the_title_and_the_text(desk: Make) -> None:
    ntfy = Ntfy()
    one = desk(person("Ann", ntfy.address))
    one.owe()
    one.turn()
    assert one.record()["Ann"]["state"] == "accepted"
    ((_, title, body),) = ntfy.asked
    assert "electricity is back" in title + body and "It was out from" in body
    ntfy.close()


# the last resort


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    monkeypatch.setenv("no_proxy", "*")
    made = Hook()
    yield made
    made.close()


def test_the_last_resort_is_told_of_a_notice_that_reaches_nobody_for_ten_minutes(
    sink: Sink, hook: Hook
) -> None:
    sink.answer("ann", *[500] * 99)
    one = Desk(site(person("Ann", sink.address("ann"))), last_resort=hook.settings)
    one.owe()
    one.turn(after=9 * MINUTE)
    assert hook.heard.empty()
    one.turn(after=MINUTE)
    assert hook.heard.get(timeout=WITHIN).startswith(
        "Maple School has a notice that reaches nobody since Tue"
    )
    one.hear()
    (notice,) = outbox.notices(one.service.connection)
    assert notice["last_resort_at"] == one.now
    one.service.connection.rollback()
    one.owe("another")
    for _ in range(7):
        one.turn(after=7 * MINUTE)
    assert hook.heard.empty(), "at most one in an hour"
    one.turn(after=15 * MINUTE)
    assert hook.heard.get(timeout=WITHIN).startswith("Maple School has a notice that"), "each is told of once"


def test_a_notice_to_nobody_at_all_is_told_too_and_one_that_arrived_is_not(sink: Sink, hook: Hook) -> None:
    one = Desk(site(person("Ann", sink.address("ann"))), last_resort=hook.settings)
    one.owe("arrives")
    one.owe("to nobody", roles=(Role.ASSOCIATION,))
    one.settle()
    one.turn(after=11 * MINUTE)
    assert hook.heard.get(timeout=WITHIN).startswith("Maple School has a notice that reaches nobody")


def test_a_last_resort_that_does_not_answer_well_is_told_again(hook: Hook) -> None:
    hook.answers = [500]
    one = Desk(site(), last_resort=hook.settings)
    one.owe()
    one.turn(after=10 * MINUTE)
    hook.heard.get(timeout=WITHIN)
    one.hear()
    assert unreached.unreached(one.service.connection, T0 - HOUR)
    one.service.connection.rollback()
    one.turn(after=4 * MINUTE)
    assert hook.heard.empty()
    one.turn(after=MINUTE)
    hook.heard.get(timeout=WITHIN)
    one.hear()
    assert not unreached.unreached(one.service.connection, T0 - HOUR)


# roles that nobody holds


def test_of_a_role_that_nobody_with_an_address_holds_the_next_one_up_is_told_and_the_record_says_so(
    sink: Sink, desk: Make
) -> None:
    one = desk(person("Finn"), person("Ada", sink.address("ada"), roles=(Role.ADMINISTRATOR,)))
    one.owe()
    one.settle()
    assert one.record()["Ada"]["state"] == "accepted"
    assert one.record()["Ada"]["instead_of"] == "facilities"


def test_where_somebody_holds_the_role_nobody_stands_in(sink: Sink, desk: Make) -> None:
    ada = person("Ada", sink.address("ada"), roles=(Role.ADMINISTRATOR,))
    one = desk(person("Finn", sink.address("finn")), ada)
    one.owe()
    one.settle()
    assert list(one.record()) == ["Finn"]
