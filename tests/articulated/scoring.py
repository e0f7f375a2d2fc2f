"""How many joints of a twin are the true ones: type, axis within 2°, and of hinges its place within 2 mm."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Joint, Twin
from tests.articulated.recipe import Mechanism, Truth

#: What counts as found.
ANGLE_DEG, DISTANCE_M = 2.0, 2e-3


@dataclass(frozen=True)
class Score:
    """Joints of one twin against the truth.

    Attributes:
        found: How many joints the twin has.
        true: How many there are.
        pairs: Those that agree.
    """

    found: int
    true: int
    pairs: tuple[tuple[Truth, Joint], ...]

    @property
    def matched(self) -> int:
        return len(self.pairs)


def score(
    mechanism: Mechanism, twin: Twin, q: dict[str, float] | None = None, vague: bool = False, bodies: bool = True
) -> Score:
    """Match the joints of a twin whose file shows the mechanism at coordinates ``q`` (at rest by default).

    ``vague``: let the axis of a hidden hinge lie anywhere in the thickness of its door. ``bodies``: most parts of one of
    the two bodies must be of the true child; not for fused files, whose parts have no names.
    """
    owner = {piece.name: piece.body for piece in mechanism.pieces}
    content = {
        body.name: Counter(owner.get(part.name, "") for part in body.parts).most_common(1)[0][0]
        for body in twin.bodies
        if body.parts
    }
    moved = mechanism.displacements(q if q is not None else mechanism.spread(0.0))
    free = list(twin.joints)
    pairs = []
    for truth in mechanism.joints:
        at = moved[truth.parent]
        axis, point = at[:3, :3] @ truth.axis, at[:3, :3] @ truth.point + at[:3, 3]
        room = DISTANCE_M + (truth.vague_m if vague else 0.0)
        right = [
            j
            for j in free
            if j.type == truth.type
            and (not bodies or truth.child in (content.get(j.body0), content.get(j.body1)))
            and _near(twin, j, axis, point, room)
        ]
        joint = next(iter(right), None)
        if joint is not None:
            free.remove(joint)
            pairs.append((truth, joint))
    return Score(len(twin.joints), len(mechanism.joints), tuple(pairs))


def _near(twin: Twin, joint: Joint, axis: np.ndarray, point: np.ndarray, room_m: float) -> bool:
    pose = joint.pose0 if not joint.body0 else twin.body(joint.body0).pose.compose(joint.pose0)
    frame = pose.matrix()
    along = frame[:3, "xyz".index(joint.axis)]
    if math.degrees(math.acos(min(1.0, abs(float(along @ axis))))) > ANGLE_DEG:
        return False
    return joint.type == "prismatic" or float(np.linalg.norm(np.cross(frame[:3, 3] - point, axis))) <= room_m
