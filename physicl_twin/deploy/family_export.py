"""One set of variations, one target."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from physicl_twin.deploy.export import TOOL, export_files, finish
from physicl_twin.deploy.family import Family
from physicl_twin.deploy.notice import notice
from physicl_twin.deploy.record import NOTICE_NAME, Comparison, DeployRecord, DeployResult, Target
from physicl_twin.deploy.staging import staged
from physicl_twin.deploy.subject import gate
from physicl_twin.model import Note, Twin, UsdError, ValidationError


@dataclass(frozen=True, slots=True)
class FamilyWritten:
    """What was written of a set, and how it is checked.

    Attributes:
        main: The file to open.
        losses: What the format cannot hold.
        notes: What was written where.
        check: Makes the round trip.
    """

    main: str
    losses: tuple[Note, ...]
    notes: tuple[str, ...]
    check: Callable[[], tuple[Comparison, ...]]


def export_family(
    family: Family,
    target: Target,
    out: Path,
    settings: dict[str, Any],
    *,
    members: tuple[int, ...],
    check: bool,
    force: bool,
) -> DeployResult:
    """Write ``out/<target>/<set name>``; see ``deploy``."""
    if not members:
        raise ValidationError(
            "set_without_members",
            f"{family.shared.name} has no accepted variation to deploy.",
            "See rejected_draws in its manifest.json, and widen the spec.",
        )
    warnings: list[Note] = []
    for subject in family.subjects.values():
        warnings += gate(subject, force=force)
    final = out / target / family.shared.name
    with staged(final) as folder:
        written = _write(family, target, folder, settings, members, check=check)
        twins: list[Twin] = [subject.twin for subject in family.subjects.values()]
        record = DeployRecord(
            twin=family.shared.name,
            twin_version=0,
            target=target,
            main=written.main,
            licence=" AND ".join(dict.fromkeys(twin.licence or "NOASSERTION" for twin in twins)),
            forced=any(subject.failed for subject in family.subjects.values()),
            checked=check,
            losses=tuple(dict.fromkeys(written.losses)),
            warnings=tuple(warnings),
            notes=written.notes,
            comparisons=written.check() if check else (),
            drop=None,
            tool=TOOL,
        )
        (folder / NOTICE_NAME).write_text(notice(record, twins), encoding="utf-8")
        record = finish(folder, record)
    return DeployResult(final, final / record.main, record)


def _write(
    family: Family, target: Target, folder: Path, settings: dict[str, Any], members: tuple[int, ...], *, check: bool
) -> FamilyWritten:
    if target == "mujoco":
        from physicl_twin.deploy.family_mujoco import write_family

        return write_family(family, folder, settings, members)
    if target == "isaac-sim":
        return _copy_set(family, folder, members)
    return _twins_only(family, target, folder, settings, check=check)


def _copy_set(family: Family, folder: Path, members: tuple[int, ...]) -> FamilyWritten:
    """The set as it is: its layers refer to each other by relative paths already.

    Raises:
        UsdError: ``set_not_on_disk`` for a set in memory.
    """
    if family.folder is None:
        raise UsdError("set_not_on_disk", "A set in memory has no USD to copy.", "Give the folder that augment made.")
    from physicl_twin.usd.variation_set import member_path

    left_out = {family.folder / member_path(index) for index in set(family.shared.members) - set(members)}
    for path in sorted(family.folder.rglob("*")):
        scratch = path.relative_to(family.folder).parts[0].startswith(".")
        if path.is_file() and not path.is_symlink() and not scratch and path not in left_out:
            copy = folder / path.relative_to(family.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    opened = [member_path(index) for index in sample(members)]

    def check() -> tuple[Comparison, ...]:
        from physicl_twin.deploy.read_usd import open_quietly

        found = []
        for name in opened:
            _, problems = open_quietly(folder / name)
            found.append(Comparison("opens", name, "warnings", (0.0,), (float(len(problems)),), 0.0, 0.0, not problems))
        return tuple(found)

    notes = (
        f"{len(members)} variations; open one of variations/, each is a layer over scene.usda.",
        "manifest.json and manifest.parquet are those of the whole set.",
    )
    return FamilyWritten("scene.usda", (), notes, check)


def _twins_only(
    family: Family, target: Target, folder: Path, settings: dict[str, Any], *, check: bool
) -> FamilyWritten:
    """Formats without scenes: each twin once."""
    comparisons: list[Comparison] = []
    losses = [Note("no_scenes", "warning", f"{target} holds single objects: the set's twins were exported, once each.")]
    main = ""
    for name, subject in sorted(family.subjects.items()):
        place = folder / name
        place.mkdir()
        record = export_files(subject, target, place, settings, check=check)
        comparisons += [replace(c, subject=f"{name}: {c.subject}") for c in record.comparisons]
        losses += record.losses
        main = main or f"{name}/{record.main}"
    notes = ("Poses, masses, surfaces and looks of the variations stand in the set's manifest.parquet only.",)
    return FamilyWritten(main, tuple(losses), notes, lambda: tuple(comparisons))


def sample(members: tuple[int, ...]) -> tuple[int, ...]:
    """First, middle and last: what a round trip looks at."""
    if not members:
        return ()
    return tuple(dict.fromkeys((members[0], members[len(members) // 2], members[-1])))
