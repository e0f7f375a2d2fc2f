"""Damaged and hostile MJCF ends in a clear error or a named repair."""

from __future__ import annotations

import numpy as np
import pytest

from physicl_twin.ingest.formats import identify, load
from physicl_twin.ingest.ingest_settings import shipped_settings
from physicl_twin.ingest.mjcf import read_mjcf
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError, silent

pytest.importorskip("mujoco")
OPTIONS = ReadOptions()
BODY = '<body name="a"><freejoint/><geom size=".1"/></body>'


def put(tmp_path, text, name="model/thing.xml"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def model(body=BODY, head=""):
    return f"<mujoco>{head}<worldbody>{body}</worldbody></mujoco>"


def error_of(path):
    with pytest.raises(SourceError) as caught:
        load(path, OPTIONS, silent, shipped_settings())
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("<mujoco><worldbody>", "file_damaged", "XML is broken"),
        (model('<body><geom size=".1" wings="2"/></body>'), "file_damaged", "wings"),
        (model("<bird/>"), "file_damaged", "bird"),
        (model('<body><geom size="nan"/></body>'), "file_damaged", "nan"),
        (model('<body><freejoint/><inertial pos="0 0 0" mass="-1" diaginertia="1 1 1"/><geom size=".1"/></body>'),
         "file_damaged", "mass"),
        (model('<body><freejoint/><inertial pos="0 0 0" mass="1" diaginertia="1 1 9"/><geom size=".1"/></body>'),
         "file_damaged", "inertia"),
        (model('<body name="a"><geom size=".1"/></body><body name="a"><geom size=".1"/></body>'), "file_damaged", "a"),
        (model('<body><geom size="-1"/></body>'), "file_damaged", "size"),
        (model('<body name="a"><joint name="j" axis="inf 0 0"/><geom size=".1"/></body>'), "file_damaged", "'j'"),
        (model('<body><joint/><body><joint/><geom size=".1"/></body></body>', "<extension/>")[:60], "file_damaged", "XML"),
        (model('<body><geom type="mesh" mesh="none"/></body>'), "file_damaged", "none"),
        (model(head='<include file="other.xml"/>'), "include_missing", "other.xml"),
        (model(head='<include file="../../../etc/passwd"/>'), "reference_escapes", "passwd"),
        (model(head='<include file="thing.xml"/>'), "include_recursive", "itself"),
        (model('<body><geom type="mesh" mesh="m"/></body>', '<asset><mesh name="m" file="../../../../etc/x.stl"/></asset>'),
         "reference_escapes", "x.stl"),
        (model('<body><geom type="mesh" mesh="m"/></body>', '<compiler meshdir="/etc"/><asset><mesh name="m" file="x.stl"/></asset>'),
         "reference_escapes", "x.stl"),
        ('<!DOCTYPE m [<!ENTITY a "b">]>' + model(), "xml_entities_refused", "entities"),
        ("<mujoco/>", "no_geometry", "triangles"),
        (model('<geom type="plane" size="1 1 .1"/>'), "no_geometry", "triangles"),
        (model('<body><geom size="1e300"/></body>'), "coordinates_out_of_range", "units"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path, text, code, word):
    error = error_of(put(tmp_path, text, "a/b/model/thing.mjcf" if code != "include_recursive" else "model/thing.xml"))
    assert (error.code, word in error.message) == (code, True), error.message
    assert error.hint
    assert str(tmp_path) not in error.message


def test_an_include_in_a_circle(tmp_path):
    put(tmp_path, '<mujocoinclude><include file="thing.xml"/></mujocoinclude>', "model/other.xml")
    assert error_of(put(tmp_path, model(head='<include file="other.xml"/>'))).code == "include_recursive"


def test_an_included_file_is_a_source_and_must_be_one(tmp_path):
    put(tmp_path, f"<mujocoinclude><worldbody>{BODY}</worldbody></mujocoinclude>", "model/parts/other.xml")
    scene = read_mjcf(put(tmp_path, '<mujoco><include file="parts/other.xml"/></mujoco>'), OPTIONS)
    assert {s.name for s in scene.sources} == {"thing.xml", "parts/other.xml"}
    put(tmp_path, "<robot/>", "model/parts/other.xml")
    assert error_of(tmp_path / "model" / "thing.xml").code == "file_damaged"


def test_a_missing_mesh_is_named_and_left_out(tmp_path):
    head = '<asset><mesh name="m" file="gone.stl"/></asset>'
    body = '<body name="a"><freejoint/><geom size=".1"/><geom type="mesh" mesh="m"/></body>'
    scene = read_mjcf(put(tmp_path, model(body, head)), OPTIONS)
    assert [part.shape for part in scene.parts] == ["a sphere"]
    assert any(n.code == "mesh_missing" and "gone.stl" in n.message for n in scene.notes)


def test_names_that_nobody_gave(tmp_path):
    body = "<body><joint/><geom size='.1'/><body><joint/><joint axis='1 0 0'/><geom size='.1'/></body></body>"
    scene = read_mjcf(put(tmp_path, model(body)), OPTIONS)
    again = read_mjcf(put(tmp_path, model(body)), OPTIONS)
    assert [b.name for b in scene.bodies] == [b.name for b in again.bodies]
    assert len({b.name for b in scene.bodies}) == len(scene.bodies) == 4
    assert len({j.name for j in scene.joints}) == len(scene.joints) == 3


def test_a_long_chain(tmp_path):
    def chain(links):
        link = '<body pos="0 0 .1"><joint axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 .1" size=".01"/>'
        return model(link * links + "</body>" * links)

    scene = read_mjcf(put(tmp_path, chain(200)), OPTIONS)
    assert len(scene.joints) == 200
    np.testing.assert_allclose(scene.bodies[-1].transform[:3, 3], (0, 0, 20.0), atol=1e-6)
    error = error_of(put(tmp_path, chain(600), "model/long.xml"))  # MuJoCo's XML reader stops at a depth of 500
    assert error.code == "file_damaged"


def test_a_mesh_with_texture_keeps_both(tmp_path):
    """Coordinates of the image come out with v up."""
    from PIL import Image

    obj = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0.25 0.75\nvt 0.5 0.5\nvt 0.75 0.125\n"
    obj += "f 1/1 3/2 2/3\nf 1/1 2/2 4/3\nf 1/1 4/2 3/3\nf 2/1 3/2 4/3\n"
    put(tmp_path, obj, "model/assets/tet.obj")
    Image.new("RGB", (4, 4), (10, 200, 30)).save(tmp_path / "model" / "assets" / "green.png")
    head = """<compiler assetdir="assets"/><asset><mesh name="tet" file="tet.obj" scale="2 2 2"/>
      <texture name="green" type="2d" file="green.png"/><material name="paint" texture="green"/></asset>"""
    body = '<body><freejoint/><geom type="mesh" mesh="tet" material="paint" pos="1 0 0"/></body>'
    scene = read_mjcf(put(tmp_path, model(body, head)), OPTIONS)
    (shape,), (part,) = scene.shapes, scene.parts
    placed = shape.mesh.vertices @ part.transform[:3, :3].T + part.transform[:3, 3]
    expected = np.array([[1, 0, 0], [3, 0, 0], [1, 2, 0], [1, 0, 2]])
    assert all(np.abs(placed - corner).sum(axis=1).min() < 1e-6 for corner in expected)
    corner = int(np.argmin(np.abs(placed - (1, 0, 0)).sum(axis=1)))
    uvs = shape.mesh.uvs[np.argwhere(shape.mesh.faces == corner)[:, 0], np.argwhere(shape.mesh.faces == corner)[:, 1]]
    np.testing.assert_allclose(uvs, np.tile((0.25, 0.75), (3, 1)), atol=1e-6)
    assert scene.appearances[0].textures[0].slot == "base_color"
    assert {s.name for s in scene.sources} == {"thing.xml", "assets/tet.obj", "assets/green.png"}


def test_an_xml_file_is_identified_by_its_content(tmp_path):
    assert identify(put(tmp_path, model())).format == "mjcf"
