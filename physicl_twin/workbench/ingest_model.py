"""The first tab: what is to be built, and what it would become."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin import settings
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Problem, problem_of
from physicl_twin.workbench.source_report import SourceReport, report_of
from physicl_twin.workbench.texts import count, name_of

#: (value, words) of the choices; an empty value lets the evidence decide.
UNITS = (("", "from evidence"), ("m", "metres"), ("cm", "centimetres"), ("mm", "millimetres"), ("in", "inches"))
UP_AXES = (("", "from evidence"), ("z", "Z up"), ("y", "Y up"))
EFFORTS = (("fast", "quick"), ("", "thorough"), ("precise", "precise"))


@dataclass(frozen=True, slots=True)
class Sample:
    """A shipped source to try.

    Attributes:
        path: Of the file.
        title: What it is.
        text: One line about it.
        picture: Path of a picture; empty for none.
    """

    path: str
    title: str
    text: str
    picture: str = ""


def shipped_sample() -> Sample | None:
    """The sample of the package; None where the package has none (it is part of a checkout)."""
    path = settings.PACKAGE_ROOT.parent / "data" / "samples" / "mug.glb"
    if not path.is_file():
        return None
    picture = settings.PACKAGE_ROOT.parent / "data" / "icons" / "sample_mug.png"
    return Sample(str(path), "Mug with a spoon", "glTF, two parts", str(picture) if picture.is_file() else "")


class IngestModel:
    """Sources, their dry run, and the button that builds them.

    Args:
        bench: The shared state.
        sample: What an empty panel offers to try.
    """

    def __init__(self, bench: Bench, sample: Sample | None) -> None:
        self._bench = bench
        self.sample = sample
        self.reports: tuple[SourceReport, ...] = ()
        self.skipped: tuple[tuple[str, str], ...] = ()
        self.chosen = 0
        self._pictures = tempfile.TemporaryDirectory(prefix="physicl-pictures-")
        self._picture = 0
        self._looked_at: dict[str, Any] = {}

    @property
    def sources(self) -> tuple[str, ...]:
        """Files and folders to build."""
        return tuple(self._bench.session.sources)

    @property
    def recent(self) -> tuple[str, ...]:
        """Sources of earlier builds that are still there."""
        return tuple(path for path in self._bench.session.existing_recent() if path not in self.sources)

    @property
    def empty(self) -> bool:
        """True when there is nothing to build yet."""
        return not self.sources

    @property
    def looking(self) -> bool:
        """True while the dry run is under way."""
        return self._bench.activity is not None and self._bench.activity.verb == "preview"

    @property
    def report(self) -> SourceReport | None:
        """The report in view."""
        return self.reports[min(self.chosen, len(self.reports) - 1)] if self.reports else None

    def option(self, name: str) -> str:
        """What is set: ``units``, ``up``, ``effort``, ``licence`` or ``mass``."""
        return str(self._bench.session.kept_value("ingest", name, ""))

    def set_option(self, name: str, value: str) -> None:
        """Set one; units, up axis and mass look again."""
        if self.option(name) == value:
            return
        self._bench.session.keep("ingest", name, value)
        self._bench.changed()
        if name in ("units", "up", "mass") and self.sources:
            self.look()

    def choose(self, index: int) -> None:
        """Show another source's report."""
        self.chosen = index
        self._bench.changed()

    def add(self, paths: Sequence[str]) -> None:
        """Take files and folders, as dropped, picked or selected; those that are not there are told."""
        there = [path for path in (_plain(path) for path in paths) if Path(path).exists()]
        if not there:
            named = ", ".join(name_of(path) for path in paths[:3]) or "What was dropped"
            hint = "Pick files or folders on this machine; files on a server must be copied here first."
            self._bench.fail(Problem(f"{named} is no file here.", named, hint, code="file_not_found"))
            return
        self._bench.session.sources = list(dict.fromkeys([*self.sources, *there]))
        self._bench.changed()
        self.look()

    def remove(self, path: str) -> None:
        """Take a source off the list."""
        self._bench.session.sources = [other for other in self.sources if other != path]
        self.reports, self.skipped, self.chosen = (), (), 0
        self._bench.dismiss()
        self._bench.changed()
        if self.sources:
            self.look()

    def clear(self) -> None:
        """Take all of them off."""
        self._bench.session.sources = []
        self.reports, self.skipped, self.chosen = (), (), 0
        self._bench.problem = None
        self._bench.changed()

    def try_sample(self) -> None:
        """Take the shipped sample."""
        if self.sample is not None:
            self._bench.session.sources = []
            self.add([self.sample.path])

    def look(self) -> None:
        """The dry run; nothing is written."""
        if self._bench.busy:
            return
        # A new folder each time: a window may hold on to the picture of the last one.
        self._picture += 1
        self._looked_at = self._look_now()
        arguments = {**self._looked_at, "picture": str(Path(self._pictures.name) / str(self._picture))}
        subject = self.sources[0] if len(self.sources) == 1 else count(len(self.sources), "source")
        self._bench.start(
            f"Looking at {name_of(subject)}", "preview", arguments, self._looked, name_of(subject), self._look_failed
        )

    def _look_now(self) -> dict[str, Any]:
        """What a dry run would be asked."""
        said = {name: self.option(name) or None for name in ("units", "up", "mass")}
        return {"sources": list(self.sources), **said}

    def _looked(self, result: Any) -> None:
        if self._look_now() != self._looked_at:
            self.reports, self.skipped = (), ()
            if self.sources:
                self.look()  # another source, or said otherwise, since it began
            return
        self.reports = tuple(report_of(record) for record in result["sources"])
        self.skipped = tuple((item["name"], item["why"]) for item in result["skipped"])
        self.chosen = 0
        failed = [report for report in self.reports if report.error is not None]
        if failed and len(failed) == len(self.reports) and failed[0].error is not None:
            self._bench.fail(problem_of(failed[0].error, failed[0].name, self._remedy(failed[0].error)))
        elif not self.reports:
            why = self.skipped[0][1] if self.skipped else "There is no file in it."
            title = "Nothing here can be built."
            self._bench.fail(Problem(title, self._names(), why, Action("Choose another", self.clear, icon="folder")))

    def _look_failed(self, error: Mapping[str, str]) -> None:
        self._bench.fail(problem_of(error, self._names(), self._remedy(error)))

    def _names(self) -> str:
        return ", ".join(name_of(path) for path in self.sources[:3])

    def _remedy(self, error: Mapping[str, str]) -> Action:
        """The button of an error's card: get the missing reader, or choose another file."""
        hint = error.get("hint", "")
        if "install" in hint and error.get("code", "").endswith(("not_installed", "missing")):
            words = hint.replace(",", " ").replace(".", " ").split()
            extra = words[words.index("install") + 1] if "install" in words[:-1] else "cad"
            return Action(f"Get the packages of '{extra}'", lambda: self._install(extra), icon="download")
        return Action("Choose another", self.clear, icon="folder")

    def _install(self, extra: str) -> None:
        self._bench.start(
            f"Getting the packages of '{extra}'", "install", {"extra": extra}, lambda _: self.look(), extra
        )

    @property
    def primary(self) -> Action:
        """Build what is on the list."""
        buildable = sum(report.error is None for report in self.reports)
        label = "Make sim-ready" if len(self.sources) < 2 else f"Make {len(self.sources)} sources sim-ready"
        if self._bench.busy:
            return Action(label, self.build, False, "Wait, or cancel what runs.", "play")
        if not self.sources:
            return Action(label, self.build, False, "Drop or pick a source first.", "play")
        if self.reports and not buildable:
            return Action(label, self.build, False, "None of the sources can be read.", "play")
        return Action(label, self.build, True, "", "play")

    def build(self) -> None:
        """Build them and go on to what came out."""
        if not self.primary.enabled:
            return
        effort = self.option("effort")
        arguments = {
            "sources": list(self.sources),
            "out": str(Path(self._bench.session.out) / "twins"),
            "units": self.option("units") or None,
            "up": self.option("up") or None,
            "mass": self.option("mass") or None,
            "licence": self.option("licence"),
            "fast": effort == "fast",
            "precise": effort == "precise",
        }
        subject = self._names()
        self._bench.start(f"Making {subject} sim-ready", "build", arguments, self._built, subject)

    def _built(self, result: Any) -> None:
        records = result["records"]
        made = [record for record in records if record["error"] is None]
        failed = [record for record in records if record["error"] is not None]
        session = self._bench.session
        for source in self.sources:
            session.remember(source)
        for record in made:
            session.source_of[record["twin"]] = self._source_named(record["source"])
        if made:
            session.sources = []
            self.reports, self.skipped = (), ()
            self._bench.set_twin(made[0]["twin"])
            self._bench.go("normalize")
            self._bench.say(f"{count(len(made), 'twin')} in {session.out}")
        if failed:
            error = failed[0]["error"]
            self._bench.fail(problem_of(error, failed[0]["source"], self._remedy(error)))
        elif not made:
            self._bench.fail(Problem("Nothing here can be built.", self._names(), "Choose a file that holds geometry."))

    def _source_named(self, name: str) -> str:
        return next((path for path in self.sources if path == name or name_of(path) == name_of(name)), name)

    def release(self) -> None:
        """Remove the pictures."""
        self._pictures.cleanup()


def _plain(path: str) -> str:
    """A path of a drop, which may be a ``file:`` URL."""
    if path.startswith("file:"):
        from urllib.parse import unquote, urlparse

        return unquote(urlparse(path).path)
    return path
