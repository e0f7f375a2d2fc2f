"""The dry run: what a source would become, before anything is written."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin import ingest, settings
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import Part, PhysiclError, Progress, Twin, to_json
from physicl_twin.normalize import NormalizeOptions
from physicl_twin.normalize.options import NormalizeSettings, parse_mass
from physicl_twin.normalize.sidecar import Sidecar, read_sidecar, sidecar_of
from physicl_twin.normalize.stages import with_mass, with_solids

#: Sources that are looked into; of the others only the names are told.
_LOOKED_INTO = 12
_PICTURE_PX = (560, 400)


def preview(
    *,
    sources: list[str],
    units: str | None = None,
    up: str | None = None,
    mass: str | None = None,
    picture: str = "",
    config: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """What building these sources would start from; writes nothing but the picture.

    Args:
        sources: Files, folders, archives.
        units: Stated unit of length.
        up: Stated up axis.
        mass: Stated total mass.
        picture: Folder for pictures of the first source; empty for none.
        config: Settings on top of the shipped ones.
        progress: Told where it is.

    Returns:
        ``sources``: one record each (see ``_looked``), ``skipped``: files that are no sources, with the reason.
    """
    in_force = settings.pipeline(Path(config) if config else None)
    limits = IngestSettings.from_pipeline(in_force)
    records: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="physicl-preview-") as workspace:
        found: list[tuple[str, Path]] = []
        for index, source in enumerate(sources):
            place = Path(workspace) / str(index)
            place.mkdir()
            try:
                for item in ingest.discover(Path(source), place, limits):
                    if item.role == "main":
                        found.append((item.name, item.path))
                    elif item.skipped:
                        skipped.append({"name": item.name, "why": item.skipped})
            except PhysiclError as error:
                records.append({"name": Path(source).name, "path": source, "error": error.to_json()})
        options = ReadOptions(units=units, up_axis=up)
        for number, (name, path) in enumerate(found):
            record: dict[str, Any] = {"name": name, "path": str(path), "error": None}
            if number < _LOOKED_INTO:
                try:
                    twin = _read(path, options, mass, in_force, limits, progress)
                    record |= _looked(twin)
                    record["picture"] = _picture(twin, picture, in_force, progress) if picture and not number else ""
                except PhysiclError as error:
                    record["error"] = error.to_json()
            records.append(record)
    return {"sources": records, "skipped": skipped}


def _read(
    path: Path,
    options: ReadOptions,
    mass: str | None,
    in_force: dict[str, Any],
    limits: IngestSettings,
    progress: Progress,
) -> Twin:
    twin = ingest.read(path, options, progress, limits)
    beside = sidecar_of(path)
    said = read_sidecar(beside) if beside else Sidecar()
    twin = with_solids(twin, NormalizeSettings.from_table(in_force["normalize"]), True, progress)
    wanted = NormalizeOptions(
        sidecar_materials=said.materials,
        sidecar=beside.name if beside else "",
        mass=parse_mass(mass) if mass else said.mass,
        part_masses=said.part_masses,
        insides=said.insides,
        settings=in_force,
        fast=True,
    )
    return with_mass(twin, wanted, progress)


def _looked(twin: Twin) -> dict[str, Any]:
    """The facts: title, units, up axis, size, whether shapes are closed, parts with materials, mass, notes."""
    shapes = [twin.shape(part.shape) for part in twin.parts]
    summaries = [shape.geometry for shape in shapes if shape.geometry is not None]
    masses = [body.mass for body in twin.bodies if body.mass is not None]
    return {
        "title": twin.title,
        "format": twin.sources[0].format if twin.sources else "",
        "size_bytes": sum(source.size_bytes for source in twin.sources),
        "units": to_json(twin.frame.units),
        "up_axis": to_json(twin.frame.up_axis),
        "extents_m": _extents(twin),
        "triangles": sum(summary.faces for summary in summaries),
        "watertight": sum(summary.watertight for summary in summaries),
        "repairs": [repair for summary in summaries for repair in summary.repairs],
        "joints": len(twin.joints),
        "bodies": len(twin.bodies),
        "parts": [_part(twin, part) for part in twin.parts],
        "mass": to_json(masses[0]) if len(masses) == 1 else None,
        "licence": twin.licence,
        "notes": [to_json(note) for note in twin.notes],
    }


def _part(twin: Twin, part: Part) -> dict[str, Any]:
    material = next((m for m in twin.materials if m.name == part.material), None)
    return {
        "name": part.name,
        "material": material.title if material else "",
        "confidence": material.confidence if material else 0.0,
        "known": bool(material and material.table_id),
        "flags": list(material.flags) if material else ["unknown_material"],
        "evidence": [to_json(item) for item in material.evidence] if material else [],
    }


def _extents(twin: Twin) -> list[float]:
    corners = []
    for body in twin.bodies:
        for part in body.parts:
            mesh = twin.shape(part.shape).mesh
            if mesh is not None and len(mesh.vertices):
                moved = body.pose.apply(part.pose.apply(mesh.vertices))
                corners += [moved.min(axis=0), moved.max(axis=0)]
    return [float(v) for v in np.ptp(np.array(corners), axis=0)] if corners else [0.0, 0.0, 0.0]


def _picture(twin: Twin, folder: str, in_force: dict[str, Any], progress: Progress) -> str:
    from PIL import Image

    from physicl_twin.workbench.shot import Shot
    from physicl_twin.workbench.viewport_scene import ViewportScene

    progress("picture", 0.0)
    width, height = _PICTURE_PX
    bare = replace(
        twin, bodies=tuple(replace(b, parts=tuple(replace(p, collision=None) for p in b.parts)) for b in twin.bodies)
    )
    pixels = ViewportScene(bare).draw(Shot(width, height, samples=2))
    path = Path(folder) / "preview.png"
    Path(folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert("RGB").save(path)
    return str(path)
