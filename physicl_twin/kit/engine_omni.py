"""The simulation of the running Kit: omni.physx attached to a stage of ours, read through the tensor interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import carb
import carb.settings
import numpy as np
import omni.kit.app
import omni.physics.tensors
import omni.timeline
from omni.physx import get_physx_interface, get_physx_scene_query_interface, get_physx_simulation_interface
from pxr import PhysicsSchemaTools, UsdPhysics, UsdUtils

from physicl_twin.kit.engine_port import PortContact, PortHit
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Vector3

#: Settings that must hold while we simulate: PhysX writes nothing to USD or Fabric, for we show the bodies ourselves.
_HELD = {"/physics/updateToUsd": False, "/physics/updateVelocitiesToUsd": False, "/physics/fabricEnabled": False}
#: PhysX on the CPU, as in the rollouts outside the editor; -1 leaves it to the scene.
_FORCE_CPU = 0


class OmniPhysics:
    """See ``PhysicsPort``."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._view: Any = None
        self._bodies: Any = None
        self._order: list[int] = []
        self._indices: Any = None
        self._now_s = 0.0
        self._errors: list[str] = []

    @property
    def version(self) -> str:
        """Of omni.physx."""
        manager = omni.kit.app.get_app().get_extension_manager()
        return str(manager.get_enabled_extension_id("omni.physx"))

    def busy(self) -> str:
        """Playing or paused, or attached by someone else."""
        if self._undo:
            return "another simulation of ours is open."
        if not omni.timeline.get_timeline_interface().is_stopped():
            return "the timeline is playing or paused."
        if get_physx_simulation_interface().get_attached_stage() != 0:
            return "another extension simulates a stage."
        return ""

    def attach(self, stage: Any, bodies: Sequence[str]) -> tuple[str, ...]:
        """Hold the settings, attach, make the views."""
        physx, simulation = get_physx_interface(), get_physx_simulation_interface()
        self._errors.clear()
        self._now_s = 0.0
        settings = carb.settings.get_settings()
        for key, value in _HELD.items():
            self._undo.append(lambda key=key, old=settings.get(key): settings.set(key, old))  # type: ignore[misc]
            settings.set(key, value)
        before = physx.get_overwrite_gpu_setting()
        self._undo.append(lambda: physx.overwrite_gpu_setting(before))
        physx.overwrite_gpu_setting(_FORCE_CPU)
        subscription = physx.get_error_event_stream().create_subscription_to_pop(self._on_error)
        self._undo.append(subscription.unsubscribe)
        cache = UsdUtils.StageCache.Get()
        identity = cache.GetId(stage).ToLongInt()
        if identity == -1:
            identity = cache.Insert(stage).ToLongInt()
            self._undo.append(lambda: cache.Erase(stage))
        if not simulation.attach_stage(identity):
            raise EngineError("engine_refused_stage", f"PhysX refused the stage: {self._said()}", _REPAIR)
        self._undo.append(simulation.detach_stage)
        # Where the bodies are shown is written to the stage: that must not teleport them.
        simulation.pause_change_tracking(True)
        self._undo.append(lambda: simulation.pause_change_tracking(False))
        if self._errors:
            raise EngineError("engine_refused_stage", f"PhysX refused the stage: {self._said()}", _REPAIR)
        self._view = omni.physics.tensors.create_simulation_view("numpy", stage_id=identity, backend="physx")
        self._undo.append(self._view.invalidate)
        self._bodies = self._view.create_rigid_body_view(list(bodies))
        there = {str(path): row for row, path in enumerate(self._bodies.prim_paths)}
        lost = tuple(path for path in bodies if path not in there)
        self._order = [there[path] for path in bodies if path in there]
        self._indices = np.arange(self._bodies.count, dtype=np.uint32)
        self._find_dofs(stage)
        return lost

    def _find_dofs(self, stage: Any) -> None:
        """Where the view of articulations keeps the joints with one coordinate: row of the articulation, column."""
        self._dofs: dict[str, tuple[int, int]] = {}
        self._articulations: Any = None
        roots = [str(prim.GetPath()) for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.ArticulationRootAPI)]
        if not roots:
            return
        self._articulations = self._view.create_articulation_view(roots)
        for row, paths in enumerate(self._articulations.dof_paths):
            for column, path in enumerate(paths):
                # A joint with several coordinates appends a number to its path: it is no prim.
                if stage.GetPrimAtPath(str(path)):
                    self._dofs[str(path)] = row, column
        self._articulation_rows = np.arange(self._articulations.count, dtype=np.uint32)

    def detach(self) -> None:
        """Undo what ``attach`` did, the last thing first, all of it even when one part fails."""
        self._view = self._bodies = self._articulations = None
        failures = []
        while self._undo:
            try:
                self._undo.pop()()
            except RuntimeError as error:
                failures.append(str(error))
        if failures:
            raise EngineError("engine_not_released", f"PhysX was not released: {failures[0]}.", "Save and restart Kit.")

    def simulate(self, dt_s: float) -> None:
        """One step."""
        simulation = get_physx_simulation_interface()
        simulation.simulate(dt_s, self._now_s)
        simulation.fetch_results()
        self._now_s += dt_s
        if self._errors:
            raise EngineError("engine_step_failed", f"PhysX failed in a step: {self._said()}", _REPAIR)

    def transforms(self) -> FloatArray:
        """(N, 7)."""
        return self._rows(self._bodies.get_transforms(), 7)

    def set_transforms(self, values: FloatArray) -> None:
        """Teleport."""
        self._bodies.set_transforms(self._unrows(values), self._indices)

    def velocities(self) -> FloatArray:
        """(N, 6)."""
        return self._rows(self._bodies.get_velocities(), 6)

    def set_velocities(self, values: FloatArray) -> None:
        """Set them."""
        self._bodies.set_velocities(self._unrows(values), self._indices)

    def dofs(self) -> tuple[str, ...]:
        """Joints with one coordinate."""
        return tuple(self._dofs)

    def set_dof_positions(self, values: FloatArray) -> None:
        """Put them somewhere, and the links with them; their rates stay."""
        rates = np.array(self._articulations.get_dof_velocities(), dtype=np.float32)
        told = self._table(self._articulations.get_dof_positions(), values)
        self._articulations.set_dof_positions(told, self._articulation_rows)
        self._view.update_articulations_kinematic()
        # Forward kinematics leaves rates of its own behind (measured in ovphysx).
        self._articulations.set_dof_velocities(rates, self._articulation_rows)
        self._view.update_articulations_kinematic()

    def set_dof_velocities(self, values: FloatArray) -> None:
        """Set their rates."""
        told = self._table(self._articulations.get_dof_velocities(), values)
        self._articulations.set_dof_velocities(told, self._articulation_rows)
        self._view.update_articulations_kinematic()

    def set_dof_targets(self, values: FloatArray) -> None:
        """Tell their drives."""
        told = self._table(self._articulations.get_dof_position_targets(), values)
        self._articulations.set_dof_position_targets(told, self._articulation_rows)

    def _table(self, there: Any, values: FloatArray) -> Any:
        """What the view has, with our values in their places."""
        table = np.array(there, dtype=np.float32).reshape(self._articulations.count, self._articulations.max_dofs)
        for (row, column), value in zip(self._dofs.values(), values, strict=True):
            table[row, column] = value
        return table

    def masses(self) -> FloatArray:
        """(N,)."""
        return self._rows(self._bodies.get_masses(), 1)[:, 0]

    def coms(self) -> FloatArray:
        """(N, 3); the view tells the principal axes besides."""
        return self._rows(self._bodies.get_coms(), 7)[:, :3]

    def inertias(self) -> FloatArray:
        """(N, 3, 3); symmetric, so that the view's column order does not matter."""
        return self._rows(self._bodies.get_inertias(), 9).reshape(-1, 3, 3)

    def contacts(self) -> tuple[PortContact, ...]:
        """Of the last step."""
        headers, points = get_physx_simulation_interface().get_contact_report()[:2]
        found = []
        for header in headers:
            first = str(PhysicsSchemaTools.intToSdfPath(header.actor0))
            second = str(PhysicsSchemaTools.intToSdfPath(header.actor1))
            for number in range(header.contact_data_offset, header.contact_data_offset + header.num_contact_data):
                point = points[number]
                found.append(
                    PortContact(
                        first,
                        second,
                        _vector(point.position),
                        _vector(point.normal),
                        _vector(point.impulse),
                        float(point.separation),
                    )
                )
        return tuple(found)

    def raycast(self, origin: Vector3, direction: Vector3, distance: float) -> PortHit | None:
        """Nearest hit."""
        hit = get_physx_scene_query_interface().raycast_closest(carb.Float3(*origin), carb.Float3(*direction), distance)
        if not hit["hit"]:
            return None
        body = str(hit["rigidBody"] or hit["collision"])
        return PortHit(body, float(hit["distance"]), _vector(hit["position"]), _vector(hit["normal"]))

    def overlap_sphere(self, centre: Vector3, radius: float) -> tuple[str, ...]:
        """All that a sphere touches."""
        found: list[str] = []

        def on_hit(hit: Any) -> bool:
            found.append(str(hit.rigid_body or hit.collision))
            return True  # go on

        get_physx_scene_query_interface().overlap_sphere(radius, carb.Float3(*centre), on_hit, False)
        return tuple(found)

    def _on_error(self, event: Any) -> None:
        self._errors.append(str(event.payload["errorString"]))

    def _said(self) -> str:
        return " ".join(" ".join(self._errors).split())[:600] or "it says no more."

    def _rows(self, values: Any, width: int) -> FloatArray:
        """Values of the view in the order of our bodies; a copy, for the view fills its buffers anew."""
        table: FloatArray = np.array(values, dtype=float).reshape(-1, width)[self._order]
        return table

    def _unrows(self, values: FloatArray) -> Any:
        table = np.empty(values.shape, dtype=np.float32)
        table[self._order] = values
        return table


_REPAIR = "Repair what the message names; it speaks of prim paths."


def _vector(value: Any) -> Vector3:
    return (float(value[0]), float(value[1]), float(value[2]))
