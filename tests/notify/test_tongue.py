"""A sentence is translated before it is filled; a language is a file; English needs none."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import safetyd
from safetyd.languages import FOLDER, languages
from safetyd.notify.tongue import Tongue

ZONE = ZoneInfo("America/Los_Angeles")
ENGLISH, SPANISH = Tongue("en", ZONE), Tongue("es", ZONE)
HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
RUSSIAN = (
    HEADER + '"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 :'
    ' n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"\n\n'
    'msgid "{where}: news of one ticket"\nmsgid_plural "{where}: news of {count} tickets"\n'
    'msgstr[0] "{where}: новости о {count} деле"\n'
    'msgstr[1] "{where}: новости о {count} делах (2)"\n'
    'msgstr[2] "{where}: новости о {count} делах"\n'
)
CHINESE = HEADER + '\nmsgid "{weekday} {day} {month} {time}"\nmsgstr "{month}{day}日 {time}"\n'
CHINESE += '\nmsgid "Dec"\nmsgstr "12月"\n\nmsgid ", "\nmsgstr "、"\n'


def tongue(folder: Path, language: str, catalogue: str) -> Tongue:
    (folder / f"{language}.po").write_text(catalogue, "utf-8")
    return Tongue(language, ZONE, folder)


# what fills a sentence


@pytest.mark.parametrize("spoken", [ENGLISH, SPANISH], ids=["en", "es"])
@pytest.mark.parametrize("name", ["{by}", "{name}", "{}", "{0.__class__}", "%s", "%(by)s", "{{by}}", "\\1"])
def test_a_name_that_looks_like_a_placeholder_comes_out_as_it_is_written(spoken: Tongue, name: str) -> None:
    assert name in spoken.say("{by} closed the ticket.", by=name)
    assert spoken.say("{where}: {what}", where=name, what="{where}") == f"{name}: {{where}}"


@given(st.text(), st.text())
def test_no_two_names_reach_into_each_other(one: str, other: str) -> None:
    assert SPANISH.say("{name} ({roles})", name=one, roles=other) == f"{one} ({other})"


def test_a_placeholder_that_nothing_fills_stands_as_it_is(tmp_path: Path) -> None:
    wrong = 'msgid "{by} closed the ticket."\nmsgstr "{who} {by!r} {by.x} { 100 %"\n'
    assert tongue(tmp_path, "xx", HEADER + "\n" + wrong).say("{by} closed the ticket.", by="Bo") == (
        "{who} {by!r} {by.x} { 100 %"
    )


# plurals


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "деле"), (2, "делах (2)"), (4, "делах (2)"), (5, "делах"), (11, "делах"), (21, "деле")],
)
def test_a_language_has_as_many_plurals_as_it_needs(tmp_path: Path, count: int, words: str) -> None:
    said = tongue(tmp_path, "ru", RUSSIAN).plural(
        "{where}: news of one ticket", "{where}: news of {count} tickets", count, where="Школа"
    )
    assert said == f"Школа: новости о {count} {words}"


@pytest.mark.parametrize(
    ("hours", "english", "spanish"),
    [
        (0.5, "30 min", "30 min"),
        (1, "1 h", "1 h"),
        (48, "48 h", "48 h"),
        (49, "2 days", "2 días"),
        (336, "14 days", "14 días"),
    ],
)
def test_a_span_is_rounded_as_people_say_it(hours: float, english: str, spanish: str) -> None:
    assert ENGLISH.span(timedelta(hours=hours)) == english
    assert SPANISH.span(timedelta(hours=hours)) == spanish


# times


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 3, 8, 9, 59, tzinfo=UTC), "dom 8 mar 01:59"),
        (datetime(2026, 3, 8, 10, 0, tzinfo=UTC), "dom 8 mar 03:00"),
        (datetime(2026, 11, 1, 8, 30, tzinfo=UTC), "dom 1 nov 01:30"),
        (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), "dom 1 nov 01:30"),
        (datetime(2026, 11, 1, 10, 30, tzinfo=UTC), "dom 1 nov 02:30"),
        (datetime(2026, 12, 2, 16, 5, tzinfo=UTC), "mié 2 dic 08:05"),
    ],
)
def test_a_time_is_that_of_the_school_also_when_clocks_are_changed(at: datetime, words: str) -> None:
    assert SPANISH.time(at) == words


def test_every_day_and_month_has_its_name() -> None:
    days = [ENGLISH.time(datetime(2026, 6, day, 12, tzinfo=ZONE)) for day in range(1, 8)]
    assert " ".join(said.split()[0] for said in days) == "Mon Tue Wed Thu Fri Sat Sun"
    months = [SPANISH.time(datetime(2026, month, 1, 12, tzinfo=ZONE)) for month in range(1, 13)]
    named = " ".join(said.split()[2] for said in months)
    assert named == "ene feb mar abr may jun jul ago sep oct nov dic"


def test_a_language_puts_a_time_and_a_list_into_its_own_order(tmp_path: Path) -> None:
    chinese = tongue(tmp_path, "zh", CHINESE)
    assert chinese.time(datetime(2026, 12, 1, 16, 5, tzinfo=UTC)) == "12月1日 08:05"
    assert chinese.listed(["Ann", "Bo"]) == "Ann、Bo"


# catalogues


def test_english_needs_neither_a_catalogue_nor_the_library_that_reads_one() -> None:
    code = """
import sys
from zoneinfo import ZoneInfo
from safetyd.notify.render import render
from safetyd.notify.tongue import Tongue
assert Tongue("en", ZoneInfo("UTC")).say("too cold") == "too cold" and "polib" not in sys.modules
assert Tongue("es", ZoneInfo("UTC")).say("too cold") == "demasiado frío" and "polib" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "catalogue",
    [
        None,
        "",
        "no catalogue",
        HEADER + '"Plural-Forms: nplurals=2; plural=n/;\\n"\n',
    ],
)
def test_words_that_cannot_be_had_are_said_in_english(tmp_path: Path, catalogue: str | None) -> None:
    spoken = Tongue("xx", ZONE, tmp_path) if catalogue is None else tongue(tmp_path, "xx", catalogue)
    assert spoken.say("too cold") == "too cold"
    assert spoken.plural("{count} day", "{count} days", 2) == "2 days"


def test_a_sentence_that_is_not_translated_yet_is_said_in_english(tmp_path: Path) -> None:
    catalogue = '\nmsgid "too cold"\nmsgstr "quá lạnh"\n\nmsgid "too hot"\nmsgstr ""\n'
    half = tongue(tmp_path, "vi", HEADER + catalogue)
    assert (half.say("too cold"), half.say("too hot")) == ("quá lạnh", "too hot")


def test_the_languages_are_the_files_of_the_folder(tmp_path: Path) -> None:
    assert languages() == ("en", *sorted(file.stem for file in FOLDER.glob("*.po"))) and "es" in languages()
    for name in ("so.po", "ru.po", "README.md"):
        (tmp_path / name).touch()
    assert languages(tmp_path) == ("en", "ru", "so")


def test_one_file_dropped_into_the_package_is_all_that_a_language_needs(tmp_path: Path) -> None:
    """Somali, in a copy of the package: the site file may name it, and the words are its own."""
    (source,) = safetyd.__path__
    copytree(source, tmp_path / "safetyd", ignore=ignore_patterns("__pycache__"))
    so = HEADER + '\nmsgid "too cold"\nmsgstr "aad u qabow"\n'
    (tmp_path / "safetyd" / "languages" / "so.po").write_text(so)
    site = 'timezone = "America/Los_Angeles"\nlanguage = "so"\n[[buildings]]\nid = "maple"\n'
    (tmp_path / "site.toml").write_text(site)
    code = """
from pathlib import Path
from safetyd.notify.tongue import Tongue
from safetyd.site import read_site
faults = []
site = read_site([Path("site.toml")], {}, faults)
assert not faults, faults
print(Tongue(site.language, site.timezone).say("too cold"))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "aad u qabow"
