#!/usr/bin/env python3
"""Checks an evidence packet of safetyd, without safetyd: python3 verify.py [FILE.zip | FOLDER] [--head HASH].

Rule: nothing is believed that can be worked out again, and nothing but Python's own library (3.8 or later) is
needed. It ends with 0 if all is sound, with 1 if anything is not, with 2 if there is no packet.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

FORMAT, MANIFEST, WRITTEN_AT = 1, "manifest.json", (1980, 1, 1, 0, 0, 0)
HISTORY = ["at", "event", "by", "note", "hash"]
NOTICES, DELIVERIES = ["at", "reason", "title", "text"], ["person", "state", "attempts"]
READINGS = ["number", "sensor", "quantity", "observed_at", "received_at", "value", "unit", "mark", "reason"]
READINGS += ["stamp", "device_skew", "gateway_skew", "frame", "sensor_number"]  # all that a digest is made of
MARKS = ["accepted", "suspect", "rejected", "retained", "doubted"]
QUANTITIES = [("", ""), ("temperature", "degF"), ("temperature", "degC"), ("humidity", "%"), ("mains", "on")]
QUANTITIES += [("voltage", "V"), ("power", "W"), ("battery", "%"), ("battery", "V"), ("battery", "ok")]
QUANTITIES += [("energy", "kWh")]
FAULT, NOTE, HOLDS, NEWER = "", "note: ", "sound: ", "made by a newer version"
NO_MANIFEST = f"{MANIFEST} is missing or cannot be read"
ZIPPED_AGAIN = "zipped again since it was made; that changes no part"
_LEFT_BEHIND = (".DS_Store", "._", "Thumbs.db", "desktop.ini")  # how the names begin of what computers add
_HELD = (MANIFEST, "ticket.json", "records.jsonl", "chain.jsonl")  # what the others are held against
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_HEADER, _LOCAL = b"PK\x03\x04", struct.Struct("<4s5H3L2H")  # what stands before a part in an archive
_DAMAGED = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, StopIteration)
_DAMAGED += (zipfile.BadZipFile, zlib.error)  # type: ignore[assignment]


class NoPacket(Exception):
    """There is nothing that could be checked."""


def canonical(value: object) -> str:
    """Return a value as canonical JSON: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, hexadecimal."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def manifest_text(manifest: dict[str, Any]) -> str:
    """Return a manifest as it is written; its own hash is of all that it says beside it."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    whole = dict(said, sha256=digest(canonical(said)))
    return json.dumps(whole, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def micros(text: str) -> int:
    """Return the microseconds of a moment as it stands in a table."""
    at, _, decimals = text.rstrip("Z").partition(".")
    return (datetime.fromisoformat(at) - _EPOCH) // _MICROSECOND + int(decimals.ljust(6, "0"))


def safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula, and that can be told back."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def tables(told: dict[str, Any]) -> dict[str, str]:
    """Return the tables that are made of ticket.json alone: a row is a line of the history, or a delivery."""
    heads = [*NOTICES, "roles", "to", *DELIVERIES, "done_at", "answer"]
    made, notices, lines = {}, [heads], [[*HISTORY, "detail"]]
    for each in told["notices"]:
        about = [*(each[name] for name in NOTICES), " ".join(each["roles"]), ", ".join(each["to"])]
        notices += [about + [one.get(name) for name in heads[6:]] for one in each["deliveries"] or [{}]]
    lines += [[each[name] for name in lines[0]] for each in map(_detailed, told["ticket"]["history"])]
    for name, rows in (("history.csv", lines), ("notices.csv", notices)):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([safe(each) for each in row] for row in rows)
        made[name] = text.getvalue()
    return made


def _detailed(line: dict[str, Any]) -> dict[str, Any]:
    return dict(line, detail=canonical({name: line[name] for name in line if name not in HISTORY}))


def stored(row: list[str]) -> list[Any]:
    """Return a row of readings.csv as it is stored: the list of which its digest is made."""
    texts = [text[1:] if text.startswith("'") else text for text in row[:14]]
    id, _, what, at, came, value, unit, mark, why, stamp, device, gateway, frame, sensor = texts
    told: list[Any] = [int(id), int(sensor), QUANTITIES.index((what, unit)), micros(at)]
    told += [micros(came) - micros(at), float(value), MARKS.index(mark), why or None, stamp or None]
    return told + [int(each) if each else None for each in (device, gateway)] + [frame or None]


class _Opened(NamedTuple):
    """What stands in an archive or a folder."""

    files: list[tuple[str, Any]]  # a name, and what opens it; in the order in which they stand
    found: list[tuple[str, str]]
    cut: set[str]


def verify(path: str, head: str | None = None) -> list[tuple[str, str]]:
    """Return what is found of a packet, or raise NoPacket; `head` is HASH or HASH@NUMBER, as it was given."""
    files, found, cut = _laid_open(path, _folder(path) if os.path.isdir(path) else _archive(path))
    times, parts = Counter(name for name, _ in files), dict(files)
    found += [(FAULT, f"{name} is there {count} times") for name, count in times.items() if count > 1]
    try:
        text = "".join(_lines(parts, MANIFEST))
        manifest = json.loads(text)
        listed = {each["name"]: (each["size"], each["sha256"]) for each in manifest["parts"]}
        number = int(manifest["format"])
    except _DAMAGED as error:
        whole = {each for each in parts if each not in cut and _hashed(parts, each)[0] >= 0}
        if whole.isdisjoint(_HELD[1:]):
            raise NoPacket(f"{path}: {NO_MANIFEST}: nothing can be checked") from error
        found.append((FAULT, f"{NO_MANIFEST}: no hash says what each part was"))
        found += [(FAULT, f"cut: {name}") for name in parts if name not in (*whole, MANIFEST)]
        return found + list(_Packet(parts, {}, whole).check(head))
    if text != manifest_text(manifest):
        found.append((FAULT, f"altered: {MANIFEST} is not what it was when it was written"))
    made = {name: _hashed(parts, name) for name in listed}
    whole = {name for name in listed if made[name] == listed[name]}
    for name in (each for each in listed if each not in whole):
        how = "cut" if 0 <= made[name][0] < listed[name][0] else "altered"
        found.append((FAULT, f"{how if name in parts else 'missing'}: {name}"))
    for name in sorted(set(parts) - set(listed) - {MANIFEST}):
        kind = NOTE if name.rpartition("/")[2].startswith(_LEFT_BEHIND) else FAULT
        found.append((kind, f"extra: {name}, of which the manifest says nothing"))
    order = [each for each in (MANIFEST, *listed) if each in parts]
    if not os.path.isdir(path) and sorted(order, key=[*parts].index) != order:
        found.append((NOTE, "put together in another order; that changes no part"))
    found.append((HOLDS, f"{len(whole)} of {len(listed)} parts are as the manifest has them"))
    if number > FORMAT:
        newer = f"{NEWER}, in format {number}: only the hashes of its parts were checked"
        return [*found, (FAULT, f"{newer} (this file knows format {FORMAT})")]
    return found + list(_Packet(parts, manifest, whole).check(head))


def _folder(path: str) -> _Opened:
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    named = ((os.path.relpath(each, path).replace(os.sep, "/"), each) for each in paths)
    return _Opened([(name, partial(open, each, "rb")) for name, each in named], [], set())


def _laid_open(path: str, opened: _Opened) -> _Opened:
    """Return a packet without the folder that stands around it, if one does."""
    around = {where for where, _, name in (each.rpartition("/") for each, _ in opened.files) if name in _HELD}
    top = min(around, key=len, default="")
    if not top:
        return opened
    if any(not f"{each}/".startswith(f"{top}/") for each in around):
        raise NoPacket(f"{path}: holds more than one packet ({', '.join(sorted(around))}): name one of them")
    inside = {name: name[len(top) + 1 :] for name, _ in opened.files if name.startswith(f"{top}/")}
    files = [(inside.get(name, name), opens) for name, opens in opened.files]
    said = (NOTE, f"the folder {top} stands around it; that changes no part")
    return _Opened(files, [*opened.found, said], {inside.get(name, name) for name in opened.cut})


def _archive(path: str) -> _Opened:
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        raise NoPacket(f"{path}: {error.strerror or error}") from error
    except _DAMAGED:
        return _salvaged(path, "cut: the end of the archive is missing or damaged")
    infos = [each for each in archive.infolist() if not each.is_dir()]
    files = [(each.filename, partial(archive.open, each)) for each in infos]
    if any(_hashed(dict(files), name)[0] < 0 for name, _ in files if name.rpartition("/")[2] == MANIFEST):
        return _salvaged(path, "damaged: a piece of the archive is missing, or another")
    again = any(each.compress_type or each.date_time != WRITTEN_AT for each in infos)
    return _Opened(files, [(NOTE, ZIPPED_AGAIN)] if again else [], set())


def _salvaged(path: str, how: str) -> _Opened:
    """Return what is left in an archive whose list of parts is no help: each part has a header of its own."""
    with open(path, "rb") as file:
        content = file.read()
    files, cut, again, at = [], set(), False, content.find(_HEADER)
    while 0 <= at <= len(content) - _LOCAL.size:
        _, _, _, method, time, date, crc, size, _, length, extra = _LOCAL.unpack_from(content, at)
        name = content[at + _LOCAL.size :][:length].decode("utf-8", "replace")
        begin = at + _LOCAL.size + length + extra
        part, end = (_inflated if method else _copied)(content, begin, size)
        sums = [content[where : where + 4] for where in (end, end + 4)]  # by who wrote without looking back
        is_whole = struct.pack("<L", zlib.crc32(part)) in (struct.pack("<L", crc), *sums)
        at = content.find(_HEADER, end if is_whole else begin)
        again = again or bool(method) or (time, date) != (0, 33)  # as WRITTEN_AT stands in an archive
        if not name.endswith("/"):
            files.append((name, partial(io.BytesIO, part)))
            cut |= set() if is_whole else {name}
    if not files:
        raise NoPacket(f"{path}: is no zip archive, and no folder")
    found = [(FAULT, f"{how}; of its files {len(files) - len(cut)} are left whole")]
    return _Opened(files, [*found, (NOTE, ZIPPED_AGAIN)] if again else found, cut)


def _copied(content: bytes, begin: int, size: int) -> tuple[bytes, int]:
    """Return a part that is not compressed, as far as it is there, and where it ends."""
    part, end = content[begin : begin + size], begin + size
    if end < len(content) and content[end : end + 2] != _HEADER[:2]:
        part = part.partition(_HEADER)[0]  # a piece of it is missing, and the next part begins within
    return part, end


def _inflated(content: bytes, begin: int, _: int) -> tuple[bytes, int]:
    inflating, part = zlib.decompressobj(-zlib.MAX_WBITS), b""
    try:
        part = inflating.decompress(content[begin:])
    except zlib.error:
        return b"", begin
    return part, len(content) - len(inflating.unused_data)


def _lines(parts: dict[str, Any], name: str) -> Iterator[str]:
    with parts[name]() as file:
        yield from io.TextIOWrapper(file, "utf-8", "surrogatepass", newline="")


def _hashed(parts: dict[str, Any], name: str) -> tuple[int, str]:
    made, size = sha256(), 0
    try:
        with parts[name]() as file:
            for piece in iter(lambda: file.read(1 << 20), b""):
                made.update(piece)
                size += len(piece)
    except _DAMAGED:
        return -1, ""
    return size, made.hexdigest()


class _Packet:
    """Holds what the parts say against each other, and against the chain."""

    def __init__(self, parts: dict[str, Any], manifest: dict[str, Any], whole: set[str]) -> None:
        self.parts, self.manifest, self.whole = parts, manifest, whole
        self.told: dict[str, Any] = {}
        self.digests: dict[tuple[str, str], str] = {}  # of each record; empty where a name is withheld
        self.records: dict[str, list[Any]] = {}  # of each kind; None where a name is withheld
        self.days: list[dict[str, Any]] = []

    def check(self, head: str | None) -> Iterator[tuple[str, str]]:
        """Yield what comes of all that can be checked with the parts that are whole."""
        for check, *needed in (
            (self._tables, "ticket.json"),
            (self._read_records, "records.jsonl"),
            (lambda: self._chain(head), "chain.jsonl"),
            (self._ticket, "ticket.json", "records.jsonl"),
            (self._readings, "ticket.json", "records.jsonl", "readings.csv"),
        ):
            try:
                yield from check() if self.whole >= set(needed) else ()
            except _DAMAGED as error:
                yield FAULT, f"{needed[-1]} cannot be understood: {error!r}"
        if head and "chain.jsonl" not in self.whole:
            yield NOTE, "the head that was given could not be looked for: chain.jsonl is not whole"

    def _tables(self) -> Iterator[tuple[str, str]]:
        self.told = json.loads("".join(_lines(self.parts, "ticket.json")))
        for name, made in tables(self.told).items():
            if name in self.whole and "".join(_lines(self.parts, name)) != made:
                yield FAULT, f"{name} does not say what ticket.json says"
        said = {each["path"]: each["sha256"] for each in self.told["attachments"] if each["path"]}
        there = {each["name"]: each["sha256"] for each in self.manifest.get("parts", [])}
        if self.manifest and said != {name: there[name] for name in there if name.startswith("attachments/")}:
            yield FAULT, "the attachments are not the files that ticket.json names"

    def _read_records(self) -> Iterator[tuple[str, str]]:
        ticket = self.told.get("ticket", {})
        place = "/".join(filter(None, (ticket.get("building"), ticket.get("room"))))
        nothing = {"values": 0, "sha256": sha256().hexdigest(), "sensors": {}}
        for said in map(json.loads, _lines(self.parts, "records.jsonl")):
            kind, record = said["kind"], said.get("record")
            self.digests[kind, said["key"]] = digest(canonical(record)) if record else ""
            if kind == "statement" and record and record["subject"] == "readings":
                body = json.loads(record["body"])
                about = {"first": body["first"], "last": body["last"], "day": record["name"]}
                self.days.append(dict(body["places"].get(place, nothing), **about))
            else:
                self.records.setdefault(kind, []).append(record)
        if withheld := sum(not each for each in self.digests.values()):
            yield NOTE, f"{withheld} records hold a withheld name: they cannot be held against the chain here"

    def _chain(self, head: str | None) -> Iterator[tuple[str, str]]:
        given, _, at = (head or "").strip().lower().partition("@")
        previous, number, first, is_given = "", 0, 1, not given
        bodies: dict[tuple[str, str], str] = {}
        for row in map(json.loads, _lines(self.parts, "chain.jsonl")):
            said = {name: row[name] for name in row if name != "hash"}
            if number == 0 and "kind" not in row:  # of the row before the first its hash is enough
                first = row["number"] + 1
            elif row["number"] != number + 1 or digest(previous + canonical(said)) != row["hash"]:
                yield FAULT, f"row {row['number']} of the chain does not follow from row {number}"
                return
            elif (row["kind"], row["key"]) in self.digests:
                bodies[row["kind"], row["key"]] = row["body"]
            previous, number = row["hash"], row["number"]
            is_given = is_given or (previous == given and at in ("", str(number)))
        yield HOLDS, f"rows {first} to {number} of the chain follow from each other"
        heads = [each["head"] or {} for each in (self.manifest, self.told) if each]
        if any((each.get("number", 0), each.get("hash", "")) != (number, previous) for each in heads):
            yield FAULT, f"the chain is cut or its head another: it ends with row {number}"
        if not is_given:
            yield FAULT, f"the head that was given is none of rows {first} to {number} of the chain"
        elif given:
            yield HOLDS, "the head that was given is on the chain: what was on record by then is what it was"
        for about, made in self.digests.items():
            if about not in bodies or (made and bodies[about] != made):
                yield FAULT, f"{' '.join(about)} is not what the chain says of it"
        right = sum(bodies.get(about) == made for about, made in self.digests.items())
        if self.digests:
            yield HOLDS, f"{right} of {len(self.digests)} records are what the chain says of them"

    def _of(self, kind: str) -> list[Any]:
        return [each for each in self.records.get(kind, []) if each]

    def _stated(self, subject: str) -> list[Any]:
        return [json.loads(each["body"]) for each in self._of("statement") if each["subject"] == subject]

    def _ticket(self) -> Iterator[tuple[str, str]]:
        told, notices, due = self.told["ticket"], self.told["notices"], ("tier", "due_at", "state")
        names = ("id", "condition", "status", "rules", "student_day", "disputed", "began_at", "opened_at")
        bodies = [json.loads(each["body"]) for each in self._of("ticket")]
        shown_lines = list(map(_detailed, told["history"]))
        on_record = [dict(each, detail=canonical(json.loads(each["detail"]))) for each in self._of("history")]
        sent = [one for each in notices for one in each["deliveries"]]
        for kind, shown, known, wanted in (
            ("ticket", [told], bodies, names),
            ("ticket", told["deadlines"], [one for each in bodies for one in each["deadlines"]], due),
            ("episode", told["episodes"], self._of("episode"), ("began_at", "ended_at")),
            ("history", shown_lines, on_record, [*HISTORY, "detail"]),
            ("notice", notices, self._of("notice"), NOTICES),
            ("delivery", sent, self._of("delivery"), DELIVERIES),
        ):
            are, were = (Counter(_told(each, wanted) for each in some) for some in (shown, known))
            extra = sum((are - were).values())
            withheld = self.records.get(kind, []).count(None)
            if were - are or (extra != withheld and not (withheld and wanted is due)):
                yield FAULT, f"ticket.json: what it says of each {kind} is not what the records say"
        stated = [each for one in self._stated("rules") for each in one]
        words = [each for each in stated if f"sha256:{digest(canonical(each))}" == told["rules"]]
        if not stated:
            yield NOTE, "the words of the rules were not on the chain yet"
        elif self.told["rules"]["words"] not in words:
            yield FAULT, "ticket.json: no rules on the chain have these words and the ticket's hash"

    def _readings(self) -> Iterator[tuple[str, str]]:
        days = sorted(self.days, key=lambda each: each["first"])
        made = [sha256() for _ in days]
        counts, loose, at = [0] * len(days), 0, 0
        rows = csv.reader(_lines(self.parts, "readings.csv"))
        if next(rows)[: len(READINGS)] != READINGS:
            raise ValueError("its first line is another")
        for line, sensor in ((stored(row), row[1]) for row in rows):
            while at < len(days) and line[0] > days[at]["last"]:
                at += 1
            if at == len(days) or line[0] < days[at]["first"]:
                loose += 1
            elif days[at]["sensors"].get(str(line[1])) in (sensor, sensor[1:]):
                made[at].update(f"{canonical(line)}\n".encode())
                counts[at] += 1
        before, right = max((each["before"] for each in self._stated("retired")), default=0), 0
        for each, day in enumerate(days):
            if made[each].hexdigest() == day["sha256"]:
                right += 1
            elif day["first"] < before and counts[each] < day["values"]:
                yield NOTE, f"readings that arrived on {day['day']} were deleted when their time was over"
            else:
                yield FAULT, f"the readings that arrived on {day['day']} are not those of their digest"
        if days:
            yield HOLDS, f"the readings of {right} of {len(days)} days are those of their digests"
        if loose:
            yield NOTE, f"{loose} readings are of a day without a digest here: the chain holds none of them"


def _told(said: dict[str, Any], names: Iterable[str]) -> str:
    found: dict[str, Any] = {name: said.get(name) for name in names}  # moments are told in two ways
    return canonical([micros(v) if k[-2:] == "at" and isinstance(v, str) else v for k, v in found.items()])


def main(arguments: list[str]) -> int:
    """Check the packet that is named, or the folder in which this file lies."""
    usage = argparse.ArgumentParser(description="Checks an evidence packet of safetyd.")
    usage.add_argument("packet", nargs="?", default=os.path.dirname(os.path.abspath(__file__)))
    usage.add_argument("--head", help="HASH or HASH@NUMBER, as you were given it before")
    asked = usage.parse_args(arguments)
    try:
        found = verify(asked.packet, asked.head)
    except NoPacket as error:
        print(error, file=sys.stderr)
        return 2
    faults, is_newer = sum(kind == FAULT for kind, _ in found), any(NEWER in said for _, said in found)
    print("\n".join(kind + sentence for kind, sentence in found))
    checked = "NOT CHECKED WHOLE: take the file of that version." if is_newer and faults == 1 else ""
    print(checked or (f"NOT SOUND: {faults} found." if faults else "SOUND."))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
