"""Visible geometry: sound, and the one that the record speaks of."""

from __future__ import annotations

import numpy as np

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.measure import is_closed, volume
from physicl_twin.validate.stage_view import MeshView, all_prims, mesh_view
from physicl_twin.validate.subject import NotChecked, Subject

_REBUILD = "Build the twin again from its source."


def stage_meshes(subject: Subject) -> tuple[MeshView, ...]:
    """Every mesh of the stage, in its own frame.

    Raises:
        NotChecked: When there is none.
    """
    from pxr import UsdGeom

    meshes = tuple(mesh_view(p, np.eye(4)) for p in all_prims(subject.stage) if p.IsA(UsdGeom.Mesh))
    if not meshes:
        raise NotChecked("The stage has no mesh.")
    return meshes


@check("geometry.sound", "Every mesh has finite points and valid faces", _REBUILD)
def sound(subject: Subject) -> Findings:
    """Finite positions, corners that exist, some area."""
    found = Findings()
    triangles = 0
    meshes = stage_meshes(subject)
    for view in meshes:
        if not found.require(not view.problem, view.path, f"Unusable: {view.problem}."):
            continue
        triangles += len(view.local.faces)
        spread = np.ptp(view.local.vertices, axis=0)
        found.require(bool((spread > 0).sum() >= 2), view.path, "It has no area.")
    found.summary = f"{triangles} triangles in {len(meshes)} meshes."
    return found


@check("geometry.drawn", "Every body has visible geometry", "A body without geometry cannot be seen or rendered.")
def drawn(subject: Subject) -> Findings:
    """At least one drawn mesh below each rigid body, or below one that it is welded to: some links only collide.

    A link that only names a frame between joints has none.
    """
    found = Findings()
    drawn = {body.path for body in subject.bodies if body.visuals}
    welds = [{j.body0, j.body1} for j in subject.joints if j.type == "fixed" and j.body0 and j.body1]
    for _ in welds:
        drawn = drawn.union(*(weld for weld in welds if drawn & weld))
    for body in subject.solid_bodies:
        found.require(body.path in drawn, body.name, "Nothing of it is drawn.")
    found.summary = f"{sum(len(b.visuals) for b in subject.bodies)} drawn meshes."
    if bare := len(subject.bodies) - len(subject.solid_bodies):
        found.summary += f" {bare} links are frames without geometry."
    return found


@check("geometry.extent", "Authored extents enclose the points exactly", _REBUILD)
def extent(subject: Subject) -> Findings:
    """The extent attribute of each mesh equals the bounds of its points (culling and picking trust it)."""
    from pxr import UsdGeom

    found = Findings()
    count = 0
    for prim in all_prims(subject.stage):
        if not prim.IsA(UsdGeom.Mesh):
            continue
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get() or [], dtype=float).reshape(-1, 3)
        stated = UsdGeom.Boundable(prim).GetExtentAttr().Get()
        if not found.require(stated is not None and len(points) > 0, str(prim.GetPath()), "No extent is authored."):
            continue
        bounds = np.array([points.min(axis=0), points.max(axis=0)])
        off = float(np.abs(np.array(stated, dtype=float) - bounds).max())
        found.require(
            off <= 1e-5 * max(1e-3, float(np.ptp(bounds, axis=0).max())), str(prim.GetPath()), f"Off by {off:.3g} m."
        )
        count += 1
    if not count and not found.failures:
        raise NotChecked("The stage has no mesh.")
    found.summary = f"{count} meshes."
    return found


@check("geometry.recorded", "The meshes on the stage are those that the record speaks of", _REBUILD)
def recorded(subject: Subject) -> Findings:
    """Each shape of twin.json is on the stage: same hash, or the same triangle count and bounds."""
    found = Findings()
    views = [view for view in stage_meshes(subject) if not view.problem]
    hashes = {view.local.sha256() for view in views}
    for shape in subject.twin.shapes:
        if not found.require(shape.geometry is not None, shape.name, "twin.json has no summary of it."):
            continue
        assert shape.geometry is not None
        known = shape.geometry.sha256 in hashes or any(_same(view, shape.geometry) for view in views)
        found.require(known, shape.name, f"No mesh of {shape.geometry.faces} faces and these bounds is on the stage.")
    found.summary = f"{len(subject.twin.shapes)} shapes."
    return found


def _same(view: MeshView, geometry: object) -> bool:
    low, high = view.local.bounds()
    limit = 1e-5 * float(np.linalg.norm(high - low))
    stated_low, stated_high = np.array(geometry.low_m), np.array(geometry.high_m)  # type: ignore[attr-defined]
    near = max(float(np.abs(low - stated_low).max()), float(np.abs(high - stated_high).max())) <= limit
    return near and len(view.local.faces) == geometry.faces  # type: ignore[attr-defined]


@check("geometry.volume", "The recorded volume is the volume of the mesh", _REBUILD)
def mesh_volume(subject: Subject) -> Findings:
    """Volume by the divergence theorem on the stage's triangles against the record, for closed single-shell shapes."""
    found = Findings()
    slack = subject.number("volume_relative_tolerance")
    views = [view for view in stage_meshes(subject) if not view.problem]
    by_hash = {view.local.sha256(): view for view in views}
    worst, checked = 0.0, 0
    for shape in subject.twin.shapes:
        if shape.geometry is None or shape.solid is None or not shape.geometry.watertight or shape.geometry.bodies != 1:
            continue
        view = by_hash.get(shape.geometry.sha256) or next((v for v in views if _same(v, shape.geometry)), None)
        if view is None or not is_closed(view.local):
            continue
        measured, stated = abs(volume(view.local)), shape.solid.volume
        low, high = stated.low * (1 - slack), stated.high * (1 + slack)
        worst, checked = max(worst, abs(measured / stated.value - 1)), checked + 1
        found.require(
            low <= measured <= high,
            shape.name,
            f"The mesh encloses {measured:.4g} m³, the record says {stated.value:.4g} m³.",
        )
    if not checked:
        raise NotChecked(
            "No shape is closed and in one piece: its volume is an estimate that triangles cannot confirm."
        )
    found.summary = f"{checked} closed shapes, within {100 * worst:.2g} %."
    return found
