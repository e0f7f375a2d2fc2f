"""Frames of SDFormat: where models, links, joints and named frames are, whatever they are stated relative to.

The rules are those of SDFormat 1.7 and later (sdformat.org, "Pose frame semantics"), of which those before are a part:
a link or a nested model stands in the frame of its model, a joint in that of its child, a frame in the one that it is
attached to, unless ``relative_to`` names another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from physicl_twin.ingest.description_xml import Element, numbers, quoted
from physicl_twin.ingest.mechanism import inverse, rotation_rpy, transform_of
from physicl_twin.model import Pose, SourceError
from physicl_twin.model.geometry import FloatArray

#: Name of a model's own frame, and of the world's.
MODEL, WORLD = "__model__", "world"


@dataclass(frozen=True, slots=True)
class Frame:
    """A named frame of a model or world.

    Attributes:
        base: Name of the frame that its pose is stated in.
        pose: (4, 4) in that frame.
        kind: ``link``, ``joint``, ``frame`` or ``model``.
        attached: Of a frame: what it moves with.
        element: Where it is described, for messages.
    """

    base: str
    pose: FloatArray
    kind: str
    element: Element
    attached: str = ""


@dataclass(slots=True, eq=False)
class Scope:
    """A model or a world: its frames by name, and the models inside.

    Attributes:
        name: Of the model; empty for the world.
        path: Names of the models above and of this one, joined by ``::``; empty at the top.
        element: Where it is described, for messages.
        placement: Frame inside that the pose of the model places; empty for its own.
        frames: By name.
        models: Scopes of the models inside, by name.
    """

    name: str
    path: str
    element: Element
    placement: str = ""
    frames: dict[str, Frame] = field(default_factory=dict)
    models: dict[str, Scope] = field(default_factory=dict)
    _known: dict[str, FloatArray] = field(default_factory=dict)

    def add(self, name: str, frame: Frame) -> None:
        """Add a frame.

        Raises:
            SourceError: ``name_duplicate``.
        """
        if name in self.frames:
            raise SourceError(
                "name_duplicate",
                f"{frame.element.place}: {self.name or 'the world'!r} has several parts called {name[:80]!r}.",
                "Give each link, joint, frame and model a name of its own.",
            )
        self.frames[name] = frame

    def pose(self, name: str, asking: Element) -> FloatArray:
        """(4, 4) pose of a frame in the frame of this model or world.

        Args:
            name: Of a frame, perhaps one inside a nested model (``arm::tip``).
            asking: Who wants to know, for messages.

        Raises:
            SourceError: ``frame_unknown``, ``frame_cycle``.
        """
        chain: list[str] = []
        here = name
        while here not in (MODEL, WORLD, "") and here not in self._known and here not in chain:
            if here not in self.frames and "::" in here:
                break
            if here not in self.frames:
                raise SourceError(
                    "frame_unknown",
                    f"{asking.place}: {self.name or 'the world'!r} has no frame {here[:80]!r}.",
                    "Correct the name, or describe the frame.",
                )
            chain.append(here)
            here = self.frames[here].base
        if here in chain:
            raise SourceError(
                "frame_cycle",
                f"{asking.place}: the poses of {quoted(chain)} are stated in each other.",
                "State one of them in the frame of the model.",
            )
        found = self._start(here, asking)
        for step in reversed(chain):
            found = self._known[step] = found @ self._placed(step)
        return found

    def _start(self, name: str, asking: Element) -> FloatArray:
        if name in (MODEL, WORLD, ""):
            return np.eye(4)
        if name in self._known:
            return self._known[name]
        model, _, rest = name.partition("::")
        if model not in self.models:
            raise SourceError(
                "frame_unknown",
                f"{asking.place}: there is no model {model[:80]!r} inside {self.name or 'the world'!r}.",
                "Correct the name.",
            )
        return self.pose(model, asking) @ self.models[model].pose(rest, asking)

    def _placed(self, name: str) -> FloatArray:
        """Pose of a frame in its base; of a model that is placed by one of its frames, that of the model's own."""
        frame = self.frames[name]
        inner = self.models.get(name) if frame.kind == "model" else None
        if inner is None or not inner.placement:
            return frame.pose
        return frame.pose @ inverse(inner.pose(inner.placement, frame.element))

    def link_of(self, name: str, asking: Element) -> str:
        """Path of the link that a frame moves with, ``world`` for one that stands still.

        Raises:
            SourceError: ``frame_unknown``, ``frame_cycle``.
        """
        scope, seen = self, set()
        while name not in (WORLD, ""):
            if (scope.path, name) in seen:
                raise SourceError(
                    "frame_cycle", f"{asking.place}: {name[:80]!r} is attached to itself.", "Attach it to a link."
                )
            seen.add((scope.path, name))
            if name not in scope.frames and "::" in name:
                model, _, rest = name.partition("::")
                if model not in scope.models:
                    break
                scope, name = scope.models[model], rest
                continue
            if name == MODEL or (name in scope.frames and scope.frames[name].kind == "model"):
                scope = scope if name == MODEL else scope.models[name]
                name = next((n for n, f in scope.frames.items() if f.kind in ("link", "model")), "?")
                continue
            if name not in scope.frames:
                break
            if scope.frames[name].kind == "link":
                return f"{scope.path}::{name}" if scope.path else name
            name = scope.frames[name].attached or MODEL
        if name in (WORLD, ""):
            return WORLD
        raise SourceError(
            "joint_link_unknown",
            f"{asking.place}: there is no link or frame {name[:80]!r} in {scope.name or 'the world'!r}.",
            "Correct the name.",
        )


def pose_of_element(element: Element, default_base: str) -> tuple[FloatArray, str]:
    """(4, 4) transform of the ``pose`` inside an element, and the name of the frame that it is stated in.

    Raises:
        SourceError: ``number_invalid``.
    """
    pose = element.find("pose")
    if pose is None:
        return np.eye(4), default_base
    base = pose.get("relative_to") or default_base
    if not pose.text:
        return np.eye(4), base
    if pose.get("rotation_format") == "quat_xyzw":
        values = numbers(pose.text, 7, "pose", pose)
        length = float(np.linalg.norm(values[3:])) or 1.0
        x, y, z, w = (float(v) / length for v in values[3:])
        rotation = Pose((0.0, 0.0, 0.0), (w, x, y, z)).rotation() if any((x, y, z, w)) else np.eye(3)
        return transform_of(values[:3], rotation), base
    values = numbers(pose.text, 6, "pose", pose)
    angles = np.radians(values[3:]) if (pose.get("degrees") or "").lower() in ("true", "1") else values[3:]
    return transform_of(values[:3], rotation_rpy(*(float(a) for a in angles))), base


def truth(element: Element | None) -> bool | None:
    """What a boolean element says; None without one."""
    return None if element is None else element.text.lower() in ("true", "1")
