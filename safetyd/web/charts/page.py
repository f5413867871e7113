"""A chart in a page: drawn twice, wide and narrow, of which the page's style shows the one that fits.

Rule: a phone's chart is another drawing, not a smaller one: its words stay readable at 320 pixels.
"""

from markupsafe import Markup

from safetyd.web.charts.bars import bar_chart
from safetyd.web.charts.heat import heat_map
from safetyd.web.charts.markup import element
from safetyd.web.charts.pairs import pair_chart
from safetyd.web.charts.series import time_chart
from safetyd.web.charts.shapes import NARROW, WIDE, BarChart, HeatMap, PairChart, TimeChart


def on_page(chart: TimeChart | HeatMap | BarChart | PairChart, id_: str) -> Markup:
    """Return the markup of a chart; `id_` begins the ids in it and must be the only one of its page."""
    if isinstance(chart, HeatMap):
        both = heat_map(chart, WIDE, id_) + heat_map(chart, NARROW, id_)
    elif isinstance(chart, BarChart):
        both = bar_chart(chart, WIDE, id_) + bar_chart(chart, NARROW, id_)
    elif isinstance(chart, PairChart):
        both = pair_chart(chart, WIDE, id_) + pair_chart(chart, NARROW, id_)
    else:
        both = time_chart(chart, WIDE, id_) + time_chart(chart, NARROW, id_)
    return Markup(element("div", both, cls="chart"))  # noqa: S704  what is drawn escapes every word
