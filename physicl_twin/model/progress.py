"""How a long job says where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called by the stages as they go; raising from it cancels the job."""

    def __call__(self, stage: str, fraction: float, message: str = "") -> None:
        """Report ``fraction`` (0..1) of ``stage``."""


def silent(stage: str, fraction: float, message: str = "") -> None:
    """The progress of somebody who does not listen."""
