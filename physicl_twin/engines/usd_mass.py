"""The mass properties that a prim states."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pxr import UsdPhysics

from physicl_twin.engines.usd_frames import quaternion_wxyz, vector3
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import Vector3


@dataclass(frozen=True, slots=True)
class AuthoredMass:
    """Values of a MassAPI in stage units; None where nothing is stated.

    Attributes:
        mass: Mass.
        density: Density.
        com: Centre of mass, in the prim's own (scaled) space.
        diagonal_inertia: About the centre of mass.
        principal_wxyz: Principal axes.
    """

    mass: float | None = None
    density: float | None = None
    com: Vector3 | None = None
    diagonal_inertia: Vector3 | None = None
    principal_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


def authored_mass(prim: Any) -> AuthoredMass:
    """Read a prim's MassAPI; UsdPhysics' unset values (0, and minus infinity for the centre of mass) become None.

    Raises:
        EngineError: ``engine_refused_stage`` for values that are negative or not finite.
    """
    if not prim.HasAPI(UsdPhysics.MassAPI):
        return AuthoredMass()
    api = UsdPhysics.MassAPI(prim)
    mass, density = float(api.GetMassAttr().Get()), float(api.GetDensityAttr().Get())
    inertia, com = vector3(api.GetDiagonalInertiaAttr().Get()), vector3(api.GetCenterOfMassAttr().Get())
    unset_com = all(c == -math.inf for c in com)
    numbers = (mass, density, *inertia)
    if not all(math.isfinite(n) and n >= 0 for n in numbers) or not (unset_com or all(map(math.isfinite, com))):
        raise EngineError(
            "engine_refused_stage",
            f"{prim.GetPath()} has a mass, density, centre of mass or inertia that is negative or not finite.",
            "Author a finite positive mass and inertia.",
        )
    return AuthoredMass(
        mass or None,
        density or None,
        None if unset_com else com,
        inertia if min(inertia) > 0 else None,
        quaternion_wxyz(api.GetPrincipalAxesAttr().Get()),
    )
