"""Variations: the members of a family of scenes, each seeded, sampled and settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from physicl_twin.model.geometry import Pose, Vector3

#: Version of manifest.json.
MANIFEST_VERSION = 1

SupportKind = Literal["plane", "bin"]


@dataclass(frozen=True, slots=True)
class Support:
    """What the objects of a scene stand on or lie in: a floor, or a floor with a bin on it.

    Attributes:
        kind: ``plane`` or ``bin``.
        inner_m: Inner length (x), width (y) and height of the bin; of a plane, the size of the area in use (height 0).
        wall_m: Thickness of the bin's walls and bottom.
        static_friction: Of the floor and the bin.
        dynamic_friction: Likewise.
        restitution: Likewise.
    """

    kind: SupportKind
    inner_m: Vector3
    wall_m: float
    static_friction: float
    dynamic_friction: float
    restitution: float

    def boxes(self) -> tuple[tuple[str, Vector3, Vector3], ...]:
        """(name, centre, full size) of the static boxes, world frame; the floor is a plane at z = 0 on its own.

        The bin's bottom lies on the floor with its upper side at ``wall_m``.
        """
        if self.kind == "plane":
            return ()
        x, y, z = self.inner_m
        t = self.wall_m
        middle = t + 0.5 * z
        return (
            ("bottom", (0.0, 0.0, 0.5 * t), (x + 2 * t, y + 2 * t, t)),
            ("wall_x_low", (-0.5 * (x + t), 0.0, middle), (t, y + 2 * t, z)),
            ("wall_x_high", (0.5 * (x + t), 0.0, middle), (t, y + 2 * t, z)),
            ("wall_y_low", (0.0, -0.5 * (y + t), middle), (x, t, z)),
            ("wall_y_high", (0.0, 0.5 * (y + t), middle), (x, t, z)),
        )

    @property
    def top_m(self) -> float:
        """Height of the surface that carries the objects."""
        return self.wall_m if self.kind == "bin" else 0.0


@dataclass(frozen=True, slots=True)
class SurfaceState:
    """The contact surface of one material of one instance in one variation.

    Attributes:
        material: Name of the twin's material.
        static_friction: Coefficient, 1.
        dynamic_friction: Coefficient, 1.
        restitution: Coefficient, 1.
    """

    material: str
    static_friction: float
    dynamic_friction: float
    restitution: float


@dataclass(frozen=True, slots=True)
class LookState:
    """What one appearance of one instance looks like in one variation; None leaves it as the twin has it.

    Attributes:
        appearance: Name of the twin's appearance.
        base_color: Linear RGB 0..1.
        roughness: 0..1.
        metallic: 0..1.
    """

    appearance: str
    base_color: Vector3 | None = None
    roughness: float | None = None
    metallic: float | None = None


@dataclass(frozen=True, slots=True)
class InstanceState:
    """One object of one variation, at rest.

    Attributes:
        name: Of the instance, unique in the scene (``mug_03``).
        twin: Name of its twin.
        pose: Of the twin's frame in the world.
        scale: Uniform scale of its geometry, 1 for the true size.
        mass_factor: Mass over what the twin's best estimate is at that scale: its material is that much denser. Mass is
            ``value * mass_factor * scale^3``, inertia ``value * mass_factor * scale^5``, the centre of mass scales.
        surfaces: Contact surfaces, one for each material of the twin.
        looks: Changed appearances.
    """

    name: str
    twin: str
    pose: Pose
    scale: float = 1.0
    mass_factor: float = 1.0
    surfaces: tuple[SurfaceState, ...] = ()
    looks: tuple[LookState, ...] = ()


@dataclass(frozen=True, slots=True)
class LightState:
    """Lights of one variation.

    Attributes:
        dome_intensity: Of the dome light, nits.
        dome_kelvin: Its colour temperature.
        key_intensity: Of the distant key light, nits.
        key_kelvin: Its colour temperature.
        key_azimuth_rad: Direction that it comes from, from x towards y.
        key_elevation_rad: Above the horizon.
    """

    dome_intensity: float
    dome_kelvin: float
    key_intensity: float
    key_kelvin: float
    key_azimuth_rad: float
    key_elevation_rad: float


@dataclass(frozen=True, slots=True)
class CameraState:
    """The camera of one variation; it looks along its own -z, its y is up (USD's convention).

    Attributes:
        pose: In the world.
        focal_length_mm: With an aperture of 20.955 mm (USD's default).
    """

    pose: Pose
    focal_length_mm: float


@dataclass(frozen=True, slots=True)
class Variation:
    """One member.

    Attributes:
        index: Number of the member.
        instances: Objects that are present, at rest.
        light: Lights.
        camera: Camera.
        target: Instance that ``occlusion`` speaks of; empty for none.
        occlusion: Share of the target that others hide from the camera, measured by ray casts.
    """

    index: int
    instances: tuple[InstanceState, ...]
    light: LightState
    camera: CameraState
    target: str = ""
    occlusion: float | None = None


@dataclass(frozen=True, slots=True)
class VariationSet:
    """A family of variations as ``augment`` writes it.

    Attributes:
        name: Of the set; a file-safe identifier.
        twins: (name, path of its folder relative to the set's folder), in the order in which they were given.
        instances: (instance name, twin name) of all that any member may hold.
        support: What they rest on.
        seed: Seed.
        count: How many members were asked for.
        members: Index of each accepted member, ascending.
        gravity_mps2: Gravity, downwards.
    """

    name: str
    twins: tuple[tuple[str, str], ...]
    instances: tuple[tuple[str, str], ...]
    support: Support
    seed: int
    count: int
    members: tuple[int, ...]
    gravity_mps2: float = 9.81
