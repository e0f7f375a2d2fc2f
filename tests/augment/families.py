"""Folders of twins as build leaves them, made in a moment."""

from __future__ import annotations

import json
from pathlib import Path

from physicl_twin.augment.family import Family, make_family, open_member
from physicl_twin.augment.spec import read_spec
from physicl_twin.model import Certificate, CheckResult, dumps, to_json
from tests.usd import twins


def twin_folder(where: Path, made, *, passed: bool = True) -> Path:
    twins.write(made, where)
    folder = where / made.name
    (folder / "twin.json").write_text(dumps(made), encoding="utf-8")
    check = CheckResult("mass.positive", "The mass is positive.", "passed" if passed else "failed")
    certificate = Certificate(made.name, 1, "2026-01-01T00:00:00Z", "Robotics-Prop 4.0.0", (), (check,))
    (folder / "certificate.json").write_text(json.dumps(to_json(certificate)), encoding="utf-8")
    return folder


def spec_file(where: Path, text: str) -> Path:
    path = where / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def family(where: Path, text: str = "", seed: int = 3) -> Family:
    folders = [twin_folder(where, twins.single()), twin_folder(where, twins.textured())]
    members = tuple(open_member(folder, force=False) for folder in folders)
    return make_family(members, read_spec(spec_file(where, text)), seed)
