"""The moments in remarks of safetyd are by the site's clocks, in any language."""

from zoneinfo import ZoneInfo

import pytest

from safetyd.notify.remarks import remark
from safetyd.notify.tongue import Tongue


@pytest.mark.parametrize(
    ("language", "begins"), [("en", "the same values since "), ("es", "los mismos valores desde ")]
)
def test_a_remark_tells_the_time_by_the_sites_clocks(language: str, begins: str) -> None:
    tongue = Tongue(language, ZoneInfo("America/Los_Angeles"))
    told = remark("the same values since 2026-12-02 16:42 UTC", tongue)
    assert told.startswith(begins) and "08:42" in told and "UTC" not in told


def test_what_is_no_remark_of_ours_stays_as_it_is() -> None:
    tongue = Tongue("en", ZoneInfo("America/Los_Angeles"))
    assert remark("451 at 2026-12-02 16:42 UTC", tongue) == "451 at 2026-12-02 16:42 UTC"
