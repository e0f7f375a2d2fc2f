"""Joints of SDFormat: frames, axes of any version, limits, springs, followers; two axes as two joints."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import Element, name_of, number, numbers
from physicl_twin.ingest.mechanism import Leftovers, Link, inverse, joint_frame, pose_of, transform_of
from physicl_twin.ingest.sdformat_frames import MODEL, Scope, truth
from physicl_twin.model import Estimate, Joint, Mimic, SourceError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.joint import JointType

_ONE_AXIS: dict[str, JointType] = {"revolute": "revolute", "continuous": "revolute", "prismatic": "prismatic"}
_TWO_AXES = ("revolute2", "universal")
_KNOWN = frozenset(["pose", "parent", "child", "axis", "axis2", "thread_pitch", "screw_thread_pitch"])
#: Limits beyond this magnitude mean that there is none: the default is 1e16.
_UNLIMITED = 1e6
#: Up to this version an axis is stated in the model's frame; from the next one on in the joint's.
_MODEL_AXIS = (1, 4)


@dataclass(frozen=True, slots=True)
class Chain:
    """The joints that one element describes: one, or two with a link without matter between them."""

    joints: tuple[Joint, ...]
    between: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class JointReader:
    """Reads the joints of one document.

    Attributes:
        builder: Of the main file.
        stating: For numbers.
        leftovers: Told of what a twin has no place for.
        version: Of the document, as (major, minor).
    """

    builder: SceneBuilder
    stating: Stating
    leftovers: Leftovers
    version: tuple[int, int]

    def joint(self, element: Element, scope: Scope, home: FloatArray) -> Chain | None:
        """The joints of an element; None with a note for one that has no counterpart.

        Args:
            element: The ``joint``.
            scope: The model or world that it belongs to.
            home: (4, 4) pose of that model in the frame of the description.

        Raises:
            SourceError: ``name_missing``, ``joint_type_unknown``, ``joint_link_missing``, ``joint_link_unknown``,
                ``axis_zero``, ``number_invalid``, ``frame_unknown``, ``frame_cycle``.
        """
        name = name_of(element, "joint")
        path = f"{scope.path}::{name}" if scope.path else name
        kind = (element.get("type") or "").lower()
        for other in element.children:
            if other.tag not in _KNOWN:
                self.leftovers.add(f"joint/{other.tag}", path)
        if kind == "gearbox":
            message = f"{element.place}: the gearbox {path!r} has no counterpart; what it couples moves by itself."
            self.builder.note("joint_gearbox", "warning", message, "Describe it as a mimic.")
            return None
        parent, child = (self._end(element, end, scope, path) for end in ("parent", "child"))
        frame = home @ scope.pose(name, element)
        evidence = (self.stating.evidence(f"The description states a {kind} joint.", f"joint[@name='{path}']"),)
        plain = Joint(path, "fixed", parent, child, evidence=evidence)
        if kind == "fixed":
            return Chain((held_at(plain, frame),))
        if kind == "ball":
            return Chain((held_at(replace(plain, type="spherical"), frame),))
        if kind == "screw":
            pitch = element.words("screw_thread_pitch") or element.words("thread_pitch") or "unstated"
            message = f"{element.place}: the screw joint {path!r} (pitch {pitch}) turns without moving along."
            self.builder.note("joint_screw", "warning", message)
            return Chain((self._about_axis(plain, "revolute", element, "axis", frame, scope, home),))
        if kind in _ONE_AXIS:
            made = self._about_axis(plain, _ONE_AXIS[kind], element, "axis", frame, scope, home)
            return Chain((replace(made, lower=None, upper=None) if kind == "continuous" else made,))
        if kind in _TWO_AXES:
            middle = f"{path} middle"
            message = f"{element.place}: the {kind} joint {path!r} becomes two joints with {middle!r} between them."
            self.builder.note("joint_in_two", "info", message)
            first = replace(plain, name=f"{path} axis", body1=middle)
            second = replace(plain, name=f"{path} axis2", body0=middle)
            return Chain(
                (
                    self._about_axis(first, "revolute", element, "axis", frame, scope, home),
                    self._about_axis(second, "revolute", element, "axis2", frame, scope, home),
                ),
                (Link(middle, pose=frame),),
            )
        raise SourceError(
            "joint_type_unknown",
            f"{element.place}: the joint {path!r} is of the type {kind[:60]!r}, which SDFormat does not define.",
            f"Types: {', '.join([*_ONE_AXIS, *_TWO_AXES, 'ball', 'fixed', 'screw', 'gearbox'])}.",
        )

    def _end(self, element: Element, end: str, scope: Scope, path: str) -> str:
        found = element.find(end)
        text = "" if found is None else found.text or (found.words("link") or found.get("link") or "")
        if not text:
            raise SourceError(
                "joint_link_missing", f"{element.place}: the joint {path!r} names no {end}.", "Name the link."
            )
        return scope.link_of(text, element)

    def _about_axis(
        self,
        joint: Joint,
        kind: JointType,
        element: Element,
        tag: str,
        frame: FloatArray,
        scope: Scope,
        home: FloatArray,
    ) -> Joint:
        """The joint with the axis, limits and dynamics of an ``axis`` element."""
        axis = element.find(tag)
        direction = np.array([0.0, 0.0, 1.0])
        if axis is not None:
            direction = self._direction(axis, joint.name, frame, scope, home)
        rotation, letter = joint_frame(direction)
        joint = replace(joint, type=kind, axis=letter)
        made = held_at(joint, frame @ transform_of(np.zeros(3), rotation))
        if axis is None:
            message = f"{element.place}: the joint {joint.name!r} has no {tag}; it moves about its z axis."
            self.builder.note("axis_missing", "warning", message, "State its axis.")
            return made
        return self._with_mimic(self._with_dynamics(self._with_limits(made, axis), axis), axis, scope)

    def _direction(self, axis: Element, joint: str, frame: FloatArray, scope: Scope, home: FloatArray) -> FloatArray:
        """(3,) direction of an axis in the joint's frame."""
        xyz = axis.find("xyz")
        stated = numbers((xyz.text if xyz is not None else "") or "0 0 1", 3, f"axis of {joint!r}", axis)
        if not np.linalg.norm(stated) > 0:
            raise SourceError(
                "axis_zero",
                f"{axis.place}: the axis of the joint {joint!r} is zero.",
                "State the direction that it turns about or moves along.",
            )
        base = xyz.get("expressed_in") if xyz is not None else None
        if truth(axis.find("use_parent_model_frame")) or (not base and self.version <= _MODEL_AXIS):
            base = MODEL
        if not base:
            return stated
        into = inverse(frame) @ home @ scope.pose(base, axis)
        turned: FloatArray = into[:3, :3] @ stated
        return turned

    def _with_limits(self, joint: Joint, axis: Element) -> Joint:
        limit = axis.find("limit")
        if limit is None:
            return joint
        for child in limit.children:
            if child.tag not in ("lower", "upper", "effort", "velocity"):
                self.leftovers.add(f"limit/{child.tag}", joint.name)
        low = number(limit.words("lower") or "-inf", f"lower limit of {joint.name!r}", limit)
        high = number(limit.words("upper") or "inf", f"upper limit of {joint.name!r}", limit)
        turns = joint.type == "revolute"
        return replace(
            joint,
            lower=low if abs(low) < _UNLIMITED else None,
            upper=high if abs(high) < _UNLIMITED else None,
            max_force=self._bound(limit, joint.name, "effort", "N m" if turns else "N"),
            max_velocity=self._bound(limit, joint.name, "velocity", "rad/s" if turns else "m/s"),
        )

    def _bound(self, limit: Element, joint: str, tag: str, unit: str) -> Estimate | None:
        """An effort or velocity; None for the default of -1 or infinity, and for zero."""
        text = limit.words(tag)
        value = number(text, f"{tag} limit of {joint!r}", limit) if text else -1.0
        if value == 0:
            message = f"{limit.place}: {joint!r} is limited to 0 {unit}, which counts as not stated."
            self.builder.note(f"{tag}_zero", "info", message)
        if not 0 < value < _UNLIMITED**2:
            return None
        return self.stating.limit(value, unit, f"a limit of {tag} of", f"joint[@name='{joint}']/axis/limit")

    def _with_dynamics(self, joint: Joint, axis: Element) -> Joint:
        dynamics = axis.find("dynamics")
        if dynamics is None:
            return joint
        turns = joint.type == "revolute"
        units = {
            "damping": "N m s/rad" if turns else "N s/m",
            "friction": "N m" if turns else "N",
            "spring_stiffness": "N m/rad" if turns else "N/m",
        }
        found: dict[str, Estimate | None] = dict.fromkeys(units)
        rest = 0.0
        for child in dynamics.children:
            value = number(child.text or "0", f"{child.tag} of {joint.name!r}", child)
            if child.tag == "spring_reference":
                rest = value if math.isfinite(value) else 0.0
            elif child.tag not in units:
                self.leftovers.add(f"dynamics/{child.tag}", joint.name)
            elif value < 0 or math.isinf(value):
                message = f"{child.place}: the {child.tag} of {joint.name!r} is {value:g}; it is left out."
                self.builder.note(f"{child.tag}_impossible", "warning", message, "Correct it in the description.")
            else:
                field = f"joint[@name='{joint.name}']/axis/dynamics/{child.tag}"
                found[child.tag] = self.stating.measured(value, units[child.tag], f"a {child.tag} of", field)
        spring = found["spring_stiffness"]
        if spring is not None and spring.value == 0:
            spring = None
        return replace(
            joint, damping=found["damping"], friction=found["friction"], stiffness=spring, rest=rest if spring else 0.0
        )

    def _with_mimic(self, joint: Joint, axis: Element, scope: Scope) -> Joint:
        mimic = axis.find("mimic")
        if mimic is None:
            return joint
        values = [
            float(numbers(mimic.words(tag) or default, 1, f"{tag} of the mimic of {joint.name!r}", mimic)[0])
            for tag, default in (("multiplier", "1"), ("offset", "0"), ("reference", "0"))
        ]
        leader = mimic.get("joint") or ""
        leader = f"{scope.path}::{leader}" if scope.path else leader
        # SDFormat: q = multiplier · (q_leader - reference) + offset.
        return replace(joint, mimic=Mimic(leader, values[0], values[1] - values[0] * values[2]))


def held_at(joint: Joint, frame: FloatArray) -> Joint:
    """The joint with its frame, in the description's frame for now, at both ends; see ``in_links``."""
    return replace(joint, pose0=pose_of(frame), pose1=pose_of(frame))


def in_links(joint: Joint, links: dict[str, FloatArray]) -> Joint:
    """A joint whose frames are in the description's frame, as one whose frames are in its links.

    Args:
        joint: Of the reader.
        links: (4, 4) poses of the links in the description's frame; that of the world is the identity.
    """
    return replace(
        joint,
        pose0=pose_of(inverse(links[joint.body0]) @ joint.pose0.matrix()),
        pose1=pose_of(inverse(links[joint.body1]) @ joint.pose1.matrix()),
    )


def turned_round(joint: Joint) -> Joint:
    """The same joint with its ends exchanged: its frames turn over, so that coordinate and limits keep their sign."""
    over = {"x": np.diag([-1.0, -1.0, 1.0, 1.0]), "y": np.diag([1.0, -1.0, -1.0, 1.0])}.get(
        joint.axis, np.diag([1.0, -1.0, -1.0, 1.0])
    )
    if joint.type == "fixed":
        over = np.eye(4)
    return replace(
        joint,
        body0=joint.body1,
        body1=joint.body0,
        pose0=pose_of(joint.pose1.matrix() @ over),
        pose1=pose_of(joint.pose0.matrix() @ over),
    )
