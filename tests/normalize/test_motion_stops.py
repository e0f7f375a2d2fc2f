"""Limits of joints that were seen, widened until the shapes touch."""

from __future__ import annotations

import math

import pytest

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions
from physicl_twin.normalize.motion.stops import with_stops
from physicl_twin.normalize.states.infer import with_states
from physicl_twin.settings import pipeline
from tests.articulated.files import write_glb
from tests.articulated.objects import MOVING
from tests.articulated.scoring import score

GLB = ReadOptions(units="m", up_axis="y")


def seen(tmp_path, family, share=0.4):
    mechanism = MOVING[family](0)
    first = write_glb(mechanism, tmp_path / "a.glb", mechanism.spread(0.0))
    second = write_glb(mechanism, tmp_path / "b.glb", mechanism.spread(share))
    return mechanism, with_states(ingest.read(first, GLB), [ingest.read(second, GLB)], 0.9)


def test_a_trolley_runs_from_stop_to_stop(tmp_path):
    mechanism, twin = seen(tmp_path, "crane")
    ((truth, joint),) = score(mechanism, with_stops(twin, pipeline()["joints"])).pairs
    at = truth.shown[0]
    assert joint.lower == pytest.approx(truth.lower - at, abs=2e-3)
    assert joint.upper == pytest.approx(truth.upper - at, abs=2e-3)
    assert "end_stop" in joint.evidence[-1].statement


def test_wheels_have_no_limits(tmp_path):
    _, twin = seen(tmp_path, "fan")
    (joint,) = with_stops(twin, pipeline()["joints"]).joints
    assert joint.lower is None and joint.upper is None


def test_a_lid_opens_farther_and_does_not_go_into_its_box(tmp_path):
    _, twin = seen(tmp_path, "box_with_lid")
    (before,), (after,) = twin.joints, with_stops(twin, pipeline()["joints"]).joints
    assert after.lower == before.lower == 0.0
    assert math.radians(180) < after.upper < math.radians(300)


def test_what_nothing_stops_keeps_the_range_that_was_seen(tmp_path):
    mechanism, twin = seen(tmp_path, "knife_drawer")
    (before,), (after,) = twin.joints, with_stops(twin, pipeline()["joints"]).joints
    assert after.upper == before.upper
    assert after.lower == pytest.approx(mechanism.joints[0].lower, abs=5e-4)
