"""Every sentence of a notice can be translated, and every catalogue of the package is whole."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_dir

from safetyd.core.model import (
    GATEWAY,
    Condition,
    Episode,
    Hazard,
    Observation,
    Place,
    Role,
    Sensor,
    TroubleKind,
    Worst,
)
from safetyd.core.plan import Reason
from safetyd.core.quality import Belief, judge
from safetyd.core.rules import QualityRule
from safetyd.core.ticket import Deadline, Due, Relief, Ticket, Tier
from safetyd.core.waking import Cause
from safetyd.core.world import Notice
from safetyd.languages import FOLDER
from safetyd.notify.remarks import remark
from safetyd.notify.render import render
from safetyd.notify.tongue import Tongue
from safetyd.site import Building, Person, Room
from tests.notify.test_render import BEGAN, NOW, OF_A_TICKET, SITE, ZONE, episode, notice, ticket

PACKAGE = FOLDER.parent
KEYWORDS = {"say": None, "plural": (1, 2), "msgid": None}
PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
TYPED = re.compile(r"--\w+ [A-Z]+|\d+\.\d+(?:\.\d+)?|safetyd")  # what no language changes
CATALOGUES = sorted(FOLDER.glob("*.po"))
SPANISH = Tongue("es", ZONE)


@cache
def sentences() -> frozenset[tuple[str, str]]:
    """Every sentence in the code, with its plural or nothing."""
    found = extract_from_dir(str(PACKAGE), [("**.py", "python")], keywords=KEYWORDS)
    return frozenset(said if isinstance(said, tuple) else (said, "") for _, _, said, _, _ in found)


# catalogues of the package


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_catalogue_has_every_sentence_of_the_code_and_no_other(file: Path) -> None:
    catalogue = polib.pofile(str(file), encoding="utf-8")
    assert {(entry.msgid, entry.msgid_plural) for entry in catalogue if not entry.obsolete} == sentences()
    assert [entry.msgid for entry in catalogue if entry.fuzzy or not entry.translated()] == []


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_translation_has_the_placeholders_numbers_and_commands_of_its_sentence(file: Path) -> None:
    for entry in polib.pofile(str(file), encoding="utf-8"):
        wanted = {*PLACEHOLDER.findall(entry.msgid + entry.msgid_plural)}
        for said in entry.msgstr_plural.values() if entry.msgid_plural else (entry.msgstr,):
            found = {*PLACEHOLDER.findall(said)}
            optional = {"{count}"} if entry.msgid_plural else set()
            assert found - wanted == set() and wanted - found <= optional, entry.msgid
            assert said.count("{") == len(PLACEHOLDER.findall(said)), entry.msgid
            assert sorted(TYPED.findall(said)) == sorted(TYPED.findall(entry.msgid)), entry.msgid


def test_one_word_stands_for_a_ticket_in_spanish() -> None:
    for entry in polib.pofile(str(FOLDER / "es.po"), encoding="utf-8"):
        said = " ".join([entry.msgstr, *entry.msgstr_plural.values()])
        assert not re.search(r"\b(boleta|expediente|ticket|tú|tu|vosotros)\b", PLACEHOLDER.sub("", said))
        assert "caso" in said.lower() or "ticket" not in PLACEHOLDER.sub("", entry.msgid).lower()


# nothing is said past the catalogue

HERE = replace(
    SITE,
    buildings=(
        Building("maple", "Школа", (Room("12", "Класс 12"),)),
        Building("cedar", "Другая", ()),
    ),
    people=tuple(Person(f"Анна {number}", (Role.FACILITIES, Role.ADMINISTRATOR)) for number in range(6)),
)
SUBJECTS = (
    "maple/12/12",
    "maple/12/7",
    "maple/7",
    "maple/watch",
    "maple/gateway",
    "maple/witnesses",
    "maple/bridge 7",
    f"maple/{GATEWAY}7",
    "heartbeat",
    "site file",
    "the site",
    "the whole site",
    "notice to Анна at 7",
)
HEAD = f"{'a0' * 32}@1204"
COMMAND = re.compile(r"safetyd (power|ticket) [a-z0-9-]+ (on|off|close-building)( --by NAME)?")
AS_WRITTEN = re.compile(
    rf"(ticket )?maple-2026-\d{{4}}|safetyd audit verify --head {HEAD}|{HEAD}|safetyd audit verify"
)


def whole(one: Ticket) -> Ticket:
    """A ticket with a date for each tier."""
    hours = (24, 336, 60, 24 * 90)
    due = zip(Tier, (BEGAN + timedelta(hours=each) for each in hours), strict=True)
    return replace(one, deadlines=tuple(Deadline(tier, at, Due.PENDING) for tier, at in due))


def of_tickets() -> Iterator[tuple[Notice, Mapping[str, Ticket], Mapping[str, Episode]]]:
    """A notice of each reason, tier and hazard, early and late, about breaches as they may be."""
    ones = [whole(ticket(condition)) for condition in Condition]
    ones += [replace(ones[3], hazard=each) for each in Hazard]
    ones += [replace(ones[2], is_presumed=True), replace(ones[0], opened_at=NOW)]
    for one, reason, tier in product(ones, OF_A_TICKET, Tier):
        measured = one.condition in (Condition.COLD, Condition.HEAT)
        ran = replace(episode(one.condition, True), worst=Worst(57.2, BEGAN, one.condition is Condition.HEAT))
        for late, kind, event, known in (
            (timedelta(0), "", "", {}),
            (timedelta(days=100), Relief.OTHER, "dispute_withdrawn", {one.id: ran} if measured else {}),
        ):
            about = {"by": "Анна", "tier": tier, "kind": kind, "event": event, "note": "7"}
            yield notice(reason, ticket=one.id, at=NOW + late, about=about), {one.id: one}, known
    for relief in Relief:
        about = {"by": "Анна", "tier": Tier.MIDTERM, "kind": relief}
        yield notice(Reason.RELIEVED, ticket=ones[0].id, about=about), {ones[0].id: ones[0]}, {}
    listed = {f"maple-2026-{n:04d}": replace(one, id=f"maple-2026-{n:04d}") for n, one in enumerate(ones[:3])}
    for news in (("opened",) * 3, ("opened", "recurred", "ended")):
        about = dict(zip(listed, news, strict=True))
        yield notice(Reason.DIGEST, tickets=tuple(listed), about=about), listed, {}


def of_buildings() -> Iterator[Notice]:
    """A notice of each kind that is not about a ticket."""
    times = {"began_at": BEGAN.isoformat(), "ended_at": NOW.isoformat(), "minutes": "90"}
    outages = (Reason.OUTAGE_BEGAN, Reason.OUTAGE_WARNING, Reason.OUTAGE_OVER)
    for reason, more, hours in product(outages, ({}, {"presumed": "yes"}, {"presumed": "gateway"}), (1, 3)):
        at = BEGAN + timedelta(hours=hours)
        yield notice(reason, about=times | more, at=at, ticket="maple-2026-0001")
    for about, hours in product(({"ups": "maple"}, {"ups": "cedar"}, {"ups": "maple", **times}), (1, 3)):
        at = BEGAN + timedelta(hours=hours)
        yield notice(Reason.OUTAGE_WARNING, about={"last_words": "yes"} | about, at=at)
    for worst in ("57.0", ""):
        held = {f"{each} 12": f"{BEGAN.isoformat()} {worst}" for each in ("cold", "heat")}
        yield notice(Reason.HELD, about={"begins_at": NOW.isoformat()} | held)
    said = {"hash": HEAD.partition("@")[0], "number": "1204", "sealed_at": BEGAN.isoformat()}
    yield notice(Reason.HEAD, about=said)
    for count in ("1", "7"):
        yield notice(Reason.ALTERED, about={"count": count, "records": "ticket maple-2026-0001"})
    for reason, kind, subject in product((Reason.TROUBLE, Reason.TROUBLE_OVER), TroubleKind, SUBJECTS):
        yield notice(reason, about={f"{kind} {subject}": "never heard"})
    for reason in (Reason.TROUBLE, Reason.TROUBLE_OVER):
        yield notice(reason, about={f"silent {subject}": "" for subject in SUBJECTS})


def without_letters(sentence: str) -> str:
    """A translation that keeps the placeholders of a sentence and none of its letters."""
    return "".join(
        part if PLACEHOLDER.fullmatch(part) else re.sub(r"[A-Za-z]", "ж", part)
        for part in re.split(r"(\{[a-z_]+\})", sentence)
    )


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Tongue:
    """A language that nobody has yet, and that has no Latin letter: one file is all that it needs."""
    folder, catalogue = tmp_path_factory.mktemp("languages"), polib.POFile(encoding="utf-8")
    catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    for one, many in sentences():
        catalogue.append(
            polib.POEntry(
                msgid=one,
                msgid_plural=many,
                msgstr="" if many else without_letters(one),
                msgstr_plural={0: without_letters(one), 1: without_letters(many)} if many else {},
            )
        )
    catalogue.save(str(folder / "xx.po"))
    return Tongue("xx", ZONE, folder)


def test_no_letter_of_english_is_left_in_another_language(strange: Tongue) -> None:
    """Every reason, so that nothing is glued together beside the catalogue."""
    told = [(owed, {}, {}) for owed in of_buildings()]
    for site in (HERE, replace(HERE, people=()), replace(HERE, people=(Person("Анна", (Role.DISTRICT,)),))):
        for owed, tickets, episodes in [*of_tickets(), *told]:
            for words in render(owed, tickets, episodes, site, strange):
                left = AS_WRITTEN.sub("", COMMAND.sub("", words))
                assert not re.search("[A-Za-z]", left), (owed.reason, words)


# what safetyd remarks is known again


def remarked() -> Iterator[str]:
    """Remarks as the core makes them."""
    quality, sensor = QualityRule(), Sensor(Place("maple", "12"), "12")
    for said in (
        {"temperature_c": 85.0},
        {"temperature_f": 300.0},
        {"temperature_c": 65.0},
        {"temperature_c": -127.0},
        {"temperature_f": 70.0, "humidity": 140.0},
        {"temperature_f": 70.0, "humidity": 0.4},
        {"battery": 150.0},
        {"voltage": 9999.0},
    ):
        flawed = judge(Belief(), Observation(sensor, BEGAN, BEGAN, **said), quality)[1].flaws
        assert flawed, said
        yield from (each.reason for each in flawed)
    yield from Cause


def test_a_remark_of_safetyd_s_own_is_made_anew_in_spanish_with_its_figures() -> None:
    for note in remarked():
        said = remark(note, SPANISH)
        assert said != note, note
        assert re.findall(r"-?\d[\d.]*", said) == re.findall(r"-?\d[\d.]*", note), note
    assert remark("battery at 3 %", SPANISH) == "batería al 3 %"
    assert remark("1.5 °F apart", SPANISH) == "1.5 °F de diferencia"
    assert remark("58.0 °F where a hand-held instrument says 61.5 °F", SPANISH) == (
        "58.0 °F donde un instrumento de mano marca 61.5 °F"
    )


def test_a_remark_of_others_stands_as_it_is() -> None:
    long = f"{'7 is outside ' * 20}0 to 1"
    for note in ("the mail server answered 550 5.1.1", "never heard\nof it", "{value} is", long):
        assert remark(note, SPANISH) == note


# in Spanish, whole


def spanish(owed: Notice, *known: Ticket, ran: Episode | None = None) -> tuple[str, str]:
    return render(owed, {one.id: one for one in known}, {known[0].id: ran} if ran else {}, SITE, SPANISH)


def test_an_opening_in_spanish() -> None:
    one = ticket(Condition.COLD)
    title, text = spanish(notice(Reason.OPENED, ticket=one.id), one, ran=episode(Condition.COLD))
    assert title == "Maple School, Room 12, chemistry: demasiado frío"
    assert text == (
        "Bajo lo permitido desde mar 1 dic 08:05, 57.2 °F.\n"
        "Alivio de temperatura: vence mié 2 dic 08:05 (en 22 h).\n"
        "A cargo de Ann Lee (mantenimiento, administración).\n"
        "Caso maple-2026-0001, cláusula 9.14.3."
    )


def test_a_reminder_in_spanish() -> None:
    one = ticket(Condition.HEAT)
    ran = replace(episode(Condition.HEAT), worst=Worst(91.04, BEGAN, assumed_dry=True))
    title, text = spanish(notice(Reason.REMINDER, ticket=one.id, about={"tier": "immediate"}), one, ran=ran)
    assert (
        title
        == "Maple School, Room 12, chemistry: el alivio inmediato vence el mar 15 dic 08:05 (en 14 días)"
    )
    assert text == (
        "Sobre lo permitido desde mar 1 dic 08:05, índice de calor 91.0 °F"
        " (humedad desconocida, se supone 0 %).\n"
        "Registre el alivio inmediato cuando se dé: qué se hizo y quién lo hizo.\n"
        "A cargo de Ann Lee (mantenimiento, administración).\n"
        "Caso maple-2026-0001, cláusula 9.14.3."
    )


def test_a_relief_and_its_note_in_spanish() -> None:
    one = ticket(Condition.COLD)
    about = {"by": "A. Reyes", "tier": "mitigation", "kind": "fans_or_heaters", "note": "space heater {by}"}
    title, text = spanish(notice(Reason.RELIEVED, ticket=one.id, about=about), one)
    assert title == "Maple School, Room 12, chemistry: alivio registrado"
    assert text == (
        "A. Reyes registró el alivio de la temperatura (ventiladores o calefactores).\n"
        "Nota: space heater {by}\n"
        "Caso maple-2026-0001, cláusula 9.14.3."
    )


def test_an_outage_that_is_presumed_in_spanish() -> None:
    one = replace(ticket(Condition.OUTAGE, Place("maple", None)), is_presumed=True)
    title, text = spanish(notice(Reason.OPENED, ticket=one.id), one)
    assert title == "Maple School: quizás sin electricidad"
    assert text.splitlines()[1] == (
        "Esto se supone. Por favor, averígüelo y confírmelo o niéguelo con una nota en el caso, o con:"
        " safetyd power maple on (u off) --by NAME. Si no hubo electricidad:"
        " el edificio debe permanecer cerrado hasta que esto se resuelva (9.14.5). Registre el cierre:"
        " safetyd ticket maple-2026-0001 close-building --by NAME"
    )


def test_troubles_and_a_digest_in_spanish() -> None:
    about = {"silent maple/12/12": "never heard", "battery maple/mains": "battery at 3 %"}
    assert spanish(notice(Reason.TROUBLE, about=about), ticket(Condition.COLD)) == (
        "Maple School: 2 fallas de sensores",
        "Room 12, chemistry: dejó de responder (nunca ha respondido)\n"
        "el testigo mains: batería baja (batería al 3 %)\n"
        "Por favor, revíselo: safetyd no puede responder por lo que no recibe.",
    )
    one = ticket(Condition.COLD)
    told = notice(Reason.DIGEST, tickets=(one.id,), about={one.id: "opened"})
    assert spanish(told, one) == (
        "Maple School: un caso nuevo",
        "- Maple School, Room 12, chemistry: demasiado frío."
        " Bajo lo permitido desde mar 1 dic 08:05."
        " Alivio de temperatura: vence mié 2 dic 08:05 (en 22 h). [maple-2026-0001]\n"
        "A cargo de Ann Lee (mantenimiento, administración).",
    )
