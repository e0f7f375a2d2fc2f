"""The joint distribution of the parts' masses: shared densities, shared volumes, and what a scale says of their sum.

Part i has the mass ρ V with ln ρ and ln V normal: ln m_i = ln m_i0 + s_ρ z_material + s_V z_shape. Parts of one
material share z_material and instances of one shape share z_shape, so their errors go together, as they do in
reality. (A density or volume that is stated as normal or uniform is carried by its relative standard deviation; below
20 % the difference is under 2 % of the interval.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Estimate
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.sampling import keyed_normals

_NEWTON_STEPS = 60
_CONVERGED = 1e-13


@dataclass(frozen=True, slots=True)
class Load:
    """Mass of a part before anything is weighed.

    Attributes:
        mass_kg: Central volume times central density.
        material: Name of the material, key of the density's draw.
        density_log_std: Standard deviation of ln(density).
        shape: Name of the shape, key of the volume's draw.
        volume_log_std: Standard deviation of ln(volume).
    """

    mass_kg: float
    material: str
    density_log_std: float
    shape: str
    volume_log_std: float


@dataclass(frozen=True, slots=True)
class Weighing:
    """Joint samples of the parts' masses. Column 0 of each array of draws is the central case, the others are samples.

    Attributes:
        loads: The parts.
        draws: (D, 1 + N) standard normal numbers behind the uncertain quantities.
        row: Row of ``draws`` of each quantity: ``("density", material)``, ``("volume", shape)``, ``("model", "")``.
        model_log_std: Spread of the factor common to all parts; 0 without a scale.
    """

    loads: tuple[Load, ...]
    draws: FloatArray
    row: dict[tuple[str, str], int]
    model_log_std: float = 0.0

    @classmethod
    def prior(cls, loads: tuple[Load, ...], seed: int, samples: int, model_log_std: float = 0.0) -> Weighing:
        """What densities and volumes alone say."""
        keys: dict[tuple[str, str], int] = {}
        for load in loads:
            if load.density_log_std > 0:
                keys.setdefault(("density", load.material), len(keys))
            if load.volume_log_std > 0:
                keys.setdefault(("volume", load.shape), len(keys))
        if model_log_std > 0:
            keys[("model", "")] = len(keys)
        draws = np.zeros((len(keys), 1 + samples))
        for (quantity, target), row in keys.items():
            draws[row, 1:] = keyed_normals(seed, target, quantity, samples)
        return cls(loads, draws, keys, model_log_std)

    def terms(self, load: Load) -> tuple[tuple[int, float], ...]:
        """(row, factor) of each draw that moves ln(mass) of a part."""
        found = (
            (("density", load.material), load.density_log_std),
            (("volume", load.shape), load.volume_log_std),
            (("model", ""), self.model_log_std),
        )
        return tuple((self.row[key], factor) for key, factor in found if factor > 0)

    def masses(self, load: Load) -> FloatArray:
        """(1 + N,) masses of a part, kg."""
        exponent = np.zeros(self.draws.shape[1])
        for row, factor in self.terms(load):
            exponent += factor * self.draws[row]
        result: FloatArray = load.mass_kg * np.exp(exponent)
        return result

    def log_volume_change(self, load: Load) -> FloatArray:
        """(1 + N,) ln(volume / central volume) of a part."""
        if load.volume_log_std == 0:
            return np.zeros(self.draws.shape[1])
        change: FloatArray = load.volume_log_std * self.draws[self.row[("volume", load.shape)]]
        return change

    def _log_total(self) -> tuple[FloatArray, FloatArray]:
        """(1 + N,) ln of the total mass and (D, 1 + N) its gradient in the draws."""
        total = np.zeros(self.draws.shape[1])
        gradient = np.zeros_like(self.draws)
        for load in self.loads:
            mass = self.masses(load)
            total += mass
            for row, factor in self.terms(load):
                gradient[row] += factor * mass
        return np.log(total), gradient / total

    def log_gradient(self) -> FloatArray:
        """(D, 1 + N) derivative of ln(total mass) with respect to each draw."""
        return self._log_total()[1]

    def log_total(self) -> FloatArray:
        """(1 + N,) ln of the total mass."""
        return self._log_total()[0]

    def given_total(self, total: Estimate, seed: int) -> Weighing:
        """The joint distribution once the total mass is known.

        Each sample of ln(total) moves towards a draw of what the scale says by the share K = s² / (s² + σ²) of the
        difference, s² being the prior variance of ln(total) and σ² the scale's (conditioning by kriging, Matheron's
        rule): the samples then have the posterior's mean and variance, exactly where ln(total) is normal. The new total
        is met by moving the draws along the gradient of ln(total), in which direction the least improbable change of
        densities and volumes lies: what is least certain moves most. The central case (all draws zero) moves by the
        same rule and is the value that is reported.
        """
        log_total = self.log_total()
        prior_variance = float(log_total[1:].var())
        scale_std = total.log_std
        gain = prior_variance / (prior_variance + scale_std**2)
        heard = np.full(log_total.shape, math.log(total.value))
        if scale_std > 0:
            z = keyed_normals(seed, "total", "mass", len(heard) - 1)
            heard[1:] = np.log(_quantiles(total, z))
        target = log_total + gain * (heard - log_total)
        draws = self.draws.copy()
        current = Weighing(self.loads, draws, self.row, self.model_log_std)
        for _ in range(_NEWTON_STEPS):
            now, gradient = current._log_total()
            miss = target - now
            if float(np.abs(miss).max()) < _CONVERGED:
                break
            draws += gradient * (miss / np.einsum("dn,dn->n", gradient, gradient))
        return current


def _quantiles(estimate: Estimate, z: FloatArray) -> FloatArray:
    """Values of an estimate of a positive quantity at standard normal scores."""
    if estimate.distribution == "uniform":
        from scipy.special import ndtr

        half = (estimate.high - estimate.low) / 1.8  # low and high bound the central 90 %
        values: FloatArray = estimate.value + (2 * ndtr(z) - 1) * half
        return values
    scaled: FloatArray = estimate.value * np.exp(z * estimate.log_std)
    return scaled


def positive_estimate(samples: FloatArray, unit: str, method: str, flags: tuple[str, ...] = ()) -> Estimate:
    """An estimate from a central case and samples: normal below 5 % spread, lognormal above.

    Args:
        samples: (1 + N,), the central case first; all positive.
        unit: SI unit.
        method: How it was obtained.
        flags: Warnings.
    """
    value = float(samples[0])
    log_std = float(np.log(samples[1:]).std())
    if log_std < 1e-12:
        return Estimate.exact(value, unit, method, (), flags)
    if log_std < 0.05:
        return Estimate.normal(value, value * log_std, unit, method, (), flags)
    return Estimate.lognormal(value, log_std, unit, method, (), flags)
