"""What an exported USD says to an engine: composed attributes only, none of the records that we keep beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Tf, Usd, UsdGeom, UsdUtils

from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.facts import Facts, facts_of
from physicl_twin.deploy.motion import motion_of, site_names
from physicl_twin.engines.scene_description import DescribedBody, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, describe_mechanism
from physicl_twin.model import Pose, UsdError
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.rollout_scene import ENGINE_VARIANTS

_ALL = 1_000_000_000


def open_quietly(path: Path, engine: str = "") -> tuple[Any, tuple[str, ...]]:
    """The stage of a file with every payload, and what USD warned of.

    Args:
        path: The file.
        engine: Whose variant is selected (``PhysX`` …); none by default.

    Raises:
        UsdError: ``usd_unreadable``.
    """
    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise UsdError("usd_unreadable", f"{path.name} cannot be opened as USD.", "Export it again.") from error
    problems = [str(error) for error in stage.GetCompositionErrors()]
    problems += [str(item.commentary) for item in delegate.TakeUncoalescedDiagnostics()]
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        sets = stage.GetDefaultPrim().GetVariantSets()
        for name in ENGINE_VARIANTS.values():
            if sets.HasVariantSet(name):
                sets.GetVariantSet(name).SetVariantSelection("Enabled" if name == engine else "Disabled")
    return stage, tuple(problems)


def read_usd(path: Path, layout: Layout, settings: dict[str, Any]) -> Facts:
    """Bodies, colliders and joints of an exported twin, under the names of ``describe_twin``."""
    stage, problems = open_quietly(path)
    if problems:
        raise UsdError("usd_warns", f"{path.name} opens with a warning: {problems[0]}", "Build the twin again.")
    # Every vertex counts here, however many there are.
    reader = replace(EngineSettings.from_pipeline(settings), max_hull_vertices=_ALL)
    described = _with_engine_joints(describe(stage, reader, "physx"), path, reader)
    scene = _renamed(with_static_bodies(described, layout), layout)
    facts = facts_of(scene)
    # Of a body that is no rigid body on the stage nobody but its prim says where its frame is.
    placed = {body.path for body in described.bodies}
    prims = {body.path: plan.prim for plan, body in zip(layout.bodies, describe_twin(layout).bodies, strict=True)}
    bodies = tuple(b if prims.get(b.name, b.name) in placed else replace(b, pose=None) for b in facts.bodies)
    names = site_names(layout)
    cache = UsdGeom.XformCache()
    sites = {
        names[site.name]: np.array(cache.GetLocalToWorldTransform(stage.GetPrimAtPath(prim))).T
        for plan in layout.bodies
        for prim, site in plan.sites
        if stage.GetPrimAtPath(prim)
    }
    motion = motion_of(scene, sliding_first=False) if scene.joints else None
    return replace(facts, bodies=bodies, sites=sites, motion=motion)


def _with_engine_joints(scene: SceneDescription, path: Path, reader: EngineSettings) -> SceneDescription:
    """The neutral scene with what only PhysX's layer says of joints: losses, limits of speed, mimics, self-collision.

    Limits stay the neutral ones: PhysX's layer adds finite ones where its mimic joints demand them.
    """
    if not scene.joints:
        return scene
    engine = describe_mechanism(open_quietly(path, ENGINE_VARIANTS["physx"])[0], reader, "physx")
    base = {joint.path: joint for joint in scene.joints}
    joints = tuple(
        replace(joint, lower=base[joint.path].lower, upper=base[joint.path].upper) if joint.path in base else joint
        for joint in engine.joints
    )
    return replace(scene, joints=joints, articulations=engine.articulations)


def with_static_bodies(scene: SceneDescription, layout: Layout) -> SceneDescription:
    """The scene with what never moves and is no rigid body on the stage: the colliders of such bodies together."""
    placed = {body.path for body in scene.bodies}
    shapes = {shape.path: shape for shape in scene.static_shapes}
    found = []
    for plan in layout.bodies:
        if plan.prim in placed or not plan.body.static:
            continue
        back = Pose.from_matrix(np.asarray(np.linalg.inv(plan.body.pose.matrix()), dtype=float))
        own = (shapes[one.prim] for one in plan.colliders if one.prim in shapes)
        none = (0.0, 0.0, 0.0)
        found.append(
            DescribedBody(
                plan.prim, plan.body.pose, tuple(replace(s, pose=back.compose(s.pose)) for s in own), 0.0, none, none,
                (1.0, 0.0, 0.0, 0.0), kinematic=True,
            )
        )  # fmt: skip
    return replace(scene, bodies=(*scene.bodies, *found))


def _renamed(scene: SceneDescription, layout: Layout) -> SceneDescription:
    """Prim paths replaced by the names of an export, in the twin's order; what has no name there keeps its path."""
    wanted = describe_twin(layout)
    prims = [plan.prim for plan in layout.bodies]
    bodies = dict(zip(prims, (body.path for body in wanted.bodies), strict=True)) | {"": ""}
    colliders = {
        plan.prim: shape.path
        for body, described in zip(layout.bodies, wanted.bodies, strict=True)
        for plan, shape in zip(body.colliders, described.shapes, strict=True)
    }
    joints = dict(zip((prim for prim, _ in layout.joints), (joint.path for joint in wanted.joints), strict=True))
    # A pair with what is no rigid body on the stage names its colliders.
    ends = bodies | {
        one.prim: described.path
        for plan, described in zip(layout.bodies, wanted.bodies, strict=True)
        if plan.body.static
        for one in plan.colliders
    }
    found = tuple(
        replace(
            body,
            path=bodies.get(body.path, body.path),
            shapes=tuple(replace(shape, path=colliders.get(shape.path, shape.path)) for shape in body.shapes),
        )
        for body in scene.bodies
    )
    linked = tuple(
        replace(
            joint,
            path=joints.get(joint.path, joint.path),
            body0=bodies.get(joint.body0, joint.body0),
            body1=bodies.get(joint.body1, joint.body1),
            mimic_of=joints.get(joint.mimic_of, joint.mimic_of),
        )
        for joint in scene.joints
    )
    return replace(
        scene,
        bodies=found,
        joints=linked,
        articulations=tuple(
            replace(one, path=bodies.get(one.path, one.path), bodies=tuple(bodies.get(b, b) for b in one.bodies))
            for one in scene.articulations
        ),
        filtered_pairs=tuple((ends.get(a, a), ends.get(b, b)) for a, b in scene.filtered_pairs),
    )
