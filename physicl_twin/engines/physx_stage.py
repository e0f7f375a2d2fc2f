"""The stage that PhysX is shown: the user's, under a layer that asks for what we want to read."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_mass import authored_mass
from physicl_twin.engines.usd_reader import describe_mechanism, open_stage
from physicl_twin.engines.usd_shapes import mesh_points
from physicl_twin.model.errors import EngineError

_NO_SLEEP = "physxScene:disableSleeping"


@dataclass(frozen=True, slots=True)
class PhysxStage:
    """A temporary file with the wrapped stage; ``remove`` it when PhysX has read it.

    Attributes:
        file: The wrapper.
        bodies: Prim paths of the dynamic bodies, sorted.
        metres_per_unit: Of the stage.
        kilograms_per_unit: Of the stage.
        notes: What the wrapper could not do.
        mechanism: Its bodies and joints; None when nothing is jointed.
    """

    file: Path
    bodies: tuple[str, ...]
    metres_per_unit: float
    kilograms_per_unit: float
    notes: tuple[str, ...]
    mechanism: SceneDescription | None = None

    def remove(self) -> None:
        """Delete the temporary files."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


def wrap(path: Path, settings: EngineSettings) -> PhysxStage:
    """Wrap a stage so that PhysX reports contacts, and no body starts or falls asleep (asleep, contacts vanish).

    Values that would crash or silently poison the simulation (points, masses that are not finite) are refused here.

    Args:
        path: The user's stage.
        settings: Of the engines.

    Raises:
        EngineError: ``engine_refused_stage``.
    """
    stage = open_stage(path)
    prims = list(Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies()))
    bodies, notes, asleep = [], [], []
    overs: list[tuple[str, str, str, Any, Any]] = []
    for prim in prims:
        where = str(prim.GetPath())
        if prim.IsA(UsdGeom.Mesh) and prim.HasAPI(UsdPhysics.CollisionAPI):
            mesh_points(prim)
        if prim.IsA(UsdPhysics.Scene):
            overs.append((where, "PhysxSceneAPI", _NO_SLEEP, Sdf.ValueTypeNames.Bool, True))
        if not prim.HasAPI(UsdPhysics.RigidBodyAPI):
            continue
        authored_mass(prim)
        api = UsdPhysics.RigidBodyAPI(prim)
        if api.GetRigidBodyEnabledAttr().Get() is False or api.GetKinematicEnabledAttr().Get():
            continue
        bodies.append(where)
        if api.GetStartsAsleepAttr().Get():
            asleep.append(prim)
        if prim.IsInstanceProxy():
            notes.append(f"{where} is inside an instance: PhysX reports its contacts only through the other body.")
        else:
            overs.append(
                (where, "PhysxContactReportAPI", "physxContactReport:threshold", Sdf.ValueTypeNames.Float, 0.0)
            )
    if not bodies:
        raise EngineError(
            "engine_refused_stage",
            f"{path.name} has no rigid body that could move.",
            "Apply PhysicsRigidBodyAPI to the twin's body, or select the variant that does.",
        )
    if any(prim.IsInstanceProxy() for prim in asleep):
        notes.append(
            "Bodies inside instances start asleep: nothing moves until it is touched, and contacts are missing."
        )
        overs = [over for over in overs if over[2] != _NO_SLEEP]
    else:
        kind = Sdf.ValueTypeNames.Bool
        overs += [(str(prim.GetPath()), "", "physics:startsAsleep", kind, False) for prim in asleep]
    file = Path(tempfile.mkdtemp(prefix="physicl_")) / "stage.usda"
    _write(file, path, stage, overs)
    metres, kilograms = UsdGeom.GetStageMetersPerUnit(stage), UsdPhysics.GetStageKilogramsPerUnit(stage)
    jointed = any(prim.IsA(UsdPhysics.Joint) for prim in prims)
    mechanism = describe_mechanism(stage, settings, "physx") if jointed else None
    return PhysxStage(file, tuple(sorted(bodies)), float(metres), float(kilograms), tuple(notes), mechanism)


def _write(file: Path, source: Path, stage: Any, overs: list[tuple[str, str, str, Any, Any]]) -> None:
    layer = Sdf.Layer.CreateNew(str(file))
    layer.subLayerPaths.append(str(source.resolve()))
    root, root_spec = stage.GetRootLayer(), layer.pseudoRoot
    root_spec.SetInfo("metersPerUnit", UsdGeom.GetStageMetersPerUnit(stage))
    root_spec.SetInfo("kilogramsPerUnit", UsdPhysics.GetStageKilogramsPerUnit(stage))
    root_spec.SetInfo("upAxis", UsdGeom.GetStageUpAxis(stage))
    if root.defaultPrim:
        layer.defaultPrim = root.defaultPrim
    for where, schema, attribute, kind, value in overs:
        prim = Sdf.CreatePrimInLayer(layer, where)
        prim.specifier = Sdf.SpecifierOver
        if schema:
            schemas = Sdf.TokenListOp()
            schemas.prependedItems = [schema]
            prim.SetInfo("apiSchemas", schemas)
        Sdf.AttributeSpec(prim, attribute, kind).default = value
    layer.Save()
