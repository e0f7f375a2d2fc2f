"""One twin, one target: gate, write, check, record, publish."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from physicl_twin import __version__
from physicl_twin.deploy.job import Job, TargetWriter
from physicl_twin.deploy.notice import notice
from physicl_twin.deploy.record import (
    NOTICE_NAME,
    RECORD_NAME,
    TARGETS,
    DeployRecord,
    DeployResult,
    Target,
)
from physicl_twin.deploy.staging import hash_files, staged
from physicl_twin.deploy.subject import Subject, gate
from physicl_twin.model import ConfigError, dumps
from physicl_twin.usd.layout import plan
from physicl_twin.usd.options import UsdOptions

_MODULES: dict[Target, str] = {
    "isaac-sim": "isaac_sim_target",
    "omniverse": "omniverse_target",
    "mujoco": "mujoco_target",
    "urdf": "urdf_target",
}
TOOL = f"physicl_twin {__version__}"


def require_target(name: str) -> Target:
    """The target of that name.

    Raises:
        ConfigError: ``target_unknown``.
    """
    for target in TARGETS:
        if name == target:
            return target
    raise ConfigError("target_unknown", f"There is no target {name!r}.", f"Choose from {', '.join(TARGETS)}.")


def writer_of(target: Target) -> TargetWriter:
    """The functions of a target; its libraries are imported now, not before."""
    module = importlib.import_module(f"physicl_twin.deploy.{_MODULES[target]}")
    return TargetWriter(target, module.write, module.compare, module.drop)


def export_twin(
    subject: Subject, target: Target, out: Path, settings: dict[str, Any], *, check: bool, force: bool
) -> DeployResult:
    """Write ``out/<target>/<name>``; see ``deploy``."""
    warnings = gate(subject, force=force)
    twin = subject.twin
    final = out / target / twin.name
    with staged(final) as folder:
        record = replace(export_files(subject, target, folder, settings, check=check), warnings=warnings)
        (folder / NOTICE_NAME).write_text(notice(record, [twin]), encoding="utf-8")
        record = finish(folder, record)
    return DeployResult(final, final / record.main, record)


def export_files(
    subject: Subject, target: Target, folder: Path, settings: dict[str, Any], *, check: bool
) -> DeployRecord:
    """Write the files of a twin into ``folder`` and check them; the record has no warnings and no hashes yet."""
    twin, writer = subject.twin, writer_of(target)
    job = Job(subject, plan(twin, UsdOptions.from_settings(settings)), folder, settings)
    written = writer.write(job)
    _copy_provenance(subject, folder)
    return DeployRecord(
        twin=twin.name,
        twin_version=twin.version,
        target=target,
        main=written.main,
        licence=twin.licence,
        forced=subject.failed,
        checked=check,
        losses=written.losses,
        warnings=(),
        notes=written.notes,
        comparisons=writer.compare(job, written) if check else (),
        drop=writer.drop(job, written) if check else None,
        tool=TOOL,
    )


def finish(folder: Path, record: DeployRecord) -> DeployRecord:
    """Write deploy.json with the hashes of all other files; returns it as written."""
    complete = replace(record, files=hash_files(folder))
    (folder / RECORD_NAME).write_text(dumps(complete), encoding="utf-8")
    return complete


def _copy_provenance(subject: Subject, folder: Path) -> None:
    """Where it comes from and what was checked go along: the twin's own records."""
    for name in ("twin.json", "provenance.json", "certificate.json"):
        if subject.folder is not None and (subject.folder / name).is_file():
            shutil.copyfile(subject.folder / name, folder / name)
    if subject.folder is None:
        (folder / "twin.json").write_text(dumps(subject.twin), encoding="utf-8")
