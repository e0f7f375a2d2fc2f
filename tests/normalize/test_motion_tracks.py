"""Tracked poses of procedural mechanisms to the joints of their twins."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions
from physicl_twin.ingest.pose_tracks import read_pose_tracks
from physicl_twin.model import GeometryError
from physicl_twin.normalize.motion.naming import parts_of_names
from physicl_twin.normalize.motion.tracked import with_motion
from tests.articulated.files import write_glb
from tests.articulated.objects import MOVING, RIGID
from tests.articulated.recording import coordinates, record, write_csv
from tests.articulated.scoring import score

GLB = ReadOptions(units="m", up_axis="y")


def read(tmp_path, mechanism, q=None):
    return ingest.read(write_glb(mechanism, tmp_path / "thing.glb", q or mechanism.spread(0.0)), GLB)


@pytest.mark.parametrize(
    ("family", "seed", "frame", "still"),
    [
        ("microwave", 4, "parts", True),
        ("pliers", 4, "displacements", True),
        ("crane", 4, "displacements", True),
        ("scissors", 4, "parts", False),
        ("lamp", 2, "parts", True),  # its largest untracked part is an arm, and no base
    ],
)
def test_joints_and_their_ranges_are_those_that_were_shown(tmp_path, family, seed, frame, still):
    mechanism = MOVING[family](seed)
    tracks = read_pose_tracks(write_csv(record(mechanism, frame, still), tmp_path / "tracks.csv"))
    twin = with_motion(read(tmp_path, mechanism), tracks, 0.9)
    result = score(mechanism, twin)
    assert (result.matched, result.found) == (len(mechanism.joints), len(mechanism.joints))
    way = coordinates(mechanism)
    for truth, joint in result.pairs:
        rest = mechanism.spread(0.0)[truth.name]
        shown = np.array([q[truth.name] for q in way]) - rest
        wide = 0.012 if truth.type == "prismatic" else 0.03
        assert joint.upper - joint.lower == pytest.approx(np.ptp(shown), abs=wide)
        assert joint.lower <= joint.position <= joint.upper, "noise must not put it outside of its own range"
        assert joint.evidence[0].kind == "fit" and joint.evidence[0].source == "tracks.csv"


def test_the_base_may_be_untracked_and_the_axes_stated(tmp_path):
    """Only the gate is tracked, in axes that the file of tracks states."""
    mechanism = MOVING["gate"](1)
    tracks = record(mechanism, "displacements", z_up=True)
    door = next(name for name in tracks if name.startswith("gate"))
    path = write_csv({door: tracks[door]}, tmp_path / "t.csv", frame="displacements", up="z")
    twin = with_motion(read(tmp_path, mechanism), read_pose_tracks(path), 0.9)
    result = score(mechanism, twin)
    assert result.matched == result.found == 1
    assert any(note.code == "tracks_read_as" and "post" in note.message for note in twin.notes)
    assert not any(note.code == "tracks_axes_assumed" for note in twin.notes)


def test_displacements_do_not_tell_their_axes(tmp_path):
    mechanism = MOVING["gate"](1)
    path = write_csv(record(mechanism, "displacements"), tmp_path / "t.csv", frame="displacements")
    twin = with_motion(read(tmp_path, mechanism), read_pose_tracks(path), 0.9)
    (note,) = [note for note in twin.notes if note.code == "tracks_axes_assumed"]
    assert "'up: z'" in note.hint and score(mechanism, twin).matched == 1


def test_a_rigid_thing_that_is_carried_about_gets_no_joint(tmp_path):
    thing = RIGID["table"](0)
    poses = record(thing, still=False)
    (leader,) = poses
    other = next(piece.name for piece in thing.pieces if piece.name != leader)
    both = record(dataclasses.replace(thing, pieces=tuple(p for p in thing.pieces if p.name == other)), still=False)
    path = write_csv(poses | both, tmp_path / "t.csv")
    twin = with_motion(read(tmp_path, thing), read_pose_tracks(path), 0.9)
    assert not twin.joints and not twin.proposals
    assert any(note.code == "tracks_still" for note in twin.notes)


def test_names_mean_parts_and_assembly_nodes_and_strangers_are_named(tmp_path):
    mechanism = MOVING["butt_hinge"](0)
    twin = read(tmp_path, mechanism)
    assert parts_of_names(twin, ["Leaf A", "LEAF-B", "ghost"]) == {"Leaf A": ("leaf_a",), "LEAF-B": ("leaf_b",)}
    poses = record(mechanism)
    path = write_csv({**poses, "ghost": poses["leaf_a"]}, tmp_path / "t.csv")
    found = with_motion(twin, read_pose_tracks(path), 0.9)
    assert any(note.code == "tracks_unmatched" and "ghost" in note.message for note in found.notes)
    assert score(mechanism, found).matched == 1


def test_tracks_of_something_else_are_refused(tmp_path):
    mechanism = MOVING["butt_hinge"](0)
    twin = read(tmp_path, mechanism)
    poses = record(mechanism)
    path = write_csv({"ghost": poses["leaf_a"], "phantom": poses["leaf_b"]}, tmp_path / "t.csv")
    with pytest.raises(GeometryError) as refused:
        with_motion(twin, read_pose_tracks(path), 0.9)
    assert refused.value.code == "tracks_name_nothing"
    away = {name: rows + (np.array([0.5, 0, 0, 0, 0, 0, 0]) if name == "leaf_b" else 0) for name, rows in poses.items()}
    with pytest.raises(GeometryError) as refused:
        with_motion(twin, read_pose_tracks(write_csv(away, tmp_path / "t.csv")), 0.9)
    assert refused.value.code == "tracks_not_aligned"
