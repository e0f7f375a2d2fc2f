"""extension.toml as Isaac Sim's own check of extension structures wants it, and in step with the code."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from physicl_twin.kit import settings
from physicl_twin.kit.settings import KitSettings
from physicl_twin.model import ConfigError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "extension.toml").read_text(encoding="utf-8")
TOML = tomllib.loads(TEXT)
KIT = ROOT / "physicl_twin" / "kit"
SECTIONS = [
    "[core]",
    "[package]",
    "[deprecation]",
    "[dependencies]",
    "[[python.module]]",
    "[[native.library]]",
    "[[python.pipapi]]",
    "[[native.plugin]]",
    "[settings]",
    "[[trigger]]",
    "[fswatcher.patterns]",
    "[fswatcher.paths]",
    "[[test]]",
    "[documentation]",
]
PACKAGE = [
    "version",
    "category",
    "title",
    "description",
    "authors",
    "repository",
    "keywords",
    "changelog",
    "readme",
    "preview_image",
    "icon",
    "writeTarget.kit",
    "writeTarget.platform",
    "feature",
]


def lines_of(section: str) -> list[str]:
    """The lines of a section."""
    found = re.search(rf"^{re.escape(section)}\n(.*?)(?=^\[|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, section
    return found.group(1).splitlines()


def test_sections_stand_in_isaacs_order() -> None:
    written = re.findall(r"^(\[\[?[\w.]+\]?\])$", TEXT, re.MULTILINE)
    assert [SECTIONS.index(one) for one in written] == sorted(SECTIONS.index(one) for one in written)


def test_one_blank_line_parts_the_sections() -> None:
    assert "\n\n\n" not in TEXT
    for number, line in enumerate(TEXT.splitlines()):
        if line.startswith("[") and number:
            above = [one for one in TEXT.splitlines()[:number]]
            while above and above[-1].startswith("#"):
                above.pop()
            assert above[-1] == "", f"line {number + 1}: {line}"


def test_fields_of_the_package_stand_in_isaacs_order() -> None:
    keys = [line.split("=")[0].strip() for line in lines_of("[package]") if "=" in line]
    assert [PACKAGE.index(key) for key in keys] == sorted(PACKAGE.index(key) for key in keys)
    required = set(PACKAGE) - {"writeTarget.platform", "feature"}
    assert required <= set(keys), "first-class extensions have these"


def test_dependencies_are_alphabetical_and_need_no_window() -> None:
    names = list(TOML["dependencies"])
    assert names == sorted(names)
    for name, spec in TOML["dependencies"].items():
        window = name == "omni.ui" or name.startswith(
            ("omni.kit.menu", "omni.kit.window", "omni.kit.uiapp", "omni.kit.tool")
        )
        assert not window or spec.get("optional"), f"{name} would keep the extension from running headless"
    assert "omni.graph" in names, "OmniGraph looks for nodes only in extensions that depend on it"


def test_every_extension_that_the_code_imports_is_a_dependency() -> None:
    known = {*TOML["dependencies"], "omni.ext", "omni.kit.app", "carb"}
    #: Parts of these bundles.
    known |= {"omni.graph.action_core", "omni.kit.viewport"}
    strangers = set()
    for path in KIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                prefixes = {".".join(name.split(".")[:n]) for n in range(1, name.count(".") + 2)}
                if name.split(".")[0] == "omni" and not prefixes & known:
                    strangers.add(f"{path.relative_to(ROOT)}: {name}")
    assert not strangers


def test_every_setting_has_a_comment_above_it() -> None:
    above = ""
    for line in lines_of("[settings]"):
        if line and not line.startswith("#"):
            assert above.startswith("# "), line
        above = line


def flat(table: dict[str, object], path: str = "") -> dict[str, object]:
    """Paths as Kit has them."""
    found: dict[str, object] = {}
    for key, value in table.items():
        found |= flat(value, f"{path}/{key}") if isinstance(value, dict) else {f"{path}/{key}": value}
    return found


def test_settings_and_code_name_the_same_keys_and_defaults() -> None:
    written = flat(TOML["settings"])
    read = dict(settings.paths())
    assert set(written) == set(read.values())
    for field in fields(KitSettings):
        value = written[read[field.name]]
        assert type(value) is type(field.default), field.name
        assert value == field.default or field.name == "output_folder"


def test_every_setting_is_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in KIT.rglob("*.py") if path.name != "settings.py")
    for field in fields(KitSettings):
        assert re.search(rf"\.{field.name}\b", code), f"nobody reads the setting {field.name}"


def read(**changed: object) -> KitSettings:
    values = {path: changed.get(name) for name, path in settings.paths()}
    return settings.read(values.get, lambda text: text.replace("${omni_documents}", "/home/me/Documents"))


def test_settings_are_read_with_tokens_replaced() -> None:
    found = read(seed=7, output_folder="${omni_documents}/physicl_twin")
    assert (found.seed, found.jobs, found.output_folder) == (7, 1, "/home/me/Documents/physicl_twin")


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"seed": "7"}, {"open_panel": 1}, {"import_formats": "some"}])
def test_a_senseless_setting_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**wrong)
    assert next(iter(wrong)) in caught.value.message
    assert caught.value.hint


def test_the_extensions_own_python_is_told_to_the_workers_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from physicl_twin.settings import worker_python

    monkeypatch.delenv("PHYSICL_WORKER_PYTHON", raising=False)
    before = worker_python()
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    told = settings.WorkerPython("", tmp_path)
    assert worker_python() == str(own)
    told.release()
    assert worker_python() == before
    stated = settings.WorkerPython("/opt/python", tmp_path)
    assert worker_python() == "/opt/python"
    stated.release()
    monkeypatch.setenv("PHYSICL_WORKER_PYTHON", "/mine")
    settings.WorkerPython("", tmp_path).release()
    assert worker_python() == "/mine"


def test_modules_are_named_so_that_nodes_are_found_once_and_the_package_stays_light() -> None:
    names = [one["name"] for one in TOML["python"]["module"]]
    folders = [ROOT / name.replace(".", "/") for name in names]
    found = [node for folder in folders if folder.is_dir() for node in folder.rglob("Ogn*.ogn")]
    assert found
    assert len(found) == len(set(found)), "a node would be registered twice"
    files = {name: ROOT / f"{name.replace('.', '/')}.py" for name in names}
    starts = [name for name, file in files.items() if file.is_file() and "omni.ext.IExt" in file.read_text()]
    assert starts == ["physicl_twin.kit.extension"]


def test_the_extension_class_is_short() -> None:
    assert len((KIT / "extension.py").read_text(encoding="utf-8").splitlines()) < 150


def test_pages_exist() -> None:
    for page in TOML["documentation"]["pages"]:
        assert (ROOT / page).is_file(), page
