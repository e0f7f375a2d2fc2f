"""PhysX (ovphysx, on the CPU) behind the Engine protocol."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from physicl_twin.engines.physx_runtime import PhysxRuntime, runtime
from physicl_twin.engines.physx_scene import PhysxScene
from physicl_twin.engines.physx_stage import wrap
from physicl_twin.engines.protocol import EngineScene
from physicl_twin.engines.settings import EngineSettings


class PhysxEngine:
    """PhysX as Omniverse configures it, embedded by ovphysx; several scenes may be open at once.

    Args:
        settings: Solver settings.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._runtime: PhysxRuntime = runtime(settings.physx_threads)

    @property
    def name(self) -> str:
        """``physx``."""
        return "physx"

    @property
    def version(self) -> str:
        """Version of ovphysx."""
        return metadata.version("ovphysx")

    def open(self, stage: Path) -> EngineScene:
        """Load a stage; see ``Engine.open``."""
        wrapped = wrap(stage, self._settings)
        try:
            return PhysxScene(self._runtime, wrapped, stage.name)
        finally:
            wrapped.remove()
