"""What is asked of a build: the user's words once, and the request that one worker gets for one source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import Estimate, Note


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What the user states for all sources of a build.

    Attributes:
        read: Units, up axis, licence, thickness, and the name when there is one source.
        materials: Pairs of part and material statement.
        mass: Total mass, kg, or None.
        config: User's configuration file, or None.
        seed: Random seed.
        jobs: Worker processes.
        fast: Leave out the slow collision methods and rollout repetitions.
        precise: Lay ``[collision_precise]`` over ``[collision]``.
        states: Files of the same thing with its parts in other places; for one source.
        motion: File of tracked poses of its parts, or None; for one source.
    """

    read: ReadOptions = ReadOptions()
    materials: tuple[tuple[str, str], ...] = ()
    mass: Estimate | None = None
    config: Path | None = None
    seed: int = 0
    jobs: int = 1
    fast: bool = False
    precise: bool = False
    states: tuple[Path, ...] = ()
    motion: Path | None = None


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One source for one worker. JSON-compatible through ``model.to_json``.

    Attributes:
        source: Name of the source as the user gave it, for the record.
        path: File to read.
        out: Folder of twins.
        name: Name of the twin, which is also its folder's.
        read: Reader options.
        materials: Pairs of part and material statement.
        mass: Total mass, kg, or None.
        settings: Pipeline settings in force, JSON text.
        seed: Random seed.
        fast: See BuildOptions.
        generated: ISO date for the USD metadata.
        request_sha256: Hash of the request, for resuming.
        location_sha256: Hash of the source's place, for versions.
        version: Version number of this twin.
        notes: What the batch has to say about this source.
        sidecar: File beside the source that states materials, or empty.
        states: Files of other states of the source.
        motion: File of tracked poses, or empty.
    """

    source: str
    path: str
    out: str
    name: str
    read: ReadOptions
    materials: tuple[tuple[str, str], ...]
    mass: Estimate | None
    settings: str
    seed: int
    fast: bool
    generated: str
    request_sha256: str
    location_sha256: str
    version: int
    notes: tuple[Note, ...] = ()
    sidecar: str = ""
    states: tuple[str, ...] = ()
    motion: str = ""

    def parsed_settings(self) -> dict[str, Any]:
        """The settings as a dictionary."""
        parsed: dict[str, Any] = json.loads(self.settings)
        return parsed
