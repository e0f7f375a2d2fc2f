"""Volume, centroid and inertia of meshes whose truth is known, sound and broken."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.model import Estimate, GeometryError, Mesh, Pose, Shape
from physicl_twin.normalize.geometry import clean_mesh
from physicl_twin.normalize.integrals import solid_moments
from physicl_twin.normalize.solid import solid_of_shape, solid_properties
from tests.normalize.solids import (
    SETTINGS,
    box,
    box_truth,
    inverted,
    join,
    mesh_of,
    moved,
    solid,
    unmerged,
    with_flips,
    with_holes,
    without_patch,
)

make = trimesh.creation


def derive(mesh: Mesh, fast: bool = False):
    clean = clean_mesh(mesh, "test", SETTINGS)
    return solid_properties(clean.mesh, SETTINGS, fast, clean.patch_volume_std_m3)


def turned(x: float, y: float, z: float, angle: float, position) -> Pose:
    axis = np.array([x, y, z]) / np.linalg.norm([x, y, z])
    q = (math.cos(angle / 2), *(math.sin(angle / 2) * axis))
    return Pose(tuple(position), tuple(float(v) for v in q))


def test_box_is_exact() -> None:
    size, centre = (0.3, 0.2, 0.05), (0.4, -0.1, 0.7)
    truth, found = box_truth(size, centre), derive(box(size, centre))
    assert found.volume.value == pytest.approx(truth.volume, rel=1e-12)
    np.testing.assert_allclose(found.com_m, truth.com, atol=1e-12)
    np.testing.assert_allclose(found.inertia_m5, truth.inertia, atol=1e-12 * truth.inertia.max())
    assert found.volume.std / found.volume.value <= 1e-6


def test_far_from_the_origin_no_digits_are_lost() -> None:
    size, centre = (0.02, 0.03, 0.01), (1000.0, -2000.0, 500.0)
    truth, found = box_truth(size, centre), derive(box(size, centre))
    assert found.volume.value == pytest.approx(truth.volume, rel=1e-9)
    np.testing.assert_allclose(found.com_m, truth.com, atol=1e-9)
    np.testing.assert_allclose(found.inertia_m5, truth.inertia, atol=1e-8 * truth.inertia.max())


def test_tetrahedron_by_hand() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    found = derive(Mesh(vertices, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)))
    assert found.volume.value == pytest.approx(1 / 6, rel=1e-12)
    np.testing.assert_allclose(found.com_m, 0.25, atol=1e-12)
    # ∫ x² = 1/60 and ∫ xy = 1/120 over the unit corner; about the centroid 1/60 - V/16 and 1/120 - V/16.
    np.testing.assert_allclose(np.diag(found.inertia_m5), 2 * (1 / 60 - 1 / 96), rtol=1e-12)
    assert found.inertia_m5[0][1] == pytest.approx(-(1 / 120 - 1 / 96), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "volume", "inertia_zz"),
    [
        ("sphere 2", make.icosphere(2), 4 / 3 * math.pi, 8 / 15 * math.pi),
        ("sphere 4", make.icosphere(4), 4 / 3 * math.pi, 8 / 15 * math.pi),
        ("cylinder 16", make.cylinder(1, 2, sections=16), 2 * math.pi, math.pi),
        ("cylinder 128", make.cylinder(1, 2, sections=128), 2 * math.pi, math.pi),
        ("cone", make.cone(1, 3, sections=64), math.pi, 0.3 * math.pi),
        ("torus", make.torus(1, 0.25, 64, 64), 2 * math.pi**2 / 16, 2 * math.pi**2 / 16 * (1 + 0.75 / 16)),
        ("tube", make.annulus(0.8, 1, 2, sections=64), 0.72 * math.pi, 0.36 * math.pi * (1 + 0.64)),
    ],
)
def test_round_solids_within_their_facets(name, shape, volume, inertia_zz) -> None:
    found = derive(mesh_of(shape))
    assert found.volume.low <= volume <= found.volume.high
    relative = found.volume.std / volume
    assert 0.2 * abs(found.volume.value / volume - 1) < relative < 5 * abs(found.volume.value / volume - 1)
    assert found.inertia_m5[2][2] == pytest.approx(inertia_zz, rel=4 * relative)


def test_finer_facets_narrow_the_interval_quadratically() -> None:
    spreads = [derive(mesh_of(make.icosphere(level))).volume.std for level in (2, 3, 4)]
    assert spreads[0] / spreads[1] == pytest.approx(4, rel=0.1)
    assert spreads[1] / spreads[2] == pytest.approx(4, rel=0.1)


def test_inner_shell_facing_in_is_a_cavity_and_facing_out_a_duplicate() -> None:
    outer, inner = box((2, 2, 2)), box((1, 1, 1), (0.2, 0, 0))
    hollow, doubled = derive(join(outer, inverted(inner))), derive(join(outer, inner))
    assert hollow.volume.value == pytest.approx(7, rel=1e-12)
    assert hollow.com_m[0] == pytest.approx(-0.2 / 7, rel=1e-9)
    assert doubled.volume.value == pytest.approx(8, rel=1e-12)
    island = join(outer, inverted(inner), box((0.5, 0.5, 0.5), (0.2, 0, 0)))
    assert derive(island).volume.value == pytest.approx(7.125, rel=1e-12)


def test_inside_out_nest_keeps_its_cavity() -> None:
    assert derive(join(inverted(box((2, 2, 2))), box((1, 1, 1)))).volume.value == pytest.approx(7, rel=1e-12)


@pytest.mark.parametrize(
    ("parts", "volume"),
    [
        ((box((2, 1, 1)), box((1, 2, 1), (0.5, 0.5, 0))), 3.0),  # an L of two bars that share a corner cube
        ((box((3, 0.2, 0.2)), box((0.2, 3, 0.2))), 0.232),  # a cross: no vertex of one lies in the other
        ((box(), box(centre=(1, 0, 0))), 2.0),  # face to face
        ((box(), inverted(box(centre=(3, 0, 0)))), 2.0),  # apart, one of them inside out
        ((box((3, 3, 3)), box((1, 1, 5))), 29.0),
    ],
)
def test_shells_together(parts, volume) -> None:
    assert derive(join(*parts)).volume.value == pytest.approx(volume, rel=1e-9)


def test_union_has_the_inertia_of_its_pieces() -> None:
    found = derive(join(box((2, 1, 1)), box((1, 2, 1), (0.5, 0.5, 0))))
    moments = [solid_moments(m.vertices, m.faces) for m in (box((2, 1, 1)), box((1, 1, 1), (0.5, 1, 0)))]
    com = sum(m.measure * m.centroid for m in moments) / 3
    inertia = sum(m.inertia + m.measure * ((d := m.centroid - com) @ d * np.eye(3) - np.outer(d, d)) for m in moments)
    np.testing.assert_allclose(found.com_m, com, atol=1e-9)
    np.testing.assert_allclose(found.inertia_m5, inertia, atol=1e-9)


THICK = {
    "sphere": mesh_of(make.icosphere(4)),
    "box": box((0.4, 0.3, 0.2), cuts=4),
    "torus": mesh_of(make.torus(1, 0.4, 48, 48)),
}
THIN = {
    "plate": box((1, 1, 0.01), cuts=4),
    "tube": mesh_of(make.annulus(0.95, 1, 2, sections=64).subdivide().subdivide()),
}
DEFECTS = {
    "holes": lambda m: with_holes(m, 0.03, 1),
    "flipped": lambda m: with_flips(m, 0.25, 2),
    "doubled": lambda m: join(m, m),
    "soup": lambda m: unmerged(with_flips(with_holes(m, 0.02, 3), 0.25, 4)),
}


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("name", [*THICK, *THIN])
def test_broken_meshes_keep_their_volume(name, defect) -> None:
    whole = (THICK | THIN)[name]
    truth = solid_moments(whole.vertices, whole.faces)
    found = derive(DEFECTS[defect](whole))
    assert found.volume.value == pytest.approx(truth.measure, rel=0.03 if name in THIN else 0.01)
    assert found.volume.low <= truth.measure * (1 + 1e-9) and found.volume.high >= truth.measure * (1 - 1e-9)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(found.inertia_m5), np.linalg.eigvalsh(truth.inertia), rtol=0.05 if name in THIN else 0.02
    )


@pytest.mark.parametrize("name", ["sphere", "torus"])
@pytest.mark.parametrize("broken", [False, True])
def test_hidden_inner_copy_adds_nothing(name, broken) -> None:
    whole = THICK[name]
    inner = trimesh.Trimesh(whole.vertices, whole.faces, process=False)
    mesh = join(whole, Mesh(whole.vertices - 0.003 * inner.vertex_normals, whole.faces))
    truth = solid_moments(whole.vertices, whole.faces).measure
    found = derive(with_holes(mesh, 0.02, 5) if broken else mesh)
    assert found.volume.value == pytest.approx(truth, rel=0.01)
    assert found.volume.low <= truth <= found.volume.high


@pytest.mark.parametrize(
    ("whole", "at", "radius"),
    [
        (THICK["sphere"], (0, 0, -1), 0.5),
        (THICK["sphere"], (0.6, 0.8, 0), 0.3),
        (THICK["box"], (0, 0, -0.1), 0.08),
        (mesh_of(make.capsule(1, 0.2)), (0.2, 0, 0.5), 0.12),
    ],
)
def test_one_large_opening_is_within_the_interval(whole, at, radius) -> None:
    truth = solid_moments(whole.vertices, whole.faces).measure
    opened = without_patch(whole, at, radius)
    assert len(opened.faces) < len(whole.faces)
    found = derive(opened)
    assert found.volume.low <= truth <= found.volume.high
    assert found.volume.value == pytest.approx(truth, rel=0.05)
    assert "open_surface" not in found.volume.flags


def test_a_single_shell_that_overlaps_itself_counts_once() -> None:
    """A prism over the limaçon r = 1/2 + cos θ: inside its inner loop the surface winds twice."""
    count = 240
    theta = (np.arange(count) + 0.3) * 2 * math.pi / count
    radius = 0.5 + np.cos(theta)
    rim = np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1)
    vertices = np.concatenate(
        [
            np.column_stack([rim, np.zeros(count)]),
            np.column_stack([rim, np.ones(count)]),
            [[0.71, 0.013, 0], [0.71, 0.013, 1]],
        ]
    )
    i = np.arange(count)
    j = (i + 1) % count
    bottom, top = np.full(count, 2 * count), np.full(count, 2 * count + 1)
    faces = np.concatenate(
        [
            np.stack(corner, axis=1)
            for corner in ((i, j, i + count), (j, j + count, i + count), (bottom, j, i), (top, i + count, j + count))
        ]
    )
    shell = Mesh(vertices, faces.astype(np.int32))
    inner = np.linspace(2 * math.pi / 3, 4 * math.pi / 3, 2001)
    loop = float(np.trapezoid((0.5 + np.cos(inner)) ** 2 / 2, inner))
    signed = solid_moments(shell.vertices, shell.faces).measure
    assert signed == pytest.approx(0.75 * math.pi, rel=1e-3)  # counts the loop twice
    found = derive(shell)
    assert found.volume.value == pytest.approx(signed - loop, rel=0.005)
    assert found.volume.low <= 0.75 * math.pi - loop <= found.volume.high
    assert "methods_disagree" not in found.volume.flags
    assert any("more than once" in evidence.statement for evidence in found.evidence)


def test_open_mesh_of_a_thin_rod_is_not_missed() -> None:
    rod = moved(mesh_of(make.cylinder(0.004, 1, sections=32)), turned(1, 2, 3, 0.7, (0.1, 0.2, 0.3)))
    truth = solid_moments(rod.vertices, rod.faces).measure
    cracked = Mesh(rod.vertices, rod.faces[1:])
    found = solid_properties(cracked, SETTINGS)
    assert found.volume.value == pytest.approx(truth, rel=0.03)
    assert found.volume.low <= truth <= found.volume.high


@pytest.mark.parametrize(
    "mesh",
    [
        Mesh(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float), np.array([[0, 1, 2], [0, 2, 3]], np.int32)),
        without_patch(box((1, 1, 1), cuts=3), (0, 0, 0.5), 0.72),
        join(*(inverted(m) if k else m for k, m in enumerate([box((1, 1, 1e-12))] * 2))),
    ],
    ids=["square", "open box", "flat box"],
)
def test_what_encloses_nothing_is_a_sheet(mesh) -> None:
    found = derive(mesh)
    assert "open_surface" in found.volume.flags
    assert found.volume.high / found.volume.low > 10
    principal = np.linalg.eigvalsh(found.inertia_m5)
    assert principal[0] > 0 and principal[2] < principal[0] + principal[1]


def test_open_sheet_in_words_and_notes() -> None:
    mesh = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float), np.array([[0, 1, 2]], np.int32))
    found, notes = solid_of_shape(Shape("leaf", mesh=mesh), SETTINGS)
    assert [note.code for note in notes] == ["open_surface"]
    assert "mm thick" in found.evidence[0].statement


def test_cad_integrals_win_and_the_mesh_checks_them() -> None:
    mesh = box((0.1, 0.1, 0.1))
    good, quiet = solid_of_shape(Shape("cube", brep=solid(1.0005e-3), mesh=mesh), SETTINGS)
    assert good.volume.value == 1.0005e-3 and quiet == ()
    wrong, notes = solid_of_shape(Shape("cube", brep=solid(1.2e-3), mesh=mesh), SETTINGS)
    assert wrong.volume.value == 1.2e-3
    assert [note.code for note in notes] == ["volume_disagreement"]


def test_cad_without_volume_gives_way_to_the_mesh() -> None:
    from dataclasses import replace

    none = replace(solid(1.0), volume=Estimate.exact(0.0, "m3", "CAD kernel"))
    found, _ = solid_of_shape(Shape("cube", brep=none, mesh=box((0.1, 0.1, 0.1))), SETTINGS)
    assert found.volume.value == pytest.approx(1e-3)


@settings(max_examples=25, deadline=None)
@given(
    angle=st.floats(0, 6),
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1),
    shift=st.tuples(*[st.floats(-50, 50)] * 3),
    scale=st.floats(1e-3, 1e3),
)
def test_rigid_motion_and_scale(angle, axis, shift, scale) -> None:
    mesh = mesh_of(make.cone(0.3, 1, sections=12))
    before = solid_moments(mesh.vertices, mesh.faces)
    pose = turned(*axis, angle, shift)
    after = solid_moments(pose.apply(mesh.vertices * scale), mesh.faces)
    assert after.measure == pytest.approx(scale**3 * before.measure, rel=1e-6)
    np.testing.assert_allclose(after.centroid, pose.apply(scale * before.centroid[None])[0], atol=1e-9 * (scale + 50))
    np.testing.assert_allclose(
        np.linalg.eigvalsh(after.inertia), scale**5 * np.linalg.eigvalsh(before.inertia), rtol=1e-4
    )


@settings(max_examples=4, deadline=None)
@given(angle=st.floats(0.1, 6), shift=st.tuples(*[st.floats(-5, 5)] * 3))
def test_open_volume_hardly_depends_on_pose(angle, shift) -> None:
    opened = without_patch(THICK["box"], (0, 0, -0.1), 0.08)
    one = solid_properties(opened, SETTINGS, fast=True)
    other = solid_properties(moved(opened, turned(1, -2, 0.5, angle, shift)), SETTINGS, fast=True)
    assert other.volume.value == pytest.approx(one.volume.value, rel=0.02)


@pytest.mark.parametrize(
    ("vertices", "faces", "code"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), np.int32), "mesh_empty"),
        (np.array([[0, 0, 0], [1, 0, 0], [np.nan, 1, 0]]), np.array([[0, 1, 2]], np.int32), "mesh_not_finite"),
        (np.array([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]]), np.array([[0, 1, 2]], np.int32), "mesh_not_finite"),
        (np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0.0]]), np.array([[0, 1, 2]], np.int32), "mesh_zero_area"),
        (np.zeros((3, 3)), np.array([[0, 1, 2]], np.int32), "mesh_zero_area"),
        (np.eye(3), np.array([[0, 1, 7]], np.int32), "mesh_index_out_of_range"),
    ],
)
def test_bad_meshes_are_refused(vertices, faces, code) -> None:
    with pytest.raises(GeometryError) as caught:
        solid_properties(Mesh(vertices, faces), SETTINGS)
    assert caught.value.code == code and caught.value.hint


def test_same_mesh_same_answer() -> None:
    opened = without_patch(THICK["sphere"], (0, 0, -1), 0.5)
    assert solid_properties(opened, SETTINGS) == solid_properties(opened, SETTINGS)
