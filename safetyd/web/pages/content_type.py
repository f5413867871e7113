"""What a file is, by what is in it: the word of whoever sent it, and its name, are not believed.

Rule: only what a person may look at without harm is named; anything else is bytes to save.
"""

UNKNOWN = "application/octet-stream"
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}


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
