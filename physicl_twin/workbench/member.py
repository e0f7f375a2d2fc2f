"""The worker's side of stepping through a set: a member's picture and its values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.augment.pictures import contact_sheet
from physicl_twin.model import VariationSet, loads_twin, to_json
from physicl_twin.usd.variation_set import read_member, read_set, support_of

#: Columns of the set's table that say how a member came to rest.
_REST = ("attempts", "reasons", "settle_s", "moved_m", "turned_deg", "overlap_m")
#: Border and caption of a contact sheet, pixels: what is cut off.
_BORDER, _CAPTION = 6, 16


def member(folder: Path, index: int) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """A member of a set.

    Args:
        folder: Of the set.
        index: Number of the member.

    Returns:
        ``variation`` (a ``Variation``), ``support`` (with the surface that it has there), ``masses_kg`` by instance,
        ``rest`` (how it settled; empty where the set has no table); and the picture (height, width, 4), RGBA.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``, ``variation_not_found``.
    """
    shared = read_set(folder)
    variation = read_member(folder, shared, index)
    known = _masses_kg(folder, shared)
    facts = {
        "variation": to_json(variation),
        "support": to_json(support_of(folder, shared, index)),
        "masses_kg": {one.name: known[one.twin] * one.mass_factor * one.scale**3 for one in variation.instances},
        "rest": _rest(folder, index),
    }
    sheet = np.asarray(contact_sheet(folder, shared, [index], columns=1).convert("RGBA"), dtype=np.uint8)
    return facts, sheet[_BORDER : -_BORDER - _CAPTION, _BORDER:-_BORDER]


def _masses_kg(folder: Path, shared: VariationSet) -> dict[str, float]:
    found = {}
    for name, where in shared.twins:
        mass = loads_twin((folder / where / "twin.json").read_text(encoding="utf-8")).bodies[0].mass
        found[name] = mass.value if mass is not None else math.nan
    return found


def _rest(folder: Path, index: int) -> dict[str, Any]:
    table = folder / "manifest.parquet"
    if not table.is_file():
        return {}
    import pyarrow.parquet as pq

    rows = pq.read_table(table, columns=list(_REST), filters=[("variation", "=", index)]).to_pylist()
    return dict(rows[0]) if rows else {}
