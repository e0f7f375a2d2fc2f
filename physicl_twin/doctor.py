"""What is installed, what is missing, and what each missing thing would add."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from physicl_twin import __version__
from physicl_twin.extras import EXTRAS, Extra


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: What.
        present: Whether it is there.
        detail: Version, or what it would add.
        required: Whether physicl_twin cannot work without it.
        fix: What to do when it is missing.
    """

    name: str
    present: bool
    detail: str
    required: bool = False
    fix: str = ""


#: Packages of the base set: distribution, importable module, what it is for.
_BASE = (
    ("usd-core", "pxr", "OpenUSD: reading and writing assets"),
    ("trimesh", "trimesh", "mesh formats"),
    ("libigl", "igl", "mass properties of broken meshes"),
    ("manifold3d", "manifold3d", "unions of overlapping solids"),
    ("coacd", "coacd", "convex decomposition"),
    ("vhacdx", "vhacdx", "convex decomposition, fast"),
    ("embreex", "embreex", "ray casting: pictures, thickness, cavities"),
    ("ovphysx", "ovphysx", "rollouts in PhysX"),
    ("mujoco", "mujoco", "rollouts in MuJoCo"),
    ("simready-validate", "simready", "NVIDIA's SimReady validation"),
)


def examine() -> tuple[Finding, ...]:
    """Look at this machine and this Python."""
    python = f"{platform.python_version()} at {sys.prefix}"
    findings = [
        Finding("physicl_twin", True, __version__, required=True),
        Finding("Python 3.12", sys.version_info[:2] == (3, 12), python, required=True, fix="Set PHYSICL_PYTHON."),
        Finding("processors and memory", True, _machine()),
    ]
    findings += [_package(name, module, purpose) for name, module, purpose in _BASE]
    for extra in EXTRAS:
        findings.append(
            Finding(
                f"extra '{extra.name}'",
                extra.installed,
                _adds(extra),
                fix=f"./physicl.sh install {extra.name} (build does it by itself when it can)",
            )
        )
    free_gb = shutil.disk_usage(os.getcwd()).free / 1e9  # noqa: PTH109 - disk_usage of the working folder
    findings.append(Finding("disk", free_gb > 1, f"{free_gb:.0f} GB free here", fix="Free some space."))
    return tuple(findings)


def _adds(extra: Extra) -> str:
    what = f"{extra.adds} ({' '.join(extra.suffixes)})" if extra.suffixes else extra.adds
    return what if extra.installed else f"would add {what}"


def _package(distribution: str, module: str, purpose: str) -> Finding:
    fix = "rm -rf .venv/.physicl and run ./physicl.sh doctor again: it repairs the base set."
    if importlib.util.find_spec(module) is None:
        return Finding(distribution, False, f"needed for {purpose}", required=True, fix=fix)
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        version = "version unknown"
    return Finding(distribution, True, f"{version}: {purpose}", required=True)


def _machine() -> str:
    import psutil

    return f"{os.cpu_count()} processors, {psutil.virtual_memory().total / 1e9:.0f} GB, {platform.platform()}"


def as_json(findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The findings as one JSON object."""
    ok = all(finding.present for finding in findings if finding.required)
    return {"ok": ok, "findings": [asdict(finding) for finding in findings]}


def as_text(findings: tuple[Finding, ...]) -> str:
    """The findings as a list for people."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        mark = "✓" if finding.present else ("✗" if finding.required else "–")
        lines.append(f"{mark} {finding.name:<{width}}  {finding.detail}")
        if not finding.present and finding.fix:
            lines.append(f"  {'':<{width}}  → {finding.fix}")
    return "\n".join(lines)
