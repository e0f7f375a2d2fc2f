"""The verbs as worker functions: JSON in, JSON out, the same functions underneath as the command line's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin import settings
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.jobs.pool import Job
from physicl_twin.model import PhysiclError, Progress


def build(
    *,
    sources: list[str],
    out: str,
    units: str | None = None,
    up: str | None = None,
    name: str | None = None,
    materials: dict[str, str] | None = None,
    mass: str | None = None,
    licence: str = "",
    config: str | None = None,
    seed: int = 0,
    jobs: int = 1,
    fast: bool = False,
    precise: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Make twins; see the ``build`` verb.

    Returns:
        ``records``: what ``build --json`` prints, one a source.
    """
    from physicl_twin.jobs import batch
    from physicl_twin.jobs.request import BuildOptions
    from physicl_twin.normalize.options import parse_mass

    options = BuildOptions(
        read=ReadOptions(units=units, up_axis=up, name=name, licence=licence),
        materials=tuple((materials or {}).items()),
        mass=parse_mass(mass) if mass else None,
        config=Path(config) if config else None,
        seed=seed,
        jobs=jobs,
        fast=fast,
        precise=precise,
    )
    records = batch.build(
        sources, Path(out), options, on_progress=lambda job, stage, part, text: progress(stage, part, text or job.key)
    )
    return {"records": list(records)}


def validate(
    *,
    target: str,
    engines: list[str] | None = None,
    rollouts: list[str] | None = None,
    profile: str = "",
    config: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Check a twin folder or USD file; see the ``validate`` verb.

    Returns:
        What ``validate --json`` prints.
    """
    from physicl_twin.jobs import check
    from physicl_twin.model import SourceError

    if not Path(target).exists():
        raise SourceError("file_not_found", f"{Path(target).name} does not exist.", "Check the path.")
    in_force = settings.pipeline(Path(config) if config else None)
    return check.run(
        target=target,
        engines=engines or ["physx", "mujoco"],
        rollouts=rollouts,
        profile=profile,
        in_force=in_force,
        progress=progress,
    )


def augment(
    *,
    twins: list[str],
    out: str,
    spec: str | None = None,
    count: int = 100,
    seed: int = 0,
    jobs: int = 1,
    force: bool = False,
    report: bool = True,
    variants: bool = False,
    config: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Make a set of variations; see the ``augment`` verb.

    Returns:
        What ``augment --json`` prints.
    """
    from physicl_twin.jobs.augment import AugmentOptions
    from physicl_twin.jobs.augment import augment as run

    options = AugmentOptions(
        Path(spec) if spec else None, count, seed, jobs, force, Path(config) if config else None, report, variants
    )
    finished: dict[str, float] = {}

    def tell(job: Job, stage: str, part: float, text: str) -> None:
        """Members of all chunks together: each chunk begins again at nothing."""
        first, stop = job.arguments["first"], job.arguments["stop"]
        finished[job.key] = part * (stop - first)
        made = sum(finished.values())
        progress(stage, made / count, f"{made:.0f} of {count}")

    record = run(twins, Path(out), options, on_progress=tell)
    if error := record["error"]:
        raise PhysiclError(error["code"], error["message"], error["hint"])
    return record


def deploy(
    *,
    twin: str,
    targets: list[str],
    out: str,
    check: bool = True,
    force: bool = False,
    members: str | None = None,
    config: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """Write exports; see the ``deploy`` verb.

    Returns:
        ``records``: what ``deploy --json`` prints, one a target; a target that cannot be written has ``error``.
    """
    from physicl_twin import deploy as room
    from physicl_twin.deploy.report import as_json

    in_force = settings.pipeline(Path(config) if config else None)
    records: list[dict[str, Any]] = []
    for number, target in enumerate(targets):
        progress("deploy", number / len(targets), target)
        try:
            result = room.deploy(
                Path(twin), target, Path(out), check=check, force=force, members=members, settings=in_force
            )
        except PhysiclError as error:
            records.append({"target": target, "status": "failed", "error": error.to_json()})
            continue
        records.append(as_json(result))
    progress("deploy", 1.0, "")
    return {"records": records}


def preview(
    *,
    sources: list[str],
    units: str | None = None,
    up: str | None = None,
    mass: str | None = None,
    picture: str = "",
    config: str | None = None,
    progress: Progress,
) -> dict[str, Any]:
    """The dry run of a build: what would be made, before anything is written; see ``workbench.preview``."""
    from physicl_twin.workbench.preview import preview as look

    return look(sources=sources, units=units, up=up, mass=mass, picture=picture, config=config, progress=progress)


def accept(
    *, twin: str, statements: dict[str, Any], engines: list[str] | None = None, progress: Progress
) -> dict[str, Any]:
    """Make edited materials and masses a new version of a twin; see ``workbench.restate``."""
    from physicl_twin.workbench.restate import Statements
    from physicl_twin.workbench.restate import accept as run

    return run(Path(twin), Statements.from_json(statements), engines or ["physx", "mujoco"], progress)


def certify(
    *, twin: str, engines: list[str] | None = None, config: str | None = None, progress: Progress
) -> dict[str, Any]:
    """Validate a twin and write its certificate and report anew.

    Returns:
        What ``validate --json`` prints.
    """
    from physicl_twin.model import from_json
    from physicl_twin.model.certificate import Certificate
    from physicl_twin.validate import write_certificate

    record = validate(target=twin, engines=engines, config=config, progress=progress)
    in_force = settings.pipeline(Path(config) if config else None)
    write_certificate(from_json(Certificate, record["certificate"]), Path(twin), settings=in_force)
    return record


def record_drop(*, twin: str, engine: str = "physx", progress: Progress) -> dict[str, Any]:
    """Record a drop for play-back; see ``workbench.playback``."""
    from physicl_twin.workbench.playback import record

    return record(twin=twin, engine=engine, progress=progress)


def record_motion(*, twin: str, engine: str = "physx", progress: Progress) -> dict[str, Any]:
    """Record its joints moving for play-back; see ``workbench.motion_recording``."""
    from physicl_twin.workbench.motion_recording import record

    return record(twin=twin, engine=engine, progress=progress)


def member_preview(
    *, twins: list[str], out: str, spec: str | None = None, seed: int = 0, progress: Progress
) -> dict[str, Any]:
    """One member of a set, made by itself in a folder that is replaced each time.

    Returns:
        What ``augment --json`` prints.
    """
    import shutil

    folder = Path(out)
    if (folder / "manifest.json").is_file() or (folder / ".physicl-work").is_dir():
        shutil.rmtree(folder)
    return augment(twins=twins, out=out, spec=spec, count=1, seed=seed, force=True, report=False, progress=progress)


def install(*, extra: str, progress: Progress) -> dict[str, Any]:
    """Get an optional set of packages.

    Raises:
        ConfigError: ``extra_missing`` when it cannot be had.
    """
    import os
    import subprocess

    from physicl_twin.model import ConfigError

    progress("installing", 0.0, extra)
    home = settings.PACKAGE_ROOT.parent
    script = home / ("physicl.bat" if os.name == "nt" else "physicl.sh")
    command = [str(script), "install", extra] if os.name == "nt" else ["bash", str(script), "install", extra]
    done = script.is_file() and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not done:
        hint = f"Run ./physicl.sh install {extra} in a terminal and read what it says."
        raise ConfigError("extra_missing", f"The packages of '{extra}' could not be installed.", hint)
    return {"extra": extra}
