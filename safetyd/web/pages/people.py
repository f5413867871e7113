"""People and plans: who is told of what and when, who stands in, and whether messages reach them.

Rule: what is shown is what notices go by. Of an address only its kind is shown, never itself; who may not
know even that sees people and plans only.
"""

from collections.abc import Iterable, Mapping
from heapq import merge
from typing import Any

from safetyd.commands import TEST_NOTICE, read_trial
from safetyd.core.errors import ActionError
from safetyd.core.model import Role, same_name
from safetyd.core.plan import Plan, Reason, in_order
from safetyd.core.succession import Holder, in_place_of
from safetyd.site import EVERY_BUILDING, Building, Person, Site
from safetyd.site_people import fingerprint
from safetyd.site_words import span, step_words
from safetyd.store import accounts, attempts, told
from safetyd.store.accounts import Account
from safetyd.store.told import Told
from safetyd.view import View
from safetyd.web.access import Right, may, sees
from safetyd.web.answers import building_of
from safetyd.web.pages.page import Answer, Deed, Sheet, Visit
from safetyd.web.problems import Problem

LOOKED_AT, SHOWN = 500, 3  # of the newest deliveries; of one address
AT_ONCE = 20  # buildings; of more only one is shown
REASONS: Mapping[Reason, str] = {
    Reason.OPENED: "A ticket is opened",
    Reason.RECURRED: "It has begun again while its ticket is open",
    Reason.ENDED: "It is over; the ticket stays open until a person closes it",
    Reason.REMINDER: "The time for relief is running out",
    Reason.OVERDUE: "The time for relief has run out (at once, then again and again)",
    Reason.ACKNOWLEDGED: "Somebody has taken a ticket up",
    Reason.RELIEVED: "Relief was given",
    Reason.CLOSED: "A ticket was closed",
    Reason.EXTENDED: "A deadline was put off",
    Reason.DISPUTED: "Somebody disputes what is on record",
    Reason.HELD: "Outside work hours: it will be a ticket when work begins",
    Reason.OUTAGE_BEGAN: "The electricity has failed",
    Reason.OUTAGE_WARNING: "The electricity is still out; soon it is a ticket",
    Reason.OUTAGE_OVER: "The electricity is back",
    Reason.TROUBLE: "Something is wrong with the watching itself",
    Reason.TROUBLE_OVER: "That is in order again",
    Reason.SHELVED: "Messages about a place are held back",
    Reason.UNSHELVED: "They are sent again",
    Reason.HEAD: "Each day: the line by which the record can be checked",
    Reason.ALTERED: "The record was changed, and not by safetyd",
}
KINDS = {
    "mailto": "mail",
    "mailtos": "mail",
    "tgram": "Telegram",
    "slack": "Slack",
    "workflows": "Teams",
    "msteams": "Teams",
    "discord": "Discord",
    "ntfy": "push",
    "ntfys": "push",
    "pover": "push",
    "json": "web hook",
    "jsons": "web hook",
    "form": "web hook",
    "forms": "web hook",
    "xml": "web hook",
    "xmls": "web hook",
}
_SMS = frozenset(
    {
        "46elks", "africas", "bulksms", "burstsms", "clickatell", "clicksend", "d7sms", "httpsms",
        "kavenegar", "msg91", "msgbird", "nexmo", "plivo", "popcorn", "sinch", "smpp", "smpps",
        "smseagle", "smseagles", "smsmanager", "sns", "twilio", "voipms", "vonage",
    }
)  # fmt: skip
_COLUMNS = tuple(role for role in in_order(Role) if role is not Role.EDUCATOR)


def people(view: View, visit: Visit) -> Answer:
    """Return who is told of what, by the plan of now."""
    site, account = view.site, visit.account
    plan = site.plans.in_force(view.at)
    educators = any(Role.EDUCATOR in roles for roles in [*plan.told.values(), plan.outage_opened])
    columns = (*_COLUMNS, Role.EDUCATOR) if educators else _COLUMNS
    seen_buildings = [each for each in site.buildings if sees(account, each.id)]
    chosen = visit.query.get("building", "")
    if chosen:
        buildings = [building_of(site, account, chosen)]
    else:
        buildings = seen_buildings if len(seen_buildings) <= AT_ONCE else seen_buildings[:1]
    is_shown = may(account, Right.ADDRESSES)
    newest = _by_address(view, account) if is_shown else {}
    seen = [each for each in site.people if _is_of(each, buildings)]
    shown = {
        "plan": plan,
        "building": chosen or (buildings[0].id if len(buildings) < len(seen_buildings) else ""),
        "is_many": len(seen_buildings) > AT_ONCE,
        "versions": _versions(view),
        "columns": columns,
        "rows": _rows(plan),
        "steps": [(step_words(step), step.to) for step in plan.steps],
        "above": plan.above,
        "holders": [_holders(each, site, plan, columns) for each in buildings],
        "people": [_person(each, view, buildings, newest, is_shown=is_shown) for each in seen],
        "accounts": _accounts(view, account) if may(account, Right.ACCOUNTS) else None,
        "every": span(site.rulebook.in_force(view.at).remind.overdue_every),
        "shares": [f"{share * 100:g} %" for share in site.rulebook.in_force(view.at).remind.at],
        "is_watch": site.is_watch,
    }
    return Sheet("people.html", shown)


def send_test(view: View, visit: Visit) -> Deed:
    """Have a test notice sent to one person."""
    account, name = visit.account, visit.form.get("person", "")
    buildings = [each for each in view.site.buildings if sees(account, each.id)]
    if not any(each.name == name and _is_of(each, buildings) for each in view.site.people):
        raise Problem(400, f"nobody here is called {name!r:.100}")
    said: dict[str, Any] = {"do": TEST_NOTICE, "person": name, "by": account.name}
    if not any(same_name(account.name) in view.facts.roles.get(each.id, {}) for each in view.site.buildings):
        said["role"] = account.role.value  # else the site file says who they are
    try:
        read_trial(said)
    except ActionError as error:
        raise Problem(400, str(error)) from error
    return Deed((said,), "/people#told", "")


def kind_of(address: str) -> str:
    """Return what kind of address it is, which tells nothing of where it leads."""
    scheme = address.partition(":")[0].lower()
    return "text message" if scheme in _SMS else KINDS.get(scheme, scheme)


def _is_of(person: Person, buildings: Iterable[Building]) -> bool:
    return EVERY_BUILDING in person.buildings or any(person.belongs_to(each.id) for each in buildings)


def _rows(plan: Plan) -> list[tuple[str, tuple[Role, ...]]]:
    rows = []
    for reason, words in REASONS.items():
        rows.append((words, plan.told[reason]))
        if reason is Reason.OPENED:
            rows.append(("A ticket is opened because the electricity is out", plan.outage_opened))
    return rows


def _versions(view: View) -> list[dict[str, Any]]:
    plans = view.site.plans
    now = plans.in_force(view.at)
    return [
        {"each": each, "is_now": each is now, "is_to_come": starts > view.at}
        for starts, each in zip(plans.starts, plans.versions, strict=True)
    ]


def _holders(building: Building, site: Site, plan: Plan, columns: Iterable[Role]) -> dict[str, Any]:
    """Who holds each role in a building, and who is told in place of a role that reaches nobody."""
    there = site.people_for(building.id, tuple(Role))
    reached = [Holder(each.name, each.roles_in(building.id)) for each in there if each.notify]
    rows = []
    for role in columns:
        own = [(each.name, bool(each.notify)) for each in there if role in each.roles_in(building.id)]
        rows.append({"role": role, "own": own, "instead": in_place_of(role, reached, plan.above)})
    return {"name": building.name, "rows": rows}


def _posts(person: Person, buildings: Iterable[Building]) -> list[tuple[tuple[Role, ...], list[str]]]:
    """Return what somebody is in which of the buildings that are shown."""
    if EVERY_BUILDING in person.buildings and not person.posts:
        return [(person.roles, ["every building"])]
    found: dict[tuple[Role, ...], list[str]] = {}
    for each in buildings:
        if person.belongs_to(each.id):
            found.setdefault(person.roles_in(each.id), []).append(each.name)
    return list(found.items())


def _person(
    person: Person,
    view: View,
    buildings: Iterable[Building],
    newest: Mapping[tuple[str, str], list[Told]],
    *,
    is_shown: bool,
) -> dict[str, Any]:
    addresses = []
    for url in dict.fromkeys(person.notify) if is_shown else ():
        mark = fingerprint(url)
        found = (attempts.rejection(each.connection, person.name, mark) for each in view.each)
        refused = next(filter(None, found), None)
        told_of = newest.get((person.name, mark), [])[:SHOWN]
        addresses.append({"kind": kind_of(url), "refused": refused, "told": told_of})
    return {
        "person": person,
        "posts": _posts(person, buildings),
        "addresses": addresses,
        "has_address": bool(person.notify),
    }


def _by_address(view: View, account: Account) -> dict[tuple[str, str], list[Told]]:
    found: dict[tuple[str, str], list[Told]] = {}
    of_all = (told.newest(each.connection, LOOKED_AT) for each in view.each)
    for each in merge(*of_all, key=lambda each: each.at, reverse=True):
        if sees(account, each.building):
            found.setdefault((each.person, each.address), []).append(each)
    return found


def _accounts(view: View, account: Account) -> list[dict[str, Any]]:
    """Who may log in: of who sees some buildings only, those who see one of these."""
    found = []
    for each, tokens in accounts.everybody(view.connection):
        if not account.buildings or not each.buildings or set(each.buildings) & set(account.buildings):
            lasting = [(scope, at) for scope, at in tokens if at > view.at]
            where = [view.site.name_of(id) for id in each.buildings] or ["every building"]
            found.append({"account": each, "where": where, "tokens": lasting})
    return found
