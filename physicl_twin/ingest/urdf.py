"""URDF: links, joints and everything that ROS, Gazebo, Drake and PyBullet write beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import DescriptionSettings, Stating
from physicl_twin.ingest.description_xml import Element, parse, quoted
from physicl_twin.ingest.guards import check_file, damaged
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.links import LinkBuilder
from physicl_twin.ingest.mechanism import Leftovers, Link, Loose, Mechanism
from physicl_twin.ingest.mechanism_bodies import scene_of
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.urdf_gazebo import UrdfGazebo
from physicl_twin.ingest.urdf_joints import UrdfJoints
from physicl_twin.ingest.urdf_links import UrdfLinks
from physicl_twin.ingest.urdf_motors import Motor, motors_of, with_motors
from physicl_twin.ingest.urdf_srdf import stated_filters
from physicl_twin.ingest.urdf_tree import check_tree
from physicl_twin.model import Evidence, Joint, Progress, SourceError, silent

#: Elements of a robot that are read; all others are named in a note.
_KNOWN = frozenset(["link", "joint", "material", "gazebo", "transmission", "ros2_control", "mujoco"])
#: Name of a root link that is the world, as Gazebo and MoveIt have it.
_WORLD = "world"


def read_urdf(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a URDF file.

    Args:
        path: The file; meshes are looked for in its package.
        options: Limits, licence.
        progress: Told how far it is.
        settings: Those of ingest; the shipped ones by default.

    Raises:
        SourceError: ``file_damaged``, ``xml_entities_refused``, ``number_invalid``, ``name_missing``,
            ``name_duplicate``, ``joint_type_unknown``, ``joint_link_missing``, ``joint_link_unknown``, ``axis_zero``,
            ``tree_cyclic``, ``tree_disconnected``, ``link_with_two_parents``, ``mimic_cycle``, ``reference_escapes``,
            ``no_links``, ``no_geometry`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "urdf", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    root = parse(path.read_bytes(), path.name)
    return robot_scene(root, builder, progress)


def robot_scene(root: Element, builder: SceneBuilder, progress: Progress) -> RawScene:
    """The scene of a ``robot`` element; see ``read_urdf``.

    Args:
        root: Of a URDF, or of what a xacro file expands to.
        builder: Of the main file.
        progress: Told how far it is.
    """
    if root.tag != "robot":
        raise damaged(builder.path.name, f"its root is {root.tag[:40]!r} and not robot.")
    own = DescriptionSettings.from_table(builder.settings.readers["descriptions"])
    stating = Stating(builder.path.name, own.stated_relative_std)
    leftovers = Leftovers()
    resolver = Resolver(builder)
    reader = UrdfLinks(root, builder, resolver, stating, leftovers, _mesh_folders(root, resolver))
    gazebo = UrdfGazebo(root, builder, stating, leftovers)
    elements = list(root.all("link"))
    if not elements:
        raise SourceError(
            "no_links",
            f"{builder.path.name} describes no link.",
            "Give the description that uses it; a file of macros alone is none.",
        )
    if len(elements) > own.max_links:
        raise SourceError(
            "too_many_links",
            f"{builder.path.name} describes {len(elements):,} links.",
            "Raise [descriptions] max_links.",
        )
    links = tuple(gazebo.with_friction(reader.link(element)) for element in elements)
    reader.tell_massless()
    progress("ingest", 0.2, f"{len(links)} links")
    joint_reader = UrdfJoints(builder, stating, leftovers)
    described = [joint_reader.joint(element) for element in root.all("joint")]
    motors = motors_of(root, stating, leftovers)
    joints = tuple(
        with_motors(gazebo.with_spring(j), motors, stating)
        for j in _distinct([j for j in described if isinstance(j, Joint)], builder)
    )
    loose = tuple(one for one in described if isinstance(one, Loose))
    links, joints = _standing_still(gazebo, links, joints, builder)
    gazebo.unknown(links, frozenset(element.name for element in root.all("joint")))
    _tell_unknown(root, motors, joints, leftovers, builder)
    links = check_tree(links, joints, loose, builder)
    names = {link.name for link in links}
    mechanism = Mechanism(
        links,
        joints,
        loose,
        world=_WORLD if _WORLD in names and not any(j.body1 == _WORLD for j in joints) else "",
        driven=_driven(joints, stating),
        self_collision=gazebo.self_collision,
        filters=stated_filters(root, links, resolver, builder),
    )
    leftovers.tell(builder)
    progress("ingest", 0.3, "reading meshes")
    return scene_of(mechanism, LinkBuilder(builder), root.name)


def _mesh_folders(root: Element, resolver: Resolver) -> tuple[Path, ...]:
    """Folders that MuJoCo's addition to URDF names for mesh files, as far as they are inside the package."""
    compiler = root.find("mujoco/compiler")
    named = None if compiler is None else compiler.get("meshdir")
    if not named:
        return ()
    folder = (resolver.folder / named).resolve()
    return (folder,) if folder.is_relative_to(resolver.area.resolve()) else ()


def _distinct(joints: list[Joint], builder: SceneBuilder) -> list[Joint]:
    """Joints with names that are theirs alone; later ones of the same name get a number."""
    taken = {joint.name for joint in joints}
    seen: set[str] = set()
    result = []
    for joint in joints:
        name, number = joint.name, 2
        while name in seen or (name != joint.name and name in taken):
            name = f"{joint.name}_{number}"
            number += 1
        if name != joint.name:
            message = f"Two joints are called {joint.name!r}; the later one becomes {name!r}."
            builder.note("joint_renamed", "warning", message, "Give each joint a name of its own.")
        seen.add(name)
        result.append(replace(joint, name=name))
    return result


def _standing_still(
    gazebo: UrdfGazebo, links: tuple[Link, ...], joints: tuple[Joint, ...], builder: SceneBuilder
) -> tuple[tuple[Link, ...], tuple[Joint, ...]]:
    """Links and joints of a model that never moves: nothing of it does."""
    if not gazebo.static:
        return links, joints
    still = tuple(replace(joint, type="fixed", lower=None, upper=None, mimic=None) for joint in joints)
    message = "Gazebo's element says that the model is static; none of its joints moves."
    builder.note("model_static", "info", message)
    return tuple(replace(link, static=True) for link in links), still


def _tell_unknown(
    root: Element, motors: tuple[Motor, ...], joints: tuple[Joint, ...], leftovers: Leftovers, builder: SceneBuilder
) -> None:
    for element in root.children:
        if element.tag not in _KNOWN:
            leftovers.add(f"robot/{element.tag}", element.name or element.tag)
    names = {joint.name for joint in joints}
    lost = [motor.joint for motor in motors if motor.joint not in names]
    if lost:
        message = f"Transmissions drive joints that are not there: {quoted(lost)}."
        builder.note("transmission_without_joint", "info", message)


def _driven(joints: tuple[Joint, ...], stating: Stating) -> tuple[Evidence, ...]:
    """Why the robot drives itself; empty when nothing says so.

    An effort is no reason: the format demands one of every joint with limits, of a drawer's, too
    (https://wiki.ros.org/urdf/XML/joint).
    """
    movable = [joint for joint in joints if joint.type != "fixed" and joint.mimic is None]
    geared = [j for j in movable if any(e.field in ("transmission", "ros2_control") for e in j.evidence)]
    if geared:
        return (stating.evidence(f"Transmissions or ros2_control drive {len(geared)} of its joints.", "transmission"),)
    return ()
