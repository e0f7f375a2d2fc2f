"""Editing the randomization spec: knobs on top of the shipped spec or of a file of the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from physicl_twin.augment.spec import read_spec
from physicl_twin.model import PhysiclError
from physicl_twin.store import write_atomic
from physicl_twin.workbench import knobs as spec_knobs
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, problem_of
from physicl_twin.workbench.knob_table import GROUPS
from physicl_twin.workbench.knobs import Knob
from physicl_twin.workbench.texts import name_of


class SpecModel:
    """What may differ between variations.

    Args:
        bench: The shared state.
        scratch: Folder for the spec as it is being edited.
    """

    def __init__(self, bench: Bench, scratch: Path) -> None:
        self._bench = bench
        self._scratch = scratch
        self._shipped: dict[str, Any] = read_spec().raw
        self._base = self._shipped
        self._knobs: tuple[Knob, ...] | None = None
        #: Key of the knob whose reason is shown.
        self.selected = ""
        self._restore()

    def _restore(self) -> None:
        """The user's file and edits of an earlier session, as far as they are still accepted."""
        if self.file and not self._read_base(self.file):
            self._bench.session.keep("augment", "file", "")
            self._bench.session.keep("augment", "edits", {})
        try:
            self.written()
        except (PhysiclError, TypeError, AttributeError):
            # A session file that someone damaged, or of another version: begin from the base.
            self._bench.session.keep("augment", "edits", {})

    @property
    def edits(self) -> dict[str, Any]:
        """Edited values by key, on top of the base."""
        kept: dict[str, Any] = self._bench.session.kept_value("augment", "edits", {})
        return {key: value for key, value in kept.items() if key in spec_knobs.KEYS}

    @property
    def edited(self) -> bool:
        """True when a knob is not what its base says."""
        return bool(self.edits)

    @property
    def raw(self) -> dict[str, Any]:
        """The spec's tables as they are now."""
        return spec_knobs.with_values(self._base, self.edits)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """All properties, group by group."""
        if self._knobs is None:
            self._knobs = spec_knobs.knobs(self.raw, self._base)
        return self._knobs

    @property
    def groups(self) -> tuple[tuple[str, tuple[Knob, ...]], ...]:
        """(Heading, its knobs)."""
        return tuple((title, tuple(knob for knob in self.knobs if knob.group == title)) for title in GROUPS.values())

    def knob(self, key: str) -> Knob:
        """One of them (KeyError when there is none of that key)."""
        return {knob.key: knob for knob in self.knobs}[key]

    @property
    def own_twins(self) -> tuple[str, ...]:
        """Twins for which the user's file states values of their own, which no knob shows."""
        return tuple(self._base.get("twin", {}))

    def select(self, key: str) -> None:
        """Select a knob: its reason is shown."""
        if key != self.selected:
            self.selected = key
            self._bench.changed()

    @property
    def why(self) -> str:
        """The reason of the selected knob, or what to do to see one."""
        found = next((knob for knob in self.knobs if knob.key == self.selected), None)
        return f"{found.title}: {found.text}\n{found.why}" if found else "Select a property to see what it does."

    def set_value(self, key: str, text: str, field: str = "value") -> bool:
        """Type over a field of a knob, or choose one of its options.

        Returns:
            False when the spec refuses it; the problem card says why, and nothing changed.
        """
        self.select(key)
        try:
            value = spec_knobs.edited(key, spec_knobs.value_of(self.raw, key), field, text)
        except PhysiclError as error:
            self._refuse(error, key)
            return False
        return self._edit(key, value)

    def vary(self, key: str, on: bool) -> bool:
        """Let a property differ between variations, or hold it at the middle of its range.

        Returns:
            False when the spec refuses that.
        """
        self.select(key)
        now = spec_knobs.value_of(self.raw, key)
        if spec_knobs.varies(now) == on:
            return True
        kept: dict[str, Any] = self._bench.session.kept_value("augment", "ranges", {})
        if on:
            shipped = spec_knobs.value_of(self._shipped, key)
            return self._edit(key, kept[key] if key in kept else spec_knobs.spread(key, now, shipped))
        self._bench.session.keep("augment", "ranges", {**kept, key: now})
        return self._edit(key, spec_knobs.held(now))

    def reset(self, key: str) -> None:
        """Back to what the base says."""
        self._keep({other: value for other, value in self.edits.items() if other != key})

    def reset_all(self) -> None:
        """All of them back."""
        self._keep({})

    def _edit(self, key: str, value: Any) -> bool:
        edits = {**self.edits, key: value}
        if value == spec_knobs.value_of(self._base, key):
            del edits[key]
        try:
            self._checked(spec_knobs.with_values(self._base, edits))
        except PhysiclError as error:
            self._refuse(error, key)
            return False
        self._bench.dismiss()
        self._keep(edits)
        return True

    def _keep(self, edits: Mapping[str, Any]) -> None:
        self._bench.session.keep("augment", "edits", dict(edits))
        self._knobs = None
        self._bench.changed()

    def _refuse(self, error: PhysiclError, key: str) -> None:
        told = error.to_json()
        # The line of a file that nobody wrote would only confuse.
        message = re.sub(r"^spec\.toml(, line \d+)?: ", "", str(told["message"]))
        subject = self.knob(key).title
        self._bench.fail(problem_of({**told, "message": message[:1].upper() + message[1:]}, subject))

    def written(self) -> Path:
        """The spec as a file for a preview; it is read as the verb will read it.

        Raises:
            ConfigError: When it is refused.
        """
        return self._checked(self.raw)

    def _checked(self, raw: Mapping[str, Any]) -> Path:
        # A long session may outlive what lies in the system's folder for temporary files.
        self._scratch.mkdir(parents=True, exist_ok=True)
        path = self._scratch / "spec.toml"
        path.write_text(spec_knobs.toml_text(raw, self._shipped), encoding="utf-8")
        read_spec(path)
        return path

    @property
    def file(self) -> str:
        """Path of the user's own spec; empty for the shipped one."""
        return str(self._bench.session.kept_value("augment", "file", ""))

    def use_file(self, path: str) -> bool:
        """Begin from a spec file of the user's; an empty path goes back to the shipped one. Edits are dropped.

        Returns:
            False when it is refused; the problem card says which line and how to mend it.
        """
        path = path.strip()
        if path and not self._read_base(path):
            return False
        if not path:
            self._base = self._shipped
        self._bench.session.keep("augment", "file", path)
        self._bench.dismiss()
        self._keep({})
        return True

    def use_shipped(self) -> None:
        """Back to the shipped spec, without edits."""
        self.use_file("")

    def _read_base(self, path: str) -> bool:
        try:
            self._base = read_spec(Path(path)).raw
        except PhysiclError as error:
            shipped = Action("Use the shipped spec", self.use_shipped, icon="undo")
            self._bench.fail(problem_of(error.to_json(), name_of(path), shipped))
            return False
        return True

    def save(self, path: str) -> bool:
        """Write the spec as a file that ``augment --spec`` reads; False, and a problem card, when that fails."""
        try:
            write_atomic(Path(path), spec_knobs.toml_text(self.raw, self._shipped))
        except PhysiclError as error:
            self._bench.fail(problem_of(error.to_json(), name_of(path)))
            return False
        self._bench.say(f"The spec is in {path}")
        return True
