"""Where somebody begins: at their building, or at the list of theirs.

Rule: who sees one building is not asked which.
"""

from safetyd.view import View
from safetyd.web.access import sees
from safetyd.web.pages.page import Answer, Go, Visit


def home(view: View, visit: Visit) -> Answer:
    """Return where to look first."""
    seen = [each for each in view.site.buildings if sees(visit.account, each.id)]
    if len(seen) > 1:
        return Go("/district")
    return Go(f"/buildings/{seen[0].id}" if seen else "/account")
