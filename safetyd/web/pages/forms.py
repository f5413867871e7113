"""What a form brings: its fields, and the files that go with them.

Rule: it is read to the end or refused; what is too long, too slow or too much is refused before it is kept.
"""

import anyio
from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request

from safetyd.core.attachment import MOST_A_NOTE
from safetyd.web.pages.page import Upload
from safetyd.web.problems import Problem
from safetyd.wording import sound

_WITHIN_S = 120.0  # a photo over a poor connection
_FIELDS = 300
_KINDS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CLOSE = {"Connection": "close"}


async def read_form(
    request: Request, most_bytes: int
) -> tuple[ImmutableMultiDict[str, str], tuple[Upload, ...]]:
    """Return the fields by name as they were typed, and the files that have a name.

    Raises:
        Problem: it is too long, too slow, broken, or no form.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _KINDS:
        raise Problem(415, "what was sent is no form; fill in the page and send it from there")
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        raise Problem(411, "the length of the form is not said; send it from the page", headers=_CLOSE)
    if int(length) > most_bytes:
        words = f"the form has {int(length)} bytes, files and all; at most {most_bytes} are taken"
        raise Problem(413, f"{words}: send fewer or smaller files", headers=_CLOSE)
    try:
        with anyio.fail_after(_WITHIN_S):
            async with request.form(
                max_files=MOST_A_NOTE + 1, max_fields=_FIELDS, max_part_size=most_bytes
            ) as form:
                return await _parts(form.multi_items())
    except TimeoutError:
        raise Problem(408, f"the form did not come within {_WITHIN_S:.0f} s", headers=_CLOSE) from None
    except ClientDisconnect:
        raise Problem(400, "the form did not come to its end") from None
    except (HTTPException, MultiPartException, ValueError) as error:
        words = error.detail if isinstance(error, HTTPException) else str(error)
        raise Problem(400, f"the form is broken: {words:.200}", headers=_CLOSE) from None


async def _parts(
    items: list[tuple[str, UploadFile | str]],
) -> tuple[ImmutableMultiDict[str, str], tuple[Upload, ...]]:
    fields, uploads = [], []
    for name, value in items:
        if isinstance(value, str):
            fields.append((sound(name), sound(value.replace("\r\n", "\n"))))
        elif value.filename:
            uploads.append(Upload(sound(value.filename), await value.read()))
    return ImmutableMultiDict(fields), tuple(uploads)
