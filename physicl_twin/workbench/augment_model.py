"""The third tab: what may differ between variations, one of them to see, all of them to have."""

from __future__ import annotations

import functools
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.model import PhysiclError
from physicl_twin.store import prepare_output
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Card, Problem, Tone, problem_of
from physicl_twin.workbench.members_model import MembersModel
from physicl_twin.workbench.spec_model import SpecModel
from physicl_twin.workbench.texts import count, name_of

#: Members that a first set has: enough to look at, soon made.
_COUNT = 20
#: Largest number of members (``augment.keyed``), and largest seed that is taken.
_MOST, _LARGEST_SEED = 16_777_216, 2**31 - 1


@dataclass(frozen=True, slots=True)
class TwinChoice:
    """A twin that variations may hold.

    Attributes:
        path: Its folder.
        title: Its name.
        chosen: True when it takes part.
        tone: ``look`` when it did not pass its validation.
        word: Beside the icon.
    """

    path: str
    title: str
    chosen: bool
    tone: Tone
    word: str


class AugmentModel:
    """Variations of the twin in view, or of several twins together.

    Args:
        bench: The shared state.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._scratch = tempfile.TemporaryDirectory(prefix="physicl-augment-")
        #: What may differ.
        self.spec = SpecModel(bench, Path(self._scratch.name))
        #: What came out.
        self.members = MembersModel(bench)
        #: Worker processes.
        self.jobs = 1
        bench.on_twin(self._other_twin)

    def _other_twin(self) -> None:
        """The choice of several twins stays; a choice of one follows the twin in view."""
        if len(self._kept_twins()) <= 1:
            self._bench.session.keep("augment", "twins", [])
        if self.members.is_preview:
            self.members.put_away()

    # Which twins, how many, where to.

    def _kept_twins(self) -> list[str]:
        return [path for path in self._bench.session.kept_value("augment", "twins", []) if isinstance(path, str)]

    @property
    def chosen(self) -> tuple[str, ...]:
        """Folders of the twins that take part; the twin in view unless others were chosen."""
        session = self._bench.session
        there = [path for path in self._kept_twins() if path == session.twin or _is_twin(path)]
        return tuple(there) or ((session.twin,) if session.twin else ())

    @property
    def twins(self) -> tuple[TwinChoice, ...]:
        """The twin in view, then the others that this session built."""
        session = self._bench.session
        listed = dict.fromkeys(path for path in (session.twin, *session.source_of, *self.chosen) if path)
        there = [path for path in listed if _is_twin(path)]
        return tuple(TwinChoice(path, name_of(path), path in self.chosen, *_verdict(path)) for path in there)

    def toggle_twin(self, path: str) -> None:
        """Let a twin take part, or no more; one always does."""
        chosen = list(self.chosen)
        chosen = [other for other in chosen if other != path] if path in chosen else [*chosen, path]
        if chosen:
            self._bench.session.keep("augment", "twins", chosen)
            self._bench.changed()

    @property
    def count(self) -> int:
        """Members of the set."""
        return self._number("count", _COUNT, 1, _MOST)

    def set_count(self, text: str) -> bool:
        """State how many; False for what is no such number."""
        return self._set_number("count", text, 1, _MOST)

    @property
    def seed(self) -> int:
        """Seed: the same one gives the same members."""
        return self._number("seed", 0, 0, _LARGEST_SEED)

    def set_seed(self, text: str) -> bool:
        """State the seed; False for what is no such number."""
        return self._set_number("seed", text, 0, _LARGEST_SEED)

    def _number(self, name: str, default: int, low: int, high: int) -> int:
        kept: int = self._bench.session.kept_value("augment", name, default)
        return kept if low <= kept <= high else default

    def _set_number(self, name: str, text: str, low: int, high: int) -> bool:
        words = re.sub(r"\s", "", text)
        if not words.isdecimal() or not low <= int(words) <= high:
            hint = f"Type a whole number from {low} to {high}."
            self._bench.fail(Problem(f"{text.strip()!r} is no {name}.", name, hint, code=f"{name}_out_of_range"))
            return False
        self._bench.session.keep("augment", name, int(words))
        self._bench.dismiss()
        self._bench.changed()
        return True

    @property
    def name(self) -> str:
        """Name of the set that would be made."""
        stated = str(self._bench.session.kept_value("augment", "name", ""))
        if stated:
            return stated
        if not self.chosen:
            return ""
        # Not the twin's own name: exports of the twin and of its set must not replace each other.
        return f"{name_of(self.chosen[0])}_set" if len(self.chosen) == 1 else "scene"

    def set_name(self, text: str) -> bool:
        """Call the set otherwise; an empty text lets the twins name it. False for what no folder can be called."""
        text = text.strip()
        if text and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
            hint = "Use letters, digits, dots, dashes and underscores."
            self._bench.fail(Problem(f"{text!r} cannot be the name of a set.", "name", hint, code="name_invalid"))
            return False
        self._bench.session.keep("augment", "name", text)
        self._bench.dismiss()
        self._bench.changed()
        return True

    @property
    def folder(self) -> str:
        """Folder of the set that would be made."""
        return str(Path(self._bench.session.out) / "sets" / self.name)

    @property
    def spec_path(self) -> str:
        """The spec of that set as a file, beside it: the command line makes the same set of it."""
        return f"{self.folder}.toml"

    # Making.

    @property
    def previewing(self) -> bool:
        """True while one member is made."""
        return self._bench.activity is not None and self._bench.activity.verb == "member_preview"

    @property
    def generating(self) -> bool:
        """True while the set is made."""
        return self._bench.activity is not None and self._bench.activity.verb == "augment"

    @property
    def preview_action(self) -> Action:
        """See one member before all are made."""
        why_not = self._why_not()
        return Action("Preview one", self.preview, not why_not, why_not, "eye")

    @property
    def primary(self) -> Action:
        """Make the set, or, when it stands there, go on."""
        if not self.chosen:
            return Action("Choose a source", lambda: self._bench.go("ingest"), True, "", "folder")
        if self.done and not self._bench.busy:
            return Action("Validate", lambda: self._bench.go("validate"), True, "", "arrow")
        why_not = self._why_not()
        return Action(f"Generate {count(self.count, 'variation')}", self.generate, not why_not, why_not, "play")

    @property
    def secondary(self) -> Action | None:
        """The button beside it."""
        return self.preview_action if self.chosen else None

    def _why_not(self) -> str:
        if self._bench.busy:
            return "Wait, or cancel what runs."
        return "" if self.chosen else "Make a twin first."

    @property
    def done(self) -> bool:
        """True when the set in view is what would be made now."""
        shown = self.members.shown
        return (
            shown is not None
            and not self.members.is_preview
            and shown.complete
            and (shown.folder, shown.asked, shown.seed) == (self.folder, self.count, self.seed)
            and shown.spec == self.spec.raw
            and sorted(shown.twins) == sorted(name_of(path) for path in self.chosen)
        )

    def preview(self) -> None:
        """Make one member by itself, and show it."""
        if self._why_not() or not self._still_there():
            return
        arguments = {
            "twins": list(self.chosen),
            "out": str(Path(self._scratch.name) / "preview"),
            "spec": str(self.spec.written()),
            "seed": self.seed,
        }
        title = f"Previewing a variation of {self._subject}"
        self._bench.start(title, "member_preview", arguments, self._previewed, self._subject, self._preview_failed)

    def generate(self) -> None:
        """Make the set, or go on with the one that was begun; see ``generate_as`` for another name."""
        self._generate(force=False)

    def generate_as(self, name: str) -> None:
        """Make it under another name."""
        if self.set_name(name):
            self._generate(force=False)

    def generate_anyway(self) -> None:
        """Make it of twins that failed their validation, too; the set is marked."""
        self._generate(force=True)

    def _generate(self, force: bool) -> None:
        if self._why_not() or not self._still_there():
            return
        try:
            prepare_output(Path(self.folder).parent)
        except PhysiclError as error:
            self._bench.fail(problem_of(error.to_json(), self._subject))
            return
        if not self.spec.save(self.spec_path):
            return
        arguments = {
            "twins": list(self.chosen),
            "out": self.folder,
            "spec": self.spec_path,
            "count": self.count,
            "seed": self.seed,
            "jobs": self.jobs,
            "force": force,
        }
        title = f"Making {count(self.count, 'variation')} of {self._subject}"
        self._bench.start(title, "augment", arguments, self._generated, self._subject, self._generate_failed)

    @property
    def _subject(self) -> str:
        return ", ".join(name_of(path) for path in self.chosen)

    def _still_there(self) -> bool:
        """False, and a problem card, when a twin's folder was removed."""
        gone = next((path for path in self.chosen if not _is_twin(path)), "")
        if gone:
            again = Action("Choose a source", lambda: self._bench.go("ingest"), icon="folder")
            hint = "Build it again from its source."
            title = f"{name_of(gone)} is not there any more."
            self._bench.fail(Problem(title, name_of(gone), hint, again, "twin_not_found"))
        return not gone

    def _previewed(self, result: Any) -> None:
        self.members.show_preview(str(result["set"]))
        self._tell_notes(result)

    def _generated(self, result: Any) -> None:
        self.members.show_set(str(result["set"]))
        accepted, asked = int(result["accepted"]), int(result["count"])
        self._bench.say(f"{accepted} of {count(asked, 'variation')} accepted, in {result['set']}")
        self._tell_notes(result)

    def _tell_notes(self, result: Mapping[str, Any]) -> None:
        if result.get("notes"):
            self._bench.say(str(result["notes"][0]))

    def _preview_failed(self, error: Mapping[str, str]) -> None:
        self._bench.fail(problem_of(error, self._subject, Action("Preview again", self.preview, icon="redo")))

    def _generate_failed(self, error: Mapping[str, str]) -> None:
        if (Path(self.folder) / "manifest.json").is_file():  # what could be made stays, and is shown
            self.members.show_set(self.folder)
        self._bench.fail(problem_of(error, self._subject, self._remedy(error.get("code", ""))))

    def _remedy(self, code: str) -> Action:
        if code in ("output_of_another_set", "output_not_empty"):
            free = self._free_name()
            return Action(f"Make it as {free}", lambda: self.generate_as(free), icon="play")
        if code == "twin_failed_validation":
            return Action("Use it anyway", self.generate_anyway, icon="play")
        if code.startswith("spec_") and (self.spec.edited or self.spec.file):
            return Action("Use the shipped spec", self.spec.use_shipped, icon="undo")
        return Action("Try again", self.generate, icon="redo")

    def _free_name(self) -> str:
        stem, number = re.sub(r"_\d+$", "", self.name), 2
        while (Path(self._bench.session.out) / "sets" / f"{stem}_{number}").exists():
            number += 1
        return f"{stem}_{number}"

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of the set in view, or of what would be made."""
        shown = self.members.shown
        if shown is not None and not self.members.is_preview:
            return shown.cards()
        if not self.chosen:
            return ()
        knobs = self.spec.knobs
        on, every, changed = (sum(flags) for flags in zip(*((k.on, k.can_vary, k.changed) for k in knobs), strict=True))
        return (
            Card("variations", str(self.count), "to be made"),
            Card("objects", count(len(self.chosen), "twin"), self._subject),
            Card("varied", f"{on} of {every}", f"{changed} changed" if changed else "as the spec says"),
            Card("seed", str(self.seed), "the same seed gives the same set"),
        )

    def release(self) -> None:
        """Remove the preview."""
        self._scratch.cleanup()


def _is_twin(folder: str) -> bool:
    return (Path(folder) / "twin.json").is_file()


def _verdict(folder: str) -> tuple[Tone, str]:
    """What a twin's certificate says of it."""
    path = Path(folder) / "certificate.json"
    return _read_verdict(path, path.stat().st_mtime_ns) if path.is_file() else ("look", "not validated")


@functools.lru_cache(maxsize=64)
def _read_verdict(path: Path, stamp: int) -> tuple[Tone, str]:
    """Of a version of a certificate; ``stamp`` tells versions apart."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        listed = [item["status"] for item in (*record["checks"], *record["rollouts"])]
    except (OSError, ValueError, KeyError, TypeError):
        return "look", "not validated"
    return ("good", "passed") if "failed" not in listed and "passed" in listed else ("look", "failed its validation")
