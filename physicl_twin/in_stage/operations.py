"""Making prims sim-ready, and deriving their physics anew."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from pxr import Usd, UsdGeom, UsdPhysics

from physicl_twin import settings as shipped_settings
from physicl_twin.in_stage.author import PROPERTIES, Author, carry_out, notes_of
from physicl_twin.in_stage.body_writer import BodyWriter
from physicl_twin.in_stage.report import Approximation, Bodies, InStageOptions, InStageReport, ReadyBody, Skip
from physicl_twin.in_stage.selection import Target, body_of, has_articulation, is_kinematic, prim_at, targets
from physicl_twin.in_stage.weighing import Scale, Weighed
from physicl_twin.model import ConfigError, MaterialError, PhysiclError, UsdError


def make_sim_ready(
    stage: Usd.Stage,
    paths: Sequence[str],
    options: InStageOptions | None = None,
    settings: dict[str, Any] | None = None,
) -> InStageReport:
    """Give prims rigid bodies, colliders, mass properties and physics materials.

    What somebody else has authored stays: a mass is taken as weighed and everything else derived from it, existing
    colliders, bindings and approximations are kept. Doing it twice changes nothing more. Values are in the stage's own
    units; a failure takes everything back.

    Args:
        stage: The stage; its edit target is written to.
        paths: Selected prims.
        options: What is wanted.
        settings: Of the pipeline; the shipped ones by default.

    Raises:
        UsdError: ``no_stage``, ``layer_locked``, ``layer_muted``, ``edit_target_elsewhere``, ``overruled``;
            ``approximation_unknown``, ``bodies_unknown``, ``mass_malformed``, ``triangle_mesh_on_body``.
        MaterialError: A statement that names no material.
    """
    options = options or InStageOptions()
    _check(options)
    author = Author(stage)
    found, skipped, assemblies = targets(stage, paths, options.bodies)
    scale = Scale(stage, found, options, settings if settings is not None else shipped_settings.pipeline())
    if options.approximation == "none":
        _refuse_moving_triangles(found)
    writer = BodyWriter(stage, author, options)
    weighed: list[tuple[Target, Weighed]] = []
    for target in found:
        try:
            one = scale.weigh(target, _stated_mass(stage, target, options))
            writer.require_writable(target.prim.GetName(), one)
            weighed.append((target, one))
        except (MaterialError, ConfigError):  # what is wrong is the statement, not the prim
            raise
        except PhysiclError as error:
            skipped.append(Skip(target.path, error.code, error.message, error.hint))

    def write() -> list[ReadyBody]:
        done: list[ReadyBody] = []
        for target, one in weighed:
            if target.prim and all(target.geometry):
                done.append(writer.body(target, one))
            else:
                skipped.append(Skip(target.path, "prim_gone", f"{target.path} was deleted meanwhile.", "Undo that."))
        for prim in assemblies if options.articulation else ():
            if not has_articulation(prim):
                author.write(prim, ["PhysicsArticulationRootAPI"], [])
        return done

    report = carry_out(author, skipped, write)
    _refuse_overruled(stage, report)
    return report


def renormalize(
    stage: Usd.Stage,
    paths: Sequence[str],
    *,
    materials: Mapping[str, str] | None = None,
    mass_kg: float | None = None,
    settings: dict[str, Any] | None = None,
) -> InStageReport:
    """Derive the physics of sim-ready bodies anew, with what the user states now.

    Args:
        stage: The stage.
        paths: Bodies, or prims in them.
        materials: Name of a piece of geometry (or ``*``) to material.
        mass_kg: Mass of each body, kg.
        settings: Of the pipeline.

    Raises:
        UsdError: As ``make_sim_ready``.
        MaterialError: A material that is not in the table.
    """
    Author(stage)
    bodies: list[str] = []
    skipped: list[Skip] = []
    for path in dict.fromkeys(paths):
        body = body_of(prim_at(stage, path))
        if body is None:
            skipped.append(Skip(path, "no_body", f"{path} is part of no rigid body.", "Make it sim-ready first."))
        else:
            bodies.append(str(body.GetPath()))
    options = InStageOptions(materials=tuple((materials or {}).items()), mass_kg=mass_kg)
    report = make_sim_ready(stage, bodies, options, settings)
    return replace(report, skipped=(*skipped, *report.skipped))


def _check(options: InStageOptions) -> None:
    for name, value, known in (
        ("approximation", options.approximation, get_args(Approximation)),
        ("bodies", options.bodies, get_args(Bodies)),
    ):
        if value not in known:
            raise UsdError(f"{name}_unknown", f"{name} is {value!r}.", f"Take one of {', '.join(known)}.")
    mass = options.mass_kg
    if mass is not None and not (math.isfinite(mass) and mass > 0):
        raise UsdError("mass_malformed", f"The mass is {mass:g} kg.", "Give a positive one, or none to derive it.")


def _refuse_moving_triangles(found: Sequence[Target]) -> None:
    for target in found:
        if not is_kinematic(target.prim) and any(piece.IsA(UsdGeom.Mesh) for piece in target.geometry):
            raise triangles_refused(target.prim.GetName())


def triangles_refused(name: str) -> UsdError:
    """What is said of a body that moves and is to collide as triangles."""
    message = f"{name} moves, and PhysX collides moving meshes as convex shapes or distance fields only."
    return UsdError("triangle_mesh_on_body", message, "Take sdf or convexDecomposition.")


def _refuse_overruled(stage: Usd.Stage, report: InStageReport) -> None:
    """A stronger layer that lists the applied schemas itself makes what was written ineffective."""
    for body in report.bodies:
        prim = stage.GetPrimAtPath(body.path)
        if not prim.HasAPI(UsdPhysics.RigidBodyAPI) or not prim.HasAPI(UsdPhysics.MassAPI):
            report.undo()
            message = f"A stronger layer says which schemas {body.path} has."
            raise UsdError("overruled", message, "Make that layer the edit target.")


def _stated_mass(stage: Usd.Stage, target: Target, options: InStageOptions) -> float | None:
    """What the body weighs, kg, where the user or somebody else on the stage says so."""
    if options.mass_kg is not None:
        return options.mass_kg
    attribute = target.prim.GetAttribute("physics:mass")
    if not attribute or not attribute.HasAuthoredValue():
        return None
    if "physics:mass" in str(notes_of(target.prim).get(PROPERTIES, "")).split():
        return None
    value = float(attribute.Get())
    return value * float(UsdPhysics.GetStageKilogramsPerUnit(stage)) if value > 0 else None
