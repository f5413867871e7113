"""Requests to InfluxDB, and the only door to influxdb-client: lines in, questions in InfluxQL out.

Rule: each call is one request that is over when it returns. It raises nothing; what comes back, or that
nothing does, is an answer in words without the secret that lets us in.
"""

import gzip
import json
from typing import Any, NamedTuple

from safetyd.frugal import unopened
from safetyd.history.influx.patience import Answer
from safetyd.setting_outside import Influx

CONNECT_MS, READ_MS = 10_000, 60_000
_WORDS = 300  # characters
_SHORTEST_SECRET = 4


class Door:
    """One connection, opened with the first request."""

    def __init__(self, settings: Influx) -> None:
        self._settings = settings
        self._secret = settings.authorization
        self._client: Any = None
        self._writing: Any = None

    def _open(self) -> Any:
        if self._client is None:
            of_library, settings, secret = _parts(), self._settings, self._secret
            how = of_library.configuration()
            how.host = settings.url.rstrip("/")
            how.timeout = (CONNECT_MS, READ_MS)
            how.ssl_ca_cert = str(settings.ca_file) if settings.ca_file else None
            token = f"Token {secret.get_secret_value()}" if secret else None
            self._client = of_library.client(how, "Authorization" if token else None, token)
            self._writing = of_library.writing(self._client)
        return self._client

    def write(self, lines: list[bytes]) -> Answer:
        """Send lines, their times in nanoseconds, and return what became of them."""
        try:
            self._open()
            self._writing.post_write(
                org=self._settings.org or "-",  # 1.8 and VictoriaMetrics ask for none
                bucket=self._settings.bucket,
                body=gzip.compress(b"\n".join(lines)),
                content_encoding="gzip",
                precision="ns",
            )
        except Exception as error:
            return self._answer(error)
        return Answer(204)

    def ask(self, question: str) -> tuple[Answer, Any]:
        """Return an answer, and what a question in InfluxQL found, times in microseconds; None if nothing."""
        database, _, policy = self._settings.bucket.partition("/")
        asked = {"db": database, "q": question, "epoch": "u"} | ({"rp": policy} if policy else {})
        try:
            found = self._open().call_api(
                "/query",
                "GET",
                query_params=asked,
                header_params={"Accept": "application/json"},
                auth_settings=[],
                response_type="object",
                _return_http_data_only=True,
            )
        except Exception as error:
            return self._answer(error), None
        return Answer(200), found

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.rest_client.pool_manager.clear()
            self._client = self._writing = None

    def _answer(self, error: Exception) -> Answer:
        from influxdb_client.rest import ApiException

        if not isinstance(error, ApiException):
            return Answer(None, self._without_secret(_why(error)))
        if not error.status:  # TLS failed before there was an answer
            words = " ".join(str(error.reason or "").split())
            return Answer(None, self._without_secret(words), is_distrusted="certificate" in words.lower())
        wish = error.headers.get("Retry-After") if error.headers else None
        said = _said(error.body) or str(error.reason or "")
        return Answer(error.status, self._without_secret(said), wish)

    def _without_secret(self, text: str) -> str:
        whole = self._secret.get_secret_value() if self._secret else ""
        for secret in (whole, *whole.split(":")):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "…")
        return text[:_WORDS]


class _Parts(NamedTuple):
    """What we use of the library; it has no types."""

    configuration: Any
    client: Any
    writing: Any


def _parts() -> _Parts:
    """Load them, and not all that an InfluxDB can be asked: what InfluxDBClient brings along is 12 MB."""
    for part in ("", ".client", ".domain", ".service"):
        unopened(f"influxdb_client{part}")
    from influxdb_client._sync.api_client import ApiClient
    from influxdb_client.configuration import Configuration
    from influxdb_client.service.write_service import WriteService

    return _Parts(Configuration, ApiClient, WriteService)


def _why(error: Exception) -> str:
    """Why nobody answered: the innermost reason, without the names of Python's objects in it."""
    reason: Any = error
    while isinstance(getattr(reason, "reason", None), Exception):
        reason = reason.reason
    text = str(reason.args[-1] if getattr(reason, "args", ()) else reason)
    return text.rpartition(">: ")[2].rpartition("): ")[2] or type(error).__name__


def _said(body: object) -> str:
    """The words in a body: InfluxDB's JSON has them as `message` (2.x), `error` (1.x, 3.x)."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if isinstance(told, dict):
        text = str(told.get("message") or told.get("error") or text)
    return " ".join(text.split())
