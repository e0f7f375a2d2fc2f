"""The report: self-contained, complete, escaped, honest."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from handmade import hammer, make_twin, write

from physicl_twin import settings, validate
from physicl_twin.model import (
    Alternative,
    Certificate,
    CheckResult,
    Estimate,
    Measure,
    Note,
    RolloutResult,
    Series,
    Twin,
    dumps,
    loads_twin,
)
from physicl_twin.page.markup import Markup, elide, join, tag
from physicl_twin.page.plot import Bracket, Curve, bracket_plot, line_plot, thin, ticks
from physicl_twin.validate.report.page import report

SETTINGS = settings.pipeline()


class Balance(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.words: list[str] = []
        self.problems: list[str] = []

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        if name not in {"meta", "img", "br", "hr", "link", "input"}:
            self.stack.append(name)

    def handle_endtag(self, name: str) -> None:
        if not self.stack or self.stack.pop() != name:
            self.problems.append(name)

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)


def page(twin: Twin | None, certificate: Certificate) -> str:
    """The page without pictures (a twin read from twin.json has no meshes)."""
    twin = loads_twin(dumps(twin)) if twin else None
    return report(certificate, twin, None, SETTINGS)


def read(html: str) -> str:
    parser = Balance()
    parser.feed(html)
    assert not parser.problems and not parser.stack, (parser.problems, parser.stack)
    return " ".join(" ".join(parser.words).split())


def make_certificate(checks: tuple[CheckResult, ...] = (), rollouts: tuple[RolloutResult, ...] = ()) -> Certificate:
    return Certificate("hammer", 1, "2026-11-01T10:00:00+00:00", "Robotics-Prop 4.0.0", (), checks, rollouts)


GOOD = CheckResult("mass.positive", "Mass is positive", "passed", "0.8 kg.")
RUN = RolloutResult(
    "drop_and_settle",
    "physx",
    "Does it come to rest?",
    "Within 8 s.",
    "passed",
    "Rested.",
    (Measure("settle_time", 1.5, "s"),),
    (Series("height", "m", (0.0, 0.5, 1.0), (0.5, 0.1, 0.02)),),
    0.4,
)


def test_the_page_needs_nothing_else():
    html = page(make_twin("hammer", hammer()), make_certificate((GOOD,), (RUN,)))
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", html)
    assert (
        "<script" not in html
        and "url(" not in html
        and "@import" not in html
        and "http" not in html.replace("https://spdx", "")
    )
    read(html)


def test_every_estimate_of_the_twin_stands_in_the_page_with_its_reason():
    twin = make_twin("hammer", hammer())
    words = read(page(twin, make_certificate((GOOD,), (RUN,))))
    for text in (
        "mass",
        "centre of mass",
        "density",
        "static friction",
        "dynamic friction",
        "restitution",
        "volume",
        "inertia Ixx",
    ):
        assert text in words, text
    assert "Steel from the part name." in words and "handbook" in words
    assert "0.123 ± 0.006" in words, "digits match the uncertainty"


def test_text_from_files_cannot_become_markup():
    twin = make_twin("hammer", hammer())
    evil = '<script>alert("x")</script><img src=x onerror=y>'
    part = dataclasses.replace(twin.bodies[0].parts[0], name=evil)
    body = dataclasses.replace(twin.bodies[0], parts=(part, twin.bodies[0].parts[1]))
    twin = dataclasses.replace(twin, title=evil, bodies=(body,), notes=(Note("x", "warning", evil, evil),))
    html = page(twin, make_certificate((dataclasses.replace(GOOD, message=evil, target=evil, status="failed"),), ()))
    assert "<script" not in html and "<img src=x" not in html
    assert evil in read(html)


@pytest.mark.parametrize(
    ("checks", "rollouts", "words"),
    [
        ((GOOD,), (RUN,), "Sim-ready"),
        ((GOOD,), (), "Checks passed, not simulated"),
        ((dataclasses.replace(GOOD, status="failed"),), (RUN,), "Not sim-ready"),
        ((GOOD,), (dataclasses.replace(RUN, status="failed"),), "Not sim-ready"),
        ((dataclasses.replace(GOOD, status="not_checked"),), (), "Nothing was checked"),
    ],
)
def test_the_verdict_says_what_was_shown(checks, rollouts, words: str):
    text = read(page(make_twin("hammer", hammer()), make_certificate(checks, rollouts)))
    verdict = text.split("mass")[0]
    assert words in verdict
    assert ("Sim-ready" in verdict) == (words == "Sim-ready")


def test_what_fails_stands_before_the_pictures_and_says_what_to_do():
    failed = CheckResult("mass.positive", "Mass is positive", "failed", "It is -5 kg.", "body", "Build again.")
    text = read(page(make_twin("hammer", hammer()), make_certificate((failed, GOOD), (RUN,))))
    assert text.index("What fails") < text.index("It is -5 kg.") < text.index("Parts part material")
    assert "Build again." in text


def test_warnings_come_first_and_uncertain_units_are_said():
    twin = make_twin("hammer", hammer())
    units = dataclasses.replace(twin.frame.units, probability=0.7, alternatives=(("m", 0.3),), flags=("ambiguous",))
    twin = dataclasses.replace(twin, frame=dataclasses.replace(twin.frame, units=units))
    text = read(page(twin, make_certificate((GOOD,), (RUN,))))
    assert text.index("The unit of the source is not certain: mm was taken, it could be m (30 %)") < text.index("Parts")


def test_alternatives_and_flags_are_shown():
    twin = make_twin("hammer", hammer())
    beech = dataclasses.replace(
        twin.materials[1], alternatives=(Alternative("wood_oak", 0.31),), flags=("unknown_material",)
    )
    text = read(
        page(dataclasses.replace(twin, materials=(twin.materials[0], beech)), make_certificate((GOOD,), (RUN,)))
    )
    assert "or wood oak 31 %" in text and "unknown material" in text


def test_a_thousand_parts_stay_a_small_page():
    twin = make_twin("hammer", hammer())
    part = twin.bodies[0].parts[0]
    parts = tuple(dataclasses.replace(part, name=f"part {i}") for i in range(1000))
    body = dataclasses.replace(twin.bodies[0], parts=parts)
    html = page(dataclasses.replace(twin, bodies=(body,)), make_certificate((GOOD,), (RUN,)))
    assert len(html) < 700_000
    assert "more in twin.json" in read(html)


def test_a_usd_file_without_record_has_a_report_too():
    text = read(page(None, make_certificate((GOOD,), (RUN,))))
    assert "hammer" in text and "Sim-ready" in text and "drop and settle" in text


def test_the_report_is_written_beside_the_certificate_and_small(tmp_path: Path):
    folder = write(tmp_path)
    certificate = validate.validate(folder, engines=())
    path = validate.write_certificate(certificate, folder)
    assert path.name == "report.html" and path.stat().st_size < 1_500_000
    assert not [p for p in folder.iterdir() if p.name.startswith(".")], "no temporary file is left"
    read(path.read_text(encoding="utf-8"))


def test_plots_keep_peaks_when_thinned():
    y = [0.0] * 5000
    y[1234] = 7.0
    curve = thin(Curve("a", tuple(float(i) for i in range(5000)), tuple(y)), 100)
    assert len(curve.x) <= 104 and max(curve.y) == 7.0 and curve.x[0] == 0 and curve.x[-1] == 4999


def test_plots_survive_what_a_diverged_run_leaves():
    nan, inf = float("nan"), float("inf")
    svg = line_plot([Curve("a", (0, 1, 2), (nan, 1.0, inf))], title="t", x_unit="s", y_unit="", points=50)
    assert "nan" not in svg and "inf" not in svg
    assert "Nothing finite" in line_plot([Curve("a", (0, 1), (nan, inf))], title="t", x_unit="s", y_unit="", points=50)
    assert "Nothing finite" in bracket_plot([Bracket("a", nan, 1)], expected=None, expected_name="", title="t", unit="")


def test_ticks_are_round_and_inside():
    assert ticks(0, 10) == (0, 2, 4, 6, 8, 10)
    assert ticks(0.02, 0.53) == pytest.approx((0.1, 0.2, 0.3, 0.4, 0.5))
    assert ticks(3, 3) == (3,)


def test_markup_escapes_everything_that_is_not_markup():
    assert tag("p", "a<b", class_='x"y') == '<p class="x&quot;y">a&lt;b</p>'
    assert join("&", Markup("<b>"), ["<", None]) == "&amp;<b>&lt;"
    assert elide("a" * 100, 11) == "aaaaaa…aaaa"


def test_estimates_of_hints_are_listed_too():
    twin = make_twin("hammer", hammer())
    part = twin.bodies[0].parts[0]
    stated = Estimate.exact(1234.5, "kg/m3", "from the CAD file")
    part = dataclasses.replace(part, hints=dataclasses.replace(part.hints, density=stated))
    body = dataclasses.replace(twin.bodies[0], parts=(part, twin.bodies[0].parts[1]))
    text = read(page(dataclasses.replace(twin, bodies=(body,)), make_certificate((GOOD,), (RUN,))))
    assert "stated density" in text and "from the CAD file" in text
