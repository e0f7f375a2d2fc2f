"""What NVIDIA's validator says of a packed asset, feature by feature."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from physicl_twin.deploy.simready_package import Conformance
from physicl_twin.usd.metadata import stated_profile
from physicl_twin.usd.physx_names import rules_of, stand_in


def conformance(asset: Path, timestamp: str) -> Conformance | None:
    """The verdict on each feature of the profile that twins are made for; None when the validator is not installed.

    Args:
        asset: Interface layer, ``<name>/simready/<name>.usda``.
        timestamp: ISO 8601 time to state.
    """
    if importlib.util.find_spec("simready") is None or importlib.util.find_spec("simready.validate") is None:
        return None
    home = asset.parent.parent
    with tempfile.TemporaryDirectory(prefix="physicl-simready-") as scratch, _quiet():
        # The profile judges the names of all folders up to the root of the disk, which are not the asset's.
        copy = Path(scratch).resolve() / home.name
        shutil.copytree(home, copy)
        outcome = _validate(copy / asset.relative_to(home))
    if outcome is None or not outcome.features_summary:
        return None
    features = tuple({name: _feature(entry)} for name, entry in sorted(outcome.features_summary.items()))
    return Conformance(*stated_profile(asset), timestamp, features)


def _validate(asset: Path) -> Any:
    import simready.validate as api
    import usd_validation_nvidia as registries  # type: ignore[import-untyped, unused-ignore]

    profile, version = stated_profile(asset)
    if not any(str(p.id) == profile for p in registries.ProfileRegistry()):
        api.initialize([], [], [])
    config = api.AssetValidationConfig(asset_path=str(asset), profile_id=profile, profile_version=version)
    with stand_in(rules_of(registries, profile, version)):
        return api.validate_asset(config)


def _feature(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": str(entry.get("version", "")),
        "passed": bool(entry.get("passed", False)),
        "failing_requirements": sorted(_listed(entry.get("failing requirements", []))),
        "dependencies": _listed(entry.get("dependencies", [])),
    }


def _listed(value: Any) -> list[Any]:
    """Lists come as their Python text."""
    return list(ast.literal_eval(value)) if isinstance(value, str) else list(value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the validator's prints, log handlers and USD's diagnostics out of the process's output; undo its changes."""
    from pxr import UsdUtils

    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, logging.root.manager.disable
    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
        delegate.TakeUncoalescedDiagnostics()
        delegate.TakeCoalescedDiagnostics()
