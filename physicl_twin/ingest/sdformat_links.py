"""Links of SDFormat: mass, geometry, looks and what a surface does in contact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import LARGEST, Element, number, numbers
from physicl_twin.ingest.link_meshes import Submesh
from physicl_twin.ingest.links import PrimitiveKind, Use
from physicl_twin.ingest.mechanism import Leftovers, Link, Piece, inverse, stated_mass_properties
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.sdformat_frames import Scope, pose_of_element, truth
from physicl_twin.ingest.sdformat_looks import look_of
from physicl_twin.model import Estimate, MassProperties, PartHints
from physicl_twin.model.geometry import FloatArray

_READ = frozenset(["pose", "inertial", "visual", "collision", "self_collide"])
#: Flags that say nothing when they have the value that Gazebo assumes.
_USUAL = {"gravity": "1", "kinematic": "0", "enable_wind": "0", "must_be_base_link": "0"}
_PRIMITIVES: dict[str, tuple[PrimitiveKind, tuple[str, ...]]] = {
    "box": ("box", ("size",)),
    "sphere": ("sphere", ("radius",)),
    "cylinder": ("cylinder", ("radius", "length")),
    "capsule": ("capsule", ("radius", "length")),
    "ellipsoid": ("ellipsoid", ("radii",)),
}
_OFF_DIAGONAL = (("ixy", 0, 1), ("ixz", 0, 2), ("iyz", 1, 2))


@dataclass(frozen=True, slots=True)
class LinkReader:
    """Reads the links of one document.

    Attributes:
        builder: Of the main file.
        resolver: Finds meshes and textures of the document.
        stating: For numbers.
        leftovers: Told of what a twin has no place for.
    """

    builder: SceneBuilder
    resolver: Resolver
    stating: Stating
    leftovers: Leftovers

    def link(self, element: Element, name: str, scope: Scope, frame: FloatArray, static: bool) -> Link:
        """A link.

        Args:
            element: The ``link``.
            name: Path of the link.
            scope: The model that it belongs to.
            frame: (4, 4) pose of the link in the frame of the description.
            static: True when its model never moves.

        Raises:
            SourceError: ``number_invalid``, ``frame_unknown``, ``reference_escapes``.
        """
        for child in element.children:
            usual = _USUAL.get(child.tag)
            if child.tag not in _READ and not (usual is not None and truth(child) == (usual == "1")):
                self.leftovers.add(f"link/{child.tag}", child.name or name)
        at = scope.pose(element.name, element)
        pieces = []
        uses: tuple[Use, ...] = ("visual", "collision")
        for use in uses:
            for shape in element.all(use):
                piece = self._piece(shape, name, use, scope, at, element)
                if piece is not None:
                    pieces.append(piece)
        stated = None if static else self._mass_properties(element, name, scope, at)
        return Link(name, stated, tuple(pieces), frame, static)

    def _mass_properties(self, link: Element, name: str, scope: Scope, at: FloatArray) -> MassProperties | None:
        inertial = link.find("inertial")
        if inertial is None or (inertial.get("auto") or "").lower() in ("true", "1"):
            return None
        for child in inertial.children:
            if child.tag not in ("pose", "mass", "inertia"):
                self.leftovers.add(f"inertial/{child.tag}", name)
        mass_element = inertial.find("mass")
        if mass_element is None:
            message = f"{inertial.place}: the inertial of {name!r} states no mass; it is left out."
            self.builder.note("mass_missing", "warning", message, "State the mass of the link.")
            return None
        mass = number(mass_element.text, f"mass of {name!r}", mass_element)
        if not 0.0 < mass < LARGEST:
            message = f"{mass_element.place}: the mass of {name!r} is {mass:g} kg; it counts as not stated."
            self.builder.note("mass_impossible", "warning", message, "State its mass.")
            return None
        inertia = np.zeros((3, 3))
        tensor = inertial.find("inertia")
        if tensor is not None:
            for index, key in enumerate(("ixx", "iyy", "izz")):
                inertia[index, index] = _component(tensor, key, 1.0, name)
            for key, row, column in _OFF_DIAGONAL:
                inertia[row, column] = inertia[column, row] = _component(tensor, key, 0.0, name)
        pose, base = pose_of_element(inertial, "")
        frame = pose if not base else inverse(at) @ scope.pose(base, inertial) @ pose
        field = f"link[@name='{name}']/inertial"
        return stated_mass_properties(mass, frame, inertia, self.stating.relative_std, self.stating.source, field)

    def _piece(
        self, element: Element, link: str, use: Use, scope: Scope, at: FloatArray, owner: Element
    ) -> Piece | None:
        geometry = element.find("geometry")
        shape = geometry.children[0] if geometry is not None and geometry.children else None
        if shape is None:
            self.builder.note("geometry_missing", "info", f"{element.place}: a {use} of {link!r} has no geometry.")
            return None
        pose, base = pose_of_element(element, "")
        transform = pose if not base else inverse(at) @ scope.pose(base, element) @ pose
        look = look_of(element, self.builder, self.resolver, self.leftovers, link) if use == "visual" else None
        hints = self._hints(element, link, owner) if use == "collision" else PartHints()
        placed = Piece(link, None, transform, use, look=look, overrules=True, hints=hints)
        if shape.tag == "mesh":
            return self._mesh(shape, placed, link)
        if shape.tag == "empty":
            return None
        if shape.tag == "plane":
            message = f"{shape.place}: {link!r} has an endless plane as {use}, which is no object; it is left out."
            self.builder.note("plane_ignored", "info", message)
            return None
        if shape.tag not in _PRIMITIVES:
            message = f"{shape.place}: {link!r} has geometry of the kind {shape.tag[:60]!r}, which is left out."
            self.builder.note("geometry_unknown", "warning", message, "Use a mesh.")
            return None
        kind, keys = _PRIMITIVES[shape.tag]
        size: list[float] = []
        for key in keys:
            text = shape.words(key) or ""
            count = 3 if key in ("size", "radii") else 1
            size += [float(v) for v in numbers(text, count, f"{key} of a {kind} of {link!r}", shape)]
        if min(size) <= 0:
            message = f"{shape.place}: a {kind} of {link!r} has the size {', '.join(f'{v:g}' for v in size)}."
            self.builder.note("primitive_without_size", "warning", message, "It is left out.")
            return None
        return replace(placed, kind=kind, size_m=tuple(size))

    def _mesh(self, mesh: Element, placed: Piece, link: str) -> Piece | None:
        uri = mesh.words("uri") or ""
        if not uri:
            self.builder.note("mesh_missing", "warning", f"{mesh.place}: a mesh of {link!r} names no file.")
            return None
        path = self.resolver.find(uri, f"{mesh.file} ({link})")
        if path is None:
            return None
        factors = numbers(mesh.words("scale") or "1 1 1", 3, f"scale of a mesh of {link!r}", mesh)
        if not factors.all():
            message = f"{mesh.place}: a mesh of {link!r} is scaled to nothing."
            self.builder.note("mesh_without_size", "warning", message, "It is left out.")
            return None
        submesh = mesh.find("submesh")
        chosen = None
        if submesh is not None and submesh.words("name"):
            chosen = Submesh(submesh.words("name") or "", bool(truth(submesh.find("center"))))
        transform = placed.transform @ np.diag([*factors, 1.0])
        return replace(placed, path=path, transform=transform, submesh=chosen)

    def _hints(self, collision: Element, link: str, owner: Element) -> PartHints:
        """What a collision element says of density and of contact."""
        density = self._density(collision, owner, link)
        surface = collision.find("surface")
        if surface is None:
            return PartHints(density=density)
        friction, where = None, f"link[@name='{link}']/collision/surface"
        for path, keys in (("friction/ode", ("mu", "mu2")), ("friction/bullet", ("friction", "friction2"))):
            engine = surface.find(path)
            if engine is not None and friction is None:
                values = [number(engine.words(k) or "", f"{k} of {link!r}", engine) for k in keys if engine.words(k)]
                friction = self.stating.friction(tuple(values), where)
                if values and friction is None:
                    message = f"{link!r} has a friction of {values[0]:g}, which no surface has; it is left out."
                    self.builder.note("friction_implausible", "info", message)
        restitution: Estimate | None = None
        text = surface.words("bounce/restitution_coefficient")
        if text:
            value = number(text, f"restitution of {link!r}", surface)
            restitution = self.stating.measured(value, "1", "a restitution of", where) if 0 <= value <= 1 else None
        for path in ("friction/torsional", "contact", "soft_contact"):
            if surface.find(path) is not None:
                self.leftovers.add(f"surface/{path}", link)
        return PartHints(density=density, static_friction=friction, dynamic_friction=friction, restitution=restitution)

    def _density(self, collision: Element, owner: Element, link: str) -> Estimate | None:
        inertial = owner.find("inertial")
        for element in (collision, inertial):
            found = None if element is None else element.find("density")
            if found is not None and found.text:
                value = number(found.text, f"density of {link!r}", found)
                if 0 < value < np.inf:
                    field = f"link[@name='{link}']/density"
                    return self.stating.measured(value, "kg/m3", "a density of", field)
        return None


def _component(tensor: Element, key: str, default: float, link: str) -> float:
    text = tensor.words(key)
    return default if not text else float(numbers(text, 1, f"{key} of {link!r}", tensor)[0])
