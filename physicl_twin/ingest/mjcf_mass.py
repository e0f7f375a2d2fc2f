"""What an MJCF model says about mass, and what only MuJoCo's default density says.

A body has a stated mass when the file has an ``inertial`` for it, or writes a mass or a density for every geom that
weighs. Where MuJoCo took its default of 1000 kg/m3 nobody has stated anything: the mass is left to be derived.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physicl_twin.ingest.affine import matrix3
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.mjcf_model import MjcfGeom, MjcfModel, pose
from physicl_twin.ingest.mjcf_tree import GROUND
from physicl_twin.model import Estimate, Evidence, MassProperties
from physicl_twin.model.geometry import FloatArray

#: MuJoCo's density of a geom that has neither mass nor density written (XML reference, geom/density).
DEFAULT_DENSITY = 1000.0


def is_stated(model: MjcfModel, body: int) -> bool:
    """True when the mass of a body rests on the file alone."""
    if model.bodies[body].explicit or model.settotalmass > 0.0:
        return True
    weighing = [g for g in model.geoms if g.body == body and _weighs(g)]
    return bool(weighing) and all(g.mass is not None or g.density != DEFAULT_DENSITY for g in weighing)


def _weighs(geom: MjcfGeom) -> bool:
    amount = geom.density if geom.mass is None else geom.mass
    return geom.weighs and amount > 0.0 and geom.kind not in GROUND


def mass_properties(
    model: MjcfModel, members: Sequence[tuple[int, FloatArray]], stating: Stating
) -> MassProperties | None:
    """Mass properties of a body of the twin; None when the file does not state all of them.

    Args:
        model: The model.
        members: Bodies of the model that it holds, with their frames in its frame.
        stating: For estimates.
    """
    heavy = [(body, frame) for body, frame in members if model.bodies[body].mass > 0.0]
    if not heavy or not all(is_stated(model, body) for body, _ in heavy):
        return None
    masses = np.array([model.bodies[body].mass for body, _ in heavy])
    total = float(masses.sum())
    placed = [frame @ pose(model.bodies[b].com, model.bodies[b].com_wxyz) for b, frame in heavy]
    centres = np.array([matrix[:3, 3] for matrix in placed])
    com = masses @ centres / total
    inertia = np.zeros((3, 3))
    for (body, _), matrix, mass, centre in zip(heavy, placed, masses, centres, strict=True):
        own = matrix[:3, :3] @ np.diag(model.bodies[body].inertia) @ matrix[:3, :3].T
        arm = centre - com
        inertia += own + mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    inertia = 0.5 * (inertia + inertia.T)
    explicit = all(model.bodies[body].explicit for body, _ in heavy)
    field = "inertial" if explicit else "geom mass or density"
    statement = "Mass, centre of mass and inertia as MuJoCo compiles them from the description."
    if model.settotalmass > 0.0:
        statement += f" The whole model is scaled to {model.settotalmass:g} kg (settotalmass)."
    return MassProperties(
        stating.measured(total, "kg", "a mass of", field),
        (float(com[0]), float(com[1]), float(com[2])),
        (0.0, 0.0, 0.0),
        matrix3(inertia),
        matrix3(np.abs(inertia) * stating.relative_std),
        (Evidence("source", statement, stating.source, field),),
    )


def density_of(geom: MjcfGeom, volume_m3: float, stating: Stating) -> Estimate | None:
    """Density that the file writes for a geom, itself or by a mass; None where it writes neither.

    Args:
        geom: The geom.
        volume_m3: Its volume; not finite or not positive when unknown.
        stating: For estimates.
    """
    if not _weighs(geom) or geom.shell:
        return None
    if geom.mass is not None:
        if not (np.isfinite(volume_m3) and volume_m3 > 0.0):
            return None
        return stating.measured(geom.mass / volume_m3, "kg/m3", "a density (mass over volume) of", "geom mass")
    if geom.density == DEFAULT_DENSITY:
        return None
    return stating.measured(geom.density, "kg/m3", "a density of", "geom density")
