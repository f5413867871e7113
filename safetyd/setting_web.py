"""`[web]` and `[oidc]` of safetyd.toml: where pages are, and who else says who somebody is.

Rule: who gets which role by which group stands here, and nowhere else; the first group that fits counts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr

from safetyd.core.model import Role
from safetyd.faults import Misfit, did_you_mean, one_of, shown
from safetyd.setting_shapes import listener_or_off, page_url, path, safe_url, secret
from safetyd.shapes import text

WATCH_LISTENS = "127.0.0.1:8915"
_EVERY_BUILDING = "*"
_GRANT = ("group", "role", "buildings")
ITS_BUILDING = "{building}"  # in the name of a group: the id of whichever building it is for


class Grant(NamedTuple):
    """What members of a group get; no building means every one, but where the group's name holds it."""

    group: str
    role: Role
    buildings: tuple[str, ...]

    @property
    def is_by_name(self) -> bool:
        """Whether it stands for as many groups as there are buildings, each for its own."""
        return ITS_BUILDING in self.group

    def given(self, said: Collection[str], ids: Iterable[str]) -> tuple[str, ...] | None:
        """Return the buildings (none: every one) for somebody in the groups that are said; None if it gives
        nothing. `ids` are the buildings that there are."""
        if not self.is_by_name:
            return self.buildings if self.group in said else None
        return tuple(id for id in ids if self.group.replace(ITS_BUILDING, id) in said) or None


def networks(value: object) -> tuple[str, ...]:
    """Return addresses or networks, such as 10.20.0.0/16, written as one list."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Misfit(f"{shown(value)} is no list", 'addresses or networks, such as ["10.20.0.0/16"]')
    for each in given:
        try:
            ip_network(each.strip())
        except ValueError:
            raise Misfit(f"{shown(each)} is no address", "one such as 10.20.0.5 or 10.20.0.0/16") from None
    return tuple(each.strip() for each in given)


def grants(value: object) -> tuple[Grant, ...]:
    """Return what members of which group get."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise Misfit("it is no list of tables", "[[oidc.grants]] with group, role and buildings")
    return tuple(map(_grant, value))


def _grant(given: Mapping[str, Any]) -> Grant:
    for key in given:
        if key not in _GRANT:
            raise Misfit(f"nobody knows {shown(key)}", one_of(_GRANT) + did_you_mean(key, _GRANT))
    role = given.get("role")
    if role not in list(Role):
        raise Misfit(f"{shown(role)} is no role", one_of(Role) + did_you_mean(str(role), list(Role)))
    group, buildings = given.get("group"), given.get("buildings")
    if not isinstance(group, str) or not group:
        raise Misfit(f"{shown(group)} is no group", "its name as the single sign-on says it")
    if ITS_BUILDING in group:
        if buildings is not None:
            raise Misfit(
                "it names buildings twice", f"no buildings beside {ITS_BUILDING} in the group's name"
            )
        return Grant(group, Role(role), ())
    if not isinstance(buildings, list) or not buildings or not all(isinstance(b, str) for b in buildings):
        raise Misfit(f"{shown(buildings)} are no buildings", 'their ids, or ["*"] for every one')
    return Grant(group, Role(role), () if _EVERY_BUILDING in buildings else tuple(buildings))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Web(_Section):
    """`[web]`: where it is listened (None: nowhere), and under which address people reach the pages.

    What watches from afar listens beside it where nothing is said: both may run on one machine. Of `proxies`
    it is believed for whom they ask; with a certificate it speaks TLS itself.
    """

    listen: Annotated[str | None, PlainValidator(listener_or_off)] = "127.0.0.1:8914"
    public_url: Annotated[str, PlainValidator(page_url)] | None = None
    proxies: Annotated[tuple[str, ...], PlainValidator(networks)] = ()
    cert_file: Annotated[Path, PlainValidator(path)] | None = None
    key_file: Annotated[Path, PlainValidator(path)] | None = None

    @property
    def address(self) -> str:
        """Where the pages are, as far as it is known here."""
        return self.public_url or f"http{'s' if self.cert_file else ''}://{self.listen}"


class Oidc(_Section):
    """`[oidc]`: the district's single sign-on (OpenID Connect), and who gets what there."""

    issuer: Annotated[str, PlainValidator(safe_url)]
    client_id: Annotated[str, PlainValidator(text)]
    client_secret: Annotated[SecretStr, PlainValidator(secret)] | None = None
    client_secret_file: Annotated[Path, PlainValidator(path)] | None = None
    label: Annotated[str, PlainValidator(text)] = "District login"
    groups_claim: Annotated[str, PlainValidator(text)] = "groups"
    name_claim: Annotated[str, PlainValidator(text)] = "name"
    grants: Annotated[tuple[Grant, ...], PlainValidator(grants)]


def web_at_odds(section: Web) -> Iterator[tuple[str, str, str]]:
    """Yield what does not go together: key, what stands there, what was expected."""
    if (section.cert_file is None) != (section.key_file is None):
        lacking = "cert_file" if section.cert_file is None else "key_file"
        yield lacking, "nothing stands here", "the files of both the certificate and its key"


def oidc_at_odds(section: Oidc, web: Web) -> Iterator[tuple[str, str, str]]:
    """Yield what does not go together: key, what stands there, what was expected."""
    if section.client_secret is None and section.client_secret_file is None:
        yield "client_secret_file", "nothing stands here", "the file of the secret that the district gave us"
    if web.public_url is None:
        yield "issuer", "web.public_url is not known", "public_url in [web]: people come back there"
