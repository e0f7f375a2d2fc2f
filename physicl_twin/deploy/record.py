"""What an export is, what was compared, what its format cannot hold: deploy.json and the result of the verb."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from physicl_twin.model import FileHash, Note, Status

#: Version of deploy.json.
DEPLOY_VERSION = 1
#: Name of the record in every export; a folder that has one is ours to replace.
RECORD_NAME = "deploy.json"
NOTICE_NAME = "NOTICE.txt"

Target = Literal["isaac-sim", "omniverse", "mujoco", "urdf"]
TARGETS: tuple[Target, ...] = ("isaac-sim", "omniverse", "mujoco", "urdf")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number (or a few) of the twin against the same read back from the export.

    Attributes:
        quantity: ``mass``, ``com``, ``inertia``, ``friction``, ``collider_count``, ``collider_volume``,
            ``collider_position``, ``pose``, ``joint_frame`` or ``joint_limits``.
        subject: Body, joint or, of the worst of many, collider that it is about.
        unit: Of ``expected`` and ``actual``.
        expected: What the twin says, twin frame.
        actual: What the export says.
        error: What is compared with ``tolerance``: relative for mass, inertia, friction and volume, absolute otherwise;
            None when the export lacks it.
        tolerance: Largest error that passes.
        passed: Whether it does.
    """

    quantity: str
    subject: str
    unit: str
    expected: tuple[float, ...]
    actual: tuple[float, ...]
    error: float | None
    tolerance: float
    passed: bool


@dataclass(frozen=True, slots=True)
class DropAgreement:
    """The export dropped in the engine that it is for, against the drop in the twin's certificate.

    Attributes:
        engine: ``mujoco`` or ``physx``.
        status: passed, failed, or not_checked with the reason in ``message``.
        message: What happened, with numbers.
        expected_m: Height of the centre of mass at the end in the certificate; None when it has none.
        actual_m: The same of the export.
        tolerance_m: Largest difference that agrees.
    """

    engine: str
    status: Status
    message: str
    expected_m: float | None = None
    actual_m: float | None = None
    tolerance_m: float | None = None


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """deploy.json: everything that a user of the export must know, and that a machine can check.

    Attributes:
        twin: Name of the twin, or of the variation set.
        twin_version: Its version; 0 of a set.
        target: What it was written for.
        main: The file to open, relative to the export.
        licence: SPDX expression; empty when nobody said.
        forced: True when the twin had failed its validation and was exported all the same.
        checked: True when the round trip was made.
        losses: What the format cannot hold, or holds otherwise.
        warnings: What the user should look at.
        notes: What was written where.
        comparisons: The round trip.
        drop: Drop and settle in the target engine; None when it was not asked for.
        files: Hashes of all other files of the export.
        tool: Name and version of the writer.
        schema_version: Of this record.
    """

    twin: str
    twin_version: int
    target: Target
    main: str
    licence: str
    forced: bool
    checked: bool
    losses: tuple[Note, ...]
    warnings: tuple[Note, ...]
    notes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    drop: DropAgreement | None
    files: tuple[FileHash, ...] = ()
    tool: str = ""
    schema_version: int = DEPLOY_VERSION

    @property
    def passed(self) -> bool:
        """True when nothing that was compared differs; also without a check (see ``checked``)."""
        return all(c.passed for c in self.comparisons) and (self.drop is None or self.drop.status != "failed")


@dataclass(frozen=True, slots=True)
class DeployResult:
    """A finished export.

    Attributes:
        path: Its folder.
        main: The file to open.
        record: What stands in its deploy.json.
    """

    path: Path
    main: Path
    record: DeployRecord

    @property
    def passed(self) -> bool:
        """True when the round trip found no difference beyond its tolerance."""
        return self.record.passed

    @property
    def round_trip(self) -> tuple[Comparison, ...]:
        """The comparisons."""
        return self.record.comparisons

    @property
    def losses(self) -> tuple[Note, ...]:
        """What the format cannot hold."""
        return self.record.losses


@dataclass(frozen=True, slots=True)
class Written:
    """What a target's writer leaves behind.

    Attributes:
        main: File to open, relative to the export's folder.
        losses: What the format cannot hold.
        notes: What was written where.
    """

    main: str
    losses: tuple[Note, ...] = ()
    notes: tuple[str, ...] = field(default=())
