"""Calls carried out by Replicator: ``rep.functional.modify``, one call for each attribute of many prims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import omni.replicator.core as rep

from physicl_twin.kit.replicator.calls import Call, attributes_of, make_ready


def execute(stage: Any, calls: Iterable[Call]) -> None:
    """Carry calls out in the stage's edit target; an ``Executor`` for ``member.show``.

    Args:
        stage: The stage that is open in the editor: Replicator knows no other.
        calls: What to do.
    """
    wanted = tuple(calls)
    # Replicator hides prims but does not deactivate them (a hidden object would still collide), and sets only
    # attributes that are there.
    make_ready(stage, wanted)
    for name, (prims, values) in _by_attribute(stage, wanted).items():
        rep.functional.modify.attribute(prims, name, values)


def _by_attribute(stage: Any, calls: Iterable[Call]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Prims and values by attribute: Replicator writes many prims in one change block."""
    grouped: dict[str, tuple[list[Any], list[Any]]] = {}
    for call in attributes_of(calls):
        prims, values = grouped.setdefault(call.name, ([], []))
        prims.append(stage.GetPrimAtPath(call.prim))
        values.append(call.value)
    return grouped
