"""What SimReady's features say of a mechanism, whichever profile it is judged by.

Robotics-Prop has only the features of several bodies, Robot-Body all of them but only as options: a verdict on either
says little of joints. Here each feature about joints is a check of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.model import CheckResult

#: Profile that has them all, and the features about joints that every mechanism has to have.
PROFILE, VERSION = "Robot-Body", "3.0.0"
RUNTIMES = {"STANDARD": "", "PHYSX": "PhysX", "NEWTON": "Newton", "MUJOCO": "MuJoCo"}
FEATURES = tuple(f"FET_{number}_{runtime}" for number in ("004", "022", "024") for runtime in RUNTIMES)
_TITLES = {"004": "Several bodies with joints", "022": "Driven joints", "024": "Articulation"}
#: Rules that only say that they were not run: without Kit nobody steps PhysX for them.
_NOT_RUN = {"com.nvidia.simready.BA.002"}
_STATE = "com.nvidia.simready.DJ.003"
#: Metres, and one minus the cosine of half the angle: what DJ.003 allows.
_DISTANCE_M, _TURN = 1e-4, 1e-3


def moves(usd: Path) -> bool:
    """True for a stage with a joint that lets something move."""
    from pxr import Usd, UsdPhysics

    stage = Usd.Stage.Open(str(usd))
    prims = Usd.PrimRange(stage.GetDefaultPrim()) if stage.GetDefaultPrim() else ()
    return any(prim.IsA(UsdPhysics.Joint) and not prim.IsA(UsdPhysics.FixedJoint) for prim in prims)


def judge(usd: Path, outcome: Any, profile: Any, broken: Mapping[str, str], registries: Any) -> list[CheckResult]:
    """A result per feature about joints.

    Args:
        usd: The asset that was judged.
        outcome: The validator's, for PROFILE.
        profile: PROFILE, as registered.
        broken: Rules that could not be applied, with the reason.
        registries: The validator's registries.
    """
    from pxr import Usd

    stage = Usd.Stage.Open(str(usd))
    variants = set(stage.GetDefaultPrim().GetVariantSets().GetNames())
    requirements = {feature.id: feature.requirements for feature in profile.capabilities}
    astray = _astray(stage)
    return [
        _feature(name, outcome, requirements.get(name, ()), variants, broken, registries, astray) for name in FEATURES
    ]


def _feature(
    name: str,
    outcome: Any,
    requirements: Sequence[Any],
    variants: set[str],
    broken: Mapping[str, str],
    registries: Any,
    astray: Sequence[str],
) -> CheckResult:
    _, number, runtime = name.split("_")
    title = f"{_TITLES[number]} [{name}]" + (f" for {RUNTIMES[runtime]}" if RUNTIMES[runtime] else "")
    identity = f"simready.{name}"
    if RUNTIMES[runtime] and RUNTIMES[runtime] not in variants:
        return CheckResult(identity, title, "not_checked", f"The asset has no variant for {RUNTIMES[runtime]}.")
    entry = outcome.features_summary.get(name)
    if entry is None:
        return CheckResult(identity, title, "not_checked", "The validator did not evaluate it.")
    failing = set(_listed(entry.get("failing requirements")) + _listed(entry.get("optional requirements")))
    failing = set() if entry.get("passed") else failing or {name}
    if _STATE in {requirement.code for requirement in requirements}:
        # Its rule has the sign of the state the other way round than PhysX: it complains of joints that are right as
        # soon as they do not stand at zero, and takes those that are wrong by twice that. Ours takes its place.
        failing.discard(_STATE)
        if astray:
            text = f"{_short(_STATE)}: frames and state do not agree with the bodies at {', '.join(astray[:4])}."
            return CheckResult(identity, title, "failed", text, astray[0], hint="See the SimReady specification.")
    if failing:
        issues = [
            f"{_short(i.requirement.code)}: {' '.join(str(i.message).split())}" for i in _issues(outcome, failing)
        ]
        text = "; ".join(dict.fromkeys(issues)) or ", ".join(sorted(map(_short, failing)))
        return CheckResult(identity, title, "failed", text[:600], hint="See the SimReady specification.")
    rules = {r.code: registries.RequirementsRegistry().get_validator(r) for r in requirements}
    idle = [
        f"{_short(code)}: {broken[rule.__name__]}" for code, rule in rules.items() if rule and rule.__name__ in broken
    ]
    idle += [f"{_short(code)}: only Kit can check it." for code in rules if code in _NOT_RUN]
    if idle:
        return CheckResult(identity, title, "not_checked", "; ".join(idle)[:600])
    return CheckResult(identity, title, "passed", "No issue.")


def _issues(outcome: Any, codes: set[str]) -> list[Any]:
    found = [*outcome.issues, *outcome.soft_issues]
    return [issue for issue in found if issue.requirement is not None and issue.requirement.code in codes][:6]


def _listed(value: Any) -> list[str]:
    """Lists come as their Python text."""
    if isinstance(value, str):
        value = ast.literal_eval(value) if value.startswith("[") else []
    return [str(item) for item in value or ()]


def _short(code: str) -> str:
    return code.removeprefix("com.nvidia.simready.").removeprefix("com.nvidia.")


def _astray(stage: Any) -> tuple[str, ...]:
    """Joints whose frames and state do not meet: body0 · frame0 · motion(q) = body1 · frame1 (as measured in PhysX)."""
    from pxr import Usd, UsdGeom, UsdPhysics

    cache = UsdGeom.XformCache(Usd.TimeCode.Default())
    joints = [
        prim
        for prim in Usd.PrimRange(stage.GetDefaultPrim())
        if prim.IsA(UsdPhysics.RevoluteJoint) or prim.IsA(UsdPhysics.PrismaticJoint)
    ]
    return tuple(str(prim.GetPath()) for prim in joints if not _agrees(prim, cache))


def _agrees(prim: Any, cache: Any) -> bool:
    from pxr import Gf, UsdPhysics

    joint = UsdPhysics.Joint(prim)
    angular = prim.IsA(UsdPhysics.RevoluteJoint)
    axis = Gf.Vec3d(*np.eye(3)["XYZ".index(str(prim.GetAttribute("physics:axis").Get()))].tolist())
    state = prim.GetAttribute(f"state:{'angular' if angular else 'linear'}:physics:position")
    q = float(state.Get() or 0.0) if state else 0.0
    motion = Gf.Matrix4d(1.0)
    if angular:
        motion.SetRotate(Gf.Rotation(axis, q))
    else:
        motion.SetTranslate(axis * q)
    ends = []
    for relation, place, turn in (
        (joint.GetBody0Rel(), joint.GetLocalPos0Attr(), joint.GetLocalRot0Attr()),
        (joint.GetBody1Rel(), joint.GetLocalPos1Attr(), joint.GetLocalRot1Attr()),
    ):
        targets = relation.GetTargets()
        body = prim.GetStage().GetPrimAtPath(targets[0]) if targets else None
        frame = Gf.Matrix4d(1.0)
        frame.SetTransform(Gf.Rotation(Gf.Quatd(turn.Get())), Gf.Vec3d(place.Get()))
        ends.append(frame * cache.GetLocalToWorldTransform(body) if body else frame)
    moved = motion * ends[0]
    apart = (moved.ExtractTranslation() - ends[1].ExtractTranslation()).GetLength()
    one, other = (matrix.ExtractRotationQuat().GetNormalized() for matrix in (moved, ends[1]))
    aligned = abs(one.GetReal() * other.GetReal() + Gf.Dot(one.GetImaginary(), other.GetImaginary()))
    return bool(apart <= _DISTANCE_M and aligned >= 1.0 - _TURN)
