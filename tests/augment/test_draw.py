"""Drafts: what is drawn before physics has its say."""

from __future__ import annotations

import numpy as np
import pytest

from physicl_twin.augment.draw import Drawer
from physicl_twin.model import ConfigError
from tests.augment import families

SPEC = """
[scene]
objects = 7
left_out = { choice = [0, 2] }
[object]
scale = { uniform = [0.8, 1.2] }
"""


def test_a_member_is_the_same_alone_and_among_others(tmp_path):
    drawer = Drawer(families.family(tmp_path, SPEC))
    alone = drawer.draw(7431)
    among = drawer.draw_many([3, 7431, 12])[1]
    assert alone.states == among.states
    assert alone.values == among.values
    assert alone.camera == among.camera


def test_objects_start_apart_and_inside_the_bin(tmp_path):
    made = families.family(tmp_path, SPEC)
    length, width, _ = made.support.inner_m
    for draft in Drawer(made).draw_many(range(12)):
        boxes = []
        for row, state in enumerate(draft.states):
            if draft.present[row]:
                points = state.pose.apply(state.scale * made.members[made.instances[row][1]].points)
                boxes.append((points.min(axis=0), points.max(axis=0)))
        for low, high in boxes:
            assert low[2] > made.support.top_m
            assert max(abs(low[0]), abs(high[0])) < 0.5 * length
            assert max(abs(low[1]), abs(high[1])) < 0.5 * width
        for i, (low, high) in enumerate(boxes):
            assert not any(((low < b) & (a < high)).all() for a, b in boxes[:i])


def test_counts_and_physics_follow_the_spec(tmp_path):
    made = families.family(tmp_path, SPEC)
    drafts = Drawer(made).draw_many(range(128))
    assert {7 - sum(draft.present) for draft in drafts} == {0, 2}
    left_out = np.mean([[not there for there in draft.present] for draft in drafts], axis=0)
    assert (left_out > 0.03).all(), "everybody is left out sometimes"
    steel = [state for draft in drafts for state in draft.states if state.twin == "block"]
    mass = made.members[0].mass
    factors = np.array([state.mass_factor for state in steel])
    inside = (factors * mass.value > mass.low) & (factors * mass.value < mass.high)
    assert inside.mean() == pytest.approx(0.9, abs=0.05)
    friction = np.array([state.surfaces[0].static_friction for state in steel])
    assert 0.4 < np.median(friction) < 0.7
    assert all(s.surfaces[0].dynamic_friction <= s.surfaces[0].static_friction for s in steel)


def test_an_object_that_fits_no_bin_is_told(tmp_path):
    with pytest.raises(ConfigError) as refused:
        families.family(tmp_path, "[scene]\nsize_m = [0.01, 0.01, 0.05]\n")
    assert refused.value.code == "spec_unsatisfiable"
    assert "does not fit" in refused.value.message


def test_a_twin_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError) as refused:
        families.family(tmp_path, "[twin.mug.object]\nscale = 2\n")
    assert refused.value.code == "spec_unknown_twin"
