"""The mechanism on a stage as the checks of joints walk through it: links, tree, poses, colliders."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.overlaps import Hulls
from physicl_twin.validate.joint_view import JointView, coordinate_between, motion
from physicl_twin.validate.stage_view import BodyView
from physicl_twin.validate.subject import NotChecked, Subject


@dataclass(frozen=True, slots=True)
class Link:
    """A body in the tree of a stage.

    Attributes:
        body: Index into the bodies.
        parent: Index of its parent; -1 at a root or on the world.
        joint: What joins it to its parent or to the world; None at a free root.
        forward: True when it is the joint's second body.
    """

    body: int
    parent: int
    joint: JointView | None
    forward: bool


class StageMechanism:
    """Bodies and joints of a stage.

    Args:
        subject: Under examination.

    Raises:
        NotChecked: When there are no joints or no rigid bodies.
    """

    def __init__(self, subject: Subject) -> None:
        self.joints = tuple(joint for joint in subject.joints if joint.enabled)
        if not self.joints:
            raise NotChecked("There are no joints.")
        self.bodies: tuple[BodyView, ...] = subject.all_bodies
        if not self.bodies:
            raise NotChecked("The stage has no rigid body.")
        self.index = {body.path: i for i, body in enumerate(self.bodies)}

    @classmethod
    def of(cls, subject: Subject) -> StageMechanism:
        """The subject's mechanism, made once."""
        made: StageMechanism | None = subject.__dict__.get("_mechanism")
        if made is None:
            made = subject.__dict__["_mechanism"] = cls(subject)
        return made

    def world_frames(self, joint: JointView) -> tuple[FloatArray, FloatArray]:
        """(4, 4) frames of a joint in the world as either side has it; the world's own where a side is no body."""
        sides = []
        for path, pose in zip((joint.body0, joint.body1), joint.poses, strict=True):
            world = self.bodies[self.index[path]].world if path in self.index else np.eye(4)
            sides.append(world @ pose.matrix())
        return sides[0], sides[1]

    def measured(self, joint: JointView) -> float:
        """Coordinate of a joint that the authored poses of its bodies give, radians or metres."""
        first, second = self.world_frames(joint)
        return coordinate_between(joint.type, joint.axis, np.linalg.inv(first) @ second)

    @cached_property
    def walk(self) -> tuple[tuple[Link, ...], tuple[JointView, ...]]:
        """Links with parents first, and the joints of the tree that close a circle."""
        edges: dict[int, list[tuple[JointView, int, bool]]] = {}
        for joint in self.joints:
            if joint.excluded:
                continue
            a, b = self.index.get(joint.body0, -1), self.index.get(joint.body1, -1)
            if a == b:
                continue
            edges.setdefault(a, []).append((joint, b, True))
            edges.setdefault(b, []).append((joint, a, False))
        children = {self.index.get(j.body1, -1) for j in self.joints if not j.excluded and j.body0 in self.index}
        starts = [-1, *(i for i in range(len(self.bodies)) if i not in children), *range(len(self.bodies))]
        links: list[Link] = []
        placed, used = {-1}, set()
        for start in starts:
            if start in placed and start != -1:
                continue
            if start != -1:
                placed.add(start)
                links.append(Link(start, -1, None, True))
            waiting = deque([start])
            while waiting:
                here = waiting.popleft()
                for joint, other, forward in edges.get(here, ()):
                    if other in placed:
                        continue
                    placed.add(other)
                    used.add(joint.path)
                    links.append(Link(other, here, joint, forward))
                    waiting.append(other)
        circles = tuple(j for joints in edges.values() for j, _, forward in joints if forward and j.path not in used)
        return tuple(links), circles

    @cached_property
    def subtrees(self) -> dict[int, frozenset[int]]:
        """Of each body: itself and what hangs on it."""
        found: dict[int, set[int]] = {link.body: {link.body} for link in self.walk[0]}
        for link in reversed(self.walk[0]):
            if link.parent >= 0:
                found[link.parent] |= found[link.body]
        return {body: frozenset(members) for body, members in found.items()}

    def poses(self, coordinates: Mapping[str, float]) -> tuple[Pose, ...]:
        """World poses of the bodies with some joints (by path) at other coordinates and the rest as they stand."""
        placed: dict[int, FloatArray] = {}
        for link in self.walk[0]:
            own = self.bodies[link.body].world
            joint = link.joint
            if joint is None:
                placed[link.body] = own
                continue
            stands = self.bodies[link.parent].world if link.parent >= 0 else np.eye(4)
            step: FloatArray = np.linalg.inv(stands) @ own
            if joint.path in coordinates:
                turned = motion(joint.type, joint.axis, coordinates[joint.path])
                step = joint.poses[0].matrix() @ turned @ np.linalg.inv(joint.poses[1].matrix())
                if not link.forward:
                    step = np.linalg.inv(step).astype(float)
            placed[link.body] = (placed[link.parent] if link.parent >= 0 else np.eye(4)) @ step
        return tuple(Pose.from_matrix(placed[i]) for i in range(len(self.bodies)))

    @cached_property
    def hulls(self) -> Hulls:
        """The colliders of the bodies."""
        return Hulls(tuple(tuple(c.solid.vertices for c in b.colliders if c.solid is not None) for b in self.bodies))

    @cached_property
    def adjacent(self) -> frozenset[frozenset[int]]:
        """Pairs of bodies that meet at a joint, bodies that fixed joints tie together taken as one."""
        group = list(range(len(self.bodies)))
        tied = [(self.index[j.body0], self.index[j.body1], j.type) for j in self.joints if self._both(j)]
        for a, b, kind in tied:
            if kind == "fixed":
                old, new = group[b], group[a]
                group = [new if g == old else g for g in group]
        pairs = {frozenset((a, b)) for a in range(len(group)) for b in range(a) if group[a] == group[b]}
        for a, b, _ in tied:
            first = [i for i, g in enumerate(group) if g == group[a]]
            second = [i for i, g in enumerate(group) if g == group[b]]
            pairs |= {frozenset((x, y)) for x in first for y in second if x != y}
        return frozenset(pairs)

    def _both(self, joint: JointView) -> bool:
        return joint.body0 in self.index and joint.body1 in self.index

    @cached_property
    def size(self) -> float:
        """Diagonal of the box around all geometry as it stands, metres."""
        clouds = [b.points() @ b.world[:3, :3].T + b.world[:3, 3] for b in self.bodies if len(b.points())]
        return float(np.linalg.norm(np.ptp(np.concatenate(clouds), axis=0))) if clouds else 0.0

    def name(self, body: int) -> str:
        """Readable name of a body."""
        return self.bodies[body].name

    def inertia(self, link: Link) -> float:
        """Inertia about a link's joint (kg m2), or mass that it moves (kg), of all that hangs on it, as it stands."""
        joint = link.joint
        assert joint is not None
        frame = self.bodies[link.body].world @ joint.poses[1 if link.forward else 0].matrix()
        axis, point = frame[:3, joint.axis], frame[:3, 3]
        total = 0.0
        for index in self.subtrees[link.body]:
            body = self.bodies[index]
            tensor = body.inertia()
            if body.mass is None or body.com is None or tensor is None:
                continue
            if joint.type == "prismatic":
                total += body.mass
                continue
            rotation = body.world[:3, :3]
            arm = body.world[:3, :3] @ body.com + body.world[:3, 3] - point
            arm = arm - (arm @ axis) * axis
            total += float(axis @ rotation @ tensor @ rotation.T @ axis) + body.mass * float(arm @ arm)
        return total
