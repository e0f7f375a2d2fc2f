"""The tree that the joints of a URDF make of its links, and what is wrong where they make none."""

from __future__ import annotations

from collections import Counter

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import quoted
from physicl_twin.ingest.mechanism import Link, Loose
from physicl_twin.model import Joint, SourceError


def check_tree(
    links: tuple[Link, ...], joints: tuple[Joint, ...], loose: tuple[Loose, ...], builder: SceneBuilder
) -> tuple[Link, ...]:
    """The links of a tree; a link without matter that nothing joins is left out with a note.

    Raises:
        SourceError: ``name_duplicate``, ``joint_link_unknown``, ``link_with_two_parents``, ``tree_cyclic``,
            ``tree_disconnected``.
    """
    file = builder.path.name
    twice = [name for name, count in Counter(link.name for link in links).items() if count > 1]
    if twice:
        raise SourceError(
            "name_duplicate", f"{file}: several links are called {quoted(twice)}.", "Give each link a name of its own."
        )
    names = {link.name for link in links}
    ends = [(j.name, j.body0, j.body1) for j in joints] + [(f"of {one.child}", one.parent, one.child) for one in loose]
    for joint, parent, child in ends:
        for end in (parent, child):
            if end not in names:
                raise SourceError(
                    "joint_link_unknown",
                    f"{file}: the joint {joint!r} joins the link {end[:80]!r}, which is not described.",
                    "Describe the link, or correct the name.",
                )
    held = Counter(child for _, _, child in ends)
    if doubly := [name for name, count in held.items() if count > 1]:
        raise SourceError(
            "link_with_two_parents",
            f"{file}: several joints hold {quoted(doubly)}; the links of a URDF are a tree.",
            "Describe the loop as SDFormat or MJCF, or leave one of the joints away.",
        )
    used = {end for _, *pair in ends for end in pair}
    lonely = [link.name for link in links if link.name not in used and link.is_empty and len(links) > 1]
    if lonely:
        message = f"Links without matter that nothing joins are left out: {quoted(lonely)}."
        builder.note("link_unconnected", "info", message)
        links = tuple(link for link in links if link.name not in lonely)
    roots = [link.name for link in links if link.name not in held]
    reached = _reached(roots, ends)
    if circular := [link.name for link in links if link.name not in reached]:
        raise SourceError(
            "tree_cyclic",
            f"{file}: the joints of {quoted(circular)} go in a circle.",
            "Describe the loop as SDFormat or MJCF, or leave one of the joints away.",
        )
    if len(roots) > 1:
        raise SourceError(
            "tree_disconnected",
            f"{file}: no joint holds {quoted(roots)}; a URDF is one tree with one root.",
            "Join them, or describe each in a file of its own.",
        )
    return links


def _reached(roots: list[str], ends: list[tuple[str, str, str]]) -> set[str]:
    children: dict[str, list[str]] = {}
    for _, parent, child in ends:
        children.setdefault(parent, []).append(child)
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting.extend(children.get(here, []))
    return reached
