"""Optional sets of packages: what each adds, whether it is there, and getting it when a source needs it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from physicl_twin.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Extra:
    """A set of optional packages.

    Attributes:
        name: Name for ``./physicl.sh install``.
        module: A module that is importable when the set is installed.
        adds: What it adds, for people.
        suffixes: File name endings (lower case, with dot) that need it.
    """

    name: str
    module: str
    adds: str
    suffixes: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """True when the set's module can be imported."""
        return importlib.util.find_spec(self.module) is not None


EXTRAS = (
    Extra("cad", "OCP", "STEP, IGES and BREP", (".step", ".stp", ".stpz", ".iges", ".igs", ".brep", ".brp")),
    Extra("dxf", "ezdxf", "DXF profiles", (".dxf",)),
    Extra("robots", "xacro", "robot descriptions that are macros (xacro)", (".xacro",)),
    Extra("bim", "ifcopenshell", "buildings (IFC)", (".ifc",)),
    Extra("augment", "pyarrow", "variations (Parquet manifests)", ()),
    Extra("panel", "omni.ui", "the panel without Isaac Sim", ()),
    Extra("words", "onnxruntime", "the material advisor 'words' (a sentence embedding)", ()),
    Extra("fbx", "assimp_py", "FBX and other odd mesh formats", (".fbx", ".x3d", ".3ds", ".lwo", ".blend")),
)


def needed_for(paths: Iterable[Path]) -> tuple[Extra, ...]:
    """The extras that these files need and that are not installed."""
    suffixes = {path.suffix.lower() for path in paths}
    return tuple(extra for extra in EXTRAS if suffixes.intersection(extra.suffixes) and not extra.installed)


def require(name: str) -> None:
    """Get an optional set, when it is not there.

    Raises:
        ConfigError: ``extra_missing`` when it cannot be had.
    """
    extra = next(extra for extra in EXTRAS if extra.name == name)
    if extra.installed:
        return
    print(f"physicl: {extra.adds} need the '{extra.name}' packages", file=sys.stderr)
    if not fetch(extra) or not extra.installed:
        hint = f"Run ./physicl.sh install {name}, or pip install 'physicl-twin[{name}]'."
        raise ConfigError("extra_missing", f"The packages for {extra.adds} are not installed.", hint)


def fetch(extra: Extra) -> bool:
    """Install an extra into the checkout's own environment; False when it failed or is not ours.

    Only a process that ``physicl.sh`` started does this: another program's Python (Isaac Sim's, a user's) is not ours
    to change.
    """
    home = os.environ.get("PHYSICL_HOME")
    if home is None or not Path(sys.executable).is_relative_to(Path(home) / ".venv"):
        return False
    command = ["bash", str(Path(home) / "physicl.sh"), "install", extra.name]
    if os.name == "nt":
        command = [str(Path(home) / "physicl.bat"), "install", extra.name]
    done = subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0
    importlib.invalidate_caches()
    return done
