"""Other states and tracked poses of a source: what a build is given besides the file itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from physicl_twin import ingest
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.jobs.request import BuildRequest
from physicl_twin.model import Progress, Twin


def with_observations(twin: Twin, request: BuildRequest, settings: dict[str, Any], progress: Progress) -> Twin:
    """The twin with the joints that other states and tracked poses of it show.

    Args:
        twin: As it was read.
        request: Names the files.
        settings: Pipeline settings in force.
        progress: Told of the files that are read.

    Raises:
        PhysiclError: When a file cannot be read or shows something else.
    """
    confident = float(settings["joints"]["confident"])
    if request.states:
        from physicl_twin.normalize.states.infer import with_states

        frame = twin.frame
        read = replace(request.read, units=frame.units.value, up_axis=frame.up_axis.value, name=None, part_labels="")
        limits = IngestSettings.from_pipeline(settings)
        states = [ingest.read(Path(path), read, progress, limits) for path in request.states]
        twin = with_states(twin, states, confident)
        files = [replace(source, role="reference") for state in states for source in state.sources]
        twin = replace(twin, sources=(*twin.sources, *files))
    if request.motion:
        from physicl_twin.ingest.pose_tracks import read_pose_tracks
        from physicl_twin.normalize.motion.tracked import with_motion

        tracks = read_pose_tracks(Path(request.motion))
        twin = with_motion(twin.with_notes(*tracks.notes), tracks, confident)
        twin = replace(twin, sources=(*twin.sources, tracks.source))
    if request.states or request.motion:
        from physicl_twin.normalize.motion.stops import with_stops

        twin = with_stops(twin, settings["joints"])
    return twin
