"""SDFormat: the models of a file or world, with everything that they include."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import DescriptionSettings, Stating
from physicl_twin.ingest.description_xml import Element
from physicl_twin.ingest.guards import check_file
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.links import LinkBuilder
from physicl_twin.ingest.mechanism import Leftovers, Link, Mechanism
from physicl_twin.ingest.mechanism_bodies import scene_of
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.sdformat_frames import WORLD, Scope
from physicl_twin.ingest.sdformat_joints import JointReader, held_at, in_links, turned_round
from physicl_twin.ingest.sdformat_links import LinkReader
from physicl_twin.ingest.sdformat_models import Models
from physicl_twin.model import Evidence, Joint, Progress, SourceError, silent
from physicl_twin.model.geometry import FloatArray


def read_sdf(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read an SDFormat file.

    Args:
        path: The file; meshes and included models are looked for in its package and beside it.
        options: Limits, licence.
        progress: Told how far it is.
        settings: Those of ingest; the shipped ones by default.

    Raises:
        SourceError: ``file_damaged``, ``xml_entities_refused``, ``number_invalid``, ``name_missing``,
            ``name_duplicate``, ``joint_type_unknown``, ``joint_link_missing``, ``joint_link_unknown``, ``axis_zero``,
            ``frame_unknown``, ``frame_cycle``, ``model_cycle``, ``mimic_cycle``, ``reference_escapes``, ``no_links``,
            ``no_geometry`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "sdf", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    own = DescriptionSettings.from_table(settings.readers["descriptions"])
    leftovers = Leftovers()
    models = Models(builder, own, leftovers)
    world = models.top(models.document(path))
    if not models.links:
        raise SourceError(
            "no_links", f"{path.name} describes no link.", "Put the models that it includes beside it, or name one."
        )
    stating = Stating(path.name, own.stated_relative_std)
    homes = _homes(models)
    links = _links(models, homes, stating)
    progress("ingest", 0.2, f"{len(links)} links")
    mechanism = _mechanism(models, homes, links, stating)
    leftovers.tell(builder)
    progress("ingest", 0.3, "reading meshes")
    title = next(iter(world.models), "") if len(world.models) == 1 else world.element.name
    return scene_of(mechanism, LinkBuilder(builder), title)


def _homes(models: Models) -> dict[int, FloatArray]:
    """(4, 4) pose of each model in the description's frame, by the identity of its scope."""
    homes: dict[int, FloatArray] = {}
    for parent, scope in models.scopes:
        homes[id(scope)] = np.eye(4) if parent is None else homes[id(parent)] @ parent.pose(scope.name, scope.element)
    return homes


def _path(scope: Scope, name: str) -> str:
    return f"{scope.path}::{name}" if scope.path else name


def _links(models: Models, homes: dict[int, FloatArray], stating: Stating) -> tuple[Link, ...]:
    found = []
    for item in models.links:
        reader = LinkReader(models.builder, item.document.resolver, stating, models.leftovers)
        frame = homes[id(item.scope)] @ item.scope.pose(item.element.name, item.element)
        found.append(reader.link(item.element, _path(item.scope, item.element.name), item.scope, frame, item.static))
    return tuple(found)


def _mechanism(models: Models, homes: dict[int, FloatArray], links: tuple[Link, ...], stating: Stating) -> Mechanism:
    """Links and joints as a forest with loops marked."""
    joints: list[Joint] = []
    between: list[Link] = []
    still: list[str] = []
    for item in models.joints:
        if item.static:
            still.append(_path(item.scope, item.element.name))
            continue
        reader = JointReader(models.builder, stating, models.leftovers, item.document.version)
        chain = reader.joint(item.element, item.scope, homes[id(item.scope)])
        if chain is not None:
            joints += chain.joints
            between += chain.between
    if still:
        message = f"{len(still)} joints of static models never move; they are left out."
        models.builder.note("joints_static", "info", message)
    everything = [*links, *between]
    if any(WORLD in (joint.body0, joint.body1) for joint in joints):
        everything.insert(0, Link(WORLD, pose=np.eye(4)))
    for frame, holder in _named_frames(models, homes):
        everything.append(frame)
        joints.append(
            held_at(Joint(frame.name, "fixed", holder, frame.name), np.eye(4) if frame.pose is None else frame.pose)
        )
    frames = {link.name: np.eye(4) if link.pose is None else link.pose for link in everything}
    placed = tuple(in_links(joint, frames) for joint in _whole(joints, frames, models))
    return Mechanism(
        tuple(everything),
        as_forest(tuple(everything), placed),
        world=WORLD if WORLD in frames and any(link.name == WORLD for link in everything) else "",
        driven=_driven(models, stating),
        self_collision=any(models.self_collision) if models.self_collision else None,
    )


def _named_frames(models: Models, homes: dict[int, FloatArray]) -> list[tuple[Link, str]]:
    """The frames that are named on links, as links without matter, each with the link that it moves with."""
    found = []
    for _, scope in models.scopes:
        for name, frame in scope.frames.items():
            if frame.kind != "frame" or frame.element.tag != "frame":
                continue
            holder = scope.link_of(name, frame.element)
            if holder == WORLD:
                models.leftovers.add("frame of the world", name)
                continue
            pose = homes[id(scope)] @ scope.pose(name, frame.element)
            found.append((Link(_path(scope, name), pose=pose), holder))
    return found


def _whole(joints: list[Joint], frames: dict[str, FloatArray], models: Models) -> list[Joint]:
    """Joints between two different links that are described.

    Raises:
        SourceError: ``joint_link_unknown``.
    """
    for joint in joints:
        for end in (joint.body0, joint.body1):
            if end not in frames:
                raise SourceError(
                    "joint_link_unknown",
                    f"{models.builder.path.name}: the joint {joint.name!r} joins {end[:80]!r}, which is no link.",
                    "Correct the name.",
                )
    same = [joint.name for joint in joints if joint.body0 == joint.body1]
    for name in same:
        models.builder.note("joint_to_itself", "warning", f"The joint {name!r} joins a link to itself; it is left out.")
    return [joint for joint in joints if joint.body0 != joint.body1]


def as_forest(links: tuple[Link, ...], joints: tuple[Joint, ...]) -> tuple[Joint, ...]:
    """The joints with parents before children; what closes a loop is marked.

    A joint between two links that earlier joints of the file connect already closes a loop. The world is a root where
    there is one, then links that no joint holds, then any that is left. A joint that is met from its child's side is
    turned round.

    Args:
        links: In the order of the file.
        joints: Between them.
    """
    loops = _closing(joints)
    around: dict[str, list[int]] = {}
    for number, joint in enumerate(joints):
        if number not in loops:
            around.setdefault(joint.body0, []).append(number)
            around.setdefault(joint.body1, []).append(number)
    held = {joint.body1 for joint in joints}
    names = [link.name for link in links]
    starts = [n for n in names if n == WORLD] + [n for n in names if n not in held] + names
    seen: set[str] = set()
    placed = {number: replace(joints[number], closes_loop=True) for number in loops}
    for start in starts:
        if start in seen:
            continue
        seen.add(start)
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for number in around.get(here, ()):
                if number in placed:
                    continue
                joint = joints[number]
                placed[number] = joint if joint.body0 == here else turned_round(joint)
                seen.add(placed[number].body1)
                waiting.append(placed[number].body1)
    return tuple(placed[number] for number in range(len(joints)))


def _closing(joints: tuple[Joint, ...]) -> set[int]:
    """Numbers of the joints between links that the joints before them connect."""
    owner: dict[str, str] = {}

    def top(name: str) -> str:
        while owner.setdefault(name, name) != name:
            owner[name] = owner[owner[name]]
            name = owner[name]
        return name

    found = set()
    for number, joint in enumerate(joints):
        one, other = top(joint.body0), top(joint.body1)
        if one == other:
            found.add(number)
        owner[other] = one
    return found


def _driven(models: Models, stating: Stating) -> tuple[Evidence, ...]:
    """Why the models drive themselves; empty when nothing says so. An effort alone is left to normalize, as in URDF."""
    commanded = {
        name.text
        for item in models.scopes
        for plugin in item[1].element.all("plugin")
        for name in _joint_names(plugin)
        if name.text
    }
    if commanded:
        return (stating.evidence(f"Plugins command {len(commanded)} joints.", "plugin"),)
    return ()


def _joint_names(plugin: Element) -> list[Element]:
    return [element for element in plugin.walk() if element.tag in ("joint_name", "left_joint", "right_joint")]
