"""The pieces of a CAD shape that are parts of their own, and their exact integrals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from physicl_twin.ingest.cad_tessellate import diagonal
from physicl_twin.ingest.raw import RawIntegrals

#: Relative error per face at which the kernel's adaptive integration stops, and a coarser one to judge it by. Measured
#: on cylinder, sphere and torus as rational B-splines: 1e-13 gives the volume to 1e-9, 1e-11 to 2e-8.
_FINE, _COARSE = 1e-13, 1e-11
#: Fixed-order Gauss integration is exact on smooth surfaces and up to 0.9 % wrong on splines of low continuity.
#: Where it gives the adaptive volume to this fraction its moments are the better ones: adaptation watches the volume
#: only, and was seen to leave 2e-5 in the inertia of a cylinder of revolution.
_AGREEMENT = 1e-8


@dataclass(frozen=True, slots=True)
class Piece:
    """A solid, several solids that are one part, or the open surfaces beside them.

    Attributes:
        shape: ``TopoDS_Shape`` in the frame of its prototype.
        closed: True when it bounds a volume.
        repairs: What was done to make it a solid, as sentences.
        origin: Members of ``shape`` that were made anew, as (new face, face in the file).
    """

    shape: Any
    closed: bool
    repairs: tuple[str, ...] = ()
    origin: tuple[tuple[Any, Any], ...] = ()


def explore(shape: Any, kind: str, avoid: str = "SHAPE") -> list[Any]:
    """Sub-shapes of a kind (``SOLID``, ``SHELL``, ``FACE``) that lie in none of kind ``avoid``."""
    from OCP.TopAbs import TopAbs_ShapeEnum
    from OCP.TopExp import TopExp_Explorer

    explorer = TopExp_Explorer(
        shape, getattr(TopAbs_ShapeEnum, f"TopAbs_{kind}"), getattr(TopAbs_ShapeEnum, f"TopAbs_{avoid}")
    )
    found = []
    while explorer.More():
        found.append(explorer.Current())
        explorer.Next()
    return found


def pieces_of(shape: Any, sewing_relative: float) -> tuple[list[Piece], list[Piece]]:
    """Solids and open surfaces of a shape.

    Loose faces and shells (IGES, surface models) are sewn first; closed shells become solids.

    Args:
        shape: ``TopoDS_Shape`` of a prototype.
        sewing_relative: Gap that sewing closes, as a fraction of the shape's diagonal.

    Returns:
        (solids, sheets): one Piece a solid, and at most one Piece of all open surfaces.
    """
    solids = [_oriented(solid) for solid in explore(shape, "SOLID")]
    loose = explore(shape, "SHELL", "SOLID") + explore(shape, "FACE", "SHELL")
    if not loose:
        return solids, []
    sewn = _sew(loose, sewing_relative * diagonal(shape))
    sheets = [piece for piece in sewn if not piece.closed]
    return solids + [piece for piece in sewn if piece.closed], [compound(sheets)] if sheets else []


def compound(pieces: list[Piece]) -> Piece:
    """Several pieces as one; closed when all are."""
    from OCP.BRep import BRep_Builder
    from OCP.TopoDS import TopoDS_Compound

    if len(pieces) == 1:
        return pieces[0]
    builder, whole = BRep_Builder(), TopoDS_Compound()
    builder.MakeCompound(whole)
    for piece in pieces:
        builder.Add(whole, piece.shape)
    return Piece(
        whole,
        all(piece.closed for piece in pieces),
        tuple(dict.fromkeys(repair for piece in pieces for repair in piece.repairs)),
        tuple(pair for piece in pieces for pair in piece.origin),
    )


def _is_shut(shell: Any) -> bool:
    from OCP.BRep import BRep_Tool

    return bool(BRep_Tool.IsClosed_s(shell))


def _volume(shape: Any) -> float:
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps

    properties = GProp_GProps()
    BRepGProp.VolumeProperties_s(shape, properties)
    return float(properties.Mass())


def _oriented(solid: Any) -> Piece:
    """A solid of the file as a piece; one that is inside out is turned."""
    shells = explore(solid, "SHELL")
    closed = bool(shells) and all(_is_shut(shell) for shell in shells)
    if closed and _volume(solid) < 0:
        return Piece(solid.Reversed(), True, ("A solid was inside out and was turned.",))
    return Piece(solid, closed)


def _sew(loose: list[Any], tolerance: float) -> list[Piece]:
    """Join loose faces and shells along their borders; shells that close become solids."""
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeSolid, BRepBuilderAPI_Sewing
    from OCP.BRepLib import BRepLib
    from OCP.TopoDS import TopoDS

    sewing = BRepBuilderAPI_Sewing(tolerance)
    for shape in loose:
        sewing.Add(shape)
    sewing.Perform()
    result = sewing.SewedShape()
    if result.IsNull():
        return [Piece(shape, False) for shape in loose]
    origin = tuple(
        (sewing.ModifiedSubShape(face) if sewing.IsModifiedSubShape(face) else face, face)
        for shape in loose
        for face in explore(shape, "FACE")
    )
    pieces = []
    for shell in explore(result, "SHELL"):
        if not _is_shut(shell):
            pieces.append(Piece(shell, False, (), origin))
            continue
        solid = BRepBuilderAPI_MakeSolid(TopoDS.Shell_s(shell)).Solid()
        BRepLib.OrientClosedSolid_s(solid)
        pieces.append(Piece(solid, True, ("Loose surfaces close and were sewn into a solid.",), origin))
    return pieces + [Piece(face, False, (), origin) for face in explore(result, "FACE", "SHELL")]


def integrals(shape: Any, unit_in_mm: float) -> RawIntegrals | None:
    """Volume, centroid and inertia of a closed shape from its exact surfaces; None when they are not usable.

    Gauss integration over each face in the kernel, of fixed order where that agrees with the adaptive one. OpenCASCADE
    returns the matrix of inertia about the centre of mass.

    Args:
        shape: Closed ``TopoDS_Shape``, kernel units (mm).
        unit_in_mm: Millimetres per unit of the result.
    """
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps

    fixed, coarse, fine = GProp_GProps(), GProp_GProps(), GProp_GProps()
    BRepGProp.VolumeProperties_s(shape, fixed, True)
    BRepGProp.VolumeProperties_s(shape, coarse, _COARSE, True)
    BRepGProp.VolumeProperties_s(shape, fine, _FINE, True)
    volume = float(fine.Mass())
    if not math.isfinite(volume) or volume <= 0:
        return None
    error = abs(float(coarse.Mass()) / volume - 1.0)
    chosen, difference = fine, abs(float(fixed.Mass()) / volume - 1.0)
    if difference < _AGREEMENT:
        chosen, error, volume = fixed, difference, float(fixed.Mass())
    centre, matrix = chosen.CentreOfMass(), chosen.MatrixOfInertia()
    com = np.array([centre.X(), centre.Y(), centre.Z()]) / unit_in_mm
    inertia = np.array([[matrix.Value(i, j) for j in (1, 2, 3)] for i in (1, 2, 3)]) / unit_in_mm**5
    inertia = 0.5 * (inertia + inertia.T)
    if not (np.isfinite(com).all() and np.isfinite(inertia).all() and math.isfinite(error)):
        return None
    rows = [tuple(float(value) for value in row) for row in inertia]
    return RawIntegrals(
        volume=volume / unit_in_mm**3,
        com=(float(com[0]), float(com[1]), float(com[2])),
        inertia=(rows[0], rows[1], rows[2]),  # type: ignore[arg-type]
        relative_error=max(error, float(np.finfo(np.float64).eps) * 1e3),
    )
