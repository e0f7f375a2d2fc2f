"""The only place that writes a twin's USD: layers, physics, materials, metadata; and reads it back.

OpenUSD is imported on the first call, not with the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin import settings as _settings
from physicl_twin.model import Twin


def write_twin(twin: Twin, directory: Path, *, generated: str = "", settings: dict[str, Any] | None = None) -> Path:
    """Write a normalized twin as a layered SimReady asset.

    Args:
        twin: Complete: meshes, mass properties, materials, collision, semantics.
        directory: Parent of the twin's folder; ``<directory>/<name>/simready`` is written, other files there stay.
        generated: ISO date for ``usd_date_generated``; 1970-01-01 without one, so that equal input gives equal bytes.
        settings: Settings of the pipeline; the shipped ones by default.

    Returns:
        Path of the interface layer.

    Raises:
        UsdError: ``twin_not_normalized``, ``usd_not_written`` …
        OutputError: ``output_not_writable``.
    """
    from physicl_twin.usd.asset import write_asset
    from physicl_twin.usd.options import UsdOptions

    options = UsdOptions.from_settings(settings if settings is not None else _settings.pipeline())
    return write_asset(twin, Path(directory), options, generated)


def read_twin(path: Path) -> Twin:
    """Read a twin back from its USD alone: meshes, mass properties, materials, friction, colliders, joints.

    What the physics attributes say counts; intervals and reasons come from the prims' customData where they still speak
    of the same number.

    Args:
        path: The twin's folder or its interface layer.

    Raises:
        UsdError: ``usd_not_found``, ``usd_unreadable``, ``usd_not_a_twin`` …
    """
    from physicl_twin.usd.read import read

    return read(Path(path))


def attach_geometry(twin: Twin, usd: Path) -> Twin:
    """Fill the meshes, hulls and texture bytes of a twin that was loaded from twin.json.

    Args:
        twin: Without triangles.
        usd: The twin's folder or its interface layer.

    Raises:
        UsdError: ``geometry_changed`` when a hash differs, ``geometry_missing`` when something is not there.
    """
    from physicl_twin.usd.attach import attach

    return attach(twin, Path(usd))
