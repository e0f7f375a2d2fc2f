"""The second tab: edits follow at once, are marked until they are accepted, and can be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from physicl_twin.model import Estimate, to_json
from physicl_twin.workbench.normalize_model import NormalizeModel
from physicl_twin.workbench.restate import Statements, load_complete, restated
from tests.augment.families import twin_folder
from tests.usd import twins
from tests.workbench.fakes import Desk, twin_on_disk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    made.work.go("normalize")
    return made


def model_of(desk: Desk) -> NormalizeModel:
    return desk.work.normalize


def heavier(desk: Desk) -> dict:
    """The twin with its first part ten times as heavy."""
    twin = desk.work.normalize.twin
    assert twin is not None
    body = twin.bodies[0]
    mass = Estimate.normal(123.0, 1.0, "kg", "stated")
    parts = (replace(body.parts[0], mass=mass), *body.parts[1:])
    return to_json(replace(twin, bodies=(replace(body, parts=parts), *twin.bodies[1:])))


def test_the_twin_in_view_has_cards_and_a_row_a_part(desk: Desk) -> None:
    model = model_of(desk)
    assert [card.title for card in model.cards] == ["mass", "centre of mass", "units", "colliders", "SimReady"]
    assert [row.name for row in model.rows] == [part.name for part in twins.multi_part().parts]
    assert model.cards[-1].value == "sim-ready" and model.primary.label == "Validate"


def test_without_a_twin_the_way_leads_to_a_source(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    model = model_of(desk)
    assert model.cards == () and model.rows == () and model.why.startswith("Select a figure")
    desk.work.bench.session.stage = "normalize"
    model.primary.run()
    assert desk.work.stage == "ingest"


def test_an_edit_asks_the_live_worker_and_marks_what_changed(desk: Desk) -> None:
    model = model_of(desk)
    part = model.rows[0].name
    model.set_material(part, "steel_stainless_304")
    (operation, arguments, _) = desk.live.asked[-1]
    assert operation == "restate" and arguments["statements"]["materials"] == {part: "steel_stainless_304"}
    assert model.weighing and model.edited and not model.primary.enabled
    desk.live.answer(heavier(desk))
    assert not model.weighing and model.primary.enabled and model.primary.label == "Accept as version 2"
    assert [row.changed for row in model.rows] == [True] + [False] * (len(model.rows) - 1)
    assert model.rows[0].cells["mass"].changed and not model.rows[0].cells["friction"].changed
    assert model.cards[-1].value == "check again"
    assert model.changes == "1 part changed, not accepted yet"


def test_undo_takes_back_one_edit_discard_all(desk: Desk) -> None:
    model = model_of(desk)
    first, second = model.rows[0].name, model.rows[1].name
    model.set_material(first, "oak")
    model.set_material(second, "oak")
    model.undo()
    assert desk.live.asked[-1][1]["statements"]["materials"] == {first: "oak"}
    model.undo()
    assert not model.edited and not model.can_undo and not model.weighing
    model.set_material(first, "oak")
    model.set_mass("2 kg")
    model.discard()
    assert not model.edited and model.stated_mass == ""


def test_an_answer_to_an_edit_that_was_taken_back_changes_nothing(desk: Desk) -> None:
    model = model_of(desk)
    model.set_material(model.rows[0].name, "oak")
    model.undo()
    desk.live.answer(heavier(desk))
    assert not any(row.changed for row in model.rows)


def test_a_material_that_is_refused_is_taken_back_and_told(desk: Desk) -> None:
    model = model_of(desk)
    model.set_material(model.rows[0].name, "unobtainium")
    desk.live.answer(error={"code": "material_unknown", "message": "There is no unobtainium.", "hint": "Try steel."})
    assert not model.edited and desk.work.bench.problem is not None
    assert desk.work.bench.problem.title == "There is no unobtainium."


def test_a_mass_is_read_or_refused(desk: Desk) -> None:
    model = model_of(desk)
    assert not model.set_mass("much")
    assert desk.work.bench.problem is not None and not model.edited
    assert model.set_mass("0.603 kg")
    assert desk.work.bench.problem is None and model.stated_mass == "0.603 kg"
    assert model.set_mass("")
    assert model.stated_mass == "" and not model.edited
    part = model.rows[0].name
    assert model.set_mass("120 g", part)
    assert desk.live.asked[-1][1]["statements"]["masses"] == {part: "120 g"}
    assert (model.selected, model.column) == (part, "mass")


def test_accepting_makes_a_version_and_forgets_the_edits(desk: Desk, tmp_path: Path) -> None:
    model = model_of(desk)
    part = model.rows[0].name
    model.set_material(part, "oak")
    desk.live.answer(heavier(desk))
    model.primary.run()
    assert desk.tasks.verbs == ["accept"]
    assert desk.tasks.said["statements"] == {"materials": {part: "oak"}, "masses": {}, "joints": {}}
    folder = twin_on_disk(tmp_path / "out" / "twins", replace(twins.multi_part(), version=2))
    desk.finish({"twin": str(folder), "version": 2})
    assert model.twin is not None and model.twin.version == 2 and not model.edited
    assert "Version 2" in desk.work.bench.message


def test_a_failed_or_cancelled_accept_keeps_the_edits(desk: Desk) -> None:
    model = model_of(desk)
    model.set_material(model.rows[0].name, "oak")
    desk.live.answer(heavier(desk))
    model.accept()
    desk.fail("disk_full", "There is no room left.")
    assert model.edited and desk.work.bench.problem is not None
    model.accept()
    desk.work.bench.cancel()
    desk.work.poll()
    assert model.edited


def test_edits_are_offered_again_after_a_restart_of_the_same_version_only(desk: Desk, tmp_path: Path) -> None:
    part = model_of(desk).rows[0].name
    model_of(desk).set_material(part, "oak")
    desk.work.release()
    again = Desk(tmp_path)
    assert again.work.stage == "normalize" and again.work.normalize.edited
    assert ("restate", {part: "oak"}) in [
        (operation, arguments.get("statements", {}).get("materials")) for operation, arguments, _ in again.live.asked
    ]
    again.work.release()
    twin_on_disk(tmp_path / "out" / "twins", replace(twins.multi_part(), version=2))
    newer = Desk(tmp_path).work.normalize
    assert not newer.edited and not newer.can_undo
    newer.set_mass("2 kg")
    newer.undo()
    newer._bench.save()
    assert not Desk(tmp_path).work.normalize.can_undo, "what was taken back is nothing to undo"


def test_materials_are_found_by_word_grade_and_part_of_a_title(desk: Desk) -> None:
    model = model_of(desk)
    assert "steel_stainless_304" in [row_id for row_id, _ in model.search("1.4301")]
    assert all("wood" in title.lower() or "oak" in title.lower() for _, title in model.search("oak")[:1])
    assert len(model.search("")) > 50 and model.search("qqqqzz") == ()
    offered = model.materials_for(model.rows[0])
    assert offered[0] == ("", model.rows[0].material) and len({row_id for row_id, _ in offered}) == len(offered)


def test_the_reasons_of_the_selected_figure_are_shown_and_the_keyboard_moves(desk: Desk) -> None:
    model = model_of(desk)
    model.move(1)
    assert model.selected == model.rows[0].name
    model.move(1)
    model.move(1)
    model.move(99)
    assert model.selected == model.rows[-1].name
    model.select(model.rows[0].name, "density")
    assert "density" in model.why and "90 %" in model.why


def test_a_damaged_twin_is_a_card(desk: Desk) -> None:
    folder = Path(desk.work.bench.session.twin)
    (folder / "twin.json").write_text("{", encoding="utf-8")
    desk.work.bench.set_twin(str(folder))
    assert desk.work.normalize.twin is None
    assert desk.work.bench.problem is not None and "cannot be read" in desk.work.bench.problem.title


def test_a_missing_or_damaged_certificate_is_no_certificate(desk: Desk) -> None:
    path = Path(desk.work.bench.session.twin) / "certificate.json"
    for text in ("", "{}", "[1]", '{"checks": 3}'):
        path.write_text(text, encoding="utf-8")
        desk.work.normalize.read_certificate()
        assert desk.work.normalize.certificate is None
        assert desk.work.normalize.cards[-1].value == "not checked"


def test_a_twin_is_really_weighed_anew_and_keeps_its_colliders(tmp_path: Path) -> None:
    folder = twin_folder(tmp_path, twins.single())
    twin = load_complete(folder)
    (part,) = twin.parts
    # Its body's mass says that the source states it; without that, it follows from the material.
    twin = replace(twin, bodies=(replace(twin.bodies[0], mass_properties=None),))
    made = restated(folder, twin, Statements({part.name: "aluminium_6061"}, {}))
    after = made.bodies[0].mass
    assert after is not None and after.value == pytest.approx(0.06 * 0.04 * 0.02 * 2710, rel=1e-3)
    assert [c.collision for c in made.parts] == [c.collision for c in twin.parts]
    weighed = restated(folder, twin, Statements({}, {"*": "0.5000 kg"}))
    assert weighed.bodies[0].mass is not None and weighed.bodies[0].mass.value == pytest.approx(0.5, rel=1e-3)
