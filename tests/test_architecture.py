"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "physicl_twin"

#: What each room may import besides the ground floor (settings, rooms, store, model). The rooms that nobody may import are absent
#: on every right-hand side.
ALLOWED = {
    "model": set(),
    "settings": set(),
    "rooms": set(),
    "store": set(),
    "ingest": set(),
    "render": set(),
    "normalize": set(),
    "engines": set(),
    "usd": {"render"},
    "page": set(),
    "augment": {"ingest", "normalize", "usd", "engines", "render", "page"},
    "validate": {"ingest", "normalize", "usd", "engines", "render", "page"},
    "deploy": {"ingest", "normalize", "usd", "engines", "render"},
    "jobs": {"ingest", "normalize", "usd", "engines", "render", "augment", "validate", "deploy"},
    "workbench": {"ingest", "normalize", "usd", "engines", "render", "page", "augment", "validate", "deploy", "jobs"},
    "in_stage": {"ingest", "normalize", "usd", "engines"},
}
GROUND_FLOOR = {"model", "settings", "rooms", "store"}
TOP_FLOOR = {"api", "cli", "console", "doctor", "extras", "inspect", "kit"}


def imports(path: Path) -> set[str]:
    """Rooms of physicl_twin that a file imports anywhere, lazily or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path}: relative import")
        found |= {name.split(".")[1] for name in names if name.startswith("physicl_twin.")}
    rooms = {p.stem if p.suffix == ".py" else p.name for p in PACKAGE.iterdir() if p.suffix == ".py" or p.is_dir()}
    return found & rooms


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_data_flows_one_way(path: Path) -> None:
    room = room_of(path)
    if room in TOP_FLOOR or room == "__init__":
        return
    assert room in ALLOWED, f"{room} is a new room: say in this table what it may import"
    ground = {"model"} if room in ("settings", "store") else (set() if room in ("model", "rooms") else GROUND_FLOOR)
    forbidden = imports(path) - {room} - ground - ALLOWED[room]
    if room == "rooms":
        forbidden -= {"api"}  # by name and only when called
    assert not forbidden, f"{path.relative_to(ROOT)} imports {sorted(forbidden)}"


def test_importing_the_package_loads_neither_usd_nor_kit() -> None:
    code = (
        "import sys, physicl_twin; physicl_twin.build; physicl_twin.Twin; import physicl_twin.cli; "
        "bad = [m for m in sys.modules if m.split('.')[0] in ('pxr', 'omni', 'carb', 'trimesh', 'mujoco', 'ovphysx')]; "
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr


def test_kit_is_imported_only_in_its_room() -> None:
    for path in PACKAGE.rglob("*.py"):
        if room_of(path) == "kit":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            assert not [n for n in names if n.split(".")[0] in ("omni", "carb")], path


def test_physx_schemas_are_used_by_name() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import PhysxSchema" not in text, path


def test_the_version_is_said_once_and_the_same() -> None:
    import tomllib

    import physicl_twin

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extension = tomllib.loads((ROOT / "extension.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == extension["package"]["version"] == physicl_twin.__version__
    changelog = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{physicl_twin.__version__}]" in changelog


def test_the_extension_names_files_that_exist() -> None:
    import tomllib

    package = tomllib.loads((ROOT / "extension.toml").read_text(encoding="utf-8"))["package"]
    for key in ("changelog", "readme", "preview_image", "icon"):
        assert (ROOT / package[key]).is_file(), key
    assert not (ROOT / "config" / "extension.toml").exists(), "config/extension.toml would win silently over the root's"


def test_no_exception_is_swallowed() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{path}:{node.lineno} bare except"
                silent = all(
                    isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
                    for s in node.body
                )
                assert not silent, f"{path}:{node.lineno} swallows an error"
