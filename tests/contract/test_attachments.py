"""A note may bring files: they are on record by name, size and hash, and change nothing else."""

import base64
from hashlib import sha256

import pytest

from safetyd.core.attachment import MOST_BYTES
from tests.story import COLD, FIRST, SOMEBODY, Json, Story

PHOTO, ORDER = b"\xff\xd8 57.2", b"%PDF-1.7 boiler"


def file(name: str, content: bytes) -> Json:
    return {"name": name, "base64": base64.b64encode(content).decode()}


def on_record(name: str, content: bytes) -> Json:
    return {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}


def cold_since_eight() -> Story:
    return Story().reading("12", "08:00", **COLD)


def noted(*files: object, **more: object) -> Story:
    return cold_since_eight().act("09:00", "note", **{"note": "57 at the window", "attach": files, **more})


def test_a_note_with_files_names_them_in_history() -> None:
    ticket = noted(file("photo.jpg", PHOTO), file("order.pdf", ORDER)).replay().the_ticket()
    row = ticket["history"][-1]
    assert (row["event"], row["by"], row["note"]) == ("note", SOMEBODY, "57 at the window")
    assert row["attachments"] == [on_record("photo.jpg", PHOTO), on_record("order.pdf", ORDER)]


def test_a_line_without_files_says_nothing_of_them() -> None:
    history = noted(file("photo.jpg", PHOTO)).replay().the_ticket()["history"]
    assert ["attachments" in row for row in history] == [False] * (len(history) - 1) + [True]
    assert "attachments" not in noted().replay().the_ticket()["history"][-1]
    assert "attachments" not in cold_since_eight().act("09:00", "note", note="x", attach=None).replay().text


def test_the_lines_hash_depends_on_the_files_content() -> None:
    one, other = (
        noted(file("photo.jpg", content)).replay().the_ticket()["history"][-1] for content in (b"a", b"b")
    )
    assert one["hash"] != other["hash"]


def test_nothing_else_changes() -> None:
    with_file = noted(file("photo.jpg", PHOTO)).replay(until="10:00").output
    without = noted().replay(until="10:00").output
    for told in (with_file, without):
        row = told["tickets"][0]["history"][-1]
        row.pop("attachments", None), row.pop("hash")
    assert with_file == without


def test_the_same_story_gives_the_same_bytes() -> None:
    story = noted(file("photo.jpg", PHOTO), file("photo.jpg", ORDER))
    assert story.replay(until="10:00").text == story.replay(until="10:00").text


def test_several_tickets_share_a_file() -> None:
    story = cold_since_eight().reading("lab", "08:00", **COLD)
    ids = [FIRST, "maple-2026-0002"]
    story.act("09:00", "note", ticket=ids, note="both rooms", attach=[file("photo.jpg", PHOTO)])
    told = story.replay()
    assert told.rejected() == []
    for id in ids:
        assert told.the_ticket(id=id)["history"][-1]["attachments"] == [on_record("photo.jpg", PHOTO)]


def test_of_several_tickets_the_one_that_is_not_there_stops_no_other() -> None:
    ids = [FIRST, "maple-2026-0009"]
    told = (
        cold_since_eight()
        .act("09:00", "note", ticket=ids, note="x", attach=[file("photo.jpg", PHOTO)])
        .replay()
    )
    assert told.the_ticket()["history"][-1]["attachments"] == [on_record("photo.jpg", PHOTO)]
    (refused,) = told.rejected("action")
    assert "maple-2026-0009" in refused["reason"]


# Refusals


@pytest.mark.parametrize(
    ("attach", "words"),
    [
        ("photo.jpg", ["attach", "list of files"]),
        ({}, ["attach", "list of files"]),
        (["photo.jpg"], ["attach", "list of files"]),
        ([{"name": "photo.jpg"}], ["'photo.jpg'", "needs base64"]),
        ([{"base64": "eA=="}], ["needs name"]),
        ([{"name": 5, "base64": "eA=="}], ["needs name"]),
        ([{"name": "photo.jpg", "base64": "eA==", "url": "http://"}], ["'url'"]),
        ([file("photo.jpg", b"")], ["'photo.jpg'", "0 bytes"]),
        ([{"name": "photo.jpg", "base64": "eA="}], ["'photo.jpg'", "base64 is broken", "again"]),
        ([{"name": "photo.jpg", "base64": "e\u00e9A="}], ["'photo.jpg'", "base64 is broken"]),
        ([{"name": "photo.jpg", "base64": "*A=="}], ["'photo.jpg'", "base64 is broken"]),
        ([file("../../etc/cron.d/x", b"x")], ["dot"]),
        ([file("a/b", b"x")], ["'a/b'", "path"]),
        ([file("a\u0007b", b"x")], ["control"]),
        ([file("\ud800", b"x")], ["control"]),
        ([file("n" * 101, b"x")], ["101 characters"]),
        ([file(f"{n}.jpg", b"x") for n in range(6)], ["'5.jpg'", "6 files", "at most 5"]),
        ([file("photo.jpg", PHOTO), file("empty", b"")], ["'empty'"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ticket", [FIRST, [FIRST]], ids=["one", "several"])
def test_what_will_not_do_is_refused_and_nothing_changes(
    attach: object, words: list[str], ticket: object
) -> None:
    untouched = cold_since_eight().replay(until="09:00").the_ticket()
    told = cold_since_eight().act("09:00", "note", ticket=ticket, note="x", attach=attach).replay()
    assert told.the_ticket() == untouched
    (refused,) = told.rejected("action")
    assert all(word in refused["reason"] for word in words), refused["reason"]
    assert refused["reason"].isprintable()


@pytest.mark.parametrize("too_many", [0, 1], ids=["five megabytes", "a byte more"])
def test_a_file_has_at_most_five_megabytes(too_many: int) -> None:
    told = noted(file("photo.jpg", bytes(MOST_BYTES + too_many))).replay()
    assert len(told.rejected("action")) == too_many
    if too_many:
        assert str(MOST_BYTES + 1) in told.rejected("action")[0]["reason"]


def test_five_files_are_taken() -> None:
    told = noted(*(file(f"{n}.jpg", b"x") for n in range(5))).replay()
    assert len(told.the_ticket()["history"][-1]["attachments"]) == 5


@pytest.mark.parametrize("note", ["", "  "])
def test_a_note_with_files_needs_words_all_the_same(note: str) -> None:
    told = noted(file("photo.jpg", PHOTO), note=note).replay()
    (refused,) = told.rejected("action")
    assert "needs words" in refused["reason"]


@pytest.mark.parametrize("do", ["acknowledge", "relieve", "extend", "dispute", "close", "lift"])
def test_files_go_with_a_note_only(do: str) -> None:
    story = cold_since_eight().act("09:00", do, note="x", attach=[file("photo.jpg", PHOTO)])
    (refused,) = story.replay().rejected("action")
    assert "attach" in refused["reason"]
