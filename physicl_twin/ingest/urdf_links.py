"""Links of a URDF: mass, geometry that is seen, geometry that collides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import LARGEST, Element, name_of, number, numbers, quoted
from physicl_twin.ingest.links import PrimitiveKind, Use
from physicl_twin.ingest.mechanism import (
    Leftovers,
    Link,
    Piece,
    rotation_rpy,
    stated_mass_properties,
    transform_of,
)
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.urdf_looks import UrdfLooks, stated_material
from physicl_twin.model import Estimate, MassProperties, PartHints, Pose
from physicl_twin.model.geometry import FloatArray

#: What a link may hold that is read here.
_KNOWN = frozenset(["inertial", "visual", "collision", "contact"])
#: PyBullet's contact elements that a twin has a place for.
_CONTACT = {"lateral_friction": "friction", "restitution": "restitution"}


def origin_of(element: Element) -> FloatArray:
    """(4, 4) transform of the ``origin`` inside an element; the identity without one.

    Raises:
        SourceError: ``number_invalid``.
    """
    origin = element.find("origin")
    if origin is None:
        return np.eye(4)
    position = numbers(origin.get("xyz") or "0 0 0", 3, "xyz of an origin", origin)
    if quaternion := origin.get("quat_xyzw"):
        x, y, z, w = (float(v) for v in numbers(quaternion, 4, "quat_xyzw of an origin", origin))
        length = float(np.linalg.norm([x, y, z, w])) or 1.0
        rotation = Pose((0.0, 0.0, 0.0), (w / length, x / length, y / length, z / length)).rotation()
        return transform_of(position, rotation)
    roll, pitch, yaw = numbers(origin.get("rpy") or "0 0 0", 3, "rpy of an origin", origin)
    return transform_of(position, rotation_rpy(roll, pitch, yaw))


class UrdfLinks:
    """Reads the links of one URDF.

    Args:
        root: The ``robot`` element.
        builder: Of the main file.
        resolver: Finds meshes and textures.
        stating: For numbers.
        leftovers: Told of what a twin has no place for.
        folders: Further folders that mesh files may lie in.
    """

    def __init__(
        self,
        root: Element,
        builder: SceneBuilder,
        resolver: Resolver,
        stating: Stating,
        leftovers: Leftovers,
        folders: tuple[Path, ...] = (),
    ) -> None:
        self._builder = builder
        self._resolver = resolver
        self._stating = stating
        self._leftovers = leftovers
        self._folders = folders
        self._looks = UrdfLooks(root, builder, resolver)
        self._massless: list[str] = []

    def link(self, element: Element) -> Link:
        """A link.

        Raises:
            SourceError: ``name_missing``, ``number_invalid``, ``reference_escapes``.
        """
        name = name_of(element, "link")
        for other in element.children:
            if other.tag not in _KNOWN:
                self._leftovers.add(f"link/{other.tag}", name)
        contact = self._contact(element, name)
        pieces = []
        uses: tuple[Use, ...] = ("visual", "collision")
        for use in uses:
            for shape in element.all(use):
                piece = self._piece(shape, name, use)
                if piece is not None:
                    pieces.append(replace(piece, hints=_with_contact(piece.hints, contact)))
        return Link(name, self._mass_properties(element, name), tuple(pieces))

    def tell_massless(self) -> None:
        """Note the links that state a mass of zero, which count as those that state none."""
        if self._massless:
            message = f"Links with a mass of zero count as links that state none: {quoted(self._massless)}."
            self._builder.note("mass_zero", "info", message)

    def _mass_properties(self, link: Element, name: str) -> MassProperties | None:
        inertial = link.find("inertial")
        if inertial is None:
            return None
        mass_element, inertia_element = inertial.find("mass"), inertial.find("inertia")
        stated = None if mass_element is None else mass_element.get("value")
        if mass_element is None or stated is None:
            message = f"{inertial.place}: the inertial of {name!r} states no mass; it is left out."
            self._builder.note("mass_missing", "warning", message, "State the mass of the link.")
            return None
        mass = number(stated, f"mass of {name!r}", mass_element)
        if mass == 0.0:
            self._massless.append(name)
            return None
        if not 0.0 < mass < LARGEST:
            message = (
                f"{mass_element.place}: the mass of {name!r} is {mass:g} kg; the link counts as one that states none."
            )
            self._builder.note("mass_impossible", "warning", message, "State its mass.")
            return None
        inertia = np.zeros((3, 3))
        if inertia_element is not None:
            inertia = _inertia(inertia_element, name)
        field = f"link[@name='{name}']/inertial"
        return stated_mass_properties(
            mass, origin_of(inertial), inertia, self._stating.relative_std, self._stating.source, field
        )

    def _piece(self, element: Element, link: str, use: Use) -> Piece | None:
        geometry = element.find("geometry")
        shape = geometry.children[0] if geometry is not None and geometry.children else None
        if shape is None:
            message = f"{element.place}: a {use} of {link!r} has no geometry."
            self._builder.note("geometry_missing", "info", message)
            return None
        look = self._looks.look(element) if use == "visual" else None
        material = element.find("material") if use == "visual" else None
        hints = PartHints(material="" if material is None else stated_material(material.name))
        placed = Piece(element.name or link, None, origin_of(element), use, look=look, hints=hints)
        if shape.tag == "mesh":
            return self._mesh(shape, placed, link)
        return self._primitive(shape, placed, link)

    def _mesh(self, mesh: Element, placed: Piece, link: str) -> Piece | None:
        uri = mesh.get("filename") or mesh.get("url") or ""
        if not uri:
            self._builder.note("mesh_missing", "warning", f"{mesh.place}: a mesh of {link!r} names no file.")
            return None
        path = self._resolver.find(uri, f"{self._builder.path.name} ({link})", self._folders)
        if path is None:
            return None
        scale = mesh.get("scale") or "1 1 1"
        if len(scale.split()) == 1:
            scale = " ".join([scale] * 3)
        factors = numbers(scale, 3, f"scale of a mesh of {link!r}", mesh)
        if not factors.all():
            message = f"{mesh.place}: a mesh of {link!r} is scaled by {scale}, which leaves nothing of it."
            self._builder.note("mesh_without_size", "warning", message, "It is left out.")
            return None
        return replace(placed, path=path, transform=placed.transform @ np.diag([*factors, 1.0]))

    def _primitive(self, shape: Element, placed: Piece, link: str) -> Piece | None:
        kinds: dict[str, tuple[PrimitiveKind, tuple[str, ...]]] = {
            "box": ("box", ()),
            "sphere": ("sphere", ("radius",)),
            "cylinder": ("cylinder", ("radius", "length")),
            "capsule": ("capsule", ("radius", "length")),
        }
        if shape.tag not in kinds:
            message = (
                f"{shape.place}: {link!r} has geometry of the kind {shape.tag[:60]!r}, which URDF does not define."
            )
            self._builder.note("geometry_unknown", "warning", message, "Use a mesh.")
            return None
        kind, names = kinds[shape.tag]
        if kind == "box":
            size = tuple(float(v) for v in numbers(shape.get("size") or "", 3, f"size of a box of {link!r}", shape))
        else:
            size = tuple(number(shape.get(n) or "", f"{n} of a {kind} of {link!r}", shape) for n in names)
        if not (np.isfinite(size).all() and min(size) > 0):
            message = f"{shape.place}: a {kind} of {link!r} has the size {', '.join(f'{v:g}' for v in size)}."
            self._builder.note("primitive_without_size", "warning", message, "It is left out.")
            return None
        return replace(placed, kind=kind, size_m=size)

    def _contact(self, link: Element, name: str) -> dict[str, Estimate]:
        """PyBullet's contact properties of a link."""
        found: dict[str, Estimate] = {}
        contact = link.find("contact")
        for element in contact.children if contact is not None else ():
            field = f"link[@name='{name}']/contact/{element.tag}"
            text = element.get("value")
            if element.tag not in _CONTACT or text is None:
                self._leftovers.add(f"contact/{element.tag}", name)
                continue
            value = number(text, f"{element.tag} of {name!r}", element)
            if element.tag == "restitution":
                if 0 <= value <= 1:
                    found["restitution"] = self._stating.measured(value, "1", "a restitution of", field)
            elif (friction := self._stating.friction((value,), field)) is not None:
                found["friction"] = friction
        return found


def _with_contact(hints: PartHints, contact: dict[str, Estimate]) -> PartHints:
    friction = contact.get("friction")
    return replace(hints, static_friction=friction, dynamic_friction=friction, restitution=contact.get("restitution"))


def _inertia(element: Element, link: str) -> FloatArray:
    """(3, 3) inertia; what is not stated is zero."""

    def moment(name: str) -> float:
        value = number(element.get(name) or "0", f"{name} of {link!r}", element)
        return float(numbers(str(value), 1, f"{name} of {link!r}", element)[0])

    xx, yy, zz = moment("ixx"), moment("iyy"), moment("izz")
    xy, xz, yz = moment("ixy"), moment("ixz"), moment("iyz")
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
