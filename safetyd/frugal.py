"""Loads of a library what is used of it, and has nobody look for garbage in what is loaded.

Rule: it only spares; a library that looks otherwise than expected is loaded whole, and works as ever.
"""

import gc
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec
from typing import Any

_ONE_NAME = re.compile(r"^from (\w[\w.]*) import (\w+)$", re.M)


def unopened(package: str) -> None:
    """Have each name that a package gathers from its modules loaded when it is asked for, not all at first.

    A package that is loaded already, or has no source here, is left as it is.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is None or not isinstance(loader := spec.loader, SourceFileLoader):
        return
    module = module_from_spec(spec)
    lines = _ONE_NAME.findall(loader.get_source(package) or "")
    gathered = {name: origin for origin, name in lines if origin != package}

    def asked_for(name: str) -> Any:
        if name in gathered:
            return getattr(import_module(gathered[name]), name)
        vars(module).pop("__getattr__", None)
        loader.exec_module(module)  # what else it has, only the whole of it can say
        return getattr(module, name)

    vars(module)["__getattr__"] = asked_for
    sys.modules[package] = module


@contextmanager
def without(*libraries: str) -> Iterator[None]:
    """Import as if these were not installed; one that is loaded already stays so."""
    absent = [each for each in libraries if each not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None says: there is none
    try:
        yield
    finally:
        for each in absent:
            del sys.modules[each]


@contextmanager
def lasting() -> Iterator[None]:
    """Import what is there for as long as the process is: it is no garbage, now or later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
