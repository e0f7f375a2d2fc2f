"""A box of known size through every format, unit and placement."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.ingest import ReadOptions, read
from physicl_twin.ingest.affine import map_integrals, split_transform
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT
from physicl_twin.ingest.raw import RawIntegrals
from tests.ingest import mesh_files as files

SIZE_M = np.array([0.2, 0.3, 0.4])
TO_Z_UP = {"z": np.eye(3), "y": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]])}


def extent(twin):
    """World bounds of the twin, metres."""
    points = np.concatenate(
        [b.pose.apply(p.pose.apply(twin.shape(p.shape).mesh.vertices)) for b in twin.bodies for p in b.parts]
    )
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("suffix", files.WRITERS)
@pytest.mark.parametrize("unit", METRES_PER_UNIT)
@pytest.mark.parametrize("up", ["z", "y"])
def test_a_box_is_the_same_solid_in_every_format_and_unit(tmp_path, suffix, unit, up):
    offset = np.array([0.5, -0.25, 0.125])
    source = files.box(SIZE_M, offset) / METRES_PER_UNIT[unit]
    path = files.write(tmp_path, f"thing{suffix}", files.WRITERS[suffix](source))
    twin = read(path, ReadOptions(units=unit, up_axis=up))
    mesh = twin.shapes[0].mesh
    truth = files.box(SIZE_M, offset) @ TO_Z_UP[up].T
    low, high = extent(twin)
    assert len(mesh.vertices) == 8 and len(mesh.faces) == 12
    np.testing.assert_allclose([low, high], [truth.min(axis=0), truth.max(axis=0)], atol=1e-7)
    assert files.volume(mesh.vertices, mesh.faces) == pytest.approx(0.2 * 0.3 * 0.4, rel=1e-6)
    assert twin.frame.metres_per_unit == METRES_PER_UNIT[unit]
    assert (twin.frame.units.value, twin.frame.up_axis.value) == (unit, up)
    assert twin.frame.units.evidence[0].kind == "user"
    assert twin.sources[0].name == path.name and len(twin.sources[0].sha256) == 64


def test_the_frame_maps_source_points_to_twin_points(tmp_path):
    path = files.write(tmp_path, "thing.obj", files.obj(files.box((20, 30, 40), (1, 2, 3))))
    twin = read(path, ReadOptions(units="cm", up_axis="y"))
    from physicl_twin.model import Pose

    rotation = Pose(quaternion_wxyz=twin.frame.source_to_twin_wxyz)
    expected = rotation.apply(twin.frame.metres_per_unit * files.box((20, 30, 40), (1, 2, 3)))
    low, high = extent(twin)
    np.testing.assert_allclose([low, high], [expected.min(axis=0), expected.max(axis=0)], atol=1e-12)


@pytest.mark.parametrize("suffix", ["stl", "obj", "ply", "off", "glb", "3mf", "dae"])
def test_files_of_another_writer_agree(tmp_path, suffix):
    trimesh = pytest.importorskip("trimesh")
    body = trimesh.creation.annulus(r_min=0.03, r_max=0.06, height=0.05, sections=24)
    path = tmp_path / f"washer.{suffix}"
    trimesh.Scene({"washer": body}).export(path) if suffix in ("glb", "3mf") else body.export(path)
    twin = read(path, ReadOptions(units="m", up_axis="z"))
    mesh = twin.shapes[0].mesh
    assert len(twin.parts) == 1
    assert files.volume(mesh.vertices, mesh.faces) == pytest.approx(body.volume, rel=1e-4)
    assert len(mesh.faces) == len(body.faces) and len(mesh.vertices) == len(body.vertices)


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".off", ".dae", ".3mf", ".ascii.stl"])
@settings(max_examples=15, deadline=None)
@given(
    size=st.tuples(*[st.floats(0.01, 2.0)] * 3),
    offset=st.tuples(*[st.floats(-3.0, 3.0)] * 3),
    units=st.sampled_from(sorted(itertools.permutations(METRES_PER_UNIT, 2))),
)
def test_scaling_the_data_and_stating_the_unit_changes_nothing(suffix, size, offset, units):
    meshes = []
    with tempfile.TemporaryDirectory() as folder:
        for unit in units:
            data = files.WRITERS[suffix](files.box(size, offset) / METRES_PER_UNIT[unit])
            path = files.write(Path(folder), f"thing{suffix}", data)
            meshes.append(read(path, ReadOptions(units=unit, up_axis="z")).shapes[0].mesh)
    np.testing.assert_allclose(meshes[0].vertices, meshes[1].vertices, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(meshes[0].faces, meshes[1].faces)


def test_the_same_file_gives_the_same_twin(tmp_path):
    path = files.write(tmp_path, "thing.glb", files.glb(files.box()))
    assert read(path) == read(path)
    assert read(path).shapes[0].mesh == read(path).shapes[0].mesh


# Placements


def _with_nodes(nodes):
    document, buffer = files.gltf_document(files.box((1, 1, 1)))
    document["nodes"] = nodes
    document["scenes"] = [{"nodes": list(range(len(nodes)))}]
    return files.pack_glb(document, buffer)


def test_instances_share_their_shape(tmp_path):
    half = 0.5**0.5
    nodes = [
        {"mesh": 0, "name": "wheel"},
        {"mesh": 0, "name": "wheel", "translation": [5, 0, 0]},
        {"mesh": 0, "name": "wheel", "translation": [0, 5, 0], "rotation": [half, 0, 0, half]},
    ]
    twin = read(files.write(tmp_path, "cart.glb", _with_nodes(nodes)))
    assert len(twin.shapes) == 1
    assert [p.name for p in twin.parts] == ["wheel", "wheel_2", "wheel_3"]
    # glTF is Y-up: (x, y, z) becomes (x, -z, y).
    np.testing.assert_allclose(twin.parts[1].pose.position_m, [5, 0, 0])
    np.testing.assert_allclose(twin.parts[2].pose.position_m, [0, 0, 5])
    np.testing.assert_allclose(twin.parts[2].pose.quaternion_wxyz, [half, half, 0, 0], atol=1e-12)


def test_a_mirrored_instance_stays_outward(tmp_path):
    nodes = [{"mesh": 0}, {"mesh": 0, "scale": [-1, 1, 1], "translation": [-3, 0, 0]}, {"mesh": 0, "scale": [1, -1, 1]}]
    twin = read(files.write(tmp_path, "pair.glb", _with_nodes(nodes)))
    assert len(twin.shapes) == 2, "both mirror planes share one mirrored shape"
    for part in twin.parts:
        mesh = twin.shape(part.shape).mesh
        assert files.volume(part.pose.apply(mesh.vertices), mesh.faces) == pytest.approx(1.0)
    mesh = twin.shape(twin.parts[1].shape).mesh
    points = twin.parts[1].pose.apply(mesh.vertices)
    np.testing.assert_allclose([points.min(axis=0), points.max(axis=0)], [[-4, -1, 0], [-3, 0, 1]], atol=1e-12)


def test_scaled_instances_are_baked_and_equal_scales_share(tmp_path):
    half = 0.5**0.5
    nodes = [
        {"mesh": 0, "scale": [2, 2, 2]},
        {"mesh": 0, "scale": [2, 2, 2], "rotation": [0, half, 0, half]},
        {"mesh": 0, "scale": [1, 2, 3]},
    ]
    twin = read(files.write(tmp_path, "boxes.glb", _with_nodes(nodes)))
    volumes = [files.volume(twin.shape(p.shape).mesh.vertices, twin.shape(p.shape).mesh.faces) for p in twin.parts]
    np.testing.assert_allclose(volumes, [8, 8, 6])
    assert twin.parts[0].shape == twin.parts[1].shape != twin.parts[2].shape


def test_a_flattened_part_is_left_out_with_a_note(tmp_path):
    twin = read(files.write(tmp_path, "flat.glb", _with_nodes([{"mesh": 0}, {"mesh": 0, "scale": [1, 0, 1]}])))
    assert len(twin.parts) == 1
    assert "part_collapsed" in [n.code for n in twin.notes]


def test_nested_nodes_multiply_and_give_the_path(tmp_path):
    document, buffer = files.gltf_document(files.box((1, 1, 1)))
    document["nodes"] = [
        {"name": "arm", "translation": [1, 0, 0], "children": [1]},
        {"name": "hand", "translation": [0, 2, 0], "children": [2]},
        {"name": "finger", "mesh": 0, "translation": [0, 0, 3]},
    ]
    twin = read(files.write(tmp_path, "robot.glb", files.pack_glb(document, buffer)))
    np.testing.assert_allclose(twin.parts[0].pose.position_m, [1, -3, 2])
    assert twin.parts[0].hints.path == ("arm", "hand")


matrices = st.lists(st.floats(-3, 3), min_size=9, max_size=9).map(lambda v: np.array(v).reshape(3, 3))


@settings(max_examples=100, deadline=None)
@given(linear=matrices, shift=st.tuples(*[st.floats(-5, 5)] * 3))
def test_a_split_transform_is_the_transform(linear, shift):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, shift
    split = split_transform(matrix)
    singular = np.linalg.svd(linear, compute_uv=False)
    if split is None:
        assert singular[2] <= 1e-9 * max(singular[0], 1e-300)
        return
    rotation = split.rigid[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) > 0
    whole = rotation @ (np.eye(3) if split.stretch is None else split.stretch)
    np.testing.assert_allclose(whole, linear, atol=5e-5 * max(1.0, singular[0]))


@settings(max_examples=50, deadline=None)
@given(linear=matrices, size=st.tuples(*[st.floats(0.1, 3)] * 3))
def test_integrals_follow_any_linear_map(linear, size):
    if abs(np.linalg.det(linear)) < 1e-3:
        return
    a, b, c = size
    v = a * b * c
    raw = RawIntegrals(
        v,
        (a / 2, b / 2, c / 2),
        ((v * (b * b + c * c) / 12, 0, 0), (0, v * (a * a + c * c) / 12, 0), (0, 0, v * (a * a + b * b) / 12)),
        0.0,
    )
    moved = map_integrals(raw, linear)
    # Truth: integrate the mapped box by its own affine coordinates, x = A (u - 1/2) size.
    second = linear @ np.diag([v * a * a / 12, v * b * b / 12, v * c * c / 12]) @ linear.T * abs(np.linalg.det(linear))
    np.testing.assert_allclose(moved.volume, v * abs(np.linalg.det(linear)), rtol=1e-9)
    np.testing.assert_allclose(
        moved.inertia, np.trace(second) * np.eye(3) - second, rtol=1e-9, atol=1e-9 * np.abs(second).max()
    )


def test_licence_of_the_user_reaches_twin_and_sources(tmp_path):
    path = files.write(tmp_path, "thing.stl", files.stl_binary(files.box((20, 30, 40))))
    twin = read(path, replace(ReadOptions(), licence="CC-BY-4.0"))
    assert twin.licence == "CC-BY-4.0" and twin.sources[0].licence == "CC-BY-4.0"
