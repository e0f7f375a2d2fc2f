"""Do the engines believe the mass properties that the twin states?"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from pxr import Usd

from physicl_twin.engines.protocol import Engine, EngineMass
from physicl_twin.model import Body, CheckResult, Twin
from physicl_twin.model.geometry import Pose
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene

_QUANTITIES = ("mass", "centre of mass", "inertia")


def compare_mass_properties(twin: Twin, usd: Path, engine: Engine, tolerance: float) -> tuple[CheckResult, ...]:
    """Read mass, centre of mass and inertia of each body back from an engine and compare with the twin.

    Args:
        twin: As ``twin.json`` says.
        usd: Its interface layer.
        engine: Who reads it.
        tolerance: Largest difference: relative for the mass, of the largest element for the inertia, of the body's
            radius of gyration (or its distance from the origin, if larger) for the centre of mass.

    Returns:
        One result a body.

    Raises:
        EngineError: When the engine refuses the twin.
    """
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        scene = write_rollout_scene(Path(folder) / "mass.usda", usd, engine.name, [Clone(Pose())])
        names = _body_names(scene.path)
        with engine.open(scene.path) as opened:
            masses = opened.mass_properties()
    read = {names.get(mass.body, mass.body): mass for mass in masses}
    if len(masses) == 1 and len(twin.bodies) == 1:
        read = {twin.bodies[0].name: masses[0]}
    return tuple(_compare(body, read.get(body.name), engine, tolerance) for body in twin.bodies)


def _body_names(stage: Path) -> dict[str, str]:
    """Prim path to the name of the twin's body, as the writer recorded it."""
    found = {}
    opened = Usd.Stage.Open(str(stage))  # kept alive: prims of a stage that is gone are no more
    for prim in opened.Traverse():
        name = (prim.GetCustomDataByKey("physicl") or {}).get("body")
        if name:
            found[str(prim.GetPath())] = str(name)
    return found


def _compare(body: Body, mass: EngineMass | None, engine: Engine, tolerance: float) -> CheckResult:
    id_, title = f"engine.{engine.name}.mass", f"{engine.name} simulates the mass properties that the twin states"
    if body.mass_properties is None:
        return CheckResult(id_, title, "not_checked", "The twin states no mass properties.", body.name)
    if mass is None:
        message = f"{engine.name} has no body {body.name}."
        return CheckResult(id_, title, "failed", message, body.name, "Build the twin again.")
    stated = body.mass_properties
    inertia, com = np.array(stated.inertia_kgm2), np.array(stated.com_m)
    gyration_m = float(np.sqrt(np.trace(inertia) / (2.0 * stated.mass.value)))
    errors = (
        abs(mass.mass_kg - stated.mass.value) / stated.mass.value,
        float(np.abs(mass.com_m - com).max()) / max(gyration_m, float(np.linalg.norm(com))),
        float(np.abs(mass.inertia_kgm2 - inertia).max() / np.abs(inertia).max()),
    )
    told = ", ".join(f"{name} {error:.1e}" for name, error in zip(_QUANTITIES, errors, strict=True))
    passed = all(error <= tolerance for error in errors)
    return CheckResult(
        id_,
        title,
        "passed" if passed else "failed",
        f"Relative differences: {told}; {tolerance:.0e} is allowed.",
        body.name,
        ""
        if passed
        else "The USD and twin.json disagree, or the engine inferred what it was told: build the twin again.",
    )
