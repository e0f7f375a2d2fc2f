"""The kinematic tree of a twin: who hangs on whom, parents first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from physicl_twin.model import Joint, Twin

#: Index of the parent of what hangs on the world or on nothing.
NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Link:
    """A body in the tree.

    Attributes:
        body: Index into ``twin.bodies``.
        parent: Index of the parent body; NO_PARENT at a root.
        joint: What joins it to its parent (or to the world); None at a root that stands free.
        forward: True when it is the joint's second body, as it should be.
        depth: Number of movable joints between it and its root.
    """

    body: int
    parent: int
    joint: Joint | None
    forward: bool
    depth: int


@dataclass(frozen=True, slots=True)
class Tree:
    """All bodies of a twin, parents before children.

    Attributes:
        links: One for each body.
        loops: Names of joints that are no part of the tree but do not say so: they close a cycle.
        roots: Indices of the bodies that start a tree.
    """

    links: tuple[Link, ...]
    loops: tuple[str, ...]
    roots: tuple[int, ...]

    def link(self, body: int) -> Link:
        """The link of a body."""
        return next(link for link in self.links if link.body == body)

    def subtree(self, body: int) -> tuple[int, ...]:
        """Indices of a body and of all that hangs on it."""
        found = {body}
        for link in self.links:
            if link.parent in found:
                found.add(link.body)
        return tuple(sorted(found))

    def subtrees(self) -> dict[int, tuple[int, ...]]:
        """``subtree`` of every body at once."""
        found: dict[int, list[int]] = {link.body: [link.body] for link in self.links}
        for link in reversed(self.links):
            if link.parent != NO_PARENT:
                found[link.parent] += found[link.body]
        return {body: tuple(sorted(members)) for body, members in found.items()}


def tree_of(twin: Twin) -> Tree:
    """The tree that a twin's joints make.

    What the world holds comes first, then static bodies, then the stated root, then the bodies in their order; a joint
    whose two sides are reached without it closes a loop.
    """
    index = {body.name: i for i, body in enumerate(twin.bodies)}
    edges: dict[str, list[tuple[Joint, str, bool]]] = {}
    for joint in twin.joints:
        if joint.closes_loop or joint.body1 not in index or (joint.body0 and joint.body0 not in index):
            continue
        edges.setdefault(joint.body0, []).append((joint, joint.body1, True))
        edges.setdefault(joint.body1, []).append((joint, joint.body0, False))
    stated = twin.articulation.root if twin.articulation is not None else ""
    children = {joint.body1 for joint in twin.joints if not joint.closes_loop and joint.body0}
    starts = [body.name for body in twin.bodies if body.static]
    starts += [stated] if stated in index else []
    starts += [body.name for body in twin.bodies if body.name not in children]
    links: list[Link] = []
    placed: set[str] = set()
    used: set[str] = set()
    roots: list[int] = []

    def grow(start: str) -> None:
        waiting = deque([(start, 0)])
        while waiting:
            here, depth = waiting.popleft()
            for joint, other, forward in edges.get(here, ()):
                if joint.name in used or other in placed or not other:
                    continue
                used.add(joint.name)
                placed.add(other)
                deeper = depth + (joint.type != "fixed")
                parent = index[here] if here else NO_PARENT
                links.append(Link(index[other], parent, joint, forward, deeper))
                if not here:
                    roots.append(index[other])
                waiting.append((other, deeper))

    grow("")
    for name in (*starts, *index):
        if name in placed:
            continue
        placed.add(name)
        roots.append(index[name])
        links.append(Link(index[name], NO_PARENT, None, True, 0))
        grow(name)
    in_tree = {joint.name for joints in edges.values() for joint, _, _ in joints}
    loops = tuple(j.name for j in twin.joints if j.name in in_tree - used)
    return Tree(tuple(links), loops, tuple(roots))
