"""The document says what is served, and what is served is as the document says."""

import json
import re
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.routing import Route as Served

from safetyd.core.model import Role
from safetyd.notify import webhook
from safetyd.setting_hooks import Webhook
from safetyd.store import replica
from safetyd.store.database import open_for_reading
from safetyd.view import view
from safetyd.web.openapi import SCHEMAS, document
from safetyd.web.routes import ROUTES, Route
from tests.web.school import School

EXAMPLES = {
    "/api/v1/tickets": "Tickets",
    "/api/v1/rooms": "Rooms",
    "/api/v1/troubles": "Troubles",
    "/api/v1/sensors": "Sensors",
    "/api/v1/readings?building=maple&room=12": "Readings",
    "/api/v1/explanation?building=maple&room=12": "Explanation",
    "/healthz": "Health",
}


def test_it_names_every_route_that_is_served_and_no_other(at_school: School) -> None:
    served = {
        (each.path, method)
        for each in at_school.application.asgi.routes
        if isinstance(each, Served) and each.path.startswith(("/api/", "/healthz", "/metrics"))
        for method in (each.methods or set()) - {"HEAD"}
    }
    named = {(path, method.upper()) for path, found in document()["paths"].items() for method in found}
    assert named == served == {(each.path, each.method) for each in ROUTES}


def test_it_is_served_and_every_reference_in_it_leads_somewhere(at_school: School) -> None:
    told = at_school.ask("/api/v1/openapi.json").json
    assert told == document() and told["openapi"].startswith("3.1")
    for each in set(re.findall(r"#/components/schemas/(\w+)", str(told))):
        assert each in SCHEMAS
    names = [found["operationId"] for each in told["paths"].values() for found in each.values()]
    assert len(set(names)) == len(names)


def test_every_parameter_in_a_path_is_described() -> None:
    for path, found in document()["paths"].items():
        for operation in found.values():
            said = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert said == set(re.findall(r"{(\w+)}", path))


@pytest.mark.parametrize(("path", "name"), EXAMPLES.items())
def test_what_is_answered_is_as_it_says(at_school: School, path: str, name: str) -> None:
    answer = at_school.ask(path, at_school.token(Role.ADMINISTRATOR))
    assert answer.status == 200
    _fits(answer.json, SCHEMAS[name], path)


def test_a_ticket_is_as_it_says(at_school: School) -> None:
    token = at_school.token(Role.ADMINISTRATOR)
    _fits(at_school.ask(f"/api/v1/tickets/{at_school.ids[0]}", token).json, SCHEMAS["Ticket"], "ticket")


def test_what_is_posted_to_a_webhook_is_as_it_says(at_school: School) -> None:
    post = document()["webhooks"]["ticketEvent"]["post"]
    with closing(open_for_reading(at_school.url)) as connection:
        (event, *_) = replica.ticket_events(connection, 0, 1)
        ticket = view(connection, at_school.site, "safetyd", at_school.now).ticket(event.ticket)
    _fits(json.loads(webhook.message(event, ticket)), SCHEMAS["TicketEvent"], "webhook")
    hook = Webhook("desk", SecretStr("https://hooks.example/x"), SecretStr("whsec_" + "c2VhbA==" * 4))
    sent = webhook.headers(hook, event, "{}", at_school.now)
    assert {each["name"] for each in post["parameters"]} == set(sent) - {"Content-Type"}


@pytest.mark.parametrize("route", [each for each in ROUTES if each.acts], ids=lambda each: each.name)
def test_of_what_need_not_be_said_null_says_nothing(at_school: School, route: Route) -> None:
    at_school.application.inbox.patience_s = 0.0
    said: dict[str, object] = {each.name: None for each in route.body or () if not each.is_needed}
    needed = {"tier": "mitigation", "until": "2099-01-01", "building": "maple", "room": "12"}
    needed |= {"topic": "zigbee2mqtt/Sill"}
    said |= {each.name: needed[each.name] for each in route.body or () if each.is_needed}
    said |= {"hazard": "leaks"} if route.name == "report" else {}
    said |= {"note": "why"} if route.name == "note" else {}
    path = route.path.replace("{id}", at_school.ids[0])
    answer = at_school.ask(path, at_school.token(Role.ADMINISTRATOR), said)
    assert answer.status == (409 if route.name == "unassign" else 202), answer.body  # nothing is assigned


KINDS: dict[str, Any] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def _fits(value: Any, schema: dict[str, Any], where: str) -> None:
    """Check a value by as much of JSON Schema as the document uses."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        fitting = [
            each for each in schema["anyOf"] if "$ref" in each or isinstance(value, KINDS[each["type"]])
        ]
        assert fitting, where
        schema = fitting[0]
    assert isinstance(value, KINDS[schema["type"]]), where
    assert value in schema.get("enum", [value]), where
    for key in schema.get("required", ()):
        assert key in value, f"{where}.{key}"
        _fits(value[key], schema["properties"][key], f"{where}.{key}")
    if schema["type"] == "array":
        for item in value if "items" in schema else ():
            _fits(item, schema["items"], f"{where}[]")
        for item, each in zip(value, schema.get("prefixItems", ()), strict=False):
            _fits(item, each, f"{where}[]")
