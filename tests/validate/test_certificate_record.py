"""The certificate is bound to the bytes that it speaks of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from handmade import write

from physicl_twin import validate
from physicl_twin.model import ValidationError
from physicl_twin.validate import certificate as record


@pytest.fixture
def twin(tmp_path: Path) -> Path:
    folder = write(tmp_path)
    validate.write_certificate(validate.validate(folder, engines=()), folder)
    return folder


def test_a_fresh_certificate_is_intact_and_passed(twin: Path):
    assert validate.verify(twin).intact
    read = record.read(twin)
    assert read.passed and read.count("failed") == 0
    assert read.profile == "Robotics-Prop 4.0.0"
    assert {t.name for t in read.tools} >= {"physicl_twin", "python", "usd-core", "simready-validate"}
    paths = [f.path for f in read.files]
    assert paths == sorted(paths) and "twin.json" in paths and "certificate.json" not in paths
    assert not any(p.startswith("/") for p in paths)


def test_verify_names_what_changed(twin: Path):
    (twin / "twin.json").write_text((twin / "twin.json").read_text() + " ")
    (twin / "simready" / "wood.png").unlink()
    (twin / "extra.txt").write_text("x")
    found = validate.verify(twin)
    assert not found.intact
    assert (found.changed, found.missing, found.added) == (("twin.json",), ("simready/wood.png",), ("extra.txt",))


def test_a_second_validation_refuses_files_that_changed_since_the_first(twin: Path):
    picture = twin / "simready" / "wood.png"
    picture.write_bytes(picture.read_bytes() + b"tail")
    results = {c.id: c for c in validate.validate(twin, engines=()).checks}
    assert results["files.intact"].status == "failed"
    assert results["files.intact"].target == "simready/wood.png"


def test_a_second_validation_of_the_same_bytes_passes_and_says_the_same(twin: Path):
    first = record.read(twin)
    second = validate.validate(twin, engines=())
    assert second.passed
    assert (second.files, second.tools) == (first.files, first.tools)
    differing = [b.id for a, b in zip(first.checks, second.checks, strict=True) if a != b]
    assert differing == ["files.intact"], "the second one also hashes against the first one's certificate"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "certificate_invalid"),
        ("{", "certificate_invalid"),
        ("[]", "certificate_invalid"),
        ('{"schema_version": 99}', "certificate_too_new"),
        ('{"schema_version": 1}', "certificate_invalid"),
    ],
)
def test_a_certificate_that_cannot_be_read_is_said(twin: Path, text: str, code: str):
    (twin / "certificate.json").write_text(text)
    with pytest.raises(ValidationError) as error:
        validate.verify(twin)
    assert error.value.code == code and error.value.hint


def test_without_certificate_there_is_nothing_to_verify(tmp_path: Path):
    with pytest.raises(ValidationError) as error:
        validate.verify(write(tmp_path))
    assert error.value.code == "certificate_missing"


def test_the_record_is_plain_json_without_paths_of_this_machine(twin: Path):
    text = (twin / "certificate.json").read_text()
    assert str(twin.parent) not in text
    assert json.loads(text)["schema_version"] == 1


@pytest.mark.parametrize(
    ("target", "code"),
    [("nothing", "target_missing"), ("note.txt", "not_usd"), ("empty", "usd_missing"), ("two", "usd_ambiguous")],
)
def test_targets_that_cannot_be_validated(tmp_path: Path, target: str, code: str):
    (tmp_path / "note.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "two" / "simready").mkdir(parents=True)
    for name in ("a.usda", "b.usda"):
        (tmp_path / "two" / "simready" / name).write_text("#usda 1.0\n")
    with pytest.raises(ValidationError) as error:
        validate.validate(tmp_path / target, engines=())
    assert error.value.code == code and error.value.hint
