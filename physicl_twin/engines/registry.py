"""Which engines there are, and how one gets them without paying for the others."""

from __future__ import annotations

import importlib
import importlib.util

from physicl_twin.engines.protocol import Engine
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.errors import EngineError

#: Engine name to (module of ours, class in it, packages that it needs).
_ENGINES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "physx": ("physicl_twin.engines.physx_engine", "PhysxEngine", ("ovphysx", "ovstage", "physx_usd_schemas", "pxr")),
    "mujoco": ("physicl_twin.engines.mujoco_engine", "MujocoEngine", ("mujoco", "scipy", "pxr")),
}
#: What only a running Kit has; nothing else lists it.
_IN_KIT = {"kit": ("physicl_twin.kit.engine", "KitEngine", ("carb",))}

#: Names that ``engine`` takes, in the order in which reports list them.
ENGINES: tuple[str, ...] = tuple(_ENGINES)


def engine(name: str, settings: EngineSettings | None = None) -> Engine:
    """The engine of that name; its library is imported now, not before.

    Args:
        name: ``physx`` (ovphysx on the CPU) or ``mujoco``; inside Kit also ``kit``, the editor's own PhysX.
        settings: Solver settings; those of ``config/pipeline.toml`` when absent.

    Raises:
        EngineError: ``engine_unknown`` for another name, ``engine_not_installed`` when its packages are missing.
    """
    if name not in _ENGINES | _IN_KIT:
        raise EngineError(
            "engine_unknown", f"There is no physics engine {name!r}.", f"Choose from {', '.join(ENGINES)}."
        )
    module_name, class_name, packages = (_ENGINES | _IN_KIT)[name]
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        raise EngineError(
            "engine_not_installed",
            f"The engine {name} needs the package {missing[0]}, which is not installed.",
            "Run ./physicl.sh doctor to see what is missing.",
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise EngineError(
            "engine_not_installed",
            f"The engine {name} cannot be loaded: {error}.",
            "Run ./physicl.sh doctor to see what is missing.",
        ) from error
    made: Engine = getattr(module, class_name)(settings or EngineSettings.from_pipeline())
    return made
