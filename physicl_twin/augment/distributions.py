"""What a property of a variation may be, as a function from a number in (0, 1) to a value."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import Any

from physicl_twin.model import ConfigError, Estimate

Value = float | str


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same in every variation."""

    value: Value

    def quantile(self, u: float) -> Value:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Evenly between two bounds."""

    low: float
    high: float

    def quantile(self, u: float) -> float:
        """Value below which a share ``u`` lies."""
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class LogUniform:
    """Evenly in the logarithm between two positive bounds."""

    low: float
    high: float

    def quantile(self, u: float) -> float:
        """Value below which a share ``u`` lies."""
        return math.exp(math.log(self.low) + u * math.log(self.high / self.low))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, cut off at bounds (which may be infinite)."""

    mean: float
    std: float
    low: float = -math.inf
    high: float = math.inf

    def quantile(self, u: float) -> float:
        """Value below which a share ``u`` of what lies between the bounds lies."""
        if self.std == 0.0:
            return min(max(self.mean, self.low), self.high)
        bell = NormalDist(self.mean, self.std)
        bottom, top = (bell.cdf(x) if math.isfinite(x) else float(x > 0) for x in (self.low, self.high))
        share = min(max(bottom + u * (top - bottom), 1e-16), 1.0 - 1e-16)
        return min(max(bell.inv_cdf(share), self.low), self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values."""

    values: tuple[Value, ...]
    weights: tuple[float, ...]

    def quantile(self, u: float) -> Value:
        """The value in whose share ``u`` lies."""
        bounds = list(accumulate(self.weights))
        return self.values[min(bisect.bisect_right(bounds, u * bounds[-1]), len(self.values) - 1)]


@dataclass(frozen=True, slots=True)
class Posterior:
    """The estimate's own distribution, its width multiplied."""

    width: float = 1.0

    def of(self, estimate: Estimate, u: float) -> float:
        """Value of the estimate at ``u``, with the width about its best value multiplied."""
        if estimate.distribution == "exact" or self.width == 0.0:
            return estimate.value
        drawn = estimate.quantile(u)
        if estimate.distribution == "lognormal":
            return float(estimate.value * (drawn / estimate.value) ** self.width)
        return estimate.value + self.width * (drawn - estimate.value)


Distribution = Fixed | Uniform | LogUniform | Normal | Choice | Posterior


def parse(value: Any) -> Distribution:
    """The distribution that a value of the spec means.

    Raises:
        ConfigError: ``spec_distribution`` saying what is wrong with it.
    """
    if isinstance(value, bool):
        raise _error(f"{value} is no number and no distribution")
    if isinstance(value, (int, float)):
        return Fixed(_finite(value))
    if isinstance(value, str):
        return Posterior() if value == "posterior" else Fixed(value)
    if not isinstance(value, dict):
        raise _error(f"{value!r} is no number and no distribution")
    kinds = [kind for kind in ("uniform", "log_uniform", "normal", "choice", "posterior") if kind in value]
    allowed = {"normal": {"low", "high"}, "choice": {"weights"}}.get(kinds[0] if kinds else "", set())
    strange = set(value) - set(kinds) - allowed
    if len(kinds) != 1 or strange:
        raise _error(f"{value!r} is no distribution" + (f" ({', '.join(sorted(strange))}?)" if strange else ""))
    return _PARSERS[kinds[0]](value)


def _uniform(value: dict[str, Any]) -> Distribution:
    low, high = _pair(value["uniform"], "uniform")
    return Uniform(low, high)


def _log_uniform(value: dict[str, Any]) -> Distribution:
    low, high = _pair(value["log_uniform"], "log_uniform")
    if low <= 0.0:
        raise _error(f"the bounds of log_uniform must be positive, not {low:g}")
    return LogUniform(low, high)


def _normal(value: dict[str, Any]) -> Distribution:
    numbers = value["normal"]
    if not isinstance(numbers, list) or len(numbers) != 2:
        raise _error("normal wants [mean, std]")
    mean, std = _finite(numbers[0]), _finite(numbers[1])
    low, high = float(value.get("low", -math.inf)), float(value.get("high", math.inf))
    if std < 0.0 or low > high:
        raise _error(f"the normal distribution of {value!r} cannot be")
    return Normal(mean, std, low, high)


def _choice(value: dict[str, Any]) -> Distribution:
    values = value["choice"]
    if not isinstance(values, list) or not values or not all(isinstance(v, (int, float, str)) for v in values):
        raise _error("choice wants a list of numbers or texts")
    weights = value.get("weights", [1.0] * len(values))
    if not isinstance(weights, list) or len(weights) != len(values):
        raise _error(f"choice has {len(values)} values and {len(weights)} weights")
    numbers = tuple(_finite(w) for w in weights)
    if min(numbers) < 0.0 or sum(numbers) <= 0.0:
        raise _error("the weights of a choice must not be negative, and not all zero")
    return Choice(tuple(v if isinstance(v, str) else _finite(v) for v in values), numbers)


def _posterior(value: dict[str, Any]) -> Distribution:
    width = _finite(value["posterior"])
    if width < 0.0:
        raise _error(f"the width of a posterior must not be negative, but is {width:g}")
    return Posterior(width)


_PARSERS = {
    "uniform": _uniform,
    "log_uniform": _log_uniform,
    "normal": _normal,
    "choice": _choice,
    "posterior": _posterior,
}


def _pair(numbers: Any, name: str) -> tuple[float, float]:
    if not isinstance(numbers, list) or len(numbers) != 2:
        raise _error(f"{name} wants [low, high]")
    low, high = _finite(numbers[0]), _finite(numbers[1])
    if low > high:
        raise _error(f"{name} has its bounds the wrong way round: {low:g} > {high:g}")
    return low, high


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _error(f"{value!r} is no finite number")
    return float(value)


def _error(message: str) -> ConfigError:
    hint = "See config/randomization/default.toml."
    return ConfigError("spec_distribution", f"{message[0].upper()}{message[1:]}.", hint)
