"""drop_and_settle on things that settle, roll or misbehave."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from pxr import Gf, Sdf, UsdPhysics

from physicl_twin.engines import ENGINES, engine
from physicl_twin.model import EngineError, PhysiclError, ValidationError
from physicl_twin.validate import rollouts
from tests.validate.rollout_assets import AssetBuilder, thing

SETTINGS = rollouts.RolloutSettings.from_pipeline()


def drop(path, name):
    return rollouts.run("drop_and_settle", path, engine(name), SETTINGS)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("restitution", [0.0, 0.7])
@pytest.mark.parametrize(("kind", "size"), [
    ("box", 0.005), ("box", 2.0), ("sphere", 0.1), ("cylinder", 0.1), ("ring", 0.1), ("plate", 0.3),
])  # fmt: skip
def test_ordinary_things_settle(tmp_path, name, kind, size, restitution):
    result = drop(thing(tmp_path / "a.usda", kind, size, restitution=restitution), name)
    assert result.status == "passed", result.message
    assert result.measure("largest_depth") < 0.03 * size
    assert len(result.series) == 8
    assert all(len(s.time_s) <= 120 and np.isfinite(s.values).all() for s in result.series)


@pytest.mark.parametrize("name", ENGINES)
def test_a_slab_ends_flat_and_at_half_its_height(tmp_path, name):
    result = drop(thing(tmp_path / "a.usda", "box", 0.1), name)
    assert result.measure("final_com_height_upright") == pytest.approx(0.015, abs=1e-3)
    assert result.measure("final_com_height_upside_down") == pytest.approx(0.015, abs=1e-3)
    assert result.measure("final_tilt_upright") < 7
    assert result.measure("drop_height") == pytest.approx(0.05)


@pytest.mark.parametrize("name", ENGINES)
def test_a_lying_cylinder_may_roll(tmp_path, name):
    """A wheel that arrives with a speed rolls away: that is what wheels do."""
    builder = AssetBuilder(tmp_path / "a.usda")
    body = builder.body("wheel")
    UsdPhysics.RigidBodyAPI(body).CreateVelocityAttr(Gf.Vec3f(0.6, 0, 0))
    builder.sphere("/World/wheel/shape", 0.05, builder.material("m", 0.6))
    result = drop(builder.finish(), name)
    assert result.status == "passed", result.message
    assert "rolling" in result.message


@pytest.mark.parametrize("name", ENGINES)
def test_slippery_things_slide_on(tmp_path, name):
    result = drop(thing(tmp_path / "a.usda", "box", 0.1, 0.0), name)
    assert result.status == "passed", result.message


@pytest.mark.parametrize("name", ENGINES)
def test_several_bodies_settle_together(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda")
    material = builder.material("m", 0.5)
    for body, z in (("base", 0.05), ("lid", 0.1201)):
        builder.body(body, (0, 0, z))
        builder.box(f"/World/{body}/shape", (0.2, 0.2, 0.1 if body == "base" else 0.04), material)
    result = drop(builder.finish(), name)
    assert result.status == "passed", result.message


def test_overlapping_bodies_that_explode_fail(tmp_path):
    """Two boxes almost inside each other are driven apart: energy out of nothing (PhysX parts them gently)."""
    builder = AssetBuilder(tmp_path / "a.usda")
    for i, x in enumerate((-0.02, 0.02)):
        builder.body(f"b{i}", (x, 0, 0.1))
        builder.box(f"/World/b{i}/shape", (0.2, 0.2, 0.2), builder.material(f"m{i}", 0.5))
    result = drop(builder.finish(), "mujoco")
    assert result.status == "failed"
    assert "out of nothing" in result.message


def test_floating_on_a_rest_offset_fails(tmp_path):
    """A rest offset of 5 mm keeps the twin off the floor in PhysX; in MuJoCo it means nothing."""
    builder = AssetBuilder(tmp_path / "a.usda")
    builder.body("thing")
    prim = builder.box("/World/thing/shape", (0.1, 0.1, 0.1), builder.material("m", 0.5))
    prim.AddAppliedSchema("PhysxCollisionAPI")
    prim.CreateAttribute("physxCollision:contactOffset", Sdf.ValueTypeNames.Float).Set(0.01)
    prim.CreateAttribute("physxCollision:restOffset", Sdf.ValueTypeNames.Float).Set(0.005)
    path = builder.finish()
    result = drop(path, "physx")
    assert result.status == "failed" and "above" in result.message
    assert drop(path, "mujoco").status == "passed"


def test_sinking_is_seen(tmp_path):
    """A negative rest offset lets the twin sink by 5 mm."""
    builder = AssetBuilder(tmp_path / "a.usda")
    builder.body("thing")
    prim = builder.box("/World/thing/shape", (0.1, 0.1, 0.1), builder.material("m", 0.5))
    prim.AddAppliedSchema("PhysxCollisionAPI")
    prim.CreateAttribute("physxCollision:contactOffset", Sdf.ValueTypeNames.Float).Set(0.001)
    prim.CreateAttribute("physxCollision:restOffset", Sdf.ValueTypeNames.Float).Set(-0.005)
    result = drop(builder.finish(), "physx")
    assert result.status == "failed" and "stays 5.00 mm deep" in result.message


@pytest.mark.parametrize("name", ENGINES)
def test_no_collider_is_a_clear_error(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda")
    builder.body("ghost", mass=1.0, com=(0, 0, 0), inertia=(1, 1, 1))
    with pytest.raises(ValidationError) as caught:
        drop(builder.save(), name)
    assert caught.value.code == "rollout_no_collider"


@pytest.mark.parametrize("name", ENGINES)
def test_nothing_that_moves_is_a_clear_error(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda")
    builder.box("/World/wall", (1, 1, 1))
    with pytest.raises(ValidationError) as caught:
        drop(builder.save(), name)
    assert caught.value.code == "rollout_nothing_moves"


@pytest.mark.parametrize("name", ENGINES)
def test_impossible_mass_is_a_clear_error(tmp_path, name):
    builder = AssetBuilder(tmp_path / "a.usda")
    builder.body("thing", mass=float("nan"), com=(0, 0, 0), inertia=(1, 1, 1))
    builder.sphere("/World/thing/shape", 0.1)
    with pytest.raises(EngineError) as caught:
        drop(builder.save(), name)
    assert caught.value.code == "engine_refused_stage"


def test_unknown_rollout(tmp_path):
    with pytest.raises(ValidationError) as caught:
        rollouts.run("swim", tmp_path / "a.usda", "mujoco")
    assert caught.value.code == "rollout_unknown"


@pytest.mark.parametrize("content", ["", "#usda 1.0\n", "not usd"])
def test_files_that_are_no_asset(tmp_path, content):
    path = tmp_path / "a.usda"
    path.write_text(content)
    with pytest.raises(PhysiclError):
        drop(path, "mujoco")


def test_mug_keeps_its_cavity_and_settles(tmp_path):
    """Twenty hulls with a handle: multi-hull, not symmetric."""
    builder = AssetBuilder(tmp_path / "a.usda")
    material = builder.material("ceramic", 0.4, restitution=0.3)
    builder.body("mug")
    floor = trimesh.creation.cylinder(0.04, 0.006, sections=16)
    builder.mesh("/World/mug/floor", floor.vertices, floor.faces, material=material)
    for i in range(16):
        a = 2 * np.pi * np.array([i, i + 1]) / 16
        ring = [(r * np.cos(t), r * np.sin(t), z) for t in a for r in (0.036, 0.041) for z in (0.0, 0.095)]
        hull = trimesh.convex.convex_hull(np.array(ring))
        builder.mesh(f"/World/mug/wall_{i}", hull.vertices, hull.faces, material=material)
    for i, z in enumerate((0.02, 0.07)):
        builder.box(f"/World/mug/handle_{i}", (0.03, 0.01, 0.01), material, (0.055, 0, z))
    builder.box("/World/mug/grip", (0.01, 0.01, 0.06), material, (0.07, 0, 0.045))
    path = builder.finish(2400)
    for name in ENGINES:
        result = drop(path, name)
        assert result.status == "passed", result.message
