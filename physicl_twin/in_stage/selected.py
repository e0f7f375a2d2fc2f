"""The selection of a stage as sources: what is selected, by itself, in files that a build can read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pxr import Sdf, Tf, Usd, UsdGeom

from physicl_twin.model import UsdError


def write_selected(stage: Usd.Stage, paths: Sequence[str], folder: Path) -> list[str]:
    """Write each selected prim, with what it needs and its place on the stage, into a file of its own.

    The stage itself is only read. Prims below another selected one go with it. Units and up axis are the stage's.

    Args:
        stage: The stage; it need not be saved anywhere.
        paths: Selected prims.
        folder: Where the files go; made where it is missing.

    Returns:
        The files, in the order of the selection; prims that are gone are left out.

    Raises:
        UsdError: ``selection_not_written`` when a file cannot be written.
    """
    wanted = [Sdf.Path(path) for path in dict.fromkeys(paths) if Sdf.Path.IsValidPathString(path)]
    there = [path for path in wanted if stage.GetPrimAtPath(path)]
    roots = [path for path in there if not any(path != other and path.HasPrefix(other) for other in there)]
    written: list[str] = []
    taken: set[str] = set()
    for path in roots:
        base = "stage" if path == Sdf.Path.absoluteRootPath else path.name
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        file = folder / f"{name}.usdc"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _alone(stage, path).Export(str(file))
        except (OSError, Tf.ErrorException) as error:
            raise UsdError(
                "selection_not_written",
                f"{path} cannot be written as {file.name}.",
                "Save the stage, then choose its file.",
            ) from error
        written.append(str(file))
    return written


def _alone(stage: Usd.Stage, path: Sdf.Path) -> Sdf.Layer:
    """A layer that holds one prim, what it points at (materials), and its ancestors' transforms."""
    mask = Usd.StagePopulationMask([path])
    alone = Usd.Stage.OpenMasked(stage.GetRootLayer(), stage.GetSessionLayer(), stage.GetPathResolverContext(), mask)
    alone.ExpandPopulationMask()
    layer = alone.Flatten()
    if UsdGeom.StageHasAuthoredMetersPerUnit(stage):
        layer.pseudoRoot.SetInfo("metersPerUnit", UsdGeom.GetStageMetersPerUnit(stage))
    layer.pseudoRoot.SetInfo("upAxis", UsdGeom.GetStageUpAxis(stage))
    return layer
