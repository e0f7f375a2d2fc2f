"""The MJCF of twins made by hand, read by MuJoCo itself."""

from __future__ import annotations

import math
from pathlib import Path

import mujoco
import numpy as np
import pytest

from physicl_twin.deploy import deploy
from physicl_twin.deploy.mjcf_spec import COLLISION_GROUP, VISUAL_GROUP
from tests.usd import twins


def test_a_steel_block_has_the_mass_and_inertia_of_the_textbook(tmp_path: Path) -> None:
    result = deploy(twins.single(), "mujoco", tmp_path)
    assert result.main == tmp_path / "mujoco" / "block" / "block.xml"
    model = mujoco.MjModel.from_xml_path(str(result.main))
    x, y, z = 0.06, 0.04, 0.02
    mass = 7850.0 * x * y * z
    body = model.body("block")
    assert body.mass[0] == pytest.approx(mass, rel=1e-12)
    assert np.allclose(body.ipos, 0, atol=1e-15)
    wanted = mass / 12 * np.array([y * y + z * z, x * x + z * z, x * x + y * y])
    assert np.allclose(np.sort(body.inertia), np.sort(wanted), rtol=1e-12)
    assert model.nv == 6 and model.nbody == 2


def test_looks_weigh_nothing_and_touch_nothing(tmp_path: Path) -> None:
    made = twins.multi_part()
    model = mujoco.MjModel.from_xml_path(str(deploy(made, "mujoco", tmp_path, check=False).main))
    looks = model.geom_group == VISUAL_GROUP
    assert looks.sum() == 4 and not model.geom_contype[looks].any() and not model.geom_conaffinity[looks].any()
    collides = model.geom_group == COLLISION_GROUP
    assert collides.sum() == 4 and model.geom_contype[collides].all()
    assert model.body_mass.sum() == pytest.approx(made.bodies[0].mass.value, rel=1e-12)
    # Box, cylinder, sphere, capsule stay what they are, at their sizes.
    assert np.allclose(model.geom("plate_00").size, [0.05, 0.04, 0.005])
    assert np.allclose(model.geom("shaft_00").size[:2], [0.01, 0.075])
    assert model.geom("ball_00").size[0] == 0.02
    assert np.allclose(model.geom("pin_00").size[:2], [0.005, 0.025])


def test_sliding_friction_is_that_of_the_material(tmp_path: Path) -> None:
    made = twins.multi_part()
    model = mujoco.MjModel.from_xml_path(str(deploy(made, "mujoco", tmp_path, check=False).main))
    assert model.geom("plate_00").friction[0] == made.material("abs").dynamic_friction.value
    assert model.geom("ball_00").friction[0] == made.material("steel_carbon").dynamic_friction.value
    assert model.geom("plate_00").condim[0] == 3
    for rolls in ("shaft_00", "ball_00", "pin_00"):
        assert model.geom(rolls).condim[0] == 6
        assert model.geom(rolls).friction[1:] == pytest.approx([0.0, 1e-4])


@pytest.mark.parametrize("name", sorted(twins.FAMILY))
def test_every_kind_of_twin_comes_back(name: str, tmp_path: Path) -> None:
    result = deploy(twins.FAMILY[name](), "mujoco", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    assert {"mass", "com", "inertia", "pose", "collider_volume", "friction"} <= {c.quantity for c in result.round_trip}
    scene = mujoco.MjModel.from_xml_path(str(result.path / "scene.xml"))
    data = mujoco.MjData(scene)
    mujoco.mj_forward(scene, data)
    assert all(contact.dist > -1e-6 for contact in data.contact), "the twin starts inside the floor"


def test_a_hinge_keeps_its_limits_and_its_pose(tmp_path: Path) -> None:
    result = deploy(twins.hinged(), "mujoco", tmp_path)
    model = mujoco.MjModel.from_xml_path(str(result.main))
    assert np.allclose(model.joint("Deckel_Scharnier").range, [0.0, math.radians(110)], atol=1e-12)
    assert np.allclose(model.joint("slide").range, [0.0, 0.08])
    assert {c.quantity for c in result.round_trip} >= {"joint_frame", "joint_limits"}


def test_a_texture_lies_where_its_coordinates_say(tmp_path: Path) -> None:
    """MuJoCo's rows run down and ours up: the corner of the mesh with v = 0 must read the last row of the image."""
    result = deploy(twins.textured(), "mujoco", tmp_path, check=False)
    model = mujoco.MjModel.from_xml_path(str(result.main))
    assert model.ntex == 1 and model.nmat == 1
    mesh = twins.textured().shapes[0].mesh
    corners = {}
    first = model.mesh("crate").texcoordadr[0]
    coordinates = model.mesh_texcoord[first:]
    for corner, at in zip(
        model.mesh_face[: len(mesh.faces)].reshape(-1),
        model.mesh_facetexcoord[: len(mesh.faces)].reshape(-1),
        strict=True,
    ):
        corners.setdefault(tuple(np.round(model.mesh_vert[corner], 6)), set()).add(tuple(np.round(coordinates[at], 5)))
    ours = {tuple(np.round([u, 1.0 - v], 5)) for u, v in mesh.uvs.reshape(-1, 2)}
    assert set().union(*corners.values()) == {(float(a), float(b)) for a, b in ours}
    assert (result.path / "assets").glob("*.png")


def test_the_xml_has_every_digit(tmp_path: Path) -> None:
    made = twins.multi_part()
    text = deploy(made, "mujoco", tmp_path, check=False).main.read_text()
    assert f'mass="{made.bodies[0].mass.value!r}"' in text


def test_equal_twins_give_equal_bytes(tmp_path: Path) -> None:
    first = deploy(twins.textured(), "mujoco", tmp_path / "a").path
    second = deploy(twins.textured(), "mujoco", tmp_path / "b").path
    names = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
