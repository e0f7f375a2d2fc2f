from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest
from physicl_twin.model import Estimate, Part, Pose, Shape, Twin
from physicl_twin.normalize.duplicates import without_duplicate_parts
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stages import normalize, with_solids
from physicl_twin.settings import pipeline
from tests.contract.command import stl_box

SETTINGS = NormalizeSettings.from_table(pipeline()["normalize"])


def doubled(tmp_path: Path, pose: Pose, flip: bool) -> Twin:
    """A box and a copy of it, flipped or not, as a part of its own."""
    twin = ingest.read(stl_box(tmp_path / "block.stl", (40.0, 30.0, 20.0)), ingest.ReadOptions(units="mm", up_axis="z"))
    (shape,), (body,) = twin.shapes, twin.bodies
    assert shape.mesh is not None
    order = np.random.default_rng(0).permutation(len(shape.mesh.faces))
    faces = shape.mesh.faces[order][:, ::-1] if flip else shape.mesh.faces[order]
    copy = Shape("copy", shape.appearances, mesh=replace(shape.mesh, faces=np.ascontiguousarray(faces), normals=None))
    body = replace(body, parts=(*body.parts, Part("copy", "copy", pose)))
    return replace(twin, shapes=(shape, copy), bodies=(body,))


@pytest.mark.parametrize("flip", [False, True])
def test_a_copy_in_the_same_place_counts_once(tmp_path: Path, flip: bool) -> None:
    twin = normalize(doubled(tmp_path, Pose(), flip))
    assert len(twin.parts) == 1
    assert len(twin.shapes) == 1
    assert any(note.code == "duplicate_parts" for note in twin.notes)
    (part,) = twin.parts
    assert part.mass is not None
    alone = doubled(tmp_path, Pose(), flip)
    alone = normalize(replace(alone, bodies=(replace(alone.bodies[0], parts=alone.bodies[0].parts[:1]),)))
    assert alone.parts[0].mass is not None
    assert part.mass.value == pytest.approx(alone.parts[0].mass.value)


def test_a_copy_beside_it_counts(tmp_path: Path) -> None:
    twin = doubled(tmp_path, Pose((0.1, 0.0, 0.0)), flip=False)
    assert without_duplicate_parts(twin) is twin


def welded(tmp_path: Path, joint: str, mass: str) -> Twin:
    """A block on a link of its own, in the place where its base has the same block."""
    block = '<visual><origin xyz="0.03 0.01 0"/><geometry><box size="0.02 0.01 0.01"/></geometry></visual>'
    base = '<visual><geometry><box size="0.2 0.1 0.02"/></geometry></visual>'
    inertia = '<inertia ixx="1e-5" iyy="1e-5" izz="1e-5" ixy="0" ixz="0" iyz="0"/>'
    inertial = f'<inertial><mass value="{mass}"/>{inertia}</inertial>' if mass else ""
    path = tmp_path / "welded.urdf"
    path.write_text(
        f'<robot name="welded"><link name="base"><inertial><mass value="1"/>{inertia}</inertial>{base}{block}</link>'
        f'<link name="sensor">{inertial}<visual><geometry><box size="0.02 0.01 0.01"/></geometry></visual></link>'
        f'<joint name="j" type="{joint}"><parent link="base"/><child link="sensor"/><origin xyz="0.03 0.01 0"/>'
        '<axis xyz="0 0 1"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint></robot>',
        encoding="utf-8",
    )
    return ingest.read(path)


def parts_of(twin: Twin) -> dict[str, int]:
    return {body.name: len(body.parts) for body in twin.bodies}


def test_a_copy_in_a_body_that_is_welded_on_counts_once(tmp_path: Path) -> None:
    once = normalize(welded(tmp_path, "fixed", "0.01"))
    assert parts_of(once) == {"base": 2, "sensor": 0}
    assert any(note.code == "duplicate_parts" for note in once.notes)
    assert once.bodies[1].mass is not None
    assert once.bodies[1].mass.value == pytest.approx(0.01)
    again = normalize(once)
    assert [body.parts for body in again.bodies] == [body.parts for body in once.bodies]


def test_a_copy_in_a_body_that_turns_stays(tmp_path: Path) -> None:
    assert parts_of(normalize(welded(tmp_path, "revolute", "0.01"))) == {"base": 2, "sensor": 1}


def test_of_two_roles_the_copy_that_also_collides_stays(tmp_path: Path) -> None:
    twin = welded(tmp_path, "fixed", "0.01")
    base, sensor = twin.bodies
    plate, block = base.parts
    twin = replace(twin, bodies=(replace(base, parts=(plate, replace(block, role="visual"))), sensor))
    assert parts_of(normalize(twin)) == {"base": 1, "sensor": 1}


def test_what_is_seen_and_what_collides_alike_is_one_part(tmp_path: Path) -> None:
    twin = doubled(tmp_path, Pose(), flip=False)
    seen, touched = twin.bodies[0].parts
    rough = Estimate.normal(0.9, 0.1, "1", "test")
    touched = replace(touched, role="collision", hints=replace(touched.hints, static_friction=rough))
    twin = replace(twin, bodies=(replace(twin.bodies[0], parts=(replace(seen, role="visual"), touched)),))
    (part,) = without_duplicate_parts(with_solids(twin, SETTINGS)).parts
    assert (part.name, part.role) == (seen.name, "solid")
    assert part.hints.static_friction == rough


def _wrist(tmp_path: Path, shape: str, second: str) -> Twin:
    """Two links without shape of their own but the same ball (or box), and a hand."""
    inertial = (
        '<inertial><mass value="0.1"/><inertia ixx="1e-4" iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/></inertial>'
    )
    drawn = f"<visual><geometry>{shape}</geometry></visual>"
    limit = '<limit lower="-1" upper="1" effort="1" velocity="1"/>'
    hand = '<visual><origin xyz="0 0 0.1"/><geometry><box size="0.05 0.04 0.15"/></geometry></visual>'
    (tmp_path / "wrist.urdf").write_text(
        f'<robot name="wrist"><link name="arm">{inertial}{hand}</link>'
        f'<link name="about_x">{inertial}{drawn}</link><link name="about_y">{inertial}{drawn}</link>'
        '<joint name="x" type="revolute"><parent link="arm"/><child link="about_x"/><origin xyz="0 0 0.3"/>'
        f'<axis xyz="1 0 0"/>{limit}</joint><joint name="y" type="{second}"><parent link="about_x"/>'
        f'<child link="about_y"/><axis xyz="0 1 0"/>{limit}</joint></robot>',
        encoding="utf-8",
    )
    return normalize(ingest.read(tmp_path / "wrist.urdf"))


@pytest.mark.parametrize(
    ("shape", "second", "drawn"),
    [
        ('<sphere radius="0.03"/>', "revolute", 1),
        ('<sphere radius="0.03"/>', "prismatic", 2),
        ('<box size="0.04 0.04 0.04"/>', "revolute", 2),
    ],
)
def test_a_ball_in_every_link_of_a_ball_joint_counts_once(tmp_path: Path, shape: str, second: str, drawn: int) -> None:
    twin = _wrist(tmp_path, shape, second)
    counts = [len(body.parts) for body in twin.bodies]
    assert counts[:2] == [1, 1] and sum(counts) == 1 + drawn
    assert [body.mass_properties.mass.value for body in twin.bodies] == [0.1, 0.1, 0.1]
