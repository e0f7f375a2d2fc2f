"""Rigid bodies of a USD stage that only name a frame: without surface and mass, on fixed joints, they become sites."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.ingest.raw import RawBody
from physicl_twin.model import Articulation, BodyPair, Joint, Pose
from physicl_twin.model.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Folded:
    """Bodies and joints without bodies that only name a frame."""

    bodies: tuple[RawBody, ...]
    joints: tuple[Joint, ...]
    articulation: Articulation | None


def fold_frames(
    bodies: Iterable[RawBody],
    joints: Iterable[Joint],
    articulation: Articulation | None,
    matter: set[str],
    metres_per_unit: float,
) -> Folded:
    """Turn bodies that only name a frame into sites of the body that they are fixed to.

    At the root the first body that is fixed to such a frame takes its place.

    Args:
        bodies: All of them, stage units.
        joints: Parents first.
        articulation: As a whole.
        matter: Names of the bodies that are more than a frame.
        metres_per_unit: Of the stage.
    """
    kept = {body.name: body for body in bodies}
    tree = list(joints)
    renamed: dict[str, str] = {}
    while (found := _foldable(tree, kept, matter)) is not None:
        weld, frame = found
        holder = weld.body1 if frame == weld.body0 else weld.body0
        offset = weld.pose0.matrix() @ np.linalg.inv(weld.pose1.matrix())  # child in parent, metres
        if frame == weld.body0:
            offset = np.linalg.inv(offset)
        tree = [_moved(joint, frame, holder, offset) for joint in tree if joint is not weld]
        own, held = kept.pop(frame), kept[holder]
        scaled = offset.copy()
        scaled[:3, 3] /= metres_per_unit
        sites = ((frame, scaled), *((name, scaled @ place) for name, place in own.sites))
        kept[holder] = replace(held, sites=(*held.sites, *sites))
        renamed = {name: holder if now == frame else now for name, now in renamed.items()} | {frame: holder}
    if articulation is not None:
        pairs = {(renamed.get(f.body0, f.body0), renamed.get(f.body1, f.body1)): f.reason for f in articulation.filters}
        filters = tuple(BodyPair(a, b, reason) for (a, b), reason in pairs.items() if a != b)
        root = renamed.get(articulation.root, articulation.root)
        articulation = replace(articulation, root=root, filters=filters)
    return Folded(tuple(kept.values()), tuple(tree), articulation)


def _foldable(joints: list[Joint], kept: dict[str, RawBody], matter: set[str]) -> tuple[Joint, str] | None:
    """A fixed joint of the tree and the end of it that only names a frame."""
    children = {joint.body1 for joint in joints if not joint.closes_loop}
    for joint in joints:
        if joint.type != "fixed" or joint.closes_loop or joint.body0 not in kept or joint.body1 not in kept:
            continue
        if joint.body1 not in matter:
            return joint, joint.body1
        if joint.body0 not in matter and joint.body0 not in children:
            return joint, joint.body0
    return None


def _moved(joint: Joint, frame: str, holder: str, offset: FloatArray) -> Joint:
    """A joint of a folded body, now of its holder; ``offset`` is the folded body in the holder's frame."""
    if joint.body0 == frame:
        joint = replace(joint, body0=holder, pose0=Pose.from_matrix(offset @ joint.pose0.matrix()))
    if joint.body1 == frame:
        joint = replace(joint, body1=holder, pose1=Pose.from_matrix(offset @ joint.pose1.matrix()))
    return joint
