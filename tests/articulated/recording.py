"""Mechanisms in motion: tracked poses with noise, as a tracker would record them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from tests.articulated.files import TO_Y_UP, triangles
from tests.articulated.recipe import Array, Mechanism

#: Noise of a good tag tracker.
POSITION_STD_M, ORIENTATION_STD_RAD = 5e-4, 2e-3


def coordinates(mechanism: Mechanism, count: int = 120) -> list[dict[str, float]]:
    """Every joint swings through most of its shown range, each at its own pace, from the rest pose on."""
    rng = np.random.default_rng([mechanism.seed, 2])
    paces = {joint.name: rng.uniform(0.8, 1.9) for joint in mechanism.joints}
    steps = np.linspace(0, 1, count)
    shares = {name: 0.45 * (1 - np.cos(2 * np.pi * pace * steps)) for name, pace in paces.items()}
    return [mechanism.spread({name: float(share[k]) for name, share in shares.items()}) for k in range(count)]


def leaders(mechanism: Mechanism) -> dict[str, str]:
    """The piece of each body that is tracked: its largest."""
    chosen: dict[str, str] = {}
    sizes: dict[str, float] = {}
    for piece in mechanism.pieces:
        size = float(np.linalg.norm(np.ptp(triangles(piece)[0], axis=0)))
        if size > sizes.get(piece.body, -1.0):
            chosen[piece.body], sizes[piece.body] = piece.name, size
    return chosen


def record(
    mechanism: Mechanism, frame: str = "parts", still: bool = True, noise: float = 1.0, z_up: bool = False
) -> dict[str, Array]:
    """(N, 7) poses by name of the tracked piece, of the largest piece of every body.

    ``frame``: ``parts`` (frames as ``write_glb`` gives them) or ``displacements``; in the Y-up axes of that file, or with
    ``z_up`` in the object's. ``still``: False to carry the whole about. ``noise``: factor of the tracker's.
    """
    rng = np.random.default_rng([mechanism.seed, 3])
    way = coordinates(mechanism)
    tracked = leaders(mechanism)
    pieces = {piece.name: piece for piece in mechanism.pieces}
    found: dict[str, Array] = {}
    carried = [np.eye(4) for _ in way]
    if not still:
        for k, matrix in enumerate(carried):
            s = k / len(way)
            matrix[:3, :3] = Rotation.from_rotvec([0.4 * np.sin(5 * s), 0.3 * s, 0.5 * np.cos(4 * s)]).as_matrix()
            matrix[:3, 3] = [0.5 * np.sin(3 * s), 0.4 * s, 0.3 * np.cos(6 * s)]
    for body, name in tracked.items():
        origin = np.eye(4)
        if frame == "parts":
            vertices = triangles(pieces[name])[0]
            origin[:3, 3] = np.round((vertices.min(axis=0) + vertices.max(axis=0)) / 2, 4)
        rows = []
        for q, world in zip(way, carried, strict=True):
            matrix = world @ mechanism.displacements(q)[body] @ origin
            if not z_up:
                matrix = TO_Y_UP @ matrix @ TO_Y_UP.T
            tilt = Rotation.from_rotvec(noise * ORIENTATION_STD_RAD * rng.normal(size=3))
            turn = Rotation.from_matrix(matrix[:3, :3]) * tilt
            place = matrix[:3, 3] + noise * POSITION_STD_M * rng.normal(size=3)
            rows.append([*place, *np.roll(turn.as_quat(), 1)])
        found[name] = np.array(rows)
    return found


def write_csv(poses: dict[str, Array], path: Path, **said: object) -> Path:
    """One row a body and time."""
    lines = [f"# {key}: {value}" for key, value in said.items()] + ["time,body,x,y,z,qw,qx,qy,qz"]
    for k in range(len(next(iter(poses.values())))):
        lines += [f"{k / 30:.4f},{name}," + ",".join(f"{v:.7g}" for v in rows[k]) for name, rows in poses.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
