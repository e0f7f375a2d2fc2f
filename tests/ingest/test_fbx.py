"""FBX and X3D through the real converter: unit, axis, names, instances, materials, damage."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from physicl_twin.ingest.fbx import read_fbx
from physicl_twin.ingest.fbx_header import read_header
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError
from physicl_twin.settings import pipeline
from tests.ingest.fbx_writer import write_fbx

pytest.importorskip("assimp_py")
OPTIONS = ReadOptions()


def volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "cm"), (100.0, "m"), (2.54, "in"), (0.1, "mm"), (30.48, "ft")])
def test_unit_of_the_file(tmp_path, factor, unit):
    scene = read_fbx(write_fbx(tmp_path / "box.fbx", unit_scale=factor), OPTIONS)
    assert scene.unit_claims[0].value == unit
    assert scene.unit_claims[0].evidence.field == "UnitScaleFactor"
    assert volume(scene.shapes[0].mesh) == pytest.approx(6000, rel=1e-6), "coordinates stay in the file's unit"


@pytest.mark.parametrize(("axis", "name"), [(1, "y"), (2, "z")])
def test_up_axis_is_claimed_and_coordinates_stay(tmp_path, axis, name):
    scene = read_fbx(write_fbx(tmp_path / "box.fbx", up_axis=axis), OPTIONS)
    assert scene.up_claims[0].value == name
    np.testing.assert_allclose(scene.parts[0].transform, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(np.ptp(scene.shapes[0].mesh.vertices, axis=0), (10, 20, 30), rtol=1e-6)


def test_silent_file_is_a_weaker_claim(tmp_path):
    scene = read_fbx(write_fbx(tmp_path / "box.fbx", unit_scale=None, up_axis=None), OPTIONS)
    assert (scene.unit_claims[0].value, scene.unit_claims[0].evidence.kind) == ("cm", "rule")
    assert scene.unit_claims[0].reliability < 0.8


def test_instances_names_placements_and_material(tmp_path):
    placements = (("Böx", (1.0, 2.0, 3.0), (0.0, 0.0, 90.0)), ("Second", (50.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    scene = read_fbx(write_fbx(tmp_path / "two.fbx", placements=placements), OPTIONS)
    assert [p.name for p in scene.parts] == ["Böx", "Second"]
    assert len(scene.shapes) == 1
    expected = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
    np.testing.assert_allclose(scene.parts[0].transform, expected, atol=1e-6)
    assert scene.parts[0].hints.material == "Red Plastic"
    (look,) = scene.appearances
    assert look.source_name == "Red Plastic"
    np.testing.assert_allclose(look.base_color[0], 0.604, atol=2e-3)


def test_texture_beside_the_file_and_escaping_reference(tmp_path):
    from PIL import Image

    folder = tmp_path / "asset"
    folder.mkdir()
    Image.new("RGB", (4, 4), (200, 30, 30)).save(folder / "tex.png")
    scene = read_fbx(write_fbx(folder / "a.fbx", texture="tex.png"), OPTIONS)
    assert scene.appearances[0].textures[0].slot == "base_color"
    assert scene.shapes[0].mesh.uvs is not None
    assert [s.name for s in scene.sources] == ["a.fbx", "tex.png"]
    (tmp_path / "secret.png").write_bytes((folder / "tex.png").read_bytes())
    with pytest.raises(SourceError) as error:
        read_fbx(write_fbx(folder / "b.fbx", texture="../secret.png"), OPTIONS)
    assert error.value.code == "reference_escapes"


def test_binary_header():
    import struct

    def text(value: bytes) -> bytes:
        return b"S" + struct.pack("<I", len(value)) + value

    def row(name: bytes, kind: bytes, payload: bytes) -> bytes:
        return text(name) + text(b"double") + text(b"Number") + text(b"") + kind + payload

    data = (
        b"Kaydara FBX Binary  \x00"
        + row(b"UpAxis", b"I", struct.pack("<i", 2))
        + row(b"UpAxisSign", b"I", struct.pack("<i", 1))
    )
    data += row(b"OriginalUnitScaleFactor", b"D", struct.pack("<d", 7)) + row(
        b"UnitScaleFactor", b"D", struct.pack("<d", 2.54)
    )
    header = read_header(data)
    assert (header.cm_per_unit, header.up_axis) == (2.54, "z")
    assert read_header(data[:-4]).cm_per_unit is None


def test_x3d(tmp_path):
    path = tmp_path / "box.x3d"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><X3D profile="Interchange" version="3.3"><Scene>'
        '<Transform DEF="Moved" translation="1 0 0"><Shape><Appearance><Material diffuseColor="0 1 0"/></Appearance>'
        '<IndexedFaceSet solid="true" coordIndex="0 2 1 -1 0 1 3 -1 0 3 2 -1 1 2 3 -1">'
        '<Coordinate point="0 0 0 1 0 0 0 1 0 0 0 1"/></IndexedFaceSet></Shape></Transform></Scene></X3D>'
    )
    scene = read_fbx(path, OPTIONS)
    assert (scene.unit_claims[0].value, scene.up_claims[0].value) == ("m", "y")
    assert volume(scene.shapes[0].mesh) == pytest.approx(1 / 6, rel=1e-6)


def test_damaged_files(tmp_path):
    data = write_fbx(tmp_path / "whole.fbx").read_bytes()
    rng = np.random.default_rng(3)
    cases = [data[: int(len(data) * f)] for f in (0.0, 0.1, 0.5, 0.9)] + [b"not an fbx file at all" * 9]
    for _ in range(8):
        flipped = bytearray(data)
        for position in rng.integers(0, len(data), size=6):
            flipped[position] ^= 1 << int(rng.integers(0, 8))
        cases.append(bytes(flipped))
    codes = set()
    for number, case in enumerate(cases):
        path = tmp_path / f"case{number}.fbx"
        path.write_bytes(case)
        try:
            scene = read_fbx(path, OPTIONS)
        except SourceError as error:
            codes.add(error.code)
            assert str(tmp_path) not in error.message
        else:
            assert all(np.isfinite(s.mesh.vertices).all() for s in scene.shapes)
    assert "file_empty" in codes and codes & {"file_damaged", "no_geometry"}


def test_missing_converter_is_named(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "assimp_py" else real(name, *a))
    with pytest.raises(SourceError) as error:
        read_fbx(write_fbx(tmp_path / "box.fbx"), OPTIONS)
    assert (error.value.code, error.value.hint) == ("reader_not_installed", "./physicl.sh install fbx")


def test_time_limit(tmp_path):
    table = pipeline()
    table["fbx"]["time_limit_s"] = 0.01
    with pytest.raises(SourceError) as error:
        read_fbx(write_fbx(tmp_path / "box.fbx"), OPTIONS, settings=IngestSettings.from_pipeline(table))
    assert error.value.code == "converter_time_limit"
    assert Path("box.fbx").name in error.value.message
