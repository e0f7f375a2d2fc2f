"""Walks a composed stage and places every visible surface as a part of the body that it belongs to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.cad_tessellate import is_closed
from physicl_twin.ingest.raw import RawBody, RawIntegrals
from physicl_twin.ingest.triangles import weld
from physicl_twin.ingest.usd_articulation import PhysicsPrims
from physicl_twin.ingest.usd_assets import AssetArea
from physicl_twin.ingest.usd_colliders import collides, role, stated_collision
from physicl_twin.ingest.usd_gprims import primitive
from physicl_twin.ingest.usd_looks import Looks
from physicl_twin.ingest.usd_mesh import display_color, read_mesh
from physicl_twin.ingest.usd_motion import is_site, linked_prims, motion_prims, site_prims
from physicl_twin.ingest.usd_physics import (
    Frames,
    StageUnits,
    StatedMass,
    body_of,
    column_matrix,
    is_held,
    part_hints,
    raw_body,
    rigid_part,
)
from physicl_twin.model import Collision, PartHints
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.twin import PartRole

#: Instances of one point instancer beyond this number are a scattering and no object (judgement).
_MAX_INSTANCES = 100_000


@dataclass(slots=True)
class Gathered:
    """What the walk found; ``owners`` and ``hints`` go along with the parts that were placed, in order.

    Attributes:
        time: ``Usd.TimeCode`` at which everything was read.
        frames: Of the bodies.
        bodies: By prim path.
        owners: Name of the body of each part; empty for none.
        hints: Physics hints of each part.
        roles: What each part counts for.
        collisions: Collision geometry that the stage states for a part.
        weighty: Names of bodies with a stated mass.
        held: Names of bodies that do not move by themselves.
        motion: Prims that say something about motion.
        integrals: Exact integrals of primitives, by shape name.
    """

    time: Any
    frames: Frames = field(default_factory=lambda: Frames({}, {}))
    bodies: dict[str, RawBody] = field(default_factory=dict)
    owners: list[str] = field(default_factory=list)
    hints: list[PartHints] = field(default_factory=list)
    roles: list[PartRole] = field(default_factory=list)
    collisions: list[Collision | None] = field(default_factory=list)
    weighty: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    motion: PhysicsPrims = field(default_factory=PhysicsPrims)
    integrals: dict[str, RawIntegrals] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Surface:
    """A gprim in place: ``base`` is not identity below a point instancer."""

    prim: Any
    base: FloatArray
    suffix: str
    role: PartRole = "solid"


class Gatherer:
    """Gathers one stage.

    Args:
        stage: Composed stage.
        builder: Receives shapes, parts, looks and notes.
        area: Where textures may lie.
        units: Of the stage.
    """

    def __init__(self, stage: Any, builder: SceneBuilder, area: AssetArea, units: StageUnits) -> None:
        from pxr import Usd, UsdGeom

        self._stage = stage
        self._builder = builder
        self._units = units
        # Assets with samples and no default value are read at their first sample.
        self._time = Usd.TimeCode.EarliestTime()
        self._cache = UsdGeom.XformCache(self._time)
        self._looks = Looks(builder, area, self._time)
        self._shapes: dict[str, tuple[str, ...]] = {}
        self._contents: dict[str, tuple[str, ...]] = {}
        self._shape_volumes: dict[str, float] = {}
        self._volumes: list[float] = []
        self._found = Gathered(self._time)
        self._stated: dict[str, StatedMass] = {}

    def gather(self) -> Gathered:
        """Walk the stage and place everything."""
        surfaces = self._surfaces()
        self._notice_composition_errors()
        names: set[str] = set()
        for surface in surfaces:
            self._require_body(surface.prim, names)
        self._found.motion = motion_prims(self._stage)
        for prim in linked_prims(self._found.motion):
            self._require_body(prim, names)
        self._add_sites()
        for surface in surfaces:
            self._place(surface)
        self._spread_masses()
        return self._found

    def _surfaces(self) -> list[_Surface]:
        """Surfaces to keep with their roles.

        Seen is what is visible and of purpose default or render, or else of whatever purpose there is. In an asset with
        rigid bodies colliders are kept even unseen.
        """
        found: list[tuple[_Surface, str | None]] = []
        for prim in self._walk(self._stage.GetPseudoRoot()):
            found += self._seen(prim)
        drawn = any(purpose in ("default", "render") for _, purpose in found)
        kept: list[_Surface] = []
        owners = [body_of(surface.prim) for surface, _ in found]
        touching = [collides(s.prim, b, self._time) for (s, _), b in zip(found, owners, strict=True)]
        with_colliders = {str(b.GetPath()) if b else "" for b, t in zip(owners, touching, strict=True) if t}
        physical = any(owners)
        hidden = guides = 0
        for (surface, purpose), body, collider in zip(found, owners, touching, strict=True):
            seen = purpose in ("default", "render") if drawn else purpose is not None
            path = str(body.GetPath()) if body else ""
            counts = role(seen, collider and physical, bool(path) and path in with_colliders)
            if counts is None and is_site(surface.prim):
                continue
            if counts is not None:
                kept.append(replace(surface, role=counts))
            elif purpose is None:
                hidden += 1
            else:
                guides += 1
        if hidden:
            self._builder.note("hidden_geometry", "info", f"{hidden} invisible prims were left out.")
        if guides:
            self._builder.note("guide_geometry", "info", f"{guides} prims of purpose guide or proxy were left out.")
        return kept

    def _add_sites(self) -> None:
        """Frames without matter that the asset names on its bodies."""
        for prim in site_prims(self._stage):
            body = body_of(prim)
            path = str(body.GetPath()) if body else ""
            if path not in self._found.bodies:
                continue
            frame, _ = rigid_part(column_matrix(self._cache.GetLocalToWorldTransform(prim)))
            site = (prim.GetDisplayName() or prim.GetName(), np.linalg.inv(self._found.frames.rigid[path]) @ frame)
            found = self._found.bodies[path]
            self._found.bodies[path] = replace(found, sites=(*found.sites, site))

    def _walk(self, root: Any) -> list[Any]:
        """Prims below a root with the contents of instances, without what point instancers own."""
        from pxr import Usd, UsdGeom

        prims = []
        iterator = iter(Usd.PrimRange(root, Usd.TraverseInstanceProxies()))
        for prim in iterator:
            prims.append(prim)
            if prim.IsA(UsdGeom.PointInstancer):
                iterator.PruneChildren()
        return prims

    def _seen(self, prim: Any) -> list[tuple[_Surface, str | None]]:
        """The surfaces that a prim stands for with their purpose; purpose None for hidden ones."""
        from pxr import UsdGeom

        if prim.IsA(UsdGeom.PointInstancer):
            return self._instances(UsdGeom.PointInstancer(prim))
        if not prim.IsA(UsdGeom.Gprim):
            return []
        imageable = UsdGeom.Imageable(prim)
        visible = imageable.ComputeVisibility(self._time) != UsdGeom.Tokens.invisible
        return [(_Surface(prim, np.eye(4), ""), str(imageable.ComputePurpose()) if visible else None)]

    def _instances(self, instancer: Any) -> list[tuple[_Surface, str | None]]:
        """Surfaces of a point instancer: its prototypes' gprims, moved."""
        from pxr import UsdGeom

        matrices = instancer.ComputeInstanceTransformsAtTime(self._time, self._time)
        index = instancer.GetProtoIndicesAttr().Get(self._time)
        targets = instancer.GetPrototypesRel().GetTargets()
        if not matrices or not index or len(matrices) > _MAX_INSTANCES:
            return []
        world = column_matrix(self._cache.GetLocalToWorldTransform(instancer.GetPrim()))
        mask = instancer.ComputeMaskAtTime(self._time)
        found: list[tuple[_Surface, str | None]] = []
        for number, (matrix, which) in enumerate(zip(matrices, index, strict=False)):
            if not 0 <= which < len(targets) or (mask and not mask[number]):
                continue
            prototype = self._stage.GetPrimAtPath(targets[which])
            if not prototype:
                continue
            # Instance matrices hold the prototype root's own transform already; undo it with what lies above it.
            below = np.linalg.inv(column_matrix(self._cache.GetLocalToWorldTransform(prototype)))
            base = world @ column_matrix(matrix) @ below
            for prim in self._walk(prototype):
                if prim.IsA(UsdGeom.Gprim):
                    found.append(
                        (_Surface(prim, base, f" {number + 1}"), str(UsdGeom.Imageable(prim).ComputePurpose()))
                    )
        return found

    def _require_body(self, prim: Any, taken: set[str]) -> None:
        """Register the body of a surface."""
        body = body_of(prim)
        path = str(body.GetPath()) if body else ""
        if not path or path in self._found.bodies:
            return
        rigid, scale = rigid_part(column_matrix(self._cache.GetLocalToWorldTransform(body)))
        self._found.frames.rigid[path], self._found.frames.scale[path] = rigid, scale
        wanted = body.GetDisplayName() or body.GetName()
        name = next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 100_000))) if n not in taken)
        taken.add(name)
        made, stated = raw_body(body, name, self._found.frames, self._units, self._time)
        self._found.bodies[path] = made
        if is_held(body, self._time):
            self._found.held.add(name)
        if stated is not None:
            self._stated[name] = stated
        if stated is not None or made.mass_properties is not None:
            self._found.weighty.add(name)

    def _place(self, surface: _Surface) -> None:
        """Place one surface as parts of its body."""
        prim = surface.prim
        shapes = self._shapes_of(prim)
        if not shapes:
            return
        body = body_of(prim)
        path = str(body.GetPath()) if body else ""
        world = surface.base @ column_matrix(self._cache.GetLocalToWorldTransform(prim))
        if not np.isfinite(world).all():
            self._builder.note("transform_not_finite", "warning", f"{prim.GetName()!r} has no finite placement.")
            return
        transform = np.linalg.inv(self._found.frames.rigid[path]) @ world if path else world
        above = [a.GetDisplayName() or a.GetName() for a in _ancestors(prim)]
        said = part_hints(prim, self._units, self._time, self._builder.note)
        hints = replace(said, path=tuple(above), label=_label(prim))
        name = prim.GetDisplayName() or prim.GetName()
        self._builder.place(name + surface.suffix, shapes, transform, PartHints(path=tuple(above)))
        self._found.owners += [self._found.bodies[path].name if path else ""] * len(shapes)
        self._found.hints += [hints] * len(shapes)
        self._found.roles += [surface.role] * len(shapes)
        touched = path and surface.role != "visual" and collides(prim, body, self._time)
        stated = stated_collision(prim, self._units, self._time) if touched and len(shapes) == 1 else None
        self._found.collisions += [stated] * len(shapes)
        scale = abs(float(np.linalg.det(transform[:3, :3])))
        self._volumes += [self._shape_volumes[shape] * scale for shape in shapes]

    def _shapes_of(self, prim: Any) -> tuple[str, ...]:
        """Shapes of a gprim; instances of one prototype, and copies with the same content, share them."""
        key = str((prim.GetPrimInPrototype() if prim.IsInstanceProxy() else prim).GetPath())
        if key not in self._shapes:
            made = self._soup(prim)
            self._shapes[key] = () if made is None else self._registered(prim, *made)
        return self._shapes[key]

    def _registered(self, prim: Any, soup: Soup, exact: RawIntegrals | None) -> tuple[str, ...]:
        digest = _digest(soup)
        if digest not in self._contents:
            names = self._builder.shapes(prim.GetDisplayName() or prim.GetName(), soup)
            self._contents[digest] = names
            volume = exact.volume if exact else _closed_volume(soup)
            self._shape_volumes.update({name: volume if len(names) == 1 else float("nan") for name in names})
            if exact is not None and len(names) == 1:
                self._found.integrals[names[0]] = exact
        return self._contents[digest]

    def _soup(self, prim: Any) -> tuple[Soup, RawIntegrals | None] | None:
        """Triangles of a gprim with its looks, and the exact integrals of a primitive; None for one without surface."""
        from pxr import UsdGeom

        look = self._looks.bound(prim)
        if not look:
            color = display_color(prim, self._time)
            look = self._looks.plain(color) if color is not None else ""
        if not prim.IsA(UsdGeom.Mesh):
            made = primitive(prim, self._time)
            if made is None:
                message = f"{prim.GetTypeName()} {prim.GetName()!r} is no surface that can be read."
                self._builder.note("gprim_ignored", "warning", message)
                return None
            return Soup(made.vertices, made.faces, looks=(look,) if look else ()), made.integrals
        mesh = read_mesh(prim, self._time, self._builder.path.name)
        if mesh is None:
            return None
        if mesh.subdivided:
            message = f"{prim.GetName()!r} is a subdivision surface; its control polygons are taken."
            self._builder.note("subdivision_ignored", "info", message)
        if mesh.extra_uv_sets:
            self._builder.note("uv_sets_ignored", "info", "Texture coordinate sets beyond the first were left out.")
        group, looks = self._subsets(prim, mesh.polygon, look)
        soup = Soup(
            mesh.points, mesh.faces, uvs=mesh.uvs, normals=mesh.normals, group=group, looks=looks,
            vertex_colors=mesh.colors if not look else None,
        )  # fmt: skip
        return soup, None

    def _subsets(self, prim: Any, polygon: Any, look: str) -> tuple[Any, tuple[str, ...]]:
        """Look of each triangle from the material subsets of a mesh."""
        from pxr import UsdGeom, UsdShade

        group = np.zeros(len(polygon), dtype=np.int64)
        looks = [look]
        for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets():
            if subset.GetElementTypeAttr().Get() != UsdGeom.Tokens.face:
                continue
            members = np.array(subset.GetIndicesAttr().Get(self._time) or [], dtype=np.int64)
            name = self._looks.bound(subset.GetPrim()) or look
            if name not in looks:
                looks.append(name)
            group[np.isin(polygon, members)] = looks.index(name)
        used = sorted(set(group.tolist()))
        names = [looks[i] for i in used]
        if names == [""]:
            return None, ()
        # Faces without any look beside faces with one get a plain grey, so that the order of looks stays whole.
        names = [name or self._looks.plain((0.5, 0.5, 0.5)) for name in names]
        return (np.searchsorted(used, group), tuple(names)) if len(used) > 1 else (None, tuple(names))

    def _spread_masses(self) -> None:
        """A body's stated mass without centre and inertia becomes the density of its parts."""
        for body, stated in self._stated.items():
            every = [i for i, owner in enumerate(self._found.owners) if owner == body]
            members = [i for i in every if self._found.roles[i] != "collision"] or every
            volume = sum(self._volumes[i] for i in members) * self._units.metres**3
            mass = stated.mass.value
            if not (np.isfinite(volume) and volume > 0):
                self._builder.note(
                    "mass_not_used", "warning",
                    f"{body!r} states a mass of {mass:.6g} kg, but its surfaces are not closed, so no density follows.",
                    "State the mass with --mass.",
                )  # fmt: skip
                continue
            density = self._units.estimate(mass / volume, "kg/m3", "a body mass over its volume")
            for i in members:
                self._found.hints[i] = replace(self._found.hints[i], density=density)

    def _notice_composition_errors(self) -> None:
        for error in self._stage.GetCompositionErrors():
            kind = str(error.errorType).rsplit("_", 1)[-1]
            self._builder.note("composition_error", "warning", f"USD could not compose everything ({kind}).")
        for prim in self._stage.GetPseudoRoot().GetChildren():
            label = _label(prim)
            if label:
                self._builder.note("semantic_label", "info", f"The asset is labelled {label!r}.")


def _ancestors(prim: Any) -> list[Any]:
    """Prims above a prim, the root first."""
    above, parent = [], prim.GetParent()
    while parent and not parent.IsPseudoRoot():
        above.append(parent)
        parent = parent.GetParent()
    return above[::-1]


def _label(prim: Any) -> str:
    """Semantic class of a prim itself (SemanticsLabelsAPI, or the older SemanticsAPI); empty without one."""
    found: dict[str, str] = {}
    for attribute in prim.GetAuthoredAttributes():
        name, value = attribute.GetName(), None
        if name.startswith("semantics:labels:"):
            values = attribute.Get()
            value = str(values[0]) if values else None
        elif name.startswith("semantic:") and name.endswith(":params:semanticData"):
            value = str(attribute.Get() or "")
        if value:
            found[name.rsplit(":", 1)[-1]] = value
    for taxonomy in ("class", "semanticData"):
        if taxonomy in found:
            return found[taxonomy]
    return found[min(found)] if found else ""


def _closed_volume(soup: Soup) -> float:
    """Volume of a closed surface; nan for an open one."""
    positions = np.asarray(soup.positions, dtype=np.float64)
    _, index = weld(positions)
    if not is_closed(index[soup.faces]):
        return float("nan")
    a, b, c = (positions[soup.faces[:, k]] for k in range(3))
    return abs(float(np.einsum("ij,ij->", a, np.cross(b, c)))) / 6.0


def _digest(soup: Soup) -> str:
    """Hash of everything that a soup draws."""
    digest = hashlib.sha256("\0".join(soup.looks).encode())
    for array in (soup.positions, soup.faces, soup.uvs, soup.normals, soup.group, soup.vertex_colors):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
