"""USD assets made on the spot: units, meshes, primitives, instances, looks, purposes, and assets that are no good."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdUtils, Vt

from physicl_twin.ingest.cad_tessellate import is_closed
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.ingest.usd import read_usd
from physicl_twin.model import SourceError

OPTIONS = ReadOptions()
ROOT = Path(__file__).parents[2]

#: Reads each file named on standard input and prints its outcome as a JSON line.
_CHILD = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.ingest.usd import read_usd
from physicl_twin.model import PhysiclError
for line in sys.stdin:
    try:
        read_usd(Path(line.strip()), ReadOptions())
        outcome = ("valid", "")
    except PhysiclError as error:
        outcome = (error.code, error.message)
    except Exception as error:
        outcome = (f"raised {type(error).__name__}: {error}", "")
    print(json.dumps(outcome), flush=True)
"""
CUBE_POINTS = [(x, y, z) for z in (0, 3) for y in (0, 2) for x in (0, 1)]
CUBE_QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)]


def volume(mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def stage_at(path: Path, metres: float | None = 1.0, up: str | None = "Z") -> Usd.Stage:
    stage = Usd.Stage.CreateNew(str(path))
    if metres is not None:
        UsdGeom.SetStageMetersPerUnit(stage, metres)
    if up is not None:
        UsdGeom.SetStageUpAxis(stage, up)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Root").GetPrim())
    return stage


def box(stage: Usd.Stage, path: str, quads=CUBE_QUADS) -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(Vt.Vec3fArray([Gf.Vec3f(*p) for p in CUBE_POINTS]))
    mesh.CreateFaceVertexCountsAttr([len(q) for q in quads])
    mesh.CreateFaceVertexIndicesAttr([i for q in quads for i in q])
    mesh.CreateSubdivisionSchemeAttr("none")
    return mesh


def preview(stage: Usd.Stage, path: str, color=(0.8, 0.1, 0.1), texture: str = "") -> UsdShade.Material:
    material = UsdShade.Material.Define(stage, path)
    shader = UsdShade.Shader.Define(stage, f"{path}/Surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    color_input = shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
    color_input.Set(Gf.Vec3f(*color))
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.3)
    shader.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(1.0)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    if texture:
        reader = UsdShade.Shader.Define(stage, f"{path}/Image")
        reader.CreateIdAttr("UsdUVTexture")
        reader.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(Sdf.AssetPath(texture))
        color_input.ConnectToSource(reader.ConnectableAPI(), "rgb")
    return material


def saved(stage: Usd.Stage, path: Path) -> Path:
    stage.GetRootLayer().Save()
    return path


@pytest.mark.parametrize("suffix", ["usda", "usdc", "usd"])
@pytest.mark.parametrize(("metres", "unit"), [(1.0, "m"), (0.01, "cm"), (0.001, "mm"), (0.0254, "in"), (0.3048, "ft")])
def test_units_axes_and_content(tmp_path, suffix, metres, unit):
    path = tmp_path / f"a.{suffix}"
    stage = stage_at(path, metres, "Y")
    box(stage, "/Root/Box")
    scene = read_usd(saved(stage, path), OPTIONS)
    assert (scene.unit_claims[0].value, scene.up_claims[0].value) == (unit, "y")
    assert scene.unit_claims[0].reliability > 0.9
    assert volume(scene.shapes[0].mesh) == pytest.approx(6.0)
    assert is_closed(scene.shapes[0].mesh.faces)
    assert scene.parts[0].name == "Box"


def test_nothing_authored_is_a_weak_claim(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path, None, None)
    box(stage, "/Root/Box")
    scene = read_usd(saved(stage, path), OPTIONS)
    assert (scene.unit_claims[0].value, scene.up_claims[0].value) == ("cm", "y")
    assert scene.unit_claims[0].reliability < 0.6
    assert scene.unit_claims[0].evidence.kind == "rule"


def test_left_handed_holes_and_ngons(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    mesh = box(stage, "/Root/Left", [tuple(reversed(q)) for q in CUBE_QUADS])
    mesh.CreateOrientationAttr("leftHanded")
    holed = box(stage, "/Root/Holed")
    holed.CreateHoleIndicesAttr([1])
    ring = UsdGeom.Mesh.Define(stage, "/Root/Prism")
    corners = [(math.cos(a), math.sin(a)) for a in np.arange(8) * math.pi / 4]
    ring.CreatePointsAttr([Gf.Vec3f(x, y, z) for z in (0, 1) for x, y in corners])
    quads = [(i, (i + 1) % 8, 8 + (i + 1) % 8, 8 + i) for i in range(8)]
    polygons = [tuple(range(7, -1, -1)), tuple(range(8, 16)), *quads]
    ring.CreateFaceVertexCountsAttr([len(p) for p in polygons])
    ring.CreateFaceVertexIndicesAttr([i for p in polygons for i in p])
    scene = read_usd(saved(stage, path), OPTIONS)
    left, hole, prism = scene.shapes
    assert volume(left.mesh) == pytest.approx(6.0)
    assert len(hole.mesh.faces) == 10
    assert volume(prism.mesh) == pytest.approx(2 * math.sqrt(2), rel=1e-6)
    assert is_closed(prism.mesh.faces)


@pytest.mark.parametrize("axis", ["X", "Y", "Z"])
def test_primitives_have_exact_integrals(tmp_path, axis):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    UsdGeom.Cube.Define(stage, "/Root/Cube").CreateSizeAttr(3.0)
    UsdGeom.Sphere.Define(stage, "/Root/Sphere").CreateRadiusAttr(2.0)
    for kind in ("Cylinder", "Cone", "Capsule"):
        shape = getattr(UsdGeom, kind).Define(stage, f"/Root/{kind}")
        shape.CreateRadiusAttr(1.0)
        shape.CreateHeightAttr(5.0)
        shape.CreateAxisAttr(axis)
    scene = read_usd(saved(stage, path), OPTIONS)
    shapes = {s.name: s for s in scene.shapes}
    index = "XYZ".index(axis)
    truth = {
        "Cube": 27.0,
        "Sphere": 32 / 3 * math.pi,
        "Cylinder": 5 * math.pi,
        "Cone": 5 / 3 * math.pi,
        "Capsule": 5 * math.pi + 4 / 3 * math.pi,
    }
    for name, value in truth.items():
        assert shapes[name].brep.volume == pytest.approx(value, rel=1e-12)
        assert volume(shapes[name].mesh) == pytest.approx(value, rel=0.01)
        assert is_closed(shapes[name].mesh.faces)
    # Cone: centroid a quarter of the height above its base; axial inertia 3/10 m r².
    assert shapes["Cone"].brep.com[index] == pytest.approx(-1.25)
    assert shapes["Cone"].brep.inertia[index][index] == pytest.approx(0.3 * truth["Cone"])
    side = (index + 1) % 3
    assert shapes["Cylinder"].brep.inertia[side][side] == pytest.approx(truth["Cylinder"] * (3 + 25) / 12)


def test_capsule_inertia_against_slices():
    from physicl_twin.ingest.primitives import capsule, frustum

    z = np.linspace(-3.5, 3.5, 2_000_001)
    r2 = np.where(np.abs(z) < 2.5, 1.0, np.clip(1 - (np.abs(z) - 2.5) ** 2, 0, None))
    side = np.trapezoid(math.pi * (r2**2 / 4 + r2 * z**2), z)
    assert capsule(1.0, 5.0).inertia[0][0] == pytest.approx(side, rel=1e-8)
    z = np.linspace(0, 5, 2_000_001)
    r = 2 - z / 5
    m = np.trapezoid(math.pi * r**2, z)
    c = np.trapezoid(math.pi * r**2 * z, z) / m
    body = frustum(2.0, 1.0, 5.0)
    assert body.volume == pytest.approx(m, rel=1e-9)
    assert body.com[2] == pytest.approx(c - 2.5, rel=1e-8)
    assert body.inertia[0][0] == pytest.approx(np.trapezoid(math.pi * (r**4 / 4 + r**2 * (z - c) ** 2), z), rel=1e-8)
    assert body.inertia[2][2] == pytest.approx(np.trapezoid(math.pi * r**4 / 2, z), rel=1e-8)


def test_transforms_instances_and_point_instancer_share_shapes(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    stage.OverridePrim("/Library")
    box(stage, "/Library/Thing/Geom/Box")
    stage.GetPrimAtPath("/Library").SetSpecifier(Sdf.SpecifierClass)
    for number in range(2):
        prim = UsdGeom.Xform.Define(stage, f"/Root/Copy{number}")
        prim.GetPrim().GetReferences().AddInternalReference("/Library/Thing")
        prim.GetPrim().SetInstanceable(True)
        prim.AddTranslateOp().Set(Gf.Vec3d(10 * number, 0, 0))
        prim.AddRotateZOp().Set(90.0)
    instancer = UsdGeom.PointInstancer.Define(stage, "/Root/Many")
    ball = UsdGeom.Sphere.Define(stage, "/Root/Many/Prototypes/Ball")
    ball.AddTranslateOp().Set(Gf.Vec3d(0, 0, 1))
    instancer.CreatePrototypesRel().SetTargets([ball.GetPath()])
    instancer.CreateProtoIndicesAttr([0, 0, 0])
    instancer.CreatePositionsAttr([Gf.Vec3f(i, 5, 0) for i in range(3)])
    scene = read_usd(saved(stage, path), OPTIONS)
    assert len(scene.shapes) == 2
    boxes = [p for p in scene.parts if p.shape == "Box"]
    balls = [p for p in scene.parts if p.shape == "Ball"]
    assert (len(boxes), len(balls)) == (2, 3)
    np.testing.assert_allclose(
        boxes[1].transform, [[0, -1, 0, 10], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], atol=1e-9
    )
    np.testing.assert_allclose([p.transform[:3, 3] for p in balls], [[i, 5, 1] for i in range(3)], atol=1e-6)
    assert boxes[0].hints.path == ("Root", "Copy0", "Geom")


def test_purpose_and_visibility(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    box(stage, "/Root/Seen")
    UsdGeom.Cube.Define(stage, "/Root/Guide").CreatePurposeAttr("guide")
    UsdGeom.Cube.Define(stage, "/Root/Hidden").MakeInvisible()
    scene = read_usd(saved(stage, path), OPTIONS)
    assert [p.name for p in scene.parts] == ["Seen"]
    assert {"guide_geometry", "hidden_geometry"} <= {n.code for n in scene.notes}
    stage.RemovePrim("/Root/Seen")
    alone = read_usd(saved(stage, path), OPTIONS)
    assert [p.name for p in alone.parts] == ["Guide"]


def test_materials_textures_and_subsets(tmp_path):
    from PIL import Image

    Image.new("RGB", (4, 4), (10, 200, 30)).save(tmp_path / "tex.png")
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    red, textured = preview(stage, "/Root/Looks/Red_Steel"), preview(stage, "/Root/Looks/Wood", texture="./tex.png")
    mesh = box(stage, "/Root/Box")
    uvs = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, "faceVarying")
    uvs.Set(Vt.Vec2fArray([Gf.Vec2f(*uv) for _ in CUBE_QUADS for uv in ((0, 0), (1, 0), (1, 1), (0, 1))]))
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(red)
    subset = UsdShade.MaterialBindingAPI(mesh.GetPrim()).CreateMaterialBindSubset("Top", Vt.IntArray([1]))
    UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(textured)
    scene = read_usd(saved(stage, path), OPTIONS)
    (shape,) = scene.shapes
    assert shape.appearances == ("Red_Steel", "Wood")
    top = shape.mesh.faces[shape.mesh.face_appearance == 1]
    assert np.all(shape.mesh.vertices[top][..., 2] == 3)
    looks = {a.name: a for a in scene.appearances}
    np.testing.assert_allclose(looks["Red_Steel"].base_color, (0.8, 0.1, 0.1), atol=1e-6)
    assert (looks["Red_Steel"].metallic, looks["Red_Steel"].source_name) == (1.0, "Red_Steel")
    assert looks["Wood"].textures[0].slot == "base_color"
    assert looks["Wood"].textures[0].data == (tmp_path / "tex.png").read_bytes()
    assert shape.mesh.uvs.shape == (12, 3, 2)


def test_usdz_with_texture(tmp_path):
    from PIL import Image

    Image.new("RGB", (4, 4), (10, 200, 30)).save(tmp_path / "tex.png")
    path = tmp_path / "a.usdc"
    stage = stage_at(path, 0.01)
    mesh = box(stage, "/Root/Box")
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(preview(stage, "/Root/Wood", texture="./tex.png"))
    saved(stage, path)
    package = tmp_path / "a.usdz"
    assert UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(path)), str(package))
    path.unlink()
    (tmp_path / "tex.png").unlink()
    scene = read_usd(package, OPTIONS)
    assert scene.format == "usdz"
    assert scene.appearances[0].textures
    assert [s.name for s in scene.sources] == ["a.usdz"]
    assert scene.unit_claims[0].value == "cm"


def test_references_below_the_folder_are_followed_and_recorded(tmp_path):
    (tmp_path / "parts").mkdir()
    part = stage_at(tmp_path / "parts" / "part.usda")
    box(part, "/Root/Box")
    part.GetRootLayer().Save()
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    stage.DefinePrim("/Root/Part").GetPayloads().AddPayload("./parts/part.usda")
    stage.DefinePrim("/Root/Lost").GetReferences().AddReference("./absent.usda")
    scene = read_usd(saved(stage, path), OPTIONS)
    assert [s.name for s in scene.sources] == ["a.usda", "parts/part.usda"]
    assert any(n.code == "reference_missing" and "absent.usda" in n.message for n in scene.notes)


@pytest.mark.parametrize("arc", ["reference", "payload", "sublayer", "nested", "texture"])
def test_references_that_leave_the_folder_are_refused(tmp_path, arc):
    outside = stage_at(tmp_path / "outside.usda")
    box(outside, "/Root/Box")
    outside.GetRootLayer().Save()
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = tmp_path / "asset"
    folder.mkdir()
    path = folder / "a.usda"
    stage = stage_at(path)
    mesh = box(stage, "/Root/Own")
    if arc == "reference":
        stage.DefinePrim("/Root/X").GetReferences().AddReference("../outside.usda")
    elif arc == "payload":
        stage.DefinePrim("/Root/X").GetPayloads().AddPayload(str(tmp_path / "outside.usda"))
    elif arc == "sublayer":
        stage.GetRootLayer().subLayerPaths.append("../outside.usda")
    elif arc == "texture":
        UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(preview(stage, "/Root/M", texture="../secret.png"))
    else:
        inner = stage_at(folder / "inner.usda")
        inner.DefinePrim("/Root/X").GetReferences().AddReference("../outside.usda")
        inner.GetRootLayer().Save()
        stage.DefinePrim("/Root/X").GetReferences().AddReference("./inner.usda")
    with pytest.raises(SourceError) as error:
        read_usd(saved(stage, path), OPTIONS)
    assert error.value.code == "reference_escapes"


def test_remote_references_are_not_fetched(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    box(stage, "/Root/Box")
    stage.DefinePrim("/Root/X").GetReferences().AddReference("https://example.invalid/x.usd")
    scene = read_usd(saved(stage, path), OPTIONS)
    assert "remote_reference_ignored" in [n.code for n in scene.notes]


def test_nothing_but_a_missing_reference_says_what_is_missing(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    stage.DefinePrim("/Root/Lost").GetReferences().AddReference("./absent.usda")
    with pytest.raises(SourceError) as error:
        read_usd(saved(stage, path), OPTIONS)
    assert error.value.code == "no_geometry"
    assert "absent.usda" in error.value.message


def test_inconsistent_mesh(tmp_path):
    path = tmp_path / "a.usda"
    stage = stage_at(path)
    box(stage, "/Root/Box").CreateFaceVertexIndicesAttr([0, 1, 99])
    with pytest.raises(SourceError) as error:
        read_usd(saved(stage, path), OPTIONS)
    assert error.value.code == "file_damaged"


@pytest.mark.parametrize("suffix", ["usda", "usdc", "usdz"])
def test_damaged_files(tmp_path, suffix):
    path = tmp_path / ("whole.usdc" if suffix == "usdz" else f"whole.{suffix}")
    stage = stage_at(path)
    box(stage, "/Root/Box")
    preview(stage, "/Root/Look")
    saved(stage, path)
    if suffix == "usdz":
        with zipfile.ZipFile(tmp_path / "whole.usdz", "w") as package:
            package.write(path, "whole.usdc")
        path = tmp_path / "whole.usdz"
    data = path.read_bytes()
    rng = np.random.default_rng(11)
    cases = [data[: int(len(data) * f)] for f in np.linspace(0, 0.99, 10)]
    for number in range(100):
        flipped = bytearray(data)
        for position in rng.integers(0, len(data), size=1 + number % 5):
            flipped[position] ^= 1 << int(rng.integers(0, 8))
        cases.append(bytes(flipped))
    files = []
    for number, case in enumerate(cases):
        files.append(tmp_path / f"case{number}.{suffix}")
        files[-1].write_bytes(case)
    # In a child with the memory limit of a worker: USD allocates what damaged numbers say.
    child = subprocess.run(
        [sys.executable, "-c", _CHILD], input="\n".join(map(str, files)), capture_output=True, text=True, timeout=300,
        cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr[-2000:]
    outcomes = [json.loads(line) for line in child.stdout.splitlines()]
    assert len(outcomes) == len(files)
    codes = {code for code, _ in outcomes}
    assert not any(str(tmp_path) in message for _, message in outcomes)
    assert codes & {"file_damaged", "file_truncated"}
    assert all(code.isidentifier() for code in codes), codes


def test_package_that_is_no_package(tmp_path):
    path = tmp_path / "a.usdz"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("../escape.usda", "#usda 1.0\n")
    with pytest.raises(SourceError):
        read_usd(path, OPTIONS)
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("readme.txt", "no layer")
    with pytest.raises(SourceError) as error:
        read_usd(path, OPTIONS)
    assert error.value.code == "file_damaged"
