"""What a page is: who may, what it is made of, what comes of it.

Rule: pages are functions from how everything stands, or from the past, and a visit to an answer; none of
them knows of HTTP.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.datastructures import ImmutableMultiDict, QueryParams

from safetyd.store.accounts import Account
from safetyd.view import View
from safetyd.web.access import Right
from safetyd.web.answers import Asked
from safetyd.web.looking import Past
from safetyd.web.packets import Parcel

FORM_BYTES = 64 * 1024


class Upload(NamedTuple):
    """A file that came with a form."""

    name: str
    content: bytes


class Visit(NamedTuple):
    """Who comes, along which path, with what query and form; `address` is where people reach the pages."""

    account: Account
    path: Mapping[str, str]
    query: QueryParams
    form: ImmutableMultiDict[str, str] = ImmutableMultiDict()
    uploads: tuple[Upload, ...] = ()
    address: str = ""

    def field(self, name: str) -> str:
        """Return what stands in a field of the form, without the blanks around it."""
        return self.form.get(name, "").strip()

    @property
    def asked(self) -> Asked:
        """The same as the API is asked; what is empty was not given."""
        given = {name: text for name, text in self.query.items() if text}
        return Asked(self.account, {**given, **self.path})


class Sheet(NamedTuple):
    """A template, and what it shows."""

    template: str
    shown: Mapping[str, Any] = {}


class Go(NamedTuple):
    """Where else to look."""

    to: str


class Download(NamedTuple):
    """A file to save; it is never shown inside a page of ours.

    Names are looked for in what somebody attached only: what else holds some is for who has the right NAMES.
    """

    name: str
    media_type: str
    content: bytes
    is_attached: bool = False


class Deed(NamedTuple):
    """What the writer is to do, one command after the other; where to look then, and what is said there.

    What the writer answered is said where nothing else is.
    """

    commands: tuple[dict[str, Any], ...]
    then: str
    done: str


Answer = Sheet | Go | Download | Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One row: exactly one of `look`, `search` and `act` is given.

    `again` is the look that is shown once more when an act is refused. One that is `shared` is the same for
    all who have the same rights: it depends on these parameters of the query, and is kept for the next.
    """

    path: str
    name: str
    right: Right
    look: Callable[[View, Visit], Answer] | None = None
    search: Callable[[Past, Visit], Answer] | None = None
    act: Callable[[View, Visit], Deed] | None = None
    again: Callable[[View, Visit], Answer] | None = None
    most_bytes: int = field(default=FORM_BYTES)
    shared: tuple[str, ...] | None = None

    @property
    def method(self) -> str:
        """How it is asked for."""
        return "GET" if self.act is None else "POST"
