"""From a file of any kind to a Twin with geometry and hints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from physicl_twin.ingest.raw import ReadOptions as ReadOptions
from physicl_twin.model import Progress, silent

if TYPE_CHECKING:
    from physicl_twin.ingest.discovery import Discovered as Discovered
    from physicl_twin.ingest.ingest_settings import IngestSettings
    from physicl_twin.model import Twin

__all__ = ["Discovered", "ReadOptions", "discover", "file_safe_name", "read", "suggested_name"]


def read(
    path: Path,
    options: ReadOptions | None = None,
    progress: Progress = silent,
    settings: IngestSettings | None = None,
) -> Twin:
    """Read one source file into a Twin: metres, Z up, with the file's hints and the evidence of every decision.

    Args:
        path: The main file; folders and archives go through ``discover`` first.
        options: What the user states.
        progress: Told of stage ``ingest``.
        settings: Those of ingest and its readers; the shipped ones by default.

    Raises:
        SourceError: With a code that says what is wrong with the file.
        ConfigError: For a unit or axis that does not exist.
    """
    from physicl_twin.ingest.reading import read_twin

    return read_twin(Path(path), options or ReadOptions(), progress, settings)


def discover(path: Path, workspace: Path, settings: IngestSettings | None = None) -> tuple[Discovered, ...]:
    """The sources in a file, a folder or an archive, and every other file with the reason why it is none.

    Args:
        path: File, folder or zip.
        workspace: An existing folder that archives are unpacked into.
        settings: Limits; the shipped ones by default.

    Raises:
        SourceError: ``file_not_found``, ``archive_bomb`` …
    """
    from physicl_twin.ingest.discovery import discover_sources

    return discover_sources(Path(path), Path(workspace), settings)


def suggested_name(path: Path) -> str:
    """What a file is called after: its stem, or its folder where the stem (``mesh``, ``model``) names nothing."""
    from physicl_twin.ingest.ingest_settings import shipped_settings
    from physicl_twin.ingest.naming import subject

    return subject(Path(path), shipped_settings().generic_words)


def file_safe_name(name: str) -> str:
    """The identifier ``[A-Za-z_][A-Za-z0-9_]*`` of a name, at most 64 characters."""
    from physicl_twin.ingest.naming import identifier

    return identifier(name)
