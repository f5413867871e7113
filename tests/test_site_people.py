"""The promise: a spreadsheet of people says what `[[people]]` does, by building; faults name the row."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from safetyd.core.model import Role
from safetyd.faults import Fault
from safetyd.people_words import held
from safetyd.site import Person, Site, read_site

HEADER = "name,roles,buildings,notify,language,quiet,messages_per_hour,notes"
SITE = """
name = "A District"
timezone = "America/Los_Angeles"
people_csv = "people.csv"
[[buildings]]
id = "maple"
name = "Maple School"
[[buildings]]
id = "oak"
name = "Oak, the annex"
"""
DORA = '[[people]]\nname = "Dora"\nroles = ["district"]\n'

ReadFiles = Callable[..., tuple[Site, list[Fault]]]
Read = Callable[..., list[Person]]
Faults = Callable[..., list[str]]


@pytest.fixture
def read_files(tmp_path: Path) -> ReadFiles:
    def write_and_read(csv: str, site: str = SITE, **environ: str) -> tuple[Site, list[Fault]]:
        (tmp_path / "site.toml").write_text(site, encoding="utf-8")
        (tmp_path / "people.csv").write_text(csv, encoding="utf-8")
        (tmp_path / "ann.url").write_text("json://192.0.2.1/ann\n", encoding="utf-8")
        found: list[Fault] = []
        read = read_site([tmp_path / "site.toml"], environ, found)
        assert read is not None
        return read, found

    return write_and_read


@pytest.fixture
def read(read_files: ReadFiles) -> Read:
    """Read rows under the usual header that have no fault."""

    def faultless(*rows: str, header: str = HEADER, site: str = SITE, **environ: str) -> list[Person]:
        found_site, found = read_files("\n".join([header, *rows]), site, **environ)
        assert not found, "\n".join(map(str, found))
        return list(found_site.people)

    return faultless


@pytest.fixture
def faults(read_files: ReadFiles, tmp_path: Path) -> Faults:
    """Read rows that have some, and return them without the folder."""

    def told(*rows: str, header: str = HEADER, site: str = SITE) -> list[str]:
        _, found = read_files("\n".join([header, *rows]), site)
        assert found
        return [str(fault).replace(f"{tmp_path}/", "") for fault in found]

    return told


class TestRows:
    def test_a_row_is_a_person(self, read: Read) -> None:
        (ann,) = read("Ann Lee,facilities;administrator,maple,json://192.0.2.1/a,es,21:00-06:00,7,by day")
        assert (ann.name, ann.roles) == ("Ann Lee", (Role.FACILITIES, Role.ADMINISTRATOR))
        assert (ann.buildings, ann.notify) == (("maple",), ("json://192.0.2.1/a",))
        assert (ann.language, str(ann.quiet and ann.quiet.begin), ann.messages_per_hour) == (
            "es",
            "21:00:00",
            7,
        )

    def test_it_means_the_same_as_in_the_site_file(self, read: Read, read_files: ReadFiles) -> None:
        (row,) = read("Ann Lee,safety_committee,oak,json://192.0.2.1/a,,,,")
        entry = (
            '[[people]]\nname = "Ann Lee"\nroles = ["safety_committee"]\nbuildings = ["oak"]\n'
            'notify = ["json://192.0.2.1/a"]\n'
        )
        site, found = read_files("", SITE.replace('people_csv = "people.csv"', "") + entry)
        assert not found and site.people == (row,)

    @pytest.mark.parametrize("written", ["Safety committee", "safety-committee", "SAFETY_COMMITTEE"])
    def test_a_role_is_written_as_people_do(self, read: Read, written: str) -> None:
        assert read(f"Ann,{written},maple,,,,,")[0].roles == (Role.SAFETY_COMMITTEE,)

    @pytest.mark.parametrize(
        ("written", "ids"),
        [
            ("maple", ("maple",)),
            ("Maple School", ("maple",)),
            ("MAPLE;oak", ("maple", "oak")),
            ('"maple, oak"', ("maple", "oak")),
            ("*", ("*",)),
            ("every building", ("*",)),
        ],
    )
    def test_buildings_are_named_by_id_or_name(self, read: Read, written: str, ids: tuple[str, ...]) -> None:
        assert read(f"Ann,district,{written},,,,,")[0].buildings == ids

    def test_an_address_may_stand_elsewhere(self, read: Read) -> None:
        rows = "Ann,district,*,file:ann.url env:SMS json://192.0.2.1/c,,,,"
        (ann,) = read(rows, SMS="json://192.0.2.1/b")
        assert ann.notify == ("json://192.0.2.1/ann", "json://192.0.2.1/b", "json://192.0.2.1/c")
        assert "192.0.2.1" not in repr(ann)

    def test_what_is_left_out_is_as_in_the_site_file(self, read: Read) -> None:
        (ann,) = read("Ann,district,*", header="name,roles,buildings", site='language = "es"\n' + SITE)
        assert (ann.language, ann.notify, ann.budget) == ("es", (), 9)

    def test_it_goes_beside_the_people_of_the_site_file(self, read: Read) -> None:
        assert [each.name for each in read("Ann,district,*,,,,,", site=SITE + DORA)] == ["Dora", "Ann"]


class TestPosts:
    def test_somebody_may_be_another_thing_in_another_building(
        self, read: Read, read_files: ReadFiles
    ) -> None:
        rows = ("Ann,administrator,maple,json://192.0.2.1/a,,,,", "Ann,safety committee,oak,,,,,")
        (ann,) = read(*rows)
        assert ann.roles_in("maple") == (Role.ADMINISTRATOR,)
        assert ann.roles_in("oak") == (Role.SAFETY_COMMITTEE,)
        assert ann.roles_in("") == ann.roles == (Role.ADMINISTRATOR, Role.SAFETY_COMMITTEE)
        assert ann.notify == ("json://192.0.2.1/a",), "reached for both"
        site, _ = read_files("\n".join([HEADER, *rows]))
        assert site.people_for("maple", [Role.ADMINISTRATOR]) == (ann,)
        assert site.people_for("oak", [Role.ADMINISTRATOR]) == ()
        assert site.people_for("oak", [Role.SAFETY_COMMITTEE]) == (ann,)
        assert site.people_for("", [Role.SAFETY_COMMITTEE]) == (ann,)
        assert held(ann, site) == "administrator of Maple School; safety committee of Oak, the annex"

    def test_what_somebody_is_everywhere_they_are_in_each_building_too(self, read: Read) -> None:
        (ann,) = read("Ann,district,*,,,,,", "Ann,administrator,maple,,,,,")
        assert ann.roles_in("oak") == (Role.DISTRICT,)
        assert ann.roles_in("maple") == (Role.DISTRICT, Role.ADMINISTRATOR)

    def test_rows_that_say_the_same_roles_are_one(self, read: Read) -> None:
        apart = read("Ann,facilities,maple,json://192.0.2.1/a,,,,", "Ann,facilities,oak,,,,,")
        assert apart == read("Ann,facilities,maple;oak,json://192.0.2.1/a,,,,")
        twice = read("Ann,facilities,maple,,,,,", "Ann,administrator,maple,,,,,")
        assert twice == read("Ann,facilities+administrator,maple,,,,,")

    def test_an_address_may_stand_in_any_row_but_no_two(self, read: Read, faults: Faults) -> None:
        (ann,) = read("Ann,facilities,maple,,,,,", "Ann,administrator,oak,json://192.0.2.1/a,,,,")
        assert ann.notify == ("json://192.0.2.1/a",)
        (told,) = faults(
            "Ann,facilities,maple,json://192.0.2.1/a,,,,", "Ann,administrator,oak,json://192.0.2.1/b,,,,"
        )
        assert told.startswith("people.csv: row 3, notify: an earlier row of 'Ann' says otherwise; expected ")
        assert "192.0.2.1" not in told


class TestFaults:
    @pytest.mark.parametrize(
        ("row", "words"),
        [
            (",district,*,,,,,", "row 2, name: nothing stands here"),
            ("Ann,,*,,,,,", "row 2, roles: nobody is anything here"),
            ("Ann,boss,*,,,,,", "row 2, roles: no role is called 'boss'"),
            ("Ann,facilites,*,,,,,", "did you mean 'facilities'?"),
            ("Ann,district,,,,,,", "row 2, buildings: nothing stands here; expected ids or names"),
            ("Ann,district,mapel,,,,,", "row 2, buildings: no building has the id 'mapel'"),
            ("Ann,district,*,ann@example.org,,,,", "row 2, notify: what stands here is not an address"),
            ("Ann,district,*,env:NOBODY,,,,", "row 2, notify: the environment has no 'NOBODY'"),
            ("Ann,district,*,file:none.url,,,,", "row 2, notify: 'none.url' cannot be read"),
            ("Ann,district,*,,xx,,,", "row 2, language: no language is called 'xx'"),
            ("Ann,district,*,,,late,,", "row 2, quiet: 'late' are not hours"),
            ("Ann,district,*,,,,0,", "row 2, messages_per_hour"),
            ("Ann,district,*,,,,many,", "row 2, messages_per_hour"),
            ("Ann,district,*,,,,,,more", "row 2, column 9: 'more' stands under no heading"),
        ],
    )
    def test_a_fault_names_its_row_and_column(self, faults: Faults, row: str, words: str) -> None:
        told = faults(row)
        assert len(told) == 1 and words in told[0] and told[0].startswith("people.csv: row 2, ")

    def test_every_fault_is_told_at_once(self, faults: Faults) -> None:
        told = faults("Ann,boss,mapel,,,,,", "Bo,district,*,,xx,,,")
        assert [each.split(":")[1].strip() for each in told] == [
            "row 2, roles",
            "row 2, buildings",
            "row 3, language",
        ]

    def test_a_column_that_is_needed_or_unknown_is_told(self, faults: Faults) -> None:
        assert "row 1, buildings: no column is called so" in faults("Ann,district", header="name,roles")[0]
        told = faults("Ann,district,*,x", header="name,roles,buildings,notfy")
        assert "row 1, notfy: nobody knows this column" in told[0] and "did you mean 'notify'?" in told[0]

    def test_somebody_of_the_site_file_is_not_named_again(self, faults: Faults) -> None:
        assert faults("Dora,district,*,,,,,", site=SITE + DORA)[0].startswith(
            "people.csv: row 2, name: 'Dora' is taken"
        )

    def test_a_file_under_people_is_told_where_it_belongs(self, faults: Faults) -> None:
        told = faults("Ann,district,*,,,,,", site=SITE.replace("people_csv", "people"))
        assert told == [
            "site.toml: people: this names a file; "
            'expected tables [[people]], or people_csv = "…" for a spreadsheet'
        ]

    def test_of_hundreds_of_buildings_not_every_id_is_told(self, faults: Faults) -> None:
        many = "".join(f'[[buildings]]\nid = "b{number}"\n' for number in range(100))
        (told,) = faults("Ann,district,b10x,,,,,", site=SITE + many)
        assert told.endswith("expected the id of one of 102 buildings, or *; did you mean 'b10'?")


def test_whoever_leaves_the_rows_leaves_the_people(read: Read) -> None:
    before = read("Ann,facilities,maple,,,,,", "Bo,facilities,oak,,,,,")
    assert read("Bo,facilities,oak,,,,,") == before[1:]
    assert replace(before[0], name="Bo", buildings=("oak",)) == before[1]
