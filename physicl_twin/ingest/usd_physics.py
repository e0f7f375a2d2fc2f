"""What a USD stage already says about bodies: frames, masses and physics materials, in SI units."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from physicl_twin.ingest.cad_density import MAX_DENSITY, MIN_DENSITY
from physicl_twin.ingest.description_settings import HIGHEST_FRICTION
from physicl_twin.ingest.raw import RawBody
from physicl_twin.model import Estimate, Evidence, MassProperties, PartHints, Pose
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3
from physicl_twin.model.twin import Severity


@dataclass(frozen=True, slots=True)
class StageUnits:
    """Units of a stage.

    Attributes:
        metres: Metres per unit.
        kilograms: Kilograms per unit of mass.
        relative_std: Standard deviation of a number that the stage states, as a fraction.
        source: File name.
    """

    metres: float
    kilograms: float
    relative_std: float
    source: str

    def estimate(self, value: float, unit: str, field: str, flags: tuple[str, ...] = ()) -> Estimate:
        """A number that the stage states."""
        evidence = Evidence("source", f"The USD asset states {field} {value:.6g} {unit}.".strip(), self.source, field)
        std = abs(value) * self.relative_std
        return Estimate.normal(value, std, unit, "authored in the USD asset", (evidence,), flags)


@dataclass(frozen=True, slots=True)
class Frames:
    """Rigid frames and scales of the bodies of a stage.

    Attributes:
        rigid: By prim path, (4, 4) body to stage, stage units, without scale.
        scale: By prim path, (3,) scale of the prim's own axes.
    """

    rigid: dict[str, FloatArray]
    scale: dict[str, FloatArray]


def column_matrix(matrix: Any) -> FloatArray:
    """(4, 4) matrix for column vectors of a ``Gf.Matrix4d``."""
    return np.array(matrix, dtype=np.float64).T


def rigid_part(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rotation and translation of an affine matrix, and the lengths of its axes (polar decomposition)."""
    u, _, vt = np.linalg.svd(matrix[:3, :3])
    rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0]) @ vt
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = rotation, matrix[:3, 3]
    return rigid, np.linalg.norm(matrix[:3, :3], axis=0)


def body_of(prim: Any) -> Any:
    """The rigid body that a prim belongs to: the nearest ancestor (or itself) with the API; None without one."""
    from pxr import UsdPhysics

    while prim and not prim.IsPseudoRoot():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            return prim
        prim = prim.GetParent()
    return None


def part_hints(prim: Any, units: StageUnits, time: Any, note: Callable[[str, Severity, str], None]) -> PartHints:
    """Density, friction and restitution from the physics material of a prim or its own or inherited mass statement.

    Args:
        prim: Geometry.
        units: Of the stage.
        time: At which attributes are read.
        note: Told (code, severity, message) of what no surface can have.
    """
    from pxr import UsdPhysics, UsdShade

    hints = PartHints()

    def coefficient(attribute: Any, field: str, highest: float) -> Estimate | None:
        if not attribute.HasAuthoredValue():
            return None
        value = float(attribute.Get(time))
        if math.isfinite(value) and 0 <= value <= highest:
            return units.estimate(value, "1", field)
        message = f"{material.GetPrim().GetName()!r} has a {field} of {value:g}, which no surface has; it is left out."
        note("friction_implausible" if "friction" in field else "restitution_implausible", "info", message)
        return None

    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
    if material and material.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
        api = UsdPhysics.MaterialAPI(material.GetPrim())
        hints = PartHints(
            material=material.GetPrim().GetName(),
            density=_density(api.GetDensityAttr(), units, time),
            static_friction=coefficient(api.GetStaticFrictionAttr(), "static friction", HIGHEST_FRICTION),
            dynamic_friction=coefficient(api.GetDynamicFrictionAttr(), "dynamic friction", HIGHEST_FRICTION),
            restitution=coefficient(api.GetRestitutionAttr(), "restitution", 1.0),
        )
    above = prim
    while above and not above.IsPseudoRoot():
        if above.HasAPI(UsdPhysics.MassAPI):
            own = _density(UsdPhysics.MassAPI(above).GetDensityAttr(), units, time)
            if own is not None:
                return replace(hints, density=own)
        above = above.GetParent()
    return hints


def _density(attribute: Any, units: StageUnits, time: Any) -> Estimate | None:
    """Density in kg/m3. It counts in the stage's own mass and length units; authors often write kg/m3 all the same."""
    value = float(attribute.Get(time) or 0.0) if attribute.HasAuthoredValue() else 0.0
    if not (math.isfinite(value) and value > 0):
        return None
    by_units = value * units.kilograms / units.metres**3
    if MIN_DENSITY <= by_units <= MAX_DENSITY:
        return units.estimate(by_units, "kg/m3", "density")
    if MIN_DENSITY <= value <= MAX_DENSITY:
        return units.estimate(value, "kg/m3", "density", ("density_unit_assumed",))
    return None


@dataclass(frozen=True, slots=True)
class StatedMass:
    """Mass of a body whose centre or inertia the stage leaves to the engine."""

    mass: Estimate


def raw_body(prim: Any, name: str, frames: Frames, units: StageUnits, time: Any) -> tuple[RawBody, StatedMass | None]:
    """A rigid body with what the stage states about its mass: everything, the mass alone, or nothing."""
    from pxr import UsdPhysics

    path = str(prim.GetPath())
    body = RawBody(name, frames.rigid[path])
    if not prim.HasAPI(UsdPhysics.MassAPI):
        return body, None
    api = UsdPhysics.MassAPI(prim)
    mass = float(api.GetMassAttr().Get(time) or 0.0) * units.kilograms
    if not (math.isfinite(mass) and mass > 0):
        return body, None
    stated = units.estimate(mass, "kg", "mass")
    com, moments = _vector(api.GetCenterOfMassAttr(), time), _vector(api.GetDiagonalInertiaAttr(), time)
    # The schema's fallbacks, -inf and 0, mean that the engine computes the value from the colliders.
    if com is None or moments is None or not (moments > 0).all():
        return body, StatedMass(stated)
    axes_attribute = api.GetPrincipalAxesAttr()
    axes = axes_attribute.Get(time) if axes_attribute.HasAuthoredValue() else None
    rotation = np.eye(3) if axes is None else rotation_of(axes)
    inertia = rotation @ np.diag(moments * units.kilograms * units.metres**2) @ rotation.T
    centre = com * frames.scale[path] * units.metres
    spread = np.abs(inertia) * units.relative_std
    statement = "Mass, centre of mass and inertia are authored on the body."
    evidence = (Evidence("source", statement, units.source, "PhysicsMassAPI"),)
    nothing = (0.0, 0.0, 0.0)
    properties = MassProperties(stated, _triple(centre), nothing, _nested(inertia), _nested(spread), evidence)
    return replace(body, mass_properties=properties), None


def _vector(attribute: Any, time: Any) -> FloatArray | None:
    value = attribute.Get(time) if attribute.HasAuthoredValue() else None
    array = None if value is None else np.array(value, dtype=np.float64)
    return array if array is not None and np.isfinite(array).all() else None


def rotation_of(quaternion: Any) -> FloatArray:
    """(3, 3) rotation of a ``Gf`` quaternion; the identity for one of length zero."""
    q = np.array([quaternion.GetReal(), *quaternion.GetImaginary()], dtype=np.float64)
    length = float(np.linalg.norm(q))
    if not length > 0:
        return np.eye(3)
    w, x, y, z = (float(v) for v in q / length)
    return Pose((0.0, 0.0, 0.0), (w, x, y, z)).rotation()


def _triple(values: FloatArray) -> Vector3:
    return float(values[0]), float(values[1]), float(values[2])


def _nested(values: FloatArray) -> Matrix3:
    return _triple(values[0]), _triple(values[1]), _triple(values[2])


def is_held(prim: Any, time: Any) -> bool:
    """True for a body that does not move by itself: kinematic, or switched off."""
    kinematic = prim.GetAttribute("physics:kinematicEnabled").Get(time)
    enabled = prim.GetAttribute("physics:rigidBodyEnabled").Get(time)
    return bool(kinematic) or enabled is False


def applied_schemas(prim: Any) -> tuple[str, ...]:
    """Names of the schemas applied to a prim, also of those that are not installed (USD itself hides them)."""
    names: list[str] = []
    for spec in reversed(prim.GetPrimStack()):
        operation = spec.GetInfo("apiSchemas")
        if operation is None:
            continue
        if operation.isExplicit:
            names = list(operation.explicitItems)
        added = [*operation.prependedItems, *operation.appendedItems, *operation.addedItems]
        deleted = set(operation.deletedItems)
        names = [name for name in names if name not in deleted] + [name for name in added if name not in names]
    return tuple(dict.fromkeys([*(str(name) for name in names), *prim.GetAppliedSchemas()]))
