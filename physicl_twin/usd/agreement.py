"""Whether a recorded value still is the one that stands on the stage, and what holds when it is not."""

from __future__ import annotations

import math

import numpy as np
from pxr import Usd

from physicl_twin.model import Estimate, Evidence, Pose

#: Relative difference up to which a stored double and its float32 attribute are one number (float32 has 24 bits).
SINGLE = 4e-7


def close(told: float, seen: float) -> bool:
    """True when a double and what a float32 attribute says of it are one number."""
    return math.isclose(told, seen, rel_tol=SINGLE, abs_tol=1e-9)


def agreed(told: Estimate | None, seen: float, unit: str, prim: Usd.Prim) -> Estimate:
    """The recorded estimate while it is about the number that stands there; else that number, as stated."""
    if told is not None and math.isclose(told.value, seen, rel_tol=SINGLE, abs_tol=1e-12):
        return told
    evidence = Evidence("user", "The attribute in the USD was set by hand.", str(prim.GetPath()))
    return Estimate.exact(seen, unit, "stated in USD", (evidence,), ("edited",) if told is not None else ())


def same_pose(one: Pose, other: Pose) -> bool:
    """True when two poses differ by no more than single precision."""
    # q and -q are one rotation.
    sign = math.copysign(1.0, float(np.dot(one.quaternion_wxyz, other.quaternion_wxyz)))
    turned = np.multiply(sign, other.quaternion_wxyz)
    return np.allclose(one.position_m, other.position_m, rtol=SINGLE, atol=1e-9) and np.allclose(
        one.quaternion_wxyz, turned, rtol=0.0, atol=1e-6
    )
