"""The child process that reads a building: ``python -m physicl_twin.ingest.ifc_worker SOURCE RESULT ORDERS``.

ORDERS is a JSON object: ``memory_bytes``, ``max_elements``, ``max_faces``, ``layer_tolerance``, and ``skip``, the step
numbers of elements on which an earlier child crashed; null makes the geometry kernel go over all elements at once,
which is fast; a list makes it go one by one, and the file RESULT.at holds the number of the one that it is at. A crash
of the native code ends this process only.

RESULT is one ``.npz``: the arrays of each shape (v vertices in metres, f faces, i item and s style of each face, l
layer of each face) and ``description``, JSON: what ``ifc_facts`` says of the file and of each element.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.ifc_facts import FileFacts, layer_usage
from physicl_twin.ingest.ifc_layers import split_by_layers

#: Exit status for a file that is refused; the code and the reason are the last line of standard error.
REFUSED = 3
_MAX_LOG = 20
#: What reading an element raises where what it refers to is missing or of another kind.
_BROKEN = (AttributeError, TypeError, ValueError, LookupError, RuntimeError, ArithmeticError)


class Refusal(Exception):
    """A file that cannot be read, with the code of its SourceError."""


def convert(source: Path, result: Path, orders: Mapping[str, Any]) -> None:
    """Read ``source`` and write ``result``.

    Raises:
        Refusal: For a file that cannot be read.
        Exception: What ifcopenshell raises for a file that makes no sense.
    """
    import ifcopenshell

    try:
        model = ifcopenshell.open(str(source))
    except ifcopenshell.SchemaError as error:
        raise Refusal(f"ifc_schema_unsupported|{error}") from error
    except ifcopenshell.Error as error:
        why = _errors(ifcopenshell.get_log())
        raise Refusal(f"file_damaged|{why[0] if why else error}") from error
    facts = FileFacts(model)
    if circle := facts.circle():
        raise Refusal(f"file_damaged|its structure runs in a circle: {circle}")
    elements = facts.elements()
    if len(elements) > orders["max_elements"]:
        raise Refusal(f"too_many_elements|{len(elements)}")
    arrays: dict[str, NDArray[Any]] = {}
    shapes: dict[str, int] = {}
    log = [ifcopenshell.get_log()]
    records: dict[int, dict[str, Any]] = {}
    for element in elements:
        try:
            records[element.id()] = {**facts.element(element), "layers": layer_usage(element, facts.length_unit_m)}
        except _BROKEN as error:
            log.append(f"[error] #{element.id()} is left out: what belongs to it is damaged ({type(error).__name__})")
    elements = [element for element in elements if element.id() in records]
    with_body = [element for element in elements if element.Representation is not None]
    described: list[dict[str, Any]] = []
    faces = 0
    for shape in _shapes(model, with_body, orders["skip"], result.with_suffix(".at"), log):
        record = records[shape.id]
        geometry = shape.geometry
        usage = record["layers"]
        key = f"{geometry.id}|{json.dumps(usage)}"
        matrix = np.array(shape.transformation.matrix, dtype=float).reshape(4, 4).T
        record["matrix"] = matrix.tolist()
        if key not in shapes:
            described.append(_store(geometry, usage, orders["layer_tolerance"], len(shapes), arrays, facts))
            shapes[key] = len(shapes)
        record["shape"] = shapes[key]
        faces += len(geometry.faces) // 3
        if faces > orders["max_faces"]:
            raise Refusal(f"too_many_faces|{faces}")
    for element in elements:
        if records[element.id()]["matrix"] is None:
            records[element.id()]["matrix"] = facts.placement(element)
    description = {
        **facts.description(),
        "shapes": described,
        "elements": list(records.values()),
        "log": _errors("\n".join(log)),
    }
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)
    np.savez(result, **arrays)  # type: ignore[arg-type]


def _shapes(model: Any, elements: list[Any], skip: list[int] | None, at: Path, log: list[str]) -> Iterator[Any]:
    """Shapes of the elements with a body, as far as the kernel makes them."""
    import ifcopenshell
    import ifcopenshell.geom

    settings = ifcopenshell.geom.settings()
    settings.set("use-material-names", True)  # else styles are called after their class and number
    if not elements:
        return
    if skip is None:
        iterator = ifcopenshell.geom.iterator(settings, model, 1, include=elements)
        if iterator.initialize():
            while True:
                yield iterator.get()
                if not iterator.next():
                    break
        log.append(ifcopenshell.get_log())
        return
    for element in elements:
        if element.id() in skip:
            continue
        at.write_text(str(element.id()), encoding="ascii")
        try:
            shape = ifcopenshell.geom.create_shape(settings, element)
        except RuntimeError as error:
            log.append(f"[error] {error}")
            continue
        yield shape
    at.unlink(missing_ok=True)
    log.append(ifcopenshell.get_log())


def _store(
    geometry: Any, usage: dict[str, Any] | None, tolerance: float, number: int, arrays: dict[str, NDArray[Any]],
    facts: FileFacts,
) -> dict[str, Any]:  # fmt: skip
    """Keep the arrays of a shape; what is known of its items, styles and layers."""
    vertices = np.array(geometry.verts, dtype=np.float64).reshape(-1, 3)
    faces = np.array(geometry.faces, dtype=np.int64).reshape(-1, 3)
    items = np.array(geometry.item_ids, dtype=np.int64)
    styles = np.array(geometry.material_ids, dtype=np.int64)
    layers: NDArray[np.int64] = np.full(len(faces), -1, dtype=np.int64)
    split = None if usage is None else split_by_layers(vertices, faces, usage, tolerance)
    if split is not None:
        vertices, faces, layers = split.vertices, split.faces, split.layer
        items = np.full(len(faces), items[0] if len(items) else 0, dtype=np.int64)
        styles = np.full(len(faces), styles[0] if len(set(styles.tolist())) == 1 else -1, dtype=np.int64)
    for letter, array in (("v", vertices), ("f", faces), ("i", items), ("s", styles), ("l", layers)):
        arrays[f"{letter}{number}"] = array
    return {
        "styles": [_style(style) for style in geometry.materials],
        "items": {str(item): facts.item(int(item)) for item in set(items.tolist())},
        "split": split is not None,
    }


def _style(style: Any) -> dict[str, Any]:
    """Name and colour of a style; the kernel's own defaults, which no file states, have no name."""
    stated = int(style.instance_id()) > 0
    diffuse = style.diffuse
    transparency = float(style.transparency) if stated and style.has_transparency() else 0.0
    return {
        "name": str(style.name) if stated else "",
        "rgb": [float(diffuse.r()), float(diffuse.g()), float(diffuse.b())],
        "transparency": transparency if np.isfinite(transparency) else 0.0,
    }


def _errors(log: str) -> list[str]:
    """What the parser and the kernel complained about, without the times."""
    lines = [line.rsplit("] ", 1)[-1] for line in log.splitlines() if line.startswith("[error]")]
    found = list(dict.fromkeys(lines))
    return found[:_MAX_LOG] + ([f"and {len(found) - _MAX_LOG} more"] if len(found) > _MAX_LOG else [])


def _limit_memory(memory_bytes: int) -> None:
    """Bound this process's address space, where the system can."""
    try:
        import resource
    except ImportError:  # Windows has no such limit; the job's own watches over the whole worker there.
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def main(arguments: list[str]) -> int:
    """Run one conversion; the exit status says how it ended."""
    orders = json.loads(arguments[2])
    _limit_memory(orders["memory_bytes"])
    try:
        convert(Path(arguments[0]), Path(arguments[1]), orders)
    except Refusal as error:
        print(f"refused|{error}".splitlines()[0], file=sys.stderr)
        return REFUSED
    except MemoryError:
        print("refused|out_of_memory|", file=sys.stderr)
        return REFUSED
    except Exception as error:
        print(f"refused|file_damaged|{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
