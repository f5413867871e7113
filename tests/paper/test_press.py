"""Blocks as a document: read back as who opens it would."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from safetyd.paper.blocks import (
    Block,
    Facts,
    Heading,
    Label,
    Line,
    PageBreak,
    Picture,
    Table,
    Text,
    Title,
    Together,
)
from safetyd.paper.press import pdf

EVERYTHING = """
from safetyd.paper.blocks import *
from safetyd.paper.press import pdf
blocks = [
    Title("Rooms of Kestrel Hill", "in March"),
    Heading("What is known"),
    Facts((("Room", "Łukasz’s workshop 王"), ("Hours", "3.5"))),
    Table(("room", "hours"), tuple((f"room {n}", f"{n / 7:.1f}") for n in range(90)), right=frozenset({1})),
    Heading("A picture", 2),
    Picture(200, 50, (Line(((0, 0), (200, 50)), dash=(3, 2)), Area(((0, 0), (9, 0), (9, 9)), 0.8),
                      Disc(20, 20, 5), Label(40, 20, "ninety"))  , "A line that falls."),
]
"""


def opened(*blocks: Block, title: str = "A title", foot: str = "") -> PdfReader:
    return PdfReader(BytesIO(pdf(blocks, title=title, foot=foot)))


def words(*blocks: Block) -> str:
    return " ".join(" ".join(page.extract_text() for page in opened(*blocks).pages).split())


def solid(*blocks: Block) -> str:
    """Return what is read, without the spaces and breaks that the width of a line put there."""
    return "".join(words(*blocks).split())


def made_elsewhere(**environment: str) -> str:
    script = (
        f"{EVERYTHING}\nimport hashlib\nprint(hashlib.sha256(pdf(blocks, title='T', foot='F')).hexdigest())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def test_the_same_blocks_are_the_same_bytes_in_another_process_zone_tongue_and_year():
    names: dict[str, object] = {}
    exec(EVERYTHING, names)
    here = hashlib.sha256(pdf(names["blocks"], title="T", foot="F")).hexdigest()  # type: ignore[arg-type]
    elsewhere = {
        "PYTHONHASHSEED": "4711",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "tr_TR.UTF-8",
        "HOME": "/nonexistent",
    }
    assert made_elsewhere(**elsewhere) == here
    assert made_elsewhere(SOURCE_DATE_EPOCH="1790000000", PYTHONHASHSEED="1") == here


def test_documents_that_are_made_at_once_are_each_their_own():
    def made(n: int) -> bytes:
        return pdf([Title(f"No. {n}"), Table(("Łódź", "n"), (("Nguyễn", str(n)),) * 60)], title=str(n))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(made, range(12))) == [made(n) for n in range(12)]


def test_one_letter_more_is_other_bytes():
    assert pdf([Text("seen")], title="T") != pdf([Text("seen.")], title="T")


def test_a_document_says_its_title_its_language_and_how_many_pages_it_has():
    document = opened(Text("one"), PageBreak(), Text("two"), title="What was seen", foot="sha256:0a1b")
    assert document.metadata is not None
    assert document.metadata.title == "What was seen"
    assert document.trailer["/Root"]["/Lang"] == "en"
    assert document.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    first, second = (page.extract_text() for page in document.pages)
    assert "page 1 of 2" in first and "page 2 of 2" in second
    assert all("What was seen" in page and "sha256:0a1b" in page for page in (first, second))


def test_every_font_is_embedded():
    fonts = [
        font.get_object()
        for page in opened(Title("Bold"), Text("plain")).pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in fonts)


def test_headings_are_an_outline_that_leads_to_their_pages():
    document = opened(Title("All"), Heading("First"), PageBreak(), Heading("Second"), Heading("Below", 2))

    def places(outline: list) -> list[tuple[str, int | None]]:
        return [
            place
            for each in outline
            for place in (
                places(each)
                if isinstance(each, list)
                else [(each.title, document.get_destination_page_number(each))]
            )
        ]

    assert places(document.outline) == [("All", 0), ("First", 0), ("Second", 1), ("Below", 1)]


@pytest.mark.parametrize(
    "written",
    [
        "<b>bold</b> & <i>more</i>",
        "<para>",
        "&lt;",
        "</para><img src='x'/>",
        "<a href='http://example.net'>",
        "%s {0} \\n (a) [b]",
    ],
)
def test_what_looks_like_markup_is_shown_as_it_was_written(written: str):
    everywhere = (Title(written, written), Heading(written), Text(written), Facts(((written, written),)))
    assert words(*everywhere, Table((written,), ((written,),))).count(" ".join(written.split())) == 8


@pytest.mark.parametrize(
    "name", ["Łukasz", "Nguyễn", "Ğülşah", "Ștefan", "Žofie", "Ольга", "Ωμέγα", "Zoë", "Ñandú"]
)
def test_a_name_in_latin_greek_or_cyrillic_letters_is_read_back(name: str):
    assert name in words(Text(name))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("王", "[U+738B]"),
        ("علي", "[U+0639][U+0644][U+064A]"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\u0007b", "a[U+0007]b"),
        ("a\x00b", "a[U+0000]b"),
        ("🎉", "[U+1F389]"),
        ("\ud800", "[U+D800]"),
        ("e\u0301", "é"),
    ],
)
def test_what_the_font_cannot_show_stands_as_its_number(written: str, shown: str):
    assert shown in words(Text(written))


def test_a_word_of_ten_thousand_letters_goes_on_over_lines_and_pages():
    long = "w" * 10_000
    assert solid(Text(long)).count("w") == 10_000
    assert solid(Facts((("what", long),))).count("w") == 10_001
    assert solid(Table(("a", "b"), (("1", long), ("2", "end")), widths=(1, 5))).count("w") == 10_000
    assert solid(Title(long), Heading(long)).count("w") == 20_000
    assert solid(Together((Text(long), Text("end")))).count("w") == 10_000


def test_nothing_reaches_over_the_margin():
    blocks = [
        Text("w" * 900),
        Table(("h" * 50, "i" * 50), (("w" * 90, "王" * 90),), widths=(1, 9)),
        Title("t" * 99),
    ]
    reached: list[float] = []

    def look(_text: object, _cm: object, matrix: list[float], *_: object) -> None:
        reached.append(matrix[4])

    opened(*blocks).pages[0].extract_text(visitor_text=look)
    assert reached
    assert max(reached) < 612 - 54


def test_a_long_table_repeats_its_head_on_every_page_and_loses_no_row():
    rows = tuple((f"row-{n:03}", "seen") for n in range(500))
    pages = [page.extract_text() for page in opened(Table(("which-row", "how"), rows)).pages]
    assert len(pages) > 8
    assert all(page.count("which-row") == 1 for page in pages)
    assert all(f"row-{n:03}" in "".join(pages) for n in range(500))


def test_a_row_that_is_too_short_is_filled_up():
    assert "alone" in words(Table(("one", "two", "three"), (("alone",),)))


def test_what_belongs_together_begins_on_the_next_page_where_it_does_not_fit():
    lines = tuple(Text(f"line {n}") for n in range(20))
    pages = [
        page.extract_text() for page in opened(*(Text("before") for _ in range(30)), Together(lines)).pages
    ]
    assert "line 0" not in pages[0] and "line 0" in pages[1] and "line 19" in pages[1]


def test_the_words_of_a_picture_are_text():
    drawn = Picture(3000, 100, (Line(((0, 0), (3000, 100))), Label(10, 50, "noon")), "A line over a day.")
    assert "noon" in words(drawn) and "A line over a day." in words(drawn)


def test_nothing_is_a_page_that_says_so_by_its_foot():
    assert "page 1 of 1" in words()


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=60)
def test_any_text_makes_a_document(one: str, other: str):
    blocks = (Title(one, other), Heading(one), Facts(((one, other),)), Table((one, other), ((other, one),)))
    assert pdf([*blocks, Text(other)], title=one, foot=other).startswith(b"%PDF-")


def test_a_heading_stays_with_the_first_row_of_its_table_wherever_it_falls() -> None:
    tall = Table(("when", "what"), (("at nine", " ".join(["a long tale"] * 120)), ("at ten", "little")))
    for before in range(30, 48):
        lines = [Text(f"line {n}") for n in range(before)]
        found = [page.extract_text() for page in opened(*lines, Heading("What was told"), tall).pages]
        (page,) = [each for each in found if "What was told" in each]
        assert "at nine" in page, before
