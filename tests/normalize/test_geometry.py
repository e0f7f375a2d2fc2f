"""Cleaning: what it mends, what it leaves alone, and that attributes stay with their corners."""

from __future__ import annotations

import os

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.model import GeometryError, Mesh, Shape
from physicl_twin.normalize.geometry import clean_mesh, clean_shape, summarize
from physicl_twin.normalize.topology import Edges, group_rows, position_ids
from tests.normalize.solids import (
    SETTINGS,
    box,
    inverted,
    join,
    mesh_of,
    unmerged,
    with_flips,
    with_holes,
    without_patch,
)

make = trimesh.creation


def clean(mesh: Mesh):
    return clean_mesh(mesh, "test", SETTINGS)


def dressed(mesh: Mesh) -> Mesh:
    """The mesh with UVs that are functions of position, outward normals and colours by position."""
    corners = mesh.vertices[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return Mesh(
        mesh.vertices,
        mesh.faces,
        uvs=corners[:, :, :2] * 0.5 + 0.25,
        normals=np.repeat(normal[:, None], 3, axis=1),
        face_appearance=(corners.mean(axis=1)[:, 2] > 0).astype(np.int32),
        vertex_colors=np.clip(mesh.vertices + 0.5, 0, 1),
    )


def assert_dressed(mesh: Mesh, faces: int | None = None) -> None:
    """The attributes still are the functions of position that ``dressed`` made them (of the first faces)."""
    rows = slice(None, faces)
    corners = mesh.vertices[mesh.faces[rows]]
    np.testing.assert_allclose(mesh.uvs[rows], corners[:, :, :2] * 0.5 + 0.25, atol=1e-9)
    np.testing.assert_array_equal(mesh.face_appearance[rows], corners.mean(axis=1)[:, 2] > 0)
    np.testing.assert_allclose(mesh.vertex_colors, np.clip(mesh.vertices + 0.5, 0, 1), atol=1e-9)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("fj,fj->f", mesh.normals[rows].mean(axis=1), normal) > 0).all()


@pytest.mark.parametrize(
    "mesh",
    [
        box(),
        mesh_of(make.icosphere(3)),
        mesh_of(make.torus(1, 0.3)),
        join(box((2, 2, 2)), inverted(box())),
        dressed(box(cuts=2)),
    ],
)
def test_clean_meshes_pass_untouched(mesh) -> None:
    result = clean(mesh)
    assert result.mesh is mesh
    assert result.repairs == () and not result.surface_changed


def test_unmerged_faces_are_welded_and_keep_their_attributes() -> None:
    whole = dressed(box(cuts=2))
    flat = unmerged(whole)
    loose = Mesh(
        flat.vertices, flat.faces, whole.uvs, whole.normals, whole.face_appearance, np.clip(flat.vertices + 0.5, 0, 1)
    )
    result = clean(loose)
    assert len(result.mesh.vertices) == len(whole.vertices)
    assert summarize(result.mesh).watertight
    assert_dressed(result.mesh)


def test_colour_seams_stay_and_are_still_watertight() -> None:
    mesh = unmerged(box())
    colours = np.repeat(np.eye(3)[np.arange(12) % 3], 3, axis=0)
    result = clean(Mesh(mesh.vertices, mesh.faces, vertex_colors=colours))
    assert len(result.mesh.vertices) > 8
    np.testing.assert_array_equal(result.mesh.vertex_colors[result.mesh.faces[:, 0]], np.eye(3)[np.arange(12) % 3])
    assert summarize(result.mesh).watertight and summarize(result.mesh).bodies == 1


def test_rounded_seams_close() -> None:
    generator = np.random.default_rng(0)
    flat = unmerged(mesh_of(make.icosphere(3)))
    shaken = Mesh(flat.vertices + generator.uniform(-1e-8, 1e-8, flat.vertices.shape), flat.faces)
    result = clean(shaken)
    assert summarize(result.mesh).watertight
    assert len(result.mesh.faces) == len(flat.faces)


def test_gaps_wider_than_the_tolerance_stay() -> None:
    flat = unmerged(box())
    spread = Mesh(flat.vertices * 1.0 + 0.01 * (np.arange(36) // 3 % 5)[:, None], flat.faces)
    assert not summarize(clean(spread).mesh).watertight


def test_flipped_faces_turn_with_their_corners() -> None:
    whole = dressed(mesh_of(make.icosphere(3)))
    flip = np.random.default_rng(1).random(len(whole.faces)) < 0.25
    order = np.array([0, 2, 1])
    faces, uvs, normals = whole.faces.copy(), whole.uvs.copy(), whole.normals.copy()
    faces[flip], uvs[flip], normals[flip] = faces[flip][:, order], uvs[flip][:, order], -normals[flip][:, order]
    result = clean(Mesh(whole.vertices, faces, uvs, normals, whole.face_appearance, whole.vertex_colors))
    assert result.surface_changed
    assert_dressed(result.mesh)
    for face, expected in zip(result.mesh.faces, whole.faces, strict=True):
        assert set(face) == set(expected)


def test_good_normals_on_wrongly_wound_faces_stay() -> None:
    whole = dressed(box(cuts=1))
    result = clean(Mesh(whole.vertices, whole.faces[:, ::-1].copy(), whole.uvs[:, ::-1].copy(), whole.normals))
    np.testing.assert_array_equal(np.sort(result.mesh.normals, axis=0), np.sort(whole.normals, axis=0))
    middles = result.mesh.vertices[result.mesh.faces].mean(axis=1)
    assert (np.einsum("fj,fj->f", result.mesh.normals[:, 0], middles) > 0).all()


def test_inside_out_turns_outwards_and_cavities_stay_cavities() -> None:
    hollow = join(box((2, 2, 2)), inverted(box()))
    result = clean(inverted(hollow))
    np.testing.assert_array_equal(np.sort(result.mesh.faces, axis=1), np.sort(hollow.faces, axis=1))
    corners = result.mesh.vertices[result.mesh.faces]
    volume = np.einsum("fj,fj->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(7)


def test_open_shell_faces_the_open() -> None:
    bowl = make.icosphere(3)
    half = Mesh(np.array(bowl.vertices), np.array(bowl.faces[bowl.triangles_center[:, 2] < 0.55], np.int32))
    result = clean(inverted(half))
    corners = result.mesh.vertices[result.mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("fj,fj->f", normal, corners.mean(axis=1)) > 0).all()


def test_duplicates_go_whatever_their_winding() -> None:
    whole = mesh_of(make.icosphere(2))
    assert len(clean(join(whole, whole)).mesh.faces) == len(whole.faces)
    double_sided = join(whole, inverted(whole))
    result = clean(double_sided)
    assert len(result.mesh.faces) == len(whole.faces)
    assert summarize(result.mesh).watertight


def test_wall_between_two_cells_stays() -> None:
    cells = join(box(), box(centre=(1, 0, 0)))
    assert len(clean(cells).mesh.faces) == 24


def test_collapsed_and_flat_faces_leave_no_crack() -> None:
    mesh = box(cuts=1)
    # Put a flat triangle on one edge: split the edge's one neighbour only, which leaves a T-junction, and bridge it.
    a, b, c = (int(v) for v in mesh.faces[0])
    middle = len(mesh.vertices)
    vertices = np.vstack([mesh.vertices, 0.5 * (mesh.vertices[a] + mesh.vertices[b])])
    faces = np.vstack([mesh.faces[1:], [[a, middle, c], [middle, b, c], [a, b, middle], [a, a, b]]]).astype(np.int32)
    bare = Mesh(vertices, faces)
    uvs = vertices[faces][:, :, :2] * 0.5 + 0.25
    result = clean(Mesh(bare.vertices, bare.faces, uvs=uvs))
    edges = Edges.of(result.mesh.faces)
    assert (edges.count == 2).all() and not edges.balance.any()
    assert len(result.mesh.faces) == len(mesh.faces) + 2
    np.testing.assert_allclose(
        result.mesh.uvs, result.mesh.vertices[result.mesh.faces][:, :, :2] * 0.5 + 0.25, atol=1e-12
    )
    areas = np.linalg.norm(
        np.cross(
            *(
                result.mesh.vertices[result.mesh.faces[:, k]] - result.mesh.vertices[result.mesh.faces[:, 0]]
                for k in (1, 2)
            )
        ),
        axis=1,
    )
    assert (areas > 0).all()


def test_small_holes_close_with_attributes_and_large_ones_stay() -> None:
    whole = dressed(mesh_of(make.icosphere(3)))
    keep = np.ones(len(whole.faces), bool)
    keep[[5, 6, 100, 500]] = False
    holed = Mesh(
        whole.vertices,
        whole.faces[keep],
        whole.uvs[keep],
        whole.normals[keep],
        whole.face_appearance[keep],
        whole.vertex_colors,
    )
    result = clean(holed)
    assert summarize(result.mesh).watertight and len(result.mesh.faces) == len(whole.faces)
    assert result.patch_volume_std_m3 > 0
    assert_dressed(result.mesh, faces=int(keep.sum()))
    patched = result.mesh.faces[keep.sum() :]
    np.testing.assert_allclose(
        result.mesh.uvs[keep.sum() :], result.mesh.vertices[patched][:, :, :2] * 0.5 + 0.25, atol=1e-9
    )
    bowl = without_patch(whole, (0, 0, 1), 0.8)
    opened = clean(Mesh(bowl.vertices, bowl.faces))
    assert len(opened.mesh.faces) == len(bowl.faces) and not summarize(opened.mesh).watertight


def test_a_sheet_with_a_hole_stays_a_sheet_with_a_hole() -> None:
    plane = box((1, 1, 1), cuts=4)
    top = Mesh(plane.vertices, plane.faces[(plane.vertices[plane.faces][:, :, 2] > 0.499).all(axis=1)])
    pierced = without_patch(top, (0.1, 0.1, 0.5), 0.05)
    assert len(clean(pierced).mesh.faces) == len(pierced.faces)


def test_unused_vertices_go_and_colours_with_them() -> None:
    mesh = box()
    extra = Mesh(
        np.vstack([[[9.0, 9, 9]], mesh.vertices]), mesh.faces + 1, vertex_colors=np.linspace(0, 1, 27).reshape(9, 3)
    )
    result = clean(extra)
    np.testing.assert_array_equal(result.mesh.vertices, mesh.vertices)
    np.testing.assert_array_equal(result.mesh.vertex_colors, extra.vertex_colors[1:])
    assert result.mesh.faces.dtype == np.int32


def test_one_sided_band_is_reported_and_kept() -> None:
    count, half = 24, 0.2
    angle = np.arange(count) * 2 * np.pi / count
    arm = np.stack([np.cos(angle / 2) * np.cos(angle), np.cos(angle / 2) * np.sin(angle), np.sin(angle / 2)], axis=1)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    vertices = np.concatenate([ring - half * arm, ring + half * arm])
    faces = []
    for i in range(count):
        j = (i + 1) % count
        a, b, c, d = (i, j, i + count, j + count) if j else (i, j + count, i + count, j)
        faces += [[a, b, c], [c, b, d]]
    result = clean(Mesh(vertices, np.array(faces, np.int32)))
    assert len(result.mesh.faces) == 2 * count
    assert any("one-sided" in repair for repair in result.repairs)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), holes=st.floats(0, 0.1), flips=st.floats(0, 0.5), loose=st.booleans())
def test_cleaning_twice_is_cleaning_once(seed, holes, flips, loose) -> None:
    mesh = with_flips(with_holes(mesh_of(make.torus(1, 0.4, 12, 12)), holes, seed), flips, seed + 1)
    once = clean(unmerged(mesh) if loose else mesh)
    twice = clean(once.mesh)
    assert twice.repairs == () and twice.mesh is once.mesh


def test_cleaned_shape_keeps_its_record() -> None:
    shape, notes = clean_shape(Shape("s", mesh=join(box(), box())), SETTINGS)
    assert [note.code for note in notes] == ["geometry_repaired"]
    assert shape.geometry is not None and "removed 12 duplicate faces" in shape.geometry.repairs
    again, quiet = clean_shape(shape, SETTINGS)
    assert again is shape and quiet == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_bad_coordinates(bad) -> None:
    vertices = box().vertices.copy()
    vertices[3, 1] = bad
    with pytest.raises(GeometryError) as caught:
        clean_shape(Shape("s", mesh=Mesh(vertices, box().faces)), SETTINGS)
    assert caught.value.code == "mesh_not_finite"


def test_shape_without_mesh() -> None:
    with pytest.raises(GeometryError) as caught:
        clean_shape(Shape("s"), SETTINGS)
    assert caught.value.code == "mesh_missing"


def test_equal_rows_are_found_even_when_keys_collide(monkeypatch) -> None:
    from physicl_twin.normalize import topology

    rows = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [4.0, 3.0]])
    expected = ([0, 1, 0, 2], [0, 1, 3])
    group, first = group_rows(rows)
    assert (group.tolist(), first.tolist()) == expected
    monkeypatch.setattr(topology, "_MIX_A", np.uint64(0))  # every key equal
    group, first = group_rows(rows)
    assert (group.tolist(), first.tolist()) == expected
    np.testing.assert_array_equal(position_ids(np.array([[0.0, 0, 0], [-0.0, 0, 0], [1, 0, 0]])), [0, 0, 1])


@pytest.mark.slow
def test_ten_million_triangles() -> None:
    """All ten with PHYSICL_FULL=1, a quarter of them otherwise."""
    level = 9 if os.environ.get("PHYSICL_FULL") else 8
    ball = make.icosphere(level)
    extra = make.icosphere(level)
    extra.apply_translation([3, 0, 0])
    mesh = join(mesh_of(ball), mesh_of(extra))
    assert len(mesh.faces) == 2 * 20 * 4**level
    assert summarize(clean(with_flips(mesh, 0.1, 0)).mesh).watertight
