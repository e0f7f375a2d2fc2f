"""What was written is what is read, and a stage that was edited says so."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin import usd
from physicl_twin.model import UsdError, dumps, loads_twin
from tests.usd.twins import FAMILY, hinged, instanced, multi_look, multi_part, single, textured, write


@pytest.mark.parametrize("name", list(FAMILY))
def test_reading_back_gives_the_same_twin(name, tmp_path):
    twin = FAMILY[name]()
    write(twin, tmp_path)
    back = usd.read_twin(tmp_path / twin.name)
    used = {look for part in twin.parts for look in twin.shape(part.shape).appearances}
    looks = tuple(sorted((a for a in twin.appearances if a.name in used), key=lambda a: a.name))
    assert back == replace(twin, appearances=looks)
    for before in twin.shapes:
        after = back.shape(before.name).mesh
        assert after == before.mesh
        assert (before.mesh.uvs is None) == (after.uvs is None)
        if before.mesh.uvs is not None:
            np.testing.assert_allclose(after.uvs, before.mesh.uvs, rtol=1e-6, atol=1e-6)
        if before.mesh.face_appearance is not None:
            np.testing.assert_array_equal(after.face_appearance, before.mesh.face_appearance)
        if before.mesh.vertex_colors is not None:
            np.testing.assert_allclose(after.vertex_colors, before.mesh.vertex_colors, atol=1e-6)


def test_texture_bytes_survive(tmp_path):
    twin = textured()
    write(twin, tmp_path)
    before = {t.slot: t.data for t in twin.appearances[0].textures}
    assert {t.slot: t.data for t in usd.read_twin(tmp_path / "crate").appearances[0].textures} == before


@pytest.mark.parametrize("name", list(FAMILY))
def test_attach_fills_what_twin_json_leaves_out(name, tmp_path):
    twin = FAMILY[name]()
    path = write(twin, tmp_path)
    bare = loads_twin(dumps(twin))
    assert all(shape.mesh is None for shape in bare.shapes)
    full = usd.attach_geometry(bare, path)
    assert full == twin
    assert all(full.shape(shape.name).mesh == shape.mesh for shape in twin.shapes)
    hulls = [c.hull for part in full.parts for c in part.collision.colliders if c.kind == "hull"]
    assert hulls == [c.hull for part in twin.parts for c in part.collision.colliders if c.kind == "hull"]


def test_attach_refuses_another_mesh(tmp_path):
    twin = single()
    path = write(twin, tmp_path)
    geometry = Sdf.Layer.FindOrOpen(str(path.parent / "payloads/geometries.usdc"))
    points = geometry.GetAttributeAtPath("/Geometries/block/mesh.points")
    points.default = [p * 1.01 for p in points.default]
    geometry.Save()
    with pytest.raises(UsdError) as refused:
        usd.attach_geometry(loads_twin(dumps(twin)), path)
    assert refused.value.code == "geometry_changed"


def test_attach_says_what_is_missing(tmp_path):
    path = write(single(), tmp_path)
    stranger = loads_twin(dumps(replace(single(), shapes=(replace(single().shapes[0], name="other"),))))
    with pytest.raises(UsdError) as refused:
        usd.attach_geometry(stranger, path)
    assert refused.value.code == "geometry_missing"


def _edit(path: Path) -> Sdf.Layer:
    return Sdf.Layer.FindOrOpen(str(path.parent / "payloads/base.usda"))


def test_an_edited_mass_and_friction_count_and_are_marked(tmp_path):
    path = write(single(), tmp_path)
    layer = _edit(path)
    layer.GetAttributeAtPath("/block.physics:mass").default = 1.25
    layer.GetAttributeAtPath("/block/PhysicsMaterials/steel_carbon.physics:staticFriction").default = 0.9
    layer.Save()
    back = usd.read_twin(path)
    mass = back.bodies[0].mass
    assert mass.value == 1.25 and mass.std == 0.0 and "edited" in mass.flags
    assert back.materials[0].static_friction.value == pytest.approx(0.9, rel=1e-7)
    assert back.materials[0].dynamic_friction == single().materials[0].dynamic_friction


def test_an_edited_inertia_pose_and_limit_count(tmp_path):
    path = write(hinged(), tmp_path)
    layer = _edit(path)
    inertia = layer.GetAttributeAtPath("/chest/lid.physics:diagonalInertia")
    inertia.default = tuple(2.0 * v for v in inertia.default)
    layer.GetAttributeAtPath("/chest/joints/slide.physics:upperLimit").default = 0.05
    layer.GetAttributeAtPath("/chest/lid.xformOp:translate").default = (0.0, 0.0, 0.2)
    layer.Save()
    before, back = hinged(), usd.read_twin(path)
    np.testing.assert_allclose(
        back.bodies[1].mass_properties.inertia_kgm2,
        2 * np.asarray(before.bodies[1].mass_properties.inertia_kgm2),
        rtol=1e-6,
        atol=1e-12,
    )
    assert back.joints[1].upper == pytest.approx(0.05, rel=1e-6)
    assert back.bodies[1].pose.position_m == pytest.approx((0.0, 0.0, 0.2))
    assert back.joints[0] == before.joints[0]


def test_foreign_and_missing_files_are_refused_by_name(tmp_path):
    stage = Usd.Stage.CreateNew(str(tmp_path / "cube.usda"))
    stage.SetDefaultPrim(UsdGeom.Cube.Define(stage, "/cube").GetPrim())
    stage.Save()
    broken = tmp_path / "broken.usda"
    broken.write_text("#usda 1.0\ndef Xform {{{")
    for path, code in (
        (tmp_path / "cube.usda", "usd_not_a_twin"),
        (broken, "usd_unreadable"),
        (tmp_path, "usd_not_found"),
    ):
        with pytest.raises(UsdError) as refused:
            usd.read_twin(path)
        assert refused.value.code == code
        assert str(tmp_path.parent) not in str(refused.value)


def test_a_bare_twin_is_not_written(tmp_path):
    twin = multi_part()
    for broken, word in (
        (replace(twin, semantics=None), "semantics"),
        (replace(twin, materials=()), "material of"),
        (replace(twin, shapes=tuple(replace(s, mesh=None) for s in twin.shapes)), "mesh of"),
        (replace(twin, bodies=(replace(twin.bodies[0], mass_properties=None),)), "mass properties"),
    ):
        with pytest.raises(UsdError) as refused:
            write(broken, tmp_path)
        assert refused.value.code == "twin_not_normalized" and word in refused.value.message
    assert not (tmp_path / twin.name).exists()


def test_rewriting_replaces_the_asset_and_keeps_the_rest_of_the_folder(tmp_path):
    write(single(), tmp_path)
    (tmp_path / "block/twin.json").write_text("{}")
    stale = tmp_path / "block/simready/payloads/stale.usda"
    stale.write_text("#usda 1.0\n")
    write(single(), tmp_path)
    assert not stale.exists() and (tmp_path / "block/twin.json").exists()
    assert sorted(p.name for p in (tmp_path / "block").iterdir()) == ["simready", "twin.json"]


def test_a_failed_write_leaves_the_old_asset(tmp_path):
    path = write(single(), tmp_path)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    twin = single()
    mesh = twin.shapes[0].mesh
    spoilt = replace(mesh, vertices=mesh.vertices * 1e60)
    with pytest.raises(UsdError) as refused:
        write(replace(twin, shapes=(replace(twin.shapes[0], mesh=spoilt),)), tmp_path)
    assert refused.value.code == "mesh_beyond_float32"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [p.name for p in (tmp_path / "block").iterdir()] == ["simready"]


def test_joint_frames_meet_in_the_rest_pose(tmp_path):
    """Both frames of a joint are authored: they coincide in the world (but for motion along the axis, here none)."""
    stage = Usd.Stage.Open(str(write(hinged(), tmp_path)))
    cache = UsdGeom.XformCache()
    for prim in stage.Traverse():
        if not prim.IsA(UsdPhysics.Joint):
            continue
        joint, frames = UsdPhysics.Joint(prim), []
        for relation, position in (
            (joint.GetBody0Rel(), joint.GetLocalPos0Attr()),
            (joint.GetBody1Rel(), joint.GetLocalPos1Attr()),
        ):
            world = cache.GetLocalToWorldTransform(stage.GetPrimAtPath(relation.GetTargets()[0]))
            frames.append(np.asarray(world.Transform(position.Get())))
        np.testing.assert_allclose(frames[0], frames[1], atol=1e-7)
    assert stage.GetPrimAtPath("/chest/joints/Deckel_Scharnier").GetAttribute(
        "physics:upperLimit"
    ).Get() == pytest.approx(110.0)
    # A single free tree: its root is the body that hangs on no other.
    assert stage.GetPrimAtPath("/chest/box").HasAPI(UsdPhysics.ArticulationRootAPI)


def test_looks_of_the_faces_are_bound_to_the_faces(tmp_path):
    stage = Usd.Stage.Open(str(write(multi_look(), tmp_path)))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/die/geometry/die/mesh"))
    subsets = UsdGeom.Subset.GetGeomSubsets(mesh, "face", "materialBind")
    assert [s.GetPrim().GetDisplayName() or s.GetPrim().GetName() for s in subsets] == ["红色", "green paint", "glass"]
    valid, reason = UsdGeom.Subset.ValidateFamily(mesh, "face", "materialBind")
    assert valid, reason


def test_unused_looks_are_not_written(tmp_path):
    assert [a.name for a in usd.read_twin(write(instanced(), tmp_path)).appearances] == ["grey"]
