"""How many solver iterations a mechanism needs."""

from __future__ import annotations

import math

from physicl_twin.model import Evidence, Twin
from physicl_twin.normalize.dynamics.marks import rule
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.dynamics.tree import Tree
from physicl_twin.normalize.kinematics import rigid_groups


def mass_ratio(twin: Twin, held: str = "") -> tuple[float, str, str]:
    """Largest ratio of masses of what a movable joint joins, rigid groups taken as one, with the names of the two.

    Args:
        twin: With masses.
        held: Name of the body that stands fixed in the world: its mass, and that of what is tied to it, moves nowhere.
    """
    index = {body.name: i for i, body in enumerate(twin.bodies)}
    groups = rigid_groups(twin)
    mass = [0.0] * len(twin.bodies)
    still = {groups[index[held]]} if held in index else set()
    for i, body in enumerate(twin.bodies):
        if body.static:
            still.add(groups[i])
        elif body.mass is not None:
            mass[groups[i]] += body.mass.value
    worst, first, second = 1.0, "", ""
    for joint in twin.joints:
        if joint.type == "fixed" or joint.body0 not in index or joint.body1 not in index:
            continue
        a, b = groups[index[joint.body0]], groups[index[joint.body1]]
        if a in still or b in still or min(mass[a], mass[b]) <= 0:
            continue
        ratio = max(mass[a], mass[b]) / min(mass[a], mass[b])
        if ratio > worst:
            worst, first, second = ratio, joint.body0, joint.body1
    return worst, first, second


def position_iterations(twin: Twin, tree: Tree, settings: DynamicsSettings, held: str = "") -> tuple[int, Evidence]:
    """Position iterations of PhysX's solver, and why.

    The usual number carries chains of ``easy_chain`` joints and ratios of ``easy_mass_ratio``; it grows with the square
    root of the chain's length and by half for each further decade of the ratio, up to a bound (judgement: information
    travels one joint an iteration, and an error shrinks by a factor each).
    """
    longest = max((link.depth for link in tree.links), default=0)
    ratio, first, second = mass_ratio(twin, held)
    growth = math.sqrt(max(1.0, longest / settings.easy_chain))
    growth *= 1 + 0.5 * math.log10(max(1.0, ratio / settings.easy_mass_ratio))
    count = min(settings.most_position_iterations, math.ceil(settings.base_position_iterations * growth))
    between = f" ({first} and {second})" if first else ""
    words = f"{count} position iterations: up to {longest} joints in a row, neighbours' masses up to {ratio:.3g} to 1"
    return count, rule(f"{words}{between}.")
