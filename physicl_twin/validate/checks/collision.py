"""Colliders: there, convex, small enough, close to the surface, cavities as claimed."""

from __future__ import annotations

import numpy as np

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.checks.stated import colliders_stated
from physicl_twin.validate.measure import Closeness, closeness, depth, filled_void, is_closed, volume
from physicl_twin.validate.stage_view import BodyView, ColliderView
from physicl_twin.validate.subject import NotChecked, Subject

_REBUILD = "Build the twin again without --fast, or choose another collision method."
#: Mesh approximations that stay convex pieces when the body moves.
_CONVEX = ("convexHull", "convexDecomposition", "boundingCube", "boundingSphere")


def _dynamic(subject: Subject) -> tuple[BodyView, ...]:
    """Moving bodies with geometry.

    Raises:
        NotChecked: When there are none.
    """
    bodies = tuple(body for body in subject.solid_bodies if body.dynamic)
    if not bodies:
        raise NotChecked("No body is dynamic.")
    return bodies


def _judged(subject: Subject) -> tuple[tuple[BodyView, ...], str]:
    """Moving bodies whose colliders were made to follow what is seen, and a sentence about the others.

    Raises:
        NotChecked: When every body collides with geometry that its source states apart from what is seen.
    """
    own = colliders_stated(subject)
    judged = tuple(body for body in _dynamic(subject) if body.path not in own)
    if not judged:
        raise NotChecked("Every body collides with geometry that its source states apart from what is seen.")
    return judged, f" {len(own)} links collide with what their source states." if own else ""


def _colliders(subject: Subject) -> tuple[tuple[BodyView, ColliderView], ...]:
    pairs = tuple((body, collider) for body in _dynamic(subject) for collider in body.colliders)
    if not pairs:
        raise NotChecked("No body has a collider.")
    return pairs


@check("collision.present", "Every moving body has an enabled collider", _REBUILD)
def present(subject: Subject) -> Findings:
    """Without one it falls through the floor."""
    found = Findings()
    for body in _dynamic(subject):
        found.require(bool(body.colliders), body.name, "It has no enabled collider.")
    found.summary = f"{sum(len(b.colliders) for b in subject.bodies)} colliders on {len(subject.bodies)} bodies."
    return found


@check("collision.no_triangle_mesh", "No moving body collides by its raw triangles", "Use convexHull pieces or an SDF.")
def no_triangle_mesh(subject: Subject) -> Findings:
    """PhysX cannot simulate a dynamic triangle mesh and falls back to something else."""
    found = Findings()
    pairs = _colliders(subject)
    for _, collider in pairs:
        ok = collider.kind != "Mesh" or collider.approximation in _CONVEX
        found.require(ok, collider.path, f"Its approximation is {collider.approximation}.")
    found.summary = f"{len(pairs)} colliders."
    return found


@check("collision.convex", "Every collider mesh is convex as authored", _REBUILD)
def convex(subject: Subject) -> Findings:
    """A mesh that is not convex is filled up in silence by the engine: what is seen is not what collides."""
    found = Findings()
    limit = subject.number("convex_volume_tolerance")
    worst = 0.0
    pairs = _colliders(subject)
    for _, collider in pairs:
        if not found.require(collider.solid is not None, collider.path, f"Unusable: {collider.problem}."):
            continue
        assert collider.solid is not None
        if collider.kind != "Mesh" or collider.approximation != "convexHull":
            continue
        # A closed mesh by its volume; an open one by how deep its points lie inside its hull.
        full = volume(collider.solid)
        if is_closed(collider.authored):
            missing = 1 - abs(volume(collider.authored)) / full
        else:
            missing = 3 * float(depth(collider.authored.vertices, collider.solid).max()) / float(np.cbrt(full))
        worst = max(worst, missing)
        found.require(
            missing <= limit, collider.path, f"Its hull fills {100 * missing:.3g} % that the mesh leaves open."
        )
    found.summary = f"{len(pairs)} colliders; the worst leaves {100 * worst:.2g} % to its hull."
    return found


@check("collision.vertices", "No convex piece has more vertices than engines take", _REBUILD)
def vertices(subject: Subject) -> Findings:
    """Above 64 vertices PhysX simplifies a hull when it cooks it."""
    found = Findings()
    limit = int(subject.number("hull_vertices_max"))
    most = 0
    pairs = _colliders(subject)
    for _, collider in pairs:
        if collider.kind != "Mesh" or collider.approximation != "convexHull" or collider.solid is None:
            continue
        count = len(collider.solid.vertices)
        most = max(most, count)
        found.require(count <= limit, collider.path, f"Its hull has {count} vertices; {limit} are allowed.")
    found.summary = f"{len(pairs)} colliders, at most {most} vertices."
    return found


def _measured(subject: Subject, body: BodyView) -> Closeness:
    visual = body.visual_mesh()
    solids = [c.solid for c in body.colliders if c.solid is not None]
    if visual is None or not solids:
        raise NotChecked(f"{body.name} has no visible geometry or no usable collider.")
    cache: dict[str, Closeness] = subject.__dict__.setdefault("_closeness", {})
    if body.path not in cache:
        cache[body.path] = closeness(visual, solids, int(subject.number("surface_samples")), subject.seed)
    return cache[body.path]


def _diagonal(body: BodyView) -> float:
    points = body.visual_points()
    return float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 0.0


@check("collision.close", "Colliders lie close to the visible surface", _REBUILD)
def close(subject: Subject) -> Findings:
    """Mean distance from the colliders' outer surface to the visible surface, measured again from the stage."""
    found = Findings()
    texts = []
    bodies, rest = _judged(subject)
    for body in bodies:
        gap, size = _measured(subject, body), _diagonal(body)
        limit = subject.number("collider_mean_max") * size
        found.require(gap.mean_m <= limit, body.name, f"Mean {1e3 * gap.mean_m:.3g} mm; {1e3 * limit:.3g} mm allowed.")
        texts.append(f"mean {1e3 * gap.mean_m:.2g} mm, 99 % within {1e3 * gap.p99_m:.2g} mm")
    found.summary = "; ".join(texts[:4]) + f".{rest}"
    return found


@check("collision.not_outside", "No collider reaches far beyond the visible surface", _REBUILD)
def not_outside(subject: Subject) -> Findings:
    """Otherwise the object is hit where nothing is seen."""
    found = Findings()
    worst = 0.0
    bounds = {}
    bodies, rest = _judged(subject)
    for body in bodies:
        points = body.visual_points()
        if not len(points):
            raise NotChecked(f"{body.name} has no visible geometry.")
        bounds[body.path] = points.min(axis=0), points.max(axis=0), _diagonal(body)
    for body, collider in _colliders(subject):
        if body.path not in bounds:
            continue
        low, high, diagonal = bounds[body.path]
        beyond = np.maximum(low - collider.authored.vertices, collider.authored.vertices - high)
        outside = float(np.maximum(beyond, 0).max()) if len(beyond) else 0.0
        worst = max(worst, outside)
        limit = subject.number("collider_outside_max") * diagonal
        found.require(outside <= limit, collider.path, f"{1e3 * outside:.3g} mm beyond the visible bounds.")
    found.summary = f"At most {1e3 * worst:.2g} mm beyond the visible bounds.{rest}"
    return found


@check("collision.covers", "The whole visible surface is covered by colliders", _REBUILD)
def covers(subject: Subject) -> Findings:
    """No part can be reached through."""
    found = Findings()
    worst = 0.0
    bodies, rest = _judged(subject)
    for body in bodies:
        gap, size = _measured(subject, body), _diagonal(body)
        worst = max(worst, gap.uncovered_m)
        limit = subject.number("uncovered_max") * size
        text = f"1 % of the visible surface is over {1e3 * gap.uncovered_m:.3g} mm from any collider."
        found.require(gap.uncovered_m <= limit, body.name, text)
    found.summary = f"99 % of the surface is within {1e3 * worst:.2g} mm of a collider.{rest}"
    return found


@check("collision.cavity", "Cavities are kept or filled as the record claims", _REBUILD)
def cavity(subject: Subject) -> Findings:
    """Share of the open space inside the object's hull that colliders fill, against ``cavity_kept``."""
    found = Findings()
    limit = subject.number("cavity_filled_max")
    texts = []
    own = colliders_stated(subject)
    for view, body in subject.pairs:
        claims = [p.collision.fit.cavity_kept for p in body.parts if p.collision]
        # What collides apart from what is seen speaks of its own cavities.
        if True not in claims or view.path in own:
            continue
        visual = view.visual_mesh()
        solids = [c.solid for c in view.colliders if c.solid is not None]
        if visual is None or not solids:
            raise NotChecked(f"{body.name} has no visible geometry or no usable collider.")
        share = filled_void(visual, solids, int(subject.number("cavity_samples")), subject.seed, 0.01)
        if share is None:
            texts.append(f"{body.name}: its cavities are too small to measure")
            continue
        found.require(
            share <= limit, body.name, f"It claims open cavities, but {100 * share:.0f} % of them are filled."
        )
        texts.append(f"{100 * share:.0f} % filled")
    found.summary = ("; ".join(texts[:4]) + ".") if texts else "No part claims an open cavity."
    return found


@check("collision.recorded", "The colliders on the stage are those of the record", _REBUILD)
def recorded(subject: Subject) -> Findings:
    """As many colliders on each body as its parts list."""
    found = Findings()
    total = 0
    for view, body in subject.pairs:
        missing = [p.name for p in body.parts if p.collides and (p.collision is None or not p.collision.colliders)]
        found.require(not missing, body.name, f"No colliders recorded for {', '.join(missing[:5])}.")
        stated = sum(len(p.collision.colliders) for p in body.parts if p.collision)
        total += stated
        text = f"{len(view.colliders)} on the stage, {stated} in twin.json."
        found.require(stated == len(view.colliders), body.name, text)
    found.summary = f"{total} colliders."
    return found


@check("collision.claim", "The recorded collision error is what is measured", _REBUILD)
def claim(subject: Subject) -> Findings:
    """The mean error measured on the stage is not above the largest that twin.json states for the body's parts."""
    found = Findings()
    texts = []
    bodies, rest = _judged(subject)
    judged = {body.path for body in bodies}
    for view, body in subject.pairs:
        if view.path not in judged:
            continue
        fits = [p.collision.fit for p in body.parts if p.collision]
        if not fits:
            raise NotChecked(f"{body.name} has no recorded collision error.")
        gap = _measured(subject, view)
        stated = max(fit.mean_m for fit in fits)
        allowed = stated * subject.number("claim_factor") + 1e-3 * _diagonal(view)
        text = f"Measured mean {1e3 * gap.mean_m:.3g} mm, recorded {1e3 * stated:.3g} mm."
        found.require(gap.mean_m <= allowed, body.name, text)
        texts.append(text)
    found.summary = " ".join(texts[:4]) + rest
    return found
