"""The mechanism that the joints of a USD stage make: its root, what holds it, and what does not collide in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from physicl_twin.ingest.raw import RawBody
from physicl_twin.ingest.usd_drives import read_actuators, read_drive
from physicl_twin.ingest.usd_joint_dynamics import number, read_dynamics
from physicl_twin.ingest.usd_joints import StageJoint, stage_joint
from physicl_twin.ingest.usd_mimics import read_mimic
from physicl_twin.ingest.usd_physics import Frames, StageUnits, body_of
from physicl_twin.ingest.usd_placement import place, with_inertia
from physicl_twin.ingest.usd_tree import WORLD, chain_parallels, open_loops, orient
from physicl_twin.model import Articulation, BodyPair, Evidence, Joint, Mimic, Note
from physicl_twin.model.geometry import FloatArray

#: Name of the body that stands for the world where joints that move hang on it.
BASE = "world"
ROOT_API = "PhysicsArticulationRootAPI"


@dataclass(frozen=True, slots=True)
class PhysicsPrims:
    """Prims of a stage that say something about motion, in the order of the stage.

    Attributes:
        joints: Of any joint type.
        roots: With the schema of an articulation's root.
        actuators: NewtonActuator and MjcActuator.
        filtered: With filtered pairs.
        others: What has no counterpart: (kind, name).
        self_filtered: True when a collision group keeps its own members apart, as our own assets say so.
    """

    joints: tuple[Any, ...] = ()
    roots: tuple[Any, ...] = ()
    actuators: tuple[Any, ...] = ()
    filtered: tuple[Any, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    self_filtered: bool = False


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Joints and what they make.

    Attributes:
        joints: Parents first, loops last.
        articulation: As a whole; None without joints.
        base: Name of a body to add that stands for the world; empty for none.
        added: Bodies without matter: that base, and those between joints that act one after the other.
        moved: (4, 4) pose of bodies that their joints put elsewhere, stage units, by name.
        notes: What was repaired or has no counterpart.
    """

    joints: tuple[Joint, ...] = ()
    articulation: Articulation | None = None
    base: str = ""
    notes: tuple[Note, ...] = ()
    added: tuple[RawBody, ...] = ()
    moved: Mapping[str, FloatArray] = field(default_factory=dict)


def read_mechanism(
    prims: PhysicsPrims,
    names: dict[str, str],
    bodies: Iterable[RawBody],
    held: Iterable[str],
    frames: Frames,
    units: StageUnits,
    time: Any,
) -> Mechanism:
    """Read the joints and the articulation.

    Args:
        prims: What the stage has.
        names: Name of each body by prim path.
        bodies: The bodies.
        held: Names of bodies that do not move by themselves (kinematic).
        frames: Of the bodies, stage units.
        units: Of the stage.
        time: ``Usd.TimeCode``.
    """
    notes: list[Note] = [Note("physics_left_out", "info", f"Left out: {kind} {name!r}.") for kind, name in prims.others]
    joints: dict[str, StageJoint] = {}
    taken: set[str] = set()
    for prim in prims.joints:
        found = stage_joint(prim, names, frames, units, time)
        if isinstance(found, Note):
            notes.append(found)
            continue
        found.joint = replace(found.joint, name=_new(found.joint.name, taken))
        read_dynamics(found, prim, units, time)
        read_drive(found, prim, units, time)
        joints[found.path] = found
    notes += read_actuators(prims.actuators, joints, units, time)
    for prim in prims.joints:
        if (made := joints.get(str(prim.GetPath()))) is not None:
            read_mimic(made, prim, joints, units, time)
    notes += _break_circles(list(joints.values()))
    by_name = {body.name: body for body in bodies}
    between, chained = chain_parallels(list(joints.values()), names.values())
    notes += chained
    by_name |= {name: replace(by_name[frame], name=name, mass_properties=None) for name, frame in between.items()}
    placed = {WORLD: np.eye(4)} | {body.name: _metres(body.transform, units) for body in by_name.values()}
    notes += open_loops(joints.values())
    marked = [owner for prim in prims.roots if (owner := _owner(prim, names, joints))]
    ordered = orient(list(joints.values()), [*marked, *held])
    moved = place(ordered, placed)
    for made in ordered:
        with_inertia(made, ordered, by_name, placed)
        notes += made.notes
    mechanism = _assembled(ordered, prims, marked, set(held), names, by_name, units, time, notes)
    added = {name: by_name[name] for name in between}
    if mechanism.base:
        added = {mechanism.base: RawBody(mechanism.base, np.eye(4)), **added}
    return replace(
        mechanism,
        added=tuple(added.values()),
        moved={name: _stage(placed[name], units) for name in moved},
    )


def _new(wanted: str, taken: set[str]) -> str:
    """A name that no other joint has."""
    name = next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 100_000))) if n.casefold() not in taken)
    taken.add(name.casefold())
    return name


def _metres(transform: FloatArray, units: StageUnits) -> FloatArray:
    placed = transform.copy()
    placed[:3, 3] *= units.metres
    return placed


def _stage(placed: FloatArray, units: StageUnits) -> FloatArray:
    transform = placed.copy()
    transform[:3, 3] /= units.metres
    return transform


def _owner(prim: Any, names: dict[str, str], joints: dict[str, StageJoint]) -> str:
    """Body that a root schema means: the prim's own, or the one that a joint holds; empty for a group."""
    made = joints.get(str(prim.GetPath()))
    if made is not None:
        return made.joint.body1 or made.joint.body0
    return names.get(str(prim.GetPath()), "")


def _break_circles(joints: list[StageJoint]) -> list[Note]:
    """Joints that follow each other in a circle follow nobody; all others follow one that follows nobody."""
    by_name = {made.joint.name: made for made in joints}
    notes = []
    for made in joints:
        seen, here = {made.joint.name}, made
        while here.joint.mimic is not None:
            here = by_name[here.joint.mimic.joint]
            if here.joint.name in seen:
                message = f"The joint {made.joint.name!r} follows itself through others; it is left free."
                notes.append(Note("mimic_left_out", "warning", message))
                made.joint = replace(made.joint, mimic=None)
                break
            seen.add(here.joint.name)
    for made in joints:
        # Who follows a follower follows that one's leader.
        while made.joint.mimic is not None and (next_ := by_name[made.joint.mimic.joint].joint.mimic) is not None:
            own = made.joint.mimic
            offset = own.multiplier * next_.offset + own.offset
            made.joint = replace(made.joint, mimic=Mimic(next_.joint, own.multiplier * next_.multiplier, offset))
    return notes


def _assembled(
    ordered: list[StageJoint],
    prims: PhysicsPrims,
    marked: list[str],
    held: set[str],
    names: dict[str, str],
    bodies: dict[str, RawBody],
    units: StageUnits,
    time: Any,
    notes: list[Note],
) -> Mechanism:
    """Decide about the root, and hang what is on the world on a base where that needs one."""
    tree = [made.joint for made in ordered if not made.joint.closes_loop]
    on_world = [joint for joint in tree if joint.body0 == WORLD]
    joints = [made.joint for made in ordered]
    base, fixed = "", False
    if any(joint.type != "fixed" for joint in on_world) or (len(on_world) > 1 and len(tree) > len(on_world)):
        base = _new(BASE, {name.casefold() for name in bodies})
        joints = [replace(joint, body0=base) if joint.body0 == WORLD else joint for joint in joints]
        root, fixed = base, True
    elif len(on_world) == 1 and len(tree) > 1:
        root, fixed = on_world[0].body1, True
        joints = [joint for joint in joints if joint is not on_world[0]]
    elif tree:
        root = _root(tree, marked)
        fixed = root in held
    else:
        return Mechanism(tuple(joints), None, "", tuple(notes))
    api = _root_prim(prims, names, root)
    collide = [api.GetAttribute(n).Get(time) for n in _SELF_COLLISION if api and api.HasAttribute(n)]
    collides = not prims.self_filtered and not any(value is False for value in collide)
    position, velocity = (_iterations(api, kind, time) for kind in ("Position", "Velocity"))
    says = "The asset marks the root of an articulation." if prims.roots else "The joints of the asset make a tree."
    driven = any(joint.drive is not None for joint in joints)
    articulation = Articulation(
        "robot" if driven else "prop", root, fixed, collides,
        _filters(prims.filtered, names), position, velocity,
        evidence=(Evidence("source", says, units.source, "base" if prims.roots or fixed else "joints"),),
    )  # fmt: skip
    return Mechanism(tuple(joints), articulation, base, tuple(notes))


_SELF_COLLISION = ("physxArticulation:enabledSelfCollisions", "newton:selfCollisionEnabled")


def _iterations(api: Any, kind: str, time: Any) -> int | None:
    found = number(api, f"physxArticulation:solver{kind}IterationCount", time) if api else None
    return None if found is None else int(found)


def _root(tree: list[Joint], marked: list[str]) -> str:
    """The root of the largest tree; one that the stage marks comes first."""
    parents = {joint.body1: joint.body0 for joint in tree}
    size: dict[str, int] = {}
    for joint in tree:
        top = joint.body0
        while top in parents:
            top = parents[top]
        size[top] = size.get(top, 0) + 1
    chosen = [body for body in marked if body in size]
    return chosen[0] if chosen else max(size, key=lambda body: size[body])


def _root_prim(prims: PhysicsPrims, names: dict[str, str], root: str) -> Any:
    """The prim whose articulation schema speaks for a root: its own, else the only or first one."""
    own = [prim for prim in prims.roots if names.get(str(prim.GetPath())) == root]
    return (own or list(prims.roots) or [None])[0]


def _filters(filtered: Iterable[Any], names: dict[str, str]) -> tuple[BodyPair, ...]:
    """Pairs of bodies of ``physics:filteredPairs``, also where colliders of bodies are named."""
    pairs = set()
    for prim in filtered:
        one = _body_name(prim, names)
        for path in prim.GetRelationship("physics:filteredPairs").GetTargets():
            other = _body_name(prim.GetStage().GetPrimAtPath(path), names)
            if one and other and one != other:
                pairs.add((min(one, other), max(one, other)))
    return tuple(BodyPair(one, other, "stated") for one, other in sorted(pairs))


def _body_name(prim: Any, names: dict[str, str]) -> str:
    body = body_of(prim) if prim else None
    return names.get(str(body.GetPath()), "") if body else ""
