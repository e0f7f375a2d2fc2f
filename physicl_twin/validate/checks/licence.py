"""Licences: valid SPDX expressions, the same everywhere.

A missing licence is *not checked* rather than failed: nobody said, and the record says so; a wrong one is failed.
"""

from __future__ import annotations

from physicl_twin.model import ValidationError
from physicl_twin.validate import spdx
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.subject import NotChecked, Subject

_HINT = "State the licence with --licence, for example CC-BY-4.0 or LicenseRef-Acme; see spdx.org/licenses."

#: What SimReady metadata says when nobody stated a licence (SPDX 2.3 §7.13: NOASSERTION is not an expression).
UNSTATED = ("", "NOASSERTION", "NONE")


def stated(subject: Subject) -> str:
    """The licence that the asset states; empty when nobody said."""
    text = subject.twin.licence if subject.has_twin else str(subject.metadata.get("asset_license", ""))
    return "" if text.strip() in UNSTATED else text


def _problem(expression: str) -> str:
    try:
        return spdx.problem(expression)
    except ValidationError as error:
        raise NotChecked(str(error)) from error


@check("licence.stated", "The twin's licence is a valid SPDX expression", _HINT)
def licence(subject: Subject) -> Findings:
    """Stated and on the SPDX list (or a LicenseRef)."""
    expression = stated(subject)
    if not expression:
        raise NotChecked("Nobody stated a licence: clear the rights before you share this twin.")
    found = Findings(f"{expression}.")
    wrong = _problem(expression)
    found.require(not wrong, "", f"{expression!r}: {wrong}.")
    return found


@check("licence.sources", "Every source's licence is a valid SPDX expression", _HINT)
def sources(subject: Subject) -> Findings:
    """Where a source states one."""
    found = Findings()
    named = [s for s in subject.twin.sources if s.licence not in UNSTATED]
    if not named:
        raise NotChecked("No source states a licence.")
    for source in named:
        wrong = _problem(source.licence)
        found.require(not wrong, source.name, f"{source.licence!r}: {wrong}.")
    found.summary = f"{len(named)} of {len(subject.twin.sources)} sources state one."
    return found
