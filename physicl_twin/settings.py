"""Where the package and its defaults lie, for this process and its children, and how a user's file overlays them."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from physicl_twin.model.errors import ConfigError

PACKAGE_ROOT = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """Path of a shipped file such as ``shipped("config", "materials.toml")``.

    In a checkout and in Kit the folders ``config`` and ``data`` stand beside the package; in a wheel, inside it.
    """
    beside = PACKAGE_ROOT.parent.joinpath(*parts)
    return beside if beside.exists() else PACKAGE_ROOT.joinpath("_shipped", *parts)


def worker_python() -> str:
    """The Python that runs child processes: ``PHYSICL_WORKER_PYTHON``, the checkout's own ``.venv``, or this one.

    Inside Isaac Sim the host Python is Kit's; the heavy readers live in the project's environment beside the package.
    """
    if stated := os.environ.get("PHYSICL_WORKER_PYTHON"):
        return stated
    if "kit" in Path(sys.executable).name.lower():
        for candidate in (".venv/bin/python", ".venv/Scripts/python.exe"):
            own = PACKAGE_ROOT.parent / candidate
            if own.exists():
                return str(own)
    return sys.executable


def child_environment() -> dict[str, str]:
    """This process's environment, with the package importable in a child."""
    paths = [str(PACKAGE_ROOT.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: ``config_unreadable`` with line and column when it is missing or malformed.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            "config_unreadable", f"{path.name}: {error}.", "Fix the file or start from config/pipeline.toml."
        ) from error


def overlay(base: dict[str, Any], user: dict[str, Any], where: str = "") -> dict[str, Any]:
    """``base`` with the values of ``user`` on top, table by table.

    Raises:
        ConfigError: ``config_unknown_key`` for a key that the base lacks, ``config_wrong_type`` for another type.
    """
    result = dict(base)
    for key, value in user.items():
        name = f"{where}{key}"
        if key not in base:
            known = ", ".join(sorted(base))
            raise ConfigError("config_unknown_key", f"There is no setting {name!r}.", f"Settings here: {known}.")
        default = base[key]
        if isinstance(default, dict) and isinstance(value, dict):
            result[key] = overlay(default, value, f"{name}.")
        elif isinstance(default, bool) is not isinstance(value, bool) or not isinstance(
            value, (int, float) if isinstance(default, (int, float)) else type(default)
        ):
            raise ConfigError(
                "config_wrong_type", f"{name!r} is {value!r}.", f"It must be like the default, {default!r}."
            )
        else:
            result[key] = value
    return result


def pipeline(user_file: Path | None = None) -> dict[str, Any]:
    """The settings of the pipeline: ``config/pipeline.toml`` with the user's file on top."""
    base = read_toml(shipped("config", "pipeline.toml"))
    return overlay(base, read_toml(user_file)) if user_file else base
