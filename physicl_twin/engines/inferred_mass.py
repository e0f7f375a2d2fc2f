"""Mass properties of a body whose stage does not state them all, from the volume and density of its colliders."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.engines.hull import solid_integrals
from physicl_twin.engines.scene_description import CollisionShape
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray

#: What UsdPhysics prescribes where neither mass nor density is authored, kg/m3.
USD_DEFAULT_DENSITY = 1000.0


def unit_integrals(shape: CollisionShape) -> tuple[float, FloatArray, FloatArray]:
    """Volume, centroid (body frame) and second moment about it (body axes) of one shape.

    Spheres, capsules and cylinders by their closed forms (integral of z^2 and x^2 over the solid).
    """
    if shape.kind in ("hull", "mesh"):
        volume, centroid, moment = solid_integrals(shape.vertices, shape.faces)
    elif shape.kind == "box":
        edges = np.array(shape.size_m)
        volume, centroid = float(edges.prod()), np.zeros(3)
        moment = np.diag(volume * edges**2 / 12.0)
    elif shape.kind == "sphere":
        radius = shape.size_m[0]
        volume, centroid = 4.0 / 3.0 * math.pi * radius**3, np.zeros(3)
        moment = np.eye(3) * volume * radius**2 / 5.0
    else:
        radius, length = shape.size_m
        volume, centroid = math.pi * radius**2 * length, np.zeros(3)
        across, along = volume * radius**2 / 4.0, volume * length**2 / 12.0
        if shape.kind == "capsule":
            ball = 4.0 / 3.0 * math.pi * radius**3
            # Two half balls: each has its centroid 3r/8 beyond its disc, at the end of the cylinder.
            along += ball * (radius**2 / 5.0 + length**2 / 4.0 + 3.0 * radius * length / 8.0)
            across += ball * radius**2 / 5.0
            volume += ball
        moment = np.diag([across, across, along])
    rotation = shape.pose.rotation()
    return volume, shape.pose.apply(centroid[None])[0], rotation @ moment @ rotation.T


def from_shapes(
    path: str, shapes: tuple[CollisionShape, ...], body_density: float | None, body_mass_kg: float | None
) -> tuple[float, FloatArray, FloatArray]:
    """Mass, centre of mass and inertia (3, 3) about it of a body, as UsdPhysics says they are inferred.

    A body's density overrides its colliders', theirs override their materials', and where nobody says, water's is
    taken; a mass of the body overrides the sum and scales the inertia.

    Raises:
        EngineError: ``engine_refused_stage`` when the body has neither colliders nor explicit mass properties.
    """
    solids = [shape for shape in shapes if shape.kind != "plane"]
    if not solids:
        raise EngineError(
            "engine_refused_stage",
            f"The body {path} has neither a collider nor complete mass properties.",
            "Author physics:mass, physics:centerOfMass and physics:diagonalInertia, or add a collider.",
        )
    masses, centres, moments = [], [], []
    for shape in solids:
        volume, centre, moment = unit_integrals(shape)
        density = body_density or shape.density or shape.material.density or USD_DEFAULT_DENSITY
        mass = shape.mass_kg if shape.mass_kg and body_density is None else density * volume
        masses.append(mass)
        centres.append(centre)
        moments.append(moment * mass / volume)
    total = sum(masses)
    com = np.average(np.array(centres), axis=0, weights=masses)
    second = sum(s + m * np.outer(c - com, c - com) for m, c, s in zip(masses, centres, moments, strict=True))
    factor = body_mass_kg / total if body_mass_kg else 1.0
    return total * factor, com, (np.trace(second) * np.eye(3) - second) * factor
