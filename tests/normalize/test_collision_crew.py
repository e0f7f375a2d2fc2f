"""Shapes that several processes fit: the same result, no hanging, nothing lost when a child dies."""

from __future__ import annotations

import sys

import numpy as np
import psutil
import pytest

from physicl_twin.model import Shape, dumps, silent
from physicl_twin.model.errors import GeometryError
from physicl_twin.model.geometry import Mesh
from physicl_twin.normalize.collision import crew

from .collision_shapes import bowl, crate, cup, pipe, settings, shape_of


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PATIENCE_S", 0.0)


def some() -> list[Shape]:
    return [
        shape_of(mesh, name)
        for name, mesh in (("crate", crate()), ("cup", cup(24)), ("pipe", pipe()), ("bowl", bowl()))
    ]


def texts(found: dict[str, crew.ShapeCollision]) -> dict[str, str]:
    return {name: dumps(one.for_part(name).colliders) + dumps(one.collision.fit) for name, one in found.items()}


def test_children_find_what_one_process_finds():
    said: list[tuple[float, str]] = []

    def progress(stage: str, fraction: float, message: str = "") -> None:
        said.append((fraction, message))

    apart = crew.fit_shapes(some(), settings(), True, 2, progress)
    assert texts(apart) == texts(crew.fit_shapes(some(), settings(), True, 1, silent))
    assert [fraction for fraction, _ in said] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert {message for _, message in said} == {"crate", "cup", "pipe", "bowl", ""}
    assert not psutil.Process().children(recursive=True), "no child outlives its work"


def test_an_error_is_the_same_with_children():
    point = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]], dtype=np.int32))
    shapes = [*some()[:2], Shape("nothing", mesh=point), Shape("no mesh")]
    for processes in (1, 3):
        with pytest.raises(GeometryError) as caught:
            crew.fit_shapes(shapes, settings(), True, processes, silent)
        assert caught.value.code == "shape_without_mesh" and "no mesh" in caught.value.message
    assert not psutil.Process().children(recursive=True)


@pytest.mark.parametrize("command", [("-c", "import sys; sys.stdin.buffer.read(100)"), ("-c", "print('no answer')")])
def test_what_a_dead_child_left_is_done_here(command, monkeypatch):
    monkeypatch.setattr(crew, "COMMAND", command)
    found = crew.fit_shapes(some()[:2], settings(), True, 2, silent)
    assert texts(found) == texts(crew.fit_shapes(some()[:2], settings(), True, 1, silent))


def test_without_a_python_for_children_all_is_done_here(monkeypatch):
    monkeypatch.setattr(crew, "worker_python", lambda: "/nowhere/python")
    found = crew.fit_shapes(some()[:2], settings(), True, 2, silent)
    assert set(found) == {"crate", "cup"}


def test_a_listener_that_raises_ends_the_children(monkeypatch):
    class Cancelled(Exception):
        pass

    def progress(stage: str, fraction: float, message: str = "") -> None:
        raise Cancelled

    monkeypatch.setattr(crew, "worker_python", lambda: sys.executable)
    with pytest.raises(Cancelled):
        crew.fit_shapes(some(), settings(), True, 2, progress)
    assert not psutil.Process().children(recursive=True)


def test_a_defect_in_the_fit_is_not_swallowed(monkeypatch):
    def broken(shape: Shape, *_: object) -> crew.ShapeCollision:
        raise ZeroDivisionError(shape.name)

    monkeypatch.setattr(crew, "COMMAND", ("-c", ""))
    monkeypatch.setattr(crew, "fit_shape", broken)
    with pytest.raises(ZeroDivisionError):
        crew.fit_shapes(some()[:2], settings(), True, 2, silent)
