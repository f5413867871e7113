"""What a configuration means, in words, for the people who wrote it.

Rule: nothing here decides; each sentence says what the values already hold, and a warning names what is
allowed but probably not meant. No address is shown.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from safetyd.calendar_words import calendar_warnings, calendar_words, listed, own_words
from safetyd.centre_words import centre_words
from safetyd.configuration import Loaded
from safetyd.core.model import CLAUSE, FROM_AFAR, Condition, Offset, Quantity, Role, Tolerance
from safetyd.core.plan import Plan, Reason, Step
from safetyd.core.rules import Rules
from safetyd.paths import written
from safetyd.people_words import held, login_warnings, login_words, role_word
from safetyd.profile import NATIVE, Value
from safetyd.setting_mqtt import mqtt_words
from safetyd.settings import Settings
from safetyd.site import Building, Outpost, SensorBinding, Site
from safetyd.site_readings import OF_MAINS, readings

_INTERVALS, _SOONEST = 3, timedelta(seconds=200)  # a sensor counts as silent after so many of its intervals
_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1)))


def site_words(loaded: Loaded) -> list[str]:
    """Return the lines that `safetyd check` prints: what is watched, by which rules, and who is told."""
    site, settings = loaded.site, loaded.settings
    lines = [f"{site.name}, in the time of {site.timezone.key}", *_running(settings), ""]
    for building in site.buildings:
        lines += [*_building(building, site, settings.mqtt.root), ""]
    for version in site.rulebook.versions:
        lines += [*rules_words(version), ""]
    lines += [*calendar_words(site.calendar), ""]
    for building in site.buildings:
        if building.calendar is not None:
            own = own_words(building.calendar, site.calendar)
            lines += [f"{building.name} has days of its own:", *(f"  {line}" for line in own), ""]
    lines += [*site.remarks, ""] if site.remarks else []
    lines += [*_people(site)]
    if settings.oidc is not None:
        lines += ["", *login_words(settings.oidc, site)]
    for warning in (*_warnings(site), *(login_warnings(settings.oidc, site) if settings.oidc else ())):
        lines += (
            ["", f"Warning: {warning}"] if lines[-1][:7] not in ("", "Warning") else [f"Warning: {warning}"]
        )
    return lines


def span(time: timedelta) -> str:
    """Return a duration in the largest unit that holds it without a rest, days only from two on."""
    for unit, size in _UNITS:
        if time and not time % size and (unit != "d" or time > size):
            return f"{time // size} {unit}"
    return f"{time.total_seconds():g} s"


def _running(settings: Settings) -> Iterator[str]:
    yield f"Hears {mqtt_words(settings.mqtt)}; keeps everything in {settings.store.place}."
    if settings.web.listen is not None:
        yield f"Answers at http://{settings.web.listen}, to whom `safetyd user` lets in."
    copy = settings.influx
    if copy is not None:
        who = "let in by its secret" if copy.authorization else "without a secret"
        yield f"Copies the record to InfluxDB at {copy.url}, bucket {copy.bucket}, {who}."
    for hook in settings.webhook:
        events = [each.replace("_", " ") for each in hook.events]
        what = listed(events) if events else "every ticket event"
        where = f" of {listed(hook.buildings)}" if hook.buildings else ""
        yield f"Posts {what}{where} to the web hook at {hook.name}, signed."
    yield from centre_words(settings)
    if settings.audit.head_url is not None:
        yield f"Posts the head of the record each day to {_host(settings.audit.head_url)}."
    if settings.audit.timestamp_url is not None:
        yield f"Has the head of the record stamped each day by {_host(settings.audit.timestamp_url)}."
    last = settings.last_resort
    if last is not None:
        way = "a web hook" if last.url is not None else "a mailbox"
        yield f"When a notice has reached nobody for {span(last.after)}, the last resort is told: {way}."


def _host(url: SecretStr) -> str:
    return urlsplit(url.get_secret_value()).hostname or ""


def _building(building: Building, site: Site, root: str) -> Iterator[str]:
    if building.outpost is not None:
        yield _outpost(building, building.outpost)
        return
    devices = _count(len(building.sensors), "device of its own format", "devices of their own formats")
    yield f"{building.name} ({building.id}): {_count(len(building.rooms), 'room', 'rooms')}, {devices}."
    yield from (f"  {room.id}: {room.name}" for room in building.rooms)
    stale_after = site.rulebook.versions[-1].quality.stale_after
    for sensor in building.sensors:
        yield f"  {sensor.id}: {_sensor(sensor, site.timezone)}; {_silence(sensor.interval, stale_after)}"
    if building.rooms:
        native = f"{root}/readings/{building.id}/ROOM and {root}/power/{building.id}"
        yield f"  What speaks the native topics needs no entry: {native}."


def _outpost(building: Building, outpost: Outpost) -> str:
    link = f"its link is told on {outpost.link}" if outpost.link else "nothing tells how its link is"
    return (
        f"{building.name} ({building.id}): watched from afar, by what {outpost.gateway} says below"
        f" {outpost.root}/; {link}. Its silence shows after {span(outpost.silent_after)}; tickets are called"
        f" {building.id}{FROM_AFAR}-YEAR-NUMBER."
    )


def _sensor(sensor: SensorBinding, zone: ZoneInfo) -> str:
    parts = [f"{sensor.format} on {sensor.topic}"]
    if sensor.room is not None:
        parts.append(f"in room {sensor.room}")
    if sensor.power:
        parts.append("a witness of the building's mains")
    parts.append(f"reads {listed(_read(sensor))}")
    if sensor.wiring.channel:
        parts.append(f"channel {sensor.wiring.channel}")
    for path, meant in sensor.wiring.only:
        parts.append(f"only where {written(path)} is {listed(map(str, meant), 'or')}")
    if sensor.since is not None:
        parts.append(f"from {_local(sensor.since, zone)} on")
    if sensor.until is not None:
        parts.append(f"until {_local(sensor.until, zone)}")
    parts += [_offset(offset, zone) for offset in sensor.offsets]
    if sensor.tolerance is not None:
        parts.append(f"right to within {_tolerance(sensor.tolerance)}")
    if sensor.invalid:
        parts.append(f"without {listed((f'{value:g}' for value in sorted(sensor.invalid)), 'or')}")
    return ", ".join(parts)


def _read(sensor: SensorBinding) -> Iterator[str]:
    if sensor.format == NATIVE:
        yield "whatever its messages name"
        return
    found: dict[Quantity, list[str]] = {}
    for value in readings(sensor):
        if value.measures is not None:
            found.setdefault(value.measures, []).append(_unit(value))
    for quantity, units in found.items():
        known = sorted({unit for unit in units if unit})
        yield (
            f"{quantity} in {' or '.join(known)}" if quantity is Quantity.TEMPERATURE and known else quantity
        )


def _unit(value: Value) -> str:
    if value.unit.startswith("@"):
        return f"the unit that its {value.unit[1:]} says"
    return f"°{value.unit}" if value.unit else "the unit that it says"


def _local(at: datetime, zone: ZoneInfo) -> str:
    there = at.astimezone(zone)
    return f"{there:%Y-%m-%d}" if there.time() == time() else f"{there:%Y-%m-%d %H:%M}"


def _offset(offset: Offset, zone: ZoneInfo) -> str:
    added = [(offset.temperature_f, " °F"), (offset.humidity, " % of humidity")]
    changes = [f"{abs(value):g}{unit} {'more' if value > 0 else 'less'}" for value, unit in added if value]
    said = f"corrected by {listed(changes)}" if changes else "as it measures"
    return said if offset.since is None else f"{said} from {_local(offset.since, zone)} on"


def _tolerance(tolerance: Tolerance) -> str:
    spans = [(tolerance.temperature_f, " °F"), (tolerance.humidity, " % of humidity")]
    return listed(f"{value:g}{unit}" for value, unit in spans if value)


def _silence(interval: timedelta | None, stale_after: timedelta) -> str:
    if interval is None:
        return f"its silence shows after {span(stale_after)}, or three of the intervals it turns out to keep"
    shows = span(max(_SOONEST, _INTERVALS * interval))
    return f"expected every {span(interval)}: its silence shows after {shows}, not sooner"


def rules_words(rules: Rules) -> Iterator[str]:
    """Yield the lines that say a version of the rules."""
    cold, heat, outage, quality = rules.cold, rules.heat, rules.outage, rules.quality
    deadlines = rules.deadlines
    immediate = f"immediate relief is due within {span(deadlines.immediate)}"
    relief = f"mitigation is due within {span(deadlines.mitigation)}, {immediate}"
    yield f"Rules {f'from {rules.effective}' if rules.effective else 'from the beginning'}:"
    yield (
        f"  A room below {cold.below_f:g} °F opens a ticket {_when(cold.confirm)} "
        f"({CLAUSE[Condition.COLD]}): {relief}. "
        f"The cold is over after {span(cold.end_after)} at {cold.end_f:g} °F or above."
    )
    yield (
        f"  A heat index above {heat.above_f:g} °F opens a ticket {_when(heat.confirm)} "
        f"({CLAUSE[Condition.HEAT]}): {relief}. "
        f"From {heat.watch_f:g} °F on a room is shown as getting hot, and no ticket opens. "
        f"The heat is over after {span(heat.end_after)} at {heat.end_f:g} °F or below."
    )
    warned = f", after warnings at {listed(map(span, outage.warn_at))}" if outage.warn_at else ""
    yield (
        f"  A building without power for longer than {span(outage.longer_than)} opens a ticket "
        f"({CLAUSE[Condition.OUTAGE]}){warned}: {immediate}. {_quorum(outage.quorum)} "
        f"The power is back when it held for {span(outage.restored_after)}."
    )
    meanwhile = (
        "has its ticket at once too"
        if rules.outside_work_hours == "ticket"
        else "waits for them, if it lasts"
    )
    yield f"  Cold or heat outside work hours {meanwhile}."
    yield (
        f"  A reading counts for {span(quality.stale_after)} at most (or three intervals of its sensor); "
        "after that the room is unknown, not ok."
    )
    shares = listed(f"{share * 100:g} %" for share in rules.remind.at)
    reminded = f"at {shares} of the time and " if shares else ""
    yield f"  Reminders come {reminded}every {span(rules.remind.overdue_every)} once relief is overdue."


def _when(confirm: int) -> str:
    return "at once" if confirm == 1 else f"at the {_count(confirm, '', 'readings')} running that say so"


def _quorum(quorum: str | int) -> str:
    said = {"majority": "Most of its witnesses decide.", "all": "All its witnesses must agree."}
    if isinstance(quorum, int):
        return f"{_count(quorum, 'witness is', 'witnesses are')} enough."
    return said.get(quorum, "Any one of its witnesses decides.")


def _people(site: Site) -> Iterator[str]:
    for plan in site.plans.versions:
        yield from _plan(plan)
    if site.is_watch:
        yield "  a building silent or heard again (trouble, trouble over): everybody who is named here"
    for person in site.people:
        spoken = "" if person.language == site.language else f", told in {person.language}"
        spared = (
            f", quiet from {person.quiet.begin:%H:%M} to {person.quiet.end:%H:%M}" if person.quiet else ""
        )
        reached = _count(len(person.notify), "address", "addresses")
        yield f"  {person.name}: {held(person, site)}, {reached}{spared}{spoken}"


def _plan(plan: Plan) -> Iterator[str]:
    since = f" from {plan.effective} on" if plan.effective else ""
    yield f"Who is told what{since} (plan {plan.short_name}):"
    groups: dict[tuple[Role, ...], list[str]] = {}
    for reason, roles in plan.told.items():
        groups.setdefault(roles, []).append(reason.replace("_", " "))
    for roles, reasons in groups.items():
        more = [role for role in plan.outage_opened if role not in roles]
        also = f" (an outage opened: also {listed(map(role_word, more))})" if more else ""
        to = listed(map(role_word, roles)) or "nobody"
        yield f"  {listed(reasons)}: {to}{also if Reason.OPENED in reasons else ''}"
    for step in plan.steps:
        yield f"  {step_words(step)} (escalated): {listed(map(role_word, step.to))}"
    chain = [f"{role_word(role)} by {role_word(higher)}" for role, higher in plan.above.items()]
    yield f"  Where nobody of a role can be reached: {listed(chain)}"


def step_words(step: Step) -> str:
    """Return when a step of a plan is taken."""
    few = set(step.conditions) != set(Condition)
    which = f"a ticket of {listed(step.conditions, 'or')}" if few else "any ticket"
    return f"{which} not {step.unless} {span(step.after)} after its opening"


def _warnings(site: Site) -> Iterator[str]:
    if not site.buildings:
        yield "no building is named, so nothing is watched; add [[buildings]] to a site file."
    for person in site.people:
        if not person.notify:
            yield f"{person.name} has no address and is told nothing; add one to notify."
    yield from calendar_warnings(site.calendar, "the")
    for building in site.buildings:
        if building.calendar is not None:
            yield from calendar_warnings(building.calendar, f"{building.name}'s")
        if not building.rooms and building.outpost is None:
            yield f"{building.name} has no rooms, so only its power is watched; add [[buildings.rooms]]."
        yield from _sensor_warnings(building)
        yield from _network_warnings(building, site)
        reached = _reached(site, building)
        wanted = [Role.DISTRICT] if building.outpost else [r for r in Role if r is not Role.EDUCATOR]
        absent = [role for role in wanted if role not in reached]
        if absent:
            role = "this role" if len(absent) == 1 else "these roles"
            yield f"in {building.name} nobody with an address holds {role}: {listed(map(role_word, absent))}."


def _network_warnings(building: Building, site: Site) -> Iterator[str]:
    networks = site.networks_of(building)
    if networks:
        yield (
            f"in {building.name} anybody at {listed(map(str, networks), 'or')} may report a problem without"
            " logging in, under any name; it goes on record as (not logged in)."
        )
    for each in networks:
        if each.is_loopback:
            yield (
                f"{each} is this machine itself: behind a web server here everybody comes from there, from"
                f" anywhere; name the network of {building.name} instead."
            )
        elif not each.is_private:
            yield f"{each} holds addresses of the internet: is all of it the network of {building.name}?"


def _sensor_warnings(building: Building) -> Iterator[str]:
    for room in building.rooms:
        bound = [sensor for sensor in building.sensors if sensor.room == room.id and not sensor.power]
        known = set().union(*map(_quantities, bound))
        is_told = any(sensor.format == NATIVE for sensor in bound)  # such a one may send anything
        if Quantity.TEMPERATURE in known and Quantity.HUMIDITY not in known and not is_told:
            yield (
                f"in {building.name} no sensor named here measures humidity in room {room.id}; "
                "heat cannot be judged there until something measures humidity."
            )
    for sensor in building.sensors:
        if sensor.power and _quantities(sensor) & OF_MAINS == {Quantity.VOLTAGE}:
            yield (
                f"{sensor.id} in {building.name} witnesses the mains by their voltage alone; what they feed "
                "falls silent with them, and silence is no vote. The word of a UPS (mains) is better."
            )


def _quantities(sensor: SensorBinding) -> set[Quantity]:
    return {value.measures for value in readings(sensor) if value.measures is not None}


def _reached(site: Site, building: Building) -> set[Role]:
    present = (person for person in site.people if person.notify and person.belongs_to(building.id))
    return {role for person in present for role in person.roles_in(building.id)}


def _count(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number == 1 else many}"
