"""At which coordinates the joints of an MJCF model stand in the twin."""

from __future__ import annotations

from physicl_twin.ingest.mjcf_equality import Equalities
from physicl_twin.ingest.mjcf_model import MjcfJoint, MjcfModel
from physicl_twin.model import Note

#: Coordinates may miss a limit by this much, radians or metres: the rounding of a file.
_SLACK = 1e-4
_SINGLE = ("hinge", "slide")


def standing_positions(model: MjcfModel, equalities: Equalities) -> tuple[dict[int, float], list[Note]]:
    """Coordinate of each hinge and slide by its number, and what was decided.

    They stand where MuJoCo's ``qpos0`` has them (the joints' ``ref``). When that is outside of their limits, the first
    keyframe inside of them is taken, one that is called home before others; without one each joint stands at its
    nearest limit. Followers stand where their leaders put them.
    """
    singles = {i: joint for i, joint in enumerate(model.joints) if joint.kind in _SINGLE}
    found = {i: joint.ref for i, joint in singles.items()}
    notes: list[Note] = []
    outside = [model.joint_names[i] for i, joint in singles.items() if not _inside(joint, found[i])]
    keys = sorted(model.keys, key=lambda key: "home" not in key[0].lower())
    if keys:
        names = ", ".join(repr(name or "unnamed") for name, _ in model.keys[:8])
        notes.append(Note("keyframes", "info", f"The description has {len(keys)} keyframes: {names}."))
    if outside:
        who = ", ".join(outside[:5]) + (" …" if len(outside) > 5 else "")
        for name, values in keys:
            at = {i: values[joint.address] for i, joint in singles.items()}
            if all(_inside(joint, at[i]) for i, joint in singles.items()):
                found, how = at, f"the keyframe {name or 'without a name'!r} is taken"
                break
        else:
            how = "they stand at their nearest limits"
        found = {i: _clamped(joint, found[i]) for i, joint in singles.items()}
        message = f"The reference position of {who} is outside of the limits: {how}."
        notes.append(Note("position_outside_limits", "info", message))
    for joint, value in equalities.held.items():
        found[joint] = value
    for joint in equalities.follows:
        leader, multiplier, offset = equalities.lead(joint)
        found[joint] = multiplier * found[leader] + offset
    return found, notes


def _inside(joint: MjcfJoint, value: float) -> bool:
    return joint.range is None or joint.range[0] - _SLACK <= value <= joint.range[1] + _SLACK


def _clamped(joint: MjcfJoint, value: float) -> float:
    return value if joint.range is None else min(max(value, joint.range[0]), joint.range[1])
