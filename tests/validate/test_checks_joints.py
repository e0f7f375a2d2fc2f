"""The checks of joints: a good cabinet passes all of them, and each of them refuses cabinets that were broken on purpose."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handmade import edit_record, edit_stage
from handmade_mechanism import NAME, bodies, joints, make, write
from pxr import Gf, Sdf, UsdGeom, UsdPhysics

from physicl_twin import settings
from physicl_twin.model import Joint, Pose, dumps
from physicl_twin.validate import checks
from physicl_twin.validate.checks.registry import REGISTRY, run_check
from physicl_twin.validate.subject import Subject, locate

checks.load()
SETTINGS = settings.pipeline()["checks"]
NAN, INF = float("nan"), float("inf")
Mutation = Callable[[Path], None]
HINGE, SLIDE = f"/{NAME}/joints/hinge", f"/{NAME}/joints/slide"
ROOT, CARCASS, DOOR, DRAWER = f"/{NAME}", f"/{NAME}/carcass", f"/{NAME}/door", f"/{NAME}/drawer"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("good"))


def _subject(folder: Path) -> Subject:
    twin_dir, usd = locate(folder)
    return Subject(twin_dir, usd, SETTINGS)


def stage(change: Callable[[Any], Any]) -> Mutation:
    return lambda folder: edit_stage(folder, change)


def attribute(path: str, **values: Any) -> Mutation:
    """Set attributes; two underscores stand for a colon."""

    def change(opened: Any) -> None:
        for name, value in values.items():
            opened.GetPrimAtPath(path).GetAttribute(name.replace("__", ":")).Set(value)

    return stage(change)


def record(joint: int, **values: Any) -> Mutation:
    return lambda folder: edit_record(folder, lambda data: data["joints"][joint].update(values))


def both(*mutations: Mutation) -> Mutation:
    def change(folder: Path) -> None:
        for mutation in mutations:
            mutation(folder)

    return change


def apply(path: str, api: Any) -> Mutation:
    return stage(lambda opened: api.Apply(opened.GetPrimAtPath(path)))


def remove(path: str) -> Mutation:
    return stage(lambda opened: opened.RemovePrim(path))


def targets(path: str, side: int, *paths: str) -> Mutation:
    return stage(lambda opened: opened.GetPrimAtPath(path).GetRelationship(f"physics:body{side}").SetTargets(paths))


def rewritten(jointed: tuple[Joint, ...], made: Any = None) -> Mutation:
    """Stage and record agree on another mechanism."""

    def change(folder: Path) -> None:
        shutil.rmtree(folder)
        write(folder.parent, made, jointed)

    return change


def move(path: str, *by: float) -> Mutation:
    def change(opened: Any) -> None:
        operation = UsdGeom.Xformable(opened.GetPrimAtPath(path)).GetOrderedXformOps()[0]
        operation.Set(operation.Get() + Gf.Vec3d(*by))

    return stage(change)


def variant(path: str, name: str, value: float) -> Mutation:
    def change(opened: Any) -> None:
        variants = opened.GetPrimAtPath(ROOT).GetVariantSet("PhysX")
        variants.SetVariantSelection("Enabled")
        with variants.GetVariantEditContext():
            opened.OverridePrim(path).CreateAttribute(name, Sdf.ValueTypeNames.Float).Set(value)
        variants.SetVariantSelection("Disabled")

    return stage(change)


def follow(opened: Any) -> None:
    """Newton's variant: both joints follow each other."""
    variants = opened.GetPrimAtPath(ROOT).GetVariantSets().AddVariantSet("Newton")
    variants.AddVariant("Enabled")
    variants.SetVariantSelection("Enabled")
    with variants.GetVariantEditContext():
        for path, leader in ((HINGE, SLIDE), (SLIDE, HINGE)):
            opened.OverridePrim(path).CreateRelationship("newton:mimicJoint").SetTargets([leader])


H, S = joints()
SWAPPED = replace(H, lower=0.0, upper=-1.9)
INWARDS = replace(H, lower=0.0, upper=1.9)
TORN = replace(H, pose1=Pose((0.0, 0.05, 0.0)))
LOOP = replace(H, name="second", closes_loop=False, lower=None, upper=None, type="fixed", role="")

MUTATIONS: list[tuple[str, str, Mutation]] = [
    ("joints.targets", "body gone", remove(DOOR)),
    ("joints.targets", "not a body", targets(HINGE, 1, f"{DOOR}/leaf")),
    ("joints.frames", "apart", attribute(HINGE, physics__localPos1=Gf.Vec3f(0.1, 0, 0))),
    ("joints.frames", "turned", attribute(HINGE, physics__localRot0=Gf.Quatf(0.9239, 0.3827, 0, 0))),
    ("joints.frames", "in stage and record", rewritten((TORN, S))),
    ("joints.frames", "body moved", move(DOOR, 0.0, 0.02, 0.0)),
    ("joints.state", "says closed", attribute(SLIDE, state__linear__physics__position=0.0)),
    ("joints.state", "body slid on", move(DRAWER, 0.02, 0.0, 0.0)),
    ("joints.limits", "swapped", attribute(HINGE, physics__lowerLimit=0.0, physics__upperLimit=-108.0)),
    ("joints.limits", "swapped in stage and record", rewritten((SWAPPED, S))),
    ("joints.limits", "no range", attribute(SLIDE, physics__lowerLimit=0.05, physics__upperLimit=0.05)),
    ("joints.limits", "no number", attribute(SLIDE, physics__lowerLimit=NAN)),
    ("joints.limits", "stands outside", attribute(SLIDE, physics__lowerLimit=0.1)),
    ("joints.limits", "radians", attribute(HINGE, physics__lowerLimit=-math.pi / 2)),
    ("joints.limits", "record only", record(0, lower=0.5)),
    ("joints.recorded", "limits in radians", attribute(HINGE, physics__lowerLimit=-1.9)),
    ("joints.recorded", "joint gone", remove(HINGE)),
    ("joints.recorded", "renamed", record(0, name="gate")),
    ("joints.recorded", "another type", record(0, type="spherical")),
    ("joints.recorded", "other bodies", record(0, body0="drawer")),
    ("joints.recorded", "axis elsewhere", both(
        attribute(HINGE, physics__localPos0=Gf.Vec3f(0.22, -0.09, 0.375), physics__localPos1=Gf.Vec3f(0, 0.1, 0)),
    )),
    ("joints.recorded", "axis turned", attribute(HINGE, physics__axis="Y")),
    ("joints.recorded", "stiffness per degree", attribute(SLIDE, drive__linear__physics__stiffness=2000 / 57.3)),
    ("joints.recorded", "force", attribute(SLIDE, drive__linear__physics__maxForce=5.0)),
    ("joints.recorded", "target", attribute(SLIDE, drive__linear__physics__targetPosition=0.2)),
    ("joints.recorded", "damping of a hinge", attribute(HINGE, drive__angular__physics__damping=0.01)),
    ("joints.recorded", "friction for PhysX", variant(HINGE, "physxJointAxis:angular:dynamicFrictionEffort", 0.5)),
    ("joints.range", "opens inwards", rewritten((INWARDS, S))),
    ("joints.range", "drawer through the back", rewritten((H, replace(S, type="prismatic", axis="z", lower=-0.1, upper=0.4, position=0.0, pose0=Pose((0.05, 0.0, 0.1)))))),
    ("joints.overlap", "drawer in the door", rewritten((H, replace(S, pose0=Pose((0.05, 0.0, 0.3))), ), {**bodies(), "drawer": (bodies()["drawer"][0], (0.1, 0.0, 0.3))})),
    ("joints.overlap", "filter of nothing", stage(lambda s: UsdPhysics.FilteredPairsAPI.Apply(s.GetPrimAtPath(DOOR)).CreateFilteredPairsRel().AddTarget("/nowhere"))),
    ("estimates.readable", "body of a joint unknown", record(0, body1="ghost")),
    ("articulation.root", "missing", stage(lambda s: s.GetPrimAtPath(CARCASS).RemoveAPI(UsdPhysics.ArticulationRootAPI))),
    ("articulation.root", "two", apply(DOOR, UsdPhysics.ArticulationRootAPI)),
    ("articulation.root", "nested", apply(ROOT, UsdPhysics.ArticulationRootAPI)),
    ("articulation.root", "on a mesh", both(
        stage(lambda s: s.GetPrimAtPath(CARCASS).RemoveAPI(UsdPhysics.ArticulationRootAPI)),
        apply(f"{CARCASS}/plate", UsdPhysics.ArticulationRootAPI),
    )),
    ("articulation.tree", "circle", rewritten((H, S, LOOP))),
    ("articulation.connected", "joint switched off", attribute(HINGE, physics__jointEnabled=False)),
    ("articulation.connected", "joint gone", remove(SLIDE)),
    ("articulation.inertia", "feather on an anvil", attribute(DOOR, physics__mass=1e-5)),
    ("articulation.inertia", "negative armature", variant(SLIDE, "physxJointAxis:linear:armature", -0.2)),
    ("articulation.inertia", "negative friction of the record", lambda f: edit_record(f, _negative_friction)),
    ("articulation.mimic", "circle", both(record(0, mimic={"joint": "slide", "multiplier": 1.0, "offset": 0.0}), record(1, mimic={"joint": "hinge", "multiplier": 1.0, "offset": 0.0}))),
    ("articulation.mimic", "nobody leads", record(0, mimic={"joint": "ghost", "multiplier": 1.0, "offset": 0.0})),
    ("articulation.mimic", "circle for Newton", stage(follow)),
    ("drives.sound", "infinite", attribute(SLIDE, drive__linear__physics__stiffness=INF)),
    ("drives.sound", "negative", attribute(SLIDE, drive__linear__physics__damping=-1.0)),
    ("drives.sound", "nothing to give", attribute(SLIDE, drive__linear__physics__maxForce=0.0)),
    ("drives.sound", "target outside", attribute(SLIDE, drive__linear__physics__targetPosition=1.0)),
    ("drives.sound", "no gains", attribute(SLIDE, drive__linear__physics__stiffness=0.0, drive__linear__physics__damping=0.0)),
    ("drives.friction", "takes all", variant(SLIDE, "physxJointAxis:linear:dynamicFrictionEffort", 1e6)),
    ("drives.friction", "nothing is left", attribute(SLIDE, drive__linear__physics__maxForce=1e-4)),
    ("drives.frequency", "absurdly stiff", attribute(SLIDE, drive__linear__physics__stiffness=1e12)),
    ("drives.frequency", "absurdly soft", attribute(SLIDE, drive__linear__physics__stiffness=1e-6)),
]  # fmt: skip


def _negative_friction(data: dict[str, Any]) -> None:
    data["joints"][0]["friction"].update(value=-1.0, low=-2.0, high=-0.5, std=0.1, distribution="normal")


@pytest.mark.parametrize(("check_id", "what", "mutate"), MUTATIONS, ids=[f"{c}-{w}" for c, w, _ in MUTATIONS])
def test_a_broken_mechanism_fails(good: Path, tmp_path: Path, check_id: str, what: str, mutate: Mutation):
    folder = tmp_path / NAME
    shutil.copytree(good, folder)
    mutate(folder)
    results = run_check(REGISTRY[check_id], _subject(folder))
    assert {r.status for r in results} == {"failed"}, [(r.status, r.message) for r in results]
    assert not any("The check itself broke" in r.message for r in results), results
    assert all(r.message and r.hint and r.title for r in results)


def test_a_good_mechanism_passes_every_check(good: Path):
    results = checks.run_all(_subject(good))
    assert not [(r.id, r.target, r.message) for r in results if r.status == "failed"]
    about = [r for r in results if r.id.split(".")[0] in ("joints", "articulation", "drives")]
    assert {r.status for r in about} == {"passed"} and all(r.message for r in about)


def test_a_loose_mechanism_is_checked_as_far_as_it_can_be(good: Path, tmp_path: Path):
    shutil.copytree(good / "simready", tmp_path / NAME / "simready")
    twin_dir, usd = locate(tmp_path / NAME / "simready" / f"{NAME}.usda")
    results = {r.id: r for r in checks.run_all(Subject(twin_dir, usd, SETTINGS))}
    assert not [r for r in results.values() if r.status == "failed"]
    assert {results[i].status for i in ("joints.frames", "joints.range", "joints.overlap", "drives.sound")} == {
        "passed"
    }
    assert results["joints.recorded"].status == "not_checked"


def test_a_robot_may_be_able_to_touch_itself(tmp_path: Path):
    folder = write(tmp_path, jointed=(INWARDS, S))
    edit_record(folder, lambda data: data["articulation"].update(kind="robot"))
    (result,) = run_check(REGISTRY["joints.range"], _subject(folder))
    assert result.status == "passed" and "touch itself" in result.message


def test_what_is_only_held_has_no_mass_to_check(tmp_path: Path):
    """A wall that the door hangs on: a body on the stage that the writer marks, static in the record."""
    folder = write(tmp_path)

    def hold(opened: Any) -> None:
        opened.GetPrimAtPath(CARCASS).SetCustomDataByKey("physicl", {"static": True})
        UsdPhysics.MassAPI(opened.GetPrimAtPath(CARCASS)).GetMassAttr().Set(1e9)
        layer = opened.GetRootLayer()
        data = dict(layer.customLayerData)
        nested = dict(data["SimReady_Metadata"])
        nested["mass"] = sum(b.mass.value for b in twin.bodies if b.mass and not b.static)
        layer.customLayerData = {**data, "SimReady_Metadata": nested}

    twin = make()
    wall = replace(twin.bodies[0], static=True, mass_properties=None)
    wall = replace(wall, parts=tuple(replace(part, mass=None) for part in wall.parts))
    twin = replace(twin, bodies=(wall, *twin.bodies[1:]))
    (folder / "twin.json").write_text(dumps(twin))
    edit_stage(folder, hold)
    results = [r for r in checks.run_all(_subject(folder)) if r.status == "failed" and r.id != "files.intact"]
    assert not [(r.id, r.target, r.message) for r in results]


def test_a_link_that_is_only_a_frame_needs_no_geometry(tmp_path: Path):
    """Between door and carcass stands a link with a mass and nothing to see."""
    folder = write(tmp_path)

    def add(opened: Any) -> None:
        frame = UsdGeom.Xform.Define(opened, f"{ROOT}/cross")
        frame.AddTranslateOp().Set(Gf.Vec3d(0.22, -0.19, 0.375))
        UsdPhysics.RigidBodyAPI.Apply(frame.GetPrim())
        mass = UsdPhysics.MassAPI.Apply(frame.GetPrim())
        mass.CreateMassAttr(0.5)
        mass.CreateCenterOfMassAttr(Gf.Vec3f(0))
        mass.CreateDiagonalInertiaAttr(Gf.Vec3f(1e-3))
        mass.CreatePrincipalAxesAttr(Gf.Quatf(1))
        opened.GetPrimAtPath(HINGE).GetRelationship("physics:body1").SetTargets([f"{ROOT}/cross"])
        weld = UsdPhysics.FixedJoint.Define(opened, f"{ROOT}/joints/weld")
        weld.CreateBody0Rel().SetTargets([f"{ROOT}/cross"])
        weld.CreateBody1Rel().SetTargets([DOOR])

    edit_stage(folder, add)
    shutil.move(folder / "simready", tmp_path / "loose" / NAME / "simready")
    twin_dir, usd = locate(tmp_path / "loose" / NAME / "simready" / f"{NAME}.usda")
    failed = {r.id for r in checks.run_all(Subject(twin_dir, usd, SETTINGS)) if r.status == "failed"}
    assert failed <= {"stage.metadata"}  # it counts one body less
