"""Joints that were seen, put into a twin: its parts sorted into bodies, sure joints authored, the others proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from physicl_twin.model import Body, Joint, Note, Part, Pose, Proposal, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.joint import JointType
from physicl_twin.normalize.motion.rotations import frame_along
from physicl_twin.normalize.motion.seen import SeenJoint

#: Types that a USD joint has.
_AUTHORED: dict[str, JointType] = {"revolute": "revolute", "prismatic": "prismatic", "spherical": "spherical"}
_SHORT_TURN_RAD = 1e-6


def author(twin: Twin, groups: Mapping[str, int], seen: Sequence[SeenJoint], confident: float) -> Twin:
    """The twin with its parts in bodies of their own and the joints between them.

    Parts of a group whose joint is not sure (or that moves as no joint of USD does) stay in the body that they come
    from, and a proposal says what they may do. A body that is split keeps its frame, and what is split off it has the
    same frame, so that no part's pose changes.

    Args:
        twin: With geometry; its parts in one body, or in as many as the source has.
        groups: Number of the rigid group of every part by its name; group 0 is the base.
        seen: Joints between the groups, a tree from group 0, parents before children.
        confident: Probability from which a joint is authored.
    """
    names = _names(twin, groups, seen)
    sure: dict[int, int] = {0: 0}  # group -> group of the body that it is authored in
    for joint in seen:
        is_sure = joint.probability >= confident and joint.type in _AUTHORED
        sure[joint.child] = joint.child if is_sure else sure.get(joint.parent, 0)
    bodies = _split(twin, {part: sure.get(group, 0) for part, group in groups.items()}, names)
    twin = replace(twin, bodies=bodies)
    home = {group: _home(twin, groups, group) for group in {*groups.values()}}
    joints: list[Joint] = []
    proposals: list[Proposal] = []
    notes: list[Note] = []
    taken = {joint.name for joint in twin.joints}
    for joint in seen:
        parent, child = home[joint.parent], home[joint.child]
        name = _free(f"{names[joint.child]}_joint", taken)
        if sure[joint.child] == joint.child:
            joints.append(_joint(twin, joint, name, parent, child))
            continue
        if joint.type in _AUTHORED:
            made = _joint(twin, joint, name, parent, parent)
            parts = tuple(part.name for part in twin.parts if groups[part.name] == joint.child)
            proposals.append(Proposal(replace(made, body1=names[joint.child]), parts))
        notes.append(_note(joint, names[joint.child]))
    return replace(twin, joints=(*twin.joints, *joints), proposals=(*twin.proposals, *proposals)).with_notes(*notes)


def _names(twin: Twin, groups: Mapping[str, int], seen: Sequence[SeenJoint]) -> dict[int, str]:
    """Names of the bodies: the deepest assembly node that holds the group and nothing else, else its largest part's."""
    taken = {body.name for body in twin.bodies} | {site.name for body in twin.bodies for site in body.sites}
    names = {0: twin.bodies[0].name}
    for joint in seen:
        mine = [part for part in twin.parts if groups[part.name] == joint.child]
        others = {node for part in twin.parts if groups[part.name] != joint.child for node in part.hints.path}
        nodes = [node for node in mine[0].hints.path if node and node not in others]
        shared = [node for node in nodes if all(node in part.hints.path for part in mine)]
        wanted = shared[0] if shared else max(mine, key=lambda part: _extent(twin, part)).name
        names[joint.child] = _free(wanted, taken)
    return names


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _extent(twin: Twin, part: Part) -> float:
    mesh = twin.shape(part.shape).mesh
    return 0.0 if mesh is None else float(np.prod(np.maximum(np.ptp(mesh.vertices, axis=0), 1e-4)))


def _split(twin: Twin, groups: Mapping[str, int], names: Mapping[int, str]) -> tuple[Body, ...]:
    """Bodies of one group each; those of a source that declares bodies stay whole."""
    bodies: list[Body] = []
    for body in twin.bodies:
        mine: dict[int, list[Part]] = {}
        for part in body.parts:
            mine.setdefault(groups[part.name], []).append(part)
        if len(mine) < 2:
            bodies.append(body)
            continue
        # What is at the base keeps the body's own name; without a base part the largest group does.
        keeps = 0 if 0 in mine else max(mine, key=lambda group: sum(_extent(twin, part) for part in mine[group]))
        bodies.append(replace(body, parts=tuple(mine[keeps]), mass_properties=None))
        for group in sorted(mine):
            if group != keeps:
                bodies.append(Body(names[group], tuple(mine[group]), body.pose))
    return tuple(bodies)


def _home(twin: Twin, groups: Mapping[str, int], group: int) -> Body:
    """The body that holds most parts of a group."""
    return max(twin.bodies, key=lambda body: sum(groups[part.name] == group for part in body.parts))


def _joint(twin: Twin, seen: SeenJoint, name: str, parent: Body, child: Body) -> Joint:
    frame = np.eye(4)
    frame[:3, :3] = frame_along(seen.axis) if seen.type != "spherical" else np.eye(3)
    frame[:3, 3] = _anchor(twin, seen, child)
    # Where the file has it is a place where it can be, whatever the track saw.
    lower, upper = (
        (min(seen.lower, 0.0), max(seen.upper, 0.0)) if seen.type != "spherical" else (-seen.upper, seen.upper)
    )
    return Joint(
        name,
        _AUTHORED[seen.type],
        parent.name,
        child.name,
        _in_frame(parent.pose, frame),
        _in_frame(child.pose, frame),
        "z",
        lower if upper - lower > _SHORT_TURN_RAD else None,
        upper if upper - lower > _SHORT_TURN_RAD else None,
        probability=seen.probability,
        evidence=seen.evidence,
    )


def _in_frame(pose: Pose, frame: FloatArray) -> Pose:
    return Pose.from_matrix(np.asarray(np.linalg.solve(pose.matrix(), frame), dtype=float))


def _anchor(twin: Twin, seen: SeenJoint, child: Body) -> FloatArray:
    """Where the joint's frame stands: of an axis abreast of the child's middle, of a slide in the child's middle."""
    if seen.type == "spherical":
        return seen.point
    corners = []
    for part in child.parts:
        mesh = twin.shape(part.shape).mesh
        if mesh is not None:
            corners.append(child.pose.compose(part.pose).apply(mesh.bounds()))
    middle = np.concatenate(corners).mean(axis=0) if corners else seen.point
    if seen.type == "prismatic":
        return middle
    return seen.point + seen.axis * float(seen.axis @ (middle - seen.point))


def _note(joint: SeenJoint, child: str) -> Note:
    if joint.type == "screw":
        message = (
            f"{child} moves as a screw does, {1000 * joint.pitch * 2 * np.pi:.2f} mm a turn: USD has no such joint, "
            "and none is authored."
        )
        return Note("screw_not_authored", "warning", message, "Author a hinge and a slide that follow each other.")
    if joint.type == "free":
        message = f"{child} moves freely: no joint with one direction explains where it was seen."
        return Note("no_joint_found", "warning", message, "Check which parts belong together in the other states.")
    message = f"{child} may be on a {joint.type} joint (probability {joint.probability:.2f}): it is proposed only."
    return Note("joint_proposed", "info", message, "Accept it in the panel, or show one more state or a longer motion.")
