"""Many sources to many twins: find them, name them, skip what is done, build the rest in workers."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from physicl_twin import ingest, settings
from physicl_twin.ingest.guards import check_file
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.jobs import provenance
from physicl_twin.jobs.limits import Limits
from physicl_twin.jobs.pool import Job, ProgressListener
from physicl_twin.jobs.pool import run as run_jobs
from physicl_twin.jobs.record import built_record, failed_record
from physicl_twin.jobs.request import BuildOptions, BuildRequest
from physicl_twin.model import Certificate, Note, PhysiclError, SourceError, from_json, loads_twin, to_json
from physicl_twin.normalize.sidecar import sidecar_of
from physicl_twin.store import prepare_output

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Item:
    """A file to build.

    Attributes:
        source: Name for the record.
        path: The file.
        place: Identity of where it lies (inside an archive: the archive and the member).
        name: Suggested twin name.
        companions: Other files that the reader will use, for the request's hash.
    """

    source: str
    path: Path
    place: str
    name: str
    companions: tuple[Path, ...]


def build(
    sources: Sequence[str | os.PathLike[str]],
    out: Path,
    options: BuildOptions,
    *,
    on_sources: Callable[[Sequence[Path]], None] | None = None,
    on_progress: ProgressListener | None = None,
    on_skip: Callable[[str, str], None] | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Record]:
    """Build twins of files, folders and archives into ``out``; yield one record a source, in the order they finish.

    A source whose twin stands in ``out`` already, made by an equal request and intact, is not built again; its record
    is yielded with ``resumed: true``. What fails leaves nothing behind and stops nobody else.

    Args:
        sources: Files, folders, archives.
        out: Folder of twins; made when missing.
        options: What the user states.
        on_sources: Told of all files that were found, before any of them is read.
        on_progress: Told of (job, stage, fraction, message).
        on_skip: Told of (name, reason) for files in folders and archives that are no sources.
        cancel: Stops the build when set.

    Raises:
        ConfigError: For a wrong configuration.
        OutputError: When ``out`` cannot be written.
    """
    config = settings.pipeline(options.config)
    if options.precise:
        config["collision"] = config["collision"] | config["collision_precise"]
    prepare_output(out)
    with tempfile.TemporaryDirectory(prefix="physicl-") as workspace:
        items: list[_Item] = []
        limits = IngestSettings.from_pipeline(config)
        for index, source in enumerate(sources):
            found, failure = _discover(Path(source), Path(workspace) / str(index), limits, on_skip)
            items += found
            if failure is not None:
                yield failure
        if options.read.name and len(items) > 1:
            message = f"--name {options.read.name} was given for {len(items)} sources."
            raise PhysiclError("name_for_many", message, "Build one source at a time, or leave --name out.")
        if options.read.part_labels and len(items) > 1:
            message = f"--part-labels was given for {len(items)} sources."
            raise PhysiclError("labels_for_many", message, "Build the source that the labels belong to by itself.")
        items = _without_states(items, options)
        if (options.states or options.motion) and len(items) > 1:
            message = f"--state or --motion was given for {len(items)} sources."
            raise PhysiclError("states_for_many", message, "Build the source that they show by itself.")
        if on_sources is not None:
            on_sources([*(item.path for item in items), *options.states])
        plan = _Plan(out, options, config)
        jobs: list[Job] = []
        for item in items:
            try:
                step = plan.step(item)
            except PhysiclError as error:
                yield failed_record(item.source, error.to_json(), 0.0)
                continue
            if isinstance(step, Job):
                jobs.append(step)
            else:
                yield step
        # With fewer sources than processes each source may use several.
        spare = max(1, options.jobs // max(1, len(jobs)))
        jobs = [replace(job, arguments=job.arguments | {"processes": spare}) for job in jobs]
        for outcome in run_jobs(jobs, workers=options.jobs, on_progress=on_progress, cancel=cancel):
            if outcome.error is not None:
                yield failed_record(outcome.job.key, outcome.error.to_json(), outcome.seconds) | {"log": outcome.log}
            else:
                yield {**outcome.result, "seconds": round(outcome.seconds, 3)}


def _without_states(items: list[_Item], options: BuildOptions) -> list[_Item]:
    """The sources without the files that show another state of one: these are no twins of their own."""
    states = {path.resolve() for path in options.states}
    kept = [item for item in items if item.path.resolve() not in states]
    if items and not kept:
        message = "Every source is also given with --state."
        raise PhysiclError("state_is_source", message, "Give another file of the same thing with its parts moved.")
    return kept


def _discover(
    source: Path, workspace: Path, limits: IngestSettings, on_skip: Callable[[str, str], None] | None
) -> tuple[list[_Item], Record | None]:
    """Files to build in one given source, or the record of its failure."""
    started = time.perf_counter()
    try:
        workspace.mkdir()
        discovery = ingest.discover(source, workspace, limits)
    except PhysiclError as error:
        return [], failed_record(str(source), error.to_json(), time.perf_counter() - started)
    place = str(source.resolve())
    items = []
    for found in discovery:
        if found.skipped:
            if on_skip is not None:
                on_skip(found.name, found.skipped)
            continue
        single = found.path.resolve() == source.resolve()
        name = str(source) if single else f"{source}/{found.name}"
        inside = "" if single else found.name
        items.append(_Item(name, found.path, f"{place}\0{inside}", found.twin_name, found.companions))
    if not items:
        empty = SourceError(
            "no_sources",
            f"{source.name} holds no file that can be read as a source.",
            "physicl.sh doctor lists the formats and what is missing.",
        )
        return [], failed_record(str(source), empty.to_json(), time.perf_counter() - started)
    return items, None


class _Plan:
    """Names and versions of the twins of one build, decided before any worker starts."""

    def __init__(self, out: Path, options: BuildOptions, config: dict[str, Any]) -> None:
        self._out = out
        self._options = options
        self._config = config
        self._taken: set[str] = set()
        self._generated = generation_date()

    def step(self, item: _Item) -> Job | Record:
        """The job that builds an item, or the record of its finished twin."""
        options = self._options
        stated = {
            "read": to_json(replace(options.read, name=None, part_labels="")),
            "materials": to_json(options.materials),
            "mass": to_json(options.mass),
            "seed": options.seed,
            "fast": options.fast,
        }
        location = hashlib.sha256(item.place.encode()).hexdigest()[:32]
        wanted = ingest.file_safe_name(options.read.name) if options.read.name else item.name
        try:
            labels = [Path(options.read.part_labels)] if options.read.part_labels else []
            seen = [*options.states, *([options.motion] if options.motion is not None else [])]
            for path in (*labels, *seen):
                check_file(path, options.read)
            sidecar = sidecar_of(item.path)
            besides = dict.fromkeys((*item.companions, *labels, *seen, *([sidecar] if sidecar is not None else [])))
            request_hash = provenance.request_hash([item.path, *besides], stated, self._config)
        except OSError as error:
            hint = "Check the name and the permissions."
            raise PhysiclError("file_unreadable", f"{item.path.name}: {error.strerror}.", hint) from error
        name, version, notes = self._place(wanted, location)
        self._taken.add(name)
        finished = self._finished(item.source, name, request_hash)
        if finished is not None:
            return finished
        request = BuildRequest(
            source=item.source,
            path=str(item.path),
            out=str(self._out),
            name=name,
            read=options.read,
            materials=options.materials,
            mass=options.mass,
            settings=json.dumps(self._config, sort_keys=True, ensure_ascii=False),
            seed=options.seed,
            fast=options.fast,
            generated=self._generated,
            request_sha256=request_hash,
            location_sha256=location,
            version=version,
            notes=notes,
            sidecar=str(sidecar) if sidecar is not None else "",
            states=tuple(str(path.resolve()) for path in options.states),
            motion=str(options.motion.resolve()) if options.motion is not None else "",
        )
        limits = Limits.from_settings(self._config["jobs"])
        return Job(item.source, "physicl_twin.jobs.build:run", {"request": to_json(request)}, limits)

    def _place(self, wanted: str, location: str) -> tuple[str, int, tuple[Note, ...]]:
        """A free name, or the name of the twin that an earlier version of the same file made."""
        number = 1
        while True:
            name = wanted if number == 1 else f"{wanted}_{number}"
            number += 1
            if name in self._taken:
                continue
            folder = self._out / name
            before = provenance.read(folder)
            if before is not None and before.location_sha256 == location:
                return name, before.version + 1, ()
            if not folder.exists():
                break
        if name == wanted:
            return name, 1, ()
        message = f"The name {wanted} is taken by another source's twin; this one is called {name}."
        return name, 1, (Note("name_taken", "info", message, "Use --name or another --out."),)

    def _finished(self, source: str, name: str, request_hash: str) -> Record | None:
        """The record of a twin that an equal request has built and nobody has touched since."""
        folder = self._out / name
        before = provenance.read(folder)
        if before is None or before.request_sha256 != request_hash or not provenance.intact(folder, before):
            return None
        try:
            twin = loads_twin((folder / "twin.json").read_text(encoding="utf-8"))
            certificate = read_certificate(folder)
        except (OSError, ValueError, PhysiclError):
            return None
        usd_path = folder / "simready" / f"{name}.usda"
        return built_record(source, twin, folder, usd_path, certificate, {}) | {"resumed": True}


def read_certificate(folder: Path) -> Certificate:
    """The certificate of a twin folder.

    Raises:
        OSError, ValueError, PhysiclError: When there is none or it is damaged.
    """
    data = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))
    certificate: Certificate = from_json(Certificate, data)
    return certificate


def generation_date() -> str:
    """Today, or the day of ``SOURCE_DATE_EPOCH`` for builds that must be the same bit for bit."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and epoch.isdigit():
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    return datetime.datetime.now(datetime.UTC).date().isoformat()
