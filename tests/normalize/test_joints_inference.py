"""The pieces of inference, each against a known answer: round faces, sweeps, names, decisions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from physicl_twin import settings
from physicl_twin.model import Body, ConfigError, Part, Shape
from physicl_twin.normalize.joints import accept, infer
from physicl_twin.normalize.joints.cylinders import cylinders_of
from physicl_twin.normalize.joints.naming import shipped_roles
from physicl_twin.normalize.joints.pieces import Piece, pieces_of, shell_labels
from physicl_twin.normalize.joints.sweep import pairs_of, travel
from physicl_twin.normalize.joints.twist import Twist
from physicl_twin.normalize.kinematics import body_poses
from tests.normalize.joint_objects import Thing, box, inferred, rod, tongs, window
from tests.normalize.solids import box as box_mesh
from tests.normalize.solids import join, twin_of


def pieces(**parts) -> list[Piece]:
    twin = Thing("x", parts).twin()
    return pieces_of(twin, twin.bodies[0], True, 80)


@pytest.mark.parametrize("segments", [10, 24, 64])
def test_a_pin_and_its_hole_are_found_on_their_facets(segments: int) -> None:
    start, end = np.array([0.1, 0.2, 0.0]), np.array([0.1, 0.2, 0.05]) + 0.03 * np.array([1.0, 0.5, 0])
    pin, block = pieces(
        pin=rod(start, end, 0.006, segments),
        block=box((0, 0, 0), (0.1, 0.1, 0.02)) - rod((0.05, 0.04, -1), (0.05, 0.04, 1), 0.01, segments),
    )
    (outer,) = cylinders_of(pin)
    along = (end - start) / np.linalg.norm(end - start)
    assert outer.convex and outer.radius == pytest.approx(0.006, rel=1e-6)
    assert abs(outer.axis @ along) == pytest.approx(1, abs=1e-9)
    assert np.linalg.norm(np.cross(outer.point - start, along)) < 1e-8
    assert outer.length == pytest.approx(np.linalg.norm(end - start), rel=1e-6) and outer.coverage > 6.2
    (hole,) = cylinders_of(block)
    assert not hole.convex and hole.radius == pytest.approx(0.01, rel=1e-6)
    assert np.allclose(hole.point[:2], (0.05, 0.04), atol=1e-8)


def test_a_box_and_a_fillet_are_no_pins() -> None:
    rounded = (
        box((0, 0, 0), (0.1, 0.09, 0.02))
        + box((0, 0.09, 0), (0.09, 0.1, 0.02))
        + rod((0.09, 0.09, 0), (0.09, 0.09, 0.02), 0.01)
    )
    plain, filleted = pieces(a=box((0, 0, 0), (1, 1, 1)), b=rounded)
    assert cylinders_of(plain) == [] and cylinders_of(filleted) == []


@pytest.mark.parametrize("gap", [0.0, 0.013, 0.2])
def test_a_slide_goes_as_far_as_the_gap(gap: float) -> None:
    a, b = pieces(a=box((0, 0, 0), (0.1, 0.1, 0.1)), b=box((0.1 + gap, -0.2, -0.2), (0.12 + gap, 0.3, 0.3)))
    twist = Twist("prismatic", np.array([1.0, 0, 0]), np.zeros(3))
    found = travel(pairs_of([a], [b], twist, 1e-4, frozenset(), 0.0, {}), twist, 0.5, 0.01)
    assert found.stopped_by == b.index and found.distance == pytest.approx(gap, abs=3e-4)
    away = travel(pairs_of([a], [b], twist, 1e-4, frozenset(), 0.0, {}), twist.reversed, 0.5, 0.01)
    assert away.stopped_by == -1 and away.distance == 0.5


@pytest.mark.parametrize("degrees", [7.0, 45.0, 133.0])
def test_a_turn_goes_as_far_as_the_wall(degrees: float) -> None:
    angle = math.radians(degrees)
    wall = box((0.02, 0, -0.1), (0.3, 0.02, 0.3)).rotate((0, 0, degrees))
    a, b = pieces(a=box((0.02, -0.02, 0), (0.25, 0, 0.2)), b=wall)
    twist = Twist("revolute", np.array([0, 0, 1.0]), np.zeros(3))
    found = travel(pairs_of([a], [b], twist, 1e-5, frozenset(), 0.0, {}), twist, math.pi, math.radians(2))
    assert found.distance == pytest.approx(angle, abs=math.radians(0.25))


def test_depth_is_exact_in_a_box_and_zero_outside() -> None:
    (a,) = pieces(a=box((0, 0, 0), (1, 1, 1)))
    points = np.array([[0.5, 0.5, 0.1], [0.2, 0.3, 0.5], [1.2, 0.5, 0.5], [0.5, 0.5, -1e-3], [0.99, 0.99, 0.99]])
    assert np.allclose(a.depth(points), [0.1, 0.2, 0, 0, 0.01], atol=1e-9)


def test_welded_boxes_come_apart_and_a_cavity_stays_with_its_wall() -> None:
    meshes = join(box_mesh((1, 1, 1)), box_mesh((1, 1, 1), (1, 0, 0)))
    whole = Thing("x", {"hollow": box((0, 0, 0), (1, 1, 1)) - box((0.1, 0.1, 0.1), (0.9, 0.9, 0.9))})
    assert len(np.unique(shell_labels(whole.mesh("hollow")))) == 1
    assert len(np.unique(shell_labels(meshes))) == 2


@pytest.mark.parametrize(
    ("name", "kind", "role"),
    [
        ("Left Door", "role", "door"),
        ("Schranktür_2", "role", "door"),
        ("tiroir 1", "role", "drawer"),
        ("drawer_box", "role", "drawer"),
        ("door_handle", "attached", ""),
        ("hinge_door", "attached", ""),
        ("poignée de porte", "attached", ""),
        ("door_frame", "attached", ""),
        ("M6 screw", "fastener", ""),
        ("side_left", "structure", ""),
        ("Korpus", "base", ""),
        ("Part_007", "", ""),
        ("FrontWheelLeft", "role", "wheel"),
    ],
)
def test_names_in_several_languages(name: str, kind: str, role: str) -> None:
    found = shipped_roles().meaning(name)
    assert (found.kind, found.role) == (kind, role)


def test_words_that_mean_something_in_some_things_only() -> None:
    table = shipped_roles()
    assert table.meaning("blade").kind == "" and table.meaning("blade", ("scissor",)).role == "blade"
    assert table.meaning("handle").kind == "attached" and table.meaning("handle", ("faucet",)).role == "handle"


def test_a_likely_joint_is_proposed_and_can_be_accepted() -> None:
    before = tongs().twin(named=False)
    twin = inferred(before, confident=0.99)
    assert not twin.joints and len(twin.bodies) == 1 and len(twin.proposals) == 1
    (proposal,) = twin.proposals
    assert 0.25 <= proposal.joint.probability < 0.99 and proposal.parts
    done = accept(twin, [proposal.joint.name])
    assert [joint.name for joint in done.joints] == [proposal.joint.name] and not done.proposals
    assert {part.name for part in done.body(proposal.joint.body1).parts} == set(proposal.parts)
    assert sorted(p.name for p in done.parts) == sorted(p.name for p in before.parts)
    assert all(
        np.allclose(pose.matrix(), body.pose.matrix())
        for pose, body in zip(body_poses(done, {}), done.bodies, strict=True)
    )
    with pytest.raises(ConfigError) as error:
        accept(done, [proposal.joint.name])
    assert error.value.code == "proposal_unknown"


def test_inference_can_be_turned_off_and_parts_be_said_rigid() -> None:
    twin = window().twin()
    assert inferred(twin, infer=False) is twin
    assert not inferred(twin, rigid=["pan*"]).joints
    moved = inferred(twin)
    assert moved.joints and inferred(moved) is moved, "what has joints is left as it is"


def test_settings_are_checked() -> None:
    table = settings.pipeline()["joints"]
    twin = window().twin()
    with pytest.raises(ConfigError, match="confident"):
        inferred(twin, confident=1.5)
    with pytest.raises(ConfigError, match="missing"):
        infer.infer_joints(twin, {k: v for k, v in table.items() if k != "proposed"}, lambda t: t)


def test_a_failure_is_a_note_and_a_heap_is_left_alone(monkeypatch) -> None:
    twin = window().twin()

    def broken(scene):
        raise ValueError("no such thing")

    monkeypatch.setattr(infer, "candidates_of", broken)
    found = inferred(twin)
    assert [note.code for note in found.notes][-1] == "joint_inference_failed" and found.bodies == twin.bodies
    monkeypatch.undo()
    assert [note.code for note in inferred(twin, max_pieces=1).notes][-1] == "joint_inference_skipped"


def test_open_and_degenerate_pieces_do_no_harm() -> None:
    sheet = box_mesh((1, 1, 0.1))
    sheet = replace(sheet, faces=sheet.faces[:2])
    shapes = (
        Shape("a", mesh=box_mesh()),
        Shape("b", mesh=sheet),
        Shape("c", mesh=box_mesh((1e-6, 1e-6, 1e-6), (3, 0, 0))),
    )
    twin = twin_of(shapes, (Body("x", tuple(Part(s.name, s.name) for s in shapes)),))
    found = inferred(twin)
    assert not found.joints and not [note for note in found.notes if note.code == "joint_inference_failed"]
