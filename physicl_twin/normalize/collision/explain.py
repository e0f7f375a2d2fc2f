"""The sentence that says why a part collides the way it does."""

from __future__ import annotations

from collections.abc import Sequence

from physicl_twin.model import Evidence
from physicl_twin.model.collision import CollisionMethod
from physicl_twin.normalize.collision.fit_error import Fit, Target


def explain(
    family: CollisionMethod,
    method: str,
    fit: Fit,
    candidates: Sequence[tuple[str, Fit]],
    target: Target,
    failures: Sequence[str],
) -> tuple[Evidence, ...]:
    """Evidence for a choice.

    Args:
        family: What won.
        method: How it was made.
        fit: What it measured.
        candidates: Everything that was tried.
        target: What it was measured against.
        failures: What could not be tried to the end, in words.
    """
    error = f"mean distance {_length(fit.mean * target.scale_m)}, worst {_length(fit.worst * target.scale_m)}"
    if family == "primitive":
        what = f"A {method} is near enough: {error}"
    elif fit.pieces == 1:
        what = f"One convex hull: {error}"
    else:
        open_word = _cavity_words(fit, target)
        what = f"{fit.pieces} convex pieces{open_word} ({method}): {error}"
    hull = next((f for name, f in candidates if name == "convex hull"), None)
    if hull is not None and fit.pieces > 1:
        what += f"; a single hull would be off by {_length(hull.mean * target.scale_m)}"
    evidence = [Evidence("geometry", f"{what}.", field="collision")]
    if family == "sdf":
        why = (
            "a cavity would be closed"
            if fit.filled is not None and fit.filled > target.filled_limit
            else "the error is large"
        )
        evidence.append(
            Evidence("rule", f"With convex pieces {why}, so PhysX uses a signed distance field.", field="collision")
        )
    evidence += [Evidence("geometry", f"{failure}.", field="collision") for failure in failures]
    return tuple(evidence)


def _cavity_words(fit: Fit, target: Target) -> str:
    if fit.filled is None:
        return ""
    what = "the cavity" if target.cavities.count == 1 else f"all {target.cavities.count} cavities"
    return f" keep {what} open" if fit.filled <= target.filled_limit else f" do not keep {what} open"


def _length(metres: float) -> str:
    if metres < 1e-5:
        return f"{metres * 1e6:.2g} µm"
    if metres < 1.0:
        return f"{metres * 1e3:.2g} mm"
    return f"{metres:.2g} m"
