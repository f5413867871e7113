"""Before the watch goes dark the people of each building are told, once for one outage."""

from safetyd.core import telling
from safetyd.core.model import Role
from safetyd.core.plan import Reason
from tests.core.scene import BUILDING, MINUTE, Scene, clock

NINE = clock("09:00")


def said(scene: Scene, minutes: int) -> list[str]:
    scene.until(NINE + minutes * MINUTE)
    before = len(scene.world.changes.notices)
    telling.last_words(scene.world, scene.facts, ["cedar", "maple"], BUILDING, "ups", scene.now)
    owed = scene.world.changes.notices[before:]
    assert {notice.reason for notice in owed} == {Reason.OUTAGE_WARNING}
    assert {notice.roles for notice in owed} == {(Role.ADMINISTRATOR, Role.FACILITIES, Role.DISTRICT)}
    assert [notice.building for notice in owed] == ["cedar", "maple"]
    assert [notice.about.get("began_at") for notice in owed] == [None, known(scene)]
    return [notice.key for notice in owed]


def known(scene: Scene) -> str | None:
    standing = scene.world.powers.get(BUILDING)
    return standing.began_at.isoformat() if standing is not None and standing.began_at else None


def test_of_one_outage_they_are_the_same_words_however_often_the_ups_says_so() -> None:
    scene = Scene().says(NINE, place=BUILDING, sensor="ups", mains=False)
    assert said(scene, 40) == said(scene, 50)


def test_of_another_outage_they_are_others() -> None:
    scene = Scene().says(NINE, place=BUILDING, sensor="ups", mains=False)
    first = said(scene, 10)
    scene.keeps_saying(NINE + 20 * MINUTE, NINE + 60 * MINUTE, place=BUILDING, sensor="ups", mains=True)
    scene.says(NINE + 70 * MINUTE, place=BUILDING, sensor="ups", mains=False)
    assert not set(first) & set(said(scene, 80))


def test_a_ups_that_is_alone_in_the_dark_is_known_by_its_own_word() -> None:
    scene = Scene().says(NINE, place=BUILDING, sensor="meter", mains=True)
    scene.says(NINE, place=BUILDING, sensor="plug", mains=True)
    scene.says(NINE + MINUTE, place=BUILDING, sensor="ups", mains=False)
    assert known(scene) is None
    assert said(scene, 5) == said(scene, 6)
