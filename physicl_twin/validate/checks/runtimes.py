"""Runtime variants (PhysX, Newton, MuJoCo): what an engine's own opinions may not change."""

from __future__ import annotations

import numpy as np

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.stage_view import BodyView
from physicl_twin.validate.subject import RUNTIME_ENABLED, RUNTIME_SETS, Subject

_REBUILD = "Build the twin again; runtime layers may tune an engine, not redefine the object."
#: Mesh approximations that a moving body may have when an engine's own layer is in force.
_MOVING = ("convexHull", "convexDecomposition", "boundingCube", "boundingSphere", "sdf")


@check("runtimes.open", "Every runtime variant composes without errors", _REBUILD)
def opens(subject: Subject) -> Findings:
    """All payloads of a variant load and name prims that exist."""
    found = Findings()
    names = []
    for name, (stage, _) in subject.runtimes.items():
        names.append(name)
        for error in stage.GetCompositionErrors():
            found.require(False, name, str(error).strip().splitlines()[0][:300])
        loose = [str(p.GetPath()) for p in stage.TraverseAll() if not p.IsDefined() and not p.IsAbstract()]
        found.require(not loose, name, f"It speaks of prims that do not exist: {', '.join(loose[:3])}.")
    found.summary = f"{', '.join(names)}." if names else "There are no runtime variants."
    return found


@check("runtimes.mass", "No runtime variant changes mass, centre of mass or inertia", _REBUILD)
def mass(subject: Subject) -> Findings:
    """Every engine simulates the same object."""
    found = Findings()
    names = []
    base = {body.path: body for body in subject.bodies}
    for name, (_, views) in subject.runtimes.items():
        names.append(name)
        bodies = {body.path: body for body in views}
        if not found.require(bodies.keys() == base.keys(), name, "It adds or removes a rigid body."):
            continue
        for path, body in bodies.items():
            found.require(_same(body, base[path]), name, f"It changes the mass properties of {body.name}.")
    found.summary = f"{', '.join(names)}: as the neutral base." if names else "There are no runtime variants."
    return found


def _same(first: BodyView, second: BodyView) -> bool:
    pairs = (
        (first.mass, second.mass),
        (first.com, second.com),
        (first.diagonal_inertia, second.diagonal_inertia),
        (first.principal_axes_wxyz, second.principal_axes_wxyz),
    )
    return all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(np.asarray(a), np.asarray(b)))
        for a, b in pairs
    )


@check("runtimes.colliders", "Every runtime variant leaves each moving body with usable colliders", _REBUILD)
def colliders(subject: Subject) -> Findings:
    """At least one enabled collider a body, each of a kind that a moving body can have, with a physics material."""
    found = Findings()
    counts = []
    solid = {body.path for body in subject.solid_bodies}
    for name, (_, views) in subject.runtimes.items():
        total = 0
        for body in views:
            if not body.dynamic or body.path not in solid:
                continue
            total += len(body.colliders)
            found.require(bool(body.colliders), name, f"{body.name} has no enabled collider.")
            for collider in body.colliders:
                fits = collider.kind != "Mesh" or collider.approximation in _MOVING
                found.require(fits, name, f"{collider.path}: approximation {collider.approximation}.")
                found.require(collider.material is not None, name, f"{collider.path} has no physics material.")
        counts.append(f"{name} {total}")
    found.summary = f"{', '.join(counts)} colliders." if counts else "There are no runtime variants."
    return found


@check("runtimes.neutral", "The file opens with every runtime switched off", _REBUILD)
def neutral(subject: Subject) -> Findings:
    """An engine that does not know the variants gets the neutral base."""
    found = Findings()
    names = []
    sets = subject.root.GetVariantSets()
    for name in RUNTIME_SETS:
        variant = sets.GetVariantSet(name)
        if not variant.GetVariantNames():
            continue
        names.append(name)
        chosen = variant.GetVariantSelection()
        found.require(bool(chosen) and chosen != RUNTIME_ENABLED, name, f"It is {chosen or 'not selected'}.")
    found.summary = f"{', '.join(names)} are off." if names else "There are no runtime variants."
    return found
