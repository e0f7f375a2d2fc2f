"""Coordinates, rates and drives of the joints of a running PhysX simulation.

PhysX keeps coordinates for the joints of articulations only. Those of loose joints, and of joints that are excluded
from their articulation to close a loop, are told from the bodies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ovphysx.types import SimObjectType

from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.physx_runtime import PhysxRuntime
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray


class PhysxJoints:
    """Arrays are in the order of ``paths``.

    Args:
        runtime: The process's PhysX.
        physx: The instance that simulates.
        dictionary: Of the paths of its stage.
        scene: Bodies and joints, with the centres of mass that PhysX has.
        metres_per_unit: Of the stage.
    """

    def __init__(
        self, runtime: PhysxRuntime, physx: Any, dictionary: Any, scene: SceneDescription, metres_per_unit: float
    ) -> None:
        self._runtime, self._physx, self._dictionary = runtime, physx, dictionary
        self._metre = metres_per_unit
        self.mechanism = Mechanism(scene, sliding_first=False)
        joints = self.mechanism.joints
        self.paths = tuple(joint.path for joint in joints)
        self._unit: FloatArray = np.array(
            [math.pi / 180.0 if joint.type == "revolute" else metres_per_unit for joint in joints]
        )
        self._latest: FloatArray = np.array([joint.position for joint in joints])
        # PhysX wraps the angles of hinges without limits; we follow them from one reading to the next.
        self._wraps = np.array(
            [j.type == "revolute" and (j.lower is None or j.upper is None) for j in joints], dtype=bool
        )
        self._queries: list[Any] = []
        self._own: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._is_own: NDArray[np.bool_] = np.zeros(len(self.paths), dtype=bool)
        self._row: dict[int, int] = {}
        self._articulations: Any = None
        self._roots: dict[int, int] = {}
        self.notes: tuple[str, ...] = ()

    def find(self, links: Sequence[str], poses: FloatArray) -> None:
        """Which joints have coordinates in PhysX, and which links are the roots of floating articulations.

        Args:
            links: Paths of the bodies that are links of articulations.
            poses: (N, 7) of the bodies as PhysX has them now.
        """
        wanted = {int(self._dictionary.intern_path(path)): row for row, path in enumerate(self.paths)}
        kind = SimObjectType.ARTICULATION_JOINT
        with self._physx.read_sync(kind, ["jointPosition"]) as result:
            for group in result.groups:
                for handle, tensor in zip(self._dictionary.get_paths(group.prim_list), group.tensors, strict=True):
                    if int(handle) in wanted and tensor.shape[0] == 1:
                        self._row[int(handle)] = wanted[int(handle)]
                del tensor
        if self._row:
            self._queries.append(self._physx.query(kind, prim_paths=sorted(self._row), metadata=False).wait())
        self._own = np.array(sorted(self._row.values()), dtype=np.intp)
        self._is_own[self._own] = True
        if links:
            self._articulations = self._physx.query(SimObjectType.ARTICULATION, metadata=False).wait()
            self._queries.append(self._articulations)
            self._find_roots(set(links), poses)
        if self._row:
            # Before any rate was written, the first forward kinematics leaves rates of its own making behind (measured
            # with ovphysx 0.7 on a robot of 44 joints: up to 6 rad/s).
            self.move(self._read("jointVelocity"))
        self._tell_lost(set(links))

    def _find_roots(self, links: set[str], poses: FloatArray) -> None:
        """The link that stands where a floating articulation's root does; of several, the one PhysX would elect."""
        state = self._read_articulations(("isFixedBase", "rootPosition", "rootOrientation"))
        rows = {path: row for row, path in enumerate(self.mechanism.bodies)}
        for handle, fixed in state["isFixedBase"].items():
            if fixed:
                continue
            here = np.hstack(
                [state["rootPosition"][handle] * self._metre, np.roll(state["rootOrientation"][handle], 1)]
            )
            far = np.linalg.norm(poses[:, :3] - here[:3], axis=1) + np.minimum(
                np.linalg.norm(poses[:, 3:] - here[3:], axis=1), np.linalg.norm(poses[:, 3:] + here[3:], axis=1)
            )
            path = str(self._dictionary.path_to_string(handle))
            members = [row for body, row in rows.items() if body in links]
            close = [row for row in members if far[row] <= min(far[row] for row in members) + 1e-6]
            named = [row for row in close if self.mechanism.bodies[row] == path]
            self._roots[handle] = (named or sorted(close, key=self._eccentricity))[0]

    def _eccentricity(self, row: int) -> int:
        """Joints on the way to the farthest body: PhysX elects the link where it is smallest."""
        neighbours: dict[str, list[str]] = {}
        for child, parent in self.mechanism.tree.parents.items():
            neighbours.setdefault(child, []).append(parent)
            neighbours.setdefault(parent, []).append(child)
        seen, front, steps = {self.mechanism.bodies[row]}, [self.mechanism.bodies[row]], 0
        while front := [other for here in front for other in neighbours.get(here, []) if other not in seen]:
            seen.update(front)
            steps += 1
        return steps

    def _tell_lost(self, links: set[str]) -> None:
        """Joints that should move and that PhysX holds: an articulation's joint to the world is its anchor."""
        held = [
            joint.path
            for row, joint in enumerate(self.mechanism.joints)
            if row not in self._row.values()
            and not joint.closes_loop
            and ({joint.body0, joint.body1} & links)
            and not {joint.body0, joint.body1} <= links
        ]
        self.notes = tuple(
            f"{path}: PhysX holds this joint fixed, for it anchors its articulation to what does not move."
            for path in held
        )
        #: Rows of loose joints whose drives nobody can steer; those of loops keep their targets in silence.
        self._untold: NDArray[np.intp] = np.array(
            [
                row
                for row, joint in enumerate(self.mechanism.joints)
                if joint.drive_stiffness > 0.0 and not self._is_own[row] and self.mechanism.in_tree[row]
            ],
            dtype=np.intp,
        )

    def positions(self, poses: Callable[[], FloatArray]) -> FloatArray:
        """(J,) coordinates; ``poses`` of the bodies are asked for where they are needed."""
        if len(self._own) < len(self.paths):
            self._latest = self.mechanism.positions(poses(), self._latest)
        if len(self._own):
            there, before = self._read("jointPosition"), self._latest
            turns = np.where(self._wraps, np.round((before - there) / (2.0 * np.pi)), 0.0)
            self._latest = np.where(self._is_own, there + 2.0 * np.pi * turns, before)
        return self._latest.copy()

    def rates(self, poses: Callable[[], FloatArray], velocities: Callable[[], FloatArray]) -> FloatArray:
        """(J,) rates."""
        rates = np.zeros(len(self.paths))
        if len(self._own) < len(self.paths):
            rates = self.mechanism.rates(poses(), velocities())
        if len(self._own):
            rates[self._own] = self._read("jointVelocity")[self._own]
        return rates

    def put(self, positions: FloatArray) -> None:
        """Write the coordinates of articulations."""
        self._write("jointPosition", positions)
        self._latest = np.array(positions, dtype=float)
        self._follow()

    def move(self, rates: FloatArray) -> None:
        """Write the rates of articulations."""
        self._write("jointVelocity", rates)
        self._follow()

    def aim(self, targets: FloatArray) -> None:
        """Write the targets of the drives of articulations.

        Raises:
            EngineError: ``engine_cannot`` for a drive of a loose joint, which ovphysx lets nobody steer.
        """
        authored = np.array([self.mechanism.joints[row].drive_target for row in self._untold])
        moved = np.flatnonzero(np.abs(np.asarray(targets, dtype=float)[self._untold] - authored) > 1e-9)
        if len(moved):
            path = self.paths[self._untold[moved[0]]]
            raise EngineError(
                "engine_cannot",
                f"PhysX cannot steer the drive of {path}, a joint outside of any articulation.",
                "Apply PhysicsArticulationRootAPI to the mechanism.",
            )
        self._write("jointPositionTarget", targets)

    def place_roots(self, poses: FloatArray) -> None:
        """Teleport the roots of floating articulations to where bodies at poses (N, 7) have them."""
        if not self._roots:
            return
        names = ("rootPosition", "rootOrientation")
        state = self._read_articulations(names)
        for handle, row in self._roots.items():
            state["rootPosition"][handle] = poses[row, :3] / self._metre
            state["rootOrientation"][handle] = np.roll(poses[row, 3:], -1)
        self._write_articulations(names, state)
        self._follow()

    def push_roots(self, velocities: FloatArray) -> None:
        """Set the velocities of the roots of floating articulations to those of bodies with velocities (N, 6)."""
        if not self._roots:
            return
        names = ("rootLinearVelocity", "rootAngularVelocity")
        state = self._read_articulations(names)
        for handle, row in self._roots.items():
            state["rootLinearVelocity"][handle] = velocities[row, :3] / self._metre
            state["rootAngularVelocity"][handle] = velocities[row, 3:]
        self._write_articulations(names, state)
        self._follow()

    def close(self) -> None:
        """Release the queries."""
        for query in self._queries:
            query.close_sync()
        self._queries, self._articulations = [], None

    def _follow(self) -> None:
        """Let the links' poses and velocities follow the coordinates now, not in the next step."""
        if self._articulations is not None:
            with self._runtime.listening("engine_step_failed", "PhysX could not place an articulation"):
                self._physx.update_articulations_kinematic()
                self._physx.wait_all()

    def _read(self, name: str) -> FloatArray:
        values = np.zeros(len(self.paths))
        with (
            self._runtime.listening("engine_step_failed", "PhysX's joints could not be read"),
            self._physx.read(self._queries[0], [name]).wait() as result,
        ):
            while (group := result.fetch_next().wait()) is not None:
                for handle, tensor in zip(self._dictionary.get_paths(group.prim_list), group.tensors, strict=True):
                    values[self._row[int(handle)]] = float(tensor.numpy()[0])
                    del tensor
                del group
        self._physx.wait_all()
        if not np.isfinite(values).all():
            raise EngineError(
                "engine_step_failed", f"PhysX's {name} is no longer finite.", "Check mass, inertia and drives."
            )
        return values * self._unit

    def _write(self, name: str, values: FloatArray) -> None:
        if not len(self._own):
            return
        told = np.asarray(values, dtype=float) / self._unit
        with (
            self._runtime.listening("engine_step_failed", "PhysX refused a new state of its joints"),
            self._physx.write(self._queries[0], [name]).wait() as session,
        ):
            while (group := session.fetch_next().wait()) is not None:
                for handle, tensor in zip(self._dictionary.get_paths(group.prim_list), group.tensors, strict=True):
                    # On the CPU the tensor is the memory itself: a view costs a tenth of an assignment.
                    view = tensor.numpy()
                    view[...] = told[self._row[int(handle)]]
                    del view, tensor
                session.commit(group).wait()
        self._physx.wait_all()

    def _read_articulations(self, names: Sequence[str]) -> dict[str, dict[int, Any]]:
        columns: dict[str, dict[int, Any]] = {name: {} for name in names}
        with (
            self._runtime.listening("engine_step_failed", "PhysX's articulations could not be read"),
            self._physx.read(self._articulations, list(names)).wait() as result,
        ):
            while (group := result.fetch_next().wait()) is not None:
                name = str(self._dictionary.token_to_string(group.attribute))
                values = np.array(group.tensors[0].numpy(), dtype=float)
                for index, handle in enumerate(self._dictionary.get_paths(group.prim_list)):
                    columns[name][int(handle)] = values[index]
                del group
        self._physx.wait_all()
        return columns

    def _write_articulations(self, names: Sequence[str], columns: dict[str, dict[int, Any]]) -> None:
        with (
            self._runtime.listening("engine_step_failed", "PhysX refused a new state of an articulation"),
            self._physx.write(self._articulations, list(names)).wait() as session,
        ):
            while (group := session.fetch_next().wait()) is not None:
                column = columns[names[group.attribute_index]]
                tensor = group.tensors[0]
                values = [column[int(handle)] for handle in self._dictionary.get_paths(group.prim_list)]
                tensor.assign(np.ascontiguousarray(values, dtype=np.float32).reshape(tuple(tensor.shape)))
                del tensor
                session.commit(group).wait()
        self._physx.wait_all()
