"""A Replicator writer that puts the exact variation beside what BasicWriter writes.

Replicator's base class exists inside Kit only, so that this module is imported there alone; what it writes is made by
``record``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import omni.replicator.core as rep
import omni.usd

from physicl_twin.kit.replicator.calls import SCENE_ROOT, rebased
from physicl_twin.model import PhysiclError
from physicl_twin.store import write_atomic

if TYPE_CHECKING:
    from physicl_twin.kit.replicator.source import Source

#: Name under which Replicator knows the writer.
NAME = "PhysiclVariationWriter"


class PhysiclVariationWriter(rep.Writer):  # type: ignore[misc]
    """Writes ``variation_0000.json`` for every frame.

    Args:
        output_dir: Folder; give BasicWriter's, whose frames are counted alike.
        source: Whose members are shown; or
        set_folder: the folder of a finished set.
        root: Prim at which the scene stands.
        frame_padding: Digits of the frame's number, as BasicWriter's.
    """

    def __init__(
        self,
        output_dir: str,
        source: Source | None = None,
        set_folder: str = "",
        root: str = SCENE_ROOT,
        frame_padding: int = 4,
    ) -> None:
        from physicl_twin.kit.replicator.source import FinishedSet

        self._source: Source = source if source is not None else FinishedSet(Path(set_folder))
        self._source.number(0)
        self._folder, self._root, self._padding = Path(output_dir), root, frame_padding
        self._folder.mkdir(parents=True, exist_ok=True)
        self._frame = 0
        # Replicator calls a writer for its annotators; the camera's parameters cost nothing to compute.
        self.data_structure = "renderProduct"
        self.annotators = [rep.annotators.get("camera_params")]

    def write(self, data: dict[str, Any]) -> None:
        """Record the member that the stage shows now.

        Args:
            data: From the annotators; not looked at.

        Raises:
            PhysiclError: ``no_variation_shown``.
        """
        from physicl_twin.kit.replicator.member import shown
        from physicl_twin.kit.replicator.record import frame_record

        stage = omni.usd.get_context().get_stage()
        member = shown(stage, self._root)
        if member is None:
            raise PhysiclError(
                "no_variation_shown", f"{self._root} shows no variation.", "Show one before the first frame."
            )
        number = f"{self._frame:0{self._padding}d}"
        record = frame_record(self._source, member, rebased(self._source.calls(member), self._root), number)
        write_atomic(self._folder / f"variation_{number}.json", json.dumps(record, indent=1) + "\n")
        self._frame += 1


def register() -> None:
    """Make ``rep.writers.get("PhysiclVariationWriter")`` exist, once."""
    if NAME not in rep.WriterRegistry.get_writers():
        rep.writers.register_writer(PhysiclVariationWriter)


def unregister() -> None:
    """Take it away again."""
    rep.writers.unregister_writer(NAME)


def make() -> Any:
    """A writer for one run, to be initialized and attached; registered first where it is not."""
    register()
    return rep.writers.get(NAME)
