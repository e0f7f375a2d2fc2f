"""What fits: columns drop by importance and cards wrap as the window gets narrower. Widths are pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: Field of the row.
        title: With the unit; empty in a narrow table's header when there is no room.
        width: Share of what is left once fixed columns are placed; 0 for a fixed one.
        fixed: Pixels of a fixed column.
        least: Table width from which on it is shown.
        right: True for numbers, which are aligned right.
    """

    key: str
    title: str
    width: float
    fixed: int = 0
    least: int = 0
    right: bool = False


def shown(columns: Sequence[Column], width: float) -> tuple[Column, ...]:
    """The columns that a table of that width shows, in their order."""
    return tuple(column for column in columns if width >= column.least)


def per_row(count: int, width: float, least: float, gap: float) -> int:
    """How many cards stand side by side, none narrower than ``least``; rows are filled evenly."""
    most = max(1, min(count, int((width + gap) // (least + gap)))) if count else 1
    rows = -(-count // most)
    return -(-count // rows) if rows else 1


def rows_of(count: int, columns: int) -> tuple[range, ...]:
    """Which cards stand in which row."""
    return tuple(range(start, min(start + columns, count)) for start in range(0, count, columns))


def characters(width: float, size: float = 14.0) -> int:
    """How many characters of text about fit into a width (average advance 0.52 of the size)."""
    return max(4, int(width / (0.52 * size)))


def resampled(xs: Sequence[float], ys: Sequence[float], count: int) -> tuple[float, ...]:
    """A curve at even places: plots have no axis of their own, and records are thinned unevenly.

    Args:
        xs: Ascending.
        ys: As many.
        count: How many places, at least two.
    """
    found, after = [], 0
    for place in range(count):
        at = xs[0] + (xs[-1] - xs[0]) * place / (count - 1)
        while after < len(xs) - 1 and xs[after] < at:
            after += 1
        before = max(after - 1, 0)
        span = xs[after] - xs[before]
        share = (at - xs[before]) / span if span > 0 else 0.0
        found.append(ys[before] + (ys[after] - ys[before]) * share)
    return tuple(found)
