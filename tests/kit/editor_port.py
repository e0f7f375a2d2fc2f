"""The port of the editor's engine on ovphysx: real physics below, the editor's manners above."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pxr import UsdGeom, UsdPhysics

from physicl_twin.engines import engine
from physicl_twin.kit.engine_port import PortContact, PortHit


class OvphysxPort:
    """One stage at a time, in stage units and xyzw, contacts in an order of its own, like omni.physx."""

    version = "ovphysx for tests"

    def __init__(self, folder: Path):
        self.folder, self.scene, self.reason, self.attached = folder, None, "", 0

    def busy(self):
        return self.reason or ("another simulation of ours is open." if self.scene else "")

    def attach(self, stage, bodies):
        self.attached += 1
        file = self.folder / f"attached_{self.attached}.usda"
        stage.Flatten().Export(str(file))
        self.metre = UsdGeom.GetStageMetersPerUnit(stage)
        self.kilogram = UsdPhysics.GetStageKilogramsPerUnit(stage)
        self.scene = engine("physx").open(file)
        return tuple(path for path in bodies if path not in self.scene.bodies)

    def detach(self):
        scene, self.scene = self.scene, None
        if scene:
            scene.close()

    def simulate(self, dt_s):
        self.scene.step(dt_s)

    def transforms(self):
        poses = self.scene.poses()
        return np.hstack([poses[:, :3] / self.metre, np.roll(poses[:, 3:], -1, axis=1)])

    def set_transforms(self, values):
        self.scene.set_poses(np.hstack([values[:, :3] * self.metre, np.roll(values[:, 3:], 1, axis=1)]))

    def velocities(self):
        values = self.scene.velocities()
        return np.hstack([values[:, :3] / self.metre, values[:, 3:]])

    def set_velocities(self, values):
        self.scene.set_velocities(np.hstack([values[:, :3] * self.metre, values[:, 3:]]))

    def dofs(self):
        joints = self.scene._joints
        return tuple(joints.paths[row] for row in joints._own) if joints is not None else ()

    def _as_physx(self, values):
        """(D,) as the editor's PhysX has them, as (J,) of the embedded engine."""
        joints = self.scene._joints
        told = self.scene.joint_positions()
        child = {joint.path: body for body, joint in joints.mechanism.tree.joints.items()}
        for row, value in zip(joints._own, values, strict=True):
            joint = joints.mechanism.joints[row]
            sign = -1.0 if child[joint.path] == joint.body0 else 1.0
            told[row] = sign * value * (1.0 if joint.type == "revolute" else self.metre)
        return told

    def set_dof_positions(self, values):
        self.scene.set_joint_positions(self._as_physx(values))

    def set_dof_velocities(self, values):
        self.scene.set_joint_velocities(self._as_physx(values))

    def set_dof_targets(self, values):
        self.scene.set_joint_targets(self._as_physx(values))

    def masses(self):
        return np.array([body.mass_kg for body in self.scene.mass_properties()]) / self.kilogram

    def coms(self):
        return np.array([body.com_m for body in self.scene.mass_properties()]) / self.metre

    def inertias(self):
        unit = self.kilogram * self.metre**2
        return np.array([body.inertia_kgm2 for body in self.scene.mass_properties()]) / unit

    def contacts(self):
        unit = self.metre * self.kilogram
        return tuple(
            # The other way round: the editor's engine must sort.
            PortContact(
                one.body1,
                one.body0,
                tuple(v / self.metre for v in one.position_m),
                tuple(-v for v in one.normal),
                tuple(-v * one.impulse_ns / unit for v in one.normal),
                one.separation_m / self.metre,
            )
            for one in self.scene.contacts()
        )

    def raycast(self, origin, direction, distance):
        hit = self.scene.raycast(tuple(v * self.metre for v in origin), direction, distance * self.metre)
        if hit is None:
            return None
        position = tuple(v / self.metre for v in hit.position_m)
        return PortHit(hit.body, hit.distance_m / self.metre, position, hit.normal)

    def overlap_sphere(self, centre, radius):
        return self.scene.overlaps(tuple(v * self.metre for v in centre), radius * self.metre)
