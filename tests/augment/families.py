"""Folders of twins as build leaves them, made in a moment."""

from __future__ import annotations

import json
from pathlib import Path

from physicl_twin.augment.family import Family, make_family, open_member
from physicl_twin.augment.spec import read_spec
from physicl_twin.model import dumps
from tests.usd import twins

PASSED = {"checks": [{"id": "mass.positive", "status": "passed"}], "rollouts": []}


def twin_folder(where: Path, made, *, passed: bool = True) -> Path:
    twins.write(made, where)
    folder = where / made.name
    (folder / "twin.json").write_text(dumps(made), encoding="utf-8")
    status = "passed" if passed else "failed"
    record = {**PASSED, "checks": [{"id": "mass.positive", "status": status}]}
    (folder / "certificate.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def spec_file(where: Path, text: str) -> Path:
    path = where / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path


def family(where: Path, text: str = "", seed: int = 3) -> Family:
    folders = [twin_folder(where, twins.single()), twin_folder(where, twins.textured())]
    members = tuple(open_member(folder, force=False) for folder in folders)
    return make_family(members, read_spec(spec_file(where, text)), seed)
