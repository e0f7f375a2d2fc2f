"""How far the objects of a draft moved between two looks."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray


def pose_of(row: FloatArray) -> Pose:
    """Pose of a row of position and wxyz."""
    x, y, z, qw, qx, qy, qz = (float(value) for value in row)
    length = math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
    return Pose((x, y, z), (qw / length, qx / length, qy / length, qz / length))


def middles(family: Family, draft: Draft, poses: FloatArray) -> FloatArray:
    """(N, 3) where the middles of the objects' bounding boxes are in the world.

    Args:
        family: The family.
        draft: Scales.
        poses: (N, 7) of all instances.
    """
    own = np.array(
        [
            state.scale * family.members[index].centre_m
            for state, (_, index) in zip(draft.states, family.instances, strict=True)
        ]
    )
    quaternion = poses[:, 3:] / np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
    w, axis = quaternion[:, :1], quaternion[:, 1:]
    twice: FloatArray = 2.0 * np.cross(axis, own)
    result: FloatArray = poses[:, :3] + own + w * twice + np.cross(axis, twice)
    return result


def turned_deg(before: FloatArray, after: FloatArray) -> FloatArray:
    """(N,) angles between two orientations, degrees.

    Args:
        before: (N, 7).
        after: (N, 7).
    """
    dots = np.abs(np.einsum("ij,ij->i", before[:, 3:], after[:, 3:]))
    norms = np.linalg.norm(before[:, 3:], axis=1) * np.linalg.norm(after[:, 3:], axis=1)
    angles: FloatArray = np.degrees(2.0 * np.arccos(np.minimum(dots / norms, 1.0)))
    return angles
