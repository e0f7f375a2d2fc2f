"""The target omniverse: one self-contained USDZ, and the asset as a SimReady package."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from pxr import Sdf, UsdUtils

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.drop import Fall, agreement, drop_physx_safely
from physicl_twin.deploy.isaac_sim_target import usd_losses
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.motion import twin_facts
from physicl_twin.deploy.read_usd import read_usd
from physicl_twin.deploy.record import Comparison, DropAgreement, Written
from physicl_twin.deploy.simready_conformance import conformance
from physicl_twin.deploy.simready_folder import place_simready
from physicl_twin.deploy.simready_package import write_package
from physicl_twin.model import UsdError

#: Folder of the SimReady package in the export.
PACKAGE = "package"
_UNSTATED_TIME = "1970-01-01T00:00:00"


def write(job: Job) -> Written:
    """Write ``<name>.usdz`` and ``package/``.

    Raises:
        UsdError: ``usd_not_found``, ``usdz_not_written``.
    """
    twin, certificate = job.subject.twin, job.subject.certificate
    package = job.folder / PACKAGE
    (package / twin.name).mkdir(parents=True)
    asset = place_simready(job, package / twin.name)
    main = f"{twin.name}.usdz"
    _zip(asset, job.folder / main)
    notes = [f"{main} holds the whole asset; {PACKAGE}/ is the same as a SimReady package."]
    # The time of the validation that the certificate records: the same twin gives the same bytes.
    timestamp = certificate.created_utc[:19] if certificate is not None else _UNSTATED_TIME
    declared = conformance(asset, timestamp)
    if declared is None:
        notes.append("simready-validate is not installed: the package declares no conformance.")
    root = asset.relative_to(package).as_posix()
    write_package(package, f"{twin.name}.{twin.version}.0.0", twin.licence, twin.title, root, declared)
    return Written(main, usd_losses(job), tuple(notes))


def _zip(asset: Path, target: Path) -> None:
    """A USDZ of a layer and of everything that it and its variants refer to."""
    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    made = UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(asset)), str(target))
    told = [str(item.commentary) for item in delegate.TakeUncoalescedDiagnostics()]
    if not made or told:
        why = told[0] if told else "no reason given"
        raise UsdError("usdz_not_written", f"{target.name} cannot be packed: {why}.", "Build the twin again.")
    _clear_times(target)


def _clear_times(archive: Path) -> None:
    """Set the times in a ZIP to the format's first: equal content gives equal bytes, and nothing moves."""
    data = bytearray(archive.read_bytes())
    first_day = struct.pack("<HH", 0, (1 << 5) | 1)
    with zipfile.ZipFile(archive) as opened:
        central = opened.start_dir
        for entry in opened.infolist():
            data[entry.header_offset + 10 : entry.header_offset + 14] = first_day
            data[central + 12 : central + 16] = first_day
            name, extra, comment = struct.unpack_from("<HHH", data, central + 28)
            central += 46 + name + extra + comment
    archive.write_bytes(data)


def compare(job: Job, written: Written) -> tuple[Comparison, ...]:
    """What the packed stage says against the twin."""
    return compare_facts(twin_facts(job.layout), read_usd(job.folder / written.main, job.layout, job.settings))


def drop(job: Job, written: Written) -> DropAgreement:
    """The USDZ dropped in PhysX."""
    scene = describe_twin(job.layout)

    def run(orientation: str) -> Fall:
        return drop_physx_safely(job.folder / written.main, scene, job.settings, orientation)

    return agreement("physx", job.subject.certificate, scene, run)
