"""Boxes that stand in for the geometry of a robot of which only masses and joints are there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import quoted
from physicl_twin.ingest.mechanism import Link, Mechanism, Piece, transform_of
from physicl_twin.ingest.mechanism_masses import usable_mass_properties
from physicl_twin.model import MassProperties


def with_stand_ins(mechanism: Mechanism, builder: SceneBuilder) -> Mechanism:
    """The mechanism with a box for each link with a mass, where no link of it has any geometry.

    Args:
        mechanism: Any.
        builder: A note says so there.
    """
    if any(link.pieces for link in mechanism.links):
        return mechanism
    links = tuple(_with_box(link, builder) for link in mechanism.links)
    boxed = [link.name for link in links if link.pieces]
    if boxed:
        message = (
            f"No link has geometry that can be found; boxes of the same mass and inertia stand in for {quoted(boxed)}."
        )
        hint = "Put the meshes beside the description: these boxes are not the shape of the thing."
        builder.note("stand_in_geometry", "warning", message, hint)
    return replace(mechanism, links=links)


def _with_box(link: Link, builder: SceneBuilder) -> Link:
    if link.mass_properties is None:
        return link
    stated = usable_mass_properties(link.mass_properties, link.name, False, builder)
    size, transform = equal_box(stated)
    return replace(link, mass_properties=stated, pieces=(Piece(link.name, "box", transform, "both", size),))


def equal_box(stated: MassProperties) -> tuple[tuple[float, float, float], np.ndarray]:
    """Edges of the uniform box with the same mass and inertia, metres, and its (4, 4) pose in the link frame.

    A box of mass m with edges a, b, c has the moments m (b² + c²) / 12 and so on; their solution is
    a² = 6 (I_b + I_c - I_a) / m.

    Args:
        stated: With a possible inertia.
    """
    moments, axes = np.linalg.eigh(np.array(stated.inertia_kgm2))
    axes = axes * np.sign(np.linalg.det(axes))
    squares = 6.0 * (moments.sum() - 2.0 * moments) / stated.mass.value
    # A rod or a plate gets a thousandth of its length as thickness: a box needs one.
    a, b, c = (float(v) for v in np.sqrt(np.maximum(squares, 1e-6 * squares.max())))
    return (a, b, c), transform_of(np.array(stated.com_m), axes)
