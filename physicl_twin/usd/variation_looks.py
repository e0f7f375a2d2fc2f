"""What can be painted on a twin: the inputs of its looks, where they stand and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pxr import Usd, UsdShade

from physicl_twin.model import UsdError
from physicl_twin.model.geometry import Vector3


@dataclass(frozen=True, slots=True)
class LookSlot:
    """A look's colour and roughness.

    Attributes:
        name: Of the material prim.
        color_attribute: Path of the colour attribute, relative to the twin's root; empty where the mesh's own colours
            rule. Either ``….inputs:diffuseColor`` or, with a texture, ``….inputs:scale`` of its reader.
        textured: True for the latter.
        color: Linear RGB that stands there.
        roughness_attribute: Path of the roughness attribute; empty where a texture rules.
        roughness: 0..1.
    """

    name: str
    color_attribute: str
    textured: bool
    color: Vector3
    roughness_attribute: str
    roughness: float


def look_slots(usd: Path) -> tuple[LookSlot, ...]:
    """The looks of a twin, by name.

    Raises:
        UsdError: ``usd_unreadable``.
    """
    try:
        stage = Usd.Stage.Open(str(usd))
    except Exception as error:  # Tf has its own exception type
        raise UsdError("usd_unreadable", f"{usd.name} cannot be opened as USD.", "Check that it is whole.") from error
    root = stage.GetDefaultPrim()
    slots = []
    for prim in Usd.PrimRange(root):
        preview = prim.GetChild("preview")
        if prim.GetTypeName() != "Material" or not preview:
            continue
        shader = UsdShade.Shader(preview)
        color_path, textured, color = "", False, (1.0, 1.0, 1.0)
        diffuse = shader.GetInput("diffuseColor")
        if diffuse and not diffuse.HasConnectedSource():
            color_path, color = str(diffuse.GetAttr().GetPath()), _rgb(diffuse.Get())
        elif diffuse:
            reader = prim.GetChild("base_color")
            if reader:
                scale = UsdShade.Shader(reader).GetInput("scale")
                color = _rgb(scale.Get()) if scale else color
                color_path, textured = f"{reader.GetPath()}.inputs:scale", True
        rough = shader.GetInput("roughness")
        free = bool(rough) and not rough.HasConnectedSource()
        here = str(root.GetPath()) + "/"
        slots.append(
            LookSlot(
                prim.GetName(),
                color_path.removeprefix(here),
                textured,
                color,
                str(rough.GetAttr().GetPath()).removeprefix(here) if free else "",
                float(rough.Get() if free and rough.Get() is not None else 0.5),
            )
        )
    return tuple(sorted(slots, key=lambda slot: slot.name))


def _rgb(value: object) -> Vector3:
    if value is None:
        return (1.0, 1.0, 1.0)
    return (float(value[0]), float(value[1]), float(value[2]))  # type: ignore[index]
