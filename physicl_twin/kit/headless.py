"""Scripts inside Isaac Sim or beside it: an app is started where there is none, and only that one is ended.

Importing this loads no Kit: a script imports it before there is a ``SimulationApp``.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from physicl_twin.model import PhysiclError


class Host:
    """The Kit that a script runs in.

    Args:
        app: ``SimulationApp`` that the script started; None in an app that was there already.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    @property
    def owned(self) -> bool:
        """True when the script started the app."""
        return self._app is not None

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Carry out asynchronous work, while the app goes on: what it returns, or a task in an app that was there.

        An app that was there already is drawing while the script runs in it, so that nothing can be waited for.
        """
        if self._app is not None:
            return self._app.run_coroutine(work)
        import asyncio

        return asyncio.ensure_future(work)


def inside_kit() -> bool:
    """True in a Python that Kit runs in: its Script Editor, an extension, a script after ``SimulationApp``."""
    return "omni.kit.app" in sys.modules


def has_isaac_sim() -> bool:
    """True where a script could start Isaac Sim, or runs in it."""
    return inside_kit() or importlib.util.find_spec("isaacsim") is not None


@contextmanager
def simulation_app(**settings: Any) -> Iterator[Host]:
    """The app that is there, or one of our own: without a window, ended at the end, with its error told.

    Args:
        settings: For ``SimulationApp``, when it is started: ``headless=False`` for a window.

    Raises:
        PhysiclError: ``isaac_sim_missing``.
    """
    if inside_kit():
        yield Host(None)
        return
    if not has_isaac_sim():
        raise PhysiclError(
            "isaac_sim_missing", "This script needs Isaac Sim.", "Run it with Isaac Sim's python.sh, or pip's isaacsim."
        )
    from isaacsim import SimulationApp

    app = SimulationApp({"headless": True, **settings})
    status = 1
    try:
        yield Host(app)
        status = 0
    except BaseException:
        # Ending the app may end the process: whoever waits for the traceback would wait in vain.
        traceback.print_exc()
        raise
    finally:
        app.close(exit_code=status)
