"""The pages of a district that workers watch: the real commands, a broker, a PostgreSQL, a port."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from safetyd.core.shards import shard_of
from tests.journeys.crew import BUILDINGS, SHARDS, Crew, Worker
from tests.journeys.served import Answering
from tests.journeys.servers import LOOPBACK, SAFETYD, Broker, Client, Commands, free_port, until
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.journey

COLD = {"temperature_f": 55.5, "humidity": 40}
ALL = "DROP SCHEMA IF EXISTS safetyd CASCADE"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


class District(Crew):
    """A crew, and what shows its district."""

    def __init__(self, folder: Path, broker: Broker, server: Postgres) -> None:
        port = free_port()
        super().__init__(folder, broker, server, more=f'[web]\nlisten = "{LOOPBACK}:{port}"\n')
        self.pages = Answering(Commands(self.config), port)

    def show(self, *environ: str) -> Worker:
        """Begin to show it, by other settings if need be."""
        return self.begin("pages", "env", *environ, SAFETYD, "run", "--role", "pages")

    def reasons(self) -> list[str]:
        """Return why not all is well, by the pages."""
        return list(self.pages.ask("/healthz").json.get("reasons", []))

    def has_tickets(self, token: str, count: int) -> list[str]:
        """Wait until so many are shown, and return their ids."""

        def look() -> list[str]:
            said = self.pages.ask("/api/v1/tickets", token).json["tickets"]
            return [each["id"] for each in said] if len(said) == count else []

        return until(f"{count} tickets are shown", look)


@pytest.fixture
def district(tmp_path: Path, broker: Broker, server: Postgres) -> Iterator[District]:
    with server.connect() as connection:
        for schema in ("safetyd", *(f"shard_{shard:02d}" for shard in range(SHARDS))):
            connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')  # type: ignore[arg-type]
    made = District(tmp_path, broker, server)
    yield made
    made.close()


@pytest.fixture
def watched(district: District) -> District:
    """One that two workers watch."""
    for name in ("one", "two"):
        district.begin(name)
    district.all_hear()
    return district


def one_of_each() -> list[str]:
    """A building of each shard."""
    return [next(id for id in BUILDINGS if shard_of(id, SHARDS) == shard) for shard in range(SHARDS)]


def test_every_building_is_shown_and_acted_on_whoever_watches_it(watched: District, client: Client) -> None:
    watched.show()
    pages = watched.pages.is_answering()
    token = pages.token("Robin Vale", "facilities")
    cold = one_of_each()
    for id in cold:
        client.tell(f"safetyd/readings/{id}/1", COLD)
    ids = watched.has_tickets(token, SHARDS)
    assert {id.rsplit("-", 2)[0] for id in ids} == set(cold)
    for id in ids:
        done = pages.ask(f"/api/v1/tickets/{id}/acknowledge", token, {"note": "on my way"})
        assert (done.status, done.json["status"]) == (200, "acknowledged")
        said = pages.commands.asked("ticket", id, "show")  # which finds the shard by itself
        assert [each["by"] for each in said["history"]][-1] == "Robin Vale"
    told = {"building": cold[0], "room": "2", "hazard": "leaks", "note": "by the window"}
    assert pages.ask("/api/v1/reports", token, told).status == 201
    watched.has_tickets(token, SHARDS + 1)
    shown = [pages.commands.asked("tickets", "--building", id)["tickets"] for id in cold]
    assert [len(each) for each in shown] == [2, *[1] * (SHARDS - 1)]


def test_what_nobody_watches_is_said_and_over_as_soon_as_somebody_does(district: District) -> None:
    worker = district.begin("one")
    district.all_hear()
    district.show()
    district.pages.is_answering()
    worker.send(signal.SIGSTOP)
    until("the leases have run out, one by one", lambda: "School and 3 more" in f"{district.reasons()}")
    (reason,) = district.reasons()
    assert reason.startswith("nobody watches ")
    worker.send(signal.SIGCONT)
    until("it is over", lambda: not district.reasons())


def test_pages_that_begin_first_wait_for_the_first_worker(district: District) -> None:
    shown = district.show()
    until("they wait", lambda: "no worker has begun the district yet" in shown.log)
    with pytest.raises(OSError), socket.create_connection((LOOPBACK, district.pages.port), 1):
        pass
    district.begin("one")
    district.pages.is_answering()
    assert "the first account is made, once, at" in shown.log


def test_pages_of_another_number_of_shards_end_and_say_which(district: District) -> None:
    district.begin("one")
    district.all_are_held()
    shown = district.show("SAFETYD_DISTRICT__SHARDS=5")
    assert shown.process.wait(30) == 1
    assert f"5 stands here, and the database keeps the buildings in {SHARDS}" in shown.log


def test_a_site_file_that_is_another_is_shown_after_a_hang_up(district: District) -> None:
    worker, shown = district.begin("one"), district.show()
    pages = district.pages.is_answering()
    token = pages.token("Robin Vale", "facilities")

    def rooms() -> set[str]:
        return {each["name"] for each in pages.ask("/api/v1/rooms?building=larch", token).json["rooms"]}

    assert "Library" not in rooms()
    with district.config.with_name("site.toml").open("a", encoding="utf-8") as site:
        site.write('[[buildings.rooms]]\nid = "9"\nname = "Library"\n')  # of the last one
    for each in (worker, shown):
        each.process.send_signal(signal.SIGHUP)
    until("it is shown", lambda: "Library" in rooms())


def test_what_is_no_district_has_no_pages_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('timezone = "UTC"\n[[buildings]]\nid = "elm"\n', encoding="utf-8")
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
    said = Commands(tmp_path / "safetyd.toml").run("run", "--role", "pages")
    assert said.code == 2 and "district.shards" in said.err and "store.url" in said.err
