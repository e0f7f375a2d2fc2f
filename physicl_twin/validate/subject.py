"""What the checks look at: a twin folder or a USD file, opened once and measured lazily."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from physicl_twin.model import Joint, PhysiclError, Twin, ValidationError, loads_twin
from physicl_twin.validate.joint_view import JointView, read_joints
from physicl_twin.validate.stage_view import BodyView, read_bodies

#: Variant sets of SimReady, and the option that switches one on.
RUNTIME_SETS = ("PhysX", "Newton", "MuJoCo")
RUNTIME_ENABLED = "Enabled"
_USD_SUFFIXES = (".usda", ".usd", ".usdc", ".usdz")


class NotChecked(Exception):
    """Raised by a check whose prerequisite is missing; the text is the reason."""


def locate(target: Path) -> tuple[Path | None, Path]:
    """The twin's folder (None for a loose USD file) and its USD file.

    Args:
        target: A twin folder or a USD file.

    Raises:
        ValidationError: ``target_missing``, ``usd_missing``, ``usd_ambiguous`` or ``not_usd``.
    """
    target = Path(target)
    if not target.exists():
        raise ValidationError("target_missing", f"{target.name} does not exist.", "Give a twin folder or a USD file.")
    if target.is_file():
        if target.suffix.lower() not in _USD_SUFFIXES:
            raise ValidationError("not_usd", f"{target.name} is not a USD file.", "Give a twin folder or a USD file.")
        folder = target.parent.parent
        return (folder if (folder / "twin.json").is_file() else None), target
    own = [target / "simready" / f"{target.name}{suffix}" for suffix in _USD_SUFFIXES]
    for path in own:
        if path.is_file():
            return target, path
    holder = target / "simready" if (target / "simready").is_dir() else target
    found = sorted(p for p in holder.iterdir() if p.suffix.lower() in _USD_SUFFIXES)
    if not found:
        raise ValidationError(
            "usd_missing", f"{target.name} holds no USD file.", f"Expected simready/{target.name}.usda in it."
        )
    if len(found) > 1:
        names = ", ".join(p.name for p in found[:4])
        raise ValidationError("usd_ambiguous", f"{target.name} holds several USD files: {names}.", "Name one of them.")
    return target, found[0]


def _reason(diagnostic: str) -> str:
    """The sentence at the end of a USD diagnostic, without the place in USD's source."""
    lines = diagnostic.strip().splitlines()
    return lines[-1].split(" : ")[-1].strip(" '\t.") if lines else "USD gave no reason"


class Subject:
    """One twin or USD file under examination.

    Args:
        twin_dir: The twin's folder; None for a loose USD file.
        usd: Its USD file.
        settings: The ``[checks]`` table.
        seed: Seed of the sampling that measures geometry.
    """

    def __init__(self, twin_dir: Path | None, usd: Path, settings: dict[str, Any], seed: int = 0) -> None:
        self.twin_dir = twin_dir
        self.usd = usd
        self.settings = settings
        self.seed = seed

    @functools.cached_property
    def _opened(self) -> tuple[Any, str]:
        from pxr import Tf, Usd, UsdUtils

        delegate = UsdUtils.CoalescingDiagnosticDelegate()
        try:
            stage = Usd.Stage.Open(str(self.usd), Usd.Stage.LoadAll)
            if stage is not None:
                stage.Reload()  # layers may still be in memory from an earlier look at other bytes
            return stage, "" if stage is not None else "USD returned no stage"
        except Tf.ErrorException as error:
            return None, _reason(str(error)).replace(str(self.usd), self.usd.name)
        finally:
            delegate.TakeUncoalescedDiagnostics()

    @property
    def open_error(self) -> str:
        """Why the stage did not open; empty when it did."""
        return self._opened[1]

    @property
    def stage(self) -> Any:
        """The composed stage (variants as the file selects them).

        Raises:
            NotChecked: When it does not open.
        """
        stage, error = self._opened
        if stage is None:
            raise NotChecked(f"The stage does not open: {error}.")
        return stage

    @property
    def root(self) -> Any:
        """The default prim, or the only root prim.

        Raises:
            NotChecked: When there is none.
        """
        prim = self.stage.GetDefaultPrim()
        children = [p for p in self.stage.GetPseudoRoot().GetChildren() if not p.IsAbstract()]
        if not prim and len(children) == 1:
            return children[0]
        if not prim:
            raise NotChecked("The stage has no default prim.")
        return prim

    @functools.cached_property
    def all_bodies(self) -> tuple[BodyView, ...]:
        """Rigid bodies of the stage, also what is only held (a wall that a door hangs on)."""
        return read_bodies(self.stage)

    @functools.cached_property
    def bodies(self) -> tuple[BodyView, ...]:
        """Rigid bodies of the stage that can move.

        Raises:
            NotChecked: When there are none.
        """
        bodies = tuple(body for body in self.all_bodies if not body.held)
        if not bodies:
            raise NotChecked("The stage has no rigid body that can move.")
        return bodies

    @functools.cached_property
    def solid_bodies(self) -> tuple[BodyView, ...]:
        """Those of the bodies that can move that have geometry: not the links that only name a frame between joints.

        Raises:
            NotChecked: When there are none.
        """
        jointed = {path for joint in self.joints for side in joint.bodies for path in side}
        found = tuple(b for b in self.bodies if b.colliders or b.visuals or b.path not in jointed)
        if not found:
            raise NotChecked("No body has geometry.")
        return found

    @functools.cached_property
    def joints(self) -> tuple[JointView, ...]:
        """Joints of the stage, in stage order."""
        return read_joints(self.stage)

    @functools.cached_property
    def joint_pairs(self) -> tuple[tuple[JointView, Joint], ...]:
        """(stage joint, twin joint) of the same name.

        Raises:
            NotChecked: Without a twin.json.
        """
        by_name = {view.name: view for view in self.joints if not view.anchor}
        return tuple((by_name[joint.name], joint) for joint in self.twin.joints if joint.name in by_name)

    @functools.cached_property
    def runtimes(self) -> dict[str, tuple[Any, tuple[BodyView, ...]]]:
        """Per SimReady runtime: a stage with it switched on in a session layer of its own, and its bodies."""
        from pxr import Sdf, Usd

        root, found = self.root, {}
        for name in RUNTIME_SETS:
            if RUNTIME_ENABLED not in root.GetVariantSets().GetVariantSet(name).GetVariantNames():
                continue
            session = Sdf.Layer.CreateAnonymous(".usda")
            stage = Usd.Stage.Open(self.stage.GetRootLayer(), session)
            with Usd.EditContext(stage, session):
                variant = stage.GetPrimAtPath(root.GetPath()).GetVariantSet(name)
                variant.SetVariantSelection(RUNTIME_ENABLED)
            found[name] = (stage, tuple(body for body in read_bodies(stage) if not body.held))
        return found

    @functools.cached_property
    def twin_text(self) -> str:
        """Text of twin.json.

        Raises:
            NotChecked: When the target is a loose USD file, or the file is missing.
        """
        if self.twin_dir is None or not (self.twin_dir / "twin.json").is_file():
            raise NotChecked("There is no twin.json (a USD file that physicl_twin did not make).")
        return (self.twin_dir / "twin.json").read_text(encoding="utf-8", errors="replace")

    @functools.cached_property
    def twin_record(self) -> Any:
        """twin.json as plain JSON data.

        Raises:
            NotChecked: When it is missing or not JSON.
        """
        try:
            return json.loads(self.twin_text)
        except ValueError as error:
            raise NotChecked(f"twin.json is not JSON: {error}.") from error

    @functools.cached_property
    def twin(self) -> Twin:
        """The twin's record.

        Raises:
            NotChecked: When it is missing or cannot be read.
        """
        try:
            return loads_twin(self.twin_text)
        except PhysiclError as error:
            raise NotChecked(f"twin.json cannot be read: {error.message}") from error

    @property
    def has_twin(self) -> bool:
        """True when there is a twin.json that can be read."""
        try:
            return self.twin is not None
        except NotChecked:
            return False

    @functools.cached_property
    def metadata(self) -> dict[str, Any]:
        """SimReady metadata of the root layer: nested keys first, then those at the top level."""
        data = dict(self.stage.GetRootLayer().customLayerData)
        nested = data.pop("SimReady_Metadata", {})
        return {**data, **dict(nested)}

    @functools.cached_property
    def pairs(self) -> tuple[tuple[BodyView, Any], ...]:
        """(stage body, twin body) pairs of what can move.

        Raises:
            NotChecked: Without a twin.json, or when the bodies cannot be told apart.
        """
        twin_bodies = tuple(body for body in self.twin.bodies if not body.static)
        stage_bodies = self.bodies
        if len(twin_bodies) == len(stage_bodies) == 1:
            return ((stage_bodies[0], twin_bodies[0]),)
        by_name = {body.name: body for body in stage_bodies}
        if len(by_name) == len(stage_bodies) and all(b.name in by_name for b in twin_bodies):
            return tuple((by_name[b.name], b) for b in twin_bodies)
        if len(twin_bodies) != len(stage_bodies):
            raise NotChecked(f"The stage has {len(stage_bodies)} rigid bodies, twin.json {len(twin_bodies)}.")
        return tuple(zip(stage_bodies, twin_bodies, strict=True))

    def number(self, name: str) -> float:
        """A setting of ``[checks]``."""
        return float(self.settings[name])
