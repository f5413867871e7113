"""Notices about a building's electricity: out, out for so long, back; and the last words of a dying watch.

Rule: a command line stands in every language as it is typed.
"""

from datetime import datetime

from safetyd.core.model import Role
from safetyd.core.plan import Reason
from safetyd.core.world import Notice
from safetyd.notify.tongue import Tongue, msgid
from safetyd.notify.who_and_where import by_whom
from safetyd.site import Site

_SILENT = {
    "yes": msgid(
        "The devices that live on the mains fell silent together, and no witness says more."
        " Please look, and say so: {command} (or on). The two hours are counted meanwhile."
    ),
    "gateway": msgid(
        "Nothing is heard from the building since then, and no witness says more."
        " Please look, and say so: {command} (or on). The two hours are counted meanwhile."
    ),
}


def outage(notice: Notice, site: Site, tongue: Tongue) -> tuple[str, str]:
    """Return the title and text of a notice about an outage, with or without a ticket."""
    if "last_words" in notice.about:
        return _last_words(notice, site, tongue)
    where = site.name_of(notice.building)
    began_at = datetime.fromisoformat(notice.about["began_at"])
    if notice.reason is Reason.OUTAGE_OVER:
        return _over(notice, where, tongue)
    since = tongue.say("Since {time}.", time=tongue.time(began_at))
    if "presumed" in notice.about:
        title, text = _presumed(notice, where, tongue)
        return title, f"{since}\n{text}"
    limit_at = began_at + site.rulebook.in_force(began_at).outage.longer_than
    by = by_whom(notice.building, site, tongue)
    if notice.reason is Reason.OUTAGE_WARNING:
        title = tongue.plural(
            "{where}: no electricity for {count} minute",
            "{where}: no electricity for {count} minutes",
            int(notice.about["minutes"]),
            where=where,
        )
        must = tongue.say(
            "The building must close if it lasts beyond {time} (9.14.5).", time=tongue.time(limit_at)
        )
        return title, f"{since}\n{must}\n{by}"
    if notice.at > limit_at:
        must = _must_close(tongue)
    else:
        must = tongue.say(
            "If it lasts beyond {time}, the building must close (9.14.5).", time=tongue.time(limit_at)
        )
    return tongue.say("{where}: power is out", where=where), f"{since}\n{must}\n{by}"


def _presumed(notice: Notice, where: str, tongue: Tongue) -> tuple[str, str]:
    command = f"safetyd power {notice.building} off --by NAME"
    if notice.reason is Reason.OUTAGE_BEGAN:
        asked = _SILENT[notice.about["presumed"]]
        return tongue.say("{where}: power may be out", where=where), tongue.say(asked, command=command)
    title = tongue.plural(
        "{where}: power may be out for {count} minute",
        "{where}: power may be out for {count} minutes",
        int(notice.about["minutes"]),
        where=where,
    )
    return title, tongue.say("Still nobody knows: {command} (or on).", command=command)


def _over(notice: Notice, where: str, tongue: Tongue) -> tuple[str, str]:
    began_at, ended_at = (datetime.fromisoformat(notice.about[each]) for each in ("began_at", "ended_at"))
    lines = [
        tongue.say(
            "It was out from {begin} to {end}.", begin=tongue.time(began_at), end=tongue.time(ended_at)
        )
    ]
    if notice.ticket:
        lines.append(tongue.say("Ticket {ticket} stays open until a person closes it.", ticket=notice.ticket))
    return tongue.say("{where}: electricity is back", where=where), "\n".join(lines)


def _last_words(notice: Notice, site: Site, tongue: Tongue) -> tuple[str, str]:
    """What people must know before the watch goes dark: since when, until when, and whom to tell."""
    title = tongue.say("{where}: safetyd is about to go dark", where=site.name_of(notice.building))
    lines = [
        tongue.say("The battery it runs on is nearly empty. From now on nobody watches until power is back.")
    ]
    if "began_at" in notice.about:
        lines += _limit(notice, datetime.fromisoformat(notice.about["began_at"]), site, tongue)
    else:
        if notice.about["ups"] != notice.building:
            lines[0] = tongue.say(
                "The battery it runs on, in {building}, is nearly empty."
                " From now on nobody watches this building until power is back there.",
                building=site.name_of(notice.about["ups"]),
            )
        lines += [
            tongue.say("This building was not known to be without electricity."),
            tongue.say("If its power goes, note when: beyond two hours it must close (9.14.5)."),
        ]
    return title, "\n".join([*lines, _whom_to_tell(notice, site, tongue)])


def _limit(notice: Notice, began_at: datetime, site: Site, tongue: Tongue) -> tuple[str, str]:
    """Since when power is out, and until when that may last."""
    limit_at = began_at + site.rulebook.in_force(began_at).outage.longer_than
    since = tongue.say(
        "No electricity since {time}, for {span} now.",
        time=tongue.time(began_at),
        span=tongue.span(notice.at - began_at),
    )
    if notice.at > limit_at:
        return since, _must_close(tongue)
    return since, tongue.say(
        "If it lasts beyond {time}, the building must close (9.14.5): somebody there must keep the time.",
        time=tongue.time(limit_at),
    )


def _must_close(tongue: Tongue) -> str:
    return tongue.say("The building must be closed until this is resolved (9.14.5).")


def _whom_to_tell(notice: Notice, site: Site, tongue: Tongue) -> str:
    names = [person.name for person in site.people_for(notice.building, (Role.DISTRICT,))]
    if not names:
        return tongue.say("Tell the district, and write down who was told when.")
    return tongue.say(
        "Tell the district: {names}, and write down who was told when.", names=tongue.listed(names)
    )
