"""3MF: packages of objects, components, base materials, colours and textures."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePosixPath

import numpy as np

from physicl_twin.ingest.archive import SafeZip
from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.guards import check_file, damaged, no_geometry, refuse_entities
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.looks import hex_color
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.ingest.threemf_model import ModelObject, ModelPart, Placement, parse_model
from physicl_twin.model import Appearance, Evidence, PartHints, Progress, SourceError
from physicl_twin.model.geometry import FloatArray

#: Units of the model element (core specification, 3.4) and their ids here; micron is none of the named units.
_UNITS = {
    "micron": ("um", 1e-6),
    "millimeter": ("mm", 1e-3),
    "centimeter": ("cm", 1e-2),
    "inch": ("in", 0.0254),
    "foot": ("ft", 0.3048),
    "meter": ("m", 1.0),
}
_RELATIONSHIP = re.compile(rb"<[^<>]*\bRelationship\b[^<>]*>")
_ATTRIBUTE = re.compile(rb"(\w+)\s*=\s*[\"']([^\"']*)[\"']")
_SUPPORT = ("support", "solidsupport")
_MAX_DEPTH = 50
_MAX_PLACEMENTS = 100_000


def read_3mf(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read a 3MF package: build items and components become parts that share their objects' shapes.

    Raises:
        SourceError: ``file_damaged``, ``archive_bomb``, ``reference_escapes``, ``xml_entities_refused`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "3mf", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    with SafeZip(path, settings.archive) as archive:
        package = _Package(archive, builder)
        root = package.root()
        placer = _Placer(package, builder)
        placer.place_build(root)
    if root.metadata.get("LicenseTerms"):
        builder.note(
            "licence_statement",
            "info",
            f"{path.name} says: {root.metadata['LicenseTerms'][:200]}",
            "State it with --licence.",
        )
    return builder.scene(root.metadata.get("Title", ""), (_unit_claim(root, path, settings),), (_up_claim(settings),))


def _unit_claim(root: ModelPart, path: Path, settings: IngestSettings) -> Claim:
    unit, metres = _UNITS.get((root.unit or "millimeter").strip().lower(), ("", 0.0))
    if not unit:
        raise damaged(path.name, f"its unit {str(root.unit)[:30]!r} is none of 3MF.")
    if root.unit:
        statement = f"The 3MF model states unit={root.unit!r}."
        return Claim(
            unit,
            settings.unit_reliability["threemf_attribute"],
            Evidence("source", statement, path.name, "model/unit"),
            metres,
        )
    statement = "The 3MF model states no unit, which means millimetres."
    return Claim(
        unit,
        settings.unit_reliability["threemf_default"],
        Evidence("rule", statement, "3MF Core Specification", "3.4"),
        metres,
    )


def _up_claim(settings: IngestSettings) -> Claim:
    statement = "3MF builds along +Z by its specification."
    return Claim("z", settings.up_evidence["format_rule"], Evidence("rule", statement, "3MF Core Specification", "3.3"))


class _Package:
    """Parts of the package by their names, which OPC compares without case."""

    def __init__(self, archive: SafeZip, builder: SceneBuilder) -> None:
        self._archive = archive
        self._builder = builder
        self._names = {name.lower(): name for name in archive.names}
        self._models: dict[str, ModelPart] = {}

    def resolve(self, target: str, base: str = "") -> str:
        """Member of a part reference; empty when it is absent.

        Raises:
            SourceError: ``reference_escapes``.
        """
        text = target.replace("\\", "/")
        pieces: list[str] = (
            [] if text.startswith("/") else [p for p in PurePosixPath(base).parent.parts if p not in ("/", ".")]
        )
        for piece in PurePosixPath(text.lstrip("/")).parts:
            if piece == "..":
                if not pieces:
                    raise SourceError(
                        "reference_escapes",
                        f"{self._archive.name} refers to {target[:120]!r}, outside itself.",
                        "Do not trust this file.",
                    )
                pieces.pop()
            else:
                pieces.append(piece)
        if ":" in text.split("/", 1)[0]:
            raise SourceError(
                "reference_escapes",
                f"{self._archive.name} refers to {target[:120]!r}, outside itself.",
                "Do not trust this file.",
            )
        return self._names.get("/".join(pieces).lower(), "")

    def root(self) -> ModelPart:
        """The model that the package's relationships name."""
        relationships = self._names.get("_rels/.rels", "")
        for tag in _RELATIONSHIP.findall(self._archive.read(relationships)) if relationships else ():
            values = {k.decode(): v.decode("utf-8", "replace") for k, v in _ATTRIBUTE.findall(tag)}
            if values.get("Type", "").lower().endswith("/3dmodel"):
                name = self.resolve(values.get("Target", ""))
                if name:
                    return self.model(name)
        models = sorted(name for key, name in self._names.items() if key.endswith(".model"))
        if not models:
            raise damaged(self._archive.name, "the package holds no 3D model.")
        return self.model(models[0])

    def model(self, name: str) -> ModelPart:
        """A parsed model part."""
        if name not in self._models:
            data = self._archive.read(name)
            label = f"{self._archive.name}/{name}"
            refuse_entities(io.BytesIO(data), label)
            self._models[name] = parse_model(data, label, self._builder.options.max_faces)
        return self._models[name]

    def read(self, name: str) -> bytes:
        return self._archive.read(name)


class _Placer:
    """Turns objects into shapes and items into parts."""

    def __init__(self, package: _Package, builder: SceneBuilder) -> None:
        self._package = package
        self._builder = builder
        self._shapes: dict[tuple[int, str], tuple[str, ...]] = {}
        self._placements = 0

    def place_build(self, root: ModelPart) -> None:
        items = root.items
        if not items:
            used = {c.object_id for o in root.objects.values() for c in o.components}
            items = [Placement(key, "", np.eye(4)) for key in root.objects if key not in used]
            if items:
                self._builder.note("no_build_items", "info", "The 3MF builds nothing; all its objects are used.")
        for item in items:
            self._place(root, item, np.eye(4), (), 0)
        if self._builder.is_empty:
            raise no_geometry(self._builder.path.name)

    def _place(self, part: ModelPart, item: Placement, parent: FloatArray, path: tuple[str, ...], depth: int) -> None:
        name = self._builder.path.name
        self._placements += 1
        if depth > _MAX_DEPTH or self._placements > _MAX_PLACEMENTS:
            raise damaged(name, "its components are circular or countless.")
        if item.path:
            member = self._package.resolve(item.path)
            if not member:
                raise damaged(name, f"it refers to the part {item.path[:80]!r}, which it does not hold.")
            part = self._package.model(member)
        found = part.objects.get(item.object_id)
        if found is None:
            raise damaged(name, f"it places the object {item.object_id[:20]!r}, which it does not hold.")
        if found.kind in _SUPPORT:
            self._builder.note(
                "support_ignored", "info", f"The support structure {found.name or found.id!r} is left out."
            )
            return
        transform = parent @ item.transform
        title = found.name or (self._builder.title if len(part.objects) == 1 else f"object {found.id}")
        if found.triangles:
            key = (id(part), found.id)
            if key not in self._shapes:
                self._shapes[key] = self._builder.shapes(title, _Looks(self._package, part, self._builder).soup(found))
            self._builder.place(title, self._shapes[key], transform, PartHints(path=path))
        below = (*path, found.name) if found.name else path
        for component in found.components:
            self._place(part, component, transform, below, depth + 1)


class _Looks:
    """Properties of triangles as looks."""

    def __init__(self, package: _Package, part: ModelPart, builder: SceneBuilder) -> None:
        self._package = package
        self._part = part
        self._builder = builder

    def soup(self, item: ModelObject) -> Soup:
        """Triangles of an object with a look each."""
        positions = np.array(item.vertices, np.float64).reshape(-1, 3)
        table = np.array(item.triangles, np.int64).reshape(-1, 6)
        if len(positions) == 0:
            raise damaged(self._builder.path.name, f"the object {item.id[:20]!r} has triangles but no vertices.")
        ids = [*self._part.group_ids, item.property_group]
        groups = np.array(item.groups, np.int64)
        groups[groups < 0] = len(ids) - 1
        indices = table[:, 3].copy()
        indices[indices < 0] = item.property_index
        keys, key_of = np.unique(
            np.column_stack([groups, self._look_index(ids, groups, indices)]), axis=0, return_inverse=True
        )
        names = [self._look(ids[group], int(index)) for group, index in keys]
        uvs = self._uvs(ids, groups, table, indices)
        if not any(names):
            return Soup(positions, table[:, :3], uvs=uvs)
        plain = self._builder.look(Appearance("unassigned")) if not all(names) else ""
        looks = tuple(dict.fromkeys(n or plain for n in names))
        index_of = np.array([looks.index(n or plain) for n in names])
        return Soup(positions, table[:, :3], uvs=uvs, group=index_of[key_of.reshape(-1)], looks=looks)

    def _look_index(self, ids: list[str], groups: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """Property index that decides the look: a texture group has one look whatever the coordinate."""
        textured = np.array([gid in self._part.texture_groups for gid in ids])
        return np.where(textured[groups], 0, indices)

    def _look(self, group: str, index: int) -> str:
        part = self._part
        if group in part.bases and 0 <= index < len(part.bases[group]):
            name, color = part.bases[group][index]
            linear, opacity = hex_color(color) or ((0.5, 0.5, 0.5), 1.0)
            return self._builder.look(Appearance(name or "material", linear, opacity=opacity or 1.0, source_name=name))
        if group in part.colors and 0 <= index < len(part.colors[group]):
            linear, opacity = hex_color(part.colors[group][index]) or ((0.5, 0.5, 0.5), 1.0)
            code = part.colors[group][index].strip().lstrip("#")[:6].upper()
            return self._builder.look(Appearance(f"color_{code}", linear, opacity=opacity or 1.0))
        if group in part.texture_groups:
            return self._texture_look(part.texture_groups[group][0])
        if group in part.other_groups:
            self._builder.note(
                "properties_ignored", "info", "Composite and multi-property materials of the 3MF are left out."
            )
        return ""

    def _texture_look(self, texture_id: str) -> str:
        path = self._part.textures.get(texture_id, "")
        member = self._package.resolve(path) if path else ""
        if not member:
            self._builder.note("texture_missing", "warning", f"The texture {path[:80]!r} is not in the package.")
            return ""
        texture = self._builder.texture("base_color", PurePosixPath(member).name, self._package.read(member))
        name = PurePosixPath(member).stem
        return self._builder.look(Appearance(name, (1.0, 1.0, 1.0), textures=(texture,))) if texture else ""

    def _uvs(self, ids: list[str], groups: np.ndarray, table: np.ndarray, first: np.ndarray) -> FloatArray | None:
        """(F, 3, 2) texture coordinates (v up), zeros on triangles without; None when no triangle has any."""
        result = None
        corners = table[:, 3:].copy()
        corners[corners < 0] = np.repeat(first, 3).reshape(-1, 3)[corners < 0]
        for position, gid in enumerate(ids):
            values = np.array(self._part.texture_groups.get(gid, ("", []))[1]).reshape(-1, 2)
            chosen = groups == position
            if len(values) and chosen.any():
                result = np.zeros((len(table), 3, 2)) if result is None else result
                result[chosen] = values[np.clip(corners[chosen], 0, len(values) - 1)]
        return result
