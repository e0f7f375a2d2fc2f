"""Robot packages in folders: what is recognized as what, and which files are sources."""

from __future__ import annotations

import pytest

from physicl_twin.ingest import discover, read
from physicl_twin.ingest.formats import identify
from physicl_twin.ingest.sniffing import sniff
from tests.ingest.mesh_files import box as box_vertices
from tests.ingest.mesh_files import stl_binary
from tests.ingest.robot_files import XACRO, box, codes, inertial, joint, link, robot, written

PLAIN = robot(link("a", inertial(), box()))
SDF = (
    '<sdf version="1.9"><model name="m"><link name="a"><collision name="c"><geometry><box><size>1 1 1</size></box>'
    "</geometry></collision></link></model></sdf>"
)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("urdf", PLAIN),
        ("urdf", f"<!-- {'long licence ' * 8000} -->" + PLAIN.split("\n", 1)[1]),
        ("urdf", robot(link("a", inertial(), box()), head=XACRO)),
        ("urdf", robot('<!-- <xacro:if value="${x}"/> -->', link("a", box()), head=XACRO)),
        ("urdf", robot("<!-- like <mujoco> and <sdf> -->", link("a", box()))),
        ("xacro", robot('<xacro:property name="x" value="1"/>', head=XACRO)),
        ("xacro", robot('<link name="${1}"/>', head=XACRO)),
        ("srdf", robot('<group name="arm"><link name="a"/></group><disable_collisions link1="a" link2="b"/>')),
        ("mjcf", "<mujoco><worldbody/></mujoco>"),
        ("mjcf_part", "<mujocoinclude/>"),
        ("sdf", '<?xml version="1.0"?><!-- <robot> --><sdf version="1.6"/>'),
        ("xml", "<package><name>robot</name></package>"),
    ],
)
def test_xml_is_known_by_its_root(tmp_path, kind, text):
    assert sniff(written(tmp_path, text, "file.xml")).id == kind


def test_a_urdf_may_be_called_xml(tmp_path):
    path = written(tmp_path, PLAIN, "robot.xml")
    assert identify(path).format == "urdf" and read(path).bodies[0].name == "a"


def test_a_file_of_another_name_is_read_as_what_it_is(tmp_path):
    twin = read(written(tmp_path, SDF, "robot.urdf"))
    assert twin.bodies[0].name == "a" and "wrong_extension" in codes(twin)


def test_a_package_gives_one_source_a_description(tmp_path):
    used = '<visual><geometry><mesh filename="package://arm/meshes/visual/used.stl"/></geometry></visual>'
    written(tmp_path / "arm" / "urdf", robot(link("a", inertial(), used)), "arm.urdf")
    written(tmp_path / "arm" / "urdf", robot(link("a", inertial(), used), head=XACRO + ' x="${1}"'), "arm.urdf.xacro")
    written(tmp_path / "arm" / "config", robot('<group name="arm"/>'), "arm.srdf")
    written(tmp_path / "arm", "<package/>", "package.xml")
    for name in ("used", "unused"):
        path = tmp_path / "arm" / "meshes" / "visual" / f"{name}.stl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stl_binary(box_vertices()))
    (tmp_path / "hammer.stl").write_bytes(stl_binary(box_vertices()))
    found = {one.name: one for one in discover(tmp_path, tmp_path)}
    assert [name for name, one in found.items() if one.role == "main"] == ["arm/urdf/arm.urdf", "hammer.stl"]
    assert "a piece of arm/urdf/arm.urdf" in found["arm/meshes/visual/used.stl"].skipped
    assert "a piece of arm/urdf/arm.urdf" in found["arm/meshes/visual/unused.stl"].skipped
    assert found["arm/urdf/arm.urdf.xacro"].skipped == "expanded already as arm/urdf/arm.urdf"
    assert "SRDF" in found["arm/config/arm.srdf"].skipped


def test_meshes_that_macros_put_together_belong_to_them(tmp_path):
    text = robot('<xacro:m mesh="body"/>', head=XACRO)
    written(tmp_path / "arm" / "urdf", text, "arm.urdf.xacro")
    written(tmp_path / "arm" / "urdf", robot('<xacro:include filename="other.xacro"/>', head=XACRO), "top.xacro")
    written(tmp_path / "arm" / "urdf", robot('<xacro:macro name="m"/>', head=XACRO), "other.xacro")
    (tmp_path / "arm" / "meshes").mkdir()
    (tmp_path / "arm" / "meshes" / "body.stl").write_bytes(stl_binary(box_vertices()))
    found = {one.name: one.skipped for one in discover(tmp_path, tmp_path)}
    assert "package of arm/urdf/arm.urdf.xacro" in found["arm/meshes/body.stl"]
    assert found["arm/urdf/other.xacro"] == "a piece of arm/urdf/top.xacro"


def test_the_latest_version_of_a_gazebo_model_is_the_source(tmp_path):
    config = '<model><sdf version="1.5">model-1_5.sdf</sdf><sdf version="1.10">model.sdf</sdf></model>'
    written(tmp_path / "cup", config, "model.config")
    written(tmp_path / "cup", SDF, "model.sdf")
    written(tmp_path / "cup", SDF.replace("1.9", "1.5"), "model-1_5.sdf")
    found = {one.name: one for one in discover(tmp_path, tmp_path)}
    assert found["cup/model.sdf"].role == "main"
    assert found["cup/model-1_5.sdf"].skipped == "an older version of cup/model.sdf"


def test_an_srdf_of_the_same_robot_says_who_never_collides(tmp_path):
    text = robot(
        link("a", inertial(), box()), link("b", inertial(), box()), link("frame"), link("c", inertial(), box()),
        joint("j", "a", "b"), joint("f", "b", "frame", "fixed", axis=None), joint("k", "frame", "c"), name="arm",
    )  # fmt: skip
    path = written(tmp_path / "urdf", text, "arm.urdf")
    pairs = (("a", "c"), ("frame", "a"), ("b", "a"), ("frame", "b"), ("a", "gone"))
    inside = [f'<disable_collisions link1="{one}" link2="{other}" reason="Never"/>' for one, other in pairs]
    written(tmp_path / "srdf", robot(*inside, name="arm"), "arm.srdf")
    written(tmp_path / "srdf", robot('<disable_collisions link1="b" link2="c"/>', name="other"), "other.srdf")
    written(tmp_path / "config", "<robot name='arm'>", "broken.srdf")
    twin = read(path)
    filters = {frozenset((pair.body0, pair.body1)) for pair in twin.articulation.filters}
    assert filters == {frozenset("ac"), frozenset("ab")}
    assert all(pair.reason == "stated" for pair in twin.articulation.filters)
    assert {"srdf_link_unknown", "srdf_unreadable"} <= codes(twin)
    assert [source.name for source in twin.sources if source.role == "sidecar"] == ["srdf/arm.srdf"]
