"""A district in three stores shows what the same district in one store shows, on every page and by the API.

Rule: what differs is what is one store's own: the hashes of its chain, and numbers that nobody is shown.
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from safetyd.assigning import carry_out
from safetyd.configuration import load
from safetyd.core.errors import SafetydError
from safetyd.core.model import Role
from safetyd.core.shards import shard_of
from safetyd.ingest.message import Message
from safetyd.service import Service
from safetyd.site_part import cut
from safetyd.store import accounts, inbox
from safetyd.store.database import HEAD, open_for_reading, open_for_writing
from safetyd.view import View
from safetyd.web.app import Application
from safetyd.web.health import Pulse
from safetyd.web.house import House, Shard
from safetyd.web.pages.table import PAGES
from tests.stores import changed_by_another_hand, store_url
from tests.web.school import Browser, School

BUILDINGS = ("maple", "cedar", "birch", "willow", "larch", "aspen")
SHARDS = 3
SITE = """
name = "North District"
timezone = "America/Los_Angeles"
[[people]]
name = "Dora Vance"
roles = ["administrator", "facilities"]
notify = ["json://127.0.0.1:9/told"]
""" + "".join(
    f"""
[[buildings]]
id = "{id}"
name = "{id.capitalize()} School"
rooms = [{{ id = "1", name = "Room 1" }}, {{ id = "lab" }}]
[[buildings.sensors]]
id = "wall"
room = "lab"
topic = "zigbee2mqtt/{id}-lab"
format = "zigbee2mqtt"
"""
    for id in BUILDINGS
)
BEGAN = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # eight in the morning, a Monday
ROLES = [
    (Role.ADMINISTRATOR, ()),
    (Role.SAFETY_COMMITTEE, ()),
    (Role.ADMINISTRATOR, ("maple",)),
    (Role.EDUCATOR, ("cedar",)),
]


class InOne(School):
    """A district whose buildings are in one store, or shared by several of the same content."""

    def __init__(self, folder: Path, portal: BlockingPortal, shards: int) -> None:
        folder.mkdir()
        self.folder, self._portal, self.now = folder, portal, BEGAN
        (folder / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
        (folder / "site.toml").write_text(SITE, encoding="utf-8")
        self.site = load(folder / "safetyd.toml", {}).site
        self.pulse = Pulse(lambda: 0.0)
        self.urls = [store_url(folder, f"{number}.db") for number in range(shards)]
        self.url = self.urls[0]
        sites = [cut(self.site, number, shards) if shards > 1 else self.site for number in range(shards)]
        self.services = [
            Service(open_for_writing(url), site, "safetyd", BEGAN)
            for url, site in zip(self.urls, sites, strict=True)
        ]
        several = tuple(
            Shard(url, lambda site=site: site)
            for url, site in zip(self.urls, sites, strict=True)  # type: ignore[misc]
        )
        self.house = House(self.url, "safetyd", lambda: self.site, self.pulse)
        if shards > 1:
            self.house = self.house._replace(shards=several)
        self.application = Application(self.house)
        self.passes()

    def of(self, building: str) -> Service:
        return self.services[shard_of(building, len(self.services)) if building else 0]

    def passes(self, **span: float) -> None:
        super().passes(**span)
        for each in self.services:
            each.elapse(self.now)
            each.commit(self.now)

    def says(self, topic: str, building: str, said: object) -> None:
        self.of(building).take(Message(self.now, topic, json.dumps(said).encode()))
        self.passes(seconds=1)

    def does(self, at: str, **said: Any) -> None:
        service = self.of(at)
        service.command({"by": "Dora Vance", **said}, self.now)
        self.passes(seconds=1)

    def close(self) -> None:
        for each in self.services:
            each.connection.close()
        self.application.close()


def lives(of: InOne) -> None:
    """A cold morning: four rooms are cold, one of them again; people act, one sensor is nobody's."""
    for number, id in enumerate(BUILDINGS):
        of.says(f"safetyd/readings/{id}/1", id, {"temperature_f": 50.5 + number, "humidity": 40})
        of.says(f"zigbee2mqtt/{id}-lab", id, {"temperature": 21.5, "humidity": 40, "battery": 30 + number})
    of.says("zigbee2mqtt/new-one", "", {"temperature": 20.5})
    of.does("maple", do="acknowledge", ticket="maple-2026-0001")
    of.does("cedar", do="relieve", ticket="cedar-2026-0001", tier="mitigation", kind="fans_or_heaters")
    of.does(
        "birch",
        do="report",
        building="birch",
        room="lab",
        hazard="leaks",
        by="Zora Quill",
        role="educator",
        note="water by the window",
    )
    of.says("safetyd/readings/cedar/1", "cedar", {"temperature_f": 68.5, "humidity": 40})
    of.says("safetyd/readings/cedar/1", "cedar", {"temperature_f": 68.0, "humidity": 40})
    of.passes(hours=25)
    for id in BUILDINGS[:4]:
        of.says(f"safetyd/readings/{id}/1", id, {"temperature_f": 54.25, "humidity": 40})
    of.passes(minutes=5)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InOne, InOne]]:
    with start_blocking_portal() as portal:
        folder = tmp_path_factory.mktemp("districts")
        made = InOne(folder / "one", portal, 1), InOne(folder / "several", portal, SHARDS)
        for each in made:
            lives(each)
        yield made
        for each in made:
            each.close()


def test_every_store_has_buildings() -> None:
    assert {shard_of(id, SHARDS) for id in BUILDINGS} == set(range(SHARDS))


def plain(body: str) -> str:
    """Return a page without what is another in each: the tokens of forms, where a page of a list ends, hashes
    of the chain, and the topics of nobody, of which only the first store knows."""
    body = re.sub(r'(name="(?:token|once)" value=")[^"]*', r"\1", body)
    body = re.sub(r'data-token="[^"]*"', "", body)
    body = re.sub(r" \d+ topics? that nobody is assigned to.*?--unassigned\.", "", body)
    body = re.sub(r'"hash":"[0-9a-f]{64}"', "", body)
    return re.sub(r"cursor=[0-9.]+", "cursor=", body)


def addresses(of: InOne) -> list[str]:
    """Every page there is, of buildings in several stores, and the API's."""
    found = []
    for page in PAGES:
        if page.act is not None:
            continue
        for id in ("maple", "birch", "willow"):
            path = page.path.replace("{building}", id).replace("{id}", f"{id}-2026-0001")
            kind = "csv" if path.startswith("/whatif") else "svg"
            path = path.replace("{room}", "1").replace("{suffix}", "csv").replace("{kind}", kind)
            found += [path, f"{path}?{urlencode({'building': id})}", f"{path}?room=lab&sensor=wall"]
    api = ["/tickets", "/tickets?limit=3", "/rooms", "/rooms?building=birch", "/troubles", "/sensors"]
    api += [f"/readings?building={id}&room=1" for id in BUILDINGS]
    api += [f"/tickets/{id}-2026-0001" for id in BUILDINGS]
    api += [f"/explanation?ticket={id}-2026-0001" for id in BUILDINGS]
    return list(dict.fromkeys([*found, *(f"/api/v1{each}" for each in api)]))


def is_page(path: str) -> bool:
    """Whether it is the same: a packet has the chain of its store, and what if is asked of one store."""
    return "/evidence" not in path and "/whatif" not in path


@pytest.mark.parametrize("role, buildings", ROLES, ids=str)
def test_it_shows_the_same(both: tuple[InOne, InOne], role: Role, buildings: tuple[str, ...]) -> None:
    shown: list[dict[str, tuple[int, str]]] = []
    for each in both:
        browser = Browser(each)
        browser.enter(role, *buildings)
        answers = {path: browser.get(path) for path in addresses(each)}
        shown.append(
            {path: (said.status, plain(said.text) if is_page(path) else "") for path, said in answers.items()}
        )
    one, several = shown
    assert {path: said[0] for path, said in one.items()} == {path: said[0] for path, said in several.items()}
    for path, said in one.items():
        assert several[path] == said, path
    assert sum(status == 200 for status, _ in one.values()) > 30


def test_troubles_are_turned_over_page_by_page_to_the_last(both: tuple[InOne, InOne]) -> None:
    turned = []
    for each in both:
        token = each.token(Role.FACILITIES, name="Ira Moss")
        found: list[tuple[str, str]] = []
        cursor: str | None = ""
        while cursor is not None:
            said = each.ask(f"/api/v1/troubles?limit=2{cursor and '&cursor=' + cursor}", token).json
            found += [(trouble["sensor"], trouble["began_at"]) for trouble in said["troubles"]]
            cursor = said["next"]
        turned.append(found)
    one, several = turned
    assert len(one) > 6 and sorted(one) == sorted(several)
    assert [at for _, at in several] == [at for _, at in one]


@pytest.mark.parametrize("cursor", ["1", "1.2", "1.2.3.4", "1.2.x", "..", "1.2.-3", "1.2.3\u0663"])
def test_a_cursor_that_is_none_of_ours_is_refused(both: tuple[InOne, InOne], cursor: str) -> None:
    _, several = both
    token = several.token(Role.FACILITIES, name=f"Ida {cursor}")
    said = several.ask(f"/api/v1/troubles?{urlencode({'cursor': cursor})}", token)
    assert said.status == 400 and "none of ours" in said.json["detail"]


def waiting(of: InOne) -> list[list[dict[str, Any]]]:
    """What was left in each store, without what was left before."""
    found = []
    for url in of.urls:
        with closing(open_for_reading(url)) as connection:
            bodies = [inbox.body(connection, number) for number in inbox.unanswered(connection)]
            found.append([json.loads(body or "{}") for body in bodies])
    return found


@pytest.fixture
def district(tmp_path: Path) -> Iterator[InOne]:
    """Three stores in which everything is cold, and nobody who carries anything out."""
    with start_blocking_portal() as portal:
        made = InOne(tmp_path / "several", portal, SHARDS)
        for id in BUILDINGS:
            made.says(f"safetyd/readings/{id}/1", id, {"temperature_f": 50.5, "humidity": 40})
        for each in range(SHARDS):
            made.application._looking.records[each].inbox.patience_s = 0
        yield made
        made.close()


def test_what_is_done_with_several_tickets_is_left_where_each_is_kept(district: InOne) -> None:
    browser = Browser(district)
    browser.enter(Role.FACILITIES)
    said = [("ticket", f"{id}-2026-0001") for id in BUILDINGS]
    body = urlencode([("token", browser.token()), *said]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    headers["content-length"] = str(len(body))
    answer = district.ask("/tickets/acknowledge", said=body, headers=headers | browser.cookies)
    assert answer.status == 303
    left = [[(each["do"], set(each["ticket"])) for each in found] for found in waiting(district)]
    of_shard = [{f"{id}-2026-0001" for id in BUILDINGS if shard_of(id, SHARDS) == n} for n in range(SHARDS)]
    assert left == [[("acknowledge", tickets)] for tickets in of_shard]


@pytest.mark.parametrize("id", BUILDINGS)
@pytest.mark.parametrize(
    "path, said",
    [
        ("/tickets/{id}-2026-0001/note", {"note": "the window is open"}),
        ("/reports", {"building": "{id}", "room": "lab", "hazard": "leaks", "note": "by the window"}),
        (
            "/assignments",
            {"topic": "zigbee2mqtt/new-one", "building": "{id}", "room": "1", "format": "zigbee2mqtt"},
        ),
    ],
)
def test_what_the_api_is_told_is_left_where_its_building_is_kept(
    district: InOne, path: str, said: dict[str, str], id: str
) -> None:
    token = district.token(Role.FACILITIES)
    body = {key: text.replace("{id}", id) for key, text in said.items()}
    assert district.ask(f"/api/v1{path.replace('{id}', id)}", token, body).status == 202
    assert [len(found) for found in waiting(district)] == [shard_of(id, SHARDS) == n for n in range(SHARDS)]


NEW = "zigbee2mqtt/new-one"
HERE = {"topic": NEW, "building": "aspen", "room": "1"}


def does_all(of: InOne) -> None:
    """Have what waits carried out, each by its writer."""
    for service, url in zip(of.services, of.urls, strict=True):
        with closing(open_for_reading(url)) as connection:
            for number in inbox.unanswered(connection):
                said = json.loads(inbox.body(connection, number) or "{}")
                try:
                    answer = carry_out(service, said, of.now)
                except SafetydError as error:
                    answer = {"refused": str(error)}
                with service.writing() as writing:
                    inbox.answer(writing, number, json.dumps(answer))
    of.passes(seconds=1)


def test_an_assignment_is_shown_at_once_and_its_end_is_left_with_it(district: InOne) -> None:
    """Its writer has never heard the topic: the first store has, and goes on keeping what it was told."""
    district.says(NEW, "", {"temperature": 20.5, "linkquality": 90})
    browser = Browser(district)
    browser.enter(Role.FACILITIES)
    assert (
        NEW in browser.get("/sensors").text and "new-one" not in browser.get("/sensors?building=aspen").text
    )
    said = {"topic": NEW, "place": "aspen/1"}
    assert browser.submit("/sensors", "/sensors/assign", said).status == 303
    (left,) = waiting(district)[shard_of("aspen", SHARDS)]
    assert (left["format"], left["heard"]) == ("zigbee2mqtt", "elsewhere")
    does_all(district)
    district.application._looking.look_anew()  # as whoever was answered does
    assert "new-one" in browser.get("/sensors?building=aspen").text
    assert browser.submit("/sensors", "/sensors/unassign", {"topic": NEW}).status == 303
    assert [len(found) for found in waiting(district)] == [
        n == shard_of("aspen", SHARDS) for n in range(SHARDS)
    ]
    does_all(district)
    district.application._looking.look_anew()
    assert "retired" in browser.get("/sensors?building=aspen").text


@pytest.mark.parametrize("format", [{}, {"format": "zigbee2mqtt"}], ids=["guessed", "said"])
def test_what_is_somebodys_in_another_store_is_given_to_nobody_else(
    district: InOne, format: dict[str, str]
) -> None:
    """Two rooms of one thermometer would each be judged by the other's air."""
    token = district.token(Role.FACILITIES)
    district.says(NEW, "", {"temperature": 20.5})
    assert district.ask("/api/v1/assignments", token, HERE | format).status == 202
    does_all(district)
    district.application._looking.look_anew()
    for topic in (NEW, "zigbee2mqtt/cedar-lab", "safetyd/readings/cedar/1"):
        said = district.ask(
            "/api/v1/assignments", token, {**HERE, **format, "topic": topic, "building": "birch"}
        )
        assert said.status == 409 and "somebody's already" in said.json["detail"], topic
    assert not any(waiting(district))


def test_what_was_never_heard_is_refused_by_its_writer(district: InOne) -> None:
    token = district.token(Role.FACILITIES)
    said = district.ask("/api/v1/assignments", token, {**HERE, "format": "zigbee2mqtt"})
    assert said.status == 202
    does_all(district)
    with closing(open_for_reading(district.urls[shard_of("aspen", SHARDS)])) as connection:
        assert "nothing was ever heard" in str(inbox.answered(connection, 1))


def test_a_key_is_known_wherever_its_command_was_left(district: InOne) -> None:
    token = district.token(Role.FACILITIES)
    district.says(NEW, "", {"temperature": 20.5})
    district.ask("/api/v1/assignments", token, HERE)
    does_all(district)
    district.application._looking.look_anew()
    once = {"idempotency-key": "let-it-go"}
    assert district.ask("/api/v1/assignments/end", token, {"topic": NEW}, once).status == 202
    does_all(district)
    district.application._looking.look_anew()
    district.ask("/api/v1/assignments", token, HERE | {"building": "birch"})
    does_all(district)
    district.application._looking.look_anew()
    for each in district.application._looking.records:
        each.inbox.patience_s = 5
    again = district.ask("/api/v1/assignments/end", token, {"topic": NEW}, once)
    assert again.status == 201 and not any(waiting(district)), "it is birch's by now, and stays so"


def test_an_inbox_whose_connection_broke_is_asked_by_another(district: InOne) -> None:
    token, key = district.token(Role.FACILITIES), {"idempotency-key": "once"}
    path = "/api/v1/tickets/maple-2026-0001/note"
    assert district.ask(path, token, {"note": "a"}, key).status == 202
    for each in district.application._looking.records:
        assert each.inbox._reader is not None
        each.inbox._reader.close()
    assert district.ask(path, token, {"note": "a"}, key).status == 202


def test_one_store_that_cannot_be_read_hides_no_other(district: InOne) -> None:
    browser, token = Browser(district), district.token(Role.FACILITIES)
    browser.enter(Role.FACILITIES)
    other = shard_of("aspen", SHARDS)
    assert "maple-2026-0001" in browser.get("/tickets").text
    changed_by_another_hand(district.urls[other], "UPDATE alembic_version SET version_num = '0000'")
    district.application._looking.records[other].outlook.close()
    page = browser.get("/tickets")
    assert page.status == 200 and "not all is shown" in page.text
    assert "maple-2026-0001" in page.text and "aspen-2026-0001" not in page.text
    assert district.ask("/api/v1/tickets/maple-2026-0001", token).status == 200
    rooms = district.ask("/api/v1/rooms?building=aspen", token).json["rooms"]
    assert {each["verdicts"]["cold"] for each in rooms} == {"unknown"}
    assert district.ask("/buildings/aspen", headers=browser.cookies).status == 503
    changed_by_another_hand(district.urls[other], f"UPDATE alembic_version SET version_num = '{HEAD}'")
    page = browser.get("/tickets")
    assert "aspen-2026-0001" in page.text and "not all is shown" not in page.text


def test_a_building_that_is_new_in_the_file_is_shown_before_its_store_knows_of_it(district: InOne) -> None:
    browser = Browser(district)
    browser.enter(Role.ADMINISTRATOR)
    assert browser.get("/district").status == 200
    file = district.folder / "site.toml"
    file.write_text(SITE + '[[buildings]]\nid = "elm"\nname = "Elm School"\n', encoding="utf-8")
    district.site = load(district.folder / "safetyd.toml", {}).site
    for path in ("/rules", "/sensors", "/district", "/"):
        assert browser.get(path).status in (200, 303), path


def test_what_one_store_cannot_take_is_said_of_its_tickets_and_the_others_are_done(district: InOne) -> None:
    browser = Browser(district)
    browser.enter(Role.FACILITIES)
    other = shard_of("aspen", SHARDS)
    district.application._looking.records[other].inbox._url = "sqlite:////proc/nowhere/all.db"
    said = [("ticket", f"{id}-2026-0001") for id in BUILDINGS]
    body = urlencode([("token", browser.token()), *said]).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
    headers["content-length"] = str(len(body))
    answer = district.ask("/tickets/acknowledge", said=body, headers=headers | browser.cookies)
    assert answer.status == 409 and "1 of 6 tickets was refused; the others are done" in answer.text
    assert [len(found) for found in waiting(district)] == [n != other for n in range(SHARDS)]


def test_somebody_is_tried_where_their_buildings_are_kept(district: InOne) -> None:
    browser = Browser(district)
    browser.enter(Role.ADMINISTRATOR)
    assert browser.submit("/people", "/people/test", {"person": "Dora Vance"}).status == 303
    assert sum(map(len, waiting(district))) == 1


def test_accounts_and_sessions_are_in_the_first_store(district: InOne) -> None:
    browser = Browser(district)
    browser.enter(Role.ADMINISTRATOR)
    assert "Dora Vance" in browser.get("/people").text
    counts = []
    for url in district.urls:
        with closing(open_for_reading(url)) as connection:
            counts.append(len(accounts.everybody(connection)))
    assert counts == [1, 0, 0]


def test_who_reported_is_hidden_whichever_store_knows_it(both: tuple[InOne, InOne]) -> None:
    _, several = both
    said = {"do": "report", "building": "birch", "by": "Zora Quill", "role": "educator"}
    with closing(open_for_writing(several.urls[shard_of("birch", SHARDS)])) as connection:
        inbox.leave(connection, json.dumps(said), several.now)
    browser = Browser(several)
    browser.enter(Role.FACILITIES)
    page = browser.get("/tickets/birch-2026-0002").text
    assert "leak" in page and "Zora" not in page


def test_what_is_numbered_is_no_whole_districts(both: tuple[InOne, InOne]) -> None:
    """A number of one store means something else in another: to ask for it is refused, not answered."""
    _, several = both

    def ask(view: View) -> None:
        for numbered in (view.world.episodes, view.world.bound, view.world.held):
            with pytest.raises(TypeError, match="one store's own"):
                list(numbered)

    several.call(lambda: several.application._looking.view(ask))


def test_what_if_and_reports_are_asked_of_buildings_that_are_kept_together(both: tuple[InOne, InOne]) -> None:
    one, several = (Browser(each) for each in both)
    for each in (one, several):
        each.enter(Role.ADMINISTRATOR)
    every = '<option value="">every building'
    assert every in one.get("/whatif").text and every not in several.get("/whatif").text
    assert one.get("/reports?building=*").status == 200
    refused = several.get("/reports?building=*")
    assert refused.status == 413 and "choose one building" in refused.text
    beside = Browser(both[1])
    beside.enter(Role.ADMINISTRATOR, "maple", "cedar")  # of one store
    assert shard_of("maple", SHARDS) == shard_of("cedar", SHARDS)
    assert beside.get("/reports?building=*").status == 200 and every in beside.get("/whatif").text
