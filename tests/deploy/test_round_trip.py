"""A round trip that could not fail would be worth nothing: what is changed in an export must be seen."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import settings
from physicl_twin.deploy import mujoco_target, urdf_target
from physicl_twin.deploy.compare import compare
from physicl_twin.deploy.description import describe_twin, principal_axes
from physicl_twin.deploy.drop import Fall, agreement
from physicl_twin.deploy.facts import facts_of
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.subject import Subject
from physicl_twin.model import Certificate, Measure, Pose, RolloutResult
from physicl_twin.usd.layout import plan
from physicl_twin.usd.options import UsdOptions
from tests.usd import twins


def job_of(made, folder: Path) -> Job:
    table = settings.pipeline()
    return Job(Subject(made, None, None), plan(made, UsdOptions.from_settings(table)), folder, table)


@pytest.mark.parametrize(
    ("pattern", "factor", "quantity"),
    [
        (r'mass="([\d.]{6,})"', 1.00001, "mass"),
        (r'<inertial pos="([-\d.e]+)', 1.001, "com"),
        (r'diaginertia="([\d.e-]+)', 1.00001, "inertia"),
        (r'friction="([\d.]+)', 1.001, "friction"),
        (r'name="ball_00"[^>]*size="([\d.]+)', 1.001, "collider_volume"),
        (r'name="ball_00"[^>]*pos="([\d.]+)', 1.001, "collider_position"),
    ],
)
def test_a_number_that_is_changed_is_seen(pattern: str, factor: float, quantity: str, tmp_path: Path) -> None:
    job = job_of(twins.multi_part(), tmp_path)
    written = mujoco_target.write(job)
    assert all(c.passed for c in mujoco_target.compare(job, written))
    path = tmp_path / written.main
    text = path.read_text()
    found = re.search(pattern, text)
    assert found, pattern
    changed = repr(float(found[1]) * factor)
    path.write_text(text[: found.start(1)] + changed + text[found.end(1) :])
    failed = {c.quantity for c in mujoco_target.compare(job, written) if not c.passed}
    assert quantity in failed


def test_a_collider_that_is_lost_is_seen(tmp_path: Path) -> None:
    job = job_of(twins.multi_part(), tmp_path)
    written = mujoco_target.write(job)
    path = tmp_path / written.main
    path.write_text(re.sub(r'<geom name="ball_00".*?/>', "", path.read_text()))
    failed = {c.quantity for c in mujoco_target.compare(job, written) if not c.passed}
    assert failed == {"collider_count", "collider_volume"}


def test_friction_that_one_extension_lacks_is_seen(tmp_path: Path) -> None:
    job = job_of(twins.single(), tmp_path)
    written = urdf_target.write(job)
    path = tmp_path / written.main
    path.write_text(path.read_text().replace("<mu1>", "<mu1>1"))
    assert {c.quantity for c in urdf_target.compare(job, written) if not c.passed} == {"friction"}


def test_a_joint_turned_the_other_way_is_seen(tmp_path: Path) -> None:
    job = job_of(twins.hinged(), tmp_path)
    expected = facts_of(describe_twin(job.layout))
    joints = tuple(replace(joint, axis=-joint.axis) for joint in expected.joints)
    failed = {c.subject for c in compare(expected, replace(expected, joints=joints)) if not c.passed}
    assert failed == {"Deckel_Scharnier", "slide"}


def test_principal_axes_rebuild_the_tensor_and_stay_near_the_body() -> None:
    random = np.random.default_rng(4)
    for _ in range(30):
        turn = Pose(
            quaternion_wxyz=tuple(q / np.linalg.norm(q)) if (q := random.normal(size=4)).any() else ()
        ).rotation()
        moments = np.sort(random.uniform(1.0, 1.9, 3))
        tensor = turn @ np.diag(moments) @ turn.T
        found, quaternion = principal_axes(0.5 * (tensor + tensor.T))
        axes = Pose(quaternion_wxyz=quaternion).rotation()
        assert np.allclose(axes @ np.diag(found) @ axes.T, tensor, rtol=0, atol=1e-14)
        a, b, c = sorted(found)
        assert a + b >= c
    flat, _ = principal_axes(((0.1, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.1 + 0.2 + 1e-17)))
    a, b, c = sorted(flat)
    assert a + b >= c


def certificate(**heights: float) -> Certificate:
    measures = tuple(Measure(f"final_com_height_{name}", value, "m") for name, value in heights.items())
    rollout = RolloutResult("drop_and_settle", "mujoco", "", "", "passed", "", measures)
    return Certificate("block", 1, "2026-01-01T00:00:00", "", (), (), (rollout,))


def test_what_comes_to_lie_elsewhere_disagrees(tmp_path: Path) -> None:
    scene = describe_twin(job_of(twins.single(), tmp_path).layout)
    rested = Fall(0.010, True, 1.0)
    agrees = agreement("mujoco", certificate(upright=0.0101, on_side_x=0.02), scene, lambda _: rested)
    assert agrees.status == "passed" and agrees.expected_m == 0.0101
    other_side = agreement("mujoco", certificate(upright=0.03, on_side_x=0.01), scene, lambda _: rested)
    assert other_side.status == "passed" and other_side.expected_m == 0.01
    assert agreement("mujoco", certificate(upright=0.03), scene, lambda _: rested).status == "failed"
    restless = Fall(0.010, False, 1.0)
    assert agreement("mujoco", certificate(upright=0.01), scene, lambda _: restless).status == "failed"
    assert agreement("mujoco", None, scene, lambda _: rested).status == "not_checked"
