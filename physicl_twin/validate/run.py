"""One validation from beginning to end: checks, NVIDIA's validator, rollouts, certificate."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin import settings as shipped_settings
from physicl_twin.model import (
    Certificate,
    CheckResult,
    EngineError,
    PhysiclError,
    Progress,
    RolloutResult,
    ToolVersion,
    Twin,
    ValidationError,
    silent,
)
from physicl_twin.validate import certificate as record
from physicl_twin.validate import checks, simready
from physicl_twin.validate.apart import apart
from physicl_twin.validate.subject import NotChecked, Subject, locate

if TYPE_CHECKING:
    from physicl_twin.engines import Engine
    from physicl_twin.validate.rollouts import RolloutSettings

#: Engines that a validation uses when nobody says otherwise.
ENGINES = ("physx", "mujoco")
#: Those that may take the process with them when joints move.
_CRASHING = ("physx",)


def validate(
    target: Path | str,
    *,
    engines: Sequence[str] = ENGINES,
    rollouts: Sequence[str] | None = None,
    profile: str = "",
    settings: dict[str, Any] | None = None,
    fast: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Certificate:
    """Check a twin or a USD file, and run it in physics engines.

    Args:
        target: Twin folder or USD file.
        engines: Names of the engines that roll it out; () for none.
        rollouts: Names of rollouts; None for all, () for none.
        profile: SimReady profile, with or without a version; empty for the one that the asset was written for.
        settings: The pipeline settings; None for the shipped ones.
        fast: Roll out in the first engine only (the static checks are never shortened).
        seed: Of the sampling that measures geometry.
        progress: Told where the validation is.

    Returns:
        The certificate; ``certificate.passed`` is the verdict. Nothing is written.

    Raises:
        ValidationError: When there is nothing to validate, or a rollout or an engine is not known.
    """
    settings = settings if settings is not None else shipped_settings.pipeline()
    twin_dir, usd = locate(Path(target))
    subject = Subject(twin_dir, usd, settings["checks"], seed)
    progress("checks", 0.0)
    results = list(checks.run_all(subject))
    progress("simready", 0.0)
    nvidia, profile_label = simready.check(usd, profile, twin_dir)
    results += nvidia
    runs, engine_tools = _roll_out(subject, engines[:1] if fast else engines, rollouts, settings, results, progress)
    progress("certificate", 0.0)
    files = record.hash_files(twin_dir) if twin_dir is not None else record.hash_files_of(usd)
    return Certificate(
        twin=subject.twin.name if subject.has_twin else usd.stem,
        twin_version=subject.twin.version if subject.has_twin else 1,
        created_utc=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        profile=profile_label,
        files=files,
        checks=tuple(results),
        rollouts=runs,
        tools=record.tool_versions() + simready.tool_versions() + engine_tools,
    )


def _roll_out(
    subject: Subject,
    engines: Sequence[str],
    names: Sequence[str] | None,
    settings: dict[str, Any],
    results: list[CheckResult],
    progress: Progress,
) -> tuple[tuple[RolloutResult, ...], tuple[ToolVersion, ...]]:
    """Run every rollout in every engine; the engines' own mass properties are compared on the way, into ``results``."""
    if not engines or (names is not None and not names):
        return (), ()
    from physicl_twin.engines import EngineSettings, registry
    from physicl_twin.validate import rollouts

    known = tuple(rollouts.ROLLOUTS)
    chosen = known if names is None else tuple(names)
    for kind, given, listed in (("rollout", chosen, known), ("engine", tuple(engines), registry.ENGINES)):
        wrong = [name for name in given if name not in listed]
        if wrong:
            raise ValidationError(
                f"{kind}_unknown", f"There is no {kind} {wrong[0]!r}.", f"Known: {', '.join(listed)}."
            )
    bounds = rollouts.RolloutSettings.from_pipeline(settings)
    runs: list[RolloutResult] = []
    tools: list[ToolVersion] = []
    for number, name in enumerate(engines):
        reasons = _reasons(subject.usd, name)
        # What asks nothing of this twin is absent, unless somebody asked for it.
        asked = [rollout for rollout in chosen if not reasons.get(rollout)]
        if names is not None:
            runs += [RolloutResult(r, name, "", "", "not_checked", reasons[r]) for r in chosen if r not in asked]
        try:
            engine = registry.engine(name, EngineSettings.from_pipeline(settings))
        except EngineError as error:
            runs += [RolloutResult(rollout, name, "", "", "not_checked", str(error)) for rollout in asked]
            continue
        tools.append(ToolVersion(name, engine.version))
        results += _read_back(subject, engine, bounds)
        with apart(subject.usd, name, settings) as process:
            risky = name in _CRASHING and rollouts.has_moving_joint(subject.usd)
            for index, rollout in enumerate(asked):
                progress(f"{rollout} in {name}", (number + index / len(asked)) / len(engines))
                found = process.run(rollout) if risky else run_closed(rollout, subject.usd, engine, bounds)
                runs.append(found)
    return tuple(runs), tuple(tools)


def _reasons(usd: Path, engine: str) -> dict[str, str]:
    """Why rollouts ask nothing of a twin; of one that cannot be read they are all asked, and fail with its text."""
    from physicl_twin.validate import rollouts

    try:
        return rollouts.applicable(usd, engine)
    except Exception:  # the rollouts meet the same and say so
        return {}


def run_closed(rollout: str, usd: Path, engine: Engine, bounds: RolloutSettings) -> RolloutResult:
    """One rollout; an engine that refuses or loses the twin is a failed rollout with its text (fail closed)."""
    from physicl_twin.validate import rollouts

    try:
        return rollouts.run(rollout, usd, engine, bounds)
    except PhysiclError as error:
        return RolloutResult(rollout, engine.name, "", "", "failed", str(error))
    except Exception as error:  # A rollout that breaks has shown nothing: that is a failure with its text, not a pass.
        text = f"The rollout itself broke: {type(error).__name__}: {error}"
        return RolloutResult(rollout, engine.name, "", "", "failed", text)


def _read_back(subject: Subject, engine: Engine, bounds: RolloutSettings) -> tuple[CheckResult, ...]:
    """Does the engine simulate the mass properties that twin.json states?"""
    from physicl_twin.validate import rollouts

    id_, title = f"engine.{engine.name}.mass", f"{engine.name} simulates the mass properties that the twin states"
    try:
        return rollouts.compare_mass_properties(subject.twin, subject.usd, engine, bounds.mass_tolerance)
    except NotChecked as reason:
        return (CheckResult(id_, title, "not_checked", str(reason)),)
    except PhysiclError as error:
        return (CheckResult(id_, title, "failed", error.message, hint=error.hint),)
    except Exception as error:  # As above.
        text = f"The comparison itself broke: {type(error).__name__}: {error}"
        return (CheckResult(id_, title, "failed", text, hint="Please report this with the asset."),)


def write_certificate(
    certificate: Certificate, twin_dir: Path, settings: dict[str, Any] | None = None, twin: Twin | None = None
) -> Path:
    """Write certificate.json and report.html; returns the report's path.

    Args:
        certificate: What was checked and run.
        twin_dir: The twin's folder.
        settings: Of the pipeline; the shipped ones by default.
        twin: As normalize returned it, with the collision geometry that was rejected; it is not stored.

    Raises:
        OutputError: ``output_unwritable``.
    """
    from physicl_twin.validate.report import report

    settings = settings if settings is not None else shipped_settings.pipeline()
    record.write(certificate, twin_dir)
    _, usd = locate(twin_dir)
    subject = Subject(twin_dir, usd, {})
    page = report(certificate, twin or (subject.twin if subject.has_twin else None), usd, settings)
    path = twin_dir / record.REPORT_NAME
    record.write_text_atomic(path, page)
    return path
