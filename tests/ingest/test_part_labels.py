"""A mesh split by a labelled point cloud: the right parts, whatever unit and axes the cloud is in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions
from physicl_twin.ingest.soup import TwinSoup, refined, soup_of
from physicl_twin.model import ConfigError, PhysiclError
from physicl_twin.normalize import NormalizeOptions, normalize


def cloud(path: Path, points: np.ndarray, labels: np.ndarray, column: str = "uchar segmentation") -> Path:
    """An ASCII PLY of points with a label each."""
    head = f"ply\nformat ascii 1.0\nelement vertex {len(points)}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz") + f"property {column}\nend_header\n"
    rows = [f"{x:.7g} {y:.7g} {z:.7g} {label}" for (x, y, z), label in zip(points, labels, strict=True)]
    path.write_text(head + "\n".join(rows) + "\n")
    return path


def on_surface(mesh: trimesh.Trimesh, count: int) -> np.ndarray:
    return np.asarray(trimesh.sample.sample_surface(mesh, count, seed=4)[0])


def boxes(tmp_path: Path) -> tuple[Path, list[trimesh.Trimesh]]:
    """A head on a handle, two closed shells that touch, in millimetres."""
    head = trimesh.creation.box((30.0, 100.0, 40.0), trimesh.transformations.translation_matrix((5.0, 0.0, 120.0)))
    handle = trimesh.creation.box((20.0, 20.0, 100.0), trimesh.transformations.translation_matrix((5.0, 0.0, 50.0)))
    path = tmp_path / "hammer.stl"
    trimesh.util.concatenate([head, handle]).export(path)
    return path, [head, handle]


def volumes(twin) -> dict[str, float]:
    return {
        part.name: float(trimesh.Trimesh(mesh.vertices, mesh.faces).volume)
        for part in twin.bodies[0].parts
        if (mesh := twin.shape(part.shape).mesh) is not None
    }


TURN = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@pytest.mark.parametrize("scale", [0.001, 1.0, 0.1, 1.0 / 25.4], ids=["m", "mm", "cm", "in"])
@pytest.mark.parametrize("placed", ["as it stands", "moved", "y up"])
def test_unit_and_axes_of_the_cloud_are_found(tmp_path: Path, scale: float, placed: str) -> None:
    path, solids = boxes(tmp_path)
    points = [on_surface(solid, 400) for solid in solids]
    places = scale * np.concatenate(points)
    if placed == "moved":
        places = places + scale * np.array([300.0, -70.0, 12.0])
    elif placed == "y up":
        places = places @ TURN.T
    labels = cloud(tmp_path / "cloud.ply", places, np.repeat([3, 7], 400))
    twin = ingest.read(path, ReadOptions(units="mm", part_labels=str(labels)))
    found = volumes(twin)
    assert found == pytest.approx({"3": 30 * 100 * 40e-9, "7": 20 * 20 * 100e-9}, rel=1e-5)
    assert [part.hints.label for part in twin.bodies[0].parts] == ["3", "7"]
    (note,) = [note for note in twin.notes if note.code == "part_labels"]
    assert ("turned and moved" in note.message) == (placed != "as it stands")
    assert [(source.name, source.role) for source in twin.sources][1:] == [("cloud.ply", "sidecar")]


def test_a_fused_bar_is_cut_where_labels_meet(tmp_path: Path) -> None:
    """One shell of twelve triangles: two fifths steel, the rest oak; masses and centre of mass by hand."""
    bar = trimesh.creation.box((0.2, 0.02, 0.02))
    bar.export(tmp_path / "bar.ply")
    points = on_surface(bar, 3000)
    labels = cloud(tmp_path / "cloud.ply", points, (points[:, 0] > -0.02).astype(int))
    twin = ingest.read(tmp_path / "bar.ply", ReadOptions(units="m", part_labels=str(labels)))
    done = normalize(twin, NormalizeOptions(materials=(("0", "steel"), ("1", "oak")), fast=True))
    shares = {part.name: done.shape(part.shape).solid.volume for part in done.bodies[0].parts}
    assert shares["0"].value == pytest.approx(0.4 * 8e-5, rel=0.03)
    assert shares["1"].value == pytest.approx(0.6 * 8e-5, rel=0.03)
    density = {m.name: m.density.value for m in done.materials}
    steel, oak = (0.4 * 8e-5 * density["steel"], 0.6 * 8e-5 * density[done.bodies[0].parts[1].material])
    properties = done.bodies[0].mass_properties
    assert properties.mass.value == pytest.approx(steel + oak, rel=0.03)
    assert properties.com_m[0] == pytest.approx((-0.06 * steel + 0.04 * oak) / (steel + oak), abs=1e-3)


def test_solids_that_touch_over_a_whole_face_are_two_shells() -> None:
    low = trimesh.creation.box((0.04, 0.04, 0.05), trimesh.transformations.translation_matrix((0.0, 0.0, 0.025)))
    high = trimesh.creation.box((0.04, 0.04, 0.04), trimesh.transformations.translation_matrix((0.0, 0.0, 0.07)))
    edge = trimesh.creation.box((0.04, 0.04, 0.05), trimesh.transformations.translation_matrix((0.04, 0.04, 0.025)))
    places = np.concatenate([low.vertices, high.vertices, edge.vertices]).round(9)
    faces = np.concatenate([low.faces, high.faces + 8, edge.faces + 16])
    _, first, inverse = np.unique(places, axis=0, return_index=True, return_inverse=True)
    plain = np.zeros(36, dtype=np.intp)
    soup = TwinSoup(places[first], inverse.ravel()[faces], plain, plain, (), None, None, None)
    shells = soup.shells()
    assert len(set(shells.tolist())) == 3
    for start in (0, 12, 24):
        assert len(set(shells[start : start + 12].tolist())) == 1


def test_two_shells_may_be_cut(tmp_path: Path) -> None:
    """Two bars, each with two labels: what the first cut adds must not confuse the second."""
    bars = [
        trimesh.creation.box((0.2, 0.02, 0.02), trimesh.transformations.translation_matrix((0, y, 0))) for y in (0, 0.1)
    ]
    trimesh.util.concatenate(bars).export(tmp_path / "bars.ply")
    points = np.concatenate([on_surface(bar, 2000) for bar in bars])
    own = (points[:, 0] > 0.0).astype(int) + 2 * (points[:, 1] > 0.05)
    twin = ingest.read(
        tmp_path / "bars.ply", ReadOptions(units="m", part_labels=str(cloud(tmp_path / "c.ply", points, own)))
    )
    assert [part.name for part in twin.bodies[0].parts] == ["0", "1", "2", "3"]
    for part in twin.bodies[0].parts:
        low, high = twin.shape(part.shape).mesh.bounds()
        # As far as points on the end faces and beside the border let one tell.
        assert low[0] == pytest.approx(-0.1 if part.name in "02" else 0.0, abs=5e-3)
        assert (low[1] > 0.05) == (part.name in "23")
        assert high[0] - low[0] == pytest.approx(0.1, abs=5e-3)


def test_a_hidden_shell_goes_to_the_nearest_label(tmp_path: Path) -> None:
    outer, inner = trimesh.creation.box((0.1, 0.1, 0.1)), trimesh.creation.box((0.02, 0.02, 0.02))
    beside = trimesh.creation.box((0.02, 0.02, 0.02), trimesh.transformations.translation_matrix((0.2, 0.0, 0.0)))
    trimesh.util.concatenate([outer, inner, beside]).export(tmp_path / "box.ply")
    points = np.concatenate([on_surface(outer, 500), on_surface(beside, 60)])
    labels = cloud(tmp_path / "c.ply", points, np.repeat([0, 1], [500, 60]))
    twin = ingest.read(tmp_path / "box.ply", ReadOptions(units="m", part_labels=str(labels)))
    faces = {part.name: len(twin.shape(part.shape).mesh.faces) for part in twin.bodies[0].parts}
    assert faces == {"0": 24, "1": 12}


def test_stray_points_do_not_cut_a_shell(tmp_path: Path) -> None:
    path, solids = boxes(tmp_path)
    points = np.concatenate([on_surface(solid, 400) for solid in solids]) * 0.001
    own = np.repeat([0, 1], 400)
    own[::25] = 1 - own[::25]
    twin = ingest.read(path, ReadOptions(units="mm", part_labels=str(cloud(tmp_path / "c.ply", points, own))))
    assert volumes(twin) == pytest.approx({"0": 30 * 100 * 40e-9, "1": 20 * 20 * 100e-9}, rel=1e-5)


@pytest.mark.parametrize("column", ["int label", "float scalar_Label", "ushort PartId", "int whatever"])
def test_columns_of_labels_by_any_usual_name(tmp_path: Path, column: str) -> None:
    path, solids = boxes(tmp_path)
    points = np.concatenate([on_surface(solid, 100) for solid in solids])
    labels = cloud(tmp_path / "c.ply", points, np.repeat([1, 2], 100), column)
    assert set(volumes(ingest.read(path, ReadOptions(units="mm", part_labels=str(labels))))) == {"1", "2"}


def test_colours_of_points_and_names_of_parts_are_labels_too(tmp_path: Path) -> None:
    path, solids = boxes(tmp_path)
    points = np.concatenate([on_surface(solid, 200) for solid in solids])
    colours = np.repeat([[255, 0, 0, 255], [0, 0, 255, 255]], 200, axis=0).astype(np.uint8)
    trimesh.PointCloud(points, colors=colours).export(tmp_path / "c.ply")
    found = volumes(ingest.read(path, ReadOptions(units="mm", part_labels=str(tmp_path / "c.ply"))))
    assert set(found) == {"#ff0000", "#0000ff"}
    scene = trimesh.Scene({"head": solids[0].subdivide(), "handle": solids[1].subdivide()})
    scene.export(tmp_path / "named.glb")
    found = volumes(ingest.read(path, ReadOptions(units="mm", part_labels=str(tmp_path / "named.glb"))))
    assert set(found) == {"head", "handle"}


def test_bad_labels_are_clear_errors(tmp_path: Path) -> None:
    path, solids = boxes(tmp_path)

    def code(labels: Path) -> str:
        with pytest.raises(PhysiclError) as caught:
            ingest.read(path, ReadOptions(units="mm", part_labels=str(labels)))
        return caught.value.code

    points = np.concatenate([on_surface(solid, 100) for solid in solids])
    other = np.asarray(trimesh.creation.icosphere(subdivisions=3, radius=0.08).vertices)
    assert code(cloud(tmp_path / "ball.ply", other, np.zeros(len(other), int))) == "labels_do_not_fit"
    assert code(cloud(tmp_path / "far.ply", 77.0 * points, np.zeros(len(points), int))) == "labels_do_not_fit"
    assert code(cloud(tmp_path / "float.ply", points, points[:, 0], "float intensity")) == "labels_missing"
    assert code(tmp_path / "nowhere.ply") == "file_not_found"
    (tmp_path / "empty.ply").write_text("")
    assert code(tmp_path / "empty.ply") == "file_empty"
    whole = (tmp_path / "far.ply").read_bytes()
    (tmp_path / "half.ply").write_bytes(whole[: len(whole) // 2])
    assert code(tmp_path / "half.ply") == "file_damaged"
    nothing = np.full((20, 3), np.nan)
    assert code(cloud(tmp_path / "nan.ply", nothing, np.zeros(20, int))) == "labels_missing"


def test_refining_opens_no_gaps_and_keeps_what_corners_carry(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.05)
    ball.export(tmp_path / "ball.ply")
    soup = soup_of(ingest.read(tmp_path / "ball.ply", ReadOptions(units="m")))
    soup = replace(soup, uvs=soup.vertices[soup.faces][..., :2].copy())
    inside = np.ones(len(soup.faces), dtype=bool)

    def side(points: np.ndarray) -> np.ndarray:
        return (points[..., 0] + 0.3 * points[..., 1] > 0.004).astype(np.intp)

    rounds = 0
    while (finer := refined(soup, inside, side(soup.vertices), 0.001)) is not None:
        soup, parent = finer
        inside = inside[parent]
        rounds += 1
    assert rounds <= 12
    made = trimesh.Trimesh(soup.vertices, soup.faces, process=False)
    assert made.is_watertight and made.is_winding_consistent
    assert made.volume == pytest.approx(ball.volume, rel=1e-6)
    assert soup.uvs == pytest.approx(soup.vertices[soup.faces][..., :2], abs=1e-12)
    ends = soup.vertices[made.edges_unique]
    crossing = side(ends[:, 0]) != side(ends[:, 1])
    assert made.edges_unique_length[crossing].max() <= 0.001
    assert len(soup.faces) < 8000


def test_links_that_the_source_declares_are_not_split(tmp_path: Path) -> None:
    from physicl_twin.ingest.ingest_settings import shipped_settings
    from physicl_twin.ingest.label_file import read_labels
    from physicl_twin.ingest.part_labels import with_part_labels

    path, solids = boxes(tmp_path)
    twin = ingest.read(path, ReadOptions(units="mm"))
    several = replace(twin, bodies=(twin.bodies[0], replace(twin.bodies[0], name="second")))
    labels = cloud(tmp_path / "c.ply", on_surface(solids[0], 50), np.zeros(50, int))
    with pytest.raises(ConfigError) as caught:
        with_part_labels(several, read_labels(labels, ReadOptions(), shipped_settings()))
    assert caught.value.code == "labels_many_bodies"
