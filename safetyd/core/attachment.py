"""A file that goes with a person's note: a photo of a thermometer, a work order.

Rule: an attachment that exists is in order: its name is one plain file name, its content neither empty nor
too big, and its hash that of its content.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from unicodedata import category

from safetyd.core.errors import ActionError

MOST_A_NOTE = 5  # ours
MOST_BYTES = 5 * 1024 * 1024  # ours: 5 MB, a photo as a telephone takes it
MOST_CHARACTERS = 100  # ours: of a name
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, with its size in bytes and its SHA-256 as hexadecimal text."""

    name: str
    content: bytes = field(repr=False)
    size: int
    sha256: str

    @property
    def on_record(self) -> dict[str, str | int]:
        """What a line of history says of it, which binds the record to its content."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256}


def attachment(name: str, content: bytes) -> Attachment:
    """Return a file as it goes on record.

    Raises:
        ActionError: its name or its size will not do.
    """
    check_name(name)
    check_size(name, len(content))
    return Attachment(name, content, len(content), sha256(content).hexdigest())


def check_name(name: str) -> None:
    """Refuse what is not one plain file name: it comes from anywhere, and is written to a disk some day.

    Raises:
        ActionError: it will not do.
    """
    if len(name) > MOST_CHARACTERS:
        _refuse(name, f"its name has {len(name)} characters", f"at most {MOST_CHARACTERS}")
    if not name.strip():
        _refuse(name, "it has no name", f"1 to {MOST_CHARACTERS} characters")
    if name.startswith("."):  # also . and ..; a hidden one, saved at home, might be run
        _refuse(name, "its name begins with a dot", "a name that begins otherwise")
    if "/" in name or "\\" in name:
        _refuse(name, "its name is a path", "the name of the file alone, without / and \\")
    if any(category(each)[0] == "C" or category(each) in ("Zl", "Zp") for each in name):
        _refuse(name, "its name has a control character", "printable characters only")


def check_size(name: str, size: int) -> None:
    """Refuse a file of so many bytes, if it will not do.

    Raises:
        ActionError: it is empty or too big.
    """
    if size == 0:
        _refuse(name, "it is empty, 0 bytes", "a file with something in it")
    if size > MOST_BYTES:
        _refuse(name, f"it has {size} bytes", f"at most {MOST_BYTES} (5 MB): make it smaller")


def check_number(names: Sequence[str]) -> None:
    """Refuse so many files for one note.

    Raises:
        ActionError: they are too many.
    """
    if len(names) > MOST_A_NOTE:
        _refuse(names[MOST_A_NOTE], f"it is one of {len(names)} files", f"at most {MOST_A_NOTE} a note")


def _refuse(name: str, value: str, expected: str) -> None:
    shown = name if len(name) <= _SHOWN else name[:_SHOWN] + "…"
    raise ActionError(f"attach: {shown!r}: {value}; expected {expected}")
