"""Collision geometry of each shape, chosen by measured error."""

from physicl_twin.normalize.collision.choice import ShapeCollision as ShapeCollision
from physicl_twin.normalize.collision.choice import fit_shape as fit_shape
from physicl_twin.normalize.collision.parts import choose_collision as choose_collision
from physicl_twin.normalize.collision.settings import CollisionSettings as CollisionSettings
from physicl_twin.normalize.collision.settings import collision_settings as collision_settings
