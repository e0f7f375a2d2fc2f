"""The whole stage: from what a reader hands over to a twin with every number and its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physicl_twin import settings
from physicl_twin.model import Body, ConfigError, GeometryError, Mesh, Part, PartHints, Pose, Shape
from physicl_twin.normalize import NormalizeOptions, normalize, parse_mass
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stages import with_solids
from tests.normalize.solids import SETTINGS, box, join, twin_of

SHARED = Path(__file__).parents[3] / "shared" / "data"


def hammer_like():
    """A steel head across an oak handle."""
    shapes = (
        Shape("head", mesh=box((0.10, 0.03, 0.03))),
        Shape("handle", mesh=join(box((0.02, 0.02, 0.3)), box((0.02, 0.02, 0.3)))),
        Shape("unplaced", mesh=box()),
    )
    parts = (
        Part("Head", "head", Pose((0, 0, 0.165)), PartHints(material="Steel")),
        Part("Handle", "handle", hints=PartHints(material="Oak")),
    )
    return twin_of(shapes, (Body("hammer", parts),))


def test_every_stage_leaves_its_mark_and_twice_is_once() -> None:
    stages: list[str] = []

    def progress(stage: str, fraction: float, message: str = "") -> None:
        assert 0 <= fraction <= 1
        if stage not in stages:
            stages.append(stage)

    options = NormalizeOptions(fast=True)
    twin = normalize(hammer_like(), options, progress)
    assert stages[:4] == ["shapes", "joints", "materials", "mass"] and stages[-1] == "semantics"
    assert [shape.name for shape in twin.shapes] == ["head", "handle"]
    for shape in twin.shapes:
        assert shape.geometry is not None and shape.solid is not None
    for part in twin.parts:
        assert part.mass is not None and part.mass.value > 0 and part.collision is not None
        assert "kg/m3" in part.mass.evidence[0].statement
    steel = twin.material(twin.parts[0].material).density.value
    assert twin.parts[0].mass.value == pytest.approx(9e-5 * steel, rel=1e-9)
    assert twin.semantics is not None
    assert [note.code for note in twin.notes].count("geometry_repaired") == 1
    assert normalize(twin, options) == twin


def test_statements_and_scale_reach_the_mass() -> None:
    options = NormalizeOptions(materials=(("Handle", "Pine"),), mass=parse_mass("0.800 kg"), fast=True)
    twin = normalize(hammer_like(), options)
    assert twin.bodies[0].mass.value == pytest.approx(0.8, rel=2e-3)
    assert "pine" in twin.material(twin.parts[1].material).title.lower()
    assert normalize(twin, options) == twin


def test_shapes_that_cannot_be_are_named() -> None:
    nothing = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]], np.int32))
    twin = twin_of((Shape("void", mesh=nothing),), (Body("b", (Part("p", "void"),)),))
    with pytest.raises(GeometryError, match="void"):
        normalize(twin)


def test_settings_are_checked() -> None:
    table = dict(settings.pipeline()["normalize"])
    assert NormalizeSettings.from_table(table) == SETTINGS
    with pytest.raises(ConfigError) as caught:
        NormalizeSettings.from_table({**table, "mass_samples": -1})
    assert caught.value.code == "config_out_of_range"
    del table["mass_samples"]
    with pytest.raises(ConfigError) as caught:
        NormalizeSettings.from_table(table)
    assert caught.value.code == "config_missing_key"


@pytest.mark.needs_shared
@pytest.mark.parametrize("name", ["allen_key", "measuring_tape", "pliers"])
def test_unit_inertia_of_real_tools_of_nearly_one_density(name) -> None:
    """Centre of mass and inertia per mass of whole meshes against the maker's CAD (the density itself is not at stake)."""
    import json
    import re

    from physicl_twin import ingest
    from physicl_twin.ingest.raw import ReadOptions

    folder = SHARED / "workshop_tools" / name
    if not folder.exists():
        pytest.skip("development data are not beside the checkout")
    text = (folder / "Inertia.yaml").read_text()
    mass, com, inertia = (
        json.loads(re.search(rf"{key}: (.*)", text)[1]) for key in ("MASS", "COM_WRT_MESH", "INERTIA_WRT_COM")
    )
    twin = with_solids(ingest.read(folder / "mesh.ply", ReadOptions(units="mm", up_axis="z")), SETTINGS)
    solid = twin.shapes[0].solid
    if len(twin.shapes) > 1:
        pytest.skip("the mesh is split by material")
    np.testing.assert_allclose(solid.com_m, com, atol=2e-4)
    moments = np.linalg.eigvalsh(solid.inertia_m5) / solid.volume.value
    np.testing.assert_allclose(moments, np.linalg.eigvalsh(inertia) / mass, rtol=0.01)


def test_a_heap_of_loose_triangles_is_refused():
    """A hundred triangles that share no corner hold together by nothing."""
    corners = np.random.default_rng(1).random((300, 3))
    soup = Shape("soup", mesh=Mesh(corners, np.arange(300, dtype=np.int32).reshape(-1, 3)))
    with pytest.raises(GeometryError) as error:
        with_solids(twin_of((soup,), (Body("b", (Part("p", "soup"),)),)), SETTINGS)
    assert error.value.code == "loose_triangles" and "100 loose pieces" in error.value.message
