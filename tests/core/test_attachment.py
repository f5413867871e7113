"""A file goes on record under one plain name, neither empty nor too big; anything else is refused."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safetyd.core.attachment import MOST_A_NOTE, MOST_BYTES, Attachment, attachment, check_number, check_size
from safetyd.core.errors import ActionError


def refusal(name: str, content: bytes = b"x") -> str:
    with pytest.raises(ActionError) as refused:
        attachment(name, content)
    (sentence,) = str(refused.value).splitlines()
    assert sentence.startswith("attach: '") and "; expected " in sentence
    return sentence


def test_what_goes_on_record_is_name_size_and_hash() -> None:
    photo = attachment("photo.jpg", b"cold")
    assert photo == Attachment("photo.jpg", b"cold", 4, sha256(b"cold").hexdigest())
    assert photo.on_record == {"name": "photo.jpg", "size": 4, "sha256": photo.sha256}


def test_its_content_is_not_in_its_words() -> None:
    assert "secret" not in repr(attachment("photo.jpg", b"secret"))


@pytest.mark.parametrize(
    "name",
    [
        "photo.jpg",
        "IMG 0001.HEIC",
        "Arbeitsauftrag Müller.pdf",
        "a",
        "x" * 100,
        "9.41\u202fAM.png",
        "温度.jpg",
    ],
)
def test_a_plain_name_is_taken(name: str) -> None:
    assert attachment(name, b"x").name == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 101, "101 characters"),
        ("", "no name"),
        ("  ", "no name"),
        (".", "dot"),
        ("..", "dot"),
        (".bash_profile", "dot"),
        ("../photo.jpg", "dot"),
        ("/etc/passwd", "path"),
        ("photos/a.jpg", "path"),
        ("C:\\photos\\a.jpg", "path"),
        ("a\nb.jpg", "control"),
        ("a\x00.jpg", "control"),
        ("a\x1b[31m.jpg", "control"),
        ("gpj.\u202eexe", "control"),
        ("a\u2028b.jpg", "control"),
        ("a\ud800.jpg", "control"),
    ],
)
def test_any_other_name_is_refused(name: str, words: str) -> None:
    assert words in refusal(name)


@given(st.text(max_size=130))
def test_a_name_from_anywhere_is_refused_or_is_a_file_in_the_folder_it_is_written_to(name: str) -> None:
    try:
        taken = attachment(name, b"x").name
    except ActionError as error:
        assert str(error).isprintable() and len(str(error)) < 400
        return
    assert taken == name and Path("folder", taken).parent == Path("folder")
    assert Path("folder", taken).resolve().parent == Path("folder").resolve()


def test_an_empty_file_is_refused_and_one_byte_is_taken() -> None:
    assert "0 bytes" in refusal("photo.jpg", b"")
    assert attachment("photo.jpg", b"x").size == 1


def test_five_megabytes_are_taken_and_one_byte_more_is_refused() -> None:
    check_size("photo.jpg", MOST_BYTES)
    with pytest.raises(ActionError, match=f"'photo.jpg': it has {MOST_BYTES + 1} bytes; expected at most"):
        check_size("photo.jpg", MOST_BYTES + 1)


def test_five_files_are_taken_and_the_sixth_is_named() -> None:
    names = [f"{n}.jpg" for n in range(1, MOST_A_NOTE + 2)]
    check_number(names[:-1])
    with pytest.raises(ActionError, match=r"'6.jpg': it is one of 6 files; expected at most 5 a note"):
        check_number(names)
