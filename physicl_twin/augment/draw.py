"""From a family and a member's number to everything that is drawn for it, before physics has had its say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.augment import keyed
from physicl_twin.augment.colour import tinted
from physicl_twin.augment.distributions import Distribution, Posterior
from physicl_twin.augment.family import Family, Member, with_surface
from physicl_twin.model import CameraState, InstanceState, LightState, LookState, Pose, Support, SurfaceState
from physicl_twin.model.geometry import FloatArray

#: Places that an object tries before it is put on top of others.
_PLACES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A drawn member that has not settled.

    Attributes:
        variation: Its number.
        attempt: 0 for the first draw, n for the one after n rejections.
        present: For each instance of the family, whether it is there.
        states: The instances, poses as they are dropped; of absent ones only the twin and the scale count.
        support: The support with its surface.
        light: Lights.
        camera: Camera.
        values: Every number that was drawn, by (target, property).
    """

    variation: int
    attempt: int
    present: tuple[bool, ...]
    states: tuple[InstanceState, ...]
    support: Support
    light: LightState
    camera: CameraState
    values: dict[tuple[str, str], float]


class Drawer:
    """Draws members of a family; the same member is always the same.

    Args:
        family: The family.
    """

    def __init__(self, family: Family) -> None:
        self._family = family
        self._names = tuple(_names(family))

    def draw(self, variation: int, attempt: int = 0) -> Draft:
        """Draw a member.

        Args:
            variation: Its number.
            attempt: Which draw of it; each is independent of the others.
        """
        return self.draw_many((variation,), attempt)[0]

    def draw_many(self, variations: Sequence[int], attempt: int = 0) -> list[Draft]:
        """Draw several members at once: each as it is drawn alone, in less time."""
        family = self._family
        seed = family.seed if attempt == 0 else keyed.key(family.seed, "attempt", attempt)
        numbers = keyed.table(seed, variations, self._names, family.spec.design).tolist()
        return [
            self._drawn(variation, attempt, _Hand(family, dict(zip(self._names, row, strict=True))))
            for variation, row in zip(variations, numbers, strict=True)
        ]

    def _drawn(self, variation: int, attempt: int, hand: _Hand) -> Draft:
        family, spec = self._family, self._family.spec
        present = self._present(hand)
        states = tuple(
            _instance(hand, name, family.members[index], spec.value("object", "scale", family.members[index].name))
            for name, index in family.instances
        )
        placed = _place(hand, family, present, states)
        static = hand.number("scene", "scene", "static_friction")
        ratio = hand.number("scene", "scene", "dynamic_ratio")
        support = with_surface(family.support, static, static * ratio, hand.number("scene", "scene", "restitution"))
        return Draft(variation, attempt, present, placed, support, _light(hand), camera_of(hand), hand.values)

    def camera(self, variation: int, attempt: int) -> CameraState:
        """Another camera for a member, the ``attempt``-th after the drawn one."""
        seed = keyed.key(self._family.seed, "camera attempt", attempt)
        numbers = keyed.samples(seed, variation, self._names, self._family.spec.design).tolist()
        return camera_of(_Hand(self._family, dict(zip(self._names, numbers, strict=True))))

    def _present(self, hand: _Hand) -> tuple[bool, ...]:
        """Leave out those whose own number is lowest, as many as the spec wants."""
        instances = self._family.instances
        out = round(hand.number("scene", "scene", "left_out", self._family.spec.left_out))
        out = min(max(out, 0), len(instances))
        rank = sorted(range(len(instances)), key=lambda row: hand.u(instances[row][0], "present"))
        gone = set(rank[:out])
        return tuple(row not in gone for row in range(len(instances)))


def _names(family: Family) -> list[tuple[str, str]]:
    """(target, property) of every number that a member may need."""
    names = [("scene", name) for name in ("left_out", "static_friction", "dynamic_ratio", "restitution", "spread")]
    names += [("light", f"light.{name}") for name in _LIGHT]
    names += [("camera", f"camera.{name}") for name in _CAMERA]
    for instance, index in family.instances:
        member = family.members[index]
        names += [(instance, name) for name in ("present", "order", "scale", "density", "placement.yaw")]
        names += [(instance, f"placement.turn_{axis}") for axis in range(3)]
        for place in range(_PLACES):
            tail = f"_{place}" if place else ""
            names += [(instance, f"placement.x{tail}"), (instance, f"placement.y{tail}")]
        names += [(instance, f"friction:{surface.name}") for surface in member.materials]
        names += [(instance, f"dynamic_ratio:{surface.name}") for surface in member.materials]
        names += [(instance, f"restitution:{surface.name}") for surface in member.materials]
        for look in member.looks:
            names += [(instance, f"{name}:{look.name}") for name in _LOOK]
    return names


_LOOK = ("hue_deg", "saturation", "brightness", "roughness")
_LIGHT = ("dome_nits", "dome_kelvin", "key_nits", "key_kelvin", "key_azimuth", "key_elevation")
_CAMERA = ("distance", "azimuth", "elevation", "focal_length_mm")


class _Hand:
    """The numbers of one draw, and what was made of them."""

    def __init__(self, family: Family, u: dict[tuple[str, str], float]) -> None:
        self._family, self._u = family, u
        self.values: dict[tuple[str, str], float] = {}

    def u(self, target: str, name: str) -> float:
        """The number in (0, 1)."""
        return self._u[(target, name)]

    def number(
        self, target: str, table: str, name: str, distribution: Distribution | None = None, drawn: str = ""
    ) -> float:
        """A value of the spec for a target, kept in ``values``.

        Args:
            target: Whose.
            table: Table of the spec.
            name: Key of the spec.
            distribution: Instead of the spec's.
            drawn: Name of the number, where it is not ``name``.
        """
        chosen = distribution if distribution is not None else self._family.spec.value(table, name)
        assert not isinstance(chosen, Posterior)  # the reader of the spec refuses it here
        value = float(chosen.quantile(self.u(target, drawn or name)))
        self.values[(target, name)] = value
        return value


def _instance(hand: _Hand, name: str, member: Member, scales: Distribution) -> InstanceState:
    """Size, mass, surfaces and looks of an instance; its pose comes later."""
    spec = hand._family.spec
    scale = hand.number(name, "object", "scale", scales)
    density = spec.value("object", "density", member.name)
    if isinstance(density, Posterior):
        factor = density.of(member.mass, hand.u(name, "density")) / member.mass.value
    else:
        factor = float(density.quantile(hand.u(name, "density")))
    # A normal estimate may reach below zero: no mass does.
    factor = max(factor, 0.05)
    hand.values[(name, "mass_factor")] = factor
    surfaces = tuple(_surface(hand, name, member, index) for index in range(len(member.materials)))
    looks = tuple(look for look in (_look(hand, name, member, index) for index in range(len(member.looks))) if look)
    return InstanceState(name, member.name, Pose(), scale, factor, surfaces, looks)


def _surface(hand: _Hand, name: str, member: Member, index: int) -> SurfaceState:
    spec, material = hand._family.spec, member.materials[index]
    friction = spec.value("object", "friction", member.name)
    restitution = spec.value("object", "restitution", member.name)
    u = hand.u(name, f"friction:{material.name}")
    if isinstance(friction, Posterior):
        # One number for both coefficients: a rough surface is rough at rest and in motion.
        static, dynamic = friction.of(material.static_friction, u), friction.of(material.dynamic_friction, u)
    else:
        static = float(friction.quantile(u))
        ratio = spec.value("scene", "dynamic_ratio")
        assert not isinstance(ratio, Posterior)
        dynamic = static * float(ratio.quantile(hand.u(name, f"dynamic_ratio:{material.name}")))
    static = max(static, 0.0)
    dynamic = min(max(dynamic, 0.0), static)
    v = hand.u(name, f"restitution:{material.name}")
    drawn = restitution.of(material.restitution, v) if isinstance(restitution, Posterior) else restitution.quantile(v)
    bounce = min(max(float(drawn), 0.0), 1.0)
    for key, value in (("static_friction", static), ("dynamic_friction", dynamic), ("restitution", bounce)):
        hand.values[(name, f"{key}:{material.name}")] = value
    return SurfaceState(material.name, static, dynamic, bounce)


def _look(hand: _Hand, name: str, member: Member, index: int) -> LookState | None:
    spec, slot = hand._family.spec, member.looks[index]
    drawn = {}
    for key in _LOOK:
        distribution = spec.value("look", key, member.name)
        assert not isinstance(distribution, Posterior)
        drawn[key] = float(distribution.quantile(hand.u(name, f"{key}:{slot.name}")))
    color = tinted(slot.color, drawn["hue_deg"], drawn["saturation"], drawn["brightness"])
    rough = min(max(slot.roughness + drawn["roughness"], 0.0), 1.0)
    base = color if slot.color_attribute and color != slot.color else None
    roughness = rough if slot.roughness_attribute and rough != slot.roughness else None
    if base is None and roughness is None:
        return None
    for key, value in zip("rgb", base or (), strict=False):
        hand.values[(name, f"base_color_{key}:{slot.name}")] = value
    if roughness is not None:
        hand.values[(name, f"roughness:{slot.name}")] = roughness
    return LookState(slot.name, base, roughness)


def _place(
    hand: _Hand, family: Family, present: tuple[bool, ...], states: tuple[InstanceState, ...]
) -> tuple[InstanceState, ...]:
    """Poses from which the objects fall: no two bounding boxes touch, each as low as the others allow."""
    spread = math.sqrt(hand.number("scene", "placement", "spread"))
    inner = np.array(family.support.inner_m[:2])
    order = sorted(range(len(states)), key=lambda row: hand.u(states[row].name, "order"))
    lows, highs = np.empty((0, 3)), np.empty((0, 3))
    result = list(states)
    for row in order:
        if not present[row]:
            continue
        state, member = states[row], family.members[family.instances[row][1]]
        turn = _turn(hand, family, state.name)
        corners = state.scale * member.points @ turn.rotation().T
        low, high = corners.min(axis=0), corners.max(axis=0)
        half, middle = 0.5 * (high - low), 0.5 * (low + high)
        gap = family.spec.clearance * float(half.max())
        reach = np.maximum(0.5 * inner - half[:2] - gap, 0.0) * (spread if family.support.kind == "bin" else 1.0)
        if family.support.kind == "plane":
            reach = 0.5 * inner * spread
        best: FloatArray | None = None
        for place in range(_PLACES):
            tail = f"_{place}" if place else ""
            uv = np.array([hand.u(state.name, f"placement.{axis}{tail}") for axis in "xy"])
            at = (2.0 * uv - 1.0) * reach
            apart = np.abs(0.5 * (lows + highs)[:, :2] - at)
            above = (apart < 0.5 * (highs - lows)[:, :2] + half[:2] + gap).all(axis=1)
            bottom = max([family.support.top_m, *highs[above, 2]]) + gap
            if best is None or bottom < best[2] - 1e-9:
                best = np.array([*at, bottom])
            if not above.any():
                break
        assert best is not None
        centre = best + np.array([0.0, 0.0, half[2]])
        lows, highs = np.vstack([lows, centre - half]), np.vstack([highs, centre + half])
        position = centre - middle
        for axis, value in zip("xyz", position, strict=True):
            hand.values[(state.name, f"drop_{axis}")] = float(value)
        result[row] = replace(
            state, pose=Pose((float(position[0]), float(position[1]), float(position[2])), turn.quaternion_wxyz)
        )
    return tuple(result)


def _turn(hand: _Hand, family: Family, name: str) -> Pose:
    if family.spec.orientation == "upright":
        yaw = math.radians(hand.number(name, "placement", "yaw_deg", drawn="placement.yaw"))
        return Pose((0.0, 0.0, 0.0), (math.cos(0.5 * yaw), 0.0, 0.0, math.sin(0.5 * yaw)))
    # Uniform over all rotations: Shoemake 1992, "Uniform random rotations", Graphics Gems III.
    u = [hand.u(name, f"placement.turn_{axis}") for axis in range(3)]
    a, b = math.sqrt(1.0 - u[0]), math.sqrt(u[0])
    s, t = 2.0 * math.pi * u[1], 2.0 * math.pi * u[2]
    return Pose((0.0, 0.0, 0.0), (b * math.cos(t), a * math.sin(s), a * math.cos(s), b * math.sin(t)))


def _light(hand: _Hand) -> LightState:
    def value(name: str) -> float:
        key = f"{name}_deg" if name.endswith(("azimuth", "elevation")) else name
        return hand.number("light", "light", key, drawn=f"light.{name}")

    return LightState(
        value("dome_nits"),
        value("dome_kelvin"),
        value("key_nits"),
        value("key_kelvin"),
        math.radians(value("key_azimuth")),
        math.radians(value("key_elevation")),
    )


def camera_of(hand: _Hand) -> CameraState:
    """The camera: about the middle of the support, upright."""

    def value(name: str) -> float:
        key = f"{name}_deg" if name in ("azimuth", "elevation") else name
        return hand.number("camera", "camera", key, drawn=f"camera.{name}")

    family = hand._family
    size = math.hypot(*family.support.inner_m[:2])
    distance = value("distance") * size
    azimuth, elevation = math.radians(value("azimuth")), math.radians(value("elevation"))
    flat = math.cos(elevation)
    back = np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])
    middle = np.array([0.0, 0.0, family.support.top_m + 0.25 * family.support.inner_m[2]])
    right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    matrix[:3, 3] = middle + distance * back
    return CameraState(Pose.from_matrix(matrix), value("focal_length_mm"))
