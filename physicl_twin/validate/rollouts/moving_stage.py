"""A temporary stage with one copy of a twin with joints, its drives and its base as a rollout wants them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.engines.scene_description import DescribedJoint
from physicl_twin.model.geometry import Pose
from physicl_twin.usd.joints import WIDE
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene
from physicl_twin.validate.rollouts.moving import MovingTwin

_FREE = 3.4028234e38  # what USD's float has for an unbounded force


@dataclass(frozen=True, slots=True)
class Gains:
    """A drive of a joint.

    Attributes:
        stiffness: N m/rad or N/m.
        damping: N m s/rad or N s/m.
        target: Radians or metres.
    """

    stiffness: float
    damping: float
    target: float


#: A drive that does nothing.
OFF = Gains(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Setup:
    """How a rollout wants the twin.

    Attributes:
        gravity_mps2: Downwards.
        drives: By row of the joint; those that are not named stay as they are.
        hold_base: True to fix what nothing holds to the world.
        drag: False to switch off PhysX's own damping of bodies, which no physics accounts for.
        energy_true: True to let PhysX solve by PGS: its default, TGS, feeds energy into articulations, in proportion to
            the time step (tests/engines/test_joint_mechanics.py). Not where loops are closed: PGS does not hold them.
        contacts: False to let its bodies pass through each other.
        limits: False to let its joints turn and slide on and on, as fast as they will.
    """

    gravity_mps2: float = 0.0
    drives: Mapping[int, Gains] = field(default_factory=dict)
    hold_base: bool = True
    drag: bool = True
    energy_true: bool = False
    contacts: bool = True
    limits: bool = True


@contextmanager
def open_moving(twin: MovingTwin, engine: Engine, setup: Setup) -> Iterator[EngineScene]:
    """Simulate a twin in its own frame; its joints are in the order of ``twin.joints``.

    Raises:
        EngineError: When the engine refuses it.
    """
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        written = write_rollout_scene(
            Path(folder) / "moving.usda", twin.usd, engine.name, [Clone(Pose())], gravity_mps2=setup.gravity_mps2
        )
        stage = Usd.Stage.Open(str(written.path))
        _Editor(stage, twin).edit(setup)
        stage.GetRootLayer().Save()
        with engine.open(written.path) as scene:
            yield scene


class _Editor:
    def __init__(self, stage: Any, twin: MovingTwin) -> None:
        self._stage, self._twin, self._layer = stage, twin, stage.GetRootLayer()
        self._metre = float(UsdGeom.GetStageMetersPerUnit(stage))
        self._kilogram = float(UsdPhysics.GetStageKilogramsPerUnit(stage))

    def edit(self, setup: Setup) -> None:
        """Write what the setup says."""
        if setup.hold_base:
            self._hold()
        if setup.energy_true and not self._twin.mechanism.tree.loops:
            for prim in [prim for prim in self._stage.Traverse() if prim.IsA(UsdPhysics.Scene)]:
                solver = prim.CreateAttribute("physxScene:solverType", Sdf.ValueTypeNames.Token)
                solver.Set("PGS")
        if not setup.contacts:
            self._pass_through()
        with Sdf.ChangeBlock():
            if not setup.limits:
                for joint in self._twin.joints:
                    self._without_limits(joint)
            for row, gains in setup.drives.items():
                self._drive(row, gains)
            if not setup.drag:
                for path in self._twin.mechanism.bodies:
                    self._still_air(path)

    def _hold(self) -> None:
        poses = {body.path: body.pose for body in self._twin.scene.bodies}
        for number, path in enumerate(self._twin.floating):
            joint = UsdPhysics.FixedJoint.Define(self._stage, f"/World/hold_{number:03d}")
            joint.CreateBody1Rel().SetTargets([path])
            position, turn = poses[path].position_m, poses[path].quaternion_wxyz
            joint.CreateLocalPos0Attr(Gf.Vec3f(*(value / self._metre for value in position)))
            joint.CreateLocalRot0Attr(Gf.Quatf(*turn))
            self._anchor(joint.GetPrim(), self._stage.GetPrimAtPath(path))

    def _anchor(self, joint: Any, link: Any) -> None:
        """A root schema on the link itself says that the base is free: the joint that holds it takes it over."""
        if not link.HasAPI(UsdPhysics.ArticulationRootAPI):
            return
        roots = ("PhysicsArticulationRootAPI", "PhysxArticulationAPI", "NewtonArticulationRootAPI")
        applied = [name for name in link.GetAppliedSchemas() if name in roots]
        for name in applied:
            joint.AddAppliedSchema(name)
            link.RemoveAppliedSchema(name)
        for attribute in link.GetAuthoredAttributes():
            name = attribute.GetName()
            if name.startswith("physxArticulation:") or name == "newton:selfCollisionEnabled":
                joint.CreateAttribute(name, attribute.GetTypeName()).Set(attribute.Get())

    def _drive(self, row: int, gains: Gains) -> None:
        joint = self._twin.joints[row]
        angular = joint.type == "revolute"
        instance = "angular" if angular else "linear"
        coordinate = math.pi / 180.0 if angular else self._metre
        effort = self._kilogram * self._metre * (self._metre if angular else 1.0)
        prim = self._over(joint.path, f"PhysicsDriveAPI:{instance}")
        for name, value in (
            ("stiffness", gains.stiffness * coordinate / effort),
            ("damping", gains.damping * coordinate / effort),
            ("targetPosition", gains.target / coordinate),
            ("targetVelocity", 0.0),
            ("maxForce", _FREE),
        ):
            _set(prim, f"drive:{instance}:physics:{name}", Sdf.ValueTypeNames.Float, value)
        _set(prim, f"drive:{instance}:physics:type", Sdf.ValueTypeNames.Token, "force")

    def _pass_through(self) -> None:
        """A group of everything that filters itself: colliders in instances cannot be switched off."""
        group = UsdPhysics.CollisionGroup.Define(self._stage, "/World/pass_through")
        group.GetCollidersCollectionAPI().CreateIncludesRel().SetTargets(["/World"])
        group.CreateFilteredGroupsRel().SetTargets([group.GetPath()])

    def _without_limits(self, joint: DescribedJoint) -> None:
        prim = Sdf.CreatePrimInLayer(self._layer, joint.path)
        _set(prim, "physics:lowerLimit", Sdf.ValueTypeNames.Float, -WIDE)
        _set(prim, "physics:upperLimit", Sdf.ValueTypeNames.Float, WIDE)
        # Only PhysX has a largest speed.
        axis = "angular" if joint.type == "revolute" else "linear"
        for name in (f"physxJointAxis:{axis}", "physxJoint"):
            _set(prim, f"{name}:maxJointVelocity", Sdf.ValueTypeNames.Float, WIDE)

    def _still_air(self, path: str) -> None:
        prim = self._over(path, "PhysxRigidBodyAPI")
        for name in ("linearDamping", "angularDamping"):
            _set(prim, f"physxRigidBody:{name}", Sdf.ValueTypeNames.Float, 0.0)

    def _over(self, path: str, schema: str) -> Any:
        prim = Sdf.CreatePrimInLayer(self._layer, path)
        schemas = prim.GetInfo("apiSchemas") if prim.HasInfo("apiSchemas") else Sdf.TokenListOp()
        schemas.prependedItems = [*(s for s in schemas.prependedItems if s != schema), schema]
        prim.SetInfo("apiSchemas", schemas)
        return prim


def _set(prim: Any, name: str, kind: Any, value: Any) -> None:
    attribute = prim.attributes.get(name) or Sdf.AttributeSpec(prim, name, kind)
    attribute.default = value
