"""The fifth tab: which tools get the twin, where to, and whether what they read is what the twin says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.deploy.record import RECORD_NAME, TARGETS, DeployRecord, Target
from physicl_twin.model import PhysiclError, from_json
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Card, Line, Problem, Tone, problem_of
from physicl_twin.workbench.export_view import export_lines, export_verdict
from physicl_twin.workbench.set_view import sets_in
from physicl_twin.workbench.texts import count, name_of

#: (Title, one line) of each target.
_TEXTS: dict[Target, tuple[str, str]] = {
    "isaac-sim": ("Isaac Sim", "layered USD with the PhysX variant chosen, ready to reference"),
    "omniverse": ("Omniverse", "one USDZ file and a SimReady package"),
    "mujoco": ("MuJoCo", "MJCF with assets and a scene to start from"),
    "urdf": ("URDF", "links, joints and meshes for ROS and others"),
}


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target and what became of it.

    Attributes:
        name: As the verb calls it.
        title: As people call it.
        text: What is written.
        selected: True when it is exported with the next click.
        tone: Of its icon.
        word: Beside the icon.
        lines: What was compared, what the drop did, what the format cannot hold; empty before an export.
        folder: Of the export; empty before.
        main: The file to open; empty before.
        problem: Why it was not written; None when it was, or was not asked for.
    """

    name: Target
    title: str
    text: str
    selected: bool
    tone: Tone
    word: str
    lines: tuple[Line, ...]
    folder: str
    main: str
    problem: Problem | None


class DeployModel:
    """Exports of the twin in view, or of a set of variations.

    Args:
        bench: The shared state.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._problems: dict[Target, Problem] = {}
        self._records: dict[Target, DeployRecord] | None = None
        self._version: int | None = None
        bench.on_twin(self._other_twin)

    def _other_twin(self) -> None:
        self._bench.session.keep("deploy", "set", "")
        self._forget()

    def _forget(self) -> None:
        self._problems, self._records, self._version = {}, None, None

    # What.

    @property
    def subject(self) -> str:
        """Folder of what is exported: the twin in view, or a set; empty for nothing."""
        chosen = str(self._bench.session.kept_value("deploy", "set", ""))
        there = chosen and (Path(chosen) / "manifest.json").is_file()
        return chosen if there else self._bench.session.twin

    @property
    def is_set(self) -> bool:
        """True when a set is exported."""
        return bool(self.subject) and self.subject != self._bench.session.twin

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """(Folder, words) of what can be exported: the twin in view, then the sets."""
        twin = self._bench.session.twin
        listed = [(twin, name_of(twin))] if twin else []
        return (*listed, *((folder, f"{name_of(folder)}, variations") for folder in sets_in(self._bench.session.out)))

    def choose(self, folder: str) -> None:
        """Export something else."""
        self._bench.session.keep("deploy", "set", "" if folder == self._bench.session.twin else folder)
        self._forget()
        self._bench.changed()

    @property
    def members(self) -> str:
        """Of a set, which members: ``7``, ``0-9,42``; empty for all."""
        return str(self._bench.session.kept_value("deploy", "members", ""))

    def set_members(self, text: str) -> bool:
        """State which; False for what cannot be read."""
        text = "".join(text.split())
        pieces = [piece.partition("-") for piece in text.split(",")] if text else []
        if not all(first.isdecimal() and (last.isdecimal() or not dash) for first, dash, last in pieces):
            hint = "Examples: 7, 0-9, 0-9,42; nothing for all."
            self._bench.fail(Problem(f"{text!r} names no members.", "members", hint, code="members_unreadable"))
            return False
        self._bench.session.keep("deploy", "members", text)
        self._bench.dismiss()
        self._bench.changed()
        return True

    # Where to.

    @property
    def out(self) -> str:
        """Folder of the exports; each becomes ``<out>/<target>/<name>``."""
        return str(self._bench.session.kept_value("deploy", "out", "")) or str(
            Path(self._bench.session.out) / "deployed"
        )

    def set_out(self, folder: str) -> None:
        """Export to another folder; an empty text for the usual one."""
        folder = folder.strip()
        self._bench.session.keep("deploy", "out", str(Path(folder).expanduser()) if folder else "")
        self._forget()
        self._bench.changed()

    @property
    def selected(self) -> tuple[Target, ...]:
        """Targets that the next click exports to."""
        kept = self._bench.session.kept_value("deploy", "targets", [TARGETS[0]])
        return tuple(target for target in TARGETS if target in kept)

    def toggle(self, name: str) -> None:
        """Select a target, or no more."""
        now = list(self.selected)
        self._bench.session.keep("deploy", "targets", [one for one in TARGETS if (one in now) != (one == name)])
        self._bench.changed()

    @property
    def targets(self) -> tuple[TargetRow, ...]:
        """A row a target."""
        return tuple(self._row(target) for target in TARGETS)

    def target(self, name: str) -> TargetRow:
        """One of them (KeyError when there is none of that name)."""
        return {row.name: row for row in self.targets}[name]  # type: ignore[index]

    def _row(self, target: Target) -> TargetRow:
        title, text = _TEXTS[target]
        record, problem = self.records.get(target), self._problems.get(target)
        selected = target in self.selected
        if problem is not None:
            return TargetRow(target, title, text, selected, "stop", "not exported", (), "", "", problem)
        if record is None:
            return TargetRow(target, title, text, selected, "muted", "not exported yet", (), "", "", None)
        folder = self._folder(target)
        tone, word = export_verdict(record, self.version)
        lines = export_lines(record)
        return TargetRow(target, title, text, selected, tone, word, lines, str(folder), str(folder / record.main), None)

    def _folder(self, target: Target) -> Path:
        return Path(self.out) / target / name_of(self.subject)

    @property
    def version(self) -> int:
        """Of the twin that would be exported; 0 of a set, or when it cannot be read."""
        if self._version is None:
            self._version = 0 if self.is_set else _version_of(Path(self.subject) / "twin.json")
        return self._version

    @property
    def records(self) -> Mapping[Target, DeployRecord]:
        """What the exports in the output folder say of themselves, by target; also those of earlier sessions."""
        if self._records is None:
            self._records = {}
            for target in TARGETS if self.subject else ():
                record = _read(self._folder(target) / RECORD_NAME)
                if record is not None:
                    self._records[target] = record
        return self._records

    # Exporting.

    @property
    def primary(self) -> Action:
        """Export to the selected targets."""
        if not self.subject:
            return Action("Choose a source", lambda: self._bench.go("ingest"), True, "", "folder")
        chosen = self.selected
        label = f"Deploy to {_TEXTS[chosen[0]][0]}" if len(chosen) == 1 else f"Deploy to {len(chosen)} targets"
        why_not = "Select a target." if not chosen else "Wait, or cancel what runs." if self._bench.busy else ""
        return Action(label if chosen else "Deploy", self.deploy, not why_not, why_not, "upload")

    @property
    def secondary(self) -> Action | None:
        """No other button."""
        return None

    def deploy(self) -> None:
        """Export to the selected targets."""
        self._deploy(self.selected, force=False)

    def deploy_anyway(self, name: str) -> None:
        """Export to one target although the twin failed its validation; the export is marked."""
        self._deploy(tuple(target for target in TARGETS if target == name), force=True)

    def _deploy(self, targets: tuple[Target, ...], *, force: bool) -> None:
        if not targets or not self.subject or self._bench.busy:
            return
        record = "manifest.json" if self.is_set else "twin.json"
        if not (Path(self.subject) / record).is_file():
            name = name_of(self.subject)
            again = Action("Choose a source", lambda: self._bench.go("ingest"), icon="folder")
            hint = "Make it again."
            self._bench.fail(Problem(f"{name} is not there any more.", name, hint, again, "twin_not_found"))
            return
        arguments = {
            "twin": self.subject,
            "targets": list(targets),
            "out": self.out,
            "force": force,
            "members": (self.members or None) if self.is_set else None,
        }
        name = name_of(self.subject)
        where = _TEXTS[targets[0]][0] if len(targets) == 1 else count(len(targets), "target")
        self._bench.start(f"Deploying {name} to {where}", "deploy", arguments, self._deployed, name)

    def _deployed(self, result: Any) -> None:
        failed = 0
        for record in result["records"]:
            target: Target = record["target"]
            error = record["error"]
            self._problems.pop(target, None)
            if error is not None:
                failed += 1
                self._problems[target] = problem_of(error, _TEXTS[target][0], self._remedy(target, error))
        self._records = None
        made = len(result["records"]) - failed
        self._bench.say(f"{count(made, 'export')} in {self.out}" if made else "Nothing was exported.")
        if failed and not made:
            self._bench.fail(next(iter(self._problems.values())))

    def _remedy(self, target: Target, error: Mapping[str, str]) -> Action:
        if error.get("code") == "twin_failed_validation":
            return Action("Export anyway", lambda: self.deploy_anyway(target), icon="upload")
        return Action("Try again", lambda: self._deploy((target,), force=False), icon="redo")

    @property
    def cards(self) -> tuple[Card, ...]:
        """What is exported, to how many tools, what agrees, what formats cannot hold."""
        if not self.subject:
            return ()
        records = self.records
        compared = [one for record in records.values() for one in record.comparisons]
        differing = [one for one in compared if not one.passed]
        losses = {note.code for record in records.values() for note in record.losses}
        made = f"{len(records)} of {len(TARGETS)}"
        agree = Card("round trip", "not made", "nothing is exported yet", "plain")
        if compared:
            word = f"{len(compared) - len(differing)} of {len(compared)} agree"
            agree = Card("round trip", word, "read again by another reader", "stop" if differing else "good")
        kind = "variations" if self.is_set else f"version {self.version}"
        return (
            Card("exports", name_of(self.subject), kind),
            Card("targets", made, "exported", "stop" if self._problems else "plain"),
            agree,
            Card("limits of formats", str(len(losses)) if records else "–", "named in each export", "plain"),
        )


def _version_of(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _read(path: Path) -> DeployRecord | None:
    """The record of an export; None where there is none that can be read."""
    try:
        record: DeployRecord = from_json(DeployRecord, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, PhysiclError):
        return None
    return record
