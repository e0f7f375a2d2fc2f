"""How the tests are run: what CI draws and samples, and in which order the files go."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Property tests draw the same examples on every CI run, so that a red run can be repeated; at the desk they explore.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests go first: with several workers none is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)
