"""Every page that needs a login, as one table.

Rule: what stands in no row is not there; who may is said beside it, and nowhere else.
"""

from safetyd.web.access import Right
from safetyd.web.pages.district import district, district_buildings
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
)
