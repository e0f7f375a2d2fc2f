"""A set of variations for MuJoCo: one model a member over shared assets."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin, extents
from physicl_twin.deploy.facts import Facts, facts_of
from physicl_twin.deploy.family import Family
from physicl_twin.deploy.family_export import FamilyWritten, sample
from physicl_twin.deploy.mjcf_assets import write_assets
from physicl_twin.deploy.mjcf_pairs import left_out
from physicl_twin.deploy.mujoco_target import BOUNCE, ONE_FRICTION, contact_losses, save_spec
from physicl_twin.deploy.read_mujoco import load_model, read_mujoco
from physicl_twin.deploy.record import Comparison
from physicl_twin.deploy.time_step import time_step_s
from physicl_twin.deploy.variation_spec import Kind, instance_of, variation_spec
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Note, Support, Variation
from physicl_twin.usd.layout import plan
from physicl_twin.usd.options import UsdOptions

RESTING = Note(
    "no_bounce_at_rest",
    "info",
    "Contacts of variations return nothing, and restitution is lost: MuJoCo's contact spring has no bounce threshold, "
    "and would make objects hop that rest a fraction of a millimetre deep in each other.",
)
LIGHT = Note("light_levels", "info", "MuJoCo's lights have no unit: levels are relative, a dome is ambient light.")
#: How far an object at rest may move in one second: the promise of ``augment``.
REST_M, REST_RAD, REST_S = 1e-3, math.radians(1.0), 1.0


def write_family(family: Family, folder: Path, settings: dict[str, Any], members: tuple[int, ...]) -> FamilyWritten:
    """Write ``variation_<number>.xml`` of each member and the assets that they share.

    Raises:
        EngineError: ``engine_refused_model``.
        SourceError: When a member cannot be read.
    """
    options, solver = UsdOptions.from_settings(settings), EngineSettings.from_pipeline(settings)
    kinds, losses, sizes = {}, [ONE_FRICTION, RESTING, LIGHT], []
    for name, subject in family.subjects.items():
        layout = plan(subject.twin, options)
        assets = write_assets(layout, folder, options.crease_angle_deg, shared=True)
        kinds[name] = Kind(layout, assets)
        losses += [*assets.losses, *(loss for loss in contact_losses(layout) if loss is not BOUNCE)]
        low, high = extents(describe_twin(layout))
        sizes.append(float((high - low).max()))
    step_s = time_step_s("mujoco", min(sizes), settings)
    gravity = family.shared.gravity_mps2

    most_pairs = int(settings["deploy"]["mujoco_pairs"])
    over_budget = 0

    def write(variation: Variation, support: Support) -> int:
        stem = file_stem(variation.index)
        spec, left = variation_spec(stem, variation, support, kinds, gravity, step_s, solver, most_pairs)
        save_spec(spec, folder / f"{stem}.xml")
        return left

    for index in members:
        over_budget = max(over_budget, write(*family.read(index)))
    if over_budget:
        losses.append(left_out(over_budget))

    def check() -> tuple[Comparison, ...]:
        found: list[Comparison] = []
        for index in sample(members):
            variation, _ = family.read(index)
            model = load_model(folder / f"{file_stem(index)}.xml")
            facts = read_mujoco(model)
            for state in variation.instances:
                one = instance_of(state, kinds[state.twin], gravity)
                found += compare_facts(facts_of(one.scene), _of_instance(facts, one.prefix))
            found += rest(model, file_stem(index))
        return tuple(found)

    main = f"{file_stem(members[0])}.xml" if members else ""
    notes = (
        f"{len(members)} variations, one model each, over shared assets; the camera and the lights are in them.",
        "Objects stand where they settled in PhysX; the floor is the plane z = 0.",
    )
    return FamilyWritten(main, tuple(losses), notes, check)


def file_stem(index: int) -> str:
    """Name of a member's model."""
    return f"variation_{index:05d}"


def _of_instance(facts: Facts, prefix: str) -> Facts:
    """Colliders under the names that they have in the twin."""
    bodies = tuple(
        replace(body, colliders=tuple(replace(c, name=c.name.removeprefix(prefix)) for c in body.colliders))
        for body in facts.bodies
    )
    return replace(facts, bodies=bodies)


def rest(model: Any, subject: str) -> list[Comparison]:
    """How far the object that moves most goes in one second, and how far one turns."""
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    start, turned = data.xpos.copy(), data.xquat.copy()
    mujoco.mj_step(model, data, nstep=max(1, round(REST_S / model.opt.timestep)))
    moved = float(np.linalg.norm(data.xpos - start, axis=1).max())
    cosine = np.clip(np.abs((data.xquat * turned).sum(axis=1)), 0.0, 1.0)
    angle = float(2.0 * np.arccos(cosine).max())
    return [
        Comparison("rest_position", subject, "m", (0.0,), (moved,), moved, REST_M, moved <= REST_M),
        Comparison("rest_rotation", subject, "rad", (0.0,), (angle,), angle, REST_RAD, angle <= REST_RAD),
    ]
