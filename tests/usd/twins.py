"""Twins made by hand, with mass properties that are known in closed form."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from physicl_twin import settings, usd
from physicl_twin.model import (
    Alternative,
    Appearance,
    Body,
    Collider,
    Collision,
    CollisionCandidate,
    CollisionFit,
    Decision,
    Estimate,
    Evidence,
    Frame,
    GeometrySummary,
    Joint,
    MassProperties,
    Material,
    Mesh,
    Part,
    PartHints,
    Pose,
    Semantics,
    Shape,
    SolidProperties,
    Source,
    Texture,
    Twin,
)

EVIDENCE = (Evidence("source", "The file says so.", "part.step", "MATERIAL"),)
FIT = CollisionFit(0.0001, 0.0005, 0.001, 1.02, None, 1)


def quaternion(axis: tuple[float, float, float], degrees: float) -> tuple[float, float, float, float]:
    a = np.asarray(axis, float) / np.linalg.norm(axis)
    s = math.sin(math.radians(degrees) / 2)
    return (math.cos(math.radians(degrees) / 2), *(float(v) for v in a * s))


def material(
    name: str = "steel_carbon", density: float = 7850.0, family: str = "metal", nonvisual: str = "steel"
) -> Material:
    return Material(
        name=name,
        title=name.replace("_", " "),
        table_id=name,
        family=family,
        density=Estimate.interval(density * 0.98, density * 1.02, "kg/m3", "table row", EVIDENCE),
        static_friction=Estimate.interval(0.4, 0.7, "1", "table row", EVIDENCE),
        dynamic_friction=Estimate.interval(0.3, 0.5, "1", "table row", EVIDENCE),
        restitution=Estimate.normal(0.5, 0.1, "1", "table row", EVIDENCE),
        youngs_modulus=Estimate.normal(2.1e11, 1e9, "Pa", "table row", EVIDENCE),
        nonvisual=nonvisual,
        alternatives=(Alternative("steel_stainless", 0.3),),
        evidence=EVIDENCE,
    )


def mesh_of(tri: trimesh.Trimesh, **extra: object) -> Mesh:
    return Mesh(np.asarray(tri.vertices, float), np.asarray(tri.faces, np.int32), **extra)


def box_mesh(x: float, y: float, z: float) -> Mesh:
    return mesh_of(trimesh.creation.box((x, y, z)))


def shape(name: str, mesh: Mesh, appearances: tuple[str, ...] = ()) -> Shape:
    tri = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    low, high = mesh.bounds()
    summary = GeometrySummary(
        mesh.sha256(),
        len(mesh.vertices),
        len(mesh.faces),
        float(tri.area),
        tuple(map(float, low)),
        tuple(map(float, high)),
        bool(tri.is_watertight),
        1,
        ("merged 12 vertices",),
    )
    solid = SolidProperties(
        Estimate.normal(abs(float(tri.volume)), 1e-9, "m3", "divergence theorem", EVIDENCE),
        tuple(map(float, tri.center_mass)),
        tuple(tuple(map(float, row)) for row in tri.moment_inertia),
    )
    return Shape(name, appearances, summary, None, solid, mesh)


def hull_collider(name: str, mesh: Mesh, pose: Pose = Pose()) -> Collider:
    hull = mesh_of(trimesh.convex.convex_hull(trimesh.Trimesh(mesh.vertices, mesh.faces)))
    return Collider(name, "hull", pose, (), hull.sha256(), hull)


def collision(*colliders: Collider, method: str = "hull") -> Collision:
    return Collision(method, colliders, FIT, (CollisionCandidate(method, FIT, 0.25),), EVIDENCE)


def part(name: str, of: Shape, made_of: Material, pose: Pose = Pose(), collide: Collision | None = None) -> Part:
    mass = of.solid.volume.scaled(made_of.density.value, "kg", "volume times density")
    return Part(
        name,
        of.name,
        pose,
        PartHints(material="S235", path=("assembly", name)),
        made_of.name,
        mass,
        collide or collision(hull_collider(f"{name} hull", of.mesh)),
    )


def body_of(
    name: str, parts: tuple[Part, ...], shapes: dict[str, Shape], materials: dict[str, Material], pose: Pose = Pose()
) -> Body:
    """Mass properties by the parallel-axis theorem."""
    masses, centres, tensors = [], [], []
    for p in parts:
        solid, rho, r = shapes[p.shape].solid, materials[p.material].density.value, p.pose.rotation()
        masses.append(solid.volume.value * rho)
        centres.append(p.pose.apply(np.array([solid.com_m]))[0])
        tensors.append(r @ (np.asarray(solid.inertia_m5) * rho) @ r.T)
    mass, com = sum(masses), np.average(centres, axis=0, weights=masses)
    inertia = sum(
        t + m * (np.dot(c - com, c - com) * np.eye(3) - np.outer(c - com, c - com))
        for m, c, t in zip(masses, centres, tensors, strict=True)
    )
    inertia = 0.5 * (inertia + inertia.T)
    as_tuple = lambda a: tuple(tuple(map(float, row)) for row in a)  # noqa: E731
    return Body(
        name,
        parts,
        pose,
        MassProperties(
            Estimate.normal(float(mass), 0.02 * float(mass), "kg", "sum of parts", EVIDENCE),
            tuple(map(float, com)),
            (1e-4, 1e-4, 1e-4),
            as_tuple(inertia),
            as_tuple(0.02 * np.abs(inertia)),
            EVIDENCE,
        ),
    )


def frame() -> Frame:
    return Frame(Decision("mm", 0.97, (("cm", 0.03),), EVIDENCE), 0.001, Decision("z", 0.9, (("y", 0.1),), EVIDENCE))


def twin(
    name: str, title: str, shapes: tuple[Shape, ...], bodies: tuple[Body, ...], materials: tuple[Material, ...], **extra
) -> Twin:
    return Twin(
        name,
        title,
        (Source(f"{name}.step", "step", "0" * 64, 1234),),
        frame(),
        shapes,
        bodies,
        materials=materials,
        semantics=Semantics("hammer", "Q25294", "hammer", EVIDENCE),
        licence="CC0-1.0",
        **extra,
    )


def single() -> Twin:
    steel = material()
    block = shape("block", box_mesh(0.06, 0.04, 0.02))
    p = part("block", block, steel)
    return twin("block", "Block", (block,), (body_of("block", (p,), {"block": block}, {steel.name: steel}),), (steel,))


def multi_part() -> Twin:
    """A rotated shaft through a plate: off-diagonal inertia, two materials, primitives of every kind."""
    steel, abs_ = material(), material("abs", 1050.0, "polymer", "plastic")
    plate = shape("plate", box_mesh(0.1, 0.08, 0.01), ("red",))
    shaft = shape("shaft", mesh_of(trimesh.creation.cylinder(0.01, 0.15, sections=32)), ("grey",))
    ball = shape("ball", mesh_of(trimesh.creation.icosphere(subdivisions=2, radius=0.02)), ("grey",))
    pin = shape("pin", mesh_of(trimesh.creation.capsule(0.05, 0.005)), ("red",))
    tilted = Pose((0.01, 0.02, 0.03), quaternion((1, 2, 3), 40))
    parts = (
        part(
            "plate",
            plate,
            abs_,
            Pose((0, 0, -0.02)),
            collision(Collider("plate box", "box", Pose((0.0, 0.0, 0.0)), (0.1, 0.08, 0.01)), method="primitive"),
        ),
        part(
            "shaft",
            shaft,
            steel,
            tilted,
            collision(Collider("shaft cylinder", "cylinder", Pose(), (0.01, 0.15)), method="primitive"),
        ),
        part(
            "ball",
            ball,
            steel,
            Pose((0.05, 0, 0.03)),
            collision(Collider("ball sphere", "sphere", Pose(), (0.02,)), method="primitive"),
        ),
        part(
            "pin",
            pin,
            abs_,
            Pose((-0.05, 0, 0.03)),
            collision(Collider("pin capsule", "capsule", Pose(), (0.005, 0.05)), method="primitive"),
        ),
    )
    shapes = (plate, shaft, ball, pin)
    body = body_of("all", parts, {s.name: s for s in shapes}, {m.name: m for m in (steel, abs_)})
    looks = (Appearance("red", (0.6, 0.05, 0.04)), Appearance("grey", (0.4, 0.4, 0.42), metallic=1.0, roughness=0.3))
    return twin("assembly", "Assembly", shapes, (body,), (steel, abs_), appearances=looks)


def instanced(appearances: int = 1) -> Twin:
    """One bolt shape placed four times on a bar; with several appearances its head is painted."""
    steel, brass = material(), material("brass", 8500.0, "metal", "brass")
    bar = shape("bar", box_mesh(0.12, 0.02, 0.01), ("grey",))
    mesh = mesh_of(trimesh.creation.cylinder(0.004, 0.03, sections=24))
    if appearances > 1:
        mesh = replace(mesh, face_appearance=(mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0.01).astype(np.int32))
    bolt = shape("bolt", mesh, ("grey", "red")[:appearances])
    places = [
        Pose((x, 0.0, 0.01), quaternion((0, 0, 1), 10.0 * i)) for i, x in enumerate((-0.045, -0.015, 0.015, 0.045))
    ]
    parts = (part("bar", bar, steel), *(part(f"bolt {i}", bolt, brass, pose) for i, pose in enumerate(places)))
    shapes = (bar, bolt)
    body = body_of("bar", parts, {s.name: s for s in shapes}, {m.name: m for m in (steel, brass)})
    looks = (Appearance("red", (0.6, 0.05, 0.04)), Appearance("grey", (0.4, 0.4, 0.42), metallic=1.0, roughness=0.3))
    return twin("bolted_bar", "Bolted bar", shapes, (body,), (steel, brass), appearances=looks)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, format="PNG")
    return out.getvalue()


def checker(light: tuple[int, int, int], dark: tuple[int, int, int], cells: int = 4, side: int = 64) -> bytes:
    index = np.add.outer(np.arange(side) * cells // side, np.arange(side) * cells // side) % 2
    return png(np.where(index[:, :, None] == 0, light, dark))


def textured() -> Twin:
    """A crate with a checker, packed metal and roughness, a normal map, an emissive map and an opacity map."""
    wood = material("oak", 700.0, "wood", "wood")
    mesh = box_mesh(0.2, 0.15, 0.1)
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    main = np.abs(normal).argmax(axis=1)
    uvs = np.empty((len(mesh.faces), 3, 2))
    for f, axis in enumerate(main):
        a, b = [i for i in range(3) if i != axis]
        uvs[f] = corners[f][:, (a, b)] * 5.0
    mesh = replace(mesh, uvs=uvs)
    images = {
        "base_color": checker((200, 140, 80), (90, 50, 20)),
        "metallic_roughness": png(np.full((8, 8, 3), (255, 180, 0))),
        "normal": png(np.full((8, 8, 3), (128, 128, 255))),
        "emissive": png(np.zeros((8, 8, 3))),
        "opacity": png(np.full((8, 8), 255)),
        "occlusion": png(np.full((8, 8), 255)),
    }
    textures = tuple(
        Texture(slot, f"Kiste {slot}ß.png", hashlib.sha256(data).hexdigest(), data) for slot, data in images.items()
    )
    look = Appearance("Holz hell", (1.0, 1.0, 1.0), 1.0, 1.0, 1.0, (1.0, 1.0, 1.0), textures, "Oak")
    crate = shape("crate", mesh, ("Holz hell",))
    p = part("crate", crate, wood)
    return twin(
        "crate",
        "Crate",
        (crate,),
        (body_of("crate", (p,), {"crate": crate}, {"oak": wood}),),
        (wood,),
        appearances=(look,),
    )


def multi_look() -> Twin:
    """One mesh whose faces have three looks, one of them glass."""
    glass = material("soda_lime_glass", 2500.0, "glass", "clear_glass")
    mesh = box_mesh(0.05, 0.05, 0.05)
    mesh = replace(mesh, face_appearance=(np.arange(len(mesh.faces)) // 4).astype(np.int32))
    names = ("红色", "green paint", "glass")
    die = shape("die", mesh, names)
    looks = tuple(
        Appearance(n, c, opacity=o)
        for n, c, o in zip(names, ((0.6, 0, 0), (0, 0.5, 0), (0.8, 0.9, 0.9)), (1, 1, 0.3), strict=True)
    )
    p = part("die", die, glass)
    return twin(
        "die", "Die", (die,), (body_of("die", (p,), {"die": die}, {glass.name: glass}),), (glass,), appearances=looks
    )


def vertex_colored() -> Twin:
    clay = material("clay", 1800.0, "ceramic", "none")
    ball = mesh_of(trimesh.creation.icosphere(subdivisions=3, radius=0.03))
    colors = np.clip(0.5 + ball.vertices / 0.06, 0, 1)
    s = shape("ball", replace(ball, vertex_colors=colors), ())
    p = part("ball", s, clay)
    return twin("scan", "Scan", (s,), (body_of("ball", (p,), {"ball": s}, {"clay": clay}),), (clay,))


def open_box_mesh(x: float, y: float, z: float, wall: float) -> Mesh:
    """A tray: floor and four walls, one watertight surface."""
    import shapely.geometry as sg

    outer = sg.box(-x / 2, -y / 2, x / 2, y / 2)
    inner = sg.box(-x / 2 + wall, -y / 2 + wall, x / 2 - wall, y / 2 - wall)
    ring = trimesh.creation.extrude_polygon(outer.difference(inner), z)
    floor = trimesh.creation.extrude_polygon(inner, wall)
    return mesh_of(trimesh.boolean.union([ring, floor], engine="manifold"))


def tray(shared: bool = False) -> Twin:
    """A tray that collides by its signed distance field in PhysX; two of one shape when shared."""
    abs_ = material("abs", 1050.0, "polymer", "plastic")
    s = shape("tray", open_box_mesh(0.2, 0.15, 0.06, 0.004))
    walls = (
        Collider("floor", "box", Pose((0, 0, 0.002)), (0.2, 0.15, 0.004)),
        Collider("wall +x", "box", Pose((0.098, 0, 0.03)), (0.004, 0.15, 0.06)),
        Collider("wall -x", "box", Pose((-0.098, 0, 0.03)), (0.004, 0.15, 0.06)),
        hull_collider("wall y", box_mesh(0.2, 0.004, 0.06), Pose((0, 0.073, 0.03))),
        hull_collider("wall -y", box_mesh(0.2, 0.004, 0.06), Pose((0, -0.073, 0.03))),
    )

    def named(prefix: str) -> Collision:
        return collision(*(replace(w, name=f"{prefix} {w.name}") for w in walls), method="sdf")

    parts = [part("tray", s, abs_, Pose(), named("tray"))]
    if shared:
        parts.append(part("second tray", s, abs_, Pose((0, 0.3, 0)), named("second")))
    body = body_of("tray", tuple(parts), {"tray": s}, {"abs": abs_})
    return twin("tray", "Tray", (s,), (body,), (abs_,))


def unicode_names() -> Twin:
    base = instanced()
    names = ["齿轮", "Zahnrad ⌀20 (größe)", "🔧" * 80, "1st part", "1st part!"]
    parts = tuple(replace(p, name=n) for p, n in zip(base.bodies[0].parts, names, strict=True))
    body = replace(base.bodies[0], name="тело", parts=parts)
    rename = {"bar": "Träger/α", "bolt": "螺栓 M4"}
    shapes = tuple(replace(s, name=rename[s.name]) for s in base.shapes)
    body = replace(body, parts=tuple(replace(p, shape=rename[p.shape]) for p in body.parts))
    return replace(base, name="zahnrad", title="齿轮 🔧 Zahnräder", bodies=(body,), shapes=shapes)


def hinged() -> Twin:
    """A box with a lid on a hinge, a drawer, a ball-jointed knob and a welded foot."""
    oak = material("oak", 700.0, "wood", "wood")
    shapes = {
        n: shape(n, box_mesh(*d))
        for n, d in {
            "box": (0.2, 0.2, 0.1),
            "lid": (0.2, 0.2, 0.01),
            "drawer": (0.1, 0.1, 0.05),
            "knob": (0.02, 0.02, 0.02),
            "foot": (0.02, 0.02, 0.03),
        }.items()
    }
    mats = {"oak": oak}
    poses = {
        "box": Pose((0, 0, 0.05)),
        "lid": Pose((0, 0, 0.106), quaternion((0, 0, 1), 5)),
        "drawer": Pose((0.3, 0, 0.05)),
        "knob": Pose((0, 0, 0.125)),
        "foot": Pose((0, 0, -0.02)),
    }
    bodies = tuple(body_of(n, (part(n, s, oak),), {n: s}, mats, poses[n]) for n, s in shapes.items())

    def between(a: str, b: str, world: Pose) -> tuple[Pose, Pose]:
        return tuple(Pose.from_matrix(np.linalg.inv(poses[n].matrix()) @ world.matrix()) for n in (a, b))

    hinge = between("box", "lid", Pose((0.0, 0.1, 0.105), quaternion((0, 0, 1), 5)))
    slide, ball, weld = (
        between("box", "drawer", Pose((0.2, 0, 0.05))),
        between("lid", "knob", Pose((0, 0, 0.115))),
        between("box", "foot", Pose((0, 0, -0.005))),
    )
    joints = (
        Joint("Deckel-Scharnier", "revolute", "box", "lid", *hinge, axis="x", lower=0.0, upper=math.radians(110)),
        Joint("slide", "prismatic", "box", "drawer", *slide, axis="x", lower=0.0, upper=0.08),
        Joint("knob joint", "spherical", "lid", "knob", *ball, axis="z"),
        Joint("weld", "fixed", "box", "foot", *weld),
    )
    return twin("chest", "Chest", tuple(shapes.values()), bodies, (oak,), joints=joints)


FAMILY = {
    "single": single,
    "multi_part": multi_part,
    "instanced": instanced,
    "instanced_two_looks": lambda: instanced(2),
    "textured": textured,
    "multi_look": multi_look,
    "vertex_colored": vertex_colored,
    "sdf": tray,
    "sdf_shared": lambda: tray(shared=True),
    "unicode": unicode_names,
    "hinged": hinged,
}


def write(made: Twin, directory: Path, **stated) -> Path:
    """``usd.write_twin`` with a tiny thumbnail: pictures have their own tests."""
    table = settings.pipeline()
    table["usd"]["thumbnail_px"] = 16
    return usd.write_twin(made, directory, settings=table, **stated)
