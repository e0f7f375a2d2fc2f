"""manifest.parquet: a row a member with everything that was drawn and settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from physicl_twin.augment.chunk import Outcome, rest_of
from physicl_twin.augment.family import Family

#: Rest poses that differ less than this (metres; radians are metres over a metre) are duplicates.
DUPLICATE_M = 1e-3
#: Rows that are read at a time.
_BATCH = 1024


def schema() -> Any:
    """The table's schema (Arrow). Lengths in metres, masses in kilograms, quaternions wxyz, world frame."""
    import pyarrow as pa

    number, text = pa.float64(), pa.string()
    pose = [(name, number) for name in ("x", "y", "z", "qw", "qx", "qy", "qz")]
    surface = pa.struct(
        [("material", text), ("static_friction", number), ("dynamic_friction", number), ("restitution", number)]
    )
    look = pa.struct([("look", text), ("r", number), ("g", number), ("b", number), ("roughness", number)])
    instance = pa.struct(
        [
            ("name", text),
            ("twin", text),
            *pose,
            *((f"drop_{name}", number) for name, _ in pose),
            ("scale", number),
            ("mass_kg", number),
            ("mass_factor", number),
            ("surfaces", pa.list_(surface)),
            ("looks", pa.list_(look)),
        ]
    )
    light = pa.struct(
        [
            (name, number)
            for name in (
                "dome_intensity",
                "dome_kelvin",
                "key_intensity",
                "key_kelvin",
                "key_azimuth_rad",
                "key_elevation_rad",
            )
        ]
    )
    return pa.schema(
        [
            ("variation", pa.int64()),
            ("accepted", pa.bool_()),
            ("attempts", pa.int32()),
            ("reasons", pa.list_(text)),
            ("seed", text),
            ("spec_sha256", text),
            ("layer", text),
            ("layer_sha256", text),
            ("settle_s", number),
            ("moved_m", number),
            ("turned_deg", number),
            ("overlap_m", number),
            ("occlusion", number),
            ("support", surface),
            ("light", light),
            ("camera", pa.struct([*pose, ("focal_length_mm", number)])),
            ("objects", pa.list_(instance)),
            ("licences", pa.list_(text)),
        ]
    )


def rows(family: Family, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Rows of the table."""
    licences = sorted({member.twin.licence or "NOASSERTION" for member in family.members})
    return [_row(family, outcome, licences) for outcome in outcomes]


def _row(family: Family, outcome: Outcome, licences: list[str]) -> dict[str, Any]:
    settled, draft = outcome.settled, outcome.draft
    row: dict[str, Any] = {
        "variation": outcome.variation,
        "accepted": settled is not None,
        "attempts": len(outcome.reasons) + (settled is not None),
        "reasons": outcome.reasons,
        "seed": str(family.seed),
        "spec_sha256": family.spec.sha256,
        "licences": licences,
    }
    if settled is None or draft is None or outcome.camera is None:
        return row
    support = draft.support
    return row | {
        "layer": outcome.file,
        "layer_sha256": outcome.sha256,
        "settle_s": settled.seconds,
        "moved_m": settled.moved_m,
        "turned_deg": settled.turned_deg,
        "overlap_m": outcome.overlap_m,
        "occlusion": outcome.occlusion,
        "support": {
            "material": support.kind,
            "static_friction": support.static_friction,
            "dynamic_friction": support.dynamic_friction,
            "restitution": support.restitution,
        },
        "light": asdict(draft.light),
        "camera": _pose((*outcome.camera.pose.position_m, *outcome.camera.pose.quaternion_wxyz))
        | {"focal_length_mm": outcome.camera.focal_length_mm},
        "objects": _objects(family, outcome),
    }


def _objects(family: Family, outcome: Outcome) -> list[dict[str, Any]]:
    draft, poses = outcome.draft, rest_of(outcome)
    assert draft is not None
    result = []
    for place, state in enumerate(draft.states):
        if not draft.present[place]:
            continue
        member = family.members[family.instances[place][1]]
        drop = _pose((*state.pose.position_m, *state.pose.quaternion_wxyz))
        result.append(
            {"name": state.name, "twin": state.twin}
            | _pose([float(value) for value in poses[place]])
            | {f"drop_{name}": value for name, value in drop.items()}
            | {
                "scale": state.scale,
                "mass_kg": member.lean.mass_kg * state.mass_factor * state.scale**3,
                "mass_factor": state.mass_factor,
                "surfaces": [asdict(surface) for surface in state.surfaces],
                "looks": [
                    {"look": look.appearance, "roughness": look.roughness}
                    | dict(zip("rgb", look.base_color or (None, None, None), strict=True))
                    for look in state.looks
                ],
            }
        )
    return result


def _pose(values: Sequence[float]) -> dict[str, float]:
    return dict(zip(("x", "y", "z", "qw", "qx", "qy", "qz"), values, strict=True))


def write_rows(path: Path, records: list[dict[str, Any]]) -> None:
    """Write rows to a Parquet file.

    Raises:
        OSError: When it cannot be written; then there is no file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pq.write_table(pa.Table.from_pylist(records, schema=schema()), path, compression="zstd")
    except OSError:
        path.unlink(missing_ok=True)
        raise


def join(parts: Sequence[Path], path: Path) -> None:
    """Join the files of the chunks into one, a row group each.

    Raises:
        OSError: When it cannot be written; then the file is what it was.
    """
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}.part")
    try:
        with pq.ParquetWriter(temporary, schema(), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pq.read_table(part, schema=schema()))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows of a Parquet file, or some of their columns."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = pq.read_table(path, columns=list(columns) if columns else None).to_pylist()
    return found


def read_spread(path: Path, most: int) -> list[dict[str, Any]]:
    """Whole rows of accepted members, ``most`` of them at most, spread evenly; memory does not grow with the set."""
    accepted = np.flatnonzero(column(path, "accepted"))
    return _taken(
        path, accepted[np.unique(np.linspace(0, len(accepted) - 1, min(most, len(accepted))).round().astype(int))]
    )


def read_first(path: Path, most: int) -> list[dict[str, Any]]:
    """Whole rows of the first ``most`` accepted members, or of all when there are fewer."""
    return _taken(path, np.flatnonzero(column(path, "accepted"))[:most])


def _taken(path: Path, wanted: npt.NDArray[np.intp]) -> list[dict[str, Any]]:
    """Rows by their place, in order."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    start = 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH):
        if start > wanted[-1:].max(initial=-1):
            break
        here = wanted[(wanted >= start) & (wanted < start + batch.num_rows)] - start
        found += batch.take(here).to_pylist()
        start += batch.num_rows
    return found


def column(path: Path, name: str) -> npt.NDArray[Any]:
    """A column of plain values, of all rows."""
    import pyarrow.parquet as pq

    values: npt.NDArray[Any] = pq.read_table(path, columns=[name])[name].to_numpy()
    return values


def rests(path: Path) -> Iterator[list[bytes]]:
    """How the objects of accepted members rest, to ``DUPLICATE_M``; equal bytes mean the same rest.

    Yields:
        A list a batch of rows.
    """
    import pyarrow.parquet as pq

    axes = ("x", "y", "z", "qw", "qx", "qy", "qz")
    for batch in pq.ParquetFile(path).iter_batches(batch_size=_BATCH, columns=["objects"]):
        lists = batch.column("objects")
        flat = lists.flatten()
        cells = np.column_stack([np.round(flat.field(axis).to_numpy() / DUPLICATE_M) for axis in axes]).astype(np.int64)
        names = flat.field("name").to_pylist()
        ends = np.cumsum(lists.value_lengths().fill_null(0).to_numpy())
        yield [
            "\n".join(names[start:end]).encode() + cells[start:end].tobytes()
            for start, end in zip([0, *ends[:-1]], ends, strict=True)
            if end > start
        ]
