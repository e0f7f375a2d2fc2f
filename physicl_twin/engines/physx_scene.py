"""A running PhysX simulation."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np
import ovstage
from numpy.typing import NDArray
from ovphysx.types import SceneQueryGeometryType, SceneQueryMode, SimObjectType

from physicl_twin.engines.physx_contacts import PhysxContacts
from physicl_twin.engines.physx_joints import PhysxJoints
from physicl_twin.engines.physx_runtime import PhysxRuntime
from physicl_twin.engines.physx_stage import PhysxStage
from physicl_twin.engines.protocol import Contact, EngineMass, RayHit
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Vector3


class PhysxScene:
    """See ``EngineScene``.

    Args:
        runtime: The process's PhysX.
        wrapped: Stage to simulate.
        name: Of the user's file, for messages.
    """

    def __init__(self, runtime: PhysxRuntime, wrapped: PhysxStage, name: str) -> None:
        self._runtime = runtime
        self._bodies = wrapped.bodies
        self._notes: tuple[str, ...] = wrapped.notes
        self._metre, self._kilogram = wrapped.metres_per_unit, wrapped.kilograms_per_unit
        self._queries: list[Any] = []
        self._sensors: PhysxContacts | None = None
        self._stage: Any = runtime.new_stage()
        self._physx: Any = None
        self._dt_s = 0.0
        self._latest: dict[str, FloatArray] | None = None
        self._joints: PhysxJoints | None = None
        mark = runtime.mark()
        try:
            with runtime.listening("engine_refused_stage", f"PhysX refused {name}"):
                self._physx = runtime.new_instance()
                runtime.populate(self._stage, str(wrapped.file))
                self._physx.wait_task(self._physx.attach_ovstage(self._stage, read_ordinal=1))
                # No ``warmup``: it is a step of a nanosecond, in which the smallest overlap becomes a speed of its own.
                self._physx.wait_all()
            self._dictionary: Any = ovstage.PathDictionary(self._stage)
            self._rows = {int(self._dictionary.intern_path(path)): row for row, path in enumerate(self._bodies)}
            with runtime.listening("engine_refused_stage", f"PhysX refused {name}"):
                self._find_bodies(name)
                self._find_joints(wrapped.mechanism)
            self._notes += runtime.warnings_since(mark)
        except BaseException:
            self.close()
            raise

    def _find_bodies(self, name: str) -> None:
        """Queries for our bodies, which PhysX keeps as rigid bodies or as links of articulations."""
        found: set[int] = set()
        self._links: set[int] = set()
        for kind in (SimObjectType.RIGID_BODY, SimObjectType.ARTICULATION_LINK):
            here: set[int] = set()
            with self._physx.read_sync(kind, ["mass"]) as result:
                for group in result.groups:
                    here.update(int(h) for h in self._dictionary.get_paths(group.prim_list) if int(h) in self._rows)
            if not here:
                continue
            if kind == SimObjectType.ARTICULATION_LINK:
                self._links = {self._rows[handle] for handle in here}
            self._queries.append(self._physx.query(kind, prim_paths=sorted(here), metadata=False).wait())
            found |= here
        lost = [path for handle, path in zip(self._rows, self._bodies, strict=True) if handle not in found]
        if lost:
            raise EngineError(
                "engine_refused_stage",
                f"PhysX made no rigid body of {lost[0]} in {name} ({len(lost)} of {len(self._bodies)}).",
                "Check that it is not nested in another rigid body.",
            )
        self._sensors = PhysxContacts(self._runtime, self._physx, self._dictionary, frozenset(self._rows))

    def _find_joints(self, mechanism: SceneDescription | None) -> None:
        if mechanism is None:
            return
        coms = {mass.body: _vector(mass.com_m) for mass in self.mass_properties()}
        bodies = tuple(replace(body, com_m=coms.get(body.path, body.com_m)) for body in mechanism.bodies)
        scene = replace(mechanism, bodies=bodies)
        self._joints = PhysxJoints(self._runtime, self._physx, self._dictionary, scene, self._metre)
        self._joints.find([self._bodies[row] for row in sorted(self._links)], self.poses())
        self._notes += self._joints.notes

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
        self._require_open()
        self._dt_s = dt_s
        self._latest = None
        with self._runtime.listening("engine_step_failed", "PhysX failed in a step"):
            for _ in range(count):
                self._physx.step_sync(dt_s)

    def _state(self) -> dict[str, FloatArray]:
        """Where the bodies are and how they move, read at once: each reading costs as much as many steps."""
        if self._latest is None:
            self._latest = self._read(("position", "orientation", "linearVelocity", "angularVelocity"))
        return self._latest

    def _read(self, names: Iterable[str]) -> dict[str, FloatArray]:
        """Columns of our bodies in our order."""
        self._require_open()
        columns: dict[str, FloatArray] = {}
        with self._runtime.listening("engine_step_failed", "PhysX could not be read"):
            for query in self._queries:
                with self._physx.read(query, list(names)).wait() as result:
                    while (group := result.fetch_next().wait()) is not None:
                        name = str(self._dictionary.token_to_string(group.attribute))
                        rows = [self._rows[int(h)] for h in self._dictionary.get_paths(group.prim_list)]
                        values = np.array(group.tensors[0].numpy(), dtype=float)
                        if name not in columns:
                            columns[name] = np.full((len(self._bodies), *values.shape[1:]), np.nan)
                        columns[name][rows] = values
                        del group
            self._physx.wait_all()
        for name, column in columns.items():
            if not np.isfinite(column).all():
                raise EngineError(
                    "engine_step_failed", f"PhysX's {name} is no longer finite.", "Check mass, inertia and colliders."
                )
        return columns

    def columns(self, names: Iterable[str]) -> dict[str, FloatArray]:
        """Any columns of PhysX's bodies, a row a body; those by shape are padded to the body with most shapes.

        Units are the stage's. For code that must have what the protocol does not offer.
        """
        return self._read(names)

    def set_columns(self, columns: dict[str, FloatArray], rows: NDArray[np.intp]) -> None:
        """Write columns of some bodies; the arrays have a row for every body, as ``columns`` reads them."""
        self._require_open()
        if not len(rows):
            return
        paths = [self._dictionary.intern_path(self._bodies[row]) for row in rows]
        self._latest = None
        with self._runtime.listening("engine_step_failed", f"PhysX refused to set {', '.join(columns)}"):
            query = self._physx.query(
                SimObjectType.RIGID_BODY, prim_paths=sorted(map(int, paths)), metadata=False
            ).wait()
            try:
                self._assign(query, columns)
            finally:
                query.close_sync()

    def _write(self, columns: dict[str, FloatArray], refusal: str) -> None:
        """Write columns of the bodies that are no links."""
        self._require_open()
        self._latest = None
        free = [row for row in range(len(self._bodies)) if row not in self._links]
        if not free:
            return
        with self._runtime.listening("engine_step_failed", f"PhysX refused a new {refusal}"):
            self._assign(self._queries[0], columns)

    def _assign(self, query: Any, columns: dict[str, FloatArray]) -> None:
        """Write columns of the bodies of a query."""
        names = list(columns)
        with self._physx.write(query, names).wait() as session:
            while (group := session.fetch_next().wait()) is not None:
                rows = [self._rows[int(h)] for h in self._dictionary.get_paths(group.prim_list)]
                tensor = group.tensors[0]
                there = tensor.numpy()
                values = columns[names[group.attribute_index]][rows]
                if values.ndim == 2:
                    # By shape: as wide as the body of this query with most shapes; flat when that has one.
                    width = there.shape[1] if there.ndim == 2 else 1
                    values = values[:, :width].reshape(there.shape)
                tensor.assign(np.ascontiguousarray(values, there.dtype))
                del there, tensor
                session.commit(group).wait()
        self._physx.wait_all()

    def poses(self) -> FloatArray:
        """(N, 7) position and wxyz quaternion."""
        self._require_open()
        columns = self._state()
        return np.hstack([columns["position"] * self._metre, np.roll(columns["orientation"], 1, axis=1)])

    def set_poses(self, poses: FloatArray) -> None:
        """Teleport the bodies; links of articulations move as far as their joints allow."""
        wanted = np.asarray(poses, dtype=float)
        quaternion = np.roll(wanted[:, 3:], -1, axis=1)
        self._write({"position": wanted[:, :3] / self._metre, "orientation": quaternion}, "pose")
        if self._joints is not None and self._links:
            self._joints.place_roots(wanted)
            self._joints.put(self._joints.mechanism.positions(wanted, self._joints.positions(self.poses)))
            self._latest = None

    def velocities(self) -> FloatArray:
        """(N, 6) velocity of the centre of mass and angular velocity, world frame."""
        self._require_open()
        columns = self._state()
        return np.hstack([columns["linearVelocity"] * self._metre, columns["angularVelocity"]])

    def set_velocities(self, velocities: FloatArray) -> None:
        """Set velocities; links of articulations take what their joints allow."""
        wanted = np.asarray(velocities, dtype=float)
        self._write({"linearVelocity": wanted[:, :3] / self._metre, "angularVelocity": wanted[:, 3:]}, "velocity")
        if self._joints is not None and self._links:
            rates = self._joints.mechanism.rates(self.poses(), wanted)
            self._joints.push_roots(wanted)
            self._joints.move(rates)
            self._latest = None

    @property
    def joints(self) -> tuple[str, ...]:
        """Prim paths of the movable joints."""
        return self._joints.paths if self._joints is not None else ()

    def joint_positions(self) -> FloatArray:
        """(J,) coordinates, radians or metres."""
        self._require_open()
        return self._joints.positions(self.poses) if self._joints is not None else np.zeros(0)

    def joint_velocities(self) -> FloatArray:
        """(J,) rates of the coordinates."""
        self._require_open()
        return self._joints.rates(self.poses, self.velocities) if self._joints is not None else np.zeros(0)

    def set_joint_positions(self, positions: FloatArray) -> None:
        """Put the joints of the trees somewhere; roots stay where they are."""
        self._require_open()
        if self._joints is None:
            return
        wanted = np.asarray(positions, dtype=float)
        placed = self._joints.mechanism.placed(self.poses(), wanted)
        quaternion = np.roll(placed[:, 3:], -1, axis=1)
        self._write({"position": placed[:, :3] / self._metre, "orientation": quaternion}, "pose")
        self._joints.place_roots(placed)
        self._joints.put(wanted)
        self._latest = None

    def set_joint_velocities(self, velocities: FloatArray) -> None:
        """Set the rates of the joints of the trees."""
        self._require_open()
        if self._joints is None:
            return
        wanted = np.asarray(velocities, dtype=float)
        moved = self._joints.mechanism.moved(self.poses(), self.velocities(), wanted)
        self._write({"linearVelocity": moved[:, :3] / self._metre, "angularVelocity": moved[:, 3:]}, "velocity")
        self._joints.push_roots(moved)
        self._joints.move(wanted)
        self._latest = None

    def set_joint_targets(self, targets: FloatArray) -> None:
        """Where the drives of articulations shall hold their joints."""
        self._require_open()
        if self._joints is not None:
            self._joints.aim(targets)

    def contacts(self) -> tuple[Contact, ...]:
        """Contact points of the last step."""
        self._require_open()
        return self._sensors.read(self._metre, self._kilogram) if self._sensors is not None else ()

    def mass_properties(self) -> tuple[EngineMass, ...]:
        """What PhysX believes about each body."""
        columns = self._read(("mass", "inertia", "centerOfMassPosition"))
        # The column's documentation says "COM frame"; measured, it is about the com in the axes of the body.
        inertia = columns["inertia"].reshape(-1, 3, 3) * self._kilogram * self._metre**2
        return tuple(
            EngineMass(
                path,
                float(columns["mass"][row]) * self._kilogram,
                columns["centerOfMassPosition"][row] * self._metre,
                inertia[row],
            )
            for row, path in enumerate(self._bodies)
        )

    def raycast(self, origin_m: Vector3, direction: Vector3, max_distance_m: float) -> RayHit | None:
        """Nearest collider along a ray."""
        self._require_open()
        self._can("raycast")
        origin = [value / self._metre for value in origin_m]
        unit = np.array(direction, dtype=float) / np.linalg.norm(direction)
        with self._runtime.listening("engine_step_failed", "PhysX failed in a ray cast"):
            hits = self._physx.raycast(
                origin, unit.tolist(), max_distance_m / self._metre, SceneQueryMode.CLOSEST, True
            )
            paths = self._physx.get_scene_query_paths_from_ids([hit["rigid_body"] for hit in hits])
        if not hits:
            return None
        hit = hits[0]
        position = np.array(hit["position"]) * self._metre
        return RayHit(
            paths[0], float(hit["distance"]) * self._metre, _vector(position), _vector(np.array(hit["normal"]))
        )

    def overlaps(self, centre_m: Vector3, radius_m: float) -> tuple[str, ...]:
        """Bodies and static colliders that a sphere touches."""
        self._require_open()
        self._can("overlap")
        with self._runtime.listening("engine_step_failed", "PhysX failed in an overlap query"):
            hits = self._physx.overlap(
                SceneQueryGeometryType.SPHERE,
                position=[value / self._metre for value in centre_m],
                radius=radius_m / self._metre,
            )
            paths = self._physx.get_scene_query_paths_from_ids([hit["rigid_body"] for hit in hits])
        return tuple(sorted(set(paths)))

    def _can(self, query: str) -> None:
        """Scene queries are deprecated in ovphysx 0.7 and nothing has taken their place: say so when they are gone."""
        if not hasattr(self._physx, query):
            raise EngineError(
                "engine_cannot", f"This version of ovphysx offers no {query}.", "Use ovphysx 0.7, or the engine mujoco."
            )

    def close(self) -> None:
        """Release the simulation."""
        physx, stage, self._physx, self._stage = self._physx, self._stage, None, None
        if physx is not None:
            for query in self._queries:
                query.close_sync()
            for one in (self._sensors, self._joints):
                if one is not None:
                    one.close()
            self._queries, self._sensors = [], None
            if physx.is_stage_attached():
                physx.wait_task(physx.detach_ovstage())
            physx.destroy()
        if stage is not None:
            stage.destroy()

    def __enter__(self) -> PhysxScene:
        """The scene itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        # Arrays that PhysX has lent live on in the frames of an error, and PhysX is not destroyed while they do.
        trace = exc_info[2]
        traceback.clear_frames(trace if isinstance(trace, TracebackType) else None)
        self.close()

    def _require_open(self) -> None:
        if self._physx is None:
            raise EngineError("engine_scene_closed", "The simulation is closed.", "Open the stage again.")


def _vector(values: FloatArray) -> Vector3:
    return (float(values[0]), float(values[1]), float(values[2]))
