"""A lively season in a store, its export, and both their answers."""

from contextlib import closing, redirect_stderr
from io import StringIO
from pathlib import Path

from safetyd.cli import main
from safetyd.cli.loading import loaded
from safetyd.lake.asking import over
from safetyd.store.database import open_for_reading
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.rolled import estimated
from tests.story import SCHOOL_YEAR, Story, instant
from tests.whatif.season import BEGIN, END

STRICT = ("rules.heat.above_f=80", "rules.cold.below_f=62")
LAST = "2026-10-03 00:00"  # of the lively season


def exported(config: Path, *more: str) -> Path:
    """Return the folder of an export of everything."""
    folder, err = config.parent / "lake", StringIO()
    with redirect_stderr(err):
        code = main(["history", "export", str(folder), "--config", str(config), *more])
    assert code == 0, err.getvalue()
    return folder


def both(
    config: Path, *settings: str, begin: str = BEGIN, end: str = END, building: str = "maple"
) -> list[Answer]:
    """Return the answer from the store, and that from its export."""
    configuration = loaded(str(config))
    question = Question(instant(begin), instant(end), settings, (building,))
    with closing(open_for_reading(configuration.settings.store.url)) as connection:
        stored = estimated(connection, configuration.site, question)
    return [stored, over(config.parent / "lake", config, question)]


def lively_season() -> Story:
    """Heat and cold, relief and a hazard, silence, an outage, and a night over the end of a month."""
    story = Story(calendar=SCHOOL_YEAR)
    story.reading("12", "2026-09-02 08:00", until="2026-09-02 12:55", temperature_f=72.0, humidity=45.0)
    story.reading("12", "2026-09-02 13:00", until="2026-09-02 14:55", temperature_f=86.0, humidity=45.0)
    story.reading("12", "2026-09-02 15:00", until="2026-09-02 18:00", temperature_f=72.0, humidity=45.0)
    story.act("2026-09-02 15:30", "relieve", tier="mitigation")
    story.reading("lab", "2026-09-03 06:00", until="2026-09-03 09:00", temperature_f=58.0)
    story.power("2026-09-03 09:00", mains=True).power("2026-09-03 10:00", mains=False)
    story.power("2026-09-03 13:00", until="2026-09-03 14:00", mains=True)
    story.report("2026-09-04 09:00", "12", hazard="leaks")
    story.reading("12", "2026-09-30 22:00", until="2026-10-01 10:00", temperature_f=60.5, humidity=40.0)
    story.reading("12", "2026-10-01 10:05", until="2026-10-01 12:00", temperature_f=68.0, humidity=40.0)
    return story
