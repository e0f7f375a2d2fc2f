"""CAD files with known content: integrals, units, placements, instances, colours, materials."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest.cad import read_cad
from physicl_twin.ingest.cad_tessellate import is_closed
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.model import SourceError
from tests.ingest.cad_writer import UNITS, Item, location, placement, solids, write_brep, write_iges, write_step

pytest.importorskip("OCP")

OPTIONS = ReadOptions()
SHARED = Path(__file__).parents[3] / "shared" / "data" / "meshes_and_cad"


@pytest.fixture(scope="module")
def truths():
    return {truth.name: truth for truth in solids()}


def mesh_volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def metres(scene: RawScene) -> float:
    claim = scene.unit_claims[0]
    return claim.metres_per_unit or {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254}[claim.value]


def assert_solid(scene: RawScene, truth, accuracy: float) -> None:
    """One closed part whose integrals, scaled by the claimed unit, are the truth."""
    (shape,) = scene.shapes
    mm = metres(scene) * 1e3
    assert shape.brep is not None
    assert shape.brep.volume * mm**3 == pytest.approx(truth.volume, rel=accuracy)
    size = truth.volume ** (1 / 3)
    np.testing.assert_allclose(np.array(shape.brep.com) * mm, truth.com, atol=accuracy * size)
    scale = np.abs(truth.inertia).max()
    np.testing.assert_allclose(np.array(shape.brep.inertia) * mm**5, truth.inertia, atol=accuracy * scale)
    assert is_closed(shape.mesh.faces)
    assert mesh_volume(shape.mesh) * mm**3 == pytest.approx(truth.volume, rel=0.01)
    assert 0 < shape.brep.relative_error < 1e-4


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", ["box", "cylinder", "sphere", "cone", "torus", "plate"])
def test_step_solids_are_exact_in_every_unit(truths, tmp_path, name, unit):
    scene = read_cad(write_step(Item(name, truths[name].shape), tmp_path / f"{name}.step", unit), OPTIONS)
    assert scene.unit_claims[0].value == unit
    assert scene.unit_claims[0].reliability >= 0.98
    assert scene.format == "step"
    assert_solid(scene, truths[name], 1e-6)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("as_solid", [True, False])
@pytest.mark.parametrize("name", ["box", "cylinder", "plate"])
def test_iges_solids_and_loose_surfaces(truths, tmp_path, name, unit, as_solid):
    scene = read_cad(write_iges([truths[name].shape], tmp_path / f"{name}.igs", unit, as_solid), OPTIONS)
    assert scene.unit_claims[0].value == unit
    # As loose surfaces the writer turns cylinders into splines rounded to eight digits.
    assert_solid(scene, truths[name], 1e-6 if as_solid else 5e-6)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["box", "torus"])
def test_brep_is_exact_and_its_unit_is_only_a_prior(truths, tmp_path, name, binary):
    scene = read_cad(write_brep(truths[name].shape, tmp_path / f"{name}.brep", binary), OPTIONS)
    assert_solid(scene, truths[name], 1e-6)
    assert scene.unit_claims[0].value == "mm"
    assert scene.unit_claims[0].reliability < 0.9
    assert scene.unit_claims[0].evidence.kind == "prior"


def test_splines_are_integrated_adaptively(truths, tmp_path):
    """The kernel's fixed-order rule misses the volume of a spline cylinder by almost one per cent."""
    from OCP.BRepBuilderAPI import BRepBuilderAPI_NurbsConvert

    spline = BRepBuilderAPI_NurbsConvert(truths["cylinder"].shape).Shape()
    scene = read_cad(write_step(Item("spline", spline), tmp_path / "spline.step"), OPTIONS)
    assert_solid(scene, truths["cylinder"], 1e-6)


def test_normals_follow_the_surface(truths, tmp_path):
    scene = read_cad(write_step(Item("cylinder", truths["cylinder"].shape), tmp_path / "c.step"), OPTIONS)
    mesh = scene.shapes[0].mesh
    corners = mesh.vertices[mesh.faces]
    side = np.abs(mesh.normals[..., 2]) < 0.5
    radial = corners[side][:, :2] / np.linalg.norm(corners[side][:, :2], axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals[side][:, :2], radial, atol=1e-6)
    caps = ~side
    assert set(np.round(mesh.normals[caps][:, 2], 9)) == {-1.0, 1.0}


@pytest.fixture(scope="module")
def assembly(truths, tmp_path_factory) -> RawScene:
    pin = Item("Pin", truths["cylinder"].shape, colour=(0.8, 0.1, 0.05))
    plate = Item(
        "Plätte 板", truths["plate"].shape, material=("EN AW-6061", "Aluminium", 2.70), layer="Base", volume=12800.0
    )
    plate.colour, plate.face_colours = (0.2, 0.2, 0.6), {0: (0.0, 1.0, 0.0)}
    turned = placement((5, 6, 7), (1, 2, 3), 50)
    inner = Item("Inner", members=[(pin, placement(), "Pin left"), (pin, turned, "Pin right")])
    outer = Item("Outer", members=[(inner, placement((100, 0, 0), (0, 0, 1), 90), ""), (plate, placement(), "")])
    path = write_step(outer, tmp_path_factory.mktemp("assembly") / "assembly.step", "in")
    return read_cad(path, OPTIONS)


def test_assembly_names_paths_and_shared_instances(assembly):
    assert [p.name for p in assembly.parts] == ["Pin left", "Pin right", "Plätte 板"]
    assert assembly.parts[0].shape == assembly.parts[1].shape
    assert len(assembly.shapes) == 2
    assert assembly.parts[0].hints.path[0] == "Outer"
    assert "Inner" in assembly.parts[0].hints.path
    assert assembly.title == "Outer"


def test_nested_rotated_placement(assembly):
    expected = placement((100, 0, 0), (0, 0, 1), 90) @ placement((5, 6, 7), (1, 2, 3), 50)
    expected[:3, 3] /= 25.4
    np.testing.assert_allclose(assembly.parts[1].transform, expected, atol=1e-9)


def test_colours_of_parts_and_faces(assembly):
    looks = {a.name: a for a in assembly.appearances}
    pin, plate = (next(s for s in assembly.shapes if s.name.startswith(n)) for n in ("Pin", "Plätte"))
    np.testing.assert_allclose(looks[pin.appearances[0]].base_color, (0.8, 0.1, 0.05), atol=1e-3)
    assert pin.mesh.face_appearance is None
    colours = {tuple(np.round(looks[n].base_color, 2)) for n in plate.appearances}
    assert colours == {(0.2, 0.2, 0.6), (0.0, 1.0, 0.0)}
    green = [np.round(looks[n].base_color[1], 2) for n in plate.appearances].index(1.0)
    corners = plate.mesh.vertices[plate.mesh.faces[plate.mesh.face_appearance == green]] * 25.4
    assert np.ptp(corners.reshape(-1, 3), axis=0).min() < 1e-6, "one face of the plate is green, and it is flat"


def test_material_density_and_layer(assembly):
    hints = assembly.parts[2].hints
    assert (hints.material, hints.material_description, hints.layer) == ("EN AW-6061", "Aluminium", "Base")
    assert hints.density.value == pytest.approx(2700.0)
    assert hints.density.unit == "kg/m3"
    assert hints.density.evidence[0].kind == "source"
    assert assembly.parts[0].hints.density is None


def test_volume_stated_by_the_writer_is_compared(assembly):
    assert any(n.code == "validation_volume_disagrees" and "Plätte" in n.message for n in assembly.notes)


@pytest.mark.parametrize(
    ("number", "mass_unit", "length_unit"),
    [("7850.", ".KILO.,.GRAM.", "$,.METRE."), ("7.85E-6", ".KILO.,.GRAM.", ".MILLI.,.METRE."),
     ("7.85", "$,.GRAM.", ".CENTI.,.METRE."), ("7850.", "$,.GRAM.", ".DECI.,.METRE.")],
)  # fmt: skip
def test_density_in_the_files_own_unit(truths, tmp_path, number, mass_unit, length_unit):
    path = write_step(Item("part", truths["box"].shape, material=("Steel", "S235", 7.85)), tmp_path / "d.step")
    text = path.read_text()
    gram, centi = "SI_UNIT($,.GRAM.)", "SI_UNIT(.CENTI.,.METRE.)"
    assert gram in text and centi in text
    text = text.replace(gram, f"SI_UNIT({mass_unit})").replace(centi, f"SI_UNIT({length_unit})")
    text = text.replace("POSITIVE_RATIO_MEASURE(7.85)", f"POSITIVE_RATIO_MEASURE({number})")
    # The kernel's writer gives the exponents 3 and 2 to mass and length; a density has 1 and -3.
    lines = [
        line.replace(",3.)", ",1.)").replace(",2.)", ",-3.)") if "DERIVED_UNIT_ELEMENT" in line else line
        for line in text.splitlines()
    ]
    path.write_text("\n".join(lines))
    density = read_cad(path, OPTIONS).parts[0].hints.density
    assert density.value == pytest.approx(7850.0, rel=1e-9)
    assert density.flags == ()


def test_solids_of_one_part_stay_one_unless_they_differ(truths, tmp_path):
    from OCP.BRep import BRep_Builder
    from OCP.TopoDS import TopoDS_Compound

    builder, both = BRep_Builder(), TopoDS_Compound()
    builder.MakeCompound(both)
    far = truths["box"].shape.Moved(location(placement((50, 0, 0))))
    builder.Add(both, truths["box"].shape)
    builder.Add(both, far)
    plain = read_cad(write_step(Item("pair", both), tmp_path / "pair.step"), OPTIONS)
    assert len(plain.parts) == 1
    assert plain.shapes[0].brep.volume == pytest.approx(12000.0, rel=1e-9)
    painted = Item("pair", both, face_colours=dict.fromkeys(range(6), (1.0, 0.0, 0.0)))
    split = read_cad(write_step(painted, tmp_path / "split.step"), OPTIONS)
    assert len(split.parts) == 2
    assert [s.brep.volume for s in split.shapes] == pytest.approx([6000.0, 6000.0], rel=1e-9)


def test_open_surface_has_no_volume_and_says_so(truths, tmp_path):
    from OCP.BRep import BRep_Builder
    from OCP.TopoDS import TopoDS_Shell

    from physicl_twin.ingest.cad_tessellate import faces_of

    builder, shell = BRep_Builder(), TopoDS_Shell()
    builder.MakeShell(shell)
    for face in faces_of(truths["box"].shape)[:5]:
        builder.Add(shell, face)
    scene = read_cad(write_step(Item("tray", shell), tmp_path / "tray.step"), OPTIONS)
    assert scene.shapes[0].brep is None
    assert not is_closed(scene.shapes[0].mesh.faces)
    assert "sheet_body" in [n.code for n in scene.notes]


def test_compressed_step(truths, tmp_path):
    plain = write_step(Item("box", truths["box"].shape), tmp_path / "box.step")
    packed = tmp_path / "box.stpz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    assert_solid(read_cad(packed, OPTIONS), truths["box"], 1e-9)
    with pytest.raises(SourceError) as error:
        read_cad(packed, ReadOptions(max_bytes=packed.stat().st_size + 10))
    assert error.value.code == "file_too_large"
    assert ingest.read(packed).sources[0].format == "step"


def test_reading_twice_gives_the_same(truths, tmp_path):
    path = write_step(Item("plate", truths["plate"].shape), tmp_path / "plate.step")
    first, second = (read_cad(path, OPTIONS) for _ in range(2))
    assert (first.parts[0].name, first.appearances, first.unit_claims) == (
        second.parts[0].name,
        second.appearances,
        second.unit_claims,
    )
    assert first.shapes == second.shapes
    np.testing.assert_array_equal(first.shapes[0].mesh.normals, second.shapes[0].mesh.normals)


def test_face_limit(truths, tmp_path):
    path = write_step(Item("torus", truths["torus"].shape), tmp_path / "torus.step")
    with pytest.raises(SourceError) as error:
        read_cad(path, ReadOptions(max_faces=100))
    assert error.value.code == "too_many_faces"


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["base_interface_AP214.STEP", "featuretype.STEP"])
def test_real_files(name):
    if not (SHARED / name).exists():
        pytest.skip("development data absent")
    scene = read_cad(SHARED / name, OPTIONS)
    assert scene.unit_claims[0].value == "in"
    (shape,) = scene.shapes
    assert is_closed(shape.mesh.faces)
    assert mesh_volume(shape.mesh) == pytest.approx(shape.brep.volume, rel=0.005)
