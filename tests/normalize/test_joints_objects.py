"""Joints of objects written by hand: what moves is found with its axis and limits, what is rigid stays one body."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from physicl_twin import ingest
from physicl_twin.model import Joint, Pose, Twin
from physicl_twin.normalize.stages import with_solids
from tests.normalize.joint_objects import (
    RIGID,
    Thing,
    cabinet,
    cart,
    chest,
    inferred,
    off,
    solid_settings,
    step_file,
    tongs,
    window,
)


@lru_cache(maxsize=1)
def known_cabinet() -> Thing:
    return cabinet()


def require_found(twin: Twin, thing: Thing, pose: Pose = Pose()) -> dict[str, Joint]:
    """Each true joint within 2° and 2 mm, and no other one; the found joint by the true child."""
    found: dict[str, Joint] = {}
    for truth in thing.joints:
        fitting = [
            joint
            for joint in twin.joints
            if joint.type == truth.type
            and joint.name not in {one.name for one in found.values()}
            and min(off(twin, joint, truth, pose)[0], 180 - off(twin, joint, truth, pose)[0]) < 2
            and off(twin, joint, truth, pose)[1] < 0.002
        ]
        assert fitting, f"{truth.child} is missing among {[joint.name for joint in twin.joints]}"
        found[truth.child] = fitting[0]
    assert len(twin.joints) == len(thing.joints), [joint.name for joint in twin.joints]
    assert all(0.9 <= joint.probability <= 1 and joint.evidence for joint in twin.joints)
    return found


def require_cabinet(twin: Twin, pose: Pose = Pose()) -> None:
    thing = known_cabinet()
    found = require_found(twin, thing, pose)
    door = found["door"]
    assert off(twin, door, thing.joints[2], pose)[0] < 2, "it opens in the positive sense"
    assert door.upper is not None and door.upper > math.radians(150)
    assert door.lower is not None and -math.radians(8) < door.lower <= 0
    for name in ("drawer_0", "drawer_1"):
        drawer = found[name]
        assert off(twin, drawer, thing.joints[0], pose)[0] < 2
        assert drawer.lower == pytest.approx(-0.004, abs=5e-4), "its back touches the carcass after 4 mm"
        assert drawer.upper is not None and 0.25 < drawer.upper < 0.43


def test_cabinet_from_a_step_assembly(tmp_path) -> None:
    twin = inferred(with_solids(ingest.read(step_file(known_cabinet(), tmp_path / "cabinet.step")), solid_settings()))
    require_cabinet(twin)
    assert {body.name for body in twin.bodies} == {"carcass", "door", "drawer_1", "drawer_2"}
    door = twin.body("door")
    assert {part.name for part in door.parts} == {"door", "handle", "hinge_0_door", "hinge_1_door"}
    assert all(body.pose == twin.bodies[0].pose for body in twin.bodies)
    assert {joint.role for joint in twin.joints} == {"door", "drawer"}


def test_cabinet_from_a_fused_glb(tmp_path) -> None:
    fused = known_cabinet().fused().shapes[0].mesh
    assert fused is not None
    y_up = fused.vertices @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    path = tmp_path / "cabinet.glb"
    path.write_bytes(trimesh.Trimesh(y_up, fused.faces, process=False).export(file_type="glb"))
    twin = inferred(with_solids(ingest.read(path), solid_settings()))
    require_cabinet(twin)
    assert twin.bodies[0].name == "carcass"
    assert all(len(body.parts) == 1 for body in twin.bodies), "shells of one body stay one part"
    assert sum(shape.geometry.faces for shape in twin.shapes if shape.geometry) == len(fused.faces)
    volume = sum(shape.solid.volume.value for shape in twin.shapes if shape.solid)
    assert volume == pytest.approx(known_cabinet().fused().shapes[0].solid.volume.value, rel=1e-3)  # type: ignore[union-attr]


def test_cabinet_without_names_that_stands_askew() -> None:
    turn = Rotation.from_euler("xyz", (0.0, 0.0, 33.0), degrees=True).as_quat(scalar_first=True)
    pose = Pose((1.0, -2.0, 0.5), tuple(float(v) for v in turn))  # type: ignore[arg-type]
    require_cabinet(inferred(known_cabinet().twin(pose, named=False)), pose)


def test_lid_turns_about_its_pins() -> None:
    thing = chest()
    twin = inferred(thing.twin(named=False))
    lid = require_found(twin, thing)["lid"]
    assert off(twin, lid, thing.joints[0])[0] < 2 and lid.lower is not None and lid.lower > -math.radians(1)


def test_wheels_turn_for_ever() -> None:
    thing = cart()
    twin = inferred(thing.twin())
    require_found(twin, thing)
    assert all(joint.lower is None and joint.upper is None and joint.role == "wheel" for joint in twin.joints)


def test_tongs_turn_until_they_touch() -> None:
    thing = tongs()
    twin = inferred(thing.twin())
    joint = require_found(twin, thing)["half_b"]
    assert joint.lower is not None and joint.upper is not None
    # The edge of a bar 16 mm wide meets the rim of a peg of 2 mm on a radius of 60 mm at asin(10/60) = 9.6° from it; the
    # bars stand at 40°, and the other end of the bar meets the peg half a turn away.
    ends = sorted((abs(math.degrees(joint.lower)), abs(math.degrees(joint.upper))))
    assert ends[0] == pytest.approx(40 - math.degrees(math.asin(10 / 60)), abs=0.5)
    assert ends[1] == pytest.approx(140 - math.degrees(math.asin(10 / 60)), abs=0.5)


def test_pane_slides_until_it_touches_the_frame() -> None:
    thing = window()
    twin = inferred(thing.twin(named=False))
    pane = require_found(twin, thing)["pane"]
    assert pane.lower == pytest.approx(-0.002, abs=5e-4) and pane.upper == pytest.approx(0.518, abs=5e-4)


@pytest.mark.parametrize("make", RIGID, ids=lambda make: make.__name__)
@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_rigid_things_stay_one_body(make, named: bool) -> None:
    before = make().twin(named=named)
    twin = inferred(before)
    assert not twin.joints and len(twin.bodies) == 1
    assert not [note for note in twin.notes if note.code == "joint_inference_failed"]
