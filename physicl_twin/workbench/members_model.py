"""Stepping through a set of variations: one member at a time, its values and its picture."""

from __future__ import annotations

from pathlib import Path

from physicl_twin.model import PhysiclError
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.cards import Action, Line, Problem, problem_of
from physicl_twin.workbench.live import Answer
from physicl_twin.workbench.member_view import member_lines
from physicl_twin.workbench.set_view import SetView, read_set_view, sets_in
from physicl_twin.workbench.texts import name_of


class MembersModel:
    """The set in view, or a preview of one member.

    Args:
        bench: The shared state.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        #: The set that is stepped through; None before there is one.
        self.shown: SetView | None = None
        #: True when ``shown`` is a preview of one member, not a set to keep.
        self.is_preview = False
        #: Place in ``shown.members`` of the member in view.
        self.at = 0
        #: What was drawn for it, and how it came to rest.
        self.lines: tuple[Line, ...] = ()
        #: RGBA bytes and (width, height) of its picture; ``frame`` grows with each.
        self.pixels, self.size, self.frame = b"", (0, 0), 0
        #: True while the picture is due.
        self.drawing = False
        self._asked = False
        folder = bench.session.kept_value("augment", "set", "")
        if folder and (Path(folder) / "manifest.json").is_file():
            self._show(folder, preview=False)

    @property
    def sets(self) -> tuple[str, ...]:
        """Folders of the sets in the output folder, the latest first."""
        return sets_in(self._bench.session.out)

    def show_set(self, folder: str) -> None:
        """Step through a set."""
        self._bench.session.keep("augment", "set", folder)
        self._show(folder, preview=False)

    def show_preview(self, folder: str) -> None:
        """Show a set of one member that is not to be kept."""
        self._show(folder, preview=True)

    def put_away(self) -> None:
        """Show nothing."""
        self.shown, self.is_preview, self.at = None, False, 0
        self._clear()
        self._bench.changed()

    def _show(self, folder: str, *, preview: bool) -> None:
        self.put_away()
        try:
            self.shown = read_set_view(folder)
        except PhysiclError as error:
            self._bench.fail(problem_of(error.to_json(), name_of(folder)))
            return
        self.is_preview = preview
        self._draw()

    def _clear(self) -> None:
        self.pixels, self.size, self.drawing, self.lines = b"", (0, 0), False, ()
        self.frame += 1

    @property
    def member(self) -> int | None:
        """Number of the member in view; None without one."""
        return self.shown.members[self.at] if self.shown is not None and self.shown.members else None

    @property
    def place(self) -> str:
        """``3 of 20``; empty without a member."""
        return f"{self.at + 1} of {len(self.shown.members)}" if self.shown is not None and self.shown.members else ""

    def step(self, by: int) -> None:
        """The next member, or the one before; it stops at the ends."""
        if self.shown is not None and self.shown.members:
            self._turn_to(max(0, min(self.at + by, len(self.shown.members) - 1)))

    def go_to(self, text: str) -> bool:
        """The member of a number; False, and a card that says which there are, when it was not accepted."""
        if self.shown is None:
            return False
        words, members = text.strip(), self.shown.members
        if not words.isdecimal() or int(words) not in members:
            given_up = words.isdecimal() and int(words) in self.shown.rejected
            missing = f"There is no variation {words!r}."
            hint = f"There are {len(members)}, from {members[0]} to {members[-1]}." if members else "There is none."
            title = f"Variation {words} was given up." if given_up else missing
            self._bench.fail(Problem(title, self.shown.name, hint, code="variation_not_found"))
            return False
        self._bench.dismiss()
        self._turn_to(members.index(int(words)))
        return True

    def _turn_to(self, at: int) -> None:
        if at != self.at:
            self.at = at
            self._draw()

    def _draw(self) -> None:
        """Ask for the member in view; what is shown stays until the new one is there. One is drawn at a time."""
        shown, number = self.shown, self.member
        self._bench.changed()
        self.drawing = shown is not None and number is not None
        if shown is None or number is None or self._asked:
            return
        self._asked = True
        arguments = {"folder": shown.folder, "index": number}
        self._bench.live.ask("member", arguments, lambda answer: self._drawn(shown, number, answer))

    def _drawn(self, shown: SetView, number: int, answer: Answer) -> None:
        self._asked = False
        if shown is not self.shown or number != self.member:
            self._draw()  # stepped on since
            return
        if answer.error is not None:
            self._clear()
            again = Action("Try again", self._draw, icon="redo")
            self._bench.fail(problem_of(answer.error, f"variation {number}", again))
            return
        self.drawing = False
        self.pixels, self.size = answer.pixels, answer.size
        self.lines = member_lines(answer.result, shown.spec)
        self.frame += 1
        self._bench.changed()

    @property
    def results(self) -> tuple[Line, ...]:
        """Why draws of the set in view were rejected."""
        return self.shown.lines() if self.shown is not None else ()

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """(Title, path) of what the set in view has to open: coverage report, pictures, scene, table."""
        return self.shown.files if self.shown is not None and not self.is_preview else ()
