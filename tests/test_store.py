from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from physicl_twin import store
from physicl_twin.model import OutputError, UsdError


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with store.staged(tmp_path, "twin") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "twin").exists()
    assert (tmp_path / "twin" / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["twin"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.staged(tmp_path, "twin") as folder:
        (folder / "a").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_newer_twin_replaces_the_older(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with store.staged(tmp_path, "twin") as folder:
            (folder / text).write_text(text)
    assert [p.name for p in (tmp_path / "twin").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["twin"]


def test_a_death_between_the_two_renames_is_mended(tmp_path: Path) -> None:
    with store.staged(tmp_path, "my-twin") as folder:
        (folder / "old").write_text("old")
    (tmp_path / "my-twin").rename(tmp_path / ".physicl-replaced-0123abcd-my-twin")
    store.prepare_output(tmp_path)
    assert (tmp_path / "my-twin" / "old").read_text() == "old"


def test_stagings_of_dead_processes_are_removed_and_of_living_ones_kept(tmp_path: Path) -> None:
    code = (
        "import sys, os; from pathlib import Path; from physicl_twin import store\n"
        "with store.staged(Path(sys.argv[1]), 'x') as f: (f / 'half').write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=Path(__file__).parents[1])
    assert len(list(tmp_path.iterdir())) == 1
    with store.staged(tmp_path, "y") as alive:
        store.prepare_output(tmp_path)
        assert alive.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["y"]


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError) as caught:
        store.prepare_output(tmp_path / "out")
    assert caught.value.code == "output_not_a_folder"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError) as caught:
        store.prepare_output(tmp_path)
    assert caught.value.code == "output_unwritable"


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(OutputError) as caught,
        store.output_errors(tmp_path),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert caught.value.code == "disk_full"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        shutil.Error([("a", "b", "[Errno 28] No space left on device")]),
        UsdError("usd_not_written", "a.usda could not be written."),
    ],
    ids=["system", "copytree", "usd"],
)
def test_a_full_disk_is_called_that(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, 0))
    with pytest.raises(OutputError) as caught, store.output_errors(tmp_path / "not" / "yet"):
        raise error
    assert caught.value.code == "disk_full"


def test_with_room_left_the_error_is_what_it_was(tmp_path: Path) -> None:
    with pytest.raises(UsdError), store.output_errors(tmp_path):
        raise UsdError("usd_not_written", "a.usda could not be written.")
    with pytest.raises(OutputError) as caught, store.output_errors(tmp_path):
        raise shutil.Error([("a", "b", "[Errno 5] Input/output error")])
    assert caught.value.code == "output_failed"
    assert "Input/output error" in caught.value.message
