"""What the writer and the checker of every target are handed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.deploy.record import Comparison, DropAgreement, Target, Written
from physicl_twin.deploy.subject import Subject
from physicl_twin.usd.layout import Layout


@dataclass(frozen=True, slots=True)
class Job:
    """One export of one twin.

    Attributes:
        subject: The twin, its folder and its certificate.
        layout: Names of everything in it.
        folder: To write in.
        settings: The pipeline's.
    """

    subject: Subject
    layout: Layout
    folder: Path
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TargetWriter:
    """A target.

    Attributes:
        name: Of the target.
        write: Writes the export.
        compare: Reads it again and compares.
        drop: Drops it in the target engine.
    """

    name: Target
    write: Callable[[Job], Written]
    compare: Callable[[Job, Written], tuple[Comparison, ...]]
    drop: Callable[[Job, Written], DropAgreement]
