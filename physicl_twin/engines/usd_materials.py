"""Physics materials of a USD stage."""

from __future__ import annotations

import math
from typing import Any, cast

from pxr import UsdPhysics, UsdShade

from physicl_twin.engines.scene_description import COMBINE_PRIORITY, CombineMode, SurfaceMaterial
from physicl_twin.model.errors import EngineError


class MaterialReader:
    """Physics materials as colliders bind them, each prim read once.

    Args:
        density_scale: kg/m3 per density unit of the stage.
        default_friction: Of a collider to which no physics material is bound.
    """

    def __init__(self, density_scale: float, default_friction: float) -> None:
        self._density_scale = density_scale
        self._default = SurfaceMaterial("", default_friction, default_friction, 0.0)
        self._known: dict[str, SurfaceMaterial] = {}

    def of_collider(self, prim: Any) -> SurfaceMaterial:
        """Material bound to a collider for physics, or the default."""
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
        if not material or not material.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
            return self._default
        path = str(material.GetPath())
        if path not in self._known:
            self._known[path] = self._read(material.GetPrim(), path)
        return self._known[path]

    def _read(self, prim: Any, path: str) -> SurfaceMaterial:
        api = UsdPhysics.MaterialAPI(prim)
        numbers = [
            float(attribute.Get() or 0.0)
            for attribute in (api.GetStaticFrictionAttr(), api.GetDynamicFrictionAttr(), api.GetRestitutionAttr())
        ]
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise EngineError(
                "engine_refused_stage",
                f"The physics material {path} has friction or restitution that is negative or not finite: {numbers}.",
                "Author finite coefficients of at least 0.",
            )
        density = float(api.GetDensityAttr().Get() or 0.0) * self._density_scale
        return SurfaceMaterial(
            path,
            numbers[0],
            numbers[1],
            numbers[2],
            _combine_mode(prim, "friction"),
            _combine_mode(prim, "restitution"),
            density if density > 0 else None,
        )


def _combine_mode(prim: Any, quantity: str) -> CombineMode:
    value = prim.GetAttribute(f"physxMaterial:{quantity}CombineMode").Get()
    return cast(CombineMode, str(value)) if value in COMBINE_PRIORITY else "average"
