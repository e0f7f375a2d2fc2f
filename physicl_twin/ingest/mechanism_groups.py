"""Which links are one rigid body: what has no mass of its own goes with what it is fixed to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.ingest.mechanism import Link, Mechanism, inverse
from physicl_twin.model import Joint
from physicl_twin.model.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class Group:
    """Links that are one body.

    Attributes:
        body: The link that gives the body its name and frame.
        members: All of them with their (4, 4) frames in the body's frame; the body itself first.
    """

    body: str
    members: tuple[tuple[str, FloatArray], ...]

    @property
    def merged(self) -> tuple[str, ...]:
        """Names of the others."""
        return tuple(name for name, _ in self.members[1:])


def group_links(mechanism: Mechanism) -> tuple[Group, ...]:
    """Groups of links that fixed joints hold together and of which at most one states a mass.

    A link on a fixed joint is no body of its own when it has no matter, or when it states no mass and what it is fixed
    to does: its geometry then belongs to that mass, as Gazebo and MuJoCo have it. The topmost link with matter gives
    the body its name and frame. A world without matter that holds a single link is a frame of that link; any other
    world is a body.

    Args:
        mechanism: Whose joints form a forest, apart from loops.
    """
    links = {link.name: link for link in mechanism.links}
    order = {name: number for number, name in enumerate(top_down(mechanism))}
    fixed = sorted(
        (j for j in mechanism.joints if j.type == "fixed" and not j.closes_loop), key=lambda joint: order[joint.body1]
    )
    owner = _owners(mechanism, links, fixed)
    inside: dict[str, list[str]] = {}
    for name in order:
        inside.setdefault(owner[name], []).append(name)
    frames = {name: np.eye(4) for name in links}
    for joint in fixed:
        if owner[joint.body0] == owner[joint.body1]:
            step = joint.pose0.matrix() @ inverse(joint.pose1.matrix())
            frames[joint.body1] = frames[joint.body0] @ step
    groups = []
    for members in inside.values():
        body = next((name for name in members if not links[name].is_empty), members[0])
        base = inverse(frames[body])
        everybody = [body, *(name for name in members if name != body)]
        groups.append(Group(body, tuple((name, base @ frames[name]) for name in everybody)))
    return tuple(groups)


def top_down(mechanism: Mechanism) -> list[str]:
    """Names of the links, parents before children, else in the order of the file."""
    children: dict[str, list[str]] = {}
    held: set[str] = set()
    edges = [(j.body0, j.body1) for j in mechanism.joints if not j.closes_loop]
    for parent, child in [*edges, *((loose.parent, loose.child) for loose in mechanism.loose)]:
        children.setdefault(parent, []).append(child)
        held.add(child)
    order: list[str] = []
    waiting = [link.name for link in reversed(mechanism.links) if link.name not in held]
    while waiting:
        here = waiting.pop()
        order.append(here)
        waiting.extend(reversed(children.get(here, [])))
    return order


@dataclass(frozen=True, slots=True)
class _Matter:
    """What the links of a group have between them."""

    mass: bool
    geometry: bool

    def takes(self, other: _Matter) -> bool:
        """True when the two are one body: all but two masses, or two geometries of which nobody states a mass."""
        if self.mass or other.mass:
            return not (self.mass and other.mass)
        return not (self.geometry and other.geometry)


def _owners(mechanism: Mechanism, links: dict[str, Link], fixed: list[Joint]) -> dict[str, str]:
    """For each link the one that stands for its group."""
    owner = {name: name for name in links}
    matter = {name: _Matter(link.mass_properties is not None, bool(link.pieces)) for name, link in links.items()}

    def top(name: str) -> str:
        while owner[name] != name:
            owner[name] = owner[owner[name]]
            name = owner[name]
        return name

    parents = {joint.body0 for joint in mechanism.joints}
    frames_only = {joint.name for joint in fixed if links[joint.body1].is_empty and joint.body1 not in parents}
    held = [j for j in mechanism.joints if j.body0 == mechanism.world and j.name not in frames_only]
    world_is_frame = mechanism.world in links and links[mechanism.world].is_empty and len(held) == 1
    possible = [j for j in fixed if j.body0 != mechanism.world or world_is_frame or j.name in frames_only]
    changed = True
    while changed:
        changed = False
        for joint in possible:
            a, b = top(joint.body0), top(joint.body1)
            if a != b and matter[a].takes(matter[b]):
                owner[b] = a
                matter[a] = _Matter(matter[a].mass or matter[b].mass, matter[a].geometry or matter[b].geometry)
                changed = True
    return {name: top(name) for name in links}
