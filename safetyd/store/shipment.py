"""What travels between a gateway's store and its copy at a centre: pieces up, and down what the copy holds.

Rule: a piece is made for one answer and says from where on it goes; to take it twice, late or not at all
changes nothing but how soon the copy is whole. It is small when packed, and cannot be large when unpacked.
"""

import zlib
from typing import Any, TypeVar

import msgspec

from safetyd.core.errors import SafetydError

MOST_BYTES = 8 * 1024 * 1024  # of a piece, unpacked
_LEVEL = 1  # of compression: live readings share the processor

T = TypeVar("T")


class ShipmentError(SafetydError):
    """What arrived cannot be read."""


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a copy holds: the last row of the chain, `spine` some before it by number and hash, the last
    reading and its digest; `marks` the digests of the tables of how everything stands, troubles up to
    `trouble`, of which `standing` stand; `file`, and from which byte on, is wanted; `is_halted`: no rows
    of the chain are, for one did not fit."""

    version: str
    chain: int = 0
    hash: str = ""
    spine: tuple[tuple[int, str], ...] = ()
    reading: int = 0
    line: str = ""
    marks: dict[str, str] = {}
    trouble: int = 0
    standing: tuple[int, ...] = ()
    file: tuple[str, int] | None = None
    is_halted: bool = False


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A row of the chain, with the record it is about as that stands (`carries`; None: it is gone).

    Where the record has changed since, `later` is the row that has its digest; of several rows about one
    record the last of a piece carries it.
    """

    number: int
    at: int
    kind: str
    key: str
    body: str
    hash: str
    later: int = 0
    carries: bool = False
    record: dict[str, Any] | None = None


class Chunk(msgspec.Struct, frozen=True):
    """Some bytes of a file that goes with a note, from `offset` on."""

    sha256: str
    offset: int
    size: int
    content: bytes


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """The next of a gateway's record: rows of the chain after number `base`, readings after number `after`,
    how everything stands.

    `head`, `hash` and `newest` say how far its store is, at `at`; `odds` in what it is another than the copy.
    """

    version: str
    at: int
    head: int
    hash: str
    newest: int
    odds: str = ""
    base: int = 0
    links: tuple[Link, ...] = ()
    after: int = 0
    readings: tuple[tuple[Any, ...], ...] = ()
    tables: dict[str, list[dict[str, Any]]] = {}
    troubles: tuple[dict[str, Any], ...] = ()
    file: Chunk | None = None

    @property
    def is_full(self) -> bool:
        """Whether it brings anything but how everything stands."""
        return bool(self.links or self.readings or self.file)

    @property
    def is_far(self) -> bool:
        """Whether there was more to bring than it holds."""
        last = self.readings[-1][0] if self.readings else self.after
        is_behind = bool(self.links) and self.links[-1].number < self.head
        return is_behind or (bool(self.readings) and last < self.newest) or self.file is not None


class Bid(msgspec.Struct, frozen=True):
    """A command for a gateway, by the key that it is known by, however often it arrives."""

    key: str
    command: dict[str, Any]


class Answered(msgspec.Struct, frozen=True):
    """What became of a command, in the words of the inbox."""

    key: str
    answer: str


_PIECES = msgspec.msgpack.Decoder(Piece)
_HELD, _BIDS, _ANSWERS = msgspec.json.Decoder(Held), msgspec.json.Decoder(Bid), msgspec.json.Decoder(Answered)


def packed(piece: Piece) -> bytes:
    """Return a piece as it travels."""
    return zlib.compress(msgspec.msgpack.encode(piece), _LEVEL)


def unpacked(payload: bytes) -> Piece:
    """Return a piece that has arrived.

    Raises:
        ShipmentError: it cannot be read.
    """
    opened = zlib.decompressobj()
    try:
        content = opened.decompress(payload, MOST_BYTES)
        if opened.unconsumed_tail or not opened.eof:
            raise ShipmentError(f"a piece has more than {MOST_BYTES} bytes, or its end is missing")
        return _PIECES.decode(content)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ShipmentError(f"a piece cannot be read: {error}") from error


def written(said: Held | Bid | Answered) -> bytes:
    """Return what is said beside pieces as it travels."""
    return msgspec.json.encode(said)


def read_held(payload: bytes) -> Held:
    """Return what a copy says that it holds.

    Raises:
        ShipmentError: it cannot be read.
    """
    return _read(_HELD, payload)


def read_bid(payload: bytes) -> Bid:
    """Return a command of a centre.

    Raises:
        ShipmentError: it cannot be read.
    """
    return _read(_BIDS, payload)


def read_answer(payload: bytes) -> Answered:
    """Return the answer to a command.

    Raises:
        ShipmentError: it cannot be read.
    """
    return _read(_ANSWERS, payload)


def _read(decoder: "msgspec.json.Decoder[T]", payload: bytes) -> T:
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ShipmentError(f"cannot be read: {error}") from error
