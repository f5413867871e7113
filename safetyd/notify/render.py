"""Notices in words that a principal understands at 7 am on a phone: what, where, since when, due when.

Rule: pure text from facts; times in the building's zone with the date; names of places and people, and what
people wrote, are shown as they are. Every sentence is said by a Tongue, whole, so that it can be translated.
"""

from collections.abc import Mapping

from safetyd.core.model import Episode
from safetyd.core.plan import Reason
from safetyd.core.ticket import Ticket
from safetyd.core.world import Notice
from safetyd.notify.head_words import altered, head
from safetyd.notify.morning_words import held
from safetyd.notify.outage_words import outage
from safetyd.notify.shelf_words import shelving
from safetyd.notify.ticket_words import about_ticket, digest
from safetyd.notify.tongue import Tongue
from safetyd.notify.trial_words import trial
from safetyd.notify.trouble_words import trouble
from safetyd.site import Site


def render(
    notice: Notice,
    tickets: Mapping[str, Ticket],
    episodes: Mapping[str, Episode],
    site: Site,
    tongue: Tongue | None = None,
) -> tuple[str, str]:
    """Return the title and text of a notice.

    Args:
        notice: What is owed.
        tickets: The tickets it is about, by id.
        episodes: The newest episode of each of them that has one, by ticket id.
        site: Names and time zone.
        tongue: How it is said; the site's own unless another is named.
    """
    tongue = tongue or Tongue(site.language, site.timezone)
    match notice.reason:
        case Reason.DIGEST:
            return digest(notice, tickets, episodes, site, tongue)
        case Reason.TROUBLE | Reason.TROUBLE_OVER:
            return trouble(notice, site, tongue)
        case Reason.OUTAGE_BEGAN | Reason.OUTAGE_WARNING | Reason.OUTAGE_OVER:
            return outage(notice, site, tongue)
        case Reason.HELD:
            return held(notice, site, tongue)
        case Reason.HEAD:
            return head(notice, tongue)
        case Reason.ALTERED:
            return altered(notice, tongue)
        case Reason.SHELVED | Reason.UNSHELVED:
            return shelving(notice, tickets, site, tongue)
        case Reason.TEST:
            return trial(notice, site, tongue)
    assert notice.ticket is not None
    return about_ticket(notice, tickets[notice.ticket], episodes.get(notice.ticket), site, tongue)
