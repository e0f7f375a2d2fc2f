"""Members as Replicator calls: the same stage as by their layers, masses that fit, records that say it all."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines import engine
from physicl_twin.jobs.augment import AugmentOptions, augment
from physicl_twin.kit.replicator.calls import (
    SetActive,
    SetAttribute,
    attributes_of,
    carry_out,
    differences,
    layer_calls,
    mass_calls,
    member_calls,
    rebased,
)
from physicl_twin.kit.replicator.member import show, shown, use_layer
from physicl_twin.kit.replicator.nodes.OgnNextVariation import OgnNextVariation, Turns
from physicl_twin.kit.replicator.record import frame_record
from physicl_twin.kit.replicator.source import DrawnSpec, FinishedSet, kind_of_twin
from physicl_twin.model import PhysiclError, SourceError
from physicl_twin.usd.variation_set import member_path, read_member, read_set, support_of
from tests.augment.families import spec_file, twin_folder
from tests.kit.fake_kit import modules
from tests.usd import twins

COUNT = 4
SPEC = """
[scene]
objects = 3
left_out = { choice = [0, 1] }
[object]
friction = { uniform = [0.2, 0.9] }
density = { uniform = [0.5, 2.0] }
[look]
hue_deg = { uniform = [-180, 180] }
roughness = { uniform = [-0.2, 0.2] }
"""


@pytest.fixture(autouse=True)
def _alone():
    """Stages of one file share its layer: one that a failed call keeps alive must not show its edits in the next test."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    where = tmp_path_factory.mktemp("twins")
    return [twin_folder(where, twins.single()), twin_folder(where, twins.textured())]


@pytest.fixture(scope="module")
def made(folders, tmp_path_factory) -> Path:
    where = tmp_path_factory.mktemp("set")
    options = AugmentOptions(spec_file(where, SPEC), COUNT, 11, 1, report=False)
    record = augment(folders, where / "bin", options)
    assert record["accepted"] == COUNT
    return where / "bin"


def values(stage):
    """Every attribute of every prim that is there, and who is not."""
    return {
        str(attribute.GetPath()): attribute.Get()
        for prim in Usd.PrimRange.Stage(stage)
        for attribute in prim.GetAttributes()
    }


def assert_same_stage(one, other):
    mine, theirs = values(one), values(other)
    assert mine.keys() == theirs.keys()
    different = [path for path, value in mine.items() if value != theirs[path]]
    assert different == []


def test_calls_give_the_stage_that_the_layer_gives_whatever_was_shown_before(made):
    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))
    absent = set()
    for member in [*source.shared.members, *reversed(source.shared.members)]:
        calls = show(stage, source, member)
        absent |= {call.prim for call in calls if isinstance(call, SetActive) and not call.active}
        assert_same_stage(stage, Usd.Stage.Open(str(made / member_path(member))))
        assert shown(stage) == member
    assert absent, "no member lacks an object: the test shows less than it should"
    assert not stage.GetRootLayer().dirty, "the set's own files must stay as they are"


def test_layers_can_be_swapped_on_the_open_scene(made):
    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))
    for member in source.shared.members[:3]:
        use_layer(stage, source, member)
        assert_same_stage(stage, Usd.Stage.Open(str(made / member_path(member))))
        assert shown(stage) == member
    assert len([path for path in stage.GetSessionLayer().subLayerPaths if "variation_" in path]) == 1


def test_values_read_back_make_the_calls_of_the_layer(made):
    """From a Variation (drawn, settled, or read) to the very numbers that stand in the layer."""
    shared = read_set(made)
    kinds = {name: kind_of_twin(made / dict(shared.twins)[twin]) for name, twin in shared.instances}
    for member in shared.members:
        variation = read_member(made, shared, member)
        stage = Usd.Stage.Open(str(made / "scene.usda"))
        carry_out(stage, member_calls(variation, support_of(made, shared, member), kinds, scaled=False))
        calls = layer_calls(Sdf.Layer.FindOrOpen(str(made / member_path(member))))
        wrong = [
            call
            for call in attributes_of(calls)
            if not close(stage.GetAttributeAtPath(f"{call.prim}.{call.name}").Get(), call.value)
        ]
        assert wrong == []
        wanted = member_calls(variation, support_of(made, shared, member), kinds, scaled=False)
        assert switches(calls) == switches(wanted)


def switches(calls):
    return {(call.prim, call.active) for call in calls if isinstance(call, SetActive)}


def close(value, wanted):
    def flat(v):
        if hasattr(v, "GetReal"):
            turn = np.array([v.GetReal(), *v.GetImaginary()])
            return turn * np.sign(turn[np.argmax(np.abs(turn))])
        return np.atleast_1d(np.array(v, dtype=float))

    # A value read back went through single precision once more.
    return np.allclose(flat(value), flat(wanted), rtol=2e-6, atol=2e-7)


def test_mass_and_inertia_belong_together(made):
    """A member's bodies are those of its twins, only denser; and PhysX sees what was written."""
    source = FinishedSet(made)
    shared = source.shared
    stage = Usd.Stage.Open(str(source.scene))
    rest = {}
    for name, _ in shared.instances:
        api = UsdPhysics.MassAPI(stage.GetPrimAtPath(f"/World/objects/{name}"))
        rest[name] = (api.GetMassAttr().Get(), np.array(api.GetDiagonalInertiaAttr().Get()))
    factors = []
    for member in shared.members:
        show(stage, source, member)
        for name, _ in shared.instances:
            prim = stage.GetPrimAtPath(f"/World/objects/{name}")
            if not prim.IsActive():
                continue
            api = UsdPhysics.MassAPI(prim)
            factor = api.GetMassAttr().Get() / rest[name][0]
            factors.append(factor)
            np.testing.assert_allclose(np.array(api.GetDiagonalInertiaAttr().Get()), rest[name][1] * factor, rtol=1e-5)
    assert min(factors) < 0.9 < 1.2 < max(factors)


def test_scaled_mass_properties_are_those_of_a_larger_solid():
    """A steel cube of twice the edge: eight times the mass, 32 times the inertia."""
    edge, density = 0.1, 7850.0

    def cube(a):
        mass = density * a**3
        return mass, mass * a**2 / 6

    (mass, moment), (big, big_moment) = cube(edge), cube(2 * edge)
    weight, inertia = mass_calls("/World/cube", mass, (moment,) * 3, 1.0, 2.0)
    assert weight.value == pytest.approx(big)
    assert list(inertia.value) == pytest.approx([big_moment] * 3, rel=1e-6)


def test_a_shown_member_is_at_rest_in_physx(made, tmp_path):
    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))
    show(stage, source, source.shared.members[1])
    flat = tmp_path / "shown.usda"
    stage.Flatten().Export(str(flat))
    with engine("physx").open(flat) as scene:
        before = scene.poses()
        scene.step(1 / 60, 30)
        assert np.abs(scene.poses()[:, :3] - before[:, :3]).max() < 2e-3


def test_a_scene_that_is_referenced_elsewhere_takes_members_too(made):
    source = FinishedSet(made)
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.Xform.Define(stage, "/Factory/bin").GetPrim().GetReferences().AddReference(str(source.scene))
    member = source.shared.members[2]
    show(stage, source, member, root="/Factory/bin")
    alone = Usd.Stage.Open(str(made / member_path(member)))
    for call in attributes_of(source.calls(member)):
        moved = stage.GetAttributeAtPath(call.prim.replace("/World", "/Factory/bin") + f".{call.name}")
        assert moved.Get() == alone.GetAttributeAtPath(f"{call.prim}.{call.name}").Get()
    assert shown(stage, "/Factory/bin") == member
    assert rebased(source.calls(member), "/World") == source.calls(member)


def test_another_stage_is_refused_and_left_alone(made):
    source = FinishedSet(made)
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.Xform.Define(stage, "/World")
    before = stage.ExportToString()
    with pytest.raises(PhysiclError) as caught:
        show(stage, source, 0)
    assert caught.value.code == "call_without_prim"
    assert stage.ExportToString() == before
    assert stage.GetSessionLayer().ExportToString() == Usd.Stage.CreateInMemory().GetSessionLayer().ExportToString()


def test_values_that_somebody_overrules_are_not_passed_over_in_silence(made):
    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))

    def forgetful(stage, calls):
        carry_out(stage, [call for call in calls if getattr(call, "name", "") != "physics:mass"])

    with pytest.raises(PhysiclError, match="physics:mass") as caught:
        show(stage, source, source.shared.members[0], execute=forgetful)
    assert caught.value.code == "value_lost"


def test_the_order_is_a_matter_of_the_seed_alone(made):
    members = FinishedSet(made).shared.members
    straight = FinishedSet(made)
    assert [straight.number(turn) for turn in range(2 * COUNT)] == [*members, *members]
    shuffled = FinishedSet(made, "shuffled", 3)
    first = [shuffled.number(turn) for turn in range(3 * COUNT)]
    assert all(sorted(first[i : i + COUNT]) == list(members) for i in range(0, 3 * COUNT, COUNT))
    assert [FinishedSet(made, "shuffled", 3).number(turn) for turn in reversed(range(3 * COUNT))] == first[::-1]
    assert len({tuple(FinishedSet(made, "shuffled", seed).number(t) for t in range(COUNT)) for seed in range(8)}) > 3


def test_no_set_no_members(tmp_path, made):
    with pytest.raises(SourceError) as caught:
        FinishedSet(tmp_path).number(0)
    assert caught.value.code == "set_not_found"
    with pytest.raises(SourceError) as caught:
        FinishedSet(made).calls(999)
    assert caught.value.code == "variation_not_found"


def test_a_spec_drawn_on_the_spot_changes_values_and_moves_nothing(made, folders, tmp_path):
    spec = spec_file(tmp_path, SPEC)
    source = DrawnSpec(tuple(folders), spec, 11)
    stage = Usd.Stage.Open(str(made / "scene.usda"))
    poses = {p: v for p, v in values(stage).items() if "/objects/" in p and "xformOp:" in p}
    seen = []
    for turn in range(3):
        show(stage, source, source.number(turn))
        now = values(stage)
        assert all(now[path] == value for path, value in poses.items() if path in now)
        seen.append(tuple(v for p, v in sorted(now.items()) if p.endswith(("physics:mass", "colorTemperature"))))
    assert len(set(seen)) == 3
    # The same numbers as the settled set of that spec and seed: only where things lie is left out.
    settled = {(c.prim, c.name): c.value for c in attributes_of(FinishedSet(made).calls(0))}
    attempt = FinishedSet(made).facts(0)["attempt"]
    drawn = {(c.prim, c.name): c.value for c in attributes_of(source.calls(0))}
    if attempt == 0:
        for key in drawn.keys() & settled.keys():
            if key[1] in ("physics:mass", "inputs:intensity", "physics:staticFriction"):
                assert drawn[key] == pytest.approx(settled[key], rel=1e-6)


def test_a_frames_record_says_which_member_with_which_values_under_which_terms(made):
    source = FinishedSet(made)
    member = source.shared.members[-1]
    calls = source.calls(member)
    record = json.loads(json.dumps(frame_record(source, member, calls, "0007")))
    assert record["frame"] == "0007"
    assert record["variation"] == record["facts"]["variation"] == member
    assert record["facts"]["seed"] == "11"
    assert len(record["facts"]["spec_sha256"]) == 64
    assert {one["twin"] for one in record["licences"]} == {name for name, _ in source.shared.twins}
    assert all(one["licence"] for one in record["licences"])
    assert all(set(s) == {"name", "licence", "sha256"} for one in record["licences"] for s in one["sources"])
    # Put back onto the scene, the record alone gives the member's stage.
    stage = Usd.Stage.Open(str(source.scene))
    for prim in record["absent"]:
        stage.GetPrimAtPath(prim).SetActive(False)
    for prim, attributes in record["values"].items():
        for name, value in attributes.items():
            attribute = stage.GetAttributeAtPath(f"{prim}.{name}")
            wanted = next(c.value for c in attributes_of(calls) if (c.prim, c.name) == (prim, name))
            kind = type(wanted)
            attribute.Set(value if isinstance(value, float | int | str) else kind(*value))
    assert_same_stage(stage, Usd.Stage.Open(str(source.layer_path(member))))


class Database:
    """What OmniGraph hands to a node."""

    def __init__(self, **inputs):
        self.inputs, self.outputs, self.errors = SimpleNamespace(**inputs), SimpleNamespace(), []

    def log_error(self, text):
        self.errors.append(text)


def test_the_node_shows_member_after_member(made):
    stage = Usd.Stage.Open(str(made / "scene.usda"))
    db, turns = Database(folder=str(made), order="shuffled", seed=5, first=0, root="/World"), Turns()
    seen = []
    for _ in range(COUNT + 1):
        assert OgnNextVariation.advance(db, turns, stage, carry_out)
        assert shown(stage) == db.outputs.variation
        seen.append(db.outputs.variation)
    assert seen == [FinishedSet(made, "shuffled", 5).number(turn) for turn in range(COUNT + 1)]
    resumed = Turns()
    db.inputs.first = 3
    OgnNextVariation.advance(db, resumed, stage, carry_out)
    assert db.outputs.variation == seen[3]
    db.inputs.folder = str(made / "nothing")
    assert not OgnNextVariation.advance(db, turns, stage, carry_out)
    assert (db.outputs.variation, db.errors) == (-1, [db.outputs.error])
    assert "nothing" in db.outputs.error


def test_the_nodes_definition_fits_its_code():
    where = Path(__file__).parents[2] / "physicl_twin/kit/replicator/nodes/OgnNextVariation"
    ((name, node),) = json.loads(where.with_suffix(".ogn").read_text()).items()
    from physicl_twin.kit.replicator import nodes

    assert f"physicl_twin.{name}" == node_type_of_the_randomizer()
    code = where.with_suffix(".py").read_text()
    assert Path(nodes.__file__).parent == where.parent
    for side in ("inputs", "outputs"):
        used = {part.split("(")[0].split(".")[0] for part in words_after(code, f"db.{side}.")}
        assert used <= set(node[side]), (side, used)
        assert set(node[side]) - used <= {"execIn"}
        assert all(attribute["description"] and attribute["type"] for attribute in node[side].values())
    definitions = json.loads((where.parent / node["categoryDefinitions"]).read_text())["categoryDefinitions"]
    assert node["categories"] in definitions
    assert (where.parent / node["icon"]).is_file()


def words_after(text, head):
    import re

    return re.findall(re.escape(head) + r"(\w+)", text)


def node_type_of_the_randomizer():
    source = (Path(__file__).parents[2] / "physicl_twin/kit/replicator/randomizer.py").read_text()
    return words_after(source, 'NODE = "')[0] + "." + source.split('NODE = "')[1].split('"')[0].split(".")[1]


def test_differences_name_what_is_wrong(made):
    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))
    calls = source.calls(source.shared.members[0])
    assert differences(stage, calls) != ()
    carry_out(stage, calls)
    assert differences(stage, calls) == ()
    stage.GetAttributeAtPath("/World/camera.focalLength").Set(1.0)
    (wrong,) = differences(stage, calls)
    assert wrong.startswith("/World/camera.focalLength is 1.0")


def test_an_attribute_that_is_missing_is_made():
    stage = Usd.Stage.CreateInMemory()
    stage.DefinePrim("/World", "Xform")
    carry_out(stage, [SetAttribute("/World", "physics:mass", "float", 2.5)])
    assert stage.GetAttributeAtPath("/World.physics:mass").Get() == 2.5


class FakeReplicator:
    """``rep`` as far as our code speaks to it; attributes are set as Replicator sets them."""

    def __init__(self):
        self.writers, self.calls, self.stage = {}, 0, None
        modify = SimpleNamespace(attribute=self.attribute)
        self.contents = {
            "Writer": object,
            "functional": SimpleNamespace(modify=modify),
            "annotators": SimpleNamespace(get=lambda name: name),
            "WriterRegistry": SimpleNamespace(get_writers=lambda: self.writers),
            "writers": SimpleNamespace(
                register_writer=lambda made: self.writers.setdefault(made.__name__, made),
                unregister_writer=lambda name: self.writers.pop(name),
                get=lambda name: self.writers[name].__new__(self.writers[name]),
            ),
        }

    def attribute(self, prims, name, values):
        self.calls += 1
        for prim, value in zip(prims, values, strict=True):
            prim.GetAttribute(name).Set(value)


@pytest.fixture
def rep(monkeypatch):
    fake = FakeReplicator()
    context = SimpleNamespace(get_stage=lambda: fake.stage)
    modules(
        monkeypatch,
        {
            "omni": {},
            "omni.usd": {"get_context": lambda: context},
            "omni.replicator": {},
            "omni.replicator.core": fake.contents,
        },
    )
    yield fake
    for name in ("apply", "writer"):
        sys.modules.pop(f"physicl_twin.kit.replicator.{name}", None)


def test_replicator_carries_out_a_member_with_a_call_an_attribute(made, rep):
    from physicl_twin.kit.replicator.apply import execute

    source = FinishedSet(made)
    stage = Usd.Stage.Open(str(source.scene))
    for member in source.shared.members:
        rep.calls = 0
        calls = show(stage, source, member, execute=execute)
        assert rep.calls == len({call.name for call in attributes_of(calls)})
        assert_same_stage(stage, Usd.Stage.Open(str(made / member_path(member))))


def test_the_writer_records_what_each_frame_shows(made, rep, tmp_path):
    from physicl_twin.kit.replicator import writer

    source = FinishedSet(made, "shuffled", 4)
    rep.stage = Usd.Stage.Open(str(source.scene))
    one = writer.make()
    assert writer.make().__class__ is one.__class__
    one.__init__(output_dir=str(tmp_path / "out"), set_folder=str(made))
    with pytest.raises(PhysiclError) as caught:
        one.write({})
    assert caught.value.code == "no_variation_shown"
    for frame in range(3):
        show(rep.stage, source, source.number(frame))
        one.write({})
    records = [json.loads(path.read_text()) for path in sorted((tmp_path / "out").glob("variation_*.json"))]
    assert [record["frame"] for record in records] == ["0000", "0001", "0002"]
    assert [record["variation"] for record in records] == [source.number(frame) for frame in range(3)]
    assert records[1] == frame_record(FinishedSet(made), source.number(1), source.calls(source.number(1)), "0001")
    writer.unregister()
    assert rep.writers == {}
