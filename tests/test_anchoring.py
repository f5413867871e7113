"""The head of the chain goes outside each day, by a URL and by a stamp, and nothing stops the watch."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from safetyd import stamping
from safetyd.core.model import TroubleKind
from safetyd.store import anchors
from safetyd.store.anchors import Way
from safetyd.store.database import open_for_reading
from safetyd.store.verifying import Given, Verdict, verify
from tests.authority import Authority, Outside
from tests.everything import DAY, HOUR, MINUTE, NINE, Record

LONGEST_PAUSE = 6 * HOUR
Row = dict[str, Any]


@pytest.fixture
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ours")


@pytest.fixture
def record(tmp_path: Path, outside: Outside) -> Record:
    """One whose heads go to a URL."""
    return begun(Record(tmp_path, head_url=outside.url("/head")))


@pytest.fixture
def stamped(tmp_path: Path, outside: Outside, authority: Authority) -> Record:
    """One whose heads are stamped."""
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(asked))
    given = {"timestamp_url": outside.url("/tsa"), "timestamp_ca_file": str(authority.root)}
    return begun(Record(tmp_path, **given))


def begun(record: Record) -> Record:
    record.hear("12", NINE, temperature_f=66.0)
    record.tend()
    return record


def go_on(record: Record, *, by: Any = MINUTE) -> None:
    """Let time pass, and let whatever is sent meanwhile end."""
    record.tend(by)
    for _ in range(3):
        record.notary.anchor(record.now)
        for each in threading.enumerate():
            if each.name.startswith("anchor "):
                each.join(30)
        record.notary.anchor(record.now)
    record.service.commit(record.now)


def rows(record: Record) -> list[Row]:
    found = [
        dict(each) for each in record.reader.exec_driver_sql("SELECT * FROM anchor ORDER BY id").mappings()
    ]
    record.reader.rollback()
    return found


def troubles(record: Record, subject: str) -> list[tuple[TroubleKind, str]]:
    standing = record.service.world.troubles.get(subject, {})
    return [(each.kind, each.note) for each in standing.values()]


def verdict(record: Record, ca: Path | None = None, *given: Given) -> Verdict:
    trusted = [] if ca is None else stamping.authorities(ca)
    with open_for_reading(record.url) as connection:
        return verify(connection, given, lambda done, all: None, trusted)


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/head"


# to a URL


def test_each_morning_the_head_is_posted_to_the_byte_as_documented(record: Record, outside: Outside) -> None:
    go_on(record, by=NINE + 22 * HOUR + 59 * MINUTE - record.now)
    assert outside.heard == [], "not before eight"
    go_on(record)
    (heard,) = outside.heard
    head = record.heads.read_text().split()[1]
    hash, _, number = head.partition("@")
    at = record.heads.read_text().split()[0]
    assert heard.body.decode() == (
        f'{{"at":"{at}","day":"2026-12-02","hash":"{hash}","number":{number},'
        '"site":"Riverbend","type":"safetyd.head"}'
    )
    assert (heard.path, heard.kind, heard.authorization) == ("/head", "application/json", None)
    assert verdict(record, None, Given(int(number), hash)).heads == 1
    (row,) = rows(record)
    assert (row["state"], row["attempts"], row["due_at"], row["answer"]) == ("done", 1, None, "accepted")


def test_it_is_posted_once_a_day_through_restarts(record: Record, outside: Outside) -> None:
    for _ in range(3):
        go_on(record, by=DAY)
        record.end()
        record.begin()
        go_on(record)
    assert [json.loads(each.body)["day"] for each in outside.heard] == [
        "2026-12-02",
        "2026-12-03",
        "2026-12-04",
    ]
    assert verdict(record).faults == []


def test_a_token_goes_with_it(tmp_path: Path, outside: Outside) -> None:
    record = begun(Record(tmp_path, head_url=outside.url("/head"), head_token="abc-7"))
    go_on(record, by=DAY)
    assert [each.authorization for each in outside.heard] == ["Bearer abc-7"]


def test_what_nobody_takes_is_tried_again_until_somebody_does_and_nothing_is_lost(
    tmp_path: Path, outside: Outside
) -> None:
    record = begun(Record(tmp_path, head_url=nobody()))
    for _ in range(3):
        go_on(record, by=DAY)
        for _ in range(4):
            go_on(record, by=HOUR)
        record.end()
        record.begin()
    waiting = rows(record)
    assert [each["state"] for each in waiting] == ["waiting"] * 3
    assert all(each["attempts"] > 3 and each["answer"] == "Connection refused" for each in waiting)
    assert troubles(record, "[audit] head_url") == [(TroubleKind.UNDELIVERABLE, "Connection refused")]
    record.end()
    record.audit["head_url"] = outside.url("/head")
    record.begin()
    go_on(record, by=LONGEST_PAUSE)
    go_on(record)
    days = sorted(json.loads(each.body)["day"] for each in outside.heard)
    assert days == ["2026-12-02", "2026-12-03", "2026-12-04"]
    assert troubles(record, "[audit] head_url") == []
    assert verdict(record).faults == []


def test_pauses_grow_and_the_third_failure_is_a_trouble(record: Record, outside: Outside) -> None:
    outside.answers["/head"] = lambda _: (503, b"")
    go_on(record, by=DAY)
    pauses = []
    for failed in range(1, 6):
        (row,) = rows(record)
        assert (row["attempts"], row["answer"]) == (failed, "it answered 503 Service Unavailable")
        assert bool(troubles(record, "[audit] head_url")) is (failed >= 3)
        pauses.append(row["due_at"] - int(record.now.timestamp() * 1e6))
        go_on(record, by=HOUR)
    assert pauses == sorted(pauses) and pauses[0] >= 2.5e6


@pytest.mark.parametrize("status", [301, 308, 400, 401, 404, 410, 429, 500])
def test_whatever_it_answers_it_is_owed_until_it_is_taken(
    record: Record, outside: Outside, status: int
) -> None:
    outside.answers["/head"] = lambda _: (status, outside.url("/elsewhere").encode())
    go_on(record, by=DAY)
    assert rows(record)[0]["state"] == "waiting"
    assert outside.at("/elsewhere") == [], "no redirect is followed"
    del outside.answers["/head"]
    go_on(record, by=HOUR)
    assert rows(record)[0]["state"] == "done"


def test_a_way_that_is_taken_out_of_the_file_is_owed_no_more(tmp_path: Path) -> None:
    record = begun(Record(tmp_path, head_url=nobody()))
    for _ in range(4):
        go_on(record, by=DAY)
    assert troubles(record, "[audit] head_url")
    record.end()
    del record.audit["head_url"]
    record.begin()
    go_on(record)
    assert {each["state"] for each in rows(record)} == {"withdrawn"}
    assert troubles(record, "[audit] head_url") == []
    assert verdict(record).faults == []


def test_who_takes_it_shows_a_certificate_that_the_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    key, certificate = tmp_path / "key", tmp_path / "crt"
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -addext subjectAltName=IP:127.0.0.1"
    named = ["-keyout", key, "-out", certificate]
    subprocess.run(["openssl", *made.split(), *named], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    outside = Outside(tls)
    record = begun(Record(tmp_path, head_url=outside.url("/head")))
    go_on(record, by=DAY)
    assert rows(record)[0]["answer"] == "its certificate is not accepted: self-signed certificate"
    assert outside.heard == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    go_on(record, by=HOUR)
    assert (rows(record)[0]["state"], len(outside.heard)) == ("done", 1)
    outside.stop()


# a stamp


def test_an_authority_stamps_each_days_head_and_anybody_can_check_it(
    stamped: Record, outside: Outside, authority: Authority, tmp_path: Path
) -> None:
    go_on(stamped, by=DAY)
    (heard,) = outside.heard
    assert heard.kind == "application/timestamp-query"
    (row,) = rows(stamped)
    assert (row["way"], row["state"], row["attempts"]) == ("stamp", "done", 1)
    assert row["answer"].endswith("Z CN=Stamps")
    with open_for_reading(stamped.url) as connection:
        one = anchors.newest_stamp(connection)
    assert one is not None and one.stamp is not None and one.head.hash == row["hash"]
    (tmp_path / "stamp.tsr").write_bytes(one.stamp)
    assert authority.agrees(tmp_path / "stamp.tsr", row["hash"])
    assert not authority.agrees(tmp_path / "stamp.tsr", "0" * 64)
    found = verdict(stamped, authority.root)
    assert (found.faults, found.stamps, found.unchecked) == ([], 1, 0)
    found = verdict(stamped)
    assert (found.faults, found.stamps, found.unchecked) == ([], 0, 1)


def test_a_chain_that_was_rewritten_whole_does_not_fit_its_stamps(
    stamped: Record, authority: Authority
) -> None:
    go_on(stamped, by=DAY)
    stamped.connection.exec_driver_sql("UPDATE anchor SET hash = ?", ("0" * 64,))
    stamped.connection.exec_driver_sql(
        "UPDATE chain SET hash = ? WHERE number = (SELECT number FROM anchor)", ("0" * 64,)
    )
    stamped.connection.commit()
    (fault,) = [each for each in verdict(stamped, authority.root).faults if "stamp" in each]
    number = rows(stamped)[0]["number"]
    assert fault == f"the stamp of 2026-12-02 (row {number}) is not good: it stamps another hash"


def test_a_stamp_counts_only_by_whom_is_trusted_when_it_is_verified(
    stamped: Record, authority: Authority, tmp_path: Path
) -> None:
    go_on(stamped, by=DAY)
    other = Authority(tmp_path / "other")
    (fault,) = verdict(stamped, other.root).faults
    assert "is not good: nobody who is trusted has signed it" in fault


def wrong(record: Record, outside: Outside, authority: Authority, answer: bytes) -> str:
    """What is on record of an answer, which is kept nowhere, and for which the right one makes up."""
    outside.answers["/tsa"] = lambda _: (200, answer)
    go_on(record, by=DAY)
    for _ in range(2):
        go_on(record, by=HOUR)
    (row,) = rows(record)
    assert (row["state"], row["stamp"]) == ("waiting", None)
    assert troubles(record, "[audit] timestamp_url") == [(TroubleKind.UNDELIVERABLE, row["answer"])]
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(asked))
    go_on(record, by=LONGEST_PAUSE)
    assert rows(record)[0]["state"] == "done"
    assert troubles(record, "[audit] timestamp_url") == []
    assert verdict(record, authority.root).faults == []
    return str(row["answer"])


def test_an_answer_about_another_hash_is_not_kept(
    stamped: Record, outside: Outside, authority: Authority
) -> None:
    lie = authority.stamp(stamping.question(b"another").body)
    assert wrong(stamped, outside, authority, lie) == "it stamps another hash"


def test_an_answer_that_was_given_before_is_not_kept(
    tmp_path: Path, stamped: Record, outside: Outside, authority: Authority
) -> None:
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(stamping.question(content(stamped)).body))
    go_on(stamped, by=DAY)
    assert rows(stamped)[0]["answer"] == "it answers another question (nonce)"


def content(record: Record) -> bytes:
    """What the newest head is the hash of."""
    from safetyd.store import chain

    with open_for_reading(record.url) as connection:
        number = connection.exec_driver_sql("SELECT max(number) FROM anchor").scalar_one()
        return chain.made_of(connection, number)


def test_a_refusal_is_told_with_its_reason(
    stamped: Record, outside: Outside, authority: Authority, tmp_path: Path
) -> None:
    picky = Authority(tmp_path / "picky", digests="sha512")
    refusal = picky.stamp(stamping.question(b"x").body)
    said = wrong(stamped, outside, authority, refusal)
    assert said == "the stamp was refused: Message digest algorithm is not supported."


def test_a_stamp_of_an_authority_that_nobody_trusts_is_not_kept(
    stamped: Record, outside: Outside, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    outside.answers["/tsa"] = lambda asked: (200, other.stamp(asked))
    go_on(stamped, by=DAY)
    assert rows(stamped)[0]["answer"] == "nobody who is trusted has signed it: certificate verify error"
    assert rows(stamped)[0]["stamp"] is None


@pytest.mark.parametrize(
    "answer", [b"", b"<html>Please log in</html>", b"\x30\x03\x02\x01\x00", b"0" * 2_000_000]
)
def test_what_is_no_stamp_is_not_kept(
    stamped: Record, outside: Outside, authority: Authority, answer: bytes
) -> None:
    assert wrong(stamped, outside, authority, answer).startswith("it is no time stamp")


def test_an_authority_that_is_away_stamps_what_was_owed_when_it_is_back(
    stamped: Record, outside: Outside, authority: Authority
) -> None:
    outside.answers["/tsa"] = lambda _: (502, b"")
    for _ in range(2):
        go_on(stamped, by=DAY)
    stamped.end()
    stamped.begin()
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(asked))
    go_on(stamped, by=LONGEST_PAUSE)
    go_on(stamped)
    found = verdict(stamped, authority.root)
    assert (found.faults, found.stamps) == ([], 2)


def test_a_head_whose_row_was_changed_meanwhile_is_not_stamped(
    stamped: Record, outside: Outside, authority: Authority
) -> None:
    outside.answers["/tsa"] = lambda _: (502, b"")
    go_on(stamped, by=DAY)
    stamped.connection.exec_driver_sql(
        "UPDATE chain SET at = at - 1 WHERE number = (SELECT number FROM anchor)"
    )
    stamped.connection.commit()
    asked = len(outside.heard)
    go_on(stamped, by=HOUR)
    assert "of the chain is not what it was: safetyd audit verify" in rows(stamped)[0]["answer"]
    assert len(outside.heard) == asked


def test_both_ways_go_side_by_side(tmp_path: Path, outside: Outside, authority: Authority) -> None:
    outside.answers["/tsa"] = lambda asked: (200, authority.stamp(asked))
    given = {"timestamp_url": outside.url("/tsa"), "timestamp_ca_file": str(authority.root)}
    record = begun(Record(tmp_path, head_url=nobody(), **given))
    go_on(record, by=DAY)
    assert {(each["way"], each["state"]) for each in rows(record)} == {
        (Way.URL, "waiting"),
        (Way.STAMP, "done"),
    }


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_certificates_that_are_lost_are_told_and_nothing_stops(
    stamped: Record, outside: Outside, content: bytes, tmp_path: Path, authority: Authority
) -> None:
    lost = tmp_path / "ca.pem"
    lost.write_bytes(content)
    stamped.end()
    stamped.audit["timestamp_ca_file"] = str(lost)
    stamped.begin()
    go_on(stamped, by=DAY)
    assert rows(stamped)[0]["answer"].startswith(f"{lost}: holds no certificates that can be read")
    assert outside.heard == []


@pytest.mark.parametrize("at", range(0, 900, 37))
def test_no_bit_of_a_stamp_can_be_changed_so_that_it_says_something_else(
    authority: Authority, at: int
) -> None:
    asked = stamping.question(b"head")
    answer = authority.stamp(asked.body)
    trusted = stamping.authorities(authority.root)
    digest = sha256(b"head").digest()
    said = stamping.checked(answer, digest, trusted, asked.nonce)
    changed = bytearray(answer)
    changed[at % len(answer)] ^= 1
    try:
        assert stamping.checked(bytes(changed), digest, trusted, asked.nonce) == said
    except stamping.StampError:
        pass
