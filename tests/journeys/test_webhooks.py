"""A program is told of ticket events by a daemon that runs, stumbles over it, is killed, and goes on."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from standardwebhooks import Webhook as Verified

from tests.journeys.servers import Broker, Client, House, Site, until
from tests.receiver import HANG, HANG_UP, SECRET, Receiver

pytestmark = pytest.mark.journey

Make = Callable[..., House]
COLD = {"temperature_f": 57.5, "humidity": 44}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as made:
        yield made


@pytest.fixture
def home(house: Make, broker: Broker, client: Client, receiver: Receiver) -> House:
    """A daemon whose events go to the receiver."""
    made = house(broker, Site(), f'[[webhook]]\nurl = "{receiver.url}"\nsecret_file = "hook-secret"')
    (made.folder / "hook-secret").write_text(SECRET, encoding="utf-8")
    made.start(client)
    made.has("copied", 1)
    return made


def test_every_event_arrives_in_order_through_stumbling_and_a_kill(
    home: House, client: Client, receiver: Receiver
) -> None:
    receiver.answers = [503, HANG_UP]
    client.tell("safetyd/readings/maple/12", COLD)
    until("it is told at last", lambda: receiver.types == ["opened"])
    post = receiver.accepted[0]
    assert Verified(SECRET).verify(post.body, post.headers)["data"]["ticket"]["status"] == "open"
    receiver.answers = [HANG]
    id = post.data["ticket"]["id"]
    assert home.run("ticket", id, "acknowledge", "--by", "Ann Lee").code == 0
    until("it hangs", lambda: any(each.said == HANG for each in receiver.posts))
    client.tell("safetyd/readings/maple/lab", COLD)
    home.has("ticket", 2)
    home.kill()
    receiver.released.set()
    home.start(client)
    until("nothing is left out", lambda: receiver.types[:3] == ["opened", "acknowledged", "opened"])
    (acknowledged,) = [each for each in receiver.accepted if each.type == "ticket.acknowledged"]
    assert acknowledged.data["row"] == home.ticket(id)["history"][1]
    assert home.stop() == 0
    log = home.log_file.read_text(encoding="utf-8")
    assert receiver.host in log and "Traceback" not in log
    assert SECRET[6:] not in log and "by-nobody-else" not in log
    words = home.run("check").out
    assert f"every ticket event to the web hook at {receiver.host}, signed" in words
    assert "by-nobody-else" not in words


def test_after_a_clean_stop_nothing_comes_twice(home: House, client: Client, receiver: Receiver) -> None:
    client.tell("safetyd/readings/maple/12", COLD)
    until("it is told", lambda: receiver.types == ["opened"])
    assert home.stop() == 0
    home.start(client)
    client.tell("safetyd/readings/maple/lab", COLD)
    until("the next is told", lambda: receiver.types == ["opened", "opened"])
    assert len(receiver.posts) == 2
