"""Of a library is loaded what is used, and everything of one that looks otherwise than expected."""

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from safetyd.frugal import lasting, unopened, without

Make = Callable[[str], str]
NEAR, FAR = "class Near: ...\n", "class Far: ...\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a package `gathers` of two modules, that does at first what a test says."""
    folder = tmp_path / "gathers"
    folder.mkdir()
    (folder / "near.py").write_text(NEAR)
    (folder / "far.py").write_text(FAR)
    monkeypatch.syspath_prepend(tmp_path)

    def make(source: str) -> str:
        (folder / "__init__.py").write_text(dedent(source))
        return folder.name

    yield make
    for each in loaded():
        del sys.modules[each]


def loaded() -> set[str]:
    return {each for each in sys.modules if each.split(".")[0] == "gathers"}


def a_gathering() -> ModuleType:
    import gathers  # type: ignore[import-not-found]  # the fixture made it

    assert isinstance(gathers, ModuleType)
    return gathers


GATHERS = "from gathers.near import Near\nfrom gathers.far import Far\nVERSION = 3\n"


def test_what_a_package_gathers_is_loaded_when_it_is_asked_for(package: Make) -> None:
    unopened(package(GATHERS))
    from gathers import Near

    assert Near.__module__ == "gathers.near"
    assert loaded() == {"gathers", "gathers.near"}


def test_a_module_of_it_is_loaded_without_the_others(package: Make) -> None:
    unopened(package(GATHERS))
    from gathers.far import Far

    assert Far is a_gathering().Far
    assert loaded() == {"gathers", "gathers.far"}


def test_what_is_not_gathered_has_the_whole_of_it_loaded(package: Make) -> None:
    unopened(package(GATHERS))
    assert a_gathering().VERSION == 3
    assert loaded() == {"gathers", "gathers.near", "gathers.far"}
    assert {"Near", "Far"} <= vars(a_gathering()).keys()


@pytest.mark.parametrize(
    "source",
    [
        "from gathers import near\nNear, Far = near.Near, 7",
        "from .near import Near",
        "from gathers.near import (\n    Near,\n)",
        "import gathers.near as near\nNear = near.Near",
    ],
)
def test_one_that_gathers_otherwise_works_as_ever(package: Make, source: str) -> None:
    unopened(package(source))
    assert a_gathering().Near.__module__ == "gathers.near"
    assert a_gathering().near.Near is a_gathering().Near


def test_what_it_has_not_is_missed_as_ever(package: Make) -> None:
    unopened(package(GATHERS))
    with pytest.raises(AttributeError, match="'gathers' has no attribute 'Nobody'"):
        _ = a_gathering().Nobody
    with pytest.raises(ImportError, match="Nobody"):
        from gathers import Nobody  # noqa: F401


def test_one_that_is_loaded_already_is_left_as_it_is(package: Make) -> None:
    package(GATHERS)
    before = a_gathering()
    unopened("gathers")
    assert a_gathering() is before
    assert loaded() == {"gathers", "gathers.near", "gathers.far"}


@pytest.mark.parametrize("name", ["math", "no_such_library"])
def test_one_without_a_source_is_left_as_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, name, raising=False)
    unopened(name)
    assert name not in sys.modules


def test_without_a_library_others_are_loaded_as_if_it_were_not_installed(package: Make) -> None:
    package("try:\n    import gathers.far\nexcept ImportError:\n    VERSION = 0\n")
    with without("gathers.far"):
        assert a_gathering().VERSION == 0
    from gathers.far import Far

    assert Far.__module__ == "gathers.far"


def test_a_library_that_is_loaded_already_stays_so(package: Make) -> None:
    package(GATHERS)
    before = a_gathering()
    with without("gathers"):
        assert a_gathering() is before
    assert a_gathering() is before


def test_what_lasts_is_not_looked_through_for_garbage() -> None:
    try:
        with lasting():
            assert not gc.isenabled()
            made = [[]] * 10
        assert gc.isenabled()
        assert not any(each is made for each in gc.get_objects())
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()


DOOR = """
    import sys
    from safetyd.history.influx.door import Door
    from safetyd.setting_outside import Influx

    print(Door(Influx(url="http://127.0.0.1:9", bucket="b")).write([b"reading value=1 1"]).status)
    print(*sys.modules)
"""


def test_a_copy_to_influxdb_loads_of_its_client_what_writes_and_what_asks() -> None:
    done = subprocess.run([sys.executable, "-c", dedent(DOOR)], capture_output=True, text=True, check=True)
    said, _, modules = done.stdout.partition("\n")
    found = {each for each in modules.split() if each.split(".")[0] in ("influxdb_client", "reactivex")}
    assert said == "None"  # it was asked, and did not answer
    assert "influxdb_client.service.write_service" in found
    assert len(found) < 20
    assert not [each for each in found if each.startswith(("influxdb_client.domain.", "reactivex"))]
