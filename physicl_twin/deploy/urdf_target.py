"""The target urdf: one file for each tree of bodies, with OBJ meshes and what simulators add to the format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.drop import Fall, agreement, drop_mujoco
from physicl_twin.deploy.facts import Facts, Motion, facts_of
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.motion import twin_facts
from physicl_twin.deploy.obj_mesh import write_obj
from physicl_twin.deploy.read_urdf import behave_as_engine, read_urdf, urdf_spec
from physicl_twin.deploy.record import Comparison, DropAgreement, Written
from physicl_twin.deploy.srdf import read_srdf, srdf
from physicl_twin.deploy.urdf_files import material_library
from physicl_twin.deploy.urdf_tree import TreeWriter, trees, without_capsules
from physicl_twin.deploy.visuals import write_visuals
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model import Note
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.layout import hull_key
from physicl_twin.usd.options import UsdOptions

#: Folder of meshes and textures beside the URDF, and the MTL file in it.
MESHES, LIBRARY = "meshes", "looks.mtl"

LINK_FRICTION = Note(
    "friction_extension",
    "info",
    "URDF itself has no friction: sliding friction stands in <gazebo> (mu1, mu2) and in Bullet's <contact>, static "
    "friction is lost, and restitution stands only in Bullet's.",
)
ONE_A_LINK = Note(
    "one_surface_a_link",
    "warning",
    "URDF's extensions know one surface a link: of several materials, that of the largest colliders is taken.",
)
CAPSULES = Note("no_capsule", "info", "URDF has no capsule: capsules collide as hulls of their surface.")
LIMITS = Note(
    "joint_effort",
    "info",
    "URDF demands limits of effort and velocity, and limits on both sides: what the twin lacks is written as 1e9.",
)
LOOPS = Note("loop_joint", "warning", "URDF knows trees only: joints that close a loop were left out.")
BALLS = Note(
    "ball_joint", "warning", "URDF has no ball joint: it is written as a fixed one, in the pose of the twin.",
    "Deploy it for mujoco or isaac-sim to keep it.",
)  # fmt: skip
DRIVES = Note(
    "joint_drive",
    "info",
    "URDF has no words for springs, for a drive's gains or for armature: they are left out (ros2_control has its own).",
)
FILTERS = Note(
    "collision_filters",
    "info",
    "URDF has no word for pairs of links that do not collide: they stand in the SRDF beside it, which MoveIt reads.",
)
FRAMES = Note(
    "link_frames", "info", "URDF puts a link's frame at its joint: frames of jointed bodies differ from the twin's."
)


def write(job: Job) -> Written:
    """Write the URDF files, meshes and textures of a twin.

    Raises:
        UsdError: ``texture_unreadable``.
    """
    layout, folder, twin = job.layout, job.folder, job.subject.twin
    described = describe_twin(layout)
    scene = without_capsules(described)
    meshes = folder / MESHES
    crease = UsdOptions.from_settings(job.settings).crease_angle_deg
    visuals = write_visuals(layout, meshes, meshes, crease, LIBRARY)
    (meshes / LIBRARY).write_text(material_library(visuals.looks), encoding="ascii")
    hulls = {}
    for prim, collider in layout.hulls:
        assert collider.hull is not None  # layout.require_complete
        write_obj(meshes / f"{prim}.obj", collider.hull.vertices, collider.hull.faces)
        hulls[hull_key(collider)] = f"{prim}.obj"
    writer = TreeWriter(layout, scene, visuals, hulls, meshes, MESHES)
    files: list[str] = []
    for tree in trees(scene):
        stem = twin.name if not files else f"{twin.name}_{tree.root}"
        (folder / f"{stem}.urdf").write_text(writer.document(stem, tree), encoding="utf-8")
        files.append(f"{stem}.urdf")
    expected = facts_of(scene)
    if expected.apart:
        (folder / f"{twin.name}.srdf").write_text(srdf(twin.name, expected.apart), encoding="utf-8")
    losses = [*visuals.losses, LINK_FRICTION]
    losses += [
        note
        for note, holds in (
            (ONE_A_LINK, any(len({s.material for s in body.shapes}) > 1 for body in scene.bodies)),
            (CAPSULES, any(s.kind == "capsule" for body in described.bodies for s in body.shapes)),
            (LIMITS, writer.invented_limits),
            (LOOPS, bool(writer.loops)),
            (BALLS, bool(writer.balls)),
            (DRIVES, bool(writer.unspoken)),
            (FILTERS, bool(expected.apart)),
            (FRAMES, bool(scene.joints)),
        )
        if holds
    ]
    notes = [
        f"{files[0]} reads its meshes from {MESHES}/ beside it; for ROS, put package:// and your package before that.",
        "MuJoCo is told to leave out the looks of a URDF: it has a target of its own.",
    ]
    if len(files) > 1:
        notes.append(f"A URDF is one tree: the free bodies stand in files of their own ({', '.join(files)}).")
    return Written(files[0], tuple(losses), tuple(notes))


def compare(job: Job, written: Written) -> tuple[Comparison, ...]:
    """What MuJoCo's URDF reader makes of the files, and the friction in their extensions, against the twin."""
    scene = without_capsules(describe_twin(job.layout))
    expected = twin_facts(job.layout, scene)
    read = [read_urdf(job.folder / name, scene) for name in _files(job.folder, written)]
    paths = job.folder / f"{job.subject.twin.name}.srdf"
    actual = Facts(
        tuple(b for facts in read for b in facts.bodies),
        tuple(j for facts in read for j in facts.joints),
        {name: frame for facts in read for name, frame in (facts.sites or {}).items()},
        read_srdf(paths) if paths.is_file() else frozenset(),
        _together([facts.motion for facts in read if facts.motion is not None]),
    )
    return compare_facts(_as_urdf_says(expected, scene), actual)


def _together(motions: list[Motion]) -> Motion:
    def motion(positions: Mapping[str, float]) -> dict[str, FloatArray]:
        return {name: moved for one in motions for name, moved in one(positions).items()}

    return motion


def _as_urdf_says(expected: Facts, scene: SceneDescription) -> Facts:
    """The twin with the losses that are named: one surface a link, ball joints that are held, drives without gains."""
    bodies = []
    for body in expected.bodies:
        volume: dict[float, float] = {}
        for collider in body.colliders:
            if collider.friction is not None:
                volume[collider.friction] = volume.get(collider.friction, 0.0) + collider.volume_m3
        main = max(volume, key=lambda f: (volume[f], f)) if volume else None
        bodies.append(replace(body, colliders=tuple(replace(c, friction=main) for c in body.colliders)))
    joints = []
    for joint in expected.joints:
        stated = next(one for one in scene.joints if one.path == joint.name)
        # An effort is what a motor could give, also of a joint that nothing drives.
        most = math.inf if stated.drive_max_force is None else stated.drive_max_force
        said = replace(joint, dynamics=replace(joint.dynamics, damping=stated.damping, max_force=most))
        joints += [said] if joint.type != "spherical" else []
    return replace(expected, bodies=tuple(bodies), joints=tuple(joints))


def drop(job: Job, written: Written) -> DropAgreement:
    """The file dropped in MuJoCo, with friction and restitution of its extensions and the solver of our engine."""
    scene = describe_twin(job.layout)
    files = _files(job.folder, written)
    if len(files) > 1:
        return DropAgreement("mujoco", "not_checked", "The twin's free bodies stand in several files.")

    def run(orientation: str) -> Fall:
        spec = urdf_spec(job.folder / files[0])
        behave_as_engine(spec, job.folder / files[0], scene, job.settings)
        root = spec.worldbody.first_body()
        if root is not None and root.first_joint() is None and not _on_the_world(scene):
            root.add_freejoint()
        return drop_mujoco(spec, scene, job.settings, orientation)

    return agreement("mujoco", job.subject.certificate, scene, run)


def _on_the_world(scene: SceneDescription) -> bool:
    return any(not joint.body0 or not joint.body1 for joint in scene.joints)


def _files(folder: Path, written: Written) -> list[str]:
    stem = written.main.removesuffix(".urdf")
    return [written.main, *sorted(p.name for p in folder.glob(f"{stem}_*.urdf"))]
