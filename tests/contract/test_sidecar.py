"""A file of materials beside the source: what it changes, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trimesh

from tests.contract.command import physicl


def hammer(folder: Path) -> Path:
    """An OBJ of two named parts in metres: a handle of 30 x 30 x 250 mm under a head of 100 x 30 x 30 mm."""
    lines, count = [], 1
    for name, size, middle in (("Handle", (0.03, 0.03, 0.25), 0.0), ("Head", (0.1, 0.03, 0.03), 0.14)):
        mesh = trimesh.creation.box(size)
        mesh.apply_translation((0.0, 0.0, middle))
        lines += [f"o {name}"] + [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices]
        lines += ["f " + " ".join(str(corner + count) for corner in face) for face in mesh.faces]
        count += len(mesh.vertices)
    path = folder / "tool.obj"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def build(folder: Path, out: str, *arguments: object):
    done = physicl(
        "build", folder / "tool.obj", "--out", folder / out, "--units", "m", "--up", "z", "--fast", "--json", *arguments
    )
    assert done.status == 0, done.stdout + done.stderr
    (record,) = done.records
    return record, json.loads((Path(record["twin"]) / "twin.json").read_text(encoding="utf-8"))


def parts(twin) -> dict[str, dict]:
    return {part["name"]: part for body in twin["bodies"] for part in body["parts"]}


def test_one_line_changes_exactly_what_depends_on_it(tmp_path: Path) -> None:
    source = hammer(tmp_path)
    sidecar = source.with_name("tool.materials.txt")
    sidecar.write_text("Handle: Oak\nHead: S235JR\n", encoding="utf-8")
    first_record, first = build(tmp_path, "a")
    sidecar.write_text("Handle: Ash wood\nHead: S235JR\n", encoding="utf-8")
    second_record, second = build(tmp_path, "b")
    before, after = parts(first), parts(second)
    assert before["Handle"]["material"] == "wood_oak" and after["Handle"]["material"] == "wood_ash"
    assert before["Head"] == after["Head"], "the other part is the same to the last digit"
    assert first["shapes"] == second["shapes"]
    steel = [next(m for m in twin["materials"] if m["name"] == "steel_carbon") for twin in (first, second)]
    assert steel[0] == steel[1]
    assert [p["collision"] for p in before.values()] == [p["collision"] for p in after.values()]
    change = after["Handle"]["mass"]["value"] - before["Handle"]["mass"]["value"]
    assert second_record["mass_kg"]["value"] - first_record["mass_kg"]["value"] == pytest.approx(change, rel=1e-9)
    assert abs(change) > 0
    names = [source["name"] for source in first["sources"] if source["role"] == "sidecar"]
    assert names == ["tool.materials.txt"]
    # The record of the command line explains it in a line.
    explained = physicl("inspect", first_record["twin"]).stdout
    assert 'The user states "Handle = Oak"' in explained
    assert "[tool.materials.txt]" in explained, "the file that says so is named"


def test_the_command_line_overrules_the_sidecar_and_the_total_is_met(tmp_path: Path) -> None:
    source = hammer(tmp_path)
    source.with_name("tool.obj.materials.toml").write_text(
        'mass = "0.9 kg"\n[materials]\nHandle = "Oak"\nHead = "S235JR"\n', encoding="utf-8"
    )
    record, twin = build(tmp_path, "a", "--material", "Handle=Ash wood")
    assert parts(twin)["Handle"]["material"] == "wood_ash"
    assert record["mass_kg"]["value"] == pytest.approx(0.9, rel=0.02)


def test_a_sidecar_that_cannot_be_read_fails_its_source_alone(tmp_path: Path) -> None:
    source = hammer(tmp_path)
    source.with_name("tool.materials.txt").write_text("Handle Oak\n", encoding="utf-8")
    done = physicl("build", source, "--out", tmp_path / "a", "--json")
    assert done.status == 1
    (record,) = done.records
    assert record["error"]["code"] == "sidecar_unreadable" and "line 1" in record["error"]["message"]
    assert not any((tmp_path / "a").iterdir())
