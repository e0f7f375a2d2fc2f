"""The SimReady folder of a twin inside an export: copied file by file, or written when the twin has no folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from physicl_twin import usd
from physicl_twin.deploy.job import Job
from physicl_twin.model import UsdError

#: What belongs to the asset; everything else that may have gathered there stays behind.
_FOLDERS = ("payloads", "runnables", "textures", ".thumbs")


def place_simready(job: Job, parent: Path) -> Path:
    """Make ``parent/simready`` and return its interface layer.

    Args:
        job: Of the export.
        parent: A folder called as the twin: SimReady compares the names.

    Raises:
        UsdError: ``usd_not_found`` when the twin's folder lacks it.
    """
    twin, folder = job.subject.twin, job.subject.folder
    target = parent / "simready"
    if folder is None:
        return usd.write_twin(twin, parent.parent, settings=job.settings)
    source = folder / "simready"
    interface = source / f"{twin.name}.usda"
    if not interface.is_file():
        raise UsdError("usd_not_found", f"{folder.name} has no simready/{interface.name}.", "Build the twin again.")
    target.mkdir(parents=True)
    shutil.copyfile(interface, target / interface.name)
    for name in _FOLDERS:
        for file in sorted((source / name).rglob("*")):
            if file.is_file() and not file.is_symlink():
                copy = target / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    return target / interface.name
