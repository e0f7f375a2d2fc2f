"""The child process that runs the converter: ``python -m physicl_twin.ingest.fbx_worker SOURCE RESULT``.

It writes one ``.npz`` with the arrays of each mesh and the node tree and materials as JSON. A crash of the converter's
native code ends this process only.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Exit status for a file that the converter refuses; its reason is the last line of standard error.
REFUSED = 3
#: Nodes below nodes beyond this depth are a damaged file.
_MAX_DEPTH = 512
#: The converter's texture kind 1 is the diffuse colour.
_DIFFUSE = 1


def convert(source: Path, result: Path) -> None:
    """Convert ``source`` and write ``result``.

    Raises:
        Exception: What the converter raises for a file that it cannot read.
    """
    import assimp_py

    flags = assimp_py.Process_Triangulate | assimp_py.Process_SortByPType | assimp_py.Process_FindInvalidData
    scene = assimp_py.import_file(str(source), flags)
    arrays: dict[str, NDArray[Any]] = {}
    meshes = [_mesh(mesh, index, arrays) for index, mesh in enumerate(scene.meshes)]
    description = {
        "meshes": meshes,
        "materials": [_material(material) for material in scene.materials],
        "root": _node(scene.root_node, 0),
        "animations": int(scene.num_animations),
    }
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)
    np.savez(result, **arrays)  # type: ignore[arg-type]


def _mesh(mesh: Any, index: int, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Store the arrays of a mesh; triangles only (points and lines leave no faces)."""
    count = int(mesh.num_vertices)
    faces = np.array(mesh.indices, dtype=np.int64).reshape(-1)
    triangles = faces.reshape(-1, 3) if faces.size == 3 * int(mesh.num_faces) else np.zeros((0, 3), np.int64)
    arrays[f"vertices{index}"] = np.array(mesh.vertices, dtype=np.float64).reshape(-1, 3)
    arrays[f"faces{index}"] = triangles
    if mesh.normals is not None and len(mesh.normals) == 3 * count:
        arrays[f"normals{index}"] = np.array(mesh.normals, dtype=np.float64).reshape(-1, 3)
    if mesh.texcoords:
        flat = np.array(mesh.texcoords[0], dtype=np.float64).reshape(-1)
        if count and flat.size % count == 0 and flat.size // count >= 2:
            arrays[f"uvs{index}"] = flat.reshape(count, -1)[:, :2]
    if mesh.colors:
        flat = np.array(mesh.colors[0], dtype=np.float64).reshape(-1)
        if count and flat.size == 4 * count:
            arrays[f"colors{index}"] = flat.reshape(count, 4)[:, :3]
    return {"name": str(mesh.name), "material": int(mesh.material_index), "bones": int(mesh.num_bones)}


def _material(material: dict[str, Any]) -> dict[str, Any]:
    """The numbers and the colour texture of a material."""
    wanted = (
        "COLOR_DIFFUSE",
        "OPACITY",
        "SHININESS",
        "METALLICFACTOR",
        "ROUGHNESSFACTOR",
        "TWOSIDED",
        "COLOR_EMISSIVE",
    )
    values: dict[str, Any] = {"name": str(material.get("NAME", ""))}
    for key in wanted:
        value = material.get(key)
        if isinstance(value, (int, float)):
            values[key] = float(value)
        elif isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) for v in value):
            values[key] = [float(v) for v in value]
    textures = material.get("TEXTURES") or {}
    images = textures.get(_DIFFUSE) if isinstance(textures, dict) else None
    values["texture"] = str(images[0]) if images else ""
    return values


def _node(node: Any, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError(f"nodes are nested deeper than {_MAX_DEPTH}")
    return {
        "name": str(node.name),
        "matrix": np.array(node.transformation, dtype=float).reshape(4, 4).tolist(),
        "meshes": [int(i) for i in node.mesh_indices],
        "children": [_node(child, depth + 1) for child in node.children],
    }


def main(arguments: list[str]) -> int:
    """Run one conversion; the exit status says how it ended."""
    try:
        convert(Path(arguments[0]), Path(arguments[1]))
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
