"""What a worker may take before it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one job.

    Attributes:
        timeout_s: Wall time.
        memory_bytes: Resident memory of the worker and its children together.
    """

    timeout_s: float = 900.0
    memory_bytes: int = 8_000_000_000

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Limits:
        """Limits of the ``[jobs]`` table of the pipeline settings."""
        return cls(timeout_s=float(settings["timeout_s"]), memory_bytes=int(settings["memory_gb"] * 1e9))
