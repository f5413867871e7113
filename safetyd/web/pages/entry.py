"""Coming in and going out: the login, the first account, a password of one's own, links that let somebody in.

Rule: a password that is wrong and a name that nobody has get the same answer after the same work; who fails
too often waits, by the name and by the address.
"""

from collections.abc import Awaitable, Callable
from contextlib import closing
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from safetyd.core.model import same_name
from safetyd.passwords import PasswordError, hashed, is_right
from safetyd.store import accounts, sessions
from safetyd.store.accounts import AccountError
from safetyd.store.database import open_for_writing
from safetyd.store.sessions import Link
from safetyd.web.door import FAILURES, Failures, neighbour
from safetyd.web.house import House
from safetyd.web.looking import Looking
from safetyd.web.pages.forms import read_form
from safetyd.web.pages.inside import within
from safetyd.web.pages.page import FORM_BYTES, Sheet
from safetyd.web.pages.sso import SingleSignOn
from safetyd.web.problems import Problem
from safetyd.web.visitors import TOKEN_FIELD, Visitor, check_sender, let_in, let_out, visitor

PER_NAME = (
    5 * FAILURES
)  # or who fails on purpose, from one address, keeps somebody out for as long as they like
_WRONG = "this name and this password do not go together"
_USED_UP = "this link was used, or has ended; ask whoever gave it to you for a new one"
Answer = Callable[[Request], Awaitable[Response]]


class Shows(Protocol):
    """Makes the answer of a sheet."""

    def __call__(
        self, sheet: Sheet, here: str, who: Visitor | None, refusal: str = "", status: int = 200
    ) -> Response: ...


class Entry:
    """The pages that need no login, and those of one's own account."""

    def __init__(self, looking: Looking, show: Shows) -> None:
        self._looking = looking
        self._show = show
        self._of_address, self._of_account = Failures(), Failures()
        self._of_name = Failures(most=PER_NAME)
        oidc = looking.house.oidc
        self._sso = None if oidc is None else SingleSignOn(looking, oidc)
        self.routes: list[tuple[str, str, Answer]] = [
            ("GET", "/login", self.login),
            ("POST", "/login", self.log_in),
            ("POST", "/logout", self.log_out),
            ("GET", "/first", self.first),
            ("POST", "/first", self.become_first),
            ("GET", "/enter", self.enter),
            ("GET", "/password", self.password),
            ("POST", "/password", self.choose_password),
            ("GET", "/account", self.account),
            ("POST", "/account", self.change_password),
        ]
        if self._sso is not None:
            self.routes += [("GET", "/sso", self._sso.leave), ("GET", "/sso/back", self._sso.come_back)]

    async def login(self, request: Request) -> Response:
        """Show the form, unless somebody is logged in."""
        if await visitor(self._looking, request) is not None:
            return _go(within(request.query_params.get("then", "")))
        return await self._login_again(request, "", "", HTTPStatus.OK)

    async def log_in(self, request: Request) -> Response:
        """Let somebody in by name and password."""
        said, _ = await read_form(request, FORM_BYTES)
        check_sender(request, None, acts=True, address=self._looking.house.address)
        name, password = said.get("name", "").strip(), said.get("password", "")
        counted = (
            (self._of_name, same_name(name)),
            (self._of_address, neighbour(request.client.host if request.client else "")),
        )
        wait_s = max(failures.wait(subject) for failures, subject in counted)
        if wait_s > 0:
            words = f"too many attempts; try again in {wait_s:.0f} s"
            return await self._login_again(request, name, words, HTTPStatus.TOO_MANY_REQUESTS)
        found = await self._looking.ask(lambda connection: accounts.password_of(connection, name))
        kept = None if found is None else found[1]
        if not await self._looking.think(lambda: is_right(password, kept)) or found is None:
            for failures, subject in counted:
                failures.note(subject)
            return await self._login_again(request, name, _WRONG, HTTPStatus.FORBIDDEN)
        return await self._welcome(request, found[0].number, within(said.get("then", "")))

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        who = await visitor(self._looking, request)
        if who is not None:
            said, _ = await read_form(request, FORM_BYTES)
            check_sender(request, who, acts=True, token=said.get(TOKEN_FIELD, ""))
            await self._looking.write(lambda connection: sessions.end(connection, who.secret))
        response = _go("/login")
        let_out(response, request)
        return response

    async def first(self, request: Request) -> Response:
        """Show the form by which the first account is made."""
        key = request.query_params.get("key", "")
        await self._link(key, Link.FIRST)
        return self._show(Sheet("first.html", {"key": key, "name": ""}), "first", None)

    async def become_first(self, request: Request) -> Response:
        """Make the first account, once."""
        said, _ = await read_form(request, FORM_BYTES)
        check_sender(request, None, acts=True, address=self._looking.house.address)
        key, name, password = said.get("key", ""), said.get("name", "").strip(), said.get("password", "")
        await self._link(key, Link.FIRST)
        try:
            accounts.check_name(name)
            _check_same(password, said.get("again", ""))
            kept = await self._looking.think(lambda: hashed(password))
            now = self._looking.house.pulse.now()
            number = await self._looking.write(
                lambda connection: sessions.become_first(connection, key, name, kept, now)
            )
        except (AccountError, PasswordError) as error:
            sheet = Sheet("first.html", {"key": key, "name": name})
            return self._show(sheet, "first", None, str(error), HTTPStatus.BAD_REQUEST)
        return await self._welcome(request, number, "/")

    async def enter(self, request: Request) -> Response:
        """Let somebody in by a link."""
        if await visitor(self._looking, request) is not None:
            return _go("/")
        found = await self._link(request.query_params.get("key", ""), Link.ENTER)
        assert found is not None
        return await self._welcome(request, found, "/")

    async def password(self, request: Request) -> Response:
        """Show the form by which somebody who was invited chooses a password."""
        key = request.query_params.get("key", "")
        await self._link(key, Link.PASSWORD)
        return self._show(Sheet("password.html", {"key": key}), "password", None)

    async def choose_password(self, request: Request) -> Response:
        """Set the password of who was invited, once."""
        said, _ = await read_form(request, FORM_BYTES)
        check_sender(request, None, acts=True, address=self._looking.house.address)
        key, password = said.get("key", ""), said.get("password", "")
        number = await self._link(key, Link.PASSWORD)
        assert number is not None
        try:
            _check_same(password, said.get("again", ""))
            kept = await self._looking.think(lambda: hashed(password))
        except PasswordError as error:
            sheet = Sheet("password.html", {"key": key})
            return self._show(sheet, "password", None, str(error), HTTPStatus.BAD_REQUEST)
        await self._looking.write(lambda connection: sessions.new_password(connection, number, kept))
        return await self._welcome(request, number, "/")

    async def account(self, request: Request) -> Response:
        """Show who is logged in, and the form for another password."""
        who = await visitor(self._looking, request)
        return _go("/login?then=/account") if who is None else self._account(who)

    async def change_password(self, request: Request) -> Response:
        """Set another password; every other session of this account ends."""
        who = await visitor(self._looking, request)
        if who is None:
            return _go("/login?then=/account")
        said, _ = await read_form(request, FORM_BYTES)
        check_sender(request, who, acts=True, token=said.get(TOKEN_FIELD, ""))
        number = who.account.number
        if (wait_s := self._of_account.wait(str(number))) > 0:
            words = f"too many attempts; try again in {wait_s:.0f} s"
            return self._account(who, words, HTTPStatus.TOO_MANY_REQUESTS)
        found = await self._looking.ask(lambda each: accounts.password_of(each, who.account.name))
        kept = None if found is None else found[1]
        if not await self._looking.think(lambda: is_right(said.get("old", ""), kept)):
            self._of_account.note(str(number))
            return self._account(who, "the old password is another one", HTTPStatus.FORBIDDEN)
        try:
            _check_same(said.get("password", ""), said.get("again", ""))
            made = await self._looking.think(lambda: hashed(said.get("password", "")))
        except PasswordError as error:
            return self._account(who, str(error), HTTPStatus.BAD_REQUEST)
        await self._looking.write(lambda connection: sessions.new_password(connection, number, made))
        return await self._welcome(request, number, "/account?changed=yes")

    def _account(self, who: Visitor, refusal: str = "", status: int = HTTPStatus.OK) -> Response:
        return self._show(Sheet("account.html"), "account", who, refusal, status)

    async def _login_again(self, request: Request, name: str, refusal: str, status: int) -> Response:
        has_anybody = await self._looking.ask(sessions.has_anybody)
        then = within(request.query_params.get("then", ""))
        oidc = self._looking.house.oidc
        shown = {"name": name, "then": then, "has_anybody": has_anybody, "sso": oidc and oidc.label}
        return self._show(Sheet("login.html", shown), "login", None, refusal, status)

    async def _link(self, key: str, kind: Link) -> int | None:
        now = self._looking.house.pulse.now()
        found = await self._looking.ask(lambda connection: sessions.link_of(connection, key, now))
        if found is None or found.kind is not kind:
            raise Problem(410, _USED_UP)
        return found.account

    async def _welcome(self, request: Request, number: int, to: str) -> Response:
        now = self._looking.house.pulse.now()
        secret = await self._looking.write(lambda connection: sessions.begin(connection, number, now))
        response = _go(to)
        let_in(response, request, secret)
        return response


def first_link(house: House) -> str | None:
    """Return where the first account is made, by a new link; None if somebody may log in already."""
    with closing(open_for_writing(house.store_url)) as connection:
        if sessions.has_anybody(connection):
            return None
        return (
            f"{house.address}/first?key={sessions.new_link(connection, Link.FIRST, None, house.pulse.now())}"
        )


def _go(to: str) -> Response:
    return RedirectResponse(to, HTTPStatus.SEE_OTHER)


def _check_same(password: str, again: str) -> None:
    if password != again:
        raise PasswordError("the two passwords are not the same; type it twice")
