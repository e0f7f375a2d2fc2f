"""The worker's side of ``live``: waits for requests, keeps the last twin loaded, answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from physicl_twin.model import PhysiclError, Progress, Twin, to_json
from physicl_twin.workbench.restate import Statements, load_complete, restated
from physicl_twin.workbench.shot import Shot
from physicl_twin.workbench.viewport_scene import ViewportScene

_PERIOD_S = 0.01
#: Without a request for this long the worker looks whether anybody is left.
_ALONE_S = 2.0

Pixels = NDArray[np.uint8]


def serve(*, folder: str, parent: int, progress: Progress) -> None:
    """Worker entry: answer until the folder or the parent process is gone.

    Args:
        folder: Where requests and answers lie.
        parent: Process id of the window.
        progress: Told once that it listens.
    """
    progress("listening", 0.0)
    desk = _Desk()
    place = Path(folder)
    last = time.monotonic()
    while True:
        requests = sorted(place.glob("request-*.json"))
        if not requests:
            if time.monotonic() - last > _ALONE_S:
                if not place.is_dir() or not psutil.pid_exists(parent):
                    return
                last = time.monotonic()
            time.sleep(_PERIOD_S)
            continue
        last = time.monotonic()
        read = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in requests]
        for path in requests:
            path.unlink()
        pictures = [path for path, request in read if request["operation"] == "picture"]
        for path, request in read:
            if request["operation"] == "picture" and path != pictures[-1]:
                continue
            _answer(desk, path, request)


def _answer(desk: _Desk, path: Path, request: dict[str, Any]) -> None:
    result, pixels, error = None, None, None
    try:
        result, pixels = desk.operations[request["operation"]](**request["arguments"])
    except PhysiclError as problem:
        error = problem.to_json()
    except Exception as problem:  # anything else must not end the worker: the window shows it
        error = {"code": "drawing_failed", "message": f"It could not be done: {problem}.", "hint": "Build it again."}
    number = path.stem.removeprefix("request-")
    size = None
    if pixels is not None:
        size = [pixels.shape[1], pixels.shape[0]]
        (path.parent / f"answer-{number}.rgba").write_bytes(np.ascontiguousarray(pixels).tobytes())
    temporary = path.parent / f".answer-{number}"
    temporary.write_text(json.dumps({"result": result, "size": size, "error": error}), encoding="utf-8")
    temporary.replace(path.parent / f"answer-{number}.json")


class _Desk:
    """What is loaded."""

    def __init__(self) -> None:
        self._twin: tuple[str, float, Twin] | None = None
        self._scene: tuple[str, float, ViewportScene] | None = None
        self.operations: dict[str, Callable[..., tuple[Any, Pixels | None]]] = {
            "picture": self._picture,
            "restate": self._restate,
            "member": self._member,
        }

    def _loaded(self, folder: str) -> tuple[float, Twin]:
        stamp = _stamp(folder)
        if self._twin is None or self._twin[:2] != (folder, stamp):
            self._twin = (folder, stamp, load_complete(Path(folder)))
        return stamp, self._twin[2]

    def _picture(self, *, twin: str, shot: dict[str, Any]) -> tuple[Any, Pixels]:
        """The twin as a shot says."""
        stamp, loaded = self._loaded(twin)
        if self._scene is None or self._scene[:2] != (twin, stamp):
            self._scene = (twin, stamp, ViewportScene(loaded))
        return None, self._scene[2].draw(Shot.from_json(shot))

    def _restate(self, *, twin: str, statements: dict[str, Any]) -> tuple[Any, None]:
        """The twin with other materials and masses, as JSON."""
        _, loaded = self._loaded(twin)
        return to_json(restated(Path(twin), loaded, Statements.from_json(statements))), None

    def _member(self, *, folder: str, index: int) -> tuple[Any, Pixels]:
        """A member of a set of variations; see ``workbench.member``."""
        from physicl_twin.workbench.member import member

        return member(Path(folder), index)


def _stamp(folder: str) -> float:
    """Changes with every version of a twin."""
    path = Path(folder) / "twin.json"
    return path.stat().st_mtime if path.exists() else 0.0
