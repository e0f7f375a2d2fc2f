"""Axes of a thing with flat faces, and how far it reaches along them."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.joints.scene import Group, Scene

#: Faces within this cosine (3°) of a direction count for it.
_SAME = float(np.cos(np.radians(3.0)))
#: Faces are across a direction when their normal leaves the plane by less than this (5°).
_ACROSS = float(np.sin(np.radians(5.0)))
#: Directions nearer than this to the vertical or to another frame's are it, cosine (0.3°).
_SNAP = float(np.cos(np.radians(0.3)))
_MOST = 400


def frame_of(scene: Scene, group: Group) -> FloatArray:
    """(3, 3) orthonormal axes, one a row, from the flat faces of the largest piece of a group."""
    piece = scene.pieces[scene.main(group)]
    return flat_frame(piece)


def flat_frame(piece: Piece) -> FloatArray:
    """(3, 3) orthonormal axes, one a row: the direction that most of the surface faces, the next across it, theirs."""
    rows = np.argsort(-piece.areas, kind="stable")[:_MOST]
    normals, areas = piece.normals[rows], piece.areas[rows]
    first = _strongest(normals, areas)
    across = np.abs(normals @ first) < _ACROSS
    up = np.array([0.0, 0.0, 1.0])
    if across.any():
        second = _strongest(normals[across], areas[across])
    else:
        second = up if abs(first[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    second = second - (second @ first) * first
    second /= np.linalg.norm(second)
    axes = np.array([first, second, np.cross(first, second)])
    whole = (
        np.eye(3)[np.argmax(np.abs(axes), axis=1)]
        * np.sign(axes[np.arange(3), np.argmax(np.abs(axes), axis=1)])[:, None]
    )
    return whole if (np.einsum("ij,ij->i", whole, axes) > _SNAP).all() else axes


def _strongest(normals: FloatArray, areas: FloatArray) -> FloatArray:
    aligned = np.abs(normals @ normals[:40].T) > _SAME
    best = int(np.argmax(areas @ aligned))
    rows = aligned[:, best]
    signs = np.sign(normals[rows] @ normals[best])
    mean = (normals[rows] * (areas[rows] * signs)[:, None]).sum(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


def extents(points: FloatArray, axes: FloatArray) -> FloatArray:
    """(3, 2) lowest and highest coordinate along each axis."""
    along = points @ axes.T
    return np.stack([along.min(axis=0), along.max(axis=0)], axis=1)
