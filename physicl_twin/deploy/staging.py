"""An export folder that appears whole or not at all, and that never replaces what is not an export."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from physicl_twin import store
from physicl_twin.deploy.record import RECORD_NAME
from physicl_twin.model import FileHash, OutputError


def require_free(target: Path) -> None:
    """Refuse a place that holds something else than an earlier export.

    Raises:
        OutputError: ``output_not_a_folder``, ``output_foreign``.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise OutputError("output_not_a_folder", f"{target} is in the way: it is no folder.", "Choose another --out.")
    if target.is_dir() and any(target.iterdir()) and not (target / RECORD_NAME).is_file():
        raise OutputError(
            "output_foreign",
            f"{target} holds files that are no export of physicl_twin.",
            "Choose another --out, or empty that folder.",
        )


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A folder that becomes ``target`` when the block ends well, else vanishes; an earlier export is replaced.

    The folder has the name of ``target`` (SimReady reads names of folders). What a killed run left beside it is mended
    first.

    Raises:
        OutputError: ``output_foreign``, ``output_not_a_folder``, ``output_unwritable``, ``disk_full``.
    """
    require_free(target)
    store.prepare_output(target.parent)
    with store.output_errors(target), store.staged(target.parent, target.name) as work:
        yield work


def hash_files(folder: Path, *, without: tuple[str, ...] = ()) -> tuple[FileHash, ...]:
    """Hashes of every file of a folder, sorted by relative path.

    Args:
        folder: Root.
        without: Relative paths to leave out.
    """
    named = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return tuple(
        FileHash(name, store.sha256_file(path), path.stat().st_size) for name, path in named if name not in without
    )
