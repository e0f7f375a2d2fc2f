"""The fourth tab: what was checked of the twin in view, how it behaved in each engine, and a drop to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from physicl_twin.model import Certificate, RolloutResult, from_json
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Card, Line, Problem, problem_of
from physicl_twin.workbench.certificate_view import (
    CheckGroup,
    RolloutRow,
    certificate_cards,
    check_groups,
    engine_name,
    rollout_row,
    rollout_rows,
)
from physicl_twin.workbench.normalize_model import NormalizeModel
from physicl_twin.workbench.player import Player
from physicl_twin.workbench.texts import name_of
from physicl_twin.workbench.viewport import Moment

#: Engines that a twin is run in, and that a drop can be recorded in.
ENGINES = ("physx", "mujoco")
#: Verbs that record a run.
_RECORDING = ("record_drop", "record_motion")
#: Groups of checks that are folded until somebody opens them.
_FOLDED = ["passed"]


class ValidateModel:
    """The certificate of the twin in view.

    Args:
        bench: The shared state.
        normalize: Whose twin and certificate are shown.
        player: Of the recorded drop.
    """

    def __init__(self, bench: Bench, normalize: NormalizeModel, player: Player | None = None) -> None:
        self._bench = bench
        self._normalize = normalize
        self.player = player if player is not None else Player()
        self._rows_of: Certificate | None = None
        self._rows: tuple[RolloutRow, ...] = ()
        #: True inside an editor with a PhysX of its own.
        self.has_editor = False
        self._in_editor: tuple[RolloutRow, ...] = ()
        bench.on_twin(self._other_twin)

    def _other_twin(self) -> None:
        self.player.clear()
        self._in_editor = ()

    # The certificate.

    @property
    def title(self) -> str:
        """Name and version of the twin; empty without one."""
        return self._normalize.title

    @property
    def checked(self) -> bool:
        """True when there is a certificate that speaks of the twin in view."""
        return self._normalize.certificate is not None and not self.stale

    @property
    def passed(self) -> bool:
        """True when it does, and nothing failed."""
        certificate = self._normalize.certificate
        return certificate is not None and not self.stale and certificate.passed

    @property
    def stale(self) -> str:
        """Why the certificate speaks of something else than what is in view; empty when it does not."""
        twin, certificate = self._normalize.twin, self._normalize.certificate
        if twin is None or certificate is None:
            return ""
        if certificate.twin_version != twin.version:
            return f"it is of version {certificate.twin_version}"
        return "edits are not accepted yet" if self._normalize.edited else ""

    @property
    def cards(self) -> tuple[Card, ...]:
        """The headline: verdict, failed, not checked, passed, engines, SimReady profile."""
        return certificate_cards(self._normalize.certificate, self.stale) if self._normalize.twin is not None else ()

    @property
    def groups(self) -> tuple[CheckGroup, ...]:
        """Checks: failed first, then those that could not be made, then those that passed, folded."""
        folded = self._bench.session.kept_value("validate", "folded", _FOLDED)
        return check_groups(self._normalize.certificate, frozenset(str(key) for key in folded))

    def toggle(self, key: str) -> None:
        """Open or fold a group of checks."""
        folded = [str(one) for one in self._bench.session.kept_value("validate", "folded", _FOLDED)]
        folded = [other for other in folded if other != key] if key in folded else [*folded, key]
        self._bench.session.keep("validate", "folded", folded)
        self._bench.changed()

    @property
    def rollouts(self) -> tuple[RolloutRow, ...]:
        """Physics runs: of the certificate, those that failed first; then those in the editor."""
        certificate = self._normalize.certificate
        if certificate is not self._rows_of:
            self._rows_of, self._rows = certificate, rollout_rows(certificate)
        return (*self._rows, *self._in_editor)

    @property
    def rollout(self) -> RolloutRow | None:
        """The one whose measures and curves are in view; the first unless another was chosen."""
        rows = self.rollouts
        chosen = self._bench.session.kept_value("validate", "rollout", "")
        return next((row for row in rows if row.key == chosen), rows[0] if rows else None)

    def choose_rollout(self, key: str) -> None:
        """Show the measures and curves of a rollout."""
        self._bench.session.keep("validate", "rollout", key)
        self._bench.changed()

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """(Title, path) of the report and the certificate, those that are there."""
        folder = Path(self._bench.session.twin)
        found = (("report", folder / "report.html"), ("certificate", folder / "certificate.json"))
        return tuple((title, str(path)) for title, path in found if self._bench.session.twin and path.is_file())

    # Checking.

    @property
    def primary(self) -> Action:
        """Check it, go on, or go back to mend it."""
        if self._normalize.twin is None:
            return Action("Choose a source", lambda: self._bench.go("ingest"), True, "", "folder")
        if not self.checked:
            return self._check("Validate")
        if not self.passed:
            return Action("Mend it in Normalize", lambda: self._bench.go("normalize"), True, "", "undo")
        return Action("Deploy", lambda: self._bench.go("deploy"), True, "", "arrow")

    @property
    def check_again(self) -> Action:
        """Check and run it anew."""
        return self._check("Check again")

    @property
    def secondary(self) -> Action | None:
        """The button beside the primary one."""
        return self.check_again if self._normalize.twin is not None and self.checked else None

    def _check(self, label: str) -> Action:
        why_not = "Wait, or cancel what runs." if self._bench.busy else ""
        if self._normalize.edited:
            why_not = "Accept or undo the edits first."
        elif self._normalize.twin is None:
            why_not = "Make a twin first."
        return Action(label, self.check, not why_not, why_not, "check")

    def check(self) -> None:
        """Validate it and write its certificate and report."""
        if not self.check_again.enabled or not self._still_there():
            return
        self._bench.start(
            f"Checking {self.title}",
            "certify",
            {"twin": self._bench.session.twin, "engines": list(ENGINES)},
            self._checked,
            self.title,
        )

    def _checked(self, result: Any) -> None:
        self._normalize.read_certificate()
        counts: Mapping[str, int] = result["checks"]
        verdict = "passed" if result["passed"] else "did not pass"
        unchecked = f", {counts['not_checked']} not checked" if counts["not_checked"] else ""
        self._bench.say(f"It {verdict}: {counts['passed']} passed, {counts['failed']} failed{unchecked}.")

    # In the editor.

    @property
    def editor_action(self) -> Action | None:
        """Run the rollouts on the editor's own PhysX; None where there is no editor."""
        if not self.has_editor:
            return None
        why_not = "Wait, or cancel what runs." if self._bench.busy else ""
        if self._normalize.twin is None:
            why_not = "Make a twin first."
        return Action("Run in this editor", self.run_in_editor, not why_not, why_not, "cube")

    def run_in_editor(self) -> None:
        """Drop and tilt it in the editor's physics; the stage that is open stays as it is."""
        folder = Path(self._bench.session.twin)
        if not self._still_there():
            return
        arguments = {"usd": str(folder / "simready" / f"{folder.name}.usda")}
        title = f"Running {self.title} in this editor"
        self._bench.start(title, "editor_rollouts", arguments, self._ran_in_editor, self.title)

    def _ran_in_editor(self, result: Any) -> None:
        runs = [from_json(RolloutResult, record) for record in result["rollouts"]]
        self._in_editor = tuple(rollout_row(run, "this editor", "editor") for run in runs)
        self._bench.session.keep("validate", "rollout", self._in_editor[0].key)
        failed = sum(run.status == "failed" for run in runs)
        self._bench.say(
            f"{failed} of {len(runs)} rollouts failed in this editor." if failed else "It passed in this editor, too."
        )

    def _still_there(self) -> bool:
        """False, and a problem card, when the twin's folder was removed."""
        folder = self._bench.session.twin
        if (Path(folder) / "twin.json").is_file():
            return True
        again = Action("Choose a source", lambda: self._bench.go("ingest"), icon="folder")
        hint = "Build it again from its source."
        self._bench.fail(
            Problem(f"{name_of(folder)} is not there any more.", name_of(folder), hint, again, "twin_not_found")
        )
        return False

    # Play-back.

    @property
    def engine(self) -> str:
        """Engine that the next drop is recorded in."""
        kept = self._bench.session.kept_value("validate", "engine", ENGINES[0])
        return kept if kept in ENGINES else ENGINES[0]

    @property
    def engines(self) -> tuple[tuple[str, str], ...]:
        """(Engine, words) of the choice."""
        return tuple((name, engine_name(name)) for name in ENGINES)

    def set_engine(self, engine: str) -> None:
        """Record the next drop in another engine."""
        if engine in ENGINES and engine != self.engine:
            self._bench.session.keep("validate", "engine", engine)
            self._bench.changed()

    @property
    def _moves(self) -> bool:
        """True for a twin with joints that turn or slide."""
        twin = self._normalize.twin
        return twin is not None and any(joint.type in ("revolute", "prismatic") for joint in twin.joints)

    @property
    def _deed(self) -> str:
        return "Move" if self._moves else "Drop"

    @property
    def recording(self) -> bool:
        """True while a drop or a motion is recorded."""
        return self._bench.activity is not None and self._bench.activity.verb in _RECORDING

    @property
    def record_action(self) -> Action:
        """Drop it, or move its joints, and record that."""
        label = f"{self._deed} it" if not self.player.loaded else f"{self._deed} it again"
        why_not = "Wait, or cancel what runs." if self._bench.busy else ""
        if self._normalize.twin is None:
            why_not = "Make a twin first."
        elif len(self._normalize.twin.bodies) != 1 and not self._moves:
            why_not = "Of several bodies without joints nothing is recorded here: press play in Isaac Sim."
        return Action(label, self.record, not why_not, why_not, "play")

    def record(self) -> None:
        """Record a drop or a motion; it is played as soon as it is there, the last one until then."""
        if not self.record_action.enabled or not self._still_there():
            return
        engine = self.engine
        arguments = {"twin": self._bench.session.twin, "engine": engine}
        doing, verb = ("Moving", "record_motion") if self._moves else ("Dropping", "record_drop")
        title = f"{doing} {self.title} in {engine_name(engine)}"
        self._bench.start(title, verb, arguments, self._recorded, self.title, self._record_failed)

    def _recorded(self, result: Any) -> None:
        self.player.load(result)
        self.player.play()
        self._bench.say(f"{self.player.duration_s:.1f} s recorded in {engine_name(self.player.engine)}.")

    def _record_failed(self, error: Mapping[str, str]) -> None:
        again = Action(f"{self._deed} it again", self.record, icon="redo")
        self._bench.fail(problem_of(error, self.title, again))

    @property
    def play_action(self) -> Action:
        """Play or pause the recorded drop."""
        label, icon = ("Pause", "pause") if self.player.playing else ("Play", "play")
        missing = "" if self.player.loaded else f"{self._deed} it first."
        return Action(label, self.toggle_play, not missing, missing, icon)

    def toggle_play(self) -> None:
        """Play, or pause."""
        self.player.toggle()
        self._bench.changed()

    def step(self, by: int = 1) -> None:
        """Another moment of the drop."""
        self.player.step(by)
        self._bench.changed()

    def scrub(self, fraction: float) -> None:
        """The moment at a place of the drop, 0 to 1."""
        self.player.scrub(fraction)

    def stop(self) -> None:
        """Put the drop away: the twin is seen as authored."""
        self.player.clear()
        self._bench.changed()

    @property
    def moment(self) -> Moment | None:
        """What the viewport shows on this tab; None for the twin as authored."""
        return self.player.moment

    @property
    def play_line(self) -> Line:
        """Where the play-back is."""
        player = self.player
        if not player.loaded:
            return Line(f"No {'motion' if self._moves else 'drop'} is recorded yet.", "", "muted")
        said = f"{player.seconds:.2f} of {player.duration_s:.2f} s"
        return Line(said, f"in {engine_name(player.engine)}", "plain", "playing" if player.playing else "paused")

    def poll(self) -> None:
        """Follow the clock of the play-back."""
        was_playing = self.player.playing
        self.player.poll()
        if was_playing != self.player.playing:
            self._bench.changed()
