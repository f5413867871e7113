"""What every page has around it, and how its words are made: the templates, and what may be said in them.

Rule: everything that is shown is escaped where it stands; a template never holds a script or a style.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from safetyd.held_copies import Pending
from safetyd.naming import veiled_page
from safetyd.record_words import noted
from safetyd.site import Building, Site
from safetyd.store.accounts import Account
from safetyd.web.access import Right, may, sees
from safetyd.web.pages.page import Sheet
from safetyd.web.visitors import Visitor

STATIC = ("static", "vendor")  # our own, and what was taken in when this was built
_DAY = timedelta(days=1)


class Around(NamedTuple):
    """What is around a page: who sees it, where and when.

    `said` is told of the last act; `refusal` is why one was not done, `refusals` why for which of several
    tickets, and `form` what stood in it. `copy_of` is the gateway whose copy a centre
    shows, and `pending` what was asked of it. `warning` says what is amiss with the watch.
    """

    site: Site
    now: datetime
    here: str
    visitor: Visitor | None
    said: str = ""
    refusal: str = ""
    form: Mapping[str, str] = {}
    refusals: Mapping[str, str] = {}
    copy_of: str = ""
    has_gateways: bool = False
    pending: Sequence[Pending] = ()
    warning: str = ""
    give_way: Callable[[], None] = lambda: None

    @property
    def account(self) -> Account | None:
        """Who sees it."""
        return self.visitor.account if self.visitor else None

    @property
    def token(self) -> str:
        """What every form has to bring."""
        return self.visitor.token if self.visitor else ""

    @property
    def once(self) -> str:
        """What no other form has."""
        return secrets.token_urlsafe(12)

    def may(self, right: str) -> bool:
        """Whether who sees it has a right."""
        return self.account is not None and may(self.account, Right(right))

    @property
    def buildings(self) -> tuple[Building, ...]:
        """Those that who sees it may see."""
        account = self.account
        return (
            () if account is None else tuple(each for each in self.site.buildings if sees(account, each.id))
        )


def rendered(sheet: Sheet, around: Around) -> str:
    """Return a page as HTML, without the names that are not for who sees it; it gives way piece by piece."""
    pieces = []
    for piece in _environment().get_template(sheet.template).generate(**sheet.shown, around=around):
        pieces.append(piece)
        around.give_way()
    page = "".join(pieces)
    return page if around.visitor is None else veiled_page(page, around.visitor.hidden)


def static_url(name: str) -> str:
    """Return where a file of ours is fetched from; another content has another address."""
    return f"/static/{name}?v={_version(name)}"


def static_folders() -> list[tuple[str, str]]:
    """Return where files of ours lie that are there."""
    found = resources.files("safetyd.web")
    return [("safetyd.web", each) for each in STATIC if (found / each).is_dir()]


def has_static(name: str) -> bool:
    """Return whether there is such a file: what others wrote is only there where it was built in."""
    return bool(_version(name))


@cache
def _version(name: str) -> str:
    for folder in STATIC:
        file = resources.files("safetyd.web") / folder / name
        if file.is_file():
            return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return ""


def prepare() -> None:
    """Compile every template, so that the first who look need not wait for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("safetyd.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "moment": moment,
        "day": day,
        "lasting": lasting,
        "plain": plain,
        "listed": listed,
        "clock": clock,
        "noted": as_noted,
    }
    made.globals |= {"static": static_url, "has_static": has_static, "left": left, "ago": ago}
    return made


def moment(at: datetime | str | None, around: Around) -> Markup:
    """Return a moment in the site's zone, for people and programs: Tue 1 Dec 16:05; a dash for none."""
    found = _at(at)
    if found is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(_iso(found), _in_words(found, around))


def _in_words(at: datetime, around: Around) -> str:
    local = at.astimezone(around.site.timezone)
    year = "" if abs(at - around.now) < 180 * _DAY else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"


def as_noted(words: str, by: str, around: Around) -> str:
    """Return words of the record; in those of safetyd the moments are by the site's clocks."""
    return noted(words, by, lambda at: _in_words(at, around))


def clock(at: datetime | str | None, around: Around) -> Markup:
    """Return the time of a moment of today in the site's zone, 06:40; of another day all of it."""
    found = _at(at)
    if found is None:
        return Markup("–")
    local = found.astimezone(around.site.timezone)
    if local.date() != around.now.astimezone(around.site.timezone).date():
        return moment(found, around)
    return Markup('<time datetime="{}">{}</time>').format(_iso(found), f"{local:%H:%M}")


def day(at: datetime | str | None, around: Around) -> Markup:
    """Return the day of a moment in the site's zone: Tue 1 Dec 2026."""
    found = _at(at)
    if found is None:
        return Markup("–")
    local = found.astimezone(around.site.timezone)
    return Markup('<time datetime="{}">{}</time>').format(
        _iso(found), f"{local:%a} {local.day} {local:%b %Y}"
    )


def left(due_at: datetime | str | None, around: Around) -> Markup:
    """Return how long there is until something is due, or how late it is; a script counts it down."""
    found = _at(due_at)
    if found is None:
        return Markup("")
    span = found - around.now
    words = f"{lasting(span)} left" if span >= timedelta(0) else f"{lasting(-span)} late"
    kind = "late" if span < timedelta(0) else "soon" if span < _DAY / 6 else "left"
    return Markup('<time class="{}" data-left datetime="{}">{}</time>').format(kind, _iso(found), words)


def ago(at: datetime | str | None, around: Around) -> Markup:
    """Return how long ago something was; a script keeps it up."""
    found = _at(at)
    if found is None:
        return Markup("never")
    words = f"{lasting(around.now - found)} ago"
    return Markup('<time data-ago datetime="{}">{}</time>').format(_iso(found), words)


def lasting(span: timedelta | float) -> str:
    """Return a length of time (or so many seconds) in its two largest units: 3 h 20 min."""
    seconds = max(0, round(span.total_seconds() if isinstance(span, timedelta) else span))
    units = (("d", seconds // 86400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60))
    first = next((n for n, (_, count) in enumerate(units) if count), None)
    if first is None:
        return f"{seconds} s"
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count)


def plain(word: str) -> str:
    """Return a word of ours as people write it."""
    return word.replace("_", " ")


def listed(words: Iterable[str]) -> Markup:
    """Return words with commas, each set apart so that none changes the direction of the others."""
    return Markup(", ").join(Markup("<bdi>{}</bdi>").format(escape(each)) for each in words)


def _at(at: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
