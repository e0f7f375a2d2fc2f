"""NVIDIA's validator on every kind of twin, and what it does not look at: purity, determinism, names on disk."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from pxr import Sdf, Tf, Usd, UsdGeom, UsdPhysics, UsdShade

from physicl_twin import usd
from tests.usd.twins import FAMILY, multi_part, tray, unicode_names, write

#: Optional features that say nothing about a prop of that kind: MDL and OpenPBR are other renderers' materials.
OTHER_RENDERERS = {"FET_006_MDL", "FET_006_OPENPBR"}
MULTIBODY = {"FET_004_STANDARD", "FET_004_PHYSX", "FET_004_NEWTON", "FET_004_MUJOCO"}
#: What each twin honestly cannot have: no grasp line when nothing is narrow enough, no sensor attributes without a known base.
UNMET = {
    "textured": {"FET_005_STANDARD"},
    "sdf": {"FET_005_STANDARD"},
    "sdf_shared": {"FET_005_STANDARD"},
    "vertex_colored": {"FET_007_STANDARD"},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("twins")
    return {name: write(make(), root / name, generated="2026-01-02") for name, make in FAMILY.items()}


@pytest.fixture(scope="module")
def validator():
    sv = pytest.importorskip("simready.validate")
    sv.initialize([], [], [])

    def validate(path: Path):
        config = sv.AssetValidationConfig(asset_path=str(path), profile_id="Robotics-Prop", profile_version="4.0.0")
        return sv.validate_asset(config)

    return validate


@pytest.mark.parametrize("name", list(FAMILY))
def test_robotics_prop_passes_with_every_optional_feature_that_applies(name, written, validator):
    result = validator(written[name])
    assert result is not None
    assert [f"{issue.requirement} {issue.message}" for issue in result.issues] == []
    unmet = {feature for feature, outcome in result.features_summary.items() if not outcome["passed"]}
    expected = OTHER_RENDERERS | UNMET.get(name, set()) | (set() if name == "hinged" else MULTIBODY)
    assert unmet == expected


def test_a_broken_asset_fails_the_validator(written, validator, tmp_path):
    """The oracle itself can say no: the same asset in centimetres and without its class."""
    folder = tmp_path / "block"
    shutil.copytree(written["single"].parent, folder / "simready")
    path = folder / "simready/block.usda"
    path.write_text(path.read_text().replace("metersPerUnit = 1", "metersPerUnit = 0.01"))
    codes = {issue.requirement.code.rpartition("simready.")[2] for issue in validator(path).issues}
    assert "UN.007" in codes


@pytest.mark.parametrize("name", list(FAMILY))
def test_stage_opens_without_warnings_and_all_assets_resolve(name, written):
    delegate = _Diagnostics()
    stage = Usd.Stage.Open(str(written[name]))
    for variant in ("PhysX", "Newton", "MuJoCo"):
        stage.GetDefaultPrim().GetVariantSet(variant).SetVariantSelection("Enabled")
        list(Usd.PrimRange(stage.GetDefaultPrim(), Usd.TraverseInstanceProxies()))
    assert stage.GetCompositionErrors() == []
    assert delegate.messages() == []
    for prim in Usd.PrimRange(stage.GetDefaultPrim(), Usd.TraverseInstanceProxies()):
        for attribute in prim.GetAttributes():
            if attribute.GetTypeName() == Sdf.ValueTypeNames.Asset and attribute.Get():
                assert Path(attribute.Get().resolvedPath).is_file(), attribute.GetPath()


class _Diagnostics:
    """Collects OpenUSD's warnings and errors while it lives."""

    def __init__(self) -> None:
        self._mark = Tf.Error.Mark()
        self._mark.SetMark()

    def messages(self) -> list[str]:
        return [str(error) for error in self._mark.GetErrors()]


@pytest.mark.parametrize("name", list(FAMILY))
def test_neutral_base_has_no_engine_schema_and_each_variant_only_its_own(name, written):
    stage = Usd.Stage.Open(str(written[name]))
    owners = {"Physx": "PhysX", "Newton": "Newton", "Mjc": "MuJoCo"}
    for selected in (None, *owners.values()):
        for variant in owners.values():
            choice = "Enabled" if variant == selected else "Disabled"
            stage.GetDefaultPrim().GetVariantSet(variant).SetVariantSelection(choice)
        found = set()
        for prim in Usd.PrimRange(stage.GetDefaultPrim(), Usd.TraverseInstanceProxies()):
            op = prim.GetMetadata("apiSchemas")
            for api in op.GetAddedOrExplicitItems() if op else ():
                found |= {owner for prefix, owner in owners.items() if str(api).startswith(prefix)}
        assert found == ({selected} if selected else set())


def test_same_input_same_bytes_also_in_another_process(written, tmp_path):
    """Another process has other hash seeds and addresses; the binary geometry layer must not care."""
    program = (
        "import sys; from pathlib import Path; from tests.usd.twins import FAMILY, write\n"
        "for name, make in FAMILY.items(): write(make(), Path(sys.argv[1]) / name, generated='2026-01-02')"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=True, timeout=300)
    for name, path in written.items():
        here, there = _hashes(path.parent), _hashes(tmp_path / name / path.stem / "simready")
        assert here == there and len(here) >= 9


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_metadata_agrees_with_the_stage(written):
    stage = Usd.Stage.Open(str(written["hinged"]))
    data = stage.GetRootLayer().customLayerData["SimReady_Metadata"]
    bodies = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    assert data["rigid_body_count"] == len(bodies) == 5
    assert data["mass"] == pytest.approx(sum(UsdPhysics.MassAPI(p).GetMassAttr().Get() for p in bodies))
    low, high = UsdGeom.ModelAPI(stage.GetDefaultPrim()).GetExtentsHint()[:2]
    assert tuple(data["asset_extents"]) == pytest.approx(tuple(high - low))
    assert data["usd_date_generated"] == "2026-01-02"


def test_shared_shapes_are_instances_of_one_prototype(written):
    stage = Usd.Stage.Open(str(written["instanced"]))
    bolts = [stage.GetPrimAtPath(f"/bolted_bar/geometry/bolt_{i}") for i in range(4)]
    assert all(bolt.IsInstance() for bolt in bolts)
    assert len({bolt.GetPrototype() for bolt in bolts}) == 1
    assert not stage.GetPrimAtPath("/bolted_bar/geometry/bar").IsInstance()
    geometry = Sdf.Layer.FindOrOpen(str(written["instanced"].parent / "payloads/geometries.usdc"))
    assert [child.name for child in geometry.GetPrimAtPath("/Geometries").nameChildren] == ["bar", "bolt"]
    # The four bolts collide with one and the same hull, the bar with its own.
    assert len(geometry.GetPrimAtPath("/Hulls").nameChildren) == 2


@pytest.mark.parametrize("shared", [False, True])
def test_sdf_replaces_the_hulls_in_physx_only(shared, tmp_path):
    path = write(tray(shared), tmp_path)
    stage = Usd.Stage.Open(str(path))
    mesh, wall = "/tray/geometry/tray/mesh", stage.GetPrimAtPath("/tray/colliders/tray_00")
    assert wall.GetAttribute("physics:collisionEnabled").Get() is True
    assert not stage.GetPrimAtPath(mesh).HasAPI(UsdPhysics.CollisionAPI)
    stage.GetDefaultPrim().GetVariantSet("PhysX").SetVariantSelection("Enabled")
    surface = stage.GetPrimAtPath(mesh)
    assert surface.GetAttribute("physics:approximation").Get() == "sdf"
    assert surface.HasAPI(UsdPhysics.CollisionAPI) and surface.HasAPI(UsdPhysics.MeshCollisionAPI)
    # The wall is 4 mm of 200 mm: three cells across want 150 cells, whole blocks of six.
    assert 145 <= surface.GetAttribute("physxSDFMeshCollision:sdfResolution").Get() <= 260
    assert surface.GetAttribute("physxSDFMeshCollision:sdfResolution").Get() % 6 == 0
    assert stage.GetPrimAtPath("/tray/colliders/tray_00").GetAttribute("physics:collisionEnabled").Get() is False
    bound, _ = UsdShade.MaterialBindingAPI(surface).ComputeBoundMaterial("physics")
    assert bound.GetPath() == "/tray/PhysicsMaterials/abs"


def test_names_in_any_script_become_identifiers_and_stay_readable(written):
    stage = Usd.Stage.Open(str(written["unicode"]))
    parts = list(stage.GetPrimAtPath("/zahnrad/geometry").GetChildren())
    titles = [part.name for part in unicode_names().parts]
    assert [part.GetDisplayName() for part in parts] == titles
    assert len({part.GetName() for part in parts}) == len(titles)
    assert all(part.GetName().isascii() and Sdf.Path.IsValidIdentifier(part.GetName()) for part in parts)
    for path in written["unicode"].parent.rglob("*"):
        assert path.name.isascii()


def test_thumbnail_is_a_picture_of_the_object(tmp_path):
    path = usd.write_twin(multi_part(), tmp_path)
    with Image.open(path.parent / ".thumbs/256x256/assembly.usda.png") as image:
        assert image.size == (256, 256) and image.info == {}
        assert len(image.convert("RGB").getcolors(1 << 16)) > 1000
