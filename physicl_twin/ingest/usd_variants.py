"""Selects the physics of an asset that hides it in a variant set."""

from __future__ import annotations

from typing import Any

from physicl_twin.model import Note

#: Variants of a set called "physics", the neutral one first: what Isaac Sim's importers write.
_NEUTRAL = ("physics", "physx", "newton", "mujoco")
#: Sets of one engine each, as SimReady assets have them: PhysX says most about joints.
_ENGINES = ("physx", "newton", "mujoco")
_ON = "enabled"


def select_physics(stage: Any) -> list[Note]:
    """Select physics in the session layer where the stage has none without it; what was selected.

    An asset that composes rigid bodies already only gets the opinions of PhysX on top, where it has them in a set of
    their own that is not selected. The asset itself is not changed.
    """
    notes = []
    for prim in [p for p in stage.TraverseAll() if p.HasVariantSets()]:
        sets = prim.GetVariantSets()
        by_name = {name.lower(): name for name in sets.GetNames()}
        wanted: tuple[str, str] | None = None
        if "physics" in by_name and not _has_bodies(stage):
            wanted = _variant(sets.GetVariantSet(by_name["physics"]), _NEUTRAL)
        if wanted is None:
            chosen = [sets.GetVariantSelection(by_name[e]).lower() for e in _ENGINES if e in by_name]
            for engine in _ENGINES if _ON not in chosen else ():
                if engine in by_name and wanted is None:
                    wanted = _variant(sets.GetVariantSet(by_name[engine]), (_ON,))
        if wanted is None:
            continue
        name, value = wanted
        _select(stage, prim, name, value)
        message = f"The variant {value!r} of {name!r} is selected: the asset's physics stands there."
        notes.append(Note("variant_selected", "info", message))
    return notes


def _variant(variants: Any, names: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of the wanted variants that a set has and that is not selected."""
    has = {name.lower(): name for name in variants.GetVariantNames()}
    found = next((has[name] for name in names if name in has), None)
    return None if found is None or variants.GetVariantSelection() == found else (variants.GetName(), found)


def _select(stage: Any, prim: Any, name: str, value: str) -> None:
    from pxr import Sdf

    spec = Sdf.CreatePrimInLayer(stage.GetSessionLayer(), prim.GetPath())
    spec.variantSelections[name] = value


def _has_bodies(stage: Any) -> bool:
    from pxr import Usd, UsdPhysics

    return any(
        prim.HasAPI(UsdPhysics.RigidBodyAPI) or prim.IsA(UsdPhysics.Joint)
        for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())
    )
