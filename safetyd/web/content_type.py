"""What a file is, by what is in it: the word of whoever sent it, and its name, are not believed.

Rule: only what a person may look at without harm is named; anything else is bytes to save, and does not come
in under the name of a picture or a PDF.
"""

from pathlib import PurePath

from safetyd.core.attachment import Attachment
from safetyd.core.errors import ActionError

UNKNOWN = "application/octet-stream"
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}
_PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp")


def check_kind(file: Attachment) -> None:
    """Refuse a file whose name promises what its content is not; a picture of another kind is one too.

    Raises:
        ActionError: it is no picture, or no PDF, though called one.
    """
    ending, kind = PurePath(file.name).suffix.lower(), content_type(file.content)
    if ending in _PICTURES and not kind.startswith("image/"):
        _refuse(file.name, ending, "picture")
    if ending == ".pdf" and kind != "application/pdf":
        _refuse(file.name, ending, "PDF")


def _refuse(name: str, ending: str, promised: str) -> None:
    raise ActionError(
        f"attach: {name!r}: its name ends in {ending} and its content is no {promised};"
        " expected a name that goes with what is in it"
    )


def content_type(content: bytes) -> str:
    """Return the media type of a file's content."""
    for beginning, kind in _BEGINNINGS:
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], UNKNOWN)
    return UNKNOWN
