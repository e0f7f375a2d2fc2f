"""What a person does in the panel; each scene is run by ``desk`` in a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import omni.ui as ui
import psutil
from omni.ui import testing

from tests.ui.desk import Desk, tell

ROOT = Path(__file__).parents[2]
ESCAPE, ENTER = 27, 13


def _still_alive() -> list[psutil.Process]:
    """Children that do not go: one that was stopped takes its time, that it goes is what counts."""
    alive: list[psutil.Process] = psutil.wait_procs(psutil.Process().children(recursive=True), timeout=20)[1]
    return alive


async def five_clicks(folder: Path) -> None:
    """From an opened panel to a twin that is validated, dropped and exported: clicks alone, a picture of each tab."""
    desk = Desk(folder)
    tell("before", [desk.panel.visible, len(psutil.Process().children())])
    desk.panel.show()
    await desk.frames(8)
    await desk.picture("ingest_empty")
    await desk.click("try_sample")
    await desk.idle()
    tell("report", desk.texts())
    await desk.picture("ingest")
    desk.work.ingest.set_option("effort", "fast")
    await desk.click("primary")
    await desk.until(lambda: desk.shows("cancel"), "the cancel button")
    tell("building", desk.texts())
    await desk.idle()
    tell("normalize", desk.texts())
    view = desk.work.viewport
    before = (view.azimuth_deg, view.zoom, view.colliders)
    x, y = desk.middle("viewport")
    await testing.mouse_drag(x, y, x + 60, y + 10)
    await testing.mouse_scroll(x, y, 0, 1)
    await desk.click("colliders")
    await desk.idle()
    tell("turned", [before, (view.azimuth_deg, view.zoom, view.colliders)])
    await desk.click("colliders")
    await desk.click("first_view")
    await desk.idle()
    tell("passed", bool(desk.work.normalize.certificate and desk.work.normalize.certificate.passed))
    await desk.picture("normalize")
    await desk.click("primary")
    await desk.idle()
    await desk.click("drop")
    await desk.idle()
    await desk.until(lambda: not desk.work.validate.player.playing, "the end of the drop")
    await desk.idle()
    await desk.top()
    tell("validate", desk.texts())
    await desk.picture("validate")
    await desk.click("primary")
    await desk.click("primary")
    await desk.idle()
    tell("exports", [row.main for row in desk.work.deploy.targets if row.folder])
    await desk.picture("deploy")
    await desk.close()
    tell("after", len(_still_alive()))


async def edited(folder: Path, source: str) -> None:
    """A STEP file is picked, built, a material and a mass are stated, undone, and accepted."""
    desk = Desk(folder)
    desk.panel.show()
    desk.work.ingest.set_option("effort", "fast")
    await desk.click("choose_files")
    await desk.click("place_samples")
    await desk.click(f"file_{source}")
    tell("marked", desk.texts())
    await desk.click("take_files")
    await desk.idle()
    tell("report", desk.texts())
    await desk.click("primary")
    await desk.idle()
    model = desk.work.normalize
    first = model.rows[0].name
    tell("before", {row.name: row.cells["mass"].text for row in model.rows})
    await desk.click(f"mass_{first}")
    tell("why", model.why)
    await desk.type_into("material_search", "titanium", enter=False)
    hits = [widget.identifier for widget in desk.widgets() if widget.identifier.startswith("hit_")]
    tell("hits", hits)
    await desk.click(hits[0])
    await desk.until(lambda: not model.weighing, "the new mass")
    tell("after", {row.name: row.cells["mass"].text for row in model.rows})
    tell("changed", desk.texts())
    await desk.picture("edited")
    await desk.click("undo")
    await desk.until(lambda: not model.weighing, "the old mass")
    tell("undone", {row.name: row.cells["mass"].text for row in model.rows})
    second = model.rows[1].name
    await desk.type_into("whole_mass", "0.690 kg", enter=False)
    await desk.click(f"mass_{second}")  # leaves the field and is a click besides
    tell("selected", [model.selected, second])
    await desk.until(lambda: not model.weighing, "the stated mass")
    tell("weighed", [card.value for card in model.cards])
    await desk.click("primary")
    await desk.idle()
    tell("version", [desk.work.title, model.edited, bool(model.certificate and model.certificate.passed)])
    await desk.click("stage_ingest")
    await desk.close()
    again = Desk(folder)
    again.panel.show()
    await again.frames()
    tell("restored", [again.work.stage, again.work.title])
    await again.close()


async def variations(folder: Path, twin: str) -> None:
    """The spec is edited, one variation previewed, four made and stepped through."""
    desk = Desk(folder)
    desk.panel.show()
    desk.work.bench.set_twin(twin)
    await desk.click("stage_augment")
    await desk.idle()
    await desk.type_into("count", "4")
    await desk.type_into("field_scene.fill_value", "0.4")
    tell("fill", desk.work.augment.spec.raw["scene"]["fill"])
    await desk.type_into("field_scene.static_friction_to", "0.1.2")
    tell("refused", desk.texts())
    await testing.press_key(ESCAPE)
    await desk.frames()
    tell("dismissed", desk.work.bench.problem is None)
    await desk.click("secondary")
    await desk.idle()
    tell("preview", desk.work.augment.members.is_preview)
    await desk.click("primary")
    await desk.idle()
    tell("made", desk.texts())
    await desk.click("member_next")
    await desk.idle()
    await desk.until(lambda: not desk.work.augment.members.drawing, "the picture")
    await desk.top()
    tell("place", desk.work.augment.members.place)
    await desk.picture("augment")
    await desk.close()


async def widths(folder: Path, twin: str) -> None:
    """Every tab at the width of this window: nothing sticks out."""
    desk = Desk(folder)
    desk.panel.show()
    await desk.frames(6)
    found = {"empty": desk.outside()}
    desk.work.bench.set_twin(twin)
    for stage in ("normalize", "augment", "validate", "deploy"):
        await desk.click(f"stage_{stage}")
        await desk.idle()
        await desk.picture(stage)
        found[stage] = desk.outside()
    desk.work.bench.fail(_long_problem())
    await desk.frames(6)
    found["problem"] = desk.outside()
    await desk.picture("problem")
    tell("outside", found)
    await desk.close()


def _long_problem():  # type: ignore[no-untyped-def]
    from physicl_twin.workbench.cards import Action, Problem

    name = "a_very_long_name_of_a_file_that_somebody_exported_from_a_program_" * 3 + ".step"
    hint = "Do this, then that, and if it does not help, do something else that takes a while to explain."
    return Problem(
        f"{name} cannot be read.", name, hint, Action("Choose another", lambda: None, icon="folder"), "some_code"
    )


async def mistakes(folder: Path) -> None:
    """Sources that cannot be built, and a build that is cancelled: cards with a way out, nothing half-written."""
    desk = Desk(folder)
    desk.panel.show()
    await desk.frames()
    desk.panel._dropped(f"{folder}/nowhere.step\n")
    await desk.frames(6)
    tell("missing", desk.texts())
    await testing.press_key(ESCAPE)
    await desk.frames()
    broken = folder / "broken.step"
    broken.write_text("ISO-10303-21; this is not one")
    desk.panel._dropped(broken.as_uri())
    await desk.idle()
    tell("broken", desk.texts())
    await desk.picture("broken")
    await desk.click("problem_action")
    tell("way_out", desk.work.ingest.empty)
    sample = shutil.copy(ROOT / "data" / "samples" / "mallet.step", folder / "mallet two.step")
    desk.panel._dropped(str(sample))
    await desk.idle()
    await desk.click("primary")
    await desk.until(lambda: desk.shows("cancel"), "the cancel button")
    await desk.click("cancel")
    await desk.idle()
    tell("cancelled", desk.texts())
    tell("left", sorted(str(path.relative_to(folder)) for path in (folder / "out").rglob("*")))
    await desk.click("primary")
    await desk.until(lambda: desk.work.bench.activity is not None and desk.work.bench.activity.seconds > 2.5, "a build")
    await desk.close()
    tell("children", [str(child) for child in _still_alive()])
    tell("left_by_closing", sorted(str(path.relative_to(folder)) for path in (folder / "out").rglob("*")))


async def hidden(folder: Path) -> None:
    """A hidden window does nothing; one that is shown again goes on."""
    desk = Desk(folder)
    desk.panel.show()
    await desk.frames(6)
    ticker = desk.panel._ticker
    tell("ticking", ticker is not None and not ticker.done())
    desk.panel.hide()
    await desk.frames(6)
    tell("still", ticker is not None and ticker.done())
    desk.panel.show()
    await desk.frames(6)
    tell("again", desk.panel._ticker is not None and not desk.panel._ticker.done())
    tell("windows", ui.Workspace.get_window("Physicl Twin") is not None)
    await desk.close()
    await desk.close()


async def keys(folder: Path, twin: str) -> None:
    """What the keyboard reaches, by the numbers that the toolkit gives its keys."""
    desk = Desk(folder)
    desk.panel.show()
    desk.work.bench.set_twin(twin)
    await desk.frames()
    control, flag = 2, ui.Widget.FLAG_WANT_CAPTURE_KEYBOARD
    press = desk.panel._window.call_key_pressed_fn  # type: ignore[union-attr]
    seen = []
    for digit in "54321":
        press(ord(digit), control | flag, True)
        press(ord(digit), control | flag, False)
        await desk.frames()
        seen.append(desk.work.stage)
    tell("stages", seen)
    press(ord("2"), control | flag, True)
    await desk.frames()
    for _ in range(2):
        press(264, flag, True)
        await desk.frames()
    tell("row", [desk.work.normalize.selected, [row.name for row in desk.work.normalize.rows]])
    press(257, control | flag, True)
    await desk.frames()
    tell("primary", desk.work.stage)
    press(ord("O"), control | flag, True)
    await desk.frames()
    tell("files", desk.has("take_files"))
    await desk.click("stage_deploy")
    await desk.click("stage_ingest")
    tell("put_away", not desk.has("take_files"))
    press(ord("O"), control | flag, True)
    await desk.frames()
    await testing.press_key(ESCAPE)
    await desk.frames(6)
    tell("closed", not desk.has("take_files"))
    await desk.close()


async def joints_shown(folder: Path, twin: str, joint: str) -> None:
    """Joints are looked at, and one is moved by its slider."""
    desk = await _joints(folder, twin, joint)
    await desk.close()


async def _joints(folder: Path, twin: str, joint: str) -> Desk:
    desk = Desk(folder)
    desk.panel.show()
    desk.work.bench.set_twin(twin)
    await desk.click("stage_normalize")
    await desk.idle()
    tell("outside", desk.outside())
    tell("texts", desk.texts())
    await desk.picture("at_rest")
    await desk.click(f"joint_{joint}")
    tell("why", desk.work.joints.why)
    x, y = desk.middle(f"slide_{joint}")
    await testing.mouse_drag(x - 50, y, x + 40, y)
    await desk.frames(6)
    tell("dragged", desk.work.joints.fraction(joint))
    await desk.idle()
    await desk.top()
    await desk.picture("joints")
    return desk


async def joints(folder: Path, twin: str, joint: str) -> None:
    """Joints are looked at, moved by a slider, played, and limited otherwise."""
    desk = await _joints(folder, twin, joint)
    model = desk.work.joints
    await desk.click(f"play_{joint}")
    await desk.until(lambda: model.playing, "play")
    await desk.until(lambda: not model.playing, "the end of the play")
    tell("rests", not model.posed)
    await desk.click(f"joint_{joint}")
    await desk.type_into("joint_upper", "far away")
    await desk.until(lambda: desk.work.bench.problem is not None, "a problem")
    problem = desk.work.bench.problem
    tell("refused", problem.code if problem is not None else "")
    await testing.press_key(ESCAPE)
    await desk.frames()
    await desk.type_into("joint_upper", "75°")
    await desk.until(lambda: not desk.work.normalize.weighing, "the new limit")
    tell("range", model.row.cells["range"][0] if model.row is not None else "")
    tell("changes", desk.work.normalize.changes)
    await desk.picture("limited")
    await desk.click("undo")
    await desk.until(lambda: not desk.work.normalize.weighing, "undone")
    tell("edited", desk.work.normalize.edited)
    await desk.close()
