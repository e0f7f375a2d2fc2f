"""USD, USDA, USDC and USDZ: geometry, looks, and the physics that an asset already carries."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.archive import SafeZip
from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.guards import check_file, damaged, no_geometry, source_of
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT, IngestSettings, shipped_settings
from physicl_twin.ingest.length_units import unit_claim, unit_name
from physicl_twin.ingest.raw import Claim, RawBody, RawPart, RawScene, ReadOptions
from physicl_twin.ingest.usd_articulation import Mechanism, read_mechanism
from physicl_twin.ingest.usd_assets import AssetArea, first_line, layers_of
from physicl_twin.ingest.usd_frames_only import fold_frames
from physicl_twin.ingest.usd_gather import Gathered, Gatherer
from physicl_twin.ingest.usd_physics import StageUnits
from physicl_twin.ingest.usd_variants import select_physics
from physicl_twin.model import Evidence, PartHints, Progress, silent


@dataclass(frozen=True, slots=True)
class UsdSettings:
    """``[usd_source]`` of config/pipeline.toml; see the comments there."""

    authored_reliability: float
    fallback_reliability: float
    authored_axis_reliability: float
    fallback_axis_reliability: float
    physics_relative_std: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> UsdSettings:
        """From the parsed ``[usd_source]`` table."""
        return cls(**{name: float(value) for name, value in table.items()})


def read_usd(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a USD asset; files that it draws in must lie below its own folder.

    Args:
        path: Root layer or package.
        options: Limits.
        progress: Told how far it is.

    Returns:
        One part for each gprim, shapes shared, in stage units; the bodies and joints that the asset declares.

    Raises:
        SourceError: ``file_not_found`` …, ``file_damaged``, ``reference_escapes``, ``no_geometry``, ``too_many_faces``.
    """
    check_file(path, options)
    progress("ingest", 0.0, f"reading {path.name}")
    ingest = settings or shipped_settings()
    own = UsdSettings.from_table(ingest.readers["usd_source"])
    if path.suffix.lower() != ".usdz":
        return _Reader(path, path, options, ingest, own).read(progress)
    with tempfile.TemporaryDirectory() as folder:
        root = _unpacked(path, Path(folder), ingest)
        return _Reader(path, root, options, ingest, own).read(progress)


def _unpacked(path: Path, folder: Path, settings: IngestSettings) -> Path:
    """Unpack a package; its root layer is the first file in it."""
    with SafeZip(path, settings.archive) as archive:
        names = list(archive.names)
        if not names or Path(names[0]).suffix.lower() not in (".usd", ".usda", ".usdc"):
            raise damaged(path.name, "the first file of a USDZ package must be a USD layer.")
        for name in names:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for block in archive.blocks(name):
                    file.write(block)
    return folder / names[0]


class _Reader:
    """Reads one asset.

    Args:
        path: The file that the user gave.
        root: Its root layer on disk (inside an unpacked package).
        options: Limits.
        ingest: Settings of ingest.
        settings: Settings of this reader.
    """

    def __init__(
        self, path: Path, root: Path, options: ReadOptions, ingest: IngestSettings, settings: UsdSettings
    ) -> None:
        self._path = path
        self._root = root
        self._settings = settings
        self._stated_unit = options.units
        self._area = AssetArea(root.parent, path.name)
        self._builder = SceneBuilder(path, "usdz" if path.suffix.lower() == ".usdz" else "usd", options, ingest)

    def read(self, progress: Progress) -> RawScene:
        """Compose, gather and hand over."""
        from pxr import Tf, Usd, UsdGeom, UsdPhysics, UsdUtils

        delegate = UsdUtils.CoalescingDiagnosticDelegate()
        try:
            layers = layers_of(self._root, self._area)
            stage = Usd.Stage.Open(str(self._root), Usd.Stage.LoadAll)
            if stage is None:
                raise damaged(self._path.name, "it cannot be composed.")
            for note in select_physics(stage):
                self._builder.note(note.code, note.severity, note.message, note.hint)
            progress("ingest", 0.3, "reading prims")
            metres = self._positive(UsdGeom.GetStageMetersPerUnit(stage), "metersPerUnit")
            if self._stated_unit is not None:
                metres = METRES_PER_UNIT[self._stated_unit]
            kilograms = self._positive(UsdPhysics.GetStageKilogramsPerUnit(stage), "kilogramsPerUnit")
            units = StageUnits(metres, kilograms, self._settings.physics_relative_std, self._path.name)
            gathered = Gatherer(stage, self._builder, self._area, units).gather()
            scene = self._scene(stage, gathered, units)
        except Tf.ErrorException as error:
            raise damaged(self._path.name, f"USD cannot evaluate it ({first_line(error)}).") from error
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            # Damaged text leaves attributes with values of another type, which nothing downstream can hold.
            raise damaged(self._path.name, f"its values make no sense ({type(error).__name__}).") from error
        finally:
            # The delegate keeps USD's messages off the console while it lives; what matters of them is in the notes.
            del delegate
        progress("ingest", 1.0, "")
        return self._with_layers(scene, layers)

    def _positive(self, value: float, field: str) -> float:
        if not (np.isfinite(value) and 1e-12 < value < 1e12):
            raise damaged(self._path.name, f"its {field} is {value:g}.")
        return float(value)

    def _scene(self, stage: Any, gathered: Gathered, units: StageUnits) -> RawScene:
        if self._builder.is_empty:
            missing = [note.message for note in self._area.notes.values()]
            raise no_geometry(self._path.name, " ".join(["it holds no surface.", *missing[:2]]))
        names = {path: body.name for path, body in gathered.bodies.items()}
        mechanism = read_mechanism(
            gathered.motion, names, gathered.bodies.values(), gathered.held, gathered.frames, units, gathered.time
        )
        for note in mechanism.notes:
            self._builder.note(note.code, note.severity, note.message, note.hint)
        for name in sorted(gathered.held):
            self._builder.note("kinematic_body", "info", f"The asset lets {name!r} move by decree only (kinematic).")
        loose = sum(not owner for owner in gathered.owners)
        if loose and len(gathered.bodies) + len(mechanism.added) == 1:
            self._builder.note("geometry_outside_body", "warning", f"{loose} parts outside the body join it.")
        root = stage.GetDefaultPrim()
        scene = self._builder.scene(
            title=(root.GetDisplayName() or root.GetName()) if root else "",
            unit_claims=(self._unit_claim(stage, units.metres, bool(mechanism.joints)),),
            up_claims=(self._up_claim(stage),),
        )
        parts = tuple(
            replace(part, body=body, hints=_merged(part.hints, hints), role=role, collision=collision)
            for part, body, hints, role, collision in zip(
                scene.parts, gathered.owners, gathered.hints, gathered.roles, gathered.collisions, strict=True
            )
        )
        shapes = tuple(replace(s, brep=gathered.integrals.get(s.name)) for s in scene.shapes)
        bodies, parts = self._bodies(gathered, parts, mechanism)
        matter = {part.body for part in parts} | {body.name for body in bodies if body.static}
        matter |= {body.name for body in mechanism.added} | gathered.weighty
        folded = fold_frames(bodies, mechanism.joints, mechanism.articulation, matter, units.metres)
        return replace(
            scene, parts=parts, shapes=shapes, bodies=folded.bodies, joints=folded.joints,
            articulation=folded.articulation, notes=(*scene.notes, *self._area.notes.values()),
        )  # fmt: skip

    def _bodies(
        self, gathered: Gathered, parts: tuple[RawPart, ...], mechanism: Mechanism
    ) -> tuple[tuple[RawBody, ...], tuple[RawPart, ...]]:
        """Bodies that own parts; geometry outside all bodies becomes a static body, or joins the only one."""
        bodies = [self._placed(body, gathered, mechanism) for body in (*mechanism.added, *gathered.bodies.values())]
        loose = [part for part in parts if not part.body]
        if not bodies or not loose:
            return tuple(bodies), parts
        if len(bodies) == 1:
            inverse = np.linalg.inv(bodies[0].transform)
            joined = (p if p.body else replace(p, body=bodies[0].name, transform=inverse @ p.transform) for p in parts)
            return tuple(bodies), tuple(joined)
        taken = {body.name for body in bodies}
        name = next(n for n in ("static", *(f"static_{i}" for i in range(2, 10_000))) if n not in taken)
        around = tuple(p if p.body else replace(p, body=name) for p in parts)
        return (*bodies, RawBody(name, np.eye(4), static=True)), around

    def _placed(self, body: RawBody, gathered: Gathered, mechanism: Mechanism) -> RawBody:
        """A body in place. A kinematic one is static beside others, unless joints make it the base of a mechanism."""
        body = replace(body, transform=mechanism.moved.get(body.name, body.transform))
        if body.name not in gathered.held:
            return body
        linked = any(body.name in (joint.body0, joint.body1) for joint in mechanism.joints)
        if linked or len(gathered.held) == len(gathered.bodies):
            return body
        return replace(body, mass_properties=None, static=True)

    def _unit_claim(self, stage: Any, metres: float, has_joints: bool) -> Claim:
        from pxr import UsdGeom

        if has_joints:
            statement = f"The stage has joints, whose limits and gains count in its unit: {unit_name(metres)}."
            return unit_claim(metres, 1.0, Evidence("source", statement, self._path.name, "metersPerUnit"))
        metres = float(UsdGeom.GetStageMetersPerUnit(stage))
        authored = UsdGeom.StageHasAuthoredMetersPerUnit(stage)
        if authored:
            statement = f"metersPerUnit is authored: {metres:g} ({unit_name(metres)})."
            evidence = Evidence("source", statement, self._path.name, "metersPerUnit")
            return unit_claim(metres, self._settings.authored_reliability, evidence)
        evidence = Evidence("rule", "metersPerUnit is not authored; USD then means centimetres.", self._path.name)
        return unit_claim(metres, self._settings.fallback_reliability, evidence)

    def _up_claim(self, stage: Any) -> Claim:
        from pxr import UsdGeom

        axis = str(UsdGeom.GetStageUpAxis(stage)).lower()
        if stage.HasAuthoredMetadata("upAxis"):
            evidence = Evidence("source", f"upAxis is authored: {axis.upper()}.", self._path.name, "upAxis")
            return Claim(axis, self._settings.authored_axis_reliability, evidence)
        evidence = Evidence("rule", f"upAxis is not authored; USD then means {axis.upper()}.", self._path.name)
        return Claim(axis, self._settings.fallback_axis_reliability, evidence)

    def _with_layers(self, scene: RawScene, layers: list[Path]) -> RawScene:
        """The scene with every layer that was read among its sources."""
        if self._path != self._root:
            return scene
        known = {source.name for source in scene.sources}
        folder = self._root.resolve().parent
        extra = [source_of(layer, "reference", folder) for layer in layers[1:]]
        return replace(scene, sources=(*scene.sources, *(s for s in extra if s.name not in known)))


def _merged(own: PartHints, physics: PartHints) -> PartHints:
    """Hints of the looks, with those of the physics on top."""
    return replace(
        physics,
        material=own.material or physics.material,
        material_description=physics.material if own.material and physics.material != own.material else "",
    )
