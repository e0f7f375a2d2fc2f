"""NVIDIA's validator: its verdict, quietly, fail closed, many times in one process."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from handmade import edit_stage, write

from physicl_twin.validate import simready


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("good"))


def run(folder: Path, profile: str = "Robotics-Prop 4.0.0"):
    return simready.check(folder / "simready" / f"{folder.name}.usda", profile, folder)


def bad(results) -> set[str]:
    return {r.id for r in results if r.status == "failed"}


def test_blocking_issues_are_failed_checks_with_their_codes(good: Path, tmp_path: Path):
    folder = tmp_path / "hammer"
    shutil.copytree(good, folder)
    edit_stage(folder, lambda s: s.SetMetadata("metersPerUnit", 0.01))
    (folder / "simready" / ".thumbs" / "256x256" / "hammer.usda.png").unlink()
    results, _ = run(folder)
    assert bad(results) == {"simready.UN.007", "simready.SR.002"}
    assert all(
        r.message and r.title.startswith(r.id.removeprefix("simready.")) for r in results if r.status == "failed"
    )


def test_many_calls_agree_whatever_came_between(good: Path, tmp_path: Path):
    broken = tmp_path / "hammer"
    shutil.copytree(good, broken)
    edit_stage(broken, lambda s: s.SetMetadata("metersPerUnit", 0.01))
    verdicts = [bad(run(folder)[0]) for folder in (good, broken, good, broken)]
    assert verdicts == [set(), {"simready.UN.007"}, set(), {"simready.UN.007"}]


def test_rules_come_back_after_somebody_emptied_the_registries(good: Path):
    run(good)
    import simready.validate as api

    api.destroy()
    results, label = run(good)
    assert label == "Robotics-Prop 4.0.0" and bad(results) == set() and len(results) == 47


@pytest.mark.parametrize("parent", ["with space", "größe", "a" * 150])
def test_folders_above_the_asset_do_not_count(good: Path, tmp_path: Path, parent: str):
    shutil.copytree(good, tmp_path / parent / "hammer")
    results, _ = run(tmp_path / parent / "hammer")
    assert bad(results) == set()
    assert not any(str(tmp_path) in r.message for r in results)


def test_names_of_the_asset_itself_do_count(good: Path, tmp_path: Path):
    shutil.copytree(good, tmp_path / "with space" / "ham mer")
    results, _ = simready.check(tmp_path / "with space/ham mer/simready/hammer.usda", "Robotics-Prop 4.0.0")
    assert {"simready.NP.003", "simready.NP.005"} <= bad(results)


def test_nothing_is_printed_and_logging_is_left_alone(good: Path, capfd: pytest.CaptureFixture[str]):
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    run(good)
    assert logging.getLogger().handlers == handlers and logging.getLogger().level == level
    assert logging.root.manager.disable == 0
    assert capfd.readouterr().out == ""


def test_the_newest_version_is_taken_when_none_is_named(good: Path):
    assert run(good, "Robotics-Prop")[1] == "Robotics-Prop 4.0.0"
    assert run(good, "Robotics-Prop@3.3.0")[1] == "Robotics-Prop 3.3.0"


def test_an_unknown_profile_fails_and_lists_the_known_ones(good: Path):
    (result,), _ = run(good, "Robotics-Prop 9.9.9")
    assert result.status == "failed" and "Robotics-Prop 4.0.0" in result.hint


def test_a_missing_package_is_not_checked_with_what_to_install(good: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "simready.validate", None)
    (result,), _ = run(good)
    assert result.status == "not_checked" and "pip install" in result.hint


def test_no_verdict_is_a_failure(good: Path, monkeypatch: pytest.MonkeyPatch):
    run(good)
    import simready.validate as api

    monkeypatch.setattr(api, "validate_asset", lambda config: None)
    (result,), _ = run(good)
    assert result.status == "failed"
    monkeypatch.setattr(api, "validate_asset", lambda config: SimpleNamespace(features_summary={}))
    (result,), _ = run(good)
    assert result.status == "failed"


def test_a_rule_that_broke_is_not_checked(good: Path, monkeypatch: pytest.MonkeyPatch):
    run(good)
    import simready.validate as api

    true = api.validate_asset

    def broken(config):
        outcome = true(config)

        class BrokenChecker:
            pass

        issue = SimpleNamespace(
            requirement=None, rule=BrokenChecker, message="ModuleNotFoundError: PhysxSchema", at=None
        )
        outcome.soft_issues.append(issue)
        return outcome

    monkeypatch.setattr(api, "validate_asset", broken)
    results, _ = run(good)
    (result,) = [r for r in results if r.status == "not_checked"]
    assert result.id == "simready.rule.BrokenChecker" and "PhysxSchema" in result.message


def test_optional_features_are_told_and_do_not_block(good: Path):
    (result,) = [r for r in run(good)[0] if r.id == "simready.optional"]
    assert result.status == "passed" and "FET_004_STANDARD" in result.message and "does not block" in result.message
