"""Ready-made action graphs: nodes, values and connections as data, and the one call that puts them on a stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pxr import Usd

#: Prefix of our node types: the name of the extension.
_OURS = "physicl_twin"
_ACTION = "omni.graph.action"
#: Scope that holds the graphs.
GRAPHS = "/World/Physicl"


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """An action graph as data.

    Attributes:
        name: Name of its prim.
        title: Name for people.
        purpose: What it does, for a tooltip.
        nodes: (name, node type).
        values: (``node.inputs:attribute``, value).
        connections: (``node.outputs:attribute``, ``node.inputs:attribute``).
    """

    name: str
    title: str
    purpose: str
    nodes: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, Any], ...]
    connections: tuple[tuple[str, str], ...]

    def edits(self, keys: Any) -> dict[Any, list[tuple[str, Any]]]:
        """What ``og.Controller.edit`` takes.

        Args:
            keys: ``og.Controller.Keys``.
        """
        return {
            keys.CREATE_NODES: list(self.nodes),
            keys.SET_VALUES: list(self.values),
            keys.CONNECT: list(self.connections),
        }


def randomize_on_play(twins: Sequence[str] = ()) -> GraphPlan:
    """On play: make a set of variations and show its first settled member until the stop.

    Args:
        twins: Folders of twins; may be filled in on the node later.
    """
    return GraphPlan(
        "RandomizeOnPlay",
        "On Play: Randomize and Settle",
        "Press play: variations of the twins fall and settle, and the first one is shown until you stop.",
        nodes=(("OnPlay", f"{_ACTION}.OnStageEvent"), ("Spawn", f"{_OURS}.SpawnVariations")),
        values=(("OnPlay.inputs:eventName", "Simulation Start Play"), ("Spawn.inputs:twins", list(twins))),
        connections=(("OnPlay.outputs:execOut", "Spawn.inputs:execIn"),),
    )


#: Event that asks for the next variation (``omni.graph.action.SendCustomEvent``, ``rep.utils.send_og_event``).
NEXT_VARIATION = "physicl_next_variation"


def next_variation_on_event(twins: Sequence[str] = ()) -> GraphPlan:
    """On a custom event: show the next member of a set.

    Args:
        twins: Folders of twins; may be filled in on the node later.
    """
    return GraphPlan(
        "NextVariationOnEvent",
        "On Custom Event: Next Variation",
        f"Send the event {NEXT_VARIATION}: the next settled variation of the twins is shown.",
        nodes=(
            ("OnEvent", f"{_ACTION}.OnCustomEvent"),
            ("Turn", f"{_ACTION}.Counter"),
            ("Spawn", f"{_OURS}.SpawnVariations"),
        ),
        values=(
            ("OnEvent.inputs:eventName", NEXT_VARIATION),
            # Data generation steps the renderer, not the timeline.
            ("OnEvent.inputs:onlyPlayback", False),
            ("Spawn.inputs:twins", list(twins)),
        ),
        connections=(
            ("OnEvent.outputs:execOut", "Turn.inputs:execIn"),
            ("Turn.outputs:execOut", "Spawn.inputs:execIn"),
            ("Turn.outputs:count", "Spawn.inputs:turn"),
        ),
    )


def import_and_check(source: str = "") -> GraphPlan:
    """On an impulse: build the twin of a source, put it on the stage, run its rollouts, read its mass.

    Args:
        source: File or folder; may be filled in on the node later.
    """
    return GraphPlan(
        "ImportAndCheck",
        "On Impulse: Import and Check",
        "Tick Enable Impulse on the first node: the source is built, put on the stage and checked, its mass is read.",
        nodes=(
            ("OnImpulse", f"{_ACTION}.OnImpulseEvent"),
            ("Import", f"{_OURS}.ImportSource"),
            ("Rollout", f"{_OURS}.RunRollout"),
            ("Mass", f"{_OURS}.ReadTwinEstimate"),
        ),
        values=(("OnImpulse.inputs:onlyPlayback", False), ("Import.inputs:source", source)),
        connections=(
            ("OnImpulse.outputs:execOut", "Import.inputs:execIn"),
            ("Import.outputs:finished", "Rollout.inputs:execIn"),
            ("Import.outputs:twin", "Rollout.inputs:twin"),
            ("Rollout.outputs:finished", "Mass.inputs:execIn"),
            ("Import.outputs:twin", "Mass.inputs:twin"),
        ),
    )


#: Seconds in which a joint goes through its range and back.
_SWEEP_S = 4.0


def play_joints() -> GraphPlan:
    """While the timeline plays: every joint of the stage goes through its range and back."""
    return GraphPlan(
        "PlayJoints",
        "On Play: Sweep Joints",
        "Press play: joints go through their range and back, until you stop; then the stage is as it was.",
        nodes=(("OnTick", f"{_ACTION}.OnPlaybackTick"), ("Move", f"{_OURS}.MoveJoints")),
        values=(("Move.inputs:sweepSeconds", _SWEEP_S),),
        connections=(
            ("OnTick.outputs:tick", "Move.inputs:execIn"),
            ("OnTick.outputs:time", "Move.inputs:time"),
        ),
    )


#: What the menu offers.
PLANS: tuple[Callable[[], GraphPlan], ...] = (randomize_on_play, next_variation_on_event, import_and_check, play_joints)


def create(plan: GraphPlan, stage: Usd.Stage) -> str:
    """Put a graph on the stage.

    Returns:
        Path of the graph.
    """
    import omni.graph.core as og
    from pxr import Sdf

    from physicl_twin.kit.nodes.place import free_path

    path = str(free_path(stage, Sdf.Path(GRAPHS).AppendChild(plan.name)))
    og.Controller.edit({"graph_path": path, "evaluator_name": "execution"}, plan.edits(og.Controller.Keys))
    return path
