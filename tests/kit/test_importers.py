"""File > Import and the content browser: which files are offered, and what comes of them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from physicl_twin.ingest.formats import FORMATS
from physicl_twin.kit import importers
from physicl_twin.kit.settings import KitSettings
from tests.ingest.mesh_files import box, stl_binary


def test_by_default_only_what_kit_lacks_is_offered() -> None:
    offered = importers.filters("missing")
    matches = lambda name: any(re.match(one.regex, name) for one in offered)  # noqa: E731
    assert all(matches(name) for name in ("a.step", "A.STP", "a b.iges", "x.3mf", "/some where/x.dxf", "x.dae"))
    assert not any(matches(name) for name in ("a.stl", "a.fbx", "a.usd", "a.glb", "a.txt", "step"))
    assert all("*." in one.description for one in offered)


def test_all_formats_or_none_may_be_offered() -> None:
    assert len(importers.filters("all")) == len(FORMATS)
    assert importers.filters("none") == ()


def test_the_browsers_entry_appears_on_sources_only() -> None:
    assert importers.is_source("/a/B.STEP")
    assert importers.is_source("a.stl")
    assert not importers.is_source("a.png")


async def pause() -> None:
    await asyncio.sleep(0.02)


@pytest.fixture
def complaints() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def conversion(tmp_path: Path, complaints: list[tuple[str, str]]) -> importers.Conversion:
    settings = KitSettings(output_folder=str(tmp_path / "out"))
    return importers.Conversion(lambda: settings, pause, lambda title, text: complaints.append((title, text)))


def test_a_damaged_file_costs_itself_and_is_explained(
    conversion: importers.Conversion, complaints: list[tuple[str, str]], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.stl"
    bad.write_bytes(b"solid nothing\n")
    made = asyncio.run(conversion.convert([str(bad), str(tmp_path / "missing.stl")], str(tmp_path / "mine")))
    assert made == {str(bad): None, str(tmp_path / "missing.stl"): None}
    assert [title for title, _ in complaints] == ["bad.stl", "missing.stl"]
    assert all(len(text) > 10 for _, text in complaints)


def test_a_closed_dialog_stops_the_worker(
    conversion: importers.Conversion, complaints: list[tuple[str, str]], tmp_path: Path
) -> None:
    source = tmp_path / "crate.stl"
    source.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))

    async def close_early() -> None:
        running = asyncio.ensure_future(conversion.convert([str(source)]))
        while not conversion._tasks:
            await pause()
        (task,) = conversion._tasks
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert task.wait(10).status == "cancelled"

    asyncio.run(close_early())
    assert complaints == []


def test_the_end_of_the_extension_stops_the_worker_without_a_complaint(
    conversion: importers.Conversion, complaints: list[tuple[str, str]], tmp_path: Path
) -> None:
    source = tmp_path / "crate.stl"
    source.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))

    async def end() -> dict[str, str | None]:
        running = asyncio.ensure_future(conversion.convert([str(source)]))
        while not conversion._tasks:
            await pause()
        conversion.release()
        return await running

    assert asyncio.run(end()) == {str(source): None}
    assert complaints == []
