"""Which parts of a twin a tracked name means, and with whom the parts go that nobody tracks."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence

from physicl_twin.model import Twin
from physicl_twin.normalize.states.placed import Placed

#: Parts nearer than this are fast to each other; wider rounds follow for what is left, the last for everything
#: (judgement: rounding of coordinates, paint, the clearance of a bearing, and whatever is nearest).
_ROUNDS_M = (3e-5, 1.5e-4, 1e-3, float("inf"))


def parts_of_names(twin: Twin, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Parts that each tracked name means; names that mean nothing are absent.

    A name means the part, the body, or all parts below the assembly node that is called so; letters' case and all but
    letters and digits do not count. Of two names for a part the one of the part itself wins, then that of the deepest
    node.
    """
    wanted = {_plain(name): name for name in names}
    found: dict[str, list[str]] = {}
    for body in twin.bodies:
        for part in body.parts:
            levels = [part.name, *reversed(part.hints.path), body.name]
            told = next((wanted[_plain(level)] for level in levels if _plain(level) in wanted), None)
            if told is not None:
                found.setdefault(told, []).append(part.name)
    return {name: tuple(found[name]) for name in names if name in found}


def _plain(name: str) -> str:
    return re.sub(r"\W|_", "", name.casefold())


def untracked_parts(parts: Sequence[Placed], seeds: dict[str, int], base: int | None) -> dict[str, int]:
    """Group of every part by name, grown from the tracked ones over what touches.

    Whoever is fast to a part of a group, by the most points of contact first, joins it. Without a tracked base the
    largest untracked part starts the group of what stands still.

    Args:
        parts: All, as they stand in the file.
        seeds: Group of each tracked part.
        base: Group that starts from the largest untracked part; None when the base is tracked.
    """
    homes = dict(seeds)
    rest = [part for part in parts if part.name not in homes]
    if base is not None and rest:
        largest = max(rest, key=lambda part: part.size)
        homes[largest.name] = base
    distances: dict[tuple[int, int], tuple[float, int]] = {}

    def contact(i: int, j: int, limit: float) -> tuple[float, int]:
        if (i, j) not in distances:
            away = parts[i].distance(parts[j].points)
            back = parts[j].distance(parts[i].points)
            near = min(float(away.min()), float(back.min()))
            inside = parts[i].holds(parts[j].points) or parts[j].holds(parts[i].points) if near > 0 else False
            near = 0.0 if inside else near
            count = int((away <= _ROUNDS_M[0]).sum() + (back <= _ROUNDS_M[0]).sum())
            distances[i, j] = distances[j, i] = (near, count)
        return distances[i, j]

    index = {part.name: i for i, part in enumerate(parts)}
    for limit in _ROUNDS_M:
        queue: list[tuple[float, float, int, int]] = []

        def reach(i: int, limit: float = limit, queue: list[tuple[float, float, int, int]] = queue) -> None:
            for j, other in enumerate(parts):
                if other.name not in homes:
                    near, count = contact(i, j, limit)
                    if near <= limit:
                        heapq.heappush(queue, (-count, near, j, i))

        for name in list(homes):
            reach(index[name])
        while queue:
            _, _, j, i = heapq.heappop(queue)
            if parts[j].name not in homes:
                homes[parts[j].name] = homes[parts[i].name]
                reach(j)
    return homes
