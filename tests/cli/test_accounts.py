"""`user add`, `list`, `remove` and `token` at a terminal and in a pipe."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from safetyd.cli import main

SITE = 'timezone = "UTC"\n[[buildings]]\nid = "cedar"\n[[buildings]]\nid = "maple"\n'
PASSWORD = "nine grey herons"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `safetyd user …` with a text on standard input."""
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n', encoding="utf-8")
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")

    def go(*words: str, stdin: str = f"{PASSWORD}\n") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["user", *words, "--config", str(tmp_path / "safetyd.toml")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return go


def test_somebody_may_log_in_before_anything_has_run(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("add", "Ines Roth", "--role", "safety_committee", "--building", "maple")
    assert code == 0 and out.startswith("Ines Roth may log in as safety_committee")
    (shown,) = json.loads(run("list", "--json")[1])["users"]
    assert (shown["name"], shown["role"], shown["buildings"]) == ("Ines Roth", "safety_committee", ["maple"])
    assert run("list")[1] == "Ines Roth: safety_committee, maple\n"
    assert PASSWORD.encode() not in b"".join(each.read_bytes() for each in (tmp_path / "var").iterdir())


def test_a_token_is_all_that_is_printed(run: Run) -> None:
    run("add", "Ines Roth", "--role", "district")
    code, out, err = run("token", "Ines Roth", "--scope", "act", "--days", "2")
    assert (code, err) == (0, "")
    assert out.startswith("safetyd_") and len(out.split()) == 1
    assert "token to act until" in run("list")[1] and out.strip() not in run("list", "--json")[1]
    assert json.loads(run("list", "--json")[1])["users"][0]["tokens"][0]["scope"] == "act"


def test_who_is_removed_is_listed_no_more(run: Run) -> None:
    run("add", "Ines Roth", "--role", "district")
    assert run("remove", "ines roth")[0] == 0
    assert run("list")[1].startswith("Nobody may log in yet")


@pytest.mark.parametrize(
    ("words", "stdin", "code", "hint"),
    [
        (["add", "Al", "--role", "educater"], PASSWORD, 2, "educator"),
        (["add", "Al"], PASSWORD, 2, "--role"),
        (["add", "Al", "--role", "educator", "--building", "mapel"], PASSWORD, 2, "did you mean 'maple'"),
        (["add", "Al", "--role", "educator"], "123456789\n", 1, "10 to 200"),
        (["add", "Al", "--role", "educator"], "", 1, "has 0 characters"),
        (["add", "SafetyD", "--role", "educator"], PASSWORD, 2, "expected a person's name"),
        (["add", " ", "--role", "educator"], PASSWORD, 2, "is no name"),
        (["add", "A\nB", "--role", "educator"], PASSWORD, 2, "is no name"),
        (["remove", "Al"], "", 1, "nobody called 'Al'"),
        (["token", "Al"], "", 1, "nobody called 'Al'"),
        (["token", "Al", "--days", "0"], "", 2, "--days"),
    ],
)
def test_what_will_not_do_is_told_in_a_sentence(
    run: Run, words: list[str], stdin: str, code: int, hint: str
) -> None:
    said = run(*words, stdin=stdin)
    assert said[0] == code and said[1] == "" and hint in said[2]
    assert "123456789" not in said[2]
    assert run("list")[1].startswith("Nobody") or "there is none yet" in run("list")[2]


def test_a_password_of_ten_characters_will_do(run: Run) -> None:
    assert run("add", "Al", "--role", "educator", stdin="1234567890\r\n")[0] == 0
