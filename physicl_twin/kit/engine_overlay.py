"""A layer over a stage for the time of a simulation: what we ask of PhysX, and where the bodies are.

It lies below the stage's session layer. Only where the session layer itself says something about the same attribute is
its value set aside, too. When the overlay goes, the stage is as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines.usd_mass import authored_mass
from physicl_twin.engines.usd_shapes import mesh_points
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd import layers

_TRANSFORM = "xformOp:transform:physicl"


class Overlay:
    """See the module.

    Args:
        stage: ``Usd.Stage``.
        name: Of the stage, for messages.

    Raises:
        EngineError: ``engine_refused_stage`` for values that no engine can simulate, or without a body that could move.
    """

    def __init__(self, stage: Any, name: str) -> None:
        self._stage = stage
        self._layer = Sdf.Layer.CreateAnonymous("physicl.usda")
        #: Values of the session layer that are stronger than ours, by path: set aside until the end.
        self._aside: dict[str, Any] = {}
        prims = list(Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies()))
        notes: list[str] = []
        moving = [prim for prim in prims if _moves(prim)]
        if not moving:
            raise EngineError(
                "engine_refused_stage",
                f"{name} has no rigid body that could move.",
                "Apply PhysicsRigidBodyAPI to the twin's body, or select the variant that does.",
            )
        for prim in prims:
            if prim.IsA(UsdGeom.Mesh) and prim.HasAPI(UsdPhysics.CollisionAPI):
                mesh_points(prim)
            if prim.HasAPI(UsdPhysics.RigidBodyAPI):
                authored_mass(prim)
        with Sdf.ChangeBlock():
            self._ask(prims, moving, notes)
        moving.sort(key=lambda prim: str(prim.GetPath()))
        self._shown = [prim for prim in moving if not prim.IsInstanceProxy()]
        #: Prim paths of the dynamic bodies, sorted.
        self.bodies: tuple[str, ...] = tuple(str(prim.GetPath()) for prim in moving)
        #: What could not be asked for.
        self.notes: tuple[str, ...] = tuple(notes)
        #: Units of the stage.
        self.metres_per_unit = float(UsdGeom.GetStageMetersPerUnit(stage))
        self.kilograms_per_unit = float(UsdPhysics.GetStageKilogramsPerUnit(stage))
        self._stretch = {str(prim.GetPath()): _stretch(prim) for prim in self._shown}
        stage.GetSessionLayer().subLayerPaths.insert(0, self._layer.identifier)

    def _ask(self, prims: list[Any], moving: list[Any], notes: list[str]) -> None:
        """Contacts of every body, nobody asleep: asleep, contacts vanish."""
        asleep = [prim for prim in moving if UsdPhysics.RigidBodyAPI(prim).GetStartsAsleepAttr().Get()]
        hidden = any(prim.IsInstanceProxy() for prim in asleep)
        for prim in prims:
            if prim.IsA(UsdPhysics.Scene) and not prim.IsInstanceProxy() and not hidden:
                over = layers.over(self._layer, str(prim.GetPath()), apis=("PhysxSceneAPI",))
                self._write(over, "physxScene:disableSleeping", layers.Types.Bool, True)
        for prim in moving:
            where = str(prim.GetPath())
            if prim.IsInstanceProxy():
                notes.append(f"{where} is inside an instance: PhysX reports its contacts only through the other body.")
                continue
            over = layers.over(self._layer, where, apis=("PhysxContactReportAPI",))
            self._write(over, "physxContactReport:threshold", layers.Types.Float, 0.0)
            if prim in asleep and not hidden:
                self._write(over, "physics:startsAsleep", layers.Types.Bool, False)
        if hidden:
            notes.append("Bodies inside instances start asleep: nothing moves until it is touched.")

    def _write(self, prim: Any, name: str, kind: Any, value: Any, *, uniform: bool = False) -> None:
        """An attribute of ours, and the session layer's own opinion of it, where it has one.

        Values are replaced, not removed: a spec that comes back would stand at another place among its neighbours.
        """
        layers.attribute(prim, name, kind, value, uniform=uniform)
        where = f"{prim.path}.{name}"
        spec = self._stage.GetSessionLayer().GetAttributeAtPath(where)
        if spec is not None and spec.HasDefaultValue():
            self._aside.setdefault(where, spec.default)
            spec.default = value

    def show(self, poses: FloatArray) -> None:
        """Let the stage show the bodies where they are.

        Args:
            poses: (N, 7) position (stage units) and wxyz of ``bodies``, world frame.
        """
        rows = {path: row for row, path in enumerate(self.bodies)}
        with Sdf.ChangeBlock():
            for prim in self._shown:
                where = str(prim.GetPath())
                x, y, z, *turn = (float(value) for value in poses[rows[where]])
                rigid = Gf.Matrix4d(Gf.Rotation(Gf.Quatd(turn[0], *turn[1:])), Gf.Vec3d(x, y, z))
                over = layers.over(self._layer, where)
                if _TRANSFORM not in over.attributes:
                    order = ["!resetXformStack!", _TRANSFORM]
                    layers.attribute(over, _TRANSFORM, layers.Types.Matrix4d, None)
                    self._write(over, "xformOpOrder", layers.Types.TokenArray, order, uniform=True)
                over.attributes[_TRANSFORM].default = self._stretch[where] * rigid

    def remove(self) -> None:
        """Take the layer away; harmless when called again."""
        if not self._stage:  # closed in the meantime: there is nothing left to restore
            return
        session = self._stage.GetSessionLayer()
        for where, value in self._aside.items():
            if (spec := session.GetAttributeAtPath(where)) is not None:
                spec.default = value
        self._aside.clear()
        paths = session.subLayerPaths
        if self._layer.identifier in paths:
            paths.remove(self._layer.identifier)


def _moves(prim: Any) -> bool:
    if not prim.HasAPI(UsdPhysics.RigidBodyAPI):
        return False
    api = UsdPhysics.RigidBodyAPI(prim)
    return api.GetRigidBodyEnabledAttr().Get() is not False and not api.GetKinematicEnabledAttr().Get()


def _stretch(prim: Any) -> Any:
    """What a prim's world matrix holds besides its rigid pose: scale and shear, to be kept when it moves."""
    world = UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(Usd.TimeCode.Default())
    turn = world.RemoveScaleShear()
    stretch = world * turn.GetInverse()
    rest = np.array(stretch)
    rest[3, :3] = 0.0
    return Gf.Matrix4d(rest.tolist())
