"""glTF 2.0 and GLB: nodes, instances, primitives with their materials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.gltf_buffers import GltfFile, integer
from physicl_twin.ingest.gltf_materials import GltfMaterial, MaterialReader
from physicl_twin.ingest.guards import check_face_count, check_file, damaged, no_geometry, point_cloud
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.model import Appearance, Evidence, PartHints, Progress
from physicl_twin.model.geometry import FloatArray

#: Deeper scene trees are damage.
_MAX_DEPTH = 200
#: More placements than this are damage.
_MAX_PLACEMENTS = 100_000
_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def read_gltf(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read a .gltf or .glb file: nodes that place the same mesh share its shape.

    Raises:
        SourceError: ``file_damaged``, ``format_mismatch``, ``feature_unsupported``, ``reference_escapes`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    data = path.read_bytes()
    builder = SceneBuilder(path, "glb" if data[:4] == b"glTF" else "gltf", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    reader = _Reader(GltfFile(data, builder), builder)
    reader.walk()
    reliability = settings.unit_reliability["gltf_rule"]
    axis = settings.up_evidence["format_rule"]
    file = reader.file
    if file.items("animations"):
        builder.note("animation_ignored", "info", f"{path.name}: animations are left out; the rest pose is used.")
    asset = file.document["asset"]
    copyright_text = asset.get("copyright")
    if isinstance(copyright_text, str) and copyright_text.strip() and builder.is_empty is False:
        builder.note(
            "copyright_statement",
            "info",
            f"{path.name} says: {copyright_text.strip()[:200]}",
            "State it with --licence.",
        )
    return builder.scene(
        unit_claims=(
            Claim(
                "m",
                reliability,
                Evidence("rule", "glTF lengths are metres by its specification.", "glTF 2.0", "3.4"),
                1.0,
            ),
        ),
        up_claims=(Claim("y", axis, Evidence("rule", "glTF is Y-up by its specification.", "glTF 2.0", "3.4")),),
    )


class _Reader:
    """Walks the default scene once and places what it finds."""

    def __init__(self, file: GltfFile, builder: SceneBuilder) -> None:
        self.file = file
        self._builder = builder
        self._materials = MaterialReader(file)
        self._meshes: dict[int, tuple[str, ...]] = {}
        self._points = 0
        self._placements = 0

    def walk(self) -> None:
        scenes, nodes = self.file.items("scenes"), self.file.items("nodes")
        if scenes:
            scene = self.file.item("scenes", self.file.document.get("scene", 0))
            roots = scene.get("nodes", [])
        else:
            children = {str(c) for node in nodes for c in _list(node.get("children"))}
            roots = [i for i in range(len(nodes)) if str(i) not in children]
        for root in _list(roots):
            self._node(root, np.eye(4), (), frozenset())
        if self._builder.is_empty:
            raise point_cloud(self.file.name, self._points) if self._points else no_geometry(self.file.name)

    def _node(self, index: Any, parent: FloatArray, path: tuple[str, ...], above: frozenset[int]) -> None:
        node = self.file.item("nodes", index)
        number = int(index)
        if number in above or len(above) > _MAX_DEPTH:
            raise damaged(self.file.name, "its node tree is circular or bottomless.")
        transform = parent @ _local_transform(node, self.file.name)
        name = str(node.get("name") or "")
        if "mesh" in node:
            self._place(node, transform, path, name)
        for child in _list(node.get("children")):
            self._node(child, transform, (*path, name) if name else path, above | {number})

    def _place(self, node: dict[str, Any], transform: FloatArray, path: tuple[str, ...], name: str) -> None:
        self._placements += 1
        if self._placements > _MAX_PLACEMENTS:
            raise damaged(self.file.name, f"it places more than {_MAX_PLACEMENTS:,} meshes.")
        entry = self.file.item("meshes", node["mesh"])
        index = int(node["mesh"])
        title = name or str(entry.get("name") or "") or self._builder.title
        if index not in self._meshes:
            self._meshes[index] = self._shapes(entry, str(entry.get("name") or "") or title)
        if "skin" in node:
            self._builder.note("skin_ignored", "info", f"{title[:80]!r} is skinned; its bind pose is used.")
        self._builder.place(title, self._meshes[index], transform, PartHints(path=path))

    def _shapes(self, entry: dict[str, Any], name: str) -> tuple[str, ...]:
        soups = []
        for primitive in _list(entry.get("primitives")):
            if not isinstance(primitive, dict):
                raise damaged(self.file.name, f"a primitive of {name[:60]!r} is no object.")
            soup = self._primitive(primitive, name)
            if soup is not None:
                soups.append(soup)
        weights = entry.get("weights")
        if isinstance(weights, list) and any(weights):
            self._builder.note("morph_ignored", "info", f"{name[:80]!r} has morph targets; its base shape is used.")
        return self._builder.shapes(name, _joined(soups, self._builder)) if soups else ()

    def _primitive(self, primitive: dict[str, Any], name: str) -> Soup | None:
        attributes = primitive.get("attributes")
        if not isinstance(attributes, dict) or "POSITION" not in attributes:
            return None
        positions = self.file.accessor(attributes["POSITION"])
        if positions.shape[1] != 3:
            raise damaged(self.file.name, f"the positions of {name[:60]!r} are no 3D vectors.")
        mode = integer(primitive.get("mode", _TRIANGLES), 0, 7, self.file.name, "the mode of a primitive")
        if mode < _TRIANGLES:
            self._points += len(positions)
            self._builder.note("lines_ignored", "info", f"{name[:80]!r}: points and lines are left out.")
            return None
        if "indices" in primitive:
            indices = self.file.accessor(primitive["indices"])[:, 0].astype(np.int64)
        else:
            indices = np.arange(len(positions))
        faces = _faces(indices, mode)
        check_face_count(self.file.name, len(faces), self._builder.options)
        if len(faces) and faces.max() >= len(positions):
            raise damaged(
                self.file.name, f"a face of {name[:60]!r} names vertex {int(faces.max())} of {len(positions)}."
            )
        if not len(faces):
            return None
        material = self._materials.material(primitive.get("material"))
        normals = self._attribute(attributes, "NORMAL", len(positions), 3)
        colors = self._attribute(attributes, "COLOR_0", len(positions), 3)
        return Soup(
            positions.astype(np.float32 if positions.dtype == np.dtype("<f4") else np.float64),
            faces,
            uvs=self._uvs(attributes, material, len(positions), faces),
            normals=None if normals is None else normals[faces],
            looks=(material.look,) if material else (),
            vertex_colors=None if colors is None else np.clip(np.nan_to_num(colors), 0.0, 1.0),
        )

    def _attribute(self, attributes: dict[str, Any], key: str, count: int, width: int) -> FloatArray | None:
        if key not in attributes:
            return None
        values = self.file.accessor(attributes[key])
        if len(values) != count or values.shape[1] < width:
            self._builder.note(
                "attribute_ignored", "info", f"{self.file.name}: an attribute {key} does not fit its positions."
            )
            return None
        chosen: FloatArray = values[:, :width].astype(np.float64)
        return chosen

    def _uvs(
        self, attributes: dict[str, Any], material: GltfMaterial | None, count: int, faces: np.ndarray
    ) -> FloatArray | None:
        uv_set = material.uv_set if material else 0
        uvs = self._attribute(attributes, f"TEXCOORD_{uv_set}", count, 2)
        if uvs is None:
            return None
        if material and material.uv_transform is not None:
            uvs = uvs @ material.uv_transform[:2, :2].T + material.uv_transform[:2, 2]
        uvs = np.column_stack([uvs[:, 0], 1.0 - uvs[:, 1]])  # glTF's v points down (3.9.1), USD's up.
        corners: FloatArray = uvs[faces]
        return corners


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _faces(indices: np.ndarray, mode: int) -> np.ndarray:
    """(F, 3) faces of a list, strip or fan (3.7.2.1); the cut-off rest of a list is left out."""
    if mode == _TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    n = len(indices) - 2
    if n < 1:
        return np.zeros((0, 3), np.int64)
    i = np.arange(n)
    if mode == _FAN:
        return np.column_stack([indices[i + 1], indices[i + 2], np.full(n, indices[0])])
    odd = i % 2
    return np.column_stack([indices[i], indices[i + 1 + odd], indices[i + 2 - odd]])


def _local_transform(node: dict[str, Any], name: str) -> FloatArray:
    """(4, 4) transform of a node (3.5.3): a column-major matrix, or translation, rotation (xyzw) and scale."""
    try:
        if "matrix" in node:
            matrix = np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
        else:
            matrix = np.eye(4)
            x, y, z, w = (float(v) for v in node.get("rotation", (0, 0, 0, 1)))
            length = (x * x + y * y + z * z + w * w) ** 0.5
            if not length > 0:
                raise ValueError("a rotation of length zero")
            x, y, z, w = x / length, y / length, z / length, w / length
            rotation = np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
                ]
            )
            matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64).reshape(3)
            matrix[:3, 3] = np.array(node.get("translation", (0, 0, 0)), dtype=np.float64).reshape(3)
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(name, f"a node's transform is broken ({str(error)[:60]}).") from error
    if not np.isfinite(matrix).all():
        raise damaged(name, "a node's transform is not finite.")
    return matrix


def _joined(soups: list[Soup], builder: SceneBuilder) -> Soup:
    """The primitives of a mesh as one soup with a look per face."""
    if len(soups) == 1:
        return soups[0]
    offsets = np.cumsum([0, *(len(s.positions) for s in soups)])
    plain = (
        builder.look(Appearance("unassigned"))
        if any(not s.looks for s in soups) and any(s.looks for s in soups)
        else ""
    )
    names = [s.looks[0] if s.looks else plain for s in soups]
    looks = tuple(dict.fromkeys(n for n in names if n))

    def stacked(arrays: list[FloatArray | None]) -> FloatArray | None:
        present = [a for a in arrays if a is not None]
        return np.concatenate(present) if len(present) == len(arrays) else None

    return Soup(
        np.concatenate([s.positions for s in soups]),
        np.concatenate([s.faces + o for s, o in zip(soups, offsets[:-1], strict=True)]),
        uvs=_joined_uvs(soups),
        normals=stacked([s.normals for s in soups]),
        group=np.concatenate([np.full(len(s.faces), looks.index(n)) for s, n in zip(soups, names, strict=True)])
        if looks
        else None,
        looks=looks,
        vertex_colors=stacked([s.vertex_colors for s in soups]),
    )


def _joined_uvs(soups: list[Soup]) -> FloatArray | None:
    """Texture coordinates of all primitives; zeros for those that have none, beside some that have."""
    if all(s.uvs is None for s in soups):
        return None
    return np.concatenate([np.zeros((len(s.faces), 3, 2)) if s.uvs is None else s.uvs for s in soups])
