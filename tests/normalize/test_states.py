"""Joints from two states of procedural mechanisms, by names, by shapes and by placements."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions
from physicl_twin.model import GeometryError, Mesh, Pose
from physicl_twin.normalize.states.infer import with_states
from physicl_twin.normalize.states.placed import Placed
from physicl_twin.normalize.states.registration import explains, register
from physicl_twin.normalize.states.screw import common_screw, screw_of
from tests.articulated.files import write_fused_glb, write_glb, write_step
from tests.articulated.objects import MOVING, RIGID
from tests.articulated.scoring import score

GLB = ReadOptions(units="m", up_axis="y")


def shares(mechanism, low=0.3):
    rng = np.random.default_rng([mechanism.seed, 1])
    return {joint.name: float(rng.uniform(low, 1)) for joint in mechanism.joints}


def two_states(tmp_path, mechanism, baked=False, other=None):
    first = write_glb(mechanism, tmp_path / "closed.glb", mechanism.spread(0.0), baked)
    second = write_glb(other or mechanism, tmp_path / "open.glb", mechanism.spread(shares(mechanism)), baked)
    return ingest.read(first, GLB), ingest.read(second, GLB)


@pytest.mark.parametrize("family", ["cabinet", "oven", "lamp", "cart", "linear_guide", "toolbox", "faucet"])
@pytest.mark.parametrize("kind", ["named", "nameless, baked"])
def test_every_joint_is_found_with_its_axis(tmp_path, family, kind):
    mechanism = MOVING[family](3) if kind == "named" else MOVING[family](3).nameless()
    closed, opened = two_states(tmp_path, mechanism, baked=kind != "named")
    twin = with_states(closed, [opened], 0.8)
    result = score(mechanism, twin)
    assert (result.matched, result.found) == (len(mechanism.joints), len(mechanism.joints))
    for truth, joint in result.pairs:
        wanted = abs(mechanism.spread(shares(mechanism))[truth.name] - truth.shown[0])
        assert joint.lower == pytest.approx(0, abs=1e-6)
        assert joint.upper == pytest.approx(wanted, abs=1e-4)
        assert joint.evidence[0].kind == "fit"


def test_parts_that_move_together_are_one_body(tmp_path):
    mechanism = MOVING["cabinet"](0)
    closed, opened = two_states(tmp_path, mechanism)
    twin = with_states(closed, [opened], 0.8)
    truth = {piece.name: piece.body for piece in mechanism.pieces}
    for body in twin.bodies:
        assert len({truth[part.name] for part in body.parts}) == 1
        assert body.pose == closed.bodies[0].pose
    assert {part.name: part.pose for part in twin.parts} == {part.name: part.pose for part in closed.parts}


@pytest.mark.parametrize("family", ["bracket", "dumbbell"])
def test_what_does_not_move_gets_no_joint(tmp_path, family):
    thing = RIGID[family](0)
    closed, same = two_states(tmp_path, thing)
    twin = with_states(closed, [same], 0.8)
    assert not twin.joints and not twin.proposals
    assert any(note.code == "states_alike" for note in twin.notes)


def test_a_whole_that_stands_elsewhere_in_the_other_file_is_no_motion(tmp_path):
    """The second file has its origin elsewhere: what all parts share is no joint."""
    mechanism = MOVING["chest"](1)
    closed, opened = two_states(tmp_path, mechanism)
    away = Pose((0.3, -0.2, 0.1), (math.cos(0.4), 0.0, 0.0, math.sin(0.4)))
    moved = dataclasses.replace(
        opened, bodies=tuple(dataclasses.replace(b, pose=away.compose(b.pose)) for b in opened.bodies)
    )
    result = score(mechanism, with_states(closed, [moved], 0.8))
    assert result.matched == result.found == len(mechanism.joints)


def test_states_of_step_assemblies_are_exact(tmp_path):
    pytest.importorskip("OCP")
    mechanism = MOVING["box_with_lid"](2)
    first = write_step(mechanism, tmp_path / "closed.step")
    second = write_step(mechanism, tmp_path / "open.step", mechanism.spread(0.7))
    twin = with_states(ingest.read(first), [ingest.read(second)], 0.8)
    ((truth, joint),) = score(mechanism, twin).pairs
    frame = twin.body(joint.body0).pose.compose(joint.pose0).matrix()
    assert abs(frame[:3, 2] @ truth.axis) == pytest.approx(1, abs=1e-9)
    assert np.linalg.norm(np.cross(frame[:3, 3] - truth.point, truth.axis)) < 1e-6
    assert joint.upper == pytest.approx(0.7 * truth.shown[1], abs=1e-7)


def test_parts_renamed_in_the_other_state_are_known_by_their_shapes(tmp_path):
    mechanism = MOVING["cabinet"](1).nameless()
    renamed = dataclasses.replace(mechanism, seed=77).nameless()
    closed, opened = two_states(tmp_path, mechanism, baked=True, other=renamed)
    result = score(mechanism, with_states(closed, [opened], 0.8))
    assert result.matched == result.found == 3


@pytest.mark.parametrize("family", ["cabinet", "lamp"])
def test_a_fused_mesh_comes_apart_into_what_moves(tmp_path, family):
    """One node, one mesh: its shells are the parts, and each body gets one."""
    mechanism = MOVING[family](0)
    first = write_fused_glb(mechanism, tmp_path / "closed.glb", mechanism.spread(0.0))
    second = write_fused_glb(mechanism, tmp_path / "open.glb", mechanism.spread(shares(mechanism)))
    fused = ingest.read(first, GLB)
    assert len(fused.parts) == 1
    twin = with_states(fused, [ingest.read(second, GLB)], 0.9)
    result = score(mechanism, twin, bodies=False)
    assert result.matched == result.found == len(mechanism.joints)
    assert [len(body.parts) for body in twin.bodies] == [1] * (1 + len(mechanism.joints))
    assert sum(len(shape.mesh.faces) for shape in twin.shapes) == len(fused.shapes[0].mesh.faces)


def test_a_screw_is_said_and_not_authored(tmp_path):
    mechanism = MOVING["valve"](0)
    first = ingest.read(write_glb(mechanism, tmp_path / "a.glb"), GLB)
    turned = mechanism.joints[0].motion(1.0)
    turned[2, 3] += 0.004
    moved = dataclasses.replace(mechanism, joints=())
    object.__setattr__(moved, "displacements", lambda q: {"body": np.eye(4), "wheel": turned})
    second = ingest.read(write_glb(moved, tmp_path / "b.glb"), GLB)
    twin = with_states(first, [second], 0.8)
    assert not twin.joints
    note = next(note for note in twin.notes if note.code == "screw_not_authored")
    assert f"{4 * 2 * math.pi:.2f} mm" in note.message


def test_losses_are_named_and_strangers_refused(tmp_path):
    mechanism = MOVING["cabinet"](2)
    fewer = dataclasses.replace(mechanism, pieces=tuple(p for p in mechanism.pieces if p.name != "handle"))
    fewer = dataclasses.replace(fewer, pieces=tuple(p for p in fewer.pieces if p.name != "shelf" and p.name != "top"))
    closed, opened = two_states(tmp_path, mechanism, other=fewer)
    twin = with_states(closed, [opened], 0.8)
    assert any(note.code == "state_part_missing" and "top" in note.message for note in twin.notes)
    assert score(mechanism, twin).matched == 3
    stranger, _ = two_states(tmp_path, MOVING["scissors"](0))
    with pytest.raises(GeometryError) as refused:
        with_states(closed, [stranger], 0.8)
    assert refused.value.code == "states_do_not_match"


def test_screws_of_known_displacements():
    axis, point = np.array([2.0, -1, 2]) / 3, np.array([0.1, 0.2, -0.3])
    for angle, advance in ((0.7, 0.0), (3.0, 0.02), (1e-4, 0.0)):
        motion = np.eye(4)
        motion[:3, :3] = Rotation.from_rotvec(angle * axis).as_matrix()
        motion[:3, 3] = point - motion[:3, :3] @ point + advance * axis
        found, place, turned, along = screw_of(motion)
        assert np.allclose(found, axis, atol=1e-7)
        assert np.linalg.norm(np.cross(place - point, axis)) < 1e-6
        assert (turned, along) == pytest.approx((angle, advance), abs=1e-9)
    points = np.random.default_rng(0).normal(size=(50, 3))
    slide = np.eye(4)
    slide[:3, 3] = 0.3 * axis
    assert common_screw([slide, np.eye(4)], points, 1e-6).type == "prismatic"
    assert common_screw([np.eye(4)], points, 1e-6).type == "fixed"


def test_a_mirrored_part_is_another_part_and_a_box_may_be_turned():
    rng = np.random.default_rng(3)
    vertices = rng.normal(size=(4, 3))
    faces = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], dtype=np.int32)
    part = Placed("a", Pose(), Mesh(vertices, faces))
    mirrored = Placed("b", Pose(), Mesh(vertices * [1, 1, -1], faces[:, ::-1]))
    assert part.alike(mirrored)
    assert register(part, mirrored) is None
    turn = Rotation.from_rotvec([0.3, 0.2, -0.5]).as_matrix()
    shuffled = Placed("c", Pose(), Mesh(vertices[[2, 0, 1, 3]] @ turn.T + 0.4, np.array([1, 2, 0, 3])[faces]))
    motion = register(part, shuffled)
    assert motion is not None and np.allclose(motion[:3, :3], turn, atol=1e-6)
    assert explains(motion, part, shuffled)
