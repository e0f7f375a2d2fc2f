"""From links and joints to bodies and joints of a scene: merged, placed, at coordinates that the limits allow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from physicl_twin.ingest.description_xml import quoted
from physicl_twin.ingest.guards import no_geometry
from physicl_twin.ingest.links import LinkBuilder
from physicl_twin.ingest.mechanism import Link, Mechanism, inverse, motion_of, moved_mass_properties, pose_of
from physicl_twin.ingest.mechanism_coordinates import coordinates_of
from physicl_twin.ingest.mechanism_groups import Group, group_links, top_down
from physicl_twin.ingest.mechanism_masses import usable_mass_properties
from physicl_twin.ingest.mechanism_stand_ins import with_stand_ins
from physicl_twin.ingest.raw import RawScene
from physicl_twin.model import Articulation, BodyPair, Evidence, Joint
from physicl_twin.model.geometry import FloatArray


def scene_of(mechanism: Mechanism, links: LinkBuilder, title: str, licence: str = "") -> RawScene:
    """The scene of a mechanism.

    Args:
        mechanism: Whose joints form a forest; what closes a loop is marked.
        links: Empty, of the main file.
        title: Readable name.
        licence: SPDX expression that the description states.

    Raises:
        SourceError: ``no_geometry``, ``mimic_cycle``.
    """
    builder = links.builder
    joints = coordinates_of(mechanism.joints, builder)
    mechanism = with_stand_ins(replace(mechanism, joints=joints), builder)
    groups = group_links(mechanism)
    by_link = {name: (group.body, frame) for group in groups for name, frame in group.members}
    described = {link.name: link for link in mechanism.links}
    kept = [group for group in groups if _belongs(group, mechanism, described)]
    _tell(groups, kept, described, links)
    if not any(described[name].pieces for group in kept for name, _ in group.members):
        raise no_geometry(builder.path.name, "none of its links has a mass or geometry that can be found.")
    frames = _link_frames(mechanism, described)
    for group in kept:
        _add_body(group, described, frames[group.body], links)
    alive = {group.body for group in kept}
    moved = (_between_bodies(joint, by_link) for joint in joints)
    found = tuple(j for j in moved if j.body0 != j.body1 and j.body0 in alive and j.body1 in alive)
    anchored = by_link[mechanism.world][0] if mechanism.world in by_link else ""
    anchored = anchored if anchored in alive else ""
    articulation = _articulation(mechanism, found, kept, by_link, anchored, links)
    if anchored and articulation is None:
        message = f"{anchored!r} is fixed to the world; as a twin of its own it may be placed and moved."
        builder.note("world_joint_left_out", "info", message)
    elif anchored and articulation is not None and articulation.root != anchored:
        statement = f"The description fixes {anchored!r} to the world."
        evidence = (Evidence("source", statement, builder.path.name, mechanism.world),)
        place = pose_of(frames[anchored])
        found += (Joint(f"{anchored} to the world", "fixed", "", anchored, place, evidence=evidence),)
    return links.scene(title, found, articulation, licence)


def _belongs(group: Group, mechanism: Mechanism, described: dict[str, Link]) -> bool:
    """True for a body with matter, or one that a joint needs."""
    if any(not described[name].is_empty for name, _ in group.members):
        return True
    inside = {name for name, _ in group.members}
    return any((joint.body0 in inside) != (joint.body1 in inside) for joint in mechanism.joints)


def _tell(groups: tuple[Group, ...], kept: list[Group], described: dict[str, Link], links: LinkBuilder) -> None:
    """Notes about links that are no bodies of their own."""
    frames = [n for g in kept for n in g.merged if described[n].is_empty]
    merged = [f"{n} (with {g.body})" for g in kept for n in g.merged if not described[n].is_empty]
    dropped = [name for g in groups if g not in kept for name, _ in g.members]
    if frames:
        message = f"{len(frames)} links without matter are frames of the body that they are fixed to: {quoted(frames)}."
        links.builder.note("links_are_frames", "info", message)
    if merged:
        message = f"Links without a mass of their own are one body with what they are fixed to: {quoted(merged)}."
        links.builder.note("links_merged", "info", message)
    if dropped:
        message = f"Links without matter, which hold nothing, are left out: {quoted(dropped)}."
        links.builder.note("links_dropped", "info", message)


def _link_frames(mechanism: Mechanism, described: dict[str, Link]) -> dict[str, FloatArray]:
    """(4, 4) frame of each link in the description's frame, at the coordinates of the joints."""
    above = {j.body1: (j.body0, j) for j in mechanism.joints if not j.closes_loop}
    loose = {one.child: one for one in mechanism.loose}
    frames: dict[str, FloatArray] = {}
    for name in top_down(mechanism):
        if name in above:
            parent, joint = above[name]
            step = joint.pose0.matrix() @ motion_of(joint) @ inverse(joint.pose1.matrix())
            frames[name] = frames[parent] @ step
        elif name in loose:
            frames[name] = frames[loose[name].parent] @ loose[name].transform
        else:
            pose = described[name].pose
            frames[name] = np.eye(4) if pose is None else pose
    return frames


def _add_body(group: Group, described: dict[str, Link], frame: FloatArray, links: LinkBuilder) -> None:
    has_geometry = any(described[name].pieces for name, _ in group.members)
    stated = None
    for name, transform in group.members:
        own = described[name].mass_properties
        if own is not None:
            possible = usable_mass_properties(own, name, has_geometry, links.builder)
            stated = moved_mass_properties(possible, transform)
    links.body(group.body, frame, stated, static=any(described[name].static for name, _ in group.members))
    for name, transform in group.members:
        if name != group.body:
            links.site(group.body, name, transform)
        for piece in described[name].pieces:
            placed = transform @ piece.transform
            if piece.path is not None:
                links.mesh(
                    group.body, piece.name, piece.path, placed, piece.use, piece.look, piece.hints,
                    overrules=piece.overrules, submesh=piece.submesh,
                )  # fmt: skip
            elif piece.kind is not None:
                links.primitive(
                    group.body, piece.name, piece.kind, piece.size_m, placed, piece.use, piece.look, piece.hints
                )


def _between_bodies(joint: Joint, by_link: dict[str, tuple[str, FloatArray]]) -> Joint:
    """The joint of two links as one of their bodies."""
    body0, frame0 = by_link[joint.body0]
    body1, frame1 = by_link[joint.body1]
    return replace(
        joint,
        body0=body0,
        body1=body1,
        pose0=pose_of(frame0 @ joint.pose0.matrix()),
        pose1=pose_of(frame1 @ joint.pose1.matrix()),
    )


def _articulation(
    mechanism: Mechanism,
    joints: tuple[Joint, ...],
    kept: list[Group],
    by_link: dict[str, tuple[str, FloatArray]],
    anchored: str,
    links: LinkBuilder,
) -> Articulation | None:
    """What the description says of the mechanism that the world holds, else of the largest; None without joints."""
    if not joints:
        return None
    roots = _roots(joints, [group.body for group in kept])
    sizes = {root: len(bodies) for root, bodies in roots.items()}
    root = anchored if sizes.get(anchored, 0) > 1 else max(sizes, key=lambda name: sizes[name])
    others = [name for name, size in sizes.items() if name != root and size > 1]
    if others:
        message = f"Several mechanisms are in one description; that of {root!r} leads, beside {quoted(others)}."
        links.builder.note("several_mechanisms", "warning", message, "Build each of them from a file of its own.")
    source = links.builder.path.name
    in_world = root == anchored
    evidence = list(mechanism.driven)
    if in_world:
        statement = f"Its root hangs on the link {mechanism.world!r}, which is the world."
        evidence.append(Evidence("source", statement, source, mechanism.world))
    movable = any(joint.type != "fixed" for joint in joints)
    return Articulation(
        kind="robot" if mechanism.driven and movable else "prop",
        root=root,
        fixed=in_world,
        self_collision=True if mechanism.self_collision is None else mechanism.self_collision,
        filters=_filters(mechanism, by_link, {group.body for group in kept}),
        evidence=tuple(evidence),
    )


def _filters(
    mechanism: Mechanism, by_link: dict[str, tuple[str, FloatArray]], bodies: set[str]
) -> tuple[BodyPair, ...]:
    """Pairs of bodies whose links never collide, each once."""
    found: dict[frozenset[str], BodyPair] = {}
    for pair in mechanism.filters:
        one, other = by_link[pair.body0][0], by_link[pair.body1][0]
        if one != other and one in bodies and other in bodies:
            found.setdefault(frozenset((one, other)), BodyPair(one, other, pair.reason))
    return tuple(found.values())


def _roots(joints: tuple[Joint, ...], bodies: list[str]) -> dict[str, list[str]]:
    """For each body that no joint holds, what hangs on it, itself included."""
    children: dict[str, list[str]] = {}
    held: set[str] = set()
    for joint in joints:
        if not joint.closes_loop:
            children.setdefault(joint.body0, []).append(joint.body1)
            held.add(joint.body1)
    found: dict[str, list[str]] = {}
    for root in (body for body in bodies if body not in held):
        waiting, seen = [root], []
        while waiting:
            here = waiting.pop()
            seen.append(here)
            waiting.extend(children.get(here, []))
        found[root] = seen
    return found
