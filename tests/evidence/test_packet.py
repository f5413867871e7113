"""What a packet of a recorded morning holds, and that the same record gives the same bytes."""

import csv
import json
import os
import subprocess
import sys
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from safetyd.evidence.case import read_case
from safetyd.store.audit import digest
from tests.evidence.packets import EDUCATOR, TICKET, packet, parts_of, recorded

HASHES = Path(__file__).with_name("hashes.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packet")


@pytest.fixture(scope="module")
def store(folder: Path) -> tuple[str, dict[str, Any]]:
    return recorded(folder)


@pytest.fixture(scope="module")
def made(folder: Path, store: tuple[str, dict[str, Any]]) -> bytes:
    return packet(folder, store[0])


@pytest.fixture(scope="module")
def named(folder: Path, store: tuple[str, dict[str, Any]]) -> bytes:
    return packet(folder, store[0], with_names=True)


def document(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parts_of(content)["ticket.json"])
    return found


def text_of(content: bytes) -> str:
    """Return what stands on the pages of the document."""
    pages = PdfReader(BytesIO(parts_of(content)["ticket.pdf"])).pages
    return " ".join(word for page in pages for word in page.extract_text().split())


def rows(content: bytes, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(parts_of(content)[name].decode(), newline="")))


# what is in it


def test_the_case_is_ticket_json_as_values(named: bytes) -> None:
    case = read_case(document(named))
    assert (case.ticket.id, case.ticket.condition, case.building_name) == (
        TICKET,
        "cold",
        "Maple Street School",
    )
    assert [each.event for each in case.timeline][:2] == ["opened", "notice"]
    assert dict(case.rules.numbers)["cold.below_f"] == "60.0"
    assert {each.quantity for each in case.series} == {"temperature", "humidity", "heat_index"}
    assert case.coverage.breach_s > 0 and case.coverage.unknown_s < case.coverage.ok_s
    assert [each.words for each in case.limits] == ["is the limit", "ends a breach"]
    (file,) = case.attachments
    assert file.path and parts_of(named)[file.path].endswith(b"what a thermometer shows")


def test_each_duty_says_whether_it_is_on_record_by_whom_and_when(named: bytes) -> None:
    duties = {each.clause: each for each in read_case(document(named)).ticket.duties}
    assert [each.by for each in duties["9.14.3.A"].proofs] == [EDUCATOR]
    assert [(each.by, each.words) for each in duties["9.14.3.B"].proofs] == [
        ("Finn Oak", "fans or heaters; two heaters")
    ]
    assert duties["9.14.3.C"].state == "not_on_record"


def test_every_reading_of_the_room_is_there_raw_and_as_judged(made: bytes) -> None:
    found = rows(made, "readings.csv")
    assert {each["sensor"] for each in found} == {"12"}, "no other room's"
    assert len(found) == document(made)["readings"]
    (broken,) = [each for each in found if each["value"] == "185.0"]
    assert (broken["mark"], broken["judged"]) == ("rejected", "rejected")
    assert broken["reason"] == broken["why"] == "185 °F is an error code"
    (alone,) = [each for each in found if each["value"] == "90.5"]
    assert (alone["mark"], alone["judged"]) == ("suspect", "suspect"), "nothing bore it out"
    (borne_out,) = [each for each in found if each["value"] == "79.4"]
    assert (borne_out["mark"], borne_out["judged"]) == ("suspect", "accepted")
    assert borne_out["why"] == "borne out by the next reading"


def test_the_chain_tells_of_other_records_no_more_than_their_digest(made: bytes) -> None:
    parts = parts_of(made)
    lines = [json.loads(each) for each in parts["chain.jsonl"].splitlines()]
    assert all(set(each) == {"at", "body", "hash", "key", "kind", "number"} for each in lines[1:])
    assert set(lines[0]) in ({"number", "hash"}, set(lines[1]))
    records = [json.loads(each) for each in parts["records.jsonl"].splitlines()]
    assert {each["key"] for each in records if each["kind"] == "ticket"} == {TICKET}
    assert lines[-1]["hash"] == document(made)["head"]["hash"]


def test_no_cell_is_a_formula(named: bytes) -> None:
    for name in ("history.csv", "notices.csv", "readings.csv"):
        for row in rows(named, name):
            assert not any(cell[:1] in ("=", "+", "@") for cell in row.values())
    assert any(row["note"].startswith("'=57") for row in rows(named, "history.csv"))


# names


def test_the_name_of_an_educator_who_reported_is_nowhere_unless_it_is_asked_for(
    made: bytes, named: bytes
) -> None:
    forms = [EDUCATOR, json.dumps(EDUCATOR)[1:-1], json.dumps(json.dumps(EDUCATOR))[2:-2], "Quill"]
    for name, content in parts_of(made).items():
        assert not any(each.encode() in content for each in forms), name
    assert not any(each in text_of(made) for each in (EDUCATOR, "Quill", "Zo"))
    assert EDUCATOR in text_of(named) and EDUCATOR.encode() in parts_of(named)["history.csv"]
    assert "an educator" in parts_of(made)["history.csv"].decode()
    withheld = [each for each in parts_of(made)["records.jsonl"].splitlines() if b'"withheld":true' in each]
    assert withheld and not any(b"record" in each for each in withheld)


# the same


def test_twice_it_is_the_same_bytes(folder: Path, store: tuple[str, dict[str, Any]], made: bytes) -> None:
    assert packet(folder, store[0]) == made


_AGAIN = """
import sys
from hashlib import sha256
from pathlib import Path
from tests.evidence.packets import packet, recorded
folder = Path(sys.argv[1])
print(sha256(packet(folder, recorded(folder)[0])).hexdigest())
"""


@pytest.mark.parametrize(
    ("seed", "zone", "tongue"), [("1", "Asia/Tokyo", "C"), ("77", "America/Lima", "C.UTF-8")]
)
def test_in_another_process_time_zone_and_locale_it_is_the_same_bytes(
    tmp_path: Path, made: bytes, seed: str, zone: str, tongue: str
) -> None:
    settings = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": tongue, "LANG": tongue}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _AGAIN, str(tmp_path)]
    done = subprocess.run(command, cwd=root, env=settings, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sha256(made).hexdigest()


def test_the_recording_gives_the_verdicts_and_the_packet_that_it_gave_elsewhere(
    store: tuple[str, dict[str, Any]], made: bytes
) -> None:
    """If this is meant to change, `python -m tests.evidence.test_packet` writes what is true now."""
    assert hashes(store[1], made) == json.loads(HASHES.read_text("utf-8"))


def hashes(told: dict[str, Any], content: bytes) -> dict[str, str]:
    found = {name: sha256(part).hexdigest() for name, part in parts_of(content).items()}
    return {"verdicts": digest(told), "packet": sha256(content).hexdigest(), **found}


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as here:
        url, led_to = recorded(Path(here))
        is_now = hashes(led_to, packet(Path(here), url))
    HASHES.write_text(json.dumps(is_now, indent=1) + "\n", encoding="utf-8")
