"""Joints in the panel: rows, moving by hand, play, statements, decisions."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from physicl_twin.model import Estimate, Evidence, Mimic, Proposal, to_json
from physicl_twin.normalize.kinematics import body_poses
from physicl_twin.workbench.joint_view import joint_rows
from physicl_twin.workbench.joints_model import JointsModel
from physicl_twin.workbench.restate import Statements
from physicl_twin.workbench.viewport_scene import ViewportScene
from tests.usd import twins
from tests.workbench.fakes import Desk, twin_on_disk

DOOR = "hinge"


def cabinet():
    """The door of ``twins.hinged`` with everything that a row can show."""
    made = twins.hinged()
    door = next(joint for joint in made.joints if joint.type == "revolute")
    told = Evidence("geometry", "Two pins are coaxial.", "cabinet.step")
    friction = Estimate.lognormal(0.05, 0.4, "N m", "prior of door hinges")
    door = replace(door, name=DOOR, role="door", friction=friction, probability=0.93, evidence=(told,))
    others = tuple(joint for joint in made.joints if joint.type != "revolute")
    shelf = replace(door, name="shelf", type="prismatic", role="drawer", lower=0.0, upper=0.2, probability=0.61)
    body = made.bodies[0]
    proposal = Proposal(replace(shelf, body0=body.name, body1="shelf"), (body.parts[0].name,), ("other",))
    return replace(made, joints=(door, *others), proposals=(proposal,))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins", cabinet())))
    made.work.go("normalize")
    return made


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_rows_say_what_moves_how_far_and_why() -> None:
    door, *_, shelf = joint_rows(cabinet())
    assert door.title == "hinge (door)" and not door.proposed and door.word == "93 %"
    assert "Two pins are coaxial." in door.why("range") and "93 %" in door.why("joint")
    assert "N m" in door.cells["friction"][0] and "prior of door hinges" in door.why("friction")
    assert door.cells["damping"][0] == "not known" and door.cells["drive"][0] == "passive"
    assert shelf.proposed and shelf.tone == "look" and shelf.word == "proposed, 61 %"
    assert shelf.cells["range"][0] == "0 mm … 200 mm" and (shelf.lower, shelf.upper) == ("0 mm", "200 mm")


def test_fixed_joints_are_no_rows_and_followers_cannot_be_moved() -> None:
    made = cabinet()
    assert "fixed" not in {row.cells["kind"][0] for row in joint_rows(made)}
    follower = replace(made.joints[0], name="second", mimic=Mimic(DOOR))
    row = joint_rows(replace(made, joints=(*made.joints, follower), proposals=()))[-1]
    assert not row.movable and f"follows {DOOR}" in row.cells["kind"][0]


def test_a_joint_is_moved_by_hand_in_the_viewport(desk: Desk) -> None:
    model = desk.work.joints
    assert model.moment is None
    model.pose(DOOR, 1.0)
    twin = desk.work.normalize.twin
    assert twin is not None
    upper = twin.joints[0].upper
    assert upper is not None and model.fraction(DOOR) == 1.0
    assert model.place(DOOR) == f"{math.degrees(upper):.4g}°"
    desk.work.poll()
    moment = model.moment
    assert moment is not None and len(moment.poses) == len(twin.bodies) and len(moment.axis) == 2
    wanted = body_poses(twin, {DOOR: upper})
    assert np.allclose(moment.poses, [(*pose.position_m, *pose.quaternion_wxyz) for pose in wanted])
    low, high = np.array(moment.reach)
    assert (low < high).all()
    model.pose_at_rest()
    assert not model.posed and model.fraction(DOOR) < 1.0


def test_the_room_of_the_camera_holds_every_pose(desk: Desk) -> None:
    model = desk.work.joints
    rooms = []
    for fraction in (0.0, 0.5, 1.0):
        model.pose(DOOR, fraction)
        assert model.moment is not None
        rooms.append(model.moment.reach)
    assert rooms[0] == rooms[1] == rooms[2]


def test_play_goes_through_the_range_and_back_to_rest(desk: Desk) -> None:
    clock = Clock()
    model = JointsModel(desk.work.bench, desk.work.normalize, clock)
    model.play(DOOR)
    assert model.playing and model.posed
    seen = []
    for _ in range(31):
        model.poll()
        seen.append(model.fraction(DOOR))
        clock.now += 0.1
    assert max(seen) == pytest.approx(1.0, abs=0.05) and min(seen) == pytest.approx(0.0, abs=0.05)
    assert max(abs(b - a) for a, b in itertools.pairwise(seen)) < 0.08
    assert not model.playing and not model.posed
    model.play()
    model.play()
    assert not model.playing


def test_a_proposal_marks_its_parts_and_is_decided_upon(desk: Desk) -> None:
    model = desk.work.joints
    assert model.undecided == 1
    model.select("shelf")
    moment = model.moment
    assert moment is not None and moment.marked and len(moment.axis) == 2
    model.accept("shelf")
    assert desk.work.normalize.edited and "1 joint changed" in desk.work.normalize.changes
    operation, arguments, _ = desk.live.asked[-1]
    assert operation == "restate" and arguments["statements"]["joints"] == {"shelf": {"decision": "accept"}}
    (said,) = Statements.from_json(arguments["statements"]).joints
    assert (said.joint, said.decision) == ("shelf", "accept")


def test_limits_are_stated_and_what_cannot_be_is_a_problem(desk: Desk) -> None:
    model = desk.work.joints
    model.set_limit(DOOR, "upper", " 95° ")
    model.set_limit(DOOR, "lower", "")
    assert model.set_resistance(DOOR, "friction", "0,2 N m") and not model.set_resistance(DOOR, "damping", "little")
    assert desk.live.asked[-1][1]["statements"]["joints"] == {DOOR: {"upper": "95°", "friction": 0.2}}
    edits = len(desk.work.normalize._edits)
    desk.live.asked = desk.live.asked[-1:]
    desk.live.answer(error={"code": "joint_limits_inverted", "message": "No.", "hint": "Swap them."})
    assert desk.work.bench.problem is not None and len(desk.work.normalize._edits) == edits - 1


def test_an_edited_joint_is_marked_until_accepted(desk: Desk) -> None:
    model = desk.work.joints
    model.set_limit(DOOR, "upper", "95°")
    twin = desk.work.normalize.twin
    assert twin is not None
    changed = replace(twin, joints=(replace(twin.joints[0], upper=math.radians(95)), *twin.joints[1:]))
    desk.live.asked = desk.live.asked[-1:]
    desk.live.answer(to_json(changed))
    assert model.rows[0].changed and model.rows[0].upper == "95°"
    desk.work.normalize.undo()
    assert not model.rows[0].changed


def test_edits_of_joints_are_offered_again_and_damage_is_left_out(desk: Desk, tmp_path: Path) -> None:
    desk.work.joints.set_limit(DOOR, "upper", "95°")
    session = desk.work.bench.session
    kept = session.kept_value("normalize", "edits", {})
    session.keep("normalize", "edits", {**kept, "joints": {DOOR: {"upper": "95°", "evil": 1}, "x": 3}})
    desk.work.normalize.reload()
    assert desk.live.asked[-1][1]["statements"]["joints"] == {DOOR: {"upper": "95°"}}


def test_the_picture_draws_the_axis_and_the_posed_door(desk: Desk) -> None:
    from physicl_twin.workbench.shot import Shot

    made = twins.hinged()
    scene = ViewportScene(made)
    model = desk.work.joints
    model.pose(DOOR, 1.0)
    moment = model.moment
    assert moment is not None
    shot = Shot(160, 120, -50.0, 22.0, poses=moment.poses, reach=moment.reach, floor_m=moment.floor_m)
    plain = scene.draw(Shot.from_json(shot.to_json()))
    with_axis = scene.draw(Shot.from_json(replace(shot, axis=moment.axis).to_json()))
    marked = scene.draw(Shot.from_json(replace(shot, marked=moment.marked).to_json()))
    green = (with_axis != plain).any(axis=2)
    assert 20 < green.sum() < 2000
    assert np.all(with_axis[green][:, 1] > with_axis[green][:, 2])
    assert (marked != plain).any()
