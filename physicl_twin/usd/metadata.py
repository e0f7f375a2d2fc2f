"""SimReady_Metadata and the extents hint: read off the composed stage, so that they cannot disagree with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Tf, Usd, UsdGeom, UsdPhysics

from physicl_twin.model import Twin
from physicl_twin.usd.options import UsdOptions
from physicl_twin.usd.stage_geometry import recorded

#: Date that stands for "not stated": the same input has to give the same bytes.
UNSTATED_DATE = "1970-01-01"
#: Variant set of each engine and the stem of its payload.
RUNTIMES = (("PhysX", "physx"), ("Newton", "newton"), ("MuJoCo", "mujoco"))
#: SimReady profiles that assets are written for: things, and what drives itself.
PROP_PROFILE, ROBOT_PROFILE = ("Robotics-Prop", "4.0.0"), ("Robot-Body", "3.0.0")


def simready_profile(twin: Twin) -> tuple[str, str]:
    """The SimReady profile of a twin and its version: that of robots for a robot, that of props for all else."""
    robot = twin.articulation is not None and twin.articulation.kind == "robot"
    return ROBOT_PROFILE if robot else PROP_PROFILE


def stated_profile(usd: Path) -> tuple[str, str]:
    """The SimReady profile that an asset's metadata names, and its version; that of props when it names none."""
    try:
        layer = Sdf.Layer.FindOrOpen(str(usd))
    except Tf.ErrorException:
        layer = None
    data = dict(layer.customLayerData) if layer is not None else {}
    stated = dict(dict(data.get("SimReady_Metadata", {})).get("validation", {}))
    name = str(stated.get("profile", PROP_PROFILE[0]))
    return name, str(stated.get("profile_version", PROP_PROFILE[1] if name == PROP_PROFILE[0] else ""))


def layer_metadata(stage: Usd.Stage, twin: Twin, options: UsdOptions, generated: str) -> dict[str, Any]:
    """customLayerData of the interface layer.

    Args:
        stage: The composed asset, neutral (no runtime selected).
        twin: For what the stage cannot say: source, class, licence.
        options: Author and the word for an unstated licence.
        generated: ISO date; empty for none.
    """
    root = stage.GetDefaultPrim()
    identity = {
        "asset_name": twin.name,
        "asset_type": "robot" if simready_profile(twin) == ROBOT_PROFILE else "prop",
        "source_file": twin.sources[0].name if twin.sources else twin.name,
        "usd_date_generated": generated[:10] or UNSTATED_DATE,
    }
    bodies = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    low, high = bounds_m(stage)
    semantics = twin.semantics
    assert semantics is not None  # layout.require_complete
    path = str(root.GetPath())
    profile, profile_version = simready_profile(twin)
    moving = [prim for prim in bodies if not {"anchor", "static"} & set(recorded(prim))] or bodies
    metadata = {
        **identity,
        "author": options.author,
        "asset_license": twin.licence or options.unstated_licence,
        "category": semantics.label,
        "qcode": semantics.qcode,
        "rigid_body_count": len(bodies),
        "asset_extents": Gf.Vec3f(*(high - low)),
        # Without what the world holds, whose mass is only there because engines want a number.
        "mass": float(sum(UsdPhysics.MassAPI(prim).GetMassAttr().Get() for prim in moving)),
        "asset_version": str(twin.version),
        "Variants": {
            "Physics": {
                name: {"prim": path, "variantSetName": name, "activateOption": "Enabled"} for name, _ in RUNTIMES
            }
        },
        "validation": {"profile": profile, "profile_version": profile_version},
    }
    # The identity stands at the top level too: older feature versions (SR.001) look for it there.
    return {**identity, "SimReady_Metadata": metadata}


def bounds_m(stage: Usd.Stage) -> tuple[Gf.Vec3d, Gf.Vec3d]:
    """World box around everything that renders, metres; tight: from the points, not from boxes of turned boxes."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    transforms = UsdGeom.XformCache(Usd.TimeCode.Default())
    rendered = (UsdGeom.Tokens.default_, UsdGeom.Tokens.render)
    for prim in Usd.PrimRange(stage.GetDefaultPrim(), Usd.TraverseInstanceProxies()):
        if prim.IsA(UsdGeom.Mesh) and UsdGeom.Imageable(prim).ComputePurpose() in rendered:
            points = np.asarray(UsdGeom.Mesh(prim).GetPointsAttr().Get(), dtype=float)
            matrix = np.asarray(transforms.GetLocalToWorldTransform(prim), dtype=float)
            placed = points @ matrix[:3, :3] + matrix[3, :3]
            low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    return Gf.Vec3d(*low.tolist()), Gf.Vec3d(*high.tolist())
