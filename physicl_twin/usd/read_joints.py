"""Joints and the articulation read back: what was recorded, unless an attribute says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pxr import Sdf, Usd, UsdPhysics

from physicl_twin.model import Articulation, BodyPair, Drive, Estimate, Joint, Pose, Twin, UsdError
from physicl_twin.usd.agreement import agreed, close, same_pose
from physicl_twin.usd.dictionary import from_dictionary
from physicl_twin.usd.joints import AXES, UNBOUNDED, driven, frames, model_frame, numbers, passive, per_unit
from physicl_twin.usd.mechanism import JointPlan
from physicl_twin.usd.metadata import RUNTIMES
from physicl_twin.usd.runtime_joints import MIMIC, dynamics
from physicl_twin.usd.stage_geometry import recorded

#: Engine attributes by the field of the joint that they state; with the axis where there is one.
_FIELDS = {
    "armature": ("physxJointAxis:{}:armature", "newton:armature", "mjc:armature"),
    "friction": ("physxJointAxis:{}:dynamicFrictionEffort", "newton:friction", "mjc:frictionloss"),
    "max_velocity": ("physxJointAxis:{}:maxJointVelocity", "newton:velocityLimit"),
    "damping": ("physxJointAxis:{}:viscousFrictionCoefficient", "newton:damping", "mjc:damping"),
    "stiffness": ("mjc:stiffness",),
}
#: (revolute or spherical, prismatic).
_UNITS = {
    "armature": ("kg m2", "kg"),
    "friction": ("N m", "N"),
    "max_velocity": ("rad/s", "m/s"),
    "damping": ("N m s/rad", "N s/m"),
    "stiffness": ("N m/rad", "N/m"),
    "max_force": ("N m", "N"),
}
_TYPES = {
    "PhysicsFixedJoint": "fixed",
    "PhysicsRevoluteJoint": "revolute",
    "PhysicsPrismaticJoint": "prismatic",
    "PhysicsSphericalJoint": "spherical",
}


@dataclass(frozen=True, slots=True)
class _Runtimes:
    """The engines' layers of a twin, opened beside its stage."""

    layers: tuple[tuple[str, Sdf.Layer], ...]

    @classmethod
    def beside(cls, stage: Usd.Stage) -> _Runtimes:
        folder = Path(stage.GetRootLayer().realPath).parent / "runnables" / "physics"
        files = ((stem, folder / f"{stem}.usda") for _, stem in RUNTIMES)
        return cls(tuple((stem, Sdf.Layer.FindOrOpen(str(file))) for stem, file in files if file.is_file()))

    def number(self, engine: str, path: Sdf.Path, name: str) -> float | None:
        """Authored value of an attribute in one engine's layer."""
        for stem, layer in self.layers:
            spec = layer.GetAttributeAtPath(path.AppendProperty(name)) if stem == engine else None
            if spec is not None and spec.default is not None:
                return float(spec.default)
        return None


def read_joints(everything: Sequence[Usd.Prim], bodies: Mapping[str, str], stage: Usd.Stage) -> tuple[Joint, ...]:
    """The joints of a stage.

    Args:
        everything: Its prims.
        bodies: Name of each body by its prim path.
        stage: For the engines' layers beside it.

    Raises:
        UsdError: ``usd_not_a_twin`` for a joint that the twin's writer did not write.
    """
    runtimes = _Runtimes.beside(stage)
    found = []
    for prim in everything:
        if prim.IsA(UsdPhysics.Joint) and "anchor" not in recorded(prim):
            found.append(_joint(prim, bodies, runtimes))
    return tuple(found)


def _joint(prim: Usd.Prim, bodies: Mapping[str, str], runtimes: _Runtimes) -> Joint:
    data = recorded(prim)
    if "joint" not in data:
        raise UsdError("usd_not_a_twin", f"{prim.GetPath()} has no record of its joint.", "Build the twin again.")
    told: Joint = from_dictionary(Joint, data["joint"], str(prim.GetPath()))
    api = UsdPhysics.Joint(prim)
    excluded = bool(api.GetExcludeFromArticulationAttr().Get())
    changes: dict[str, Any] = _ends(told, api, bodies)
    kind = _TYPES.get(str(prim.GetTypeName()), told.type)
    if kind != told.type:
        changes["type"] = kind
        return replace(told, **changes)
    if told.closes_loop and not excluded:
        changes["closes_loop"] = False
    if told.type in ("revolute", "prismatic"):
        axis = str(prim.GetAttribute("physics:axis").Get()).lower()
        if axis in ("x", "y", "z") and axis != told.axis:
            changes["axis"] = axis
    plan = JointPlan(told, str(prim.GetPath()), "", "", excluded)
    changes |= _numbers(prim, plan)
    changes = _resistance(prim, plan, runtimes) | changes
    return replace(told, **changes) if changes else told


def _ends(told: Joint, api: UsdPhysics.Joint, bodies: Mapping[str, str]) -> dict[str, Any]:
    """Bodies and frames that differ from what was recorded."""
    changes: dict[str, Any] = {}
    for side, relation, position, rotation in (
        (0, api.GetBody0Rel(), api.GetLocalPos0Attr(), api.GetLocalRot0Attr()),
        (1, api.GetBody1Rel(), api.GetLocalPos1Attr(), api.GetLocalRot1Attr()),
    ):
        targets = relation.GetTargets()
        name = bodies.get(str(targets[0]), "") if targets else ""
        if name != getattr(told, f"body{side}"):
            changes[f"body{side}"] = name
        spot, turn = position.Get(), rotation.Get()
        seen = Pose(
            (float(spot[0]), float(spot[1]), float(spot[2])),
            (float(turn.GetReal()), *(float(v) for v in turn.GetImaginary())),  # type: ignore[arg-type]
        )
        if not same_pose(frames(told)[side], seen):
            changes[f"pose{side}"] = model_frame(told, seen)
    return changes


def _numbers(prim: Usd.Prim, plan: JointPlan) -> dict[str, Any]:
    """Limits, state and drive that differ from what was recorded, in radians and metres."""
    joint, unit = plan.joint, per_unit(plan.joint)
    changes: dict[str, Any] = {}
    expected, seen = numbers(plan), {}
    for name in {*expected, "physics:lowerLimit", "physics:upperLimit", *_drive_names(prim, joint)}:
        attribute = prim.GetAttribute(name)
        if attribute and attribute.HasAuthoredValue():
            seen[name] = float(attribute.Get())
    differing = {n: v for n, v in seen.items() if n not in expected or not close(expected[n], v)}
    for name, field in (("physics:lowerLimit", "lower"), ("physics:upperLimit", "upper")):
        if name in differing:
            changes[field] = differing[name] / unit
    if "physics:coneAngle0Limit" in differing:
        angle = differing["physics:coneAngle0Limit"]
        changes |= {"lower": None, "upper": None} if angle < 0 else {"lower": -angle / unit, "upper": angle / unit}
    axis = AXES[joint.type][0] if AXES[joint.type] else ""
    if f"state:{axis}:physics:position" in differing:
        changes["position"] = differing[f"state:{axis}:physics:position"] / unit
    drive = {n.rsplit(":", 1)[1]: v for n, v in differing.items() if n.startswith(f"drive:{axis}:")}
    if drive:
        changes |= _drive(prim, plan, drive)
    return changes


def _drive_names(prim: Usd.Prim, joint: Joint) -> list[str]:
    axis = AXES[joint.type][0] if AXES[joint.type] else ""
    names = ("stiffness", "damping", "maxForce", "targetPosition", "targetVelocity")
    if not axis or not prim.HasAPI(UsdPhysics.DriveAPI, axis):
        return []
    return [f"drive:{axis}:physics:{name}" for name in names]


def _drive(prim: Usd.Prim, plan: JointPlan, differing: Mapping[str, float]) -> dict[str, Any]:
    """Fields that a drive's edited attributes mean: of a joint that nothing drives, spring and damper; else its drive.

    A stiffness or damping given by hand to a joint that had neither makes a drive of it.
    """
    joint, unit = plan.joint, per_unit(plan.joint)

    def stated(told: Estimate | None, name: str, quantity: str, scale: float) -> Estimate:
        value = differing.get(name)
        kept = told if told is not None else Estimate.exact(0.0, _unit(joint, quantity), "nothing drives it")
        return kept if value is None else agreed(told, value * scale, _unit(joint, quantity), prim)

    if passive(joint) and (joint.stiffness is not None or joint.damping is not None or not driven(plan)):
        changes: dict[str, Any] = {}
        for name in ("stiffness", "damping"):
            if name in differing:
                changes[name] = agreed(getattr(joint, name), differing[name] * unit, _unit(joint, name), prim)
        if "targetPosition" in differing:
            changes["rest"] = differing["targetPosition"] / unit
        if joint.drive is not None and "maxForce" in differing:
            bound = agreed(joint.drive.max_force, differing["maxForce"], _unit(joint, "max_force"), prim)
            changes["drive"] = replace(joint.drive, max_force=bound)
        return changes
    told = joint.drive
    limit = told.max_force if told is not None and told.max_force is not None else joint.max_force
    if "maxForce" in differing:
        force = differing["maxForce"]
        limit = None if force >= UNBOUNDED else agreed(limit, force, _unit(joint, "max_force"), prim)
        if told is None and set(differing) == {"maxForce"}:
            return {"max_force": limit}
    elif told is not None:
        limit = told.max_force
    mode = told.mode if told is not None else "position"
    target = differing.get("targetVelocity" if mode == "velocity" else "targetPosition")
    return {
        "drive": Drive(
            mode,
            stated(told.stiffness if told else None, "stiffness", "stiffness", unit),
            stated(told.damping if told else None, "damping", "damping", unit),
            limit,
            (told.target if told else 0.0) if target is None else target / unit,
            told.name if told else "",
        )
    }


def _resistance(prim: Usd.Prim, plan: JointPlan, runtimes: _Runtimes) -> dict[str, Any]:
    """What an engine's layer says differently; the first engine that does counts."""
    joint = plan.joint
    changes: dict[str, Any] = {}
    if joint.type == "fixed" or plan.excluded:
        return {}
    unit = per_unit(joint)
    for engine, prefix in (("physx", "physx"), ("newton", "newton"), ("mujoco", "mjc")):
        expected = dynamics(plan, engine)
        for field, names in _FIELDS.items():
            name = next((n.format(AXES[joint.type][0]) for n in names if n.startswith(prefix)), "")
            seen = runtimes.number(engine, prim.GetPath(), name) if name else None
            if seen is None or field in changes or (name in expected and close(expected[name], seen)):
                continue
            if field == "max_velocity":
                seen /= unit
            elif field == "damping" and engine != "mujoco":
                seen *= unit
            changes[field] = agreed(getattr(joint, field), seen, _unit(joint, field), prim)
    if joint.mimic is not None:
        gearing = runtimes.number("physx", prim.GetPath(), f"physxMimicJoint:{MIMIC}:gearing")
        if gearing is not None and not close(joint.mimic.multiplier, -gearing) and _same_kind(prim, plan):
            changes["mimic"] = replace(joint.mimic, multiplier=-gearing)
    return changes


def _same_kind(prim: Usd.Prim, plan: JointPlan) -> bool:
    """True when a follower's leader is of its type, so that the multiplier has no unit."""
    assert plan.joint.mimic is not None  # the caller has a follower
    for other in prim.GetParent().GetChildren():
        record = recorded(other).get("joint", {})
        if record.get("name") == plan.joint.mimic.joint:
            return bool(record.get("type") == plan.joint.type)
    return False


def _unit(joint: Joint, quantity: str) -> str:
    return _UNITS[quantity][1 if joint.type == "prismatic" else 0]


def _filtered(everything: Sequence[Usd.Prim], bodies: Mapping[str, str]) -> dict[frozenset[str], tuple[str, str]]:
    """Pairs of bodies that the stage keeps apart, as they are named there; a collider stands for its body."""
    found: dict[frozenset[str], tuple[str, str]] = {}
    for prim in everything:
        if str(prim.GetPath()) in bodies and prim.HasAPI(UsdPhysics.FilteredPairsAPI):
            one = bodies[str(prim.GetPath())]
            for target in UsdPhysics.FilteredPairsAPI(prim).GetFilteredPairsRel().GetTargets():
                owner = next((str(path) for path in target.GetPrefixes()[::-1] if str(path) in bodies), "")
                if owner and bodies[owner] != one:
                    found.setdefault(frozenset((one, bodies[owner])), (one, bodies[owner]))
    return found


def read_articulation(
    twin: Twin, everything: Sequence[Usd.Prim], bodies: Mapping[str, str], stage: Usd.Stage
) -> Articulation | None:
    """The recorded articulation with the filters of the stage, and PhysX's word on self-collision and iterations.

    Args:
        twin: As recorded.
        everything: Prims of the stage.
        bodies: Name of each body by its prim path.
        stage: For the engines' layers beside it.
    """
    told = twin.articulation
    if told is None:
        return None
    seen = _filtered(everything, bodies)
    still = {bodies[path] for path in bodies if not stage.GetPrimAtPath(path).HasAPI(UsdPhysics.RigidBodyAPI)}
    known = {frozenset((pair.body0, pair.body1)) for pair in told.filters}
    # Two bodies that are no rigid bodies never meet: their pair is not on the stage.
    kept = tuple(p for p in told.filters if {p.body0, p.body1} <= still or frozenset((p.body0, p.body1)) in seen)
    added = tuple(BodyPair(*ends, "stated") for pair, ends in seen.items() if pair not in known)
    changes: dict[str, Any] = {}
    if len(kept) != len(told.filters) or added:
        changes["filters"] = kept + added
    root = next((p.GetPath() for p in everything if p.HasAPI(UsdPhysics.ArticulationRootAPI)), None)
    runtimes = _Runtimes.beside(stage)
    if root is not None:
        collide = runtimes.number("physx", root, "physxArticulation:enabledSelfCollisions")
        if collide is not None and bool(collide) != told.self_collision:
            changes["self_collision"] = bool(collide)
        for field, name in (("position_iterations", "Position"), ("velocity_iterations", "Velocity")):
            count = runtimes.number("physx", root, f"physxArticulation:solver{name}IterationCount")
            if count is not None and getattr(told, field) is not None and int(count) != getattr(told, field):
                changes[field] = int(count)
    return replace(told, **changes) if changes else told
