"""Undoable commands over the operations of ``physicl_twin.in_stage``.

```python
import omni.kit.commands

done, report = omni.kit.commands.execute("PhysiclMakeSimReady", paths=["/World/crate"])
omni.kit.commands.execute("Undo")
```

Each is one step of undo. What cannot be done is said in one line of the log; the stage is then as it was, nothing is
added to the undo stack. The operations are imported with the first command, so that enabling the extension is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import carb
import omni.kit.commands
import omni.usd

from physicl_twin.model import PhysiclError, UsdError

if TYPE_CHECKING:
    from physicl_twin.in_stage.report import Approximation, InStageReport


class _InStage(omni.kit.commands.Command):  # type: ignore[misc]
    """An operation on a stage.

    Args:
        operation: Carries it out.
        stage: The stage; the open one by default.
    """

    def __init__(self, operation: Callable[[Any], InStageReport], stage: Any) -> None:
        super().__init__()
        self._operation, self._stage = operation, stage
        self._report: InStageReport | None = None

    def do(self) -> InStageReport:
        """Carry it out; also the redo.

        Returns:
            What was done, and what was left alone and why.

        Raises:
            PhysiclError: Nothing was changed then.
        """
        from physicl_twin.in_stage.report import summary

        try:
            self._report = self._operation(self._stage if self._stage is not None else _open_stage())
        except PhysiclError as error:
            carb.log_error(f"{type(self).__name__}: {error.message} {error.hint}".rstrip())
            raise
        for warning in self._report.warnings:
            carb.log_warn(warning)
        for skip in self._report.skipped[:_LOGGED]:
            carb.log_warn(f"{skip.message} {skip.hint}".rstrip())
        if len(self._report.skipped) > _LOGGED:
            carb.log_warn(f"{len(self._report.skipped) - _LOGGED} more prims were left alone; see the report.")
        carb.log_info(summary(self._report))
        return self._report

    def undo(self) -> None:
        """Take it back: the layer is as it was, byte for byte.

        Raises:
            PhysiclError: The layer is locked; nothing was taken back then.
        """
        if self._report is None:
            return
        try:
            self._report.undo()
        except PhysiclError as error:
            carb.log_error(f"{type(self).__name__}: {error.message} {error.hint}".rstrip())
            raise


#: Prims that were left alone are told one by one up to here.
_LOGGED = 10


class PhysiclMakeSimReadyCommand(_InStage):
    """Give prims rigid bodies, colliders, mass properties and physics materials; see ``in_stage.make_sim_ready``.

    Args:
        paths: Prims; the selection by default.
        approximation: Of mesh colliders; ``auto`` decides by how much of its hull a mesh fills.
        bodies: ``selected`` (one body a prim) or ``geometry`` (one a piece of geometry below).
        materials: Material by the name of a piece of geometry, or by ``*``.
        mass_kg: Mass of each body; derived by default.
        articulation: Make prims that hold joints articulation roots.
        seed: Of the estimates.
        stage: The stage; the open one by default.
    """

    def __init__(
        self,
        paths: Sequence[str] | None = None,
        approximation: Approximation = "auto",
        bodies: str = "selected",
        materials: Mapping[str, str] | None = None,
        mass_kg: float | None = None,
        articulation: bool = True,
        seed: int = 0,
        stage: Any = None,
    ) -> None:
        if bodies not in ("selected", "geometry"):
            raise ValueError(f"bodies is {bodies!r}; it must be 'selected' or 'geometry'")
        chosen, named = _paths(paths), tuple((materials or {}).items())

        def operation(on: Any) -> InStageReport:
            from physicl_twin import in_stage

            options = in_stage.InStageOptions(
                approximation=approximation,
                bodies=bodies,  # type: ignore[arg-type]
                materials=named,
                mass_kg=mass_kg,
                articulation=articulation,
                seed=seed,
            )
            return in_stage.make_sim_ready(on, chosen, options)

        super().__init__(operation, stage)


class PhysiclRenormalizeCommand(_InStage):
    """Derive the physics of sim-ready bodies anew; see ``in_stage.renormalize``.

    Args:
        paths: Bodies, or prims in them; the selection by default.
        materials: Material by the name of a piece of geometry, or by ``*``.
        mass_kg: Mass of each body.
        stage: The stage; the open one by default.
    """

    def __init__(
        self,
        paths: Sequence[str] | None = None,
        materials: Mapping[str, str] | None = None,
        mass_kg: float | None = None,
        stage: Any = None,
    ) -> None:
        chosen = _paths(paths)

        def operation(on: Any) -> InStageReport:
            from physicl_twin import in_stage

            return in_stage.renormalize(on, chosen, materials=materials, mass_kg=mass_kg)

        super().__init__(operation, stage)


class PhysiclSetColliderCommand(_InStage):
    """Change how meshes collide; see ``in_stage.set_collider``.

    Args:
        approximation: Any but ``auto``.
        paths: Bodies, colliders, or prims above them; the selection by default.
        stage: The stage; the open one by default.
    """

    def __init__(self, approximation: Approximation, paths: Sequence[str] | None = None, stage: Any = None) -> None:
        chosen = _paths(paths)

        def operation(on: Any) -> InStageReport:
            from physicl_twin import in_stage

            return in_stage.set_collider(on, chosen, approximation)

        super().__init__(operation, stage)


class PhysiclResetToAuthoredCommand(_InStage):
    """Take back what these commands wrote, and nothing else; see ``in_stage.reset_to_authored``.

    Args:
        paths: Prims; everything below them is looked at; the selection by default.
        stage: The stage; the open one by default.
    """

    def __init__(self, paths: Sequence[str] | None = None, stage: Any = None) -> None:
        chosen = _paths(paths)

        def operation(on: Any) -> InStageReport:
            from physicl_twin import in_stage

            return in_stage.reset_to_authored(on, chosen)

        super().__init__(operation, stage)


class PhysiclMoveJointsCommand(_InStage):
    """Put joints to coordinates; see ``in_stage.move_joints``.

    Args:
        positions: Coordinate by path of the joint, radians or metres.
        drive: Tell their drives where to go, and leave the bodies to the running simulation.
        stage: The stage; the open one by default.
    """

    def __init__(self, positions: Mapping[str, float], drive: bool = False, stage: Any = None) -> None:
        wanted = dict(positions)

        def operation(on: Any) -> InStageReport:
            from physicl_twin import in_stage

            return in_stage.move_joints(on, wanted, drive=drive)

        super().__init__(operation, stage)


_COMMANDS = (
    PhysiclMakeSimReadyCommand,
    PhysiclRenormalizeCommand,
    PhysiclSetColliderCommand,
    PhysiclResetToAuthoredCommand,
    PhysiclMoveJointsCommand,
)


def register() -> None:
    """Make them known to ``omni.kit.commands``."""
    for command in _COMMANDS:
        omni.kit.commands.register(command)


def unregister() -> None:
    """Take them away again."""
    for command in _COMMANDS:
        omni.kit.commands.unregister(command)


def _paths(paths: Sequence[str] | None) -> tuple[str, ...]:
    """Those given, or the selection at the time of the command: a redo means the same prims."""
    if paths is not None:
        return (paths,) if isinstance(paths, str) else tuple(str(path) for path in paths)
    return tuple(omni.usd.get_context().get_selection().get_selected_prim_paths())


def _open_stage() -> Any:
    stage = omni.usd.get_context().get_stage()
    if stage is None:
        raise UsdError("no_stage", "There is no stage.", "Open or make one first.")
    return stage
