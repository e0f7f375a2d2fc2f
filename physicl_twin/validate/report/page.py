"""The report as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin.model import Certificate, Twin
from physicl_twin.page.markup import Markup, join, tag
from physicl_twin.page.style import css
from physicl_twin.validate.report import candidates, checks, estimates, headline, joints, parts, rollouts, sources
from physicl_twin.validate.report.pictures import Picture, pictures, thumbnail_uri


def report(certificate: Certificate, twin: Twin | None, usd: Path | None, settings: dict[str, Any]) -> str:
    """The page: everything in it, nothing fetched, no script.

    Args:
        certificate: What was checked and run.
        twin: The record (with or without meshes); None for a USD file that has none.
        usd: The USD file, for pictures; None to leave them out.
        settings: Of the pipeline; ``[report]`` and ``[render]`` are used.
    """
    curve_points = int(settings["report"]["curve_points"])
    drawn = pictures(twin, usd, settings)
    considered = candidates.candidates_section(twin, settings)
    moving = joints.joints_section(twin)
    portrait = thumbnail_uri(usd) or next((p.uri for p in drawn if p.uri), "")
    title = twin.title if twin else certificate.twin
    body = tag(
        "main",
        headline.header(certificate, twin, portrait),
        headline.notes(twin, certificate.checks),
        headline.cards(twin),
        _section("What fails", checks.failures(certificate)) if certificate.count("failed") else None,
        _section("Pictures", _figures(drawn)) if drawn else None,
        _section("Parts", parts.parts_table(twin)) if twin else None,
        _section("Joints", *moving) if moving else None,
        _section("Collision geometry that was considered", *considered) if considered else None,
        _section("Rollouts", rollouts.rollouts_section(certificate.rollouts, curve_points)),
        _section("Every estimate, and why", estimates.estimates_section(twin)) if twin else None,
        _section("Checks", checks.checks_section(certificate)),
        _section("Sources and licences", sources.sources_section(twin)) if twin else None,
        _section("Record", headline.minor_notes(twin), sources.record_section(certificate)),
        tag("footer", "Made by physicl_twin. Numbers are value ± one standard deviation; intervals hold 90 %."),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title}: certificate"),
        tag("style", Markup(css())),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", body), lang="en") + "\n"


def _section(title: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", title), join(*content))


def _figures(drawn: tuple[Picture, ...]) -> Markup:
    shown = []
    for item in drawn:
        caption = tag(
            "figcaption", tag("b", item.title), f" {item.caption}" if not item.problem else f" {item.problem}"
        )
        image = tag("img", src=item.uri, alt=f"{item.title}: {item.caption}") if item.uri else None
        shown.append(tag("figure", image, caption))
    return tag("div", shown, class_="pictures")
