"""What the parts of a twin may hold, decided and made ready for sampling."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from physicl_twin.model import Part, Twin
from physicl_twin.normalize.inside import Inside
from physicl_twin.normalize.makeup import MakeupSettings, Prior, makeup_of
from physicl_twin.normalize.makeup_statement import MakeupStatement
from physicl_twin.normalize.makeup_table import MakeupTable
from physicl_twin.normalize.material_clues import Context


@dataclass(frozen=True, slots=True)
class Insides:
    """What parts may hold, by the name of the part; those that are certainly solid are absent.

    Attributes:
        priors: The possibilities, for people.
        sampled: The same as arrays.
    """

    priors: Mapping[str, Prior]
    sampled: Mapping[str, Inside]


def insides_of(
    twin: Twin, context: Context, settings: MakeupSettings, statements: Mapping[str, MakeupStatement] | None = None
) -> Insides:
    """Decide for every part how it may be made up.

    Args:
        twin: With solids and materials.
        context: The material base with its settings.
        settings: ``[makeup]``.
        statements: What the user states, by the name of the part.
    """
    statements = statements or {}
    table = MakeupTable.load()
    priors: dict[str, Prior] = {}
    sampled: dict[str, Inside] = {}
    for part in (p for body in twin.bodies if not body.static for p in body.parts if p.visible):
        prior = makeup_of(twin, part, context, settings, statements.get(part.name), table)
        if prior.certain:
            continue
        priors[part.name] = prior
        sampled[part.name] = _arrays(twin, part, prior, settings)
    return Insides(priors, sampled)


def _arrays(twin: Twin, part: Part, prior: Prior, settings: MakeupSettings) -> Inside:
    shape, material = twin.shape(part.shape), twin.material(part.material)
    assert shape.solid is not None
    sheet = "open_surface" in shape.solid.volume.flags
    # Parts of one shape and material of which the same is thought share what they hold; others are drawn apart.
    thought = hashlib.sha256(repr(prior.possibilities).encode()).hexdigest()[:12]
    key = f"{part.shape}/{part.material}/{thought}"
    area = shape.geometry.area_m2 if shape.geometry is not None else 0.0
    return Inside.of(
        key, prior.possibilities, prior.densities, material.density, shape.solid.volume.value, area, sheet,
        settings.level_std, settings.assembly_com_std,
    )  # fmt: skip
