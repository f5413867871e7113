"""`influx`: how far the copy is and what it refused, and nothing where nothing is copied."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from safetyd.cli import main
from safetyd.configuration import load
from safetyd.store import replica
from safetyd.store.database import open_for_writing
from safetyd.store.replica import KEPT_REFUSED, Stream, Uncopied

AT = datetime(2026, 12, 1, 16, 0, tzinfo=UTC)
SITE = 'name = "Riverbend"\ntimezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nname = "Maple"\n'
INFLUX = '[influx]\nurl = "http://127.0.0.1:8086/"\norg = "riverbend"\nbucket = "safety"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    made = tmp_path / "safetyd.toml"
    made.write_text('site = ["site.toml"]\n' + INFLUX, encoding="utf-8")
    return made


def copied(config: Path, rows: dict[Stream, int], refused: list[Uncopied]) -> None:
    settings = load(config, {}).settings
    assert settings.influx is not None
    with closing(open_for_writing(settings.store.url)) as store:
        replica.mark_copied(store, settings.influx.target, rows, refused, AT)
        store.commit()


def test_it_says_how_far_the_copy_is_and_what_was_refused(config: Path, capsys) -> None:
    copied(
        config, {Stream.READING: 1200}, [Uncopied(Stream.READING, 7, "reading \x1b value=inf 1", "400: no")]
    )
    assert main(["influx", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "readings: copied up to row 1,200 of 0" in said
    assert "refused: readings 7: 400: no\n  reading \\x1b value=inf 1\n" in said
    assert main(["influx", "--config", str(config), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["target"] == "http://127.0.0.1:8086 riverbend safety"
    assert shown["streams"][0] == {"stream": "readings", "copied": 1200, "newest": 0}
    assert shown["refused"][0]["at"] == "2026-12-01T16:00:00Z"


def test_of_what_was_refused_the_newest_are_shown_and_the_others_counted(config: Path, capsys) -> None:
    copied(config, {}, [Uncopied(Stream.READING, n, "line", "why") for n in range(1, KEPT_REFUSED + 3)])
    main(["influx", "--config", str(config), "--json"])
    shown = json.loads(capsys.readouterr().out)
    rows = [each["row"] for each in shown["refused"]]
    assert len(rows) == KEPT_REFUSED and (rows[0], rows[-1]) == (KEPT_REFUSED + 2, 3)
    assert shown["more_refused"] == 2, "none is forgotten"
    main(["influx", "--config", str(config)])
    assert "and 2 older ones, which stand in our own store" in capsys.readouterr().out


def test_where_nothing_is_copied_it_says_so(config: Path, capsys) -> None:
    config.write_text('site = ["site.toml"]\n', encoding="utf-8")
    assert main(["influx", "--config", str(config)]) == 2
    assert "nothing is copied: safetyd.toml has no [influx]" in capsys.readouterr().err
