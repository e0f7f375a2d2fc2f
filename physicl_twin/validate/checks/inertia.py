"""Inertia: possible for a rigid body, and right for this geometry."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.checks.stated import doubt, stated_links
from physicl_twin.validate.measure import unit_inertia
from physicl_twin.validate.stage_view import BodyView, hull
from physicl_twin.validate.subject import NotChecked, Subject

_REBUILD = "Build the twin again; do not edit the numbers by hand."


def _moments(body: BodyView) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    if body.diagonal_inertia is None:
        raise NotChecked(f"{body.name} has no diagonal inertia.")
    return body.diagonal_inertia


@check("inertia.positive", "Principal moments are positive and finite", _REBUILD)
def positive(subject: Subject) -> Findings:
    """The inertia tensor is positive definite."""
    found = Findings()
    for body in subject.bodies:
        moments = _moments(body)
        ok = bool(np.isfinite(moments).all() and (moments > 0).all())
        found.require(ok, body.name, f"They are {', '.join(f'{m:.4g}' for m in moments)} kg m².")
        found.summary = f"{', '.join(f'{m:.3g}' for m in moments)} kg m²."
    return found


@check("inertia.triangle", "No principal moment exceeds the sum of the other two", _REBUILD)
def triangle(subject: Subject) -> Findings:
    """Ixx ≤ Iyy + Izz and so on: otherwise no mass distribution in space has it."""
    found = Findings()
    slack = 1 + subject.number("mass_relative_tolerance")
    for body in subject.bodies:
        a, b, c = sorted(_moments(body))
        found.require(c <= (a + b) * slack, body.name, f"{c:.4g} > {a:.4g} + {b:.4g} kg m².")
        found.summary = f"{c:.3g} ≤ {a:.3g} + {b:.3g} kg m²."
    return found


@check("inertia.axes", "Principal axes are a unit quaternion", _REBUILD)
def axes(subject: Subject) -> Findings:
    """|q| = 1 (USD stores single precision)."""
    found = Findings()
    for body in subject.bodies:
        if body.principal_axes_wxyz is None:
            raise NotChecked(f"{body.name} has no principal axes.")
        norm = math.sqrt(sum(x * x for x in body.principal_axes_wxyz))
        found.require(abs(norm - 1) <= 1e-4, body.name, f"Its length is {norm:.6g}.")
        found.summary = f"Length {norm:.7g}."
    return found


@check("inertia.bounded", "Each moment is below mass times the largest squared distance", _REBUILD)
def bounded(subject: Subject) -> Findings:
    """I about an axis through the centre of mass is at most m·r², r the farthest point's distance from that axis."""
    found = Findings()
    odd, stated = [], stated_links(subject)
    for body in subject.solid_bodies:
        inertia, points = body.inertia(), body.points()
        if inertia is None or body.com is None or body.mass is None or not len(points):
            raise NotChecked(f"{body.name} has no mass properties or no geometry.")
        values, vectors = np.linalg.eigh(inertia)
        relative = points - body.com
        for value, axis in zip(values, vectors.T, strict=True):
            r2 = float((np.einsum("ij,ij->i", relative, relative) - (relative @ axis) ** 2).max())
            limit = body.mass * r2 * (1 + 1e-4)
            if value > limit and body.path in stated:
                odd.append(body.name)
                continue
            found.require(value <= limit, body.name, f"{value:.4g} kg m² is above m·r² = {limit:.4g} kg m².")
        radii = np.sqrt(np.maximum(values, 0) / body.mass) if body.mass > 0 else np.zeros(3)
        found.summary = f"Gyration radii {', '.join(f'{r:.3g}' for r in radii)} m.{doubt(list(dict.fromkeys(odd)))}"
    return found


@check("inertia.plausible", "Inertia is of the size that the geometry implies", "Check units: inertia is in kg m².")
def plausible(subject: Subject) -> Findings:
    """Each moment is within a factor of that of an evenly filled convex hull of the same mass."""
    found = Findings()
    factor = subject.number("inertia_factor")
    odd, stated = [], stated_links(subject)
    for body in subject.solid_bodies:
        inertia, points = body.inertia(), body.points()
        around = hull(points) if len(points) >= 4 else None
        if inertia is None or around is None or not body.mass or body.mass <= 0:
            raise NotChecked(f"{body.name} has no mass properties or no geometry.")
        reference = np.sort(np.linalg.eigvalsh(unit_inertia(around))) * body.mass
        ratios = np.sort(np.linalg.eigvalsh(inertia)) / reference
        ok = bool(np.isfinite(ratios).all() and ratios.min() >= 1 / factor and ratios.max() <= factor)
        text = ", ".join(f"{r:.3g}" for r in ratios)
        if not ok and body.path in stated:
            odd.append(body.name)
            continue
        found.require(
            ok, body.name, f"{text} times that of its filled convex hull; expected 1/{factor:g} to {factor:g}."
        )
        found.summary = f"{text} times that of the filled convex hull."
    found.summary += doubt(odd)
    return found


@check("inertia.equal", "Stage and twin.json state one inertia tensor", _REBUILD)
def equal(subject: Subject) -> Findings:
    """Diagonal and principal axes of the stage give twin.json's tensor."""
    found = Findings()
    tolerance = subject.number("inertia_relative_tolerance")
    worst = 0.0
    for view, body in subject.pairs:
        tensor = view.inertia()
        if body.mass_properties is None or tensor is None:
            found.require(False, body.name, "One of them has no inertia.")
            continue
        stated = np.array(body.mass_properties.inertia_kgm2)
        error = float(np.abs(tensor - stated).max() / np.abs(stated).max())
        worst = max(worst, error)
        found.require(error <= tolerance, body.name, f"They differ by {100 * error:.3g} % of the largest element.")
    found.summary = f"Within {worst:.2g} of the largest element."
    return found
