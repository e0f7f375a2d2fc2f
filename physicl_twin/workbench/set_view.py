"""A set of variations as the panel shows it: what was accepted, what was rejected and why, where its files are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.model import MANIFEST_VERSION, SourceError
from physicl_twin.workbench.cards import Card, Line
from physicl_twin.workbench.texts import count

#: Why a draw was rejected, for people, and what helps (docs/augment.md).
_REASONS: dict[str, tuple[str, str]] = {
    "still_moving": ("something still moved when time was up", "more time, or less restitution"),
    "moves_in_mujoco": ("what rests in PhysX did not rest in MuJoCo", "a larger floor, so that less leans"),
    "engines_disagree": ("PhysX and MuJoCo found no rest in common", "a larger floor; objects of similar mass"),
    "left_support": ("an object fell beside the support", "a larger or higher bin, a smaller spread"),
    "penetration": ("colliders overlapped too deeply", "a shorter time step, more room"),
    "occlusion": ("no camera saw the target hidden as wanted", "a wider range, more objects"),
    "target_left_out": ("the hidden object was left out", "leave none out"),
}
#: Files of a set that a person opens: (title, path in the set).
_FILES = (
    ("coverage report", "coverage.html"),
    ("pictures of twelve members", "contact_sheet.jpg"),
    ("base scene", "scene.usda"),
    ("table of all values", "manifest.parquet"),
)


@dataclass(frozen=True, slots=True)
class SetView:
    """A set on disk.

    Attributes:
        folder: Of the set.
        name: Of the set.
        members: Numbers of the accepted members, ascending.
        rejected: Numbers of those that were given up.
        rejected_draws: How often each reason came up.
        asked: How many were asked for.
        seed: Seed.
        twins: Names of its twins.
        complete: False when a part of it could not be made.
        spec: Tables of its spec.
    """

    folder: str
    name: str
    members: tuple[int, ...]
    rejected: tuple[int, ...]
    rejected_draws: Mapping[str, int]
    asked: int
    seed: int
    twins: tuple[str, ...]
    complete: bool
    spec: Mapping[str, Any]

    @property
    def draws(self) -> int:
        """Draws that were made."""
        return len(self.members) + sum(self.rejected_draws.values())

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """(Title, path) of the files that are there to be opened."""
        found = [(title, Path(self.folder) / name) for title, name in _FILES]
        return tuple((title, str(path)) for title, path in found if path.is_file())

    def cards(self) -> tuple[Card, ...]:
        """Accepted, rejected draws, seed."""
        return (
            Card(
                "variations",
                f"{len(self.members)} of {self.asked}",
                "at rest in PhysX and in MuJoCo",
                "good" if len(self.members) == self.asked else "look" if self.members else "stop",
                "Every accepted member is at rest in both engines and free of deep overlap.",
            ),
            Card(
                "rejected draws",
                f"{sum(self.rejected_draws.values())} of {self.draws}",
                f"{count(len(self.rejected), 'variation')} given up" if self.rejected else "each was drawn again",
                "look" if self.rejected else "plain",
                "\n".join(f"{reason(name)}: {times}" for name, times in self.rejected_draws.items()),
            ),
            Card("objects", count(len(self.twins), "twin"), ", ".join(self.twins[:3]), "plain"),
            Card("seed", str(self.seed), "the same seed gives the same set"),
        )

    def lines(self) -> tuple[Line, ...]:
        """Why draws were rejected, the commonest reason first."""
        ordered = sorted(self.rejected_draws.items(), key=lambda item: -item[1])
        found = [
            Line(f"{times} × {reason(name)}", _REASONS.get(name, ("", ""))[1], "muted", "drawn again")
            for name, times in ordered
        ]
        if self.rejected:
            listed = ", ".join(str(number) for number in self.rejected[:8])
            more = f" and {len(self.rejected) - 8} more" if len(self.rejected) > 8 else ""
            found.insert(0, Line(f"given up: {listed}{more}", "draw again more often, or see why", "look", "look here"))
        if not self.complete:
            hint = "Generate again: what is there is not made again."
            found.insert(0, Line("A part of the set could not be made.", hint, "stop", "not complete"))
        return tuple(found)


def reason(name: str) -> str:
    """A reason of rejection for people."""
    return _REASONS.get(name, (name.replace("_", " "), ""))[0]


def read_set_view(folder: str) -> SetView:
    """The set of a folder.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``.
    """
    place = Path(folder)
    try:
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    except OSError as error:
        hint = "Generate it again."
        raise SourceError("set_not_found", f"{place.name} is no set of variations.", hint) from error
    except ValueError as error:
        raise SourceError("set_invalid", f"{place.name} is damaged.", "Generate it again.") from error
    try:
        if manifest["schema_version"] != MANIFEST_VERSION:
            raise ValueError(f"version {manifest['schema_version']}")
        return SetView(
            str(place),
            str(manifest["name"]),
            tuple(int(number) for number in manifest["members"]),
            tuple(int(number) for number in manifest["rejected"]),
            {str(name): int(times) for name, times in manifest["rejected_draws"].items()},
            int(manifest["count"]),
            int(manifest["seed"]),
            tuple(str(twin["name"]) for twin in manifest["twins"]),
            bool(manifest["complete"]),
            dict(manifest["spec"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError("set_invalid", f"{place.name} is damaged: {error}.", "Generate it again.") from error


def sets_in(out: str) -> tuple[str, ...]:
    """Folders of the sets below an output folder, the latest first."""
    found = [path for path in (Path(out) / "sets").glob("*/manifest.json") if path.is_file()]
    return tuple(str(path.parent) for path in sorted(found, key=lambda path: -path.stat().st_mtime))
