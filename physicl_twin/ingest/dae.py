"""COLLADA (DAE): visual scenes, instances, materials, unit and up axis."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.dae_effects import EffectReader
from physicl_twin.ingest.dae_mesh import primitives_of
from physicl_twin.ingest.guards import check_file, damaged, is_remote, local_reference, no_geometry, refuse_entities
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.length_units import unit_claim
from physicl_twin.ingest.looks import linear_from_srgb
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.model import Appearance, Evidence, PartHints, Progress, SourceError
from physicl_twin.model.geometry import FloatArray

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_DEPTH = 200
_MAX_PLACEMENTS = 100_000


def read_dae(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read a COLLADA file: instances of one geometry with the same materials share their shapes.

    Raises:
        SourceError: ``file_damaged``, ``xml_entities_refused``, ``reference_escapes``, ``no_geometry`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "dae", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    root = _document(path)
    walker = _Walker(root, builder)
    walker.walk()
    return builder.scene("", _unit_claims(root, path, settings), _up_claims(root, path, settings))


def _document(path: Path) -> Element:
    """Root of the tree, with names freed of their namespace."""
    from xml.etree import ElementTree

    with path.open("rb") as stream:
        refuse_entities(stream, path.name)
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise damaged(path.name, f"the XML is broken ({error}).") from error
    for element in root.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    if root.tag != "COLLADA":
        raise damaged(path.name, f"its root is {root.tag[:40]!r} and not COLLADA.")
    return root


def _unit_claims(root: Element, path: Path, settings: IngestSettings) -> tuple[Claim, ...]:
    unit = root.find("asset/unit")
    if unit is None:
        return ()
    try:
        metres = float(unit.get("meter", "1"))
    except ValueError:
        metres = math.nan
    if not (math.isfinite(metres) and metres > 0):
        raise damaged(path.name, f"its unit of {unit.get('meter', '')[:30]!r} metres is none.")
    statement = f"The file states a unit of {metres:g} m ({unit.get('name') or 'unnamed'})."
    evidence = Evidence("source", statement, path.name, "asset/unit")
    return (unit_claim(metres, settings.unit_reliability["dae_attribute"], evidence),)


def _up_claims(root: Element, path: Path, settings: IngestSettings) -> tuple[Claim, ...]:
    text = (root.findtext("asset/up_axis") or "").strip().upper()
    axis = {"X_UP": "x", "Y_UP": "y", "Z_UP": "z"}.get(text)
    reliability = settings.up_evidence["format_rule"]
    if axis:
        return (Claim(axis, reliability, Evidence("source", f"The file states {text}.", path.name, "asset/up_axis")),)
    return (
        Claim(
            "y",
            reliability,
            Evidence("rule", "COLLADA is Y-up where the file does not say.", "COLLADA 1.4.1", "up_axis"),
        ),
    )


class _Walker:
    """Walks the visual scene once and places what it finds."""

    def __init__(self, root: Element, builder: SceneBuilder) -> None:
        self._root = root
        self._builder = builder
        self._by_id: dict[str, Element] = {}
        for element in root.iter():
            key = element.get("id")
            if key:
                self._by_id.setdefault(key, element)
        self._effects = EffectReader(self._by_id, builder)
        self._shapes: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, ...]] = {}
        self._placements = 0

    def walk(self) -> None:
        instance = self._root.find("scene/instance_visual_scene")
        scene = self._by_id.get((instance.get("url") or "").lstrip("#")) if instance is not None else None
        if scene is None:
            scene = self._root.find("library_visual_scenes/visual_scene")
        if scene is not None:
            for node in scene.findall("node"):
                self._node(node, np.eye(4), (), 0)
        if self._builder.is_empty:
            for geometry in self._root.findall("library_geometries/geometry"):
                self._place(geometry, geometry.get("name", ""), np.eye(4), (), ())
            if not self._builder.is_empty:
                self._builder.note(
                    "no_visual_scene", "info", "The COLLADA file places nothing; all its geometries are used."
                )
        if self._builder.is_empty:
            raise no_geometry(self._builder.path.name)

    def _node(self, node: Element, parent: FloatArray, path: tuple[str, ...], depth: int) -> None:
        self._placements += 1
        if depth > _MAX_DEPTH or self._placements > _MAX_PLACEMENTS:
            raise damaged(self._builder.path.name, "its nodes are circular or countless.")
        transform = parent @ _transform(node, self._builder.path.name)
        name = node.get("name") or node.get("id") or ""
        for instance in node.findall("instance_geometry"):
            self._instance(instance, instance.get("url", ""), transform, name, path)
        for instance in node.findall("instance_controller"):
            self._controller(instance, transform, name, path)
        below = (*path, name) if name else path
        for child in node.findall("node"):
            self._node(child, transform, below, depth + 1)
        for instance in node.findall("instance_node"):
            target = self._local(instance.get("url", ""))
            if target is not None:
                self._node(target, transform, below, depth + 1)

    def _local(self, url: str) -> Element | None:
        if url.startswith("#"):
            return self._by_id.get(url[1:])
        owner = self._builder.path.name
        if not is_remote(url):
            local_reference(self._builder.path.parent, url.split("#")[0], owner)
        self._builder.note(
            "external_reference_ignored", "warning", f"{owner} refers to {url[:100]!r}, another file; it is left out."
        )
        return None

    def _controller(self, instance: Element, transform: FloatArray, name: str, path: tuple[str, ...]) -> None:
        controller = self._local(instance.get("url", ""))
        skin = controller.find("skin") if controller is not None else None
        if skin is None:
            return
        self._builder.note("skin_ignored", "info", f"{name[:80]!r} is skinned; its bind pose is used.")
        matrix = np.eye(4)
        text = skin.findtext("bind_shape_matrix")
        if text:
            matrix = _values(text, 16, self._builder.path.name).reshape(4, 4)
        self._instance(instance, skin.get("source", ""), transform @ matrix, name, path)

    def _instance(self, instance: Element, url: str, transform: FloatArray, name: str, path: tuple[str, ...]) -> None:
        geometry = self._local(url)
        if geometry is None:
            return
        bindings = {
            m.get("symbol", ""): (m.get("target") or "").lstrip("#")
            for m in instance.findall("bind_material/technique_common/instance_material")
        }
        self._place(geometry, name, transform, path, tuple(sorted(bindings.items())))

    def _place(
        self,
        geometry: Element,
        name: str,
        transform: FloatArray,
        path: tuple[str, ...],
        bindings: tuple[tuple[str, str], ...],
    ) -> None:
        key = (geometry.get("id", ""), bindings)
        title = name or geometry.get("name") or self._builder.title
        if key not in self._shapes:
            soup = self._soup(geometry, dict(bindings))
            self._shapes[key] = self._builder.shapes(geometry.get("name") or title, soup) if soup else ()
        self._builder.place(title, self._shapes[key], transform, PartHints(path=path))

    def _soup(self, geometry: Element, bindings: dict[str, str]) -> Soup | None:
        mesh = geometry.find("mesh")
        primitives = primitives_of(mesh, self._by_id, self._builder.path.name) if mesh is not None else []
        if not primitives:
            return None
        names = [self._effects.look(bindings.get(p.symbol, p.symbol)) if p.symbol else "" for p in primitives]
        plain = self._builder.look(Appearance("unassigned")) if any(names) and not all(names) else ""
        looks = tuple(dict.fromkeys(n or plain for n in names if n or plain))
        offsets = np.cumsum([0, *(len(p.positions) for p in primitives)])[:-1]
        faces = np.concatenate([p.faces + o for p, o in zip(primitives, offsets, strict=True)])
        positions = np.concatenate([p.positions for p in primitives])
        uvs = None
        if any(p.uvs is not None for p in primitives):
            uvs = np.concatenate([np.zeros((len(p.faces), 3, 2)) if p.uvs is None else p.uvs for p in primitives])
        colors = _vertex_colors(faces, [p.colors for p in primitives], len(positions))
        normals = [p.normals for p in primitives if p.normals is not None]
        return Soup(
            positions,
            faces,
            uvs=uvs,
            normals=np.concatenate(normals) if len(normals) == len(primitives) else None,
            group=np.concatenate(
                [np.full(len(p.faces), looks.index(n or plain)) for p, n in zip(primitives, names, strict=True)]
            )
            if looks
            else None,
            looks=looks,
            vertex_colors=colors,
        )


def _vertex_colors(faces: np.ndarray, colors: list[FloatArray | None], count: int) -> FloatArray | None:
    """(V, 3) linear colours, the mean over the corners of each vertex; None when a primitive has none."""
    present = [c for c in colors if c is not None]
    if len(present) != len(colors):
        return None
    linear = linear_from_srgb(np.concatenate(present)).reshape(-1, 3)
    total, uses = np.zeros((count, 3)), np.zeros(count)
    np.add.at(total, faces.reshape(-1), linear)
    np.add.at(uses, faces.reshape(-1), 1.0)
    mean: FloatArray = total / np.maximum(uses, 1.0)[:, None]
    return mean


def _values(text: str | None, count: int, name: str) -> FloatArray:
    try:
        values = np.array([float(word) for word in (text or "").split()])
    except ValueError as error:
        raise damaged(name, "a transform holds text where numbers belong.") from error
    if values.shape != (count,) or not np.isfinite(values).all():
        raise damaged(name, f"a transform needs {count} finite numbers.")
    return values


def _transform(node: Element, name: str) -> FloatArray:
    """(4, 4) product of a node's transforms in the order of the file."""
    total = np.eye(4)
    for element in node:
        matrix = np.eye(4)
        if element.tag == "matrix":
            matrix = _values(element.text, 16, name).reshape(4, 4)
        elif element.tag == "translate":
            matrix[:3, 3] = _values(element.text, 3, name)
        elif element.tag == "scale":
            matrix[:3, :3] = np.diag(_values(element.text, 3, name))
        elif element.tag == "rotate":
            matrix[:3, :3] = _axis_rotation(_values(element.text, 4, name))
        elif element.tag == "lookat":
            matrix = _look_at(_values(element.text, 9, name).reshape(3, 3), name)
        elif element.tag == "skew":
            raise SourceError(
                "feature_unsupported",
                f"{name}: a node is skewed, which this reader does not have.",
                "Apply the transforms and export again.",
            )
        else:
            continue
        total = total @ matrix
    return total


def _axis_rotation(values: FloatArray) -> FloatArray:
    """(3, 3) rotation about an axis by an angle in degrees (Rodrigues' formula)."""
    length = float(np.linalg.norm(values[:3]))
    if length == 0.0:
        return np.eye(3)
    x, y, z = values[:3] / length
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(float(values[3]))
    rotation: FloatArray = np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * (k @ k)
    return rotation


def _look_at(rows: FloatArray, name: str) -> FloatArray:
    eye, target, up = rows
    back = eye - target
    right = np.cross(up, back)
    if not (np.linalg.norm(back) > 0 and np.linalg.norm(right) > 0):
        raise damaged(name, "a lookat transform has no direction.")
    back, right = back / np.linalg.norm(back), right / np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([right, np.cross(back, right), back])
    matrix[:3, 3] = eye
    return matrix
