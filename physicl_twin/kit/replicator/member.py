"""A member on a stage: put there by its layer or call by call, and recognised afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pxr import Usd

from physicl_twin.kit.replicator.calls import SCENE_ROOT, Call, carry_out, differences, rebased, require_prims
from physicl_twin.kit.replicator.source import FinishedSet, Source
from physicl_twin.model import PhysiclError

#: Where a stage keeps which member it shows: custom data of the scene's root prim.
SHOWN = "physicl_variation"
#: Carries calls out in the stage's edit target.
Executor = Callable[[Any, Iterable[Call]], None]


def show(
    stage: Any, source: Source, member: int, *, root: str = SCENE_ROOT, execute: Executor = carry_out
) -> tuple[Call, ...]:
    """Show a member call by call, in the session layer: the user's own layers stay as they are.

    Args:
        stage: ``Usd.Stage`` with the set's scene.
        source: Whose member.
        member: Its number.
        root: Prim at which the scene stands.
        execute: Who carries the calls out.

    Returns:
        What was carried out.

    Raises:
        PhysiclError: ``call_without_prim``; ``value_lost`` when the stage does not say afterwards what was set.
    """
    calls = rebased(source.calls(member), root)
    require_prims(stage, calls)
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        execute(stage, calls)
        stage.GetPrimAtPath(root).SetCustomDataByKey(SHOWN, member)
    if lost := differences(stage, calls):
        raise PhysiclError(
            "value_lost",
            f"{len(lost)} values were not taken over: {lost[0]}.",
            "A stronger layer or another randomizer sets the same attributes.",
        )
    return calls


def use_layer(stage: Any, source: FinishedSet, member: int) -> None:
    """Show a member by its layer, below the session layer; another member of the set that is there makes room.

    Args:
        stage: ``Usd.Stage`` opened on the set's scene.
        source: The set.
        member: Its number.
    """
    source.calls(member)  # refuses what the set does not have
    session = stage.GetSessionLayer()
    hide(stage, source.folder)
    session.subLayerPaths.insert(0, str(source.layer_path(member).resolve()))
    with Usd.EditContext(stage, session):
        stage.GetPrimAtPath(SCENE_ROOT).SetCustomDataByKey(SHOWN, member)


def hide(stage: Any, folder: Path) -> None:
    """Take members of a set that were shown by their layer away again."""
    session = stage.GetSessionLayer()
    within = str((folder / "variations").resolve())
    for path in [path for path in session.subLayerPaths if path.startswith(within)]:
        session.subLayerPaths.remove(path)


def shown(stage: Any, root: str = SCENE_ROOT) -> int | None:
    """Number of the member that a stage shows; None when none was put there."""
    prim = stage.GetPrimAtPath(root)
    value = prim.GetCustomDataByKey(SHOWN) if prim else None
    return None if value is None else int(value)
