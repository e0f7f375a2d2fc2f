"""Units and axes from evidence, on hand-made evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.ingest import ReadOptions, read
from physicl_twin.ingest.class_sizes import find_class_size
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT, shipped_settings
from physicl_twin.ingest.raw import Claim
from physicl_twin.ingest.siblings import same_object_ratio
from physicl_twin.ingest.unit_text import claims_in_name, claims_in_text
from physicl_twin.ingest.units import UnitEvidence, decide_units
from physicl_twin.ingest.up_axis import decide_up_axis, stands
from physicl_twin.model import ConfigError, Evidence
from tests.ingest import mesh_files as files

SETTINGS = shipped_settings()


def codes(twin):
    return [n.code for n in twin.notes]


def claim(unit, reliability=0.95, metres=0.0):
    return Claim(unit, reliability, Evidence("source", f"The file says {unit}.", "part"), metres)


# Statements


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("SOLIDWORKS generated,length unit = millimeters", "mm"),
        ("exported UNITS=mm", "mm"),
        ("Units: inches", "in"),
        ("unit cm", "cm"),
        ("vertices in metres", "m"),
        ("Dimensions are in feet", "ft"),
        ("Einheit: mm", "mm"),
        ("uom = IN", "in"),
        ("written by OpenSCAD", "mm"),
    ],
)
def test_a_comment_states_a_unit(text, unit):
    assert [c.value for c in claims_in_text(text, "comment", SETTINGS)] == [unit]


@pytest.mark.parametrize(
    "text", ["", "a unit test model", "made in Germany", "community mesh 5 in a row", "solid cube", "unit cube"]
)
def test_a_comment_states_nothing(text):
    assert claims_in_text(text, "comment", SETTINGS) == ()


@pytest.mark.parametrize(("stem", "unit"), [("bracket_mm", "mm"), ("plate-inches", "in"), ("pipe (cm)", "cm")])
def test_a_file_name_states_a_unit(stem, unit):
    assert [c.value for c in claims_in_name(stem, SETTINGS)] == [unit]


@pytest.mark.parametrize("stem", ["comma", "gammon", "mm_to_cm", "plug_in", "hammer"])
def test_a_file_name_states_no_unit(stem):
    assert claims_in_name(stem, SETTINGS) == ()


# The decision


@pytest.mark.parametrize(
    ("format_id", "longest", "unit"),
    [
        ("stl", 120.0, "mm"),
        ("ply", 310.0, "mm"),
        ("obj", 0.21, "m"),
        ("obj", 0.085, "m"),
        ("stl", 45.0, "mm"),
        ("ply", 0.3, "m"),
    ],
)
def test_plain_sizes_decide(format_id, longest, unit):
    found = decide_units(UnitEvidence(format_id, (), longest), SETTINGS)
    assert found.decision.value == unit and found.decision.flags == ()
    assert found.metres_per_unit == METRES_PER_UNIT[unit]
    assert found.decision.probability + sum(p for _, p in found.decision.alternatives) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("format_id", "longest"), [("obj", 5.0), ("obj", 12.0), ("off", 8.0)])
def test_sizes_between_the_units_are_flagged(format_id, longest):
    found = decide_units(UnitEvidence(format_id, (), longest), SETTINGS)
    assert "ambiguous" in found.decision.flags
    note = next(n for n in found.notes if n.code == "units_ambiguous")
    assert note.severity == "warning" and "--units" in note.hint and found.decision.alternatives[0][0] in note.message


def test_a_class_word_resolves_what_size_alone_leaves_open():
    size = find_class_size(["claw_hammer_v2"])
    open_case = decide_units(UnitEvidence("obj", (), 12.0), SETTINGS).decision
    named = decide_units(UnitEvidence("obj", (), 12.0, size), SETTINGS).decision
    assert "ambiguous" in open_case.flags
    assert named.value == "in" and named.probability > open_case.probability
    assert any(e.source == "config/class_sizes.toml" for e in named.evidence)


@pytest.mark.parametrize(
    ("name", "word"),
    [("Cracker-Box", "cracker box"), ("measuringTape", "measuring tape"), ("Wooden_Chairs", "chair"), ("hammer_screw", "screw"),
     ("Große Schüssel", "schüssel")],
)  # fmt: skip
def test_class_words_are_found(name, word):
    assert find_class_size([name]).word == word


def test_no_class_word():
    assert find_class_size(["xr-3000", ""]) is None


def test_a_plausible_label_is_believed():
    found = decide_units(UnitEvidence("3mf", (claim("mm", 0.97),), 3.0), SETTINGS)
    assert found.decision.value == "mm"


def test_metres_labelled_millimetre_are_seen_through():
    """The trap of writers that leave the default label over metres: a 0.4 mm chair."""
    found = decide_units(UnitEvidence("3mf", (claim("mm", 0.97),), 0.4), SETTINGS)
    assert found.decision.value == "m"
    assert "unit_label_overruled" in [n.code for n in found.notes]


def test_millimetres_in_a_format_of_metres_are_seen_through():
    found = decide_units(UnitEvidence("glb", (claim("m", 0.9),), 350.0), SETTINGS)
    assert found.decision.value == "mm"
    assert "unit_label_overruled" in [n.code for n in found.notes]


def test_an_odd_unit_of_the_file_is_a_candidate():
    found = decide_units(UnitEvidence("dae", (claim("0.05 m", 0.95, 0.05),), 4.0), SETTINGS)
    assert found.decision.value == "0.05 m" and found.metres_per_unit == 0.05


def test_the_user_overrules_everything():
    evidence = UnitEvidence("3mf", (claim("mm", 0.999),), 100.0, stated="ft")
    found = decide_units(evidence, SETTINGS)
    assert (found.decision.value, found.decision.probability, found.metres_per_unit) == ("ft", 1.0, 0.3048)
    assert found.decision.evidence[0].kind == "user" and found.decision.flags == ()
    assert "unit_claim_overruled" in [n.code for n in found.notes]


def test_unusual_sizes_are_told_even_when_stated():
    assert "size_unusual" in [n.code for n in decide_units(UnitEvidence("stl", (), 1.0, stated="mm"), SETTINGS).notes]
    assert "size_unusual" in [n.code for n in decide_units(UnitEvidence("stl", (), 1000.0, stated="m"), SETTINGS).notes]
    assert decide_units(UnitEvidence("stl", (), 100.0, stated="mm"), SETTINGS).notes == ()


def test_a_unit_that_does_not_exist():
    with pytest.raises(ConfigError, match="parsec"):
        decide_units(UnitEvidence("stl", (), 1.0, stated="parsec"), SETTINGS)


@settings(max_examples=100, deadline=None)
@given(longest=st.floats(1e-9, 1e9), reliability=st.floats(0.0, 1.0), unit=st.sampled_from(sorted(METRES_PER_UNIT)))
def test_every_posterior_is_a_distribution(longest, reliability, unit):
    found = decide_units(UnitEvidence("ply", (claim(unit, reliability),), longest), SETTINGS).decision
    assert 0.0 < found.probability <= 1.0 + 1e-12
    assert all(found.probability >= p for _, p in found.alternatives)


@settings(max_examples=50, deadline=None)
@given(low=st.floats(0.5, 0.98), longest=st.floats(0.01, 1000))
def test_a_more_reliable_claim_is_believed_more(low, longest):
    def belief(r):
        d = decide_units(UnitEvidence("ply", (claim("cm", r),), longest), SETTINGS).decision
        return dict([(d.value, d.probability), *d.alternatives]).get("cm", 0.0)

    assert belief(low + 0.02) >= belief(low) - 1e-9


# Neighbours


def test_a_cloud_in_metres_decides_for_millimetres(tmp_path):
    points = np.random.default_rng(1).uniform(0, 1, (400, 3)) * [0.01, 0.016, 0.012]
    cloud = (
        "ply\nformat ascii 1.0\nelement vertex 400\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    )
    cloud += "\n".join(f"{p[0]} {p[1]} {p[2]}" for p in points)
    mesh = files.obj(files.box((10.0, 16.0, 12.0)))
    alone = read(files.write(tmp_path / "a", "gizmo.obj", mesh))
    assert "ambiguous" in alone.frame.units.flags
    files.write(tmp_path / "b", "gizmo_points.ply", cloud.encode())
    beside = read(files.write(tmp_path / "b", "gizmo.obj", mesh))
    assert beside.frame.units.value == "mm" and beside.frame.units.probability > 0.95
    assert "gizmo_points.ply" in beside.frame.units.evidence[0].source


def test_a_neighbour_that_states_its_unit_decides(tmp_path):
    shape = np.array((5.0, 8.0, 6.0))
    files.write(tmp_path, "gizmo.dae", files.dae(files.box(shape), metres=0.0254))
    twin = read(files.write(tmp_path, "gizmo.obj", files.obj(files.box(shape))))
    assert twin.frame.units.value == "in" and twin.frame.units.flags == ()


def test_another_object_is_no_witness(tmp_path):
    files.write(tmp_path, "other.ply", files.ply(files.box((0.01, 0.016, 0.033)), comments=("length unit = m",)))
    twin = read(files.write(tmp_path, "gizmo.obj", files.obj(files.box((10.0, 16.0, 12.0)))))
    assert all("other" not in e.source for e in twin.frame.units.evidence)


def test_a_neighbour_of_equal_proportions_but_no_common_unit_is_no_witness(tmp_path):
    files.write(tmp_path, "other.3mf", files.threemf(files.box((2, 3, 4)), unit="inch"))
    units = read(files.write(tmp_path, "gizmo.dae", files.dae(files.box((20, 30, 40)), metres=0.01))).frame.units
    assert (units.value, units.flags) == ("cm", ())


def test_a_broken_neighbour_does_not_hurt(tmp_path):
    files.write(tmp_path, "gizmo_2.stl", files.stl_binary(files.box())[:200])
    assert read(files.write(tmp_path, "gizmo.stl", files.stl_binary(files.box((20, 30, 40))))).frame.units.value == "mm"


@settings(max_examples=50, deadline=None)
@given(
    size=st.tuples(*[st.floats(0.1, 10)] * 3),
    ratio=st.sampled_from([1.0, 10.0, 25.4, 1000.0, 0.001, 1 / 12]),
    turn=st.permutations([0, 1, 2]),
)
def test_the_ratio_of_one_object_is_found_whatever_its_axes(size, ratio, turn):
    bounds = np.array([[0, 0, 0], size])
    found = same_object_ratio(bounds * ratio, bounds[:, turn], 0.04)
    assert found == pytest.approx(ratio, rel=1e-6)


# Files


def test_header_of_a_binary_stl(tmp_path):
    data = files.stl_binary(files.box((2, 3, 4)), header=b"exported by someone UNITS=in")
    twin = read(files.write(tmp_path, "thing.stl", data))
    assert twin.frame.units.value == "in" and "UNITS=in" in twin.frame.units.evidence[0].statement


def test_comment_of_a_ply(tmp_path):
    data = files.ply(files.box((0.2, 0.3, 0.4)), comments=("length unit = feet",))
    assert read(files.write(tmp_path, "thing.ply", data)).frame.units.value == "ft"


def test_unit_attributes(tmp_path):
    assert (
        read(files.write(tmp_path, "a.3mf", files.threemf(files.box((2, 3, 4)), unit="inch"))).frame.units.value == "in"
    )
    assert (
        read(files.write(tmp_path, "b.dae", files.dae(files.box((20, 30, 40)), metres=0.01))).frame.units.value == "cm"
    )
    twin = read(files.write(tmp_path, "c.3mf", files.threemf(files.box((2000, 3000, 4000)), unit="micron")))
    assert twin.frame.units.value == "um" and twin.frame.metres_per_unit == 1e-6


def test_trimesh_writes_metres_labelled_millimetre(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    path = tmp_path / "stool.3mf"
    trimesh.Scene(trimesh.creation.box((0.4, 0.4, 0.45))).export(path)
    twin = read(path)
    assert twin.frame.units.value == "m" and "unit_label_overruled" in codes(twin)


# Up axis


def test_rules_and_attributes_of_the_formats(tmp_path):
    cube = files.box((0.2, 0.2, 0.2), (-0.1, -0.1, -0.1))
    for name, data, axis in (
        ("a.glb", files.glb(cube), "y"),
        ("b.3mf", files.threemf(cube * 1000), "z"),
        ("c.dae", files.dae(cube, up="Y_UP"), "y"),
        ("d.dae", files.dae(cube, up="Z_UP"), "z"),
        ("e.dae", files.dae(cube, up="X_UP"), "x"),
    ):
        found = read(files.write(tmp_path, name, data)).frame.up_axis
        assert (found.value, found.flags) == (axis, ()), name


def test_x_up_is_turned_to_z():
    from physicl_twin.ingest.up_axis import TO_Z_UP, TO_Z_UP_MATRIX
    from physicl_twin.model import Pose

    for axis, direction in (("x", [1, 0, 0]), ("y", [0, 1, 0]), ("z", [0, 0, 1])):
        np.testing.assert_allclose(
            Pose(quaternion_wxyz=TO_Z_UP[axis]).apply(np.array([direction])), [[0, 0, 1]], atol=1e-12
        )
        np.testing.assert_allclose(Pose(quaternion_wxyz=TO_Z_UP[axis]).rotation(), TO_Z_UP_MATRIX[axis], atol=1e-12)


def _cone(column):
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    flat = [c for c in range(3) if c != column]
    points = np.zeros((61, 3))
    points[:60, flat[0]], points[:60, flat[1]] = np.cos(angle), np.sin(angle)
    points[60, column] = 2.0
    return points


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_cone_stands_on_its_base(column):
    assert [stands(_cone(column), c) for c in range(3)] == [c == column for c in range(3)]


def test_standing_and_grounded_objects_overrule_a_weak_prior():
    decision, _ = decide_up_axis("obj", (), _cone(2), None, SETTINGS)
    assert decision.value == "z"
    assert {e.field for e in decision.evidence} >= {"resting stability", "lowest point"}


def test_the_user_states_the_axis():
    decision, notes = decide_up_axis("glb", (claim("y"),), _cone(2), "z", SETTINGS)
    assert (decision.value, decision.probability, notes) == ("z", 1.0, ())
    with pytest.raises(ConfigError):
        decide_up_axis("stl", (), _cone(2), "w", SETTINGS)


def test_an_uncertain_axis_is_flagged():
    cube = files.box((1, 1, 1), (-0.5, -0.5, -0.5))
    decision, notes = decide_up_axis("obj", (), cube, None, SETTINGS)
    assert "ambiguous" in decision.flags and "--up" in notes[0].hint


def test_settings_of_the_user_count():
    priors = {"other": {"m": 0.0, "cm": 1.0, "mm": 0.0, "in": 0.0, "ft": 0.0}}
    found = decide_units(UnitEvidence("obj", (), 0.2), replace(SETTINGS, unit_prior=priors))
    assert found.decision.value == "cm"


# The development data (truth from their own documentation, never tuned to)


@pytest.mark.needs_shared
@pytest.mark.parametrize("strip", [False, True])
def test_workshop_tools_are_millimetres(shared_data, tmp_path, strip):
    """Also with the comment that names the unit cut out: then the cloud beside it and the size must do."""
    import shutil

    folders = sorted((shared_data / "workshop_tools").glob("*/mesh.ply"))
    assert folders
    for mesh in folders:
        target = tmp_path / mesh.parent.name
        target.mkdir()
        data = mesh.read_bytes()
        if strip:
            data = data.replace(b"comment SOLIDWORKS generated,length unit = millimeters", b"comment none", 1)
        (target / "mesh.ply").write_bytes(data)
        shutil.copy(mesh.parent / "point-cloud.ply", target)
        units = read(target / "mesh.ply").frame.units
        assert (units.value, units.flags) == ("mm", ()), mesh.parent.name


@pytest.mark.needs_shared
def test_ycb_scans_are_metres(shared_data):
    meshes = sorted((shared_data / "ycb").glob("*/*.obj"))
    assert meshes
    for mesh in meshes:
        units = read(mesh, ReadOptions()).frame.units
        assert (units.value, units.flags) == ("m", ()), mesh.parent.name
