"""Objects whose joints are known by construction, written here by hand: no generator knows them, and no name helps unless said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin import settings
from physicl_twin.model import Body, Mesh, Part, PartHints, Pose, Shape, Twin
from physicl_twin.normalize.joints import infer_joints
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stages import with_solids
from tests.normalize.solids import twin_of

SEGMENTS = 40


def box(low, high) -> Any:
    import manifold3d

    low, high = np.array(low, float), np.array(high, float)
    return manifold3d.Manifold.cube(tuple(high - low)).translate(tuple(low))


def rod(start, end, radius, segments=SEGMENTS) -> Any:
    import manifold3d

    start, end = np.array(start, float), np.array(end, float)
    length = float(np.linalg.norm(end - start))
    z = (end - start) / length
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    matrix = np.column_stack([x, np.cross(z, x), z, start])
    return manifold3d.Manifold.cylinder(length, radius, radius, segments).transform(matrix)


def turned(made: Any, degrees: float) -> Any:
    return made.rotate((0.0, 0.0, degrees))


@dataclass(frozen=True)
class Hinge:
    """A joint that is there: of the part ``child``, in the frame in which the object is drawn."""

    child: str
    type: str
    axis: tuple[float, float, float]
    point: tuple[float, float, float] = (0, 0, 0)
    lower: float | None = None
    upper: float | None = None


@dataclass
class Thing:
    """Parts by name (metres), and the joints between them."""

    name: str
    parts: dict[str, Any] = field(default_factory=dict)
    joints: list[Hinge] = field(default_factory=list)

    def mesh(self, part: str) -> Mesh:
        made = self.parts[part].to_mesh64()
        return Mesh(np.array(made.vert_properties[:, :3]), np.array(made.tri_verts, dtype=np.int32))

    def twin(self, pose: Pose = Pose(), named: bool = True) -> Twin:
        """One body of a part each; ``pose`` turns all of it, ``named`` keeps the names."""
        names = {part: part if named else f"solid {number}" for number, part in enumerate(self.parts)}
        shapes = tuple(Shape(names[part], mesh=self.mesh(part)) for part in self.parts)
        parts = tuple(Part(names[part], names[part], pose, PartHints()) for part in self.parts)
        twin = twin_of(shapes, (Body(self.name if named else "thing", parts),))
        title = self.name if named else "thing"
        return with_solids(replace(twin, title=title, name=title.replace(" ", "_"), sources=()), solid_settings())

    def fused(self) -> Twin:
        """All parts as shells of one mesh of one part."""
        meshes = [self.mesh(part) for part in self.parts]
        starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
        whole = Mesh(
            np.concatenate([m.vertices for m in meshes]),
            np.concatenate([m.faces + start for m, start in zip(meshes, starts[:-1], strict=True)]).astype(np.int32),
        )
        twin = twin_of((Shape(self.name, mesh=whole),), (Body(self.name, (Part(self.name, self.name),)),))
        return with_solids(
            replace(twin, title=self.name, name=self.name.replace(" ", "_"), sources=()), solid_settings()
        )


@lru_cache(maxsize=1)
def solid_settings() -> NormalizeSettings:
    return NormalizeSettings.shipped()


def inferred(twin: Twin, **changed: Any) -> Twin:
    """The twin with joints, by the shipped settings with some changed."""
    table = {**settings.pipeline()["joints"], **changed}
    return infer_joints(twin, table, lambda moved: with_solids(moved, solid_settings()))


def axis_of(twin: Twin, joint: Any) -> tuple[np.ndarray, np.ndarray]:
    """Direction and a point of a joint's axis in the twin's frame."""
    frame = twin.body(joint.body0).pose.compose(joint.pose0).matrix()
    return frame[:3, 2], frame[:3, 3]


def off(twin: Twin, joint: Any, truth: Hinge, pose: Pose = Pose()) -> tuple[float, float]:
    """Degrees and metres by which a joint's axis is off; a slide has no place. The sense must be the true one."""
    axis, point = axis_of(twin, joint)
    true_axis = pose.rotation() @ np.array(truth.axis, float) / np.linalg.norm(truth.axis)
    true_point = pose.apply(np.array([truth.point], float))[0]
    apart = 0.0 if joint.type == "prismatic" else float(np.linalg.norm(np.cross(point - true_point, true_axis)))
    return float(np.degrees(np.arccos(np.clip(axis @ true_axis, -1, 1)))), apart


def cabinet() -> Thing:
    """A door in its opening on two butt hinges at its left, and two drawers beside it, all with 2 mm of play."""
    w, d, h, t, g = 0.9, 0.45, 0.7, 0.02, 0.002
    outside = box((0, 0, 0), (w, d, h))
    left = box((t, -1, t), (0.44, d - t, h - t))
    middle = h / 2
    low = box((0.46, -1, t), (w - t, d - t, middle - t / 2))
    high = box((0.46, -1, middle + t / 2), (w - t, d - t, h - t))
    thing = Thing("cabinet", {"carcass": outside - left - low - high})
    # The door stands in its opening, its face flush with the front; its hinges' pins are before the gap at the left.
    x, y, r = t + g / 2, -0.006, 0.006
    panel = box((t + g, 0, t + g), (0.44 - g, t, h - t - g)) - box((t, -1, 0), (t + 0.008, 0.007, h))
    thing.parts["door"] = panel
    for number, z in enumerate((0.12, 0.5)):
        hole = rod((x, y, z - 1), (x, y, z + 1), 0.0022)
        fixed = rod((x, y, z), (x, y, z + 0.0295), r) + box((0.003, y - 0.001, z), (x, y + 0.001, z + 0.0295))
        fixed += box((0.003, y - 0.001, z), (0.006, 0.0, z + 0.0295))
        moving = rod((x, y, z + 0.0305), (x, y, z + 0.06), r) + box(
            (x, y - 0.001, z + 0.0305), (0.06, y + 0.001, z + 0.06)
        )
        moving += box((0.05, y - 0.001, z + 0.0305), (0.06, 0.0, z + 0.06))
        thing.parts[f"hinge_{number}_carcass"] = fixed - hole
        thing.parts[f"hinge_{number}_door"] = moving - hole
        thing.parts[f"pin_{number}"] = rod((x, y, z + 0.001), (x, y, z + 0.059), 0.002)
    thing.parts["handle"] = box((0.40, -0.03, 0.3), (0.41, 0, 0.4)) - box((0, -0.02, 0.31), (1, -0.0001, 0.39))
    for number, (z0, z1) in enumerate(((t, middle - t / 2), (middle + t / 2, h - t))):
        body = box((0.46 + g, 0, z0 + g), (w - t - g, d - t - 0.004, z1 - g - 0.03))
        body -= box((0.46 + 0.014, 0.02, z0 + 0.014), (w - t - 0.014, d - t - 0.016, 1))
        body += box((0.46 + g, 0, z0 + g), (w - t - g, 0.018, z1 - g))
        thing.parts[f"drawer_{number}"] = body
        thing.parts[f"drawer_{number}_pull"] = rod((0.67, -0.025, 0.5 * (z0 + z1)), (0.67, 0, 0.5 * (z0 + z1)), 0.008)
        thing.joints.append(Hinge(f"drawer_{number}", "prismatic", (0, -1, 0), lower=-0.004))
    thing.joints.append(Hinge("door", "revolute", (0, 0, -1), (x, y, 0)))
    return thing


def chest() -> Thing:
    """A lid on two coaxial pins in ears of the box, with an arm behind that stops it at 100°."""
    thing = Thing("chest")
    body = box((0, 0, 0), (0.5, 0.3, 0.2)) - box((0.01, 0.01, 0.01), (0.49, 0.29, 1))
    axis_y, axis_z = 0.312, 0.206
    for x in (0.1, 0.38):
        ear = box((x, 0.299, 0.15), (x + 0.02, 0.32, 0.2)) + rod((x, axis_y, axis_z), (x + 0.02, axis_y, axis_z), 0.008)
        body += ear
    hole = rod((-1, axis_y, axis_z), (1, axis_y, axis_z), 0.0031)
    thing.parts["box"] = body - hole
    lid = box((0, 0, 0.201), (0.5, 0.3, 0.213))
    for x in (0.0785, 0.4015):
        lid += rod((x, axis_y, axis_z), (x + 0.02, axis_y, axis_z), 0.008) + box(
            (x, 0.29, 0.203), (x + 0.02, axis_y, 0.213)
        )
    thing.parts["lid"] = lid - hole
    for number, x in enumerate((0.0785, 0.38)):
        thing.parts[f"pin_{number}"] = rod((x, axis_y, axis_z), (x + 0.0415, axis_y, axis_z), 0.003)
    thing.joints.append(Hinge("lid", "revolute", (-1, 0, 0), (0, axis_y, axis_z)))
    return thing


def cart() -> Thing:
    """A deck with two axles in bearing blocks, and a loose wheel on each end of each."""
    thing = Thing("trolley", {"deck": box((0, 0, 0.12), (0.8, 0.4, 0.14))})
    for a, x in enumerate((0.15, 0.65)):
        for b, y in enumerate((0.05, 0.33)):
            block = box((x - 0.02, y, 0.05), (x + 0.02, y + 0.02, 0.12)) - rod((x, -1, 0.075), (x, 1, 0.075), 0.0082)
            thing.parts[f"block_{a}{b}"] = block
        thing.parts[f"axle_{a}"] = rod((x, -0.05, 0.075), (x, 0.45, 0.075), 0.0082)
        for b, y in enumerate((-0.045, 0.42)):
            wheel = rod((x, y, 0.075), (x, y + 0.025, 0.075), 0.075) - rod((x, -1, 0.075), (x, 1, 0.075), 0.0086)
            thing.parts[f"wheel_{a}{b}"] = wheel
            thing.joints.append(Hinge(f"wheel_{a}{b}", "revolute", (0, 1, 0), (x, 0, 0.075)))
    return thing


def tongs() -> Thing:
    """Two crossed bars on a rivet; a peg on one stops the other after 30° one way; the other way it is free to 120°."""
    thing = Thing("tongs")
    a = box((-0.12, -0.008, 0), (0.08, 0.008, 0.004)) + rod((0, 0, 0), (0, 0, 0.004), 0.014)
    b = box((-0.12, -0.008, 0.0042), (0.08, 0.008, 0.0082)) + rod((0, 0, 0.0042), (0, 0, 0.0082), 0.014)
    b = turned(b, 40.0)
    hole = rod((0, 0, -1), (0, 0, 1), 0.0032)
    peg = rod((0.06, 0, 0.0039), (0.06, 0, 0.0082), 0.002)
    thing.parts = {
        "half_a": a - hole + peg,
        "half_b": b - hole,
        "rivet": rod((0, 0, -0.001), (0, 0, 0.0092), 0.003) + rod((0, 0, 0.0084), (0, 0, 0.0104), 0.006),
    }
    thing.joints.append(Hinge("half_b", "revolute", (0, 0, 1), (0, 0, 0)))
    return thing


def window() -> Thing:
    """A pane in a channel that opens by 0.5 m to its left until it touches the frame."""
    frame = box((0, 0, 0), (1.2, 0.08, 0.8)) - box((0.05, -1, 0.05), (1.15, 1, 0.75))
    channel = box((0.04, 0.03, 0.03), (1.16, 0.05, 0.77))
    thing = Thing("window", {"frame": frame - channel})
    thing.parts["pane"] = box((0.558, 0.031, 0.031), (1.158, 0.049, 0.769))
    thing.joints.append(Hinge("pane", "prismatic", (-1, 0, 0), lower=-0.002, upper=0.518))
    return thing


def hammer() -> Thing:
    handle = rod((0, 0, -0.3), (0, 0, 0.03), 0.012)
    head = box((-0.06, -0.015, -0.012), (0.06, 0.015, 0.018)) - rod((0, 0, -1), (0, 0, 1), 0.012)
    return Thing("tool", {"grip": handle, "block": head})


def bolted() -> Thing:
    """Two plates with two bolts in clearance holes, washers and nuts."""
    thing = Thing("joint of plates")
    holes = [rod((x, 0.03, -1), (x, 0.03, 1), 0.0045) for x in (0.02, 0.1)]
    thing.parts["lower"] = box((0, 0, 0), (0.12, 0.06, 0.006)) - holes[0] - holes[1]
    thing.parts["upper"] = box((0, 0, 0.006), (0.12, 0.06, 0.012)) - holes[0] - holes[1]
    for number, x in enumerate((0.02, 0.1)):
        thing.parts[f"b{number}"] = rod((x, 0.03, -0.01), (x, 0.03, 0.0136), 0.004) + rod(
            (x, 0.03, 0.0136), (x, 0.03, 0.0176), 0.0075, 6
        )
        thing.parts[f"w{number}"] = rod((x, 0.03, 0.012), (x, 0.03, 0.0136), 0.008) - rod(
            (x, 0.03, -1), (x, 0.03, 1), 0.0043
        )
        thing.parts[f"n{number}"] = rod((x, 0.03, -0.0065), (x, 0.03, 0), 0.0075, 6) - rod(
            (x, 0.03, -1), (x, 0.03, 1), 0.004
        )
    return thing


def chair() -> Thing:
    """Round legs in round holes of the seat, a back on two round posts."""
    seat = box((0, 0, 0.42), (0.45, 0.45, 0.46))
    thing = Thing("thing to sit on")
    for number, (x, y) in enumerate(((0.05, 0.05), (0.4, 0.05), (0.05, 0.4), (0.4, 0.4))):
        seat -= rod((x, y, 0), (x, y, 0.45), 0.018)
        thing.parts[f"l{number}"] = rod((x, y, 0), (x, y, 0.45), 0.018)
    back = box((0.03, 0.41, 0.7), (0.42, 0.43, 0.9))
    for number, x in enumerate((0.08, 0.37)):
        seat -= rod((x, 0.42, 0.44), (x, 0.42, 1), 0.01)
        back -= rod((x, 0.42, 0.4), (x, 0.42, 0.85), 0.01)
        thing.parts[f"p{number}"] = rod((x, 0.42, 0.44), (x, 0.42, 0.85), 0.01)
    return Thing(thing.name, {"s": seat, "b": back, **thing.parts})


def gearbox() -> Thing:
    """A housing with a cover on four screws and a bearing flange pressed in."""
    housing = box((0, 0, 0), (0.2, 0.15, 0.1)) - box((0.015, 0.015, 0.015), (0.185, 0.135, 1))
    housing -= rod((-1, 0.075, 0.05), (0.015, 0.075, 0.05), 0.02)
    cover = box((0, 0, 0.1), (0.2, 0.15, 0.108))
    thing = Thing("drive")
    for number, (x, y) in enumerate(((0.0075, 0.0075), (0.1925, 0.0075), (0.0075, 0.1425), (0.1925, 0.1425))):
        hole = rod((x, y, 0.08), (x, y, 0.109), 0.003)
        housing, cover = housing - hole, cover - hole
        thing.parts[f"s{number}"] = rod((x, y, 0.082), (x, y, 0.108), 0.003) + rod((x, y, 0.108), (x, y, 0.112), 0.0055)
    ring = rod((-0.004, 0.075, 0.05), (0.015, 0.075, 0.05), 0.02) - rod((-1, 0.075, 0.05), (1, 0.075, 0.05), 0.012)
    return Thing("drive", {"h": housing, "c": cover, "ring": ring, **thing.parts})


def shelves() -> Thing:
    """Boards that touch, a back in a groove, a shelf laid on pegs."""
    thing = Thing("rack")
    thing.parts["a"] = box((0, 0, 0), (0.02, 0.3, 1))
    thing.parts["b"] = box((0.78, 0, 0), (0.8, 0.3, 1))
    thing.parts["c"] = box((0.02, 0, 0), (0.78, 0.3, 0.02))
    thing.parts["d"] = box((0.02, 0, 0.98), (0.78, 0.3, 1))
    thing.parts["e"] = box((0.02, 0.29, 0.02), (0.78, 0.3, 0.98))
    thing.parts["f"] = box((0.021, 0.005, 0.5), (0.779, 0.288, 0.52))
    for number, (x, y) in enumerate(((0.02, 0.05), (0.02, 0.25), (0.77, 0.05), (0.77, 0.25))):
        thing.parts[f"g{number}"] = box((x, y, 0.49), (x + 0.01, y + 0.01, 0.5))
    return thing


def animal() -> Thing:
    """A toy of round things stuck into each other."""
    thing = Thing("figure", {"t": rod((0, 0, 0.08), (0.2, 0, 0.08), 0.04)})
    for number, (x, y) in enumerate(((0.03, -0.03), (0.17, -0.03), (0.03, 0.03), (0.17, 0.03))):
        thing.parts[f"l{number}"] = rod((x, y, 0), (x, y, 0.08), 0.012)
    thing.parts["head"] = rod((0.19, 0, 0.08), (0.26, 0, 0.14), 0.025)
    thing.parts["ear"] = box((0.24, 0.015, 0.13), (0.25, 0.03, 0.17))
    return thing


MOVING = (cabinet, chest, cart, tongs, window)
RIGID = (hammer, bolted, chair, gearbox, shelves, animal)


def step_file(thing: Thing, path: Path) -> Path:
    """An assembly of faceted solids, a component a part, millimetres."""
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeSolid, BRepBuilderAPI_Sewing
    from OCP.TopoDS import TopoDS

    from tests.ingest.cad_writer import Item, write_step

    members = []
    for name in thing.parts:
        mesh = thing.mesh(name)
        sewing = BRepBuilderAPI_Sewing(1e-5)
        for triangle in 1000 * mesh.vertices[mesh.faces]:
            sewing.Add(_facet(triangle))
        sewing.Perform()
        solid = BRepBuilderAPI_MakeSolid(TopoDS.Shell_s(sewing.SewedShape())).Solid()
        members.append((Item(name, solid), np.eye(4), name))
    return write_step(Item(thing.name, members=members), path)


def _facet(corners: np.ndarray) -> Any:
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeFace, BRepBuilderAPI_MakePolygon
    from OCP.gp import gp_Pnt

    polygon = BRepBuilderAPI_MakePolygon(*(gp_Pnt(*(float(v) for v in corner)) for corner in corners), True)
    return BRepBuilderAPI_MakeFace(polygon.Wire(), True).Face()
