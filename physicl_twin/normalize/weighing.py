"""The joint distribution of the parts' masses: shared densities, shared volumes, and what a scale says of their sum.

A solid part i has the mass ρ V with ln ρ and ln V normal: ln m_i = ln m_i0 + s_ρ z_material + s_V z_shape. Parts of one
material share z_material and instances of one shape share z_shape, so their errors go together, as they do in
reality. (A density or volume that is stated as normal or uniform is carried by its relative standard deviation; below
20 % the difference is under 2 % of the interval.) A part that may be hollow, filled or an assembly (``inside``) has a
label besides, which says in each sample which of its possibilities holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from physicl_twin.model import Estimate
from physicl_twin.model.estimate import QUANTILE_LEVELS
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.centres import centres
from physicl_twin.normalize.inside import Held, Inside, Labels
from physicl_twin.normalize.sampling import keyed_normals

_NEWTON_STEPS = 60
_CONVERGED = 1e-13
#: Ridge on the matrix of several anchors, relative to its trace: two that weigh the same parts leave it singular.
_RIDGE = 1e-12
#: Several anchors are met one within the other only to what the parts allow; so many steps without gain end the search.
_GOOD_ENOUGH = 1e-9

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Load:
    """Mass of a part before anything is weighed.

    Attributes:
        mass_kg: Central volume times central density.
        material: Name of the material, key of the density's draw.
        density_log_std: Standard deviation of ln(density).
        shape: Name of the shape, key of the volume's draw.
        volume_log_std: Standard deviation of ln(volume).
        part: Name of the part, for masses that are stated of parts.
        inside: What it may hold, or None when it is solid.
        body: Name of the body that it belongs to; empty where there is only one.
    """

    mass_kg: float
    material: str
    density_log_std: float
    shape: str
    volume_log_std: float
    part: str = ""
    inside: Inside | None = field(default=None, compare=False)
    body: str = ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A weighed mass of some of the parts together.

    Attributes:
        loads: Indices of the parts that were on the scale.
        mass: What it showed, kg.
        name: What was weighed, in words.
    """

    loads: tuple[int, ...]
    mass: Estimate
    name: str


@dataclass(frozen=True, slots=True)
class Weighing:
    """Joint samples of the parts' masses. Column 0 of each array of draws is the central case, the others are samples.

    Attributes:
        loads: The parts.
        draws: (D, 1 + N) standard normal numbers behind the uncertain quantities.
        row: Row of ``draws`` of each quantity: ``("density", material)``, ``("volume", shape)``, ``("model", "")``,
            and of what parts hold ``("wall", key)``, ``("contents", key)``, ``("mean density", key)``.
        labels: (1 + N,) possibility of each part that may be made up in several ways, by the key of its inside.
        place: Index in ``loads`` by the name of the part.
        model_log_std: Spread of the factor common to all parts; 0 without a scale.
        whole: True when all parts together were on the scale, not only those of one body.
    """

    loads: tuple[Load, ...]
    draws: FloatArray
    row: dict[Row, int]
    labels: dict[str, Labels]
    place: dict[str, int]
    model_log_std: float = 0.0
    whole: bool = False
    #: What speaks of all parts together and every body asks for; never carried over to other draws.
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def prior(cls, loads: tuple[Load, ...], seed: int, samples: int, model_log_std: float = 0.0) -> Weighing:
        """What densities, volumes and insides alone say."""
        keys: dict[Row, int] = {}
        labels: dict[str, Labels] = {}
        for load in loads:
            for key in _quantities(load):
                keys.setdefault(key, len(keys))
            inside = load.inside
            if inside is not None and inside.key not in labels:
                from scipy.special import ndtr

                drawn = ndtr(keyed_normals(seed, inside.key, "makeup", samples))
                labels[inside.key] = np.concatenate([[int(np.argmax(inside.weights))], inside.labels(drawn)])
        if model_log_std > 0:
            keys[("model", "")] = len(keys)
        draws = np.zeros((len(keys), 1 + samples))
        for (quantity, target), row in keys.items():
            draws[row, 1:] = keyed_normals(seed, target, quantity, samples)
        return cls(loads, draws, keys, labels, {load.part: i for i, load in enumerate(loads)}, model_log_std)

    @property
    def branching(self) -> bool:
        """True when a part may be made up in several ways: then the central case is the samples' median."""
        return bool(self.labels)

    def load(self, part: str) -> Load:
        """The load of a part (KeyError when it was not weighed)."""
        return self.loads[self.place[part]]

    def masses(self, load: Load) -> FloatArray:
        """(1 + N,) masses of a part, kg; with ``branching`` the first is the one that stands for the others, and those
        of a body add up to the median of its mass (of all parts to that of the total, where that was weighed)."""
        masses = self._evaluate(load)[0]
        if self.branching:
            masses = masses.copy()
            masses[0] = self._centres("" if self.whole else load.body)[load.part]
        return masses

    def _centres(self, body: str) -> dict[str, float]:
        key = f"centres {body}"
        if key not in self._known:
            loads = [load for load in self.loads if not body or load.body == body]
            found = centres(np.stack([self._evaluate(load)[0][1:] for load in loads]))
            self._known[key] = {load.part: float(mass) for load, mass in zip(loads, found, strict=True)}
        known: dict[str, float] = self._known[key]
        return known

    def held(self, load: Load) -> Held | None:
        """Wall and contents of a part in each sample, relative to volume times central density; None when solid."""
        inside = load.inside
        if inside is None:
            return None
        draw = self._draw
        return inside.evaluate(
            self.labels[inside.key],
            draw(("density", load.material)),
            draw(("mean density", inside.key)),
            draw(("wall", inside.key)),
            draw(("contents", inside.key)),
        )

    def _draw(self, key: Row) -> FloatArray:
        return self.draws[self.row[key]] if key in self.row else np.zeros(self.draws.shape[1])

    def _evaluate(self, load: Load) -> tuple[FloatArray, dict[int, FloatArray | float]]:
        """(1 + N,) masses of a part, and by row of draws the derivative of their logarithm."""
        exponent = np.zeros(self.draws.shape[1])
        slopes: dict[int, FloatArray | float] = {}
        terms = [(("volume", load.shape), load.volume_log_std), (("model", ""), self.model_log_std)]
        held = self.held(load)
        if held is None:
            terms.append((("density", load.material), load.density_log_std))
        for key, factor in terms:
            if factor > 0:
                row = self.row[key]
                exponent += factor * self.draws[row]
                slopes[row] = factor
        masses: FloatArray = load.mass_kg * np.exp(exponent)
        if held is None or load.inside is None:
            return masses, slopes
        relative = held.wall + held.contents
        inside = load.inside.key
        if load.volume_log_std > 0:  # a stated wall of a sheet does not depend on the thickness that its volume assumes
            sheet = load.inside.is_sheet[self.labels[inside]]
            row = self.row[("volume", load.shape)]
            masses = np.where(sheet, masses * np.exp(-load.volume_log_std * self.draws[row]), masses)
            slopes[row] = np.where(sheet, 0.0, load.volume_log_std)
        for key, by in (
            (("density", load.material), held.by_density),
            (("mean density", inside), held.by_mean),
            (("wall", inside), held.by_wall),
            (("contents", inside), held.by_contents),
        ):
            if key in self.row:
                slopes[self.row[key]] = by / relative
        return masses * relative, slopes

    def log_volume_change(self, load: Load) -> FloatArray:
        """(1 + N,) ln(volume / central volume) of a part."""
        if load.volume_log_std == 0:
            return np.zeros(self.draws.shape[1])
        change: FloatArray = load.volume_log_std * self.draws[self.row[("volume", load.shape)]]
        return change

    def _log_sum(self, loads: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
        """(1 + N,) ln of the mass of some parts and (D, 1 + N) its gradient in the draws."""
        total = np.zeros(self.draws.shape[1])
        gradient = np.zeros_like(self.draws)
        for index in loads:
            mass, slopes = self._evaluate(self.loads[index])
            total += mass
            for row, slope in slopes.items():
                gradient[row] += slope * mass
        return np.log(total), gradient / total

    @property
    def _all(self) -> tuple[int, ...]:
        return tuple(range(len(self.loads)))

    def log_gradient(self) -> FloatArray:
        """(D, 1 + N) derivative of ln(total mass) with respect to each draw."""
        if "log_gradient" not in self._known:
            self._known["log_gradient"] = self._log_sum(self._all)[1]
        found: FloatArray = self._known["log_gradient"]
        return found

    def log_total(self) -> FloatArray:
        """(1 + N,) ln of the total mass; with ``branching`` the first is the median of the others."""
        return self.log_sum(self._all)

    def log_sum(self, loads: tuple[int, ...]) -> FloatArray:
        """(1 + N,) ln of the mass of some parts; with ``branching`` the first is the median of the others."""
        found = self._log_sum(loads)[0]
        if self.branching:
            found[0] = np.median(found[1:])
        return found

    def z_score(self, anchor: Anchor) -> float:
        """How far a weighed mass lies from what was expected, in standard deviations of a normal distribution.

        For one way of being made up, the difference of the logarithms over their joint spread; for several, the score
        at which a standard normal has the probability that the mixture leaves below the mass.
        """
        std = anchor.mass.log_std
        log_mass = math.log(anchor.mass.value)
        log_prior = self._log_sum(anchor.loads)[0]
        if not self.branching:
            difference, sigma = log_mass - float(log_prior[0]), math.hypot(float(log_prior[1:].std()), std)
            if sigma > 0:
                return difference / sigma
            return 0.0 if abs(difference) < 1e-9 else math.copysign(math.inf, difference)
        from scipy.special import log_ndtr, logsumexp, ndtri_exp

        middle, variance = self._given_labels((anchor,))
        scores = (log_mass - middle[0, 1:]) / np.sqrt(variance[0, 0, 1:] + std**2 + 1e-18)
        below, above = float(logsumexp(log_ndtr(scores))), float(logsumexp(log_ndtr(-scores)))
        count = math.log(len(scores))
        return float(ndtri_exp(below - count)) if below < above else -float(ndtri_exp(above - count))

    def _given_labels(self, anchors: tuple[Anchor, ...]) -> tuple[FloatArray, FloatArray]:
        """(A, 1 + N) ln of each anchor's parts with every draw at zero, and (A, A, 1 + N) their covariance to first
        order: what each sample's labels alone say."""
        centre = replace(self, draws=np.zeros_like(self.draws))
        found = [centre._log_sum(anchor.loads) for anchor in anchors]
        gradients = np.stack([gradient for _, gradient in found])
        return np.stack([log for log, _ in found]), np.einsum("adn,bdn->abn", gradients, gradients)

    def _resampled(self, anchors: tuple[Anchor, ...], heard: FloatArray, noise: FloatArray, seed: int) -> Weighing:
        """Samples drawn again in proportion to how well their labels explain the masses (draws integrated out)."""
        middle, covariance = self._given_labels(anchors)
        spread = np.moveaxis(covariance, 2, 0)[1:] + noise
        miss = (heard[:, None] - middle).T[1:]
        _, log_determinant = np.linalg.slogdet(spread)
        fit = -0.5 * (np.einsum("na,na->n", miss, np.linalg.solve(spread, miss[:, :, None])[:, :, 0]) + log_determinant)
        weights = np.exp(fit - fit.max())
        from scipy.special import ndtr

        start = float(ndtr(keyed_normals(seed, "resampling", "offset", 2)[0]))
        places = (start + np.arange(len(weights))) / len(weights)
        chosen = 1 + np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), places), len(weights) - 1)
        order = np.concatenate([[0], chosen])
        labels = {key: found[order] for key, found in self.labels.items()}
        return replace(self, draws=self.draws[:, order], labels=labels)

    def given(self, anchors: tuple[Anchor, ...], seed: int) -> Weighing:
        """The joint distribution once some masses are known.

        First the labels: samples are drawn again with the probability that their ways of being made up give to what the
        scale shows, with densities, volumes and thicknesses integrated out to first order (a Rao-Blackwellised
        importance step). Then each sample of the logarithms L of the weighed masses moves towards a draw of what the
        scale says by K = C (C + R)⁻¹ of the difference, C being their prior covariance and R the scale's (conditioning
        by kriging, Matheron's rule): the samples then have the posterior's mean and covariance, exactly where L is
        normal. The new masses are met by moving the draws along the gradients of L, in which directions the least
        improbable change of all uncertain quantities lies: what is least certain moves most. The central case (all
        draws zero) moves by the same rule and is the value that is reported.

        Args:
            anchors: Weighed masses; of one part, of several, or of all.
            seed: Key of the draws of what the scale says.
        """
        if not anchors:
            return self
        noise = np.diag([anchor.mass.log_std**2 for anchor in anchors])
        said = np.array([math.log(anchor.mass.value) for anchor in anchors])
        start = self._resampled(anchors, said, noise, seed) if self.branching else self
        logs = np.stack([start._log_sum(anchor.loads)[0] for anchor in anchors])
        if self.branching:
            covariance = np.moveaxis(start._given_labels(anchors)[1], 2, 0)
        else:
            covariance = np.broadcast_to(
                np.atleast_2d(np.cov(logs[:, 1:], bias=True)), (logs.shape[1], len(anchors), len(anchors))
            )
        heard = np.repeat(said[:, None], logs.shape[1], axis=1)
        for index, anchor in enumerate(anchors):
            if anchor.mass.log_std > 0:
                z = keyed_normals(seed, anchor.name, "mass", logs.shape[1] - 1)
                heard[index, 1:] = np.log(_quantiles(anchor.mass, z))
        ridge = _RIDGE * np.trace(covariance, axis1=1, axis2=2)[:, None, None] * np.eye(len(anchors))
        moved = covariance @ np.linalg.solve(covariance + noise + ridge, (heard - logs).T[:, :, None])
        return start._moved_to(anchors, logs + moved[:, :, 0].T)

    def _moved_to(self, anchors: tuple[Anchor, ...], target: FloatArray) -> Weighing:
        """Draws moved along the gradients until the logarithms of the weighed masses are (A, 1 + N) ``target``."""
        draws = self.draws.copy()
        current = replace(self, draws=draws)
        before = math.inf
        for _ in range(_NEWTON_STEPS):
            found = [current._log_sum(anchor.loads) for anchor in anchors]
            miss = target - np.stack([log for log, _ in found])
            worst = float(np.abs(miss).max())
            if worst < _CONVERGED or (worst < _GOOD_ENOUGH and worst >= before):
                break
            before = worst
            gradients = np.stack([gradient for _, gradient in found])
            square = np.einsum("adn,bdn->nab", gradients, gradients)
            square = square + _RIDGE * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(len(anchors))
            step = np.linalg.solve(square, miss.T[:, :, None])[:, :, 0]
            draws += np.einsum("adn,na->dn", gradients, step)
        return current


def _quantities(load: Load) -> list[Row]:
    """Names of the uncertain quantities of a part."""
    found: list[Row] = []
    inside = load.inside
    densities = inside.density_log_std[~inside.is_mean] if inside is not None else np.array([load.density_log_std])
    if (densities > 0).any():
        found.append(("density", load.material))
    if load.volume_log_std > 0:
        found.append(("volume", load.shape))
    if inside is not None:
        for name, spread in (
            ("mean density", inside.density_log_std[inside.is_mean]),
            ("wall", inside.share_log_std),
            ("contents", inside.contents_log_std),
        ):
            if (spread > 0).any():
                found.append((name, inside.key))
    return found


def _quantiles(estimate: Estimate, z: FloatArray) -> FloatArray:
    """Values of an estimate of a positive quantity at standard normal scores."""
    if estimate.distribution == "uniform":
        from scipy.special import ndtr

        half = (estimate.high - estimate.low) / 1.8  # low and high bound the central 90 %
        values: FloatArray = estimate.value + (2 * ndtr(z) - 1) * half
        return values
    scaled: FloatArray = estimate.value * np.exp(z * estimate.log_std)
    return scaled


#: No draw is taken for less than this share of the central case (judgement: beyond that an interval says nothing).
_LEAST_SHARE = 1e-3


def positive_estimate(
    samples: FloatArray, unit: str, method: str, flags: tuple[str, ...] = (), branching: bool = False
) -> Estimate:
    """An estimate from a central case and samples: normal below 5 % spread, lognormal above.

    Args:
        samples: (1 + N,), the central case first; all positive.
        unit: SI unit.
        method: How it was obtained.
        flags: Warnings.
        branching: True when the samples may have several modes: the 90 % interval is then theirs, and not symmetric.
    """
    value = float(samples[0])
    # Where others take nearly all of a stated sum a draw can leave next to nothing; its logarithm knows no bounds.
    samples = np.maximum(samples, _LEAST_SHARE * value)
    log_std = float(np.log(samples[1:]).std())
    if log_std < 1e-12:
        return Estimate.exact(value, unit, method, (), flags)
    if branching and log_std >= 0.05:
        ladder = np.quantile(samples[1:], QUANTILE_LEVELS)
        low, high = min(float(ladder[0]), value), max(float(ladder[-1]), value)
        quantiles = tuple(float(number) for number in ladder)
        return Estimate(value, unit, float(samples[1:].std()), low, high, "lognormal", method, (), flags, quantiles)
    if log_std < 0.05:
        return Estimate.normal(value, value * log_std, unit, method, (), flags)
    return Estimate.lognormal(value, log_std, unit, method, (), flags)
