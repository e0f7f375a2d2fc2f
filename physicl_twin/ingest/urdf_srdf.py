"""SRDF: which links of a URDF never collide, as MoveIt's set-up assistant found."""

from __future__ import annotations

from pathlib import Path

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import Element, parse, quoted
from physicl_twin.ingest.guards import source_of
from physicl_twin.ingest.mechanism import Link
from physicl_twin.ingest.packages import Resolver
from physicl_twin.model import BodyPair, SourceError

#: Folders of a package in which an SRDF lies, beside the one of the description.
_FOLDERS = ("srdf", "config", "urdf", "robots")
_MAX_BYTES = 16_000_000


def stated_filters(
    robot: Element, links: tuple[Link, ...], resolver: Resolver, builder: SceneBuilder
) -> tuple[BodyPair, ...]:
    """Pairs of links that an SRDF of the same robot in the same package says never collide.

    Args:
        robot: The ``robot`` element of the URDF.
        links: Its links.
        resolver: Of the description.
        builder: The SRDF becomes a source of the scene.
    """
    found = _semantics_of(robot, resolver, builder)
    if found is None:
        return ()
    path, root = found
    names = {link.name for link in links}
    pairs, lost = [], []
    for element in root.all("disable_collisions"):
        one, other = element.get("link1") or "", element.get("link2") or ""
        if one in names and other in names and one != other:
            pairs.append(BodyPair(one, other, "stated"))
        else:
            lost.append(f"{one} and {other}")
    if lost:
        message = f"{path.name} names links that the robot does not have: {quoted(lost)}."
        builder.note("srdf_link_unknown", "info", message)
    if pairs:
        builder.add_sources(path, (source_of(path, "sidecar", format_id="srdf"),))
    return tuple(pairs)


def _semantics_of(robot: Element, resolver: Resolver, builder: SceneBuilder) -> tuple[Path, Element] | None:
    """The one SRDF of the package that is for a robot of this name."""
    around = (resolver.folder.parent, resolver.area)
    folders = dict.fromkeys([resolver.folder, *(place / name for place in around for name in _FOLDERS)])
    fitting = []
    for folder in folders:
        for path in sorted(folder.glob("*.srdf")):
            if (
                not path.resolve().is_relative_to(resolver.area.resolve())
                or not path.is_file()
                or path.stat().st_size > _MAX_BYTES
            ):
                continue
            try:
                root = parse(path.read_bytes(), path.name)
            except SourceError as error:
                builder.note("srdf_unreadable", "warning", f"{error.message} It is left out.", error.hint)
                continue
            if root.tag == "robot" and root.name and root.name == robot.name:
                fitting.append((path, root))
    own = [one for one in fitting if one[0].stem == builder.path.name.split(".")[0]]
    chosen = own or fitting
    if len(chosen) > 1:
        message = f"Several SRDF files are for {robot.name!r}; none is used: {quoted([p.name for p, _ in chosen])}."
        builder.note("srdf_ambiguous", "info", message)
    return chosen[0] if len(chosen) == 1 else None
