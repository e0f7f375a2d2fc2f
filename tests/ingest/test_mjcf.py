"""MJCF comes out as MuJoCo simulates it: poses, masses, joints, drives, ties, filters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest.mjcf import read_mjcf
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.normalize.kinematics import body_poses, coordinates

mujoco = pytest.importorskip("mujoco")
OPTIONS = ReadOptions()


@pytest.fixture
def write(tmp_path):
    """Write a description into a folder of its own and return its path."""

    def _write(body: str, name: str = "model/thing.xml", head: str = "", root: str = "mujoco"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<{root}>{head}<worldbody>{body}</worldbody></{root}>" if body else head)
        return path

    return _write


def read(path):
    return read_mjcf(path, OPTIONS)


def notes(scene, code):
    return [note.message for note in scene.notes if note.code == code]


def same_kinematics(path, poses=4, seed=0):
    """The twin and MuJoCo put every named body at the same place, at random coordinates within the limits."""
    twin = ingest.read(path, OPTIONS)
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    rng = np.random.default_rng(seed)
    joints = {j.name: j for j in twin.joints if j.type in ("revolute", "prismatic")}
    compared = 0
    for number in range(poses):
        wanted = {}
        for name, joint in joints.items():
            low, high = (-1.0 if joint.lower is None else joint.lower), (1.0 if joint.upper is None else joint.upper)
            wanted[name] = joint.position if number == 0 else float(rng.uniform(low, high))
        at = coordinates(twin, wanted)
        for j in range(model.njnt):
            if model.joint(j).name in joints:
                data.qpos[model.jnt_qposadr[j]] = at[model.joint(j).name]
        mujoco.mj_forward(model, data)
        placed = body_poses(twin, wanted) if number else tuple(body.pose for body in twin.bodies)
        frames = {}
        for body, pose in zip(twin.bodies, placed, strict=True):
            frames[body.name] = pose.matrix()
            frames |= {site.name: pose.matrix() @ site.pose.matrix() for site in body.sites}
        for b in range(1, model.nbody):
            frame = frames[model.body(b).name]
            np.testing.assert_allclose(frame[:3, 3], data.xpos[b], atol=1e-9)
            np.testing.assert_allclose(frame[:3, :3], data.xmat[b].reshape(3, 3), atol=1e-9)
            compared += 1
    assert compared == poses * (model.nbody - 1)
    return twin


ARM = """
  <body name="base" pos="0.1 0.2 0.3" euler="10 20 30">
    <geom size=".1" mass="2"/>
    <body name="upper" pos="0 0 .2" euler="0 40 0">
      <joint name="shoulder" axis="1 2 -1" pos=".01 .02 .03" range="-60 80" damping="0.4" frictionloss="0.3" armature="0.02"/>
      <geom type="capsule" fromto="0 0 0 0 0 .3" size=".03" mass="1"/>
      <body name="fore" pos="0 0 .3">
        <joint name="rail" type="slide" axis="0 -1 0" range="-.1 .2" ref=".05" stiffness="20" springref=".07"/>
        <geom type="box" size=".02 .03 .1" mass=".5"/>
        <body name="hand" pos="0 .1 0" quat="1 1 0 0"><geom type="cylinder" size=".02 .05" mass=".25"/>
          <body name="tip" pos="0 0 .05"><site name="grip" pos="0 0 .01"/></body>
        </body>
      </body>
    </body>
  </body>"""


def test_poses_of_bodies_and_sites_at_any_coordinates(write):
    twin = same_kinematics(write(ARM))
    assert [b.name for b in twin.bodies] == ["base", "upper", "fore", "hand"]
    assert [s.name for s in twin.bodies[-1].sites] == ["tip", "grip"]
    assert (twin.articulation.root, twin.articulation.fixed) == ("base", True)


def test_dynamics_of_joints_in_si(write):
    joints = {j.name: j for j in read(write(ARM)).joints}
    shoulder, rail = joints["shoulder"], joints["rail"]
    assert (shoulder.type, shoulder.lower, shoulder.upper) == (
        "revolute",
        pytest.approx(math.radians(-60)),
        pytest.approx(math.radians(80)),
    )
    assert (shoulder.damping.value, shoulder.damping.unit) == (0.4, "N m s/rad")
    assert (shoulder.friction.value, shoulder.friction.unit) == (0.3, "N m")
    assert (shoulder.armature.value, shoulder.armature.unit) == (0.02, "kg m2")
    assert shoulder.damping.evidence[0].kind == "source"
    assert (rail.type, rail.position, rail.lower, rail.upper) == ("prismatic", 0.05, -0.1, 0.2)
    assert (rail.stiffness.value, rail.stiffness.unit, rail.rest) == (20.0, "N/m", 0.07)
    assert rail.damping is None
    assert joints["hand weld"].type == "fixed"


def test_several_joints_of_one_body_become_a_chain_with_all_mass_on_the_body(write):
    body = """<body name="torso"><freejoint/><geom size=".1" mass="5"/>
      <body name="thigh" pos="0 .1 -.2" euler="5 0 0"><joint name="x" axis="1 0 0" pos="0 0 .1" range="-20 30"/>
      <joint name="z" axis="0 0 1" pos="0 0 .1" ref="10" range="-60 35"/><joint name="y" axis="0 1 .2" range="-90 20"/>
      <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".05" mass="3"/></body></body>"""
    twin = same_kinematics(write(body))
    assert [b.name for b in twin.bodies] == ["torso", "thigh x", "thigh z", "thigh"]
    assert [(j.body0, j.body1) for j in twin.joints] == [
        ("torso", "thigh x"),
        ("thigh x", "thigh z"),
        ("thigh z", "thigh"),
    ]
    assert [b.mass.value if b.mass else 0.0 for b in twin.bodies] == [5.0, 0.0, 0.0, 3.0]
    assert not twin.articulation.fixed
    assert [e.field for e in twin.articulation.evidence] == ["base"]
    assert any(n.code == "several_joints_of_one_body" for n in twin.notes)


def test_inertia_is_what_mujoco_compiles(write):
    body = """<body name="a"><freejoint/><inertial pos=".1 .2 .3" mass="2" fullinertia=".4 .5 .6 .01 .02 .03"/>
      <geom size=".1"/></body>"""
    properties = read(write(body)).bodies[0].mass_properties
    assert properties.mass.value == 2.0
    np.testing.assert_allclose(properties.com_m, (0.1, 0.2, 0.3))
    np.testing.assert_allclose(
        properties.inertia_kgm2, [[0.4, 0.01, 0.02], [0.01, 0.5, 0.03], [0.02, 0.03, 0.6]], atol=2e-7
    )  # MuJoCo diagonalizes to about that


@pytest.mark.parametrize(
    ("geom", "stated", "density"),
    [
        ('<geom size=".1"/>', None, None),
        ('<geom size=".1" density="1000"/>', None, None),
        ('<geom size=".1" density="500"/>', 500 * 4 / 3 * math.pi * 1e-3, 500.0),
        ('<geom size=".1" mass="3"/>', 3.0, 3 / (4 / 3 * math.pi * 1e-3)),
        ('<geom size=".1" mass="3"/><geom size=".05" pos="0 0 .2"/>', None, 3 / (4 / 3 * math.pi * 1e-3)),
    ],
)
def test_a_default_density_is_no_statement(write, geom, stated, density):
    scene = read(write(f'<body name="a"><freejoint/>{geom}</body>'))
    properties = scene.bodies[0].mass_properties
    assert (properties is None) == (stated is None)
    assert stated is None or properties.mass.value == pytest.approx(stated)
    hint = scene.parts[0].hints.density
    assert (hint is None) if density is None else hint.value == pytest.approx(density)
    assert bool(notes(scene, "default_density")) == (stated is None)


def test_actuators_become_drives_at_the_joint(write):
    body = "".join(
        f'<body name="b{i}"><joint name="j{i}" axis="0 0 1" range="-1 1"/><geom size=".1" pos=".2 0 0"/></body>'
        for i in range(6)
    )
    actuators = """<actuator>
      <motor joint="j0" gear="50" ctrlrange="-2 2"/>
      <position name="servo" joint="j1" kp="10" kv="1" gear="3" forcerange="-7 7"/>
      <velocity joint="j2" kv="4"/>
      <general joint="j3" biastype="affine" gainprm="20" biasprm="0 -20 -2" gear="-2"/>
      <position joint="j4" kp="5"/><velocity joint="j4" kv="2"/>
      <muscle joint="j5"/>
    </actuator>"""
    path = write("", head=f'<mujoco><compiler angle="radian"/><worldbody>{body}</worldbody>{actuators}</mujoco>')
    scene = read(path)
    drives = {j.name: j.drive for j in scene.joints}
    assert (drives["j0"].mode, drives["j0"].max_force.value) == ("force", 100.0)
    servo = drives["j1"]
    assert (servo.mode, servo.stiffness.value, servo.damping.value, servo.max_force.value, servo.name) == (
        "position", pytest.approx(90.0), pytest.approx(9.0), pytest.approx(21.0), "servo",
    )  # fmt: skip
    assert drives["j0"].stiffness.flags == ()
    assert (drives["j2"].mode, drives["j2"].damping.value, drives["j2"].max_force) == ("velocity", 4.0, None)
    assert (drives["j3"].stiffness.value, drives["j3"].damping.value) == (80.0, 8.0)
    assert (drives["j4"].stiffness.value, drives["j4"].damping.value) == (5.0, 2.0)
    assert drives["j5"] is None
    assert any("muscle" in m for m in notes(scene, "actuator_left_out"))
    assert notes(scene, "actuators_combined")
    assert scene.articulation.kind == "robot"


def test_a_drive_gives_the_torque_that_mujoco_gives(write):
    """The law of the drive against MuJoCo's actuator force at a random state."""
    path = write(
        "",
        head="""<mujoco><worldbody><body><joint name="j" axis="0 1 0"/><geom size=".1" pos=".2 0 0"/></body></worldbody>
        <actuator><position joint="j" kp="10" kv="1.5" gear="-4"/></actuator></mujoco>""",
    )
    drive = read(path).joints[0].drive
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    q, v, control = 0.3, -0.7, 0.9
    data.qpos[0], data.qvel[0], data.ctrl[0] = q, v, control
    mujoco.mj_forward(model, data)
    torque = drive.stiffness.value * (control / -4 - q) - drive.damping.value * v
    assert torque == pytest.approx(float(data.qfrc_actuator[0]))


GRIPPER = """<mujoco><worldbody><body name="palm"><geom size=".05" mass="1"/>
  <body name="left"><joint name="l" type="slide" axis="0 1 0" range="0 .04"/><geom size=".01" mass=".1" pos="0 .1 0"/></body>
  <body name="right"><joint name="r" type="slide" axis="0 -1 0" range="0 .04"/><geom size=".01" mass=".1" pos="0 -.1 0"/></body>
  </body></worldbody>
  <tendon><fixed name="both"><joint joint="l" coef=".5"/><joint joint="r" coef=".5"/></fixed></tendon>
  <equality>{equality}</equality>
  <actuator><position name="close" tendon="both" kp="100" kv="3"/></actuator></mujoco>"""


def test_a_tendon_over_tied_joints_drives_the_leader(write):
    path = write("", head=GRIPPER.format(equality='<joint joint1="r" joint2="l" polycoef="0 1 0 0 0"/>'))
    joints = {j.name: j for j in same_kinematics(path).joints}
    assert (joints["r"].mimic.joint, joints["r"].mimic.multiplier, joints["r"].mimic.offset) == ("l", 1.0, 0.0)
    assert joints["l"].mimic is None
    assert (joints["l"].drive.stiffness.value, joints["l"].drive.damping.value) == (
        pytest.approx(100),
        pytest.approx(3),
    )
    assert joints["r"].drive is None


def test_a_tendon_over_free_joints_is_named(write):
    scene = read(write("", head=GRIPPER.format(equality="")))
    assert all(j.drive is None for j in scene.joints)
    assert any("'close'" in m and "'both'" in m for m in notes(scene, "actuator_left_out"))


def test_equalities_of_tendons_and_offsets_are_exact_ties(write):
    path = write(
        "",
        head="""<mujoco><compiler angle="radian"/><worldbody>
        <body name="a"><joint name="a" ref=".2" axis="0 0 1"/><geom size=".1" pos=".2 0 0"/></body>
        <body name="b"><joint name="b" ref="-.1" axis="0 1 0"/><geom size=".1" pos=".2 0 0"/></body>
        <body name="c"><joint name="c" axis="0 1 0"/><geom size=".1" pos=".2 0 0"/></body></worldbody>
        <tendon><fixed name="t"><joint joint="b" coef="2"/><joint joint="c" coef="-3"/></fixed></tendon>
        <equality><joint joint1="a" joint2="b" polycoef=".4 -2 0 0 0"/><tendon tendon1="t" polycoef=".1 0 0 0 0"/></equality>
        </mujoco>""",
    )
    joints = {j.name: j for j in read(path).joints}
    leader = joints["c"]
    assert leader.mimic is None
    # 2 (b + 0.1) - 3 c = 0.1 and (a - 0.2) = 0.4 - 2 (b + 0.1): checked at a few places of c.
    for c in (-0.3, 0.0, 0.7):
        b = joints["b"].mimic.multiplier * c + joints["b"].mimic.offset
        a = joints["a"].mimic.multiplier * c + joints["a"].mimic.offset
        assert {joints["a"].mimic.joint, joints["b"].mimic.joint} == {"c"}
        assert 2 * (b + 0.1) - 3 * c == pytest.approx(0.1)
        assert a - 0.2 == pytest.approx(0.4 - 2 * (b + 0.1))


LOOP = """<mujoco><worldbody><body name="base"><geom size=".05"/>
  <body name="a" pos="1 0 0" euler="0 20 0"><joint axis="0 1 0"/><geom size=".1" pos="0 0 .3"/><site name="s" pos="0 0 .5" euler="30 0 0"/></body>
  <body name="b" pos="-1 0 0" euler="10 0 -30"><joint axis="0 1 0"/><geom size=".1" pos="0 0 .3"/></body></body></worldbody>
  <equality>{equality}</equality></mujoco>"""


@pytest.mark.parametrize(
    ("equality", "kind"),
    [('<connect body1="a" body2="b" anchor="0 0 .5"/>', "spherical"), ('<weld body1="a" body2="b"/>', "fixed"),
     ('<weld body1="a" body2="b" anchor=".1 .2 .3" relpose="1 2 3 1 .2 .3 .4"/>', "fixed")],
)  # fmt: skip
def test_loops_hold_the_frames_that_mujoco_holds(write, equality, kind):
    """Residual of MuJoCo's constraint is zero exactly where the two joint frames meet."""
    path = write("", head=LOOP.format(equality=equality))
    twin = ingest.read(path, OPTIONS)
    (loop,) = [j for j in twin.joints if j.closes_loop]
    assert (loop.type, loop.body0, loop.body1) == (kind, "a", "b")
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    data.qpos[:] = (0.3, -0.4)
    mujoco.mj_forward(model, data)
    frames = [np.eye(4), np.eye(4)]
    for frame, name, pose in zip(frames, ("a", "b"), (loop.pose0, loop.pose1), strict=True):
        body = np.eye(4)
        body[:3, :3], body[:3, 3] = data.body(name).xmat.reshape(3, 3), data.body(name).xpos
        frame[:] = body @ pose.matrix()
    gap = frames[0][:3, 3] - frames[1][:3, 3]
    np.testing.assert_allclose(gap, data.efc_pos[:3], atol=1e-9)
    if kind == "fixed":
        turn = float(np.trace(frames[0][:3, :3].T @ frames[1][:3, :3]))
        angle = math.acos(max(-1.0, min(1.0, (turn - 1) / 2)))
        # MuJoCo's rotational residual is the vector part of the error quaternion, times torquescale.
        assert np.linalg.norm(data.efc_pos[3:6]) == pytest.approx(abs(math.sin(angle / 2)), abs=1e-9)


def test_visual_and_collision_geoms(write):
    body = """<body name="a"><freejoint/><geom name="look" type="box" size=".1 .1 .1" group="2" contype="0" conaffinity="0" density="0"/>
      <geom name="hull" type="sphere" size=".12" group="3" mass="1"/>
      <geom name="twice" type="capsule" size=".02 .1" group="3" mass="1"/>
      <geom name="drawn" type="capsule" size=".02 .1" group="2" contype="0" conaffinity="0" density="0"/></body>
      <body name="b" pos="1 0 0"><freejoint/><geom name="plain" type="ellipsoid" size=".1 .2 .3" friction=".4 .1 .1"/></body>"""
    scene = read(write(body))
    roles = {part.name: part.role for part in scene.parts}
    assert roles == {"look": "visual", "hull": "collision", "drawn": "solid", "plain": "solid"}
    hints = next(p.hints for p in scene.parts if p.name == "plain")
    assert (hints.static_friction.value, hints.dynamic_friction.value) == (0.4, 0.4)


def test_a_friction_that_no_surface_has_is_left_out(write):
    scene = read(
        write("""<body name="a"><freejoint/><geom name="foot" type="box" size=".1 .1 .1" friction="4"/></body>""")
    )
    assert scene.parts[0].hints.static_friction is None
    assert any(note.code == "friction_implausible" and "foot" in note.message for note in scene.notes)


def test_looks(write):
    head = """<mujoco><asset><material name="brushed steel" rgba=".8 .4 .2 .5" metallic=".9" roughness=".3"/>
      <texture name="two" type="2d" builtin="checker" rgb1="1 0 0" rgb2="0 0 1" width="8" height="8"/>
      <material name="board" texture="two"/></asset><worldbody><body><freejoint/>
      <geom name="m" size=".1" material="brushed steel"/><geom name="c" size=".2" rgba="1 0 0 1"/>
      <geom name="t" size=".3" material="board"/><geom name="n" size=".4"/></body></worldbody></mujoco>"""
    scene = read(write("", head=head))
    looks = {look.name: look for look in scene.appearances}
    steel = looks["brushed steel"]
    assert (steel.metallic, steel.roughness, steel.opacity) == pytest.approx((0.9, 0.3, 0.5), abs=1e-6)
    assert next(p.hints.material for p in scene.parts if p.name == "m") == "brushed steel"
    assert looks["color FF0000"].base_color == (1.0, 0.0, 0.0)
    assert looks["board"].base_color[1] == 0.0
    assert looks["board"].base_color[0] == pytest.approx(0.5**2.2, rel=0.05)
    assert notes(scene, "texture_simplified")
    plain = next(p for p in scene.parts if p.name == "n")
    assert next(s for s in scene.shapes if s.name == plain.shape).appearances == ()


def test_filters_from_excludes_and_masks(write):
    def bodies(mask):
        one = f'<geom size=".1" {mask}/>'
        return f"""<body name="a"><geom size=".1"/><body name="b"><joint/>{one}<body name="c"><joint/>{one}
          <body name="d"><joint/>{one}</body></body></body></body>"""

    head = '<mujoco><worldbody>{}</worldbody><contact><exclude body1="b" body2="d"/></contact></mujoco>'
    scene = read(write("", head=head.format(bodies(""))))
    assert [(f.body0, f.body1, f.reason) for f in scene.articulation.filters] == [("b", "d", "stated")]
    assert scene.articulation.self_collision
    scene = read(write("", head=head.format(bodies('contype="2" conaffinity="4"'))))
    assert not scene.articulation.self_collision


def test_what_stands_on_the_world(write):
    """Ground, scenery, a robot, a door on the world and a free object in one file."""
    head = """<mujoco><worldbody><geom type="plane" size="1 1 .1"/><geom name="step" type="box" size=".2 .2 .1" pos="3 0 0"/>
      <camera name="eye" pos="0 0 3"/><light name="sun"/>
      <body name="table" pos="0 1 0"><geom type="box" size=".5 .5 .02"/><body name="leg" pos="0 0 -.4"><geom type="box" size=".02 .02 .3"/></body></body>
      <body name="mount"><body name="arm"><geom size=".1"/><body name="link" pos="0 0 .3"><joint name="j"/><geom size=".05"/></body></body></body>
      <body name="door" pos="1 0 0"><joint name="hinge" axis="0 0 1"/><geom type="box" size=".3 .02 .5" pos=".3 0 0"/></body>
      <body name="can" pos="0 1 .2"><freejoint/><geom type="cylinder" size=".03 .06"/></body>
      <body name="target" mocap="true"><geom size=".01" contype="0" conaffinity="0"/></body></worldbody>
      <sensor><jointpos joint="j"/></sensor></mujoco>"""
    scene = read(write("", head=head))
    bodies = {b.name: b for b in scene.bodies}
    assert list(bodies) == ["world", "table", "arm", "link", "door", "can", "surroundings"]
    assert [n for n, b in bodies.items() if b.static] == ["table", "surroundings"]
    assert [name for name, _ in bodies["arm"].sites] == ["mount"]
    assert [name for name, _ in bodies["table"].sites] == ["leg"]
    links = {(j.body0, j.body1): j.type for j in scene.joints}
    assert links == {("world", "arm"): "fixed", ("arm", "link"): "revolute", ("world", "door"): "revolute"}
    assert (scene.articulation.root, scene.articulation.fixed) == ("world", True)
    assert {p.body for p in scene.parts} == {"table", "arm", "link", "door", "can", "surroundings"}
    assert notes(scene, "ground_left_out") and notes(scene, "mocap_left_out")
    left = " ".join(notes(scene, "left_out"))
    assert "eye" in left and "sun" in left and "jointpos" in left


def test_a_file_in_which_nothing_moves_is_one_object(write):
    body = """<body><body name="object"><geom type="box" size=".1 .1 .1" mass="1"/><site name="top" pos="0 0 .1"/>
      <body name="lid" pos="0 0 .2"><geom type="box" size=".1 .1 .01" mass="3"/></body></body></body>"""
    scene = read(write(body))
    (only,) = scene.bodies
    assert (only.name, only.static, scene.joints, scene.articulation) == ("object", False, (), None)
    assert only.mass_properties.mass.value == 4.0
    np.testing.assert_allclose(only.mass_properties.com_m, (0, 0, 0.15))
    box = np.diag([2 * 0.2**2] * 3) / 12
    lid = 3 * np.diag([0.2**2 + 0.02**2, 0.2**2 + 0.02**2, 2 * 0.2**2]) / 12
    arms = 1 * 0.15**2 + 3 * 0.05**2
    np.testing.assert_allclose(only.mass_properties.inertia_kgm2, box + lid + np.diag([arms, arms, 0]), atol=1e-12)
    assert {name for name, _ in only.sites} == {"body 1", "lid", "top"}


def test_positions_outside_of_the_limits(write):
    body = (
        '<body name="a"><geom size=".1"/><body name="b"><joint name="j" range="-3 -1"/><geom size=".1"/></body></body>'
    )
    head = '<mujoco><compiler angle="radian"/><worldbody>{}</worldbody>{}</mujoco>'
    scene = read(write("", head=head.format(body, "")))
    assert scene.joints[0].position == -1.0
    keys = '<keyframe><key name="bad" qpos="0"/><key name="home" qpos="-2"/></keyframe>'
    path = write("", head=head.format(body, keys))
    assert read(path).joints[0].position == -2.0
    assert notes(read(path), "position_outside_limits") and notes(read(path), "keyframes")
    same_kinematics(path)


def test_neighbours_alone_say_nothing_about_collisions(write):
    body = """<body name="a"><geom size=".1" mass="1"/><body name="b" pos="0 0 1"><joint/><geom size=".1" mass="1"/></body></body>"""
    assert read(write(body)).articulation.self_collision


def test_solver_parameters_are_named(write):
    plain = write("<body><joint/><geom size='.1'/></body>")
    assert not notes(read(plain), "solver_parameters_left_out")
    own = write("<body><joint solreflimit='.01 1'/><geom size='.1' condim='4' margin='.01'/></body>")
    (said,) = notes(read(own), "solver_parameters_left_out")
    assert {"geom_margin", "geom_condim", "jnt_solref"} <= set(said.rstrip(".").split(": ")[1].split(", "))
