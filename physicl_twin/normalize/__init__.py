"""Normalize: clean geometry, solids, materials, mass, collision and semantics; Twin to Twin."""

from physicl_twin.normalize.options import NormalizeOptions as NormalizeOptions
from physicl_twin.normalize.options import parse_length as parse_length
from physicl_twin.normalize.options import parse_mass as parse_mass
from physicl_twin.normalize.stages import normalize as normalize
