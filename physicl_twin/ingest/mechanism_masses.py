"""Inertias of links that no body can have: repaired where they are nearly right, replaced where nothing else can be."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from physicl_twin.ingest.affine import matrix3
from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.model import Evidence, MassProperties
from physicl_twin.model.geometry import FloatArray

#: Least principal second moment relative to their sum: USD keeps seven digits, and MuJoCo refuses an inertia that
#: misses the triangle inequality by the last of them.
_MARGIN = 5e-7
#: A second moment below zero by less than this is rounding of printed numbers (as where normalize checks what is
#: stated).
_ROUNDING = 1e-3
#: A principal second moment may be so far below zero, relative to their sum, for the inertia to be nearly right
#: (judgement: rounding and hand-made diagonals do that; beyond it the numbers are of another thing).
_NEARLY = 0.1
#: Share of the sum that the least second moment gets instead: a plate, not a sheet without any thickness (judgement).
_LEAST = 1e-3
#: Density of the ball that stands in for a link of which only the mass is known, kg/m3 (judgement: water's, which is
#: that of robot links on the whole: motors and shells with air between).
_BALL_DENSITY = 1000.0


def usable_mass_properties(
    stated: MassProperties, link: str, has_geometry: bool, builder: SceneBuilder
) -> MassProperties:
    """Mass properties with an inertia that a body can have, or as stated where its geometry will tell better.

    The second moments of a body about its centre are positive in all directions; then, and only then, its principal
    moments of inertia obey the triangle inequality. Where the least of them is a little below zero it is raised; an
    inertia farther off stays for normalize, which derives it from the geometry; where there is none, a ball of that
    mass stands in.

    Args:
        stated: With a positive mass.
        link: Name of the link, for notes.
        has_geometry: True when the body has geometry.
        builder: Notes go there.
    """
    inertia = np.array(stated.inertia_kgm2)
    inertia = 0.5 * (inertia + inertia.T)
    total = 0.5 * float(np.trace(inertia))
    values, axes = np.linalg.eigh(total * np.eye(3) - inertia)
    if total > 0 and values[0] >= _MARGIN * total:
        return stated
    if total > 0 and values[0] >= -_NEARLY * total:
        rounded = values[0] >= -_ROUNDING * total
        raised = np.maximum(values, (_MARGIN * 1.01 if rounded else _LEAST) * total)
        raised *= total / raised.sum()
        repaired = total * np.eye(3) - axes @ np.diag(raised) @ axes.T
        if rounded:
            if values[0] < -_MARGIN * total:
                message = f"The inertia of {link!r} breaks the triangle inequality in its last digits; it is rounded."
                builder.note("inertia_rounded", "info", message)
            reason = "Rounded to obey the triangle inequality in the digits that USD keeps."
            return _with_inertia(stated, repaired, np.array(stated.inertia_std_kgm2), reason)
        shown = ", ".join(f"{v:.3g}" for v in np.linalg.eigvalsh(inertia))
        message = f"No body has the moments of inertia {shown} kg m2 that {link!r} states; the nearest are used."
        builder.note("inertia_repaired", "warning", message, "Correct the inertia in the description.")
        return _with_inertia(stated, repaired, repaired - inertia, "The nearest inertia that a body can have.")
    if has_geometry:
        return stated
    radius = (3 * stated.mass.value / (4 * math.pi * _BALL_DENSITY)) ** (1 / 3)
    ball = 0.4 * stated.mass.value * radius**2 * np.eye(3)
    message = (
        f"{link!r} states {stated.mass.value:.4g} kg without a possible inertia, and has no geometry: a ball's is used."
    )
    builder.note("inertia_replaced", "warning", message, "State its inertia in the description.")
    reason = f"Inertia of a ball of that mass and {_BALL_DENSITY:.0f} kg/m3, of radius {radius:.3g} m."
    return _with_inertia(stated, ball, ball, reason)


def _with_inertia(stated: MassProperties, inertia: FloatArray, doubt: FloatArray, reason: str) -> MassProperties:
    return replace(
        stated,
        inertia_kgm2=matrix3(inertia),
        inertia_std_kgm2=matrix3(np.abs(doubt)),
        evidence=(*stated.evidence, Evidence("rule", reason)),
    )
