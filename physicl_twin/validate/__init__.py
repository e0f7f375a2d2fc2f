"""Checks, rollouts and the certificate: is this twin physically possible, complete, and does it behave?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin import rooms
from physicl_twin.model import Certificate, Progress, Twin, silent

if TYPE_CHECKING:
    from physicl_twin.validate.certificate import Verification

#: Engines that a validation uses when nobody says otherwise.
ENGINES = ("physx", "mujoco")


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
    """Check a twin or a USD file, and run it in physics engines. Writes nothing.

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
        The certificate; ``certificate.passed`` is the verdict.

    Raises:
        ValidationError: When there is nothing to validate, or a rollout or an engine is not known.
    """
    from physicl_twin.validate import run

    return run.validate(
        Path(target),
        engines=tuple(engines),
        rollouts=None if rollouts is None else tuple(rollouts),
        profile=profile,
        settings=settings,
        fast=fast,
        seed=seed,
        progress=progress,
    )


def write_certificate(
    certificate: Certificate,
    twin_dir: Path | str,
    *,
    settings: dict[str, Any] | None = None,
    twin: Twin | None = None,
) -> Path:
    """Write certificate.json and report.html into a twin's folder, each atomically; returns the report's path.

    Args:
        certificate: What was checked and run.
        twin_dir: The twin's folder.
        settings: Of the pipeline; the shipped ones by default.
        twin: As normalize returned it, for pictures of the collision geometry that was rejected (it is not stored).

    Raises:
        OutputError: ``output_unwritable``.
    """
    from physicl_twin.validate import run

    return run.write_certificate(certificate, Path(twin_dir), settings, twin)


def verify(twin_dir: Path | str) -> Verification:
    """Which files of a twin changed, went or came since its certificate was made.

    Raises:
        ValidationError: When there is no certificate that can be read.
    """
    from physicl_twin.validate import certificate

    return certificate.verify(Path(twin_dir))


rooms.make_callable(__name__)
