"""The joints of a twin as engines want them: what the world holds, what closes a loop, where the root stands.

PhysX makes an articulation of what hangs together by joints. Two habits of it decide this file (measured, ovphysx 0.7):
a movable joint between the world (or anything that is no rigid body) and a link becomes *fixed* without a word, so that
a door on a wall does not open; and every tree under one root schema becomes an articulation of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from physicl_twin.model import Joint, Pose, Twin
from physicl_twin.usd.names import Names

#: Names of what the writer adds: the joint that holds a base, and the base of joints that start at the world itself.
ROOT_JOINT, WORLD_ANCHOR = "root_joint", "world_anchor"


@dataclass(frozen=True, slots=True)
class JointPlan:
    """A joint on the stage.

    Attributes:
        joint: The joint.
        prim: Its prim path.
        body0: Prim path of its first body; the root prim for the world.
        body1: Of its second.
        excluded: True when it is kept out of the articulation's tree: it closes a loop.
    """

    joint: Joint
    prim: str
    body0: str
    body1: str
    excluded: bool


@dataclass(frozen=True, slots=True)
class Anchor:
    """A fixed joint that the writer adds so that the world holds a body.

    Attributes:
        prim: Path of the joint.
        body: Path of the body.
        pose: Of the body in the twin's frame.
    """

    prim: str
    body: str
    pose: Pose


@dataclass(frozen=True, slots=True)
class Mechanism:
    """All joints of a twin.

    Attributes:
        root: Prim that the articulation root schema goes to: the joint that holds a single tree, the first link of a
            single free tree, or the twin's root prim when there are several trees.
        joints: In the twin's order.
        anchors: Joints that the writer adds.
        base: Path of a body that the writer adds for joints that start at the world; empty when there are none.
        held: Names of static bodies that joints hang on.
    """

    root: str
    joints: tuple[JointPlan, ...]
    anchors: tuple[Anchor, ...]
    base: str
    held: frozenset[str]

    @property
    def links(self) -> tuple[str, ...]:
        """Prim paths of everything that a joint of the tree touches, in order of appearance."""
        tree = (plan for plan in self.joints if not plan.excluded)
        ends = [end for plan in tree for end in (plan.body0, plan.body1)] + [anchor.body for anchor in self.anchors]
        return tuple(dict.fromkeys(ends))


def missing_of_joints(twin: Twin) -> list[str]:
    """What the joints of a twin name that is not there: bodies, leaders, names of their own."""
    bodies, joints = {body.name for body in twin.bodies}, {joint.name for joint in twin.joints}
    missing = [
        f"body {name!r} of joint {joint.name!r}"
        for joint in twin.joints
        for name in (joint.body0, joint.body1)
        if name and name not in bodies
    ]
    missing += [
        f"joint {joint.mimic.joint!r} that {joint.name!r} follows"
        for joint in twin.joints
        if joint.mimic is not None and joint.mimic.joint not in joints
    ]
    missing += [f"a second body of joint {joint.name!r}" for joint in twin.joints if joint.body0 == joint.body1]
    counts = Counter(joint.name for joint in twin.joints)
    return missing + [f"names of their own of {count} joints {name!r}" for name, count in counts.items() if count > 1]


def plan_mechanism(twin: Twin, root: str, bodies: Mapping[str, str], base: Callable[[], str]) -> Mechanism | None:
    """Decide how a twin's joints are authored.

    Args:
        twin: With articulation and joints; None is returned when it has no joints.
        root: Path of the root prim.
        bodies: Prim path of each body by its name.
        base: Gives the path of a base body, when one is needed.
    """
    if not twin.joints:
        return None
    touched = {name for joint in twin.joints for name in (joint.body0, joint.body1)}
    held = frozenset(body.name for body in twin.bodies if body.static and body.name in touched)
    names = Names()
    prims = {joint.name: f"{root}/joints/{names.unique(joint.name, 'joint')}" for joint in twin.joints}
    based = any(_starts_at_world(joint) for joint in twin.joints)
    base_path = base() if based else ""
    excluded = _loops(twin.joints, held)

    def end(joint: Joint, name: str) -> str:
        if name:
            return bodies[name]
        return base_path if _starts_at_world(joint) else root

    joints = tuple(
        JointPlan(j, prims[j.name], end(j, j.body0), end(j, j.body1), excluded=j.name in excluded) for j in twin.joints
    )
    trees = _Union()
    for plan in joints:
        if not plan.excluded:
            trees.join(*(end for end in (plan.body0, plan.body1) if end != root))
    anchors = _anchors(twin, root, bodies, base_path, held, joints, trees, names)
    return Mechanism(_root(twin, root, bodies, joints, anchors, trees), joints, anchors, base_path, held)


def _starts_at_world(joint: Joint) -> bool:
    """A movable joint of the tree between the world and a body: PhysX would freeze it."""
    return joint.type != "fixed" and not joint.closes_loop and "" in (joint.body0, joint.body1)


def _loops(joints: Sequence[Joint], held: frozenset[str]) -> set[str]:
    """Names of the joints outside the tree: those that say so, and the later one of two ways between two bodies.

    The world and everything that it holds are one body here.
    """
    known, excluded = _Union(), set()
    for joint in joints:
        ends = ["" if name in held else name for name in (joint.body0, joint.body1)]
        if joint.closes_loop or known.same(*ends):
            excluded.add(joint.name)
        else:
            known.join(*ends)
    return excluded


def _anchors(
    twin: Twin,
    root: str,
    bodies: Mapping[str, str],
    base: str,
    held: frozenset[str],
    joints: Sequence[JointPlan],
    trees: _Union,
    names: Names,
) -> tuple[Anchor, ...]:
    def anchor(body: str, pose: Pose) -> Anchor:
        return Anchor(f"{root}/joints/{names.unique(ROOT_JOINT)}", body, pose)

    poses = {body.name: body.pose for body in twin.bodies}
    anchors = [anchor(bodies[body.name], body.pose) for body in twin.bodies if body.name in held]
    if base:
        anchors.append(anchor(base, Pose()))
    articulation = twin.articulation
    if articulation is not None and articulation.fixed:
        first = articulation.root or _first(twin)
        there = {trees.find(a.body) for a in anchors}
        there |= {trees.find(p.body1 if p.body0 == root else p.body0) for p in joints if root in (p.body0, p.body1)}
        still = {body.name for body in twin.bodies if body.static}  # no rigid body, unless a joint hangs on it
        if first in bodies and first not in still and trees.find(bodies[first]) not in there:
            anchors.append(anchor(bodies[first], poses[first]))
    return tuple(anchors)


def _first(twin: Twin) -> str:
    """A body that no joint of the tree has as its child; the first body when there is none."""
    children = {joint.body1 for joint in twin.joints if not joint.closes_loop}
    return next((body.name for body in twin.bodies if body.name not in children), twin.bodies[0].name)


def _root(
    twin: Twin,
    root: str,
    bodies: Mapping[str, str],
    joints: Sequence[JointPlan],
    anchors: Sequence[Anchor],
    trees: _Union,
) -> str:
    tree = [plan for plan in joints if not plan.excluded]
    ends = [end for plan in tree for end in (plan.body0, plan.body1) if end != root]
    if len({trees.find(end) for end in [*ends, *(a.body for a in anchors)]}) != 1:
        return root
    holding = [anchor.prim for anchor in anchors] + [plan.prim for plan in tree if root in (plan.body0, plan.body1)]
    if holding:
        return holding[0]
    wanted = bodies.get(twin.articulation.root if twin.articulation else "", "")
    children = {plan.body1 for plan in tree}
    return wanted if wanted in ends else next((end for end in ends if end not in children), ends[0])


class _Union:
    """What hangs together (union by parent pointers with path halving)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, item: str) -> str:
        parent = self._parent
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def same(self, one: str, other: str) -> bool:
        return self.find(one) == self.find(other)

    def join(self, *items: str) -> None:
        for item in items:
            self._parent[self.find(item)] = self.find(items[0])
