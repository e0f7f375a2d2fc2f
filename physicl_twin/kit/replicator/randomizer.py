"""A set of variations below a Replicator trigger.

```python
randomizer.register()
with rep.trigger.on_frame():                       # or rep.trigger.on_custom_event(event_name="next")
    rep.randomizer.physicl_variation(folder="sets/bin", order="shuffled", seed=7)
```
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import omni.replicator.core as rep
from omni.replicator.core.utils import ReplicatorWrapper, create_node

from physicl_twin.kit.replicator.calls import SCENE_ROOT

if TYPE_CHECKING:
    from physicl_twin.kit.replicator.source import Order

#: Type of the node that shows the next member.
NODE = "physicl_twin.NextVariation"


@ReplicatorWrapper  # type: ignore[untyped-decorator]
def physicl_variation(
    folder: str, order: Order = "sequence", seed: int = 0, first: int = 0, root: str = SCENE_ROOT
) -> Any:
    """The node that shows another member of a set each time that its trigger fires.

    Args:
        folder: Of the set, as augment made it.
        order: ``sequence`` or ``shuffled``.
        seed: Of the shuffle.
        first: Turn to begin with: a run that goes on where another one stopped gives its number of frames.
        root: Prim at which the scene stands.

    Returns:
        Replicator's item for the node.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``, ``set_empty``: before anything runs, not at the first frame.
    """
    from physicl_twin.kit.replicator.source import FinishedSet

    where = Path(folder).resolve()
    FinishedSet(where).number(0)
    return create_node(NODE, folder=str(where), order=order, seed=seed, first=first, root=root)


def register() -> None:
    """Make ``rep.randomizer.physicl_variation`` exist."""
    rep.randomizer.register(physicl_variation)
