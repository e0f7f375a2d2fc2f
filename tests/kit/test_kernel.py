"""The extension in the real Kit kernel. Needs ``./physicl.sh install kit`` and OMNI_KIT_ACCEPT_EULA=YES."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from physicl_twin import __version__

ROOT = Path(__file__).parents[2]
KIT_PYTHON = ROOT / ".venv-kit" / "bin" / "python"

pytestmark = pytest.mark.skipif(
    not KIT_PYTHON.exists() or os.environ.get("OMNI_KIT_ACCEPT_EULA") != "YES",
    reason="the Kit kernel is not installed (./physicl.sh install kit) or its licence is not accepted",
)


def test_the_kernel_loads_the_extension_without_an_error(tmp_path: Path) -> None:
    extensions = tmp_path / "exts"
    extensions.mkdir()
    (extensions / "physicl_twin").symlink_to(ROOT)  # the id is the folder's name, whatever the checkout is called
    kernel_packages = next((ROOT / ".venv-kit" / "lib").glob("python*/site-packages")) / "omni" / "kernel" / "py"
    run = subprocess.run(
        [KIT_PYTHON, str(Path(__file__).with_name("kernel.py")), str(extensions), str(tmp_path / "portable")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(kernel_packages)},
    )
    output = run.stdout + run.stderr
    logs = "".join(path.read_text(errors="replace") for path in (tmp_path / "portable").rglob("*.log"))
    assert f"VERSION {__version__}" in output, output[-3000:]
    assert f"ID physicl_twin-{__version__}" in output
    assert "DISABLED True" in output
    # set_extension_enabled_immediate reports success even when the module failed to import: the log tells.
    assert [line for line in (output + logs).splitlines() if "[Error]" in line] == []
