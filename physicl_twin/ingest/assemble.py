"""From a raw scene to a Twin: metres, Z up, rigid placements, unique names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.affine import map_integrals, map_mesh, matrix3, split_transform
from physicl_twin.ingest.guards import no_geometry
from physicl_twin.ingest.naming import identifier, readable, unique
from physicl_twin.ingest.raw import RawBody, RawIntegrals, RawPart, RawScene, RawShape, ReadOptions
from physicl_twin.ingest.up_axis import TO_Z_UP, TO_Z_UP_MATRIX
from physicl_twin.model import (
    Articulation,
    Body,
    Collision,
    Decision,
    Estimate,
    Evidence,
    Frame,
    Joint,
    MassProperties,
    Note,
    Part,
    Pose,
    Semantics,
    Shape,
    Site,
    SolidProperties,
    Twin,
)
from physicl_twin.model.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Placing:
    """How source coordinates become the twin's: x_twin = rotation · (metres_per_unit · x_source)."""

    units: Decision
    metres_per_unit: float
    up_axis: Decision

    @property
    def rotation(self) -> FloatArray:
        """(3, 3) source axes to Z-up axes."""
        return TO_Z_UP_MATRIX[self.up_axis.value]

    @property
    def linear(self) -> FloatArray:
        """(3, 3) rotation and scale."""
        return self.metres_per_unit * self.rotation

    def frame(self) -> Frame:
        """The record of the twin."""
        return Frame(self.units, self.metres_per_unit, self.up_axis, TO_Z_UP[self.up_axis.value])

    def pose(self, rigid: FloatArray) -> Pose:
        """Pose of a rigid transform between two source frames, both of which become Z-up frames in metres."""
        r = self.rotation
        matrix = np.eye(4)
        matrix[:3, :3] = r @ rigid[:3, :3] @ r.T
        matrix[:3, 3] = self.linear @ rigid[:3, 3]
        if np.array_equal(matrix, np.eye(4)):
            return Pose()
        return Pose.from_matrix(matrix)


@dataclass(slots=True)
class _Shapes:
    """Shapes of the twin, made on first use; one per source shape and stretch."""

    raw: dict[str, RawShape]
    placing: Placing
    made: dict[tuple[str, bytes], Shape] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def shape(self, name: str, stretch: FloatArray | None) -> Shape:
        # Stretches that differ by the rounding of the file are the same.
        key = (
            name,
            b""
            if stretch is None
            else np.round(stretch / np.abs(stretch).max(), 6).tobytes() + f"{np.abs(stretch).max():.6g}".encode(),
        )
        if key not in self.made:
            self.made[key] = self._make(self.raw[name], stretch)
        return self.made[key]

    def _make(self, raw: RawShape, stretch: FloatArray | None) -> Shape:
        linear = self.placing.linear if stretch is None else self.placing.linear @ stretch
        name = unique([readable(raw.name, "shape")], self.taken)[0]
        self.taken.add(name)
        brep = None if raw.brep is None else solid_properties(map_integrals(raw.brep, linear))
        return Shape(name, raw.appearances, brep=brep, mesh=map_mesh(raw.mesh, linear))


def solid_properties(integrals: RawIntegrals) -> SolidProperties:
    """Exact integrals, metres, with the error of their integration."""
    if integrals.exact_by == "CAD kernel":
        told = Evidence("geometry", "The CAD kernel integrated the boundary representation.", "OpenCASCADE", "GProp")
    else:
        told = Evidence("geometry", "A primitive's formula, with the dimensions that the file states.")
    evidence = (told,)
    error = abs(integrals.relative_error)
    volume = Estimate.normal(integrals.volume, error * integrals.volume, "m3", integrals.exact_by, evidence)
    return SolidProperties(volume, integrals.com, matrix3(np.array(integrals.inertia)), evidence)


def assemble(
    raw: RawScene, placing: Placing, name: str, title: str, options: ReadOptions, notes: tuple[Note, ...]
) -> Twin:
    """Build the twin.

    Args:
        raw: What the reader found, source units and axes.
        placing: The decided unit and up axis.
        name: Wanted name; made file-safe.
        title: Readable name.
        options: Licence of the user.
        notes: Notes of the decisions.

    Raises:
        SourceError: ``no_geometry`` when every part is flattened by its transform.
    """
    shapes = _Shapes({s.name: s for s in raw.shapes}, placing)
    safe = identifier(name)
    raw_bodies = raw.bodies or (RawBody(title, np.eye(4)),)
    body_names = dict(
        zip((b.name for b in raw_bodies), unique(readable(b.name, safe) for b in raw_bodies), strict=True)
    )
    kept, poses, collapsed = _place(raw.parts, shapes)
    if not kept:
        raise no_geometry(raw.sources[0].name, "all parts are flattened to nothing by their transforms.")
    part_names = unique(readable(part.name, "part") for part in kept)
    by_body: dict[str, list[Part]] = {b.name: [] for b in raw_bodies}
    first = raw_bodies[0].name
    for part, part_name, (shape, pose) in zip(kept, part_names, poses, strict=True):
        owner = part.body if part.body in by_body else first
        by_body[owner].append(
            Part(part_name, shape, pose, part.hints, collision=_named(part.collision, part_name), role=part.role)
        )
    # Sites share the names of the bodies, whose own stay as they are.
    wanted = [*body_names.values(), *(readable(name, "site") for b in raw_bodies for name, _ in b.sites)]
    site_names = iter(unique(wanted)[len(body_names) :])
    bodies = tuple(
        Body(
            body_names[b.name],
            tuple(by_body[b.name]),
            placing.pose(b.transform),
            _mass_properties(b.mass_properties, placing),
            b.static,
            tuple(Site(next(site_names), placing.pose(transform)) for _, transform in b.sites),
        )
        for b in raw_bodies
        if by_body[b.name] or len(raw_bodies) > 1
    )
    used = {part.shape for body in bodies for part in body.parts}
    all_notes = [*notes, *raw.notes]
    if collapsed:
        all_notes.append(
            Note(
                "part_collapsed",
                "warning",
                f"{collapsed} parts are left out: their transforms flatten them to nothing.",
            )
        )
    made = tuple(s for s in shapes.made.values() if s.name in used)
    looks = {look for shape in made for look in shape.appearances}
    return Twin(
        name=safe,
        title=readable(title, safe),
        sources=raw.sources
        if not options.licence
        else tuple(replace(s, licence=s.licence or options.licence) for s in raw.sources),
        frame=placing.frame(),
        shapes=made,
        bodies=bodies,
        appearances=tuple(a for a in raw.appearances if a.name in looks),
        joints=tuple(_joint(j, placing, body_names) for j in raw.joints),
        articulation=_articulation(raw.articulation, body_names),
        semantics=Semantics(raw.semantics, "", "") if raw.semantics else None,
        licence=options.licence or raw.licence,
        notes=tuple(all_notes),
    )


def _place(parts: tuple[RawPart, ...], shapes: _Shapes) -> tuple[list[RawPart], list[tuple[str, Pose]], int]:
    kept: list[RawPart] = []
    poses: list[tuple[str, Pose]] = []
    for part in parts:
        split = split_transform(part.transform)
        if split is not None:
            kept.append(part if split.stretch is None else replace(part, collision=None))
            poses.append((shapes.shape(part.shape, split.stretch).name, shapes.placing.pose(split.rigid)))
    return kept, poses, len(parts) - len(kept)


def _mass_properties(stated: MassProperties | None, placing: Placing) -> MassProperties | None:
    """Mass properties that the file states, turned from the body's source axes to its Z-up axes."""
    if stated is None or placing.up_axis.value == "z":
        return stated
    r = placing.rotation
    com, spread = r @ np.array(stated.com_m), np.abs(r) @ np.array(stated.com_std_m)
    return replace(
        stated,
        com_m=(float(com[0]), float(com[1]), float(com[2])),
        com_std_m=(float(spread[0]), float(spread[1]), float(spread[2])),
        inertia_kgm2=matrix3(r @ np.array(stated.inertia_kgm2) @ r.T),
        inertia_std_kgm2=matrix3(np.abs(r) @ np.array(stated.inertia_std_kgm2) @ np.abs(r).T),
    )


def _named(collision: Collision | None, part: str) -> Collision | None:
    """Stated collision geometry with names that are unique in the twin."""
    if collision is None:
        return None
    named = (replace(c, name=f"{part}_{number:02d}") for number, c in enumerate(collision.colliders))
    return replace(collision, colliders=tuple(named))


def _articulation(stated: Articulation | None, body_names: dict[str, str]) -> Articulation | None:
    """What the file says of the mechanism, with the bodies' names in the twin."""
    if stated is None:
        return None
    filters = (replace(f, body0=body_names[f.body0], body1=body_names[f.body1]) for f in stated.filters)
    return replace(stated, root=body_names.get(stated.root, stated.root), filters=tuple(filters))


def _joint(joint: Joint, placing: Placing, body_names: dict[str, str]) -> Joint:
    """The joint in Z-up body frames; its own axes stay, so that its motion axis keeps its letter."""

    def turned(pose: Pose) -> Pose:
        if placing.up_axis.value == "z":
            return pose
        turn = np.eye(4)
        turn[:3, :3] = placing.rotation
        return Pose.from_matrix(turn @ pose.matrix())

    return replace(
        joint,
        body0=body_names.get(joint.body0, joint.body0),
        body1=body_names.get(joint.body1, joint.body1),
        pose0=turned(joint.pose0),
        pose1=turned(joint.pose1),
    )


def default_title(raw: RawScene, path: Path, subject: str) -> str:
    """The file's own title where it has one, else what the file is called after."""
    return raw.title if raw.title and raw.title != path.stem else subject
