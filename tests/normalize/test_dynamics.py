"""What a mechanism needs beyond what its source states: priors, gains, base, masses of links, and that it settles."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest

from physicl_twin.model import Articulation, Drive, Estimate, Evidence, Mimic, Twin, dumps, loads_twin
from physicl_twin.normalize.dynamics import DynamicsSettings, with_dynamics, with_kind
from physicl_twin.normalize.dynamics.iterations import mass_ratio
from physicl_twin.normalize.dynamics.joint_table import joint_table
from physicl_twin.normalize.dynamics.loop_drives import loop_led
from physicl_twin.normalize.dynamics.mass_matrix import mass_matrix
from physicl_twin.normalize.dynamics.motors import Effort, Moved, drive_of
from physicl_twin.normalize.dynamics.tree import tree_of
from tests.normalize.mechanisms import (
    arm,
    bare_body,
    box_body,
    box_properties,
    cabinet,
    hinge,
    moved,
    pose,
    stated,
    twin_of,
)
from tests.usd import movers

SETTINGS = DynamicsSettings.shipped()


def codes(twin: Twin) -> set[str]:
    return {note.code for note in twin.notes}


def told(twin: Twin) -> Articulation:
    assert twin.articulation is not None
    return twin.articulation


# --- truth with a known answer ---------------------------------------------------------------------------------------


def test_a_hinge_resists_as_its_bearing_formula_says():
    """A door 0.38 m wide and 0.6 m high on a pin: the weight on its face, and the couple of its overhang on two ends."""
    door = next(j for j in with_dynamics(cabinet()).joints if j.name == "hinge")
    weight = 3.0 * 9.81
    force = weight + 2 * weight * 0.19 / 0.6
    table = joint_table()
    pin = table.sizes["pin_radius"].value * math.sqrt(0.6)
    assert door.friction is not None and door.damping is not None
    assert door.friction.value == pytest.approx(table.bearings["plain"][1].value * force * pin)
    assert door.friction.unit == "N m" and door.damping.unit == "N m s/rad"
    assert 0.001 < door.friction.value < 0.5
    assert door.friction.high / door.friction.low > 5 and door.friction.distribution == "lognormal"
    assert "joint_prior" in door.friction.flags and any("Koyo" in e.statement for e in door.friction.evidence)


def test_a_drawer_resists_by_its_weight_on_runners():
    slide = next(j for j in with_dynamics(cabinet()).joints if j.name == "slide")
    # Its weight alone: the drawer's centre is in the middle of its runners.
    assert slide.friction is not None
    assert slide.friction.value == pytest.approx(joint_table().bearings["runner"][1].value * 2.0 * 9.81)
    assert slide.friction.unit == "N" and slide.damping is not None and slide.damping.unit == "N s/m"


def test_props_have_no_motors():
    for joint in with_dynamics(cabinet()).joints:
        assert joint.drive is None and joint.armature is None


def test_gains_give_the_natural_frequency_and_the_damping_ratio():
    twin = with_dynamics(arm(3, effort=400.0))
    joint = twin.joints[0]
    assert joint.drive is not None and joint.armature is not None
    worst = max(mass_matrix(twin, {j.name: q for j in twin.joints}).matrix[0, 0] for q in np.linspace(-0.2, 0.2, 9))
    inertia = joint.drive.damping.value**2 / (4 * joint.drive.stiffness.value)
    frequency = math.sqrt(joint.drive.stiffness.value / inertia) / (2 * math.pi)
    assert frequency == pytest.approx(SETTINGS.natural_frequency_hz)
    assert inertia - joint.armature.value >= worst * 0.95
    assert joint.drive.max_force is not None and joint.drive.max_force.value == 400.0
    assert "derived_gains" in joint.drive.stiffness.flags


def test_dry_friction_holds_a_joint_off_by_at_most_a_degree():
    twin = arm(2, effort=400.0)
    rubs = replace(twin, joints=tuple(replace(joint, friction=stated(30.0, "N m")) for joint in twin.joints))
    smooth, rubbing = with_dynamics(twin).joints[0].drive, with_dynamics(rubs).joints[0].drive
    assert smooth is not None and rubbing is not None and smooth.stiffness.value < rubbing.stiffness.value
    assert 30.0 / rubbing.stiffness.value == pytest.approx(math.radians(1.0))
    assert "dry friction" in rubbing.stiffness.evidence[0].statement
    # Where the motor has hardly more than the friction takes, its full effort at five degrees is all that it can do.
    stiff = replace(rubs, joints=tuple(replace(joint, max_force=stated(40.0, "N m")) for joint in rubs.joints))
    weak = with_dynamics(stiff).joints[0].drive
    assert weak is not None and 40.0 / weak.stiffness.value == pytest.approx(math.radians(5.0))


def test_weight_holds_a_small_link_off_by_at_most_two_and_a_half_degrees():
    """A link of 3 cm falls faster than 5 Hz: its inertia alone would ask for a drive that lets it hang."""
    joint, motor = arm(1).joints[0], Effort(10.0, 0.0, "Its motor gives", None)
    mass, arm_m = 0.05, 0.03
    drive = drive_of(joint, motor, Moved(mass * arm_m**2, 0.0, mass * 9.81 * arm_m), SETTINGS)
    assert drive is not None
    assert mass * 9.81 * arm_m / drive.stiffness.value == pytest.approx(math.radians(2.5))
    assert "0.0147 N m of weight would hold it off by more than 2.5°" in drive.stiffness.evidence[0].statement


def test_what_a_joint_damps_itself_its_drive_need_not():
    joint, motor, load = arm(1).joints[0], Effort(1e4, 0.0, "Its motor gives", None), Moved(1.0, 0.0, 0.0)
    free = drive_of(joint, motor, load, SETTINGS)
    damped = drive_of(replace(joint, damping=stated(50.0, "N m s/rad")), motor, load, SETTINGS)
    stuck = drive_of(replace(joint, damping=stated(5000.0, "N m s/rad")), motor, load, SETTINGS)
    assert free is not None and damped is not None and stuck is not None
    assert free.damping.value - damped.damping.value == pytest.approx(50.0)
    assert stuck.damping.value == pytest.approx(0.1 * free.damping.value)
    assert free.stiffness.value == damped.stiffness.value == stuck.stiffness.value


def test_a_weak_motor_bounds_the_gains():
    joint = with_dynamics(arm(3, effort=5.0)).joints[0]
    assert joint.drive is not None
    assert joint.drive.stiffness.value == pytest.approx(5.0 / math.radians(SETTINGS.saturation_angle_deg))


def test_armature_and_friction_follow_the_effort():
    weak, strong = (with_dynamics(arm(2, effort=e)).joints[0] for e in (10.0, 100.0))
    for name in ("armature", "friction", "damping"):
        a, b = getattr(weak, name), getattr(strong, name)
        assert b.value == pytest.approx(10 * a.value) and a.high / a.low > 5
    table = joint_table()
    assert weak.armature is not None and weak.armature.value == pytest.approx(table.armature_per_effort.median * 10)
    assert 0.0005 < table.armature_per_effort.median < 0.005 and table.armature_per_effort.count >= 10


def test_the_table_holds_the_actuators_that_it_was_made_from():
    """The 90 % interval of one more actuator covers at least four fifths of those seen."""
    import tomllib

    from physicl_twin.settings import shipped

    rows = tomllib.loads(shipped("config", "joints.toml").read_text())["robot"]
    ratio = joint_table().armature_per_effort
    logs = [
        math.log(row["armature"] / row["effort"] / ratio.median) / ratio.log_std for row in rows if "armature" in row
    ]
    assert sum(abs(z) <= 1.645 for z in logs) >= 0.8 * len(logs)


# --- what is stated stays --------------------------------------------------------------------------------------------


def test_stated_numbers_stay():
    twin = moved(
        arm(2),
        friction=stated(0.7, "N m"),
        damping=stated(0.3, "N m s/rad"),
        armature=stated(0.02, "kg m2"),
        drive=Drive("position", stated(123.0, "N m/rad"), stated(4.0, "N m s/rad"), stated(9.0, "N m")),
    )
    before, after = twin.joints[0], with_dynamics(twin).joints[0]
    assert (after.friction, after.damping, after.armature, after.drive) == (
        before.friction, before.damping, before.armature, before.drive,
    )  # fmt: skip


def test_where_the_source_states_actuators_the_other_joints_are_passive():
    twin = moved(arm(2, effort=None), drive=Drive("force", stated(0.0, "N m/rad"), stated(0.0, "N m s/rad")))
    after = with_dynamics(twin)
    assert told(after).kind == "robot"
    assert after.joints[1].drive is None and after.joints[1].friction is not None


def test_a_whole_model_is_not_added_to():
    twin = arm(2)
    twin = replace(twin, sources=(replace(twin.sources[0], format="mjcf"),))
    for joint in with_dynamics(twin).joints:
        assert joint.friction is None and joint.damping is None and joint.armature is None and joint.drive is None


def test_doing_it_twice_changes_nothing():
    for twin in (arm(4), cabinet(), arm(3, effort=None), _massless()):
        once = with_dynamics(twin)
        again = with_dynamics(once)
        assert dumps(again) == dumps(once)
        assert loads_twin(dumps(once)) == once


def test_other_settings_replace_what_was_derived():
    once = with_dynamics(arm(2, effort=400.0))
    softer = with_dynamics(
        once, replace(SETTINGS, natural_frequency_hz=1.0, friction_error_share=1e3, gravity_error_share=1e3)
    )
    first, second = once.joints[0].drive, softer.joints[0].drive
    assert first is not None and second is not None
    assert second.stiffness.value == pytest.approx(first.stiffness.value / 25)


# --- kind, base, iterations ------------------------------------------------------------------------------------------


def test_an_arm_is_bolted_down_and_says_so():
    twin = with_dynamics(arm(4))
    assert told(twin).kind == "robot" and told(twin).fixed and told(twin).root == "base_link"
    assert "inferred_base" in codes(twin)


def test_a_cabinet_with_doors_stands_free_and_its_kitchen_form_is_built_in():
    twin = replace(cabinet(), title="cabinet")
    assert told(with_dynamics(twin)).kind == "prop" and not told(with_dynamics(twin)).fixed
    assert told(with_dynamics(replace(twin, title="kitchen cabinet"))).fixed


def test_efforts_of_a_cabinet_do_not_make_it_a_robot():
    twin = cabinet()
    twin = replace(twin, joints=tuple(replace(j, max_force=stated(30.0, "N m")) for j in twin.joints))
    after = with_dynamics(twin)
    assert told(after).kind == "prop" and all(j.drive is None for j in after.joints)
    assert {j.role for j in after.joints} == {"door", "drawer"}


def _legs(names: list[str]) -> Twin:
    base = box_body("trunk", (0.6, 0.3, 0.1), 10.0)
    made, joints = [base], []
    for k, name in enumerate(names):
        here = box_body(name, (0.05, 0.05, 0.3), 1.0, pose((0.3 * k, 0, -0.2)))
        joints.append(hinge(f"j_{name}", base[0], here[0], (0.3 * k, 0, -0.05), "y", max_force=stated(30.0, "N m")))
        made.append(here)
    return twin_of(made, joints, "thing")


@pytest.mark.parametrize(
    ("names", "fixed"),
    [
        (["FL_thigh", "FR_thigh", "RL_thigh", "RR_thigh"], False),
        (["left_wheel", "right_wheel"], False),
        (["rotor_0", "rotor_1", "rotor_2"], False),
        (["upper_arm"], True),
    ],
)
def test_what_walks_rolls_or_flies_is_free(names, fixed):
    assert told(with_dynamics(_legs(names))).fixed is fixed


def test_the_source_has_the_last_word_on_the_base():
    twin = replace(_legs(["upper_arm"]), articulation=Articulation(
        fixed=False, evidence=(Evidence("source", "A free joint.", "x.xml", "base"),)
    ))  # fmt: skip
    after = with_dynamics(twin)
    assert not told(after).fixed and "inferred_base" not in codes(after)
    assert dumps(with_dynamics(after)) == dumps(after)
    held = replace(_legs(["FL_thigh", "FR_thigh"]), articulation=Articulation(fixed=True, root="trunk"))
    assert told(with_dynamics(held)).fixed and dumps(with_dynamics(with_dynamics(held))) == dumps(with_dynamics(held))


def test_a_joint_to_the_world_decides():
    base, link = box_body("base"), box_body("slider", at=pose((0.5, 0, 0)))
    for kind, fixed in (("fixed", True), ("prismatic", False)):
        twin = twin_of([base, link], [
            hinge("anchor", None, base[0], (0, 0, 0), "x", type=kind), hinge("j", base[0], link[0], (0.25, 0, 0))
        ])  # fmt: skip
        after = with_dynamics(twin)
        assert told(after).fixed is fixed and told(after).root == "base" and "inferred_base" not in codes(after)


def test_a_door_in_a_wall_that_never_moves():
    wall, door = (
        box_body("wall", (2, 0.1, 2), None, static=True),
        box_body("door leaf", (0.8, 0.04, 2), 20.0, pose((0, 1, 0))),
    )
    after = with_dynamics(twin_of([wall, door], [hinge("h", wall[0], door[0], (0.4, 1, 0))]))
    assert told(after).root == "wall" and told(after).fixed
    assert after.body("wall").mass_properties is None
    assert after.joints[0].friction is not None


def test_wheels_turn_on_and_have_velocity_drives():
    twin = _legs(["left_wheel", "right_wheel"])
    for joint in with_dynamics(twin).joints:
        assert joint.drive is not None and joint.drive.mode == "velocity" and joint.drive.stiffness.value == 0
        assert joint.drive.damping.value > 0 and joint.role == "wheel"


def test_iterations_grow_with_chains_and_mass_ratios():
    short, long_ = (told(with_dynamics(arm(n))).position_iterations for n in (3, 24))
    assert short is not None and long_ is not None
    heavy = moved(arm(3))
    heavy = replace(heavy, bodies=(*heavy.bodies[:-1], box_body("link_3", mass=5000.0, at=heavy.bodies[-1].pose)[0]))
    many = told(with_dynamics(heavy)).position_iterations
    assert many is not None and short == 32 < long_ and short < many <= 128
    assert mass_ratio(heavy)[0] == pytest.approx(5000.0)


def test_followers_have_no_drive_and_weigh_on_their_leader():
    twin = arm(2, effort=400.0)
    lead = replace(twin, joints=(twin.joints[0], replace(twin.joints[1], mimic=Mimic("joint_1", 2.0), axis="y")))
    after = with_dynamics(lead)
    assert after.joints[1].drive is None
    alone = with_dynamics(replace(twin, joints=(twin.joints[0], replace(twin.joints[1], axis="y"))))
    first, second = after.joints[0].drive, alone.joints[0].drive
    assert first is not None and second is not None and first.stiffness.value > second.stiffness.value


# --- links without mass, circles, what is loose ----------------------------------------------------------------------


def _massless() -> Twin:
    """A wrist whose middle link is only a frame between two hinges."""
    base, hand = box_body("base", mass=4.0), box_body("hand", mass=0.8, at=pose((0.3, 0, 0)))
    middle = bare_body("wrist_cross", pose((0.2, 0, 0)))
    joints = [hinge("roll", base[0], middle, (0.2, 0, 0), "x"), hinge("pitch", middle, hand[0], (0.2, 0, 0), "y")]
    return twin_of([base, middle, hand], joints)


def test_a_link_that_is_only_a_frame_gets_a_small_mass():
    after = with_dynamics(_massless())
    properties = after.body("wrist_cross").mass_properties
    assert properties is not None and "massless_link" in properties.mass.flags
    assert properties.mass.value == pytest.approx(SETTINGS.massless_mass_ratio * 0.8)
    assert np.linalg.eigvalsh(np.array(properties.inertia_kgm2)).min() > 0
    assert np.linalg.cond(mass_matrix(after).matrix) < 1e6


def test_a_circle_is_opened_and_said():
    a, b, c = (box_body(n, at=pose((k, 0, 0))) for k, n in enumerate("abc"))
    joints = [
        hinge("ab", a[0], b[0], (0, 0, 0)),
        hinge("bc", b[0], c[0], (1, 0, 0)),
        hinge("ca", c[0], a[0], (2, 0, 0)),
    ]
    after = with_dynamics(twin_of([a, b, c], joints))
    assert sum(j.closes_loop for j in after.joints) == 1 and "loop_opened" in codes(after)


def test_what_no_joint_holds_is_named():
    twin = cabinet()
    loose, shape = box_body("vase", at=pose((3, 0, 0)))
    after = with_dynamics(replace(twin, bodies=(*twin.bodies, loose), shapes=(*twin.shapes, shape)))
    assert any(note.code == "body_unjointed" and "vase" in note.message for note in after.notes)


def test_a_twin_without_joints_stays_as_it_is():
    twin = twin_of([box_body("cup")], [])
    assert with_dynamics(twin) is twin


def test_forty_joints_take_less_than_half_a_second():
    twin = arm(40)
    with_dynamics(twin)
    start = time.perf_counter()
    with_dynamics(twin)
    assert time.perf_counter() - start < 1.5  # 0.2 s on an idle core; the machine that runs this may be busy


def test_estimates_are_finite_and_positive():
    for twin in (arm(5), arm(5, effort=None), cabinet(), _legs(["FL_thigh", "FR_thigh"])):
        for joint in with_dynamics(twin).joints:
            numbers = [joint.friction, joint.damping, joint.armature]
            numbers += [joint.drive.stiffness, joint.drive.damping] if joint.drive is not None else []
            for number in (n for n in numbers if n is not None):
                assert isinstance(number, Estimate) and number.low > 0 and number.evidence and number.method


# --- what the source states of masses --------------------------------------------------------------------------------


def test_an_impossible_inertia_without_geometry_is_repaired():
    from physicl_twin.normalize.mass import derive_mass

    base, link = box_body("base", mass=4.0), bare_body("flange", pose((0.3, 0, 0)))
    for rows, least in ((np.zeros((3, 3)), 1e-9), (np.diag([1e-4, 1e-4, 9e-4]), 1e-4), (np.diag([-1.0, 1, 1]), 1e-4)):
        properties = box_properties(0.5, (0.1, 0.1, 0.1))
        properties = replace(properties, inertia_kgm2=tuple(map(tuple, rows.tolist())))
        twin = twin_of([base, replace(link, mass_properties=properties)], [hinge("j", base[0], link, (0.3, 0, 0))])
        twin = replace(twin, bodies=(replace(twin.bodies[0], parts=()), twin.bodies[1]))
        after = derive_mass(twin)
        repaired = after.body("flange").mass_properties
        assert repaired is not None and repaired.mass.value == 0.5
        a, b, c = np.linalg.eigvalsh(np.array(repaired.inertia_kgm2))
        assert a >= least and a + b >= c * (1 - 1e-9) and "stated_inertia_repaired" in codes(after)
        assert derive_mass(after).bodies == after.bodies


def test_a_link_without_any_mass_waits_for_its_neighbours():
    from physicl_twin.normalize.mass import derive_mass

    base, link = box_body("base", mass=4.0), bare_body("cross", pose((0.3, 0, 0)))
    none = replace(box_properties(1.0, (1, 1, 1)), mass=stated(0.0, "kg"))
    twin = twin_of([base, replace(link, mass_properties=none)], [hinge("j", base[0], link, (0.3, 0, 0))])
    twin = replace(twin, bodies=(replace(twin.bodies[0], parts=()), twin.bodies[1]))
    after = derive_mass(twin)
    assert after.body("cross").mass_properties is None and "body_without_mass" not in codes(after)
    assert with_dynamics(after).body("cross").mass is not None


def test_a_wall_has_no_mass_and_the_total_speaks_of_what_moves():
    from physicl_twin.normalize.mass import derive_mass

    wall = replace(box_body("wall", mass=None, static=True)[0])
    door = replace(box_body("door", mass=20.0, at=pose((1, 0, 0)))[0], parts=())
    twin = twin_of([wall, door], [hinge("h", wall, door, (0.5, 0, 0))])
    twin = replace(twin, shapes=(box_body("wall")[1],))
    after = derive_mass(twin, Estimate.exact(10.0, "kg", "scale", (Evidence("user", "Weighed."),)))
    assert after.body("wall").mass_properties is None and after.body("wall").parts[0].mass is None
    assert after.body("door").mass is not None and after.body("door").mass.value == pytest.approx(10.0)


def test_a_zero_that_fills_a_field_is_no_statement():
    said = Estimate.exact(0.0, "N m", "stated", (Evidence("source", "It writes 0.", "x.urdf"),), ("stated_zero",))
    once = with_dynamics(moved(arm(2), friction=said))
    friction = once.joints[0].friction
    assert friction is not None and friction.value > 0
    assert friction.evidence[-1].statement == "It writes 0." and "stated_zero" not in friction.flags
    assert dumps(with_dynamics(once)) == dumps(once)


def test_a_finger_grips_with_what_its_motor_gives():
    palm, finger = box_body("palm"), box_body("left_finger", (0.01, 0.02, 0.05), 0.03, pose((0, 0.04, 0.08)))
    joint = hinge(
        "f", palm[0], finger[0], (0, 0, 0.05), "y", type="prismatic", lower=0.0, upper=0.04, max_force=stated(60.0, "N")
    )
    after = with_dynamics(twin_of([palm, finger], [joint], "gripper"))
    drive = after.joints[0].drive
    assert told(after).kind == "robot" and not told(after).fixed and after.joints[0].role == "finger"
    assert drive is not None and drive.stiffness.value == pytest.approx(60.0 / 0.01)


def test_a_number_that_fills_a_field_is_no_motor():
    small, filled = (with_dynamics(arm(2, effort=e)).joints[0] for e in (20.0, 1e5))
    assert small.armature is not None and filled.armature is not None and filled.drive is not None
    assert filled.armature.value < 0.1 * joint_table().armature_per_effort.median * 1e5
    assert filled.drive.max_force is not None and filled.drive.max_force.value == 1e5
    assert any("many times over" in e.statement for e in filled.armature.evidence)


def test_an_effort_that_no_motor_of_that_mass_gives_fills_a_field():
    """600 N m in 3.7 kg of links, and the same number where it might have been true; gravity must overcome friction."""
    twin = arm(3, effort=50.0)
    efforts = (600.0, 50.0, 600.0)
    twin = replace(
        twin,
        joints=tuple(replace(j, max_force=stated(e, "N m")) for j, e in zip(twin.joints, efforts, strict=True)),
    )
    after = with_dynamics(twin)
    first, second, last = ([e.statement for e in j.friction.evidence] for j in after.joints)
    assert any("3.67 kg of the links around it" in text for text in last)
    assert any("fills the field of joint_3, too" in text for text in first)
    assert any("Its motor gives 50 N m" in text for text in second)
    assert [note.severity for note in after.notes if note.code == "effort_placeholder"] == ["warning"]
    friction = after.joints[2].friction
    assert friction is not None and friction.value < 0.1 * 2.0 / 3 * 9.81 * 0.15
    assert "effort_placeholder" not in codes(with_dynamics(arm(3, effort=50.0)))


def test_a_loop_has_as_many_drives_as_it_has_motions():
    """A four-bar linkage moves in one way: the joint next to the root has a motor, unless efforts are stated of others."""
    linkage = movers.four_bar()
    bare = replace(linkage, joints=tuple(replace(j, drive=None, max_force=None) for j in linkage.joints))
    tree = tree_of(bare)
    around = [link.joint.name for link in tree.links if link.joint is not None and link.parent >= 0]
    assert len(around) == 3 and loop_led(bare, tree) == set(around[1:])
    last = next(j for j in bare.joints if j.name == around[-1])
    strong = replace(last, max_force=stated(20.0, "N m"))
    told = replace(bare, joints=tuple(strong if j is last else j for j in bare.joints))
    assert loop_led(told, tree_of(told)) == set(around[:-1])
    assert loop_led(arm(3), tree_of(arm(3))) == set()


def test_what_is_uncertain_of_one_link_does_not_move_the_others():
    """A housing of unknown inside beside a solid block: each link has the median of its own parts."""
    from pathlib import Path

    from physicl_twin import ingest
    from physicl_twin.normalize.options import NormalizeSettings
    from physicl_twin.normalize.stages import with_mass, with_solids

    sample = Path(__file__).parents[2] / "data" / "samples" / "arm.urdf"
    twin = with_mass(with_solids(ingest.read(sample), NormalizeSettings.shipped()))
    base, turret = twin.body("base"), twin.body("turret")
    assert base.mass is not None and turret.mass is not None
    solid = twin.shape(base.parts[0].shape).solid
    assert solid is not None
    density = twin.material(base.parts[0].material).density.value
    assert base.mass.value == pytest.approx(solid.volume.value * density, rel=1e-6)
    # What the source states of the turret is shared by its parts, and says nothing of the others.
    assert turret.mass.value == 0.62
    assert sum(part.mass.value for part in turret.parts if part.mass) == pytest.approx(0.62)


def test_a_crank_in_a_leg_makes_no_prop_of_a_robot():
    twin = _legs(["left_thigh", "right_thigh", "left_shin", "tarsus_crank"])
    twin = replace(twin, joints=tuple(replace(joint, max_force=None) for joint in twin.joints))
    twin = replace(twin, title="walking robot")
    assert told(with_dynamics(twin)).kind == "robot"


def test_one_arm_makes_no_robot_of_a_chair():
    seat, rest = box_body("seat"), box_body("left arm rest", at=pose((0, 0.3, 0.2)))
    after = with_dynamics(twin_of([seat, rest], [hinge("tilt", seat[0], rest[0], (0, 0.3, 0.2), "y")], "chair"))
    assert told(after).kind == "prop" and after.joints[0].drive is None


def test_a_coupling_that_not_every_engine_knows_is_named():
    twin = cabinet()
    hinge, slide = twin.joints
    follows = replace(hinge, mimic=Mimic(slide.name, 3.0, 0.0))
    after = with_dynamics(replace(twin, joints=(follows, slide)))
    (note,) = [note for note in after.notes if note.code == "coupled_across_types"]
    assert note.message.startswith("hinge follows across types") and "Newton" in note.hint
    assert "coupled_across_types" not in codes(with_dynamics(twin))


def test_friction_that_stalls_its_own_motor_fills_a_field():
    """TALOS' grippers state 1 N m of friction, as every joint of it, and a motor of 1 N m."""
    twin = arm(3, effort=12.0)
    names = [joint.name for joint in twin.joints]
    twin = replace(
        twin,
        joints=tuple(
            replace(joint, friction=stated(12.0 if joint.name == names[0] else 2.0, "N m")) for joint in twin.joints
        ),
    )
    after = with_dynamics(twin)
    first, second = after.joints[:2]
    assert 0.0 < first.friction.value < 1.0 and second.friction.value == 2.0
    assert any(item.kind == "source" for item in first.friction.evidence), "what the file said stays on record"
    (note,) = [note for note in after.notes if note.code == "friction_stalls"]
    assert f"{names[0]} (12 N m)" in note.message and names[1] not in note.message
    assert with_dynamics(after) == after


def test_friction_beside_an_effort_that_fills_a_field_is_compared_with_the_motor_that_is_needed():
    """Allegro's fingers of grams state 15 N m of effort and 10 N m of friction."""
    twin = arm(3, effort=5000.0)
    twin = replace(twin, joints=tuple(replace(joint, friction=stated(4000.0, "N m")) for joint in twin.joints))
    after = with_dynamics(twin)
    assert {"effort_placeholder", "friction_stalls"} <= codes(after)
    assert all(joint.friction.value < 100.0 and joint.max_force.value == 5000.0 for joint in after.joints)


def test_damping_beside_such_a_friction_fills_a_field_where_it_stalls_at_the_limit_of_speed():
    twin = arm(3, effort=12.0)
    values = ((12.0, 3.0), (12.0, 2.9), (2.0, 3.0))
    joints = [
        replace(
            joint, friction=stated(rub, "N m"), damping=stated(damp, "N m s/rad"), max_velocity=stated(4.0, "rad/s")
        )
        for joint, (rub, damp) in zip(twin.joints, values, strict=False)
    ]
    after = with_dynamics(replace(twin, joints=(*joints, *twin.joints[3:])))
    assert after.joints[0].damping.value < 1.0
    assert [joint.damping.value for joint in after.joints[1:3]] == [2.9, 3.0]
    (note,) = [note for note in after.notes if note.code == "friction_stalls"]
    assert f"damping of {twin.joints[0].name}" in note.message


@pytest.mark.parametrize("make", [arm, cabinet])
def test_the_kind_is_known_before_the_masses_are(make):
    bare = make()
    bare = replace(bare, bodies=tuple(replace(body, mass_properties=None) for body in bare.bodies))
    assert told(with_kind(bare)).kind == told(with_dynamics(make())).kind
