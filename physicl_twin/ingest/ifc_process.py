"""Runs the child process that reads a building, and starts it again without the elements that crash it."""

from __future__ import annotations

import json
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.ifc_worker import REFUSED
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError
from physicl_twin.settings import child_environment, worker_python

#: Elements whose geometry may crash the kernel before the whole file is given up (judgement: a few are accidents).
_MOST_CRASHES = 8


@dataclass(frozen=True, slots=True)
class IfcSettings:
    """``[ifc]`` of config/pipeline.toml; see the comments there."""

    time_limit_s: float
    memory_gb: float
    max_elements: int
    layer_tolerance: float
    density_relative_std: float
    open_deg: float
    far_m: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> IfcSettings:
        """From the parsed ``[ifc]`` table."""
        values: dict[str, Any] = {name: float(value) for name, value in table.items()}
        return cls(**{**values, "max_elements": int(table["max_elements"])})


@dataclass(frozen=True, slots=True)
class Converted:
    """What the child process found.

    Attributes:
        description: Of the file and its elements, see ``ifc_worker``.
        arrays: Of the shapes.
        crashed: Step numbers of the elements whose geometry crashed the kernel.
    """

    description: dict[str, Any]
    arrays: dict[str, Any]
    crashed: tuple[int, ...]


def converted(path: Path, options: ReadOptions, settings: IfcSettings) -> Converted:
    """Read a file in a process of its own.

    Raises:
        SourceError: ``file_damaged``, ``ifc_schema_unsupported``, ``too_many_elements``, ``too_many_faces``,
            ``out_of_memory``, ``converter_crashed``, ``converter_time_limit``.
    """
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        # It sees the file alone.
        alone = Path(folder) / "source.ifc"
        alone.symlink_to(path.resolve())
        result, at = Path(folder) / "result.npz", Path(folder) / "result.at"
        skip: list[int] | None = None
        while True:
            at.unlink(missing_ok=True)
            orders = {
                "memory_bytes": int(settings.memory_gb * 1e9),
                "max_elements": settings.max_elements,
                "max_faces": options.max_faces,
                "layer_tolerance": settings.layer_tolerance,
                "skip": skip,
            }
            child = _run(path.name, alone, result, orders, settings)
            if child.returncode == 0:
                return _load(path.name, result, tuple(skip or ()))
            if child.returncode == REFUSED:
                raise _refused(path.name, child.stderr, settings, options)
            if skip is None:
                skip = []  # one by one, to learn which element it is
                continue
            if not at.is_file() or len(skip) >= _MOST_CRASHES:
                raise SourceError(
                    "converter_crashed",
                    f"The geometry kernel crashed on {path.name} (status {child.returncode}).",
                    "The file is probably damaged; export it again.",
                )
            skip = [*skip, int(at.read_text(encoding="ascii"))]


def _run(name: str, alone: Path, result: Path, orders: dict[str, Any], settings: IfcSettings) -> Any:
    try:
        return subprocess.run(
            [worker_python(), "-m", "physicl_twin.ingest.ifc_worker", str(alone), str(result), json.dumps(orders)],
            capture_output=True,
            timeout=settings.time_limit_s,
            check=False,
            env=child_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            "converter_time_limit",
            f"{name} could not be read within {settings.time_limit_s:g} s.",
            "Export fewer storeys, or raise [ifc] time_limit_s.",
        ) from error


def _refused(name: str, stderr: bytes, settings: IfcSettings, options: ReadOptions) -> SourceError:
    """The error behind the child's last line: ``refused|code|reason``."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or ["refused|file_damaged|no reason given"]
    _, code, reason = [*lines[-1].split("|", 2), "", ""][:3]
    if code == "too_many_elements":
        message = f"{name} has {reason} elements; the limit is {settings.max_elements}."
        return SourceError(code, message, "Export one storey or one discipline, or raise [ifc] max_elements.")
    if code == "too_many_faces":
        message = f"{name} has more than {options.max_faces:,} triangles."
        return SourceError(code, message, "Export one storey or one discipline, or raise the limit.")
    if code == "out_of_memory":
        message = f"{name} needs more than {settings.memory_gb:g} GB of memory."
        return SourceError(code, message, "Export one storey or one discipline, or raise [ifc] memory_gb.")
    if code == "ifc_schema_unsupported":
        message = f"{name} is in a version of IFC that cannot be read ({reason[:120]})."
        return SourceError(code, message, "Export it as IFC4 or IFC2X3.")
    return damaged(name, f"it cannot be read as IFC ({reason[:200]}).")


def _load(name: str, result: Path, crashed: tuple[int, ...]) -> Converted:
    try:
        with np.load(result, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise damaged(name, "the converter left no usable result.") from error
    return Converted(json.loads(arrays.pop("description").tobytes()), arrays, crashed)
