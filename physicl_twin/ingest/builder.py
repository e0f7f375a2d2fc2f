"""Gathers shapes, parts, looks and notes while a reader walks its file, and hands over a RawScene."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.guards import check_face_count, damaged, is_remote, local_reference, no_geometry, source_of
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.looks import face_colors, linear_from_srgb, texture_from_bytes
from physicl_twin.ingest.naming import readable, subject
from physicl_twin.ingest.raw import Claim, RawPart, RawScene, RawShape, ReadOptions
from physicl_twin.ingest.triangles import closed_groups, compact, weld
from physicl_twin.model import Appearance, Mesh, Note, PartHints, Source, SourceError, Texture
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.material import TextureSlot
from physicl_twin.model.twin import Severity, SourceRole

#: More notes of one kind are counted instead of listed.
_MAX_NOTES_OF_A_KIND = 5


@dataclass(frozen=True, slots=True)
class Soup:
    """Triangles as a file gives them, before welding.

    Attributes:
        positions: (V, 3), source units.
        faces: (F, 3) vertex indices.
        uvs: (F, 3, 2) v up, or None.
        normals: (F, 3, 3), or None.
        group: (F,) index into ``looks``, or None for a single look.
        looks: Names of appearances; may be empty.
        vertex_colors: (V, 3) linear RGB, or None.
        face_rgba: (F, 3 or 4) uint8 sRGB colour of each face, or None.
    """

    positions: NDArray[np.floating]
    faces: NDArray[np.integer]
    uvs: FloatArray | None = None
    normals: FloatArray | None = None
    group: NDArray[np.integer] | None = None
    looks: tuple[str, ...] = ()
    vertex_colors: FloatArray | None = None
    face_rgba: NDArray[np.uint8] | None = None


class SceneBuilder:
    """Builds one RawScene.

    Args:
        path: The main file.
        format_id: Its format.
        options: What the user states.
        settings: Settings of ingest.
    """

    def __init__(self, path: Path, format_id: str, options: ReadOptions, settings: IngestSettings) -> None:
        self.path = path
        self.format = format_id
        self.options = options
        self.settings = settings
        #: What unnamed geometry is called: the file's subject.
        self.title = readable(subject(path, settings.generic_words), format_id)
        self.faces_read = 0
        self._shapes: dict[str, RawShape] = {}
        self._parts: list[RawPart] = []
        self._looks: dict[str, Appearance] = {}
        self._sources: dict[str, Source] = {}
        self._notes: dict[tuple[str, str], Note] = {}
        self._skipped_notes: dict[str, int] = {}

    def note(self, code: str, severity: Severity, message: str, hint: str = "") -> None:
        """Remember a loss or a repair; the same one once, and of one kind only the first few."""
        key = (code, message)
        if key in self._notes:
            return
        if sum(k[0] == code for k in self._notes) >= _MAX_NOTES_OF_A_KIND:
            self._skipped_notes[code] = self._skipped_notes.get(code, 0) + 1
            return
        self._notes[key] = Note(code, severity, message, hint)

    def look(self, appearance: Appearance) -> str:
        """Name of a registered look in the scene: equal looks are one, different looks of one name get a number."""
        base = readable(appearance.name, "material")
        name, number = base, 2
        while name in self._looks:
            if replace(self._looks[name], name="") == replace(appearance, name=""):
                return name
            name = f"{base}_{number}"
            number += 1
        self._looks[name] = replace(appearance, name=name)
        return name

    def source_name(self, look: str) -> str:
        """Name of the material in the file behind a look."""
        return self._looks[look].source_name if look in self._looks else ""

    def sidecar(self, uri: str, owner: str, role: SourceRole, folder: Path | None = None) -> Path | None:
        """The referenced file, recorded as a source, or None with a note when it is absent or remote.

        Args:
            uri: Reference as written.
            owner: File that refers, for messages.
            role: What the file contributes.
            folder: Folder that the reference is relative to; the main file's by default.

        Raises:
            SourceError: ``reference_escapes``.
        """
        if is_remote(uri):
            self.note(
                "remote_reference_ignored",
                "warning",
                f"{owner} refers to {uri[:120]!r} on another machine; it is not fetched.",
                "Download it yourself and put it beside the file.",
            )
            return None
        target = local_reference(folder or self.path.parent, uri, owner)
        # References written on a system that ignores case: accept the one file that differs in case only.
        try:
            if not target.is_file() and target.parent.is_dir():
                alike = sorted(p for p in target.parent.iterdir() if p.name.casefold() == target.name.casefold())
                target = alike[0] if len(alike) == 1 else target
            present = target.is_file()
        except OSError:  # A name that this file system cannot hold names no file.
            present = False
        if not present:
            self.note(
                f"{role}_missing",
                "warning",
                f"{owner} refers to {uri[:120]!r}, which is not there.",
                "Put it beside the file.",
            )
            return None
        if target.stat().st_size > self.options.max_bytes:
            raise SourceError(
                "file_too_large", f"{target.name} is larger than the limit.", "Simplify it, or raise the limit."
            )
        source = source_of(target, role, self.path.parent)
        self._sources.setdefault(source.name, source)
        return target

    def texture(self, slot: TextureSlot, name: str, data: bytes) -> Texture | None:
        """A texture from encoded bytes, or None with a note."""
        if len(data) > self.settings.max_texture_bytes:
            self.note(
                "texture_too_large", "warning", f"The texture {name[:120]!r} is left out: {len(data) / 1e6:.0f} MB."
            )
            return None
        result = texture_from_bytes(slot, name, data)
        if isinstance(result, str):
            self.note(
                "texture_unreadable", "warning", f"The texture {name[:120]!r} is left out: {result}.", "Save it as PNG."
            )
            return None
        return result

    def texture_file(self, slot: TextureSlot, uri: str, owner: str, folder: Path | None = None) -> Texture | None:
        """A texture from a file beside the source, or None with a note."""
        target = self.sidecar(uri, owner, "texture", folder)
        if target is None:
            return None
        if target.stat().st_size > self.settings.max_texture_bytes:
            self.note("texture_too_large", "warning", f"The texture {target.name!r} is left out: it is too large.")
            return None
        return self.texture(slot, target.name, target.read_bytes())

    def shapes(self, name: str, soup: Soup) -> tuple[str, ...]:
        """Weld a soup and register its shapes.

        Groups of faces (materials) that are closed solids by themselves become shapes of their own; the others stay
        together in one shape that knows the look of each face.

        Returns:
            Names of the registered shapes; empty when the soup has no faces.

        Raises:
            SourceError: ``index_out_of_range``, ``too_many_faces``.
        """
        faces = np.asarray(soup.faces, dtype=np.int64)
        if not len(faces):
            return ()
        if faces.min() < 0 or faces.max() >= len(soup.positions):
            worst = int(faces.max() if faces.min() >= 0 else faces.min())
            raise SourceError(
                "index_out_of_range",
                f"{self.path.name}: a face of {name!r} names vertex {worst}, but there are {len(soup.positions)}.",
                "The file is damaged; export it again.",
            )
        self.faces_read += len(faces)
        check_face_count(self.path.name, self.faces_read, self.options)
        soup = self._with_face_colors(replace(soup, faces=faces))
        welded, index = weld(soup.positions)
        colors = None
        if soup.vertex_colors is not None:
            total = np.zeros((len(welded), 3))
            np.add.at(total, index, soup.vertex_colors)
            colors = total / np.bincount(index, minlength=len(welded))[:, None]
        faces = index[faces]
        group = None if soup.group is None else np.asarray(soup.group, dtype=np.int64)
        if group is None or len(soup.looks) < 2:
            mesh = self._mesh(welded, faces, soup, slice(None), colors, None)
            return (self._register(name, mesh, soup.looks[:1]),)
        names = []
        sets = closed_groups(faces, group, len(soup.looks))
        for groups in sets:
            chosen = np.flatnonzero(np.isin(group, groups))
            local = np.searchsorted(groups, group[chosen]) if len(groups) > 1 else None
            looks = tuple(soup.looks[g] for g in groups)
            mesh = self._mesh(welded, faces, soup, chosen, colors, local)
            piece = name if len(sets) == 1 else f"{name} {self.source_name(looks[0]) or looks[0]}".strip()
            names.append(self._register(piece, mesh, looks))
        return tuple(names)

    def _with_face_colors(self, soup: Soup) -> Soup:
        if soup.face_rgba is None or soup.looks:
            return soup
        painted = face_colors(soup.face_rgba, self.settings.max_face_colors)
        if painted is not None:
            looks = tuple(self.look(a) for a in painted.appearances)
            return replace(soup, looks=looks, group=painted.face_appearance)
        linear = linear_from_srgb(soup.face_rgba[:, :3] / 255.0)
        total = np.zeros((len(soup.positions), 3))
        count = np.zeros(len(soup.positions))
        for corner in range(3):
            np.add.at(total, soup.faces[:, corner], linear)
            np.add.at(count, soup.faces[:, corner], 1.0)
        return replace(soup, vertex_colors=total / np.maximum(count, 1.0)[:, None])

    def _mesh(
        self,
        vertices: FloatArray,
        faces: NDArray[np.int64],
        soup: Soup,
        chosen: slice | NDArray[np.int64],
        colors: FloatArray | None,
        face_appearance: NDArray[np.int64] | None,
    ) -> Mesh:
        kept_vertices, kept_faces, kept = compact(vertices, faces[chosen])
        return Mesh(
            kept_vertices,
            kept_faces,
            uvs=None if soup.uvs is None else np.ascontiguousarray(soup.uvs[chosen]),
            normals=None if soup.normals is None else _unit_normals(soup.normals[chosen]),
            face_appearance=None if face_appearance is None else face_appearance.astype(np.int32),
            vertex_colors=None if colors is None else colors[kept],
        )

    def _register(self, name: str, mesh: Mesh, looks: tuple[str, ...]) -> str:
        base = readable(name, "shape")
        unique, number = base, 2
        while unique in self._shapes:
            unique = f"{base}_{number}"
            number += 1
        self._shapes[unique] = RawShape(unique, mesh, looks)
        return unique

    def place(
        self, name: str, shapes: tuple[str, ...], transform: FloatArray | None = None, hints: PartHints | None = None
    ) -> None:
        """Place shapes as parts; several shapes of one mesh are told apart by their material's name."""
        for shape in shapes:
            looks = self._shapes[shape].appearances
            material = self.source_name(looks[0]) if len(looks) == 1 else ""
            own = hints or PartHints()
            if not own.material and material:
                own = replace(own, material=material)
            title = name if len(shapes) == 1 or not looks else f"{name} {material or looks[0]}".strip()
            self._parts.append(
                RawPart(readable(title, "part"), shape, np.eye(4) if transform is None else transform, own)
            )

    def add_shape(self, shape: RawShape) -> str:
        """Register a shape that another reader made; its appearances must be names of looks here.

        Returns:
            Its name in the scene.

        Raises:
            SourceError: ``too_many_faces``.
        """
        self.faces_read += len(shape.mesh.faces)
        check_face_count(self.path.name, self.faces_read, self.options)
        name = self._register(shape.name, shape.mesh, shape.appearances)
        self._shapes[name] = replace(self._shapes[name], brep=shape.brep)
        return name

    def add_part(self, part: RawPart) -> None:
        """Place a shape that is registered."""
        self._parts.append(part)

    def add_sources(self, path: Path, sources: tuple[Source, ...]) -> None:
        """Record the files that another reader read; the first of them is ``path``.

        Args:
            path: That reader's main file.
            sources: Its sources, named relative to the folder of ``path``.
        """
        folder = self.path.parent.resolve()
        for number, source in enumerate(sources):
            file = (path if number == 0 else path.parent / source.name).resolve()
            name = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else _name_outside(file, folder)
            role = "reference" if source.role == "main" else source.role
            self._sources.setdefault(name, replace(source, name=name, role=role))

    @property
    def is_empty(self) -> bool:
        """True while no part was placed."""
        return not self._parts

    def scene(
        self,
        title: str = "",
        unit_claims: tuple[Claim, ...] = (),
        up_claims: tuple[Claim, ...] = (),
        licence: str = "",
    ) -> RawScene:
        """The finished scene.

        Raises:
            SourceError: ``no_geometry`` when no part was placed.
        """
        if not self._parts:
            raise no_geometry(self.path.name)
        used = {part.shape for part in self._parts}
        shapes = tuple(s for s in self._shapes.values() if s.name in used)
        looks = {name for shape in shapes for name in shape.appearances}
        main = source_of(self.path, "main", self.path.parent, self.format)
        notes = list(self._notes.values())
        notes += [
            Note(code, "info", f"{n} more notes of this kind.") for code, n in sorted(self._skipped_notes.items())
        ]
        return RawScene(
            format=self.format,
            title=readable(title, "") or readable(self.path.stem, self.format),
            shapes=shapes,
            parts=tuple(self._parts),
            appearances=tuple(a for name, a in self._looks.items() if name in looks),
            sources=(main, *(s for name, s in sorted(self._sources.items()) if name != main.name)),
            unit_claims=unit_claims,
            up_claims=up_claims,
            licence=licence,
            notes=tuple(notes),
        )


def _name_outside(file: Path, folder: Path) -> str:
    """Name of a file that lies beside the folder, from the nearest common folder on."""
    common = next((p for p in folder.parents if file.is_relative_to(p)), None)
    return file.relative_to(common).as_posix() if common is not None else file.name


def _unit_normals(normals: FloatArray) -> FloatArray | None:
    """Normals of length one, or None when some are missing (zero or not finite) and viewers had better derive them."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    if not np.isfinite(length).all() or (length <= 0).any():
        return None
    unit: FloatArray = normals / length
    return unit


def parse_floats(text: bytes, name: str, what: str) -> FloatArray:
    """Numbers separated by white space.

    Raises:
        SourceError: ``file_damaged`` when something there is no number.
    """
    if not text.strip():
        return np.zeros(0)
    try:
        with warnings.catch_warnings():
            # numpy says with this warning that it stopped at something that is no number.
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text, dtype=np.float64, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        raise damaged(name, f"{what} holds text where numbers belong.") from error
