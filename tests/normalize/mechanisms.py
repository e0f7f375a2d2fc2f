"""Mechanisms of boxes with known mass properties, for tests of dynamics; and the same as MJCF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from physicl_twin.model import (
    Body,
    Collider,
    Collision,
    CollisionFit,
    Decision,
    Estimate,
    Evidence,
    Frame,
    GeometrySummary,
    Joint,
    MassProperties,
    Part,
    Pose,
    Shape,
    Source,
    Twin,
)

WHY = (Evidence("source", "As the test states it.", "test"),)
FRAME = Frame(Decision("m", 1.0, (), WHY), 1.0, Decision("z", 1.0, (), WHY))


def pose(position: Sequence[float] = (0, 0, 0), axis: Sequence[float] = (0, 0, 1), angle: float = 0.0) -> Pose:
    """A pose from a position and a turn."""
    unit = np.asarray(axis, float) / np.linalg.norm(axis)
    w, xyz = np.cos(angle / 2), np.sin(angle / 2) * unit
    return Pose(tuple(map(float, position)), (float(w), *map(float, xyz)))


def stated(value: float, unit: str) -> Estimate:
    """A number that the source states."""
    return Estimate.exact(value, unit, "stated", WHY)


def box_properties(mass: float, size: Sequence[float], com: Sequence[float] = (0, 0, 0)) -> MassProperties:
    """Of a solid box of that mass, centred at ``com``."""
    x, y, z = size
    inertia = mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])
    rows = tuple(tuple(map(float, row)) for row in inertia)
    return MassProperties(stated(mass, "kg"), tuple(map(float, com)), (0.0, 0.0, 0.0), rows, ((0.0,) * 3,) * 3, WHY)


def box_body(
    name: str,
    size: Sequence[float] = (0.1, 0.1, 0.1),
    mass: float | None = 1.0,
    at: Pose | None = None,
    com: Sequence[float] = (0, 0, 0),
    static: bool = False,
) -> tuple[Body, Shape]:
    """A body that is one box centred at ``com``, and its shape."""
    half = tuple(0.5 * float(s) for s in size)
    shape = Shape(name, geometry=GeometrySummary("0" * 64, 8, 12, 1.0, tuple(-h for h in half), half, True, 1))
    collider = Collider(f"{name}_collider", "box", size_m=tuple(map(float, size)))
    collision = Collision("primitive", (collider,), CollisionFit(0, 0, 0, 1.0, None, 1), evidence=WHY)
    part = Part(f"{name}_part", name, Pose(tuple(map(float, com))), collision=collision)
    properties = None if mass is None else box_properties(mass, size, com)
    return Body(name, (part,), at or Pose(), properties, static), shape


def bare_body(name: str, at: Pose | None = None) -> Body:
    """A body of which nothing is known but where it is."""
    return Body(name, (), at or Pose())


def twin_of(bodies: Sequence[tuple[Body, Shape] | Body], joints: Sequence[Joint], title: str = "thing") -> Twin:
    """The twin of bodies and joints; bodies stand where they say."""
    listed = [item if isinstance(item, Body) else item[0] for item in bodies]
    shapes = tuple(item[1] for item in bodies if not isinstance(item, Body))
    source = Source("thing.urdf", "urdf", "0" * 64, 1)
    return Twin("thing", title, (source,), FRAME, shapes, tuple(listed), joints=tuple(joints))


def hinge(name: str, parent: Body | None, child: Body, at: Sequence[float], axis: str = "z", **more: object) -> Joint:
    """A joint at a place of the twin's frame with axes along it, at which the bodies stand at its position 0."""
    place = np.eye(4)
    place[:3, 3] = at
    first = np.eye(4) if parent is None else np.linalg.inv(parent.pose.matrix())
    second = np.linalg.inv(child.pose.matrix())
    values: dict[str, object] = {"type": "revolute", **more}
    return Joint(
        name,
        values.pop("type"),  # type: ignore[arg-type]
        "" if parent is None else parent.name,
        child.name,
        Pose.from_matrix(first @ place),
        Pose.from_matrix(second @ place),
        axis,  # type: ignore[arg-type]
        **values,  # type: ignore[arg-type]
    )


def arm(links: int = 3, effort: float | None = 50.0, prefix: str = "link") -> Twin:
    """A serial arm of boxes that stands upright: joints turn about y and z in turn."""
    base, *_ = made = [box_body("base_link", (0.2, 0.2, 0.1), 5.0)]
    joints = []
    previous = base[0]
    for k in range(links):
        at = 0.05 + 0.3 * k
        here = box_body(f"{prefix}_{k + 1}", (0.06, 0.06, 0.28), 2.0 / (k + 1), pose((0, 0, at)), (0.0, 0.01, 0.15))
        limit = None if effort is None else stated(effort, "N m")
        joints.append(
            hinge(f"joint_{k + 1}", previous, here[0], (0, 0, at), "yz"[k % 2], lower=-2.0, upper=2.0, max_force=limit)
        )
        made.append(here)
        previous = here[0]
    return twin_of(made, joints, "test arm")


def cabinet() -> Twin:
    """A carcass with a door on a hinge and a drawer, which do not touch."""
    carcass = box_body("carcass", (0.5, 0.4, 0.02), 12.0, pose((0, 0, 0)))
    door = box_body("left door", (0.02, 0.38, 0.6), 3.0, pose((0.26, 0, 0.35)))
    drawer = box_body("drawer", (0.4, 0.36, 0.1), 2.0, pose((0, 0, 0.8)))
    joints = [
        hinge("hinge", carcass[0], door[0], (0.26, -0.19, 0.35), "z", lower=0.0, upper=1.9),
        hinge("slide", carcass[0], drawer[0], (0, 0, 0.8), "x", type="prismatic", lower=0.0, upper=0.3),
    ]
    return twin_of([carcass, door, drawer], joints, "kitchen base cabinet")


def moved(twin: Twin, **changes: object) -> Twin:
    """The twin with its first joint changed."""
    return replace(twin, joints=(replace(twin.joints[0], **changes), *twin.joints[1:]))  # type: ignore[arg-type]


def mjcf(twin: Twin) -> str:
    """The tree of a twin as MJCF, base fixed where nothing else is said."""
    from physicl_twin.normalize.dynamics.tree import NO_PARENT, tree_of

    tree = tree_of(twin)

    def numbers(values: Sequence[float]) -> str:
        return " ".join(f"{v:.17g}" for v in values)

    def body(index: int) -> str:
        link = tree.link(index)
        here = twin.bodies[index]
        parent = Pose() if link.parent == NO_PARENT else twin.bodies[link.parent].pose
        local = Pose.from_matrix(np.linalg.inv(parent.matrix()) @ here.pose.matrix())
        text = f'<body pos="{numbers(local.position_m)}" quat="{numbers(local.quaternion_wxyz)}">'
        p = here.mass_properties
        assert p is not None
        i = np.array(p.inertia_kgm2)
        full = (i[0, 0], i[1, 1], i[2, 2], i[0, 1], i[0, 2], i[1, 2])
        text += f'<inertial pos="{numbers(p.com_m)}" mass="{p.mass.value:.17g}" fullinertia="{numbers(full)}"/>'
        joint = link.joint
        if joint is not None and joint.type in ("revolute", "prismatic"):
            frame = joint.pose1 if link.forward else joint.pose0
            axis = frame.rotation()[:, "xyz".index(joint.axis)] * (1 if link.forward else -1)
            kind = "hinge" if joint.type == "revolute" else "slide"
            place = numbers(frame.position_m)
            text += f'<joint name="{joint.name}" type="{kind}" pos="{place}" axis="{numbers(axis)}" ref="{joint.position}"/>'
        children = "".join(body(other.body) for other in tree.links if other.parent == index)
        return f"{text}{children}</body>"

    roots = "".join(body(root) for root in tree.roots)
    compiler = '<compiler angle="radian" balanceinertia="false" boundmass="0" boundinertia="0"/>'
    return f"<mujoco>{compiler}<worldbody>{roots}</worldbody></mujoco>"
