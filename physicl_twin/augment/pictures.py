"""Pictures of members: the twins themselves, posed and painted as the member says, seen from its camera's side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from physicl_twin import settings
from physicl_twin.augment.solids import BOX, BOX_FACES
from physicl_twin.model import (
    Appearance,
    Body,
    Mesh,
    Part,
    Pose,
    Shape,
    Support,
    Twin,
    Variation,
    VariationSet,
    loads_twin,
)
from physicl_twin.render import View, picture, small
from physicl_twin.usd import attach_geometry
from physicl_twin.usd.names import identifier
from physicl_twin.usd.variation_set import read_member

if TYPE_CHECKING:
    from PIL import Image

_BIN = Appearance("support", (0.32, 0.33, 0.35), 0.0, 0.7)
_GAP, _CAPTION = 6, 16
#: Least triangles of a twin, and largest side of its textures.
_FEWEST_FACES, _TEXELS = 2000, 256


def contact_sheet(folder: Path, shared: VariationSet, members: Sequence[int], columns: int = 4) -> Image.Image:
    """Members side by side, each with its number.

    Args:
        folder: Of the set.
        shared: What ``read_set`` said.
        members: Which.
        columns: Pictures in a row.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = 320, 240
    table = settings.pipeline()
    table = table | {"render": table["render"] | {"samples_small": 2, "samples_large": 2}}
    # An object is a few dozen pixels wide, and there are many: each twin is made small once.
    budget = max(_FEWEST_FACES, int(table["render"]["max_faces"]) // max(1, len(shared.instances)))
    twins = {name: small(_twin(folder / where), budget, _TEXELS) for name, where in shared.twins}
    rows = math.ceil(len(members) / columns)
    sheet = Image.new(
        "RGB", (columns * (width + _GAP) + _GAP, rows * (height + _CAPTION + _GAP) + _GAP), (245, 246, 247)
    )
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, index in enumerate(members):
        variation = read_member(folder, shared, index)
        x = _GAP + (place % columns) * (width + _GAP)
        y = _GAP + (place // columns) * (height + _CAPTION + _GAP)
        sheet.paste(_picture(variation, twins, shared.support, (width, height), table), (x, y))
        pen.text((x + 2, y + height + 1), f"variation {index}", fill=(85, 89, 94), font=font)
    return sheet


def _twin(folder: Path) -> Twin:
    twin = loads_twin((folder / "twin.json").read_text(encoding="utf-8"))
    return attach_geometry(twin, folder / "simready" / f"{twin.name}.usda")


def _picture(
    variation: Variation, twins: dict[str, Twin], support: Support, size: tuple[int, int], table: dict[str, Any]
) -> Image.Image:
    back = variation.camera.pose.rotation()[:, 2]
    view = View(
        math.degrees(math.atan2(back[1], back[0])), math.degrees(math.asin(float(back[2]))), fov_deg=30.0, margin=0.04
    )
    return picture(_scene(variation, twins, support), size, view=view, settings=table)


def _scene(variation: Variation, twins: dict[str, Twin], support: Support) -> Twin:
    """The member as one twin: a body an instance, and the bin."""
    shapes: dict[str, Shape] = {}
    appearances: dict[str, Appearance] = {_BIN.name: _BIN}
    bodies = []
    for state in variation.instances:
        twin = twins[state.twin]
        changed = {look.appearance: look for look in state.looks}
        renamed = {}
        for appearance in twin.appearances:
            name = f"{state.name}/{appearance.name}"
            look = changed.get(identifier(appearance.name))
            painted = replace(appearance, name=name)
            if look is not None:
                painted = replace(
                    painted,
                    base_color=look.base_color or appearance.base_color,
                    roughness=appearance.roughness if look.roughness is None else look.roughness,
                )
            appearances[name], renamed[appearance.name] = painted, name
        for body in twin.bodies:
            parts = []
            for part in body.parts:
                shape = twin.shape(part.shape)
                name = f"{state.name}/{shape.name}"
                if name not in shapes:
                    mesh = shape.mesh
                    if mesh is not None and state.scale != 1.0:
                        mesh = replace(mesh, vertices=mesh.vertices * state.scale)
                    looks = tuple(renamed.get(look, look) for look in shape.appearances)
                    shapes[name] = replace(shape, name=name, mesh=mesh, appearances=looks)
                where = replace(part.pose, position_m=_scaled(part.pose, state.scale))
                parts.append(replace(part, name=f"{state.name}/{part.name}", shape=name, pose=where))
            pose = state.pose.compose(replace(body.pose, position_m=_scaled(body.pose, state.scale)))
            bodies.append(replace(body, name=f"{state.name}/{body.name}", parts=tuple(parts), pose=pose))
    for name, centre, extent in support.boxes():
        mesh = Mesh(BOX * np.array(extent), BOX_FACES)
        shapes[name] = Shape(name=name, mesh=mesh, appearances=(_BIN.name,))
        bodies.append(Body(name, (Part(name, name),), Pose(centre)))
    first = next(iter(twins.values()))
    return replace(
        first,
        name="scene",
        shapes=tuple(shapes.values()),
        bodies=tuple(bodies),
        appearances=tuple(appearances.values()),
        joints=(),
    )


def _scaled(pose: Pose, scale: float) -> tuple[float, float, float]:
    x, y, z = pose.position_m
    return (x * scale, y * scale, z * scale)
