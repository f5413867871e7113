"""`report`: the season of some buildings in tables, on the terminal and as files."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from safetyd.cli.application import Config, Json, app, print_json
from safetyd.cli.keeping import bar
from safetyd.cli.loading import loaded, with_assignments
from safetyd.clock import now
from safetyd.configuration import Loaded
from safetyd.faults import did_you_mean
from safetyd.history.buckets import Edges
from safetyd.history.files import put, whole
from safetyd.reports.document import csv_of, report_object
from safetyd.reports.kinds import MAKERS, Kind
from safetyd.reports.season import season
from safetyd.reports.terms import school_year
from safetyd.reports.workbook import xlsx_of
from safetyd.site import Building, Site
from safetyd.store.database import open_for_reading, told_on_failure
from safetyd.times import read_time, rfc3339

report = typer.Typer(
    help="A season in tables: the September list, deadlines, hours beyond the limits, the checklist."
    "\n\nExample: safetyd report september --building maple --xlsx list.xlsx",
    no_args_is_help=True,
)
app.add_typer(report, name="report")

_HELP = {
    Kind.SEPTEMBER: "The list due before the end of September (9.9.2.1): rooms by hours in breach, what came"
    " back, what was missed, open hazards. Since 1 October, if nobody says.",
    Kind.COMPLIANCE: "Deadlines met, missed and met late by building, term and clause, time to relief,"
    " late notices. Since 1 August, if nobody says.",
    Kind.ROOMS: "Hours below and above the limits by room and month, in the student day and at all times."
    " Since 1 August, if nobody says.",
    Kind.CHECKLIST: "What the record brings to the inspection checklist (9.9.2.A), by the classes of 9.9.2.C."
    " The last 365 days, if nobody says.",
}
Buildings = Annotated[
    list[str] | None, typer.Option("--building", metavar="ID", help="Only of this building; several may be.")
]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="From when on.")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to when; else now.")]


def _command(kind: Kind) -> Callable[..., int]:
    def command(
        building: Buildings = None,
        from_: From = None,
        to: To = None,
        csv_: Annotated[
            Path | None, typer.Option("--csv", metavar="FILE", help="Write the first table as CSV.")
        ] = None,
        xlsx: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write a workbook with charts.")
        ] = None,
        pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a PDF with charts.")] = None,
        config: Config = None,
        as_json: Json = False,
    ) -> int:
        configuration = loaded(config)
        site, url = with_assignments(configuration), configuration.settings.store.url
        where = buildings_meant(building, site)
        at = now()
        span = range_meant(from_, to, MAKERS[kind].usual_range(at, site.timezone), at, site.timezone)
        with told_on_failure(url), closing(open_for_reading(url)) as connection, bar("adding up") as advance:
            made = MAKERS[kind].make(
                season(
                    connection, site, _root(configuration), where, *span, at, lambda done: advance(done, 101)
                )
            )
        written = []
        if csv_ is not None:
            put(csv_, csv_of(made.tables[0]))
            written.append(csv_)
        if xlsx is not None:
            put(xlsx, xlsx_of(made))
            written.append(xlsx)
        if pdf is not None:
            from safetyd.reports.pdf import pdf_of

            put(pdf, pdf_of(made))
            written.append(pdf)
        if as_json:
            print_json(report_object(made))
        else:
            from safetyd.cli.report_words import files_words, report_words

            files_words(made, written) if written else report_words(made)
        return 0

    command.__doc__ = f"{_HELP[kind]}\n\nExample: safetyd report {kind} --building maple --xlsx {kind}.xlsx"
    return command


for _kind in Kind:
    report.command(_kind.value)(_command(_kind))


@report.command("everything")
def everything_command(
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The archive that is written, a .zip.")
    ],
    building: Buildings = None,
    from_: From = None,
    to: To = None,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="With the names of educators who reported.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> int:
    """All that is on record of buildings and a range, as one archive: an answer to a request for information.

    Tickets with their history, notices, readings as they came, sensors, troubles, rules, calendars, files,
    hours by room and month. Since 1 August, if nobody says.

    Example: safetyd report everything --building maple --from 2026-09-01 -o maple.zip
    """
    from safetyd.reports.everything import write_everything

    configuration = loaded(config)
    site, url = with_assignments(configuration), configuration.settings.store.url
    where = buildings_meant(building, site)
    at = now()
    span = range_meant(from_, to, school_year(at, site.timezone), at, site.timezone)
    with told_on_failure(url), closing(open_for_reading(url)) as connection, bar("gathering") as advance:
        found = season(
            connection, site, _root(configuration), where, *span, at, lambda done: advance(done, 101)
        )
        with whole(out) as unfinished, unfinished.open("wb") as opened:
            manifest = write_everything(
                opened, connection, _root(configuration), found, with_names=with_names
            )
    if as_json:
        print_json(manifest)
    else:
        print(f"{out}: {len(manifest['parts'])} parts; the names of reporters {_told_names(with_names)}")
        print(manifest["coverage"])
    return 0


def _told_names(with_names: bool) -> str:
    return "as on record" if with_names else "are withheld"


def buildings_meant(ids: list[str] | None, site: Site) -> list[Building]:
    """Return the buildings that are named, or all of them."""
    for id in ids or ():
        if site.building(id) is None:
            known = [each.id for each in site.buildings]
            raise typer.BadParameter(f"no building is called {id!r}{did_you_mean(id, known)}")
    return [each for each in site.buildings if not ids or each.id in ids]


def range_meant(from_: str | None, to: str | None, usual: Edges, at: datetime, zone: ZoneInfo) -> Edges:
    """Return the range that is asked for; what is not said is as usual."""
    end = _time("--to", to, zone) if to is not None else (at if from_ is not None else usual[1])
    begin = _time("--from", from_, zone) if from_ is not None else usual[0]
    if begin >= min(end, at):
        until = f"--to {rfc3339(end)}" if end <= at and to is not None else "now"
        raise typer.BadParameter(f"--from {rfc3339(begin)} is not before {until}")
    return begin, end


def _time(option: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        return read_time(text, zone)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from error


def _root(configuration: Loaded) -> str:
    return configuration.settings.mqtt.root
