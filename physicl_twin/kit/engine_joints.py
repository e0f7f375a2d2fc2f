"""Joints of a stage that the editor's PhysX simulates: told from the bodies, set through the coordinates of PhysX."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.kit.engine_port import PhysicsPort
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray


class KitJoints:
    """Arrays are in the order of ``paths``.

    Args:
        port: The simulation, attached.
        scene: Bodies and joints of its stage.
        metre: Metres in a unit of the stage.
    """

    def __init__(self, port: PhysicsPort, scene: SceneDescription, metre: float) -> None:
        self._port = port
        coms = {body.path: com for body, com in zip(scene.dynamic_bodies, port.coms() * metre, strict=True)}
        bodies = tuple(
            replace(body, com_m=(float(com[0]), float(com[1]), float(com[2])))
            if (com := coms.get(body.path)) is not None
            else body
            for body in scene.bodies
        )
        self._mechanism = Mechanism(replace(scene, bodies=bodies), sliding_first=False)
        joints = self._mechanism.joints
        self.paths: tuple[str, ...] = tuple(joint.path for joint in joints)
        row = {path: index for index, path in enumerate(self.paths)}
        self._dofs = port.dofs()
        self._rows: NDArray[np.intp] = np.array([row.get(path, -1) for path in self._dofs], dtype=np.intp)
        child = {joint.path: body for body, joint in self._mechanism.tree.joints.items()}
        # PhysX counts a coordinate as the child's against its parent, USD as the second body's against the first.
        signs = np.array([-1.0 if child.get(joint.path) == joint.body0 else 1.0 for joint in joints])
        units = np.array([1.0 if joint.type == "revolute" else metre for joint in joints])
        self._scale: FloatArray = signs / units
        self._latest: FloatArray = np.array([joint.position for joint in joints])
        in_tree = np.flatnonzero(self._mechanism.in_tree)
        self._loose = [self.paths[index] for index in in_tree if index not in self._rows]
        #: What could not be offered for this stage.
        self.notes: tuple[str, ...] = ()
        if self._loose and len(self._dofs):
            self.notes = (f"{self._loose[0]}: joints in and outside of articulations are not set together.",)

    def positions(self, poses: FloatArray) -> FloatArray:
        """(J,) coordinates of bodies at poses (N, 7)."""
        self._latest = self._mechanism.positions(poses, self._latest)
        return self._latest.copy()

    def rates(self, poses: FloatArray, velocities: FloatArray) -> FloatArray:
        """(J,) rates of bodies with poses (N, 7) and velocities (N, 6)."""
        return self._mechanism.rates(poses, velocities)

    def put(self, poses: FloatArray, positions: FloatArray) -> FloatArray | None:
        """Set coordinates; poses (N, 7) to give the bodies where no articulation has them."""
        self._latest = positions.copy()
        if not len(self._dofs):
            return self._mechanism.placed(poses, positions)
        self._require_one_kind()
        self._port.set_dof_positions(self._told(positions))
        return None

    def move(self, poses: FloatArray, velocities: FloatArray, rates: FloatArray) -> FloatArray | None:
        """Set rates; velocities (N, 6) to give the bodies where no articulation has them."""
        if not len(self._dofs):
            return self._mechanism.moved(poses, velocities, rates)
        self._require_one_kind()
        self._port.set_dof_velocities(self._told(rates))
        return None

    def aim(self, targets: FloatArray) -> None:
        """Set what the drives of articulations hold.

        Raises:
            EngineError: ``engine_cannot`` for joints outside of any articulation.
        """
        self._require_one_kind()
        self._port.set_dof_targets(self._told(targets))

    def _told(self, values: FloatArray) -> FloatArray:
        """(D,) in PhysX's order, sense and units; of a joint that is none of ours, 0."""
        told: FloatArray = np.where(self._rows >= 0, (values * self._scale)[self._rows], 0.0)
        return told

    def _require_one_kind(self) -> None:
        if self._loose:
            raise EngineError(
                "engine_cannot",
                f"The editor cannot set {self._loose[0]}, a joint outside of any articulation.",
                "Apply PhysicsArticulationRootAPI to the mechanism.",
            )
