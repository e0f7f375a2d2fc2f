"""Joints of an MJCF model between the bodies of the twin.

A body with several joints becomes a chain: massless bodies between one joint and the next, in the order in which MuJoCo
applies them. All mass stays on the body itself, so totals are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.mjcf_actuators import Motor, Motors
from physicl_twin.ingest.mjcf_equality import Equalities
from physicl_twin.ingest.mjcf_model import MjcfJoint, MjcfModel
from physicl_twin.ingest.mjcf_tree import WORLD, Tree
from physicl_twin.ingest.naming import readable, unique
from physicl_twin.model import Drive, Estimate, Evidence, Joint, Mimic, Note, Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.joint import JointAxis, JointType

_TYPES: dict[str, JointType] = {"hinge": "revolute", "slide": "prismatic", "ball": "spherical"}
_AXES: tuple[JointAxis, ...] = ("x", "y", "z")
#: Name of the body that stands for the world where mechanisms hang on it.
BASE = "world"


@dataclass(slots=True)
class Mechanism:
    """Bodies in place and the joints between them.

    Attributes:
        names: Of the twin's bodies by number of the model's (the world: the base, or empty).
        placed: (4, 4) pose of every body of the twin by its name.
        between: Names of the massless bodies above a body with several joints, by its number, in order.
        joints: The tree's, then those that close loops.
        notes: What has no counterpart.
    """

    names: dict[int, str] = field(default_factory=dict)
    placed: dict[str, FloatArray] = field(default_factory=dict)
    between: dict[int, list[str]] = field(default_factory=dict)
    joints: list[Joint] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read_joints(
    model: MjcfModel,
    tree: Tree,
    equalities: Equalities,
    motors: Motors,
    positions: dict[int, float],
    stating: Stating,
) -> Mechanism:
    """Place the bodies and make the joints."""
    found = Mechanism()
    chains = {b: [j for j in model.joints_of(b) if model.joints[j].kind != "free"] for b in tree.kept}
    wanted = [BASE] if tree.needs_base else []
    wanted += [model.body_names[b] for b in tree.kept]
    wanted += [
        readable(f"{model.body_names[b]} {model.joint_names[j]}", "link") for b in tree.kept for j in chains[b][:-1]
    ]
    names = list(unique(wanted))
    base = names.pop(0) if tree.needs_base else ""
    found.names = {WORLD: base, **dict(zip(tree.kept, names, strict=False))}
    spare = iter(names[len(tree.kept) :])
    if base:
        found.placed[base] = np.eye(4)
    taken = _Names(list(model.joint_names))
    for body in tree.kept:
        parent = tree.parent[body]
        above = found.names[parent] if parent != WORLD or body in tree.on_world else ""
        at = found.placed[above] if above else np.eye(4)
        before = tree.mount[body]
        if not chains[body]:
            found.placed[found.names[body]] = at @ before
            if above:
                name = taken.new(f"{found.names[body]} weld")
                pose0 = Pose.from_matrix(before)
                evidence = (Evidence("source", "The description welds the body to its parent.", stating.source),)
                found.joints.append(Joint(name, "fixed", above, found.names[body], pose0, evidence=evidence))
            continue
        for step, number in enumerate(chains[body]):
            last = step == len(chains[body]) - 1
            below = found.names[body] if last else next(spare)
            joint = model.joints[number]
            frame, letter = joint_frame(joint)
            at_reference = before @ frame @ motion(joint, letter, -joint.ref)
            moved = at_reference @ motion(joint, letter, positions.get(number, 0.0)) @ np.linalg.inv(frame)
            made = _joint(model, number, letter, above, below, at_reference, frame, positions, stating)
            found.joints.append(_driven(made, number, motors.by_joint.get(number), equalities, model, stating))
            found.placed[below] = at @ moved
            if not last:
                found.between.setdefault(body, []).append(below)
            above, at, before = below, found.placed[below], np.eye(4)
    found.notes += _chain_notes(model, tree, chains)
    found.joints += [
        Joint(
            taken.new(loop.name), loop.type, found.names[loop.first], found.names[loop.second],
            Pose.from_matrix(loop.pose0), Pose.from_matrix(loop.pose1), closes_loop=True,
            evidence=(Evidence("source", "An equality constraint of the description.", stating.source),),
        )
        for loop in equalities.loops
    ]  # fmt: skip
    return found


class _Names:
    """Names of joints that are not taken."""

    def __init__(self, taken: list[str]) -> None:
        self._taken = taken

    def new(self, wanted: str) -> str:
        name = unique([readable(wanted, "joint")], frozenset(self._taken))[0]
        self._taken.append(name)
        return name


def joint_frame(joint: MjcfJoint) -> tuple[FloatArray, JointAxis]:
    """(4, 4) frame of a joint in its body's, at its anchor, and the axis of that frame that it moves about or along.

    An axis along x, y or z of the body keeps its letter; any other becomes z of a frame turned the shortest way.
    """
    frame = np.eye(4)
    frame[:3, 3] = joint.anchor
    if joint.kind == "ball":
        return frame, "z"
    axis = np.array(joint.axis) / np.linalg.norm(joint.axis)
    along = int(np.argmax(axis))
    if axis[along] > 1.0 - 1e-12:
        return frame, _AXES[along]
    frame[:3, :3] = _turn_z_to(axis)
    return frame, "z"


def _turn_z_to(axis: FloatArray) -> FloatArray:
    """(3, 3) the shortest rotation that takes z to a unit vector (Rodrigues' formula)."""
    cosine = float(axis[2])
    if cosine < -1.0 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    x, y = float(axis[0]), float(axis[1])
    cross = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    turn: FloatArray = np.eye(3) + cross + cross @ cross / (1.0 + cosine)
    return turn


def motion(joint: MjcfJoint, letter: JointAxis, coordinate: float) -> FloatArray:
    """(4, 4) what the joint does to its frame at a coordinate."""
    moved, axis = np.eye(4), _AXES.index(letter)
    if joint.kind == "hinge":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(coordinate)
        moved[c, b], moved[b, c] = math.sin(coordinate), -math.sin(coordinate)
    elif joint.kind == "slide":
        moved[axis, 3] = coordinate
    return moved


def _joint(
    model: MjcfModel,
    number: int,
    letter: JointAxis,
    above: str,
    below: str,
    pose0: FloatArray,
    pose1: FloatArray,
    positions: dict[int, float],
    stating: Stating,
) -> Joint:
    """A joint with its limits and what resists it."""
    joint = model.joints[number]
    lower, upper = joint.range if joint.range is not None else (None, None)
    if joint.kind == "ball" and upper is not None:
        lower = -upper
    turns = joint.kind != "slide"

    def stated(value: float, unit: str, name: str, attribute: str) -> Estimate | None:
        # MuJoCo's zeros are what it takes when nothing is written.
        return stating.measured(value, unit, name, f"joint {attribute}") if value > 0.0 else None

    return Joint(
        model.joint_names[number],
        _TYPES[joint.kind],
        above,
        below,
        Pose.from_matrix(pose0),
        Pose.from_matrix(pose1),
        letter,
        lower,
        upper,
        positions.get(number, 0.0),
        friction=stated(joint.friction, "N m" if turns else "N", "a joint friction of", "frictionloss"),
        damping=stated(joint.damping, "N m s/rad" if turns else "N s/m", "a joint damping of", "damping"),
        stiffness=stated(joint.stiffness, "N m/rad" if turns else "N/m", "a spring of", "stiffness"),
        rest=joint.rest if joint.kind != "ball" else 0.0,
        armature=stated(joint.armature, "kg m2" if turns else "kg", "an armature of", "armature"),
        max_force=None
        if joint.force_range is None
        else stated(
            max(abs(v) for v in joint.force_range), "N m" if turns else "N", "a motor limit of", "actuatorfrcrange"
        ),
        evidence=(Evidence("source", f"A {joint.kind} joint of the description.", stating.source, "joint"),),
    )


def _driven(
    joint: Joint,
    number: int,
    motor: Motor | None,
    equalities: Equalities,
    model: MjcfModel,
    stating: Stating,
) -> Joint:
    """The joint with its drive, with what it follows or is held at."""
    if number in equalities.follows:
        leader, multiplier, offset = equalities.lead(number)
        if leader in equalities.held:
            held = multiplier * equalities.held[leader] + offset
            return replace(joint, lower=held, upper=held)
        joint = replace(joint, mimic=Mimic(model.joint_names[leader], multiplier, offset))
    if number in equalities.held:
        held = equalities.held[number]
        return replace(joint, lower=held, upper=held)
    if motor is None:
        return joint
    torque, angle = ("N m", "rad") if joint.type != "prismatic" else ("N", "m")
    who = f"actuator {', '.join(motor.names)}"
    bounds = [b for b in (motor.max_force, joint.max_force.value if joint.max_force else None) if b is not None]
    most = stating.measured(min(bounds), torque, "a motor limit of", who) if bounds else None
    # A gain of zero is no doubtful measurement: an actuator without it works so.
    state = {True: stating.measured, False: stating.limit}
    stiffness = state[motor.stiffness > 0](motor.stiffness, f"{torque}/{angle}", "a drive stiffness of", who)
    damping = state[motor.damping > 0](motor.damping, f"{torque} s/{angle}", "a drive damping of", who)
    mode = "position" if motor.stiffness else "velocity" if motor.damping else "force"
    target = joint.position if mode == "position" else 0.0
    drive = Drive(mode, stiffness, damping, most, target, " + ".join(motor.names))  # type: ignore[arg-type]
    armature, resistance = joint.armature, joint.damping
    if motor.armature > 0.0:
        total = motor.armature + (armature.value if armature else 0.0)
        armature = stating.measured(total, "kg m2" if torque == "N m" else "kg", "an armature of", who)
    if motor.resistance > 0.0:
        total = motor.resistance + (resistance.value if resistance else 0.0)
        resistance = stating.measured(total, f"{torque} s/{angle}", "a joint damping of", who)
    return replace(joint, drive=drive, max_force=most or joint.max_force, armature=armature, damping=resistance)


def _chain_notes(model: MjcfModel, tree: Tree, chains: dict[int, list[int]]) -> list[Note]:
    notes = []
    several = [model.body_names[b] for b in tree.kept if len(chains[b]) > 1]
    if several:
        who = ", ".join(several[:6]) + (" …" if len(several) > 6 else "")
        message = f"Bodies with several joints became chains with massless bodies between them: {who}."
        notes.append(Note("several_joints_of_one_body", "info", message))
    curved = [model.joint_names[j] for c in chains.values() for j in c if _is_curved(model.joints[j])]
    if curved:
        message = (
            f"The stiffness or damping of {', '.join(curved[:6])} depends on the motion; its linear part is taken."
        )
        notes.append(Note("joint_simplified", "warning", message))
    return notes


def _is_curved(joint: MjcfJoint) -> bool:
    return any(joint.stiffness_poly) or any(joint.damping_poly)
