"""How large things of a class usually are: ``config/class_sizes.toml``, found by the words of a name."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from physicl_twin.ingest.naming import words
from physicl_twin.model import ConfigError
from physicl_twin.model.estimate import Z90
from physicl_twin.settings import read_toml, shipped


@dataclass(frozen=True, slots=True)
class ClassSize:
    """Longest extent of a class.

    Attributes:
        word: The word or phrase that was found.
        low_m: 5 % quantile.
        high_m: 95 % quantile.
    """

    word: str
    low_m: float
    high_m: float

    def log_density(self, extent_m: float) -> float:
        """Density of the natural logarithm of the longest extent (a normal one), per unit of log."""
        mean = 0.5 * math.log(self.low_m * self.high_m)
        std = math.log(self.high_m / self.low_m) / (2.0 * Z90)
        return math.exp(-0.5 * ((math.log(extent_m) - mean) / std) ** 2) / (std * math.sqrt(2.0 * math.pi))


@functools.cache
def _table() -> dict[tuple[str, ...], tuple[float, float]]:
    path = shipped("config", "class_sizes.toml")
    table: dict[tuple[str, ...], tuple[float, float]] = {}
    for row in read_toml(path).get("class", []):
        low, high = row["extent_m"]
        if not 0.0 < low < high:
            raise ConfigError(
                "class_size_invalid", f"{path.name}: the extent of {row['words'][0]!r} is {low} to {high} m."
            )
        for phrase in row["words"]:
            table[words(phrase)] = (float(low), float(high))
    return table


def find_class_size(names: Sequence[str]) -> ClassSize | None:
    """Size of the class that the first telling name mentions, or None.

    In a name the last class word wins (the head noun: a "bottle opener" is an opener), the longest phrase among those
    that end together; a plural s is ignored.
    """
    table = _table()
    longest = max(map(len, table), default=0)
    for name in names:
        found = words(name)
        for end in range(len(found), 0, -1):
            for length in range(min(longest, end), 0, -1):
                phrase = found[end - length : end]
                for variant in (phrase, (*phrase[:-1], phrase[-1].removesuffix("s"))):
                    if variant in table:
                        return ClassSize(" ".join(variant), *table[variant])
    return None
