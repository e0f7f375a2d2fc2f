"""Length units that files declare: from a scale in metres to the name that the twin uses."""

from __future__ import annotations

import math

from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT as COMMON_UNITS
from physicl_twin.ingest.raw import Claim
from physicl_twin.model import Evidence

#: Metres per unit: those that the user may state, and the rarer ones that files declare (exact by definition).
METRES_PER_UNIT: dict[str, float] = {
    **COMMON_UNITS,
    "um": 1e-6,
    "nm": 1e-9,
    "mil": 0.0254e-3,
    "uin": 0.0254e-6,
    "dm": 0.1,
    "km": 1000.0,
    "yd": 0.9144,
    "mi": 1609.344,
}

#: Files write scales with rounding (0.0254 as 0.02539999…): two scales nearer than this are the same unit.
_SAME_UNIT = 1e-6


def unit_name(metres_per_unit: float) -> str:
    """Name of the unit of that scale; ``"<scale> m"`` for a scale without a name."""
    for name, scale in METRES_PER_UNIT.items():
        if math.isclose(scale, metres_per_unit, rel_tol=_SAME_UNIT):
            return name
    return f"{metres_per_unit:.9g} m"


def unit_scale(metres_per_unit: float) -> float:
    """The exact scale of the named unit next to ``metres_per_unit``, or that number itself."""
    name = unit_name(metres_per_unit)
    return METRES_PER_UNIT.get(name, metres_per_unit)


def unit_claim(metres_per_unit: float, reliability: float, evidence: Evidence) -> Claim:
    """The claim that a file's length unit is ``metres_per_unit`` metres.

    Args:
        metres_per_unit: Scale, > 0.
        reliability: Probability that the claim is right, 0..1.
        evidence: Who says so and where.
    """
    name = unit_name(metres_per_unit)
    return Claim(name, reliability, evidence, 0.0 if name in COMMON_UNITS else unit_scale(metres_per_unit))
