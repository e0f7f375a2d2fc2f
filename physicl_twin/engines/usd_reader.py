"""The physics of a USD stage as a SceneDescription."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Tf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines.inferred_mass import from_shapes
from physicl_twin.engines.joint_properties import JointUnits, Reader, actuator_drive, counts_from_the_start, targets_of
from physicl_twin.engines.mechanism import joint_coordinate
from physicl_twin.engines.scene_description import CollisionShape, DescribedBody, DescribedJoint, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_articulations import ArticulationReader
from physicl_twin.engines.usd_frames import SplitTransform, column_matrix, split, vector3
from physicl_twin.engines.usd_joints import joint_type, read_joint
from physicl_twin.engines.usd_mass import authored_mass
from physicl_twin.engines.usd_materials import MaterialReader
from physicl_twin.engines.usd_shapes import ShapeReader
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Pose, Vector3

#: Standard gravity as Omniverse rounds it, m/s2: what a stage without a stated magnitude gets.
DEFAULT_GRAVITY_MPS2 = 9.81


def open_stage(path: Path) -> Any:
    """The composed USD stage of a file.

    Raises:
        EngineError: ``engine_refused_stage`` when it cannot be opened or a layer of it is missing.
    """
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise EngineError(
            "engine_refused_stage", f"{path.name} cannot be opened as a USD stage.", "Check that the file is whole."
        ) from error
    errors = stage.GetCompositionErrors()
    if errors:
        raise EngineError(
            "engine_refused_stage",
            f"{path.name} refers to layers or prims that cannot be composed ({len(errors)} errors).",
            "Check that all files of the asset are there.",
        )
    return stage


def describe(stage: Any, settings: EngineSettings, reader: Reader = "mujoco") -> SceneDescription:
    """Bodies, colliders, joints and materials of a stage.

    Args:
        stage: ``Usd.Stage``.
        settings: Default friction and the size of hulls.
        reader: Engine whose attributes win where the stage states a joint's losses for several.

    Raises:
        EngineError: ``engine_refused_stage`` for values that no engine can simulate (not finite, no mass, no volume).
    """
    return _Reader(stage, settings, reader).read()


def describe_mechanism(stage: Any, settings: EngineSettings, reader: Reader) -> SceneDescription:
    """Where the bodies of a stage stand and how joints connect them: ``describe`` without colliders and masses.

    Args:
        stage: ``Usd.Stage``.
        settings: As for ``describe``.
        reader: As for ``describe``.
    """
    return _Reader(stage, settings, reader).read(weigh=False)


@dataclass(slots=True)
class _BodyPrim:
    prim: Any
    placed: SplitTransform
    shapes: list[CollisionShape] = field(default_factory=list)


class _Reader:
    def __init__(self, stage: Any, settings: EngineSettings, reader: Reader) -> None:
        self._stage, self._for = stage, reader
        self._mpu = float(UsdGeom.GetStageMetersPerUnit(stage))
        self._kpu = float(UsdPhysics.GetStageKilogramsPerUnit(stage))
        self._notes: list[str] = []
        self._cache = UsdGeom.XformCache()
        self._materials = MaterialReader(self._kpu / self._mpu**3, settings.default_friction)
        self._shapes = ShapeReader(self._mpu, settings.max_hull_vertices, self._notes)

    def read(self, *, weigh: bool = True) -> SceneDescription:
        self._weigh = weigh
        prims = list(Usd.PrimRange.Stage(self._stage, Usd.TraverseInstanceProxies()))
        self._first_scene = next((str(prim.GetPath()) for prim in prims if prim.IsA(UsdPhysics.Scene)), "")
        self._bodies = {
            str(prim.GetPath()): _BodyPrim(prim, split(self._world(prim)))
            for prim in prims
            if prim.HasAPI(UsdPhysics.RigidBodyAPI)
            and UsdPhysics.RigidBodyAPI(prim).GetRigidBodyEnabledAttr().Get() is not False
        }
        static: list[CollisionShape] = []
        for prim in prims:
            if (
                weigh
                and prim.HasAPI(UsdPhysics.CollisionAPI)
                and (UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr().Get() is not False)
            ):
                self._collider(prim, static)
        bodies = tuple(self._body(path, self._bodies[path]) for path in sorted(self._bodies))
        joints = [joint for prim in prims if prim.IsA(UsdPhysics.Joint) for joint in self._joint(prim)]
        joints = self._actuated(prims, sorted(joints, key=lambda joint: joint.path))
        mechanisms = ArticulationReader(self._stage, self._owner, tuple(self._bodies), joints, self._notes)
        articulations, pairs = mechanisms.articulations(prims), mechanisms.filtered_pairs(prims)
        scene = SceneDescription(
            self._gravity(prims),
            bodies,
            tuple(sorted(static, key=lambda shape: shape.path)),
            tuple(joints),
            tuple(self._notes),
            self._bounce_threshold_mps(prims),
            articulations,
            pairs,
        )
        return replace(scene, joints=self._following(tuple(self._standing(scene, joint) for joint in joints)))

    def _following(self, joints: tuple[DescribedJoint, ...]) -> tuple[DescribedJoint, ...]:
        """With offsets of mimics that count from zero, where they count from the start."""
        starts = {joint.path: joint.position for joint in joints}

        def counted(joint: DescribedJoint) -> DescribedJoint:
            if joint.mimic_of not in starts:
                return joint
            if not counts_from_the_start(self._stage.GetPrimAtPath(joint.path), self._for):
                return joint
            shift = joint.position - joint.mimic_multiplier * starts[joint.mimic_of]
            return replace(joint, mimic_offset=joint.mimic_offset + shift)

        return tuple(counted(joint) for joint in joints)

    def _standing(self, scene: SceneDescription, joint: DescribedJoint) -> DescribedJoint:
        """With the coordinate of the bodies' poses where the stage states none."""
        if joint.type not in ("revolute", "prismatic"):
            return joint
        instance = "angular" if joint.type == "revolute" else "linear"
        stated = self._stage.GetPrimAtPath(joint.path).GetAttribute(f"state:{instance}:physics:position")
        return joint if stated and stated.Get() is not None else replace(joint, position=joint_coordinate(scene, joint))

    def _actuated(self, prims: list[Any], joints: list[DescribedJoint]) -> list[DescribedJoint]:
        """With the drives that MuJoCo's actuators are; a joint's own drive, which every engine reads, wins."""
        drives: dict[str, dict[str, Any]] = {}
        kinds = {joint.path: joint.type for joint in joints}
        for prim in prims:
            if str(prim.GetTypeName()) != "MjcActuator":
                continue
            for target in map(str, targets_of(prim, "mjc:target")):
                found = actuator_drive(prim, JointUnits.of(kinds.get(target, ""), self._mpu, self._kpu))
                if target in kinds:
                    # Without gains it is a motor that waits to be told: nothing tells it here.
                    drives |= {target: found} if found else {}
                else:
                    self._notes.append(f"{prim.GetPath()}: an actuator that is no drive of a joint was left out.")
        return [j if j.driven or j.path not in drives else replace(j, **drives[j.path]) for j in joints]

    def _world(self, prim: Any) -> FloatArray:
        return column_matrix(self._cache.GetLocalToWorldTransform(prim), self._mpu)

    def _owner(self, prim: Any) -> str:
        """Path of the nearest rigid body at or above a prim; empty for none."""
        while prim and not prim.IsPseudoRoot():
            if str(prim.GetPath()) in self._bodies:
                return str(prim.GetPath())
            prim = prim.GetParent()
        return ""

    def _collider(self, prim: Any, static: list[CollisionShape]) -> None:
        owner = self._bodies.get(self._owner(prim))
        world = self._world(prim)
        to_owner = np.linalg.inv(owner.placed.pose.matrix()) @ world if owner else world
        dynamic = owner is not None and not _kinematic(owner.prim)
        shape = self._shapes.read(prim, to_owner, self._materials.of_collider(prim), dynamic)
        if shape is None:
            return
        if owner:
            owner.shapes.append(shape)
        else:
            static.append(replace(shape, scene=self._scene_of(UsdPhysics.CollisionAPI(prim))))

    def _scene_of(self, api: Any) -> str:
        """The simulation owner of a body or static collider; the first scene where none is stated, as USD wants it."""
        targets = api.GetSimulationOwnerRel().GetTargets()
        return str(targets[0]) if targets else self._first_scene

    def _body(self, path: str, body: _BodyPrim) -> DescribedBody:
        shapes = tuple(sorted(body.shapes, key=lambda shape: shape.path))
        kinematic = _kinematic(body.prim)
        mass, com, diagonal, axes = self._mass_properties(path, body, shapes, kinematic)
        api = UsdPhysics.RigidBodyAPI(body.prim)
        turn = split(column_matrix(self._cache.GetParentToWorldTransform(body.prim), self._mpu)).pose.rotation()
        linear = turn @ np.array(vector3(api.GetVelocityAttr().Get() or (0, 0, 0), self._mpu))
        angular = turn @ np.array(vector3(api.GetAngularVelocityAttr().Get() or (0, 0, 0), math.pi / 180.0))
        locked = int(body.prim.GetAttribute("physxRigidBody:lockedRotAxis").Get() or 0)
        if locked not in (0, 7) or body.prim.GetAttribute("physxRigidBody:lockedPosAxis").Get():
            self._notes.append(f"{path}: locked axes other than all three rotations were ignored.")
        return DescribedBody(
            path,
            body.placed.pose,
            shapes,
            mass,
            com,
            diagonal,
            axes,
            kinematic,
            tuple(float(v) for v in (*linear, *angular)),  # type: ignore[arg-type]
            rotation_locked=locked == 7,
            gravity=not body.prim.GetAttribute("physxRigidBody:disableGravity").Get(),
            scene=self._scene_of(api),
        )

    def _mass_properties(
        self, path: str, body: _BodyPrim, shapes: tuple[CollisionShape, ...], kinematic: bool
    ) -> tuple[float, Vector3, Vector3, tuple[float, float, float, float]]:
        stated = authored_mass(body.prim)
        inertia = vector3(stated.diagonal_inertia, self._kpu * self._mpu**2) if stated.diagonal_inertia else None
        com = vector3(np.array(stated.com) * self._mpu * body.placed.scale) if stated.com else None
        if stated.mass and com is not None and inertia is not None:
            return stated.mass * self._kpu, com, inertia, stated.principal_wxyz
        if kinematic or not self._weigh:
            return 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0)
        density = stated.density * self._kpu / self._mpu**3 if stated.density else None
        mass, centre, tensor = from_shapes(path, shapes, density, stated.mass * self._kpu if stated.mass else None)
        com = com if com is not None else vector3(centre)
        if inertia is not None:
            return mass, com, inertia, stated.principal_wxyz
        diagonal, axes = np.linalg.eigh(tensor)
        axes[:, 2] *= np.linalg.det(axes)
        frame = np.eye(4)
        frame[:3, :3] = axes
        return mass, com, vector3(diagonal), Pose.from_matrix(frame).quaternion_wxyz

    def _joint(self, prim: Any) -> tuple[DescribedJoint, ...]:
        api = UsdPhysics.Joint(prim)
        if api.GetJointEnabledAttr().Get() is False:
            return ()
        kind = joint_type(prim)
        if kind is None:
            self._notes.append(f"{prim.GetPath()}: a joint of type {prim.GetTypeName()} was left out.")
            return ()
        ends = [self._joint_end(api.GetBody0Rel()), self._joint_end(api.GetBody1Rel())]
        owners = (ends[0][1], ends[1][1])
        if owners[0] == owners[1]:
            self._notes.append(f"{prim.GetPath()}: a joint that connects nothing was left out.")
            return ()
        return (read_joint(prim, kind, (self._mpu, self._kpu), (ends[0][0], ends[1][0]), owners, self._for),)

    def _joint_end(self, relationship: Any) -> tuple[SplitTransform, str]:
        targets = relationship.GetForwardedTargets()
        prim = self._stage.GetPrimAtPath(targets[0]) if targets else None
        if not prim:
            return SplitTransform(Pose(), np.ones(3), False), ""
        owner = self._owner(prim)
        world = self._world(prim)
        to_owner = np.linalg.inv(self._bodies[owner].placed.pose.matrix()) @ world if owner else world
        return split(to_owner), owner

    def _bounce_threshold_mps(self, prims: list[Any]) -> float:
        # Read by name: the PhysX schemas need not be registered. What is not authored is none, as for ovphysx.
        authored = [
            prim.GetAttribute("physxScene:bounceThreshold").Get() for prim in prims if prim.IsA(UsdPhysics.Scene)
        ]
        return min((float(value or 0.0) for value in authored), default=0.0) * self._mpu

    def _gravity(self, prims: list[Any]) -> Vector3:
        up = 1 if str(UsdGeom.GetStageUpAxis(self._stage)) == "Y" else 2
        direction, magnitude = np.zeros(3), -math.inf
        scenes = [UsdPhysics.Scene(prim) for prim in prims if prim.IsA(UsdPhysics.Scene)]
        pulls = {(str(s.GetGravityDirectionAttr().Get()), s.GetGravityMagnitudeAttr().Get()) for s in scenes}
        if len(pulls) > 1:
            self._notes.append("The stage's physics scenes differ in gravity; the first one's was taken.")
        if scenes:
            direction = np.array(vector3(scenes[0].GetGravityDirectionAttr().Get()))
            magnitude = float(scenes[0].GetGravityMagnitudeAttr().Get())
        if not direction.any():
            direction[up] = -1.0
        magnitude = magnitude * self._mpu if math.isfinite(magnitude) and magnitude >= 0 else DEFAULT_GRAVITY_MPS2
        return vector3(direction / np.linalg.norm(direction), magnitude)


def _kinematic(prim: Any) -> bool:
    return bool(UsdPhysics.RigidBodyAPI(prim).GetKinematicEnabledAttr().Get())
