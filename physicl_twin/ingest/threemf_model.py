"""The XML of a 3MF model part, gathered by a streaming parser.

Names and defaults are those of the 3MF Core Specification and its Materials and Production extensions (3MF Consortium).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from physicl_twin.ingest.guards import damaged
from physicl_twin.model import SourceError
from physicl_twin.model.geometry import FloatArray


@dataclass(slots=True)
class Placement:
    """A component of an object, or an item of the build."""

    object_id: str
    path: str
    transform: FloatArray


@dataclass(slots=True)
class ModelObject:
    """An ``object`` resource.

    Attributes:
        id: Its id.
        name: Readable name, or empty.
        kind: model, support, solidsupport, surface or other.
        property_group: Default ``pid``; empty for none.
        property_index: Default ``pindex``.
        vertices: x, y, z, x, y, z …
        triangles: v1, v2, v3, p1, p2, p3 per triangle; -1 where a property is not given.
        groups: Index into ``group_ids`` per triangle; -1 for the object's default.
        components: Placements of other objects.
    """

    id: str
    name: str
    kind: str
    property_group: str
    property_index: int
    vertices: array[float] = field(default_factory=lambda: array("d"))
    triangles: array[int] = field(default_factory=lambda: array("i"))
    groups: array[int] = field(default_factory=lambda: array("i"))
    components: list[Placement] = field(default_factory=list)


@dataclass(slots=True)
class ModelPart:
    """A parsed .model part.

    Attributes:
        unit: The unit attribute; None when it is absent.
        metadata: By name.
        bases: Base materials by group id: (name, display colour) each.
        colors: Colours by group id.
        textures: Package path by texture id.
        texture_groups: Texture id and coordinates by group id.
        other_groups: Property groups of kinds that are not read.
        group_ids: Property groups in the order in which triangles name them.
        objects: By id.
        items: The build.
    """

    unit: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    bases: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    colors: dict[str, list[str]] = field(default_factory=dict)
    textures: dict[str, str] = field(default_factory=dict)
    texture_groups: dict[str, tuple[str, list[tuple[float, float]]]] = field(default_factory=dict)
    other_groups: set[str] = field(default_factory=set)
    group_ids: list[str] = field(default_factory=list)
    objects: dict[str, ModelObject] = field(default_factory=dict)
    items: list[Placement] = field(default_factory=list)


def parse_model(data: bytes, name: str, max_faces: int) -> ModelPart:
    """Parse a model part.

    Args:
        data: The XML; its prolog was checked for entities.
        name: For messages.
        max_faces: Limit over all objects.

    Raises:
        SourceError: ``file_damaged``, ``too_many_faces``.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    handler = _Handler(max_faces, name)
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise damaged(name, f"the XML of its model is broken ({error}).") from error
    except (KeyError, ValueError, OverflowError, IndexError) as error:
        raise damaged(name, f"its model is incomplete ({type(error).__name__}: {str(error)[:60]}).") from error
    return handler.part


def matrix_of(text: str | None) -> FloatArray:
    """(4, 4) column-vector matrix of a ``transform`` attribute: twelve numbers, row vectors, row by row (core, 3.3)."""
    matrix = np.eye(4)
    if text:
        values = np.array([float(v) for v in text.split()])
        if values.shape != (12,) or not np.isfinite(values).all():
            raise ValueError("a transform has not twelve finite numbers")
        matrix[:3, :] = values.reshape(4, 3).T
    return matrix


class _Handler:
    """Collects elements by their local names."""

    def __init__(self, max_faces: int, name: str) -> None:
        self.part = ModelPart()
        self._max_faces = max_faces
        self._name = name
        self._faces = 0
        self._object: ModelObject | None = None
        self._group = ""
        self._group_index: dict[str, int] = {}
        self._metadata = ""
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "model": self._model,
            "metadata": self._metadata_start,
            "basematerials": self._bases,
            "base": self._base,
            "colorgroup": self._colorgroup,
            "color": self._color,
            "texture2d": self._texture,
            "texture2dgroup": self._texturegroup,
            "tex2coord": self._coordinate,
            "compositematerials": self._other_group,
            "multiproperties": self._other_group,
            "object": self._object_start,
            "vertex": self._vertex,
            "triangle": self._triangle,
            "component": self._component,
            "item": self._item,
        }

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        handler = self._starts.get(tag.rsplit(" ", 1)[-1])
        if handler:
            handler(attributes)

    def end(self, tag: str) -> None:
        local = tag.rsplit(" ", 1)[-1]
        if local == "object":
            self._object = None
        elif local == "metadata":
            self._metadata = ""

    def text(self, data: str) -> None:
        if self._metadata:
            self.part.metadata[self._metadata] = (self.part.metadata.get(self._metadata, "") + data)[:500]

    def _model(self, a: dict[str, str]) -> None:
        self.part.unit = a.get("unit")

    def _metadata_start(self, a: dict[str, str]) -> None:
        self._metadata = a.get("name", "") if self._object is None else ""

    def _bases(self, a: dict[str, str]) -> None:
        self._group = a["id"]
        self.part.bases[self._group] = []

    def _base(self, a: dict[str, str]) -> None:
        self.part.bases[self._group].append((a.get("name", ""), a.get("displaycolor", "")))

    def _colorgroup(self, a: dict[str, str]) -> None:
        self._group = a["id"]
        self.part.colors[self._group] = []

    def _color(self, a: dict[str, str]) -> None:
        self.part.colors[self._group].append(a["color"])

    def _texture(self, a: dict[str, str]) -> None:
        self.part.textures[a["id"]] = a["path"]

    def _texturegroup(self, a: dict[str, str]) -> None:
        self._group = a["id"]
        self.part.texture_groups[self._group] = (a["texid"], [])

    def _coordinate(self, a: dict[str, str]) -> None:
        self.part.texture_groups[self._group][1].append((float(a["u"]), float(a["v"])))

    def _other_group(self, a: dict[str, str]) -> None:
        self.part.other_groups.add(a["id"])

    def _object_start(self, a: dict[str, str]) -> None:
        found = ModelObject(
            a["id"], a.get("name", ""), a.get("type", "model"), a.get("pid", ""), int(a.get("pindex", 0))
        )
        self._object = self.part.objects[found.id] = found

    def _vertex(self, a: dict[str, str]) -> None:
        if self._object is not None:
            self._object.vertices.extend((float(a["x"]), float(a["y"]), float(a["z"])))

    def _triangle(self, a: dict[str, str]) -> None:
        if self._object is None:
            return
        self._faces += 1
        if self._faces > self._max_faces:
            raise SourceError(
                "too_many_faces",
                f"{self._name} has more than {self._max_faces:,} triangles.",
                "Decimate it, or raise the limit.",
            )
        group = a.get("pid", "")
        if group and group not in self._group_index:
            self._group_index[group] = len(self.part.group_ids)
            self.part.group_ids.append(group)
        first = int(a.get("p1", -1))
        self._object.groups.append(self._group_index[group] if group else -1)
        self._object.triangles.extend(
            (int(a["v1"]), int(a["v2"]), int(a["v3"]), first, int(a.get("p2", first)), int(a.get("p3", first)))
        )

    def _component(self, a: dict[str, str]) -> None:
        if self._object is not None:
            self._object.components.append(_placement(a))

    def _item(self, a: dict[str, str]) -> None:
        self.part.items.append(_placement(a))


def _placement(attributes: dict[str, str]) -> Placement:
    path = next((value for key, value in attributes.items() if key.rsplit(" ", 1)[-1] == "path"), "")
    return Placement(attributes["objectid"], path, matrix_of(attributes.get("transform")))
