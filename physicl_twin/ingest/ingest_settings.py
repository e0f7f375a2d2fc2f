"""The settings of ingest: its tables of config/pipeline.toml as a value that functions take."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.settings import pipeline

#: Metres in one unit, by definition (the inch is 25.4 mm and the foot 12 inches since the agreement of 1959).
METRES_PER_UNIT: Mapping[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may unpack to; see ``[ingest.archive]``."""

    max_total_bytes: int
    max_ratio: float
    max_members: int
    max_depth: int


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """``[ingest]`` of the pipeline's settings, and the tables of single readers.

    Attributes:
        max_files: Files looked at in a folder.
        max_texture_bytes: Larger textures are left out.
        max_face_colors: More distinct face colours are a painted surface, not materials.
        max_coordinate: Larger magnitudes are damage, source units.
        ambiguous_probability: A runner-up above it is not excluded.
        generic_words: Words of file stems that name no object.
        archive: Limits of archives.
        unit_prior: Per format (or ``other``), probability of each unit.
        mislabelled_unit: Probability of each unit behind a wrong label.
        unit_reliability: Probability that a kind of statement is right.
        writer_units: Unit that a writing program leaves.
        size: Mixture of object sizes.
        siblings: How neighbours are compared.
        up_prior: Per format, probability of each axis.
        up_evidence: Weights of the evidence about the axis.
        readers: The readers' own tables by name: ``cad``, ``descriptions``, ``dxf``, ``fbx``, ``ifc``, ``mjcf``,
            ``usd_source``.
    """

    max_files: int
    max_texture_bytes: int
    max_face_colors: int
    max_coordinate: float
    ambiguous_probability: float
    generic_words: frozenset[str]
    archive: ArchiveLimits
    unit_prior: Mapping[str, Mapping[str, float]]
    mislabelled_unit: Mapping[str, float]
    unit_reliability: Mapping[str, float]
    writer_units: Mapping[str, str]
    size: Mapping[str, Any]
    siblings: Mapping[str, float]
    up_prior: Mapping[str, Mapping[str, float]]
    up_evidence: Mapping[str, float]
    readers: Mapping[str, Mapping[str, Any]]

    @classmethod
    def from_pipeline(cls, settings: Mapping[str, Any]) -> IngestSettings:
        """From the settings of the pipeline (``settings.pipeline(user_file)``)."""
        values = dict(settings["ingest"])
        values["archive"] = ArchiveLimits(**values["archive"])
        values["generic_words"] = frozenset(values["generic_words"])
        readers = ("cad", "descriptions", "dxf", "fbx", "ifc", "mjcf", "usd_source")
        return cls(**values, readers={name: settings[name] for name in readers})


@functools.cache
def shipped_settings() -> IngestSettings:
    """The shipped defaults."""
    return IngestSettings.from_pipeline(pipeline())
