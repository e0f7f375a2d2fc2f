"""Finds every call into Kit in our sources, by name: what the contract is about.

A name is resolved as far as imports, plain assignments and return types tell: ``omni.usd.get_context().get_stage()``
is a call of ``omni.usd.get_context`` and one of ``omni.usd.UsdContext.get_stage`` once the contract says what the former
returns. What stays unknown (an argument without a type, a value from a container) is not guessed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOTS = ("omni", "carb", "isaacsim")


@dataclass(frozen=True)
class Use:
    """A use of a name of Kit.

    Attributes:
        name: Dotted, canonical as far as imports go.
        called: False for a name that is only mentioned: a constant, a base class, a decorator.
        positional: Number of positional arguments; -1 with ``*``.
        keywords: Names of keyword arguments; ``**`` for unknown ones.
        where: File and line.
    """

    name: str
    called: bool
    positional: int
    keywords: tuple[str, ...]
    where: str


#: What a call returns, or what type an attribute has: a dotted name, or None.
Returns = Callable[[str], str | None]


def uses_of(path: Path, root: Path, returns: Returns) -> list[Use]:
    """All uses in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    finder = _Finder(path.relative_to(root).as_posix(), returns)
    # Twice: a method may use what a later one assigns to self.
    finder.visit(tree)
    finder.found.clear()
    finder.visit(tree)
    return finder.found


def sources(root: Path) -> Iterator[Path]:
    """Our files that may speak to Kit."""
    for folder in ("physicl_twin/kit", "docs/examples", "tests/in_isaac"):
        yield from sorted((root / folder).rglob("*.py"))


class _Finder(ast.NodeVisitor):
    def __init__(self, file: str, returns: Returns) -> None:
        self.file, self.returns, self.found = file, returns, list[Use]()
        self.scopes: list[dict[str, str]] = [{}]
        self.members: dict[str, str] = {}

    # Names -----------------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            head = alias.name.split(".")[0]
            if head in ROOTS:
                self.scopes[-1][alias.asname or head] = alias.name if alias.asname else head
                self._use(node, alias.name, False)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and node.level == 0 and node.module.split(".")[0] in ROOTS:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                self.scopes[-1][alias.asname or alias.name] = name
                self._use(node, name, False)

    def _scope(self, node: ast.AST) -> None:
        self.scopes.append({})
        self.generic_visit(node)
        self.scopes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        hidden = {argument.arg: "" for argument in node.args.args}
        self.scopes.append(hidden)
        self.generic_visit(node)
        self.scopes.pop()

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.scopes.append({})
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for argument in arguments:
            # An argument hides what has its name outside; its annotation may say what it is.
            self.scopes[-1][argument.arg] = self._type(argument.annotation) if argument.annotation else ""
            if argument.annotation:
                self.visit(argument.annotation)
        for default in [*node.args.defaults, *[d for d in node.args.kw_defaults if d]]:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        outer, self.members = self.members, {}
        for statement in node.bases + node.decorator_list:
            self.visit(statement)
        for _ in range(2):
            count = len(self.found)
            self.scopes.append({})
            for statement in node.body:
                self.visit(statement)
            self.scopes.pop()
            last = self.found[count:]
            del self.found[count:]
        self.found += last
        self.members = outer

    def _type(self, annotation: ast.expr | None) -> str:
        if isinstance(annotation, ast.BinOp):  # X | None
            return self._type(annotation.left) or self._type(annotation.right)
        name = self._name(annotation) if annotation is not None else None
        return f"{name}()" if name and name.split(".")[0] in ROOTS else ""

    # Assignments -----------------------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        known = self._type(node.annotation)
        if known:
            self._keep(node.target, known)
        elif node.value is not None:
            self._bind(node.target, node.value)

    def visit_With(self, node: ast.With) -> None:
        self._with(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self._with(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, item.context_expr)
        for statement in node.body:
            self.visit(statement)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple):
            if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                for one, other in zip(target.elts, value.elts, strict=True):
                    self._bind(one, other)
            else:
                for one in target.elts:
                    self._keep(one, "")
            return
        self._keep(target, self._name(value) or "")

    def _keep(self, target: ast.expr, name: str) -> None:
        if isinstance(target, ast.Name):
            self.scopes[-1][target.id] = name
        elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self" and name:
            self.members[target.attr] = name

    # Uses ------------------------------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> None:
        name = self._name(node.func)
        if name and not name.endswith("()"):
            positional = -1 if any(isinstance(a, ast.Starred) for a in node.args) else len(node.args)
            keywords = tuple(keyword.arg or "**" for keyword in node.keywords)
            self._use(node, name, True, positional, keywords)
            self._below(node.func)
        else:
            self.visit(node.func)
        for argument in [*node.args, *[keyword.value for keyword in node.keywords]]:
            self.visit(argument)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = self._name(node)
        if name and not name.endswith("()"):
            self._use(node, name, False)
            self._below(node)
        else:
            self.visit(node.value)

    def _below(self, node: ast.expr) -> None:
        """What a dotted name begins with, where that is more than a name."""
        while isinstance(node, ast.Attribute):
            node = node.value
        if not isinstance(node, ast.Name):
            self.visit(node)

    def _use(self, node: ast.AST, name: str, called: bool, positional: int = 0, keywords: tuple[str, ...] = ()) -> None:
        if name.split(".")[0] in ROOTS:
            where = f"{self.file}:{getattr(node, 'lineno', 0)}"
            self.found.append(Use(name, called, positional, keywords, where))

    def _name(self, node: ast.expr | None) -> str | None:
        """Dotted name of an expression; a value of a type T is written ``T()``."""
        if isinstance(node, ast.Await):
            return self._name(node.value)
        if isinstance(node, ast.Name):
            for scope in reversed(self.scopes):
                if node.id in scope:
                    return scope[node.id] or None
            return None
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return self.members.get(node.attr) or None
            base = self._name(node.value)
            if base is None:
                return None
            name = f"{base.removesuffix('()')}.{node.attr}"
            if base.endswith("()") and (result := self.returns(f"{name}@")):
                return f"{result}()"  # a property: its value's type
            return name
        if isinstance(node, ast.Call):
            name = self._name(node.func)
            if name is None or name.endswith("()"):
                return None
            result = self.returns(name)
            return f"{result}()" if result else None
        return None
