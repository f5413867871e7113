"""A notice in the form that an address takes: plain text, HTML for mail, or one text message.

Rule: all forms say the same and are made of the same text. Names of places and people's notes are hostile:
HTML escapes them. Nothing in any form acts: a link only shows the ticket, and asks for a login there.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.core.model import CLAUSE
from safetyd.languages import ENGLISH
from safetyd.notify.ticket_words import which_ticket
from safetyd.notify.tongue import Tongue

SMS_SEPTETS, SMS_UCS2 = 160, 70  # one message of 3GPP 23.038, in its own alphabet or in any other
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_PAIRS = set("^{}\\[~]|€\f")  # an escape and another: two septets each
_PLAINER = str.maketrans({"°": "", "–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"'})
_CUT = ".."
_NO_ZONE = ZoneInfo("UTC")
_STYLE = "font:16px/1.5 sans-serif;color:#111;max-width:40em;margin:0;padding:1em"
_HEADING = "font-size:17px;line-height:1.3;margin:1.2em 0 .4em"
_SMALL = "font-size:13px;color:#555;margin:1em 0 0"
_TITLE = "font-size:20px;line-height:1.3;margin:0 0 .6em"


class Words(NamedTuple):
    """A notice in words of a language; `tickets` are the ids of those it is about, `links` their pages.

    `plan` is the short name of the version that says who is told. Of several notices in one message, `parts`
    are these.
    """

    title: str
    text: str
    tickets: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    language: str = ENGLISH
    plan: str = ""
    parts: tuple["Words", ...] = ()

    @property
    def tongue(self) -> Tongue:
        """How a form says what it adds, none of which is a time."""
        return Tongue(self.language, _NO_ZONE)


def links(public_url: str | None, tickets: Iterable[str]) -> tuple[str, ...]:
    """Return the page of each ticket; none where it is not known how the pages are reached."""
    return tuple(f"{public_url.rstrip('/')}/tickets/{id}" for id in tickets) if public_url else ()


def plain(words: Words) -> str:
    """Return the text, and under it the links and the plan."""
    return "\n".join([words.text, *words.links, *_footer(words)])


def html(words: Words) -> str:
    """Return a small page: nothing of it is fetched from anywhere."""
    lines = "".join(map(_part, words.parts)) or _lines(words.text)
    pages = "".join(_page(link, words.tongue) for link in words.links)
    footer = "".join(f'<p style="{_SMALL}">{escape(line)}</p>' for line in _footer(words))
    title = escape(" ".join(words.title.split()))
    return (
        f'<!doctype html><html lang="{escape(words.language.replace("_", "-"))}"><head><meta charset="utf-8">'
        f'<title>{title}</title></head><body style="{_STYLE}">'
        f'<h1 style="{_TITLE}">{title}</h1>{lines}{pages}{footer}</body></html>'
    )


def _part(words: Words) -> str:
    return f'<h2 style="{_HEADING}">{escape(" ".join(words.title.split()))}</h2>{_lines(words.text)}'


def _lines(text: str) -> str:
    return "".join(f'<p style="margin:0 0 .5em">{escape(line)}</p>' for line in text.splitlines())


def _page(link: str, tongue: Tongue) -> str:
    """A link to a ticket's page."""
    ticket = escape(tongue.say("Ticket {ticket}", ticket=link.rpartition("/")[2]))
    login = escape(tongue.say("(asks for your login)"))
    return f'<p style="margin:0 0 .5em"><a href="{escape(link)}">{ticket}</a> {login}</p>'


def _footer(words: Words) -> list[str]:
    return [words.tongue.say("Who is told what is in plan {plan}.", plan=words.plan)] if words.plan else []


def short(words: Words, septets: int = SMS_SEPTETS) -> str:
    """Return one text message: the title, as many sentences as fit, and which ticket it is about.

    Args:
        words: The notice.
        septets: How long it may be in the GSM alphabet; in any other it may have 70 parts for 160.
    """
    title, text = _plainer(" ".join(words.title.split())), _plainer(words.text)
    about = words.tickets[0] if len(words.tickets) == 1 else ""
    limit = Limit(septets, all(map(_is_gsm, title + about)))
    said = limit.cut(title, limit.size(f" {about}") if about else 0)
    for sentence in (*_sentences(text, words.tongue, about), *map(_plainer, words.links[:1])):
        more = f"{said}{' ' if said.endswith(('.', '!', '?')) else '. '}{sentence}"
        if all(map(_is_gsm, sentence)) >= limit.is_gsm and limit.holds(f"{more} {about}"):
            said = more
    return f"{said} {about}".strip()


class Limit(NamedTuple):
    """How much one text message holds."""

    septets: int
    is_gsm: bool

    def size(self, text: str) -> int:
        """Return how long a text is: septets, or units of UTF-16."""
        if self.is_gsm:
            return sum(2 if each in _GSM_PAIRS else 1 for each in text)
        return len(text.encode("utf-16-le")) // 2

    def holds(self, text: str) -> bool:
        """Return whether a text is short enough."""
        return self.size(text) <= (self.septets if self.is_gsm else self.septets * SMS_UCS2 // SMS_SEPTETS)

    def cut(self, text: str, reserved: int) -> str:
        """Return a text, or its beginning, so that there is room for so much more."""
        room = " " * reserved
        if self.holds(text + room):
            return text
        while text and not self.holds(text + _CUT + room):
            text = text[:-1]
        return text + _CUT


def _sentences(text: str, tongue: Tongue, about: str) -> Sequence[str]:
    """The lines of a text, but for that which only names the ticket."""
    naming = {_plainer(which_ticket(about, clause, tongue)) for clause in CLAUSE.values()}
    return [line for line in text.splitlines() if line and line not in naming]


def _plainer(text: str) -> str:
    """The same in the alphabet of text messages, as far as a reader would take it for the same."""
    return "".join(map(_nearest, unicodedata.normalize("NFKC", text.translate(_PLAINER))))


def _nearest(character: str) -> str:
    if _is_gsm(character):
        return character
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each)
    )
    return bare if bare and all(map(_is_gsm, bare)) else character


def _is_gsm(character: str) -> bool:
    return character in _GSM or character in _GSM_PAIRS
