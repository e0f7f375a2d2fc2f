"""physicl_twin: source material in, a physics-accurate, SimReady-validated OpenUSD twin out.

Importing this package loads no pxr, omni or carb: scripts import it before they start Isaac Sim's ``SimulationApp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from physicl_twin.api import AugmentResult as AugmentResult
    from physicl_twin.api import BuildResult as BuildResult
    from physicl_twin.api import build as build
    from physicl_twin.api import load as load
    from physicl_twin.api import load_record as load_record
    from physicl_twin.model import Estimate as Estimate
    from physicl_twin.model import PhysiclError as PhysiclError
    from physicl_twin.model import Twin as Twin

__version__ = "0.1.0"

_FROM_API = ("AugmentResult", "BuildResult", "build", "load", "load_record")
#: Packages that are also functions (see ``physicl_twin.rooms``).
_VERB_ROOMS = (
    "augment",
    "deploy",
    "validate",
)
_FROM_MODEL = ("Certificate", "Estimate", "Evidence", "PhysiclError", "Twin")

__all__ = ["__version__", *_FROM_API, *_FROM_MODEL, *_VERB_ROOMS]


def __getattr__(name: str) -> Any:
    """Load the API on first use, so that the import itself costs nothing."""
    import importlib

    if name in _FROM_API:
        return getattr(importlib.import_module("physicl_twin.api"), name)
    if name in _VERB_ROOMS:
        return importlib.import_module(f"physicl_twin.{name}")
    if name in _FROM_MODEL:
        return getattr(importlib.import_module("physicl_twin.model"), name)
    raise AttributeError(f"module 'physicl_twin' has no attribute {name!r}")
