"""The second tab: what every part is made of and weighs, with its reasons; edits follow at once and can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from physicl_twin.model import Certificate, PhysiclError, Twin, from_json, loads_twin
from physicl_twin.normalize.joint_statement import JointStatement
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.normalize.options import parse_mass
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Card, Line, Problem, in_panel_words, problem_of
from physicl_twin.workbench.live import Answer
from physicl_twin.workbench.texts import count, name_of
from physicl_twin.workbench.twin_view import PartRow, cards, part_rows

#: Materials that a row offers besides its own candidates; all others are behind a search.
_COMMON = 8
WHOLE = "*"


@dataclass(frozen=True, slots=True)
class Edits:
    """What a person says, on top of the version on disk.

    Attributes:
        materials: Row id or words by part.
        masses: Text such as ``0.603 kg`` by part; ``*`` for the whole.
        joints: Fields of ``JointStatement`` by joint.
    """

    materials: Mapping[str, str]
    masses: Mapping[str, str]
    joints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """True when nothing is said."""
        return not self.materials and not self.masses and not self.joints

    def to_json(self) -> dict[str, Any]:
        """For the worker and the session."""
        joints = {name: dict(said) for name, said in self.joints.items()}
        return {"materials": dict(self.materials), "masses": dict(self.masses), "joints": joints}


_NONE = Edits({}, {})


class NormalizeModel:
    """The twin in view.

    Args:
        bench: The shared state.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.twin: Twin | None = None
        self.certificate: Certificate | None = None
        self.selected = ""
        self.column = "material"
        self._draft: Twin | None = None
        self._edits: list[Edits] = []
        self._wanted: Edits = _NONE
        self.weighing = False
        self._rows: tuple[PartRow, ...] | None = None
        bench.on_twin(self.reload)

    def reload(self) -> None:
        """Read the twin in view from its folder."""
        self._edits, self._draft, self._rows, self.selected = [], None, None, ""
        self.twin, self.certificate = None, None
        folder = self._bench.session.twin
        if not folder:
            return
        try:
            self.twin = loads_twin((Path(folder) / "twin.json").read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, PhysiclError) as error:
            hint = "Build it again from its source."
            again = Action("Choose a source", lambda: self._bench.go("ingest"), icon="folder")
            self._bench.fail(Problem(f"{name_of(folder)} cannot be read: {error}", name_of(folder), hint, again))
            return
        self.read_certificate()
        # Edits of a twin that was in view before are offered again.
        kept = self._bench.session.kept_value("normalize", "edits", {})
        if kept.get("twin") == folder and kept.get("version") == self.twin.version:
            edits = Edits(_texts(kept.get("materials")), _texts(kept.get("masses")), _fields(kept.get("joints")))
            if not edits.empty:
                self._say(edits)

    def read_certificate(self) -> None:
        """Read the certificate anew, after it was written."""
        path = Path(self._bench.session.twin) / "certificate.json"
        try:
            self.certificate = from_json(Certificate, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, PhysiclError):
            self.certificate = None
        self._bench.changed()

    @property
    def title(self) -> str:
        """Name and version of the twin; empty without one."""
        return f"{self.twin.title}, version {self.twin.version}" if self.twin is not None else ""

    @property
    def shown(self) -> Twin | None:
        """The twin as the edits have it, or the version on disk."""
        return self._draft or self.twin

    @property
    def edited(self) -> bool:
        """True while edits wait to be accepted."""
        return bool(self._edits) and not self._edits[-1].empty

    @property
    def cards(self) -> tuple[Card, ...]:
        """The five headline cards."""
        shown = self.shown
        return cards(shown, self.certificate, self.edited) if shown is not None else ()

    @property
    def rows(self) -> tuple[PartRow, ...]:
        """A row a part."""
        if self._rows is None:
            shown = self.shown
            self._rows = part_rows(shown, self.twin if self._draft is not None else None) if shown is not None else ()
        return self._rows

    @property
    def notes(self) -> tuple[Line, ...]:
        """What needs a look."""
        shown = self.shown
        found = [note for note in shown.notes if note.severity == "warning"] if shown is not None else []
        return tuple(Line(note.message, in_panel_words(note.hint), "look", "look here") for note in found)

    def select(self, part: str, column: str = "material") -> None:
        """Select a figure: its reasons are shown."""
        if (part, column) != (self.selected, self.column):
            self.selected, self.column = part, column
            self._bench.changed()

    def move(self, down: int) -> None:
        """Select the row above or below."""
        names = [row.name for row in self.rows]
        if names:
            at = names.index(self.selected) + down if self.selected in names else 0
            self.select(names[max(0, min(at, len(names) - 1))], self.column)

    @property
    def why(self) -> str:
        """The reasons of the selected figure, or what to do to see some."""
        row = next((row for row in self.rows if row.name == self.selected), None)
        if row is None:
            return "Select a figure to see why it is what it is."
        return row.why(self.column)

    def materials_for(self, row: PartRow) -> tuple[tuple[str, str], ...]:
        """(What is stated, words) that a row offers: its own, its candidates, common ones."""
        table = MaterialTable.load()
        found: dict[str, str] = {}
        for row_id, probability in row.alternatives:
            title = table.rows[row_id].title if row_id in table.rows else row_id.replace("_", " ")
            if title != row.material:
                found[row_id] = f"{title}   {100 * probability:.0f} %"
        common = sorted(table.rows.values(), key=lambda one: -one.weight)
        for one in common:
            if len(found) >= _COMMON:
                break
            if one.title != row.material:
                found.setdefault(one.id, one.title)
        return (("", row.material), *found.items())

    def search(self, words: str) -> tuple[tuple[str, str], ...]:
        """(Row id, title) of materials that a text names or whose titles hold it; all of them for an empty text."""
        table = MaterialTable.load()
        low = words.strip().lower()
        matched = [match.row for match in table.match(words)] if low else []
        held = [row for row in table.rows.values() if low in row.title.lower() or low in row.id]
        return tuple(dict.fromkeys((row.id, row.title) for row in (*matched, *held) if row.id in table.rows))

    def set_material(self, part: str, material: str) -> None:
        """State a part's material; mass, centre of mass and cards follow."""
        if not material:
            return
        now = self._edits[-1] if self._edits else _NONE
        self.select(part, "material")
        self._edit(Edits({**now.materials, part: material}, now.masses, now.joints))

    def set_mass(self, text: str, part: str = WHOLE) -> bool:
        """State a weighed mass, such as ``0.603 kg``; an empty text takes the statement back.

        Returns:
            False when the text cannot be read; the problem card says why.
        """
        now = self._edits[-1] if self._edits else _NONE
        masses = {name: mass for name, mass in now.masses.items() if name != part}
        if text.strip():
            try:
                parse_mass(text)
            except PhysiclError as error:
                self._bench.fail(problem_of(error.to_json(), text))
                return False
            masses[part] = text.strip()
        if part != WHOLE:
            self.select(part, "mass")
        self._edit(Edits(now.materials, masses, now.joints))
        return True

    def set_joint(self, joint: str, said: Mapping[str, Any]) -> None:
        """State something of a joint: fields of ``JointStatement``; masses and checks follow."""
        now = self._edits[-1] if self._edits else _NONE
        self._edit(Edits(now.materials, now.masses, {**now.joints, joint: {**now.joints.get(joint, {}), **said}}))

    @property
    def stated_mass(self) -> str:
        """What is said of the whole mass; empty for nothing."""
        return self._edits[-1].masses.get(WHOLE, "") if self._edits else ""

    @property
    def can_undo(self) -> bool:
        """True when there is an edit to undo."""
        return bool(self._edits)

    def undo(self) -> None:
        """Take the last edit back."""
        if self._edits:
            self._edits.pop()
            self._restate()

    def discard(self) -> None:
        """Take all edits back."""
        self._edits = []
        self._restate()

    def _edit(self, edits: Edits) -> None:
        self._bench.problem = None
        self._say(edits)

    def _say(self, edits: Edits) -> None:
        self._edits.append(edits)
        self._restate()

    def _restate(self) -> None:
        """Ask for the twin as the edits have it."""
        self._wanted = edits = self._edits[-1] if self._edits else _NONE
        folder = self._bench.session.twin
        version = self.twin.version if self.twin is not None else 0
        self._bench.session.keep("normalize", "edits", {"twin": folder, "version": version, **edits.to_json()})
        if edits.empty:
            self._draft, self._rows, self.weighing = None, None, False
        else:
            self.weighing = True
            arguments = {"twin": folder, "statements": edits.to_json()}
            self._bench.live.ask("restate", arguments, lambda answer: self._restated(edits, answer))
        self._bench.changed()

    def _restated(self, edits: Edits, answer: Answer) -> None:
        if edits is not self._wanted:
            return  # edited again since
        self.weighing = False
        if answer.error is not None:
            self._edits = self._edits[:-1]
            self._bench.fail(problem_of(answer.error, self.title, Action("Undo", self._bench.dismiss, icon="undo")))
            self._wanted = self._edits[-1] if self._edits else _NONE
        else:
            self._draft = from_json(Twin, answer.result)
            self._bench.problem = None
        self._rows = None
        self._bench.changed()

    @property
    def primary(self) -> Action:
        """Accept the edits, or go on."""
        if self.twin is None:
            return Action("Choose a source", lambda: self._bench.go("ingest"), True, "", "folder")
        if self.edited:
            label = f"Accept as version {self.twin.version + 1}"
            busy = self._bench.busy or self.weighing
            return Action(label, self.accept, not busy, "Wait, or cancel what runs.", "check")
        return Action("Validate", lambda: self._bench.go("validate"), True, "", "arrow")

    def accept(self) -> None:
        """Make the edits a new version: written, checked and run."""
        if self.twin is None or not self.edited or self._bench.busy:
            return
        arguments = {"twin": self._bench.session.twin, "statements": self._edits[-1].to_json()}
        self._bench.start(
            f"Making version {self.twin.version + 1} of {self.twin.title}",
            "accept",
            arguments,
            self._accepted,
            self.title,
        )

    def _accepted(self, result: Any) -> None:
        self._bench.session.keep("normalize", "edits", {})
        self._bench.set_twin(result["twin"])
        self._bench.say(f"Version {result['version']} is written and checked.")

    @property
    def changes(self) -> str:
        """How many figures wait to be accepted, for people."""
        if not self.edited:
            return ""
        joints = len(self._edits[-1].joints)
        parts = sum(row.changed for row in self.rows)
        words = [count(parts, "part")] * bool(parts or not joints) + [count(joints, "joint")] * bool(joints)
        return f"{', '.join(words)} changed, not accepted yet"


def _texts(kept: Any) -> dict[str, str]:
    """Remembered statements; what a damaged session has instead is left out."""
    return {part: said for part, said in kept.items() if isinstance(said, str)} if isinstance(kept, dict) else {}


def _fields(kept: Any) -> dict[str, dict[str, Any]]:
    """Remembered statements about joints; what a damaged session has instead is left out."""
    known = set(JointStatement.__dataclass_fields__) - {"joint"}
    if not isinstance(kept, dict):
        return {}
    return {
        joint: {key: value for key, value in said.items() if key in known}
        for joint, said in kept.items()
        if isinstance(said, dict)
    }
