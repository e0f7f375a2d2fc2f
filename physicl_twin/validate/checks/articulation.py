"""The articulation: one root, a tree, everything joined, masses that a solver carries, followers of what leads."""

from __future__ import annotations

from typing import Any

from physicl_twin.validate.checks.mechanism import StageMechanism
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.joint_view import resistance
from physicl_twin.validate.stage_view import all_prims
from physicl_twin.validate.subject import Subject

_REBUILD = "Correct the mechanism in the source, then build the twin again."
_NONE = "There are no joints."


def _roots(stage: Any) -> list[Any]:
    from pxr import UsdPhysics

    return [prim for prim in all_prims(stage) if prim.HasAPI(UsdPhysics.ArticulationRootAPI)]


@check("articulation.root", "A mechanism has one articulation root, where its tree begins", _REBUILD)
def root(subject: Subject) -> Findings:
    """One root that is not inside another, on the asset's root, on a body or on a joint of the tree.

    A building has none: its doors are joints between bodies, each for itself.
    """
    found = Findings()
    roots = _roots(subject.stage)
    building = subject.has_twin and subject.twin.articulation and subject.twin.articulation.kind == "building"
    if not subject.joints:
        found.require(not roots, "", "There is an articulation root, but there are no joints.")
        found.summary = _NONE
        return found
    if building and not roots:
        found.summary = "A building: every door and window moves for itself."
        return found
    found.require(len(roots) > 0, "", "There are joints, but no articulation root.")
    paths = [prim.GetPath() for prim in roots]
    for path in paths:
        inside = [other for other in paths if other != path and path.HasPrefix(other)]
        found.require(not inside, str(path), f"This root is inside the one at {inside[0] if inside else ''}.")
    found.require(len(roots) < 2, "", f"There are {len(roots)} roots: {', '.join(map(str, paths[:3]))}.")
    allowed = {str(subject.root.GetPath())} | {body.path for body in subject.all_bodies}
    allowed |= {joint.path for joint in subject.joints if not joint.excluded}
    for path in map(str, paths):
        found.require(path in allowed, path, "An articulation root belongs on the asset's root, a body or a joint.")
    found.summary = f"At {paths[0]}." if paths else ""
    return found


@check("articulation.tree", "The joints make a tree; what closes a circle says so", _REBUILD)
def tree(subject: Subject) -> Findings:
    """No circle of joints unless one of them is excluded from the articulation."""
    found = Findings()
    if not subject.joints:
        found.summary = _NONE
        return found
    links, circles = StageMechanism.of(subject).walk
    for joint in circles:
        found.require(False, joint.name, "It closes a circle of joints and is not excluded from the articulation.")
    loops = sum(joint.excluded for joint in subject.joints)
    found.summary = f"{sum(link.joint is not None for link in links)} joints in the tree, {loops} outside of it."
    return found


@check("articulation.connected", "Every body that the record joins is joined on the stage", _REBUILD)
def connected(subject: Subject) -> Findings:
    """A body that hangs on the mechanism in twin.json touches a joint on the stage."""
    found = Findings()
    if not subject.twin.joints:
        found.summary = _NONE
        return found
    touched = {path for joint in subject.joints if joint.enabled for side in joint.bodies for path in side}
    wanted = {name for joint in subject.twin.joints for name in (joint.body0, joint.body1)}
    loose = []
    for view, body in subject.pairs:
        if body.name in wanted:
            found.require(view.path in touched, body.name, "No joint of the stage holds it.")
        elif view.path not in touched:
            loose.append(body.name)
    found.summary = f"{len(wanted - {''})} bodies hang together."
    if loose:
        found.summary += f" {len(loose)} move freely: {', '.join(loose[:3])}."
    return found


@check(
    "articulation.inertia",
    "Masses across joints and what joints carry are such as solvers can work with",
    "Check the masses of the two links; give the lighter one its real mass.",
)
def inertia(subject: Subject) -> Findings:
    """The ratio of masses across a movable joint, tied bodies taken as one, and no negative armature or friction."""
    found = Findings()
    if not subject.joints:
        found.summary = _NONE
        return found
    mechanism = StageMechanism.of(subject)
    groups = _groups(mechanism)
    mass: dict[int, float] = {}
    for i, body in enumerate(mechanism.bodies):
        mass[groups[i]] = mass.get(groups[i], 0.0) + (body.mass or 0.0)
    still = {groups[i] for i, body in enumerate(mechanism.bodies) if body.held or not body.dynamic}
    for joint in mechanism.joints:  # what the world holds weighs nothing on anybody
        ends = [mechanism.index[path] for path in (joint.body0, joint.body1) if path in mechanism.index]
        if joint.type == "fixed" and len(ends) == 1:
            still.add(groups[ends[0]])
    worst = 1.0
    for joint in mechanism.joints:
        if joint.type == "fixed" or joint.body0 not in mechanism.index or joint.body1 not in mechanism.index:
            continue
        a, b = groups[mechanism.index[joint.body0]], groups[mechanism.index[joint.body1]]
        if a in still or b in still or min(mass[a], mass[b]) <= 0:
            continue
        ratio = max(mass[a], mass[b]) / min(mass[a], mass[b])
        worst = max(worst, ratio)
        text = f"{mass[a]:.3g} kg against {mass[b]:.3g} kg: a ratio of {ratio:.3g} to 1."
        found.require(ratio <= subject.number("joint_mass_ratio_max"), joint.name, text)
    for runtime, (stage, _) in subject.runtimes.items():
        for joint in subject.joints:
            for quantity, value in resistance(stage, joint, runtime).items():
                found.require(value >= 0, joint.name, f"Its {quantity.replace('_', ' ')} for {runtime} is {value:g}.")
    if subject.has_twin:
        for stated in subject.twin.joints:
            for quantity in ("armature", "friction", "damping", "stiffness"):
                estimate = getattr(stated, quantity)
                text = f"Its {quantity} is {estimate.value if estimate else 0:g} in the record."
                found.require(estimate is None or estimate.value >= 0, stated.name, text)
    found.summary = f"Masses of neighbours within {worst:.3g} to 1."
    return found


def _groups(mechanism: StageMechanism) -> list[int]:
    """Index of the first body of each rigid group."""
    groups = list(range(len(mechanism.bodies)))
    for joint in mechanism.joints:
        if joint.type == "fixed" and joint.body0 in mechanism.index and joint.body1 in mechanism.index:
            old, new = groups[mechanism.index[joint.body1]], groups[mechanism.index[joint.body0]]
            groups = [new if group == old else group for group in groups]
    return groups


@check("articulation.mimic", "Joints that follow others follow one that leads", _REBUILD)
def mimic(subject: Subject) -> Findings:
    """A leader that exists and moves, no circle of followers, in the record and in each engine's variant."""
    found = Findings()
    count = 0
    if subject.has_twin:
        leaders = {j.name: j.mimic.joint for j in subject.twin.joints if j.mimic is not None}
        moving = {j.name for j in subject.twin.joints if j.type in ("revolute", "prismatic")}
        count = len(leaders)
        _follow(found, leaders, moving, "")
    for runtime, (stage, _) in subject.runtimes.items():
        paths = {joint.path: joint.name for joint in subject.joints}
        followers: dict[str, str] = {}
        for joint in subject.joints:
            prim = stage.GetPrimAtPath(joint.path)
            for name in prim.GetAuthoredPropertyNames() if prim else ():
                if name == "newton:mimicJoint" or (
                    name.startswith("physxMimicJoint:") and name.endswith(":referenceJoint")
                ):
                    for target in prim.GetRelationship(name).GetTargets():
                        followers[joint.name] = paths.get(str(target), str(target))
        _follow(found, followers, {j.name for j in subject.joints if j.moving}, f" for {runtime}")
        count = max(count, len(followers))
    found.summary = f"{count} followers." if count else "No joint follows another."
    return found


def _follow(found: Findings, leaders: dict[str, str], moving: set[str], where: str) -> None:
    for follower, leader in leaders.items():
        if not found.require(leader in moving, follower, f"It follows {leader}, which is no moving joint{where}."):
            continue
        seen, here = {follower}, leader
        while here in leaders and here not in seen:
            seen.add(here)
            here = leaders[here]
        found.require(here not in seen, follower, f"It follows itself by way of {leader}{where}.")
