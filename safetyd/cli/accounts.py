"""`user add`, `list`, `remove`, `token`, `link`: who may log in, and the tokens that act for them."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from getpass import getpass
from typing import Annotated

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.loading import loaded
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.core.model import Role
from safetyd.faults import did_you_mean
from safetyd.passwords import PasswordError, hashed
from safetyd.sharding import of_accounts
from safetyd.store import accounts, sessions
from safetyd.store.accounts import AccountError, Scope
from safetyd.store.database import Connection, has_store, open_for_reading, open_for_writing
from safetyd.store.sessions import Link
from safetyd.times import rfc3339

user = typer.Typer(
    help="People who may log in, and tokens that act for them."
    '\n\nExample: safetyd user add "Ann Lee" --role administrator --building lincoln',
    no_args_is_help=True,
)
app.add_typer(user, name="user")
Name = Annotated[str, typer.Argument(metavar="NAME", help="As it is to stand on record.")]


@user.command("add")
def add_command(
    name: Name,
    role: Annotated[Role, typer.Option(help="Decides what they see and do.")],
    building: Annotated[
        list[str] | None,
        typer.Option(metavar="B", help="Only of this building; more than once. Without it, of every one."),
    ] = None,
    config: Config = None,
) -> int:
    """Let somebody log in. The password is asked for, or is the first line of standard input.

    Example: safetyd user add "Ann Lee" --role administrator --building lincoln
    """
    configuration = of_accounts(loaded(config))
    try:
        accounts.check_name(name)
    except AccountError as error:
        raise typer.BadParameter(str(error)) from error
    ids = [each.id for each in configuration.site.buildings]
    for each in building or ():
        if each not in ids:
            raise typer.BadParameter(f"no building is called {each!r}{did_you_mean(each, ids)}")
    with _writing(configuration) as connection:
        password = hashed(_password(name))
        accounts.add(connection, name, role, tuple(dict.fromkeys(building or ())), password, now())
    print(f"{name} may log in as {role}; a token for the API: safetyd user token {name!r}")
    return 0


@user.command("list")
def list_command(config: Config = None, as_json: Json = False) -> int:
    """Everybody who may log in, with the end of each of their tokens.

    Example: safetyd user list --json
    """
    with open_for_reading(of_accounts(loaded(config)).settings.store.url) as connection:
        found = accounts.everybody(connection)
    if as_json:
        shown = [
            {
                "name": each.name,
                "role": each.role.value,
                "buildings": list(each.buildings) or ["*"],
                "added_at": rfc3339(each.added_at),
                "tokens": [{"scope": scope.value, "expires_at": rfc3339(at)} for scope, at in tokens],
            }
            for each, tokens in found
        ]
        print_json({"users": shown})
        return 0
    for each, tokens in found:
        ends = [f"token to {scope} until {at:%Y-%m-%d}" for scope, at in tokens if at > now()]
        print(
            "; ".join([f"{each.name}: {each.role}, {', '.join(each.buildings) or 'every building'}", *ends])
        )
    if not found:
        print('Nobody may log in yet: safetyd user add "NAME" --role ROLE')
    return 0


@user.command("remove")
def remove_command(name: Name, config: Config = None) -> int:
    """Let somebody log in no more; their tokens end at once, and what they did stays on record.

    Example: safetyd user remove "Ann Lee"
    """
    with _writing(of_accounts(loaded(config))) as connection:
        accounts.remove(connection, name)
    print(f"{name} may log in no more.")
    return 0


@user.command("token")
def token_command(
    name: Name,
    scope: Annotated[Scope, typer.Option(help="Only to read, or to act in their name too.")] = Scope.READ,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3660, help="How long it lasts.")] = 90,
    config: Config = None,
) -> int:
    """Print a new API token and nothing else. It is shown this once; what is kept of it is a hash.

    Example: safetyd user token "Ann Lee" --scope act --days 30
    """
    with _writing(of_accounts(loaded(config))) as connection:
        print(accounts.new_token(connection, name, scope, now(), timedelta(days=days)))
    return 0


@user.command("link")
def link_command(name: Name, config: Config = None) -> int:
    """Print a link by which somebody chooses a password, once and within a day; nobody else learns it.

    Example: safetyd user link "Ann Lee"
    """
    configuration = of_accounts(loaded(config))
    with _writing(configuration) as connection:
        number = accounts.named(connection, name).number
        key = sessions.new_link(connection, Link.PASSWORD, number, now())
    print(f"{configuration.settings.web.address}/password?key={key}")
    return 0


@contextmanager
def _writing(configuration: Loaded) -> Iterator[Connection]:
    """Yield a connection to the store, made if there is none; an older one is the daemon's to bring up."""
    settings = configuration.settings
    if has_store(settings.store.url):
        open_for_reading(settings.store.url).close()
    with closing(open_for_writing(settings.store.url)) as connection:
        yield connection


def _password(name: str) -> str:
    """Return the password, typed twice at a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    password = getpass(f"Password of {name}: ")
    if getpass("Again: ") != password:
        raise PasswordError("the two are not the same; nothing has changed")
    return password
