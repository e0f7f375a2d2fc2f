"""Joints of things that are drawn simply: boards that touch or cut each other, a hinge as a bare round bar."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.normalize.joint_objects import Hinge, Thing, box, inferred, off, rod


def joined(*solids):
    """Solids of one part that are not merged: shells that touch or cut each other."""
    import manifold3d

    return manifold3d.Manifold.compose(list(solids))


def box_with_lid(overlap: float) -> Thing:
    """Five boards, a lid that rests on them (or is in them), and a bar along the edge at the back."""
    w, d, h, t = 0.4, 0.25, 0.2, 0.01
    thing = Thing("box_with_lid")
    walls = [box((0, 0, t), (w, t, h)), box((0, d - t, t), (w, d, h))]
    walls += [box((0, t, t), (t, d - t, h)), box((w - t, t, t), (w, d - t, h))]
    thing.parts["box"] = joined(box((0, 0, 0), (w, d, t)), *walls)
    thing.parts["lid"] = box((0, 0, h - overlap), (w, d, h + t))
    thing.parts["hinge"] = rod((0.05, d, h), (w - 0.05, d, h), 0.004, 32)
    thing.joints.append(Hinge("lid", "revolute", (-1, 0, 0), (0, d, h)))
    return thing


def two_doors(overlap: float) -> Thing:
    """Two doors without any gap in and before a carcass of boards, a knob on each."""
    w, d, h, t = 0.8, 0.5, 0.7, 0.018
    thing = Thing("kitchen_cabinet")
    boards = [box((0, 0, 0), (t, d, h)), box((w - t, 0, 0), (w, d, h)), box((t, 0, 0), (w - t, d, t))]
    thing.parts["carcass"] = joined(*boards, box((t, 0, h - t), (w - t, d, h)), box((t, d - t, t), (w - t, d, h - t)))
    low, high = t - overlap, h - t + overlap
    thing.parts["door_left"] = box((low, 0, low), (w / 2, t, high))
    thing.parts["door_right"] = box((w / 2, 0, low), (w - low, t, high))
    for side, x in (("left", w / 2 - 0.04), ("right", w / 2 + 0.04)):
        thing.parts[f"knob_{side}"] = rod((x, 0.001, h / 2), (x, -0.025, h / 2), 0.012, 32)
    thing.joints.append(Hinge("door_left", "revolute", (0, 0, -1), (low, 0, 0)))
    thing.joints.append(Hinge("door_right", "revolute", (0, 0, 1), (w - low, 0, 0)))
    return thing


def toy_car() -> Thing:
    """A body of two boxes and four solid discs against its sides, without axles."""
    thing = Thing("toy_car")
    thing.parts["body"] = joined(box((0, 0, 0.015), (0.2, 0.08, 0.045)), box((0.05, 0.005, 0.045), (0.15, 0.075, 0.08)))
    for number, (x, y) in enumerate(((0.04, -0.014), (0.04, 0.08), (0.16, -0.014), (0.16, 0.08)), 1):
        thing.parts[f"wheel_{number}"] = rod((x, y, 0.02), (x, y + 0.014, 0.02), 0.02, 32)
        thing.joints.append(Hinge(f"wheel_{number}", "revolute", (0, 1, 0), (x, 0, 0.02)))
    return thing


def caster_chair() -> Thing:
    """A wheel under an upright stem turns about its own axis and not about the stem's."""
    thing = Thing("trolley")
    thing.parts["platform"] = box((0, 0, 0.08), (0.5, 0.3, 0.1))
    for number, (x, y) in enumerate(((0.05, 0.05), (0.05, 0.25), (0.45, 0.05), (0.45, 0.25)), 1):
        thing.parts[f"caster_stem_{number}"] = rod((x, y, 0.05), (x, y, 0.09), 0.006, 24)
        thing.parts[f"caster_wheel_{number}"] = rod((x, y - 0.015, 0.03), (x, y + 0.015, 0.03), 0.03, 32)
        thing.joints.append(Hinge(f"caster_wheel_{number}", "revolute", (0, 1, 0), (x, 0, 0.03)))
    return thing


def require(thing: Thing, named: bool = True) -> None:
    twin = inferred(thing.twin(named=named))
    left = list(twin.joints)
    for truth in thing.joints:
        fits = [
            joint
            for joint in left
            if joint.type == truth.type
            and min(off(twin, joint, truth)[0], 180 - off(twin, joint, truth)[0]) < 2
            and off(twin, joint, truth)[1] < 0.002
        ]
        assert fits, f"{truth.child} is missing among {[joint.name for joint in twin.joints]}"
        left.remove(fits[0])
    assert not left, "nothing else moves"


@pytest.mark.parametrize("overlap", [0.0, 0.0008])
def test_lid_turns_about_the_bar_at_its_edge(overlap: float) -> None:
    thing = box_with_lid(overlap)
    require(thing)
    joint = inferred(thing.twin()).joints[0]
    assert joint.upper is not None and joint.upper > math.radians(90)


@pytest.mark.parametrize("overlap", [0.0, 0.0003])
def test_doors_without_a_gap_are_two(overlap: float) -> None:
    require(two_doors(overlap))


@pytest.mark.parametrize("named", [True, False])
def test_four_discs_on_the_ground_are_wheels(named: bool) -> None:
    require(toy_car(), named)


def test_wheel_does_not_turn_about_its_casters_stem() -> None:
    require(caster_chair())


def test_shells_of_a_part_that_touch_stay_together() -> None:
    twin = inferred(two_doors(0.0).twin())
    carcass = next(body for body in twin.bodies if any(part.name == "carcass" for part in body.parts))
    assert len([part for part in carcass.parts if part.name.startswith("carcass")]) == 1


def test_more_groups_than_are_looked_at_are_said() -> None:
    thing = Thing("assembly", {f"block {i}": box((i, 0, 0), (i + 0.5, 0.5, 0.5 - 0.01 * i)) for i in range(8)})
    twin = inferred(thing.twin(), max_candidates=3)
    assert [note.code for note in twin.notes if note.code.startswith("joint")] == ["joint_candidates_cut"]
    assert not twin.joints and np.isfinite([shape.mesh.vertices.sum() for shape in twin.shapes if shape.mesh]).all()


@pytest.mark.parametrize("overlap", [0.0, 0.0003])
def test_doors_without_a_gap_or_a_name_are_proposed(overlap: float) -> None:
    thing = two_doors(overlap)
    twin = inferred(thing.twin(named=False))
    assert not twin.joints
    for truth in thing.joints:
        assert any(
            off(twin, one.joint, truth)[0] < 2 and off(twin, one.joint, truth)[1] < 0.002 for one in twin.proposals
        )


def test_blocks_that_only_other_blocks_hold_are_no_sliders() -> None:
    """A shelf that is open in front, filled with blocks of one size, two millimetres between them."""
    size, gap, across = np.array((0.02, 0.04, 0.02)), 0.002, 3
    wide, long = across * (size[0] + gap) + gap, size[1] + 2 * gap
    case = box((-0.01, 0, -0.01), (wide + 0.01, long + 0.01, wide + 0.01)) - box((0, -1, 0), (wide, long, wide))
    thing = Thing("shelf", {"case": case})
    for i, k in np.ndindex(across, across):
        low = gap + (size + gap) * np.array((i, 0, k))
        thing.parts[f"block {i} {k}"] = box(low, low + size)
    twin = inferred(thing.twin(named=False))
    assert not twin.joints and not twin.proposals


def test_carriage_on_a_rail_from_which_it_could_be_lifted_is_proposed() -> None:
    gap = 0.0003
    thing = Thing("guide", {"rail": box((0, 0, 0), (0.6, 0.03, 0.02))})
    outer = box((0.2, -0.01, -0.005), (0.28, 0.04, 0.03))
    thing.parts["carriage"] = outer - box((0, -gap, -1), (1, 0.03 + gap, 0.02 + gap))
    (proposal,) = inferred(thing.twin(named=False)).proposals
    assert proposal.joint.type == "prismatic" and 0.5 < proposal.joint.probability < 0.9


@pytest.mark.parametrize(("lift", "confident"), [(0.001, True), (0.0, False)])
def test_knob_that_touches_nothing_turns_and_one_that_is_seated_is_proposed(lift: float, confident: bool) -> None:
    panel = box((0, 0, 0), (0.4, 0.1, 0.2)) - rod((0.2, -0.01, 0.1), (0.2, 0.012, 0.1), 0.004)
    knob = rod((0.2, -lift, 0.1), (0.2, -lift - 0.02, 0.1), 0.018) + rod((0.2, -0.01, 0.1), (0.2, 0.011, 0.1), 0.0038)
    twin = inferred(Thing("panel", {"panel": panel, "knob": knob}).twin(named=False))
    assert (len(twin.joints), len(twin.proposals)) == ((1, 0) if confident else (0, 1))


def test_one_bolt_that_clamps_two_plates_is_at_most_a_proposal() -> None:
    hole = rod((0, 0, -1), (0, 0, 1), 0.0033)
    thing = Thing("plates", {"lower": box((-0.05, -0.02, 0), (0.05, 0.02, 0.004)) - hole})
    thing.parts["upper"] = box((-0.02, -0.05, 0.004), (0.02, 0.05, 0.008)) - hole
    thing.parts["bolt"] = rod((0, 0, -0.006), (0, 0, 0.0085), 0.003) + rod((0, 0, 0.008), (0, 0, 0.011), 0.0055)
    thing.parts["nut"] = rod((0, 0, -0.004), (0, 0, 0), 0.0055) - rod((0, 0, -1), (0, 0, 1), 0.003)
    twin = inferred(thing.twin(named=False))
    assert not twin.joints and all(one.joint.probability < 0.7 for one in twin.proposals)
