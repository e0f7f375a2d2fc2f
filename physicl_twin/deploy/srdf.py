"""SRDF: the pairs of links that do not collide, as MoveIt reads them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from physicl_twin.deploy.xml_text import text_of


def srdf(name: str, apart: frozenset[frozenset[str]]) -> str:
    """The SRDF of a robot.

    Args:
        name: Of the robot.
        apart: Pairs of links.
    """
    root = ET.Element("robot", name=name)
    for one, other in sorted((min(pair), max(pair)) for pair in apart):
        ET.SubElement(root, "disable_collisions", link1=one, link2=other, reason="User")
    return text_of(root)


def read_srdf(path: Path) -> frozenset[frozenset[str]]:
    """The pairs of a file."""
    found = ET.parse(path).getroot().iter("disable_collisions")
    return frozenset(frozenset((e.get("link1", ""), e.get("link2", ""))) for e in found)
