"""Every page that needs a login, as one table.

Rule: what stands in no row is not there; who may is said beside it, and nowhere else.
"""

from safetyd.web.access import Right
from safetyd.web.pages.calendar import calendar
from safetyd.web.pages.home import home
from safetyd.web.pages.now import now, now_rooms
from safetyd.web.pages.page import Page
from safetyd.web.pages.people import people, send_test
from safetyd.web.pages.rules import rules
from safetyd.web.pages.sensors import assign, sensor, sensors, unassign
from safetyd.web.pages.troubles import troubles

PAGES: tuple[Page, ...] = (
    Page(path="/", name="home", right=Right.ROOMS, look=home),
    Page(path="/buildings/{building}", name="now", right=Right.ROOMS, look=now),
    Page(path="/buildings/{building}/rooms", name="now_rooms", right=Right.ROOMS, look=now_rooms),
    Page(path="/troubles", name="troubles", right=Right.TROUBLES, look=troubles),
    Page(path="/sensors", name="sensors", right=Right.SENSORS, look=sensors),
    Page(path="/sensors/assign", name="sensors", right=Right.ASSIGN, act=assign, again=sensors),
    Page(path="/sensors/unassign", name="sensors", right=Right.ASSIGN, act=unassign, again=sensors),
    Page(path="/sensors/{building}", name="sensors", right=Right.SENSORS, look=sensor),
    Page(path="/people", name="people", right=Right.PEOPLE, look=people),
    Page(path="/people/test", name="people", right=Right.TEST_NOTICE, act=send_test, again=people),
    Page(path="/calendar", name="calendar", right=Right.CALENDAR, look=calendar),
    Page(path="/rules", name="rules", right=Right.RULES, look=rules),
)
