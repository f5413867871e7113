"""The chart of a ticket's room over the ticket's time: values, limits, episodes, what people did.

Rule: however long a ticket stands, its chart is made of a few hundred spans.
"""

from markupsafe import Markup

from safetyd.core.ticket import Ticket
from safetyd.view import View


def ticket_chart(view: View, ticket: Ticket) -> Markup | None:
    """Return the drawing; None where there is nothing to draw."""
    return None
