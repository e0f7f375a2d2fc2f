"""What the panel remembers survives a restart, and a damaged file costs the memory, never the panel."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from physicl_twin.model import OutputError
from physicl_twin.workbench.session import Session, load, save
from tests.workbench.fakes import twin_on_disk


def full(tmp_path: Path) -> Session:
    source = tmp_path / "mug.glb"
    source.write_bytes(b"glTF")
    twin = str(twin_on_disk(tmp_path / "twins"))
    made = Session(str(tmp_path / "out"), [str(source)], twin, {twin: str(source)}, stage="validate")
    made.keep("deploy", "targets", ["mujoco"])
    made.remember(str(source))
    return made


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "session.json"
    session = full(tmp_path)
    save(session, path)
    assert load(path, "elsewhere") == session


def test_no_file_gives_a_fresh_one(tmp_path: Path) -> None:
    assert load(tmp_path / "session.json", "out") == Session("out")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"a"', "\x00\xff", '{"schema_version": 99, "twin": "x"}', '{"schema_version": 1}'],
)
def test_a_damaged_file_gives_a_fresh_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.json"
    path.write_text(text, encoding="utf-8")
    assert load(path, "out") == Session("out")


def test_any_field_of_a_wrong_type_is_left_at_its_default(tmp_path: Path) -> None:
    record = full(tmp_path).to_json()
    random.seed(3)
    for name in [name for name in record if name != "schema_version"]:
        for wrong in (None, 7, "x", [1, {}], {"a": 1}, [[]]):
            found = Session.from_json({**record, name: wrong}, "out")
            assert isinstance(found.out, str) and all(isinstance(item, str) for item in found.sources + found.recent)
            assert found.stage in ("ingest", "validate")
            assert all(isinstance(value, dict) for value in found.kept.values())


def test_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    session = full(tmp_path)
    save(session, tmp_path / "session.json")
    (Path(session.twin) / "twin.json").unlink()
    Path(session.sources[0]).unlink()
    found = load(tmp_path / "session.json", "out")
    assert (found.twin, found.sources, found.stage) == ("", [], "ingest")
    assert found.existing_recent() == ()


def test_a_kept_value_of_another_type_is_not_believed() -> None:
    session = Session("out")
    session.keep("augment", "count", "many")
    assert session.kept_value("augment", "count", 20) == 20


def test_recent_sources_are_few_and_the_latest_first() -> None:
    session = Session("out")
    for name in "abcda":
        session.remember(name)
    assert session.recent == ["a", "d", "c"]


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        save(Session("out"), tmp_path / "file" / "session.json")


def test_the_file_is_json_that_people_can_read(tmp_path: Path) -> None:
    save(full(tmp_path), tmp_path / "session.json")
    text = (tmp_path / "session.json").read_text(encoding="utf-8")
    assert json.loads(text)["stage"] == "validate" and "\n" in text
