"""Runs MuJoCo on a description in a child process."""

from __future__ import annotations

import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.mjcf_files import escapes
from physicl_twin.ingest.mjcf_model import MjcfModel, load_model
from physicl_twin.ingest.mjcf_worker import ESCAPES, REFUSED
from physicl_twin.model import SourceError
from physicl_twin.settings import child_environment, worker_python

_MAX_REASON = 400


def compiled(path: Path, area: Path, time_limit_s: float, memory_gb: float) -> MjcfModel:
    """The model that MuJoCo compiles from a file.

    Args:
        path: The description.
        area: Folder that the files which it draws in must lie in.
        time_limit_s: For the whole run.
        memory_gb: That the process may address.

    Raises:
        SourceError: ``file_damaged`` with MuJoCo's own reason, ``reference_escapes``, ``converter_crashed``,
            ``converter_time_limit``.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.npz"
        worker = [worker_python(), "-m", "physicl_twin.ingest.mjcf_worker"]
        try:
            # MuJoCo writes a log of its warnings into the working folder.
            child = subprocess.run(
                [*worker, str(path.resolve()), str(area.resolve()), str(result), str(int(memory_gb * 1e9))],
                capture_output=True,
                timeout=time_limit_s, check=False, cwd=folder,
                env=child_environment(),
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise SourceError(
                "converter_time_limit", f"MuJoCo could not compile {path.name} within {time_limit_s:g} s.",
                "Simplify the file, or raise [mjcf] time_limit_s.",
            ) from error  # fmt: skip
        said = child.stderr.decode("utf-8", "replace")
        if child.returncode == ESCAPES:
            raise escapes(path.name, said.strip().splitlines()[-1] if said.strip() else "")
        if child.returncode == REFUSED:
            raise damaged(path.name, f"MuJoCo refuses it ({_reason(said, path)}).")
        if child.returncode != 0:
            raise SourceError(
                "converter_crashed", f"MuJoCo crashed on {path.name} (status {child.returncode}).",
                "The file is probably damaged; export it again.",
            )  # fmt: skip
        try:
            with np.load(result, allow_pickle=False) as stored:
                return load_model({name: stored[name] for name in stored.files})
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            raise damaged(path.name, "MuJoCo left no usable result.") from error


def _reason(said: str, path: Path) -> str:
    """MuJoCo's message on one line, without the folders of this machine."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.split(":", 1)[0].endswith("Error")), 0)
    text = " ".join(lines[start:]) or "no reason given"
    return text.replace(f"{path.resolve().parent}{os.sep}", "").rstrip(".")[:_MAX_REASON]
