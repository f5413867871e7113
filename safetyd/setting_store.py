"""`[store] url`: a file of SQLite's, or a schema in a PostgreSQL, which keeps a district.

Rule: no password stands in it. Whoever connects reads it from the file that the completed URL names, or from
the environment.
"""

import re
from itertools import zip_longest
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlsplit

from safetyd.faults import Misfit
from safetyd.shapes import address

PASSWORD_VARIABLE = "SAFETYD_STORE__PASSWORD"  # noqa: S105 - its name
FILE_PARAMETER = "safetyd_password_file"
_FILE, _SERVER = "sqlite", "postgresql+psycopg"
_EXPECTED = "sqlite:///PATH, relative to safetyd.toml, or postgresql+psycopg://user@host:port/database"
_SEVERAL = (
    "postgresql+psycopg://user@/database?host=first:5432&host=second:5432&target_session_attrs=read-write"
)
_WRITTEN_TO = ("read-write", "primary")
_PORT, _MOST_PORT = 5432, 65535
_SEARCH_PATH = "search_path="


def store_url(value: object) -> str:
    """Return `sqlite:///` and a path, or the address of a database without a password."""
    given = address(value)
    scheme, _, rest = given.partition("://")
    if scheme == _SERVER:
        return _server(given)
    if scheme != _FILE:
        raise Misfit(f"{scheme} is not in this release", _EXPECTED)
    if not rest.startswith("/") or rest.strip("/") in {"", ":memory:"} or "?" in rest or rest.endswith("/"):
        raise Misfit("this address names no file", _EXPECTED)
    return given


def _server(given: str) -> str:
    if "," in urlsplit(given).netloc.rpartition("@")[2]:
        raise Misfit("several hosts do not stand before the database", _SEVERAL)
    try:
        parts = urlsplit(given)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        raise Misfit("this address names no port that there is", _EXPECTED) from None
    if parts.password is not None or "password" in dict(parse_qsl(parts.query)):
        mend = f"password_file beside it, or {PASSWORD_VARIABLE} in the environment"
        raise Misfit("a password does not stand in an address (it is not shown)", mend)
    if not has_port or not parts.path.strip("/") or "/" in parts.path.strip("/"):
        raise Misfit("this address names no database", _EXPECTED)
    if "host" in parse_qs(parts.query):
        _hosts_behind(given)
    return given


def _hosts_behind(given: str) -> None:
    """Refuse hosts behind the question mark that libpq would not be told of as they are meant."""
    parts, hosts = urlsplit(given), hosts_of(given)
    query = parse_qs(parts.query)
    if parts.netloc.rpartition("@")[2]:
        raise Misfit("hosts stand before the database and behind it", _SEVERAL)
    names, ports = ",".join(query["host"]).split(","), ",".join(query.get("port", [])).split(",")
    is_mixed = any("[" in each for each in query["host"]) or (len(query["host"]) > 1 and "port" in query)
    is_mixed |= "port" in query and len(ports) != len(names)  # SQLAlchemy counts
    is_mixed |= len(query["host"]) == 1 < len(names) and any(each.count(":") == 1 for each in names)
    is_mixed |= any(int(each.rpartition(":")[2] or 0) > _MOST_PORT for each in hosts if each[-1:].isdecimal())
    if is_mixed or not all(re.fullmatch(r"(/[^\s:]*|[\w.-]+|\[[\w:.]+\]):\d{1,5}", each) for each in hosts):
        raise Misfit("this address names hosts that there cannot be", _SEVERAL)
    if len(hosts) > 1 and query.get("target_session_attrs", _WRITTEN_TO)[-1] not in _WRITTEN_TO:
        raise Misfit("target_session_attrs lets us in where nothing can be written", _SEVERAL)


def hosts_of(url: str) -> list[str]:
    """Return the places of a server and of those that may stand in for it, each as `host:port`."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    hosts = query.get("host", [])
    if not hosts:
        return [f"{parts.hostname or 'localhost'}:{parts.port or _PORT}"]
    ports = query.get("port", [""])[-1].split(",")
    if len(hosts) == 1 and ("," in hosts[0] or ports != [""]):  # as libpq itself has them
        hosts = hosts[0].split(",")
        ports *= len(hosts) if len(ports) == 1 else 1
        named = [f"[{each}]" if ":" in each else each for each in hosts]
        return [f"{host}:{port or _PORT}" for host, port in zip_longest(named, ports, fillvalue="?")]
    return [each if ":" in each else f"{each}:{_PORT}" for each in hosts]


def is_served(url: str) -> bool:
    """Return whether a store is in a database server, and in no file."""
    return url.startswith("postgresql")


def place_of(url: str) -> str:
    """Return how a store is called in a sentence: its file, or its server, database and schema."""
    if not is_served(url):
        return url.removeprefix(f"{_FILE}:///")
    parts = urlsplit(url)
    where = f"postgresql://{','.join(hosts_of(url))}{unquote(parts.path)}"
    options = dict(parse_qsl(parts.query)).get("options", "")
    schema = options.partition(_SEARCH_PATH)[2].split(" ")[0].split(",")[0]
    return f"{where} (schema {schema})" if schema else where


def completed(url: str, folder: Path, password_file: Path | None) -> str:
    """Return the URL with an absolute path, or with where its password is."""
    if not is_served(url):
        return f"{_FILE}:///{folder.absolute() / place_of(url)}"
    if password_file is None:
        return url
    more = urlencode({FILE_PARAMETER: str(password_file)}, quote_via=quote)
    return f"{url}{'&' if '?' in url else '?'}{more}"
