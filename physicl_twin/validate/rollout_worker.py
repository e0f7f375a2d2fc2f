"""The child process of ``apart``: takes names of rollouts as JSON lines, answers with their results as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from physicl_twin.engines import EngineSettings, registry
from physicl_twin.model.codec import to_json
from physicl_twin.validate.rollouts import RolloutSettings
from physicl_twin.validate.run import run_closed


def main() -> None:
    """Answer until the standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    told = json.loads(sys.stdin.readline())
    engine = registry.engine(told["engine"], EngineSettings.from_pipeline(told["settings"]))
    bounds = RolloutSettings.from_pipeline(told["settings"])
    for line in sys.stdin:
        found = run_closed(json.loads(line), Path(told["usd"]), engine, bounds)
        print(json.dumps(to_json(found)), file=answers, flush=True)


if __name__ == "__main__":
    main()
