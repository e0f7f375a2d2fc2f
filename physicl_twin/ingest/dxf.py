"""DXF drawings: closed profiles with holes, extruded by a stated thickness."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.dxf_profile import Profiles, extrude, profiles
from physicl_twin.ingest.guards import check_face_count, check_file, damaged, source_of
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.length_units import METRES_PER_UNIT, unit_claim, unit_name
from physicl_twin.ingest.naming import readable, unique
from physicl_twin.ingest.raw import Claim, RawPart, RawScene, RawShape, ReadOptions
from physicl_twin.model import Evidence, Note, PartHints, Progress, SourceError, silent
from physicl_twin.model.geometry import FloatArray

#: Curves that can bound a profile.
_CURVES = frozenset(("LINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "LWPOLYLINE", "POLYLINE"))
#: Content that says something about the drawing and has no part in the shape.
_ANNOTATION = frozenset(
    ("TEXT", "MTEXT", "DIMENSION", "LEADER", "MULTILEADER", "HATCH", "POINT", "VIEWPORT", "ATTDEF", "IMAGE")
)
#: Code of metres among the drawing units ($INSUNITS, DXF reference).
_METRES = 6
#: Blocks inside blocks beyond this depth are a cycle.
_MAX_DEPTH = 16
#: Curves beyond this number are no profile of a part (judgement).
_MAX_CURVES = 200_000


@dataclass(frozen=True, slots=True)
class DxfSettings:
    """``[dxf]`` of config/pipeline.toml; see the comments there."""

    flatten_relative: float
    join_relative: float
    insunits_reliability: float
    unstated_reliability: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DxfSettings:
        """From the parsed ``[dxf]`` table."""
        return cls(**{name: float(value) for name, value in table.items()})


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of the drawing, flattened.

    Attributes:
        points: (N, 2), drawing units.
        thickness: Group 39 of the entity, drawing units; 0 when it has none.
        layer: Its layer.
    """

    points: FloatArray
    thickness: float
    layer: str


def read_dxf(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read the closed profiles of a drawing and extrude them along z.

    Args:
        path: The file, ASCII or binary DXF.
        options: ``thickness_m`` is the height; without it the entities' own thickness (group 39).
        progress: Told how far it is.

    Returns:
        One part for each connected profile, in drawing units.

    Raises:
        SourceError: ``file_not_found`` …, ``reader_not_installed``, ``file_damaged``, ``dxf_thickness_unknown``,
            ``dxf_open_profile``, ``dxf_no_profile``, ``too_many_faces``.
    """
    check_file(path, options)
    own = DxfSettings.from_table((settings or shipped_settings()).readers["dxf"])
    progress("ingest", 0.0, f"reading {path.name}")
    document = _open(path)
    claim = _unit_claim(document, path.name, own)
    notes: dict[str, Note] = {}
    curves = list(_flattened(document, own, notes))
    if not curves:
        raise SourceError(
            "dxf_no_profile",
            f"{path.name} has no curves in its model space.",
            "Draw the outline with lines and arcs.",
        )
    progress("ingest", 0.5, "joining curves")
    unit_m = METRES_PER_UNIT[options.units] if options.units in METRES_PER_UNIT else _scale(claim)
    shapes, parts = _extruded(curves, unit_m, path, options, own, notes)
    if options.thickness_m is not None and options.units is None and claim.evidence.kind == "prior":
        notes["dxf_unit_assumed"] = Note(
            "dxf_unit_assumed", "warning",
            f"{path.name} states no unit: the thickness was converted as if it were drawn in {claim.value}.",
            "State the unit with --units.",
        )  # fmt: skip
    up = Evidence("rule", "Profiles of a DXF drawing lie in its x-y plane and are extruded along z.", path.name)
    progress("ingest", 1.0, "")
    return RawScene(
        format="dxf",
        title=readable(path.stem, "profile"),
        shapes=tuple(shapes),
        parts=tuple(parts),
        appearances=(),
        sources=(source_of(path, "main", None, "dxf"),),
        unit_claims=(claim,),
        up_claims=(Claim("z", 0.97, up),),
        notes=tuple(notes.values()),
    )


def _open(path: Path) -> Any:
    try:
        import ezdxf
        from ezdxf import recover
    except ImportError as error:
        raise SourceError(
            "reader_not_installed", "Reading DXF drawings needs the package ezdxf.", "./physicl.sh install dxf"
        ) from error
    head = path.read_bytes()[:4096]
    if b"SECTION" not in head and not head.startswith(b"AutoCAD Binary DXF"):
        raise SourceError("not_dxf", f"{path.name} does not start like a DXF file.", "Check the file's suffix.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document, auditor = recover.readfile(path)
    except (ezdxf.DXFError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise damaged(
            path.name, f"it is not a usable DXF drawing ({str(error)[:200] or type(error).__name__})."
        ) from error
    if auditor.has_errors:
        raise damaged(path.name, f"{len(auditor.errors)} of its objects cannot be repaired.")
    return document


def _unit_claim(document: Any, name: str, settings: DxfSettings) -> Claim:
    from ezdxf import units

    code = int(document.header.get("$INSUNITS", 0) or 0)
    if code:
        try:
            metres = float(units.conversion_factor(units.InsertUnits(code), units.InsertUnits(_METRES)))
        except (ValueError, KeyError, IndexError, ZeroDivisionError):
            metres = 0.0
        if metres > 0:
            statement = f"The drawing's $INSUNITS is {code}: {unit_name(metres)}."
            return unit_claim(metres, settings.insunits_reliability, Evidence("source", statement, name, "$INSUNITS"))
    metric = int(document.header.get("$MEASUREMENT", 1) or 0) != 0
    system, unit = ("metric", "millimetres") if metric else ("imperial", "inches")
    statement = f"$INSUNITS states no unit; $MEASUREMENT says {system}, so {unit} are likely."
    evidence = Evidence("prior", statement, name, "$MEASUREMENT")
    return unit_claim(METRES_PER_UNIT["mm" if metric else "in"], settings.unstated_reliability, evidence)


def _scale(claim: Claim) -> float:
    return claim.metres_per_unit or METRES_PER_UNIT[claim.value]


def _flattened(document: Any, settings: DxfSettings, notes: dict[str, Note]) -> Iterator[Curve]:
    """Every visible curve of the model space, blocks resolved."""
    from ezdxf import path as paths
    from ezdxf.lldxf.const import DXFError

    hidden = {layer.dxf.name.lower() for layer in document.layers if layer.is_off() or layer.is_frozen()}
    found = []
    for entity in _entities(document.modelspace(), notes):
        if entity.dxf.layer.lower() in hidden or _attribute(entity, "invisible"):
            continue
        try:
            found.append((entity, paths.make_path(entity)))
        except (DXFError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            _note(notes, "dxf_curve_skipped", f"A {entity.dxftype()} could not be read: {str(error)[:120]}.")
        if len(found) > _MAX_CURVES:
            raise SourceError("dxf_no_profile", f"The drawing has more than {_MAX_CURVES} curves.", "Keep one profile.")
    size = _diagonal([path for _, path in found])
    if size <= 0:
        return
    for entity, path in found:
        for piece in path.sub_paths() if path.has_sub_paths else (path,):
            vertices = list(piece.flattening(settings.flatten_relative * size))
            points = np.array([(v.x, v.y, v.z) for v in vertices]).reshape(-1, 3)
            if len(points) < 2 or not np.isfinite(points).all():
                continue
            if np.ptp(points[:, 2]) > settings.join_relative * size:
                _note(notes, "dxf_not_flat", "Curves that leave the x-y plane were left out.")
                continue
            yield Curve(points[:, :2].copy(), abs(_attribute(entity, "thickness")), entity.dxf.layer)


def _entities(container: Any, notes: dict[str, Note], depth: int = 0) -> Iterator[Any]:
    from ezdxf.lldxf.const import DXFError

    for entity in container:
        kind = entity.dxftype()
        if kind in _CURVES and not (kind == "POLYLINE" and (entity.is_poly_face_mesh or entity.is_polygon_mesh)):
            yield entity
        elif kind == "INSERT" and depth < _MAX_DEPTH:
            try:
                members = list(entity.virtual_entities())
            except (DXFError, TypeError, ValueError, ArithmeticError) as error:
                _note(notes, "dxf_block_skipped", f"A block reference could not be resolved: {str(error)[:120]}.")
                continue
            yield from _entities(members, notes, depth + 1)
        elif kind not in _ANNOTATION:
            _note(notes, "dxf_entity_ignored", f"{kind} entities are not profile curves and were left out.")


def _attribute(entity: Any, name: str) -> float:
    """A numeric attribute; 0 where it is unset or the kind of entity has none."""
    return float(entity.dxf.get(name) or 0.0) if entity.dxf.hasattr(name) else 0.0


def _note(notes: dict[str, Note], code: str, message: str, hint: str = "") -> None:
    notes.setdefault(f"{code}:{message}", Note(code, "warning", message, hint))


def _diagonal(paths: list[Any]) -> float:
    points = np.array([(v.x, v.y) for path in paths for v in path.control_vertices()]).reshape(-1, 2)
    points = points[np.isfinite(points).all(axis=1)]
    return float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 0.0


def _extruded(
    curves: list[Curve], unit_m: float, path: Path, options: ReadOptions, settings: DxfSettings, notes: dict[str, Note]
) -> tuple[list[RawShape], list[RawPart]]:
    """Profiles of curves of equal thickness, each a prism."""
    everything = np.concatenate([curve.points for curve in curves])
    join = settings.join_relative * float(np.linalg.norm(np.ptp(everything, axis=0)))
    stated = options.thickness_m / unit_m if options.thickness_m is not None else None
    groups: dict[float, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(curve.thickness if stated is None else stated, []).append(curve)
    found = {height: profiles([curve.points for curve in group], join) for height, group in sorted(groups.items())}
    _require_profiles(found, path.name, notes)
    if all(height <= 0 for height, result in found.items() if result.polygons):
        raise SourceError(
            "dxf_thickness_unknown", f"{path.name} is a flat drawing and says nothing about its thickness.",
            'State it with --thickness "5 mm".',
        )  # fmt: skip
    titles, meshes, layers, faces = [], [], [], 0
    for height, result in found.items():
        if height <= 0:
            if result.polygons:
                _note(
                    notes,
                    "dxf_profile_without_thickness",
                    f"{len(result.polygons)} profiles without thickness were left out.",
                )
            continue
        if stated is None:
            _note_info(notes, f"The height {height:g} (drawing units) is the entities' own thickness (group 39).")
        for polygon in result.polygons:
            mesh = extrude(polygon, height)
            faces += len(mesh.faces)
            check_face_count(path.name, faces, options)
            meshes.append(mesh)
            layers.append(_layer_of(polygon, groups[height], join))
            titles.append(readable(path.stem, "profile"))
    names = unique(titles)
    shapes = [RawShape(name, mesh) for name, mesh in zip(names, meshes, strict=True)]
    parts = [RawPart(name, name, np.eye(4), PartHints(layer=layer)) for name, layer in zip(names, layers, strict=True)]
    return shapes, parts


def _note_info(notes: dict[str, Note], message: str) -> None:
    notes.setdefault(f"dxf_thickness:{message}", Note("dxf_thickness", "info", message))


def _require_profiles(found: dict[float, Profiles], name: str, notes: dict[str, Note]) -> None:
    open_curves = sum(result.open_curves for result in found.values())
    gaps = [result.smallest_gap for result in found.values() if result.smallest_gap > 0]
    gap = f" The smallest gap between two ends is {min(gaps):.4g} drawing units." if gaps else ""
    if not any(result.polygons for result in found.values()):
        raise SourceError(
            "dxf_open_profile", f"{name} has {open_curves} curves and none of them closes.{gap}",
            "Join the ends of the outline in the drawing.",
        )  # fmt: skip
    if open_curves:
        _note(notes, "dxf_open_curves", f"{open_curves} open curves enclose nothing and were left out.{gap}")


def _layer_of(polygon: Any, curves: list[Curve], distance: float) -> str:
    """Layer of the curve that the outline's first point lies on."""
    import shapely

    point = shapely.Point(polygon.exterior.coords[0])
    nearest = min(curves, key=lambda curve: shapely.LineString(curve.points).distance(point))
    return nearest.layer if shapely.LineString(nearest.points).distance(point) <= max(distance, 1e-12) * 10 else ""
