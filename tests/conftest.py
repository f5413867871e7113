"""How long hypothesis looks for a counterexample.

Rule: as long as each law says, on every machine, and however slow that is; only who asks for the profile
`quick`, as `make unit` does, has a fifth of it.
"""

from typing import Any

from hypothesis import settings

from tests.stores import ENGINE, POSTGRESQL, SQLITE

settings.register_profile("thorough", deadline=None)
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=20)
settings.load_profile("thorough")


def pytest_addoption(parser: Any) -> None:
    """How much of tests/faults is lived through: `make soak` asks for all of it."""
    parser.addoption("--soak", action="store_true", help="every fault, and as often as before a release")
    parser.addoption("--hours", type=float, default=24.0, help="how long the building of --soak is lived in")
    parser.addoption(
        "--share", type=float, default=1.0, help="of the repetitions of --soak, where time is short"
    )
    parser.addoption("--store", choices=[SQLITE, POSTGRESQL], default=SQLITE, help="the engine of all stores")
    parser.addoption("--seed", type=int, default=None, help="of the random points of a run; it is printed")


def pytest_configure(config: Any) -> None:
    """Have every store of this run in one engine."""
    ENGINE.name = config.getoption("--store")


def pytest_unconfigure() -> None:
    """Stop the server that the stores were in."""
    ENGINE.end()


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out what only --soak asks for, and of a run on PostgreSQL what is about SQLite's file."""
    without = [] if config.getoption("--soak") else ["soak"]
    without += ["sqlite"] if ENGINE.name == POSTGRESQL else []
    left_out = [each for each in items if any(map(each.get_closest_marker, without))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [each for each in items if each not in left_out]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures that tests of faults have seen."""
    passed = [report for each in terminalreporter.stats.values() for report in each]
    figures = [(name, said) for report in passed for name, said in getattr(report, "user_properties", ())]
    if figures:
        terminalreporter.section("figures")
    for name, said in dict(figures).items():
        terminalreporter.write_line(f"{name}: {said}")
