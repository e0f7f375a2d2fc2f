"""Bodies of blocks as exact boxes, against shapes whose boxes are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import trimesh

from physicl_twin.ingest.ifc_boxes import exact_boxes


def union(*boxes: tuple[tuple[float, float, float], tuple[float, float, float]], cut=()) -> trimesh.Trimesh:
    """Boxes from corner to corner joined, and others cut out of them, by manifold."""

    def solid(low, high):
        made = trimesh.creation.box(extents=np.subtract(high, low))
        made.apply_translation(np.add(low, high) / 2)
        return made

    whole = trimesh.boolean.union([solid(*b) for b in boxes], engine="manifold") if len(boxes) > 1 else solid(*boxes[0])
    if cut:
        whole = trimesh.boolean.difference([whole, *(solid(*b) for b in cut)], engine="manifold")
    return whole


def volume(collision) -> float:
    return sum(float(np.prod(c.size_m)) for c in collision.colliders)


def overlapping(collision) -> bool:
    spans = [(np.array(c.pose.position_m) - np.array(c.size_m) / 2, np.array(c.pose.position_m) + np.array(c.size_m) / 2)
             for c in collision.colliders]  # fmt: skip
    return any(
        (np.minimum(b, d) - np.maximum(a, c) > 1e-9).all() for (a, b), (c, d) in itertools.combinations(spans, 2)
    )


@pytest.mark.parametrize(
    ("mesh", "boxes"),
    [
        (union(((0, 0, 0), (4, 0.3, 2.5))), 1),
        (union(((0, 0, 0), (4, 0.3, 2.5)), cut=[((1, -1, -1), (2, 1, 2.1))]), 3),  # a doorway
        (union(((0, 0, 0), (4, 0.3, 2.5)), cut=[((1, -1, 1), (2, 1, 2.1))]), 4),  # a window
        (union(((0, 0, 0), (4, 0.3, 2.5)), cut=[((1, -1, -1), (2, 1, 2.1)), ((2.5, -1, 1), (3.7, 1, 2))]), 6),
        (union(((0, 0, 0), (1, 1, 1)), ((1, 0, 0), (2, 1, 3))), 2),  # an L
    ],
)
def test_blocks_are_boxes(mesh, boxes) -> None:
    found = exact_boxes(mesh.vertices, mesh.faces, "house.ifc")
    assert found is not None and len(found.colliders) == boxes
    assert volume(found) == pytest.approx(mesh.volume, rel=1e-9)
    assert not overlapping(found)
    low = np.min([np.array(c.pose.position_m) - np.array(c.size_m) / 2 for c in found.colliders], axis=0)
    assert np.allclose(low, mesh.bounds[0], atol=1e-9)
    assert found.evidence[0].kind == "source"


def test_what_is_not_of_blocks_is_left_to_measuring() -> None:
    ball = trimesh.creation.icosphere(subdivisions=1)
    assert exact_boxes(ball.vertices, ball.faces, "x") is None
    turned = trimesh.creation.box()
    turned.apply_transform(trimesh.transformations.rotation_matrix(0.1, (0, 0, 1)))
    assert exact_boxes(turned.vertices, turned.faces, "x") is None
    open_box = trimesh.creation.box()
    assert exact_boxes(open_box.vertices, open_box.faces[2:], "x") is None
    inside_out = trimesh.creation.box()
    assert exact_boxes(inside_out.vertices, inside_out.faces[:, ::-1], "x") is None
    grid = trimesh.util.concatenate([trimesh.creation.box(extents=(0.5, 0.5, 0.5), transform=np.array(
        [[1, 0, 0, i], [0, 1, 0, j], [0, 0, 1, i * j], [0, 0, 0, 1]], float)) for i in range(9) for j in range(9)])  # fmt: skip
    assert exact_boxes(grid.vertices, grid.faces, "x") is None  # 81 boxes are too many
