"""Whatever another hand does to a packet is found, by name, and what is still sound is said."""

import ast
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from safetyd.evidence import verify
from tests.evidence.packets import Told, packet, parts_of, recorded, with_another_manifest, zipped

PARTS = [
    "README.txt",
    "verify.py",
    "ticket.pdf",
    "ticket.json",
    "history.csv",
    "notices.csv",
    "readings.csv",
    "records.jsonl",
    "chain.jsonl",
    "attachments",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("made")
    return packet(folder, recorded(folder)[0], with_names=True)


@pytest.fixture
def parts(made: bytes) -> dict[str, bytes]:
    return parts_of(made)


def named(parts: dict[str, bytes], name: str) -> str:
    (found,) = [each for each in parts if each.startswith(name)]
    return found


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_packet_as_it_was_made_is_sound(tmp_path: Path, made: bytes, parts: dict[str, bytes]) -> None:
    told = Told(tmp_path, made)
    assert (told.faults, told.notes) == ([], [])
    assert "the readings of 2 of 2 days are those of their digests" in told.holds
    assert set(parts) == {"manifest.json", *(named(parts, each) for each in PARTS)}


# bytes


@pytest.mark.parametrize("name", PARTS)
def test_a_byte_of_any_part_that_is_another_is_found(
    tmp_path: Path, parts: dict[str, bytes], name: str
) -> None:
    name = named(parts, name)
    for at in (0, len(parts[name]) // 2, len(parts[name]) - 1):
        told = Told(tmp_path, zipped(parts | {name: flipped(parts[name], at)}))
        assert f"altered: {name}" in told.faults
        assert f"{len(PARTS) - 1} of {len(PARTS)} parts are as the manifest has them" in told.holds


def test_a_byte_of_the_manifest_that_is_another_is_found(tmp_path: Path, parts: dict[str, bytes]) -> None:
    content = parts["manifest.json"]
    for at in range(0, len(content), 7):
        try:
            told = Told(tmp_path, zipped(parts | {"manifest.json": flipped(content, at)}))
        except verify.NoPacket:
            continue
        assert told.faults, content[at : at + 20]


def test_a_byte_of_the_archive_that_is_another_is_found(tmp_path: Path, made: bytes) -> None:
    for at in range(40, len(made), len(made) // 150):
        try:
            told = Told(tmp_path, flipped(made, at))
        except verify.NoPacket:
            continue
        assert told.faults or told.notes or Told(tmp_path, made).holds == told.holds, at


def test_a_byte_of_the_list_of_parts_that_is_another_is_said_and_no_fault(
    tmp_path: Path, made: bytes
) -> None:
    begin, end = made.index(b"PK\1\2"), made.index(b"PK\5\6")
    list_of_parts = [at for at in range(begin, end) if (at - begin) % 61 == 4]
    for at in list_of_parts:
        told = Told(tmp_path, flipped(made, at))
        assert told.faults == [] or told.faults[0].startswith("cut: the end"), at
        assert told.notes == ["the archive's own list of its parts was changed; that changes no part"] or (
            told.faults
        )
    crc = made.rindex(b"PK\1\2") + 16
    told = Told(tmp_path, flipped(made, crc))
    assert told.faults == [] and len(told.notes) == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"junk", b"", "4 bytes before it, 0 after it"),
        (b"", b"junk!", "0 bytes before it, 5 after it"),
        (b"a", b"b", "1 bytes before it, 1 after it"),
    ],
)
def test_what_stands_before_or_after_the_archive_is_said_and_no_fault(
    tmp_path: Path, made: bytes, before: bytes, after: bytes, said: str
) -> None:
    told = Told(tmp_path, before + made + after)
    assert told.faults == []
    assert told.notes == [f"something beside the archive: {said}; that changes no part"]


# the whole of it


def test_a_part_that_is_missing_cut_or_extra_is_named(tmp_path: Path, parts: dict[str, bytes]) -> None:
    content = {name: each for name, each in parts.items() if name != "notices.csv"}
    content |= {"readings.csv": parts["readings.csv"][:-40], "letter.txt": b"see?"}
    told = Told(tmp_path, zipped(content))
    assert told.faults[:2] == ["missing: notices.csv", "cut: readings.csv"]
    assert told.faults[2] == "extra: letter.txt, of which the manifest says nothing"
    assert any("of the chain follow from each other" in each for each in told.holds), "still sound"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_an_archive_that_was_cut_says_what_is_missing_and_what_is_left(
    tmp_path: Path, made: bytes, share: float
) -> None:
    told = Told(tmp_path, made[: int(len(made) * share)])
    assert told.faults[0].startswith("cut: the end of the archive is missing")
    assert any(each.startswith("missing: ") for each in told.faults) or share == 0.99
    assert told.holds


def test_zipped_again_is_harmless_and_said(tmp_path: Path, parts: dict[str, bytes]) -> None:
    told = Told(tmp_path, zipped(parts, ZIP_DEFLATED))
    assert told.faults == [] and told.notes == ["zipped again since it was made; that changes no part"]


@pytest.mark.parametrize("order", ["manifest last", "the rest reversed"])
def test_another_order_is_harmless_and_said(tmp_path: Path, parts: dict[str, bytes], order: str) -> None:
    manifest, *rest = parts
    names = [*rest, manifest] if order == "manifest last" else [manifest, *reversed(rest)]
    made = io.BytesIO()
    with ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(ZipInfo(name, verify.WRITTEN_AT), parts[name])
    told = Told(tmp_path, made.getvalue())
    assert told.faults == [] and told.notes == ["put together in another order; that changes no part"]


@pytest.mark.parametrize("name", [".DS_Store", "__MACOSX/._ticket.pdf", "attachments/Thumbs.db"])
def test_what_a_computer_leaves_beside_the_parts_is_said_and_no_fault(
    tmp_path: Path, parts: dict[str, bytes], name: str
) -> None:
    told = Told(tmp_path, zipped(parts | {name: b"its own"}))
    assert told.faults == [] and f"extra: {name}, of which the manifest says nothing" in told.notes


def names_around(where: str, parts: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{where}/{name}": content for name, content in parts.items()}


def told_of_cut(folder: Path, parts: dict[str, bytes], share: float) -> Told:
    """Return what is said of parts that were zipped again, compressed, and then cut."""
    content = zipped(parts, ZIP_DEFLATED)
    return Told(folder, content[: int(len(content) * share)])


@pytest.mark.parametrize("where", ["packet", "home/packet", "päckchen"])
def test_zipped_again_with_its_folder_around_it_is_harmless_and_said(
    tmp_path: Path, parts: dict[str, bytes], where: str
) -> None:
    told = Told(tmp_path, zipped({f"{where}/": b""} | names_around(where, parts), ZIP_DEFLATED))
    around = f"the folder {where} stands around it; that changes no part"
    assert told.faults == []
    assert told.notes == ["zipped again since it was made; that changes no part", around]
    assert "the readings of 2 of 2 days are those of their digests" in told.holds


@pytest.mark.parametrize("name", PARTS)
def test_a_byte_that_is_another_is_found_within_a_folder_too(
    tmp_path: Path, parts: dict[str, bytes], name: str
) -> None:
    name = named(parts, name)
    changed = parts | {name: flipped(parts[name], len(parts[name]) // 2)}
    assert f"altered: {name}" in Told(tmp_path, zipped(names_around("packet", changed))).faults


def test_what_stands_beside_the_folder_is_named(tmp_path: Path, parts: dict[str, bytes]) -> None:
    beside = {"__MACOSX/packet/._ticket.pdf": b"its own", "ticket.pdf": b"another", "letter.txt": b"see?"}
    told = Told(tmp_path, zipped(names_around("packet", parts) | beside))
    assert "ticket.pdf is there 2 times" in told.faults
    assert "extra: letter.txt, of which the manifest says nothing" in told.faults
    assert any("._ticket.pdf" in each for each in told.notes)


def test_of_two_packets_in_one_archive_none_is_taken(tmp_path: Path, parts: dict[str, bytes]) -> None:
    with pytest.raises(verify.NoPacket, match=r"holds more than one packet \(a, b\)"):
        Told(tmp_path, zipped(names_around("a", parts) | names_around("b", parts)))


def test_what_is_packed_to_fill_the_memory_is_not_unpacked_and_the_rest_is_told(
    tmp_path: Path, parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_ROOM", 4_000_000)
    filled = parts | {"readings.csv": bytes(40_000_000)}
    told = Told(tmp_path, zipped(filled, ZIP_DEFLATED)[:-10])
    assert "cut: readings.csv" in told.faults
    assert any("of the chain follow from each other" in each for each in told.holds)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.99])
def test_zipped_again_in_another_order_and_cut_says_both_and_what_is_left(
    tmp_path: Path, parts: dict[str, bytes], share: float
) -> None:
    manifest, *rest = parts
    told = told_of_cut(tmp_path, {name: parts[name] for name in [manifest, *reversed(rest)]}, share)
    assert told.faults[0].startswith("cut: the end of the archive is missing")
    assert "zipped again since it was made; that changes no part" in told.notes
    assert "put together in another order; that changes no part" in told.notes
    assert any("of the chain follow from each other" in each for each in told.holds)
    whole = int(told.faults[0].rpartition("of its files ")[2].split()[0]) - 1  # but for the manifest
    assert f"{whole} of {len(PARTS)} parts are as the manifest has them" in told.holds
    gone = [each for each in told.faults[1:] if each.startswith(("missing: ", "cut: "))]
    assert len(gone) == len(PARTS) - whole and sum(each.startswith("cut: ") for each in gone) <= 1


def test_a_cut_before_the_manifest_leaves_what_the_parts_say_of_each_other(
    tmp_path: Path, parts: dict[str, bytes]
) -> None:
    order = ["chain.jsonl", "records.jsonl", "ticket.json", "readings.csv", "manifest.json"]
    some = {name: parts[name] for name in order}
    content = zipped(names_around("packet", some), ZIP_DEFLATED)
    rows = [json.loads(each) for each in parts["chain.jsonl"].splitlines()]
    cut = content[: content.rindex(b"packet/manifest.json", 0, -400) - 60]
    told = Told(tmp_path, cut, rows[-3]["hash"])
    assert told.faults[0].startswith("cut: the end of the archive is missing")
    assert told.faults[1:] == [
        "manifest.json is missing or cannot be read: no hash says what each part was",
        "cut: readings.csv",
    ]
    assert f"rows {rows[0]['number'] + 1} to {rows[-1]['number']} of the chain follow from each other" in (
        told.holds
    )
    assert any("the head that was given is on the chain" in each for each in told.holds)
    assert any("records are what the chain says of them" in each for each in told.holds)
    for name, old, new in [
        ("records.jsonl", b"two heaters", b"ten heaters"),
        ("chain.jsonl", b'"at":1', b'"at":2'),
    ]:
        content = zipped(some | {name: parts[name].replace(old, new)}, ZIP_DEFLATED)
        assert len(Told(tmp_path, content[: len(cut) - 80]).faults) > len(told.faults), name


def test_without_ticket_and_records_the_chain_is_still_checked(
    tmp_path: Path, parts: dict[str, bytes]
) -> None:
    left = {name: parts[name] for name in ("manifest.json", "chain.jsonl")}
    told = Told(tmp_path, zipped(left))
    assert {f"missing: {name}" for name in ("ticket.json", "records.jsonl")} <= set(told.faults)
    assert any("of the chain follow from each other" in each for each in told.holds)
    forged = parts["chain.jsonl"].replace(b'"at":1', b'"at":2')
    told = Told(tmp_path, zipped(with_another_manifest(parts | {"chain.jsonl": forged})))
    assert any("does not follow from" in each for each in told.faults)


def test_a_head_that_cannot_be_looked_for_is_said(tmp_path: Path, parts: dict[str, bytes]) -> None:
    left = {name: content for name, content in parts.items() if name != "chain.jsonl"}
    assert any("could not be looked for" in each for each in Told(tmp_path, zipped(left), "a" * 64).notes)


def test_a_piece_that_is_missing_from_the_middle_leaves_the_parts_on_both_sides(
    tmp_path: Path, made: bytes, parts: dict[str, bytes]
) -> None:
    at = made.index(parts["ticket.pdf"]) + 500
    told = Told(tmp_path, made[:at] + made[at + 700 :])
    assert told.faults == [
        f"damaged: a piece of the archive is missing, or another; of its files {len(PARTS)} are left whole",
        "cut: ticket.pdf",
    ]
    content = zipped(parts, ZIP_DEFLATED)
    at = content.index(b"ticket.pdf") + 500
    told = Told(tmp_path, content[:at] + content[at + 700 :])
    assert told.faults[0].startswith("damaged: ") and len(told.faults) == 2
    assert told.faults[1] in ("cut: ticket.pdf", "altered: ticket.pdf")


def test_an_unpacked_folder_is_checked_as_well(tmp_path: Path, parts: dict[str, bytes]) -> None:
    for name, content in parts.items():
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_bytes(content)
    done = run("verify.py", cwd=tmp_path / "here")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, verify.SOUND)
    done = run("here/verify.py", ".", cwd=tmp_path)
    assert done.returncode == 0 and "note: the folder here stands around it" in done.stdout


def test_a_newer_packet_is_told_as_such_with_the_hashes_checked(
    tmp_path: Path, parts: dict[str, bytes]
) -> None:
    told = Told(tmp_path, zipped(with_another_manifest(parts, format=2, made_by="safetyd 9")))
    (fault,) = told.faults
    assert fault.startswith("made by a newer version, in format 2")
    assert told.holds == [f"{len(PARTS)} of {len(PARTS)} parts are as the manifest has them"]
    script = str(Path(verify.__file__))
    done = run(script, "packet.zip", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "NOT CHECKED WHOLE: take the file of that version."
    content = with_another_manifest(parts, format=2) | {"notices.csv": b"another"}
    Told(tmp_path, zipped(content))
    assert run(script, "packet.zip", cwd=tmp_path).stdout.splitlines()[-1] == "NOT SOUND: 2 found."


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a letter", zipped({"a.txt": b"a"})])
def test_what_is_no_packet_ends_with_two(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    script = str(Path(verify.__file__))
    assert run(script, "x.zip", cwd=tmp_path).returncode == 2
    assert run(script, "nowhere.zip", cwd=tmp_path).returncode == 2


# a careful forger, who writes a manifest that fits


def line_with(change: Callable[[dict[str, object]], object], which: str) -> Callable[[bytes], bytes]:
    """Return what changes the first line of JSON that holds some words."""

    def changed(content: bytes) -> bytes:
        lines = content.decode().splitlines()
        at = next(number for number, each in enumerate(lines) if which in each)
        line = json.loads(lines[at])
        change(line)
        lines[at] = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return ("\n".join(lines) + "\n").encode()

    return changed


def twice(which: str) -> Callable[[bytes], bytes]:
    """Return what puts the first line of JSON that holds some words before all others, too."""
    return lambda content: (
        next(each for each in content.splitlines(keepends=True) if which.encode() in each) + content
    )


def borrowed(line: dict[str, Any]) -> None:
    line["record"]["ticket"] = "maple-2026-0077"


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    def changed(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())

    return changed


FORGED: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("records.jsonl", replaced("two heaters", "ten heaters"), "is not what the chain says of it"),
    ("records.jsonl", twice('"kind":"history"'), "is there twice"),
    ("records.jsonl", line_with(borrowed, '"kind":"history"'), "is of another ticket"),
    ("records.jsonl", line_with(borrowed, '"kind":"episode"'), "is of another ticket"),
    ("records.jsonl", line_with(borrowed, '"kind":"notice"'), "is of another ticket"),
    ("ticket.json", replaced("two heaters", "ten heaters"), "ticket.history.note is not what"),
    ("ticket.json", replaced('"status": "closed"', '"status": "open"'), "ticket.status is not what"),
    ("ticket.json", replaced('"below_f": 60.0', '"below_f": 55.0'), "no rules on the chain"),
    ("ticket.json", replaced('"state": "met"', '"state": "missed"'), "ticket.deadlines.state is not"),
    ("history.csv", replaced("two heaters", "ten heaters"), "history.csv does not say"),
    ("notices.csv", replaced("opened", "closed"), "notices.csv does not say"),
    ("readings.csv", replaced(",57.9,", ",61.9,"), "are not those of their digest"),
    ("readings.csv", replaced(",12,temperature", ",13,temperature"), "are not those of their digest"),
    ("chain.jsonl", line_with(lambda row: row.update(at=1), '"kind":"history"'), "does not follow from"),
    ("chain.jsonl", lambda text: b"".join(text.splitlines(keepends=True)[:-1]), "the chain is cut"),
    ("chain.jsonl", lambda text: b"".join(text.splitlines(keepends=True)[::-1]), "does not follow from"),
    ("readings.csv", lambda text: text + b'"' + b"x" * 200_000 + b'"\n', "readings.csv cannot be understood"),
]


@pytest.mark.parametrize(("name", "change", "found"), FORGED)
def test_what_a_forger_changes_does_not_fit_the_rest(
    tmp_path: Path, parts: dict[str, bytes], name: str, change: Callable[[bytes], bytes], found: str
) -> None:
    forged = with_another_manifest(parts | {name: change(parts[name])})
    told = Told(tmp_path, zipped(forged))
    assert any(found in each for each in told.faults), told.faults


def leaves(told: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the way to each value, and the value."""
    below = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    for name, value in below:
        yield from leaves(value, (*way, name))
    if not below:
        yield way, told


def another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value[:-1]}{'X' if value[-1:] == 'Y' else 'Y'}"
    return "forged"


def test_each_thing_of_ticket_json_is_held_against_the_records_or_named_as_not_checked(
    tmp_path: Path, parts: dict[str, bytes]
) -> None:
    (left,) = Told(tmp_path, zipped(parts)).open
    names = set(left.partition(" of ticket.json")[0].replace(" (some)", "").split(", "))
    seen, silent = set(), set()
    for way, value in leaves(json.loads(parts["ticket.json"])):
        name = ".".join(each for each in way if isinstance(each, str))
        if name in seen or any(f"{name}.".startswith(f"{each}.") for each in names):
            continue
        seen.add(name)
        document = json.loads(parts["ticket.json"])
        holder = reduce(lambda held, each: held[each], way[:-1], document)
        holder[way[-1]] = another(value)
        forged = with_another_manifest(parts | {"ticket.json": json.dumps(document).encode()})
        silent |= set() if Told(tmp_path, zipped(forged)).faults else {name}
    assert silent == set()
    assert {"ticket.worst.value", "ticket.episodes.coverage", "notices.deliveries.next_at"} <= seen
    assert {"rules.numbers", "limits.value", "sensors.rejected", "ticket.duties.proofs.words"} <= seen
    assert {"coverage", "series", "ticket.verdict", "ticket.duties.state", "room_name"} <= names


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda told: told["ticket"]["duties"][2].update(state="on_record"), "ticket.duties.state"),
        (lambda told: told["ticket"]["duties"][1].update(proofs=[]), "ticket.duties.proofs"),
        (lambda told: told["ticket"].update(not_on_record=[]), "ticket.not_on_record"),
        (lambda told: told["ticket"].pop("status"), "ticket.status"),
        (lambda told: told["ticket"]["episodes"].clear(), "ticket.episodes"),
        (lambda told: told["notices"][0]["deliveries"].pop(), "notices.deliveries"),
        (lambda told: told["sensors"].pop(), "sensors"),
        (lambda told: told["attachments"].clear(), "attachments"),
        (lambda told: told.update(timezone="America/Denver"), "timezone"),
    ],
)
def test_what_is_left_out_or_put_in_is_found_too(
    tmp_path: Path, parts: dict[str, bytes], change: Callable[[Any], object], found: str
) -> None:
    document = json.loads(parts["ticket.json"])
    change(document)
    forged = with_another_manifest(parts | {"ticket.json": json.dumps(document).encode()})
    assert f"ticket.json: {found} is not what the records say" in Told(tmp_path, zipped(forged)).faults


def test_a_chain_that_is_made_anew_is_found_by_a_head_that_was_given(
    tmp_path: Path, made: bytes, parts: dict[str, bytes]
) -> None:
    rows = [json.loads(each) for each in parts["chain.jsonl"].splitlines()]
    earlier = rows[-5]
    head = f"{earlier['hash']}@{earlier['number']}"
    assert any("the head that was given" in each for each in Told(tmp_path, made, head).holds)
    assert Told(tmp_path, made, earlier["hash"]).faults == []
    previous = rows[0]["hash"]
    for row in rows[1:]:
        row["at"] += row is not rows[-1]
        row.pop("hash")
        previous = row["hash"] = verify.digest(previous + verify.canonical(row))
    chain = "".join(verify.canonical(each) + "\n" for each in rows).encode()
    ends = {**json.loads(parts["manifest.json"])["head"], "hash": previous}
    document = json.loads(parts["ticket.json"]) | {"head": ends}
    ticket = (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    forged = zipped(with_another_manifest(parts | {"chain.jsonl": chain, "ticket.json": ticket}, head=ends))
    assert Told(tmp_path, forged).faults == [], "the packet alone cannot show it"
    (fault,) = Told(tmp_path, forged, head).faults
    assert fault.startswith("the head that was given is none of rows")


# without safetyd


def test_verify_py_is_packed_as_it_is_and_needs_nothing_but_old_python(
    tmp_path: Path, made: bytes, parts: dict[str, bytes]
) -> None:
    source = Path(verify.__file__).read_bytes()
    assert parts["verify.py"] == source
    tree = ast.parse(source, feature_version=(3, 8))
    modules = {
        each.module or "" if isinstance(each, ast.ImportFrom) else each.names[0].name
        for each in ast.walk(tree)
        if isinstance(each, ast.Import | ast.ImportFrom)
    }
    assert {each.split(".")[0] for each in modules} <= sys.stdlib_module_names
    (tmp_path / "packet.zip").write_bytes(made)
    (tmp_path / "verify.py").write_bytes(source)
    done = run("verify.py", "packet.zip", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "packet.zip").write_bytes(zipped(parts | {"README.txt": b"!"}))
    done = run("verify.py", "packet.zip", cwd=tmp_path)
    assert done.returncode == 1 and "cut: README.txt" in done.stdout.splitlines()
