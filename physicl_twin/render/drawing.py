"""A picture of a twin, by rays on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from physicl_twin.model import Appearance, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.camera import Camera, View, framed
from physicl_twin.render.light import Studio, shade
from physicl_twin.render.rays import Caster, Hits
from physicl_twin.render.scene import Scene, Show, collider_scene, surface_scene
from physicl_twin.render.shadow import (
    GroundShadow,
    ground_shadow,
    key_visibility,
    mirror_visibility,
    sky_visibility,
)
from physicl_twin.render.smooth import guided
from physicl_twin.render.textures import Picture, decode, linear_to_srgb, srgb_to_linear

Background = Literal["studio", "transparent", "white"]

#: Surfaces that can be seen through one behind the other.
_LAYERS = 4


#: Pixels that differ from a neighbour by more than this (sRGB, 0..1) get more samples.
_CONTRAST = 0.04
#: How much of a collider's colour covers the surface under it, and how dark the outlines are.
_COVER, _OUTLINE = 0.75, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Rays of a picture, ``count`` for each pixel of ``pixel``, pixel by pixel.

    Attributes:
        pixel: (P,) flat index of the pixels.
        count: Rays a pixel.
        directions: (P * count, 3) unit.
        turn: (P * count,) pseudo-random number in 0..1 for each ray, equal on every machine.
        level: (P * count,) height in the picture, 0 at the bottom, 1 at the top.
        grid: (height, width) when the samples are one for each pixel of the whole picture, else None.
    """

    pixel: NDArray[np.int64]
    count: int
    directions: FloatArray
    turn: FloatArray
    level: FloatArray
    grid: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Set:
    """Everything on the stage of a picture.

    Attributes:
        layers: Scenes with their casters and images; the later ones are drawn over the earlier ones.
        camera: Where it is seen from.
        studio: Lights.
        bounds: (2, 3) box around all scenes; its bottom is the ground.
        shadow: On the ground.
        background: Behind it.
        settings: ``[render]``.
    """

    layers: tuple[tuple[Scene, Caster, list[dict[str, Picture]], float], ...]
    camera: Camera
    studio: Studio
    bounds: FloatArray
    shadow: GroundShadow
    background: Background
    settings: dict[str, Any]


def draw(
    twin: Twin, size: tuple[int, int], view: View, show: Show, background: Background, settings: dict[str, Any]
) -> Image.Image:
    """See ``render.picture``: one ray a pixel first, then more where neighbours differ."""
    width, height = size
    scenes = [(surface_scene(twin, show, settings), 1.0)]
    if show == "colliders":
        scenes.append((collider_scene(twin), _COVER))
    layers = tuple(
        (scene, Caster(scene.vertices, scene.faces), _decoded(scene), cover)
        for scene, cover in scenes
        if scene is not None
    )
    if not layers:
        return _empty(width, height, background)
    camera = framed(np.concatenate([scene.vertices for scene, *_ in layers]), view, width, height)
    bounds = np.array(
        [np.min([s.bounds[0] for s, *_ in layers], axis=0), np.max([s.bounds[1] for s, *_ in layers], axis=0)]
    )
    studio = Studio.around(camera)
    fast = layers[0][1].fast
    stage = _Set(layers, camera, studio, bounds, _ground(layers[0][1], bounds, studio, settings), background, settings)
    pixels = np.arange(width * height)
    image = _averaged(stage, _samples(pixels, 1, width, height, camera))
    if fast:
        side = int(settings["samples_small"] if max(size) <= 300 else settings["samples_large"])
        busy = np.flatnonzero(_contrast(image.reshape(height, width, 4)).ravel() > _CONTRAST)
        image[busy] = _averaged(stage, _samples(busy, side, width, height, camera))
        if show == "colliders":
            image[:, :3] *= 1.0 - _OUTLINE * _outlines(stage, width, height)[:, None]
    return _developed(image, width, height, background)


def _samples(pixel: NDArray[np.int64], side: int, width: int, height: int, camera: Camera) -> _Samples:
    count = side * side
    sub = np.tile(np.arange(count), len(pixel))
    rows, columns = np.repeat(pixel // width, count), np.repeat(pixel % width, count)
    x = columns + (sub % side + 0.5) / side
    level = 1.0 - (rows + (sub // side + 0.5) / side) / height
    return _Samples(
        pixel,
        count,
        camera.directions(2 * x / width - 1, 2 * level - 1),
        _hash(rows, columns, sub),
        level,
        (height, width) if side == 1 and len(pixel) == width * height else None,
    )


def _averaged(stage: _Set, samples: _Samples) -> FloatArray:
    """(P, 4) premultiplied linear colour and opacity of pixels.

    Each sample is compressed before averaging, so that one bright glint does not make a jagged edge.
    """
    color, alpha = _backdrop(samples, stage)
    for scene, caster, textures, cover in stage.layers:
        front, opacity = _layer(scene, caster, textures, cover, stage, samples)
        color = front + (1.0 - opacity)[:, None] * color
        alpha = opacity + (1.0 - opacity) * alpha
    values = np.concatenate([_shoulder(color), alpha[:, None]], axis=1)
    averaged: FloatArray = values.reshape(-1, samples.count, 4).mean(axis=1)
    return averaged


def _contrast(image: FloatArray) -> FloatArray:
    """(height, width) largest difference to one of the eight neighbours, in encoded values."""
    encoded = np.concatenate([linear_to_srgb(image[..., :3]), image[..., 3:]], axis=-1)
    largest = np.zeros(image.shape[:2])
    padded = np.pad(encoded, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    for dy in range(3):
        for dx in range(3):
            difference = np.abs(padded[dy : dy + height, dx : dx + width] - encoded).max(axis=-1)
            np.maximum(largest, difference, out=largest)
    return largest


def _hash(*values: NDArray[np.integer]) -> FloatArray:
    """(N,) numbers in 0..1 that look random (steps like those of splitmix64 on the mixed indices)."""
    state = np.zeros(values[0].shape, dtype=np.uint64)
    for value in values:
        state = (state + value.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(27)
    state = state * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(float) / float(1 << 53)


def _ground(caster: Caster, bounds: FloatArray, studio: Studio, settings: dict[str, Any]) -> GroundShadow:
    cells, rays = int(settings["shadow_cells"]), int(settings["shadow_rays"])
    if not caster.fast:
        cells, rays = min(cells, 24), min(rays, 9)
    return ground_shadow(caster, bounds, studio.key, cells, rays)


def _backdrop(samples: _Samples, stage: _Set) -> tuple[FloatArray, FloatArray]:
    """Premultiplied colour and opacity behind the object: a backdrop without horizon, darker where the shadow falls."""
    camera, ground = stage.camera, float(stage.bounds[0, 2])
    count = len(samples.directions)
    light = np.ones(count)
    falling = samples.directions[:, 2] < -1e-6
    if camera.position[2] > ground:
        distance = (ground - camera.position[2]) / samples.directions[falling, 2]
        light[falling] = stage.shadow.at(camera.position + distance[:, None] * samples.directions[falling])
    if stage.background == "transparent":
        return np.zeros((count, 3)), 1.0 - light
    if stage.background == "white":
        return np.repeat(light[:, None], 3, axis=1), np.ones(count)
    top, bottom = np.array([0.945, 0.95, 0.955]), np.array([0.81, 0.82, 0.83])
    encoded = bottom + (top - bottom) * (samples.level**0.8)[:, None]
    return srgb_to_linear(encoded) * light[:, None], np.ones(count)


def _layer(
    scene: Scene, caster: Caster, textures: list[dict[str, Picture]], cover: float, stage: _Set, samples: _Samples
) -> tuple[FloatArray, FloatArray]:
    """Premultiplied colour (N, 3) and opacity (N,) of a scene seen from the camera, transparent surfaces one by one."""
    count = len(samples.directions)
    color, through = np.zeros((count, 3)), np.ones(count)
    active = np.arange(count)
    origins = np.repeat(stage.camera.position[None], count, axis=0)
    step = 1e-4 * float(np.linalg.norm(stage.bounds[1] - stage.bounds[0]))
    for depth in range(_LAYERS):
        hits = caster.closest(origins, samples.directions[active])
        origins, active = origins[hits.hit], active[hits.hit]
        if not len(active):
            break
        hits = Hits(hits.hit[hits.hit], hits.face[hits.hit], hits.distance[hits.hit], hits.barycentric[hits.hit])
        points = origins + hits.distance[:, None] * samples.directions[active]
        material = _material(scene, hits, textures)
        radiance = _radiance(scene, caster, stage, samples, active, hits, points, material, first=depth == 0)
        opacity = material.opacity * cover
        color[active] += (through[active] * opacity)[:, None] * radiance
        through[active] *= 1.0 - opacity
        open_ = (through[active] > 0.01) & (cover == 1.0)
        origins = points[open_] + step * samples.directions[active[open_]]
        active = active[open_]
    return color, 1.0 - through


def _radiance(
    scene: Scene,
    caster: Caster,
    stage: _Set,
    samples: _Samples,
    active: NDArray[np.int64],
    hits: Hits,
    points: FloatArray,
    material: _Material,
    *,
    first: bool,
) -> FloatArray:
    """(M, 3) light from surface hits towards the camera."""
    views = -samples.directions[active]
    flat = caster.face_normal[hits.face]
    # Two-sided: the side that is seen is the outside.
    side = np.where(np.einsum("ij,ij->i", flat, views) < 0.0, -1.0, 1.0)[:, None]
    flat = flat * side
    normals = np.einsum("nc,ncx->nx", hits.barycentric, scene.normals[hits.face]) * side
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    visible = [np.ones(len(points))] * 3
    if caster.fast:
        diagonal = float(np.linalg.norm(stage.bounds[1] - stage.bounds[0]))
        lifted = points + 2e-4 * diagonal * flat
        turn, reach = samples.turn[active], float(stage.settings["sky_reach"]) * diagonal
        rays = max(2, int(stage.settings["sky_rays"]) // samples.count)
        sky = sky_visibility(caster, lifted, normals, 2 * np.pi * turn, rays, reach, float(stage.bounds[0, 2]))
        key = key_visibility(caster, lifted, stage.studio.key, turn, max(1, rays // 4))
        mirror = mirror_visibility(caster, lifted, normals, views, material.roughness, turn, reach)
        visible = [sky, key, mirror]
        if samples.grid is not None and first:
            visible = list(guided((sky, key, mirror), active, normals, hits.distance, samples.grid))
    shaded = shade(stage.studio, normals, views, material.albedo, material.metallic, material.roughness, *visible)
    return shaded + material.emissive


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """Looks at M hits: albedo (M, 3) and emissive (M, 3) linear; metallic, roughness, opacity (M,)."""

    albedo: FloatArray
    metallic: FloatArray
    roughness: FloatArray
    opacity: FloatArray
    emissive: FloatArray


def _material(scene: Scene, hits: Hits, textures: list[dict[str, Picture]]) -> _Material:
    """Factors times textures (metallic and roughness in glTF's packing), or the mesh's own colours."""
    look = scene.look[hits.face]
    table = _factors(scene.looks)[look]
    albedo, metallic, roughness, opacity, emissive = table[:, :3], table[:, 3], table[:, 4], table[:, 5], table[:, 6:]
    painted = scene.colors[scene.faces[hits.face]]
    own = painted[:, 0, 0] >= 0.0
    albedo[own] = np.einsum("nc,ncx->nx", hits.barycentric[own], painted[own])
    for index, images in enumerate(textures):
        at = np.flatnonzero(look == index)
        if not images or not len(at):
            continue
        uv = np.einsum("nc,ncx->nx", hits.barycentric[at], scene.uvs[hits.face[at]])
        if "base_color" in images:
            factor = np.asarray(scene.looks[index].base_color)
            albedo[at] = srgb_to_linear(images["base_color"].sample(uv)[:, :3]) * factor
        if "metallic_roughness" in images:
            packed = images["metallic_roughness"].sample(uv)
            roughness[at] *= packed[:, 1]
            metallic[at] *= packed[:, 2]
        for name, values in (("metallic", metallic), ("roughness", roughness), ("opacity", opacity)):
            if name in images:
                values[at] *= images[name].sample(uv)[:, 0]
        if "emissive" in images:
            emissive[at] *= srgb_to_linear(images["emissive"].sample(uv)[:, :3])
    return _Material(albedo, metallic, np.clip(roughness, 0.03, 1.0), opacity, emissive)


def _factors(looks: tuple[Appearance, ...]) -> FloatArray:
    """(L, 9) base colour, metallic, roughness, opacity, emission."""
    return np.array([(*look.base_color, look.metallic, look.roughness, look.opacity, *look.emissive) for look in looks])


def _decoded(scene: Scene) -> list[dict[str, Picture]]:
    # A scene may hold several twins, and a file name is unique only within one.
    known: dict[tuple[str, str], Picture | None] = {}
    result = []
    for look in scene.looks:
        images: dict[str, Picture] = {}
        for texture in look.textures:
            key = (texture.file, texture.sha256)
            if key not in known:
                known[key] = decode(texture)
            picture = known[key]
            if picture is not None:
                images[texture.slot] = picture
        result.append(images)
    return result


def _outlines(stage: _Set, width: int, height: int) -> FloatArray:
    """(P,) share of each pixel that lies on the border of a collider or on one of its sharp edges."""
    scene, caster, *_ = stage.layers[-1]
    samples = _samples(np.arange(4 * width * height), 1, 2 * width, 2 * height, stage.camera)
    hits = caster.closest(stage.camera.position, samples.directions)
    piece = np.where(hits.hit, scene.look[hits.face], -1).reshape(2 * height, 2 * width)
    hit = piece >= 0
    normal = (caster.face_normal[hits.face] * hits.hit[:, None]).reshape(2 * height, 2 * width, 3)
    edge = np.zeros(piece.shape)
    for axis in (0, 1):
        near, far = (slice(None, -1), slice(None)), (slice(1, None), slice(None))
        if axis == 1:
            near, far = near[::-1], far[::-1]
        turned = (np.einsum("ijk,ijk->ij", normal[near], normal[far]) < 0.85) & hit[near] & hit[far]
        # The border between two pieces is drawn strongly, a sharp edge of one piece lightly.
        strength = np.where(piece[near] != piece[far], 1.0, 0.5 * turned)
        edge[near], edge[far] = np.maximum(edge[near], strength), np.maximum(edge[far], strength)
    share: FloatArray = edge.reshape(height, 2, width, 2).mean(axis=(1, 3)).ravel()
    return share


def _developed(image: FloatArray, width: int, height: int, background: Background) -> Image.Image:
    """sRGB and 8 bits."""
    if background == "transparent":
        straight = image[:, :3] / np.maximum(image[:, 3:], 1e-6)
        encoded = np.concatenate([linear_to_srgb(straight), image[:, 3:]], axis=1)
        return Image.fromarray(_bytes(encoded).reshape(height, width, 4), "RGBA")
    return Image.fromarray(_bytes(linear_to_srgb(image[:, :3])).reshape(height, width, 3), "RGB")


def _shoulder(values: FloatArray) -> FloatArray:
    """Colours as they are up to 0.7, then a soft shoulder towards 1 (continuous slope)."""
    knee = 0.7
    return np.where(values < knee, values, 1.0 - (1.0 - knee) * np.exp(-(values - knee) / (1.0 - knee)))


def _bytes(values: FloatArray) -> NDArray[np.uint8]:
    return np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def _empty(width: int, height: int, background: Background) -> Image.Image:
    if background == "transparent":
        return Image.new("RGBA", (width, height), (0, 0, 0, 0))
    shade_ = 255 if background == "white" else 228
    return Image.new("RGB", (width, height), (shade_, shade_, shade_))
