"""A joint that may be there: what moves how, how far, and what speaks for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from physicl_twin.normalize.joints.scene import Group
from physicl_twin.normalize.joints.twist import Twist


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A joint that may be there.

    Attributes:
        group: Pieces that move.
        partners: Pieces that hold or guide them.
        twist: The motion; it opens in the positive sense.
        lower: Coordinate where it is stopped backwards, radians or metres; None when nothing stops it.
        upper: Likewise forwards.
        pattern: ``pivot``, ``spin``, ``slide`` or ``panel``.
        role: What it is for people, or empty.
        name: Words for it, or empty.
        share: Probability that it moves in this way, given that it moves: one edge of four.
        holders: Pieces that hold it on its axis; empty where nothing does.
        features: What was found, by the name of its weight: 1, or how much of it.
        reasons: The same in sentences.
    """

    group: Group
    partners: Group
    twist: Twist
    lower: float | None
    upper: float | None
    pattern: str
    role: str = ""
    name: str = ""
    share: float = 1.0
    holders: Group = frozenset()
    features: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def log_odds(self, weights: Mapping[str, float]) -> float:
        """Natural logarithm of the odds that it is there: the sum of its features' weights."""
        return sum(weights[name] * value for name, value in self.features.items())

    def probability(self, weights: Mapping[str, float]) -> float:
        """The same as a probability."""
        return self.share / (1.0 + math.exp(-max(-50.0, min(50.0, self.log_odds(weights)))))

    def with_features(self, reasons: tuple[str, ...] = (), **features: float) -> Candidate:
        """The candidate with further features and reasons."""
        return replace(self, features={**self.features, **features}, reasons=self.reasons + reasons)
