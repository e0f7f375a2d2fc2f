"""Drawings with known area: profiles, holes, islands, blocks, units, thickness, and drawings that are no profile."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from physicl_twin.ingest import read
from physicl_twin.ingest.cad_tessellate import is_closed
from physicl_twin.ingest.dxf import read_dxf
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT, IngestSettings
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import PhysiclError, SourceError
from physicl_twin.settings import pipeline

ezdxf = pytest.importorskip("ezdxf")

SHARED = Path(__file__).parents[3] / "shared" / "data" / "meshes_and_cad"
THICK = ReadOptions(thickness_m=0.005)


def volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def drawing(units: int = 4):
    document = ezdxf.new("R2010")
    document.header["$INSUNITS"] = units
    return document, document.modelspace()


def save(document, path: Path) -> Path:
    document.saveas(path)
    return path


def rectangle(space, x, y, width, height, **attributes):
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        space.add_line(start, end, dxfattribs=attributes)


@pytest.mark.parametrize(
    ("code", "unit", "metres"), [(4, "mm", 1e-3), (5, "cm", 1e-2), (6, "m", 1.0), (1, "in", 0.0254), (2, "ft", 0.3048)]
)
def test_plate_with_hole_and_island(tmp_path, code, unit, metres):
    document, space = drawing(code)
    rectangle(space, 0, 0, 100, 60, layer="Outline")
    space.add_circle((50, 30), 20)
    space.add_circle((50, 30), 10)
    scene = read_dxf(save(document, tmp_path / "plate.dxf"), THICK)
    assert scene.unit_claims[0].value == unit
    assert scene.unit_claims[0].reliability > 0.9
    assert (scene.unit_claims[0].metres_per_unit or metres) == metres
    height = 0.005 / metres
    area = 100 * 60 - math.pi * 400 + math.pi * 100
    assert len(scene.parts) == 2, "the plate, and the island in its hole"
    assert sum(volume(s.mesh) for s in scene.shapes) == pytest.approx(area * height, rel=2e-4)
    for shape in scene.shapes:
        assert is_closed(shape.mesh.faces)
        assert np.ptp(shape.mesh.vertices[:, 2]) == pytest.approx(height)
    assert scene.parts[0].hints.layer == "Outline"


def test_arcs_splines_and_bulges_close(tmp_path):
    document, space = drawing()
    space.add_lwpolyline(
        [(0, 0, 0, 0, 0), (80, 0, 0, 0, 1), (80, 40, 0, 0, 0), (0, 40, 0, 0, 1)], format="xyseb", close=True
    )
    space.add_ellipse((40, 20), major_axis=(12, 0), ratio=0.5)
    (shape,) = read_dxf(save(document, tmp_path / "slot.dxf"), THICK).shapes
    assert volume(shape.mesh) == pytest.approx((80 * 40 + math.pi * 400 - math.pi * 12 * 6) * 5, rel=2e-4)
    assert is_closed(shape.mesh.faces)


def test_ends_that_nearly_meet_are_joined_and_lines_drawn_twice_count_once(tmp_path):
    document, space = drawing()
    space.add_line((0, 0), (10, 0))
    space.add_line((10.00001, 0), (10, 10))
    space.add_line((10, 0.0), (10, 10))
    space.add_line((10, 10), (0, 10.00001))
    space.add_line((0, 10), (0, 0))
    (shape,) = read_dxf(save(document, tmp_path / "square.dxf"), THICK).shapes
    assert volume(shape.mesh) == pytest.approx(500, rel=1e-4)


def test_blocks_are_resolved_with_their_placement(tmp_path):
    document, space = drawing()
    block = document.blocks.new("SQUARE")
    rectangle(block, 0, 0, 10, 10)
    space.add_blockref("SQUARE", (0, 0))
    space.add_blockref("SQUARE", (50, 0), dxfattribs={"xscale": 2, "yscale": 2, "rotation": 30})
    scene = read_dxf(save(document, tmp_path / "blocks.dxf"), THICK)
    assert sorted(volume(s.mesh) for s in scene.shapes) == pytest.approx([500, 2000], rel=1e-9)


def test_thickness_of_the_entities_when_the_user_states_none(tmp_path):
    document, space = drawing()
    rectangle(space, 0, 0, 10, 10, thickness=3.0)
    rectangle(space, 20, 0, 10, 10)
    scene = read_dxf(save(document, tmp_path / "thick.dxf"), ReadOptions())
    assert [volume(s.mesh) for s in scene.shapes] == pytest.approx([300])
    codes = [n.code for n in scene.notes]
    assert "dxf_thickness" in codes and "dxf_profile_without_thickness" in codes
    stated = read_dxf(tmp_path / "thick.dxf", THICK)
    assert [volume(s.mesh) for s in stated.shapes] == pytest.approx([500, 500])


def test_thickness_unknown(tmp_path):
    document, space = drawing()
    rectangle(space, 0, 0, 10, 10)
    with pytest.raises(SourceError) as error:
        read_dxf(save(document, tmp_path / "flat.dxf"), ReadOptions())
    assert error.value.code == "dxf_thickness_unknown"
    assert '--thickness "5 mm"' in error.value.hint


def test_no_unit_is_a_prior_and_the_thickness_says_so(tmp_path):
    document, space = drawing(0)
    rectangle(space, 0, 0, 10, 10)
    path = save(document, tmp_path / "unitless.dxf")
    scene = read_dxf(path, THICK)
    assert scene.unit_claims[0].evidence.kind == "prior"
    assert scene.unit_claims[0].reliability < 0.9
    assert "dxf_unit_assumed" in [n.code for n in scene.notes]
    inches = read_dxf(path, ReadOptions(thickness_m=0.0254, units="in"))
    assert volume(inches.shapes[0].mesh) == pytest.approx(100)


def test_the_stated_thickness_holds_in_whatever_unit_is_decided(tmp_path):
    document, space = drawing(0)
    rectangle(space, 0, 0, 4000, 3000)
    path = save(document, tmp_path / "plate.dxf")
    for habit in ("mm", "m"):
        table = pipeline()
        table["ingest"]["size"]["median_m"] = [4000 * METRES_PER_UNIT[habit]] * 4
        twin = read(path, THICK, settings=IngestSettings.from_pipeline(table))
        assert np.ptp(twin.shapes[0].mesh.vertices[:, 2]) == pytest.approx(0.005, rel=1e-9), habit


def test_settings_reach_the_reader(tmp_path):
    document, space = drawing(0)
    rectangle(space, 0, 0, 40, 30)
    path = save(document, tmp_path / "plate.dxf")
    table = pipeline()
    table["dxf"]["unstated_reliability"] = 0.5
    sure, unsure = (
        read_dxf(path, THICK, settings=s).unit_claims[0].reliability
        for s in (None, IngestSettings.from_pipeline(table))
    )
    assert (sure, unsure) == (pipeline()["dxf"]["unstated_reliability"], 0.5)


def test_open_profile_names_the_gap(tmp_path):
    document, space = drawing()
    space.add_line((0, 0), (10, 0))
    space.add_line((10, 0), (10, 10))
    space.add_line((9.5, 10), (0, 0))
    with pytest.raises(SourceError) as error:
        read_dxf(save(document, tmp_path / "open.dxf"), THICK)
    assert error.value.code == "dxf_open_profile"
    assert "0.5" in error.value.message


def test_annotation_and_hidden_layers_do_not_count(tmp_path):
    document, space = drawing()
    rectangle(space, 0, 0, 10, 10)
    document.layers.add("Hidden").off()
    space.add_circle((5, 5), 2, dxfattribs={"layer": "Hidden"})
    space.add_text("A-A")
    scene = read_dxf(save(document, tmp_path / "notes.dxf"), THICK)
    assert volume(scene.shapes[0].mesh) == pytest.approx(500)


def test_drawing_without_curves(tmp_path):
    document, space = drawing()
    space.add_text("nothing")
    with pytest.raises(SourceError) as error:
        read_dxf(save(document, tmp_path / "empty.dxf"), THICK)
    assert error.value.code == "dxf_no_profile"


def test_damaged_drawings(tmp_path):
    document = ezdxf.new("R12")
    space = document.modelspace()
    rectangle(space, 0, 0, 10, 10)
    space.add_circle((5, 5), 2)
    data = save(document, tmp_path / "whole.dxf").read_bytes()
    rng = np.random.default_rng(7)
    seen = set()
    cases = [data[: int(len(data) * f)] for f in np.linspace(0, 0.99, 10)]
    for number in range(100):
        flipped = bytearray(data)
        for position in rng.integers(0, len(data), size=1 + number % 6):
            flipped[position] ^= 1 << int(rng.integers(0, 8))
        cases.append(bytes(flipped))
    for number, case in enumerate(cases):
        path = tmp_path / f"case{number}.dxf"
        path.write_bytes(case)
        try:
            scene = read_dxf(path, THICK)
        except PhysiclError as error:
            seen.add(error.code)
        else:
            seen.add("valid")
            assert all(np.isfinite(s.mesh.vertices).all() for s in scene.shapes)
    assert "valid" in seen and "file_empty" in seen
    assert seen & {"file_damaged", "dxf_no_profile", "not_dxf"}


@pytest.mark.needs_shared
def test_wrench():
    if not (SHARED / "wrench.dxf").exists():
        pytest.skip("development data absent")
    scene = read_dxf(SHARED / "wrench.dxf", THICK)
    assert all(is_closed(s.mesh.faces) for s in scene.shapes)
    assert all(volume(s.mesh) > 0 for s in scene.shapes)
