"""Buildings with known content: volumes, openings, layers, densities, placements, units, versions of the schema."""

from __future__ import annotations

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest.ifc import read_ifc
from physicl_twin.ingest.raw import RawScene, ReadOptions
from tests.ingest.ifc_writer import House, turned

pytest.importorskip("ifcopenshell")

OPTIONS = ReadOptions()


def volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def metres(scene: RawScene) -> float:
    return {"mm": 1e-3, "m": 1.0}[scene.unit_claims[0].value]


def part_volume(scene: RawScene, name: str) -> float:
    """Cubic metres of a part."""
    part = next(p for p in scene.parts if p.name == name)
    shape = next(s for s in scene.shapes if s.name == part.shape)
    return volume(shape.mesh) * metres(scene) ** 3


def bounds(scene: RawScene, body: str) -> np.ndarray:
    """(2, 3) of a body in the building's frame, metres."""
    placed = next(b for b in scene.bodies if b.name == body).transform
    corners = []
    for part in (p for p in scene.parts if p.body == body):
        mesh = next(s.mesh for s in scene.shapes if s.name == part.shape)
        corners.append((placed @ part.transform @ np.c_[mesh.vertices, np.ones(len(mesh.vertices))].T)[:3].T)
    points = np.vstack(corners) * metres(scene)
    return np.array([points.min(axis=0), points.max(axis=0)])


def notes(scene: RawScene) -> dict[str, str]:
    return {note.code: note.message for note in scene.notes}


@pytest.fixture(scope="module", params=[("IFC2X3", 0.001), ("IFC4", 1.0), ("IFC4X3", 0.001)], ids=lambda p: p[0])
def house(request, tmp_path_factory) -> RawScene:
    """A wall of two layers with a doorway, a slab, a column, furniture; the storey is turned and lifted."""
    schema, unit = request.param
    made = House(schema, unit, turned(30, (10, 20, 3)))
    wall = made.element("IfcWall", "Outer wall", turned(90, (1, 2, 0)), [made.box((0, 0, 0), (4, 0.3, 2.5))])
    made.opening(wall, (1, -0.1, 0), (2, 0.4, 2.1))
    made.layers(wall, [(made.material("Brick", 1800.0), 0.1), (made.material("Mineral wool", 40.0), 0.2)], 0.0)
    slab = made.element("IfcSlab", "Floor", turned(0, (0, 0, -0.2)), [made.box((0, 0, 0), (5, 4, 0.2))])
    made.associate([slab], made.material("Concrete C30/37", 2400.0))
    made.element("IfcColumn", "Column", turned(0, (4, 1, 0)), [made.box((0, 0, 0), (0.3, 0.3, 2.5))])
    made.spatial("IfcSpace", "Kitchen", made.storey, np.eye(4))
    return read_ifc(made.write(tmp_path_factory.mktemp("house") / "house.ifc"), OPTIONS)


def test_volumes_are_exact_and_the_opening_is_cut(house):
    assert part_volume(house, "Floor") == pytest.approx(4.0, rel=1e-9)
    assert part_volume(house, "Column") == pytest.approx(0.225, rel=1e-9)
    # 4 m of 2.5 m with a doorway of 1 m by 2.1 m, 0.1 m and 0.2 m thick.
    assert part_volume(house, "Outer wall Brick") == pytest.approx(0.1 * (10.0 - 2.1), rel=1e-9)
    assert part_volume(house, "Outer wall Mineral wool") == pytest.approx(0.2 * (10.0 - 2.1), rel=1e-9)


def test_layers_have_their_material_density_and_place(house):
    wall = {p.hints.material: p for p in house.parts if p.body == "Outer wall"}
    assert set(wall) == {"Brick", "Mineral wool"}
    assert wall["Brick"].hints.density.value == 1800.0
    assert wall["Mineral wool"].hints.density.value == 40.0
    assert wall["Brick"].hints.density.evidence[0].kind == "source"
    span = {}
    for material, part in wall.items():
        mesh = next(s.mesh for s in house.shapes if s.name == part.shape)
        span[material] = (mesh.vertices[:, 1].min() * metres(house), mesh.vertices[:, 1].max() * metres(house))
    assert span["Brick"] == pytest.approx((0.0, 0.1), abs=1e-9)
    assert span["Mineral wool"] == pytest.approx((0.1, 0.3), abs=1e-9)


def test_elements_stand_where_the_placements_say(house):
    expected = turned(30, (10, 20, 3)) @ turned(90, (1, 2, 0))
    wall = next(b for b in house.bodies if b.name == "Outer wall")
    np.testing.assert_allclose(wall.transform[:3, :3], expected[:3, :3], atol=1e-12)
    np.testing.assert_allclose(wall.transform[:3, 3] * metres(house), expected[:3, 3], atol=1e-9)


def test_the_doorway_stays_open_to_what_collides(house):
    """Exact boxes, whatever the unit of the file; nothing of them lies in the opening."""
    walls = [p for p in house.parts if p.body == "Outer wall"]
    for part in walls:
        assert [c.kind for c in part.collision.colliders] == ["box"] * 3
        for collider in part.collision.colliders:
            low = np.array(collider.pose.position_m) - np.array(collider.size_m) / 2
            high = np.array(collider.pose.position_m) + np.array(collider.size_m) / 2
            assert high[0] <= 1 + 1e-9 or low[0] >= 2 - 1e-9 or low[2] >= 2.1 - 1e-9


def test_everything_is_static_and_named_with_its_place(house):
    assert {b.name for b in house.bodies} == {"Outer wall", "Floor", "Column"}
    assert all(b.static for b in house.bodies)
    assert house.joints == () and house.articulation is None
    assert next(p for p in house.parts if p.name == "Column").hints.path == ("Site", "House", "Ground floor", "Column")
    assert next(p for p in house.parts if p.name == "Column").hints.layer == "column"
    assert house.title == "House" and house.semantics == "building"
    assert house.up_claims[0].value == "z"


def test_what_is_no_matter_is_counted(house):
    text = notes(house)["no_counterpart"]
    assert "1 space" in text and "1 openings" in text and "1 storeys" in text


def test_the_twin_is_in_metres_whatever_the_unit(tmp_path):
    made = House("IFC4", 0.001)
    made.element("IfcWall", "Wall", turned(0, (1, 2, 0)), [made.box((0, 0, 0), (4, 0.3, 2.5))])
    twin = ingest.read(made.write(tmp_path / "wall.ifc"))
    assert twin.frame.units.value == "mm"
    assert twin.bodies[0].pose.position_m == pytest.approx((1.0, 2.0, 0.0), abs=1e-12)
    np.testing.assert_allclose(twin.shapes[0].mesh.bounds(), [[0, 0, 0], [4, 0.3, 2.5]], atol=1e-12)
    assert twin.semantics.label == "building"
    stated = ingest.read(tmp_path / "wall.ifc", ReadOptions(units="m"))  # the user overrules the file
    assert stated.bodies[0].pose.position_m == pytest.approx((1000.0, 2000.0, 0.0))


@pytest.fixture(scope="module")
def layered(tmp_path_factory) -> RawScene:
    """Walls and a slab whose layers lie in other ways, or nobody knows how."""
    made = House("IFC4")
    brick, wool, unknown = made.material("Brick", 1800.0), made.material("Wool", 40.0), made.material("Unknown")

    def wall(name: str, layers, offset: float | None, sense: str = "POSITIVE") -> None:
        built = made.element("IfcWall", name, np.eye(4), [made.box((0, 0, 0), (4, 0.3, 2.5))])
        made.layers(built, layers, offset, sense)

    wall("Backward", [(brick, 0.1), (wool, 0.2)], 0.3, "NEGATIVE")
    wall("No usage", [(brick, 0.1), (wool, 0.2)], None)
    wall("No fit", [(brick, 0.1), (wool, 0.2)], 0.5)
    wall("Half known", [(brick, 0.1), (unknown, 0.2)], None)
    slab = made.element("IfcSlab", "Floor", np.eye(4), [made.box((0, 0, 0), (2, 3, 0.3))])
    layers = [(made.material("Concrete", 2400.0), 0.25), (made.material("Screed", 2000.0), 0.05)]
    made.layers(slab, layers, 0.0, axis="AXIS3")
    return read_ifc(made.write(tmp_path_factory.mktemp("layers") / "layers.ifc"), OPTIONS)


def test_layers_follow_offset_and_sense(layered):
    part = next(p for p in layered.parts if p.name == "Backward Brick")
    mesh = next(s.mesh for s in layered.shapes if s.name == part.shape)
    assert (mesh.vertices[:, 1].min() / 1e3, mesh.vertices[:, 1].max() / 1e3) == pytest.approx((0.2, 0.3), abs=1e-9)


def test_slab_layers_lie_along_z(layered):
    assert part_volume(layered, "Floor Concrete") == pytest.approx(1.5, rel=1e-9)
    assert part_volume(layered, "Floor Screed") == pytest.approx(0.3, rel=1e-9)


@pytest.mark.parametrize("name", ["No usage", "No fit"])
def test_layers_that_cannot_be_placed_give_their_mean(layered, name):
    (part,) = [p for p in layered.parts if p.body == name]
    assert part.hints.density.value == pytest.approx((0.1 * 1800 + 0.2 * 40) / 0.3)
    assert "Brick 100 mm" in part.hints.material_description
    assert any(n.code == "layers_not_split" and name in n.message for n in layered.notes)


def test_a_density_without_all_its_layers_is_no_density(layered):
    (part,) = [p for p in layered.parts if p.body == "Half known"]
    assert part.hints.density is None
    assert part.hints.material == "Unknown"


def test_a_density_is_converted_from_the_projects_unit(tmp_path):
    made = House("IFC4")
    gram = made.make("IfcSIUnit", UnitType="MASSUNIT", Name="GRAM")
    centimetre = made.make("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE", Prefix="CENTI")
    unit = made.make("IfcDerivedUnit", UnitType="MASSDENSITYUNIT", Elements=[
        made.make("IfcDerivedUnitElement", Unit=gram, Exponent=1),
        made.make("IfcDerivedUnitElement", Unit=centimetre, Exponent=-3)])  # fmt: skip
    made.project.UnitsInContext.Units = [*made.project.UnitsInContext.Units, unit]
    column = made.element("IfcColumn", "Column", np.eye(4), [made.box((0, 0, 0), (0.3, 0.3, 2.5))])
    made.associate([column], made.material("Steel", 7.85))
    (part,) = read_ifc(made.write(tmp_path / "column.ifc"), OPTIONS).parts
    assert part.hints.density.value == pytest.approx(7850.0)
    assert part.hints.material == "Steel"


def test_instances_share_their_shape(tmp_path):
    made = House("IFC4")
    source = made.representation([made.box((0, 0, 0), (0.3, 0.3, 2.5))])
    mapped = made.make("IfcRepresentationMap", MappingOrigin=made._axes(np.eye(4)), MappedRepresentation=source)
    for number in range(3):
        target = made.make("IfcCartesianTransformationOperator3D", LocalOrigin=made.point((0, 0, 0)))
        item = made.make("IfcMappedItem", MappingSource=mapped, MappingTarget=target)
        made.element("IfcColumn", f"Column {number}", turned(10 * number, (number, 0, 0)), [item])
    # Also one that is drawn anew; but not one that is a little taller.
    made.element("IfcColumn", "Copy", turned(0, (5, 0, 0)), [made.box((0, 0, 0), (0.3, 0.3, 2.5))])
    made.element("IfcColumn", "Taller", turned(0, (6, 0, 0)), [made.box((0, 0, 0), (0.3, 0.3, 2.501))])
    scene = read_ifc(made.write(tmp_path / "columns.ifc"), OPTIONS)
    assert len(scene.bodies) == 5 and len(scene.shapes) == 2


def test_an_assembly_is_one_body(tmp_path):
    made = House("IFC4")
    stair = made.element("IfcStair", "Stair", turned(0, (1, 0, 0)), [])
    flights = [made.element("IfcStairFlight", f"Flight {n}", turned(0, (1 + n, 0, 0)), [made.box((0, 0, 0), (1, 1, 0.2))],
                            contain=False) for n in range(2)]  # fmt: skip
    made.aggregate(stair, flights)
    scene = read_ifc(made.write(tmp_path / "stair.ifc"), OPTIONS)
    (body,) = scene.bodies
    assert body.name == "Stair" and {p.name for p in scene.parts} == {"Flight 0", "Flight 1"}
    np.testing.assert_allclose(bounds(scene, "Stair"), [[1, 0, 0], [3, 1, 0.2]], atol=1e-9)


def test_a_building_far_from_the_origin_is_moved_there(tmp_path):
    made = House("IFC4", 1.0, turned(0, (2_600_000.0, 1_200_000.0, 400.0)))
    made.element("IfcSlab", "Floor", np.eye(4), [made.box((0, 0, 0), (4, 4, 0.2))])
    scene = read_ifc(made.write(tmp_path / "far.ifc"), OPTIONS)
    assert np.abs(bounds(scene, "Floor")).max() < 10.0
    assert "moved_to_origin" in notes(scene)
    # Also where the coordinates themselves are far away, and not the placement.
    drawn = House("IFC4", 1.0)
    drawn.element("IfcSlab", "Floor", np.eye(4), [drawn.box((2_600_000.0, 0, 0), (2_600_004.0, 4, 0.2))])
    scene = read_ifc(drawn.write(tmp_path / "drawn.ifc"), OPTIONS)
    np.testing.assert_allclose(np.ptp(bounds(scene, "Floor"), axis=0), (4, 4, 0.2), atol=1e-6)
    assert np.abs(scene.shapes[0].mesh.vertices).max() < 10.0
    assert np.abs(bounds(scene, "Floor")).max() < 10.0


def test_surface_styles_become_looks(tmp_path):
    made = House("IFC4")
    item = made.box((0, 0, 0), (4, 0.3, 2.5))
    colour = made.make("IfcColourRgb", Red=1.0, Green=0.5, Blue=0.0)
    shading = made.make("IfcSurfaceStyleShading", SurfaceColour=colour, Transparency=0.0)
    style = made.make("IfcSurfaceStyle", Name="Orange paint", Side="BOTH", Styles=[shading])
    made.make("IfcStyledItem", Item=item, Styles=[style])
    made.element("IfcWall", "Wall", np.eye(4), [item])
    made.element("IfcSlab", "Bare", np.eye(4), [made.box((0, 0, -0.2), (4, 4, 0))])
    scene = read_ifc(made.write(tmp_path / "wall.ifc"), OPTIONS)
    (look,) = scene.appearances  # the kernel's default colours are nobody's word
    assert look.source_name == "Orange paint"
    assert look.base_color == pytest.approx((1.0, 0.214041, 0.0), abs=1e-4)  # linear
