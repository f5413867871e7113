"""Of a time whose readings were deleted as `keep_raw` says, that is said and nothing made up."""

from datetime import timedelta

import pytest

from safetyd.explain.explanation import Silence
from tests.explain.scene import at_place, text_of
from tests.history.scene import NOON, A, Scene, every

END = NOON + timedelta(days=20)


@pytest.mark.slow
def test_deleted_readings_are_said_to_be_deleted_and_kept_ones_are_told() -> None:
    scene = Scene(keep_raw="10d")
    scene.hear(*every(60, A, n=24 * 20, temperature_f=70.0, humidity=40.0))
    scene.follow(END)
    long_ago = at_place(scene.store, scene.site, A.place, NOON + timedelta(days=2), END)
    assert long_ago.silence is Silence.DELETED
    assert "The readings of that time are deleted" in text_of(long_ago)
    lately = at_place(scene.store, scene.site, A.place, NOON + timedelta(days=15), END)
    assert lately.silence is None and "said temperature 70 °F" in text_of(lately)
