"""Every page that needs a login, as one table.

Rule: what stands in no row is not there; who may is said beside it, and nowhere else.
"""

from safetyd.web.access import Right
from safetyd.web.pages.calendar import calendar
from safetyd.web.pages.district import district, district_buildings
from safetyd.web.pages.heatmap import heatmap, heatmap_file
from safetyd.web.pages.history import history, history_file, history_points
from safetyd.web.pages.home import home
from safetyd.web.pages.now import now, now_rooms
from safetyd.web.pages.offers import AT_ONCE
from safetyd.web.pages.page import FORM_BYTES, Page
from safetyd.web.pages.people import people, send_test
from safetyd.web.pages.posters import posters
from safetyd.web.pages.rules import rules
from safetyd.web.pages.season_reports import reports, reports_file
from safetyd.web.pages.sensors import assign, sensor, sensors, unassign
from safetyd.web.pages.ticket import ticket, ticket_evidence, ticket_file
from safetyd.web.pages.ticket_acts import FILES_BYTES, MAY_BRING_FILES, OF_TICKET, act, act_on_several
from safetyd.web.pages.tickets import tickets
from safetyd.web.pages.troubles import troubles
from safetyd.web.pages.whatif import whatif, whatif_file, whatif_part
from safetyd.web.pages.why import why, why_opened

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
        shared=("only", "clause", "q", "page"),
    ),
    Page(path="/tickets", name="tickets", right=Right.TICKETS, look=tickets),
    *(
        Page(
            path=f"/tickets/{verb.value}",
            name=f"{verb.value}_several",
            right=Right(verb.value),
            act=act_on_several(verb.value),
            again=tickets,
        )
        for verb in AT_ONCE
    ),
    Page(path="/tickets/{id}", name="ticket", right=Right.TICKETS, look=ticket),
    Page(path="/tickets/{id}/why", name="why", right=Right.TICKETS, search=why_opened),
    Page(path="/explain/{building}", name="why", right=Right.TICKETS, search=why),
    Page(path="/explain/{building}/{room}", name="why", right=Right.TICKETS, search=why),
    Page(path="/tickets/{id}/evidence", name="ticket_evidence", right=Right.TICKETS, search=ticket_evidence),
    Page(path="/tickets/{id}/files/{hash}", name="ticket_file", right=Right.TICKETS, look=ticket_file),
    *(
        Page(
            path=f"/tickets/{{id}}/{name}",
            name=name,
            right=Right(name),
            act=act(name),
            again=ticket,
            most_bytes=FILES_BYTES if name in MAY_BRING_FILES else FORM_BYTES,
        )
        for name in OF_TICKET
    ),
    Page(path="/report/sheet", name="report_sheet", right=Right.REPORT, look=posters),
    Page(path="/history", name="history", right=Right.READINGS, search=history),
    Page(path="/history/points", name="history_points", right=Right.READINGS, search=history_points),
    Page(path="/history/file/{kind}", name="history_file", right=Right.READINGS, search=history_file),
    Page(path="/heatmap", name="heatmap", right=Right.READINGS, search=heatmap),
    Page(path="/heatmap/file/{kind}", name="heatmap_file", right=Right.READINGS, search=heatmap_file),
    Page(path="/reports", name="reports", right=Right.TICKETS, search=reports),
    Page(path="/reports/file/{suffix}", name="reports_file", right=Right.TICKETS, search=reports_file),
    Page(path="/whatif", name="whatif", right=Right.WHATIF, search=whatif),
    Page(path="/whatif/part", name="whatif_part", right=Right.WHATIF, search=whatif_part),
    Page(path="/whatif/file/{kind}", name="whatif_file", right=Right.WHATIF, search=whatif_file),
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
