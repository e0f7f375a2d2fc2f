"""The joints in the report, in inspect and in the record of a build."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from handmade_mechanism import joints, make

from physicl_twin import inspect, settings
from physicl_twin.jobs.record import describe_joints, whole_mass_properties
from physicl_twin.model import Certificate, Estimate, Evidence, Joint, MassProperties, Mimic, Proposal, Twin
from physicl_twin.validate.report import report
from physicl_twin.validate.report.joints import joints_section

WHY = (Evidence("geometry", "Two coaxial cylinders share an axis.", "geometry", "door"),)


def proposed(twin: Twin) -> Twin:
    """A second door waits for a decision; it would be split off the carcass."""
    joint = replace(twin.joints[0], name="left hinge", body1="left door", probability=0.72, evidence=WHY)
    return replace(twin, proposals=(Proposal(joint, ("block",), ("hinge",)),))


def section(twin: Twin) -> str:
    return "".join(joints_section(twin))


def test_every_joint_stands_there_with_range_numbers_and_reasons():
    text = section(make())
    for words in ("hinge", "revolute", "door", "−108.9° to 0°", "0.02", "carcass → door", "slide", "0 mm to 250 mm"):
        assert words in text, words
    assert (
        "stands at 50 mm" in text and "position: stiffness" in text and "about 2 000 N/m" in text.replace("\u202f", " ")
    )
    assert "Steel from the part name." in text  # the evidence of the handmade joints
    assert "neighbours at a joint" in text and "stands free" in text


def test_what_is_assumed_is_said():
    flagged = replace(make().joints[0], friction=Estimate.lognormal(0.01, 0.5, "N m", "bearing", WHY, ("joint_prior",)))
    assert "assumed" in section(replace(make(), joints=(flagged, *make().joints[1:])))
    assert "assumed" not in section(make())


def test_proposals_wait_with_their_probability_and_what_they_rule_out():
    text = section(proposed(make()))
    for words in ("wait for a decision", "left hinge", "72 %", "block", "rules out hinge", "Two coaxial cylinders"):
        assert words in text, words
    assert "wait for a decision" not in section(make())


def test_names_are_escaped_and_a_twin_without_joints_has_no_section():
    evil = replace(make().joints[0], name="<script>", evidence=(Evidence("rule", "<b>bold</b>"),))
    text = section(replace(make(), joints=(evil, *make().joints[1:])))
    assert "<script>" not in text and "&lt;script&gt;" in text and "<b>bold" not in text
    assert joints_section(replace(make(), joints=(), articulation=None)) == () and joints_section(None) == ()


def test_a_long_chain_and_a_follower_are_shown():
    h, s = joints()
    follower = replace(s, mimic=Mimic("hinge", 2.0, 0.1), drive=None)
    assert "follows hinge × 2 + 100 mm" in section(replace(make(), joints=(h, follower)))
    many = tuple(replace(h, name=f"j{k}", closes_loop=k > 0) for k in range(200))
    assert "And 80 more joints" in section(replace(make(), joints=many))


def test_the_page_has_the_section_and_each_estimate_of_a_joint():
    page = report(
        Certificate(make().name, 1, "2026-11-29T00:00:00", "none", (), (), (), ()), make(), None, settings.pipeline()
    )
    assert "<h2>Joints</h2>" in page and "drive stiffness" in page


def test_inspect_tells_joints_and_what_waits():
    twin = proposed(make())
    text = inspect.as_text(twin)
    for words in ("joint hinge", "revolute carcass → door, a door", "-108.9° to 0°", "friction 0.02 N m", "articulation: prop",
                  "proposed joint left hinge", "probability 0.72", "position drive"):  # fmt: skip
        assert words in text, words
    data = json.loads(json.dumps(inspect.as_json(twin)))
    assert [j["name"] for j in data["joints"]] == ["hinge", "slide"] and data["proposals"][0]["parts"] == ["block"]
    assert data["articulation"]["root"] == "carcass"
    friction = next(e for e in data["estimates"] if e["owner"] == "joint hinge" and e["quantity"] == "friction")
    assert friction["low"] < friction["value"] < friction["high"] and friction["evidence"]


def test_the_record_gives_axes_in_the_axes_of_the_source():
    """A Y-up source: what is z in the twin is y there."""
    twin = proposed(make())
    up = replace(twin.frame, source_to_twin_wxyz=(2**-0.5, 2**-0.5, 0.0, 0.0))  # x by 90 degrees: y becomes z
    listed = {j["name"]: j for j in describe_joints(replace(twin, frame=up), twin.joints)}
    np.testing.assert_allclose(listed["hinge"]["axis"], (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(listed["hinge"]["origin_m"], (0.22, 0.375, 0.19), atol=1e-12)
    assert listed["hinge"]["lower"] == -1.9 and listed["slide"]["role"] == "drawer"
    (waiting,) = describe_joints(twin, [p.joint for p in twin.proposals])
    np.testing.assert_allclose(waiting["axis"], (0, 0, 1), atol=1e-12)
    assert waiting["probability"] == 0.72 and waiting["body1"] == "left door"
    assert set(waiting) == {
        "name", "type", "body0", "body1", "role", "axis", "origin_m", "lower", "upper", "probability",
    }  # fmt: skip


def test_an_axis_is_that_of_the_joint_frame():
    turned = Joint("j", "revolute", "", "door", axis="x")
    assert describe_joints(make(), [turned])[0]["axis"] == pytest.approx([1, 0, 0])


def test_the_mass_of_the_whole_is_that_of_what_moves_and_is_the_sources():
    twin = make()
    zero = ((0.0, 0.0, 0.0),) * 3
    bare = Estimate.lognormal(0.5, 1.0, "kg", "share", WHY, ("massless_link",))
    frame = replace(
        twin.bodies[1], name="cross", parts=(), mass_properties=MassProperties(bare, (0, 0, 0), (0, 0, 0), zero, zero)
    )
    wall = replace(twin.bodies[0], name="wall", static=True, mass_properties=None)
    total = sum(b.mass.value for b in twin.bodies if b.mass)
    assert whole_mass_properties(replace(twin, bodies=(*twin.bodies, frame, wall)))["mass_kg"][
        "value"
    ] == pytest.approx(total)
