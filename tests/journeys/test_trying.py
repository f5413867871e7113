"""A test notice is asked for, from a terminal and on the page, and arrives as a mail that says what it is."""

from collections.abc import Callable, Iterator

import pytest

from tests.journeys.post import PostOffice
from tests.journeys.servers import LOOPBACK, Broker, Client, House, Site, free_port, until
from tests.journeys.test_web import Served

pytestmark = pytest.mark.journey

Make = Callable[..., House]


@pytest.fixture
def post() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


def test_it_arrives_at_one_person_and_what_came_of_it_is_on_record(
    broker: Broker, client: Client, house: Make, post: PostOffice
) -> None:
    people = {"Ann Ruiz": [post.address("ann@school.example")], "Bo Oak": [post.address("bo@school.example")]}
    port = free_port()
    home = house(broker, Site(people=people), f'[web]\nlisten = "{LOOPBACK}:{port}"').start(client)
    Served(home, port).is_answering()

    wrong = home.run("test-notice", "Ann Ruis", "--by", "Dee Fay", "--role", "district")
    assert wrong.code == 1 and "did you mean 'Ann Ruiz'?" in wrong.err and wrong.err.count("\n") == 1
    done = home.run("test-notice", "Ann Ruiz", "--by", "Dee Fay", "--role", "district", "--note", "new box")
    assert done.code == 0 and done.out == "a test notice is on its way to Ann Ruiz, at 1 address.\n", done.err
    mails = until("the mail is there", lambda: post.mails_for("ann@school.example"))
    text = mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mails[0]["Subject"].endswith(": test") and "Nothing is wrong" in text
    assert "Dee Fay (district) wants to know" in text and "new box" in text
    until("it is on record", lambda: home.rows("SELECT 1 FROM delivery WHERE state = 'accepted'"))
    assert home.rows("SELECT reason, ticket FROM notice") == [("test", None)]

    again = home.run("test-notice", "Ann Ruiz", "--by", "Dee Fay", "--role", "district")
    assert again.code == 1 and "was sent a test notice just now" in again.err

    home.kill()
    home.start(client)
    again = home.run("test-notice", "Ann Ruiz", "--by", "Dee Fay", "--role", "district")
    assert again.code == 1, "a restart forgets nothing"

    post.answer("bo@school.example", "550 5.1.1 no such mailbox")
    assert home.run("test-notice", "Bo Oak", "--by", "Dee Fay", "--role", "district").code == 0
    until("it is given up", lambda: home.rows("SELECT 1 FROM delivery WHERE state = 'given_up'"))
    tests = "SELECT person FROM delivery JOIN notice ON notice.id = delivery.notice WHERE reason = 'test'"
    assert home.rows(tests) == [("Ann Ruiz",), ("Bo Oak",)], "nobody is told instead"
    assert home.stop() == 0
