"""A file as it is sent: to be saved, never shown inside a page of ours, and without names that are not for
who asks.

Rule: its name is veiled like any word; what somebody attached is kept back whole where it holds such a name,
as an evidence packet does.
"""

from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from safetyd.naming import holds_name, veiled
from safetyd.web.packets import Parcel
from safetyd.web.pages.page import Download
from safetyd.web.problems import Problem

_POLICY = "default-src 'none'; sandbox"


def sent(file: Download | Parcel, hidden: frozenset[str], status: HTTPStatus) -> Response:
    """Return the answer that is the file.

    Raises:
        Problem: it was attached, and holds the name of somebody who reported.
    """
    name = veiled(file.name, hidden)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": _POLICY,
    }
    if isinstance(file, Parcel):
        return StreamingResponse(
            file.pieces(), status, {**headers, "Content-Length": str(file.size)}, file.media_type
        )
    if file.is_attached and holds_name(file.content.decode("utf-8", "replace"), hidden):
        words = f"{name}: the name of somebody who reported stands in it; ask who may see such names"
        raise Problem(403, words)
    return Response(file.content, status, headers, file.media_type)
