"""Every page that needs a login, as one table.

Rule: what stands in no row is not there; who may is said beside it, and nowhere else.
"""

from safetyd.web.access import Right
from safetyd.web.pages.district import district, district_buildings
from safetyd.web.pages.heatmap import heatmap, heatmap_file
from safetyd.web.pages.history import history, history_file, history_points
from safetyd.web.pages.home import home
from safetyd.web.pages.now import now, now_rooms
from safetyd.web.pages.page import Page

PAGES: tuple[Page, ...] = (
    Page(path="/", name="home", right=Right.ROOMS, look=home),
    Page(path="/buildings/{building}", name="now", right=Right.ROOMS, look=now),
    Page(
        path="/buildings/{building}/rooms",
        name="now_rooms",
        right=Right.ROOMS,
        look=now_rooms,
        shared=("only",),
    ),
    Page(path="/district", name="district", right=Right.ROOMS, look=district),
    Page(
        path="/district/buildings",
        name="district_buildings",
        right=Right.ROOMS,
        look=district_buildings,
        shared=("only", "q"),
    ),
    Page(path="/history", name="history", right=Right.READINGS, search=history),
    Page(path="/history/points", name="history_points", right=Right.READINGS, search=history_points),
    Page(path="/history/file/{kind}", name="history_file", right=Right.READINGS, search=history_file),
    Page(path="/heatmap", name="heatmap", right=Right.READINGS, search=heatmap),
    Page(path="/heatmap/file/{kind}", name="heatmap_file", right=Right.READINGS, search=heatmap_file),
)
