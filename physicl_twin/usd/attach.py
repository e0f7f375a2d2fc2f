"""Triangles and images back onto a twin that was loaded from twin.json."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from physicl_twin.model import Appearance, Body, Collider, Collision, Mesh, Part, Shape, Texture, Twin, UsdError
from physicl_twin.usd.stage_geometry import StageGeometry, open_stage, read_geometry


def attach(twin: Twin, path: Path) -> Twin:
    """The twin with meshes, hulls and image bytes from its USD; every hash that the twin states is checked."""
    return fill(twin, read_geometry(open_stage(path)))


def fill(twin: Twin, geometry: StageGeometry) -> Twin:
    """The twin with geometry from a stage.

    Raises:
        UsdError: ``geometry_changed`` or ``geometry_missing`` naming the shape, collider or texture.
    """
    return replace(
        twin,
        shapes=tuple(_shape(shape, geometry) for shape in twin.shapes),
        appearances=tuple(_appearance(appearance, geometry) for appearance in twin.appearances),
        bodies=tuple(_body(body, geometry) for body in twin.bodies),
    )


def _shape(shape: Shape, geometry: StageGeometry) -> Shape:
    mesh = geometry.meshes.get(shape.name)
    if mesh is None:
        raise _missing(f"The mesh of {shape.name!r}")
    if shape.geometry is not None:
        _same(f"The mesh of {shape.name!r}", mesh, shape.geometry.sha256)
    return replace(shape, mesh=mesh)


def _body(body: Body, geometry: StageGeometry) -> Body:
    return replace(body, parts=tuple(_part(part, geometry) for part in body.parts))


def _part(part: Part, geometry: StageGeometry) -> Part:
    if part.collision is None:
        return part
    return replace(part, collision=_collision(part.collision, geometry))


def _collision(collision: Collision, geometry: StageGeometry) -> Collision:
    return replace(collision, colliders=tuple(_collider(collider, geometry) for collider in collision.colliders))


def _collider(collider: Collider, geometry: StageGeometry) -> Collider:
    if collider.kind != "hull":
        return collider
    hull = geometry.hulls.get(collider.name)
    if hull is None:
        raise _missing(f"The hull of collider {collider.name!r}")
    if collider.hull_sha256:
        _same(f"The hull of collider {collider.name!r}", hull, collider.hull_sha256)
    return replace(collider, hull=hull)


def _appearance(appearance: Appearance, geometry: StageGeometry) -> Appearance:
    return replace(appearance, textures=tuple(_texture(texture, geometry) for texture in appearance.textures))


def _texture(texture: Texture, geometry: StageGeometry) -> Texture:
    data = geometry.textures.get(texture.file)
    if data is None:
        # An image that no textured mesh uses is not written; it is no loss.
        return texture
    if hashlib.sha256(data).hexdigest() != texture.sha256:
        raise _changed(f"The image {texture.file!r}")
    return replace(texture, data=data)


def _same(what: str, mesh: Mesh, sha256: str) -> None:
    if mesh.sha256() != sha256:
        raise _changed(what)


def _changed(what: str) -> UsdError:
    return UsdError(
        "geometry_changed", f"{what} in the USD is not the one that the twin speaks of.", "Build the twin again."
    )


def _missing(what: str) -> UsdError:
    return UsdError("geometry_missing", f"{what} is not in the USD.", "Build the twin again.")
