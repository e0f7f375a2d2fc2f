"""The entry of the room: the stages of normalize in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from physicl_twin.model import Estimate, GeometryError, Note, Part, Progress, Shape, SolidProperties, Twin, silent
from physicl_twin.normalize.options import NormalizeOptions, NormalizeSettings

if TYPE_CHECKING:
    from physicl_twin.normalize.makeup_statement import MakeupStatement
    from physicl_twin.normalize.mass import Weights
    from physicl_twin.normalize.material_table import MaterialTable

#: An open surface in at least so many pieces, and in more than this share of the number of its triangles, is a heap of
#: loose triangles and no sheet (judgement).
_LOOSE_LEAST = 8
_LOOSE_SHARE = 0.5


def normalize(twin: Twin, options: NormalizeOptions | None = None, progress: Progress = silent) -> Twin:
    """Make a twin physical: shapes, then materials, mass, collision, the dynamics of its joints and semantics.

    Doing it twice with the same options changes nothing more: a shape that was cleaned and integrated is known by its
    hash and keeps its solid, and its parts their collision; derived mass properties carry a mark and are derived anew,
    stated ones are kept. To redo geometry with other settings start from the source.

    Args:
        twin: From ``ingest.read``; metres, Z up.
        options: Statements, total mass, effort and seed.
        progress: Told the stage (``shapes``, ``joints`` where there may be any, ``materials``, ``mass``, ``collision``,
            ``semantics``) and its fraction.

    Returns:
        The twin with summaries, solids, materials, masses, collision and semantics.

    Raises:
        GeometryError: Geometry from which nothing can be derived.
        MaterialError: A material statement that cannot be resolved.
        ConfigError: A setting or a mass that cannot be.
    """
    from physicl_twin.normalize.collision import choose_collision
    from physicl_twin.normalize.duplicates import without_duplicate_parts
    from physicl_twin.normalize.dynamics import DynamicsSettings, with_dynamics, with_kind
    from physicl_twin.normalize.flags import with_flag_notes
    from physicl_twin.normalize.joint_statement import with_joint_statements
    from physicl_twin.normalize.joints import infer_joints
    from physicl_twin.normalize.semantics import classify

    options = options or NormalizeOptions()
    pipeline = options.pipeline()
    settings = NormalizeSettings.from_table(pipeline["normalize"])
    done = {shape.name for shape in twin.shapes if _is_done(shape)}
    twin = without_duplicate_parts(with_solids(twin, settings, options.fast, progress))
    twin = infer_joints(twin, pipeline["joints"], lambda moved: with_solids(moved, settings, options.fast), progress)
    twin = with_joint_statements(twin, options.joints)
    dynamics = DynamicsSettings.from_table(pipeline["dynamics"])
    twin = replace(with_mass(with_kind(twin, dynamics), options, progress), articulation=twin.articulation)
    if not all(part.shape in done and _has_collision(part) for part in twin.parts):
        twin = choose_collision(twin, pipeline["collision"], options.fast, progress, options.processes)
    twin = with_dynamics(twin, dynamics)
    progress("semantics", 0.0)
    twin = classify(twin)
    progress("semantics", 1.0)
    return with_flag_notes(twin)


def with_mass(twin: Twin, options: NormalizeOptions | None = None, progress: Progress = silent) -> Twin:
    """Materials, what is inside, and masses, of a twin whose shapes have their solids.

    Args:
        twin: From ``with_solids``.
        options: Statements, masses, settings and seed.
        progress: Told the stages ``materials`` and ``mass``.

    Raises:
        MaterialError: A statement that cannot be resolved.
        ConfigError: A setting or a mass that cannot be.
    """
    from physicl_twin.normalize.insides import insides_of
    from physicl_twin.normalize.makeup import MakeupSettings
    from physicl_twin.normalize.mass import derive_mass
    from physicl_twin.normalize.material_clues import Context, MaterialSettings
    from physicl_twin.normalize.material_table import MaterialTable
    from physicl_twin.normalize.materials import resolve_materials

    options = options or NormalizeOptions()
    pipeline = options.pipeline()
    progress("materials", 0.0)
    context = Context(MaterialTable.load(), MaterialSettings.from_config(pipeline["materials"]))
    twin = resolve_materials(
        twin,
        options.materials,
        context.table,
        context=context,
        written=options.sidecar_materials,
        sidecar=options.sidecar,
    )
    progress("materials", 1.0, f"{len(twin.materials)} materials")
    progress("mass", 0.0)
    statements = _inside_statements(twin, options, context.table)
    insides = insides_of(twin, context, MakeupSettings.from_table(pipeline["makeup"]), statements)
    twin = derive_mass(
        twin, _weights(twin, options), options.seed, NormalizeSettings.from_table(pipeline["normalize"]), insides
    )
    progress("mass", 1.0)
    return twin


def _weights(twin: Twin, options: NormalizeOptions) -> Weights:
    """The masses that the user states, of parts by their names."""
    from physicl_twin.normalize.mass import Weights
    from physicl_twin.normalize.material_statement import parts_meant

    found: dict[str, Estimate] = {}
    for pattern, mass in options.part_masses:
        for part in parts_meant(twin, pattern, f"{mass.value:g} kg"):
            found[part.name] = mass
    return Weights(options.mass, tuple(found.items()))


def _inside_statements(twin: Twin, options: NormalizeOptions, table: MaterialTable) -> dict[str, MakeupStatement]:
    """What the user states of walls and contents, by the name of the part."""
    from physicl_twin.normalize.makeup_statement import read_statement
    from physicl_twin.normalize.material_statement import parts_meant

    found: dict[str, MakeupStatement] = {}
    for said in options.insides:
        statement = read_statement(said.part, said.wall, said.contents, said.level, said.where, table)
        for part in parts_meant(twin, said.part, said.contents or said.wall):
            found[part.name] = statement
    return found


def with_solids(twin: Twin, settings: NormalizeSettings, fast: bool = False, progress: Progress = silent) -> Twin:
    """Clean every shape that a part places and integrate its solid; shapes that no part places are dropped.

    Raises:
        GeometryError: Geometry from which nothing can be derived.
    """
    from physicl_twin.normalize.geometry import clean_mesh, with_clean_mesh
    from physicl_twin.normalize.solid import solid_of_shape

    placed = {part.shape for part in twin.parts}
    shapes: list[Shape] = []
    notes: list[Note] = []
    for number, shape in enumerate(twin.shapes):
        progress("shapes", number / len(twin.shapes), shape.name)
        if shape.name not in placed:
            continue
        if _is_done(shape):
            shapes.append(shape)
            continue
        if shape.mesh is None:
            raise GeometryError("mesh_missing", f"The shape {shape.name!r} has no triangles.", "Read the source again.")
        clean = clean_mesh(shape.mesh, shape.name, settings)
        shape, repaired = with_clean_mesh(shape, clean)
        solid, doubts = solid_of_shape(shape, settings, fast, clean.patch_volume_std_m3)
        _require_connected(shape, solid)
        shapes.append(replace(shape, solid=solid))
        notes += [*repaired, *doubts]
    progress("shapes", 1.0, f"{len(shapes)} shapes")
    fresh = [note for note in notes if note not in twin.notes]
    return replace(twin, shapes=tuple(shapes)).with_notes(*fresh)


def _require_connected(shape: Shape, solid: SolidProperties) -> None:
    """Refuse a shape of loose triangles: nothing holds them together and they enclose nothing.

    Raises:
        GeometryError: ``loose_triangles``.
    """
    summary = shape.geometry
    if summary is None or "open_surface" not in solid.volume.flags or summary.bodies < _LOOSE_LEAST:
        return
    if summary.bodies > _LOOSE_SHARE * summary.faces:
        raise GeometryError(
            "loose_triangles",
            f"{shape.name!r} is {summary.bodies} loose pieces of {summary.faces / summary.bodies:.1f} triangles each, "
            "which enclose nothing: this is no object.",
            "Export it with its triangles joined at their corners, or reconstruct its surface first.",
        )


def _is_done(shape: Shape) -> bool:
    """True for a shape that was cleaned and integrated before and has not changed since."""
    if shape.solid is None or shape.geometry is None or shape.mesh is None:
        return False
    return shape.geometry.sha256 == shape.mesh.sha256()


def _has_collision(part: Part) -> bool:
    """True for a part whose collision geometry is all there; one that is only seen needs none."""
    found = part.collision
    if not part.collides:
        return True
    return found is not None and all(c.kind != "hull" or c.hull is not None for c in found.colliders)
