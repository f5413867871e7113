"""A language and the hours it is told in: sentences, plurals, times and spans; the only door to polib.

Rule: a sentence is translated first and filled then, once: what fills it comes out as it was written,
whatever it looks like. Words that cannot be had in a language are no reason to say nothing: they are said in
English, which needs neither a catalogue nor the library that reads one.
"""

import gettext
import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from safetyd.languages import ENGLISH, FOLDER

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

log = logging.getLogger("safetyd.notify")


def msgid(sentence: str) -> str:
    """Return a sentence as it is, marked for the catalogues because it stands in a table."""
    return sentence


# Translators: the days of the week and the months as they stand in a time, short.
_DAYS = (
    msgid("Mon"),
    msgid("Tue"),
    msgid("Wed"),
    msgid("Thu"),
    msgid("Fri"),
    msgid("Sat"),
    msgid("Sun"),
)
_MONTHS = (
    msgid("Jan"),
    msgid("Feb"),
    msgid("Mar"),
    msgid("Apr"),
    msgid("May"),
    msgid("Jun"),
    msgid("Jul"),
    msgid("Aug"),
    msgid("Sep"),
    msgid("Oct"),
    msgid("Nov"),
    msgid("Dec"),
)


class Tongue(NamedTuple):
    """How something is said in one language, with times of one zone."""

    language: str
    zone: ZoneInfo
    folder: Path = FOLDER

    def say(self, sentence: str, /, **fields: object) -> str:
        """Return a sentence with its placeholders filled."""
        return _filled(self._catalogue.gettext(sentence), fields)

    def plural(self, one: str, many: str, /, count: int, **fields: object) -> str:
        """Return the sentence that fits a number, which may stand in it as `{count}`."""
        return _filled(self._catalogue.ngettext(one, many, count), fields | {"count": count})

    def time(self, at: datetime) -> str:
        """Return a moment with its day, in local time."""
        local = at.astimezone(self.zone)
        # Translators: a moment. Put its parts into your order; {day} is a number, {time} is of 24 hours.
        return self.say(
            "{weekday} {day} {month} {time}",
            weekday=self.say(_DAYS[local.weekday()]),
            day=local.day,
            month=self.say(_MONTHS[local.month - 1]),
            time=f"{local:%H:%M}",
        )

    def span(self, span: timedelta) -> str:
        """Return how long something is, rounded as people say it."""
        hours = span / timedelta(hours=1)
        if hours < 1:
            return self.say("{count} min", count=f"{hours * 60:.0f}")
        if hours <= 48:
            return self.say("{count} h", count=f"{hours:.0f}")
        return self.plural("{count} day", "{count} days", round(hours / 24))

    def listed(self, names: Iterable[str]) -> str:
        """Return names as a list."""
        # Translators: what stands between the names of a list.
        return self.say(", ").join(names)

    @property
    def _catalogue(self) -> gettext.NullTranslations:
        return _catalogue(self.language, self.folder)


@lru_cache
def _catalogue(language: str, folder: Path) -> gettext.NullTranslations:
    if language == ENGLISH:
        return gettext.NullTranslations()
    import polib

    try:
        found = polib.pofile(str(folder / f"{language}.po"), encoding="utf-8")
        return gettext.GNUTranslations(BytesIO(found.to_binary()))
    except (OSError, ValueError) as error:
        log.error("the catalogue of %s cannot be read; notices are in English: %s", language, error)
        return gettext.NullTranslations()


def _filled(sentence: str, fields: dict[str, object]) -> str:
    """One pass over the sentence alone: a value that looks like a placeholder is never looked into."""
    return _PLACEHOLDER.sub(lambda found: str(fields.get(found[1], found[0])), sentence)
