"""What is wrong at a place, in a word or in a sentence with since when and how bad it is."""

from datetime import datetime

from safetyd.core.model import Condition, Episode, Hazard
from safetyd.core.ticket import Ticket
from safetyd.core.units import beside
from safetyd.notify.tongue import Tongue, msgid
from safetyd.site import Site

_BRIEFLY = {
    # Translators: these stand alone after the name of a place and a colon.
    Condition.COLD: msgid("too cold"),
    Condition.HEAT: msgid("too hot"),
    Condition.OUTAGE: msgid("no electricity"),
}
_HAZARDS = {
    Hazard.ELECTRICITY: msgid("hazard: electricity"),
    Hazard.INTERNET: msgid("hazard: internet"),
    Hazard.WATER: msgid("hazard: water"),
    Hazard.PESTS: msgid("hazard: pests"),
    Hazard.MOLD: msgid("hazard: mold"),
    Hazard.ASBESTOS: msgid("hazard: asbestos"),
    Hazard.SMOKE: msgid("hazard: smoke"),
    Hazard.AIR_QUALITY: msgid("hazard: air quality"),
    Hazard.LEAKS: msgid("hazard: leaks"),
    Hazard.TEMPERATURE: msgid("hazard: temperature"),
    Hazard.OTHER: msgid("hazard: other"),
}


def briefly(ticket: Ticket, tongue: Tongue) -> str:
    """Return what a ticket is about, in a word or two."""
    if ticket.hazard is not None:
        return tongue.say(_HAZARDS[ticket.hazard])
    if ticket.is_presumed:
        return tongue.say("perhaps no electricity")
    return tongue.say(_BRIEFLY[ticket.condition])


def breach(ticket: Ticket, episode: Episode | None, site: Site, tongue: Tongue) -> str:
    """Return what is wrong, since when, and the worst value of it, beside the limit that it is beyond."""
    if ticket.hazard is not None:
        return tongue.say("Reported {time}.", time=tongue.time(ticket.began_at))
    time = tongue.time(episode.began_at if episode else ticket.began_at)
    if ticket.condition is Condition.OUTAGE:
        if ticket.is_presumed:
            return tongue.say("Perhaps no electricity since {time}.", time=time)
        return tongue.say("No electricity since {time}.", time=time)
    worst = episode.worst if episode else None
    limit_f = site.rulebook.in_force(ticket.began_at).limit_f(ticket.condition)
    value = beside(worst.value, limit_f) if worst else ""
    if ticket.condition is Condition.COLD:
        if not value:
            return tongue.say("Colder than allowed since {time}.", time=time)
        return tongue.say("Colder than allowed since {time}, {value} °F.", time=time, value=value)
    if worst is None:
        return tongue.say("Hotter than allowed since {time}.", time=time)
    if worst.assumed_dry:
        return tongue.say(
            "Hotter than allowed since {time}, heat index {value} °F (humidity unknown, 0 % assumed).",
            time=time,
            value=value,
        )
    return tongue.say("Hotter than allowed since {time}, heat index {value} °F.", time=time, value=value)


def of_room(room: str, condition: Condition, since: datetime, worst: str, tongue: Tongue) -> str:
    """Return what is wrong in a room, since when, and the worst value of it, if one is known."""
    fields = {"room": room, "time": tongue.time(since), "value": worst}
    if condition is Condition.COLD:
        if not worst:
            return tongue.say("{room}: too cold since {time}.", **fields)
        return tongue.say("{room}: too cold since {time}, {value} °F.", **fields)
    if not worst:
        return tongue.say("{room}: too hot since {time}.", **fields)
    return tongue.say("{room}: too hot since {time}, heat index {value} °F.", **fields)
