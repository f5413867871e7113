"""Makes hostile messages out of ordinary ones: their bytes, their JSON, their metrics, their topics changed.

Rule: chance comes from the generator that is given and from nowhere else, so that a number names a message.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from safetyd.ingest.sparkplug_message import message_class
from safetyd.profile import SPARKPLUG
from tests.fuzz.seeds import Seed
from tests.fuzz.target import Case

_UNITS = ("C", "F", "°C", "°F", "degC", "celsius", "Fahrenheit", "K", "%", "V", "mV", "", "℃", "\u212a")
_NUMBERS = (
    0, -0.0, 0.5, 1, -1, -10.01, -11, -40, 21.5, 60.01, 61, 70, 85.0, 100, 100.5, 102, 102.1, 130, 140.01,
    -127, 127.99, 327.67, 999, -99.5, 185, 1e10, -1e300, 1.7976931348623157e308, 5e-324, 2**53 + 1, -(2**63),
    2**64, 1796140800, 1796141000, 1796144400000, 4102444800, 1e18, -62135596801,
)  # fmt: skip
_TEXTS = (
    "", " ", "-", "nan", "NaN", "inf", "-Infinity", "None", "null", "NULL", "UNDEF", "unavailable", "unknown",
    "true", "ON", "off", "OL", "OB DISCHRG", "OL OB", "COMMLOST", "online", "offline", "Online", "lost",
    "21,5", "21.5 °C", "70 F", "45%", "0x10", "1_000", "٢١", "１２", "1e999", "-1e-999", "1e", ".5", "5.",
    "+-3", "21.5\x00", "\ud800", "\udfff", "é\u0301", "\ufeff21", "21.5 \u212a", "232.0 Volts",
    "9" * 400, "9" * 5000,
    "2026-12-01T17:30:00Z", "2026-12-01 16:00:00", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-14:00", "9999-12-31 23:59:59", "0001-01-01 00:00:00",
    "2018.02.01 10:00:00", "2026-11-01T01:30:00", "2026-12-01", "20261201T160000Z", "2026-W49-2",
    "0201061BFF99040510874588C3500004FFFC040C9FB64200CDCB8834AA01FF", "0201061BFF990405", "FF", "02",
)  # fmt: skip
_RAW = (
    b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"false", b"[]", b"{}", b"[21.5]",
    b'{"value": 21.5}', b"1e400", b"-1e400", b"1E-400", b"-", b"01", b"1.", b".5", b"+1", b"0x1F", b"'a'",
    b'"\\ud800"', b'"\\u0000"', b'"\\x"', b"\xff", b"\xef\xbb\xbf", b"\x00", b"9" * 400, b"9" * 4301,
    b"1" + b"0" * 308, b"0." + b"0" * 400 + b"1",
)  # fmt: skip
_DEPTHS = (3, 30, 64, 300, 900, 970, 990, 5000)
_KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "STATE", "NCMD")
_TWIN = "<<twin>>"  # behind a key: it is written a second time


class Mutator:
    """Makes cases out of seeds."""

    def __init__(self, seeds: list[Seed], random: Random) -> None:
        self.seeds = seeds
        self.random = random
        self.raw: list[bytes] = []
        self.keys = sorted({key for seed in seeds for key in _keys_of(_document(seed.case.payload))})
        self.levels = sorted({level for seed in seeds for level in seed.case.topic.split("/")})

    def case(self) -> Case:
        """Return one message, seldom as its seed was."""
        random = self.random
        seed = random.choice(self.seeds)
        case = seed.case._replace(way=random.choice(seed.ways) if random.random() < 0.4 else seed.case.way)
        if random.random() < 0.05:
            case = case._replace(retain=not case.retain)
        if random.random() < 0.07:
            case = case._replace(topic=self.topic(case))
        return case._replace(payload=self.payload(case))

    def payload(self, case: Case) -> bytes:
        """Return the payload of a case, changed once or several times."""
        random = self.random
        payload = case.payload
        for _ in range(1 + int(random.expovariate(1.5))):
            if case.way.format == SPARKPLUG and random.random() < 0.6:
                payload = self._metrics(payload)
            elif random.random() < 0.7:
                payload = self._json(payload)
            else:
                payload = self._bytes(payload)
        return payload

    def topic(self, case: Case) -> str:
        """Return a topic that resembles that of a case, or another's."""
        random = self.random
        levels = case.topic.split("/")
        at = random.randrange(len(levels))
        match random.randrange(6):
            case 0:
                return random.choice(self.seeds).case.topic
            case 1:
                levels[at] = random.choice(self.levels)
            case 2:
                levels.insert(at, random.choice(self.levels))
            case 3:
                del levels[at]
            case 4:
                levels[at] = random.choice(("", "+", "#", "$SYS", "\ud83d\ude00", "٣", "0", "x" * 300))
            case 5:
                levels[min(2, len(levels) - 1)] = random.choice(_KINDS)
        return "/".join(levels)

    def value(self) -> Any:
        """Return something to stand where a value stood."""
        random = self.random
        match random.randrange(8):
            case 0:
                return self._as_it_is(random.choice(_RAW))
            case 1:
                return random.choice(_TEXTS)
            case 2:
                return self._as_it_is(self._deep()) if random.random() < 0.2 else [random.choice(_NUMBERS)]
            case 3:
                return random.choice(_UNITS)
            case 4:
                return f"{random.choice(_NUMBERS)}{random.choice(('', ' '))}{random.choice(_UNITS)}"
            case 5:
                return round(random.gauss(20, 40), random.randrange(4))
            case _:
                return random.choice(_NUMBERS)

    def key(self) -> str:
        """Return a key: one that some device uses, or any text."""
        return self.random.choice(self.keys if self.random.random() < 0.6 else _TEXTS)

    def _as_it_is(self, token: bytes) -> str:
        self.raw.append(token)
        return f"<<raw {len(self.raw) - 1}>>"

    def _deep(self) -> bytes:
        random = self.random
        depth = random.choice(_DEPTHS) + random.randrange(-20, 20)
        head, tail = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return head * depth + b"1" + tail * (depth if random.random() < 0.9 else depth - 1)

    def _json(self, payload: bytes) -> bytes:
        document = _document(payload)
        self.raw.clear()
        slots = list(_slots(document))
        if not slots:
            document = (
                self.value() if self.random.random() < 0.9 else {self.random.choice(self.keys): document}
            )
        else:
            self._edit(document, slots)
        try:
            text = json.dumps(document, ensure_ascii=self.random.random() < 0.5)
        except RecursionError:
            return payload
        if isinstance(document, str) and self.random.random() < 0.8:
            text = document if not document.startswith("<<raw ") else text
        made = text.replace(_TWIN, "").encode("utf-8", "surrogatepass")
        for number, token in enumerate(self.raw):
            made = made.replace(b'"<<raw %d>>"' % number, token)
        return made

    def _edit(self, document: Any, slots: list[tuple[Any, Any]]) -> None:
        """Change a document in place."""
        random = self.random
        container, key = random.choice(slots)
        match random.randrange(12):
            case 0 | 1 | 2 | 3:
                container[key] = self.value()
            case 4:
                other, at = random.choice(slots)
                container[key], other[at] = other[at], container[key]
            case 5:
                container[key] = random.choice(
                    ([container[key]], {"value": container[key]}, str(container[key]))
                )
            case 6 if isinstance(container, dict):
                container[f"{key}{_TWIN}"] = self.value()
            case 7 if isinstance(container, dict):
                container[self.key()] = container.pop(key)
            case 10 | 11 if isinstance(container, dict):
                container[self.key()] = container[key]
            case 8 if isinstance(document, dict):
                document[self.key()] = self.value()
            case _:
                units = [slot for slot in slots if slot[0][slot[1]] in _UNITS[:-2]]
                container, key = random.choice(units or slots)
                if units:
                    container[key] = random.choice(_UNITS)
                else:
                    del container[key]

    def _metrics(self, payload: bytes) -> bytes:
        """Change one metric of a node's message."""
        random = self.random
        try:
            message = message_class().FromString(payload)
            metric = random.choice(message.metrics)
        except Exception:  # of another kind, or without metrics
            return self._bytes(payload)
        match random.randrange(9):
            case 0:
                metric.float_value = random.choice((float("nan"), float("inf"), -1e30, 21.5, 999.0))
            case 1:
                metric.double_value = random.choice((float("nan"), float("-inf"), 1e300, 0.0, 85.0))
            case 2:
                metric.int_value = random.choice((0, 1, 2**31, 2**32 - 1))
                metric.datatype = random.randrange(20)
            case 3:
                metric.string_value = random.choice(_TEXTS).encode("utf-8", "surrogatepass")
            case 4:
                metric.boolean_value = True
            case 5:
                metric.alias = random.choice((0, 7, 8, 2**63))
                metric.ClearField("name")
            case 6:
                metric.timestamp = random.choice((0, 1, 2**63, 2**64 - 1))
            case 7:
                metric.is_null, metric.is_historical = random.random() < 0.5, random.random() < 0.5
            case 8:
                metric.properties.keys.append(random.choice((b"engUnit", b"Quality", b"\xff")))
                metric.properties.values.add(string_value=random.choice(_TEXTS).encode("utf-8", "replace"))
        return message.SerializeToString()

    def _bytes(self, payload: bytes) -> bytes:
        random = self.random
        made = bytearray(payload)
        begin, end = sorted(random.randrange(len(made) + 1) for _ in range(2))
        match random.randrange(7):
            case 0:
                for _ in range(random.randrange(1, 5)):
                    if made:
                        made[random.randrange(len(made))] ^= 1 << random.randrange(8)
            case 1:
                made[begin:end] = b""
            case 2:
                del made[begin:]
            case 3:
                made[begin:begin] = made[begin:end] * random.randrange(1, 4)
            case 4:
                other = random.choice(self.seeds).case.payload
                made[begin:] = other[random.randrange(len(other) + 1) :]
            case 5:
                made[begin:end] = random.choice(_RAW)
            case 6:
                made[begin:end] = random.choice(_TEXTS).encode("utf-8", "surrogatepass")
        return bytes(made[:20_000])


def _document(payload: bytes) -> Any:
    """A fresh copy of the JSON that a payload is; None for none."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def _slots(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document where a value stands."""
    waiting = [document]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict | list):
            keys = container if isinstance(container, dict) else range(len(container))
            for key in keys:
                yield container, key
                waiting.append(container[key])


def _keys_of(document: Any) -> Iterator[str]:
    return (key for container, key in _slots(document) if isinstance(container, dict))
