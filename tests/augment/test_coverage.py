"""What the coverage report says of a set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from physicl_twin.augment.chunk import Outcome
from physicl_twin.augment.coverage import Axis, axes, closest_tie, duplicates, evenness, marginals
from physicl_twin.augment.draw import Drawer
from physicl_twin.augment.settle import Settled
from physicl_twin.augment.table import column, join, read_rows, read_spread, rests, rows, write_rows
from tests.augment.families import family

SPEC = """
[sampling]
design = "{design}"
[scene]
objects = 3
"""


def outcomes(made, count):
    """Members that rest where they were dropped."""
    found = []
    for draft in Drawer(made).draw_many(range(count)):
        poses = np.array([[*state.pose.position_m, *state.pose.quaternion_wxyz] for state in draft.states])
        settled = Settled(draft, poses, 1.0, 1e-4, 0.1, "")
        found.append(Outcome(draft.variation, settled=settled, draft=draft, camera=draft.camera, file="-", sha256="-"))
    return found


def table_of(where, made, count, change=lambda found: found):
    path = where / "table.parquet"
    write_rows(path, rows(made, change(outcomes(made, count))))
    return path


@pytest.mark.parametrize("design", ["random", "sobol"])
def test_drawn_properties_are_as_asked_for(tmp_path, design):
    made = family(tmp_path, SPEC.format(design=design))
    table = read_rows(table_of(tmp_path, made, 512))
    found = axes(made, table)
    titles = [axis.title for axis in found]
    assert titles[0] == "support friction"
    assert {"camera azimuth", "camera elevation", "key azimuth", "dome light", "mass of block_1"} <= set(titles)
    for axis in found:
        # Even over what was asked for: a mean of 1/2 within four standard errors, and both ends reached.
        assert axis.shares.mean() == pytest.approx(0.5, abs=4.0 / np.sqrt(12 * 512)), axis.title
        assert axis.shares.min() < 0.02 and axis.shares.max() > 0.98, axis.title
    for one in marginals(made, table):
        assert one.distance is None or one.distance < 1.3 * one.even, one.title
    even, tie = evenness(found), closest_tie(found)
    assert abs(tie.correlation) < 1.3 * tie.chance
    if design == "random":
        assert even.found == pytest.approx(even.random, rel=0.15)
    else:
        assert even.found < 0.9 * even.random


def test_a_tie_between_properties_is_found():
    dice = np.random.default_rng(5)
    free = [dice.random(300) for _ in range(4)]
    tied = 0.7 * free[1] + 0.3 * dice.random(300)
    found = [Axis(f"p{k}", "1", values, values) for k, values in enumerate([*free, tied])]
    tie = closest_tie(found)
    assert {tie.first, tie.second} == {"p1", "p4"}
    assert tie.correlation > 0.8 > tie.chance
    assert evenness(found).found > evenness(found).random
    assert closest_tie(found[:1]) is None
    assert evenness([]) is None


def test_the_same_rest_is_counted_as_a_duplicate_whatever_the_batch(tmp_path, monkeypatch):
    made = family(tmp_path, SPEC.format(design="random"))

    def repeat(found):
        again = [replace(found[k].settled, poses=found[k].settled.poses + 1e-5) for k in (3, 8)]
        other = replace(found[4].settled, poses=found[4].settled.poses + 0.01)
        rejected = Outcome(9000, reasons=["penetration"])
        for settled in (*again, other):
            found.append(replace(found[0], variation=len(found), settled=settled))
        return [rejected, *found]

    path = table_of(tmp_path, made, 40, repeat)
    assert duplicates(rests(path)) == 2
    monkeypatch.setattr("physicl_twin.augment.table._BATCH", 7)
    assert duplicates(rests(path)) == 2


def test_rows_are_read_spread_over_all_accepted(tmp_path, monkeypatch):
    made = family(tmp_path, SPEC.format(design="random"))
    monkeypatch.setattr("physicl_twin.augment.table._BATCH", 16)
    parts = []
    for part in range(3):
        found = outcomes(made, 30)
        for number, outcome in enumerate(found):
            outcome.variation = 30 * part + number
        found[4] = Outcome(30 * part + 4, reasons=["occlusion"])
        write_rows(tmp_path / f"{part}.parquet", rows(made, found))
        parts.append(tmp_path / f"{part}.parquet")
    path = tmp_path / "all.parquet"
    join(parts, path)
    assert column(path, "accepted").sum() == 87
    few = [row["variation"] for row in read_spread(path, 10)]
    assert (few[0], few[-1], len(few)) == (0, 89, 10)
    assert np.ptp(np.diff(few)) <= 2
    everything = read_spread(path, 1000)
    assert everything == [row for row in read_rows(path) if row["accepted"]]
