"""SimReady_Metadata and the extents hint: read off the composed stage, so that they cannot disagree with it."""

from __future__ import annotations

from typing import Any

from pxr import Gf, Usd, UsdGeom, UsdPhysics

from physicl_twin.model import Twin
from physicl_twin.usd.options import UsdOptions

#: Date that stands for "not stated": the same input has to give the same bytes.
UNSTATED_DATE = "1970-01-01"
#: Variant set of each engine and the stem of its payload.
RUNTIMES = (("PhysX", "physx"), ("Newton", "newton"), ("MuJoCo", "mujoco"))
#: SimReady profile that the asset is written for.
PROFILE, PROFILE_VERSION = "Robotics-Prop", "4.0.0"


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
        "asset_type": "prop",
        "source_file": twin.sources[0].name if twin.sources else twin.name,
        "usd_date_generated": generated[:10] or UNSTATED_DATE,
    }
    bodies = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
    low, high = bounds_m(stage)
    semantics = twin.semantics
    assert semantics is not None  # layout.require_complete
    path = str(root.GetPath())
    metadata = {
        **identity,
        "author": options.author,
        "asset_license": twin.licence or options.unstated_licence,
        "category": semantics.label,
        "qcode": semantics.qcode,
        "rigid_body_count": len(bodies),
        "asset_extents": Gf.Vec3f(*(high - low)),
        "mass": float(sum(UsdPhysics.MassAPI(prim).GetMassAttr().Get() for prim in bodies)),
        "asset_version": str(twin.version),
        "Variants": {
            "Physics": {
                name: {"prim": path, "variantSetName": name, "activateOption": "Enabled"} for name, _ in RUNTIMES
            }
        },
        "validation": {"profile": PROFILE, "profile_version": PROFILE_VERSION},
    }
    # The identity stands at the top level too: older feature versions (SR.001) look for it there.
    return {**identity, "SimReady_Metadata": metadata}


def bounds_m(stage: Usd.Stage) -> tuple[Gf.Vec3d, Gf.Vec3d]:
    """World box around everything that renders, metres."""
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_, UsdGeom.Tokens.render])
    box = cache.ComputeWorldBound(stage.GetDefaultPrim()).ComputeAlignedRange()
    return box.GetMin(), box.GetMax()
