#!/usr/bin/env bash
# The commands of docs/tutorial.md, one after the other:
#   [COUNT=1000] [OUT=FOLDER] docs/tutorial.sh [further options of augment]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
PHYSICL="${PHYSICL:-./physicl.sh}"
PYTHON="${PYTHON:-.venv/bin/python}"
export COUNT="${COUNT:-1000}" OUT="${OUT:-tutorial}"

$PHYSICL build data/samples/mallet.step --out "$OUT/twins" --licence CC0-1.0 --fast

cat > "$OUT/spec.toml" <<'END'
schema_version = 1

[scene]
objects = 3
fill = 0.05

[look]
hue_deg = { uniform = [-30.0, 30.0] }
END

$PHYSICL augment "$OUT/twins/mallet" --spec "$OUT/spec.toml" --out "$OUT/mallets" --count "$COUNT" --seed 7 "$@"

$PYTHON - <<'END'
import os
from pathlib import Path

import numpy as np

from physicl_twin.engines import engine
from physicl_twin.usd.variation_set import member_path, read_set

folder = Path(os.environ["OUT"], "mallets")
members = read_set(folder).members
for number in members[:: max(1, len(members) // 3)][:3]:
    with engine("physx").open(folder / member_path(number)) as scene:
        start = scene.poses()
        scene.step(0.005, 200)
        moved = np.linalg.norm(scene.poses()[:, :3] - start[:, :3], axis=1).max()
    print(f"PhysX: in one second the objects of variation {number} moved {1e3 * moved:.3f} mm at most")
END

$PHYSICL deploy "$OUT/mallets" --target mujoco --out "$OUT/exports"

$PYTHON - <<'END'
import os
from pathlib import Path

import mujoco
import numpy as np

models = sorted(Path(os.environ["OUT"], "exports", "mujoco", "mallets").glob("variation_*.xml"))
for path in models[:: max(1, len(models) // 3)][:3]:
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    start = data.xpos.copy()
    while data.time < 1.0:
        mujoco.mj_step(model, data)
    moved = np.linalg.norm(data.xpos - start, axis=1).max()
    print(f"MuJoCo: in one second the objects of {path.stem} moved {1e3 * moved:.3f} mm at most")
END
