"""Every page that needs a login, as one table.

Rule: what stands in no row is not there; who may is said beside it, and nowhere else.
"""

from safetyd.web.access import Right
from safetyd.web.pages.home import home
from safetyd.web.pages.now import now, now_rooms
from safetyd.web.pages.page import Page
from safetyd.web.pages.posters import posters

PAGES: tuple[Page, ...] = (
    Page(path="/", name="home", right=Right.ROOMS, look=home),
    Page(path="/buildings/{building}", name="now", right=Right.ROOMS, look=now),
    Page(path="/buildings/{building}/rooms", name="now_rooms", right=Right.ROOMS, look=now_rooms),
    Page(path="/report/sheet", name="report_sheet", right=Right.REPORT, look=posters),
)
