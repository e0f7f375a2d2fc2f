"""Sets of variations, made by hand in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from physicl_twin import settings
from physicl_twin.deploy.family import Family, chosen_members
from physicl_twin.deploy.family_export import export_family, sample
from physicl_twin.deploy.mjcf_assets import write_assets
from physicl_twin.deploy.mjcf_pairs import add_pairs
from physicl_twin.deploy.mjcf_spec import model_spec
from physicl_twin.deploy.subject import Subject
from physicl_twin.deploy.variation_spec import Kind, instance_of
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import (
    CameraState,
    InstanceState,
    LightState,
    LookState,
    PhysiclError,
    Pose,
    Support,
    SurfaceState,
    Variation,
    VariationSet,
)
from physicl_twin.normalize.friction_pairs import FrictionTable
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.usd.layout import plan
from physicl_twin.usd.options import UsdOptions
from tests.usd import twins

SUPPORT = Support("bin", (0.6, 0.5, 0.2), 0.01, 0.6, 0.5, 0.0)
SCALE, FACTOR = 1.25, 0.8


def family() -> Family:
    """A crate at true size and a larger, lighter block, lying on the bottom of a bin."""
    crate, block = twins.textured(), twins.single()
    shared = VariationSet(
        "bin_of_two", (("crate", "twins/crate"), ("block", "twins/block")), (), SUPPORT, 7, 12, (0, 3, 11)
    )

    def read(index: int) -> tuple[Variation, Support]:
        states = (
            InstanceState("crate_1", "crate", Pose((-0.1, 0.0, 0.01 + 0.05))),
            InstanceState(
                "block_1",
                "block",
                Pose((0.15, 0.01 * index, 0.01 + 0.5 * SCALE * 0.02)),
                SCALE,
                FACTOR,
                (SurfaceState("steel_carbon", 0.31, 0.29, 0.0),),
                (LookState("look of metal", (0.5, 0.0, 0.0)),),
            ),
        )
        light = LightState(800.0, 6500.0, 2000.0, 3000.0, 0.3, math.radians(50))
        camera = CameraState(Pose((0.0, 0.0, 1.5)), 24.0)
        return Variation(index, states, light, camera), replace(SUPPORT, dynamic_friction=0.45)

    subjects = {"crate": Subject(crate, None, None), "block": Subject(block, None, None)}
    return Family(shared, subjects, None, read)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory):
    table = settings.pipeline()
    out = tmp_path_factory.mktemp("family")
    return export_family(family(), "mujoco", out, table, members=(0, 3, 11), check=True, force=False)


def test_one_model_a_member_over_shared_assets(exported) -> None:
    assert exported.passed, [c for c in exported.round_trip if not c.passed]
    models = sorted(p.name for p in exported.path.glob("*.xml"))
    assert models == ["variation_00000.xml", "variation_00003.xml", "variation_00011.xml"]
    assert sorted(p.name for p in (exported.path / "assets").iterdir()) == ["block", "crate"]
    assert {"rest_position", "rest_rotation"} <= {c.quantity for c in exported.round_trip}


def test_size_mass_surface_and_place_are_the_member_s(exported) -> None:
    model = mujoco.MjModel.from_xml_path(str(exported.path / "variation_00003.xml"))
    mass = 7850.0 * 0.06 * 0.04 * 0.02
    block = model.body("block_1")
    assert block.mass[0] == pytest.approx(mass * FACTOR * SCALE**3, rel=1e-12)
    wanted = mass / 12 * np.array([0.04**2 + 0.02**2, 0.06**2 + 0.02**2, 0.06**2 + 0.04**2])
    assert np.allclose(np.sort(block.inertia), np.sort(wanted) * FACTOR * SCALE**5, rtol=1e-12)
    assert np.allclose(block.pos, [0.15, 0.03, 0.01 + 0.5 * SCALE * 0.02])
    hull = model.geom("block_1_block_00")
    assert hull.friction[0] == 0.29
    first, count = model.mesh_vertadr[hull.dataid[0]], model.mesh_vertnum[hull.dataid[0]]
    extent = np.ptp(model.mesh_vert[first : first + count], axis=0)
    assert np.allclose(np.sort(extent), np.sort([0.06 * SCALE, 0.04 * SCALE, 0.02 * SCALE]), rtol=1e-6)
    assert model.geom("floor").friction[0] == 0.45
    assert model.geom("wall_x_low").pos[0] == pytest.approx(-0.305)
    look = model.material(model.geom("block_1_visual_block").matid[0])
    assert look.rgba[0] == pytest.approx(0.735357, abs=1e-5) and look.rgba[1] == 0.0


def test_the_camera_looks_down_on_the_bin(exported) -> None:
    model = mujoco.MjModel.from_xml_path(str(exported.main))
    camera = model.camera("camera")
    assert np.allclose(camera.pos, [0, 0, 1.5]) and np.allclose(camera.quat, [1, 0, 0, 0])
    assert camera.fovy[0] == pytest.approx(math.degrees(2 * math.atan(15.2908 / 48.0)))


def test_formats_without_scenes_get_each_twin_once(tmp_path: Path) -> None:
    table = settings.pipeline()
    result = export_family(family(), "urdf", tmp_path, table, members=(0,), check=True, force=False)
    assert result.passed and "no_scenes" in {note.code for note in result.losses}
    assert sorted(p.name for p in result.path.iterdir() if p.is_dir()) == ["block", "crate"]


def test_members_are_chosen_by_number() -> None:
    shared = family().shared
    assert chosen_members(shared, None) == (0, 3, 11)
    assert chosen_members(shared, "0-5") == (0, 3)
    assert chosen_members(shared, "11, 3") == (11, 3)
    for text, code in (("1-2", "members_absent"), ("x", "members_unreadable"), ("5-", "members_unreadable")):
        with pytest.raises(PhysiclError) as error:
            chosen_members(shared, text)
        assert error.value.code == code
    assert sample(tuple(range(9))) == (0, 4, 8) and sample((5,)) == (5,)


def test_pairs_state_the_friction_of_the_two_materials(tmp_path: Path) -> None:
    table = settings.pipeline()
    table["deploy"] = {"mujoco_pairs": 10}
    both = family()
    wooden = both.subjects["crate"].twin
    wooden = replace(wooden, materials=(replace(wooden.materials[0], table_id="wood_oak"), *wooden.materials[1:]))
    both = replace(both, subjects=both.subjects | {"crate": Subject(wooden, None, None)})

    def stacked(index: int) -> tuple[Variation, Support]:
        variation, support = both.read(index)
        crate, block = variation.instances
        on_top = replace(block, pose=Pose((-0.1, 0.0, 0.01 + 0.1 + 0.5 * SCALE * 0.02)))
        return replace(variation, instances=(crate, on_top)), support

    made = export_family(replace(both, read=stacked), "mujoco", tmp_path, table, members=(0,), check=True, force=False)
    assert made.passed, [c for c in made.round_trip if not c.passed]
    model = mujoco.MjModel.from_xml_path(str(made.main))
    base = MaterialTable.load()
    crate, steel = (both.subjects[name].twin.materials[0] for name in ("crate", "block"))
    cited = FrictionTable.load().pair(crate.table_id, steel.table_id, base)
    assert cited is not None
    nominal = cited.dynamic.value if cited.dynamic else cited.static.value * base.dynamic_from_static
    wanted = nominal * math.sqrt(0.29 / steel.dynamic_friction.value)
    assert model.npair == 1 and model.pair_friction[0][0] == pytest.approx(wanted, rel=1e-9)
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, nstep=50)
    names = [{model.geom(g).name for g in contact.geom} for contact in data.contact]
    between = [
        c for c, who in zip(data.contact, names, strict=True) if all(n.startswith(("crate_", "block_")) for n in who)
    ]
    assert between and all(c.friction[0] == pytest.approx(wanted) for c in between)


def test_pairs_over_the_budget_are_told(tmp_path: Path) -> None:
    table, both = settings.pipeline(), family()
    solver = EngineSettings.from_pipeline(table)
    options = UsdOptions.from_settings(table)
    kinds = {}
    for name, subject in both.subjects.items():
        layout = plan(subject.twin, options)
        kinds[name] = Kind(layout, write_assets(layout, tmp_path, options.crease_angle_deg, shared=True))
    variation, _ = both.read(0)
    third = replace(variation.instances[1], name="block_2")
    instances = [instance_of(state, kinds[state.twin], 9.81) for state in (*variation.instances, third)]
    spec, _ = model_spec("three", instances, 0.002, solver)
    assert add_pairs(spec, instances, 0.002, solver, 2) == 1 and len(spec.pairs) == 2
