"""Precision and recall on procedural objects with known joints (``tests/articulated``), from geometry with parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.model import Joint, Twin
from physicl_twin.normalize.stages import with_solids
from tests.articulated.files import write_glb, write_step
from tests.articulated.objects import MOVING, RIGID
from tests.articulated.recipe import Mechanism, Truth
from tests.normalize.joint_objects import axis_of, inferred, solid_settings

#: A sample for every run; the slow test takes all families.
SAMPLE = ("cabinet_door", "knife_drawer", "scissors", "pliers", "laptop", "bracket", "table", "flanges")


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


def score(mechanism: Mechanism, folder: Path, step: bool) -> tuple[int, int, int]:
    """Joints found, found that are none, and missed."""
    path = folder / f"{mechanism.name}.{'step' if step else 'glb'}"
    (write_step if step else write_glb)(mechanism, path)
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
    assert score({**MOVING, **RIGID}[family](4), tmp_path, step=False)[1:] == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("step", [False, True], ids=["glb", "step"])
def test_precision_and_recall_of_all_families(step: bool, tmp_path) -> None:
    results = np.array([score(make(4), tmp_path, step) for make in (*MOVING.values(), *RIGID.values())])
    found, wrong, missed = results.sum(axis=0)
    assert found / (found + wrong) > 0.9 and found / (found + missed) > 0.9, results.tolist()
