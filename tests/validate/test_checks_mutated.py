"""Every check refuses at least one twin that was broken on purpose: a check that cannot fail checks nothing."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import edit_record, edit_stage, tray, write
from pxr import Gf, UsdGeom, UsdPhysics
from test_checks_joints import MUTATIONS as MECHANISM_MUTATIONS

from physicl_twin import settings
from physicl_twin.validate import checks
from physicl_twin.validate.checks.registry import REGISTRY, run_check
from physicl_twin.validate.subject import Subject, locate

checks.load()
SETTINGS = settings.pipeline()["checks"]
NAN, INF = float("nan"), float("inf")
Mutation = Callable[[Path], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("good")
    write(root, "hammer")
    write(root, "tray", tray())
    return root


def on_stage(change: Callable[[Any], None]) -> Mutation:
    return lambda folder: edit_stage(folder, change)


def on_record(change: Callable[[dict[str, Any]], None], file: str = "twin.json") -> Mutation:
    return lambda folder: edit_record(folder, change, file)


def attribute(path: str, name: str, value: Any) -> Mutation:
    def change(stage: Any) -> None:
        stage.GetPrimAtPath(path).GetAttribute(name).Set(value)

    return on_stage(change)


def metadata(key: str, value: Any) -> Mutation:
    def change(stage: Any) -> None:
        data = dict(stage.GetRootLayer().customLayerData)
        nested = dict(data["SimReady_Metadata"])
        if value is None:
            del nested[key]
        else:
            nested[key] = value
        data["SimReady_Metadata"] = nested
        stage.GetRootLayer().customLayerData = data

    return on_stage(change)


def remove(path: str) -> Mutation:
    return on_stage(lambda stage: stage.RemovePrim(path))


def without_api(path: str, api: str) -> Mutation:
    def change(stage: Any) -> None:
        stage.GetPrimAtPath(path).RemoveAppliedSchema(api)

    return on_stage(change)


def stage_call(call: Callable[[Any], Any]) -> Mutation:
    return on_stage(lambda stage: call(stage))


def text_edit(old: str, new: str) -> Mutation:
    def change(folder: Path) -> None:
        usd = folder / "simready" / f"{folder.name}.usda"
        text = usd.read_text()
        assert old in text
        usd.write_text(text.replace(old, new))

    return change


def points(path: str, move: Callable[[np.ndarray], np.ndarray]) -> Mutation:
    def change(stage: Any) -> None:
        value = stage.GetPrimAtPath(path).GetAttribute("points")
        value.Set(np.asarray(move(np.array(value.Get(), float)), np.float32))

    return on_stage(change)


def body(change: Callable[[dict[str, Any]], None]) -> Mutation:
    return on_record(lambda data: change(data["bodies"][0]))


def shift_collider(stage: Any) -> None:

    UsdGeom.Xformable(stage.GetPrimAtPath("/hammer/head/collider_0")).AddTranslateOp().Set(Gf.Vec3d(0.1, 0, 0))


def all_hull_colliders_become_one(stage: Any) -> None:
    """The tray's five walls become one full box."""

    for index in range(1, 5):
        stage.RemovePrim(f"/tray/tray/collider_{index}")
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/tray/tray/collider_0"))
    corners = np.array(mesh.GetPointsAttr().Get(), float)
    corners[:, 2] = np.where(corners[:, 2] > 0.005, 0.1, 0.0)
    mesh.GetPointsAttr().Set(np.asarray(corners, np.float32))


def dented_collider(stage: Any) -> None:
    """A collider mesh with a corner pushed in: not convex any more."""
    mesh = stage.GetPrimAtPath("/hammer/head/collider_0").GetAttribute("points")
    corners = np.array(mesh.Get(), float)
    corners[0] *= 0.2
    mesh.Set(np.asarray(corners, np.float32))


def fine_collider(stage: Any) -> None:
    """A collider hull of far more than 64 vertices."""
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.03)
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/hammer/head/collider_0"))
    mesh.GetPointsAttr().Set(np.asarray(ball.vertices, np.float32))
    mesh.GetFaceVertexCountsAttr().Set([3] * len(ball.faces))
    mesh.GetFaceVertexIndicesAttr().Set(ball.faces.reshape(-1).tolist())


def add_joint(kind: str, **values: Any) -> Mutation:
    """A second body and a joint to it; ``values`` are set on the joint."""

    def change(stage: Any) -> None:
        from pxr import Gf, UsdGeom, UsdPhysics

        second = UsdGeom.Xform.Define(stage, "/hammer/second").GetPrim()
        UsdPhysics.RigidBodyAPI.Apply(second)
        joint = getattr(UsdPhysics, kind).Define(stage, "/hammer/joint")
        joint.CreateBody0Rel().SetTargets(values.get("body0", ["/hammer"]))
        joint.CreateBody1Rel().SetTargets(values.get("body1", ["/hammer/second"]))
        joint.CreateLocalPos0Attr(Gf.Vec3f(*values.get("pos0", (0, 0, 0))))
        joint.CreateLocalPos1Attr(Gf.Vec3f(0, 0, 0))
        joint.CreateLocalRot0Attr(Gf.Quatf(*values.get("rot0", (1, 0, 0, 0))))
        joint.CreateLocalRot1Attr(Gf.Quatf(1, 0, 0, 0))
        if "limits" in values:
            joint.CreateLowerLimitAttr(values["limits"][0])
            joint.CreateUpperLimitAttr(values["limits"][1])

    return on_stage(change)


def write_bytes(name: str, data: bytes) -> Mutation:
    return lambda folder: (folder / name).write_bytes(data) and None


def rename(old: str, new: str) -> Mutation:
    return lambda folder: (folder / old).rename(folder / new) and None


def set_record(path: list[str | int], value: Any) -> Mutation:
    def change(data: dict[str, Any]) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return on_record(change)


def runtime(folder: Path, change: Callable[[Any], Any], selected: str = "Disabled") -> None:
    """Give the asset a PhysX variant set whose Enabled option holds what ``change`` does."""

    def edit(stage: Any) -> None:
        variants = stage.GetPrimAtPath(BODY).GetVariantSets().AddVariantSet("PhysX")
        for option in ("Disabled", "Enabled"):
            variants.AddVariant(option)
        variants.SetVariantSelection("Enabled")
        # Opinions of the base are local here and win over the variant's: what is changed must be new to the stage.
        with variants.GetVariantEditContext():
            change(stage)
        variants.SetVariantSelection(selected)

    edit_stage(folder, edit)


HEAD, BODY = "/hammer/head/collider_0", "/hammer"
PHYSICS = "/hammer/Looks/physics_steel_carbon"
B0: list[str | int] = ["bodies", 0]
PARTS: list[str | int] = [*B0, "parts"]
MP: list[str | int] = [*B0, "mass_properties"]
STEEL: list[str | int] = ["materials", 0]


MUTATIONS: list[tuple[str, str, Mutation]] = [
    ("stage.opens", "not USD", write_bytes("simready/hammer.usda", b"#usda 1.0\ndef {")),
    ("stage.opens", "empty stage", write_bytes("simready/hammer.usda", b"#usda 1.0\n")),
    ("stage.opens", "sublayer missing", text_edit("#usda 1.0\n(", "#usda 1.0\n(\n    subLayers = [@./gone.usda@]")),
    ("stage.units", "centimetres", stage_call(lambda s: UsdGeom.SetStageMetersPerUnit(s, 0.01))),
    ("stage.units", "Y up", stage_call(lambda s: UsdGeom.SetStageUpAxis(s, "Y"))),
    ("stage.units", "grams", stage_call(lambda s: UsdPhysics.SetStageKilogramsPerUnit(s, 0.001))),
    ("stage.root", "moved", stage_call(lambda s: UsdGeom.Xformable(s.GetPrimAtPath(BODY)).AddTranslateOp().Set((0, 0, 1)))),
    ("stage.root", "second root", stage_call(lambda s: s.DefinePrim("/other", "Xform"))),
    ("stage.root", "no default prim", stage_call(lambda s: s.ClearDefaultPrim())),
    ("stage.root", "no kind", text_edit('kind = "component"', 'kind = "assembly"')),
    ("stage.names", "two by case", stage_call(lambda s: s.DefinePrim("/hammer/Head", "Xform"))),
    ("stage.names", "not ASCII", stage_call(lambda s: s.DefinePrim("/hammer/Größe", "Xform"))),
    ("stage.names", "record of another name", set_record(["name"], "mallet")),
    ("stage.size", "kilometres", points("/hammer/handle/visual", lambda p: p * 1e4)),
    ("stage.size", "micrometres", lambda f: edit_stage(f, _tiny)),
    ("stage.scene", "gravity inside", stage_call(lambda s: UsdPhysics.Scene.Define(s, "/hammer/scene"))),
    ("runtimes.mass", "another body", lambda f: runtime(f, lambda s: UsdPhysics.RigidBodyAPI.Apply(s.DefinePrim("/hammer/extra", "Xform")))),
    ("runtimes.colliders", "off in PhysX", lambda f: runtime(f, lambda s: _disabled_colliders(s))),
    ("runtimes.neutral", "left on", lambda f: runtime(f, lambda s: None, selected="Enabled")),
    ("runtimes.open", "speaks of nothing", lambda f: runtime(f, lambda s: s.OverridePrim("/hammer/ghost"))),
    ("runtimes.open", "payload gone", lambda f: runtime(f, lambda s: s.GetPrimAtPath(BODY).GetPayloads().AddPayload("./gone.usda"))),
    ("stage.metadata", "mass", metadata("mass", 99.0)),
    ("stage.metadata", "extents", metadata("asset_extents", Gf.Vec3f(1.0, 1.0, 1.0))),
    ("stage.metadata", "bodies", metadata("rigid_body_count", 2)),
    ("stage.metadata", "licence", metadata("asset_license", "MIT")),
    ("stage.metadata", "name", metadata("asset_name", "mallet")),
    ("stage.metadata", "code", metadata("qcode", "Q1")),
    ("stage.metadata", "missing key", metadata("mass", None)),
    ("stage.semantics", "no code", attribute(BODY, "semantics:labels:wikidata_qcode", [])),
    ("stage.semantics", "bad code", attribute(BODY, "semantics:labels:wikidata_qcode", ["hammer"])),
    ("stage.semantics", "another code", attribute(BODY, "semantics:labels:wikidata_qcode", ["Q5"])),
    ("stage.semantics", "material", attribute(PHYSICS, "semantics:labels:material", [])),
    ("files.relative", "absolute", text_edit("@./wood.png@", "@/tmp/wood.png@")),
    ("files.relative", "remote", text_edit("@./wood.png@", "@https://example.org/wood.png@")),
    ("files.relative", "outside", text_edit("@./wood.png@", "@../../wood.png@")),
    ("files.relative", "search path", text_edit("@./wood.png@", "@wood.png@")),
    ("files.resolve", "texture gone", lambda folder: (folder / "simready/wood.png").unlink()),
    ("files.textures", "truncated", lambda f: (f / "simready/wood.png").write_bytes((f / "simready/wood.png").read_bytes()[:80])),
    ("files.textures", "not an image", write_bytes("simready/wood.png", b"not an image")),
    ("files.thumbnail", "gone", lambda f: (f / "simready/.thumbs/256x256/hammer.usda.png").unlink()),
    ("files.thumbnail", "wrong size", lambda f: shutil.copy(f / "simready/wood.png", f / "simready/.thumbs/256x256/hammer.usda.png")),
    ("files.intact", "texture changed", write_bytes("simready/wood.png", b"x")),
    ("files.intact", "texture gone", lambda folder: (folder / "simready/wood.png").unlink()),
    ("geometry.sound", "NaN", points("/hammer/head/visual", lambda p: np.where(np.arange(len(p))[:, None] == 0, NAN, p))),
    ("geometry.sound", "bad index", attribute("/hammer/head/visual", "faceVertexIndices", [0, 1, 99] + [0, 1, 2] * 11)),
    ("geometry.sound", "no area", points("/hammer/head/visual", lambda p: p * [1, 0, 0])),
    ("geometry.drawn", "hidden", lambda f: edit_stage(f, lambda s: [s.RemovePrim(f"/hammer/{n}/visual") for n in ("head", "handle")])),
    ("geometry.extent", "off", attribute("/hammer/head/visual", "extent", [(-1, -1, -1), (1, 1, 1)])),
    ("geometry.recorded", "mesh changed", points("/hammer/head/visual", lambda p: p * 1.1)),
    ("geometry.volume", "volume of the record", body(lambda b: None)),
    ("mass.authored", "no com", stage_call(lambda s: s.GetPrimAtPath(BODY).RemoveProperty("physics:centerOfMass"))),
    ("mass.authored", "infinite", attribute(BODY, "physics:centerOfMass", (INF, 0, 0))),
    ("mass.positive", "negative", attribute(BODY, "physics:mass", -5.0)),
    ("mass.positive", "zero", attribute(BODY, "physics:mass", 0.0)),
    ("mass.positive", "infinite", attribute(BODY, "physics:mass", INF)),
    ("mass.possible", "tonnes", attribute(BODY, "physics:mass", 900.0)),
    ("mass.possible", "micrograms", attribute(BODY, "physics:mass", 1e-6)),
    ("mass.equal", "stage", attribute(BODY, "physics:mass", 0.8)),
    ("mass.equal", "metadata", metadata("mass", 0.8)),
    ("mass.com_equal", "moved", attribute(BODY, "physics:centerOfMass", (0.0, 0.0, 0.2))),
    ("mass.com_inside", "outside", attribute(BODY, "physics:centerOfMass", (0.0, 0.1, 0.2))),
    ("mass.density", "too heavy", lambda f: edit_record(f, _lead_handle)),
    ("mass.usual", "a hammer of 60 kg", lambda f: edit_record(f, lambda d: _times(d["bodies"][0]["mass_properties"]["mass"], 80))),
    ("mass.usual", "a hammer of 8 g", lambda f: edit_record(f, lambda d: _times(d["bodies"][0]["mass_properties"]["mass"], 0.01))),
    ("mass.sum", "wrong sum", lambda f: edit_record(f, lambda d: d["bodies"][0]["mass_properties"].update(com_m=[0, 0, 0.2]))),
    ("mass.spread", "too certain", lambda f: edit_record(f, lambda d: d["bodies"][0]["mass_properties"]["mass"].update(std=1e-9))),
    ("inertia.positive", "negative", attribute(BODY, "physics:diagonalInertia", (-1e-3, 1e-3, 1e-3))),
    ("inertia.triangle", "impossible", attribute(BODY, "physics:diagonalInertia", (1e-4, 1e-4, 9e-4))),
    ("inertia.axes", "not a unit", lambda f: edit_stage(f, _long_axes)),
    ("inertia.bounded", "too large", attribute(BODY, "physics:diagonalInertia", (1.0, 1.0, 1.0))),
    ("inertia.plausible", "far too small", attribute(BODY, "physics:diagonalInertia", (1e-9, 1e-9, 1e-9))),
    ("inertia.equal", "swapped axes", lambda f: edit_stage(f, _turned_axes)),
    ("collision.present", "none", lambda f: edit_stage(f, _no_colliders)),
    ("collision.present", "disabled", lambda f: edit_stage(f, _disabled_colliders)),
    ("collision.no_triangle_mesh", "none", attribute(HEAD, "physics:approximation", "none")),
    ("collision.no_triangle_mesh", "no schema", without_api(HEAD, "PhysicsMeshCollisionAPI")),
    ("collision.convex", "dented", on_stage(dented_collider)),
    ("collision.convex", "flat", points(HEAD, lambda p: p * [1, 1, 0])),
    ("collision.vertices", "many", on_stage(fine_collider)),
    ("collision.close", "inflated", points(HEAD, lambda p: p * 3)),
    ("collision.not_outside", "shifted", on_stage(shift_collider)),
    ("collision.covers", "head without collider", remove(HEAD)),
    ("collision.recorded", "one gone", remove(HEAD)),
    ("collision.claim", "inflated", points(HEAD, lambda p: p * 1.5)),
    ("friction.bound", "unbound", stage_call(lambda s: s.GetPrimAtPath(HEAD).RemoveProperty("material:binding:physics"))),
    ("friction.bound", "not authored", stage_call(lambda s: s.GetPrimAtPath(PHYSICS).RemoveProperty("physics:restitution"))),
    ("friction.range", "negative", attribute(PHYSICS, "physics:staticFriction", -0.1)),
    ("friction.range", "huge", attribute(PHYSICS, "physics:dynamicFriction", 40.0)),
    ("friction.order", "dynamic above static", attribute(PHYSICS, "physics:dynamicFriction", 0.55)),
    ("friction.restitution", "above one", attribute(PHYSICS, "physics:restitution", 1.2)),
    ("friction.density", "in grams per cm3", attribute(PHYSICS, "physics:density", 0.00785)),
    ("friction.equal", "another", attribute(PHYSICS, "physics:staticFriction", 0.51)),
    ("joints.targets", "nothing there", add_joint("FixedJoint", body1=["/hammer/nowhere"])),
    ("joints.targets", "itself", add_joint("FixedJoint", body1=["/hammer"])),
    ("joints.targets", "joins nothing", add_joint("FixedJoint", body0=[], body1=[])),
    ("joints.frames", "apart", add_joint("FixedJoint", pos0=(0.5, 0, 0))),
    ("joints.frames", "turned", add_joint("RevoluteJoint", rot0=(0.7071, 0, 0.7071, 0))),
    ("joints.state", "turned about its axis", add_joint("RevoluteJoint", rot0=(0.7071, 0.7071, 0, 0))),
    ("joints.limits", "reversed", add_joint("RevoluteJoint", limits=(10.0, -10.0))),
    ("joints.recorded", "unknown to the record", add_joint("FixedJoint")),
    ("estimates.readable", "field missing", on_record(lambda d: d.pop("frame"))),
    ("estimates.readable", "shape unknown", set_record([*PARTS, 0, "shape"], "ghost")),
    ("estimates.readable", "no source", set_record(["sources"], [])),
    ("estimates.schema", "old", set_record(["schema_version"], 0)),
    ("estimates.schema", "from the future", set_record(["schema_version"], 99)),
    ("estimates.interval", "outside", set_record([*STEEL, "density", "value"], 9000.0)),
    ("estimates.interval", "negative spread", set_record([*STEEL, "density", "std"], -1.0)),
    ("estimates.interval", "no spread", set_record([*STEEL, "density", "std"], 0.0)),
    ("estimates.evidence", "none", set_record([*STEEL, "density", "evidence"], [])),
    ("estimates.evidence", "blank", set_record([*STEEL, "density", "evidence", 0, "statement"], " ")),
    ("estimates.evidence", "no method", set_record([*STEEL, "density", "method"], "")),
    ("estimates.flags", "silent prior", set_record([*STEEL, "density", "evidence", 0, "kind"], "prior")),
    ("estimates.flags", "doubtful unit", set_record(["frame", "units", "probability"], 0.6)),
    ("licence.stated", "free text", set_record(["licence"], "free to use")),
    ("licence.stated", "half", set_record(["licence"], "MIT AND")),
    ("licence.sources", "free text", set_record(["sources", 0, "licence"], "CC-BY")),
]  # fmt: skip


def _tiny(stage: Any) -> None:
    for name in ("head", "handle"):
        UsdGeom.Xformable(stage.GetPrimAtPath(f"/hammer/{name}")).AddScaleOp().Set(Gf.Vec3f(1e-4))
        UsdGeom.Xformable(stage.GetPrimAtPath(f"/hammer/{name}")).GetOrderedXformOps()[0].Set(Gf.Vec3d(0))


def _times(estimate: dict[str, Any], factor: float) -> None:
    for key in ("value", "std", "low", "high"):
        estimate[key] *= factor


def _lead_handle(data: dict[str, Any]) -> None:
    for key in ("value", "std", "low", "high"):
        data["bodies"][0]["parts"][0]["mass"][key] *= 15


def _long_axes(stage: Any) -> None:

    stage.GetPrimAtPath(BODY).GetAttribute("physics:principalAxes").Set(Gf.Quatf(2, 0, 0, 0))


def _turned_axes(stage: Any) -> None:

    stage.GetPrimAtPath(BODY).GetAttribute("physics:principalAxes").Set(Gf.Quatf(0.9659, 0.2588, 0, 0))


def _no_colliders(stage: Any) -> None:
    for name in ("head", "handle"):
        stage.RemovePrim(f"/hammer/{name}/collider_0")


def _disabled_colliders(stage: Any) -> None:

    for name in ("head", "handle"):
        UsdPhysics.CollisionAPI(stage.GetPrimAtPath(f"/hammer/{name}/collider_0")).CreateCollisionEnabledAttr(False)


def _results(folder: Path, check_id: str):
    twin_dir, usd = locate(folder)
    return run_check(REGISTRY[check_id], Subject(twin_dir, usd, SETTINGS))


def _volume_of_the_record(folder: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["shapes"][1]["solid"]["volume"].update(value=2e-4, low=1.9e-4, high=2.1e-4)

    edit_record(folder, change)


MUTATIONS[[c for c, _, _ in MUTATIONS].index("geometry.volume")] = ("geometry.volume", "wrong", _volume_of_the_record)


@pytest.mark.parametrize(("check_id", "what", "mutate"), MUTATIONS, ids=[f"{c}-{w}" for c, w, _ in MUTATIONS])
def test_a_broken_twin_fails(good: Path, tmp_path: Path, check_id: str, what: str, mutate: Mutation):
    folder = tmp_path / "hammer"
    shutil.copytree(good / "hammer", folder)
    mutate(folder)
    results = _results(folder, check_id)
    assert {r.status for r in results} == {"failed"}, [(r.status, r.message) for r in results]
    assert not any("The check itself broke" in r.message for r in results), results
    assert all(r.message and r.hint and r.title for r in results)


def test_a_filled_cavity_fails(good: Path, tmp_path: Path):
    shutil.copytree(good / "tray", tmp_path / "tray")
    edit_stage(tmp_path / "tray", all_hull_colliders_become_one)
    (result,) = _results(tmp_path / "tray", "collision.cavity")
    assert result.status == "failed" and "%" in result.message


def test_every_check_has_a_mutation_that_it_refuses():
    refused = {c for c, _, _ in (*MUTATIONS, *MECHANISM_MUTATIONS)}
    assert set(REGISTRY) - refused == {"collision.cavity"}  # the tray's own test above


def test_a_check_that_breaks_is_a_failure_not_a_pass(good: Path):
    def explode(subject: Subject):
        raise RuntimeError("boom")

    item = dataclasses.replace(REGISTRY["mass.positive"], run=explode)
    twin_dir, usd = locate(good / "hammer")
    (result,) = run_check(item, Subject(twin_dir, usd, SETTINGS))
    assert result.status == "failed" and "boom" in result.message


def test_many_failures_are_counted(good: Path):
    from physicl_twin.validate.checks.registry import LISTED_FAILURES, Findings

    def complain(subject: Subject) -> Findings:
        return Findings(failures=[(str(i), "wrong") for i in range(LISTED_FAILURES + 5)])

    item = dataclasses.replace(REGISTRY["mass.positive"], run=complain)
    twin_dir, usd = locate(good / "hammer")
    results = run_check(item, Subject(twin_dir, usd, SETTINGS))
    assert len(results) == LISTED_FAILURES + 1 and "5 more" in results[-1].message


def test_a_loose_usd_file_is_checked_and_says_what_could_not_be(good: Path, tmp_path: Path):
    shutil.copytree(good / "hammer" / "simready", tmp_path / "hammer" / "simready")
    twin_dir, usd = locate(tmp_path / "hammer" / "simready" / "hammer.usda")
    assert twin_dir is None
    results = checks.run_all(Subject(twin_dir, usd, SETTINGS))
    assert not [r for r in results if r.status == "failed"]
    assert {r.id for r in results if r.status == "not_checked"} >= {"mass.equal", "estimates.evidence", "files.intact"}
    assert all(r.message for r in results if r.status == "not_checked")


def test_an_unreadable_stage_leaves_no_check_passed(good: Path, tmp_path: Path):
    shutil.copytree(good / "hammer", tmp_path / "hammer")
    (tmp_path / "hammer" / "simready" / "hammer.usda").write_bytes(b"\x00\x01 nothing")
    twin_dir, usd = locate(tmp_path / "hammer")
    results = checks.run_all(Subject(twin_dir, usd, SETTINGS))
    by_room = {r.id: r.status for r in results}
    assert by_room["stage.opens"] == "failed"
    rooms = ("stage", "geometry", "inertia", "collision", "friction", "joints")
    assert not [i for i, s in by_room.items() if i.split(".")[0] in rooms and s == "passed"]
