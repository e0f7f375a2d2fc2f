"""Everything behind the window: the session, the bench, the viewport and a model a stage."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Protocol

from physicl_twin.ingest.formats import FORMATS
from physicl_twin.workbench import session as sessions
from physicl_twin.workbench.augment_model import AugmentModel
from physicl_twin.workbench.bench import Bench, MakeTask, start_task
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.deploy_model import DeployModel
from physicl_twin.workbench.ingest_model import IngestModel, Sample, shipped_sample
from physicl_twin.workbench.joints_model import JointsModel
from physicl_twin.workbench.live import Live
from physicl_twin.workbench.normalize_model import NormalizeModel
from physicl_twin.workbench.player import Player
from physicl_twin.workbench.session import STAGES, Stage
from physicl_twin.workbench.stage_states import StageState, stage_states
from physicl_twin.workbench.validate_model import ValidateModel
from physicl_twin.workbench.viewport import Viewport

#: Archives are looked into.
_ARCHIVES = (".zip",)


def user_folder() -> Path:
    """Where programs keep what they remember for a person: the session file lies here."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "physicl_twin"


def output_folder() -> Path:
    """Where twins, sets and exports go unless somebody says otherwise: a person's documents, as in Kit."""
    documents = Path.home() / "Documents"
    return (documents if documents.is_dir() else Path.home()) / "physicl_twin"


class Tab(Protocol):
    """What a stage's model has for the foot of the window."""

    @property
    def primary(self) -> Action:
        """What to do next."""


class Workspace:
    """Made once a window; everything on it is changed from the window's thread only.

    Args:
        out: Folder of twins, sets and exports; the remembered one by default, or else ``output_folder``.
        session: File of the session; one in ``user_folder`` by default.
        make_task: How a verb is started.
        live: The worker that draws and weighs at once.
        sample: What an empty panel offers to try; the shipped one by default.
        player: Of recorded drops.
    """

    def __init__(
        self,
        out: Path | None = None,
        session: Path | None = None,
        make_task: MakeTask = start_task,
        live: Live | None = None,
        sample: Sample | None = None,
        player: Player | None = None,
    ) -> None:
        path = session if session is not None else user_folder() / "session.json"
        loaded = sessions.load(path, str(out or output_folder()))
        if out is not None:
            loaded.out = str(out)
        self.bench = Bench(loaded, path, make_task, live)
        self.viewport = Viewport(self.bench)
        self.ingest = IngestModel(self.bench, sample if sample is not None else shipped_sample())
        self.normalize = NormalizeModel(self.bench)
        self.joints = JointsModel(self.bench, self.normalize)
        self.augment = AugmentModel(self.bench)
        self.validate = ValidateModel(self.bench, self.normalize, player)
        self.deploy = DeployModel(self.bench)
        self._models: dict[Stage, Tab] = {
            "ingest": self.ingest,
            "normalize": self.normalize,
            "augment": self.augment,
            "validate": self.validate,
            "deploy": self.deploy,
        }
        self._restore()

    def _restore(self) -> None:
        """What was there when the window was closed: the twin with its edits, the sources with their dry run."""
        if self.bench.session.twin:
            self.normalize.reload()
        if self.bench.session.sources and self.stage == "ingest":
            self.ingest.look()

    @property
    def stage(self) -> Stage:
        """Tab in view."""
        return self.bench.session.stage

    def go(self, stage: Stage) -> None:
        """Show a tab."""
        if stage in STAGES and stage != self.stage:
            self.bench.go(stage)

    @property
    def stage_states(self) -> tuple[StageState, ...]:
        """All stages with their states, always visible."""
        return stage_states(self)

    @property
    def title(self) -> str:
        """The twin in view; empty without one."""
        return self.normalize.title

    @property
    def twin_usd(self) -> str:
        """The twin's USD file; empty without a twin."""
        folder = self.bench.session.twin
        return str(Path(folder) / "simready" / f"{Path(folder).name}.usda") if folder else ""

    @property
    def primary(self) -> Action:
        """What to do next on the tab in view."""
        return self._models[self.stage].primary

    @property
    def secondary(self) -> Action | None:
        """What else can be done there; None for nothing."""
        if self.stage == "normalize":
            return Action("Discard", self.normalize.discard, True, "", "undo") if self.normalize.edited else None
        model = self._models[self.stage]
        return model.secondary if isinstance(model, AugmentModel | ValidateModel | DeployModel) else None

    def is_source(self, path: str) -> bool:
        """True for a file that, by its name, can be read."""
        name = path.lower()
        return name.endswith(_ARCHIVES) or any(name.endswith(suffix) for one in FORMATS for suffix in one.suffixes)

    def poll(self) -> bool:
        """A frame: take what came in, go on playing, ask for pictures.

        Returns:
            True when there is something new to show besides progress and pictures.
        """
        before = self.bench.revision
        self.bench.poll()
        self.validate.poll()
        self.joints.poll()
        moments = {"validate": self.validate.moment, "normalize": self.joints.moment}
        self.viewport.show(moments.get(self.stage))
        self.viewport.poll()
        return self.bench.revision != before

    def release(self) -> None:
        """End what runs, keep the session, remove what was only to be looked at."""
        self.bench.release()
        self.ingest.release()
        self.augment.release()
