"""Units, root, names, metadata and semantics of the stage."""

from __future__ import annotations

import re

import numpy as np

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.stage_view import all_prims
from physicl_twin.validate.subject import NotChecked, Subject

_QCODE = re.compile(r"Q[1-9]\d*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@check("stage.opens", "The stage opens without errors", "Open the file in usdview, or build the twin again.")
def opens(subject: Subject) -> Findings:
    """The stage opens and all its arcs compose."""
    found = Findings()
    if not found.require(not subject.open_error, subject.usd.name, f"It does not open: {subject.open_error}."):
        return found
    for error in subject.stage.GetCompositionErrors():
        found.require(False, subject.usd.name, str(error).strip().splitlines()[0][:300])
    prims = sum(1 for _ in all_prims(subject.stage))
    found.require(prims > 0, subject.usd.name, "The stage is empty.")
    found.summary = f"{prims} prims in {len(subject.stage.GetUsedLayers(includeClipLayers=False))} layers."
    return found


@check("stage.units", "Lengths are metres, masses kilograms, up is +Z", "Build the twin again with --units and --up.")
def units(subject: Subject) -> Findings:
    """Metres, kilograms, Z up, as SI says and SimReady asks."""
    from pxr import UsdGeom, UsdPhysics

    found = Findings("1 m, 1 kg, Z up.")
    metres, kilograms = UsdGeom.GetStageMetersPerUnit(subject.stage), UsdPhysics.GetStageKilogramsPerUnit(subject.stage)
    up = str(UsdGeom.GetStageUpAxis(subject.stage))
    found.require(metres == 1.0, "", f"metersPerUnit is {metres:g}, not 1.")
    found.require(kilograms == 1.0, "", f"kilogramsPerUnit is {kilograms:g}, not 1.")
    found.require(up == "Z", "", f"upAxis is {up}, not Z.")
    return found


@check("stage.root", "One root prim, at the origin, is the default prim", "Author one root Xform without transform.")
def root(subject: Subject) -> Findings:
    """One root, default prim, identity, kind component or subcomponent."""
    from pxr import Usd, UsdGeom

    found = Findings()
    roots = [p.GetName() for p in subject.stage.GetPseudoRoot().GetChildren()]
    found.require(len(roots) == 1, "", f"There are {len(roots)} root prims: {', '.join(roots[:5])}.")
    default = subject.stage.GetDefaultPrim()
    if not found.require(bool(default), "", "There is no default prim."):
        return found
    matrix = np.array(UsdGeom.Xformable(default).GetLocalTransformation() if default.IsA(UsdGeom.Xformable) else [])
    if found.require(matrix.shape == (4, 4), default.GetName(), "The root is not an Xform."):
        found.require(
            bool(np.array_equal(matrix, np.eye(4))), default.GetName(), "The root has a transform of its own."
        )
    kind = Usd.ModelAPI(default).GetKind()
    found.require(kind == "component", default.GetName(), f"Its kind is {kind or 'not set'}, not component.")
    found.summary = f"/{default.GetName()}, identity, kind component."
    return found


@check("stage.names", "Names are portable and tell one thing from another", "Rename the file, the folder or the prim.")
def names(subject: Subject) -> Findings:
    """ASCII identifiers; folder, file and default prim share the asset's name; no two prims differ by case only."""
    found = Findings()
    stem = subject.usd.stem
    default = subject.stage.GetDefaultPrim()
    if default:
        found.require(
            default.GetName() == stem, default.GetName(), f"The default prim is not named {stem} as the file."
        )
    if subject.twin_dir is not None and subject.has_twin:
        found.require(subject.twin.name == stem, stem, f"twin.json says {subject.twin.name}, the file is {stem}.")
        found.require(subject.twin_dir.name == stem, subject.twin_dir.name, f"The folder is not named {stem}.")
    count = 0
    siblings: dict[str, str] = {}
    for prim in all_prims(subject.stage):
        count += 1
        found.require(bool(_NAME.fullmatch(prim.GetName())), str(prim.GetPath()), "The name is not plain ASCII.")
        key = str(prim.GetPath()).lower()
        found.require(key not in siblings, str(prim.GetPath()), f"Differs from {siblings.get(key)} by case only.")
        siblings[key] = str(prim.GetPath())
    found.summary = f"{count} prim names; file, prim and folder are {stem}."
    return found


@check("stage.size", "The object's size is plausible", "Check the source's unit: build again with --units.")
def size(subject: Subject) -> Findings:
    """Extents between the smallest and the largest thing that a robot meets."""
    found = Findings()
    low, high = subject.number("size_min_m"), subject.number("size_max_m")
    extents = stage_extents(subject)
    text = " × ".join(f"{e:.4g}" for e in extents) + " m"
    found.require(extents.max() <= high, "", f"{text}: larger than {high:g} m.")
    found.require(extents.max() >= low, "", f"{text}: smaller than {low:g} m.")
    found.summary = text + "."
    return found


def stage_extents(subject: Subject) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(3,) extents of everything drawn, computed from the points (authored extents are not trusted), metres.

    Raises:
        NotChecked: When nothing is drawn.
    """
    from pxr import Usd, UsdGeom

    xforms = UsdGeom.XformCache(Usd.TimeCode.Default())
    corners = []
    for prim in all_prims(subject.stage):
        if not prim.IsA(UsdGeom.Mesh):
            continue
        imageable = UsdGeom.Imageable(prim)
        if imageable.ComputePurpose() not in ("default", "render") or imageable.ComputeVisibility() == "invisible":
            continue
        points = np.array(UsdGeom.Mesh(prim).GetPointsAttr().Get() or [], dtype=float).reshape(-1, 3)
        if len(points):
            matrix = np.array(xforms.GetLocalToWorldTransform(prim)).T
            moved = points @ matrix[:3, :3].T + matrix[:3, 3]
            corners += [moved.min(axis=0), moved.max(axis=0)]
    if not corners:
        raise NotChecked("Nothing on the stage is drawn.")
    extents: np.ndarray[tuple[int], np.dtype[np.float64]] = np.ptp(np.array(corners), axis=0)
    return extents


@check(
    "stage.scene", "The asset brings no physics scene of its own", "Remove the PhysicsScene: it belongs to the scene."
)
def scene(subject: Subject) -> Findings:
    """Gravity and solver settings belong to the scene that the asset is placed in, not to the asset."""
    from pxr import UsdPhysics

    found = Findings("None.")
    for prim in all_prims(subject.stage):
        if prim.IsA(UsdPhysics.Scene):
            found.require(False, str(prim.GetPath()), "It would override or double the scene's gravity.")
    return found


@check("stage.metadata", "The metadata says what the stage says", "Build again; do not edit metadata by hand.")
def metadata(subject: Subject) -> Findings:
    """SimReady metadata against the stage: extents, body count, mass, licence, name."""
    data = subject.metadata
    found = Findings()
    if not found.require(bool(data), "", "The root layer has no SimReady metadata."):
        return found
    missing = [k for k in ("asset_name", "asset_extents", "rigid_body_count", "mass", "asset_license") if k not in data]
    if not found.require(not missing, "", f"Missing: {', '.join(missing)}."):
        return found
    extents, stated = stage_extents(subject), np.array(data["asset_extents"], dtype=float)
    off = float(np.abs(extents - stated).max()) if stated.shape == (3,) else float("inf")
    tolerance = max(1e-6, subject.number("extents_relative_tolerance") * float(extents.max()))
    found.require(off <= tolerance, "asset_extents", f"Says {_list(stated)} m, the stage has {_list(extents)} m.")
    bodies = subject.bodies
    count = data["rigid_body_count"]
    rigid = len(subject.all_bodies)
    found.require(count == rigid, "rigid_body_count", f"Says {count}, the stage has {rigid}.")
    total = sum(b.mass or 0.0 for b in bodies)
    mass = float(data["mass"])
    close = abs(mass - total) <= subject.number("mass_relative_tolerance") * abs(total)
    found.require(close, "mass", f"Says {mass:.6g} kg, the bodies weigh {total:.6g} kg.")
    found.require(data["asset_name"] == subject.usd.stem, "asset_name", f"Says {data['asset_name']!r}.")
    if subject.has_twin:
        same = str(data["asset_license"]) == (subject.twin.licence or str(data["asset_license"]))
        found.require(same, "asset_license", f"Says {data['asset_license']!r}, twin.json {subject.twin.licence!r}.")
        qcode = subject.twin.semantics.qcode if subject.twin.semantics else data.get("qcode")
        found.require(data.get("qcode") == qcode, "qcode", f"Says {data.get('qcode')!r}, twin.json {qcode!r}.")
    found.summary = f"{len(bodies)} bodies, {total:.6g} kg, {_list(extents)} m."
    return found


def _list(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return " × ".join(f"{float(v):.4g}" for v in np.ravel(values))


@check("stage.semantics", "The object and its materials say what they are", "Build again, or label the class by hand.")
def semantics(subject: Subject) -> Findings:
    """A Wikidata class on the root, a class label, a material label on every material."""
    from pxr import UsdShade

    found = Findings()
    codes = _labels(subject.root, "wikidata_qcode")
    bad = [c for c in codes if not _QCODE.fullmatch(c)]
    found.require(bool(codes), subject.root.GetName(), "No Wikidata class (semantics:labels:wikidata_qcode).")
    found.require(not bad, subject.root.GetName(), f"Not a Wikidata code: {', '.join(bad)}.")
    if subject.has_twin:
        said = subject.twin.semantics
        if found.require(said is not None, "twin.json", "It has no semantics.") and said is not None and codes:
            found.require(
                said.qcode in codes, subject.root.GetName(), f"Labelled {codes}, twin.json says {said.qcode}."
            )
    materials = [p for p in all_prims(subject.stage) if p.IsA(UsdShade.Material)]
    for prim in materials:
        words = _labels(prim, "material")
        found.require(bool(words) and all(words), str(prim.GetPath()), "The material has no material label.")
    found.summary = f"{', '.join(codes)}; {len(materials)} labelled materials."
    return found


def _labels(prim: object, taxonomy: str) -> list[str]:
    attribute = prim.GetAttribute(f"semantics:labels:{taxonomy}")  # type: ignore[attr-defined]
    return [str(v) for v in attribute.Get() or []] if attribute else []
