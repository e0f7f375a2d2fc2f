"""A set of variations: chunks in workers, each written whole or not at all, joined into a manifest at the end."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin import __version__, settings
from physicl_twin.augment.family import Family, make_family, open_member
from physicl_twin.augment.keyed import MAX_MEMBERS
from physicl_twin.augment.spec import Spec, read_spec
from physicl_twin.jobs.limits import Limits
from physicl_twin.jobs.pool import Job, ProgressListener
from physicl_twin.jobs.pool import run as run_jobs
from physicl_twin.model import MANIFEST_VERSION, ConfigError, OutputError, PhysiclError, Progress, to_json
from physicl_twin.store import output_errors, prepare_output, sha256_file, write_atomic

GRAVITY_MPS2 = 9.81
#: Of what a set consists and how its members settle: a set of another one is not gone on with.
_LAYOUT = 5
_WORK = ".physicl-work"
#: Heaviest over lightest object from which on the user is warned (judgement: 18 costs few draws, 230 nearly all).
_MASS_RATIO = 50.0
#: Members that may take as long as one source.
_MEMBERS_PER_LIMIT = 16
#: What a twin brings into a set.
_TWIN_FILES = ("twin.json", "certificate.json", "provenance.json", "simready")


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """What the user states.

    Attributes:
        spec: File; the shipped spec without one.
        count: Members.
        seed: Seed.
        jobs: Worker processes.
        force: True to take twins that failed their validation.
        config: Settings on top of config/pipeline.toml.
        report: False to leave the coverage report and the contact sheet out.
        variants: True for a file with all members behind one variant set.
    """

    spec: Path | None = None
    count: int = 100
    seed: int = 0
    jobs: int = 1
    force: bool = False
    config: Path | None = None
    report: bool = True
    variants: bool = False


def augment(
    twins: Sequence[str | os.PathLike[str]],
    out: Path,
    options: AugmentOptions,
    *,
    on_progress: ProgressListener | None = None,
    cancel: threading.Event | None = None,
) -> dict[str, Any]:
    """Make a set of variations; a set that was begun with the same request goes on where it stopped.

    Args:
        twins: Folders that build made.
        out: Folder of the set.
        options: What the user states.
        on_progress: Told of (job, stage, fraction, message).
        cancel: Stops when set; what is finished stays and is not made again.

    Returns:
        The record of ``augment --json``.

    Raises:
        PhysiclError: When nothing can be made at all.
    """
    started = time.perf_counter()
    if not 1 <= options.count <= MAX_MEMBERS:
        raise ConfigError(
            "count_out_of_range", f"--count is {options.count}.", f"Give a number from 1 to {MAX_MEMBERS}."
        )
    config = settings.pipeline(options.config)
    family = _family(tuple(str(Path(twin).resolve()) for twin in twins), options)
    prepare_output(out)
    request = _request(family, options)
    _claim(out, request)
    _copy_twins(family, out)
    _base_scene(family, out)
    failures = _run_chunks(family, out, options, config, on_progress, cancel)
    record = _finish(family, out, options, request, failures)
    return record | {"seconds": round(time.perf_counter() - started, 3)}


def _family(folders: tuple[str, ...], options: AugmentOptions) -> Family:
    spec = read_spec(options.spec)
    members = tuple(open_member(Path(folder), force=options.force) for folder in folders)
    names = Counter(member.name for member in members)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ConfigError("twins_same_name", f"Two twins are called {twice[0]!r}.", "Give each a --name of its own.")
    return make_family(members, spec, options.seed)


def _request(family: Family, options: AugmentOptions) -> dict[str, Any]:
    """What must be equal for a set to go on: everything that decides a member but how many are wanted."""
    return {
        "physicl_twin": __version__,
        "layout": _LAYOUT,
        "spec_sha256": family.spec.sha256,
        "seed": options.seed,
        "twins": [{"name": member.name, "sha256": _tree_hash(member.folder)} for member in family.members],
    }


def _tree_hash(folder: Path) -> str:
    """Hash of what a twin brings into a set."""
    digest = hashlib.sha256()
    for name in _TWIN_FILES:
        top = folder / name
        files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        for file in files:
            if file.is_file():
                digest.update(str(file.relative_to(folder)).encode() + b"\0" + sha256_file(file).encode())
    return digest.hexdigest()


def _claim(out: Path, request: dict[str, Any]) -> None:
    """Take the folder, or go on in it.

    Raises:
        OutputError: ``output_of_another_set``, ``output_not_empty``.
    """
    for known in (out / _WORK / "request.json", out / "manifest.json"):
        if known.is_file():
            try:
                there = json.loads(known.read_text(encoding="utf-8"))
            except ValueError:
                there = {}
            there = there.get("request", there) if isinstance(there, dict) else {}
            if there == request:
                return
            different = [key for key, value in request.items() if there.get(key) != value]
            raise OutputError(
                "output_of_another_set",
                f"{out.name} holds a set that was made otherwise ({', '.join(different)}).",
                "Choose another --out, or remove that folder.",
            )
    if any(out.iterdir()):
        raise OutputError("output_not_empty", f"{out.name} holds other files.", "Choose an empty folder for --out.")
    with output_errors(out):
        (out / _WORK).mkdir(parents=True)
    write_atomic(out / _WORK / "request.json", json.dumps(request, indent=1))


def _copy_twins(family: Family, out: Path) -> None:
    from physicl_twin.usd.settle_scene import write_settled_twin
    from physicl_twin.usd.variation_set import SETTLED_TWIN

    for member in family.members:
        target = out / "twins" / member.name
        if target.is_dir():
            continue
        staging = out / _WORK / f"twin-{member.name}"
        with output_errors(out):
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True)
            for name in _TWIN_FILES:
                source = member.folder / name
                if source.is_dir():
                    shutil.copytree(source, staging / name)
                elif source.is_file():
                    shutil.copy2(source, staging / name)
            write_settled_twin(staging / SETTLED_TWIN, f"./simready/{member.name}.usda", member.lean)
            target.parent.mkdir(exist_ok=True)
            staging.rename(target)


def _base_scene(family: Family, out: Path) -> None:
    from physicl_twin.augment.base import write_base

    if not (out / "scene.usda").is_file():
        with output_errors(out):
            (out / _WORK).mkdir(exist_ok=True)
            write_base(family, out / _WORK / "scene.usda", GRAVITY_MPS2)
            (out / _WORK / "scene.usda").rename(out / "scene.usda")


def _run_chunks(
    family: Family,
    out: Path,
    options: AugmentOptions,
    config: dict[str, Any],
    on_progress: ProgressListener | None,
    cancel: threading.Event | None,
) -> list[dict[str, str]]:
    """Make what is missing; returns the errors of chunks that failed."""
    one = Limits.from_settings(config["jobs"])
    jobs = []
    for number, members in enumerate(_chunks(family, options.count)):
        if not _part(out, number, len(members)).is_file():
            arguments = {
                "twins": [str(member.folder) for member in family.members],
                "spec": family.spec.raw,
                "seed": options.seed,
                "out": str(out.resolve()),
                "number": number,
                "first": members.start,
                "stop": members.stop,
            }
            # The limit is meant for one source: a chunk has it for every few members.
            limits = Limits(one.timeout_s * max(1.0, len(members) / _MEMBERS_PER_LIMIT), one.memory_bytes)
            jobs.append(Job(f"{members.start} to {members.stop - 1}", f"{__name__}:run_chunk", arguments, limits))
    if _finished(out, options.count):
        return []
    errors = []
    for outcome in run_jobs(jobs, workers=min(options.jobs, max(1, len(jobs))), on_progress=on_progress, cancel=cancel):
        there = outcome.job.arguments
        # A worker that dies after its chunk was written has done its work.
        if outcome.error is not None and not _part(out, there["number"], there["stop"] - there["first"]).is_file():
            errors.append(outcome.error.to_json() | {"members": outcome.job.key})
    return errors


def _chunks(family: Family, count: int) -> list[range]:
    from physicl_twin.augment.chunk import chunk_size

    size = chunk_size(family)
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _part(out: Path, number: int, size: int) -> Path:
    return out / _WORK / f"chunk_{number:06d}_{size}.parquet"


def _finished(out: Path, count: int) -> bool:
    """True when the set stands there with that many members."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(manifest.get("count") == count and manifest.get("complete"))


def run_chunk(
    *,
    twins: list[str],
    spec: dict[str, Any],
    seed: int,
    out: str,
    number: int,
    first: int,
    stop: int,
    progress: Progress,
) -> dict[str, int]:
    """Worker entry: make a chunk, its layers first, its table last."""
    from physicl_twin.augment.chunk import make_chunk
    from physicl_twin.augment.table import rows, write_rows

    family = _cached_family(tuple(twins), json.dumps(spec, sort_keys=True), seed)
    total = stop - first

    def tell(done: int) -> None:
        progress("settle", done / total, f"{done}/{total}")

    with output_errors(Path(out)):
        for folder in {(Path(out) / f"variations/{index // 1000:03d}") for index in (first, stop - 1)}:
            folder.mkdir(parents=True, exist_ok=True)
        outcomes = make_chunk(family, range(first, stop), Path(out), GRAVITY_MPS2, tell)
        part = _part(Path(out), number, total)
        temporary = part.with_suffix(f".{os.getpid()}")
        write_rows(temporary, rows(family, outcomes))
        temporary.replace(part)
    return {"accepted": sum(outcome.settled is not None for outcome in outcomes), "members": total}


@functools.lru_cache(maxsize=2)
def _cached_family(twins: tuple[str, ...], raw: str, seed: int) -> Family:
    """The family as the parent made it; a worker makes many chunks of it."""
    members = tuple(open_member(Path(folder), force=True) for folder in twins)
    return make_family(members, Spec.from_raw(json.loads(raw)), seed)


def _remove_torn_layers(out: Path) -> None:
    """USD writes a layer beside its place and moves it there; a worker that was stopped in between leaves the draft."""
    for draft in out.glob("variations/*/variation_*"):
        if draft.suffix != ".usdc":
            draft.unlink()


def _finish(
    family: Family, out: Path, options: AugmentOptions, request: dict[str, Any], failures: list[dict[str, str]]
) -> dict[str, Any]:
    """Join the tables, write the manifest and the report; the record."""
    from physicl_twin.augment.table import join, read_rows

    table = out / "manifest.parquet"
    with output_errors(out):
        _remove_torn_layers(out)
    if not _finished(out, options.count):
        parts = [_part(out, number, len(members)) for number, members in enumerate(_chunks(family, options.count))]
        with output_errors(out):
            join([part for part in parts if part.is_file()], table)
    summary = read_rows(table, ("variation", "accepted", "reasons", "attempts"))
    accepted = [row["variation"] for row in summary if row["accepted"]]
    reasons = Counter(reason for row in summary for reason in row["reasons"])
    complete = not failures
    manifest = {
        "schema_version": MANIFEST_VERSION,
        "name": out.resolve().name,
        "complete": complete,
        "count": options.count,
        "seed": options.seed,
        "members": accepted,
        "rejected": [row["variation"] for row in summary if not row["accepted"]],
        "rejected_draws": dict(sorted(reasons.items())),
        "gravity_mps2": GRAVITY_MPS2,
        "support": to_json(family.support),
        "instances": [{"name": name, "twin": family.members[index].name} for name, index in family.instances],
        "twins": [
            {
                "name": member.name,
                "folder": f"twins/{member.name}",
                "version": member.twin.version,
                "licence": member.twin.licence or "NOASSERTION",
                "certificate_passed": not member.failed,
                "sources": [
                    {"name": source.name, "sha256": source.sha256, "licence": source.licence or "NOASSERTION"}
                    for source in member.twin.sources
                ],
            }
            for member in family.members
        ],
        "spec": family.spec.raw,
        "request": request,
    }
    write_atomic(out / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    from physicl_twin.usd.variant_file import VARIANTS, write_variants

    # What is there from an earlier run must not be left behind by a larger set.
    if accepted and (options.variants or (out / VARIANTS).is_file()):
        with output_errors(out):
            write_variants(out, accepted)
    if options.report and accepted:
        from physicl_twin.augment.report import write_report

        with output_errors(out):
            write_report(family, out)
    if complete:
        shutil.rmtree(out / _WORK, ignore_errors=True)
    none = not accepted and summary
    error = failures[0] if failures else (_unsatisfiable(reasons) if none else None)
    return {
        "set": str(out),
        "status": "failed" if error else "built",
        "scene": str(out / "scene.usda"),
        "manifest": str(out / "manifest.json"),
        "count": options.count,
        "accepted": len(accepted),
        "rejected": len(summary) - len(accepted),
        "rejected_draws": dict(sorted(reasons.items())),
        "notes": _notes(family),
        "seed": options.seed,
        "error": error,
    }


_WHY = {
    "penetration": "colliders overlapped deeper than settle.penetration_m",
    "still_moving": "something still moved after settle.longest_s",
    "moves_in_mujoco": "what rests in PhysX did not come to rest in MuJoCo",
    "engines_disagree": "PhysX and MuJoCo found no rest in common",
    "left_support": "an object left the support",
    "occlusion": "no camera saw the target hidden as occlusion.range wants",
    "target_left_out": "the occlusion target was not in the scene",
}


def _notes(family: Family) -> list[str]:
    """What the user should know of the family before it takes its time."""
    used = {index for _, index in family.instances}
    by_mass = sorted((family.members[index].lean.mass_kg, family.members[index].name) for index in used)
    (light_kg, light), (heavy_kg, heavy) = by_mass[0], by_mass[-1]
    if heavy_kg <= _MASS_RATIO * light_kg:
        return []
    return [
        f"{heavy} ({heavy_kg:.3g} kg) weighs {heavy_kg / light_kg:.0f} times as much as {light} ({light_kg:.3g} kg): "
        "engines rarely agree on how such things rest on each other, so many draws may be rejected."
    ]


def _unsatisfiable(reasons: Counter[str]) -> dict[str, str]:
    """The error of a spec that no draw satisfies."""
    worst, times = reasons.most_common(1)[0]
    told = ", ".join(f"{name} {number}" for name, number in reasons.most_common())
    return PhysiclError(
        "spec_unsatisfiable",
        f"No variation was accepted: in {times} of {sum(reasons.values())} draws {_WHY.get(worst, worst)} ({told}).",
        "Widen that property, or make the support larger.",
    ).to_json()
