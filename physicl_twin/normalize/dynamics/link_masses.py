"""Masses of links that have neither mass nor geometry, so that solvers can divide by them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from physicl_twin.model import Body, Estimate, MassProperties, Twin
from physicl_twin.normalize.dynamics.marks import rule
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.joining import matrix3
from physicl_twin.normalize.mass import DERIVED as DERIVED_MASS
from physicl_twin.normalize.mass import MASSLESS

#: Radius of gyration where no neighbour has one, metres (judgement: a small bracket).
_LEAST_RADIUS_M = 0.01


def with_link_masses(twin: Twin, settings: DynamicsSettings) -> Twin:
    """Give every body between joints that has no mass a small one, flagged ``massless_link``.

    It is a fixed share of the lightest neighbour's mass, so that the ratio of masses across its joints stays within
    what solvers carry, and its inertia the same share of that neighbour's: a link that only names a frame hardly
    changes how its mechanism moves.
    """
    bare = {body.name for body in twin.bodies if _is_bare(body)}
    if not bare or not twin.joints:
        return twin
    return replace(
        twin,
        bodies=tuple(_with_mass(body, twin, bare, settings) if body.name in bare else body for body in twin.bodies),
    )


def _is_bare(body: Body) -> bool:
    properties = body.mass_properties
    return not body.static and (properties is None or MASSLESS in properties.mass.flags)


def _with_mass(body: Body, twin: Twin, bare: set[str], settings: DynamicsSettings) -> Body:
    near = _nearest_with_mass(body, twin, bare)
    if near is None:
        mass, radius, whose = settings.massless_least_kg, _LEAST_RADIUS_M, "the least mass of a link"
    else:
        properties = near.mass_properties
        assert properties is not None
        mass = max(settings.massless_least_kg, settings.massless_mass_ratio * properties.mass.value)
        radius = math.sqrt(max(float(np.trace(np.array(properties.inertia_kgm2))), 0.0) / (3 * properties.mass.value))
        radius = max(radius, _LEAST_RADIUS_M)
        whose = f"{settings.massless_mass_ratio:g} of the mass of {near.name}, its lightest neighbour"
    why = rule(f"{body.name} has neither mass nor geometry; it gets {whose}, so that solvers can divide by it.")
    marked = replace(why, kind="prior", source=DERIVED_MASS)
    estimate = Estimate.lognormal(
        mass, settings.massless_log_std, "kg", "share of a neighbour's mass", (marked,), (MASSLESS,)
    )
    moment = mass * radius**2
    inertia = moment * np.eye(3)
    spread = moment * settings.massless_log_std * np.eye(3)
    zero = (0.0, 0.0, 0.0)
    return replace(
        body, mass_properties=MassProperties(estimate, zero, zero, matrix3(inertia), matrix3(spread), (marked,))
    )


def _nearest_with_mass(body: Body, twin: Twin, bare: set[str]) -> Body | None:
    """The lightest of the bodies with a mass that are the fewest joints away."""
    seen, ring = {body.name}, {body.name}
    masses = {other.name: other for other in twin.bodies if other.mass_properties is not None and not other.static}
    while ring:
        beyond: set[str] = set()
        for joint in twin.joints:
            for here, there in ((joint.body0, joint.body1), (joint.body1, joint.body0)):
                if here in ring and there and there not in seen:
                    beyond.add(there)
        found = [masses[name] for name in sorted(beyond) if name in masses and name not in bare]
        if found:
            return min(found, key=lambda other: other.mass.value if other.mass is not None else math.inf)
        seen |= beyond
        ring = beyond
    return None
