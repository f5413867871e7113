"""When somebody cannot be told, the next one is: nobody twice, nobody above while somebody beside knows."""

from collections.abc import Sequence

import pytest

from safetyd.core import succession
from safetyd.core.model import Role
from safetyd.core.plan import ABOVE
from safetyd.core.succession import Holder, Next, in_place_of


def instead(name: str, roles: tuple[Role, ...], holders: Sequence[Holder], has_hope: dict[str, bool]) -> Next:
    return succession.instead(name, roles, holders, has_hope, ABOVE)


FACILITIES, ADMINISTRATOR, DISTRICT = Role.FACILITIES, Role.ADMINISTRATOR, Role.DISTRICT
FINN = Holder("Finn", (FACILITIES,))
FAY = Holder("Fay", (FACILITIES,))
ADA = Holder("Ada", (ADMINISTRATOR,))
ART = Holder("Art", (ADMINISTRATOR,))
DI = Holder("Di", (DISTRICT,))
SAM = Holder("Sam", (Role.SAFETY_COMMITTEE,))
AL = Holder("Al", (Role.ASSOCIATION,))
EVERYBODY = (FINN, FAY, ADA, ART, DI, SAM, AL)


def test_another_address_of_the_same_person_is_enough() -> None:
    assert instead("Finn", (FACILITIES,), EVERYBODY, {"Finn": True}) == Next()


def test_who_of_the_same_role_was_not_told_is_asked_first() -> None:
    assert instead("Finn", (FACILITIES,), EVERYBODY, {"Finn": False}) == Next(("Fay",), ("Fay",))


def test_who_of_the_same_role_was_told_anyway_covers_it_and_nobody_is_asked() -> None:
    assert instead("Finn", (FACILITIES,), EVERYBODY, {"Finn": False, "Fay": True}) == Next((), ("Fay",))


def test_when_nobody_of_the_role_is_left_all_of_the_next_role_up_are_asked() -> None:
    told = {"Finn": False, "Fay": False}
    assert instead("Finn", (FACILITIES,), EVERYBODY, told) == Next(("Ada", "Art"), ("Ada", "Art"))


def test_who_of_the_next_role_up_was_told_anyway_covers_it() -> None:
    told = {"Finn": False, "Fay": False, "Ada": True}
    assert instead("Finn", (FACILITIES,), EVERYBODY, told) == Next((), ("Ada",))


def test_then_the_district_and_then_nobody() -> None:
    told = dict.fromkeys(("Finn", "Fay", "Ada", "Art"), False)
    assert instead("Art", (ADMINISTRATOR,), EVERYBODY, told) == Next(("Di",), ("Di",))
    assert instead("Di", (DISTRICT,), EVERYBODY, told | {"Di": False}) == Next()


def test_who_watches_is_followed_by_the_association() -> None:
    assert instead("Sam", (Role.SAFETY_COMMITTEE,), EVERYBODY, {"Sam": False}) == Next(("Al",), ("Al",))


def test_each_role_of_a_person_is_covered_by_itself() -> None:
    both = Holder("Bo", (FACILITIES, Role.SAFETY_COMMITTEE))
    found = instead("Bo", both.roles, (both, FINN, AL), {"Bo": False, "Finn": True})
    assert found == Next(("Al",), ("Finn", "Al"))


def test_one_who_holds_two_roles_is_asked_once() -> None:
    jo = Holder("Jo", (FACILITIES, ADMINISTRATOR))
    assert instead("Bo", (FACILITIES, ADMINISTRATOR), (jo,), {"Bo": False}) == Next(("Jo",), ("Jo",))


def test_where_nobody_can_be_asked_nobody_is() -> None:
    assert instead("Finn", (FACILITIES,), (), {"Finn": False}) == Next()


@pytest.mark.parametrize("first", [each.name for each in EVERYBODY])
def test_it_comes_to_an_end_and_asks_nobody_twice(first: str) -> None:
    """Everybody who is asked refuses in turn."""
    roles = {each.name: each.roles for each in EVERYBODY}
    refused: dict[str, bool] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        assert name not in refused
        refused[name] = False
        hope = refused | dict.fromkeys(waiting, True)
        waiting += instead(name, roles[name], EVERYBODY, hope).asked
    assert len(refused) <= len(EVERYBODY)


def test_a_role_that_nobody_holds_is_stood_in_for_by_all_of_the_next_one_up() -> None:
    assert in_place_of(FACILITIES, (ADA, ART, DI), ABOVE) == ("Ada", "Art")
    assert in_place_of(FACILITIES, (DI, AL), ABOVE) == ("Di",)


def test_a_role_that_somebody_holds_is_not_stood_in_for_nor_one_with_nobody_above_it() -> None:
    assert in_place_of(FACILITIES, (FINN, ADA), ABOVE) == ()
    assert in_place_of(DISTRICT, (FINN, ADA, AL), ABOVE) == ()


def test_who_stands_in_is_what_the_plan_says() -> None:
    assert in_place_of(FACILITIES, (ADA, DI), {FACILITIES: DISTRICT}) == ("Di",)
    assert in_place_of(FACILITIES, (ADA, DI), {}) == ()
