"""A set of variations on disk, read back: ``manifest.json`` for what is shared, each member's layer for its own values.

<set>/scene.usda                       base scene
<set>/twins/<name>/                    the twins as they were delivered, and settled.usda: as they lie in the scene
<set>/variations/012/variation_0012345.usdc   members, a thousand a folder
<set>/manifest.json, manifest.parquet  what was asked for, drawn, settled and rejected
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from pxr import Sdf

from physicl_twin.model import (
    MANIFEST_VERSION,
    CameraState,
    InstanceState,
    LightState,
    LookState,
    Pose,
    SourceError,
    Support,
    SurfaceState,
    Variation,
    VariationSet,
    from_json,
    loads_twin,
)
from physicl_twin.usd.names import identifier
from physicl_twin.usd.variation_scene import CAMERA, DOME, KEY, OBJECTS

MANIFEST = "manifest.json"
#: A twin as it settled, in its folder in the set.
SETTLED_TWIN = "settled.usda"


def member_path(index: int) -> str:
    """Where a member's layer stands, relative to the set."""
    return f"variations/{index // 1000:03d}/variation_{index:07d}.usdc"


def read_set(folder: Path) -> VariationSet:
    """What all members share.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``.
    """
    manifest = read_manifest(folder)
    try:
        return VariationSet(
            str(manifest["name"]),
            tuple((str(twin["name"]), str(twin["folder"])) for twin in manifest["twins"]),
            tuple((str(one["name"]), str(one["twin"])) for one in manifest["instances"]),
            from_json(Support, manifest["support"]),
            int(manifest["seed"]),
            int(manifest["count"]),
            tuple(int(index) for index in manifest["members"]),
            float(manifest["gravity_mps2"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        hint = "Make the set again."
        raise SourceError("set_invalid", f"{MANIFEST} of {folder.name} is damaged: {error}.", hint) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """The set's manifest.json.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"Give the folder that augment made: it holds {MANIFEST}."
        raise SourceError("set_not_found", f"{folder.name} is no set of variations.", hint) from error
    except ValueError as error:
        raise SourceError("set_invalid", f"{MANIFEST} of {folder.name} is damaged.", "Make the set again.") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != MANIFEST_VERSION:
        raise SourceError(
            "set_version",
            f"{folder.name} is of version {version}; this physicl_twin reads {MANIFEST_VERSION}.",
            "Use the version that made it, or make the set again.",
        )
    return dict(manifest)


def read_member(folder: Path, shared: VariationSet, index: int) -> Variation:
    """One member, from its layer.

    Raises:
        SourceError: ``variation_not_found``, ``set_invalid``.
    """
    path = folder / member_path(index)
    layer = Sdf.Layer.FindOrOpen(str(path)) if index in shared.members and path.is_file() else None
    if layer is None:
        raise SourceError(
            "variation_not_found", f"{folder.name} has no variation {index}.", "See members in its manifest.json."
        )
    facts = dict(layer.customLayerData.get("physicl", {}))
    twins = {name: _Twin(folder / where) for name, where in shared.twins}
    states = tuple(
        state
        for name, twin in shared.instances
        if (state := _instance(layer, f"{OBJECTS}/{name}", name, twin, twins[twin])) is not None
    )
    occlusion = facts.get("occlusion")
    return Variation(
        index,
        states,
        _light(layer),
        CameraState(_pose(layer, CAMERA), float(_value(layer, CAMERA, "focalLength"))),
        str(facts.get("target", "")),
        None if occlusion is None else float(occlusion),
    )


def support_of(folder: Path, shared: VariationSet, index: int) -> Support:
    """The support with the surface that it has in one member."""
    layer = Sdf.Layer.FindOrOpen(str(folder / member_path(index)))
    static, dynamic, bounce = (
        float(_value(layer, "/World/surface", f"physics:{name}"))
        for name in ("staticFriction", "dynamicFriction", "restitution")
    )
    return replace(shared.support, static_friction=static, dynamic_friction=dynamic, restitution=bounce)


class _Twin:
    """What reading a member needs of a twin."""

    def __init__(self, folder: Path) -> None:
        record = loads_twin((folder / "twin.json").read_text(encoding="utf-8"))
        mass = record.bodies[0].mass
        self.mass_kg = mass.value if mass is not None else math.nan
        self.materials = tuple(dict.fromkeys(part.material for part in record.bodies[0].parts))


def _instance(layer: Any, path: str, name: str, twin: str, known: _Twin) -> InstanceState | None:
    prim = layer.GetPrimAtPath(path)
    if prim is None or (prim.HasInfo("active") and not prim.active):
        return None
    size = layer.GetAttributeAtPath(f"{path}.xformOp:scale")
    scale = float(size.default[0]) if size is not None else 1.0
    factor = float(_value(layer, path, "physics:mass")) / (known.mass_kg * scale**3)
    surfaces = []
    for material in known.materials:
        where = f"{path}/PhysicsMaterials/{identifier(material)}"
        values = [
            float(_value(layer, where, f"physics:{kind}"))
            for kind in ("staticFriction", "dynamicFriction", "restitution")
        ]
        surfaces.append(SurfaceState(material, *values))
    looks = prim.nameChildren.get("Looks")
    painted = tuple(_look(look) for look in looks.nameChildren) if looks is not None else ()
    return InstanceState(name, twin, _pose(layer, path), scale, factor, tuple(surfaces), painted)


def _look(prim: Any) -> LookState:
    color = roughness = None
    for shader in prim.nameChildren:
        for attribute in shader.properties:
            if attribute.name in ("inputs:diffuseColor", "inputs:scale"):
                r, g, b = (float(value) for value in list(attribute.default)[:3])
                color = (r, g, b)
            elif attribute.name == "inputs:roughness":
                roughness = float(attribute.default)
    return LookState(prim.name, color, roughness)


def _light(layer: Any) -> LightState:
    turn = _value(layer, KEY, "xformOp:orient")
    # The light shines along its -z; where its +z points is where it comes from.
    w, (x, y, z) = float(turn.GetReal()), (float(v) for v in turn.GetImaginary())
    back = (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y))
    return LightState(
        float(_value(layer, DOME, "inputs:intensity")),
        float(_value(layer, DOME, "inputs:colorTemperature")),
        float(_value(layer, KEY, "inputs:intensity")),
        float(_value(layer, KEY, "inputs:colorTemperature")),
        math.atan2(back[1], back[0]),
        math.asin(min(max(back[2], -1.0), 1.0)),
    )


def _pose(layer: Any, path: str) -> Pose:
    place, turn = _value(layer, path, "xformOp:translate"), _value(layer, path, "xformOp:orient")
    quaternion = [float(turn.GetReal()), *(float(v) for v in turn.GetImaginary())]
    length = math.sqrt(sum(q * q for q in quaternion))
    w, x, y, z = (q / length for q in quaternion)
    return Pose((float(place[0]), float(place[1]), float(place[2])), (w, x, y, z))


def _value(layer: Any, path: str, name: str) -> Any:
    attribute = layer.GetAttributeAtPath(f"{path}.{name}")
    if attribute is None or attribute.default is None:
        raise SourceError("set_invalid", f"{Path(layer.realPath).name} lacks {path}.{name}.", "Make the set again.")
    return attribute.default
