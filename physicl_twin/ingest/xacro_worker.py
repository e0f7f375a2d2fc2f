"""The child process that expands a xacro file: ``python -m physicl_twin.ingest.xacro_worker`` with a request on stdin.

xacro evaluates Python expressions. Here they may name no attribute that leads out of plain values, and the process may
read the description's own packages and installed Python code, write nothing, start nothing and reach no network.
The answer is one JSON object on standard output: the text and the files that were read, or what went wrong.
"""

from __future__ import annotations

import ast
import io
import json
import os
import sys
import sysconfig
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from physicl_twin.ingest.guards import refuse_entities
from physicl_twin.model import SourceError

#: Attributes through which an expression reaches frames and code of the interpreter, besides those with an underscore.
_INSPECTING = (
    "tb_", "f_back", "f_builtins", "f_code", "f_globals", "f_locals", "f_trace", "co_", "gi_", "cr_", "ag_",
    "format_map", "mro",
)  # fmt: skip
#: Builtins that xacro lends to expressions and that lead to classes.
_WITHDRAWN = ("vars", "type")
#: What the process never does, as prefixes of Python's audit events.
_NEVER = (
    "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.kill", "socket.", "ctypes.",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "shutil.", "urllib.", "ftplib.", "http.", "smtplib.", "os.putenv", "mmap.", "webbrowser.", "pty.",
)  # fmt: skip


class Area:
    """The folders that may be read: the description's own package, and packages that lie beside it.

    Args:
        area: Folder of the description's own package.
        packages: Folders of packages by name, for ``$(find name)``.
        above: Folders whose own name or whose inside may be a package that is asked for.
    """

    def __init__(self, area: Path, above: list[Path]) -> None:
        self._allowed = [area.resolve()]
        self._above = above
        self.found: dict[str, str] = {}
        self.missing: list[str] = []
        self._installed = [
            Path(p).resolve() for p in {*sysconfig.get_paths().values(), *filter(None, sys.path)} if Path(p).is_dir()
        ]
        self.read: list[str] = []

    def package(self, name: str) -> str:
        """Folder of a package; ``package://name`` where it is not there."""
        if name in self.found:
            return self.found[name]
        if name and name not in (".", "..") and "/" not in name and "\\" not in name:
            for folder in self._above:
                candidate = folder if folder.name == name else folder / name
                if candidate.is_dir():
                    self.found[name] = str(candidate)
                    self._allowed.append(candidate.resolve())
                    return str(candidate)
        if name not in self.missing:
            self.missing.append(name)
        return f"package://{name}"

    def check(self, path: Path) -> None:
        """Refuse a file outside the area.

        Raises:
            SourceError: ``reference_escapes``.
        """
        resolved = path.resolve()
        if not any(resolved.is_relative_to(folder) for folder in self._allowed):
            raise SourceError(
                "reference_escapes",
                f"{path.name[:100]!r} lies outside the description's own packages.",
                "Copy the included files into the package, and refer to them inside it.",
            )

    def watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Python's audit hook: refuses what the process never does.

        Raises:
            SourceError: ``reference_escapes``, ``xacro_refused``.
        """
        if event.startswith(_NEVER):
            raise refused(f"An expression tries to use {event!r}.")
        if event in ("open", "os.listdir", "os.scandir", "glob.glob"):
            target = arguments[0]
            if not isinstance(target, (str, bytes, os.PathLike)):
                return
            path = Path(os.fsdecode(target))
            if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
                raise refused(f"An expression tries to write {path.name[:100]!r}.")
            if event != "glob.glob" and not any(path.resolve().is_relative_to(place) for place in self._installed):
                self.check(path)


def refused(message: str) -> SourceError:
    """The error of an expression that reaches too far."""
    return SourceError("xacro_refused", message, "Only expressions over plain values are evaluated.")


def check_expression(text: str) -> None:
    """Refuse an expression that reaches beyond plain values.

    Raises:
        SourceError: ``xacro_refused``.
        SyntaxError: When it is no expression.
    """
    for node in ast.walk(ast.parse(text.strip(), mode="eval")):
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            raise refused(f"The expression {text[:80]!r} names {node.id!r}.")
        if isinstance(node, ast.Attribute):
            plain = isinstance(node.value, ast.Constant) and "_" not in str(node.value.value)
            if node.attr.startswith(("_", *_INSPECTING)) or (node.attr == "format" and not plain):
                raise refused(f"The expression {text[:80]!r} uses {node.attr!r}.")


def expand(source: Path, area: Area) -> str:
    """The URDF text of a xacro file.

    Raises:
        Exception: Whatever xacro raises, or ``SourceError``.
    """
    import xml.dom.minidom

    import xacro
    import xacro.substitution_args

    index = types.ModuleType("ament_index_python")
    packages = types.ModuleType("ament_index_python.packages")
    vars(packages)["get_package_share_directory"] = area.package
    sys.modules["ament_index_python"], sys.modules["ament_index_python.packages"] = index, packages
    for name in _WITHDRAWN:
        dict.pop(xacro._global_symbols["python"], name, None)
    evaluate, extend = xacro.safe_eval, xacro.eval_extension

    def guarded_eval(text: str, *scopes: Any) -> Any:
        check_expression(text)
        return evaluate(text, *scopes)

    def guarded_extension(text: str) -> Any:
        if text.startswith("$(eval ") and text.endswith(")"):
            check_expression(text[7:-1])
        return extend(text)

    def guarded_parse(given: Any, filename: str | None = None) -> Any:
        path = Path(xacro.root_dir) / str(filename)
        area.check(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            xacro.filestack.pop()
            raise xacro.XacroException(f"{error.strerror}: {path.name}", exc=error) from error
        area.read.append(str(path))
        return _document(data, path)

    xacro.safe_eval, xacro.eval_extension, xacro.parse = guarded_eval, guarded_extension, guarded_parse
    xacro.substitution_args_context["filename"] = str(source)
    xacro.init_stacks(str(source))
    document: xml.dom.minidom.Document = guarded_parse(None, str(source))
    xacro.process_doc(document, mappings={})
    root = document.documentElement
    assert root is not None  # A document that was parsed has a root.
    return str(root.toxml())


def _document(data: bytes, path: Path) -> Any:
    """The DOM of a file whose elements know their lines."""
    from xml.dom import expatbuilder

    class Builder(expatbuilder.ExpatBuilderNS):
        def start_element_handler(self, name: str, attributes: list[str]) -> None:
            super().start_element_handler(name, attributes)
            vars(self.curNode)["place"] = f"{path.name}, line {self.getParser().CurrentLineNumber}"

    refuse_entities(io.BytesIO(data), path.name)
    return Builder().parseString(data)


def place_of(error: BaseException) -> str:
    """File and line of the element at which an error arose; empty when that is not known."""
    place, trace = "", error.__traceback__
    while trace is not None:
        for name in ("node", "elt"):
            place = getattr(trace.tb_frame.f_locals.get(name), "place", "") or place
        trace = trace.tb_next
    return place


def _limits(memory_mb: int, seconds: float) -> None:
    try:
        import resource
    except ImportError:  # Not on Windows; the time limit of the caller holds there.
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))


def _cause(error: BaseException) -> BaseException:
    """The refusal at the bottom of an error, or the error itself."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, SourceError):
            return seen
        seen = getattr(seen, "exc", None) or seen.__cause__ or seen.__context__
    return error


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Expand what a request names; the answer as JSON values."""
    import glob
    import xml.parsers.expat
    from xml.dom import expatbuilder

    import xacro
    import xacro.substitution_args
    import yaml  # type: ignore[import-untyped]

    del glob, yaml, expatbuilder  # Loaded before the hook, which sees every file that is opened.
    source = Path(request["source"])
    area = Area(Path(request["area"]), [Path(folder) for folder in request["above"]])
    area.package(source.parent.name)
    _limits(int(request["memory_mb"]), float(request["time_limit_s"]))
    hook: Callable[[str, tuple[Any, ...]], None] = area.watch
    sys.addaudithook(hook)
    try:
        text = expand(source, area)
    except RecursionError:
        return {
            "code": "xacro_failed",
            "place": source.name,
            "message": "its macros or properties use each other without end",
        }
    except MemoryError:
        return {"code": "xacro_failed", "place": source.name, "message": "it needs more memory than it may have"}
    except xml.parsers.expat.ExpatError as error:
        return {"code": "file_damaged", "place": Path((xacro.filestack or [source])[-1]).name, "message": str(error)}
    except Exception as error:
        cause = _cause(error)
        place = place_of(error) or Path((xacro.filestack or [None])[-1] or source).name
        if isinstance(cause, SourceError):
            return {"code": cause.code, "place": place, "message": cause.message, "hint": cause.hint}
        missing = isinstance(getattr(cause, "exc", None), OSError)
        message = str(cause.args[0]) if missing else str(cause) or type(cause).__name__
        if area.missing:
            message += f"; these packages are not there: {', '.join(area.missing)[:200]}"
        return {"code": "xacro_failed", "place": place, "message": message}
    if len(text.encode()) > int(request["max_bytes"]):
        return {"code": "xacro_failed", "place": source.name, "message": "it expands to more text than it may"}
    return {"text": text, "files": list(dict.fromkeys(area.read)), "packages": area.found, "missing": area.missing}


def main() -> int:
    """One request, one answer."""
    request = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, io.StringIO()
    result = answer(request)
    out.write(json.dumps(result))
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
