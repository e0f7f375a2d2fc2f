"""The settings of collision fitting, read from the ``[collision]`` table of pipeline.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from physicl_twin.model.errors import ConfigError
from physicl_twin.normalize.collision.hull import HullLimits


@dataclass(frozen=True, slots=True)
class CollisionSettings:
    """See config/pipeline.toml for what each means; lengths are shares of the bounding diagonal."""

    simple_mean: float
    simple_p99: float
    primitive_mean: float
    floor_m: float
    floor_share: float
    fast_floor_share: float
    target_mean: float
    target_p99: float
    good_mean: float
    enough: float
    piece_cost: float
    max_pieces: int
    hull_vertices: int
    hull_polygons: int
    cells: int
    samples: int
    cavity_clearance: float
    cavity_filled: float
    sdf_mean: float
    library_s: float
    fast_library_s: float
    remesh_resolution: int
    max_faces: int

    @property
    def limits(self) -> HullLimits:
        """Vertex and polygon limits of a hull."""
        return HullLimits(self.hull_vertices, self.hull_polygons)


def collision_settings(table: Mapping[str, Any]) -> CollisionSettings:
    """Settings from the ``[collision]`` table (or from the whole pipeline table that holds it).

    Raises:
        ConfigError: ``config_missing_key`` or ``config_out_of_range``.
    """
    values = table["collision"] if isinstance(table.get("collision"), Mapping) else table
    names = [f.name for f in fields(CollisionSettings)]
    missing = [name for name in names if name not in values]
    if missing:
        raise ConfigError(
            "config_missing_key", f"[collision] lacks {missing[0]!r}.", "Start from config/pipeline.toml."
        )
    settings = CollisionSettings(**{name: values[name] for name in names})
    if min(float(values[name]) for name in names) <= 0 or settings.hull_vertices < 8 or settings.hull_polygons < 12:
        raise ConfigError(
            "config_out_of_range",
            "[collision] needs positive numbers, at least 8 hull vertices and 12 hull polygons.",
            "Start from config/pipeline.toml.",
        )
    return settings
