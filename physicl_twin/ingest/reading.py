"""The order of ingest: read, decide the unit and the axes, assemble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from physicl_twin.ingest.assemble import Placing, assemble, default_title
from physicl_twin.ingest.class_sizes import find_class_size
from physicl_twin.ingest.extent import sample_points, scene_bounds
from physicl_twin.ingest.formats import load
from physicl_twin.ingest.guards import no_geometry
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.naming import subject
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.siblings import measure_siblings, witnesses
from physicl_twin.ingest.unit_text import claims_in_name
from physicl_twin.ingest.units import UnitDecision, UnitEvidence, candidate_scales, decide_units
from physicl_twin.ingest.up_axis import decide_up_axis
from physicl_twin.model import Progress, Twin
from physicl_twin.model.geometry import FloatArray

#: A statement in the file at least this reliable leaves no question for the neighbours, and they are not measured.
_SETTLED = 0.995


def read_twin(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> Twin:
    """See ``physicl_twin.ingest.read``."""
    settings = settings or shipped_settings()
    progress("ingest", 0.0, f"opening {path.name}")
    raw = load(path, options, progress, settings)
    progress("ingest", 0.7, "deciding unit and axes")
    bounds = scene_bounds(raw)
    if not float((bounds[1] - bounds[0]).max()) > 0.0:
        raise no_geometry(path.name, "all its points are one.")
    units = _units(path, raw, bounds, options, settings)
    if options.thickness_m is not None and raw.unit_claims and raw.unit_claims[0].value != units.decision.value:
        # The profile was extruded in the drawing's claimed unit; the thickness is in metres and must stay so.
        raw = load(path, replace(options, units=units.decision.value), progress, settings)
    axis, axis_notes = decide_up_axis(raw.format, raw.up_claims, sample_points(raw), options.up_axis, settings)
    placing = Placing(units.decision, units.metres_per_unit, axis)
    progress("ingest", 0.9, "assembling the twin")
    named_after = subject(path, settings.generic_words)
    title = default_title(raw, path, named_after)
    twin = assemble(raw, placing, options.name or named_after, title, options, units.notes + axis_notes)
    if options.part_labels:
        from physicl_twin.ingest.label_file import read_labels
        from physicl_twin.ingest.part_labels import with_part_labels

        progress("ingest", 0.95, "splitting by part labels")
        twin = with_part_labels(twin, read_labels(Path(options.part_labels), options, settings))
    progress("ingest", 1.0, "read")
    return twin


def _units(
    path: Path, raw: RawScene, bounds: FloatArray, options: ReadOptions, settings: IngestSettings
) -> UnitDecision:
    claims = raw.unit_claims
    if not any(c.reliability >= _SETTLED for c in claims):
        claims += claims_in_name(path.stem, settings)
    longest = float((bounds[1] - bounds[0]).max())
    if options.units is not None or any(c.reliability >= _SETTLED for c in claims):
        return decide_units(UnitEvidence(raw.format, claims, longest, stated=options.units), settings)
    siblings = measure_siblings(path, settings)
    scales = list(candidate_scales(claims).values())
    names = [path.stem, raw.title, path.absolute().parent.name]
    return decide_units(
        UnitEvidence(
            raw.format,
            claims,
            longest,
            find_class_size(names),
            witnesses(bounds, raw.format, siblings, scales, settings),
        ),
        settings,
    )
