"""Requests to InfluxDB, and the only door to urllib3: lines in, questions in InfluxQL out.

Rule: each call is one request that is over when it returns. It raises nothing; what comes back, or that
nothing does, is an answer in words without the secret that lets us in. Two requests are all that is wanted of
InfluxDB, so its own client, 13 MB of memory, is not.
"""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

from safetyd.history.influx.patience import Answer
from safetyd.setting_outside import Influx

_CONNECT_S, _READ_S = 10.0, 60.0
_FIRST_FAULT = 300  # of statuses: what points elsewhere is not followed
_WORDS = 300  # characters
_SHORTEST_SECRET = 4


class Door:
    """One connection, opened with the first request."""

    def __init__(self, settings: Influx) -> None:
        self._settings = settings
        self._secret = settings.authorization
        self._pool: Any = None

    def _request(self, method: str, path: str, fields: dict[str, str], more: dict[str, Any]) -> Any:
        import urllib3  # no breach waits for it

        if self._pool is None:
            ca = self._settings.ca_file
            self._pool = urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
                retries=False,
                cert_reqs="CERT_REQUIRED",
                ca_certs=str(ca) if ca else None,
            )
        headers = {"Accept": "application/json", "User-Agent": "safetyd"} | more.pop("headers", {})
        if self._secret:
            headers["Authorization"] = f"Token {self._secret.get_secret_value()}"
        url = f"{self._settings.url.rstrip('/')}{path}?{urlencode(fields)}"
        return self._pool.request(method, url, headers=headers, **more)

    def write(self, lines: list[bytes]) -> Answer:
        """Send lines, their times in nanoseconds, and return what became of them."""
        settings = self._settings
        org = settings.org or "-"  # 1.8 and VictoriaMetrics ask for none
        fields = {"org": org, "bucket": settings.bucket, "precision": "ns"}
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
        body = gzip.compress(b"\n".join(lines), 6)
        return self._asked("POST", "/api/v2/write", fields, {"headers": headers, "body": body})[0]

    def ask(self, question: str) -> tuple[Answer, Any]:
        """Return an answer, and what a question in InfluxQL found, times in microseconds; None if nothing."""
        database, _, policy = self._settings.bucket.partition("/")
        fields = {"db": database, "q": question, "epoch": "u"} | ({"rp": policy} if policy else {})
        answer, body = self._asked("GET", "/query", fields, {})
        try:
            return answer, None if body is None else json.loads(body)
        except ValueError:
            return answer, body.decode(errors="replace")

    def _asked(
        self, method: str, path: str, fields: dict[str, str], more: dict[str, Any]
    ) -> tuple[Answer, Any]:
        """Return what became of a request, and the body of what was granted."""
        try:
            response = self._request(method, path, fields, more)
        except Exception as error:
            return self._unanswered(error), None
        if response.status < _FIRST_FAULT:
            return Answer(response.status), response.data
        said = _said(response.data) or str(response.reason or "")
        return Answer(response.status, self._without_secret(said), response.headers.get("Retry-After")), None

    def close(self) -> None:
        """Let go of the connection."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _unanswered(self, error: Exception) -> Answer:
        import urllib3

        if not isinstance(error, urllib3.exceptions.SSLError):
            return Answer(None, self._without_secret(_why(error)))
        words = " ".join(f"{type(error).__name__} {error}".split())
        return Answer(None, self._without_secret(words), is_distrusted="certificate" in words.lower())

    def _without_secret(self, text: str) -> str:
        whole = self._secret.get_secret_value() if self._secret else ""
        for secret in (whole, *whole.split(":")):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "…")
        return text[:_WORDS]


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
