"""What PhysX collides with is what the twin says, also at the size of a screw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physicl_twin import ingest, normalize, settings, usd
from physicl_twin.engines import registry
from physicl_twin.model import Pose
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene
from tests.ingest import mesh_files as files


@pytest.mark.parametrize("size_m", [0.004, 0.02, 0.3])
def test_physx_cooks_every_corner_of_a_hull(tmp_path: Path, size_m: float) -> None:
    """In metres PhysX's tolerance of 0.7 mm cut corners off small hulls: rays at each corner would pass it by."""
    import trimesh

    directions = np.random.default_rng(3).normal(size=(36, 3))
    corners = directions / np.linalg.norm(directions, axis=1, keepdims=True) * [0.5, 0.35, 0.3] * size_m
    solid = trimesh.convex.convex_hull(corners)
    path = tmp_path / "stone.stl"
    path.write_bytes(files.stl_binary(solid.vertices, solid.faces))
    table = settings.pipeline()
    twin = normalize.normalize(
        ingest.read(path, ingest.ReadOptions(units="m", up_axis="z")), normalize.NormalizeOptions(settings=table)
    )
    (part,) = twin.parts
    assert part.collision is not None and part.collision.method == "hull"
    (collider,) = part.collision.colliders
    assert collider.hull is not None
    asset = usd.write_twin(twin, tmp_path)
    scene = write_rollout_scene(tmp_path / "scene.usda", asset, "physx", [Clone(Pose())], gravity_mps2=0.0)
    hull = part.pose.apply(collider.hull.vertices)
    centre = hull.mean(axis=0)
    missed = []
    with registry.engine("physx").open(scene.path) as running:
        for corner in hull:
            # Just inside the corner, from outside: the hull as stated is hit within the thickness of the corner.
            aim = centre + 0.98 * (corner - centre)
            start = centre + 3.0 * (corner - centre)
            hit = running.raycast(tuple(start), tuple(aim - start), 10 * size_m)
            distance = np.inf if hit is None else abs(hit.distance_m - float(np.linalg.norm(corner - start)))
            missed.append(distance)
    assert max(missed) < 0.002 * size_m
