"""From candidates to a tree: what is authored, what is proposed, which body each piece belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.scene import Group, Scene

#: Two sides hold as much of a pin when the shorter length is more than this share of the longer (judgement).
_AS_LONG = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """What was decided.

    Attributes:
        accepted: Joints that are authored; their groups nest or are apart.
        parents: Row of the accepted joint whose body each one hangs on; -1 for the base.
        body: (P,) row of the accepted joint that each piece moves with; -1 for the base.
        proposed: Joints that somebody decides upon.
        rivals: For each proposed one the rows of accepted and of other proposed ones that exclude it.
    """

    accepted: tuple[Candidate, ...]
    parents: tuple[int, ...]
    body: tuple[int, ...]
    proposed: tuple[Candidate, ...]
    rivals: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def choose(scene: Scene, candidates: Sequence[Candidate]) -> Chosen:
    """Decide.

    Likeliest first, a candidate is accepted when it is confident and its group nests with those of all accepted ones.
    What is likely and not accepted is proposed, as far as its pieces are still together in one body.
    """
    weights, s = scene.settings.weights, scene.settings
    accepted: list[Candidate] = []
    for one in candidates:
        if one.probability(weights) >= s.confident and scene.base not in one.group and _fits(scene, one, accepted):
            accepted.append(one)
    parents = _parents(scene, accepted)
    body = _bodies(scene, accepted, parents)
    proposed: list[Candidate] = []
    for one in candidates:
        if any(one is other for other in accepted) or _besides(one, accepted, weights) < s.proposed:
            continue
        if scene.base in one.group or any(_same(one, other) for other in (*accepted, *proposed)):
            continue
        if len({body[i] for i in one.group}) == 1 and _nests(one.group, [other.group for other in accepted]):
            proposed.append(one)
    rivals = tuple(
        (
            tuple(row for row, other in enumerate(accepted) if other.group == one.group),
            tuple(row for row, other in enumerate(proposed) if other is not one and _crosses(one.group, other.group)),
        )
        for one in proposed
    )
    return Chosen(tuple(accepted), parents, body, tuple(proposed), rivals)


def _besides(one: Candidate, accepted: Sequence[Candidate], weights: Mapping[str, float]) -> float:
    """Probability of a candidate where the same pieces are taken to move otherwise: one of the two is wrong."""
    others = [other for other in accepted if 2 * len(one.group & other.group) > len(one.group | other.group)]
    return one.probability(weights) * min((1.0 - other.probability(weights) for other in others), default=1.0)


def _fits(scene: Scene, one: Candidate, accepted: Sequence[Candidate]) -> bool:
    return all(
        (one.group < other.group and _hangs_in(scene, one, other))
        or (other.group < one.group and _hangs_in(scene, other, one))
        or not one.group & other.group
        for other in accepted
    )


def _hangs_in(scene: Scene, inner: Candidate, outer: Candidate) -> bool:
    """True when the inner one moves against what else is in the outer one, and is not the same thing seen twice."""
    if inner.twist.kind == outer.twist.kind == "revolute" and _same_axis(inner, outer):
        return False
    seen_twice = scene.main(inner.group) == scene.main(outer.group)
    if seen_twice and not (inner.holders and outer.holders):
        return False
    if inner.holders:
        return bool(inner.holders & (outer.group - inner.group))
    return inner.role != outer.role


def _same_axis(one: Candidate, other: Candidate) -> bool:
    parallel = abs(float(one.twist.axis @ other.twist.axis)) > 0.999
    return parallel and float(one.twist.distances(other.twist.point[None])[0]) < 0.002


def _nests(group: Group, others: Sequence[Group]) -> bool:
    return all(not _crosses(group, other) or group == other for other in others)


def _crosses(group: Group, other: Group) -> bool:
    """True when both cannot be: they are the same, or overlap without one holding the other."""
    if group == other:
        return True
    return bool(group & other) and not group < other and not other < group


def _same(one: Candidate, other: Candidate) -> bool:
    """True for the same motion of the same or nearly the same pieces, found in two ways."""
    if one.twist.kind != other.twist.kind or len(one.group & other.group) < 0.5 * len(one.group | other.group):
        return False
    if abs(float(one.twist.axis @ other.twist.axis)) < 0.999:
        return False
    return one.twist.kind == "prismatic" or float(one.twist.distances(other.twist.point[None])[0]) < 0.01


def _parents(scene: Scene, accepted: Sequence[Candidate]) -> tuple[int, ...]:
    found: list[int] = []
    for row, one in enumerate(accepted):
        around = [i for i, other in enumerate(accepted) if one.group < other.group]
        if around:
            found.append(min(around, key=lambda i: len(accepted[i].group)))
            continue
        beside = [
            i
            for i, other in enumerate(accepted)
            if i != row and not other.group & one.group and one.partners and one.partners <= other.group
        ]
        found.append(min(beside, key=lambda i: len(accepted[i].group)) if beside else -1)
    for row in range(len(found)):
        seen, at = {row}, found[row]
        while at >= 0 and at not in seen:
            seen.add(at)
            at = found[at]
        if at >= 0:
            found[row] = -1
    del scene
    return tuple(found)


def _bodies(scene: Scene, accepted: Sequence[Candidate], parents: Sequence[int]) -> tuple[int, ...]:
    body = [-1] * len(scene.pieces)
    for index in range(len(scene.pieces)):
        mine = [row for row, one in enumerate(accepted) if index in one.group]
        if mine:
            body[index] = min(mine, key=lambda row: len(accepted[row].group))
    for group in scene.components():
        if scene.base in group or any(body[i] >= 0 for i in group):
            continue
        rows = [row for row, one in enumerate(accepted) if one.holders & group]
        nearest = _held_by(scene, group, body, parents[rows[0]]) if rows else _nearest(scene, group, body)
        for index in group:
            body[index] = nearest
    return tuple(body)


def _held_by(scene: Scene, pin: Group, body: Sequence[int], parent: int) -> int:
    """Body of a pin with play in all that it holds: what holds most of its length, as a hinge's outer knuckles do."""
    lengths: dict[int, float] = {parent: 0.0}
    for (one, other), length in scene.held.items():
        if (one in pin) != (other in pin):
            side = body[other if one in pin else one]
            lengths[side] = lengths.get(side, 0.0) + length
    most = max(lengths.values())
    return parent if lengths[parent] > _AS_LONG * most else max(lengths, key=lambda side: lengths[side])


def _nearest(scene: Scene, group: Group, body: Sequence[int]) -> int:
    """Body of the piece that is nearest to a group which touches nothing: what floats goes with that."""
    points = np.concatenate([piece.probes for piece in scene.members(group)])
    best, found = np.inf, -1
    for piece in scene.pieces:
        if piece.index in group:
            continue
        gap = np.maximum(piece.bounds[0] - points, points - piece.bounds[1]).clip(0).max(axis=1).min()
        if gap > best:
            continue
        distance = float(piece.distance(points)[0].min())
        if distance < best - 1e-6 or (distance < best + 1e-6 and body[piece.index] < 0):
            best, found = distance, body[piece.index]
    return found
