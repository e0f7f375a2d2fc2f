"""Twins for other tools: one writer a target, and the check that the export still says what the twin says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin import rooms
from physicl_twin import settings as _settings
from physicl_twin.model import Twin

if TYPE_CHECKING:
    from physicl_twin.deploy.record import DeployResult

#: Names that ``deploy`` takes as target.
TARGETS = ("isaac-sim", "omniverse", "mujoco", "urdf")


def deploy(
    source: Path | str | Twin,
    target: str,
    out: Path | str,
    *,
    check: bool = True,
    force: bool = False,
    members: str | None = None,
    settings: dict[str, Any] | None = None,
) -> DeployResult:
    """Write a twin or a set of variations for a target, read it back, and drop it there.

    Args:
        source: Folder of a twin or of a set of variations, or a twin in memory with its geometry.
        target: ``isaac-sim``, ``omniverse``, ``mujoco`` or ``urdf``.
        out: The export becomes ``out/<target>/<name>``; an earlier export there is replaced.
        check: Make the round trip and the drop.
        force: Export also a twin whose certificate says that it failed.
        members: Of a set, which: ``7``, ``0-9``, ``0-9,42``; all by default.
        settings: Settings of the pipeline; the shipped ones by default.

    Returns:
        The export and its record. A comparison that fails does not raise: see ``result.passed``.

    Raises:
        PhysiclError: When it cannot be exported; nothing is written then.
    """
    from physicl_twin.deploy.export import export_twin, require_target
    from physicl_twin.deploy.family import chosen_members, is_family, read_family
    from physicl_twin.deploy.family_export import export_family
    from physicl_twin.deploy.subject import Subject, read_subject

    wanted = require_target(target)
    in_force = settings if settings is not None else _settings.pipeline()
    if not isinstance(source, Twin) and is_family(Path(source)):
        family = read_family(Path(source))
        chosen = chosen_members(family.shared, members)
        return export_family(family, wanted, Path(out), in_force, members=chosen, check=check, force=force)
    subject = Subject(source, None, None) if isinstance(source, Twin) else read_subject(Path(source))
    return export_twin(subject, wanted, Path(out), in_force, check=check, force=force)


rooms.make_callable(__name__)
