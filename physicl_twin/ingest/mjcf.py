"""MJCF, MuJoCo's own description of bodies, joints and actuators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import DescriptionSettings, Stating
from physicl_twin.ingest.guards import check_file, damaged, source_of
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.links import LinkBuilder
from physicl_twin.ingest.mjcf_actuators import Motors, read_actuators
from physicl_twin.ingest.mjcf_equality import read_equalities
from physicl_twin.ingest.mjcf_files import description_files
from physicl_twin.ingest.mjcf_filters import read_filters
from physicl_twin.ingest.mjcf_joints import Mechanism, read_joints
from physicl_twin.ingest.mjcf_looks import Looks
from physicl_twin.ingest.mjcf_mass import mass_properties
from physicl_twin.ingest.mjcf_model import MjcfModel, pose
from physicl_twin.ingest.mjcf_notes import notes_of
from physicl_twin.ingest.mjcf_parts import Parts
from physicl_twin.ingest.mjcf_positions import standing_positions
from physicl_twin.ingest.mjcf_run import compiled
from physicl_twin.ingest.mjcf_tree import GROUND, WORLD, Tree, build_tree
from physicl_twin.ingest.naming import readable, unique
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.model import Articulation, Evidence, Note, Progress, SourceError, silent
from physicl_twin.model.geometry import FloatArray

#: Name of the body that the world's own geometry becomes beside things that move.
_SURROUNDINGS = "surroundings"
#: What MuJoCo calls a model that has no name.
_UNNAMED = ("", "MuJoCo Model")


@dataclass(frozen=True, slots=True)
class MjcfSettings:
    """``[mjcf]`` of config/pipeline.toml; see the comments there."""

    time_limit_s: float
    memory_gb: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> MjcfSettings:
        """From the parsed ``[mjcf]`` table."""
        return cls(float(table["time_limit_s"]), float(table["memory_gb"]))


def read_mjcf(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read an MJCF description; what it includes and draws in must lie in its own package or beside its folder.

    Args:
        path: The main XML file.
        options: Limits.
        progress: Told how far it is.

    Returns:
        Bodies, joints, drives and sites in metres and Z up. Masses and inertias are those that MuJoCo simulates, as far
        as the file states them; joint frames reproduce MuJoCo's kinematics.

    Raises:
        SourceError: ``file_not_found`` …, ``file_damaged`` (with MuJoCo's reason), ``xml_entities_refused``,
            ``include_missing``, ``include_recursive``, ``reference_escapes``, ``converter_crashed``,
            ``converter_time_limit``, ``no_geometry``.
    """
    check_file(path, options)
    progress("ingest", 0.0, f"reading {path.name}")
    ingest = settings or shipped_settings()
    own = MjcfSettings.from_table(ingest.readers["mjcf"])
    builder = SceneBuilder(path, "mjcf", options, ingest)
    area = Resolver(builder).area
    files = description_files(path, area, options)
    model = compiled(path, area, own.time_limit_s, own.memory_gb)
    _check_reach(model, path.name, ingest.max_coordinate)
    progress("ingest", 0.5, "placing bodies")
    for file in files[1:]:
        builder.add_sources(file, (source_of(file, "reference", file.parent),))
    described = DescriptionSettings.from_table(ingest.readers["descriptions"])
    scene = _scene(model, builder, Stating(path.name, described.stated_relative_std))
    progress("ingest", 1.0, "")
    return scene


def _check_reach(model: MjcfModel, name: str, most_m: float) -> None:
    """Refuse sizes and places that are damage, and numbers that are none."""
    for geom in model.geoms:
        largest = max(abs(v) for v in (*geom.size, *geom.position, *model.bodies[geom.body].position))
        if geom.kind not in GROUND and not largest <= most_m:
            raise SourceError(
                "coordinates_out_of_range",
                f"{name}: {geom.name or 'a ' + geom.kind!r} reaches {largest:.3g} units from the origin.",
                "The file is damaged; export it again.",
            )
    for number, body in enumerate(model.bodies):
        if not np.isfinite([*body.position, *body.wxyz, body.mass, *body.com, *body.com_wxyz, *body.inertia]).all():
            raise damaged(name, f"the numbers of the body {model.body_names[number]!r} are none.")
    for number, joint in enumerate(model.joints):
        limits = joint.range or ()
        if not np.isfinite([*joint.anchor, *joint.axis, joint.ref, joint.rest, *limits]).all():
            raise damaged(name, f"the numbers of the joint {model.joint_names[number]!r} are none.")


def _scene(model: MjcfModel, builder: SceneBuilder, stating: Stating) -> RawScene:
    tree = build_tree(model)
    equalities = read_equalities(model, tree)
    motors = read_actuators(model, equalities)
    positions, notes = standing_positions(model, equalities)
    mechanism = read_joints(model, tree, equalities, motors, positions, stating)
    filters = read_filters(model, tree, mechanism)
    links = LinkBuilder(builder)
    looks = Looks(builder, model)
    looks.record_sources()
    _place_bodies(model, tree, mechanism, links, Parts(model, links, looks, stating), stating)
    articulation = _articulation(model, tree, mechanism, motors, stating)
    if articulation is not None:
        articulation = replace(articulation, self_collision=filters.self_collision, filters=filters.pairs)
    every: list[Note] = [
        *notes, *equalities.notes, *motors.notes, *mechanism.notes, *filters.notes, *notes_of(model, tree),
    ]  # fmt: skip
    for note in every:
        builder.note(note.code, note.severity, note.message, note.hint)
    return links.scene(_title(model), tuple(mechanism.joints), articulation)


def _place_bodies(
    model: MjcfModel, tree: Tree, mechanism: Mechanism, links: LinkBuilder, parts: Parts, stating: Stating
) -> None:
    """Bodies with their masses, sites and parts."""
    held: dict[int, list[tuple[int, FloatArray]]] = {body: [] for body in tree.kept}
    for body, holder in tree.holder.items():
        if holder > WORLD:
            held[holder].append((body, tree.offset[body]))
    if mechanism.names[WORLD]:
        links.body(mechanism.names[WORLD], np.eye(4))
    drawn = any(geom.body == WORLD and geom.kind not in GROUND for geom in model.geoms)
    # Where nothing moves, the world's own geometry is part of the object.
    joins = drawn and not tree.moves and bool(tree.kept)
    for body, members in held.items():
        name = mechanism.names[body]
        for between in mechanism.between.get(body, ()):
            links.body(between, mechanism.placed[between])
        static = body in tree.static
        stated = None if static or joins else mass_properties(model, members, stating)
        links.body(name, mechanism.placed[name], stated, static=static)
        world = [(WORLD, pose_inverse(mechanism.placed[name]))] if joins else []
        parts.place(name, [*world, *members])
        for member, frame in members:
            if member != body:
                links.site(name, model.body_names[member], frame)
    if drawn and not joins:
        wanted = _SURROUNDINGS if tree.kept else readable(_title(model), links.builder.title)
        name = unique([wanted], frozenset(links.bodies))[0]
        links.body(name, np.eye(4), static=tree.moves)
        parts.place(name, [(WORLD, np.eye(4))])
    if mechanism.names[WORLD]:
        for body in tree.frames:
            links.site(mechanism.names[WORLD], model.body_names[body], tree.offset[body])
    for number, site in enumerate(model.sites):
        holder = tree.holder.get(site.body, -1)
        owner = mechanism.names.get(holder, "")
        if owner:
            frame = tree.offset[site.body] @ pose(site.position, site.wxyz)
            links.site(owner, readable(site.name, f"site {number + 1}"), frame)


def pose_inverse(matrix: FloatArray) -> FloatArray:
    """(4, 4) inverse of a rigid transform."""
    inverse = np.eye(4)
    inverse[:3, :3] = matrix[:3, :3].T
    inverse[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverse


def _title(model: MjcfModel) -> str:
    return "" if model.name in _UNNAMED else model.name


def _articulation(
    model: MjcfModel, tree: Tree, mechanism: Mechanism, motors: Motors, stating: Stating
) -> Articulation | None:
    """The mechanism as a whole: what hangs on the world, else the floating one with the most joints."""
    if not mechanism.joints:
        return None
    if tree.needs_base:
        root, statement = mechanism.names[WORLD], "Mechanisms of the description hang on the world."
    elif tree.on_world:
        root, statement = mechanism.names[tree.on_world[0]], "The root of the description has no joint to the world."
    else:
        root, statement = _largest(tree, mechanism), "The root of the description has a free joint."
    if len(tree.on_world) + len(tree.free) > 1 and any(_jointed(mechanism, body) for body in tree.free):
        statement += " Further mechanisms float beside it."
    evidence = (Evidence("source", statement, stating.source, "base"),)
    kind = "robot" if motors.by_joint else "prop"
    return Articulation(kind, root, bool(tree.on_world), evidence=evidence)  # type: ignore[arg-type]


def _jointed(mechanism: Mechanism, body: int) -> int:
    """Number of joints below a body, to any depth."""
    reached, count = {mechanism.names[body]}, 0
    for joint in mechanism.joints:
        if joint.body0 in reached and not joint.closes_loop:
            reached.add(joint.body1)
            count += 1
    return count


def _largest(tree: Tree, mechanism: Mechanism) -> str:
    return mechanism.names[max(tree.free, key=lambda body: _jointed(mechanism, body))] if tree.free else ""
