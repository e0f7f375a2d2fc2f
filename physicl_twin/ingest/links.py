"""Links of a robot description: their geometry, visual and collision, gathered into a RawScene in metres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from physicl_twin.ingest import primitives
from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.link_meshes import MeshPiece, Submesh, read_mesh, with_own_hints
from physicl_twin.ingest.naming import readable
from physicl_twin.ingest.raw import Claim, RawBody, RawIntegrals, RawPart, RawScene
from physicl_twin.model import (
    Appearance,
    Articulation,
    Collider,
    Collision,
    CollisionFit,
    Evidence,
    Joint,
    MassProperties,
    PartHints,
    SourceError,
)
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.twin import PartRole

PrimitiveKind = Literal["box", "sphere", "cylinder", "capsule", "ellipsoid"]
Use = Literal["visual", "collision", "both"]


@dataclass(frozen=True, slots=True)
class _Placed:
    part: RawPart
    use: Use


class LinkBuilder:
    """Gathers links, their geometry and joints; everything in metres and Z up.

    Args:
        builder: Of the main file: notes, looks, sources.
    """

    def __init__(self, builder: SceneBuilder) -> None:
        self.builder = builder
        self._bodies: dict[str, RawBody] = {}
        self._placed: dict[str, list[_Placed]] = {}
        self._integrals: dict[str, RawIntegrals] = {}
        self._colliders: dict[str, Collider] = {}
        self._primitives: dict[tuple[object, ...], str] = {}
        self._meshes: dict[tuple[object, ...], tuple[MeshPiece, ...]] = {}
        self._soups: dict[str, tuple[str, ...]] = {}
        #: What each shape is geometrically, whatever it looks like.
        self._geometry: dict[str, tuple[object, ...]] = {}

    def body(
        self,
        name: str,
        transform: FloatArray,
        mass_properties: MassProperties | None = None,
        *,
        static: bool = False,
    ) -> None:
        """Add a link.

        Args:
            name: Unique among the links; the caller repairs duplicates.
            transform: (4, 4) link frame in the description's frame at the joints' positions, metres, rigid.
            mass_properties: What the description states, link axes; None when it states nothing.
            static: True for what never moves.
        """
        self._bodies[name] = RawBody(name, transform, mass_properties, static)
        self._placed.setdefault(name, [])

    def site(self, body: str, name: str, transform: FloatArray) -> None:
        """Name a frame on a link that has neither mass nor geometry of its own; (4, 4) to the link frame, rigid."""
        raw = self._bodies[body]
        self._bodies[body] = replace(raw, sites=(*raw.sites, (name, transform)))

    @property
    def bodies(self) -> tuple[str, ...]:
        """Names of the links so far."""
        return tuple(self._bodies)

    def primitive(
        self,
        body: str,
        name: str,
        kind: PrimitiveKind,
        size_m: tuple[float, ...],
        transform: FloatArray,
        use: Use,
        look: Appearance | None = None,
        hints: PartHints | None = None,
    ) -> bool:
        """Place a primitive on a link.

        Args:
            body: Link.
            name: Of the part.
            kind: What it is.
            size_m: box: full edges (x, y, z); sphere: (radius,); cylinder and capsule along z: (radius, length), the
                capsule's without its caps; ellipsoid: semi-axes (x, y, z).
            transform: (4, 4) primitive to link frame, rigid.
            use: Whether it is seen, collides, or both.
            look: What it looks like.
            hints: What the description says of it.

        Returns:
            False when a size is not positive; a note says so.
        """
        looks = () if look is None else (self.builder.look(look),)
        key = (kind, *size_m, *looks)
        if key not in self._primitives:
            made = _tessellated(kind, size_m)
            if made is None:
                text = f"The {kind} {name!r} of {body!r} has the size {', '.join(f'{v:g}' for v in size_m)}."
                self.builder.note("primitive_without_size", "warning", text, "It is left out.")
                return False
            shape = self.builder.shapes(readable(name, kind), Soup(made.vertices, made.faces, looks=looks))[0]
            self._primitives[key] = shape
            self._geometry[shape] = (kind, *size_m)
            if made.integrals is not None:
                self._integrals[shape] = made.integrals
            if kind != "ellipsoid":
                self._colliders[shape] = Collider("", kind, size_m=size_m)
        self._place(body, name, self._primitives[key], transform, use, hints)
        return True

    def mesh(
        self,
        body: str,
        name: str,
        path: Path,
        transform: FloatArray,
        use: Use,
        look: Appearance | None = None,
        hints: PartHints | None = None,
        *,
        overrules: bool = True,
        submesh: Submesh | None = None,
    ) -> bool:
        """Place a mesh file on a link: its own coordinates (of COLLADA in its own unit), as ROS takes them.

        Args:
            body: Link.
            name: Of the part.
            path: The file, resolved (``packages.Resolver``); it becomes a source of the scene.
            transform: (4, 4) mesh to link frame, with the scale of the description; a negative one mirrors.
            use: Whether it is seen, collides, or both.
            look: What it looks like; None for the file's own looks.
            hints: What the description says of it.
            overrules: True when the look replaces the file's own looks, False when it serves where there are none.
            submesh: The part of the file that is meant; None for all of it.

        Returns:
            False when the file cannot be read or has no such part; a note says why.
        """
        chosen = "" if look is None else self.builder.look(look)
        key = (path.resolve(), chosen, overrules, submesh)
        if key not in self._meshes:
            try:
                self._meshes[key] = read_mesh(self.builder, path, chosen, overrules, submesh)
            except SourceError as error:
                self.builder.note("mesh_unreadable", "warning", f"{body}: {error.message}", error.hint)
                return False
        pieces = self._meshes[key]
        if not pieces and submesh is not None:
            self.builder.note("submesh_missing", "warning", f"{body}: {path.name} has no part {submesh.name!r}.")
        for number, piece in enumerate(pieces):
            title = name if len(pieces) == 1 else f"{name} {piece.name or number + 1}"
            self._geometry[piece.shape] = piece.geometry
            stated = with_own_hints(hints, piece.hints)
            self._place(body, title, piece.shape, transform @ piece.placement, use, stated)
        return bool(pieces)

    def soup(
        self,
        body: str,
        name: str,
        soup: Soup,
        transform: FloatArray,
        use: Use,
        hints: PartHints | None = None,
        integrals: RawIntegrals | None = None,
        key: str = "",
    ) -> bool:
        """Place triangles on a link; metres.

        Args:
            body: Link.
            name: Of the part.
            soup: The triangles.
            transform: (4, 4) to the link frame.
            use: Whether it is seen, collides, or both.
            hints: What the description says of it.
            integrals: Exact ones, when they are known.
            key: Of triangles and looks that are placed several times and shared; empty for ones of their own.

        Returns:
            False when there are no triangles.
        """
        shapes = self._soups.get(key) or self.builder.shapes(readable(name, "mesh"), soup)
        if key:
            self._soups[key] = shapes
        for shape in shapes:
            if integrals is not None and len(shapes) == 1:
                self._integrals[shape] = integrals
            self._place(body, name, shape, transform, use, hints)
        return bool(shapes)

    def _place(
        self, body: str, name: str, shape: str, transform: FloatArray, use: Use, hints: PartHints | None
    ) -> None:
        part = RawPart(readable(name, "part"), shape, transform, hints or PartHints(), body)
        self._placed[body].append(_Placed(part, use))

    def scene(
        self, title: str, joints: tuple[Joint, ...], articulation: Articulation | None = None, licence: str = ""
    ) -> RawScene:
        """The finished scene.

        Raises:
            SourceError: ``no_geometry`` when no link has any, ``unit_is_fixed`` when the user states another unit.
        """
        if self.builder.options.units not in (None, "m"):
            raise SourceError(
                "unit_is_fixed",
                f"{self.builder.path.name} is a robot description, which counts in metres and kilograms.",
                "Leave the unit away; the scale of a mesh belongs into the description.",
            )
        for body in self._bodies:
            for part in self._with_roles(self._placed[body]):
                self.builder.add_part(part)
        name = self.builder.path.name
        statement = "Robot descriptions count in metres and point z up."
        evidence = Evidence("rule", statement, name)
        scene = self.builder.scene(title, (Claim("m", 1.0, evidence),), (Claim("z", 1.0, evidence),), licence=licence)
        shapes = tuple(replace(s, brep=s.brep or self._integrals.get(s.name)) for s in scene.shapes)
        bodies = tuple(self._bodies.values())
        return replace(scene, shapes=shapes, bodies=bodies, joints=joints, articulation=articulation)

    def _with_roles(self, placed: list[_Placed]) -> list[RawPart]:
        """Parts of a link with their roles; what is seen and collides with the same geometry is one part."""
        seen = [p.part for p in placed if p.use in ("visual", "both")]
        collide = [p.part for p in placed if p.use in ("collision", "both")]
        if not seen or not collide:
            return [self._with_collision(part, "solid") for part in seen or collide]
        keys = {self._key(part) for part in collide}
        drawn = {self._key(part) for part in seen}
        friction = {self._key(part): part.hints for part in collide}
        parts = [
            self._with_collision(_touching(part, friction[self._key(part)]), "solid")
            if self._key(part) in keys
            else replace(part, role="visual")
            for part in seen
        ]
        return [*parts, *(self._with_collision(p, "collision") for p in collide if self._key(p) not in drawn)]

    def _key(self, part: RawPart) -> tuple[object, ...]:
        """What a part is and where it is, whatever it looks like."""
        return *self._geometry.get(part.shape, (part.shape,)), np.round(part.transform, 9).tobytes()

    def _with_collision(self, part: RawPart, role: PartRole) -> RawPart:
        collider = self._colliders.get(part.shape)
        if collider is None:
            return replace(part, role=role)
        evidence = Evidence("source", f"The description states a {collider.kind}.", self.builder.path.name)
        fit = CollisionFit(0.0, 0.0, 0.0, 1.0, None, 1)
        return replace(part, role=role, collision=Collision("primitive", (collider,), fit, evidence=(evidence,)))


def _touching(part: RawPart, collision: PartHints) -> RawPart:
    """A part that is seen and collides, with what its collision geometry states about contact."""
    hints = replace(
        part.hints,
        static_friction=collision.static_friction or part.hints.static_friction,
        dynamic_friction=collision.dynamic_friction or part.hints.dynamic_friction,
        restitution=collision.restitution or part.hints.restitution,
    )
    return replace(part, hints=hints)


def _tessellated(kind: PrimitiveKind, size_m: tuple[float, ...]) -> primitives.Primitive | None:
    if not (np.isfinite(size_m).all() and min(size_m) >= 0 and size_m[0] > 0):
        return None
    match kind:
        case "box":
            return primitives.box((size_m[0], size_m[1], size_m[2]))
        case "sphere":
            return primitives.sphere(size_m[0])
        case "cylinder":
            return primitives.cylinder(size_m[0], size_m[1])
        case "capsule":
            return primitives.pill(size_m[0], size_m[1])
        case "ellipsoid":
            return primitives.ellipsoid((size_m[0], size_m[1], size_m[2]))
