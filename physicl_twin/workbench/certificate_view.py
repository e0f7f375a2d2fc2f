"""A certificate as the panel shows it: headline cards, checks by outcome, rollouts with measures and curves."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.model import Certificate, CheckResult, RolloutResult, Series, Status
from physicl_twin.page import numbers
from physicl_twin.page.style import ENGINES, WORDS
from physicl_twin.workbench.cards import Card, Line, Tone, in_panel_words
from physicl_twin.workbench.texts import count

TONES: dict[Status, Tone] = {"passed": "good", "failed": "stop", "not_checked": "muted"}
#: Measures that a rollout's row lists before it says how many more there are.
_KEY_MEASURES = 6
#: What a curve must not pass, by the first words of its name: the floor is at a height of zero.
_LIMITS = {"height of the lowest point": 0.0}


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """Checks of one outcome.

    Attributes:
        key: ``failed``, ``not_checked`` or ``passed``.
        title: Heading, with how many there are.
        tone: Of its icon.
        word: Beside the icon.
        opened: False for a group that shows its heading alone.
        lines: The checks; empty while it is folded.
        count: How many there are.
    """

    key: Status
    title: str
    tone: Tone
    word: str
    opened: bool
    lines: tuple[Line, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A curve, ready for a line plot.

    Attributes:
        title: What is drawn.
        unit: Of ``ys``; empty for a ratio.
        xs: Seconds, ascending.
        ys: Values, finite.
        limit: A value that matters, drawn as a line; None for none.
    """

    title: str
    unit: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """One physics run.

    Attributes:
        key: ``name/engine``, unique.
        title: What it does.
        engine: As people write it.
        tone: Of its icon.
        word: Verdict.
        message: What happened, with numbers.
        question: What it asks.
        criterion: When it passes.
        measures: Its numbers, the important ones first.
        charts: Its curves.
        seconds: Wall time.
    """

    key: str
    title: str
    engine: str
    tone: Tone
    word: str
    message: str
    question: str
    criterion: str
    measures: tuple[Line, ...]
    charts: tuple[Chart, ...]
    seconds: float


def certificate_cards(certificate: Certificate | None, stale: str) -> tuple[Card, ...]:
    """Verdict, failed, not checked, passed, engines, SimReady profile.

    Args:
        certificate: Of the twin in view; None when there is none.
        stale: Why it speaks of something else than what is in view; empty when it does not.
    """
    if certificate is None:
        return (Card("verdict", "not checked", "there is no certificate", "look"),)
    failed, unchecked = certificate.count("failed"), certificate.count("not_checked")
    theirs = [check for check in certificate.checks if check.id.startswith("simready.")]
    return (
        _verdict(certificate, stale),
        Card("failed", str(failed), _failures(certificate), "stop" if failed else "plain"),
        Card("not checked", str(unchecked), "each says why" if unchecked else "", "plain"),
        Card("passed", str(certificate.count("passed")), count(len(certificate.rollouts), "rollout"), "plain"),
        _engines(certificate),
        _profile(certificate, theirs),
    )


def _verdict(certificate: Certificate, stale: str) -> Card:
    when = certificate.created_utc.replace("T", " ").removesuffix("Z")[:16]
    if stale:
        return Card("verdict", "check again", stale, "look")
    if certificate.passed:
        return Card("verdict", "passed", f"version {certificate.twin_version}, {when} UTC", "good")
    word = "failed" if certificate.count("failed") else "not checked"
    return Card("verdict", word, f"version {certificate.twin_version}, {when} UTC", "stop")


def _failures(certificate: Certificate) -> str:
    ids = [check.id for check in certificate.checks if check.status == "failed"]
    ids += [run.name.replace("_", " ") for run in certificate.rollouts if run.status == "failed"]
    return ids[0] + (f" and {len(ids) - 1} more" if len(ids) > 1 else "") if ids else "nothing failed"


def _engines(certificate: Certificate) -> Card:
    names = tuple(dict.fromkeys(run.engine for run in certificate.rollouts))
    if not names:
        return Card("engines", "none", "nothing says how it moves", "look")
    failed = [run for run in certificate.rollouts if run.status == "failed"]
    shown = " · ".join(engine_name(name) for name in names)
    runs = count(len(certificate.rollouts), "rollout")
    told = "\n".join(f"{engine_name(run.engine)}: {run.name.replace('_', ' ')}" for run in certificate.rollouts)
    return Card(
        "engines", shown, f"{len(failed)} of {runs} failed" if failed else runs, "stop" if failed else "good", told
    )


def _profile(certificate: Certificate, theirs: list[CheckResult]) -> Card:
    name, _, version = certificate.profile.partition(" ")
    if not theirs:
        return Card("SimReady", name or "none", "NVIDIA's validator did not run", "look")
    bad = sum(check.status == "failed" for check in theirs)
    good = sum(check.status == "passed" for check in theirs)
    caption = f"{version} · {good} of {len(theirs)} passed".removeprefix(" · ")
    return Card("SimReady", name, caption, "stop" if bad else "good" if good else "look", certificate.profile)


def check_groups(certificate: Certificate | None, folded: frozenset[str]) -> tuple[CheckGroup, ...]:
    """Failed checks first, then those that could not be made, then those that passed.

    Args:
        certificate: Of the twin in view.
        folded: Keys of the groups that show their heading alone.
    """
    if certificate is None:
        return ()
    groups = []
    headings: tuple[tuple[Status, str], ...] = (
        ("failed", "failed"),
        ("not_checked", "could not be checked"),
        ("passed", "passed"),
    )
    for status, heading in headings:
        found = [check for check in certificate.checks if check.status == status]
        if found:
            opened = status not in folded
            lines = tuple(_check(check) for check in found) if opened else ()
            title = f"{count(len(found), 'check')} {heading}"
            groups.append(CheckGroup(status, title, TONES[status], WORDS[status], opened, lines, len(found)))
    return tuple(groups)


def _check(check: CheckResult) -> Line:
    about = f"{check.target}: " if check.target else ""
    hint = in_panel_words(check.hint) if check.status != "passed" else ""
    detail = " ".join(part for part in (f"{about}{check.message}".strip(), hint) if part)
    tooltip = "\n".join(part for part in (check.id, check.title, check.message, hint) if part)
    return Line(check.title, detail, TONES[check.status], WORDS[check.status], tooltip)


def rollout_rows(certificate: Certificate | None) -> tuple[RolloutRow, ...]:
    """The rollouts, those that failed first."""
    if certificate is None:
        return ()
    order: tuple[Status, ...] = ("failed", "not_checked", "passed")
    runs = sorted(certificate.rollouts, key=lambda run: order.index(run.status))
    return tuple(rollout_row(run, engine_name(run.engine), run.engine) for run in runs)


def rollout_row(run: RolloutResult, engine: str, where: str) -> RolloutRow:
    """One rollout.

    Args:
        run: What happened.
        engine: Where, for people.
        where: The same for the key.
    """
    return RolloutRow(
        f"{run.name}/{where}",
        run.name.replace("_", " "),
        engine,
        TONES[run.status],
        WORDS[run.status],
        run.message,
        run.question,
        run.criterion,
        _measures(run),
        tuple(chart for series in run.series if (chart := _chart(series)).xs),
        run.seconds,
    )


def _measures(run: RolloutResult) -> tuple[Line, ...]:
    lines = [
        Line(one.name.replace("_", " "), numbers.quantity(one.value, one.unit, 3))
        for one in run.measures[:_KEY_MEASURES]
    ]
    if len(run.measures) > _KEY_MEASURES:
        rest = run.measures[_KEY_MEASURES:]
        told = "\n".join(f"{one.name.replace('_', ' ')}: {numbers.quantity(one.value, one.unit, 3)}" for one in rest)
        lines.append(Line(f"and {len(rest)} more", "", "muted", "", told))
    return tuple(lines)


def _chart(series: Series) -> Chart:
    """Lengths in the unit that suits the largest of them; points that are not finite are left out."""
    points = [
        (x, y) for x, y in zip(series.time_s, series.values, strict=True) if math.isfinite(x) and math.isfinite(y)
    ]
    largest = max((abs(y) for _, y in points), default=0.0)
    printed = "" if series.unit == "1" else series.unit
    scale = numbers.scale_for(largest, series.unit) if series.unit == "m" else numbers.Scale(1.0, printed)
    limit = next((value for words, value in _LIMITS.items() if series.name.startswith(words)), None)
    return Chart(
        series.name.replace("_", " "),
        scale.unit,
        tuple(x for x, _ in points),
        tuple(y * scale.factor for _, y in points),
        limit,
    )


def engine_name(engine: str) -> str:
    """As people write it."""
    return ENGINES.get(engine, engine)
