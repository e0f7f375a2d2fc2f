"""Twins that move, made by hand: a cabinet, an arm, a gripper, a wall with a door, a pendulum, a four-bar linkage."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import trimesh

from physicl_twin.model import (
    Articulation,
    Body,
    BodyPair,
    Collider,
    Drive,
    Estimate,
    Joint,
    Mimic,
    Part,
    Pose,
    Proposal,
    Shape,
    Site,
    Twin,
)
from tests.usd.twins import EVIDENCE, body_of, box_mesh, collision, material, mesh_of, part, quaternion, shape, twin

OAK, STEEL = material("oak", 700.0, "wood", "wood"), material()
MATERIALS = {m.name: m for m in (OAK, STEEL)}


def estimate(value: float, unit: str) -> Estimate:
    return Estimate.lognormal(value, 0.3, unit, "made by hand", EVIDENCE)


def box_part(
    name: str, shapes: dict[str, Shape], size: tuple[float, float, float], pose: Pose = Pose(), made_of=OAK
) -> Part:
    """A box with a box collider; equal boxes share a shape."""
    key = "box_" + "_".join(f"{round(1000 * s)}" for s in size)
    shapes.setdefault(key, shape(key, box_mesh(*size)))
    return part(
        name, shapes[key], made_of, pose, collision(Collider(f"{name} box", "box", Pose(), size), method="primitive")
    )


def between(poses: dict[str, Pose], a: str, b: str, world: Pose, motion: np.ndarray | None = None) -> dict[str, Pose]:
    """Frames of a joint that stands at ``world`` (its first body's frame), the second one moved by ``motion``."""
    first = np.linalg.inv(poses[a].matrix()) if a else np.eye(4)
    second = np.linalg.inv(poses[b].matrix()) if b else np.eye(4)
    return {
        "pose0": Pose.from_matrix(first @ world.matrix()),
        "pose1": Pose.from_matrix(second @ world.matrix() @ (np.eye(4) if motion is None else motion)),
    }


def turned(axis: tuple[float, float, float], angle: float) -> np.ndarray:
    return trimesh.transformations.rotation_matrix(angle, axis)


def _bodies(poses: dict[str, Pose], parts: dict[str, tuple[Part, ...]], shapes: dict[str, Shape]) -> tuple[Body, ...]:
    return tuple(body_of(name, parts[name], shapes, MATERIALS, poses[name]) for name in poses)


def cabinet() -> Twin:
    """A carcass of five boards, a door with a bar handle, a drawer with a knob that stands open, and a proposal."""
    shapes: dict[str, Shape] = {}
    poses = {"carcass": Pose(), "door": Pose((-0.19, -0.16, 0.2)), "drawer": Pose((0.0, -0.10, 0.5))}
    t = 0.02
    parts = {
        "carcass": (
            box_part("left", shapes, (t, 0.3, 0.6), Pose((-0.2 + t / 2, 0, 0.3))),
            box_part("right", shapes, (t, 0.3, 0.6), Pose((0.2 - t / 2, 0, 0.3))),
            box_part("back", shapes, (0.36, t, 0.6), Pose((0, 0.14, 0.3))),
            box_part("bottom", shapes, (0.36, 0.28, t), Pose((0, -0.01, 0.01))),
            box_part("top", shapes, (0.36, 0.28, t), Pose((0, -0.01, 0.59))),
        ),
        "door": (
            box_part("panel", shapes, (0.37, 0.018, 0.37), Pose((0.19, 0, 0))),
            box_part("Türgriff", shapes, (0.012, 0.012, 0.12), Pose((0.35, -0.045, 0)), STEEL),
            box_part("post", shapes, (0.01, 0.03, 0.01), Pose((0.35, -0.024, 0.05)), STEEL),
        ),
        "drawer": (
            box_part("tray", shapes, (0.34, 0.2, 0.15), Pose((0, 0, 0))),
            box_part("knob", shapes, (0.03, 0.03, 0.03), Pose((0, -0.115, 0)), STEEL),
        ),
    }
    parts["door"] = (parts["door"][0], parts["door"][1], replace(parts["door"][2], role="visual", collision=None))
    hinge = between(poses, "carcass", "door", Pose((-0.19, -0.16, 0.2)))
    slide = between(
        poses, "carcass", "drawer", Pose((0.0, -0.05, 0.5)), trimesh.transformations.translation_matrix((0, -0.05, 0))
    )
    joints = (
        Joint(
            "Türscharnier", "revolute", "carcass", "door", **hinge, axis="z", lower=-math.radians(110), upper=0.0,
            friction=estimate(0.05, "N m"), damping=estimate(0.1, "N m s/rad"), role="door", evidence=EVIDENCE,
        ),
        Joint(
            "slide", "prismatic", "carcass", "drawer", **slide, axis="y", lower=-0.2, upper=0.0, position=-0.05,
            friction=estimate(2.0, "N"), damping=estimate(5.0, "N s/m"), stiffness=estimate(20.0, "N/m"), rest=-0.01,
            role="drawer", probability=0.97, evidence=EVIDENCE,
        ),
    )  # fmt: skip
    lid = Joint("lid hinge", "revolute", "carcass", "lid", axis="x", lower=0.0, upper=1.5, role="lid", probability=0.7)
    return twin(
        "cabinet", "Cabinet", tuple(shapes.values()), _bodies(poses, parts, shapes), (OAK, STEEL), joints=joints,
        proposals=(Proposal(lid, ("top",), ("slide",)),),
        articulation=Articulation(
            "prop", "carcass", fixed=False, filters=(BodyPair("carcass", "door", "adjacent"), BodyPair("door", "drawer", "overlap")),
            position_iterations=48, velocity_iterations=2, evidence=EVIDENCE,
        ),
    )  # fmt: skip


def arm(links: int = 3) -> Twin:
    """A robot arm with position drives, bolted down, a tool frame at its end and a ball joint in its wrist."""
    shapes: dict[str, Shape] = {}
    poses, parts, joints = {"base": Pose((0, 0, 0.05))}, {}, []
    parts["base"] = (box_part("base", shapes, (0.2, 0.2, 0.1), made_of=STEEL),)
    above = "base"
    for i in range(links):
        name = f"link_{i}"
        poses[name] = Pose((0, 0, 0.1 + 0.3 * i), quaternion((0, 0, 1), 30.0 * i))
        parts[name] = (box_part(name, shapes, (0.05, 0.05, 0.28), Pose((0, 0, 0.15)), STEEL),)
        stiffness = estimate(400.0 / (i + 1), "N m/rad")
        joints.append(
            Joint(
                f"joint_{i}", "revolute", above, name, **between(poses, above, name, poses[name]), axis="xyz"[i % 3],
                lower=-2.0, upper=2.5, max_force=estimate(80.0, "N m"), max_velocity=estimate(2.0, "rad/s"),
                friction=estimate(0.4, "N m"), damping=estimate(0.6, "N m s/rad"), armature=estimate(0.02, "kg m2"),
                drive=Drive("position", stiffness, estimate(20.0, "N m s/rad"), estimate(60.0, "N m"), 0.0, f"motor {i}"),
                evidence=EVIDENCE,
            )
        )  # fmt: skip
        above = name
    poses["wrist"] = Pose((0, 0, 0.1 + 0.3 * links))
    parts["wrist"] = (box_part("wrist", shapes, (0.04, 0.04, 0.06), Pose((0, 0, 0.04)), STEEL),)
    joints.append(
        Joint(
            "wrist", "spherical", above, "wrist", **between(poses, above, "wrist", poses["wrist"]), axis="z",
            lower=-0.6, upper=0.6, damping=estimate(0.3, "N m s/rad"),
        )
    )  # fmt: skip
    bodies = _bodies(poses, parts, shapes)
    tool = Site("tool0", Pose((0, 0, 0.07), quaternion((0, 1, 0), 90)))
    bodies = (*bodies[:-1], replace(bodies[-1], sites=(tool,)))
    made = twin(
        "arm", "Arm", tuple(shapes.values()), bodies, (STEEL,), joints=tuple(joints),
        articulation=Articulation("robot", "base", fixed=True, self_collision=False, evidence=EVIDENCE),
    )  # fmt: skip
    return replace(made, semantics=replace(made.semantics, label="robot arm"))


def gripper() -> Twin:
    """Two fingers on slides, the second following the first the other way, and a thumb that follows at twice the angle."""
    shapes: dict[str, Shape] = {}
    poses = {
        "palm": Pose((0, 0, 0.1)),
        "left": Pose((-0.03, 0, 0.16)),
        "right": Pose((0.03, 0, 0.16)),
        "crank": Pose((0, 0.05, 0.12)),
        "thumb": Pose((0, -0.05, 0.12)),
    }
    parts = {
        name: (box_part(name, shapes, size, made_of=STEEL),)
        for name, size in {
            "palm": (0.12, 0.06, 0.06),
            "left": (0.01, 0.02, 0.05),
            "right": (0.01, 0.02, 0.05),
            "crank": (0.02, 0.01, 0.03),
            "thumb": (0.02, 0.01, 0.03),
        }.items()
    }
    # The thumb's own collision mesh: a shape that nothing shows.
    shapes["thumb hull"] = shape("thumb hull", mesh_of(trimesh.creation.icosphere(subdivisions=1, radius=0.012)))
    sphere = collision(Collider("thumb sphere", "sphere", Pose(), (0.012,)), method="primitive")
    touching = replace(part("thumb contact", shapes["thumb hull"], STEEL, Pose(), sphere), role="collision", mass=None)
    parts["thumb"] = (replace(parts["thumb"][0], role="visual", collision=None), touching)
    bodies = tuple(
        body_of(name, tuple(p for p in parts[name] if p.role != "collision"), shapes, MATERIALS, poses[name])
        for name in poses
    )
    bodies = tuple(replace(body, parts=parts[body.name]) for body in bodies)
    drive = Drive("position", estimate(2000.0, "N/m"), estimate(60.0, "N s/m"), estimate(200.0, "N"))
    swing = Drive("velocity", estimate(0.0001, "N m/rad"), estimate(2.0, "N m s/rad"), estimate(5.0, "N m"), 0.0)
    joints = (
        Joint("left slide", "prismatic", "palm", "left", **between(poses, "palm", "left", poses["left"]), axis="x",
              lower=0.0, upper=0.02, max_force=estimate(200.0, "N"), drive=drive),
        Joint("right slide", "prismatic", "palm", "right", **between(poses, "palm", "right", poses["right"]), axis="x",
              lower=-0.02, upper=0.0, mimic=Mimic("left slide", -1.0, 0.0), friction=estimate(0.1, "N")),
        Joint("crank", "revolute", "palm", "crank", **between(poses, "palm", "crank", poses["crank"]), axis="y", drive=swing),
        Joint("thumb", "revolute", "palm", "thumb", **between(poses, "palm", "thumb", poses["thumb"]), axis="y",
              mimic=Mimic("crank", 2.0, 0.0)),
    )  # fmt: skip
    pairs = (BodyPair("left", "right", "stated"),)
    return twin(
        "gripper", "Gripper", tuple(shapes.values()), bodies, (STEEL,), joints=joints,
        articulation=Articulation("robot", "palm", fixed=False, filters=pairs),
    )  # fmt: skip


def doorway() -> Twin:
    """A wall that never moves with a door in it, a sill that stands apart, and a lever on the door."""
    shapes: dict[str, Shape] = {}
    poses = {
        "wall": Pose((1.0, 0, 1.0)),
        "door": Pose((0.4, 0, 1.0)),
        "lever": Pose((-0.3, 0.06, 1.0)),
        "sill": Pose((0, 1, 0.05)),
    }
    parts = {
        "wall": (box_part("wall", shapes, (1.0, 0.2, 2.0)),),
        "door": (box_part("leaf", shapes, (0.8, 0.04, 2.0), Pose((-0.4, 0, 0))),),
        "lever": (box_part("lever", shapes, (0.12, 0.02, 0.02), Pose((0.04, 0, 0)), STEEL),),
        "sill": (box_part("sill", shapes, (1.0, 0.2, 0.1)),),
    }
    bodies = {body.name: body for body in _bodies(poses, parts, shapes)}
    for name in ("wall", "sill"):
        still = tuple(replace(p, mass=None) for p in bodies[name].parts)
        bodies[name] = replace(bodies[name], static=True, mass_properties=None, parts=still)
    joints = (
        Joint("hinge", "revolute", "wall", "door", **between(poses, "wall", "door", Pose((0.4, 0, 1.0))), axis="z",
              lower=0.0, upper=1.6, friction=estimate(1.0, "N m"), role="door"),
        Joint("spindle", "revolute", "door", "lever", **between(poses, "door", "lever", poses["lever"]), axis="y",
              lower=0.0, upper=0.7, stiffness=estimate(2.0, "N m/rad"), damping=estimate(0.05, "N m s/rad"), role="handle"),
    )  # fmt: skip
    return twin(
        "doorway", "Doorway", tuple(shapes.values()), tuple(bodies.values()), (OAK, STEEL), joints=joints,
        articulation=Articulation("building", "wall", fixed=True),
    )  # fmt: skip


def terrace() -> Twin:
    """Two doorways: two trees, each on a wall of its own, and a building's root that no joint touches."""
    one = doorway()
    rename = {body.name: f"{body.name} 2" for body in one.bodies}
    bodies = tuple(
        replace(
            body,
            name=rename[body.name],
            pose=Pose((body.pose.position_m[0] + 4.0, *body.pose.position_m[1:])),
            parts=tuple(
                replace(
                    part,
                    name=f"{part.name} 2",
                    collision=replace(
                        part.collision,
                        colliders=tuple(replace(c, name=f"{c.name} 2") for c in part.collision.colliders),
                    ),
                )
                for part in body.parts
            ),
        )
        for body in one.bodies
        if body.name != "sill"
    )
    joints = tuple(replace(j, name=f"{j.name} 2", body0=rename[j.body0], body1=rename[j.body1]) for j in one.joints)
    return replace(
        one, name="terrace", title="Terrace", bodies=one.bodies + bodies, joints=one.joints + joints,
        articulation=Articulation("building", "sill", fixed=True),
    )  # fmt: skip


def pendulum(length_m: float = 0.5, position: float = 0.0, **stated: object) -> Twin:
    """A slender bar on a frictionless pin in the world, hanging down along -z at coordinate 0; axis y."""
    shapes: dict[str, Shape] = {}
    pin = Pose((0.2, 0.1, 1.0))
    pose = Pose.from_matrix(pin.matrix() @ turned((0, 1, 0), position))
    bar = box_part("bar", shapes, (0.02, 0.02, length_m), Pose((0, 0, -length_m / 2)), STEEL)
    bodies = (body_of("bar", (bar,), shapes, MATERIALS, pose),)
    joint = Joint("pin", "revolute", "", "bar", pin, Pose(), axis="y", position=position, **stated)  # type: ignore[arg-type]
    return twin(
        "pendulum", "Pendulum", tuple(shapes.values()), bodies, (STEEL,), joints=(joint,), articulation=Articulation()
    )


def four_bar() -> Twin:
    """A parallelogram of four bars in the x-z plane, bolted down; the fourth joint closes the loop."""
    shapes: dict[str, Shape] = {}
    poses = {
        "ground": Pose((0, 0, 0)),
        "crank": Pose((0, 0.03, 0)),
        "coupler": Pose((0, 0, 0.2)),
        "rocker": Pose((0.4, 0.03, 0)),
    }
    parts = {
        "ground": (box_part("ground", shapes, (0.4, 0.02, 0.02), Pose((0.2, 0, 0)), STEEL),),
        "crank": (box_part("crank", shapes, (0.02, 0.02, 0.2), Pose((0, 0, 0.1)), STEEL),),
        "coupler": (box_part("coupler", shapes, (0.4, 0.02, 0.02), Pose((0.2, 0, 0)), STEEL),),
        "rocker": (box_part("rocker", shapes, (0.02, 0.02, 0.2), Pose((0, 0, 0.1)), STEEL),),
    }
    drive = Drive("position", estimate(50.0, "N m/rad"), estimate(5.0, "N m s/rad"), estimate(50.0, "N m"))
    pins = {"a": ("ground", "crank", (0, 0, 0)), "b": ("crank", "coupler", (0, 0, 0.2)), "c": ("ground", "rocker", (0.4, 0, 0)),
            "d": ("coupler", "rocker", (0.4, 0, 0.2))}  # fmt: skip
    joints = tuple(
        Joint(name, "revolute", one, other, **between(poses, one, other, Pose(at)), axis="y", closes_loop=name == "d",
              drive=drive if name == "a" else None)
        for name, (one, other, at) in pins.items()
    )  # fmt: skip
    return twin(
        "four_bar", "Four-bar", tuple(shapes.values()), _bodies(poses, parts, shapes), (STEEL,), joints=joints,
        articulation=Articulation("prop", "ground", fixed=True, self_collision=False),
    )  # fmt: skip


def chain(links: int) -> Twin:
    """A driven chain of many links that only are seen, standing upright."""
    first = arm(2)
    link, joint = first.bodies[1], first.joints[0]
    bodies, joints = [first.bodies[0]], []
    for i in range(links):
        bar = replace(link.parts[0], name=f"bar {i}", collision=None, role="visual")
        bodies.append(replace(link, name=f"bar {i}", parts=(bar,), pose=Pose((0.0, 0.0, 0.1 + 0.3 * i))))
        start = joint.pose0 if i == 0 else Pose((0.0, 0.0, 0.3))
        ends = {"body0": bodies[-2].name, "body1": f"bar {i}", "pose0": start, "pose1": Pose()}
        joints.append(replace(joint, name=f"joint {i}", **ends))
    used = {part.shape for body in bodies for part in body.parts}
    shapes = tuple(shape for shape in first.shapes if shape.name in used)
    return replace(first, shapes=shapes, bodies=tuple(bodies), joints=tuple(joints))


MOVERS = {
    "cabinet": cabinet,
    "arm": arm,
    "gripper": gripper,
    "doorway": doorway,
    "terrace": terrace,
    "pendulum": lambda: pendulum(position=0.3),
    "four_bar": four_bar,
}
