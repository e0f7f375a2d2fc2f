"""Pictures of the twin in view, fast enough to turn it by hand: one ray a pixel, three lights, a floor with a grid.

``physicl_twin.render`` makes the better picture for reports; this one answers within a tenth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin import settings
from physicl_twin.model import Appearance, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.camera import Camera, View, framed
from physicl_twin.render.looks import part_looks
from physicl_twin.render.normals import corner_normals
from physicl_twin.render.rays import Caster
from physicl_twin.render.scene import collider_mesh, palette_color
from physicl_twin.render.textures import linear_to_srgb, mean_color
from physicl_twin.workbench.shot import Shot

#: Sharp edges of meshes without normals, degrees; as in the reports' pictures.
_CREASE_DEG = 30.0
#: Background at the top and the bottom, floor lines, accent (sRGB 0..1): the panel's ground and green.
_TOP, _BOTTOM = np.array([0.185, 0.19, 0.2]), np.array([0.115, 0.118, 0.125])
_LINE, _ACCENT = np.array([0.30, 0.305, 0.315]), np.array([0.56, 0.82, 0.09])
_COVER = 0.72
#: Half the width of the axis of a joint, part of the picture's height.
_AXIS_WIDTH = 0.004
#: Fraction of a triangle budget beyond which turning would stutter.
_MAX_FACES = 300_000


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Triangles of one body, in its frame.

    Attributes:
        body: Index of the body.
        caster: Finds what rays hit.
        normals: (F, 3, 3) at the corners.
        colors: (F, 3) linear RGB.
        part: (F,) index of the part in the twin.
        piece: (F,) index of the collider; -1 on surfaces.
        points: (V, 3).
    """

    body: int
    caster: Caster
    normals: FloatArray
    colors: FloatArray
    part: NDArray[np.int32]
    piece: NDArray[np.int32]
    points: FloatArray


class ViewportScene:
    """A twin, ready to be drawn again and again.

    Args:
        twin: With its geometry.
    """

    def __init__(self, twin: Twin) -> None:
        self._names = [part.name for part in twin.parts]
        self._poses = [body.pose for body in twin.bodies]
        looks = settings.pipeline()["render"]["looks"]
        self._surfaces = [layer for layer in _surfaces(twin, looks) if layer is not None]
        self._colliders = [layer for layer in _colliders(twin) if layer is not None]
        self._box = self._bounds(self._poses)

    def draw(self, shot: Shot) -> NDArray[np.uint8]:
        """(height, width, 4) RGBA of a shot."""
        poses = [_pose(values) for values in shot.poses] if shot.poses else self._poses
        box = np.array(shot.reach) if shot.reach else self._box
        width, height, side = shot.width, shot.height, max(1, shot.samples)
        margin = float(np.clip(0.12 + 0.38 * (1.0 - 1.0 / max(shot.zoom, 0.2)) * -1.0, -3.0, 0.49))
        view = View(shot.azimuth_deg, shot.elevation_deg, fov_deg=26.0, margin=margin)
        camera = framed(_corners(box), view, width, height)
        columns, rows = np.meshgrid(np.arange(width * side) + 0.5, np.arange(height * side) + 0.5)
        x, y = 2 * columns.ravel() / (width * side) - 1, 1 - 2 * rows.ravel() / (height * side)
        image = self._shaded(camera, camera.directions(x, y), 0.5 * (y + 1), poses, box, shot, (width * side, side))
        if len(shot.axis) == 2:
            ink = _stroke(camera, np.array(shot.axis), x, y, height * side)
            image = image * (1 - ink[:, None]) + _ACCENT * ink[:, None]
        fine = image.reshape(height, side, width, side, 3).mean(axis=(1, 3))
        pixels = np.full((height, width, 4), 255, dtype=np.uint8)
        pixels[..., :3] = np.round(np.clip(fine, 0, 1) * 255)
        return pixels

    def _shaded(
        self,
        camera: Camera,
        directions: FloatArray,
        level: FloatArray,
        poses: list[Pose],
        box: FloatArray,
        shot: Shot,
        grid: tuple[int, int],
    ) -> FloatArray:
        """(N, 3) sRGB of rays, row by row."""
        floor = 0.0 if shot.poses else float(self._box[0, 2])
        if shot.floor_m is not None:
            floor = shot.floor_m
        image = _backdrop(camera, directions, level, floor, box)
        surface = _Hit.of(self._surfaces, camera, directions, poses)
        pale = shot.colliders and bool(self._colliders)
        color = np.where(pale, np.array([0.42, 0.43, 0.45]), surface.color)
        lit = _lit(camera, directions, surface.normal, color)
        image = np.where(surface.found[:, None], lit, image)
        marked = np.where(surface.found, surface.part, -1)
        edges = marked
        if pale:
            over = _Hit.of(self._colliders, camera, directions, poses)
            tint = _lit(camera, directions, over.normal, over.color)
            image = np.where(over.found[:, None], _COVER * tint + (1 - _COVER) * image, image)
            marked = np.where(over.found, over.part, -1)
            edges = np.where(over.found, over.piece, -1)
            image *= 1.0 - 0.45 * _border(edges, grid[0], 1)[:, None]
        named = [self._names.index(name) for name in {shot.selected, *shot.marked} if name in self._names]
        if named:
            chosen = np.isin(marked, named)
            image = np.where(chosen[:, None], 0.75 * image + 0.25 * _ACCENT, image)
            rim = _border(chosen.astype(np.int32), grid[0], grid[1] + 1)
            image = image * (1 - rim[:, None]) + _ACCENT * rim[:, None]
        return image

    def _bounds(self, poses: list[Pose]) -> FloatArray:
        placed = [poses[layer.body].apply(layer.points) for layer in (*self._surfaces, *self._colliders)]
        if not placed:
            return np.array([[-0.05] * 3, [0.05] * 3])
        return np.array(
            [np.min([p.min(axis=0) for p in placed], axis=0), np.max([p.max(axis=0) for p in placed], axis=0)]
        )

    @property
    def box(self) -> FloatArray:
        """(2, 3) corners of the twin as authored."""
        return self._box


def _stroke(camera: Camera, points: FloatArray, x: FloatArray, y: FloatArray, rows: int) -> FloatArray:
    """(N,) how much of each picture point a line between two points of the world covers, 0 to 1; drawn over all."""
    local = (points - camera.position) @ np.stack([camera.right, camera.up, camera.back], axis=1)
    depth = -local[:, 2]
    if (depth <= 0).any():
        return np.zeros(len(x))
    # Picture coordinates in units of the half height, so that the line is as wide in every direction.
    aspect = float(camera.tangent[0] / camera.tangent[1])
    start, end = local[:, :2] / depth[:, None] / camera.tangent[1]
    at = np.column_stack([x * aspect, y])
    along = end - start
    share = np.clip((at - start) @ along / max(float(along @ along), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(at - start - share[:, None] * along, axis=1) * rows / 2
    ink: FloatArray = 0.9 * (distance < max(1.0, rows * _AXIS_WIDTH)).astype(float)
    return ink


@dataclass(frozen=True, slots=True, eq=False)
class _Hit:
    """The nearest surface of each of N rays."""

    found: NDArray[np.bool_]
    normal: FloatArray
    color: FloatArray
    part: NDArray[np.int32]
    piece: NDArray[np.int32]

    @classmethod
    def of(cls, layers: list[_Layer], camera: Camera, directions: FloatArray, poses: list[Pose]) -> _Hit:
        count = len(directions)
        nearest = np.full(count, np.inf)
        normal, color = np.zeros((count, 3)), np.zeros((count, 3))
        part, piece = np.full(count, -1, dtype=np.int32), np.full(count, -1, dtype=np.int32)
        for layer in layers:
            pose = poses[layer.body]
            turn = pose.rotation()
            origin = (camera.position - np.asarray(pose.position_m)) @ turn
            hits = layer.caster.closest(np.repeat(origin[None], count, axis=0), directions @ turn)
            at = np.flatnonzero(hits.hit & (hits.distance < nearest))
            face = hits.face[at]
            nearest[at] = hits.distance[at]
            smooth = np.einsum("nc,ncx->nx", hits.barycentric[at], layer.normals[face])
            normal[at] = smooth @ turn.T
            color[at], part[at], piece[at] = layer.colors[face], layer.part[face], layer.piece[face]
        return cls(np.isfinite(nearest), normal, color, part, piece)


def _surfaces(twin: Twin, looks: dict[str, Any]) -> list[_Layer | None]:
    layers, number = [], 0
    total = sum(
        len(mesh.faces) for part in twin.parts if part.visible and (mesh := twin.shape(part.shape).mesh) is not None
    )
    for index, body in enumerate(twin.bodies):
        pieces = []
        for part in body.parts:
            mesh = twin.shape(part.shape).mesh
            if part.visible and mesh is not None and len(mesh.faces):
                normals = corner_normals(mesh, _CREASE_DEG) if total <= _MAX_FACES else None
                found = part_looks(twin, part, looks)
                pieces.append((mesh.vertices, mesh.faces, normals, _face_colors(mesh, found), part.pose, number, -1))
            number += 1
        layers.append(_layer(index, pieces))
    return layers


def _colliders(twin: Twin) -> list[_Layer | None]:
    layers, number, counted = [], 0, 0
    for index, body in enumerate(twin.bodies):
        pieces = []
        for part in body.parts:
            for collider in part.collision.colliders if part.collision else ():
                mesh = collider_mesh(collider.kind, collider.size_m, collider.hull)
                if mesh is not None:
                    color = np.tile(np.array(palette_color(counted)), (len(mesh.faces), 1))
                    pose = part.pose.compose(collider.pose)
                    smooth = corner_normals(mesh, _CREASE_DEG)
                    pieces.append((mesh.vertices, mesh.faces, smooth, color, pose, number, counted))
                    counted += 1
            number += 1
        layers.append(_layer(index, pieces))
    return layers


def _layer(body: int, pieces: list[Any]) -> _Layer | None:
    if not pieces:
        return None
    points, faces, normals, colors, parts, numbers = [], [], [], [], [], []
    start = 0
    for vertices, triangles, smooth, color, pose, part, piece in pieces:
        placed = pose.apply(vertices)
        corners = np.asarray(triangles, dtype=np.int64)
        if smooth is None:
            a, b, c = (placed[corners[:, i]] for i in range(3))
            flat = np.cross(b - a, c - a)
            smooth_world = np.repeat(
                (flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30))[:, None], 3, 1
            )
        else:
            smooth_world = smooth @ pose.rotation().T
        points.append(placed)
        faces.append(corners + start)
        normals.append(smooth_world)
        colors.append(color)
        parts.append(np.full(len(corners), part, dtype=np.int32))
        numbers.append(np.full(len(corners), piece, dtype=np.int32))
        start += len(placed)
    joined = np.concatenate(points)
    return _Layer(
        body,
        Caster(joined, np.concatenate(faces)),
        np.concatenate(normals),
        np.concatenate(colors),
        np.concatenate(parts),
        np.concatenate(numbers),
        joined,
    )


def _face_colors(mesh: Any, looks: tuple[Appearance, ...]) -> FloatArray:
    table = np.array([mean_color(look) for look in looks])
    if mesh.face_appearance is None or len(looks) == 1:
        return np.tile(table[0], (len(mesh.faces), 1))
    chosen: FloatArray = table[np.clip(mesh.face_appearance, 0, len(looks) - 1)]
    return chosen


def _lit(camera: Camera, directions: FloatArray, normals: FloatArray, color: FloatArray) -> FloatArray:
    """Key from the upper left, fill from the right, sky from above, a rim; sRGB."""
    length = np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    facing = np.where(np.einsum("ij,ij->i", normals, directions) > 0, -1.0, 1.0)[:, None]
    n = normals / length * facing
    key = _unit(camera.back + 0.9 * camera.up - 0.7 * camera.right)
    fill = _unit(camera.back - 0.1 * camera.up + 1.1 * camera.right)
    light = 0.16 + 0.18 * (0.5 + 0.5 * n[:, 2]) + 0.72 * np.clip(n @ key, 0, 1) + 0.20 * np.clip(n @ fill, 0, 1)
    half = _unit(key + camera.back)
    gloss = 0.10 * np.clip(n @ half, 0, 1) ** 24
    rim = 0.10 * (1 - np.abs(np.einsum("ij,ij->i", n, directions))) ** 3
    encoded: FloatArray = linear_to_srgb(np.clip(color * light[:, None] + gloss[:, None] + rim[:, None], 0, 1))
    return encoded


def _backdrop(camera: Camera, directions: FloatArray, level: FloatArray, floor_m: float, box: FloatArray) -> FloatArray:
    """A dark gradient with a grid on the floor that fades away."""
    image: FloatArray = _BOTTOM + (_TOP - _BOTTOM) * level[:, None]
    down = directions[:, 2] < -1e-4
    if camera.position[2] <= floor_m or not down.any():
        return image
    reach = (floor_m - camera.position[2]) / directions[down, 2]
    hit = camera.position[:2] + reach[:, None] * directions[down, :2]
    extent = float(np.linalg.norm(box[1] - box[0]))
    cell = 10.0 ** np.floor(np.log10(extent / 2))
    cell *= 1 if extent / cell < 8 else 2.5 if extent / cell < 16 else 5
    # A line is as wide on the floor as a pixel is there.
    wide = reach / np.maximum(np.abs(directions[down, 2]), 0.15) * (camera.tangent.min() / 260.0)
    off = np.abs(hit / cell - np.round(hit / cell)) * cell
    line = np.clip(1.2 - off.min(axis=1) / wide, 0, 1)
    away = np.linalg.norm(hit - box.mean(axis=0)[:2], axis=1)
    strength = line * np.clip(1.0 - away / (1.6 * extent), 0, 1)
    image[down] = image[down] + (_LINE - image[down]) * strength[:, None]
    return image


def _border(values: NDArray[np.integer], width: int, reach: int) -> FloatArray:
    """(N,) 1 where a pixel's value differs from one that is ``reach`` to the right or below, else 0."""
    table = values.reshape(-1, width)
    found = np.zeros(table.shape)
    for axis in (0, 1):
        for step in range(1, reach + 1):
            near = [slice(None), slice(None)]
            far = [slice(None), slice(None)]
            near[axis], far[axis] = slice(None, -step), slice(step, None)
            differs = table[tuple(near)] != table[tuple(far)]
            found[tuple(near)] = np.maximum(found[tuple(near)], differs)
    return found.ravel()


def _pose(values: tuple[float, ...]) -> Pose:
    x, y, z, *turn = values
    w, i, j, k = turn
    return Pose((x, y, z), (w, i, j, k))


def _corners(box: FloatArray) -> FloatArray:
    return np.array([[box[i, 0], box[j, 1], box[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = vector / np.linalg.norm(vector)
    return unit
