"""What an exported USD says to an engine: composed attributes only, none of the records that we keep beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pxr import Tf, Usd, UsdUtils

from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.facts import Facts, facts_of
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe
from physicl_twin.model import UsdError
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.rollout_scene import ENGINE_VARIANTS

_ALL = 1_000_000_000


def open_quietly(path: Path) -> tuple[Any, tuple[str, ...]]:
    """The stage of a file with every payload, no engine's variant selected, and what USD warned of.

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
                sets.GetVariantSet(name).SetVariantSelection("Disabled")
    return stage, tuple(problems)


def read_usd(path: Path, layout: Layout, settings: dict[str, Any]) -> Facts:
    """Bodies, colliders and joints of an exported twin, under the names of ``describe_twin``."""
    stage, problems = open_quietly(path)
    if problems:
        raise UsdError("usd_warns", f"{path.name} opens with a warning: {problems[0]}", "Build the twin again.")
    # Every vertex counts here, however many there are.
    reader = replace(EngineSettings.from_pipeline(settings), max_hull_vertices=_ALL)
    return facts_of(_renamed(describe(stage, reader), layout))


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
        )
        for joint in scene.joints
    )
    return replace(scene, bodies=found, joints=linked)
