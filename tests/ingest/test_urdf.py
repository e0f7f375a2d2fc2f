"""URDF: kinematics against closed forms, masses, geometry, what stands beside the links and joints."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physicl_twin.ingest import read
from physicl_twin.model import SourceError
from physicl_twin.normalize import normalize
from physicl_twin.normalize.dynamics import with_dynamics
from tests.ingest.mesh_files import box as box_vertices
from tests.ingest.mesh_files import stl_binary, volume
from tests.ingest.robot_files import box, codes, frames, inertial, joint, link, robot, rotation, written


def arm(tmp_path, **changes):
    """Two links of 0.4 m and 0.3 m that turn about vertical axes on a base 0.2 m high, with a tool frame."""
    text = robot(
        link("base", inertial(2.0), box()),
        link("upper", inertial(1.0, xyz="0.2 0 0"), box()),
        link("lower", inertial(0.5, xyz="0.15 0 0"), box()),
        link("tool"),
        joint("shoulder", "base", "upper", xyz="0 0 0.2"),
        joint("elbow", "upper", "lower", xyz="0.4 0 0", **changes),
        joint("mount", "lower", "tool", "fixed", xyz="0.3 0 0", rpy=f"0 {math.pi / 2} 0", axis=None),
    )
    return read(written(tmp_path, text))


@pytest.mark.parametrize(("shoulder", "elbow"), [(0.0, 0.0), (0.7, -1.9), (-2.5, 3.0)])
def test_an_arm_is_where_its_closed_form_says(tmp_path, shoulder, elbow):
    found = frames(arm(tmp_path), shoulder=shoulder, elbow=elbow)
    reach = [
        0.4 * math.cos(shoulder) + 0.3 * math.cos(shoulder + elbow),
        0.4 * math.sin(shoulder) + 0.3 * math.sin(shoulder + elbow),
        0.2,
    ]
    assert found["tool"][:3, 3] == pytest.approx(reach, abs=1e-12)
    # The tool's z axis points along the lower link.
    assert found["tool"][:3, 2] == pytest.approx([math.cos(shoulder + elbow), math.sin(shoulder + elbow), 0], abs=1e-12)
    assert found["lower"][:2, 3] == pytest.approx([0.4 * math.cos(shoulder), 0.4 * math.sin(shoulder)], abs=1e-12)


def test_a_link_without_matter_is_a_frame_and_no_body(tmp_path):
    twin = arm(tmp_path)
    assert [body.name for body in twin.bodies] == ["base", "upper", "lower"]
    assert [site.name for site in twin.bodies[2].sites] == ["tool"]
    assert "links_are_frames" in codes(twin)


@pytest.mark.parametrize("axis", ["1 0 0", "0 -1 0", "0 0 -1", "-1 0 0", "1 2 3", "0.3 0 -0.9", "0 0 2"])
@pytest.mark.parametrize("kind", ["revolute", "prismatic"])
def test_any_axis_moves_as_it_should(tmp_path, axis, kind):
    text = robot(
        link("base", inertial(), box()),
        link("arm", inertial(), box()),
        joint("j", "base", "arm", kind, xyz="0.1 0.2 0.3", rpy="0.4 -0.5 0.6", axis=axis),
    )
    twin = read(written(tmp_path, text))
    q = 0.83
    direction = np.array([float(v) for v in axis.split()])
    start = rotation([0, 0, 1], 0.6) @ rotation([0, 1, 0], -0.5) @ rotation([1, 0, 0], 0.4)
    moved = np.eye(4)
    if kind == "revolute":
        moved[:3, :3], moved[:3, 3] = start @ rotation(direction, q), [0.1, 0.2, 0.3]
    else:
        moved[:3, :3] = start
        moved[:3, 3] = np.array([0.1, 0.2, 0.3]) + start @ direction / np.linalg.norm(direction) * q
    assert frames(twin, j=q)["arm"] == pytest.approx(moved, abs=1e-12)


def test_a_coordinate_axis_keeps_its_letter_and_frame(tmp_path):
    text = robot(
        link("base", inertial(), box()), link("arm", inertial(), box()), joint("j", "base", "arm", axis="0 1 0")
    )
    found = read(written(tmp_path, text)).joints[0]
    assert (found.axis, found.pose0.is_identity, found.pose1.is_identity) == ("y", True, True)


def test_the_inertia_is_turned_into_the_axes_of_the_link(tmp_path):
    turned = robot(link("a", inertial(2.0, (1.0, 2.0, 2.5), xyz="0.1 0 0", rpy=f"0 0 {math.pi / 2}"), box()))
    found = read(written(tmp_path, turned)).bodies[0].mass_properties
    assert np.array(found.inertia_kgm2) == pytest.approx(np.diag([2.0, 1.0, 2.5]), abs=1e-12)
    assert found.com_m == pytest.approx((0.1, 0, 0))
    half = robot(link("a", inertial(2.0, (1.0, 2.0, 2.5), rpy=f"0 0 {math.pi / 4}"), box()))
    found = read(written(tmp_path, half)).bodies[0].mass_properties
    assert np.array(found.inertia_kgm2) == pytest.approx(np.array([[1.5, -0.5, 0], [-0.5, 1.5, 0], [0, 0, 2.5]]))
    assert found.mass.value == 2.0 and found.mass.evidence[0].kind == "source"


def test_followers_of_followers_follow_the_leader(tmp_path):
    limit = '<limit lower="-9" upper="9" effort="1" velocity="1"/>'
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box()), link("c", inertial(), box()),
        link("d", inertial(), box()),
        joint("first", "a", "b"),
        joint("second", "b", "c", inside=limit + '<mimic joint="first" multiplier="2" offset="0.1"/>'),
        joint("third", "c", "d", inside=limit + '<mimic joint="second" multiplier="-3" offset="0.5"/>'),
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    third = twin.joints[2]
    assert (third.mimic.joint, third.mimic.multiplier) == ("first", -6.0)
    assert third.mimic.offset == pytest.approx(0.2)
    angle = 0.3 + (2 * 0.3 + 0.1) + (-6 * 0.3 + 0.2)
    assert frames(twin, first=0.3)["d"][:3, :3] == pytest.approx(rotation([0, 0, 1], angle), abs=1e-12)
    # At rest the followers stand where the leader's zero has them.
    assert [j.position for j in twin.joints] == pytest.approx([0.0, 0.1, 0.2])


def test_what_may_not_be_at_zero_stands_at_its_nearest_limit(tmp_path):
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box()),
        joint("j", "a", "b", axis="1 0 0", inside='<limit lower="-2" upper="-0.5" effort="1" velocity="1"/>'),
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    assert twin.joints[0].position == -0.5 and "start_moved_into_limits" in codes(twin)
    assert twin.bodies[1].pose.rotation() == pytest.approx(rotation([1, 0, 0], -0.5))


def mesh_robot(tmp_path, reference, scale="1 1 1", **visual):
    vertices = box_vertices((0.1, 0.2, 0.3), (1.0, 0.0, 0.0))
    package = tmp_path / "arm_description"
    (package / "meshes").mkdir(parents=True)
    (package / "package.xml").write_text("<package/>")
    (package / "meshes" / "body.stl").write_bytes(stl_binary(vertices))
    shape = f'<geometry><mesh filename="{reference}" scale="{scale}"/></geometry>'
    text = robot(link("a", inertial(), f"<visual>{shape}</visual><collision>{shape}</collision>"))
    return written(package / "urdf", text, "arm.urdf")


def world_vertices(twin):
    part = twin.bodies[0].parts[0]
    mesh = twin.shape(part.shape).mesh
    return part.pose.apply(mesh.vertices), mesh.faces


def in_order(points):
    """Points sorted by their coordinates; STL keeps seven digits of each."""
    rounded = np.round(points, 5) + 0.0
    return rounded[np.lexsort(rounded.T)]


@pytest.mark.parametrize(
    "reference",
    [
        "package://arm_description/meshes/body.stl", "../meshes/body.stl", "package://renamed/meshes/body.stl",
        "file:///home/somebody/ws/src/arm_description/meshes/body.stl", "../meshes/Body.STL",
    ],
)  # fmt: skip
def test_references_find_their_mesh(tmp_path, reference):
    twin = read(mesh_robot(tmp_path, reference))
    assert len(twin.bodies[0].parts) == 1 and twin.bodies[0].parts[0].role == "solid"
    assert [source.role for source in twin.sources] == ["main", "reference"]


@pytest.mark.parametrize("scale", ["1 -1 1", "-2 1 1", "-1 -1 -1", "0.5 2 3", "0.001 0.001 0.001"])
def test_a_scaled_mesh_is_scaled_and_stays_outward(tmp_path, scale):
    twin = read(mesh_robot(tmp_path, "package://arm_description/meshes/body.stl", scale))
    factors = np.array([float(v) for v in scale.split()])
    vertices, faces = world_vertices(twin)
    truth = box_vertices((0.1, 0.2, 0.3), (1.0, 0.0, 0.0)) * factors
    assert in_order(vertices) == pytest.approx(in_order(truth), abs=1e-6)
    assert volume(vertices, faces) == pytest.approx(0.006 * abs(factors.prod()), rel=1e-5)


def test_the_same_geometry_seen_and_touched_is_one_part_whatever_its_colour(tmp_path):
    coloured = box(use="visual", extra='<material name="m"><color rgba="1 0 0 1"/></material>')
    twin = read(written(tmp_path, robot(link("a", inertial(), coloured, box(), box("0.3 0.1 0.1")))))
    assert [part.role for part in twin.bodies[0].parts] == ["solid", "collision"]
    assert twin.bodies[0].parts[0].collision.colliders[0].kind == "box"
    look = twin.appearances[0]
    assert look.base_color == (1.0, 0.0, 0.0)


def test_materials_are_known_by_name(tmp_path):
    text = robot(
        '<material name="steel_grey"><color rgba="0.5 0.5 0.5 0.25"/></material>',
        link("a", inertial(), box(use="visual", extra='<material name="steel_grey"/>')),
        link(
            "b",
            inertial(),
            box("1 1 1", use="visual", extra='<material name="silver"><color rgba="1 1 1 1"/></material>'),
        ),
        joint("j", "a", "b"),
    )
    twin = read(written(tmp_path, text))
    first, second = (body.parts[0] for body in twin.bodies)
    assert first.hints.material == "steel_grey"
    # A colour is no material.
    assert second.hints.material == ""
    assert next(a for a in twin.appearances if a.name == "steel_grey").opacity == 0.25


def test_links_without_a_mass_are_one_body_with_what_they_are_fixed_to(tmp_path):
    text = robot(
        link("base", box("0.4 0.4 0.1")),
        link("base_inertia", inertial(7.0, xyz="0 0 0.05")),
        link("cover", box("0.2 0.2 0.02", "visual")),
        link("arm", inertial(1.0), box()),
        joint("a", "base", "base_inertia", "fixed", xyz="0 0 1", axis=None),
        joint("b", "base_inertia", "cover", "fixed", xyz="0 0 0.5", axis=None),
        joint("c", "cover", "arm", xyz="0.1 0 0"),
    )
    twin = read(written(tmp_path, text))
    assert [body.name for body in twin.bodies] == ["base", "arm"]
    base = twin.bodies[0]
    assert base.mass.value == 7.0 and base.mass_properties.com_m == pytest.approx((0, 0, 1.05))
    assert {site.name: site.pose.position_m[2] for site in base.sites} == {"base_inertia": 1.0, "cover": 1.5}
    assert len(base.parts) == 2 and "links_merged" in codes(twin)
    assert twin.bodies[1].pose.position_m == pytest.approx((0.1, 0, 1.5))
    assert twin.joints[0].body0 == "base"


def test_two_masses_keep_their_fixed_joint(tmp_path):
    text = robot(
        link("a", inertial(1.0), box()), link("b", inertial(2.0), box()), joint("j", "a", "b", "fixed", axis=None)
    )
    twin = read(written(tmp_path, text))
    assert [body.mass.value for body in twin.bodies] == [1.0, 2.0] and twin.joints[0].type == "fixed"


def test_a_world_that_holds_one_link_fixes_it(tmp_path):
    text = robot(
        link("world"), link("base", inertial(), box()), link("arm", inertial(), box()),
        joint("anchor", "world", "base", "fixed", xyz="0 0 2", axis=None), joint("j", "base", "arm"),
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    assert (twin.articulation.root, twin.articulation.fixed) == ("base", True)
    assert [site.name for site in twin.bodies[0].sites] == ["world"]
    assert twin.bodies[0].pose.position_m == (0.0, 0.0, 2.0)
    assert len(twin.joints) == 1


def test_a_single_link_in_a_world_is_a_thing_by_itself(tmp_path):
    text = robot(link("world"), link("box", inertial(), box()), joint("j", "world", "box", "fixed", axis=None))
    twin = read(written(tmp_path, text))
    assert len(twin.bodies) == 1 and not twin.joints and "world_joint_left_out" in codes(twin)


def test_a_world_with_a_moving_child_stays_a_body(tmp_path):
    text = robot(link("world"), link("cart", inertial(), box()), joint("rail", "world", "cart", "prismatic"))
    twin = read(written(tmp_path, text))
    assert (twin.articulation.root, twin.articulation.fixed) == ("world", True)
    assert [body.name for body in twin.bodies] == ["world", "cart"]


def test_limits_and_dynamics_are_as_stated(tmp_path):
    inside = (
        '<limit lower="-0.5" upper="1.25" effort="87" velocity="2.175"/><dynamics damping="10" friction="0"/>'
        '<safety_controller k_velocity="4"/>'
    )
    twin = arm(tmp_path, inside=inside)
    elbow = twin.joints[1]
    assert (elbow.lower, elbow.upper) == (-0.5, 1.25)
    assert (elbow.max_force.value, elbow.max_force.unit) == (87.0, "N m")
    assert (elbow.max_velocity.value, elbow.max_velocity.unit) == (2.175, "rad/s")
    assert (elbow.damping.value, elbow.damping.unit) == (10.0, "N m s/rad")
    assert elbow.friction.value == 0.0 and elbow.friction.flags == ("stated_zero",)
    assert "ignored_joint_safety_controller" in codes(twin)
    assert twin.articulation.kind == "prop", "an effort alone is no motor: the format demands it of every such joint"


@pytest.mark.parametrize(("wheels_driven", "kind"), [(False, "prop"), (True, "robot")])
def test_efforts_that_the_format_demands_make_no_robot_of_a_trolley(tmp_path, wheels_driven, kind):
    wheels = [f"wheel_{corner}" for corner in ("fl", "fr", "rl", "rr")]
    driven = '<limit effort="12" velocity="10"/>' if wheels_driven else ""
    text = robot(
        *(link(name, inertial(), box()) for name in ("carcass", "drawer", "lid", *wheels)),
        joint(
            "drawer_slide",
            "carcass",
            "drawer",
            "prismatic",
            inside='<limit lower="0" upper="0.35" effort="100" velocity="1"/>',
        ),
        joint("lid_hinge", "carcass", "lid", inside='<limit lower="0" upper="0.35" effort="100" velocity="1"/>'),
        *(joint(f"{name}_axle", "carcass", name, "continuous", inside=driven) for name in wheels),
    )
    twin = with_dynamics(read(written(tmp_path, text)))
    assert twin.articulation.kind == kind
    drawer = twin.joints[0]
    assert drawer.role == "drawer" and (drawer.drive is None) == (kind == "prop")
    assert drawer.max_force.value == 100.0, "what is stated stays"


def test_motors_are_evidence_and_their_rotors_armature(tmp_path):
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box()), link("c", inertial(), box()),
        joint("j", "a", "b"), joint("k", "b", "c"),
        '<transmission name="t"><type>transmission_interface/SimpleTransmission</type><joint name="j">'
        "<hardwareInterface>hardware_interface/EffortJointInterface</hardwareInterface></joint>"
        '<actuator name="m"><drake:rotor_inertia value="0.0001"/><drake:gear_ratio value="50"/></actuator></transmission>',
        '<ros2_control name="r"><joint name="k"><command_interface name="velocity"/></joint></ros2_control>',
    )  # fmt: skip
    first, second = read(written(tmp_path, text)).joints
    assert first.armature.value == pytest.approx(0.25) and first.armature.unit == "kg m2"
    assert "through a reduction of 50 (EffortJointInterface)" in first.evidence[1].statement
    assert second.evidence[1].field == "ros2_control" and "velocity" in second.evidence[1].statement


def test_gazebo_and_bullet_say_what_a_surface_does(tmp_path):
    bullet = '<contact><lateral_friction value="0.7"/><restitution value="0.3"/><stiffness value="1"/></contact>'
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box(), bullet), link("c", inertial(), box()),
        joint("j", "a", "b"), joint("k", "b", "c"),
        '<gazebo reference="a"><mu1>0.8</mu1><mu2 value="0.6"/><selfCollide>true</selfCollide><kp>1</kp></gazebo>',
        '<gazebo reference="c"><mu1>1e6</mu1></gazebo>',
        '<gazebo reference="j"><springStiffness>5</springStiffness><springReference>0.2</springReference></gazebo>',
        '<gazebo><plugin name="control" filename="lib.so"/></gazebo>',
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    a, b, c = (body.parts[0].hints for body in twin.bodies)
    assert a.static_friction.value == pytest.approx(0.7) and a.static_friction.std == pytest.approx(0.1)
    assert (b.dynamic_friction.value, b.restitution.value) == (0.7, 0.3)
    assert c.static_friction is None
    assert (twin.joints[0].stiffness.value, twin.joints[0].rest) == (5.0, 0.2)
    assert twin.articulation.self_collision is True
    assert {"friction_implausible", "ignored_gazebo_plugin", "ignored_gazebo_kp", "ignored_contact_stiffness"} <= codes(
        twin
    )


def test_a_floating_link_stays_where_it_is_placed(tmp_path):
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box()), link("c", inertial(), box()),
        joint("f", "a", "b", "floating", xyz="0 0 3", axis=None), joint("j", "b", "c", xyz="1 0 0"),
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    assert [j.name for j in twin.joints] == ["j"] and twin.articulation.root == "b"
    assert twin.bodies[2].pose.position_m == (1.0, 0.0, 3.0)
    assert "joint_floating" in codes(twin)


def test_a_robot_without_meshes_gets_boxes_of_the_same_inertia(tmp_path):
    # A uniform box of 3 kg with edges 0.1, 0.2 and 0.4 m.
    moments = tuple(3.0 / 12 * v for v in (0.2**2 + 0.4**2, 0.1**2 + 0.4**2, 0.1**2 + 0.2**2))
    gone = '<visual><geometry><mesh filename="meshes/gone.stl"/></geometry></visual>'
    text = robot(
        link("a", inertial(3.0, moments, xyz="0 0 0.5"), gone), link("b", inertial(3.0, moments)), joint("j", "a", "b")
    )
    twin = read(written(tmp_path, text))
    vertices, _ = world_vertices(twin)
    assert np.ptp(vertices, axis=0) == pytest.approx([0.1, 0.2, 0.4], abs=1e-6)
    assert vertices.mean(axis=0) == pytest.approx([0, 0, 0.5], abs=1e-6)
    assert {"mesh_missing", "stand_in_geometry"} <= codes(twin)


def test_every_primitive_is_read_with_its_collider(tmp_path):
    shapes = {
        "box": ('<box size="1 2 3"/>', (1.0, 2.0, 3.0)),
        "sphere": ('<sphere radius="0.5"/>', (0.5,)),
        "cylinder": ('<cylinder radius="0.5" length="2"/>', (0.5, 2.0)),
        "capsule": ('<capsule radius="0.5" length="2"/>', (0.5, 2.0)),
    }
    inside = "".join(f"<collision><geometry>{text}</geometry></collision>" for text, _ in shapes.values())
    parts = read(written(tmp_path, robot(link("a", inertial(), inside)))).bodies[0].parts
    colliders = [part.collision.colliders[0] for part in parts]
    assert {c.kind: c.size_m for c in colliders} == {kind: size for kind, (_, size) in shapes.items()}


def test_what_other_readers_forgive_is_forgiven(tmp_path):
    """Blank lines before the declaration, commas between numbers, a zero byte at the end: as in Bullet's example data."""
    text = robot(link("a", inertial(), box()), link("b", inertial(), box()), joint("j", "a", "b", xyz="0.07, 0, -0.69"))
    path = written(tmp_path, "")
    path.write_bytes(b"\n\n" + text.encode() + b"\r\n\0")
    twin = read(path)
    assert twin.bodies[1].pose.position_m == pytest.approx((0.07, 0, -0.69))
    line = 1 + text[: text.index("0.07,")].count("\n")
    for wrong in ("0.07.,", "<"):
        path.write_bytes(b"\n\n" + text.replace("0.07,", wrong).encode())
        with pytest.raises(SourceError, match=f"line {line + 2}"):
            read(path)


def test_a_ball_joint_and_a_reduction_that_is_no_number(tmp_path):
    text = robot(
        link("chest", inertial(), box()), link("neck", inertial(), box()), link("arm", inertial(), box()),
        joint("ball", "chest", "neck", "spherical", xyz="0 0 1", inside='<limit effort="9" lower="0.2" upper="0.8"/>'),
        joint("j", "chest", "arm"),
        '<transmission name="t"><joint name="j"/><actuator name="m"><mechanicalReduction>reduction</mechanicalReduction>'
        "</actuator></transmission>",
    )  # fmt: skip
    twin = read(written(tmp_path, text))
    assert [joint.type for joint in twin.joints] == ["spherical", "revolute"]
    assert {"ignored_limit_of_a_spherical_joint", "ignored_reduction_that_is_no_number"} <= codes(twin)
    assert twin.articulation.kind == "robot"


def test_a_base_that_the_source_holds_stays_the_sources_through_normalize(tmp_path):
    text = robot(
        link("world"), link("frame", inertial(5.0), box()), link("door", inertial(), box()),
        joint("anchor", "world", "frame", "fixed", xyz="0 0 2", axis=None), joint("door_hinge", "frame", "door"),
    )  # fmt: skip
    twin = normalize(read(written(tmp_path, text)))
    assert (twin.articulation.kind, twin.articulation.fixed) == ("prop", True)
    (base,) = [item for item in twin.articulation.evidence if item.field == "base"]
    assert base.kind == "source" and "world" in base.statement and "inferred_base" not in codes(twin)
