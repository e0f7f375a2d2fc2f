"""Outside Isaac Sim pytest leaves this folder alone."""

from __future__ import annotations

import importlib.util

collect_ignore = [] if importlib.util.find_spec("isaacsim") else ["test_in_isaac.py"]
