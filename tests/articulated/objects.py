"""All families by name, and the sets that tests and benchmarks use."""

from __future__ import annotations

from collections.abc import Callable

from tests.articulated import devices, furniture, rigid
from tests.articulated.recipe import Mechanism

Maker = Callable[[int], Mechanism]
MOVING: dict[str, Maker] = {maker(0).family: maker for maker in (*furniture.FAMILIES, *devices.FAMILIES)}
RIGID: dict[str, Maker] = {maker(0).family: maker for maker in rigid.FAMILIES}
#: Seeds to develop with; those from HELD_OUT on are for the last run alone (100 and 101 have had theirs).
HELD_OUT = 100


def moving(seeds: range) -> list[Mechanism]:
    """One of every family for each seed."""
    return [maker(seed) for seed in seeds for maker in MOVING.values()]


def rigid_things(seeds: range) -> list[Mechanism]:
    """Likewise of what does not move."""
    return [maker(seed) for seed in seeds for maker in RIGID.values()]
