"""An export folder that appears whole or not at all, and that never replaces what is not an export."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from physicl_twin.deploy.record import RECORD_NAME
from physicl_twin.model import FileHash, OutputError

_STAGING = ".physicl-staging-"


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
    """A folder beside ``target`` that becomes ``target`` when the block ends well, else vanishes.

    The folder has the name of ``target`` (SimReady reads names of folders). An earlier export is replaced.

    Raises:
        OutputError: ``output_foreign``, ``output_not_a_folder``, ``output_unwritable``, ``disk_full``.
    """
    require_free(target)
    staging = target.parent / f"{_STAGING}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    work = staging / target.name
    try:
        with _output_errors(target):
            work.mkdir(parents=True)
        try:
            yield work
        except OSError as error:
            raise _explained(error, target) from error
        with _output_errors(target):
            _sync_tree(work)
            _publish(work, target, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(work: Path, target: Path, staging: Path) -> None:
    """Rename into place; an older export steps aside first and comes back when the new one cannot take its place."""
    old = staging / ".replaced"
    if target.exists():
        target.rename(old)
    try:
        work.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    _sync(target.parent)


@contextlib.contextmanager
def _output_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _explained(error, target) from error


def _explained(error: OSError, target: Path) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError("disk_full", f"There is no room left for {target.name}.", "Free space and run again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            "output_unwritable", f"{target} cannot be written.", "Choose another --out or change its permissions."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return OutputError("output_not_a_folder", f"{target}: a file is in the way.", "Choose another --out.")
    return OutputError("output_failed", f"{target.name}: {error.strerror or error}.", "Choose another --out.")


def hash_files(folder: Path, *, without: tuple[str, ...] = ()) -> tuple[FileHash, ...]:
    """Hashes of every file of a folder, sorted by relative path.

    Args:
        folder: Root.
        without: Relative paths to leave out.
    """
    named = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return tuple(FileHash(name, sha256_file(path), path.stat().st_size) for name, path in named if name not in without)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root):
        for file in files:
            _sync(Path(folder, file))
        _sync(Path(folder))


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk (folders cannot be flushed on Windows)."""
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
