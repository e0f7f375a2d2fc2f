"""The extension's settings (``[settings]`` of extension.toml) as one object; the keys are the names of the fields."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from physicl_twin.model.errors import ConfigError

#: Where Kit keeps them. What a person chose in the panel is persistent: it outlives the session.
SETTINGS = "/exts/physicl_twin/"
PERSISTENT = "/persistent/exts/physicl_twin/"

ImportFormats = Literal["missing", "all", "none"]


@dataclasses.dataclass(frozen=True, slots=True)
class KitSettings:
    """What the extension can be told.

    Attributes:
        seed: Random seed where a node or the panel states none.
        jobs: Worker processes of a batch.
        worker_python: Python that runs the workers; empty for the extension's own environment.
        import_formats: Formats offered in File > Import: ``missing`` (those that Kit cannot import by itself), ``all``,
            ``none``.
        open_panel: Show the panel when the extension starts.
        output_folder: Where twins, sets and exports go.
    """

    seed: int = 0
    jobs: int = 1
    worker_python: str = ""
    import_formats: ImportFormats = "missing"
    open_panel: bool = False
    output_folder: str = ""


#: Fields that stand below PERSISTENT.
PERSISTENT_FIELDS = frozenset({"open_panel", "output_folder"})


def paths() -> Iterator[tuple[str, str]]:
    """(Field, path in Kit's settings) of each."""
    for field in dataclasses.fields(KitSettings):
        yield field.name, (PERSISTENT if field.name in PERSISTENT_FIELDS else SETTINGS) + field.name


def read(get: Callable[[str], Any], resolve: Callable[[str], str]) -> KitSettings:
    """The settings in force.

    Args:
        get: Value of a path, None where there is none (``carb.settings``).
        resolve: Replaces tokens such as ``${omni_documents}`` (``carb.tokens``).

    Raises:
        ConfigError: ``setting_invalid`` when a value is of another type or out of range.
    """
    defaults = KitSettings()
    values: dict[str, Any] = {}
    for name, path in paths():
        value, default = get(path), getattr(defaults, name)
        if value is None:
            continue
        if type(value) is not type(default):
            raise _invalid(path, value, f"a {type(default).__name__}")
        values[name] = resolve(value) if name in ("output_folder", "worker_python") else value
    found = KitSettings(**values)
    if found.jobs < 1:
        raise _invalid(SETTINGS + "jobs", found.jobs, "1 or more")
    if found.import_formats not in ("missing", "all", "none"):
        raise _invalid(SETTINGS + "import_formats", found.import_formats, "missing, all or none")
    return found


def _invalid(path: str, value: object, wanted: str) -> ConfigError:
    return ConfigError("setting_invalid", f"The setting {path} is {value!r}.", f"It must be {wanted}.")


def current() -> KitSettings:
    """The settings of the running Kit.

    Raises:
        ConfigError: ``setting_invalid``.
    """
    import carb.settings
    import carb.tokens

    return read(carb.settings.get_settings().get, carb.tokens.get_tokens_interface().resolve)


class WorkerPython:
    """Tells the workers' pool which Python to start, for as long as the extension is enabled.

    Args:
        stated: Path from the settings, or empty.
        extension: Folder of the extension. Its own environment is preferred: Isaac Sim's Python lacks the readers.
    """

    _VARIABLE = "PHYSICL_WORKER_PYTHON"

    def __init__(self, stated: str, extension: Path) -> None:
        self._before = os.environ.get(self._VARIABLE)
        chosen = stated or self._before or next((str(own) for own in _own_pythons(extension) if own.exists()), "")
        if chosen:
            os.environ[self._VARIABLE] = chosen

    def release(self) -> None:
        """Put the environment back."""
        if self._before is None:
            os.environ.pop(self._VARIABLE, None)
        else:
            os.environ[self._VARIABLE] = self._before


def _own_pythons(extension: Path) -> tuple[Path, ...]:
    return extension / ".venv" / "bin" / "python", extension / ".venv" / "Scripts" / "python.exe"
