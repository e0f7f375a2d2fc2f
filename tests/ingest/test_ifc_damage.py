"""Buildings that are damaged, incomplete, too large, or crash the geometry kernel: a clear error or a note, never less."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.ingest import ifc_process
from physicl_twin.ingest.ifc import read_ifc
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError
from physicl_twin.settings import pipeline
from tests.ingest.ifc_writer import House, turned

pytest.importorskip("ifcopenshell")

OPTIONS = ReadOptions()


def small(schema: str = "IFC4", unit: float | None = 0.001) -> House:
    house = House(schema, unit)
    house.element("IfcWall", "Wall", turned(30, (1, 2, 0)), [house.box((0, 0, 0), (4, 0.3, 2.5))])
    return house


def settings(**own: float) -> IngestSettings:
    table = pipeline()
    return IngestSettings.from_pipeline({**table, "ifc": {**table["ifc"], **own}})


def code_of(path: Path, **own: float) -> str:
    with pytest.raises(SourceError) as caught:
        read_ifc(path, OPTIONS, settings=settings(**own))
    assert caught.value.hint
    assert str(path.parent) not in caught.value.message
    return caught.value.code


def test_a_truncated_file(tmp_path):
    path = small().write(tmp_path / "house.ifc")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert code_of(path) == "file_truncated"


def test_text_that_is_no_ifc(tmp_path):
    path = tmp_path / "house.ifc"
    path.write_text("a house")
    assert code_of(path) == "not_step"
    with pytest.raises(SourceError, match="looks like"):
        ingest.read(path)


def test_an_unknown_schema(tmp_path):
    path = small().write(tmp_path / "house.ifc")
    path.write_text(path.read_text().replace("'IFC4'", "'IFC9X9'"))
    assert code_of(path) == "ifc_schema_unsupported"


def test_garbage_in_the_middle(tmp_path):
    path = small().write(tmp_path / "house.ifc")
    text = path.read_text()
    at = text.index("IFCSHAPEREPRESENTATION") + 5
    path.write_text(text[:at] + "%%%$#((('''" + text[at:])
    assert code_of(path) == "file_damaged"


def test_elements_of_an_unknown_kind_are_named(tmp_path):
    house = small()
    house.element("IfcColumn", "Column", np.eye(4), [house.box((0, 0, 0), (1, 1, 1))])
    path = house.write(tmp_path / "house.ifc")
    path.write_text(path.read_text().replace("IFCCOLUMN(", "IFCPILLAR("))
    scene = read_ifc(path, OPTIONS)
    assert [b.name for b in scene.bodies] == ["Wall"]
    assert any(n.code == "ifc_errors" and "IFCPILLAR" in n.message for n in scene.notes)


def test_an_element_whose_relations_are_damaged_is_named_and_the_others_go_on(tmp_path):
    house = small()
    column = house.element("IfcColumn", "Column", np.eye(4), [house.box((0, 0, 0), (1, 1, 1))])
    house.associate([column], house.make("IfcMaterialList", Materials=[house.material("Steel")]))
    path = house.write(tmp_path / "house.ifc")
    text = path.read_text()
    lists = next(line for line in text.splitlines() if "IFCMATERIALLIST" in line)
    path.write_text(text.replace(lists, lists.split("(")[0] + "($);"))
    scene = read_ifc(path, OPTIONS)
    assert [b.name for b in scene.bodies] == ["Wall"]
    assert any(n.code == "ifc_errors" and f"#{column.id()} is left out" in n.message for n in scene.notes)


def test_no_unit_and_no_project(tmp_path):
    scene = read_ifc(small(unit=None).write(tmp_path / "house.ifc"), OPTIONS)
    assert scene.unit_claims[0].value == "m"
    assert "unit_missing" in {n.code for n in scene.notes}
    house = small()
    for relation in house.file.by_type("IfcRelAggregates"):
        if relation.RelatingObject == house.project:
            house.file.remove(relation)
    house.file.remove(house.project)
    scene = read_ifc(house.write(tmp_path / "house.ifc"), OPTIONS)
    assert "project_missing" in {n.code for n in scene.notes}
    assert len(scene.parts) == 1


def test_only_elements_without_a_body(tmp_path):
    house = House("IFC4")
    house.element("IfcWall", "Wall", np.eye(4), [])
    assert code_of(house.write(tmp_path / "house.ifc")) == "no_geometry"


def test_an_element_whose_geometry_cannot_be_made_is_named_and_the_others_go_on(tmp_path):
    house = small()
    bad = house.box((0, 0, 0), (1, 1, 1))
    bad.SweptArea.XDim = 0.0
    house.element("IfcColumn", "Nothing", np.eye(4), [bad])
    house.element("IfcFurniture", "Only a name", np.eye(4), [])
    scene = read_ifc(house.write(tmp_path / "house.ifc"), OPTIONS)
    assert [b.name for b in scene.bodies] == ["Wall"]
    told = {n.code: n.message for n in scene.notes}
    assert "Nothing" in told["element_left_out"]
    assert "1 elements have no geometry (furniture)" in told["element_without_body"]


def test_an_impossible_density_is_named(tmp_path):
    house = House("IFC4")
    wall = house.element("IfcWall", "Wall", np.eye(4), [house.box((0, 0, 0), (4, 0.3, 2.5))])
    house.associate([wall], house.material("Unobtainium", 1e7))
    scene = read_ifc(house.write(tmp_path / "house.ifc"), OPTIONS)
    assert scene.parts[0].hints.density is None
    assert any(n.code == "density_ignored" and "Unobtainium" in n.message for n in scene.notes)


def test_a_circular_structure_is_refused(tmp_path):
    house = small()
    one = house.element("IfcBuildingElementProxy", "A", np.eye(4), [house.box((0, 0, 0), (1, 1, 1))], contain=False)
    two = house.element("IfcBuildingElementProxy", "B", np.eye(4), [house.box((2, 0, 0), (3, 1, 1))], contain=False)
    house.aggregate(one, [two])
    house.aggregate(two, [one])
    assert code_of(house.write(tmp_path / "house.ifc")) == "file_damaged"
    house = small()
    house.storey.ObjectPlacement.PlacementRelTo = house.file.by_type("IfcWall")[0].ObjectPlacement
    assert code_of(house.write(tmp_path / "placed.ifc")) == "file_damaged"


def test_limits(tmp_path):
    path = small().write(tmp_path / "house.ifc")
    assert code_of(path, max_elements=0) == "too_many_elements"
    assert code_of(path, time_limit_s=0.01) == "converter_time_limit"
    with pytest.raises(SourceError) as caught:
        read_ifc(path, ReadOptions(max_faces=5))
    assert caught.value.code == "too_many_faces"


class Crashing:
    """Stands in for the child process: it dies on some elements as a segfault would, and works without them."""

    def __init__(self, bad: tuple[int, ...]) -> None:
        self.bad, self.real, self.runs = bad, ifc_process._run, 0

    def __call__(self, name, alone, result, orders, own):
        self.runs += 1
        skipped = orders["skip"]
        left = [number for number in self.bad if skipped is None or number not in skipped]
        if not left:
            return self.real(name, alone, result, orders, own)
        if skipped is not None:
            result.with_suffix(".at").write_text(str(left[0]))
        return subprocess.CompletedProcess([], -11, b"", b"")


def test_an_element_that_crashes_the_kernel_is_left_out(tmp_path, monkeypatch):
    house = small()
    bad = house.element("IfcColumn", "Cursed", np.eye(4), [house.box((0, 0, 0), (1, 1, 1))])
    path = house.write(tmp_path / "house.ifc")
    child = Crashing((bad.id(),))
    monkeypatch.setattr(ifc_process, "_run", child)
    scene = read_ifc(path, OPTIONS)
    assert child.runs == 3  # all at once, one by one, without it
    assert [b.name for b in scene.bodies] == ["Wall"]
    assert any("Cursed" in n.message and "crashes the geometry kernel" in n.message for n in scene.notes)
    monkeypatch.setattr(ifc_process, "_run", Crashing(tuple(range(100, 120))))
    assert code_of(path) == "converter_crashed"
