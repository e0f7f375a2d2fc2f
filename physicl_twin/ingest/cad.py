"""STEP, IGES and BREP: assembly, shared instances, colours, materials, exact integrals and closed triangles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.cad_assembly import (
    CadMaterial,
    Leaf,
    Look,
    label_material,
    label_name,
    leaves,
    shape_of,
    stated_validation,
    styles,
    sub_labels,
)
from physicl_twin.ingest.cad_colours import FaceColours, look_key
from physicl_twin.ingest.cad_density import stated_density
from physicl_twin.ingest.cad_document import CadDocument, kernel_errors, open_document, require_kernel
from physicl_twin.ingest.cad_solids import Piece, compound, integrals, pieces_of
from physicl_twin.ingest.cad_tessellate import FaceMesh, Tessellation, is_closed, tessellate
from physicl_twin.ingest.guards import check_face_count, check_file, no_geometry, source_of
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.naming import readable
from physicl_twin.ingest.raw import Claim, RawIntegrals, RawPart, RawScene, RawShape, ReadOptions
from physicl_twin.model import Appearance, Evidence, Mesh, Note, PartHints, Progress, silent
from physicl_twin.model.geometry import IntArray


@dataclass(frozen=True, slots=True)
class CadSettings:
    """``[cad]`` of config/pipeline.toml; see the comments there."""

    linear_deflection_relative: float
    angular_deflection_rad: float
    weld_relative: float
    sewing_relative: float
    density_relative_std: float
    volume_agreement: float
    z_up_reliability: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> CadSettings:
        """From the parsed ``[cad]`` table."""
        return cls(**{name: float(value) for name, value in table.items()})

    @property
    def tessellation(self) -> Tessellation:
        """How finely to triangulate."""
        return Tessellation(self.linear_deflection_relative, self.angular_deflection_rad, self.weld_relative)


def read_cad(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a STEP (AP203, AP214, AP242; .stpz too), IGES or BREP file.

    Args:
        path: The file.
        options: Limits; units and axis are decided by the caller from the claims.
        progress: Told how far it is.

    Returns:
        Geometry in the unit that the file declares (millimetres where it declares none), one shape per prototype and
        colouring, exact integrals for each closed one.

    Raises:
        SourceError: ``file_not_found`` …, ``reader_not_installed``, ``not_step``, ``file_truncated``, ``file_damaged``,
            ``no_geometry``, ``too_many_faces``.
    """
    check_file(path, options)
    require_kernel()
    progress("ingest", 0.0, f"reading {path.name}")
    document = open_document(path, options.max_bytes)
    own = CadSettings.from_table((settings or shipped_settings()).readers["cad"])
    reader = _Reader(path, options, own, document)
    with kernel_errors(path.name):
        placed = list(leaves(document.handle))
        for number, leaf in enumerate(placed):
            progress("ingest", 0.3 + 0.7 * number / len(placed), leaf.name)
            reader.add(leaf)
    progress("ingest", 1.0, "")
    return reader.scene()


@dataclass(frozen=True, slots=True)
class _Member:
    """A piece of a prototype that becomes one part: its shape, and what its own label says."""

    shape: str
    name: str
    material: CadMaterial | None


class _Reader:
    """Collects shapes and parts while the leaves go by."""

    def __init__(self, path: Path, options: ReadOptions, settings: CadSettings, document: CadDocument) -> None:
        self._path = path
        self._options = options
        self._settings = settings
        self._document = document
        self._shapes: dict[str, RawShape] = {}
        self._parts: list[RawPart] = []
        self._looks: dict[tuple[int, ...], Appearance] = {}
        self._notes: dict[tuple[str, str], Note] = {(n.code, n.message): n for n in document.notes}
        self._members: dict[tuple[str, Look | None], list[_Member]] = {}
        self._faces = 0

    def add(self, leaf: Leaf) -> None:
        """Place the pieces of a leaf; prototypes are triangulated once."""
        key = (leaf.key, leaf.look)
        if key not in self._members:
            self._members[key] = list(self._prototype(leaf))
        transform = leaf.transform.copy()
        transform[:3, 3] /= self._document.unit_in_mm
        name = leaf.name or readable(self._path.stem, "part")
        for member in self._members[key]:
            material = member.material or leaf.material or self._designated(leaf.prototype_name)
            title = name if len(self._members[key]) == 1 else f"{name} {member.name}".strip()
            path = tuple(readable(step, "") for step in leaf.path if step)
            hints = self._hints(material, leaf.prototype_name, leaf.layer, path)
            self._parts.append(RawPart(readable(title, "part"), member.shape, transform, hints))

    def scene(self) -> RawScene:
        """The finished scene."""
        if not self._parts:
            raise no_geometry(self._path.name, "it holds no faces.")
        root = {part.hints.path[0] for part in self._parts if part.hints.path}
        names = {part.name for part in self._parts}
        title = next(iter(root)) if len(root) == 1 else next(iter(names)) if len(names) == 1 else self._path.stem
        used = {look for shape in self._shapes.values() for look in shape.appearances}
        return RawScene(
            format=self._document.format,
            title=readable(title, self._path.stem),
            shapes=tuple(self._shapes.values()),
            parts=tuple(self._parts),
            appearances=tuple(look for look in self._looks.values() if look.name in used),
            sources=(source_of(self._path, "main", None, self._document.format),),
            unit_claims=self._document.unit_claims,
            up_claims=(self._up_claim(),),
            notes=tuple(self._notes.values()),
        )

    def _up_claim(self) -> Claim:
        statement = f"{self._document.format.upper()} names no up axis; CAD systems mostly draw with z up."
        return Claim("z", self._settings.z_up_reliability, Evidence("rule", statement, self._path.name))

    def _designated(self, product: str) -> CadMaterial | None:
        """Material that the text states for a product and that the kernel did not attach."""
        for statement in self._document.materials:
            if statement.name and statement.product == product:
                return CadMaterial(statement.name, statement.description, statement.density or 0.0)
        return None

    def _hints(self, material: CadMaterial | None, product: str, layer: str, path: tuple[str, ...]) -> PartHints:
        if material is None:
            return PartHints(layer=layer, path=path)
        std = self._settings.density_relative_std
        density = stated_density(material, self._document.materials, product, std, self._path.name)
        if density is None and material.density > 0:
            self._note(
                "density_ignored",
                "warning",
                f"{material.name!r} has the density {material.density:g}, impossible in any unit.",
            )
        return PartHints(material.name, material.description, density, layer, path)

    def _note(self, code: str, severity: Any, message: str, hint: str = "") -> None:
        self._notes.setdefault((code, message), Note(code, severity, message, hint))

    def _prototype(self, leaf: Leaf) -> Iterator[_Member]:
        """Triangulate a prototype: one member, or several where its solids differ in name, colour or material."""
        whole = shape_of(leaf.label)
        if whole is None or whole.IsNull():
            self._note("empty_part", "warning", f"{leaf.name!r} has no shape.")
            return
        name = leaf.prototype_name or leaf.name
        solids, sheets = pieces_of(whole, self._settings.sewing_relative)
        colours = FaceColours(styles(leaf.label), leaf.look, whole)
        labels = [(shape_of(label), label) for label in sub_labels(leaf.label)]
        own = [self._own_words(piece, labels, colours) for piece in solids]
        if len(solids) > 1 and len(set(own)) == 1:
            solids, own = [compound(solids)], own[:1]
        if len(solids) == 1 and own[0][2] is None:
            own = [("", own[0][1], None)]
        if sheets:
            self._note("sheet_body", "warning", f"{name!r} has open surfaces, which bound no volume.",
                       "Close the surfaces or thicken them in the CAD system.")  # fmt: skip
            own.append(("surface", None, None))
        for number, (piece, words) in enumerate(zip(solids + sheets, own, strict=True), 1):
            member = words[0] or (str(number) if len(own) > 1 else "")
            shape = self._shape(f"{name} {member}".strip() or self._path.stem, piece, colours)
            if shape is None:
                self._note("empty_part", "warning", f"{name!r} has a piece that cannot be triangulated.")
                continue
            if len(solids) == 1 and not sheets:
                self._check_validation(leaf, self._shapes[shape].brep, name)
            yield _Member(shape, member, words[2])

    def _own_words(self, piece: Piece, labels: list[tuple[Any, Any]], colours: FaceColours) -> tuple[Any, ...]:
        """Name, colours and material that a solid has for itself: what tells it from its neighbours."""
        label = next((label for shape, label in labels if shape is not None and shape.IsSame(piece.shape)), None)
        looks = tuple(sorted({look_key(look) for look in colours.of(piece)}))
        if label is None:
            return "", looks, None
        return readable(label_name(label), ""), looks, label_material(label)

    def _shape(self, name: str, piece: Piece, colours: FaceColours) -> str | None:
        """Register the triangles and integrals of a piece; its name, or None when it has no triangles."""
        for repair in piece.repairs:
            self._note("cad_repair", "info", f"{name}: {repair}")
        found = tessellate(piece.shape, self._settings.tessellation)
        if found is None or not np.isfinite(found.mesh.vertices).all():
            return None
        self._faces += len(found.mesh.faces)
        check_face_count(self._path.name, self._faces, self._options)
        if found.missing:
            self._note(
                "faces_not_triangulated", "warning", f"{found.missing} faces of {name!r} could not be triangulated."
            )
        unit = self._document.unit_in_mm
        closed = piece.closed and not found.missing
        exact = integrals(piece.shape, unit) if piece.closed else None
        mesh = replace(found.mesh, vertices=found.mesh.vertices / unit)
        looks, face_appearance = self._appearances(found, colours.of(piece))
        if closed and not is_closed(mesh.faces):
            self._note("triangles_not_closed", "info", f"The triangles of {name!r} do not close; its CAD solid does.")
        unique = self._unique(readable(name, "shape"))
        if exact is not None and closed:
            exact = self._agreeing(exact, mesh, unique)
        if piece.closed and exact is None:
            self._note(
                "no_exact_volume",
                "warning",
                f"The solid {name!r} bounds no positive volume; its triangles decide.",
            )
        self._shapes[unique] = RawShape(unique, replace(mesh, face_appearance=face_appearance), looks, exact)
        return unique

    def _agreeing(self, exact: RawIntegrals, mesh: Mesh, name: str) -> RawIntegrals | None:
        """The integrals, or None with a note when closed triangles of the same solid contradict them."""
        if not is_closed(mesh.faces):
            return exact
        a, b, c = (mesh.vertices[mesh.faces[:, k]] - mesh.vertices.mean(axis=0) for k in range(3))
        volume = float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)
        if abs(volume - exact.volume) <= self._settings.volume_agreement * exact.volume:
            return exact
        self._note(
            "cad_volume_disagrees", "warning",
            f"The exact volume of {name!r} ({exact.volume:.6g}) and that of its triangles ({volume:.6g}) disagree; "
            "the triangles are used.", "Heal the solid in the CAD system.",
        )  # fmt: skip
        return None

    def _check_validation(self, leaf: Leaf, exact: RawIntegrals | None, name: str) -> None:
        """Compare with the geometric validation properties that the writing system left in the file."""
        volume, centroid = stated_validation(leaf.label)
        unit = self._document.unit_in_mm
        tolerance = self._settings.volume_agreement
        if exact is None or volume is None or volume <= 0:
            return
        ratio = exact.volume * unit**3 / volume
        if abs(ratio - 1.0) > tolerance:
            self._note(
                "validation_volume_disagrees", "warning",
                f"{name!r} has {ratio:.4g} times the volume that its writer states in the file.",
                "Something was lost or changed between the two systems; compare the part with the original.",
            )  # fmt: skip
        if centroid is not None:
            # OpenCASCADE's own writer leaves centroids in millimetres in files of another unit: both readings count.
            stated, own = np.array(centroid) / unit, np.array(exact.com)
            offset = min(math.dist(own, stated), math.dist(own * unit, stated) / unit)
            if offset > tolerance * exact.volume ** (1 / 3):
                self._note("validation_centroid_disagrees", "warning",
                           f"The centroid of {name!r} is {offset:.4g} units from the stated one.")  # fmt: skip

    def _appearances(self, found: FaceMesh, looks: list[Look | None]) -> tuple[tuple[str, ...], IntArray | None]:
        """Appearances of a mesh and the index of each triangle's among them."""
        names = [self._appearance(look) if look else "" for look in looks]
        used = list(dict.fromkeys(names[i] for i in found.face_of))
        if used == [""]:
            return (), None
        if "" in used:
            names = [name or self._appearance(Look((0.5, 0.5, 0.5))) for name in names]
            used = list(dict.fromkeys(names[i] for i in found.face_of))
        if len(used) == 1:
            return (used[0],), None
        index = np.array([used.index(name) if name in used else 0 for name in names], dtype=np.int32)
        return tuple(used), index[found.face_of]

    def _appearance(self, look: Look) -> str:
        key = look_key(look)
        if key not in self._looks:
            red, green, blue = (round(255 * _srgb(channel)) for channel in look.rgb)
            name = f"colour_{red:02x}{green:02x}{blue:02x}" + (
                f"_{round(255 * look.opacity):02x}" if look.opacity < 1 else ""
            )
            taken = {appearance.name for appearance in self._looks.values()}
            name = next(n for n in (name, *(f"{name}_{i}" for i in range(2, 999))) if n not in taken)
            self._looks[key] = Appearance(name, base_color=look.rgb, opacity=look.opacity)
        return self._looks[key].name

    def _unique(self, name: str) -> str:
        candidate, number = name, 2
        while candidate in self._shapes:
            candidate, number = f"{name}_{number}", number + 1
        return candidate


def _srgb(linear: float) -> float:
    """sRGB transfer function (IEC 61966-2-1), for names only."""
    value = min(max(linear, 0.0), 1.0)
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
