"""Variations: a randomization spec, keyed sampling, settling in PhysX, sparse layers over a base scene, coverage.

The package is also the function ``augment`` of the Python API (see ``physicl_twin.rooms``).
"""

from __future__ import annotations

from physicl_twin import rooms
from physicl_twin.augment.spec import Spec as Spec
from physicl_twin.augment.spec import read_spec as read_spec

rooms.make_callable(__name__)
