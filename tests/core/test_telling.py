"""What a person does to a ticket is told of at once; what sensors say may share a message."""

from safetyd.core.plan import Reason
from safetyd.core.ticket import Verb
from tests.core.scene import Scene, clock


def test_a_reopening_is_told_of_alone_however_much_a_building_has_been_told() -> None:
    scene = Scene().says(clock("08:00"), temperature_f=57.2)
    for minute in range(10, 22, 2):
        scene.does(clock(f"08:{minute}"), Verb.CLOSE, note="moved")
        scene.does(clock(f"08:{minute + 1}"), Verb.REOPEN, note="back")
    told = scene.until(clock("09:00")).notices(Reason.RECURRED)
    assert [each.at for each in told] == [clock(f"08:{minute}") for minute in range(11, 22, 2)]
    assert {(each.ticket, each.about["note"]) for each in told} == {("maple-2026-0001", "back")}
    assert scene.notices(Reason.DIGEST) == []
