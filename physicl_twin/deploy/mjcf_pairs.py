"""Friction of the contacts between objects, pair by pair, as MuJoCo's ``<pair>``.

MuJoCo gives a contact the larger coefficient of its two geoms; PhysX takes their average, for which the bodies' values
were fitted, and even that misses a slippery pair such as steel on PTFE. An explicit pair says the number itself: the
cited one where the table of friction pairs has it, the average where it has none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from physicl_twin.deploy.mjcf_spec import Instance
from physicl_twin.engines.mujoco_contact import ROLLS, friction, solref
from physicl_twin.engines.mujoco_spec import SOLIMP
from physicl_twin.engines.scene_description import CollisionShape
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Material, Note
from physicl_twin.normalize.friction_pairs import FrictionTable
from physicl_twin.normalize.material_table import MaterialTable

#: Probability of a material from which on its pair is looked up; below it the average of the bodies' values stands.
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class _Surface:
    """Geoms of one object that share a material.

    Attributes:
        material: What they are made of.
        drawn: Their sliding friction in this model over the twin's.
        shapes: Names and shapes.
    """

    material: Material
    drawn: float
    shapes: tuple[tuple[str, CollisionShape], ...]


def add_pairs(spec: Any, instances: Sequence[Instance], time_step_s: float, settings: EngineSettings, most: int) -> int:
    """Author the friction of contacts between different objects.

    Where the budget does not suffice, the pairs of objects whose friction MuJoCo's own rule misses most come first.

    Args:
        spec: MjSpec with the geoms of the instances.
        instances: What is in it.
        time_step_s: Of the simulation.
        settings: Solver settings.
        most: Number of pairs of geoms to author at most.

    Returns:
        How many pairs of geoms were left to MuJoCo's rule.
    """
    table, pairs = MaterialTable.load(), FrictionTable.load()
    found: list[tuple[float, float, _Surface, _Surface]] = []
    for one, two in itertools.combinations([_surfaces(instance) for instance in instances], 2):
        for a, b in itertools.product(one, two):
            mine, other = (s.shapes[0][1].material.dynamic_friction for s in (a, b))
            wanted = _coefficient(a, b, pairs, table)
            found.append((abs(wanted - max(mine, other)), wanted, a, b))
    found.sort(key=lambda item: -item[0])
    left = 0
    for _, wanted, a, b in found:
        if len(a.shapes) * len(b.shapes) > most:
            left += len(a.shapes) * len(b.shapes)
            continue
        most -= len(a.shapes) * len(b.shapes)
        for (name1, shape1), (name2, shape2) in itertools.product(a.shapes, b.shapes):
            rolls = next((s.kind for s in (shape1, shape2) if s.kind in ROLLS), shape1.kind)
            slides = friction(rolls, wanted, settings.mujoco_rolling_m)
            sliding, torsional, rolling = slides["friction"]
            bounce = 0.5 * (shape1.material.restitution + shape2.material.restitution)
            spec.add_pair(
                name=f"{name1}--{name2}",
                geomname1=name1,
                geomname2=name2,
                condim=slides["condim"],
                friction=[sliding, sliding, torsional, rolling, rolling],
                solref=list(solref(bounce, time_step_s, settings.mujoco_stiffness_steps)),
                solimp=list(SOLIMP),
            )
    return left


def left_out(count: int) -> Note:
    """What is said of pairs over the budget."""
    return Note(
        "pairs_over_budget",
        "info",
        f"{count} pairs of colliders keep MuJoCo's own rule, the larger coefficient of the two.",
        "Raise deploy.mujoco_pairs.",
    )


def _surfaces(instance: Instance) -> list[_Surface]:
    materials = {material.name: material for _, material in instance.layout.physics_materials}
    grouped: dict[str, list[tuple[str, CollisionShape]]] = {}
    for body in instance.scene.bodies:
        for shape in body.shapes:
            grouped.setdefault(shape.material.path, []).append((f"{instance.prefix}{shape.path}", shape))
    return [
        _Surface(
            materials[name],
            shapes[0][1].material.dynamic_friction / max(materials[name].dynamic_friction.value, 1e-9),
            tuple(shapes),
        )
        for name, shapes in grouped.items()
    ]


def _coefficient(a: _Surface, b: _Surface, pairs: FrictionTable, table: MaterialTable) -> float:
    """Sliding friction of two surfaces as they are drawn in this model."""
    average = 0.5 * (a.shapes[0][1].material.dynamic_friction + b.shapes[0][1].material.dynamic_friction)
    if any(s.material.confidence < _SURE or not _known(s.material.table_id, table) for s in (a, b)):
        return average
    pair = pairs.pair(a.material.table_id, b.material.table_id, table)
    if pair is None:
        return average
    if pair.dynamic is not None:
        nominal = pair.dynamic.value
    else:
        assert pair.static is not None
        nominal = pair.static.value * table.dynamic_from_static
    return nominal * math.sqrt(a.drawn * b.drawn)


def _known(target: str, table: MaterialTable) -> bool:
    return target in table.rows or target in table.groups
