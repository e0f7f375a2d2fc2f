"""The twin: bodies, parts, joints, materials, sources and the decisions that turned one into the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from physicl_twin.model.collision import Collision
from physicl_twin.model.estimate import Estimate, Evidence
from physicl_twin.model.geometry import Matrix3, Pose, Shape, Vector3
from physicl_twin.model.joint import Articulation, Joint, Proposal
from physicl_twin.model.makeup import Makeup
from physicl_twin.model.material import Appearance, Material

#: Version of twin.json. A change that old readers cannot read raises it and brings a migration in ``model.codec``.
SCHEMA_VERSION = 3

SourceRole = Literal["main", "texture", "material", "sidecar", "reference"]
PartRole = Literal["solid", "visual", "collision"]
Severity = Literal["info", "warning"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that the twin was made from.

    Attributes:
        name: File name (never a machine's path), relative to the main file's folder.
        format: Lower-case format id: ``stl``, ``step``, ``glb`` …
        sha256: Hash of the bytes.
        size_bytes: Size.
        role: What it contributed.
        licence: SPDX expression, or empty when nobody said.
    """

    name: str
    format: str
    sha256: str
    size_bytes: int
    role: SourceRole = "main"
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know about a decision, a repair or a loss."""

    code: str
    severity: Severity
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A discrete choice made from evidence, such as the unit of a file.

    Attributes:
        value: What was chosen (``mm``, ``z`` …).
        probability: Posterior probability of the choice, 0..1.
        alternatives: The others as (value, probability), likeliest first.
        evidence: Reasons.
        flags: ``ambiguous`` when the runner-up cannot be ruled out.
    """

    value: str
    probability: float
    alternatives: tuple[tuple[str, float], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """How source coordinates became twin coordinates: x_twin = R · (metres_per_unit · x_source).

    Attributes:
        units: Decided length unit of the source: ``m``, ``cm``, ``mm``, ``in``, ``ft`` or another named unit.
        metres_per_unit: Scale that was applied.
        up_axis: Decided up axis of the source: ``z`` or ``y`` (``x`` in rare files).
        source_to_twin_wxyz: Rotation R from source axes to the twin's Z-up axes, unit quaternion.
    """

    units: Decision
    metres_per_unit: float
    up_axis: Decision
    source_to_twin_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PartHints:
    """What the source says about a part, before anything is concluded from it.

    Attributes:
        material: Material name as written in the source.
        material_description: Further text of that material.
        density: Density from the source, kg/m3, or None.
        layer: Layer or group.
        path: Names of the assembly nodes above the part, root first.
        label: Part label (``--part-labels``).
        static_friction: From a physics material of the source, or None.
        dynamic_friction: Likewise.
        restitution: Likewise.
    """

    material: str = ""
    material_description: str = ""
    density: Estimate | None = None
    layer: str = ""
    path: tuple[str, ...] = ()
    label: str = ""
    static_friction: Estimate | None = None
    dynamic_friction: Estimate | None = None
    restitution: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a body made of one material.

    Attributes:
        name: Unique in the twin; readable, any Unicode (the USD writer makes identifiers).
        shape: Name of the shape that it places.
        pose: Placement of the shape in the body frame.
        hints: What the source says.
        material: Name of its material; empty until normalize.
        mass: kg; None until normalize.
        collision: None until normalize.
        makeup: What it holds inside its surface; None when it is its material throughout.
        role: ``solid`` is seen, weighs and collides; ``visual`` is seen and weighs but collides by other parts of its
            body; ``collision`` only collides.
    """

    name: str
    shape: str
    pose: Pose = Pose()
    hints: PartHints = PartHints()
    material: str = ""
    mass: Estimate | None = None
    collision: Collision | None = None
    makeup: Makeup | None = None
    role: PartRole = "solid"

    @property
    def visible(self) -> bool:
        """True for what is seen and has mass."""
        return self.role != "collision"

    @property
    def collides(self) -> bool:
        """True for what other bodies can touch."""
        return self.role != "visual"


@dataclass(frozen=True, slots=True)
class MassProperties:
    """Mass, centre of mass and inertia of a rigid body, in the body frame.

    Attributes:
        mass: kg.
        com_m: Centre of mass.
        com_std_m: Standard deviation of each coordinate.
        inertia_kgm2: (3, 3) about the centre of mass, body axes.
        inertia_std_kgm2: (3, 3) standard deviation of each element.
        evidence: Method and reasons.
    """

    mass: Estimate
    com_m: Vector3
    com_std_m: Vector3
    inertia_kgm2: Matrix3
    inertia_std_kgm2: Matrix3
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A named frame on a body without any matter: a tool point, a sensor's mount, a link that only names a place.

    Attributes:
        name: Unique in the twin, also among its bodies.
        pose: Placement in the body frame.
    """

    name: str
    pose: Pose = Pose()


@dataclass(frozen=True, slots=True)
class Body:
    """A rigid link.

    Attributes:
        name: Unique in the twin.
        parts: Its pieces; none for a link without geometry.
        pose: Placement of the body frame in the twin frame.
        mass_properties: None until normalize, unless the source states them (then normalize keeps what is possible).
        static: True for what never moves and has no mass of its own: a wall.
        sites: Frames that go with it.
    """

    name: str
    parts: tuple[Part, ...]
    pose: Pose = Pose()
    mass_properties: MassProperties | None = None
    static: bool = False
    sites: tuple[Site, ...] = ()

    @property
    def matter(self) -> tuple[Part, ...]:
        """The parts that have mass: all but those that only collide, unless there are no others."""
        return tuple(part for part in self.parts if part.visible) or self.parts

    @property
    def mass(self) -> Estimate | None:
        """Mass of the body, kg."""
        return self.mass_properties.mass if self.mass_properties else None


@dataclass(frozen=True, slots=True)
class Semantics:
    """What the thing is.

    Attributes:
        label: Class name in plain English (``hammer``), or ``object`` when unknown.
        qcode: Wikidata item of the class or of its nearest verified ancestor.
        qcode_label: Label of that item.
        evidence: Reasons.
    """

    label: str
    qcode: str
    qcode_label: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Twin:
    """A physical object (or several that belong together) as its files describe it and as we understand it.

    Attributes:
        name: File-safe identifier ``[A-Za-z_][A-Za-z0-9_]*``; the asset's folder and prim name.
        title: Readable name, any Unicode.
        sources: Files, the main one first.
        frame: Units and axes.
        shapes: Geometry that parts place.
        appearances: Looks.
        bodies: Rigid links; one for a prop.
        joints: Joints between them.
        proposals: Joints that are likely but not sure enough to be authored; somebody decides.
        articulation: How bodies with joints are simulated; None until normalize, or when there are no joints.
        materials: Materials of the parts; empty until normalize.
        semantics: Class; None until normalize.
        licence: SPDX expression of the twin; empty when nobody said.
        notes: What the user should know.
        version: Grows with each new version of the same twin.
        schema_version: Of this record.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    frame: Frame
    shapes: tuple[Shape, ...]
    bodies: tuple[Body, ...]
    appearances: tuple[Appearance, ...] = ()
    joints: tuple[Joint, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    articulation: Articulation | None = None
    materials: tuple[Material, ...] = ()
    semantics: Semantics | None = None
    licence: str = ""
    notes: tuple[Note, ...] = ()
    version: int = 1
    schema_version: int = SCHEMA_VERSION

    def shape(self, name: str) -> Shape:
        """The shape of that name (KeyError when absent)."""
        for shape in self.shapes:
            if shape.name == name:
                return shape
        raise KeyError(name)

    def material(self, name: str) -> Material:
        """The material of that name (KeyError when absent)."""
        for material in self.materials:
            if material.name == name:
                return material
        raise KeyError(name)

    def body(self, name: str) -> Body:
        """The body of that name (KeyError when absent)."""
        for body in self.bodies:
            if body.name == name:
                return body
        raise KeyError(name)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts of all bodies, in order."""
        return tuple(part for body in self.bodies for part in body.parts)

    def with_notes(self, *notes: Note) -> Twin:
        """The twin with further notes."""
        return replace(self, notes=self.notes + notes)
