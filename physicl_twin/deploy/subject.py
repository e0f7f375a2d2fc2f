"""What is to be exported: a twin with its geometry, its folder where it has one, and what its certificate says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from physicl_twin import usd
from physicl_twin.model import Certificate, Note, PhysiclError, Twin, ValidationError, from_json, loads_twin
from physicl_twin.model.errors import SourceError


@dataclass(frozen=True, slots=True)
class Subject:
    """A twin that is to be exported.

    Attributes:
        twin: Complete, with meshes, hulls and images.
        folder: Where it stands; None for a twin in memory.
        certificate: Of that folder; None when there is none.
    """

    twin: Twin
    folder: Path | None
    certificate: Certificate | None

    @property
    def failed(self) -> bool:
        """True when a check or a rollout of the certificate failed."""
        return self.certificate is not None and not self.certificate.passed


def read_subject(folder: Path) -> Subject:
    """The twin of a folder that ``build`` made.

    Raises:
        SourceError: ``twin_not_found``.
        UsdError: When its geometry is missing or another than its record says.
        ValidationError: ``certificate_invalid``.
        PhysiclError: ``record_invalid``, ``record_too_new``.
    """
    record = folder / "twin.json"
    try:
        text = record.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "Give the folder that build made: it holds twin.json."
        raise SourceError("twin_not_found", f"{folder.name} is not a twin.", hint) from error
    twin = loads_twin(text)
    twin = usd.attach_geometry(twin, folder / "simready" / f"{twin.name}.usda")
    return Subject(twin, folder, _read_certificate(folder))


def _read_certificate(folder: Path) -> Certificate | None:
    path = folder / "certificate.json"
    if not path.exists():
        return None
    try:
        certificate: Certificate = from_json(Certificate, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, PhysiclError) as error:
        raise ValidationError(
            "certificate_invalid", f"The certificate of {folder.name} cannot be read.", "Validate the twin again."
        ) from error
    return certificate


def gate(subject: Subject, *, force: bool) -> tuple[Note, ...]:
    """Warnings that go with the export.

    Args:
        subject: What is to be exported.
        force: Export also what failed its validation.

    Raises:
        ValidationError: ``twin_failed_validation`` naming what failed, unless forced.
    """
    warnings: list[Note] = []
    certificate = subject.certificate
    if subject.failed and certificate is not None:
        failed = [c.id for c in certificate.checks if c.status == "failed"]
        failed += [f"{r.name} ({r.engine})" for r in certificate.rollouts if r.status == "failed"]
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        what = f"failed {', '.join(failed[:3])}{more}" if failed else "passed no check"
        message = f"The twin {subject.twin.name} {what} in its validation."
        if not force:
            raise ValidationError(
                "twin_failed_validation", message, "See its report.html, or export it all the same with --force."
            )
        warnings.append(Note("twin_failed_validation", "warning", message, "Exported because --force was given."))
    if certificate is None:
        message = f"The twin {subject.twin.name} has no certificate: nobody has validated it."
        warnings.append(Note("twin_not_validated", "warning", message, "Run physicl-twin validate on it."))
    if licence_unknown(subject.twin.licence):
        message = f"Nobody has said under which licence {subject.twin.name} stands: do not pass it on before you know."
        warnings.append(Note("licence_unknown", "warning", message, "Build it again with --licence SPDX."))
    return tuple(warnings)


def licence_unknown(licence: str) -> bool:
    """True for an empty licence and for SPDX's words for not knowing."""
    return licence.strip().upper() in ("", "NOASSERTION", "NONE")
