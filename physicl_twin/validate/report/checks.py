"""All checks: what failed, what could not be checked, what passed."""

from __future__ import annotations

from physicl_twin.model import Certificate, CheckResult, Status
from physicl_twin.page.markup import Markup, join, tag
from physicl_twin.page.style import ENGINES, status

_HEADINGS: tuple[tuple[Status, str], ...] = (
    ("not_checked", "Not checked"),
    ("passed", "Passed"),
)


def failures(certificate: Certificate) -> Markup:
    """What failed, each with what to do; stands near the top of the report."""
    rows = [_row(c) for c in certificate.checks if c.status == "failed"]
    for run in certificate.rollouts:
        if run.status == "failed":
            name = f"rollout.{run.name}.{run.engine}"
            title = f"The rollout {run.name.replace('_', ' ')} passes in {ENGINES.get(run.engine, run.engine)}"
            rows.append(_row(CheckResult(name, title, "failed", run.message, hint=run.criterion)))
    return tag("div", tag("table", tag("tbody", rows), class_="checks stack"), class_="table")


def checks_section(certificate: Certificate) -> Markup:
    """What could not be checked, then what passed, folded, by whose check it is (what failed stands at the top)."""
    groups = []
    for name, heading in _HEADINGS:
        of_status = [c for c in certificate.checks if c.status == name]
        ours = [c for c in of_status if not c.id.startswith("simready.")]
        theirs = [c for c in of_status if c.id.startswith("simready.")]
        if name == "passed":
            groups += [_group(f"{heading}: physicl_twin", ours, False)]
            groups += [_group(f"{heading}: NVIDIA SimReady {certificate.profile}", theirs, False)]
        else:
            groups.append(_group(heading, ours + theirs, True))
    return join(groups)


def _group(heading: str, checks: list[CheckResult], is_open: bool) -> Markup | None:
    if not checks:
        return None
    summary = tag("summary", heading, tag("span", str(len(checks)), class_="caption"))
    rows = tag("tbody", [_row(check) for check in checks])
    return tag("details", summary, tag("div", tag("table", rows, class_="checks stack"), class_="table"), open=is_open)


def _row(check: CheckResult) -> Markup:
    hint = tag("span", check.hint, class_="sub") if check.hint and check.status != "passed" else None
    target = tag("b", f"{check.target}: ") if check.target else None
    return tag(
        "tr",
        tag("td", status(check.status), class_="head"),
        tag("td", check.title, tag("span", check.id, class_="sub mono"), class_="wide"),
        tag("td", target, check.message, hint, class_="wide"),
    )
