"""What OmniGraph keeps for each instance of a node of ours, and how it is given back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from physicl_twin.in_stage.moving import PosedJoints
from physicl_twin.kit.nodes.place import Spawned
from physicl_twin.kit.nodes.work import NodeWork


class NodeState:
    """State of one node instance; a stop of the timeline puts it back to the beginning.

    Args:
        work: Its background work.
        subscribe: Has a method called at every stop, as long as what it returns is held.

    Attributes:
        work: Its background work.
        spawned: What it put on the stage for the time of the play.
        posed: Joints that it moved for the time of the play.
    """

    def __init__(self, work: NodeWork, subscribe: Callable[[Callable[[], None]], object]) -> None:
        self.work = work
        self.spawned: Spawned | None = None
        self.posed: PosedJoints | None = None
        self._subscription = subscribe(self.reset)

    def reset(self) -> None:
        """Stop the job, forget its result and take away what was spawned or posed."""
        self.work.reset()
        spawned, self.spawned = self.spawned, None
        if spawned is not None:
            spawned.remove()
        posed, self.posed = self.posed, None
        if posed is not None:
            posed.release()

    def release(self) -> None:
        """The node is gone: as ``reset``, and the timeline is no longer listened to."""
        self.reset()
        self._subscription = None


def subscribe_to_stop(reset: Callable[[], None]) -> object:
    """Call a method whenever the timeline stops, for as long as its object lives and the returned holder is held."""
    import omni.timeline
    from carb.eventdispatcher import get_eventdispatcher

    # Weak: the dispatcher holds its callbacks, and a node's state must go with the node.
    method = weakref.WeakMethod(reset)

    def on_stop(_: object) -> None:
        if (call := method()) is not None:
            call()

    return get_eventdispatcher().observe_event(
        event_name=omni.timeline.GLOBAL_EVENT_STOP, on_event=on_stop, observer_name="physicl_twin.node.stop"
    )


class WorkNode:
    """Base of the nodes that work in the background or change the stage for the time of a play."""

    @staticmethod
    def internal_state() -> NodeState:
        """Called by OmniGraph for each instance of the node."""
        return NodeState(NodeWork(), subscribe_to_stop)

    @staticmethod
    def remember(db: Any) -> NodeState:
        """The state of this instance, noted for its release: OmniGraph says then only which node it is."""
        state: NodeState = db.per_instance_state
        _STATES[_key(db.node, db.node.get_graph_instance_id())] = state
        return state

    @staticmethod
    def release_instance(node: Any, graph_instance_id: Any) -> None:
        """Called by OmniGraph when an instance goes."""
        state = _STATES.pop(_key(node, graph_instance_id), None)
        if state is not None:
            state.release()


_STATES: weakref.WeakValueDictionary[tuple[int, str], NodeState] = weakref.WeakValueDictionary()


def _key(node: Any, graph_instance_id: Any) -> tuple[int, str]:
    return int(node.node_id()), str(graph_instance_id)


def release_all() -> None:
    """Give back the state of every node; for the end of the extension."""
    for state in tuple(_STATES.values()):
        state.release()
    _STATES.clear()
