"""Physics engines behind one protocol: ``engine("physx")`` and ``engine("mujoco")``."""

from physicl_twin.engines.protocol import Contact as Contact
from physicl_twin.engines.protocol import Engine as Engine
from physicl_twin.engines.protocol import EngineMass as EngineMass
from physicl_twin.engines.protocol import EngineScene as EngineScene
from physicl_twin.engines.protocol import RayHit as RayHit
from physicl_twin.engines.registry import ENGINES as ENGINES
from physicl_twin.engines.registry import engine as engine
from physicl_twin.engines.settings import EngineSettings as EngineSettings
