"""The bench that all tabs stand on: the session, the one thing that runs, the problem to show, who hears of changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from physicl_twin.model import OutputError
from physicl_twin.workbench import session as sessions
from physicl_twin.workbench.activity import Activity, Running
from physicl_twin.workbench.cards import Action, Problem, problem_of
from physicl_twin.workbench.live import Live
from physicl_twin.workbench.session import Session, Stage
from physicl_twin.workbench.task import Task


class MakeTask(Protocol):
    """Starts a verb in the background."""

    def __call__(self, verb: str, arguments: Mapping[str, Any]) -> Running:
        """The running task."""


def start_task(verb: str, arguments: Mapping[str, Any]) -> Task:
    """A verb in a worker process of its own."""
    return Task(verb, arguments).start()


class Bench:
    """Shared by the tabs; changed only from the window's thread.

    Args:
        session: What is remembered.
        path: Where it is kept; None to keep nothing.
        make_task: How a verb is started.
        live: The worker that draws and weighs at once.
    """

    def __init__(
        self, session: Session, path: Path | None = None, make_task: MakeTask = start_task, live: Live | None = None
    ) -> None:
        self.session = session
        self.activity: Activity | None = None
        self.problem: Problem | None = None
        #: Said after something ended, until the next thing begins.
        self.message = ""
        #: Grows with every change that a window must show.
        self.revision = 0
        self.live = live if live is not None else Live()
        self._path = path
        self._make_task = make_task
        self._listeners: list[Callable[[], None]] = []
        self._shown = False

    @property
    def busy(self) -> bool:
        """True while something runs."""
        return self.activity is not None

    def changed(self) -> None:
        """Something that a window shows is another now."""
        self.revision += 1

    def on_twin(self, listener: Callable[[], None]) -> None:
        """Call when another twin, or another version of it, is in view."""
        self._listeners.append(listener)

    def set_twin(self, folder: str) -> None:
        """Put a twin in view."""
        self.session.twin = folder
        for listener in self._listeners:
            listener()
        self.changed()

    def go(self, stage: Stage) -> None:
        """Show a tab."""
        self.session.stage = stage
        self.changed()
        self.save()

    def start(
        self,
        title: str,
        verb: str,
        arguments: Mapping[str, Any],
        done: Callable[[Any], None],
        subject: str = "",
        failed: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """Begin a verb; refused while another one runs.

        Args:
            title: What is done, for people.
            verb: Of ``workbench.verbs``.
            arguments: Of the verb.
            done: Called with its result.
            subject: Source or twin that it is about.
            failed: Called with its error; a problem card with a button to try again otherwise.
        """
        if self.activity is not None:
            return

        def again() -> None:
            self.start(title, verb, arguments, done, subject, failed)

        def show(error: Mapping[str, str]) -> None:
            self.fail(problem_of(error, subject, Action("Try again", again, icon="redo")))

        self.problem, self.message = None, ""
        task = self._make_task(verb, arguments)
        self.activity, self._shown = Activity(title, verb, subject, task, done, failed or show), False
        self.changed()

    def cancel(self) -> None:
        """Stop what runs; what was there before stays."""
        if self.activity is not None:
            self.activity.task.cancel()

    def fail(self, problem: Problem) -> None:
        """Show a problem."""
        self.problem = problem
        self.changed()

    def dismiss(self) -> None:
        """Put the problem card away."""
        if self.problem is not None:
            self.problem = None
            self.changed()

    def say(self, message: str) -> None:
        """Show a short message at the foot of the window."""
        self.message = message
        self.changed()

    def poll(self) -> bool:
        """Look at what runs; call it regularly from the window's thread.

        Returns:
            True when there is something new to show besides the progress.
        """
        before = self.revision
        activity = self.activity
        if activity is not None:
            if activity.shown and not self._shown:
                self._shown = True
                self.changed()
            state = activity.task.state
            if state.finished:
                self.activity = None
                self.changed()
                if state.status == "done":
                    activity.done(state.result)
                elif state.status == "failed":
                    activity.failed(state.error or {})
                else:
                    self.message = f"{activity.title} was cancelled. Nothing was changed."
                self.save()
        self.live.poll()
        return self.revision != before

    def save(self) -> None:
        """Keep the session; where it cannot be written, the foot of the window says so and work goes on."""
        if self._path is None:
            return
        try:
            sessions.save(self.session, self._path)
        except OutputError as error:
            self.say(f"What you set is not remembered: {error.message}")

    def release(self) -> None:
        """End everything that runs."""
        self.cancel()
        self.live.release()
        self.save()
