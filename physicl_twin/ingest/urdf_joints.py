"""Joints of a URDF: frames, axes, limits, what resists, whom they follow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import Element, name_of, number, numbers
from physicl_twin.ingest.mechanism import Leftovers, Loose, joint_frame, pose_of, transform_of
from physicl_twin.ingest.urdf_links import origin_of
from physicl_twin.model import Estimate, Joint, Mimic, SourceError
from physicl_twin.model.joint import JointType

_TYPES: dict[str, JointType] = {
    "fixed": "fixed",
    "revolute": "revolute",
    "continuous": "revolute",
    "prismatic": "prismatic",
    # Not in the specification; Bullet's and Drake's readers know them.
    "spherical": "spherical",
    "ball": "spherical",
}
_FREE = ("floating", "planar")
_KNOWN = frozenset(
    ["origin", "parent", "child", "axis", "limit", "dynamics", "mimic", "safety_controller", "calibration"]
)
#: Limits beyond this magnitude (radians or metres) mean that there is none: writers put 1e16 or the largest float.
_UNLIMITED = 1e6


class UrdfJoints:
    """Reads the joints of one URDF.

    Args:
        builder: Of the main file.
        stating: For numbers.
        leftovers: Told of what a twin has no place for.
    """

    def __init__(self, builder: SceneBuilder, stating: Stating, leftovers: Leftovers) -> None:
        self._builder = builder
        self._stating = stating
        self._leftovers = leftovers

    def joint(self, element: Element) -> Joint | Loose:
        """A joint between links, at 0; or a link that moves freely.

        Raises:
            SourceError: ``name_missing``, ``joint_type_unknown``, ``joint_link_missing``, ``axis_zero``,
                ``number_invalid``.
        """
        name = name_of(element, "joint")
        written = (element.get("type") or "").lower()
        parent, child = self._link(element, "parent", name), self._link(element, "child", name)
        self._tell_leftovers(element, name)
        if written in _FREE:
            self._tell_free(element, name, written, child)
            return Loose(parent, child, origin_of(element))
        if written not in _TYPES:
            raise SourceError(
                "joint_type_unknown",
                f"{element.place}: the joint {name!r} is of the type {written[:60]!r}, which URDF does not define.",
                f"Types: {', '.join([*_TYPES, *_FREE])}.",
            )
        field = f"joint[@name='{name}']"
        evidence = (self._stating.evidence(f"The description states a {written} joint.", field),)
        kind = _TYPES[written]
        if kind == "fixed":
            return Joint(name, kind, parent, child, pose_of(origin_of(element)), evidence=evidence)
        if kind == "spherical":
            for tag in ("limit", "dynamics", "mimic"):
                if element.find(tag) is not None:
                    self._leftovers.add(f"{tag} of a spherical joint", name)
            return Joint(name, kind, parent, child, pose_of(origin_of(element)), evidence=evidence)
        axis = element.find("axis")
        direction = numbers((axis and axis.get("xyz")) or "1 0 0", 3, f"axis of {name!r}", axis or element)
        if not np.linalg.norm(direction) > 0:
            raise SourceError(
                "axis_zero",
                f"{(axis or element).place}: the axis of the joint {name!r} is zero.",
                "State the direction that it turns about or moves along.",
            )
        rotation, letter = joint_frame(direction)
        turn = transform_of(np.zeros(3), rotation)
        made = Joint(
            name, kind, parent, child, pose_of(origin_of(element) @ turn), pose_of(turn), letter,
            evidence=evidence,
        )  # fmt: skip
        made = self._with_limits(made, element, written == "continuous")
        return self._with_dynamics(self._with_mimic(made, element), element)

    def _link(self, element: Element, end: str, joint: str) -> str:
        found = element.find(end)
        name = (found.get("link") if found is not None else None) or ""
        if not name:
            raise SourceError(
                "joint_link_missing", f"{element.place}: the joint {joint!r} names no {end} link.", "Name it."
            )
        return name

    def _tell_leftovers(self, element: Element, name: str) -> None:
        for tag in ("safety_controller", "calibration"):
            if element.find(tag) is not None:
                self._leftovers.add(f"joint/{tag}", name)
        for other in element.children:
            if other.tag not in _KNOWN:
                self._leftovers.add(f"joint/{other.tag}", name)

    def _tell_free(self, element: Element, name: str, written: str, child: str) -> None:
        if written == "floating":
            message = (
                f"{element.place}: the floating joint {name!r} leaves {child!r} free; it stands where it is placed."
            )
            self._builder.note("joint_floating", "info", message)
            return
        message = (
            f"{element.place}: the planar joint {name!r} has no counterpart; {child!r} is left free, and rests on "
            "what is under it."
        )
        hint = "Describe two prismatic joints and one about the plane's normal to hold it in its plane."
        self._builder.note("joint_planar", "warning", message, hint)

    def _with_limits(self, joint: Joint, element: Element, continuous: bool) -> Joint:
        limit = element.find("limit")
        turns = joint.type == "revolute"
        if limit is None:
            if not continuous:
                message = f"{element.place}: the {joint.type} joint {joint.name!r} has no limit; it moves without end."
                self._builder.note("limit_missing", "warning", message, "State how far it moves.")
            return joint
        for name in limit.attributes:
            if name not in ("lower", "upper", "effort", "velocity"):
                self._leftovers.add(f"limit/{name}", joint.name)
        effort = self._bound(limit, joint.name, "effort", "N m" if turns else "N")
        velocity = self._bound(limit, joint.name, "velocity", "rad/s" if turns else "m/s")
        joint = replace(joint, max_force=effort, max_velocity=velocity)
        if continuous:
            return joint
        low = number(limit.get("lower") or "0", f"lower limit of {joint.name!r}", limit)
        high = number(limit.get("upper") or "0", f"upper limit of {joint.name!r}", limit)
        if low == high == 0.0:
            # Writers fill in zeros where nobody stated a limit; a joint that cannot move would be a fixed one.
            message = f"{limit.place}: the limits of {joint.name!r} are both 0 or absent; it moves without end."
            self._builder.note("limit_missing", "warning", message, "State how far it moves, or make it fixed.")
            return joint
        if low == high:
            message = f"{limit.place}: the limits of {joint.name!r} are both {low:g}; it cannot move."
            self._builder.note("limit_without_range", "warning", message, "Correct the limits, or make it fixed.")
        return replace(
            joint, lower=low if abs(low) < _UNLIMITED else None, upper=high if abs(high) < _UNLIMITED else None
        )

    def _bound(self, limit: Element, joint: str, name: str, unit: str) -> Estimate | None:
        """The effort or velocity that a joint is limited to; None where nothing useful is stated."""
        text = limit.get(name)
        if not text:
            return None
        value = number(text, f"{name} limit of {joint!r}", limit)
        if value > 0:
            return (
                None
                if math.isinf(value)
                else self._stating.limit(value, unit, f"a limit of {name} of", f"{joint}/{name}")
            )
        severity, code = ("info", f"{name}_zero") if value == 0 else ("warning", f"{name}_negative")
        message = f"{limit.place}: {joint!r} is limited to {value:g} {unit}, which counts as not stated."
        self._builder.note(code, "info" if severity == "info" else "warning", message)
        return None

    def _with_dynamics(self, joint: Joint, element: Element) -> Joint:
        dynamics = element.find("dynamics")
        if dynamics is None:
            return joint
        force = "N m" if joint.type == "revolute" else "N"
        rate = "N m s/rad" if joint.type == "revolute" else "N s/m"
        found: dict[str, Estimate | None] = {"damping": None, "friction": None}
        for name, text in dynamics.attributes.items():
            if name not in found:
                self._leftovers.add(f"dynamics/{name}", joint.name)
                continue
            value = number(text or "0", f"{name} of {joint.name!r}", dynamics)
            if value < 0 or math.isinf(value):
                message = f"{dynamics.place}: the {name} of {joint.name!r} is {value:g}; it is left out."
                self._builder.note(f"{name}_impossible", "warning", message, "Correct it in the description.")
                continue
            unit = rate if name == "damping" else force
            found[name] = self._stating.measured(value, unit, f"a {name} of", f"joint[@name='{joint.name}']/dynamics")
        return replace(joint, damping=found["damping"], friction=found["friction"])

    def _with_mimic(self, joint: Joint, element: Element) -> Joint:
        mimic = element.find("mimic")
        if mimic is None:
            return joint
        multiplier = number(mimic.get("multiplier") or "1", f"multiplier of the mimic of {joint.name!r}", mimic)
        offset = number(mimic.get("offset") or "0", f"offset of the mimic of {joint.name!r}", mimic)
        numbers(f"{multiplier!r} {offset!r}", 2, f"mimic of {joint.name!r}", mimic)
        return replace(joint, mimic=Mimic(mimic.get("joint") or "", multiplier, offset))
