"""Pieces of solid made of boxes, cylinders and balls, the mechanism that they form, and where it stands at coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Primitive:
    """A box from its low to its high corner in a frame, a cylinder between two points, or a ball; metres."""

    kind: str
    a: Point
    b: Point
    radius: float = 0.0
    frame: tuple[tuple[float, ...], ...] | None = None

    def matrix(self) -> Array:
        return np.eye(4) if self.frame is None else np.array(self.frame)


def box(low, high, frame=None) -> Primitive:
    low, high = np.minimum(low, high), np.maximum(low, high)
    return Primitive("box", tuple(low), tuple(high), frame=None if frame is None else tuple(map(tuple, frame)))


def rod(start, end, radius) -> Primitive:
    return Primitive("cylinder", tuple(start), tuple(end), float(radius))


def ball(centre, radius) -> Primitive:
    return Primitive("ball", tuple(centre), tuple(centre), float(radius))


@dataclass(frozen=True)
class Piece:
    """A part: primitives that are joined, less others that are cut, in the frame of the object at rest."""

    name: str
    body: str
    joined: tuple[Primitive, ...]
    cut: tuple[Primitive, ...] = ()


@dataclass(frozen=True)
class Truth:
    """A joint as it is: child moves against parent about or along ``axis`` through ``point`` (rest pose, object frame).

    ``lower`` and ``upper`` are set where geometry alone decides them: where it touches. ``shown`` is a range that it
    can be seen to move through. ``vague_m``: how far the axis may lie from ``point`` since nothing in the geometry says
    where a hidden hinge sits (the thickness of the door); who sees it move must know better.
    """

    name: str
    type: str
    parent: str
    child: str
    axis: Array
    point: Array
    shown: tuple[float, float]
    lower: float | None = None
    upper: float | None = None
    vague_m: float = 0.0

    def motion(self, q: float) -> Array:
        """(4, 4) displacement of the child in the frame of the object at rest."""
        matrix = np.eye(4)
        if self.type == "prismatic":
            matrix[:3, 3] = q * self.axis
            return matrix
        matrix[:3, :3] = Rotation.from_rotvec(q * self.axis).as_matrix()
        matrix[:3, 3] = self.point - matrix[:3, :3] @ self.point
        return matrix


@dataclass(frozen=True)
class Mechanism:
    """An object with its pieces and true joints; the first body is the base."""

    family: str
    seed: int
    pieces: tuple[Piece, ...]
    joints: tuple[Truth, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.family}_{self.seed}"

    @property
    def bodies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(piece.body for piece in self.pieces))

    def displacements(self, q: dict[str, float]) -> dict[str, Array]:
        """(4, 4) by body: how far it is from its place at rest."""
        placed = {self.bodies[0]: np.eye(4)}
        waiting = list(self.joints)
        while waiting:
            joint = next(j for j in waiting if j.parent in placed)
            placed[joint.child] = placed[joint.parent] @ joint.motion(q.get(joint.name, 0.0))
            waiting.remove(joint)
        return {body: placed.get(body, np.eye(4)) for body in self.bodies}

    def spread(self, share: float | dict[str, float]) -> dict[str, float]:
        """Coordinates at a share of each joint's shown range."""
        shares = share if isinstance(share, dict) else {j.name: share for j in self.joints}
        return {j.name: j.shown[0] + shares.get(j.name, 0.0) * (j.shown[1] - j.shown[0]) for j in self.joints}

    def nameless(self) -> Mechanism:
        """The same with names that say nothing, in an order that says nothing."""
        order = np.random.default_rng([self.seed, 99]).permutation(len(self.pieces))
        renamed = {int(old): f"Part_{new:03d}" for new, old in enumerate(order)}
        pieces = tuple(replace(self.pieces[int(old)], name=renamed[int(old)]) for old in order)
        base = self.bodies[0]
        first = next(i for i, piece in enumerate(pieces) if piece.body == base)
        return replace(self, pieces=(pieces[first], *pieces[:first], *pieces[first + 1 :]))


@dataclass
class Bench:
    """Where a family builds its object: pieces and joints are put on it one by one."""

    family: str
    seed: int
    pieces: list[Piece] = field(default_factory=list)
    joints: list[Truth] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, sum(map(ord, self.family))])

    def between(self, low: float, high: float) -> float:
        """A number to the tenth of a millimetre, as a designer would choose."""
        return round(float(self.rng.uniform(low, high)), 4)

    def add(self, body: str, name: str, *joined: Primitive, cut: tuple[Primitive, ...] = ()) -> None:
        taken = {piece.name for piece in self.pieces}
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        self.pieces.append(Piece(unique, body, joined, cut))

    def joint(self, type, parent, child, axis, point=(0, 0, 0), shown=(0.0, 1.0), **known) -> None:
        axis = np.asarray(axis, float) / np.linalg.norm(axis)
        name = f"{child}_joint"
        self.joints.append(Truth(name, type, parent, child, axis, np.asarray(point, float), shown, **known))

    def done(self) -> Mechanism:
        return Mechanism(self.family, self.seed, tuple(self.pieces), tuple(self.joints))
