"""`[store] url`: a file of SQLite's, or a schema in a PostgreSQL, which keeps a district.

Rule: no password stands in it. Whoever connects reads it from the file that the completed URL names, or from
the environment.
"""

from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from safetyd.faults import Misfit
from safetyd.shapes import address

PASSWORD_VARIABLE = "SAFETYD_STORE__PASSWORD"  # noqa: S105 - its name
FILE_PARAMETER = "safetyd_password_file"
_FILE, _SERVER = "sqlite", "postgresql+psycopg"
_EXPECTED = "sqlite:///PATH, relative to safetyd.toml, or postgresql+psycopg://user@host:port/database"
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
    return given


def is_served(url: str) -> bool:
    """Return whether a store is in a database server, and in no file."""
    return url.startswith("postgresql")


def place_of(url: str) -> str:
    """Return how a store is called in a sentence: its file, or its server, database and schema."""
    if not is_served(url):
        return url.removeprefix(f"{_FILE}:///")
    parts = urlsplit(url)
    where = f"postgresql://{parts.hostname or 'localhost'}:{parts.port or 5432}{unquote(parts.path)}"
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
