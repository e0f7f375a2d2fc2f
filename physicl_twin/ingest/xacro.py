"""xacro: macros of a robot description, expanded in a process of their own and read as URDF."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import DescriptionSettings
from physicl_twin.ingest.description_xml import Element, parse, quoted
from physicl_twin.ingest.guards import check_file, source_of
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.urdf import robot_scene
from physicl_twin.model import Progress, SourceError, silent
from physicl_twin.settings import child_environment, worker_python

_COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
_CORRECT = "Correct the file; arguments need a default (xacro:arg default)."


def read_xacro(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a xacro file with everything that it includes.

    ``$(find package)`` finds packages as ``package://`` does: folders above the file, or beside one of those.

    Args:
        path: The file.
        options: Limits, licence.
        progress: Told how far it is.
        settings: Those of ingest; the shipped ones by default.

    Raises:
        SourceError: ``reader_not_installed``, ``xacro_failed`` and ``file_damaged`` with file and line,
            ``xacro_refused``, ``xacro_time_limit``, ``reference_escapes``, ``xml_entities_refused``, and those of
            ``read_urdf``.
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    if importlib.util.find_spec("xacro") is None:
        raise SourceError("reader_not_installed", "xacro files need the package xacro.", "./physicl.sh install robots")
    builder = SceneBuilder(path, "xacro", options, settings)
    progress("ingest", 0.0, f"expanding {path.name}")
    resolver = Resolver(builder)
    answer = _expanded(path, resolver, DescriptionSettings.from_table(settings.readers["descriptions"]), builder)
    for file in answer["files"][1:]:
        included = Path(file).resolve()
        builder.add_sources(included, (source_of(included, "reference", format_id="xacro"),))
    if answer["missing"]:
        message = f"Packages that the macros ask for are not there: {quoted(answer['missing'])}."
        builder.note("package_missing", "warning", message, "Put them beside the description's own package.")
    root = parse(answer["text"].encode("utf-8"), path.name, lines=False)
    _as_references(root, answer["packages"], resolver)
    return robot_scene(root, builder, progress)


def _expanded(path: Path, resolver: Resolver, own: DescriptionSettings, builder: SceneBuilder) -> dict[str, Any]:
    """Text and files from the child process."""
    request = {
        "source": str(resolver.folder / path.name),
        "area": str(resolver.area),
        "above": [str(folder) for folder in resolver.above],
        "memory_mb": own.xacro_memory_mb,
        "time_limit_s": own.xacro_time_limit_s,
        "max_bytes": own.xacro_max_bytes,
    }
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
    try:
        child = subprocess.run(
            [worker_python(), "-P", "-m", "physicl_twin.ingest.xacro_worker"],
            input=json.dumps(request).encode(), capture_output=True, timeout=own.xacro_time_limit_s, check=False,
            env={**kept, "PYTHONPATH": child_environment()["PYTHONPATH"], "PYTHONUTF8": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            "xacro_time_limit", f"{path.name} could not be expanded within {own.xacro_time_limit_s:g} s.",
            "Look for macros that call themselves, or raise [descriptions] xacro_time_limit_s.",
        ) from error  # fmt: skip
    try:
        answer: dict[str, Any] = json.loads(child.stdout)
    except ValueError as error:
        raise SourceError(
            "xacro_failed", f"{path.name} could not be expanded (status {child.returncode}).",
            "It probably needs more than [descriptions] xacro_memory_mb or xacro_time_limit_s.",
        ) from error  # fmt: skip
    if "code" in answer:
        told = " ".join(str(answer["message"]).split())[:300]
        for folder in (resolver.area, *resolver.above):
            told = told.replace(f"{folder}{os.sep}", "")
        raise SourceError(answer["code"], f"{answer['place']}: {told.rstrip('.')}.", answer.get("hint", _CORRECT))
    said = _COLOUR_CODES.sub("", child.stderr.decode("utf-8", "replace")).split("\n")
    warnings = [line.removeprefix("warning:").strip() for line in said if line.startswith("warning:")]
    if warnings:
        builder.note("xacro_warnings", "info", f"xacro warns: {'; '.join(dict.fromkeys(warnings))[:400]}")
    return answer


def _as_references(root: Element, packages: dict[str, str], resolver: Resolver) -> None:
    """Turn folders of this machine, which macros put in, back into references of the description."""
    places = [(folder, f"package://{name}") for name, folder in packages.items()]
    places = sorted(places, key=lambda place: -len(place[0]))
    here = f"{resolver.folder}{os.sep}"
    for element in root.walk():
        for name, value in element.attributes.items():
            bare = value.removeprefix("file://")
            for folder, reference in places:
                if bare == folder or bare.startswith(f"{folder}/"):
                    element.attributes[name] = reference + bare[len(folder) :]
                    break
            else:
                if bare.startswith(here):
                    element.attributes[name] = bare[len(here) :]
