"""What the panel remembers between sessions, as JSON: sources, twins, the stage in view, what was set on each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from physicl_twin.store import output_errors, write_atomic

Stage = Literal["ingest", "normalize", "augment", "validate", "deploy"]
STAGES: tuple[Stage, ...] = get_args(Stage)
TITLES: dict[Stage, str] = {stage: stage.capitalize() for stage in STAGES}
#: Version of the file; another one is not read.
SESSION_VERSION = 1
#: Recent sources that an empty panel offers.
RECENT = 3


@dataclass(slots=True)
class Session:
    """What a person is working on.

    Attributes:
        out: Folder of twins, sets and exports.
        sources: Files and folders to build.
        twin: Folder of the twin in view; empty for none.
        source_of: Source file by twin folder, as far as this panel built them.
        recent: Sources that were built, latest first.
        stage: Tab in view.
        kept: What was set on each stage, by stage and name; plain JSON values.
    """

    out: str
    sources: list[str] = field(default_factory=list)
    twin: str = ""
    source_of: dict[str, str] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    stage: Stage = "ingest"
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, stage: Stage, name: str, value: Any) -> None:
        """Remember a setting of a stage."""
        self.kept.setdefault(stage, {})[name] = value

    def kept_value(self, stage: Stage, name: str, default: Any) -> Any:
        """A remembered setting; the default where there is none of the default's type."""
        value = self.kept.get(stage, {}).get(name, default)
        return value if type(value) is type(default) else default

    def remember(self, source: str) -> None:
        """Put a source at the head of the recent ones."""
        self.recent = [source, *(other for other in self.recent if other != source)][:RECENT]

    def existing_recent(self) -> tuple[str, ...]:
        """Recent sources that are still there."""
        return tuple(source for source in self.recent if Path(source).exists())

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return {
            "schema_version": SESSION_VERSION,
            "out": self.out,
            "sources": self.sources,
            "twin": self.twin,
            "source_of": self.source_of,
            "recent": self.recent,
            "stage": self.stage,
            "kept": self.kept,
        }

    @classmethod
    def from_json(cls, record: Any, out: str) -> Session:
        """The session of a file; what is missing, of another version or of another type is left at its default.

        Args:
            record: Parsed JSON of any kind.
            out: Output folder where the record has none.
        """
        made = cls(out)
        if not isinstance(record, dict) or record.get("schema_version") != SESSION_VERSION:
            return made
        for name in ("out", "twin"):
            if isinstance(record.get(name), str):
                setattr(made, name, record[name])
        made.out = made.out or out
        for name in ("sources", "recent"):
            if isinstance(record.get(name), list):
                setattr(made, name, [item for item in record[name] if isinstance(item, str)])
        if isinstance(record.get("source_of"), dict):
            made.source_of = {k: v for k, v in record["source_of"].items() if isinstance(v, str)}
        if record.get("stage") in STAGES:
            made.stage = record["stage"]
        if isinstance(record.get("kept"), dict):
            made.kept = {k: dict(v) for k, v in record["kept"].items() if k in STAGES and isinstance(v, dict)}
        if made.twin and not (Path(made.twin) / "twin.json").is_file():
            made.twin = ""
        made.sources = [source for source in made.sources if Path(source).exists()]
        if not made.twin and made.stage != "ingest":
            made.stage = "ingest"
        return made


def load(path: Path, out: str) -> Session:
    """The session of a file; a fresh one when there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Session(out)
    return Session.from_json(record, out)


def save(session: Session, path: Path) -> None:
    """Write it, whole or not at all.

    Raises:
        OutputError: When the folder cannot be written.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(session.to_json(), ensure_ascii=False, indent=1, sort_keys=True))
