"""Dynamics of mechanisms: base, filters, friction, armature, drives, and the masses of links that have none."""

from __future__ import annotations

from physicl_twin.normalize.dynamics.mechanism import with_dynamics as with_dynamics
from physicl_twin.normalize.dynamics.mechanism import with_kind as with_kind
from physicl_twin.normalize.dynamics.settings import DynamicsSettings as DynamicsSettings
