"""SDFormat: frames of every version, joints, nested and included models, surfaces; and what is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physicl_twin.ingest import read
from physicl_twin.model import PhysiclError, SourceError
from physicl_twin.normalize import normalize
from physicl_twin.normalize.dynamics import with_kind
from physicl_twin.normalize.kinematics import motion
from tests.ingest import robot_files as urdf_files
from tests.ingest.mesh_files import box as box_vertices
from tests.ingest.mesh_files import stl_binary, volume
from tests.ingest.robot_files import codes, frames, rotation, written

CUBE = "<geometry><box><size>0.1 0.1 0.1</size></box></geometry>"


def sdf(*inside, version="1.9"):
    return f'<?xml version="1.0"?>\n<sdf version="{version}">\n' + "\n".join(inside) + "\n</sdf>\n"


def model(*inside, name="m", attributes=""):
    return f'<model name="{name}" {attributes}>' + "\n".join(inside) + "</model>"


def link(name, pose="", mass=1.0, inside="", base=""):
    relative = f' relative_to="{base}"' if base else ""
    where = f"<pose{relative}>{pose}</pose>" if pose else ""
    inertia = "<inertia><ixx>0.01</ixx><iyy>0.01</iyy><izz>0.01</izz></inertia>"
    heavy = f"<inertial><mass>{mass}</mass>{inertia}</inertial>" if mass else ""
    return f'<link name="{name}">{where}{heavy}<collision name="c">{CUBE}</collision>{inside}</link>'


def joint(name, parent, child, kind="revolute", axis="0 0 1", pose="", inside="", expressed="", extra=""):
    where = f"<pose>{pose}</pose>" if pose else ""
    own = f' expressed_in="{expressed}"' if expressed else ""
    turns = "" if kind in ("fixed", "ball") else f"<axis><xyz{own}>{axis}</xyz>{inside}</axis>"
    return f'<joint name="{name}" type="{kind}"><parent>{parent}</parent><child>{child}</child>{where}{turns}{extra}</joint>'


def load(tmp_path, *inside, version="1.9", name="model.sdf"):
    return read(written(tmp_path, sdf(*inside, version=version), name))


def test_links_and_joints_stand_where_they_are_stated_relative_to(tmp_path):
    twin = load(
        tmp_path,
        model(
            link("base", "0 0 0.3 0 0 0"),
            link("pendulum", "0 0 -0.5 0 0 0", base="hinge"),
            '<joint name="hinge" type="revolute"><parent>base</parent><child>pendulum</child>'
            '<pose relative_to="base">0 0 0.73 1.57 0 0</pose><axis><xyz>1 0 0</xyz></axis></joint>',
            '<frame name="tip" attached_to="pendulum"><pose>0 0 -0.5 0 0 0</pose></frame>',
        ),
    )
    found = frames(twin, hinge=0.4)
    hinge = np.array([0, 0, 1.03])
    turn = rotation([1, 0, 0], 1.57 + 0.4)
    assert found["base"][:3, 3] == pytest.approx([0, 0, 0.3])
    assert found["pendulum"][:3, 3] == pytest.approx(hinge + turn @ [0, 0, -0.5])
    assert found["tip"][:3, 3] == pytest.approx(hinge + turn @ [0, 0, -1.0])
    assert found["tip"][:3, :3] == pytest.approx(turn, abs=1e-12)


@pytest.mark.parametrize(
    ("version", "flag", "expressed", "turned"),
    [
        ("1.4", "", "", False),
        ("1.6", "", "", True),
        ("1.6", "<use_parent_model_frame>1</use_parent_model_frame>", "", False),
        ("1.9", "", "", True),
        ("1.9", "", "__model__", False),
        ("1.9", "", "base", False),
    ],
)
def test_an_axis_is_stated_in_the_frame_that_its_version_says(tmp_path, version, flag, expressed, turned):
    """The child is turned by 90 degrees about x: its z axis is the model's -y axis."""
    twin = load(
        tmp_path,
        model(
            link("base"), link("arm", f"0 0 1 {math.pi / 2} 0 0"),
            joint("j", "base", "arm", inside=flag, expressed=expressed),
        ),
        version=version,
    )  # fmt: skip
    axis = [0, -1, 0] if turned else [0, 0, 1]
    truth = rotation(axis, 0.6) @ rotation([1, 0, 0], math.pi / 2)
    assert frames(twin, j=0.6)["arm"][:3, :3] == pytest.approx(truth, abs=1e-9)


def test_a_joint_may_be_described_from_the_child_to_the_parent(tmp_path):
    """Both links hold the middle one: one joint is met from its child's side and keeps its sign."""
    twin = load(
        tmp_path,
        model(
            link("a"), link("b", "1 0 0 0 0 0"), link("c", "2 0 0 0 0 0"),
            joint("first", "a", "b", inside="<limit><lower>-1</lower><upper>2</upper></limit>"),
            joint("second", "c", "b", inside="<limit><lower>-1</lower><upper>2</upper></limit>"),
        ),
    )  # fmt: skip
    second = twin.joints[1]
    assert (second.body0, second.body1, second.lower, second.upper) == ("b", "c", -1.0, 2.0)
    found = frames(twin, second=0.5)
    # The child b turns by +0.5 in c: c turns by -0.5 in b, about the joint at b's origin.
    assert found["c"][:3, :3] == pytest.approx(rotation([0, 0, 1], -0.5))
    assert found["c"][:3, 3] == pytest.approx([1 + math.cos(0.5), -math.sin(0.5), 0])


def closed(twin):
    """The frames of all joints agree, but for the joint's own motion, and limits hold."""
    poses = {body.name: body.pose.matrix() for body in twin.bodies}
    for one in twin.joints:
        here, there = poses[one.body0] @ one.pose0.matrix(), poses[one.body1] @ one.pose1.matrix()
        assert here @ motion(one, one.position) == pytest.approx(there, abs=1e-7)


FOUR_BAR = (
    link("a"), link("b", "1 0 0 0 0 0"), link("c", "1 1 0 0 0 0"), link("d", "0 1 0 0 0 0"),
    joint("ab", "a", "b"), joint("bc", "b", "c"), joint("ad", "a", "d", pose="0 -1 0 0 0 0"),
)  # fmt: skip


def test_a_loop_is_closed_by_a_constraint(tmp_path):
    twin = load(tmp_path, model(*FOUR_BAR, joint("cd", "c", "d")))
    assert [j.name for j in twin.joints if j.closes_loop] == ["cd"]
    assert all(j.position == 0 for j in twin.joints)
    closed(twin)


@pytest.mark.parametrize(("name", "lower", "upper"), [("bc", 0.5, 1.0), ("ab", -2.0, -0.3), ("cd", 0.4, 2.0)])
def test_a_loop_that_may_not_stand_as_stated_is_closed_within_its_limits(tmp_path, name, lower, upper):
    """A square of four bars with hinges in its corners; in the last case the joint that closes it is limited."""
    limit = f"<limit><lower>{lower}</lower><upper>{upper}</upper></limit>"
    bars = [
        joint(n, *n, pose="0 -1 0 0 0 0" if n == "ad" else "", inside=limit if n == name else "")
        for n in ("ab", "bc", "ad", "cd")
    ]
    twin = load(tmp_path, model(*FOUR_BAR[:4], *bars))
    moved = next(j for j in twin.joints if j.name == name)
    assert lower - 1e-7 <= moved.position <= upper + 1e-7
    # The next pose to the stated one is at the nearer end of the range.
    assert moved.position == pytest.approx(min(lower, upper, key=abs), abs=2e-3)
    assert {"start_moved_into_limits"} <= codes(twin) and "start_outside_limits" not in codes(twin)
    closed(twin)


def test_a_loop_that_cannot_close_within_its_limits_stands_as_stated_and_says_why(tmp_path):
    """A triangle of three hinges is rigid."""
    limit = "<limit><lower>0.5</lower><upper>1</upper></limit>"
    twin = load(
        tmp_path,
        model(
            link("a"), link("b", "1 0 0 0 0 0"), link("c", "0 1 0 0 0 0"),
            joint("ab", "a", "b", inside=limit), joint("ac", "a", "c"), joint("bc", "b", "c"),
        ),
    )  # fmt: skip
    assert all(j.position == 0 for j in twin.joints)
    (note,) = (note for note in twin.notes if note.code == "start_outside_limits")
    assert note.severity == "warning" and "stays" in note.message
    closed(twin)


def test_limits_dynamics_springs_and_followers(tmp_path):
    inside = (
        "<limit><lower>-1</lower><upper>1e16</upper><effort>30</effort><velocity>-1</velocity></limit><dynamics>"
        "<damping>0.2</damping><friction>0.1</friction><spring_stiffness>5</spring_stiffness>"
        "<spring_reference>0.3</spring_reference></dynamics>"
    )
    follow = '<mimic joint="j"><multiplier>2</multiplier><offset>0.5</offset><reference>0.1</reference></mimic>'
    twin = load(
        tmp_path,
        model(
            link("a"), link("b"), link("c"), joint("j", "a", "b", inside=inside), joint("k", "b", "c", inside=follow)
        ),
        version="1.11",
    )
    first, second = twin.joints
    assert (first.lower, first.upper, first.max_velocity) == (-1.0, None, None)
    assert (first.max_force.value, first.damping.value, first.friction.value) == (30.0, 0.2, 0.1)
    assert (first.stiffness.value, first.rest) == (5.0, 0.3)
    assert (second.mimic.joint, second.mimic.multiplier, second.mimic.offset) == ("j", 2.0, pytest.approx(0.3))
    assert with_kind(twin).articulation.kind == "robot", "normalize knows by name and effort"


def test_two_axes_become_two_joints(tmp_path):
    text = (
        '<joint name="u" type="universal"><parent>a</parent><child>b</child><axis><xyz>1 0 0</xyz></axis>'
        "<axis2><xyz>0 1 0</xyz></axis2></joint>"
    )
    twin = load(tmp_path, model(link("a"), link("b", "0 0 1 0 0 0"), text))
    found = frames(twin, **{"u axis": 0.3, "u axis2": -0.7})
    assert found["b"][:3, :3] == pytest.approx(rotation([1, 0, 0], 0.3) @ rotation([0, 1, 0], -0.7))
    assert found["b"][:3, 3] == pytest.approx([0, 0, 1])
    assert "joint_in_two" in codes(twin)


def test_a_ball_is_spherical_and_a_screw_is_named(tmp_path):
    twin = load(
        tmp_path,
        model(link("a"), link("b"), link("c"), joint("j", "a", "b", "ball"), joint("k", "b", "c", "screw")),
    )
    assert [j.type for j in twin.joints] == ["spherical", "revolute"]
    assert "joint_screw" in codes(twin)


def test_a_model_held_by_the_world_is_fixed(tmp_path):
    twin = load(
        tmp_path,
        model(
            "<pose>0 0 2 0 0 0</pose>", link("a"), link("b"), joint("w", "world", "a", "fixed"), joint("j", "a", "b")
        ),
    )
    assert (twin.articulation.root, twin.articulation.fixed) == ("a", True)
    assert twin.bodies[0].pose.position_m == (0.0, 0.0, 2.0)


def test_of_several_mechanisms_the_one_that_the_world_holds_leads(tmp_path):
    arm = model(link("a"), link("b"), joint("w", "world", "a", "fixed"), joint("j", "a", "b"), name="arm")
    cart = model(
        link("a", "5 0 0 0 0 0"), link("b", "5 0 0 0 0 0"), link("c", "5 0 0 0 0 0"), joint("j", "a", "b"),
        joint("k", "b", "c"), name="cart",
    )  # fmt: skip
    twin = load(tmp_path, f"<world name='w'>{cart}{arm}</world>")
    assert (twin.articulation.root, twin.articulation.fixed) == ("arm::a", True)
    assert "several_mechanisms" in codes(twin) and all(j.body0 for j in twin.joints)
    post = model("<pose>0 0 1 0 0 0</pose>", link("p"), joint("w", "world", "p", "fixed"), name="post")
    twin = load(tmp_path, f"<world name='w'>{cart}{post}</world>")
    anchor = twin.joints[-1]
    assert (twin.articulation.root, twin.articulation.fixed) == ("cart::a", False)
    assert (anchor.type, anchor.body0, anchor.body1, anchor.pose0.position_m) == ("fixed", "", "post::p", (0, 0, 1))


def test_models_in_models_and_the_frame_that_places_them(tmp_path):
    hand = model(
        "<pose relative_to='flange'>0 0 0.1 0 0 0</pose>",
        link("palm", "0 0 1 0 0 0"),
        name="hand",
        attributes='placement_frame="palm"',
    )
    twin = load(
        tmp_path,
        model(
            link("arm"),
            '<frame name="flange" attached_to="arm"><pose>1 0 0 0 0 0</pose></frame>',
            hand,
            joint("grip", "flange", "hand::palm"),
        ),
    )
    found = frames(twin, grip=0.5)
    # The palm itself, not the hand's own frame a metre below it, stands 0.1 m above the flange.
    assert found["hand::palm"][:3, 3] == pytest.approx([1, 0, 0.1])
    assert {"arm", "hand::palm"} == {body.name for body in twin.bodies}
    assert twin.joints[0].body0 == "arm"


def test_included_models_come_from_beside(tmp_path):
    config = '<model><sdf version="1.5">old.sdf</sdf><sdf version="1.9">model.sdf</sdf></model>'
    written(tmp_path / "cup", config, "model.config")
    mesh = "<visual name='v'><geometry><mesh><uri>meshes/cup.stl</uri><scale>1 1 -2</scale></mesh></geometry></visual>"
    cup = model(link("body", inside=mesh), name="cup").replace(f'<collision name="c">{CUBE}</collision>', "")
    written(tmp_path / "cup", sdf(cup), "model.sdf")
    (tmp_path / "cup" / "meshes").mkdir()
    (tmp_path / "cup" / "meshes" / "cup.stl").write_bytes(stl_binary(box_vertices((0.1, 0.1, 0.1))))
    include = "<include><uri>model://cup</uri><name>{}</name><pose>{} 0 0 0 0 0</pose></include>"
    world = f"<world name='w'>{include.format('one', 1)}{include.format('two', 2)}<light name='sun'/></world>"
    twin = read(written(tmp_path / "room", sdf(world), "room.world"))
    assert {body.name: body.pose.position_m[0] for body in twin.bodies} == {"one::body": 1.0, "two::body": 2.0}
    assert sorted(source.format for source in twin.sources) == ["sdf", "sdf", "stl"]
    part = twin.bodies[0].parts[0]
    vertices = part.pose.apply(twin.shape(part.shape).mesh.vertices)
    assert vertices[:, 2].min() == pytest.approx(-0.2)
    assert volume(vertices, twin.shape(part.shape).mesh.faces) == pytest.approx(0.002, rel=1e-5)
    assert "ignored_world_light" in codes(twin)


def test_static_models_never_move(tmp_path):
    still = model("<static>true</static>", link("top"), link("leg", "0 0 -1 0 0 0"), joint("j", "top", "leg"), name="t")
    twin = load(tmp_path, f"<world name='w'>{still}{model(link('cup'), name='c')}</world>")
    assert {body.name: body.static for body in twin.bodies} == {"t::top": True, "t::leg": True, "c::cup": False}
    assert twin.bodies[0].mass_properties is None and not twin.joints


def test_surfaces_and_looks(tmp_path):
    surface = (
        "<surface><friction><ode><mu>0.9</mu><mu2>0.7</mu2></ode></friction>"
        "<bounce><restitution_coefficient>0.4</restitution_coefficient></bounce></surface>"
    )
    visual = f"<visual name='v'>{CUBE}<material><diffuse>1 0 0 1</diffuse></material></visual>"
    text = f"<link name='a'>{visual}<collision name='c'>{CUBE}{surface}</collision></link>"
    twin = load(tmp_path, model(text))
    part = twin.bodies[0].parts[0]
    assert part.role == "solid" and part.hints.restitution.value == 0.4
    assert part.hints.static_friction.value == pytest.approx(0.8)
    assert twin.appearances[0].base_color == (1.0, 0.0, 0.0)


def test_the_inertial_pose_turns_the_inertia(tmp_path):
    text = (
        f"<link name='a'><inertial><pose>0.1 0 0 0 0 {math.pi / 2}</pose><mass>2</mass><inertia><ixx>1</ixx><iyy>2</iyy>"
        f"<izz>2.5</izz></inertia></inertial><collision name='c'>{CUBE}</collision></link>"
    )
    found = load(tmp_path, model(text)).bodies[0].mass_properties
    assert np.diag(np.array(found.inertia_kgm2)) == pytest.approx([2, 1, 2.5]) and found.com_m[0] == 0.1


def test_poses_in_degrees_and_quaternions(tmp_path):
    twin = load(
        tmp_path,
        model(
            "<link name='a'><pose degrees='true'>0 0 0 0 0 90</pose><inertial><mass>1</mass></inertial></link>",
            "<link name='b'><pose rotation_format='quat_xyzw'>0 0 0 0 0 0.7071068 0.7071068</pose><inertial>"
            f"<mass>1</mass></inertial><collision name='c'>{CUBE}</collision></link>",
        ),
    )
    for body in twin.bodies:
        assert body.pose.rotation() == pytest.approx(rotation([0, 0, 1], math.pi / 2), abs=1e-6)


A, B = link("a"), link("b")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("file_damaged", sdf(A).replace("</sdf>", "")),
        ("xml_entities_refused", '<!DOCTYPE s [<!ENTITY a "b">]>' + sdf(model(A)).split("\n", 1)[1]),
        ("no_links", sdf()),
        ("no_links", sdf("<include><uri>model://gone</uri></include>")),
        ("name_duplicate", sdf(model(A, A))),
        ("name_missing", sdf(model("<link/>"))),
        ("joint_link_unknown", sdf(model(A, joint("j", "a", "gone")))),
        ("joint_link_missing", sdf(model(A, "<joint name='j' type='fixed'><parent>a</parent></joint>"))),
        ("joint_type_unknown", sdf(model(A, B, joint("j", "a", "b", "helical")))),
        ("axis_zero", sdf(model(A, B, joint("j", "a", "b", axis="0 0 0")))),
        ("frame_unknown", sdf(model(link("a", "0 0 0 0 0 0", base="gone")))),
        ("frame_cycle", sdf(model(link("a", "0 0 0 0 0 0", base="b"), link("b", "0 0 0 0 0 0", base="a")))),
        ("number_invalid", sdf(model(link("a", "0 0 nan 0 0 0")))),
        ("number_invalid", sdf(model(link("a", "0 0")))),
        ("number_invalid", sdf(model(link("a", mass="heavy")))),
        ("no_geometry", sdf(model("<static>1</static>", "<link name='a'><visual name='v'><geometry><plane/></geometry>"
                                  "</visual></link>"))),
        ("mimic_cycle", sdf(model(A, B, joint("j", "a", "b", inside='<mimic joint="j"/>')))),
        ("reference_escapes", sdf("<include><uri>../../../../../etc/x.sdf</uri></include>")),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_clear_error(tmp_path, code, text):
    with pytest.raises(SourceError) as caught:
        read(written(tmp_path / "pkg" / "sdf", text, "model.sdf"))
    assert caught.value.code == code and caught.value.hint


def test_models_that_include_each_other_are_refused(tmp_path):
    written(tmp_path / "a", sdf(model(B, "<include><uri>model://a</uri></include>", name="a")), "model.sdf")
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "a" / "model.sdf")
    assert caught.value.code == "model_cycle"


def test_what_a_twin_has_no_place_for_is_named(tmp_path):
    twin = load(
        tmp_path,
        model(
            link("a", inside="<sensor name='camera' type='camera'/>"),
            link("b"),
            joint("j", "a", "b"),
            joint("g", "a", "b", "gearbox"),
            "<plugin name='drive' filename='lib.so'><joint_name>j</joint_name></plugin>",
        ),
    )
    assert {"ignored_link_sensor", "ignored_model_plugin", "joint_gearbox"} <= codes(twin)
    assert twin.articulation.kind == "robot"


def test_a_long_chain_of_relative_poses_is_read(tmp_path):
    links = [link("l0"), *(link(f"l{i}", "0.1 0 0 0 0 0", base=f"l{i - 1}") for i in range(1, 500))]
    joints = [joint(f"j{i}", f"l{i}", f"l{i + 1}") for i in range(499)]
    twin = load(tmp_path, model(*links, *joints))
    assert twin.bodies[-1].pose.position_m[0] == pytest.approx(49.9)


def test_damage_anywhere_is_an_error_and_no_traceback(tmp_path):
    whole = sdf(model(A, B, joint("j", "a", "b", inside="<limit><lower>0</lower></limit>"),
                      "<frame name='f' attached_to='a'/>"))  # fmt: skip
    random = np.random.default_rng(8)
    for _ in range(100):
        text = bytearray(whole.encode())
        place = int(random.integers(len(text)))
        if random.integers(2):
            text[place] = int(random.integers(32, 127))
        else:
            del text[place : place + int(random.integers(1, 20))]
        path = tmp_path / "model.sdf"
        path.write_bytes(text)
        try:
            read(path)
        except PhysiclError as error:
            assert error.code and error.message


@pytest.mark.parametrize("seed", range(4))
def test_the_same_tree_in_urdf_and_in_two_versions_of_sdformat(tmp_path, seed):
    """A random tree of links in three notations: URDF, poses relative to joints, and poses in the model's frame."""
    random = np.random.default_rng(seed)
    urdf, relative = [urdf_files.link("l0", urdf_files.inertial(), urdf_files.box())], [link("l0")]
    joints = []
    for i in range(1, 9):
        parent = int(random.integers(i))
        xyz, rpy, axis = (" ".join(f"{v:.9f}" for v in random.uniform(-1.5, 1.5, 3)) for _ in range(3))
        kind = ("revolute", "prismatic")[int(random.integers(2))]
        urdf.append(urdf_files.link(f"l{i}", urdf_files.inertial(), urdf_files.box()))
        urdf.append(urdf_files.joint(f"j{i}", f"l{parent}", f"l{i}", kind, xyz, rpy, axis))
        relative.append(link(f"l{i}", "0 0 0 0 0 0", base=f"j{i}"))
        own = joint(f"j{i}", f"l{parent}", f"l{i}", kind, axis)
        joints.append(own)
        relative.append(own.replace("<axis>", f'<pose relative_to="l{parent}">{xyz} {rpy}</pose><axis>'))
    first = read(urdf_files.written(tmp_path, urdf_files.robot(*urdf)))
    absolute = []
    for name, frame in frames(first).items():
        turn = frame[:3, :3]
        roll, pitch, yaw = (
            math.atan2(turn[2, 1], turn[2, 2]), -math.asin(turn[2, 0]), math.atan2(turn[1, 0], turn[0, 0])
        )  # fmt: skip
        absolute.append(link(name, " ".join(f"{v:.15g}" for v in (*frame[:3, 3], roll, pitch, yaw))))
    second = load(tmp_path, model(*relative))
    third = load(tmp_path, model(*absolute, *joints), version="1.6")
    wanted = {f"j{i}": float(random.uniform(-2, 2)) for i in range(1, 9)}
    truth = frames(first, **wanted)
    for twin in (second, third):
        found = frames(twin, **wanted)
        for name, frame in truth.items():
            assert found[name] == pytest.approx(frame, abs=1e-7)


def test_a_body_called_link_is_no_part_of_a_robot_unless_it_is_in_one(tmp_path):
    """Gazebo's props call their only body so; its boards are a bookcase's, not a machine's."""
    board = "<visual name='{n}'><pose>0 0 {z} 0 0 0</pose><geometry><box><size>0.9 0.3 0.02</size></box></geometry></visual>"
    boards = "".join(board.format(n=f"v{k}", z=0.4 * k) for k in range(3))
    (tmp_path / "shelf.sdf").write_text(
        f'<sdf version="1.6"><model name="bookshelf"><link name="link">{boards}</link></model></sdf>', encoding="utf-8"
    )
    twin = normalize(read(tmp_path / "shelf.sdf"))
    assert {twin.material(part.material).family for part in twin.parts} == {"wood"}
    assert twin.semantics.label == "bookcase"


def test_the_effort_of_a_cabinets_door_is_no_motor(tmp_path):
    link = "<link name='{n}'><visual name='v'><geometry><box><size>0.5 0.4 0.02</size></box></geometry></visual></link>"
    (tmp_path / "cabinet.sdf").write_text(
        f'<sdf version="1.6"><model name="cabinet">{link.format(n="carcass")}{link.format(n="door")}'
        "<joint name='door_hinge' type='revolute'><parent>carcass</parent><child>door</child><axis><xyz>0 0 1</xyz>"
        "<limit><lower>0</lower><upper>1.5</upper><effort>100</effort></limit></axis></joint></model></sdf>",
        encoding="utf-8",
    )
    twin = normalize(read(tmp_path / "cabinet.sdf"))
    assert twin.articulation.kind == "prop" and twin.joints[0].drive is None and twin.joints[0].max_force.value == 100.0


@pytest.mark.parametrize(("title", "joint", "family"), [("cabinet", "door_hinge", "wood"), ("arm", "j", "metal")])
def test_links_by_number_are_of_what_the_whole_is(tmp_path, title, joint, family):
    link = (
        "<link name='link_{n}'><pose>0 {n} 0 0 0 0</pose><visual name='v'><geometry><box><size>0.5 0.4 0.02</size></box>"
        "</geometry></visual></link>"
    )
    effort = "" if family == "wood" else "<effort>30</effort>"
    (tmp_path / "thing.sdf").write_text(
        f'<sdf version="1.6"><model name="{title}">{link.format(n=0)}{link.format(n=1)}'
        f"<joint name='{joint}' type='revolute'><parent>link_0</parent><child>link_1</child><axis><xyz>0 0 1</xyz>"
        f"<limit><lower>0</lower><upper>1.5</upper>{effort}</limit></axis></joint></model></sdf>",
        encoding="utf-8",
    )
    twin = normalize(read(tmp_path / "thing.sdf"))
    assert twin.articulation.kind == ("prop" if family == "wood" else "robot")
    assert {twin.material(part.material).family for part in twin.parts} == {family}
