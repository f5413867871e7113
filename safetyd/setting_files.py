"""What a section of safetyd.toml names and does not hold: files, and the secrets in them.

Rule: a path is absolute and leads to a file, or it is a fault; a secret is read once, and never quoted.
"""

from collections.abc import Callable
from os.path import isfile
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, SecretStr

from safetyd.faults import Misfit, shown
from safetyd.tables import read_secret

M = TypeVar("M", bound=BaseModel)
Key = tuple[str, ...]
Note = Callable[[Key, str, str], None]  # key, what stands there, what was expected
Where = Callable[[Path], Path]  # the absolute path of a file that safetyd.toml names


def with_files(section: M, name: str, where: Where, note: Note) -> M:
    """Return a section with absolute paths at its keys `…_file`."""
    found = {}
    for key in type(section).model_fields:
        told = getattr(section, key)
        if key.endswith("_file") and told is not None:
            found[key] = where(told)
            if not isfile(found[key]):
                note((name, key), f"no file is at {shown(str(told))}", "a file, relative to safetyd.toml")
    return section.model_copy(update=found)


def with_secret(section: M, name: str, key: str, note: Note) -> M:
    """Return a section with the secret that its `…_file` holds, unless the environment gave it."""
    file = getattr(section, f"{key}_file")
    if getattr(section, key) is not None or file is None or not isfile(file):
        return section
    try:
        return section.model_copy(update={key: SecretStr(read_secret(file, file.name))})
    except Misfit as misfit:
        note((name, f"{key}_file"), misfit.value, misfit.expected)
        return section
