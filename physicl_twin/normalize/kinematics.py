"""Forward kinematics: where the bodies of a twin stand when its joints are moved, and which never move apart."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from physicl_twin.model import Joint, Pose, Twin
from physicl_twin.model.geometry import FloatArray

_AXES = {"x": 0, "y": 1, "z": 2}


def motion(joint: Joint, coordinate: float) -> FloatArray:
    """(4, 4) what a joint does to its frame at a coordinate, radians or metres; the identity of fixed and spherical."""
    moved, axis = np.eye(4), _AXES[joint.axis]
    if joint.type == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(coordinate)
        moved[c, b], moved[b, c] = math.sin(coordinate), -math.sin(coordinate)
    elif joint.type == "prismatic":
        moved[axis, 3] = coordinate
    return moved


def coordinates(twin: Twin, positions: Mapping[str, float]) -> dict[str, float]:
    """Coordinate of every joint by name: as wished, of followers as their leaders have it, else where it stands.

    Args:
        twin: With joints.
        positions: Wished coordinates by name of the joint, radians or metres; those of followers do not count.
    """
    by_name = {joint.name: joint for joint in twin.joints}
    found: dict[str, float] = {}
    for joint in twin.joints:
        chain: list[Joint] = []
        following: Joint | None = joint
        while following is not None and following.name not in found and following not in chain:
            chain.append(following)
            following = by_name.get(following.mimic.joint) if following.mimic is not None else None
        if following in chain:  # they follow each other: nobody leads, everybody stays
            found |= {one.name: one.position for one in chain}
            continue
        for one in reversed(chain):
            if one.mimic is None:
                found[one.name] = positions.get(one.name, one.position)
            elif one.mimic.joint in found:
                found[one.name] = one.mimic.multiplier * found[one.mimic.joint] + one.mimic.offset
            else:
                found[one.name] = one.position
    return found


def body_poses(twin: Twin, positions: Mapping[str, float]) -> tuple[Pose, ...]:
    """Poses of the bodies in the twin's frame, in the order of ``twin.bodies``, at other coordinates of its joints.

    What hangs on the world is placed from there; else the root of the articulation stays, or the first body of what
    hangs together. Joints that close loops do not count: a loop is not closed by this.

    Args:
        twin: With joints.
        positions: See ``coordinates``.
    """
    at = coordinates(twin, positions)
    links: dict[str, list[tuple[Joint, str, bool]]] = {}
    for joint in twin.joints:
        if joint.closes_loop:
            continue
        links.setdefault(joint.body0, []).append((joint, joint.body1, True))
        links.setdefault(joint.body1, []).append((joint, joint.body0, False))
    stated = {body.name: body.pose.matrix() for body in twin.bodies}
    found: dict[str, FloatArray] = {"": np.eye(4)}
    root = twin.articulation.root if twin.articulation is not None else ""
    still = [body.name for body in twin.bodies if body.static]
    for start in ("", *still, *([root] if root in stated else []), *stated):
        if start and start not in found:
            found[start] = stated[start]
        elif start:
            continue
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for joint, other, forward in links.get(here, ()):
                if other in found or other not in stated:
                    continue
                step = joint.pose0.matrix() @ motion(joint, at[joint.name]) @ np.linalg.inv(joint.pose1.matrix())
                if joint.type == "spherical":
                    step = np.linalg.inv(_of(stated, joint.body0)) @ _of(stated, joint.body1)
                found[other] = found[here] @ (step if forward else np.linalg.inv(step))
                waiting.append(other)
    return tuple(Pose.from_matrix(found[body.name]) for body in twin.bodies)


def rigid_groups(twin: Twin, ties: Callable[[Joint], bool] = lambda joint: joint.type == "fixed") -> tuple[int, ...]:
    """For each body the index of the first body that fixed joints, or those that ``ties`` tells, tie it to."""
    index = {body.name: i for i, body in enumerate(twin.bodies)}
    group = list(range(len(twin.bodies)))

    def find(i: int) -> int:
        while group[i] != i:
            i = group[i]
        return i

    for joint in twin.joints:
        if ties(joint) and joint.body0 in index and joint.body1 in index:
            a, b = find(index[joint.body0]), find(index[joint.body1])
            group[max(a, b)] = min(a, b)
    return tuple(find(i) for i in range(len(group)))


def _of(stated: Mapping[str, FloatArray], body: str) -> FloatArray:
    return stated[body] if body else np.eye(4)
