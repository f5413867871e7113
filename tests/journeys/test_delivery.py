"""Through a real mail server and a daemon that is killed around each send: at least once, and on record."""

import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.journeys.post import HANG_UP, PostOffice
from tests.journeys.servers import LOOPBACK, WITHIN, Broker, Client, House, Json, Sink, Site, free_port, until

pytestmark = pytest.mark.journey

TOPIC = "safetyd/readings/maple/12"
COLD = {"temperature_f": 55.0, "humidity": 40}
ANN, BO = "ann@school.example", "bo@school.example"
FORGOTTEN = "it may have arrived: safetyd ended before an answer came"
Make = Callable[..., House]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


def ticket_of(home: House) -> str:
    return str(home.rows("SELECT id FROM ticket")[0][0])


def deliveries(home: House) -> list[Json]:
    """The deliveries of the notice that the ticket opened, as everybody may see them."""
    (notice,) = home.ticket(ticket_of(home))["notices"]
    return list(notice["deliveries"])


def outcomes(delivery: Json) -> list[str]:
    return [each["outcome"] for each in delivery["tried"]]


def accepted(home: House, number: int = 1) -> None:
    wanted = "SELECT 1 FROM delivery WHERE state = 'accepted'"
    until("what was accepted is on record", lambda: len(home.rows(wanted)) >= number)


def test_both_parties_see_when_somebody_was_told_and_to_whom_a_notice_went_instead(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    office.answer(ANN, f"550 5.1.1 <{ANN}>: no such mailbox")
    people = {"Ann": [office.address(ANN)], "Bo": [office.address(BO)]}
    home = house(broker, Site(people=people)).start(client)
    client.tell(TOPIC, COLD)
    accepted(home)
    until("Ann is given up", lambda: home.rows("SELECT 1 FROM delivery WHERE state = 'given_up'"))
    ann, bo = deliveries(home)
    assert (ann["person"], ann["kind"], ann["state"], ann["went_to"]) == ("Ann", "mailto", "given_up", ["Bo"])
    assert ann["answer"] == "the mail server answered 550 5.1.1: there is no such mailbox"
    assert (bo["person"], bo["state"], bo["attempts"], outcomes(bo)) == ("Bo", "accepted", 1, ["accepted"])
    assert bo["done_at"] >= bo["tried"][0]["at"]
    told = home.run("ticket", ticket_of(home), "show").out
    assert "Ann (mailto)" in told and "went to Bo" in told and "✓ accepted" in told
    until("it is a trouble", lambda: home.rows("SELECT 1 FROM trouble WHERE kind = 'undeliverable'"))
    assert home.stop() == 0
    for file in (home.log_file, *home.store.parent.iterdir()):
        assert ANN.encode() not in file.read_bytes(), file.name


def test_a_mail_says_what_where_since_when_due_when_and_by_whom_and_links_to_the_ticket(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    more = '[web]\nlisten = false\npublic_url = "https://safe.school.example/"'
    home = house(broker, Site(people={"Ann": [office.address(ANN)]}), mqtt=more).start(client)
    client.tell(TOPIC, COLD)
    accepted(home)
    ticket = ticket_of(home)
    (mail,) = office.mails_for(ANN)
    assert mail["Subject"] == "Maple School, Room 12: too cold"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    said = ["since", "55.0 °F", "Relief from the temperature due", "24 h left", "To be done by Ann", ticket]
    for words in said:
        assert words in text and words in page
    assert f"https://safe.school.example/tickets/{ticket}" in text and "<a href=" in page
    (notice,) = home.ticket(ticket)["notices"]
    assert "https://" not in notice["text"], "what is kept does not depend on where the pages are"


def test_killed_before_it_is_sent_it_is_sent_at_the_next_start(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    home = house(broker, Site(people={"Ann": [office.address(ANN)]})).start(client)
    client.tell(TOPIC, COLD)
    home.has("ticket", 1)
    home.kill()
    assert not office.asked
    home.spawn()
    accepted(home)
    assert len(office.mails_for(ANN)) == 1
    assert outcomes(deliveries(home)[0]) == ["accepted"]


def test_killed_while_nobody_knows_whether_it_arrived_it_is_sent_again_and_the_record_says_so(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    home = house(broker, Site(people={"Ann": [office.address(ANN)]})).start(client)
    with office.hanging():
        client.tell(TOPIC, COLD)
        until("the server has the mail", lambda: office.mails_for(ANN))
        home.kill()
        assert outcomes(deliveries(home)[0]) == ["under_way"]
    home.spawn()
    accepted(home)
    first, second = office.mails_for(ANN)
    assert first["Message-ID"] == second["Message-ID"]
    (delivery,) = deliveries(home)
    assert outcomes(delivery) == ["unknown", "accepted"] and delivery["attempts"] == 2
    assert delivery["tried"][0]["answer"] == FORGOTTEN


def test_one_decision_about_twelve_rooms_is_one_mail_and_a_kill_loses_none_of_its_notices(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    rooms = [f"r{number}" for number in range(12)]
    home = house(broker, Site(rooms, people={"Ann": [office.address(ANN)]})).start(client)
    for room in rooms:
        client.tell(f"safetyd/readings/maple/{room}", COLD)
    accepted(home)
    (opened,) = office.mails_for(ANN)
    assert opened["Subject"] == "Maple School: new: 12 tickets"
    options = ("--tier", "mitigation", "--kind", "restored", "--by", "Finn", "--alike")
    with office.hanging():
        assert home.run("ticket", ticket_of(home), "relieve", *options).code == 0
        until("the server has the mail", lambda: len(office.mails_for(ANN)) == 2)
        home.kill()
    home.spawn()
    accepted(home, 13)
    _, first, second = office.mails_for(ANN)
    assert first["Subject"] == second["Subject"] == "Maple School, Room r0: relief on record (and 11 more)"
    assert first["Message-ID"] == second["Message-ID"]
    for (ticket,) in home.rows("SELECT id FROM ticket"):
        assert ticket in second.get_body(("plain",)).get_content()
        (notice,) = [each for each in home.ticket(ticket)["notices"] if each["reason"] == "relieved"]
        (delivery,) = notice["deliveries"]
        assert outcomes(delivery) == ["unknown", "accepted"]


def test_killed_after_it_was_accepted_and_noted_it_is_not_sent_again(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    people = {"Ann": [office.address(ANN)]}
    home = house(broker, Site(people=people)).start(client)
    client.tell(TOPIC, COLD)
    accepted(home)
    home.kill()
    before = len(client.heard)
    home.spawn()
    home.is_online(client, before)
    assert home.run("ticket", ticket_of(home), "acknowledge", "--by", "Finn").code == 0
    accepted(home, 2)
    assert [mail["Subject"] for mail in office.mails_for(ANN)] == [
        "Maple School, Room 12: too cold",
        "Maple School, Room 12: acknowledged",
    ]


def test_ended_in_order_while_the_answer_is_on_its_way_it_is_not_sent_again(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    port = free_port()
    people = {"Ann": [sink.address("ann")]}
    home = house(broker, Site(people=people), f'[web]\nlisten = "{LOOPBACK}:{port}"\n').start(client)
    before = len(client.heard)
    with sink.hold("ann"):
        client.tell(TOPIC, COLD)
        until("Ann was asked", lambda: sink.asked_of("ann"))
        assert home.daemon is not None
        home.daemon.send_signal(signal.SIGTERM)
        until("it is about to end", lambda: socket.socket().connect_ex((LOOPBACK, port)) != 0)
    home.daemon.wait(WITHIN)
    assert outcomes(deliveries(home)[0]) == ["accepted"]
    home.spawn()
    home.is_online(client, before)
    assert len(sink.of("ann")) == 1


def test_killed_before_the_answer_could_be_noted_it_is_sent_again(
    broker: Broker, client: Client, sink: Sink, house: Make
) -> None:
    home = house(broker, Site(people={"Ann": [sink.address("ann")]})).start(client)
    with sink.hold("ann"):
        client.tell(TOPIC, COLD)
        until("Ann was asked", lambda: sink.asked_of("ann"))
        lock = home.locked()
        lock.__enter__()
    until("Ann has it", lambda: sink.of("ann"))
    home.kill()
    lock.__exit__(None, None, None)
    home.spawn()
    accepted(home)
    assert outcomes(deliveries(home)[0]) == ["unknown", "accepted"]


def test_a_server_that_dies_before_its_answer_is_asked_again(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    office.answer("DATA", HANG_UP)
    home = house(broker, Site(people={"Ann": [office.address(ANN)]})).start(client)
    client.tell(TOPIC, COLD)
    accepted(home)
    assert outcomes(deliveries(home)[0]) == ["unknown", "accepted"]
    assert len(office.mails_for(ANN)) == 2


def test_what_waits_after_a_failure_survives_a_restart_with_what_was_tried(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    office.answer(ANN, "451 4.3.0 later")
    home = house(broker, Site(people={"Ann": [office.address(ANN)]})).start(client)
    client.tell(TOPIC, COLD)
    home.log_says("trying again")
    until("that is on record", lambda: home.rows("SELECT 1 FROM attempt WHERE outcome = 'failed'"))
    home.kill()
    home.spawn()
    accepted(home)
    assert outcomes(deliveries(home)[0]) == ["failed", "accepted"]


def test_the_last_resort_is_told_by_a_daemon_whose_notices_reach_nobody(
    broker: Broker, client: Client, office: PostOffice, house: Make
) -> None:
    more = (
        f'[last_resort]\nsmtp_host = "{LOOPBACK}"\nsmtp_port = {office.port}\n'
        f'smtp_from = "safetyd@school.example"\nsmtp_to = "{BO}"\nafter = "2s"'
    )
    dead = f"json://{LOOPBACK}:{free_port()}/dead"
    home = house(broker, Site(people={"Ann": [dead]}), mqtt=more).start(client)
    client.tell(TOPIC, COLD)
    (mail,) = until("the last resort is told", lambda: office.mails_for(BO))
    assert mail.get_content().startswith("Maple School has a notice that reaches nobody since ")
    until("that is on record", lambda: home.ticket(ticket_of(home))["notices"][0]["last_resort_at"])
    home.kill()
    before = len(client.heard)
    home.spawn()
    home.is_online(client, before)
    assert home.run("ticket", ticket_of(home), "acknowledge", "--by", "Finn").code == 0
    until("a second notice is tried", lambda: len(home.rows("SELECT 1 FROM attempt GROUP BY delivery")) == 2)
    assert len(office.mails_for(BO)) == 1, "at most one in an hour, through a restart too"
    assert BO not in home.log
