"""The first tab: sources come and go, the dry run follows, what came out of a build is taken on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from physicl_twin.model import silent
from physicl_twin.workbench.ingest_model import Sample
from physicl_twin.workbench.preview import preview
from physicl_twin.workbench.source_report import report_of
from tests.ingest.mesh_files import box, stl_binary
from tests.workbench.fakes import Desk, twin_on_disk


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    path = tmp_path / "crate_mm.stl"
    path.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def looked(path: Path) -> dict[str, Any]:
    """The dry run of a real file, without its picture."""
    return preview(sources=[str(path)], progress=silent)


def test_an_empty_panel_says_what_is_missing(desk: Desk) -> None:
    model = desk.work.ingest
    assert model.empty and not model.primary.enabled
    assert model.primary.why_not == "Drop or pick a source first."


def test_a_dropped_file_is_looked_at_and_told_in_cards(desk: Desk, crate: Path) -> None:
    model = desk.work.ingest
    model.add([crate.as_uri()])
    assert desk.tasks.verbs == ["preview"] and desk.tasks.said["sources"] == [str(crate)]
    assert model.looking and not model.primary.enabled
    desk.finish(looked(crate))
    report = model.report
    assert report is not None and report.error is None
    cards = {card.title: card for card in report.cards}
    assert cards["units"].value == "millimetres"
    assert cards["size"].value == "200 × 300 × 400 mm"
    assert cards["surface"].value == "watertight"
    assert model.primary.enabled


def test_a_source_that_is_not_there_is_a_card_and_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.work.ingest.add([str(tmp_path / "gone.step")])
    problem = desk.work.bench.problem
    assert problem is not None and problem.code == "file_not_found" and "gone.step" in problem.title
    assert desk.tasks.calls == [] and desk.work.ingest.empty


def test_a_file_without_geometry_says_why(desk: Desk, tmp_path: Path) -> None:
    empty = tmp_path / "empty.stl"
    empty.write_bytes(b"")
    model = desk.work.ingest
    model.add([str(empty)])
    desk.finish(looked(empty))
    problem = desk.work.bench.problem
    assert problem is not None and problem.hint and problem.action is not None
    assert not model.primary.enabled or not model.reports
    problem.action.run()
    assert model.empty


def test_a_folder_without_sources_says_so(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "readme.md").write_text("nothing here")
    desk.work.ingest.add([str(folder)])
    desk.finish(looked(folder))
    problem = desk.work.bench.problem
    assert problem is not None and problem.title == "Nothing here can be built."


def test_a_source_added_while_another_is_looked_at_is_looked_at_too(desk: Desk, crate: Path, tmp_path: Path) -> None:
    model = desk.work.ingest
    model.add([str(crate)])
    second = tmp_path / "second.stl"
    second.write_bytes(crate.read_bytes())
    model.add([str(second)])
    assert len(desk.tasks.calls) == 1
    desk.finish(looked(crate))
    assert len(desk.tasks.calls) == 2 and desk.tasks.said["sources"] == [str(crate), str(second)]


def test_sources_that_were_cleared_meanwhile_leave_no_report(desk: Desk, crate: Path) -> None:
    model = desk.work.ingest
    model.add([str(crate)])
    model.clear()
    desk.finish(looked(crate))
    assert model.reports == () and len(desk.tasks.calls) == 1


def test_units_up_axis_and_mass_look_again_the_licence_does_not(desk: Desk, crate: Path) -> None:
    model = desk.work.ingest
    model.add([str(crate)])
    desk.finish(looked(crate))
    model.set_option("licence", "CC0-1.0")
    assert len(desk.tasks.calls) == 1
    model.set_option("units", "cm")
    assert desk.tasks.said["units"] == "cm"
    desk.finish(looked(crate))
    model.set_option("units", "cm")
    assert len(desk.tasks.calls) == 2, "the same again is no change"


def test_a_worker_that_dies_while_looking_offers_another_source(desk: Desk, crate: Path) -> None:
    desk.work.ingest.add([str(crate)])
    desk.fail("worker_died", "The worker was killed.")
    problem = desk.work.bench.problem
    assert problem is not None and problem.title == "The worker was killed." and not desk.work.bench.busy
    assert problem.action is not None and problem.action.label == "Choose another"


def test_a_missing_reader_is_offered_to_be_installed(desk: Desk, crate: Path) -> None:
    desk.work.ingest.add([str(crate)])
    desk.fail("cad_not_installed", "The reader is missing.", "Run ./physicl.sh install cad.")
    problem = desk.work.bench.problem
    assert problem is not None and problem.action is not None
    problem.action.run()
    assert desk.tasks.calls[-1] == ("install", {"extra": "cad"})
    desk.finish({"extra": "cad"})
    assert desk.tasks.verbs[-1] == "preview", "then it is looked at again"


def test_a_build_takes_what_was_set_and_goes_on_to_the_twin(desk: Desk, crate: Path, tmp_path: Path) -> None:
    model = desk.work.ingest
    for name, value in (("units", "mm"), ("up", "z"), ("mass", "2 kg"), ("licence", "MIT"), ("effort", "precise")):
        model.set_option(name, value)
    model.add([str(crate)])
    desk.finish(looked(crate))
    model.primary.run()
    said = desk.tasks.said
    assert desk.tasks.verbs[-1] == "build"
    assert (said["units"], said["up"], said["mass"], said["licence"]) == ("mm", "z", "2 kg", "MIT")
    assert (said["fast"], said["precise"]) == (False, True)
    assert said["out"] == str(tmp_path / "out" / "twins")
    twin = twin_on_disk(tmp_path / "out" / "twins")
    desk.finish({"records": [{"source": "crate_mm.stl", "twin": str(twin), "error": None}]})
    session = desk.work.bench.session
    assert desk.work.stage == "normalize" and session.twin == str(twin)
    assert session.source_of == {str(twin): str(crate)} and session.recent == [str(crate)]
    assert model.empty and desk.work.normalize.twin is not None


def test_of_several_sources_the_good_ones_are_taken_and_the_bad_one_told(
    desk: Desk, crate: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.stl"
    bad.write_bytes(b"x")
    model = desk.work.ingest
    model.add([str(crate), str(bad)])
    desk.finish(looked(crate))
    model.build()
    twin = twin_on_disk(tmp_path / "out" / "twins")
    error = {"code": "file_damaged", "message": "It is damaged.", "hint": "Export it again."}
    desk.finish(
        {
            "records": [
                {"source": "crate_mm.stl", "twin": str(twin), "error": None},
                {"source": "bad.stl", "twin": None, "error": error},
            ]
        }
    )
    assert desk.work.bench.session.twin == str(twin)
    assert desk.work.bench.problem is not None and desk.work.bench.problem.subject == "bad.stl"


def test_a_cancelled_build_keeps_the_sources(desk: Desk, crate: Path) -> None:
    model = desk.work.ingest
    model.add([str(crate)])
    desk.finish(looked(crate))
    model.build()
    desk.work.bench.cancel()
    desk.work.poll()
    assert model.sources == (str(crate),) and model.primary.enabled
    assert "cancelled" in desk.work.bench.message


def test_the_sample_is_taken_with_one_click(tmp_path: Path, crate: Path) -> None:
    desk = Desk(tmp_path, Sample(str(crate), "Crate", "a box"))
    desk.work.ingest.try_sample()
    assert desk.tasks.said["sources"] == [str(crate)]


def test_the_report_of_a_source_that_cannot_be_read_says_the_error() -> None:
    error = {"code": "x", "message": "It is damaged.", "hint": "h"}
    assert report_of({"name": "a", "path": "/a", "error": error}).summary == "It is damaged."
    assert report_of({"name": "a", "path": "/a"}).summary == "not looked into"


def test_the_dry_run_of_several_kinds_of_badness(tmp_path: Path, crate: Path) -> None:
    (tmp_path / "text.stl").write_text("this is no mesh")
    result = preview(sources=[str(crate), str(tmp_path / "text.stl"), str(tmp_path / "none.obj")], progress=silent)
    errors = {record["name"]: record["error"] for record in result["sources"]}
    assert errors["crate_mm.stl"] is None
    assert errors["none.obj"]["code"] == "file_not_found"
    skipped = {item["name"] for item in result["skipped"]}
    assert "text.stl" in skipped or errors["text.stl"]["hint"]
