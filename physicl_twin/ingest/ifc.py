"""Buildings from IFC2X3, IFC4 and IFC4X3: static elements with their material layers, doors and windows that open."""

from __future__ import annotations

import importlib.util
import mmap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.cad_precheck import check_step
from physicl_twin.ingest.guards import check_file, damaged, no_geometry
from physicl_twin.ingest.ifc_building import Building
from physicl_twin.ingest.ifc_hints import class_word
from physicl_twin.ingest.ifc_process import Converted, IfcSettings, converted
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.length_units import METRES_PER_UNIT, unit_claim, unit_name
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.model import Evidence, Progress, SourceError, silent

#: Counted things with no physical counterpart, in words.
_WORDS = {
    "IfcOpeningElement": "openings (cut out of their elements)",
    "IfcBuildingStorey": "storeys (kept in the paths)",
}


def read_ifc(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a building.

    Each element is a static body, its geometry with the openings cut out, in parts by material layer where the layers
    can be cut. Doors and windows are a static frame and leaves that move, on joints after the file's operation type.

    Args:
        path: The file.
        options: Limits.
        progress: Told how far it is.

    Returns:
        Bodies, parts and joints in the file's own length unit, z up.

    Raises:
        SourceError: ``file_not_found`` …, ``reader_not_installed``, ``file_truncated``, ``file_damaged``,
            ``no_geometry``, ``ifc_schema_unsupported``, ``too_many_elements``, ``too_many_faces``,
            ``converter_crashed``, ``converter_time_limit``, ``out_of_memory``.
    """
    check_file(path, options)
    settings = settings or shipped_settings()
    own = IfcSettings.from_table(settings.readers["ifc"])
    if importlib.util.find_spec("ifcopenshell") is None:
        raise SourceError("reader_not_installed", "The reader of IFC is not installed.", "./physicl.sh install bim")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        check_step(data, path.name)
    progress("ingest", 0.0, f"reading {path.name}")
    found = converted(path, options, own)
    progress("ingest", 0.6, "building bodies")
    described = found.description
    metres = float(described["length_unit_m"])
    if not np.isfinite(metres) or metres <= 0:
        raise damaged(path.name, "its unit of length is no length.")
    builder = SceneBuilder(path, "ifc", options, settings)
    _say(builder, found)
    # Joints are metres whatever the user says of the unit.
    chosen = METRES_PER_UNIT.get(options.units or "", metres)
    building = Building(builder, own, metres, chosen / metres, density_unit=described["density_unit"])
    for shape in _shapes(found):
        building.add_shape(*shape)
    for element in sorted(described["elements"], key=lambda e: "opening" in e):  # what doors hang on comes first
        building.add(element)
    if builder.is_empty and described["log"]:
        raise damaged(
            path.name, f"nothing of it has a body that can be made; the reader says: {described['log'][0][:200]}"
        )
    if builder.is_empty:
        raise no_geometry(path.name, "no element of it has a body.")
    scene = building.scene(described["title"], _unit_claims(described, path.name), _up_claims(path.name))
    progress("ingest", 1.0, "")
    return replace(scene, semantics="building" if described["buildings"] else "")


def _shapes(found: Converted) -> list[tuple[int, dict[str, Any], Soup, Any, Any]]:
    """(number, description, triangles, item of each face, layer of each face)."""
    arrays = found.arrays
    return [
        (number, shape, Soup(arrays[f"v{number}"], arrays[f"f{number}"], group=arrays[f"s{number}"]),
         arrays[f"i{number}"], arrays[f"l{number}"])
        for number, shape in enumerate(found.description["shapes"])
    ]  # fmt: skip


def _unit_claims(described: dict[str, Any], name: str) -> tuple[Claim, ...]:
    metres = float(described["length_unit_m"])
    if described["length_stated"]:
        evidence = Evidence(
            "source", f"The project's unit of length is {unit_name(metres)}.", name, "IfcUnitAssignment"
        )
    else:
        evidence = Evidence("rule", "The project states no unit of length; it is read in metres, the SI unit.", name)
    return (unit_claim(metres, 1.0, evidence),)


def _up_claims(name: str) -> tuple[Claim, ...]:
    return (Claim("z", 1.0, Evidence("rule", "z is up in IFC by the standard.", name)),)


def _say(builder: SceneBuilder, found: Converted) -> None:
    """Notes about the file as a whole."""
    described = found.description
    if not described["project"]:
        builder.note("project_missing", "warning", "The file has no IfcProject; its elements are read all the same.",
                     "Export it again with its project.")  # fmt: skip
    if not described["length_stated"]:
        builder.note("unit_missing", "warning", "The project states no unit of length: metres are assumed.",
                     "State it with --units.")  # fmt: skip
    counts = described["counts"]
    if counts:
        words = ", ".join(f"{n} {_WORDS.get(kind, class_word(kind))}" for kind, n in counts.items())
        builder.note("no_counterpart", "info", f"Without matter, and so not in the twin: {words}.")
    if described["log"]:
        builder.note("ifc_errors", "warning", f"The reader met errors: {'; '.join(described['log'])[:600]}.",
                     "Export the file again, or look at what is missing.")  # fmt: skip
    elements = {element["id"]: element for element in described["elements"]}
    for element in described["elements"]:
        if element["body"] and element["shape"] is None:
            why = (
                "crashes the geometry kernel" if element["id"] in found.crashed else "has no geometry that can be made"
            )
            called = f"{class_word(element['class'])} {element['name']!r}"
            builder.note("element_left_out", "warning", f"The {called} (#{element['id']}) {why}; it is left out.")
    owners = {element["assembly"] for element in described["elements"]}
    bare = [e for e in elements.values() if not e["body"] and e["id"] not in owners]
    if bare:
        words = ", ".join(sorted({class_word(e["class"]) for e in bare}))
        builder.note("element_without_body", "info", f"{len(bare)} elements have no geometry ({words}).")
    for element in described["elements"]:
        for entry in element["material"]["entries"]:
            if entry["impossible"] is not None:
                message = f"{entry['name']!r} has the density {entry['impossible']:g} kg/m3, which nothing has."
                builder.note("density_ignored", "warning", message)
