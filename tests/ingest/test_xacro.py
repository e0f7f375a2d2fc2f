"""xacro: macros, includes and packages; and what an expression may not do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from physicl_twin.ingest import read
from physicl_twin.ingest.ingest_settings import shipped_settings
from physicl_twin.ingest.xacro_worker import check_expression
from physicl_twin.model import SourceError
from tests.ingest.mesh_files import box, stl_binary
from tests.ingest.robot_files import XACRO, codes, frames, robot, rotation, written

pytest.importorskip("xacro")

ARM = robot(
    '<xacro:arg name="length" default="0.5"/>',
    '<xacro:property name="L" value="$(arg length)"/>',
    '<xacro:include filename="$(find parts_description)/urdf/wheel.xacro"/>',
    '<xacro:include filename="macros.xacro"/>',
    '<link name="base"><xacro:box_inertial m="2" x="${L}" y="0.2" z="0.1"/>'
    '<visual><geometry><box size="${L} 0.2 0.1"/></geometry></visual>'
    '<collision><geometry><mesh filename="file://$(find arm_description)/meshes/base.stl"/></geometry></collision></link>',
    '<xacro:wheel parent="base" name="left" y="${0.1 + sin(radians(90)) * 0.05}"/>',
    '<xacro:if value="${L > 0.4}"><xacro:wheel parent="base" name="right" y="-0.15"/></xacro:if>',
    '<xacro:unless value="${L > 0.4}"><xacro:nothing_of_that_name/></xacro:unless>',
    head=XACRO,
    name="arm",
)
MACROS = robot(
    '<xacro:macro name="box_inertial" params="m x y z"><inertial><mass value="${m}"/>'
    '<inertia ixx="${m*(y*y+z*z)/12}" iyy="${m*(x*x+z*z)/12}" izz="${m*(x*x+y*y)/12}" ixy="0" ixz="0" iyz="0"/>'
    "</inertial></xacro:macro>",
    head=XACRO,
)
WHEEL = robot(
    '<xacro:macro name="wheel" params="parent name y"><link name="${name}_wheel">'
    '<visual><geometry><cylinder radius="0.05" length="0.02"/></geometry></visual></link>'
    '<joint name="${name}_joint" type="continuous"><parent link="${parent}"/><child link="${name}_wheel"/>'
    '<origin xyz="0 ${y} 0" rpy="${pi/2} 0 0"/><axis xyz="0 0 1"/></joint></xacro:macro>',
    head=XACRO,
)


@pytest.fixture
def package(tmp_path):
    """Two packages beside each other, as in a workspace."""
    arm = tmp_path / "arm_description"
    written(arm / "urdf", MACROS, "macros.xacro")
    written(tmp_path / "parts_description" / "urdf", WHEEL, "wheel.xacro")
    (arm / "meshes").mkdir()
    (arm / "meshes" / "base.stl").write_bytes(stl_binary(box((0.5, 0.2, 0.1))))
    (arm / "package.xml").write_text("<package/>")
    return arm / "urdf"


def test_macros_of_two_packages_become_one_robot(package):
    twin = read(written(package, ARM, "arm.urdf.xacro"))
    assert [body.name for body in twin.bodies] == ["base", "left_wheel", "right_wheel"]
    base = twin.bodies[0]
    assert base.mass.value == 2.0
    assert base.mass_properties.inertia_kgm2[0][0] == pytest.approx(2 * (0.2**2 + 0.1**2) / 12)
    assert [part.role for part in base.parts] == ["visual", "collision"]
    turned = frames(twin, left_joint=0.4)["left_wheel"]
    assert turned[:3, 3] == pytest.approx([0, 0.15, 0])
    assert turned[:3, :3] == pytest.approx(rotation([1, 0, 0], math.pi / 2) @ rotation([0, 0, 1], 0.4))
    assert [source.name for source in twin.sources] == [
        "arm.urdf.xacro",
        "macros.xacro",
        "meshes/base.stl",
        "parts_description/urdf/wheel.xacro",
    ]
    assert not {"mesh_missing", "package_missing"} & codes(twin)


def test_values_come_from_yaml_files_of_the_package(package):
    written(package.parent / "config", "joint: {lower: !degrees -90, name: elbow}", "arm.yaml")
    text = robot(
        "<xacro:property name='c' value=\"${xacro.load_yaml('$(find arm_description)/config/arm.yaml')['joint']}\"/>",
        '<link name="a"><visual><geometry><box size="1 1 1"/></geometry></visual></link>',
        '<link name="b"><visual><geometry><box size="1 1 1"/></geometry></visual></link>',
        '<joint name="${c.name}" type="revolute"><parent link="a"/><child link="b"/>'
        '<limit lower="${c.lower}" upper="1" effort="1" velocity="1"/></joint>',
        head=XACRO,
    )
    found = read(written(package, text, "a.xacro")).joints[0]
    assert (found.name, found.lower) == ("elbow", pytest.approx(-math.pi / 2))


def test_a_package_that_is_not_there_is_named(package):
    text = robot(
        '<link name="a"><visual><geometry><box size="1 1 1"/></geometry></visual><visual><geometry>'
        '<mesh filename="$(find gone)/meshes/x.stl"/></geometry></visual></link><xacro:property name="p" value="1"/>',
        head=XACRO,
    )
    assert {"package_missing", "mesh_missing"} <= codes(read(written(package, text, "a.xacro")))


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("xacro_failed", 4, '\n\n<link name="${nothing}"/><xacro:property name="p" value="1"/>'),
        ("xacro_failed", 3, '\n<xacro:unknown_macro/>'),
        ("xacro_failed", 2, '<link name="$(arg nothing)"/>'),
        ("xacro_failed", 2, '<link name="$(env HOME)"/>'),
        ("xacro_failed", 2, '<link name="${1 +}"/>'),
        ("xacro_failed", 2, '<xacro:include filename="gone.xacro"/>'),
        ("xacro_failed", 2, '<xacro:include filename="$(find gone)/gone.xacro"/>'),
        ("xacro_failed", 0, '<xacro:macro name="m"><xacro:m/></xacro:macro><xacro:m/>'),
        ("xacro_refused", 2, '<link name="${(lambda: ().__class__.__bases__)()}"/>'),
        ("xacro_refused", 2, '<link name="${(x for x in [1]).gi_frame.f_builtins}"/>'),
        ("xacro_refused", 2, '<link name="$(eval x.__class__)"/>'),
        ("xacro_refused", 0, '<xacro:property name="t" value="{0.x}"/><link name="${t.format(1)}"/>'),
        ("xacro_failed", 2, '<link name="${python.vars(python.type)}"/>'),
        ("reference_escapes", 2, '<xacro:include filename="/etc/hostname"/>'),
        ("reference_escapes", 2, '<xacro:include filename="../../../../../etc/hostname"/>'),
        ("reference_escapes", 0, "<xacro:property name=\"t\" value=\"${xacro.load_yaml('/etc/hostname')}\"/><a b='${t}'/>"),
        ("reference_escapes", 2, '<xacro:include filename="/etc/*"/>'),
        ("file_damaged", 0, '<link name="a">'),
        ("file_damaged", 0, '<xacro:include filename="broken.xacro"/>'),
        ("xml_entities_refused", 2, '<xacro:include filename="bomb.xacro"/>'),
        ("no_links", 0, '<xacro:macro name="m"><link name="a"/></xacro:macro>'),
    ],
)  # fmt: skip
def test_what_is_wrong_or_unsafe_is_a_clear_error(package, code, line, text):
    (package / "broken.xacro").write_text(f"<robot {XACRO}><link></robot>")
    (package / "bomb.xacro").write_text(f'<!DOCTYPE r [<!ENTITY a "b">]><robot {XACRO}><link name="&a;"/></robot>')
    with pytest.raises(SourceError) as caught:
        read(written(package, f"<robot name='r' {XACRO}>\n{text}</robot>", "bad.xacro"))
    assert caught.value.code == code and caught.value.hint
    if line:
        assert f"bad.xacro, line {line}" in caught.value.message
    assert str(package) not in caught.value.message


def test_a_file_that_never_ends_is_stopped(package):
    readers = dict(shipped_settings().readers)
    readers["descriptions"] = {**readers["descriptions"], "xacro_time_limit_s": 1.5}
    text = f"<robot name='r' {XACRO}><link name='${{len([0 for a in range(10**9) if a &lt; 0])}}'/></robot>"
    with pytest.raises(SourceError) as caught:
        read(written(package, text, "slow.xacro"), settings=replace(shipped_settings(), readers=readers))
    assert caught.value.code == "xacro_time_limit"


@pytest.mark.parametrize(
    "text",
    ["pi / 2", "max(1, 2)", "'%s_%d' % ('a', 1)", "'{}x'.format(2)", "[i * 2 for i in (1, 2)]", "d['k'].sub", "a__b"],
)
def test_plain_expressions_are_allowed(text):
    check_expression(text)


@pytest.mark.parametrize(
    "text", ["a.__class__", "[(lambda: b.__init__)() for b in c]", "__import__", "x._y", "g.gi_frame"]
)
def test_expressions_that_reach_into_the_interpreter_are_not(text):
    with pytest.raises(SourceError) as caught:
        check_expression(text)
    assert caught.value.code == "xacro_refused"
