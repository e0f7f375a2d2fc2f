"""Node: make a set of settled variations and show one of them for the time of the play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin.kit import settings
from physicl_twin.kit.nodes import flow, requests
from physicl_twin.kit.nodes.place import Spawned
from physicl_twin.kit.nodes.state import WorkNode

#: Root of a variation's layer.
_SCENE_ROOT = "/World"


class OgnSpawnVariations(WorkNode):
    """See OgnSpawnVariations.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Begin the set when triggered, look how far it is, show the member of this turn when it is done."""
        import omni.usd

        OgnSpawnVariations.remember(db)
        stage = omni.usd.get_context().get_stage()
        return flow.advance(
            db,
            flow.action_graph(),
            lambda: requests.variation_request(db.inputs, settings.current()),
            lambda result: OgnSpawnVariations.finish(db, stage, result),
        )

    @staticmethod
    def finish(db: Any, stage: Any, result: Any) -> str:
        """Outputs and stage from the record of ``augment``.

        Raises:
            PhysiclError: When the set has no member, or the stage cannot take it.
        """
        from physicl_twin.usd.variation_set import member_path, read_manifest

        folder = Path(result["scene"]).parent
        member = requests.member_of_turn(read_manifest(folder)["members"], db.inputs.turn)
        layer = str(folder / member_path(member))
        db.outputs.folder, db.outputs.layer, db.outputs.member = str(folder), layer, member
        db.outputs.accepted, db.outputs.rejected = result["accepted"], result["rejected"]
        db.outputs.prim = _show(db, stage, layer) if db.inputs.parent else ""
        return ""


def _show(db: Any, stage: Any, layer: str) -> str:
    state = db.per_instance_state
    if state.spawned is not None and state.spawned.stage != stage:
        state.spawned = None  # that stage was closed, and the session layer with it
    if state.spawned is None:
        state.spawned = Spawned.at(stage, db.inputs.parent, "Variation")
    if state.spawned.layer != layer:
        state.spawned.show(layer, _SCENE_ROOT)
    return str(state.spawned.path)
