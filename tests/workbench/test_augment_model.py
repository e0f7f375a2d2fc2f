"""The third tab: the spec without TOML, one member to see, a set to have, stepping through it."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from physicl_twin.augment.spec import read_spec
from physicl_twin.model import (
    CameraState,
    InstanceState,
    LightState,
    LookState,
    Pose,
    Support,
    SurfaceState,
    Variation,
    to_json,
)
from physicl_twin.workbench import knobs as spec_knobs
from physicl_twin.workbench.member_view import member_lines
from physicl_twin.workbench.set_view import read_set_view
from tests.usd import twins
from tests.workbench.fakes import Desk, certificate, set_on_disk, twin_on_disk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    made.work.go("augment")
    return made


def facts(**rest: object) -> dict:
    """What the worker says of a member."""
    surface = SurfaceState("steel_carbon", 0.5, 0.4, 0.3)
    one = InstanceState("a_1", "assembly", Pose((0.1, 0.2, 0.03)), 1.0, 1.021, (surface,), (LookState("paint"),))
    light = LightState(357.0, 6940.0, 2670.0, 3690.0, -2.97, 1.33)
    variation = Variation(3, (one,), light, CameraState(Pose((0.0, -0.24, 0.59)), 25.5), "a_1", 0.25)
    support = Support("bin", (0.3, 0.2, 0.1), 0.01, 0.401, 0.352, 0.136)
    return {"variation": to_json(variation), "support": to_json(support), "masses_kg": {"a_1": 0.32}, "rest": rest}


# Knobs.


def test_every_property_of_the_shipped_spec_is_a_knob_with_a_title_and_a_reason(desk: Desk) -> None:
    spec = desk.work.augment.spec
    shipped = tomllib.loads(Path("config/randomization/default.toml").read_text(encoding="utf-8"))
    wanted = {f"{table}.{name}" for table, values in shipped.items() if isinstance(values, dict) for name in values}
    assert {knob.key for knob in spec.knobs} == wanted
    assert all(knob.title and knob.why and knob.text for knob in spec.knobs)
    assert sum(len(found) for _, found in spec.groups) == len(wanted)
    assert not any(knob.changed for knob in spec.knobs)
    assert spec.knob("scene.static_friction").text == "0.35 – 0.6"
    assert spec.knob("object.density").text == "as the estimate"
    assert spec.knob("look.hue_deg").text == "0 ± 6°"
    assert spec.knob("scene.support").text == "a bin" and len(spec.knob("scene.support").options) == 2


@pytest.mark.parametrize(
    ("key", "field", "text", "value"),
    [
        ("scene.static_friction", "from", "0.4", {"uniform": [0.4, 0.6]}),
        ("light.dome_nits", "to", "2000", {"log_uniform": [300.0, 2000.0]}),
        ("look.hue_deg", "spread", "3", {"normal": [0.0, 3.0]}),
        ("object.friction", "width", "0.5", {"posterior": 0.5}),
        ("scene.objects", "value", "5", 5),
        ("scene.size_m", "length", "0.4", None),
        ("scene.support", "value", "plane", "plane"),
        ("occlusion.range", "to", "0.5", [0.0, 0.5]),
        ("camera.azimuth_deg", "from", "\u221290", {"uniform": [-90.0, 180.0]}),
    ],
)
def test_a_typed_value_is_read_as_the_verb_will_read_it(
    desk: Desk, key: str, field: str, text: str, value: object
) -> None:
    spec = desk.work.augment.spec
    if key == "scene.size_m":
        assert not spec.set_value(key, text, field), "length without width is refused"
        assert desk.work.bench.problem is not None and "length and width" in desk.work.bench.problem.hint
        return
    assert spec.set_value(key, text, field), desk.work.bench.problem
    assert spec.knob(key).changed and spec.edited and spec.selected == key
    table, name = key.split(".")
    assert read_spec(spec.written()).raw[table][name] == value
    spec.reset(key)
    assert not spec.edited and not spec.knob(key).changed


@pytest.mark.parametrize(
    ("key", "field", "text"),
    [
        ("scene.static_friction", "from", "lots"),
        ("scene.static_friction", "from", ""),
        ("scene.static_friction", "from", "nan"),
        ("scene.static_friction", "from", "7"),
        ("scene.static_friction", "to", "9"),
        ("object.density", "width", "-1"),
        ("settle.retries", "value", "2.5"),
        ("scene.support", "value", "sofa"),
        ("occlusion.range", "from", "2"),
    ],
)
def test_what_the_spec_refuses_is_a_card_and_changes_nothing(desk: Desk, key: str, field: str, text: str) -> None:
    spec = desk.work.augment.spec
    before = spec.knob(key)
    assert not spec.set_value(key, text, field)
    problem = desk.work.bench.problem
    assert problem is not None and problem.title and problem.hint and problem.subject == before.title
    assert "spec.toml" not in problem.title, "nobody wrote that file"
    assert spec.knob(key) == before and not spec.edited


def test_a_property_is_held_at_its_middle_and_varied_again_as_before(desk: Desk) -> None:
    spec = desk.work.augment.spec
    spec.set_value("scene.static_friction", "0.45", "from")
    assert spec.vary("scene.static_friction", False)
    assert spec.knob("scene.static_friction").text == "0.525" and not spec.knob("scene.static_friction").on
    assert spec.vary("scene.static_friction", True)
    assert spec.knob("scene.static_friction").text == "0.45 – 0.6"
    assert spec.vary("object.density", False) and spec.knob("object.density").text == "the best estimate"
    assert spec.vary("object.density", True) and not spec.knob("object.density").changed
    assert spec.vary("object.scale", True) and spec.knob("object.scale").text == "0.9 – 1.1 ×"
    assert spec.vary("scene.left_out", True) and spec.knob("scene.left_out").text == "0 (50 %), 1 (50 %)"


def test_every_knob_that_can_vary_can_be_held_and_varied(desk: Desk) -> None:
    spec = desk.work.augment.spec
    for knob in spec.knobs:
        if knob.can_vary:
            assert spec.vary(knob.key, not knob.on), (knob.key, desk.work.bench.problem)
            assert spec.knob(knob.key).on is not knob.on
            assert spec.vary(knob.key, knob.on), knob.key
            assert spec.knob(knob.key).on is knob.on
    read_spec(spec.written())


def test_a_choice_with_weights_is_edited_value_by_value() -> None:
    value = {"choice": [0, 1, 2], "weights": [2, 1, 1]}
    assert spec_knobs.edited("scene.left_out", value, "values", "0, 1") == {"choice": [0.0, 1.0]}
    assert spec_knobs.edited("scene.left_out", value, "weights", "1 1 2")["weights"] == [1.0, 1.0, 2.0]


def test_a_file_of_the_users_is_the_base_and_its_twins_stay(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    path = tmp_path / "bin.toml"
    path.write_text(
        'schema_version = 1\n[scene]\nobjects = 3\n[twin."größe".look]\nhue_deg = { uniform = [-9, 9] }\n', "utf-8"
    )
    model.spec.set_value("scene.fill", "0.5")
    assert model.spec.use_file(str(path))
    assert model.spec.knob("scene.objects").text == "3" and not model.spec.edited
    assert model.spec.own_twins == ("größe",)
    model.spec.set_value("scene.wall_m", "0.02")
    saved = tmp_path / "saved.toml"
    assert model.spec.save(str(saved))
    raw = read_spec(saved).raw
    assert (raw["scene"]["objects"], raw["scene"]["wall_m"], raw["scene"]["fill"]) == (3, 0.02, 0.6)
    assert raw["twin"] == {"größe": {"look": {"hue_deg": {"uniform": [-9, 9]}}}}
    desk.work.release()
    again = Desk(tmp_path).work.augment
    assert again.spec.file == str(path) and again.spec.knob("scene.wall_m").changed
    again.spec.use_shipped()
    assert again.spec.file == "" and again.spec.knob("scene.objects").text == "0"


def test_a_file_that_is_refused_says_line_and_fix(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "bin.toml"
    path.write_text("schema_version = 1\n[scene]\nobject = 3\n", "utf-8")
    for file in (path, tmp_path / "none.toml"):
        assert not desk.work.augment.spec.use_file(str(file))
        problem = desk.work.bench.problem
        assert problem is not None and file.name in problem.title and problem.hint and problem.action is not None
    desk.work.augment.spec.use_file(str(path))
    problem = desk.work.bench.problem
    assert problem is not None and "line 3" in problem.title and "objects" in problem.hint
    assert desk.work.augment.spec.file == ""


def test_a_kept_file_that_is_gone_or_edits_that_are_damaged_cost_only_themselves(desk: Desk, tmp_path: Path) -> None:
    desk.work.augment.set_count("7")
    kept = desk.work.bench.session
    kept.keep("augment", "file", str(tmp_path / "gone.toml"))
    kept.keep("augment", "edits", {"scene.fill": "much", "no.such": 1})
    desk.work.release()
    again = Desk(tmp_path).work.augment
    assert again.spec.file == "" and not again.spec.edited and again.count == 7


# Which twins, how many, where to.


def test_the_twin_in_view_takes_part_unless_others_are_chosen(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    first = desk.work.bench.session.twin
    bad = certificate("single", failed=True)
    second = str(twin_on_disk(tmp_path / "out" / "twins", twins.single(), proof=bad))
    desk.work.bench.session.source_of[second] = "block.step"
    assert [(twin.title, twin.chosen, twin.word) for twin in model.twins] == [
        (Path(first).name, True, "passed"),
        (Path(second).name, False, "failed its validation"),
    ]
    assert model.name == f"{Path(first).name}_set"
    model.toggle_twin(second)
    assert model.chosen == (first, second) and model.name == "scene"
    model.toggle_twin(first)
    model.toggle_twin(second)
    assert model.chosen == (second,), "one always takes part"
    desk.work.bench.set_twin(first)
    assert model.chosen == (first,), "a choice of one follows the twin in view"


@pytest.mark.parametrize("text", ["", "0", "-3", "1.5", "many", "99999999999"])
def test_a_count_that_is_none_is_refused(desk: Desk, text: str) -> None:
    assert not desk.work.augment.set_count(text)
    assert desk.work.bench.problem is not None and desk.work.augment.count == 20


def test_seed_name_and_count_are_remembered(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    assert model.set_seed("42") and model.set_count("1 000") and model.set_name("bin_7")
    for wrong in ("../evil", "a/b", ".", "x" * 80, "a b"):
        assert not model.set_name(wrong)
    desk.work.release()
    again = Desk(tmp_path).work.augment
    assert (again.seed, again.count, again.name) == (42, 1000, "bin_7")
    assert again.folder == str(tmp_path / "out" / "sets" / "bin_7")
    assert again.set_name("") and again.name == "assembly_set"


# Making.


def test_a_set_is_made_with_the_spec_beside_it_and_then_shown(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    model.spec.set_value("scene.objects", "5")
    model.set_count("4")
    model.set_seed("7")
    assert model.primary.label == "Generate 4 variations"
    model.primary.run()
    said = desk.tasks.said
    assert desk.tasks.verbs == ["augment"] and model.generating and not model.primary.enabled
    assert said["twins"] == list(model.chosen) and (said["count"], said["seed"], said["force"]) == (4, 7, False)
    assert read_spec(Path(said["spec"])).raw["scene"]["objects"] == 5
    folder = set_on_disk(tmp_path / "out" / "sets", model.name, spec=model.spec.raw)
    assert str(folder) == said["out"] == model.folder
    desk.finish({"set": str(folder), "accepted": 3, "count": 4, "notes": []})
    assert "3 of 4 variations accepted" in desk.work.bench.message
    assert model.members.place == "1 of 3" and not model.members.is_preview
    cards = {card.title: card for card in model.cards}
    assert (cards["variations"].value, cards["rejected draws"].value) == ("3 of 4", "7 of 10")
    assert model.done and model.primary.label == "Validate"
    lines = model.members.results
    assert lines[0].text == "given up: 2" and lines[1].text.startswith("5 × colliders overlapped")
    assert [title for title, _ in model.members.files] == ["coverage report", "base scene"]
    model.set_count("5")
    assert not model.done and model.primary.label == "Generate 5 variations"


def test_the_folder_of_another_set_is_left_alone_and_a_free_name_offered(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    set_on_disk(tmp_path / "out" / "sets", "assembly_set_2")
    model.generate()
    desk.fail("output_of_another_set", "It holds a set that was made otherwise.")
    problem = desk.work.bench.problem
    assert problem is not None and problem.action is not None and problem.action.label == "Make it as assembly_set_3"
    problem.action.run()
    assert desk.tasks.said["out"].endswith("assembly_set_3")


def test_a_twin_that_failed_can_be_used_anyway(desk: Desk) -> None:
    desk.work.augment.generate()
    desk.fail("twin_failed_validation", "It did not pass.", "--force takes it all the same.")
    problem = desk.work.bench.problem
    assert problem is not None and problem.action is not None and problem.action.label == "Use it anyway"
    problem.action.run()
    assert desk.tasks.said["force"] is True


def test_a_spec_that_nothing_satisfies_shows_why_and_goes_back_to_the_shipped_one(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    model.spec.set_value("settle.penetration_m", "1e-6")
    model.generate()
    set_on_disk(tmp_path / "out" / "sets", model.name, members=(), rejected=[0, 1], rejected_draws={"penetration": 18})
    desk.fail("spec_unsatisfiable", "No variation was accepted.")
    problem = desk.work.bench.problem
    assert problem is not None and problem.action is not None and problem.action.label == "Use the shipped spec"
    assert model.members.member is None and "18 × colliders overlapped" in model.members.results[1].text
    assert model.cards[0].tone == "stop"
    problem.action.run()
    assert not model.spec.edited


def test_a_cancelled_set_can_be_gone_on_with(desk: Desk) -> None:
    model = desk.work.augment
    model.generate()
    desk.work.bench.cancel()
    desk.work.poll()
    assert "cancelled" in desk.work.bench.message and model.primary.enabled and not model.done
    model.primary.run()
    assert desk.tasks.verbs == ["augment", "augment"]


def test_an_output_folder_that_cannot_be_made_is_a_card(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "out" / "sets").write_text("in the way")
    desk.work.augment.generate()
    assert desk.tasks.calls == [] and desk.work.bench.problem is not None


def test_a_twin_whose_folder_was_removed_is_told(desk: Desk) -> None:
    shutil.rmtree(desk.work.bench.session.twin)
    for start in (desk.work.augment.generate, desk.work.augment.preview):
        desk.work.bench.dismiss()
        start()
        assert desk.work.bench.problem is not None and desk.work.bench.problem.code == "twin_not_found"
    assert desk.tasks.calls == []


def test_a_preview_is_shown_but_is_no_set_to_keep(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.augment
    model.set_seed("3")
    model.secondary.run()
    said = desk.tasks.said
    assert desk.tasks.verbs == ["member_preview"] and model.previewing and said["seed"] == 3
    assert not said["out"].startswith(str(tmp_path / "out"))
    folder = set_on_disk(tmp_path / "scratch", "preview", members=(0,))
    desk.finish({"set": str(folder), "notes": ["One weighs much more than another."]})
    assert model.members.is_preview and model.members.place == "1 of 1" and model.members.files == ()
    assert model.cards[0].caption == "to be made" and not model.done
    assert desk.work.bench.message == "One weighs much more than another."
    desk.work.bench.set_twin(desk.work.bench.session.twin)
    assert model.members.shown is None, "the preview of another version is put away"


def test_without_a_twin_the_way_leads_to_a_source(tmp_path: Path) -> None:
    model = Desk(tmp_path).work.augment
    assert model.cards == () and model.twins == () and model.primary.label == "Choose a source"
    assert model.secondary is None and not model.preview_action.enabled
    model.preview()
    model.generate()
    assert model.members.shown is None


# Stepping through.


def test_members_are_drawn_one_at_a_time_the_last_one_wanted(desk: Desk, tmp_path: Path) -> None:
    members = desk.work.augment.members
    members.show_set(str(set_on_disk(tmp_path, members=(0, 1, 3))))
    members.step(1)
    members.step(1)
    members.step(1)
    assert members.member == 3 and members.drawing
    assert desk.live.operations() == ["member"], "the first one is under way"
    desk.live.answer(facts(), (8, 6))
    assert members.pixels == b"" and desk.live.asked[-1][1]["index"] == 3
    desk.live.answer(facts(), (8, 6))
    assert len(members.pixels) == 4 * 8 * 6 and not members.drawing and members.lines
    members.step(-9)
    assert members.member == 0


def test_a_member_is_found_by_its_number_or_said_to_be_given_up(desk: Desk, tmp_path: Path) -> None:
    members = desk.work.augment.members
    assert not members.go_to("1")
    members.show_set(str(set_on_disk(tmp_path, members=(0, 1, 3))))
    assert members.go_to(" 3 ") and members.place == "3 of 3"
    assert not members.go_to("2")
    assert desk.work.bench.problem is not None and desk.work.bench.problem.title == "Variation 2 was given up."
    for words in ("9", "", "x", "-1"):
        assert not members.go_to(words) and members.member == 3
    assert "from 0 to 3" in desk.work.bench.problem.hint


def test_a_member_that_cannot_be_read_is_a_card_that_tries_again(desk: Desk, tmp_path: Path) -> None:
    members = desk.work.augment.members
    members.show_set(str(set_on_disk(tmp_path)))
    desk.live.answer(error={"code": "set_invalid", "message": "It is damaged.", "hint": "Make the set again."})
    problem = desk.work.bench.problem
    assert problem is not None and problem.subject == "variation 0" and problem.action is not None
    assert not members.drawing and members.lines == ()
    problem.action.run()
    assert desk.live.operations() == ["member"]


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"schema_version": 9}', '{"schema_version": 1, "name": "a"}'])
def test_a_damaged_set_is_a_card(desk: Desk, tmp_path: Path, text: str | None) -> None:
    folder = set_on_disk(tmp_path)
    if text is None:
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text(text)
    desk.work.augment.members.show_set(str(folder))
    assert desk.work.augment.members.shown is None
    assert desk.work.bench.problem is not None and desk.work.bench.problem.hint


def test_the_set_in_view_is_there_again_after_a_restart(desk: Desk, tmp_path: Path) -> None:
    folder = set_on_disk(tmp_path / "out" / "sets")
    assert desk.work.augment.members.sets == (str(folder),)
    desk.work.augment.members.show_set(str(folder))
    desk.work.release()
    again = Desk(tmp_path)
    assert again.work.augment.members.place == "1 of 3"
    again.work.release()
    shutil.rmtree(folder)
    assert Desk(tmp_path).work.augment.members.shown is None


def test_the_lines_of_a_member_say_what_was_drawn_and_what_was_not_varied() -> None:
    spec = read_spec().raw
    rest = {"attempts": 3, "reasons": ["penetration", "penetration"], "settle_s": 2.25, "moved_m": 1.3e-5}
    rest |= {"turned_deg": 0.0069, "overlap_m": 1.6e-5}
    lines = {line.text: line for line in member_lines(facts(**rest), spec)}
    assert lines["a_1"].detail == "0.32 kg (+2.1 %) · µs 0.5, µk 0.4" and lines["a_1"].word == "drawn"
    assert lines["a_1 lies"].detail == "at 0.100, 0.200, 0.030 m · 1 look changed"
    assert lines["surface of the support"].detail == "µs 0.401, µk 0.352, restitution 0.136"
    assert lines["lamp"].detail == "2 670 nit, 3 690 K, from −170°, 76° high".replace(" 670", "\u202f670").replace(
        " 690", "\u202f690"
    )
    assert lines["hidden"].detail == "25 % of a_1"
    assert lines["at rest"].word == "accepted" and "13 µm" in lines["at rest"].detail
    assert lines["draw 3 was accepted"].detail == "before: colliders overlapped too deeply"
    held = spec_knobs.with_values(spec, {"camera.focal_length_mm": 24.0, "camera.distance": 1.5})
    held = spec_knobs.with_values(held, {"camera.azimuth_deg": 0.0, "camera.elevation_deg": 60.0})
    lines = {line.text: line for line in member_lines(facts(), held)}
    assert lines["camera"].word == "not varied" and "at rest" not in lines


def test_an_incomplete_set_says_so_first(tmp_path: Path) -> None:
    view = read_set_view(str(set_on_disk(tmp_path, complete=False)))
    assert view.lines()[0].tone == "stop"
