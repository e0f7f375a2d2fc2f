"""The bench: one thing runs at a time, its end is told once, its problem says what to do next."""

from __future__ import annotations

from pathlib import Path

import pytest

from physicl_twin.workbench import TaskState
from physicl_twin.workbench.activity import CANCEL_AFTER_S, SHOWN_AFTER_S, Activity
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import in_panel_words, problem_of
from physicl_twin.workbench.session import Session
from tests.workbench.fakes import FakeLive, FakeTask, FakeTasks


@pytest.fixture
def tasks() -> FakeTasks:
    return FakeTasks()


@pytest.fixture
def bench(tmp_path: Path, tasks: FakeTasks) -> Bench:
    return Bench(Session(str(tmp_path)), tmp_path / "session.json", tasks, FakeLive())


def test_the_result_is_handed_over_once_and_the_session_kept(bench: Bench, tasks: FakeTasks, tmp_path: Path) -> None:
    got: list[object] = []
    bench.start("Building", "build", {"sources": ["a"]}, got.append)
    assert bench.busy and tasks.calls == [("build", {"sources": ["a"]})]
    bench.poll()
    assert got == [] and not (tmp_path / "session.json").exists()
    tasks.done({"records": []})
    assert bench.poll()
    bench.poll()
    assert got == [{"records": []}] and not bench.busy
    assert (tmp_path / "session.json").exists()


def test_a_second_verb_is_refused_while_one_runs(bench: Bench, tasks: FakeTasks) -> None:
    bench.start("Building", "build", {}, lambda _: None)
    bench.start("Checking", "certify", {}, lambda _: None)
    assert tasks.verbs == ["build"]
    assert bench.activity is not None and bench.activity.title == "Building"


def test_an_error_becomes_a_card_whose_button_tries_again(bench: Bench, tasks: FakeTasks) -> None:
    bench.start("Building", "build", {"sources": ["a"]}, lambda _: None, "a.step")
    tasks.failed("no_mesh", "There is no mesh.", "Give it --units.")
    bench.poll()
    problem = bench.problem
    assert problem is not None
    assert (problem.title, problem.subject, problem.code) == ("There is no mesh.", "a.step", "no_mesh")
    assert problem.hint == "Give it the unit in Ingest."
    assert problem.action is not None
    problem.action.run()
    assert tasks.calls == [("build", {"sources": ["a"]})] * 2
    assert bench.problem is None


def test_an_error_with_a_listener_of_its_own_shows_no_card(bench: Bench, tasks: FakeTasks) -> None:
    got: list[object] = []
    bench.start("Building", "build", {}, lambda _: None, failed=got.append)
    tasks.failed("x")
    bench.poll()
    assert len(got) == 1 and bench.problem is None


def test_a_cancel_calls_nobody_and_says_so(bench: Bench, tasks: FakeTasks) -> None:
    got: list[object] = []
    bench.start("Building a", "build", {}, got.append, failed=got.append)
    bench.cancel()
    assert bench.poll()
    assert got == [] and bench.problem is None and not bench.busy
    assert bench.message == "Building a was cancelled. Nothing was changed."


def test_what_follows_may_start_the_next_verb(bench: Bench, tasks: FakeTasks) -> None:
    bench.start("One", "preview", {}, lambda _: bench.start("Two", "build", {}, lambda _: None))
    tasks.done(None)
    bench.poll()
    assert tasks.verbs == ["preview", "build"] and bench.busy


def test_listeners_hear_of_another_twin_and_dismiss_is_a_change(bench: Bench) -> None:
    heard: list[str] = []
    bench.on_twin(lambda: heard.append(bench.session.twin))
    before = bench.revision
    bench.set_twin("/twins/mug")
    assert heard == ["/twins/mug"] and bench.revision > before
    before = bench.revision
    bench.dismiss()
    assert bench.revision == before, "nothing to put away is no change"


def test_a_session_that_cannot_be_kept_is_told_and_stops_nothing(tmp_path: Path, tasks: FakeTasks) -> None:
    (tmp_path / "file").write_text("in the way")
    bench = Bench(Session(str(tmp_path)), tmp_path / "file" / "session.json", tasks, FakeLive())
    got: list[object] = []
    bench.start("Building", "build", {}, got.append)
    tasks.done(1)
    bench.poll()
    assert got == [1]
    assert bench.message.startswith("What you set is not remembered")


def test_release_cancels_what_runs_and_ends_the_live_worker(bench: Bench, tasks: FakeTasks) -> None:
    bench.start("Building", "build", {}, lambda _: None)
    bench.release()
    assert tasks.task.state.status == "cancelled"
    assert bench.live.released


def activity(verb: str, task: FakeTask, age_s: float = 0.0) -> Activity:
    made = Activity("Doing", verb, "mug", task, lambda _: None, lambda _: None)
    made.started_s -= age_s
    return made


def test_progress_is_shown_and_cancelling_offered_after_a_while() -> None:
    task = FakeTask()
    young, old, older = (activity("build", task, age) for age in (0.0, SHOWN_AFTER_S + 0.1, CANCEL_AFTER_S + 0.1))
    assert [one.shown for one in (young, old, older)] == [False, True, True]
    assert [one.can_cancel for one in (young, old, older)] == [False, False, True]


def test_the_bar_follows_the_stages_and_never_runs_backwards() -> None:
    task = FakeTask()
    running = activity("build", task)
    seen = []
    for stage, part in (("ingest", 0.5), ("collision", 0.0), ("collision", 1.0), ("shapes", 0.1), ("publish", 1.0)):
        task.state = TaskState("running", stage, part)
        seen.append(running.fraction())
    assert seen == sorted(seen)
    assert seen[0] == pytest.approx(0.025) and seen[2] == pytest.approx(0.5) and seen[-1] == pytest.approx(1.0)
    assert seen[3] == seen[2], "a stage that comes late moves nothing back"


def test_words_name_the_stage_the_message_and_the_time() -> None:
    task = FakeTask()
    running = activity("certify", task, 61.0)
    assert running.words() == "starting · 1 min 1 s"
    task.state = TaskState("running", "drop in physx", 0.1, "upright")
    assert running.words() == "running it in physics engines · upright · 1 min 1 s"
    task.state = TaskState("running", "strange_stage", 0.1, "mug")
    assert running.words() == "strange stage · 1 min 1 s", "the subject is not said twice"


def test_hints_of_the_command_line_are_said_in_the_words_of_the_panel() -> None:
    assert in_panel_words("Build it again with --licence SPDX.") == "Build it again with its licence in Ingest."
    assert "--" not in in_panel_words(
        'Use --material "PART=MATERIAL", --mass, --out, --force, --units, --up or --name.'
    )


def test_an_error_without_words_still_says_what_to_do() -> None:
    problem = problem_of({}, "mug")
    assert problem.title and problem.hint
