"""What a reader hands over: the file's content in the file's own units and axes, with claims about both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from physicl_twin.model import (
    Appearance,
    Articulation,
    Collision,
    Evidence,
    Joint,
    MassProperties,
    Mesh,
    Note,
    PartHints,
    PartRole,
    Source,
)
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a source.

    Attributes:
        units: Length unit of the file (``m``, ``cm``, ``mm``, ``in``), overruling every claim; None to infer.
        up_axis: Up axis of the file (``z`` or ``y``), overruling every claim; None to infer.
        name: Name of the twin; None to derive it from the file.
        licence: SPDX expression.
        thickness_m: Thickness of a flat profile (DXF), metres.
        part_labels: Path of a labelled point cloud or mesh that tells the parts apart; empty for none.
        max_faces: Refuse meshes with more triangles.
        max_bytes: Refuse larger files.
    """

    units: str | None = None
    up_axis: str | None = None
    name: str | None = None
    licence: str = ""
    thickness_m: float | None = None
    part_labels: str = ""
    max_faces: int = 20_000_000
    max_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody's word about the unit or the up axis of a file.

    Attributes:
        value: Unit (``mm`` …) or axis (``z`` …).
        reliability: Probability that such a claim is right, 0..1 (the rest is spread over the other candidates).
        evidence: Who says so and where.
        metres_per_unit: For a unit outside the named ones; 0 otherwise.
    """

    value: str
    reliability: float
    evidence: Evidence
    metres_per_unit: float = 0.0


@dataclass(frozen=True, slots=True)
class RawIntegrals:
    """Exact integrals of a CAD solid at unit density, in source units and the shape's frame.

    Attributes:
        volume: Source units cubed.
        com: (3,) centroid.
        inertia: (3, 3) about the centroid, unit density, source units to the fifth.
        relative_error: Numerical error of the integration.
        exact_by: Who integrated: the CAD kernel over the boundary representation, or a closed formula of a primitive.
    """

    volume: float
    com: Vector3
    inertia: Matrix3
    relative_error: float
    exact_by: Literal["CAD kernel", "formula"] = "CAD kernel"


@dataclass(frozen=True, slots=True)
class RawShape:
    """Geometry in source units, to be placed by one or more parts."""

    name: str
    mesh: Mesh
    appearances: tuple[str, ...] = ()
    brep: RawIntegrals | None = None


@dataclass(frozen=True, slots=True)
class RawPart:
    """A placement of a shape.

    Attributes:
        name: As in the file; need not be unique.
        shape: Name of a RawShape.
        transform: (4, 4) shape to body frame (column vectors), source units; any affine.
        hints: What the file says of it.
        body: Name of the RawBody it belongs to; empty for the one body of a prop.
        role: What it counts for.
        collision: Collision geometry that the file states, in metres and the shape's axes; only for shapes in metres
            whose transform does not stretch (a robot description's primitives). None to have it derived.
    """

    name: str
    shape: str
    transform: FloatArray
    hints: PartHints = PartHints()
    body: str = ""
    role: PartRole = "solid"
    collision: Collision | None = None


@dataclass(frozen=True, slots=True)
class RawBody:
    """A rigid link that the file itself declares (USD physics, a robot description).

    Attributes:
        name: As in the file.
        transform: (4, 4) body to source frame, source units; rigid.
        mass_properties: What the file states, already in SI and in the body's own axes; None when it states nothing.
        static: True for what never moves.
        sites: Frames without matter that go with it: (name, (4, 4) rigid transform to the body frame, source units).
    """

    name: str
    transform: FloatArray
    mass_properties: MassProperties | None = None
    static: bool = False
    sites: tuple[tuple[str, FloatArray], ...] = ()


@dataclass(frozen=True, slots=True)
class RawScene:
    """The content of one source.

    Attributes:
        format: Format id.
        title: Readable name from the file, or its stem.
        shapes: Geometry.
        parts: Placements; at least one.
        appearances: Looks.
        sources: The main file first, then every file that was read with it.
        unit_claims: Words about the unit, strongest first; empty when the format has none.
        up_claims: Words about the up axis.
        bodies: Links that the file declares; empty for a prop.
        joints: Joints that the file declares, SI units, poses in body frames.
        articulation: What the file says of the mechanism as a whole; None when it says nothing.
        semantics: Class in plain English that the format itself implies (``building``); empty when it implies none.
        licence: SPDX expression found in the file, or empty.
        notes: Losses and repairs that the reader knows of.
    """

    format: str
    title: str
    shapes: tuple[RawShape, ...]
    parts: tuple[RawPart, ...]
    appearances: tuple[Appearance, ...]
    sources: tuple[Source, ...]
    unit_claims: tuple[Claim, ...] = ()
    up_claims: tuple[Claim, ...] = ()
    bodies: tuple[RawBody, ...] = ()
    joints: tuple[Joint, ...] = ()
    articulation: Articulation | None = None
    semantics: str = ""
    licence: str = ""
    notes: tuple[Note, ...] = field(default=())
