"""Folders that appear whole or not at all: staging beside the target, fsync, rename, and recovery after a crash."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from physicl_twin.model.errors import OutputError, UsdError

_STAGING = ".physicl-staging-"
_REPLACED = ".physicl-replaced-"


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


#: A disk with less room than this is full: libraries take back what they wrote before they report (judgement).
_FULL_BYTES = 256 * 1024


@contextlib.contextmanager
def output_errors(target: Path) -> Iterator[None]:
    """Turn errors of writing below a target folder into OutputErrors that say what to do.

    Libraries that write by themselves (USD, Arrow) do not say why they could not: then the disk is asked.
    """
    try:
        yield
    except OSError as error:
        raise _explained(error, target) from error
    except UsdError as error:
        if error.code == "usd_not_written" and _no_room(target):
            raise _full(target) from error
        raise


def _explained(error: OSError, target: Path) -> OutputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or (error.errno is None and _no_room(target)):
        return _full(target)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            "output_unwritable", f"{target.name} cannot be written.", "Choose another --out or change its permissions."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return OutputError(
            "output_not_a_folder", f"{target.name} is in the way: it is not a folder.", "Choose another --out."
        )
    return OutputError(
        "output_failed", f"{target.name} cannot be written: {error.strerror or error}.", "Choose another --out."
    )


def _full(target: Path) -> OutputError:
    return OutputError("disk_full", f"There is no room left for {target.name}.", "Free space and run again.")


def _no_room(target: Path) -> bool:
    there = next((folder for folder in (target, *target.parents) if folder.exists()), None)
    return there is not None and shutil.disk_usage(there).free < _FULL_BYTES


def prepare_output(out: Path) -> None:
    """Make the output folder, show that it can be written, and mend what a killed run left in it.

    Raises:
        OutputError: When it cannot be made or written.
    """
    with output_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f"{_STAGING}probe-{uuid.uuid4().hex[:12]}"
        probe.write_bytes(b"physicl")
        probe.unlink()
        _recover(out)


def _recover(out: Path) -> None:
    """Restore folders that were being replaced when a run died; remove stagings whose process is gone."""
    for replaced in sorted(out.glob(f"{_REPLACED}*")):
        name = replaced.name.removeprefix(_REPLACED).split("-", 1)[1]
        if (out / name).exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(out / name)
    for staging in sorted(out.glob(f"{_STAGING}*")):
        host, _, rest = staging.name.removeprefix(_STAGING).partition("-")
        pid = rest.split("-")[0]
        if host == _host() and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(staging) if staging.is_dir() else staging.unlink()


def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@contextlib.contextmanager
def staged(out: Path, name: str) -> Iterator[Path]:
    """A folder ``<staging>/<name>`` that becomes ``out/name`` when the block ends well, else vanishes."""
    staging = out / f"{_STAGING}{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    target = out / name
    try:
        with output_errors(out):
            (staging / name).mkdir(parents=True)
        yield staging / name
        with output_errors(out):
            _sync_tree(staging / name)
            _publish(staging / name, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staged_dir: Path, target: Path) -> None:
    """Rename into place; an older folder steps aside first and is put back by ``_recover`` when we die in between."""
    aside = None
    if target.exists():
        aside = target.parent / f"{_REPLACED}{uuid.uuid4().hex[:8]}-{target.name}"
        target.rename(aside)
    try:
        staged_dir.rename(target)
    except OSError:
        if aside is not None:
            aside.rename(target)
        raise
    _sync(target.parent)
    if aside is not None:
        shutil.rmtree(aside)


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


def write_atomic(path: Path, text: str) -> None:
    """Write a text file so that readers see the old or the new content, never half of it."""
    with output_errors(path):
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
        try:
            temporary.write_text(text, encoding="utf-8")
            _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
