"""Precision and recall on procedural objects with known joints (``tests/articulated``): geometry, states, motion."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest, settings
from physicl_twin.ingest.pose_tracks import read_pose_tracks
from physicl_twin.model import Joint, Twin
from physicl_twin.normalize.motion.tracked import with_motion
from physicl_twin.normalize.stages import with_solids
from physicl_twin.normalize.states.infer import with_states
from tests.articulated.files import write_glb, write_step
from tests.articulated.objects import MOVING, RIGID
from tests.articulated.recipe import Mechanism, Truth
from tests.articulated.recording import record, write_csv
from tests.articulated.scoring import score as true_joints
from tests.normalize.joint_objects import axis_of, inferred, solid_settings

#: A sample for every run; the slow test takes all families.
SAMPLE = ("cabinet_door", "knife_drawer", "scissors", "pliers", "laptop", "bracket", "table", "flanges")
#: Families whose names say nothing: pins, a stem, a rivet, a rail, a drawer, and things that look like those.
NAMELESS = ("fridge", "valve", "scissors", "linear_guide", "knife_drawer", "dumbbell", "flag_stand")

#: CI takes every third family in each slow test, others in each; ``./physicl.sh test`` at the desk takes all.
STRIDE = 3 if os.environ.get("CI") else 1


def sampled(families: Sequence[Callable[[int], Mechanism]], turn: int) -> Sequence[Callable[[int], Mechanism]]:
    """Every ``STRIDE``-th family, beginning with one of the first."""
    return families[turn % STRIDE :: STRIDE]


def is_found(twin: Twin, joint: Joint, truth: Truth, mechanism: Mechanism) -> bool:
    """The same pieces move against the same ones about the same axis, within 2° and 2 mm."""
    child = {piece.name for piece in mechanism.pieces if piece.body == truth.child}
    parent = {piece.name for piece in mechanism.pieces if piece.body == truth.parent}
    moved = {part.name for part in twin.body(joint.body1).parts}
    axis, point = axis_of(twin, joint)
    angle = np.degrees(np.arccos(min(1.0, abs(float(axis @ truth.axis)))))
    apart = 0.0 if joint.type == "prismatic" else np.linalg.norm(np.cross(point - truth.point, truth.axis))
    return bool(
        joint.type == truth.type
        and (2 * len(child & moved) >= len(child) or 2 * len(parent & moved) >= len(parent))
        and angle < 2
        and apart < 0.002 + truth.vague_m
    )


def from_states(mechanism: Mechanism, folder: Path) -> Twin:
    """The twin of a file at rest and one in which every joint stands at two thirds of a range."""
    twins = [ingest.read(write_glb(mechanism, folder / f"{n}.glb", mechanism.spread(n / 3))) for n in (0, 2)]
    return with_states(twins[0], [twins[1]], settings.pipeline()["joints"]["confident"])


def from_motion(mechanism: Mechanism, folder: Path) -> Twin:
    """The twin of a file at rest and noisy tracks of one part a body."""
    twin = ingest.read(write_glb(mechanism, folder / "rest.glb", mechanism.spread(0.0)))
    tracks = read_pose_tracks(write_csv(record(mechanism, "parts"), folder / "tracks.csv"))
    return with_motion(twin, tracks, settings.pipeline()["joints"]["confident"])


def score(mechanism: Mechanism, folder: Path, kind: str) -> tuple[int, int, int]:
    """Joints found, found that are none, and missed."""
    if kind == "nameless":
        mechanism = mechanism.nameless()
    path = folder / f"{mechanism.name}.{'step' if kind == 'step' else 'glb'}"
    if kind == "step":
        write_step(mechanism, path)
    else:
        write_glb(mechanism, path, baked=kind == "nameless")
    twin = inferred(with_solids(ingest.read(path), solid_settings()))
    left = list(twin.joints)
    for truth in mechanism.joints:
        hit = next((joint for joint in left if is_found(twin, joint, truth, mechanism)), None)
        if hit is not None:
            left.remove(hit)
    found = len(twin.joints) - len(left)
    return found, len(left), len(mechanism.joints) - found


@pytest.mark.parametrize("family", SAMPLE)
def test_a_sample_of_families(family: str, tmp_path) -> None:
    assert score({**MOVING, **RIGID}[family](4), tmp_path, "glb")[1:] == (0, 0)


@pytest.mark.parametrize("family", NAMELESS)
def test_a_sample_of_families_without_names(family: str, tmp_path) -> None:
    assert score({**MOVING, **RIGID}[family](4), tmp_path, "nameless")[1:] == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "kind"), list(enumerate(["glb", "step", "nameless"])))
def test_precision_and_recall_of_all_families(turn: int, kind: str, tmp_path) -> None:
    families = sampled((*MOVING.values(), *RIGID.values()), turn)
    results = np.array([score(make(4), tmp_path, kind) for make in families])
    found, wrong, missed = results.sum(axis=0)
    assert found / (found + wrong) > 0.9 and found / (found + missed) > 0.9, results.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "infer"), list(enumerate([from_states, from_motion])))
def test_precision_and_recall_from_what_moved(turn: int, infer, tmp_path) -> None:
    matched = found = true = 0
    for make in sampled((*MOVING.values(), *list(RIGID.values())[:4]), turn):
        mechanism = make(4)
        result = true_joints(mechanism, infer(mechanism, tmp_path))
        matched, found, true = matched + result.matched, found + result.found, true + result.true
    assert matched / found > 0.95 and matched / true > 0.95, (matched, found, true)
