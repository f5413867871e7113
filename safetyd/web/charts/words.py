"""What a chart over time says in words: when something was, and the sentences for those who hear it.

Rule: moments are those of the site's clocks.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from safetyd.web.charts.markup import clean, quantity
from safetyd.web.charts.runs import Run
from safetyd.web.charts.shapes import Deed, Episode, TimeChart

EPISODES_AT_MOST = 6


def when(episode: Episode, chart: TimeChart) -> str:
    """Return what was in breach, and from when to when."""
    begin = moment(episode.begin, chart)
    if episode.end is None:
        return f"{clean(episode.label, 60)}: since {begin}"
    is_one_day = episode.begin.astimezone(chart.zone).date() == episode.end.astimezone(chart.zone).date()
    end = f"{episode.end.astimezone(chart.zone):%H:%M}" if is_one_day else moment(episode.end, chart)
    return f"{clean(episode.label, 60)}: {begin} to {end}"


def moment(at: datetime, chart: TimeChart) -> str:
    """Return a moment by the site's clocks, with the year where the range has more than one."""
    local = at.astimezone(chart.zone)
    is_long = chart.end - chart.begin > timedelta(days=300)
    return f"{local:%a} {local.day} {local:%b}{f' {local.year}' if is_long else ''} {local:%H:%M}"


def description(
    chart: TimeChart,
    drawn: Sequence[tuple[str, list[Run]]],
    unit: str,
    episodes: Sequence[Episode],
    deeds: Sequence[Deed],
    has_gaps: bool,
) -> str:
    """Return in sentences what is to be seen."""
    said = [f"From {moment(chart.begin, chart)} to {moment(chart.end, chart)}."]
    for name, runs in drawn:
        columns = [column for run in runs for column in run.columns]
        if columns:
            low, high = min(c.low for c in columns), max(c.high for c in columns)
            span = f"from {quantity(low)} to {quantity(high)} {unit}"
            said.append(f"{name}: {span}, last {quantity(columns[-1].mean)} {unit}.")
        else:
            said.append(f"{name}: nothing is known.")
    if chart.limits:
        limits = (f"{quantity(each.value)} {unit} {clean(each.label, 60)}" for each in chart.limits)
        said.append(f"Limits: {', '.join(limits)}.")
    if has_gaps:
        said.append("Some of the time is not known.")
    if episodes:
        said.extend(f"{when(each, chart)}." for each in episodes[:EPISODES_AT_MOST])
        if len(episodes) > EPISODES_AT_MOST:
            said.append(f"{len(episodes)} times in breach altogether.")
    if deeds:
        said.append(f"{len(deeds)} {'action' if len(deeds) == 1 else 'actions'} on record.")
    return " ".join(said)
