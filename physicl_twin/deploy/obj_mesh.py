"""Wavefront OBJ: the one mesh format with texture coordinates that MuJoCo and URDF readers share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray, IntArray


def write_obj(
    path: Path,
    vertices: FloatArray,
    faces: IntArray,
    *,
    uvs: FloatArray | None = None,
    normals: FloatArray | None = None,
    material: str = "",
    library: str = "",
) -> None:
    """Write triangles; positions have nine digits, which is what readers keep (single precision).

    Args:
        path: File.
        vertices: (V, 3) metres.
        faces: (F, 3).
        uvs: (F, 3, 2) per corner, v up.
        normals: (F, 3, 3) per corner, unit.
        material: Name in ``library``.
        library: File name of the MTL file; empty for none.
    """
    used, faces = _compact(faces)
    lines = [f"mtllib {library}"] if library else []
    lines += _rows("v", vertices[used])
    indices: list[NDArray[np.integer[Any]]] = [faces + 1]
    for word, values in (("vt", uvs), ("vn", normals)):
        if values is not None:
            rows, index = _shared(values.reshape(-1, values.shape[-1]))
            lines += _rows(word, rows)
            indices.append(index.reshape(-1, 3) + 1)
    if material:
        lines.append(f"usemtl {material}")
    separator = "//" if uvs is None and normals is not None else "/"
    corner = separator.join(["%d"] * len(indices))
    pattern = f"f {corner} {corner} {corner}"
    lines += [pattern % tuple(row) for row in np.stack(indices, axis=2).reshape(len(faces), -1).tolist()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _compact(faces: IntArray) -> tuple[NDArray[np.integer[Any]], IntArray]:
    """The vertices that faces use, in order, and the faces on them."""
    used = np.unique(faces)
    place = np.zeros(int(used.max()) + 1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    return used, place[faces]


def _shared(values: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Equal rows once, in the order of first appearance, with the index of each."""
    single = np.ascontiguousarray(values, np.float32) + np.float32(0.0)  # -0 and 0 are one value
    keys = single.view(np.dtype((np.void, single.dtype.itemsize * single.shape[1]))).ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return single[first[order]].astype(float), rank[inverse.reshape(-1)]


def _rows(word: str, values: FloatArray) -> list[str]:
    pattern = f"{word} " + " ".join(["%.9g"] * values.shape[1])
    return [pattern % tuple(row) for row in (np.asarray(values, float) + 0.0).tolist()]
