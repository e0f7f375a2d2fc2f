"""One validation from beginning to end, with both engines."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import hammer, make_twin, record_hashes

from physicl_twin import usd, validate
from physicl_twin.model import EngineError, RolloutResult, ValidationError, dumps
from physicl_twin.validate import rollouts


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    record = make_twin("hammer", hammer())
    usd.write_twin(record, root, generated="2026-11-01")
    (root / "hammer" / "twin.json").write_text(dumps(record), encoding="utf-8")
    record_hashes(root / "hammer")
    return root / "hammer"


def canned(name: str, path: Path, engine: object, settings: object) -> RolloutResult:
    return RolloutResult(name, engine.name, "?", "!", "passed", "Fine.")


def test_every_rollout_runs_in_every_engine_and_engines_agree_about_mass(twin: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollouts, "run", canned)
    seen: list[tuple[str, float]] = []
    certificate = validate.validate(twin, progress=lambda stage, fraction, message="": seen.append((stage, fraction)))
    assert [(r.engine, r.name) for r in certificate.rollouts] == [
        (engine, name) for engine in ("physx", "mujoco") for name in ("drop_and_settle", "tilt_to_slide")
    ]  # it has no joints: nothing is asked of them
    masses = {c.id: c for c in certificate.checks if c.id.startswith("engine.")}
    assert {i: c.status for i, c in masses.items()} == {"engine.physx.mass": "passed", "engine.mujoco.mass": "passed"}
    assert certificate.passed and {"physx", "mujoco"} <= {t.name for t in certificate.tools}
    stages = [stage for stage, _ in seen]
    assert stages[0] == "checks" and "simready" in stages and "drop_and_settle in mujoco" in stages
    assert all(0 <= fraction <= 1 for _, fraction in seen)


def test_what_is_asked_of_joints_is_not_checked_without_any_when_somebody_asks(twin: Path):
    certificate = validate.validate(twin, engines=("mujoco",), rollouts=("joint_sweep",))
    (result,) = certificate.rollouts
    assert result.status == "not_checked" and "no joint" in result.message


def test_fast_uses_the_first_engine_only(twin: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollouts, "run", canned)
    assert {r.engine for r in validate.validate(twin, fast=True).rollouts} == {"physx"}


@pytest.mark.parametrize("error", [EngineError("engine_refused_stage", "No.", "Look."), RuntimeError("boom")])
def test_a_rollout_that_breaks_has_failed(twin: Path, monkeypatch: pytest.MonkeyPatch, error: Exception):
    def broken(*arguments: object) -> RolloutResult:
        raise error

    monkeypatch.setattr(rollouts, "run", broken)
    certificate = validate.validate(twin, engines=("mujoco",), rollouts=("drop_and_settle",))
    (result,) = certificate.rollouts
    assert result.status == "failed" and str(error).split()[0] in result.message
    assert not certificate.passed


def test_an_engine_that_is_not_installed_is_not_checked(twin: Path, monkeypatch: pytest.MonkeyPatch):
    from physicl_twin.engines import registry

    def missing(name: str, settings: object = None) -> None:
        raise EngineError("engine_not_installed", "It needs the package ovphysx.", "Run doctor.")

    monkeypatch.setattr(registry, "engine", missing)
    certificate = validate.validate(twin, engines=("physx",))
    assert {r.status for r in certificate.rollouts} == {"not_checked"}
    assert all("ovphysx" in r.message for r in certificate.rollouts)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"rollouts": ("fly",)}, "rollout_unknown"), ({"engines": ("bullet",)}, "engine_unknown")],
)
def test_unknown_names_are_refused_with_the_known_ones(twin: Path, options: dict[str, tuple[str, ...]], code: str):
    with pytest.raises(ValidationError) as error:
        validate.validate(twin, **options)
    assert error.value.code == code and "Known: " in error.value.hint


@pytest.mark.slow
def test_real_rollouts_give_a_certificate_and_a_report(twin: Path):
    certificate = validate.validate(twin)
    assert [r for r in certificate.rollouts if not r.message or "broke" in r.message] == []
    assert all(r.series and r.measures for r in certificate.rollouts)
    report = validate.write_certificate(certificate, twin)
    page = report.read_text(encoding="utf-8")
    assert "drop and settle" in page and "<polyline" in page and 'src="data:image/jpeg' in page
    assert len(page) < 1_500_000
