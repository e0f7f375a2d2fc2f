"""tilt_to_slide against known coefficients, and against twins that lie."""

from __future__ import annotations

import math

import pytest
from pxr import Gf, UsdGeom

from physicl_twin.engines import ENGINES, engine
from physicl_twin.validate import rollouts
from tests.validate.rollout_assets import AssetBuilder, thing

SETTINGS = rollouts.RolloutSettings.from_pipeline()


def slide(path, name):
    return rollouts.run("tilt_to_slide", path, engine(name), SETTINGS)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("kind", "size", "mu"), [
    ("box", 0.005, 0.02), ("box", 0.1, 0.5), ("box", 2.0, 1.4), ("sphere", 0.005, 0.8), ("sphere", 0.1, 0.2),
    ("cylinder", 0.02, 1.2), ("ring", 0.05, 0.35), ("plate", 0.3, 0.05),
])  # fmt: skip
def test_slides_at_the_angle_of_friction(tmp_path, name, kind, size, mu):
    result = slide(thing(tmp_path / "a.usda", kind, size, mu), name)
    assert result.status == "passed", result.message
    expected = math.degrees(math.atan(mu))
    assert result.measure("slide_angle") == pytest.approx(expected, abs=0.26)
    assert result.measure("dynamic_angle") == pytest.approx(expected, abs=0.3)
    assert result.measure("flattest_slide") - result.measure("steepest_hold") == pytest.approx(0.5, abs=1e-6)
    assert result.engine == name and "rotation locked" in result.criterion
    assert all(len(s.time_s) == len(s.values) for s in result.series)


def test_static_and_dynamic_friction_are_told_apart(tmp_path):
    path = thing(tmp_path / "a.usda", "box", 0.1, static=0.6, dynamic=0.3)
    physx = slide(path, "physx")
    assert physx.status == "passed", physx.message
    # PhysX lets go between the two angles: see engines/friction.py.
    assert math.degrees(math.atan(0.3)) < physx.measure("slide_angle") < math.degrees(math.atan(0.6)) + 0.3
    assert physx.measure("dynamic_angle") == pytest.approx(math.degrees(math.atan(0.3)), abs=0.3)
    mujoco = slide(path, "mujoco")
    assert mujoco.status == "passed", mujoco.message
    assert mujoco.measure("slide_angle") == pytest.approx(math.degrees(math.atan(0.3)), abs=0.3)


@pytest.mark.parametrize("name", ENGINES)
def test_frictionless_slides_on_anything(tmp_path, name):
    result = slide(thing(tmp_path / "a.usda", "box", 0.1, 0.0), name)
    assert result.status == "passed", result.message
    assert abs(result.measure("dynamic_angle")) < 0.1


@pytest.mark.parametrize("name", ENGINES)
def test_tip_angle_of_a_slab_and_of_a_column(tmp_path, name):
    flat = slide(thing(tmp_path / "a.usda", "box", 0.1), name)
    assert flat.measure("tip_angle") == pytest.approx(math.degrees(math.atan(0.03 / 0.015)), abs=0.01)
    column = slide(thing(tmp_path / "b.usda", "cylinder", 0.1), name)
    assert column.measure("tip_angle") == pytest.approx(math.degrees(math.atan(0.025 / 0.05)), abs=0.05)
    assert slide(thing(tmp_path / "c.usda", "sphere", 0.1), name).measure("tip_angle") == 0.0


@pytest.mark.parametrize("name", ENGINES)
def test_each_material_that_can_touch_is_probed(tmp_path, name):
    """A rubber foot under a steel block: upright the rubber slides, upside down the steel."""
    builder = AssetBuilder(tmp_path / "a.usda")
    steel, rubber, hidden = (
        builder.material("steel", 0.2),
        builder.material("rubber", 0.9),
        builder.material("core", 0.4),
    )
    builder.body("thing")
    builder.box("/World/thing/block", (0.1, 0.1, 0.1), steel, (0, 0, 0.07))
    builder.box("/World/thing/foot", (0.06, 0.06, 0.02), rubber, (0, 0, 0.01))
    builder.box("/World/thing/inside", (0.02, 0.02, 0.02), hidden, (0, 0, 0.07))
    result = slide(builder.finish(), name)
    assert result.status == "passed", result.message
    assert "Not probed: core" in result.message
    angles = {result.measure("slide_angle"), result.measure("slide_angle_2")}
    assert sorted(angles) == pytest.approx([math.degrees(math.atan(0.2)), math.degrees(math.atan(0.9))], abs=0.3)


@pytest.mark.parametrize("name", ENGINES)
def test_each_body_is_probed_alone(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda")
    for body, mu, x in (("a", 0.3, -0.1), ("b", 0.6, 0.1)):
        builder.body(body, (x, 0, 0.05))
        builder.box(f"/World/{body}/shape", (0.1, 0.1, 0.1), builder.material(f"m_{body}", mu))
    result = slide(builder.finish(), name)
    assert result.status == "passed", result.message
    assert result.measure("slide_angle") == pytest.approx(math.degrees(math.atan(0.3)), abs=0.3)
    assert result.measure("slide_angle_2") == pytest.approx(math.degrees(math.atan(0.6)), abs=0.3)


@pytest.mark.parametrize("name", ENGINES)
def test_y_up_centimetre_file(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda", up="Y", metres_per_unit=0.01)
    builder.body("thing", (0, 5, 0))
    # 10 x 3 x 6 cm, standing on its 10 x 6 face because y is up.
    builder.box("/World/thing/shape", (10, 3, 6), builder.material("surface", 0.5))
    result = slide(builder.finish(), name)
    assert result.status == "passed", result.message
    assert result.measure("tip_angle") == pytest.approx(math.degrees(math.atan(0.03 / 0.015)), abs=0.01)


def test_multiply_combine_mode_is_expected_as_the_engine_combines(tmp_path):
    """PhysX multiplies the two coefficients, MuJoCo takes the larger one."""
    builder = AssetBuilder(tmp_path / "a.usda")
    material = builder.material("surface", 0.5)
    from pxr import Sdf

    material.GetPrim().AddAppliedSchema("PhysxMaterialAPI")
    material.GetPrim().CreateAttribute("physxMaterial:frictionCombineMode", Sdf.ValueTypeNames.Token).Set("multiply")
    builder.body("thing")
    builder.box("/World/thing/shape", (0.1, 0.1, 0.05), material)
    path = builder.finish()
    physx, mujoco = slide(path, "physx"), slide(path, "mujoco")
    assert physx.status == mujoco.status == "passed", (physx.message, mujoco.message)
    assert physx.measure("slide_angle") == pytest.approx(math.degrees(math.atan(0.25)), abs=0.3)
    assert mujoco.measure("slide_angle") == pytest.approx(math.degrees(math.atan(0.5)), abs=0.3)


def test_a_twin_whose_engine_disagrees_fails(tmp_path, monkeypatch):
    """The expectation is halved: the engines still apply what is authored, and the rollout must notice."""
    from physicl_twin.engines.friction import EffectiveFriction
    from physicl_twin.validate.rollouts import slide as module

    path = thing(tmp_path / "a.usda", "box", 0.1, 0.5)
    monkeypatch.setattr(module, "effective_friction", lambda *_: EffectiveFriction(0.25, 0.25))
    for name in ENGINES:
        result = slide(path, name)
        assert result.status == "failed"
        assert "still holds" in result.message and "of 26." in result.message
    monkeypatch.setattr(module, "effective_friction", lambda *_: EffectiveFriction(1.0, 1.0))
    result = slide(path, "physx")
    assert result.status == "failed" and "already" in result.message


def test_nothing_of_the_twin_is_written_to(tmp_path):
    path = thing(tmp_path / "a.usda", "box")
    before = path.read_bytes()
    slide(path, "physx")
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_same_run_same_numbers(tmp_path):
    path = thing(tmp_path / "a.usda", "ring", 0.05)
    for name in ENGINES:
        first, second = slide(path, name), slide(path, name)
        assert first.measures == second.measures and first.series == second.series


def test_asset_with_its_own_root_transform(tmp_path):
    builder = AssetBuilder(tmp_path / "a.usda")
    UsdGeom.Xformable(builder.stage.GetPrimAtPath("/World")).AddTranslateOp().Set(Gf.Vec3d(3, 2, 1))
    builder.body("thing", (0.5, 0, 0))
    builder.box("/World/thing/shape", (0.1, 0.1, 0.05), builder.material("surface", 0.5))
    path = builder.finish()
    for name in ENGINES:
        result = slide(path, name)
        assert result.status == "passed", result.message
