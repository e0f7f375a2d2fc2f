"""Which joints of a closed loop can have motors of their own: as many as the loop leaves free.

Where a source says of no joint what drives it, every joint of a robot is taken as driven. Around a loop that would be
more drives than motions, which fight each other. With J the Jacobian of the loops' constraints at the pose that stands,
joints are gone through from the root on (motors sit near it), and one is driven when its coordinate is free yet: when
its unit row raises the rank of J and of the rows of those before it.
"""

from __future__ import annotations

import numpy as np

from physicl_twin.model import Joint, Note, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.mass_matrix import MOVING, link_axis, skew
from physicl_twin.normalize.dynamics.placeholders import stated_effort
from physicl_twin.normalize.dynamics.tree import NO_PARENT, Link, Tree

_AXES = {"x": 0, "y": 1, "z": 2}
#: Singular values below this share of the largest are none (judgement: frames are in single precision at worst, and
#: motions across a loop's plane are of the order of one).
_RANK = 1e-5


def loop_led(twin: Twin, tree: Tree) -> set[str]:
    """Names of the joints on the way around a loop that others move: none of those whose effort the source states."""
    loops = [joint for joint in twin.joints if joint.closes_loop]
    ways = [_around(twin, tree, loop) for loop in loops]
    links = [link for link in tree.links if any(link.body in way for way in ways)]
    columns = [(link, motion) for link in links for motion in _motions(link, tuple(b.pose for b in twin.bodies))]
    if not columns:
        return set()
    rows = [_constraint(twin, loop, way, columns) for loop, way in zip(loops, ways, strict=True)]
    known = np.vstack(rows)
    rank = _rank(known)
    led: set[str] = set()
    candidates = [(number, link.joint) for number, (link, _) in enumerate(columns) if link.joint is not None]
    for number, joint in sorted(candidates, key=lambda item: stated_effort(item[1]) is None):
        if joint.type not in MOVING:
            continue
        more = np.vstack([known, np.eye(len(columns))[number]])
        if _rank(more) > rank:
            known, rank = more, rank + 1
        elif stated_effort(joint) is None:
            led.add(joint.name)
    return led


def loop_note(led: set[str]) -> tuple[Note, ...]:
    """A note that names them."""
    if not led:
        return ()
    text = f"Joints of loops that others move have no drives: {', '.join(sorted(led)[:4])}"
    text += f" and {len(led) - 4} more." if len(led) > 4 else "."
    return (Note("loop_joints_led", "info", text, "State actuators or efforts to have it otherwise."),)


def _around(twin: Twin, tree: Tree, loop: Joint) -> dict[int, float]:
    """Bodies whose joints are on the way around a loop: 1 on the side of its second body, -1 on that of its first."""
    index = {body.name: number for number, body in enumerate(twin.bodies)}
    parents = {link.body: link.parent for link in tree.links}
    found: dict[int, float] = {}
    for end, sign in ((loop.body1, 1.0), (loop.body0, -1.0)):
        here = index.get(end, NO_PARENT)
        while here != NO_PARENT:
            found[here] = found.get(here, 0.0) + sign
            here = parents[here]
    return {body: sign for body, sign in found.items() if sign}


def _motions(link: Link, poses: tuple[Pose, ...]) -> list[FloatArray]:
    """(6,) motions of a link per unit of its joint, about the twin's origin: angular, then linear."""
    joint = link.joint
    if joint is None or joint.type == "fixed":
        return []
    axis, point = link_axis(link, poses)
    if joint.type == "prismatic":
        return [np.concatenate([np.zeros(3), axis])]
    axes = np.eye(3) if joint.type == "spherical" else axis[None]
    return [np.concatenate([one, np.cross(point, one)]) for one in axes]


def _constraint(twin: Twin, loop: Joint, way: dict[int, float], columns: list[tuple[Link, FloatArray]]) -> FloatArray:
    """(6, C) rates of the motions that a joint which closes a loop forbids, per unit of each column."""
    body = next((body for body in twin.bodies if body.name == loop.body1), None)
    frame = (body.pose.matrix() if body is not None else np.eye(4)) @ loop.pose1.matrix()
    twists = np.array([way.get(link.body, 0.0) * motion for link, motion in columns]).T
    # At the loop's own point, in the axes of its frame.
    turning = frame[:3, :3].T @ twists[:3]
    moving = frame[:3, :3].T @ (twists[3:] - skew(frame[:3, 3]) @ twists[:3])
    axis = _AXES[loop.axis]
    if loop.type == "spherical":
        turning = np.zeros_like(turning)
    elif loop.type == "revolute":
        turning[axis] = 0.0
    elif loop.type == "prismatic":
        moving[axis] = 0.0
    found: FloatArray = np.vstack([turning, moving])
    return found


def _rank(matrix: FloatArray) -> int:
    values = np.linalg.svd(matrix, compute_uv=False)
    return int((values > _RANK * max(float(values.max(initial=0.0)), 1e-12)).sum())
