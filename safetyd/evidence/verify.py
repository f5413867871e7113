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
import re
import struct
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

FORMAT, MANIFEST, WRITTEN_AT = 1, "manifest.json", (1980, 1, 1, 0, 0, 0)
HISTORY = ["at", "event", "by", "note", "hash"]
NOTICES, DELIVERIES = ["at", "reason", "title", "text"], ["person", "state", "attempts"]
SAID = {  # in ticket.json by the names of the record that it is taken from
    "ticket": "id building room condition hazard rules calendar status student_day began_at opened_at"
    " disputed follows joined is_presumed",
    "deadline": "tier due_at state met_at by extended_to amended_to",
    "closure": "told_district_at told_district_by closed_at closed_by reopened_at reopened_by",
    "episode": "began_at ended_at",
    "history": "at event by note hash",
    "notice": "at ticket tickets reason roles people title text plan shelved last_resort_at",
    "delivery": "person state attempts answer instead_of went_to next_at done_at",
    "attempt": "at ended_at outcome answer",
}
CALLED = {"is_presumed": "presumed", "people": "to"}  # what ticket.json has under another name
JSON = ("body", "detail", "tickets", "roles", "people", "shelved", "went_to")  # columns of a record
CLAUSES = {"cold": "9.14.3", "heat": "9.14.3", "hazard": "9.14.4", "outage": "9.14.5"}
CLOSING = {"told_district": "the district told immediately", "closed": "the building closed until resolved"}
LIMITS = {"cold": ("temperature", "below_f"), "heat": ("heat_index", "above_f")}
READINGS = ["number", "sensor", "quantity", "observed_at", "received_at", "value", "unit", "mark", "reason"]
READINGS += ["stamp", "device_skew", "gateway_skew", "frame", "sensor_number"]  # all that a digest is made of
MARKS = ["accepted", "suspect", "rejected", "retained", "doubted"]
QUANTITIES = [("", ""), ("temperature", "degF"), ("temperature", "degC"), ("humidity", "%"), ("mains", "on")]
QUANTITIES += [("voltage", "V"), ("power", "W"), ("battery", "%"), ("battery", "V"), ("battery", "ok")]
QUANTITIES += [("energy", "kWh")]
FAULT, NOTE, HOLDS, OPEN, NEWER = "", "note: ", "sound: ", "not checked: ", "made by a newer version"
SOUND = (
    "SOUND: parts, chain, records, readings, and what ticket.json repeats of them; the rest is not checked."
)
NOT_HELD = "safetyd worked it out of these records, or has it of its site file; the manifest alone holds it"
NO_MANIFEST = f"{MANIFEST} is missing or cannot be read"
ZIPPED_AGAIN = "zipped again since it was made; that changes no part"
_LEFT_BEHIND = (".DS_Store", "._", "Thumbs.db", "desktop.ini")  # how the names begin of what computers add
_HELD = (MANIFEST, "ticket.json", "records.jsonl", "chain.jsonl")  # what the others are held against
_ROOM = 1 << 30  # bytes that are unpacked of a damaged archive
_SPAN = re.compile(r"P(?:(\d+)D)?(?:T([\d.]+)S)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_ALIKE = ("create_version", "create_system", "extract_version", "reserved", "flag_bits", "volume")
_ALIKE += ("internal_attr", "external_attr")  # type: ignore[assignment]  # of each part, as safetyd writes it
_END, _HEADER, _LOCAL = (
    b"PK\x05\x06",
    b"PK\x03\x04",
    struct.Struct("<4s5H3L2H"),
)  # what stands before a part in an archive
_DAMAGED = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, StopIteration)
_DAMAGED += (zipfile.BadZipFile, zlib.error, EOFError, csv.Error, OverflowError)  # type: ignore[assignment]


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


def _text(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def stored(row: list[str]) -> list[Any]:
    """Return a row of readings.csv as it is stored: the list of which its digest is made."""
    texts = [*map(_text, row[:14])]
    id, _, what, at, came, value, unit, mark, why, stamp, device, gateway, frame, sensor = texts
    told: list[Any] = [int(id), int(sensor), QUANTITIES.index((what, unit)), micros(at)]
    told += [micros(came) - micros(at), float(value), MARKS.index(mark), why or None, stamp or None]
    return told + [int(each) if each else None for each in (device, gateway)] + [frame or None]


def flat(words: dict[str, Any], before: str = "") -> Iterator[list[str]]:
    """Yield every number of the rules by its key: ["cold.below_f", "60.0"]; spans of time are in seconds."""
    for name, value in sorted(words.items()):
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}.")
        elif name != "effective":
            yield [f"{before}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)]


def limits(condition: str, words: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines in the chart of what a condition is about, as the rules have them."""
    about, crossed = LIMITS.get(condition, ("", ""))
    said = ((crossed, "is the limit"), ("end_f", "ends a breach")) if about and words else ()
    return [{"quantity": about, "value": words[condition][key], "words": what} for key, what in said]


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
    alike = {tuple(getattr(each, name) for name in _ALIKE) for each in infos}
    alike |= {() for each in infos if not each.compress_type and each.compress_size != each.file_size}
    found = [(NOTE, words) for words in _beside(path, archive)]
    unread = {name.rpartition("/")[2] for name, _ in files if _hashed(dict(files), name)[0] < 0}
    if unread:
        opened = _salvaged(path, "damaged: a piece of the archive is missing, or another")
        if opened.cut and MANIFEST in unread:
            return opened
        files, alike = (files, alike) if opened.cut else (opened.files, set())
    if any(each.compress_type or each.date_time != WRITTEN_AT for each in infos) and alike:
        found.append((NOTE, ZIPPED_AGAIN))
    elif len(alike) != 1:
        found.append((NOTE, "the archive's own list of its parts was changed; that changes no part"))
    return _Opened(files, found, set())


def _beside(path: str, archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield how much stands in the file that is not of the archive."""
    before = max(0, min((each.header_offset for each in archive.infolist()), default=0))
    with open(path, "rb") as file:
        file.seek(archive.start_dir)
        content = file.read()
    after = len(content) - content.rfind(_END) - 22
    if before or after:
        sizes = f"{before} bytes before it, {after} after it"
        yield f"something beside the archive: {sizes}; that changes no part"


def _salvaged(path: str, how: str) -> _Opened:
    """Return what is left in an archive whose list of parts is no help: each part has a header of its own."""
    with open(path, "rb") as file:
        content = file.read()
    files, cut, again, at, room = [], set(), False, content.find(_HEADER), _ROOM
    while 0 <= at <= len(content) - _LOCAL.size:
        _, _, _, method, time, date, crc, size, _, length, extra = _LOCAL.unpack_from(content, at)
        name = content[at + _LOCAL.size :][:length].decode("utf-8", "replace")
        begin = at + _LOCAL.size + length + extra
        part, end = _inflated(content, begin, room) if method else _copied(content, begin, size)
        room -= len(part) if method else 0
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


def _inflated(content: bytes, begin: int, room: int) -> tuple[bytes, int]:
    """Return a part that is compressed, and where it ends; nothing of one that is made to fill the memory."""
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        part = inflating.decompress(content[begin:], room + 1)
    except zlib.error:
        return b"", begin
    return (part, len(content) - len(inflating.unused_data)) if len(part) <= room else (b"", begin)


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
        self.sent: list[list[Any]] = []  # the deliveries of each notice
        self.days: list[dict[str, Any]] = []
        self.known: dict[str, Any] = {}  # of ticket.json, by the other parts; `...` where nothing is

    def check(self, head: str | None) -> Iterator[tuple[str, str]]:
        """Yield what comes of all that can be checked with the parts that are whole."""
        for check, *needed in (
            (self._tables, "ticket.json"),
            (self._read_records, "records.jsonl"),
            (lambda: self._chain(head), "chain.jsonl"),
            (self._ticket, "ticket.json", "records.jsonl"),
            (self._readings, "ticket.json", "records.jsonl", "readings.csv"),
            (self._repeats, "ticket.json", "records.jsonl"),
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
            about = kind, said["key"]
            if about in self.digests:
                yield FAULT, f"{' '.join(about)} is there twice"
            if record and ticket and not _concerns(ticket["id"], kind, record):
                yield FAULT, f"{' '.join(about)} is of another ticket"
            self.digests[about] = digest(canonical(record)) if record else ""
            if kind == "statement" and record and record["subject"] == "readings":
                body = json.loads(record["body"])
                span = {"first": body["first"], "last": body["last"], "day": record["name"]}
                self.days.append(dict(body["places"].get(place, nothing), **span))
            else:
                self.records.setdefault(kind, []).append(record)
                self.sent += [[]] if kind == "notice" else []
                if kind == "delivery":
                    self.sent[-1].append(record)
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
        if number:
            self.known["segment"] = {"first": first, "last": number}
            self.known["head"] = {"number": number, "hash": previous, "at": row.get("at", ...)}
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
        told, kept = self.told["ticket"], {kind: self.records.get(kind, []) for kind in SAID}
        stated = [each for one in self._stated("rules") for each in one]
        words, zones = self.told["rules"]["words"], [each["timezone"] for each in self._stated("calendar")]
        if not stated:
            yield NOTE, "the words of the rules were not on the chain yet"
        elif words not in stated or f"sha256:{digest(canonical(words))}" != told["rules"]:
            yield FAULT, "ticket.json: no rules on the chain have these words and the ticket's hash"
        known = self.known["ticket"] = _said("ticket", *kept["ticket"])
        known["episodes"] = [*map(_episode, kept["episode"])]
        known["history"] = [_said("history", each) for each in kept["history"]]
        known["clause"], known["worst"] = CLAUSES[told["condition"]], _worst(told, kept["episode"])
        known["duties"] = [*_duties(told)]
        lacking = ("not_on_record", "overdue")
        known["not_on_record"] = [each["clause"] for each in told["duties"] if each["state"] in lacking]
        numbers = {"numbers": [*flat(words)], "effective": words.get("effective"), "hash": told["rules"]}
        self.known["rules"] = dict(numbers, words=words if stated else ...)
        self.known["limits"] = limits(told["condition"], words)
        self.known["notices"] = [*map(_notice, kept["notice"], self.sent)]
        files = (file for line in told["history"] for file in line.get("attachments", ()))
        self.known["attachments"] = [dict(file, path=...) for file in files]
        if zones and self.told["timezone"] not in zones:
            self.known["timezone"] = zones[-1]
        elif zones:
            self.known["timezone"] = self.told["timezone"]
        if self.manifest:
            self.known.update({name: self.manifest[name] for name in ("format", "made_by", "withheld")})

    def _repeats(self) -> Iterator[tuple[str, str]]:
        found = [*_against(self.told, self.known)]
        for name in sorted({name for name, is_so in found if is_so is False}):
            yield FAULT, f"ticket.json: {name} is not what the records say"
        held = [f"{name}." for name, is_so in found if is_so]
        left = sorted({name for name, is_so in found if is_so is None})
        some = {name for name in left if any(each.startswith(f"{name}.") for each in held)}
        names = ", ".join(f"{name} (some)" if name in some else name for name in left)
        yield (
            OPEN,
            f"{names} of ticket.json; ticket.pdf; judged, why, judged_value of readings.csv: {NOT_HELD}",
        )

    def _readings(self) -> Iterator[tuple[str, str]]:
        days = sorted(self.days, key=lambda each: each["first"])
        made = [sha256() for _ in days]
        counts, loose, at = [0] * len(days), 0, 0
        silent = {"readings": 0, "rejected": 0, "first_at": None, "last_at": None}
        heard: dict[int, dict[str, Any]] = {}
        rows = csv.reader(_lines(self.parts, "readings.csv"))
        if next(rows)[: len(READINGS)] != READINGS:
            raise ValueError("its first line is another")
        for line, sensor in ((stored(row), row[1]) for row in rows):
            if line[1] not in heard:
                heard[line[1]] = dict(silent, id=_text(sensor), first_at=line[3], last_at=line[3])
            said = heard[line[1]]
            said["readings"] += 1
            said["rejected"] += MARKS[line[6]] in ("rejected", "doubted")
            said.update(first_at=min(said["first_at"], line[3]), last_at=max(said["last_at"], line[3]))
            while at < len(days) and line[0] > days[at]["last"]:
                at += 1
            if at == len(days) or line[0] < days[at]["first"]:
                loose += 1
            elif days[at]["sensors"].get(str(line[1])) in (sensor, sensor[1:]):
                made[at].update(f"{canonical(line)}\n".encode())
                counts[at] += 1
        ids = sorted({each["number"] for each in self.told["sensors"]} | {*heard})
        self.known["sensors"] = [dict(heard.get(id, silent), number=id) for id in ids]
        self.known["readings"] = sum(each["readings"] for each in heard.values())
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


def _against(told: Any, known: Any, name: str = "") -> Iterator[tuple[str, bool | None]]:
    """Yield each thing that is told by its name, and whether it is what is known; None where nothing is."""
    if known is ...:
        yield name, None
    elif isinstance(told, dict) and isinstance(known, dict):
        for each in {**told, **known}:
            yield from _against(told.get(each), known.get(each, ...), f"{name}.{each}" if name else each)
    elif isinstance(told, list) and isinstance(known, list):
        yield name, len(told) == len(known)
        for number, each in enumerate(told[: len(known)]):
            yield from _against(each, known[number], name)
    else:
        yield name, _plain(told) == _plain(known)


def _plain(value: Any) -> str:
    """Return a value so that it compares: moments are told in two ways, and nothing in four."""
    is_moment = isinstance(value, str) and value[10:11] == "T" and value[-1:] == "Z"
    text = canonical(micros(value) if is_moment else value)
    return "null" if text in ('""', "[]", "false") else text


def _concerns(ticket: str, kind: str, record: dict[str, Any]) -> bool:
    if kind == "notice":
        return ticket in (record.get("ticket"), *(json.loads(record.get("tickets", "null")) or ()))
    return kind not in ("history", "episode") or bool(record["ticket"] == ticket)


def _read(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its JSON read, and its body or detail laid open."""
    read = {name: json.loads(value) if name in JSON else value for name, value in record.items()}
    return dict(read, **read.pop("body", {}), **read.pop("detail", {}))


def _said(kind: str, record: dict[str, Any] | None) -> Any:
    """Return what a record says by the names of ticket.json; of one that is withheld nothing is known."""
    if not record:
        return {} if kind in ("ticket", "notice") else ...
    read = _read(record)
    said = {CALLED.get(name, name): read.get(name) for name in SAID[kind].split()}
    if kind == "ticket":
        shut = read.get("closure") if read["condition"] == "outage" else None
        said["closure"] = shut and _said("closure", shut)
        said["deadlines"] = [_said("deadline", each) for each in read["deadlines"]]
    return dict(json.loads(record.get("detail", "{}")), **said)


def _episode(record: dict[str, Any] | None) -> Any:
    """Return what is known of an episode: of one that goes on no more than when it began."""
    said = _said("episode", record)
    if record and record.get("ended_at"):
        read, lasted = _read(record), (record["ended_at"] - record["began_at"]) / 1e6
        days, seconds = _SPAN.fullmatch(read.get("seen", "PT0S")).groups("0")  # type: ignore[union-attr]
        share = (int(days) * 86400 + float(seconds)) / lasted if lasted > 0 else 1.0
        said.update(coverage=round(min(1.0, share), 4), worst=(read.get("worst") or [None])[0])
    return said


def _worst(told: dict[str, Any], records: list[Any]) -> Any:
    """Return the most extreme value of the episodes; one that goes on may have come to more than it says."""
    if not all(records):
        return ...
    found: list[Any] = [_read(each).get("worst") for each in records]
    said = told["worst"]
    if said and any("ended_at" not in each for each in records):
        found.append([said["value"], said["at"], "humidity" in said])
    sign, known = -1 if told["condition"] == "cold" else 1, [each for each in found if each]
    if not known:
        return None
    value, at, dry = max(known, key=lambda each: sign * each[0])
    return {"value": value, "unit": "degF", "at": at, "humidity": "assumed 0" if dry else None}


def _duties(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the record says that was done; whether the rest is owed is not known here."""
    done: dict[str, list[dict[str, Any]]] = {"notice": [], "relieved": [], "location": [], "space": []}
    for line in told["history"]:
        about = (line.get("kind", "").replace("_", " "), line.get("room", ""), line["note"])
        proof = {"at": line["at"], "by": line["by"], "words": "; ".join(filter(None, about))}
        done.setdefault(line["event"], []).append(proof)
        done["space"] += [proof] if line.get("kind") == "alternative_space" else []
    owed = [
        (".A", "written notice by the educator", done["notice"]),
        (".B", "relief (9.9.4)", done["relieved"]),
        (".C", "alternative space in the student day", done["space"]),
        (".D", "new work location outside the student day, in writing", done["location"]),
    ]
    if told["condition"] == "outage":
        shut = told["closure"]
        owed = []
        for name, what in CLOSING.items():
            proof = {"at": shut[f"{name}_at"], "by": shut[f"{name}_by"] or "", "words": ""}
            owed.append(("", what, [proof] if proof["at"] else []))
        owed.append(("", "relief (9.9.4)", done["relieved"]))
    states, first = [each["state"] for each in told["duties"]], told["deadlines"][0]
    for number, (end, what, proofs) in enumerate(owed):
        is_open = not proofs and states[number : number + 1] != ["on_record"]
        due_at = first.get("extended_to") or first["due_at"] if proofs is done["relieved"] else None
        known = {"clause": told["clause"] + end, "duty": what, "proofs": proofs, "due_at": due_at}
        yield dict(known, state=... if is_open else "on_record" if proofs else "not_on_record")


def _notice(record: dict[str, Any] | None, sent: list[Any]) -> Any:
    return dict(_said("notice", record), deliveries=[_delivery(each, record) for each in sent])


def _delivery(record: dict[str, Any] | None, of: dict[str, Any] | None) -> Any:
    said = _said("delivery", record)
    if record:
        tried = [_said("attempt", each) for each in record.get("tried", [])]
        said = dict(said, next_at=record.get("due_at"), tried=tried)
    return None if record and of and record["notice"] != of["id"] else said


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
    print(checked or (f"NOT SOUND: {faults} found." if faults else SOUND))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
