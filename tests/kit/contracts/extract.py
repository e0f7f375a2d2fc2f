"""Writes calls.json: the signature of every function, class and constant of Kit that our sources use.

    python -m tests.kit.contracts.extract FOLDER…

Each FOLDER holds unpacked wheels (``pip download --no-deps isaacsim-core==6.2.0.0 …``, then unzip; see docs/verification.md).
Signatures come from the wheels' Python sources and ``.pyi`` files. What no wheel holds (omni.usd, omni.graph.core,
omni.replicator.core, omni.kit.*) is learnt from how the wheels' own code calls it: which keywords, how many positional
arguments. Each entry says where it comes from. Names that are found nowhere are printed, and the exit status is 1.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.kit.contracts.walk import ROOTS, Use, sources, uses_of

ROOT = Path(__file__).parents[3]
CONTRACT = Path(__file__).with_name("calls.json")
DOCUMENTED = Path(__file__).with_name("documented.json")

Entry = dict[str, Any]


class Wheels:
    """The modules of unpacked wheels."""

    def __init__(self, folders: list[Path]) -> None:
        self.files: dict[str, list[Path]] = {}
        self.folders = folders
        for folder in folders:
            for path in sorted([*folder.rglob("*.pyi"), *folder.rglob("*.py")]):
                if module := _module_of(path.relative_to(folder)):
                    self.files.setdefault(module, []).append(path)
        self.packages = {".".join(m.split(".")[:n]) for m in self.files for n in range(1, m.count(".") + 2)}

    def origin(self, path: Path) -> str:
        """A file without the folders of this machine."""
        folder = next(folder for folder in self.folders if path.is_relative_to(folder))
        text = path.relative_to(folder).as_posix()
        return re.sub(r"^.*?(exts|extsDeprecated|extscache|extscore|kernel/py)/", "", text)

    def find(self, name: str) -> Entry | None:
        """The entry of a dotted name; None when the wheels do not define it."""
        parts = name.split(".")
        for cut in range(len(parts), 0, -1):
            module = ".".join(parts[:cut])
            if module in self.files:
                found = self._within(module, tuple(parts[cut:]))
                if found is not None:
                    return found
        return {"kind": "module", "origin": "a package of the wheels"} if name in self.packages else None

    def _within(self, module: str, rest: tuple[str, ...]) -> Entry | None:
        if not rest:
            return {"kind": "module", "origin": self.origin(self.files[module][0])}
        place = self.locate(module, rest[0])
        if place is None:
            return None
        path, where, nodes = place
        for attribute in rest[1:]:
            member = self._member(where, nodes, attribute)
            if member is None:
                return None
            path, where, nodes = member
        return self._entry(path, where, nodes)

    @cache  # noqa: B019 - one object for the life of the script
    def locate(self, module: str, name: str, depth: int = 0) -> tuple[Path, str, tuple[ast.AST, ...]] | None:
        """Definitions of a name of a module: (file, module, nodes), through its imports."""
        if depth > 12:
            return None
        for path in sorted(self.files.get(module, ()), key=lambda path: path.suffix != ".pyi"):
            body = list(_flat(_tree(path).body))
            nodes = tuple(node for node in body if _defines(node, name))
            if nodes:
                return path, module, nodes
            for node in body:
                if isinstance(node, ast.ImportFrom):
                    target = self._target(module, path, node)
                    for alias in node.names:
                        if (alias.asname or alias.name) == name:
                            found = self.locate(target, alias.name, depth + 1)
                            if found is not None:
                                return found
                            if f"{target}.{alias.name}" in self.files:
                                return self.files[f"{target}.{alias.name}"][0], f"{target}.{alias.name}", ()
                        elif alias.name == "*" and (found := self.locate(target, name, depth + 1)) is not None:
                            return found
        return None

    def _target(self, module: str, path: Path, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        parts = package.split(".")
        base = parts[: len(parts) - node.level + 1]
        return ".".join([*base, *(node.module or "").split(".")]).strip(".")

    def _member(
        self, module: str, nodes: tuple[ast.AST, ...], name: str, depth: int = 0
    ) -> tuple[Path, str, tuple[ast.AST, ...]] | None:
        """Definitions of an attribute of a class, through its bases."""
        for owner in nodes:
            if not isinstance(owner, ast.ClassDef) or depth > 8:
                continue
            found = tuple(node for node in _flat(owner.body) if _defines(node, name))
            if found:
                return self._file_of(module, owner), f"{module}.{owner.name}", found
            for base in owner.bases:
                place = self._named(module, base)
                if place and (inherited := self._member(place[1], place[2], name, depth + 1)):
                    return inherited
        return None

    def _named(self, module: str, node: ast.expr) -> tuple[Path, str, tuple[ast.AST, ...]] | None:
        """What an expression of a module names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self._named(module, ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return None
        if isinstance(node, ast.BinOp):
            return self._named(module, node.left) or self._named(module, node.right)
        text = ast.unparse(node)
        head, _, tail = text.rpartition(".")
        if head in self.files:
            return self.locate(head, tail)
        return self.locate(self._module(module), text) if text.isidentifier() else None

    def _module(self, where: str) -> str:
        """The module of a class, or of a class within it."""
        while where and where not in self.files:
            where = where.rpartition(".")[0]
        return where

    def _file_of(self, where: str, node: ast.AST) -> Path:
        return next(p for p in self.files[self._module(where)] if any(n is node for n in ast.walk(_tree(p))))

    def _entry(self, path: Path, module: str, nodes: tuple[ast.AST, ...]) -> Entry:
        origin = self.origin(path)
        first = nodes[0] if nodes else None
        if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef):
            bound = any(_tree_class(path, first))
            if any(ast.unparse(d) in ("property", "classproperty") for d in first.decorator_list):
                return {"kind": "value", "origin": origin} | self._returns(module, first)
            signatures = [
                _signature(node, bound) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            return {"kind": "function", "signatures": signatures, "origin": origin} | self._returns(module, first)
        if isinstance(first, ast.ClassDef):
            init = self._member(module, (first,), "__init__")
            name = f"{module}.{first.name}"
            entry: Entry = {"kind": "class", "origin": origin, "returns": name}
            if init is not None:
                entry["signatures"] = [_signature(node, True) for node in init[2] if isinstance(node, ast.FunctionDef)]
            elif any("dataclass" in ast.unparse(d) for d in first.decorator_list):
                fields = [n for n in first.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
                names = [node.target.id for node in fields if isinstance(node.target, ast.Name)]
                needed = sum(node.value is None for node in fields)
                entry["signatures"] = [{"arguments": names, "required": needed, "keyword_only": [], "rest": ""}]
            else:
                entry["signatures"] = [{"arguments": [], "required": 0, "keyword_only": [], "rest": ""}]
            return entry
        return {"kind": "value" if nodes else "module", "origin": origin}

    def _returns(self, module: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Entry:
        place = self._named(module, node.returns) if node.returns is not None else None
        if place and place[2] and isinstance(place[2][0], ast.ClassDef):
            return {"returns": f"{place[1]}.{place[2][0].name}"}
        return {}


@cache
def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    except SyntaxError:
        return ast.Module([], [])


def _tree_class(path: Path, function: ast.AST) -> list[bool]:
    """[True] when a function is a method that takes self or cls."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ClassDef) and any(child is function for child in _flat(node.body)):
            static = any(ast.unparse(d) == "staticmethod" for d in function.decorator_list)  # type: ignore[attr-defined]
            return [] if static else [True]
    return []


def _flat(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements with those in try and if."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, ast.Try):
            found += _flat(node.body) + [s for handler in node.handlers for s in _flat(handler.body)]
        elif isinstance(node, ast.If):
            found += _flat(node.body) + _flat(node.orelse)
    return found


def _defines(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        # A setter only says again that the property is there.
        return node.name == name and not any(ast.unparse(d).endswith(".setter") for d in node.decorator_list)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, bound: bool) -> Entry:
    arguments = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
    required = len(arguments) - len(node.args.defaults)
    if bound and arguments:
        arguments, required = arguments[1:], max(required - 1, 0)
    return {
        "arguments": arguments,
        "required": required,
        "keyword_only": [argument.arg for argument in node.args.kwonlyargs],
        "rest": ("*" if node.args.vararg else "") + ("**" if node.args.kwarg else ""),
    }


def _module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    if "kernel" in parts and parts[parts.index("kernel") + 1 :][:1] == ("py",):
        parts = parts[parts.index("kernel") + 2 :]
    for start, part in enumerate(parts):
        if part in ROOTS and all(other.isidentifier() for other in parts[start:]):
            return ".".join(parts[start:]).removesuffix(".__init__")
    return ""


def usage(wheels: Wheels, wanted: set[str], returns: Any) -> dict[str, Entry]:
    """How the wheels' own code uses names that they do not define."""
    heads = {".".join(name.split(".")[:3]) for name in wanted}
    seen: dict[str, Entry] = {}
    for folder in wheels.folders:
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8", errors="replace")
            if not any(head in text or head.replace(".", " import ", 1) in text for head in heads):
                continue
            try:
                uses = uses_of(path, folder, returns)
            except SyntaxError:
                continue
            for use in uses:
                for name in _heads(use.name) & wanted:
                    called = name == use.name
                    _note(
                        seen, use if called else replace(use, name=name, positional=0, keywords=()), wheels.origin(path)
                    )
    return seen


def _heads(name: str) -> set[str]:
    """A dotted name and what it begins with: whoever uses an enum's value uses the enum."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(2, len(parts) + 1)}


def _note(seen: dict[str, Entry], use: Use, origin: str) -> None:
    fresh: Entry = {"kind": "usage", "positional": 0, "keywords": [], "seen": 0, "origin": f"used in {origin}"}
    entry = seen.setdefault(use.name, fresh)
    entry["seen"] += 1
    entry["positional"] = max(entry["positional"], use.positional)
    entry["keywords"] = sorted({*entry["keywords"], *use.keywords} - {"**"})


def main(folders: list[Path]) -> int:
    """Write the contract; returns the number of names that are found nowhere."""
    wheels = Wheels([folder.resolve() for folder in folders])
    documented: dict[str, Entry] = json.loads(DOCUMENTED.read_text(encoding="utf-8"))

    @cache
    def entry(name: str) -> Entry | None:
        return documented.get(name) or wheels.find(name)

    def returns(name: str) -> str | None:
        wants_value = name.endswith("@")
        found = entry(name.removesuffix("@"))
        if found is None or (found["kind"] == "value") is not wants_value:
            return None
        return found.get("returns")

    names = {use.name for path in sources(ROOT) for use in uses_of(path, ROOT, returns)}
    contract = {name: found for name in names if (found := entry(name)) is not None}
    unknown = names - set(contract)
    contract |= usage(wheels, unknown, returns)
    # A submodule that only usage knows: importing it is a use.
    missing = sorted(unknown - set(contract))
    # Types on the way (what get_context returns) are needed to resolve, though nobody names them.
    for name, found in list(contract.items()):
        if (result := found.get("returns")) and result not in contract and (kind := entry(result)) is not None:
            contract[result] = kind
        elif name in documented:
            contract[name] = found
    CONTRACT.write_text(json.dumps(dict(sorted(contract.items())), indent=1) + "\n", encoding="utf-8")
    print(f"{len(contract)} names, {len(missing)} found nowhere")
    for name in missing:
        print("  ", name)
    return min(len(missing), 1)


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
