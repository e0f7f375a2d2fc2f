"""Which body hangs on which: the joints of a scene as trees, and those that close loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from physicl_twin.engines.scene_description import DescribedJoint, SceneDescription


@dataclass(frozen=True, slots=True)
class JointTree:
    """The trees of a scene's bodies.

    Attributes:
        order: Body paths, parents before children.
        parents: Parent of each body that hangs on another body.
        joints: The joint through which a body hangs on its parent or on the world.
        loops: Joints that did not fit into the trees.
    """

    order: tuple[str, ...]
    parents: Mapping[str, str]
    joints: Mapping[str, DescribedJoint]
    loops: tuple[DescribedJoint, ...]

    def root(self, path: str) -> str:
        """The body that a body hangs on in the end; the empty path when that hangs on the world."""
        while path in self.parents:
            path = self.parents[path]
        return "" if path in self.joints else path


def spanning_tree(scene: SceneDescription, *, sliding_first: bool = True) -> JointTree:
    """The trees of a scene: what hangs on the world first, then floating mechanisms from their roots.

    Where joints close a loop, one is left out: by preference one that the stage marks so, else one that carries neither
    limit, drive nor friction.

    Args:
        scene: Bodies and joints.
        sliding_first: True to keep a sliding joint in the tree even when the stage marks it: an engine that knows loops
            only as points that coincide cannot close one with it.
    """
    fixed = {body.path for body in scene.bodies if body.kinematic}
    group = {body.path: "" if body.path in fixed else body.path for body in scene.bodies} | {"": ""}

    def find(path: str) -> str:
        while group[path] != path:
            path = group[path]
        return path

    chosen: list[DescribedJoint] = []
    loops: list[DescribedJoint] = []
    for joint in sorted(scene.joints, key=lambda joint: _rank(joint, sliding_first)):
        first, second = find(joint.body0), find(joint.body1)
        if first == second:
            loops.append(joint)
            continue
        # The world stays its own representative.
        group[max(first, second)] = min(first, second)
        chosen.append(joint)
    order, parents, hung = _hang(scene, chosen, fixed)
    # A joint between two things that never move says nothing.
    idle = fixed | {""}
    closing = [joint for joint in loops if not (joint.body0 in idle and joint.body1 in idle)]
    return JointTree(order, parents, hung, tuple(sorted(closing, key=lambda joint: joint.path)))


def _rank(joint: DescribedJoint, sliding_first: bool) -> tuple[int, str]:
    if joint.type == "prismatic" and (sliding_first or not joint.closes_loop):
        return 0, joint.path
    if joint.closes_loop:
        return 3, joint.path
    bears = joint.driven or joint.mimic_of or joint.lower is not None or joint.upper is not None or joint.friction
    return (1 if bears or joint.type == "fixed" else 2), joint.path


def _hang(
    scene: SceneDescription, joints: list[DescribedJoint], fixed: set[str]
) -> tuple[tuple[str, ...], dict[str, str], dict[str, DescribedJoint]]:
    """Walk the trees from their roots, breadth first."""
    beside: dict[str, list[tuple[str, DescribedJoint]]] = {path: [] for path in ("", *(b.path for b in scene.bodies))}
    children: set[str] = set()
    for joint in sorted(joints, key=lambda joint: joint.path):
        beside[joint.body0].append((joint.body1, joint))
        beside[joint.body1].append((joint.body0, joint))
        children.add(joint.body1)
    order: list[str] = []
    parents: dict[str, str] = {}
    hung: dict[str, DescribedJoint] = {}
    seen = {""}

    def walk(root: str) -> None:
        queue = [root]
        while queue:
            here = queue.pop(0)
            if here:
                order.append(here)
            for other, joint in beside[here]:
                if other not in seen:
                    seen.add(other)
                    hung[other] = joint
                    if here:
                        parents[other] = here
                    queue.append(other)

    seen |= fixed
    walk("")
    for path in sorted(fixed):
        walk(path)
    roots = _stated_roots(scene)
    # A floating mechanism hangs on its stated root, else on a body that no joint calls its second.
    for path in sorted(beside, key=lambda path: (path not in roots, path in children, path)):
        if path not in seen:
            seen.add(path)
            walk(path)
    return tuple(order), parents, hung


def _stated_roots(scene: SceneDescription) -> set[str]:
    return {articulation.path for articulation in scene.articulations}
