"""Files at a terminal: in with a note, listed, and out again without overwriting anything."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from safetyd.cli.carrying import carry_out
from safetyd.configuration import load
from safetyd.core.attachment import MOST_BYTES
from safetyd.store.database import open_for_writing
from tests.cli.test_duties import School

PHOTO = b"\xff\xd8 57.2"


@pytest.fixture
def school(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> School:
    return School(tmp_path, capsys.readouterr)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return file(tmp_path / "camera" / "photo.jpg", PHOTO)


def file(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def note(school: School, *files: Path, more: tuple[str, ...] = ()) -> tuple[int, str, str]:
    attach = [word for each in files for word in ("--attach", str(each))]
    by = ("--by", "Finn Ray", "--note", "57 at the window")
    return school.run("ticket", school.first, "note", *by, *attach, *more)


def stored(school: School, query: str) -> list[tuple[object, ...]]:
    url = f"sqlite:///{school.folder}/var/safetyd.db"
    with closing(open_for_writing(url)) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_a_note_brings_files_and_the_ticket_lists_them(school: School, photo: Path) -> None:
    code, out, _ = note(school, photo)
    assert code == 0
    assert "57 at the window" in out and "+ photo.jpg (7 bytes)" in out


def test_they_are_listed_and_written_out_as_they_came(school: School, photo: Path) -> None:
    assert note(school, photo, file(photo.with_name("order.pdf"), b"%PDF"))[0] == 0
    code, out, _ = school.run("attachments", school.first)
    assert code == 0 and "photo.jpg" in out and "order.pdf" in out and "Finn Ray" in out
    folder = school.folder / "deep" / "out"
    code, out, _ = school.run("attachments", school.first, "--save", str(folder), "--json")
    listed = json.loads(out)
    assert code == 0 and listed["ticket"] == school.first
    assert [each["name"] for each in listed["attachments"]] == ["photo.jpg", "order.pdf"]
    assert [Path(each["file"]).read_bytes() for each in listed["attachments"]] == [PHOTO, b"%PDF"]


def test_a_ticket_without_files_says_so(school: School) -> None:
    code, out, _ = school.run("attachments", school.first)
    assert code == 0 and "No attachments" in out
    code, out, _ = school.run("attachments", school.first, "--json")
    assert json.loads(out) == {"ticket": school.first, "attachments": []}
    assert school.run("attachments", "maple-1999-0001")[0] == 1


def test_two_of_the_same_name_are_told_apart_and_nothing_is_overwritten(school: School, photo: Path) -> None:
    note(school, photo, file(photo.parent.parent / "other" / "photo.jpg", b"58"))
    folder = school.folder / "out"
    mine = file(folder / "photo (2).jpg", b"my own")
    assert school.run("attachments", school.first, "--save", str(folder))[0] == 0
    assert mine.read_bytes() == b"my own"
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path != mine} == {
        "photo.jpg": PHOTO,
        "photo (3).jpg": b"58",
    }


def test_a_link_that_leads_elsewhere_is_not_followed(school: School, photo: Path) -> None:
    note(school, photo)
    folder, elsewhere = school.folder / "out", school.folder / "elsewhere"
    folder.mkdir()
    (folder / "photo.jpg").symlink_to(elsewhere)
    assert school.run("attachments", school.first, "--save", str(folder))[0] == 0
    assert not elsewhere.exists() and (folder / "photo (2).jpg").read_bytes() == PHOTO


def test_a_name_too_long_for_the_disk_is_shortened(school: School) -> None:
    name = "\U0001f600" * 96 + ".jpg"  # 388 bytes
    said = {"do": "note", "ticket": school.first, "by": "Finn Ray", "note": "from a telephone"}
    attach = [{"name": name, "base64": "eA=="}] * 2
    carry_out(said | {"attach": attach}, load(school.folder / "safetyd.toml", {}))
    code, out, _ = school.run("attachments", school.first, "--save", str(school.folder / "out"), "--json")
    one, other = (Path(each["file"]).name for each in json.loads(out)["attachments"])
    assert code == 0 and one.endswith("\U0001f600.jpg") and other.endswith("\U0001f600 (2).jpg")
    assert len(other.encode()) <= 255


def test_a_content_that_is_not_what_the_record_says_is_not_written(school: School, photo: Path) -> None:
    note(school, photo, file(photo.with_name("order.pdf"), b"%PDF"))
    with closing(open_for_writing(f"sqlite:///{school.folder}/var/safetyd.db")) as connection:
        connection.exec_driver_sql("UPDATE attachment SET content = 'forged' WHERE content = ?", (PHOTO,))
        connection.commit()
    folder = school.folder / "out"
    code, _, err = school.run("attachments", school.first, "--save", str(folder))
    (sentence,) = err.splitlines()
    assert code == 1 and "photo.jpg" in sentence and "hash" in sentence
    assert [path.name for path in folder.iterdir()] == ["order.pdf"]


def test_where_they_cannot_be_written_is_said_in_a_sentence(school: School, photo: Path) -> None:
    note(school, photo)
    code, out, err = school.run("attachments", school.first, "--save", str(photo))
    assert (code, out) == (1, "") and len(err.splitlines()) == 1 and str(photo) in err


def test_several_tickets_share_one_content(school: School, photo: Path) -> None:
    assert note(school, photo, more=("--alike",))[0] == 0
    assert note(school, photo, more=("--also", school.second))[0] == 0
    for id in (school.first, school.second):
        _, out, _ = school.run("attachments", id, "--json")
        assert [each["name"] for each in json.loads(out)["attachments"]] == ["photo.jpg"] * 2
    assert stored(school, "SELECT content FROM attachment") == [(PHOTO,)]
    assert stored(school, "SELECT count(*) FROM attached") == [(4,)]


def test_a_content_is_handed_out_for_its_own_ticket_only(school: School, photo: Path) -> None:
    note(school, photo)
    _, out, _ = school.run("attachments", school.second, "--json")
    assert json.loads(out)["attachments"] == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.jpg", None, "not there"),
        ("empty.jpg", b"", "0 bytes"),
        ("big.jpg", bytes(MOST_BYTES + 1), str(MOST_BYTES + 1)),
        (".hidden", b"x", "dot"),
        ("a\nb.jpg", b"x", "control"),
        (b"\xff.jpg".decode("utf-8", "surrogateescape"), b"x", "control"),
        (f"{'n' * 101}", b"x", "101 characters"),
    ],
)
def test_what_will_not_do_is_refused_and_nothing_changes(
    school: School, photo: Path, name: str, content: bytes | None, words: str
) -> None:
    before = school.ticket(school.first)["history"]
    path = photo.with_name(name)
    if content is not None:
        path.write_bytes(content)
    code, out, err = note(school, photo, path)
    (sentence,) = err.splitlines()
    assert (code, out) == (2, "") and words in sentence
    assert school.ticket(school.first)["history"] == before


def test_a_directory_and_a_device_are_no_files(school: School, photo: Path) -> None:
    for path, words in ((photo.parent, "a directory"), (Path("/dev/zero"), "no file")):
        code, _, err = note(school, path)
        assert code == 2 and words in err and str(path) in err


def test_a_sixth_file_is_refused(school: School, photo: Path) -> None:
    files = [file(photo.with_name(f"{n}.jpg"), b"x") for n in range(6)]
    assert "at most 5" in note(school, *files)[2]
    assert note(school, *files[:5])[0] == 0


def test_files_go_with_words_and_with_a_note_only(school: School, photo: Path) -> None:
    attach = ("--by", "Finn Ray", "--attach", str(photo))
    code, _, err = school.run("ticket", school.first, "note", *attach)
    assert code == 1 and "needs words" in err
    code, _, err = school.run("ticket", school.first, "acknowledge", *attach)
    assert code == 2 and "--attach" in err
