"""What the command line shows while a batch runs: live bars on a terminal, plain lines in a log, JSON for scripts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from physicl_twin.jobs.pool import Job, ProgressListener

Record = dict[str, Any]


class Reporter(Protocol):
    """Shows the progress of a batch; standard output carries results only."""

    def __enter__(self) -> Reporter:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""

    def progress(self, job: Job, stage: str, fraction: float, message: str) -> None:
        """A job is at ``fraction`` of ``stage``."""

    def skipped(self, name: str, reason: str) -> None:
        """A file of a folder or an archive is no source."""

    def record(self, record: Record) -> None:
        """A source is finished."""


def reporter(*, as_json: bool, verbose: bool) -> Reporter:
    """The reporter that fits: JSON when asked for, bars on a terminal, else plain lines."""
    if as_json:
        return JsonReporter(verbose=verbose)
    if sys.stderr.isatty():
        return RichReporter(verbose=verbose)
    return PlainReporter(verbose=verbose)


class PlainReporter:
    """One line an event on standard error, one summary a source on standard output."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._stages: dict[str, str] = {}

    def __enter__(self) -> PlainReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def progress(self, job: Job, stage: str, fraction: float, message: str) -> None:
        """A line when a job enters a stage."""
        if self._stages.get(job.key) != stage:
            self._stages[job.key] = stage
            self._say(f"{short(job.key)}: {stage}")

    def skipped(self, name: str, reason: str) -> None:
        """A line for each skipped file."""
        self._say(f"skipped {name}: {reason}")

    def record(self, record: Record) -> None:
        """The summary, or the error card."""
        self._log(record)
        for line in summary(record):
            print(line, flush=True)

    def _log(self, record: Record) -> None:
        if self._verbose and record.get("log"):
            self._say(record["log"])


class JsonReporter(PlainReporter):
    """One JSON object a line on standard output and nothing else there."""

    def record(self, record: Record) -> None:
        """The record of the contract."""
        self._log(record)
        print(json.dumps({k: v for k, v in record.items() if k != "log"}, ensure_ascii=False), flush=True)


class RichReporter(PlainReporter):
    """A bar for each running job on a terminal."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._out = Console()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[stage]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> RichReporter:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def _say(self, text: str) -> None:
        self._bars.console.print(text, style="dim", highlight=False, markup=False)

    def progress(self, job: Job, stage: str, fraction: float, message: str) -> None:
        """Move the bar."""
        if job.key not in self._tasks:
            self._tasks[job.key] = self._bars.add_task(short(job.key), total=1.0, stage=stage)
        text = f"{stage} {message}".strip()
        self._bars.update(self._tasks[job.key], completed=done_share(stage, fraction), stage=text)

    def record(self, record: Record) -> None:
        """Take the bar away and print the summary above the others."""
        task = self._tasks.pop(record["source"], None)
        if task is not None:
            self._bars.remove_task(task)
        self._log(record)
        colour = "red" if record["error"] else ("yellow" if record["checks"]["failed"] else "green")
        first, *rest = summary(record)
        self._out.print(first, style=f"bold {colour}", highlight=False, markup=False)
        for line in rest:
            self._out.print(line, highlight=False, markup=False)


#: Where each stage begins and ends on the bar: shares of the wall time of a typical build (measured on a mug).
_SHARES: dict[str, tuple[float, float]] = {
    "ingest": (0.0, 0.04),
    "normalize": (0.04, 0.04),
    "shapes": (0.04, 0.06),
    "materials": (0.06, 0.07),
    "mass": (0.07, 0.07),
    "collision": (0.07, 0.35),
    "semantics": (0.35, 0.35),
    "usd": (0.35, 0.40),
    "validate": (0.40, 0.40),
    "checks": (0.40, 0.50),
    "simready": (0.50, 0.60),
    "certificate": (0.88, 0.99),
    "publish": (0.99, 1.0),
}
#: Where the rollouts stand, which name themselves "drop_and_settle in physx" …
_ROLLOUTS = (0.60, 0.88)


def done_share(stage: str, fraction: float) -> float | None:
    """How much of a build is done, 0..1; None for a stage that is not known."""
    begin, end = _ROLLOUTS if " in " in stage else _SHARES.get(stage, (-1.0, -1.0))
    return begin + min(max(fraction, 0.0), 1.0) * (end - begin) if begin >= 0 else None


def short(source: str, width: int = 40) -> str:
    """A source's name in at most ``width`` characters, elided in the middle."""
    name = source if len(source) <= width else Path(source).name
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[-(width - 1 - head) :]}"


def summary(record: Record) -> list[str]:
    """The lines that tell a person how a source ended."""
    if record["error"] is not None:
        error = record["error"]
        lines = [f"✗ {record['source']}: {error['message']} [{error['code']}]"]
        return lines + ([f"  → {error['hint']}"] if error["hint"] else [])
    mass, checks = record["mass_kg"], record["checks"]
    verdict = f"{checks['failed']} checks FAILED" if checks["failed"] else f"all {checks['passed']} checks passed"
    if checks["not_checked"]:
        verdict += f", {checks['not_checked']} not checked"
    again = " (already built)" if record.get("resumed") else f" in {record['seconds']:.1f} s"
    lines = [f"{'!' if checks['failed'] else '✓'} {record['source']} → {record['twin']}{again}: {verdict}"]
    if mass is not None:
        spread = f"90 %: {mass['low']:.4g} to {mass['high']:.4g}"
        lines.append(f"  mass {mass['value']:.4g} kg ({spread}), units {record['units']['value']}")
    lines += [
        f"  ⚠ {note['message']} {note['hint']}".rstrip() for note in record["notes"] if note["severity"] == "warning"
    ]
    return [*lines, f"  report: {Path(record['twin']) / 'report.html'}"]


@contextmanager
def chunk_progress(count: int) -> Iterator[ProgressListener]:
    """A bar on a terminal, a line every tenth in a log: how many members of a set have ended.

    Args:
        count: Members in all.
    """
    ended: dict[str, int] = {}
    told = 0

    def line(job: Job, stage: str, fraction: float, message: str) -> None:
        nonlocal told
        ended[job.key] = int(message.partition("/")[0] or 0)
        done = sum(ended.values())
        if done * 10 // max(count, 1) > told:
            told = done * 10 // max(count, 1)
            print(f"{done} of {count} variations", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():
        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("variations"), BarColumn(bar_width=32), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=count)

        def bar(job: Job, stage: str, fraction: float, message: str) -> None:
            ended[job.key] = int(message.partition("/")[0] or 0)
            bars.update(task, completed=sum(ended.values()))

        yield bar


def augment_summary(record: Record) -> list[str]:
    """The lines that tell a person how a set ended."""
    mark = "✗" if record["error"] else ("!" if record["rejected"] else "✓")
    draws = ", ".join(f"{reason} {number}" for reason, number in record["rejected_draws"].items())
    lines = [
        f"{mark} {record['accepted']} of {record['count']} variations → {record['set']} in {record['seconds']:.1f} s",
        f"  draws rejected: {draws or 'none'}; given up: {record['rejected']}",
        f"  open {record['scene']} or a layer below variations/; what each holds: {record['manifest']}",
    ]
    lines += [f"  note: {note}" for note in record["notes"]]
    if record["error"]:
        error = record["error"]
        lines += [f"  {error['message']} [{error['code']}]", f"  → {error['hint']}"]
    return lines
