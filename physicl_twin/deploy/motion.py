"""How a twin moves, to be compared with how its export does: facts with sites, sampled coordinates and kinematics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from physicl_twin.deploy.description import body_names, describe_twin, joint_names_of
from physicl_twin.deploy.facts import Facts, Motion, facts_of
from physicl_twin.engines.joint_tree import spanning_tree
from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.kinematics import body_poses, coordinates
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.names import Names

#: Coordinates that are tried, their seed, and how far a joint without limits is moved, radians or metres (judgement).
_SAMPLES, _SEED, _FREE = 3, 11, 1.0


def twin_facts(layout: Layout, scene: SceneDescription | None = None) -> Facts:
    """What a twin says: bodies, joints, sites, and how it moves.

    Args:
        layout: Of the twin.
        scene: The twin as a format can say it; as described by default.
    """
    scene = scene or describe_twin(layout)
    twin = layout.twin
    bodies, joints = body_names(layout), joint_names_of(layout)
    back = {called: name for name, called in joints.items()}

    def motion(positions: Mapping[str, float]) -> dict[str, FloatArray]:
        moved = body_poses(twin, {back[name]: value for name, value in positions.items()})
        return {
            bodies[body.name]: pose.matrix() @ np.linalg.inv(body.pose.matrix())
            for body, pose in zip(twin.bodies, moved, strict=True)
        }

    names = site_names(layout)
    sites = {names[site.name]: body.pose.matrix() @ site.pose.matrix() for body in twin.bodies for site in body.sites}
    return replace(facts_of(scene), sites=sites, motion=motion if joints else None, samples=_samples(layout, scene))


def site_names(layout: Layout) -> dict[str, str]:
    """Name of each site of the twin in an export: other than those of the bodies and the world, as URDF wants it."""
    taken = Names()
    for name in ("world", *body_names(layout).values()):
        taken.unique(name)
    return {site.name: taken.unique(site.name, "site") for body in layout.twin.bodies for site in body.sites}


def _samples(layout: Layout, scene: SceneDescription) -> tuple[dict[str, float], ...]:
    """Coordinates of all joints with one, within their limits; followers as their leaders have them.

    None of a twin whose tree an engine cuts elsewhere than the twin says: its coordinates would not be free.
    """
    cut = {joint.path for joint in scene.joints if joint.closes_loop}
    if {joint.path for joint in spanning_tree(scene).loops} != cut:
        return ()
    called = joint_names_of(layout)
    random = np.random.default_rng(_SEED)
    found = []
    for _ in range(_SAMPLES):
        wished = {}
        for joint in layout.twin.joints:
            if joint.type in ("revolute", "prismatic"):
                low = joint.position - _FREE if joint.lower is None else joint.lower
                high = joint.position + _FREE if joint.upper is None else joint.upper
                wished[joint.name] = float(random.uniform(low, max(low, high)))
        moving = coordinates(layout.twin, wished)
        tree = (joint for joint in layout.twin.joints if joint.name in wished and called[joint.name] not in cut)
        found.append({called[joint.name]: moving[joint.name] for joint in tree})
    return tuple(found) if found and found[0] else ()


def motion_of(scene: SceneDescription, *, sliding_first: bool = True) -> Motion:
    """How a described scene moves."""
    mechanism = Mechanism(scene, sliding_first=sliding_first)
    home = mechanism.home
    start = mechanism.positions(home, np.array([joint.position for joint in mechanism.joints]))

    def motion(positions: Mapping[str, float]) -> dict[str, FloatArray]:
        wished = np.array([positions.get(j.path, s) for j, s in zip(mechanism.joints, start, strict=True)])
        moved = mechanism.placed(home, wished)
        return {
            path: _matrix(now) @ np.linalg.inv(_matrix(before))
            for path, now, before in zip(mechanism.bodies, moved, home, strict=True)
        }

    return motion


def _matrix(flat: FloatArray) -> FloatArray:
    x, y, z, qw, qx, qy, qz = (float(value) for value in flat)
    return Pose((x, y, z), (qw, qx, qy, qz)).matrix()
