"""The bar of a build only moves forward, whatever a stage calls itself."""

from __future__ import annotations

from physicl_twin.console import done_share

#: The stages of a build in the order in which the worker names them.
STAGES = (
    "ingest",
    "normalize",
    "shapes",
    "materials",
    "mass",
    "collision",
    "semantics",
    "usd",
    "validate",
    "checks",
    "simready",
    "drop_and_settle in physx",
    "certificate",
    "publish",
)


def test_the_bar_moves_forward_to_its_end() -> None:
    shares = [done_share(stage, fraction) for stage in STAGES for fraction in (0.0, 0.5, 1.0)]
    assert all(share is not None for share in shares)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert done_share("something new", 0.5) is None
