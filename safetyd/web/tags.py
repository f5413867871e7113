"""The name of an answer, by which whoever has it asks whether there is another.

Rule: equal bytes have one name and others another, whoever asks. What is kept elsewhere is asked about again
each time, for how rooms stand is news.
"""

import re
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

_DIGITS = 32
_KEPT = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}


def tagged(request: Request, response: Response) -> Response:
    """Return an answer with its ETag; or that it is the one that whoever asks has already."""
    if response.status_code != 200:
        return response
    tag = f'"{sha256(response.body).hexdigest()[:_DIGITS]}"'
    response.headers.update({**_KEPT, "ETag": tag})
    if not _is_known(request, tag):
        return response
    kept = {k: v for k, v in response.headers.items() if k not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)


def _is_known(request: Request, tag: str) -> bool:
    given = ",".join(request.headers.getlist("if-none-match"))
    return given.strip() == "*" or tag in re.findall('"[^"]*"', given)
