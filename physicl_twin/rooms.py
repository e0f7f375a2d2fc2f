"""Rooms named after a verb can be called: ``pt.validate(twin)`` while ``physicl_twin.validate`` stays a package."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _VerbModule(ModuleType):
    """A package that forwards a call to the function of the same name in ``physicl_twin.api``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        verb = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module("physicl_twin.api"), verb)(*args, **kwargs)


def make_callable(module: str) -> None:
    """Let the package ``module`` be called as the verb of the Python API that it is named after."""
    sys.modules[module].__class__ = _VerbModule
