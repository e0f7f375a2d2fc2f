"""URDF that is wrong: a clear error or a named repair, never a traceback or a hang."""

from __future__ import annotations

import numpy as np
import pytest

from physicl_twin.ingest import ReadOptions, read
from physicl_twin.model import PhysiclError, SourceError
from tests.ingest.robot_files import box, codes, frames, inertial, joint, link, robot, rotation, written

A, B, C = (link(name, inertial(), box()) for name in "abc")
J = joint("j", "a", "b")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("file_damaged", "<robot><link name='a'></robot>"),
        ("file_damaged", robot(A).replace("</robot>", "")),
        ("xml_entities_refused", '<!DOCTYPE r [<!ENTITY a "b">]>' + robot(A).split("\n", 1)[1]),
        (
            "xml_entities_refused",
            '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + robot(A).split("\n", 1)[1],
        ),
        ("no_links", robot()),
        ("name_missing", robot("<link/>")),
        ("name_missing", robot(A, B, joint("", "a", "b"))),
        ("name_duplicate", robot(A, A)),
        ("joint_link_unknown", robot(A, joint("j", "a", "gone"))),
        ("joint_link_missing", robot(A, B, '<joint name="j" type="fixed"><parent link="a"/></joint>')),
        ("joint_type_unknown", robot(A, B, joint("j", "a", "b", "helical"))),
        ("axis_zero", robot(A, B, joint("j", "a", "b", axis="0 0 0"))),
        ("link_with_two_parents", robot(A, B, C, J, joint("k", "c", "b"))),
        ("tree_cyclic", robot(A, B, C, joint("j", "b", "c"), joint("k", "c", "b"))),
        ("tree_cyclic", robot(A, B, J, joint("k", "b", "a"))),
        ("tree_disconnected", robot(A, B, C, J)),
        ("number_invalid", robot(link("a", inertial("heavy"), box()))),
        ("number_invalid", robot(link("a", inertial("nan"), box()))),
        ("number_invalid", robot(link("a", inertial(1.0, xyz="0 0"), box()))),
        ("number_invalid", robot(link("a", inertial(1.0, xyz="0 0 inf"), box()))),
        ("number_invalid", robot(link("a", inertial(1.0, ("nan", 1, 1)), box()))),
        ("number_invalid", robot(link("a", inertial(1.0, (1e300, 1, 1)), box()))),
        ("number_invalid", robot(A, B, joint("j", "a", "b", xyz="0 0 x"))),
        ("number_invalid", robot(A, B, joint("j", "a", "b", inside='<limit lower="nan" upper="1"/>'))),
        ("number_invalid", robot(link("a", inertial(), box("1 2")))),
        ("mimic_cycle", robot(A, B, C, joint("j", "a", "b", inside='<mimic joint="k"/>'),
                              joint("k", "b", "c", inside='<mimic joint="j"/>'))),
        ("mimic_cycle", robot(A, B, joint("j", "a", "b", inside='<mimic joint="j"/>'))),
        ("reference_escapes", robot(link("a", inertial(), '<visual><geometry><mesh filename="../../../../etc/x.stl"/>'
                                         "</geometry></visual>"))),
        ("reference_escapes", robot(link("a", inertial(), '<visual><geometry><mesh '
                                         'filename="package://robot/../../../x.stl"/></geometry></visual>'))),
        ("no_geometry", robot(link("a"))),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_a_clear_error(tmp_path, code, text):
    with pytest.raises(SourceError) as caught:
        read(written(tmp_path / "pkg" / "urdf", text))
    assert caught.value.code == code and caught.value.hint and "robot.urdf" in caught.value.message


def test_errors_tell_the_line(tmp_path):
    text = robot(A, "", "", link("b", inertial("x"), box()))
    with pytest.raises(SourceError, match=r"robot\.urdf, line 6: the mass of 'b' is 'x'"):
        read(written(tmp_path, text))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("mass_impossible", robot(link("a", inertial(-1.0), box()))),
        ("mass_impossible", robot(link("a", inertial(1e300), box()))),
        ("mass_zero", robot(link("a", inertial(0.0), box()))),
        ("mass_missing", robot(link("a", "<inertial/>", box()))),
        ("inertia_repaired", robot(link("a", inertial(1.0, (1.0, 1.0, 2.1)), box()))),
        ("inertia_replaced", robot(A, link("b", inertial(1.0, (0, 0, 0))), J)),
        ("inertia_replaced", robot(A, link("b", inertial(1.0, (1, 1, -5))), J)),
        ("limits_inverted", robot(A, B, joint("j", "a", "b", inside='<limit lower="2" upper="-1"/>'))),
        ("limit_missing", robot(A, B, joint("j", "a", "b", inside=""))),
        ("limit_missing", robot(A, B, joint("j", "a", "b", inside='<limit effort="3" velocity="1"/>'))),
        ("limit_without_range", robot(A, B, joint("j", "a", "b", inside='<limit lower="1" upper="1"/>'))),
        ("effort_zero", robot(A, B, joint("j", "a", "b", inside='<limit upper="1" effort="0" velocity="1"/>'))),
        ("velocity_negative", robot(A, B, joint("j", "a", "b", inside='<limit upper="1" effort="1" velocity="-1"/>'))),
        ("damping_impossible", robot(A, B, joint("j", "a", "b", "continuous", inside='<dynamics damping="-1"/>'))),
        ("mimic_without_leader", robot(A, B, joint("j", "a", "b", inside='<limit upper="1"/><mimic joint="gone"/>'))),
        ("joint_renamed", robot(A, B, C, J, joint("j", "b", "c"))),
        ("joint_planar", robot(A, B, joint("j", "a", "b", "planar"))),
        ("mesh_missing", robot(link("a", box(), '<visual><geometry><mesh filename="gone.stl"/></geometry></visual>'))),
        ("remote_reference_ignored", robot(link("a", box(), '<visual><geometry><mesh filename="https://x.org/a.stl"/>'
                                                "</geometry></visual>"))),
        ("mesh_without_size", robot(link("a", box(), '<visual><geometry><mesh filename="robot.urdf" scale="1 0 1"/>'
                                         "</geometry></visual>"))),
        ("mesh_unreadable", robot(link("a", box(), '<visual><geometry><mesh filename="robot.urdf"/></geometry>'
                                       "</visual>"))),
        ("primitive_without_size", robot(link("a", box(), box("1 0 1")))),
        ("geometry_unknown", robot(link("a", box(), "<visual><geometry><torus/></geometry></visual>"))),
        ("geometry_missing", robot(link("a", box(), "<visual/>"))),
        ("material_undefined", robot(link("a", box(use="visual", extra='<material name="gone"/>')))),
        ("color_clipped", robot(link("a", box(use="visual", extra='<material name="m"><color rgba="2 0 0 1"/></material>')))),
        ("link_unconnected", robot(A, link("b"))),
        ("ignored_robot_sensor", robot(A, '<sensor name="s"/>')),
        ("ignored_link_odd", robot(link("a", box(), "<odd/>"))),
        ("transmission_without_joint", robot(A, '<transmission name="t"><joint name="gone"/></transmission>')),
        ("gazebo_reference_unknown", robot(A, '<gazebo reference="gone"><mu1>1</mu1></gazebo>')),
        ("model_static", robot(A, B, J, "<gazebo><static>true</static></gazebo>")),
    ],
)  # fmt: skip
def test_what_can_be_repaired_is_named(tmp_path, code, text):
    assert code in codes(read(written(tmp_path, text)))


def test_inverted_limits_change_places(tmp_path):
    text = robot(A, B, joint("j", "a", "b", inside='<limit lower="2" upper="-1"/>'))
    found = read(written(tmp_path, text)).joints[0]
    assert (found.lower, found.upper) == (-1.0, 2.0)


def test_a_repaired_inertia_is_possible_and_near(tmp_path):
    text = robot(link("a", inertial(1.0, (1.0, 1.0, 2.1)), box()))
    moments = np.linalg.eigvalsh(np.array(read(written(tmp_path, text)).bodies[0].mass_properties.inertia_kgm2))
    assert moments[2] <= moments[0] + moments[1]
    assert moments == pytest.approx([1.0, 1.0, 2.1], rel=0.06)


@pytest.mark.parametrize("moments", [(1.0, 1.0, 2.0), (1.0, 1.0, 2.0005), (0.3, 0.7, 1.0)])
def test_the_inertia_of_a_sheet_stays_possible_in_single_precision(tmp_path, moments):
    twin = read(written(tmp_path, robot(link("a", inertial(1.0, moments), box()))))
    found = np.linalg.eigvalsh(np.array(twin.bodies[0].mass_properties.inertia_kgm2)).astype(np.float32)
    assert found[0] + found[1] >= found[2] and found == pytest.approx(moments, rel=5e-4)
    assert ("inertia_rounded" in codes(twin)) == (moments[2] > 2.0) and "inertia_repaired" not in codes(twin)


def test_a_chain_of_five_hundred_links_is_read(tmp_path):
    count = 500
    links = [link(f"l{i}", inertial(), box("0.01 0.01 0.01")) for i in range(count)]
    joints = [joint(f"j{i}", f"l{i}", f"l{i + 1}", "continuous", xyz="0.1 0 0") for i in range(count - 1)]
    twin = read(written(tmp_path, robot(*links, *joints)))
    assert len(twin.bodies) == count and len(twin.joints) == count - 1
    assert twin.bodies[-1].pose.position_m[0] == pytest.approx(0.1 * (count - 1))
    turned = frames(twin, **{f"j{i}": 0.01 for i in range(count - 1)})[f"l{count - 1}"]
    assert turned[:3, :3] == pytest.approx(rotation([0, 0, 1], 0.01 * (count - 1)), abs=1e-9)


def test_a_unit_that_a_robot_cannot_have_is_refused(tmp_path):
    with pytest.raises(SourceError) as caught:
        read(written(tmp_path, robot(A)), ReadOptions(units="mm"))
    assert caught.value.code == "unit_is_fixed"


def test_damage_anywhere_is_an_error_and_no_traceback(tmp_path):
    whole = robot(A, B, C, J, joint("k", "b", "c", inside='<limit lower="0" upper="1"/><mimic joint="j"/>'))
    random = np.random.default_rng(6)
    for _ in range(150):
        text = bytearray(whole.encode())
        for _ in range(random.integers(1, 4)):
            place = int(random.integers(len(text)))
            match random.integers(3):
                case 0:
                    text[place] = int(random.integers(32, 127))
                case 1:
                    del text[place : place + int(random.integers(1, 12))]
                case _:
                    text[place:place] = b'"<>1e999-&nan/'[int(random.integers(6)) :]
        path = tmp_path / "robot.urdf"
        path.write_bytes(text)
        try:
            read(path)
        except PhysiclError as error:
            assert error.code and error.message
