"""How a node talks to the action graph that it stands in.

While a job runs the node is *latent*: the graph evaluates it at every update and goes on behind it when it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from physicl_twin.kit.nodes.work import Request, Signal, Step
from physicl_twin.model import PhysiclError

#: Pins that every node of ours has.
TRIGGER, FINISHED, FAILED = "inputs:execIn", "outputs:finished", "outputs:failed"


class ActionGraph(Protocol):
    """What a node uses of ``omni.graph.action_core.IActionGraph``; to be called inside ``compute`` only."""

    def get_execution_enabled(self, name: str, /) -> bool:
        """True when the execution came in through this pin."""

    def get_latent_state(self) -> bool:
        """True when the node is latent."""

    def start_latent_state(self) -> None:
        """Be evaluated at every update from now on."""

    def end_latent_state(self) -> None:
        """Be no longer latent."""

    def set_execution_enabled(self, name: str, /) -> None:
        """Go on behind this pin."""


def action_graph() -> ActionGraph:
    """The interface of the running Kit."""
    from omni.graph.action_core import get_interface

    interface: ActionGraph = get_interface()
    return interface


def advance(db: Any, graph: ActionGraph, prepare: Callable[[], Request], finish: Callable[[Any], str]) -> bool:
    """One evaluation of a node that works in the background.

    Args:
        db: The node's database; its state has ``work``.
        graph: The action graph.
        prepare: Makes the request of the node's inputs.
        finish: Puts the verb's result on the node's outputs (and on the stage) and returns what went wrong on the way,
            mostly nothing; may raise PhysiclError.

    Returns:
        False when the node failed.
    """
    step: Step = db.per_instance_state.work.step(graph.get_execution_enabled(TRIGGER), prepare)
    if step.signal is Signal.FINISHED:
        try:
            step = replace(step, error=finish(step.result))
        except PhysiclError as error:
            step = Step(Signal.FAILED, step.stage, step.progress, error=str(error))
    db.outputs.stage, db.outputs.progress = step.stage, step.progress
    if step.signal is Signal.RUNNING:
        db.outputs.error = ""
        if not graph.get_latent_state():
            graph.start_latent_state()
        return True
    if graph.get_latent_state():
        graph.end_latent_state()
    return close(db, graph, step.signal, step.error)


def at_once(db: Any, graph: ActionGraph, act: Callable[[], str]) -> bool:
    """One evaluation of a node that is done within it.

    Args:
        db: The node's database.
        graph: The action graph.
        act: Does the work, sets the outputs and returns what went wrong on the way, mostly nothing; may raise
            PhysiclError.

    Returns:
        False when the node failed.
    """
    if not graph.get_execution_enabled(TRIGGER):
        return True
    try:
        said = act()
    except PhysiclError as error:
        db.outputs.progress = 0.0
        return close(db, graph, Signal.FAILED, str(error))
    db.outputs.progress = 1.0
    return close(db, graph, Signal.FINISHED, said)


def close(db: Any, graph: ActionGraph, signal: Signal, error: str) -> bool:
    """Go on behind the pin that the signal asks for, and say what went wrong."""
    if signal is Signal.IDLE:
        return True
    failed = signal is Signal.FAILED
    db.outputs.error = error
    graph.set_execution_enabled(FAILED if failed else FINISHED)
    if failed:
        db.log_error(error, add_context=False)
    return not failed
