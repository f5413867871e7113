"""The district's single sign-on (OpenID Connect): who it says somebody is, and what their groups get here.

Rule: who is in no group of `[oidc]` is nobody here. What waits for the answer of the district is kept here
for ten minutes and bound to the browser that asked; the library checks signature, issuer, nonce and age.
"""

import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from safetyd.core.model import Role
from safetyd.setting_web import Oidc
from safetyd.store import accounts, sessions
from safetyd.store.accounts import AccountError
from safetyd.web.looking import Looking
from safetyd.web.pages.inside import within
from safetyd.web.problems import Problem
from safetyd.web.visitors import let_in

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App

_COOKIE = "safetyd-sso"
_WAITS_S = 600.0
_CODE = re.compile(r"[a-z_]{3,40}")
_MOST_WAITING = 1000
_UNREACHED = "the district's login does not answer as it should; try again later, or log in by a password"
_REFUSED = "the district's login did not let you in"
_NOBODY = "the district's login knows you, but none of your groups may do anything here; ask who runs safetyd"

log = logging.getLogger("safetyd.web")


class SingleSignOn:
    """Leads people to the district's login, and lets in who comes back."""

    def __init__(self, looking: Looking, oidc: Oidc, seconds: Callable[[], float] = time.monotonic) -> None:
        self._looking = looking
        self._oidc = oidc
        self._seconds = seconds
        self._waiting: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()
        self._district: StarletteOAuth2App | None = None

    async def leave(self, request: Request) -> Response:
        """Lead somebody to the district's login."""
        key, kept = secrets.token_urlsafe(), {"then": within(request.query_params.get("then", ""))}
        request.scope["session"] = kept
        back = f"{self._looking.house.address}/sso/back"
        try:
            response: Response = await self._app().authorize_redirect(request, back)
        except Exception as error:  # whatever a server elsewhere may do
            log.warning("oidc: %s", _shown(error))
            raise Problem(503, _UNREACHED) from error
        self._waiting[key] = self._seconds(), kept
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popitem(last=False)
        is_secure = request.url.scheme == "https"
        response.set_cookie(
            _COOKIE, key, int(_WAITS_S), path="/sso", secure=is_secure, httponly=True, samesite="lax"
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """Let in who was sent back by the district's login, and say who they are here."""
        since_s, kept = self._waiting.pop(request.cookies.get(_COOKIE, ""), (0.0, {}))
        if not kept or self._seconds() - since_s > _WAITS_S:
            raise Problem(400, "this login was begun too long ago, or in another browser; begin it again")
        request.scope["session"] = kept
        from authlib.integrations.base_client import OAuthError

        try:
            told = await self._app().authorize_access_token(request)
        except OAuthError as error:
            log.warning("oidc: refused: %s", _shown(error))
            raise Problem(403, _REFUSED) from error
        except Exception as error:
            log.warning("oidc: %s", _shown(error))
            raise Problem(503, _UNREACHED) from error
        return await self._welcome(request, told.get("userinfo") or {}, str(kept["then"]))

    async def _welcome(self, request: Request, claims: Mapping[str, Any], then: str) -> Response:
        subject, name = claims.get("sub"), claims.get(self._oidc.name_claim)
        if not isinstance(subject, str) or not isinstance(name, str):
            raise Problem(403, f"the district's login does not say who you are: no {self._oidc.name_claim}")
        ids = [each.id for each in self._looking.site().buildings]
        granted = granted_to(self._oidc, claims.get(self._oidc.groups_claim), ids)
        if granted is None:
            raise Problem(403, _NOBODY)
        role, buildings = granted
        whole, now = f"{self._oidc.issuer} {subject}", self._looking.house.pulse.now()
        try:
            number = await self._looking.write(
                lambda each: accounts.enter_as(each, whole, " ".join(name.split()), role, buildings, now)
            )
        except AccountError as error:
            raise Problem(403, str(error)) from error
        secret = await self._looking.write(
            lambda each: sessions.begin(each, number, now, sessions.A_DAY_S_WORK)
        )
        response = RedirectResponse(then, HTTPStatus.SEE_OTHER)
        let_in(response, request, secret)
        response.delete_cookie(_COOKIE, "/sso")
        return response

    def _app(self) -> "StarletteOAuth2App":
        """Return what speaks to the district; what it needs is loaded when somebody comes this way."""
        if self._district is None:
            from authlib.integrations.starlette_client import OAuth

            secret = self._oidc.client_secret
            assert secret is not None
            self._district = OAuth().register(
                "district",
                client_id=self._oidc.client_id,
                client_secret=secret.get_secret_value(),
                server_metadata_url=f"{self._oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
                client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
            )
        return self._district


def granted_to(oidc: Oidc, groups: object, ids: Collection[str]) -> tuple[Role, tuple[str, ...]] | None:
    """Return the role of the first grant that fits, and the buildings of all that give that role.

    Args:
        oidc: The grants.
        groups: What the district says of somebody, whatever it is.
        ids: The buildings that there are.
    """
    listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
    said = {each for each in listed if isinstance(each, str)}
    given = [(each.role, where) for each in oidc.grants if (where := each.given(said, ids)) is not None]
    if not given:
        return None
    role = given[0][0]
    of_role = [where for each, where in given if each is role]
    is_everywhere = any(not where for where in of_role)
    buildings = () if is_everywhere else tuple(dict.fromkeys(id for where in of_role for id in where))
    return role, buildings


def _shown(error: Exception) -> str:
    """Its kind, and the code that OAuth has for it; its words may name who tried to log in."""
    code = getattr(error, "error", "")
    is_code = isinstance(code, str) and _CODE.fullmatch(code)
    return f"{type(error).__name__} {code}" if is_code else type(error).__name__
