"""One source to one finished twin folder: the job that a worker runs."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from physicl_twin import ingest, normalize, usd
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.jobs import provenance
from physicl_twin.jobs.observe import with_observations
from physicl_twin.jobs.provenance import Provenance
from physicl_twin.jobs.record import built_record
from physicl_twin.jobs.request import BuildRequest
from physicl_twin.model import Progress, Source, Twin, dumps, from_json, to_json
from physicl_twin.normalize.sidecar import Sidecar, read_sidecar
from physicl_twin.store import output_errors, sha256_file, staged
from physicl_twin.validate import validate, write_certificate


class StageClock:
    """Wall time of each stage; tells the listener where the job is."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._stage = ""
        self._start = 0.0

    def enter(self, stage: str) -> None:
        """The stage before ends, this one begins."""
        self.leave()
        self._stage, self._start = stage, time.perf_counter()
        self._progress(stage, 0.0, "")

    def leave(self) -> None:
        """The current stage ends."""
        if self._stage:
            self.seconds[self._stage] = time.perf_counter() - self._start
        self._stage = ""


def run(*, request: dict[str, Any], processes: int = 1, progress: Progress) -> dict[str, Any]:
    """Worker entry: build the request given as JSON and return the record of ``build --json``."""
    return build_one(from_json(BuildRequest, request), progress, processes)


def build_one(request: BuildRequest, progress: Progress, processes: int = 1) -> dict[str, Any]:
    """Read, normalize, write, validate; publish the folder ``out/name`` only when all of it is there.

    Args:
        request: What to build from what.
        progress: Told where the job is.
        processes: That may work at the same time.

    Raises:
        PhysiclError: Any; then nothing of this twin was written.
    """
    clock = StageClock(progress)
    settings = request.parsed_settings()
    clock.enter("ingest")
    twin = ingest.read(
        Path(request.path),
        replace(request.read, name=request.name),
        progress,
        IngestSettings.from_pipeline(settings),
    )
    twin = with_observations(twin, request, settings, progress)
    clock.enter("normalize")
    said = read_sidecar(Path(request.sidecar)) if request.sidecar else Sidecar()
    if request.sidecar:
        twin = replace(twin, sources=_with_sidecar(twin.sources, Path(request.sidecar)))
    options = normalize.NormalizeOptions(
        materials=request.materials,
        sidecar_materials=said.materials,
        sidecar=Path(request.sidecar).name,
        mass=request.mass or said.mass,
        part_masses=said.part_masses,
        insides=said.insides,
        settings=settings,
        fast=request.fast,
        seed=request.seed,
        processes=processes,
    )
    twin = normalize.normalize(twin, options, progress)
    twin = replace(twin, version=request.version).with_notes(*request.notes)
    with output_errors(Path(request.out)), staged(Path(request.out), request.name) as folder:
        clock.enter("usd")
        usd_path = usd.write_twin(twin, folder.parent, generated=request.generated, settings=settings)
        (folder / "twin.json").write_text(dumps(twin), encoding="utf-8")
        provenance.write(_provenance(request, twin), folder)
        clock.enter("validate")
        certificate = validate(folder, settings=settings, fast=request.fast, seed=request.seed, progress=progress)
        write_certificate(certificate, folder, settings=settings, twin=twin)
        clock.enter("publish")
    clock.leave()
    target = Path(request.out) / request.name
    return built_record(request.source, twin, target, target / usd_path.relative_to(folder), certificate, clock.seconds)


def _with_sidecar(sources: tuple[Source, ...], path: Path) -> tuple[Source, ...]:
    if any(source.name == path.name for source in sources):
        return sources
    size = path.stat().st_size
    return (*sources, Source(path.name, path.suffix.lower().lstrip("."), sha256_file(path), size, "sidecar"))


def _provenance(request: BuildRequest, twin: Twin) -> Provenance:
    # A file by its name: where it lay is nobody's business.
    read = replace(request.read, part_labels=Path(request.read.part_labels).name)
    stated = {"read": to_json(read), "materials": to_json(request.materials), "mass": to_json(request.mass)}
    seen = [Path(path).name for path in (*request.states, request.motion) if path]
    if seen:
        stated["observed"] = seen
    return Provenance(
        twin=twin.name,
        version=twin.version,
        request_sha256=request.request_sha256,
        location_sha256=request.location_sha256,
        generated=request.generated,
        sources=twin.sources,
        options=json.dumps(stated, sort_keys=True, ensure_ascii=False),
        settings=request.settings,
        seed=request.seed,
        tools=provenance.tool_versions(),
    )
