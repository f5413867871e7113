"""Whatever is asked, by whomever: every answer is one that the document describes, and none is our fault."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from safetyd.core.model import Role
from safetyd.errands import Errands
from safetyd.service import Service
from safetyd.setting_web import Web
from safetyd.store import inbox
from safetyd.store.accounts import Scope
from safetyd.store.database import open_for_reading, open_for_writing
from safetyd.web.asking import KEY_HEADER
from safetyd.web.house import House
from safetyd.web.openapi import document
from safetyd.web.server import Server
from tests.journeys.servers import LOOPBACK, free_port, until
from tests.web.school import School, school

pytestmark = pytest.mark.journey

ZONE = "America/Los_Angeles"  # of the school
EXAMPLES = 8  # of each operation, by each of those who ask
WHO = {
    "nobody": None,
    "who only reads": (Role.ASSOCIATION, Scope.READ, ()),
    "an educator": (Role.EDUCATOR, Scope.ACT, ("maple",)),
    "an administrator": (Role.ADMINISTRATOR, Scope.ACT, ()),
}


def narrowed() -> dict[str, Any]:
    """Return the document with the places and tickets that there are, so that more is done than refused.

    A key is left to one operation: what is drawn has few, and something else under one is 422. What the first
    values of a point are is checked elsewhere: schemathesis 4.32 does not read `prefixItems`.
    """
    said = deepcopy(document())
    points = said["components"]["schemas"]["Readings"]["properties"]["points"]
    points["items"].pop("prefixItems")
    known = {"building": ["maple", "cedar"], "room": ["12", "lab", "1"]}
    known["id"] = [f"{each}-{datetime.now(ZoneInfo(ZONE)).year}-0001" for each in known["building"]]
    for operation in (each for found in said["paths"].values() for each in found.values()):
        given = operation.get("parameters", [])
        if operation["operationId"] != "acknowledge":
            operation["parameters"] = given = [each for each in given if each["name"] != KEY_HEADER]
        named = {each["name"]: each["schema"] for each in given}
        for each in operation.get("requestBody", {}).get("content", {}).values():
            named |= each["schema"]["properties"]
        is_text = (
            {"room"} if operation["operationId"] == "relieve" else set()
        )  # of any space that was offered
        for name, values in known.items():
            if name in is_text:
                continue
            for schema in named.get(name, {}).get("anyOf", [named.get(name, {})]):
                if schema.get("type") == "string":
                    schema["enum"] = values
    return said


def loaded(*, has_limits: bool) -> schemathesis.BaseSchema:
    """Return what asks: at random, and with `has_limits` at every limit too."""
    config = {
        "generation": {"deterministic": True, "database": "none"},
        "phases": {"coverage": {"enabled": has_limits}},
    }
    return schemathesis.openapi.from_dict(narrowed(), config=SchemathesisConfig.from_dict(config))


thoroughly, briefly = loaded(has_limits=True), loaded(has_limits=False)
some = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Writer:
    """Carries out what is left in the inbox, as the daemon does."""

    def __init__(self, at: School) -> None:
        self._at = at
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_ended.set()
        self._thread.join(30)

    def _run(self) -> None:
        at = self._at
        with (
            closing(open_for_writing(at.url)) as connection,
            closing(open_for_reading(at.url)) as reader,
        ):
            service = Service(connection, at.site, "safetyd", datetime.now(UTC))

            def commit() -> None:
                errands.write_answers(connection)
                service.commit(datetime.now(UTC))
                errands.are_answered()

            errands = Errands(service, reader, commit)
            while not self._is_ended.wait(0.01):
                found = inbox.unanswered(reader)
                reader.rollback()
                for number in found:
                    errands.carry_out(number, datetime.now(UTC))


class Served(dict[str, str]):
    """The token of each of those who ask; `url` is where."""

    url = ""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A school that answers over the network, with somebody who carries out what is asked."""
    folder: Path = tmp_path_factory.mktemp("served")
    with ExitStack() as stack:
        at = stack.enter_context(school(folder))
        found = Served()
        for name, who in WHO.items():
            if who is not None:
                role, scope, buildings = who
                found[name] = at.token(role, *buildings, scope=scope)
        port = free_port()
        server = Server(Web(), f"{LOOPBACK}:{port}", House(at.url, "safetyd", lambda: at.site, at.pulse))
        server.start()
        stack.callback(server.stop, 30)
        until("it listens", lambda: server.fault == "")
        stack.enter_context(closing(Writer(at)))
        found.url = f"http://{LOOPBACK}:{port}"
        yield found


@pytest.mark.parametrize("who", ["an administrator"])  # by which each of them has a name of its own
@thoroughly.parametrize()
@some
def test_every_answer_to_who_may_do_everything_is_as_the_document_says(
    case: schemathesis.Case, served: Served, who: str
) -> None:
    ask(case, served, who)


@pytest.mark.parametrize("who", [each for each in WHO if each != "an administrator"])
@briefly.parametrize()
@some
def test_every_answer_to_others_is_as_the_document_says(
    case: schemathesis.Case, served: Served, who: str
) -> None:
    ask(case, served, who)


def ask(case: schemathesis.Case, served: Served, who: str) -> None:
    """Ask, and check the answer for all that the document can know.

    It cannot know which places there are, that too many guesses are a 429 and no 401, and that an empty
    parameter is as good as none.
    """
    unknown = [ignored_auth, positive_data_acceptance]
    unknown += [negative_data_rejection] if "" in (case.query or {}).values() else []
    given = {"Authorization": f"Bearer {served[who]}"} if who in served else {}
    case.call_and_validate(base_url=served.url, headers=given, excluded_checks=unknown)
