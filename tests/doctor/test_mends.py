"""Whatever is not well, and whatever was not looked at, says what to do: in every area of the doctor."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from safetyd import doctor

FOLDER = Path(doctor.__file__).parent
WITH_A_MEND = 5  # area, name, state, what was seen, what to do


def findings() -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                yield f"{file.name}:{node.lineno}", node


def is_ok(node: ast.Call) -> bool:
    return ast.unparse(node.args[2]) == "State.OK"


@pytest.mark.parametrize("node", [pytest.param(each, id=id) for id, each in findings() if not is_ok(each)])
def test_a_finding_that_is_not_ok_says_what_to_do(node: ast.Call) -> None:
    assert not node.keywords, "a finding is written out in its order"
    assert len(node.args) == WITH_A_MEND, ast.unparse(node)
    assert ast.unparse(node.args[-1]) not in ("''", "None"), ast.unparse(node)


def test_every_area_is_among_them() -> None:
    files = {id.partition(":")[0] for id, node in findings() if not is_ok(node)}
    assert {
        "broker_findings.py",
        "certificates.py",
        "machine_findings.py",
        "outside.py",
        "record.py",
        "served.py",
    } <= files
