"""PhysX as it runs in the editor, behind the Engine protocol: the same rollouts, inside Isaac Sim.

A stage is simulated through omni.physx while the timeline stands still; neither the timeline nor any layer of the user
is touched. ``open`` takes a file and simulates it out of sight, ``open_stage`` the stage that is open, for all to see.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.engines.protocol import Contact, EngineMass, EngineScene, RayHit
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe_mechanism, open_stage
from physicl_twin.kit.engine_joints import KitJoints
from physicl_twin.kit.engine_overlay import Overlay
from physicl_twin.kit.engine_port import PhysicsPort
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Vector3


class KitEngine:
    """See the module. One scene at a time: the editor's PhysX knows one stage.

    Args:
        settings: Solver settings; PhysX takes none of them here, the editor's preferences rule.
        port: The simulation; that of the running Kit without one.
    """

    def __init__(self, settings: EngineSettings | None = None, port: PhysicsPort | None = None) -> None:
        self._settings = settings if settings is not None else EngineSettings.from_pipeline()
        self._port: PhysicsPort = port if port is not None else _running_kit()

    @property
    def name(self) -> str:
        """``physx``: rollouts choose time steps and variants for the solver, wherever it runs."""
        return "physx"

    @property
    def version(self) -> str:
        """Of omni.physx, with its name: a certificate tells it from ovphysx."""
        return self._port.version

    def open(self, stage: Path) -> EngineScene:
        """Load a file and simulate it out of sight; see ``Engine.open``.

        Raises:
            EngineError: ``engine_busy`` while the timeline plays or another scene is open, ``engine_refused_stage``.
        """
        return KitScene(self._port, open_stage(stage), stage.name, self._settings, visible=False)

    def open_stage(self, stage: Any, *, visible: bool = True) -> EngineScene:
        """Simulate a stage that is open already; when the scene closes it is as it was, bit for bit.

        Args:
            stage: ``Usd.Stage``, as a rule the editor's.
            visible: True to move its prims, in a layer of our own, as its bodies move.

        Raises:
            EngineError: As ``open``.
        """
        return KitScene(self._port, stage, stage.GetRootLayer().GetDisplayName(), self._settings, visible=visible)


class KitScene:
    """See ``EngineScene``.

    Args:
        port: The simulation.
        stage: ``Usd.Stage``.
        name: Of the user's file, for messages.
        settings: Of the engines.
        visible: True to move the stage's prims.
    """

    def __init__(self, port: PhysicsPort, stage: Any, name: str, settings: EngineSettings, *, visible: bool) -> None:
        if reason := port.busy():
            raise EngineError("engine_busy", f"{name} cannot be simulated now: {reason}", "Press stop and try again.")
        self._overlay: Overlay | None = Overlay(stage, name)
        self._port, self._visible, self._rows = port, visible, len(self._overlay.bodies)
        self._bodies, self._notes = self._overlay.bodies, self._overlay.notes
        self._metre, self._kilogram = self._overlay.metres_per_unit, self._overlay.kilograms_per_unit
        try:
            lost = port.attach(stage, self._bodies)
            if lost:
                raise EngineError(
                    "engine_refused_stage",
                    f"PhysX made no rigid body of {lost[0]} in {name} ({len(lost)} of {self._rows}).",
                    "Check that it is not nested in another rigid body.",
                )
            self._joints = KitJoints(port, describe_mechanism(stage, settings, "physx"), self._metre)
            self._notes += self._joints.notes
        except BaseException:
            self.close()
            raise

    @property
    def bodies(self) -> tuple[str, ...]:
        """Prim paths of the dynamic bodies."""
        return self._bodies

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be offered for this stage."""
        return self._notes

    def step(self, dt_s: float, count: int = 1) -> None:
        """Advance by ``count`` steps of ``dt_s`` seconds."""
        overlay = self._require_open()
        for _ in range(count):
            self._port.simulate(dt_s)
        transforms = self._finite("pose", self._port.transforms(), 7)
        if self._visible:
            overlay.show(np.hstack([transforms[:, :3], np.roll(transforms[:, 3:], 1, axis=1)]))

    def poses(self) -> FloatArray:
        """(N, 7) position and wxyz quaternion."""
        self._require_open()
        values = self._finite("pose", self._port.transforms(), 7)
        return np.hstack([values[:, :3] * self._metre, np.roll(values[:, 3:], 1, axis=1)])

    def set_poses(self, poses: FloatArray) -> None:
        """Teleport the bodies."""
        overlay = self._require_open()
        wanted = self._finite("pose", np.asarray(poses, dtype=float), 7)
        moved = np.hstack([wanted[:, :3] / self._metre, wanted[:, 3:]])
        self._port.set_transforms(np.hstack([moved[:, :3], np.roll(moved[:, 3:], -1, axis=1)]))
        if self._visible:
            overlay.show(moved)

    def velocities(self) -> FloatArray:
        """(N, 6) velocity of the centre of mass and angular velocity, world frame."""
        self._require_open()
        values = self._finite("velocity", self._port.velocities(), 6)
        return np.hstack([values[:, :3] * self._metre, values[:, 3:]])

    def set_velocities(self, velocities: FloatArray) -> None:
        """Set velocities."""
        self._require_open()
        wanted = self._finite("velocity", np.asarray(velocities, dtype=float), 6)
        self._port.set_velocities(np.hstack([wanted[:, :3] / self._metre, wanted[:, 3:]]))

    @property
    def joints(self) -> tuple[str, ...]:
        """Prim paths of the movable joints."""
        return self._joints.paths

    def joint_positions(self) -> FloatArray:
        """(J,) coordinates, radians or metres, told from the bodies."""
        return self._joints.positions(self.poses())

    def joint_velocities(self) -> FloatArray:
        """(J,) rates of the coordinates."""
        return self._joints.rates(self.poses(), self.velocities())

    def set_joint_positions(self, positions: FloatArray) -> None:
        """Put the joints of the trees somewhere; the roots of articulations stay where they are."""
        overlay = self._require_open()
        placed = self._joints.put(self.poses(), np.asarray(positions, dtype=float))
        if placed is not None:
            self.set_poses(placed)
        elif self._visible:
            shown = self.poses()
            overlay.show(np.hstack([shown[:, :3] / self._metre, shown[:, 3:]]))

    def set_joint_velocities(self, velocities: FloatArray) -> None:
        """Set the rates of the joints of the trees."""
        self._require_open()
        moved = self._joints.move(self.poses(), self.velocities(), np.asarray(velocities, dtype=float))
        if moved is not None:
            self.set_velocities(moved)

    def set_joint_targets(self, targets: FloatArray) -> None:
        """Where the drives of articulations shall hold their joints."""
        self._require_open()
        self._joints.aim(np.asarray(targets, dtype=float))

    def contacts(self) -> tuple[Contact, ...]:
        """Contact points of the last step."""
        self._require_open()
        found = []
        for one in self._port.contacts():
            push = float(np.linalg.norm(one.impulse)) * self._kilogram * self._metre
            if one.separation > 0.0 and push == 0.0:
                continue
            # PhysX's normal points to the first actor; ours to the path that sorts first.
            sign = 1.0 if one.actor0 < one.actor1 else -1.0
            found.append(
                Contact(
                    min(one.actor0, one.actor1),
                    max(one.actor0, one.actor1),
                    _scaled(one.position, self._metre),
                    _scaled(one.normal, sign),
                    one.separation * self._metre,
                    push,
                )
            )
        return tuple(sorted(found, key=lambda contact: (contact.body0, contact.body1, contact.position_m)))

    def mass_properties(self) -> tuple[EngineMass, ...]:
        """What PhysX believes about each body."""
        self._require_open()
        masses, coms, inertias = self._port.masses(), self._port.coms(), self._port.inertias()
        return tuple(
            EngineMass(
                path,
                float(masses[row]) * self._kilogram,
                np.asarray(coms[row], dtype=float) * self._metre,
                np.asarray(inertias[row], dtype=float) * self._kilogram * self._metre**2,
            )
            for row, path in enumerate(self._bodies)
        )

    def raycast(self, origin_m: Vector3, direction: Vector3, max_distance_m: float) -> RayHit | None:
        """Nearest collider along a ray."""
        self._require_open()
        unit = _scaled(direction, 1.0 / float(np.linalg.norm(direction)))
        hit = self._port.raycast(_scaled(origin_m, 1.0 / self._metre), unit, max_distance_m / self._metre)
        if hit is None:
            return None
        return RayHit(hit.body, hit.distance * self._metre, _scaled(hit.position, self._metre), hit.normal)

    def overlaps(self, centre_m: Vector3, radius_m: float) -> tuple[str, ...]:
        """Bodies and static colliders that a sphere touches."""
        self._require_open()
        found = self._port.overlap_sphere(_scaled(centre_m, 1.0 / self._metre), radius_m / self._metre)
        return tuple(sorted(set(found)))

    def close(self) -> None:
        """Release the simulation and restore the stage."""
        overlay, self._overlay = self._overlay, None
        if overlay is not None:
            try:
                self._port.detach()
            finally:
                overlay.remove()

    def __enter__(self) -> KitScene:
        """The scene itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        self.close()

    def _require_open(self) -> Overlay:
        if self._overlay is None:
            raise EngineError("engine_scene_closed", "The simulation is closed.", "Open the stage again.")
        return self._overlay

    def _finite(self, what: str, values: FloatArray, width: int) -> FloatArray:
        if values.shape != (self._rows, width) or not np.isfinite(values).all():
            raise EngineError(
                "engine_step_failed",
                f"PhysX's {what} is no longer finite, or not one of {self._rows} bodies.",
                "Check mass, inertia and colliders.",
            )
        return values


def _scaled(vector: Vector3, factor: float) -> Vector3:
    return (vector[0] * factor, vector[1] * factor, vector[2] * factor)


def _running_kit() -> PhysicsPort:
    """The simulation of the Kit that this runs in.

    Raises:
        EngineError: ``engine_not_installed`` outside Kit.
    """
    try:
        from physicl_twin.kit.engine_omni import OmniPhysics
    except ImportError as error:
        raise EngineError(
            "engine_not_installed",
            f"The editor's physics is not here: {error}.",
            "Run this inside Isaac Sim, or choose the engine physx, which needs no editor.",
        ) from error
    return OmniPhysics()
