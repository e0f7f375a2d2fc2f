"""Where everything of a twin goes on the stage: decided once, handed to every layer's author."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from physicl_twin.model import Appearance, Body, Collider, Joint, Material, Part, Pose, Shape, Site, Twin, UsdError
from physicl_twin.render.looks import part_looks
from physicl_twin.usd.mechanism import WORLD_ANCHOR, Mechanism, missing_of_joints, plan_mechanism
from physicl_twin.usd.names import Names
from physicl_twin.usd.options import UsdOptions

#: Children of the root prim that bodies must not be called.
RESERVED = (
    "geometry",
    "colliders",
    "sites",
    "Looks",
    "PhysicsMaterials",
    "joints",
    "actuators",
    "self_collision",
    "grasp_identifier_01",
)


@dataclass(frozen=True, slots=True)
class ColliderPlan:
    """A collider prim: ``prim`` in the stage; ``hull`` is the prim name of its mesh in the geometry layer, or empty."""

    collider: Collider
    part: Part
    prim: str
    pose: Pose
    hull: str


@dataclass(frozen=True, slots=True)
class LookPlan:
    """A visual material.

    Attributes:
        prim: Prim name under ``Looks``.
        appearance: What it looks like.
        material: What it is made of; None when unknown.
        textured: True when the shapes that use it have texture coordinates.
        vertex_colored: True when its colour is the mesh's ``displayColor``.
    """

    prim: str
    appearance: Appearance
    material: Material | None
    textured: bool
    vertex_colored: bool


@dataclass(frozen=True, slots=True)
class ShapePlan:
    """A mesh in the geometry layer, with the prim names of its face subsets (one an appearance that it uses)."""

    shape: Shape
    prim: str
    subsets: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class PartPlan:
    """A placed shape.

    Attributes:
        part: The part.
        prim: Path of its Xform.
        shape: What it places.
        prototype: Prim name in the instance layer; empty when its mesh is not drawn: a part that only collides and
            whose shape is seen elsewhere.
        instanced: True for a USD instance: another part places the same shape, or the shape has several looks
            (SimReady's NVM.004 does not see bindings of subsets elsewhere).
        looks: One for each subset of the shape, or the one of the whole mesh; none when it is not drawn.
    """

    part: Part
    prim: str
    shape: ShapePlan
    prototype: str
    instanced: bool
    looks: tuple[LookPlan, ...]


@dataclass(frozen=True, slots=True)
class BodyPlan:
    """A body and everything in it."""

    body: Body
    prim: str
    parts: tuple[PartPlan, ...]
    colliders: tuple[ColliderPlan, ...]
    sites: tuple[tuple[str, Site], ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The whole stage.

    Attributes:
        twin: What is written.
        root: Path of the root prim.
        bodies: Bodies with their parts and colliders; the only body of a twin without joints is the root prim itself.
        shapes: Geometry, each once.
        hulls: (prim name, collider that holds the mesh), each distinct hull once.
        looks: Visual materials.
        physics_materials: (prim path, material).
        mechanism: Joints and where the articulation's root stands; None without joints.
        textures: (texture file of the model, file name on disk).
        paths: Prim path of each body by its name.
        material_paths: Prim path of each physics material by its name.
    """

    twin: Twin
    root: str
    bodies: tuple[BodyPlan, ...]
    shapes: tuple[ShapePlan, ...]
    hulls: tuple[tuple[str, Collider], ...]
    looks: tuple[LookPlan, ...]
    physics_materials: tuple[tuple[str, Material], ...]
    mechanism: Mechanism | None
    textures: tuple[tuple[str, str], ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    material_paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def joints(self) -> tuple[tuple[str, Joint], ...]:
        """(prim path, joint) of the twin's joints."""
        return tuple((plan.prim, plan.joint) for plan in self.mechanism.joints) if self.mechanism is not None else ()

    def body_path(self, name: str) -> str:
        """Prim path of the body of that name."""
        return self.paths[name]

    def physics_material_path(self, name: str) -> str:
        """Prim path of the physics material of that name."""
        return self.material_paths[name]


def require_complete(twin: Twin) -> None:
    """Refuse a twin that lacks what the asset needs.

    Raises:
        UsdError: ``twin_not_normalized`` naming what is missing.
    """
    missing: list[str] = []
    if not twin.bodies or not twin.parts:
        missing.append("a body with parts")
    if twin.semantics is None:
        missing.append("semantics")
    materials = {material.name for material in twin.materials}
    for body in twin.bodies:
        if body.mass_properties is None and not body.static:
            missing.append(f"mass properties of {body.name!r}")
        for part in body.parts:
            if part.material not in materials:
                missing.append(f"material of {part.name!r}")
            if part.collision is None:
                if part.collides:
                    missing.append(f"collision of {part.name!r}")
            elif any(c.kind == "hull" and c.hull is None for c in part.collision.colliders):
                missing.append(f"hull meshes of {part.name!r}")
    missing += missing_of_joints(twin)
    missing += [f"image {t.file!r}" for look in twin.appearances for t in look.textures if t.data is None]
    missing += [f"mesh of {shape.name!r}" for shape in twin.shapes if shape.mesh is None]
    if missing:
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise UsdError(
            "twin_not_normalized",
            f"{twin.title!r} cannot be written as USD yet: it lacks {', '.join(missing[:4])}{more}.",
            "Run normalize first; for a twin loaded from twin.json, attach its geometry first.",
        )


def plan(twin: Twin, options: UsdOptions) -> Layout:
    """Decide the names and paths of a complete twin.

    Raises:
        UsdError: ``twin_not_normalized``.
    """
    require_complete(twin)
    root = f"/{twin.name}"
    shapes = _plan_shapes(twin)
    hulls = _plan_hulls(twin)
    looks = _Looks(twin, options)
    prototypes = _Prototypes(twin)
    body_names = Names(RESERVED)
    single = len(twin.bodies) == 1 and not twin.joints and twin.bodies[0].pose.is_identity
    bodies = []
    for body in twin.bodies:
        path = root if single else f"{root}/{body_names.unique(body.name, 'body')}"
        names = Names()
        parts: list[PartPlan] = []
        colliders: list[ColliderPlan] = []
        for part in body.parts:
            name = names.unique(part.name, "part")
            shape = shapes[part.shape]
            prototype, instanced = prototypes.of(part, shape)
            seen = looks.of(part, shape) if prototype else ()
            parts.append(PartPlan(part, f"{path}/geometry/{name}", shape, prototype, instanced, seen))
            if part.collides:
                colliders += _plan_colliders(part, f"{path}/colliders/{name}", hulls)
        site_names = Names()
        sites = tuple((f"{path}/sites/{site_names.unique(site.name, 'site')}", site) for site in body.sites)
        bodies.append(BodyPlan(body, path, tuple(parts), tuple(colliders), sites))
    used = {part.material for part in twin.parts}
    material_names = Names()
    materials = tuple(
        (f"{root}/PhysicsMaterials/{material_names.unique(material.name)}", material)
        for material in twin.materials
        if material.name in used
    )
    paths = {plan.body.name: plan.prim for plan in bodies}
    return Layout(
        twin=twin,
        root=root,
        bodies=tuple(bodies),
        shapes=tuple(shapes[name] for name in dict.fromkeys(part.shape for part in twin.parts)),
        hulls=tuple(hulls.values()),
        looks=looks.all,
        physics_materials=materials,
        mechanism=plan_mechanism(twin, root, paths, lambda: f"{root}/{body_names.unique(WORLD_ANCHOR)}"),
        textures=_plan_textures(looks.all),
        paths=paths,
        material_paths={material.name: path for path, material in materials},
    )


def _plan_colliders(part: Part, stem: str, hulls: dict[str, tuple[str, Collider]]) -> list[ColliderPlan]:
    return [
        ColliderPlan(
            collider,
            part,
            f"{stem}_{index:02d}",
            part.pose.compose(collider.pose),
            hulls[hull_key(collider)][0] if collider.kind == "hull" else "",
        )
        for index, collider in enumerate(part.collision.colliders if part.collision else ())
    ]


def hull_key(collider: Collider) -> str:
    """Hash by which colliders share a hull mesh."""
    return collider.hull_sha256 or (collider.hull.sha256() if collider.hull else "")


def _plan_shapes(twin: Twin) -> dict[str, ShapePlan]:
    names = Names()
    plans = {}
    for shape in twin.shapes:
        prim = names.unique(shape.name, "shape")
        assert shape.mesh is not None  # require_complete
        subsets: tuple[tuple[int, str], ...] = ()
        if len(shape.appearances) > 1 and shape.mesh.face_appearance is not None:
            subset_names = Names()
            present = set(shape.mesh.face_appearance.tolist())
            subsets = tuple(
                (index, subset_names.unique(name, "look"))
                for index, name in enumerate(shape.appearances)
                if index in present
            )
        plans[shape.name] = ShapePlan(shape, prim, subsets)
    return plans


def _plan_hulls(twin: Twin) -> dict[str, tuple[str, Collider]]:
    """Hull hash to (prim name, first collider with it): bolts of one shape share their hulls."""
    hulls: dict[str, tuple[str, Collider]] = {}
    for part in twin.parts:
        for collider in part.collision.colliders if part.collision else ():
            if collider.kind == "hull" and hull_key(collider) not in hulls:
                hulls[hull_key(collider)] = (f"hull_{len(hulls):04d}", collider)
    return hulls


def _plan_textures(looks: tuple[LookPlan, ...]) -> tuple[tuple[str, str], ...]:
    names = Names()
    wanted = dict.fromkeys(texture.file for look in looks if look.textured for texture in look.appearance.textures)
    return tuple((file, names.unique_file(file)) for file in wanted)


class _Prototypes:
    """Prototype names: one a shape, or one a shape and substance where the prototype carries its materials."""

    def __init__(self, twin: Twin) -> None:
        seen = {part.shape for part in twin.parts if part.visible}
        # A part that only collides is drawn, as a guide, when nothing else brings its mesh to the stage.
        self._hidden = {part.name for part in twin.parts if not part.visible and part.shape in seen}
        self._uses = Counter(part.shape for part in twin.parts if part.name not in self._hidden)
        self._names = Names()
        self._known: dict[tuple[str, str], str] = {}

    def of(self, part: Part, shape: ShapePlan) -> tuple[str, bool]:
        if part.name in self._hidden:
            return "", False
        instanced = self._uses[part.shape] > 1 or bool(shape.subsets)
        key = (part.shape, part.material if instanced else "")
        if key not in self._known:
            self._known[key] = self._names.unique(f"{shape.prim}_{key[1]}" if key[1] else shape.prim)
        return self._known[key], instanced


class _Looks:
    """One visual material for each combination of appearance, substance and kind of mesh that occurs."""

    def __init__(self, twin: Twin, options: UsdOptions) -> None:
        self._twin = twin
        self._looks = options.looks
        self._materials = {material.name: material for material in twin.materials}
        self._names = Names()
        self._plans: dict[tuple[str, str, bool, bool], LookPlan] = {}
        self._substances: dict[str, set[str]] = {}
        for part in twin.parts:
            for appearance in part_looks(twin, part, self._looks):
                self._substances.setdefault(appearance.name, set()).add(part.material)

    @property
    def all(self) -> tuple[LookPlan, ...]:
        return tuple(self._plans.values())

    def of(self, part: Part, shape: ShapePlan) -> tuple[LookPlan, ...]:
        appearances = part_looks(self._twin, part, self._looks)
        indices = [index for index, _ in shape.subsets] or [0]
        return tuple(self._plan(appearances[index], part, shape.shape) for index in indices)

    def _plan(self, appearance: Appearance, part: Part, shape: Shape) -> LookPlan:
        mesh = shape.mesh
        textured = bool(appearance.textures) and mesh is not None and mesh.uvs is not None
        painted = textured and any(texture.slot == "base_color" for texture in appearance.textures)
        vertex_colored = mesh is not None and mesh.vertex_colors is not None and not painted
        key = (appearance.name, part.material, textured, vertex_colored)
        if key not in self._plans:
            several = len(self._substances[appearance.name]) > 1
            name = f"{appearance.name}_{part.material}" if several else appearance.name
            prim = self._names.unique(name, "look")
            self._plans[key] = LookPlan(prim, appearance, self._materials.get(part.material), textured, vertex_colored)
        return self._plans[key]
