"""The Python API: the verbs of the command line as functions."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from physicl_twin.model import Certificate, Estimate, PhysiclError, Twin, dumps, loads_twin
from physicl_twin.model.errors import SourceError

if TYPE_CHECKING:
    from physicl_twin.deploy.record import DeployResult
    from physicl_twin.jobs.pool import ProgressListener

StrPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A finished build.

    Attributes:
        twin: The twin, with its geometry.
        path: Its folder.
        usd: Its interface USD layer.
        certificate: What was checked and run.
    """

    twin: Twin
    path: Path
    usd: Path
    certificate: Certificate


def build(
    source: StrPath,
    out: StrPath = "twins",
    *,
    name: str | None = None,
    units: str | None = None,
    up: str | None = None,
    materials: Mapping[str, str] | None = None,
    mass: Estimate | str | float | None = None,
    licence: str = "",
    thickness_m: float | None = None,
    part_labels: StrPath | None = None,
    states: Sequence[StrPath] = (),
    motion: StrPath | None = None,
    config: StrPath | None = None,
    seed: int = 0,
    fast: bool = False,
    precise: bool = False,
    on_progress: ProgressListener | None = None,
) -> BuildResult:
    """Build the twin of one source in a worker process.

    Args:
        source: File to read.
        out: Folder of twins; the twin becomes ``out/<name>``.
        name: Name of the twin; derived from the file by default.
        units: Length unit of the file (``m``, ``cm``, ``mm``, ``in``); inferred by default.
        up: Up axis of the file (``z`` or ``y``); inferred by default.
        materials: Part name (or glob, or ``*``) to material.
        mass: Total mass: an Estimate in kg, text such as ``"0.60±0.02 kg"``, or a number of kilograms.
        licence: SPDX expression of the source.
        thickness_m: Thickness of a flat profile (DXF), metres.
        part_labels: Labelled point cloud or mesh: one part a label, named as the label.
        states: Files of the same thing with its parts moved (a door open): they show its joints.
        motion: Tracked poses of its parts (CSV, JSON, NPZ, Parquet): likewise.
        config: Configuration file on top of the shipped ``config/pipeline.toml``.
        seed: Random seed.
        fast: Leave out the slow collision methods and rollout repetitions.
        precise: Nearer collision geometry, of more pieces, in more time.
        on_progress: Told of (job, stage, fraction, message).

    Returns:
        The twin, its folder, its USD and its certificate. A failed check does not raise: see ``certificate.passed``.

    Raises:
        PhysiclError: When the source cannot be built; nothing is written then.
    """
    from physicl_twin.ingest.raw import ReadOptions
    from physicl_twin.jobs import batch
    from physicl_twin.jobs.request import BuildOptions

    options = BuildOptions(
        read=ReadOptions(
            units=units,
            up_axis=up,
            name=name,
            licence=licence,
            thickness_m=thickness_m,
            part_labels=str(Path(part_labels).resolve()) if part_labels is not None else "",
        ),
        materials=tuple((materials or {}).items()),
        mass=_mass_estimate(mass),
        config=Path(config) if config is not None else None,
        seed=seed,
        fast=fast,
        precise=precise,
        states=tuple(Path(state) for state in states),
        motion=Path(motion) if motion is not None else None,
    )
    records = list(batch.build([source], Path(out), options, on_progress=on_progress))
    if len(records) != 1:
        raise SourceError(
            "several_sources",
            f"{Path(source).name} holds {len(records)} sources.",
            "Call build for each file, or use build_many.",
        )
    record = records[0]
    if record["error"] is not None:
        raise PhysiclError(**record["error"])
    folder = Path(record["twin"])
    return BuildResult(load(folder), folder, Path(record["usd"]), batch.read_certificate(folder))


def _mass_estimate(mass: Estimate | str | float | None) -> Estimate | None:
    from physicl_twin.normalize.options import parse_mass

    if mass is None or isinstance(mass, Estimate):
        return mass
    return parse_mass(mass if isinstance(mass, str) else f"{mass!r} kg")


@dataclass(frozen=True, slots=True)
class AugmentResult:
    """A finished set of variations.

    Attributes:
        path: Its folder.
        scene: The base scene.
        accepted: How many members it holds.
        rejected: How many were given up; ``manifest.json`` says which, ``manifest.parquet`` why.
        rejected_draws: How often each reason came up.
    """

    path: Path
    scene: Path
    accepted: int
    rejected: int
    rejected_draws: dict[str, int]


def augment(
    twins: StrPath | BuildResult | Sequence[StrPath | BuildResult],
    spec: StrPath | None = None,
    out: StrPath = "variations",
    *,
    count: int = 100,
    seed: int = 0,
    jobs: int = 1,
    force: bool = False,
    config: StrPath | None = None,
    report: bool = True,
    variants: bool = False,
    on_progress: ProgressListener | None = None,
) -> AugmentResult:
    """Make settled variations of a scene of twins.

    Args:
        twins: One or several twins: folders, or what ``build`` returned.
        spec: Randomization spec; the shipped ``config/randomization/default.toml`` without one.
        out: Folder of the set; a set that was begun there with the same request goes on.
        count: Members.
        seed: Seed; the same one gives the same members.
        jobs: Worker processes.
        force: Take twins that failed their validation, too.
        config: Settings on top of the shipped ones.
        report: Write the coverage report and the contact sheet.
        variants: Write ``variants.usda``: all members behind one variant set.
        on_progress: Told of (job, stage, fraction, message).

    Raises:
        PhysiclError: When the spec, a twin or the folder does not allow it, or no variation was accepted.
    """
    from physicl_twin.jobs.augment import AugmentOptions
    from physicl_twin.jobs.augment import augment as run

    several = [twins] if isinstance(twins, str | os.PathLike | BuildResult) else list(twins)
    folders = [twin.path if isinstance(twin, BuildResult) else Path(twin) for twin in several]
    made = AugmentOptions(
        Path(spec) if spec is not None else None,
        count,
        seed,
        jobs,
        force,
        Path(config) if config is not None else None,
        report,
        variants,
    )
    record = run(folders, Path(out), made, on_progress=on_progress)
    if record["error"] is not None:
        error = record["error"]
        raise PhysiclError(error["code"], error["message"], error["hint"])
    draws = dict(record["rejected_draws"])
    return AugmentResult(Path(out), Path(record["scene"]), record["accepted"], record["rejected"], draws)


def load(twin: StrPath) -> Twin:
    """The twin of a folder that ``build`` made, with its geometry.

    Raises:
        SourceError: ``twin_not_found`` when the folder is no twin.
        PhysiclError: When its record or its geometry is damaged.
    """
    from physicl_twin import usd

    folder = Path(twin)
    record = load_record(folder)
    return usd.attach_geometry(record, folder / "simready" / f"{record.name}.usda")


def load_record(twin: StrPath) -> Twin:
    """The twin of a folder without its geometry: every estimate, no triangles, no USD library needed.

    Raises:
        SourceError: ``twin_not_found`` when the folder is no twin.
        PhysiclError: ``record_invalid`` when the record is damaged.
    """
    path = Path(twin) / "twin.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "Give the folder that build made: it holds twin.json."
        raise SourceError("twin_not_found", f"{Path(twin).name} is not a twin.", hint) from error
    return loads_twin(text)


def validate(
    twin: StrPath | BuildResult | Twin,
    *,
    engines: Sequence[str] = ("physx", "mujoco"),
    rollouts: Sequence[str] | None = None,
    profile: str = "",
    config: StrPath | None = None,
) -> Certificate:
    """Check a twin or any USD file and run its rollouts, here and now; writes nothing.

    Args:
        twin: Folder of a twin, a USD file, what ``build`` returned, or a twin in memory with its geometry (as ``load``
            returns it, perhaps changed since): it is written to a temporary folder first.
        engines: Physics engines to use.
        rollouts: Names of rollouts; all by default.
        profile: SimReady profile; empty for the one that the asset was written for.
        config: Configuration file on top of the shipped one.

    Raises:
        PhysiclError: When the validation cannot be carried out.
    """
    from physicl_twin import settings, usd
    from physicl_twin.validate import validate as run_validation

    in_force = settings.pipeline(Path(config) if config is not None else None)
    with tempfile.TemporaryDirectory(prefix="physicl_") as scratch:
        if isinstance(twin, Twin):
            target = Path(scratch) / twin.name
            usd.write_twin(twin, Path(scratch), settings=in_force)
            (target / "twin.json").write_text(dumps(twin), encoding="utf-8")
        else:
            target = twin.path if isinstance(twin, BuildResult) else Path(twin)
        return run_validation(
            target,
            engines=tuple(engines),
            rollouts=tuple(rollouts) if rollouts is not None else None,
            profile=profile,
            settings=in_force,
        )


def deploy(
    twin: StrPath | BuildResult | Twin,
    target: str,
    out: StrPath = "deployed",
    *,
    check: bool = True,
    force: bool = False,
    members: str | None = None,
    config: StrPath | None = None,
) -> DeployResult:
    """Write a twin or a set of variations for another tool, read it back, and drop it there.

    Args:
        twin: Folder of a twin or of a set of variations, what ``build`` returned, or a twin in memory with geometry.
        target: ``isaac-sim``, ``omniverse``, ``mujoco`` or ``urdf``.
        out: The export becomes ``out/<target>/<name>``; an earlier export there is replaced.
        check: Make the round trip and the drop in the target engine.
        force: Export also a twin that failed its validation; it is marked.
        members: Of a set, which: ``7``, ``0-9``, ``0-9,42``; all by default.
        config: Configuration file on top of the shipped one.

    Returns:
        The export. A comparison that fails does not raise: see ``result.passed`` and ``result.round_trip``.

    Raises:
        PhysiclError: When it cannot be exported; nothing is written then.
    """
    from physicl_twin import deploy as room
    from physicl_twin import settings

    in_force = settings.pipeline(Path(config) if config is not None else None)
    source = twin if isinstance(twin, Twin) else (twin.path if isinstance(twin, BuildResult) else Path(twin))
    return room.deploy(source, target, Path(out), check=check, force=force, members=members, settings=in_force)
