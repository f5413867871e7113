"""The OpenAPI document, made of the table of routes.

Rule: of an object only the keys that a reader relies on are named, and it may have more: shapes only grow.
"""

from functools import cache
from typing import Any

from safetyd import __version__
from safetyd.core.model import Condition, Hazard, TroubleKind, Verdict
from safetyd.core.taken_up import Way
from safetyd.core.testimony import Why
from safetyd.core.ticket import Due, Status, Tier
from safetyd.sensor_objects import State
from safetyd.web.access import Right
from safetyd.web.asking import KEY_HEADER
from safetyd.web.problems import MEDIA_TYPE
from safetyd.web.routes import ARCHIVE, ROUTES, Kind, Parameter, Route

_TEXT: dict[str, Any] = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_NUMBER = {"type": "number"}
_FLAG = {"type": "boolean"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _words(words: Any) -> dict[str, Any]:
    return {"type": "string", "enum": [each.value for each in words]}


def _object(**keys: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "required": list(keys)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_ROW = _object(at=_TIME, event=_TEXT, by=_TEXT, note=_TEXT, hash=_TEXT)
_NEXT = _or_null(_TEXT | {"description": "the cursor of the next page; null at the end"})

SCHEMAS: dict[str, dict[str, Any]] = {
    "Problem": _object(type=_TEXT, title=_TEXT, status={"type": "integer"}, detail=_TEXT),
    "Health": _object(status=_TEXT),
    "OpenAPI": {"type": "object"},
    "Deadline": _object(
        tier=_words(Tier),
        due_at=_or_null(_TIME),
        state=_words(Due),
        met_at=_or_null(_TIME),
        by=_or_null(_TEXT),
    ),
    "Ticket": _object(
        id=_TEXT,
        building=_TEXT,
        room=_or_null(_TEXT),
        condition=_words(Condition),
        hazard=_or_null(_words(Hazard)),
        clause=_TEXT,
        rules=_TEXT,
        status=_words(Status),
        verdict=_words(Verdict),
        student_day=_FLAG,
        began_at=_TIME,
        opened_at=_TIME,
        worst=_or_null(_object(value=_NUMBER, unit=_TEXT, at=_TIME)),
        episodes=_list(
            _object(began_at=_TIME, ended_at=_or_null(_TIME), worst=_or_null(_NUMBER), coverage=_NUMBER)
        ),
        deadlines=_list(_ref("Deadline")),
        history=_list(_ROW),
        disputed=_FLAG,
        follows=_or_null(_TEXT),
    ),
    "TicketEvent": _object(
        type=_TEXT | {"examples": ["ticket.opened"]},
        timestamp=_TIME,
        data=_object(row=_or_null(_ROW), ticket=_ref("Ticket")),
    ),
    "Tickets": _object(tickets=_list(_ref("Ticket")), next=_NEXT),
    "Reported": _object(ticket=_or_null(_TEXT)),
    "Assigned": _object(
        assignment=_object(
            topic=_TEXT,
            building=_TEXT,
            room=_or_null(_TEXT),
            sensor=_TEXT,
            format=_TEXT,
            by=_TEXT,
            role=_TEXT,
            note=_TEXT,
            at=_TIME,
            until=_or_null(_TIME),
            **{"from": _TIME},
        ),
        judged={"type": "integer"},
        is_all=_FLAG,
        says=_TEXT,
    ),
    "Pending": _object(ticket=_or_null(_TEXT), pending=_TEXT),
    "Rooms": _object(
        rooms=_list(
            _object(
                building=_TEXT,
                room=_TEXT,
                name=_TEXT,
                verdicts=_object(cold=_words(Verdict), heat=_words(Verdict)),
                values=_object(
                    temperature_f=_or_null(_NUMBER),
                    humidity=_or_null(_NUMBER),
                    heat_index_f=_or_null(_NUMBER),
                ),
                observed_at=_or_null(_TIME),
            )
        )
    ),
    "Explanation": _object(
        building=_TEXT,
        room=_or_null(_TEXT),
        at=_TIME,
        ticket=_or_null(_TEXT),
        rules=_TEXT,
        conditions=_list(
            _object(
                condition=_words(Condition),
                verdict=_words(Verdict),
                why=_words(Why),
                value=_or_null(_NUMBER),
                observed_at=_or_null(_TIME),
                began_at=_or_null(_TIME),
                tolerance=_or_null(_object(lower=_words(Verdict), upper=_words(Verdict))),
                way=_words(Way),
                ticket=_or_null(_TEXT),
                open_tickets=_list(_TEXT),
            )
        ),
        readings=_list(_object(sensor=_TEXT, topic=_or_null(_TEXT), observed_at=_TIME, received_at=_TIME)),
        headline=_TEXT,
        sections=_list(_object(title=_TEXT, sentences=_list(_TEXT))),
    ),
    "Readings": _object(
        building=_TEXT,
        room=_or_null(_TEXT),
        quantity=_TEXT,
        unit=_TEXT,
        points={
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [_TIME, _NUMBER, _NUMBER, _NUMBER, {"type": "integer"}],
                "description": "t, min, mean, max, n",
            },
        },
        resolution=_TEXT,
        coverage={"type": "object"},
    ),
    "Troubles": _object(
        troubles=_list(
            _object(
                kind=_words(TroubleKind),
                sensor=_TEXT,
                building=_or_null(_TEXT),
                room=_or_null(_TEXT),
                began_at=_TIME,
                ended_at=_or_null(_TIME),
                note=_TEXT,
            )
        ),
        next=_NEXT,
    ),
    "Sensors": _object(
        sensors=_list(
            _object(
                building=_TEXT,
                room=_or_null(_TEXT),
                sensor=_TEXT,
                topic=_TEXT,
                format=_TEXT,
                state=_words(State),
                last={"type": "object"},
            )
        ),
        unassigned=_list(_TEXT),
    ),
}

_MEANINGS = {
    200: "Here it is.",
    201: "It is on record.",
    202: "It is accepted and will be carried out; nobody knows yet with what result.",
    304: "It is as the answer was whose ETag came along.",
    400: "A parameter, key or value is wrong: `parameter` names it.",
    401: "No token, or none that is known.",
    403: "Not for this role, or not with this token.",
    404: "There is none of this id.",
    408: "The body did not come.",
    409: "Refused as things stand; nothing has changed.",
    413: "The body is too long, or what is asked for is too much.",
    415: "The body is not called application/json.",
    422: "Something else was asked under this Idempotency-Key.",
    429: "Too many tokens of this address were not known.",
    500: "A fault of safetyd's own.",
    503: "The store or the broker is away.",
}


_TAG = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the answer that you have: 304 if it is still the same.",
    "required": False,
    "schema": _TEXT,
}
_KEY = {
    "name": KEY_HEADER,
    "in": "header",
    "description": "A name of your own for what you ask, such as a UUID. What comes again under it within a"
    " day, also after a restart, is not done again: the answer is its outcome. It must ask the same.",
    "required": False,
    "schema": _TEXT | {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
}


_SIGNED = {
    "webhook-id": "By which what comes twice is known.",
    "webhook-timestamp": "When it is sent, in seconds since 1970.",
    "webhook-signature": "v1, and an HMAC-SHA256 over id, timestamp and body (Standard Webhooks).",
}
_WEBHOOK = {
    "operationId": "ticket_event",
    "summary": "What happened to a ticket, posted to each [[webhook]] of safetyd.toml, in order.",
    "parameters": [
        {"name": name, "in": "header", "description": about, "required": True, "schema": _TEXT}
        for name, about in _SIGNED.items()
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("TicketEvent")}}},
    "responses": {
        "2XX": {"description": "It is taken. What is answered otherwise is posted again later."},
        "410": {"description": "Nobody listens here any more: nothing is posted again."},
    },
}


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "safetyd", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "webhooks": {"ticketEvent": {"post": _WEBHOOK}},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def statuses(route: Route) -> list[int]:
    """Return every status that a route may answer with."""
    found = {*route.statuses, 400, 500} | ({304} if route.has_tag else set())
    found |= {401, 403, 429, 503} if route.right is not None else set()
    found |= {408, 413, 415, 422} if route.acts else set()
    return sorted(found)


def _operation(route: Route) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.about,
        "responses": {str(status): _response(route, status) for status in statuses(route)},
    }
    parameters = [_parameter(each, "path") for each in route.in_path]
    parameters += [_parameter(each, "query") for each in route.query]
    parameters += [_TAG] if route.has_tag else []
    parameters += [_KEY] if route.acts else []
    said |= {"parameters": parameters} if parameters else {}
    if route.right is not None:
        is_open_here = route.right is Right.METRICS  # to programs of this machine
        said["security"] = [{"token": []}, *([{}] if is_open_here else [])]
    if route.body is not None:
        content = {"application/json": {"schema": _body(route.body)}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def _response(route: Route, status: int) -> dict[str, Any]:
    if status >= 400:
        return {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
    tag = {"headers": {"ETag": {"description": "By what this answer is known.", "schema": _TEXT}}}
    if status == 304:
        return {"description": _MEANINGS[status]} | tag
    kind, schema = "application/json", _ref("Pending" if status == 202 else route.answer)
    if route.answer == "text":
        kind, schema = "text/plain", _TEXT
    elif route.answer == ARCHIVE:
        kind, schema = "application/zip", _TEXT | {"format": "binary"}
    said = {"description": _MEANINGS[status], "content": {kind: {"schema": schema}}}
    return said | (tag if route.has_tag else {})


def _parameter(parameter: Parameter, where: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": where,
        "description": parameter.about,
        "required": parameter.is_needed,
        "schema": _value(parameter),
    }


def _value(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind.value}
    if parameter.words:
        schema["enum"] = list(parameter.words)
    if parameter.most is not None:
        schema |= {"minimum": 1, "maximum": parameter.most}
    if parameter.kind is Kind.FILES:
        schema["items"] = _object(name=_TEXT, base64=_TEXT)
    return _or_null(schema) if parameter.may_be_null else schema


def _body(keys: tuple[Parameter, ...]) -> dict[str, Any]:
    """Of what need not be said, null says nothing."""
    nullable = [each if each.is_needed else each._replace(may_be_null=True) for each in keys]
    return {
        "type": "object",
        "properties": {each.name: _value(each) | {"description": each.about} for each in nullable},
        "required": [each.name for each in keys if each.is_needed],
        "additionalProperties": False,
    }
