"""Bodies as they are written on a stage: mass properties, colliders, physics materials."""

from __future__ import annotations

from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage.author import (
    APIS,
    APPROXIMATION,
    PHYSX_API,
    PROPERTIES,
    Author,
    Types,
    is_ours,
    notes_of,
    single,
)
from physicl_twin.in_stage.report import InStageOptions, ReadyBody
from physicl_twin.in_stage.selection import Target, has_articulation
from physicl_twin.in_stage.weighing import NEAR_HULL, Weighed
from physicl_twin.model import GeometryError, Material

MATERIALS = "PhysicsMaterials"


class BodyWriter:
    """Writes bodies on a stage.

    Args:
        stage: The stage.
        author: Writes to its edit target.
        options: What is wanted.
    """

    def __init__(self, stage: Usd.Stage, author: Author, options: InStageOptions) -> None:
        self._stage, self._author, self._options = stage, author, options
        self._metres = UsdGeom.GetStageMetersPerUnit(stage)
        self._kilograms = UsdPhysics.GetStageKilogramsPerUnit(stage)
        self._materials: dict[object, Sdf.Path] = {}
        self._taken: set[str] = set()

    def require_writable(self, name: str, weighed: Weighed) -> None:
        """Refuse numbers that single precision turns into zero or infinity; a wrong unit makes such.

        Args:
            name: Of the prim.
            weighed: Its physics; kg, metres.

        Raises:
            GeometryError: ``size_out_of_range``.
        """
        unit = self._kilograms * self._metres**2
        numbers = (weighed.properties.mass.value / self._kilograms, *(v / unit for v in weighed.axes.moments_kgm2))
        if not all(np.finfo(np.float32).tiny < number < np.finfo(np.float32).max for number in numbers):
            message = f"{name} would weigh {weighed.properties.mass.value:.3g} kg."
            raise GeometryError("size_out_of_range", message, "Check its size, and metersPerUnit of the stage.")

    def body(self, target: Target, weighed: Weighed) -> ReadyBody:
        """Write a body with its colliders.

        Args:
            target: The body.
            weighed: Its physics; kg, metres.
        """
        before = self._author.journal.steps
        prim, properties = target.prim, weighed.properties
        unit = self._kilograms * self._metres**2
        axes = weighed.axes
        com = np.round(np.asarray(properties.com_m), 12) / (self._metres * np.asarray(weighed.scale))
        mass = properties.mass
        apis = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"]
        if target.joints and self._options.articulation and not has_articulation(prim):
            apis.append("PhysicsArticulationRootAPI")
        why = next((item.statement for item in mass.evidence), mass.method)
        self._author.write(
            prim,
            apis,
            [
                ("physics:rigidBodyEnabled", Types.Bool, True),
                ("physics:mass", Types.Float, single(mass.value / self._kilograms)),
                ("physics:centerOfMass", Types.Point3f, Gf.Vec3f(*(single(v) for v in com))),
                ("physics:diagonalInertia", Types.Float3, Gf.Vec3f(*(single(v / unit) for v in axes.moments_kgm2))),
                ("physics:principalAxes", Types.Quatf, Gf.Quatf(*axes.quaternion_wxyz)),
            ],
            {
                "mass_kg": mass.value,
                "mass_low_kg": mass.low,
                "mass_high_kg": mass.high,
                "mass_why": why,
                "mass_flags": " ".join(mass.flags),
                "materials": ", ".join(dict.fromkeys(m.title for m in weighed.materials)),
            },
        )
        colliders = self._colliders(target, weighed)
        titles = tuple(dict.fromkeys(material.title for material in weighed.materials))
        return ReadyBody(str(prim.GetPath()), mass, titles, colliders, self._author.journal.steps > before)

    def _colliders(self, target: Target, weighed: Weighed) -> int:
        geometry = [target.geometry[index] for index in weighed.pieces]
        materials = dict(zip((prim.GetPath() for prim in geometry), weighed.materials, strict=True))
        if any(not _is_our_collider(prim) for prim in target.colliders):
            for prim in target.colliders:
                if not prim.IsInstanceProxy():
                    self._surface(prim, materials.get(prim.GetPath(), weighed.materials[0]))
            return len(target.colliders)
        for prim, fill in zip(geometry, weighed.fills, strict=True):
            self._collider(prim, fill)
            self._surface(prim, materials[prim.GetPath()])
        return len(geometry)

    def _collider(self, prim: Usd.Prim, fill: float) -> None:
        apis = ["PhysicsCollisionAPI"]
        values: list[tuple[str, Any, Any]] = [("physics:collisionEnabled", Types.Bool, True)]
        if prim.IsA(UsdGeom.Mesh):
            apis.append("PhysicsMeshCollisionAPI")
            there = prim.GetAttribute(APPROXIMATION)
            chosen = self._options.approximation
            if not there or not there.HasAuthoredValue():
                if chosen == "auto":
                    chosen = "convexHull" if fill >= NEAR_HULL else "convexDecomposition"
                apis += filter(None, [PHYSX_API.get(chosen)])
                values.append((APPROXIMATION, Types.Token, chosen))
            elif chosen not in ("auto", str(there.Get())) and APPROXIMATION in _noted(prim, PROPERTIES):
                swapped = ["PhysicsMeshCollisionAPI", *filter(None, [PHYSX_API.get(chosen)])]
                self._author.replace(prim, APPROXIMATION, Types.Token, chosen, swapped)
        self._author.write(prim, apis, values)

    def _surface(self, prim: Usd.Prim, material: Material) -> None:
        self._author.bind(prim, self._material(material))

    def _material(self, material: Material) -> Sdf.Path:
        """The physics material of a substance; one for all that have the same surface."""
        numbers = tuple(
            single(e.value) for e in (material.static_friction, material.dynamic_friction, material.restitution)
        )
        key = (material.name, numbers)
        if key in self._materials:
            return self._materials[key]
        home = self._home()
        base = Sdf.Path(home).AppendChild(MATERIALS)
        name, number = material.name, 1
        while True:
            path = base.AppendChild(name)
            there = self._stage.GetPrimAtPath(path)
            if str(path) not in self._taken and (not there or _same_surface(there, numbers)):
                break
            number += 1
            name = f"{material.name}_{number}"
        self._taken.add(str(path))
        self._materials[key] = path
        if not there:
            self._author.make_material(path, numbers, material)
        return path

    def _home(self) -> Sdf.Path:
        """Where physics materials go: below the default prim, so that references bring them along, else at the root."""
        default = self._stage.GetDefaultPrim()
        plain = default and not default.IsInstance() and not default.IsA(UsdGeom.Gprim)
        return default.GetPath() if plain else Sdf.Path.absoluteRootPath


def _is_our_collider(prim: Usd.Prim) -> bool:
    return not prim.IsInstanceProxy() and "PhysicsCollisionAPI" in _noted(prim, APIS)


def _noted(prim: Usd.Prim, key: str) -> list[str]:
    return str(notes_of(prim).get(key, "")).split()


def _same_surface(prim: Usd.Prim, numbers: tuple[float, ...]) -> bool:
    names = ("physics:staticFriction", "physics:dynamicFriction", "physics:restitution")
    return is_ours(prim) and all(
        prim.GetAttribute(name).Get() == number for name, number in zip(names, numbers, strict=True)
    )
