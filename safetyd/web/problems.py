"""What goes wrong between a request and its answer, as RFC 9457 has it.

Rule: the detail is one sentence that names the thing and the mend; a `parameter` at fault stands beside it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from safetyd.wording import sound

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that is answered with a status and a sentence; `refusals` say why for which ticket."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        refusals: Mapping[str, str] = MappingProxyType({}),
        **more: object,
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = sound(detail)
        self.headers = headers
        self.refusals = refusals
        self.more = more

    def document(self) -> dict[str, Any]:
        """Return the problem as the outside sees it."""
        said = {"type": "about:blank", "title": self.status.phrase, "status": self.status.value}
        return said | {"detail": self.detail, **self.more}

    def response(self) -> Response:
        """Return the answer."""
        return JSONResponse(self.document(), self.status, self.headers, MEDIA_TYPE)


def misused(parameter: str, detail: str, status: int = 400) -> Problem:
    """Return the problem of a parameter or key that will not do."""
    return Problem(status, detail, parameter=sound(parameter))


async def http_problem(request: Request, error: Exception) -> Response:
    """Return the answer to a path or method that nobody serves."""
    assert isinstance(error, HTTPException)
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        words = f"{path!r:.200} is not asked by {request.method!r:.20}, but by {headers.get('Allow', 'GET')}"
    elif error.status_code == HTTPStatus.NOT_FOUND:
        words = f"nothing is at {path!r:.200}; what there is stands in /api/v1/openapi.json"
    else:
        words = error.detail
    return Problem(error.status_code, words, headers=headers).response()
