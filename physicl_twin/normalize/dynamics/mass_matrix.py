"""The joint-space mass matrix of a twin: the composite-rigid-body algorithm in world coordinates.

R. Featherstone, Rigid Body Dynamics Algorithms (2008), chapter 6: H_ij = S_i' · Ic_j · S_j for i on the way from j to
its root, where Ic_j is the spatial inertia of everything beyond joint j. All spatial quantities are expressed in the
twin's frame about its origin, so that composite inertias are plain sums. The base is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.tree import NO_PARENT, Link, Tree, tree_of
from physicl_twin.normalize.kinematics import body_poses

_AXES = {"x": 0, "y": 1, "z": 2}
MOVING = ("revolute", "prismatic")


@dataclass(frozen=True, slots=True)
class MassMatrix:
    """Mass matrix of a mechanism whose base is held.

    Attributes:
        joints: Names of the joints of one coordinate, in the order of the rows.
        matrix: (J, J), kg m2, kg m or kg, without armatures.
        gravity: (J,) effort that gravity asks of each joint, N m or N, for a gravity of 1 m/s2 along -z.
    """

    joints: tuple[str, ...]
    matrix: FloatArray
    gravity: FloatArray


def mass_matrix(twin: Twin, positions: Mapping[str, float] | None = None, tree: Tree | None = None) -> MassMatrix:
    """The mass matrix at given coordinates.

    Args:
        twin: Bodies with mass properties (those without weigh nothing).
        positions: See ``kinematics.coordinates``; None for the pose in which the bodies stand.
        tree: Of the twin, when it is at hand.
    """
    tree = tree or tree_of(twin)
    poses = tuple(body.pose for body in twin.bodies) if positions is None else body_poses(twin, positions)
    inertias = np.zeros((len(twin.bodies), 6, 6))
    weights = np.zeros((len(twin.bodies), 4))  # mass, first moment
    for i, (body, pose) in enumerate(zip(twin.bodies, poses, strict=True)):
        if body.mass_properties is not None and not body.static:
            inertias[i], weights[i] = _spatial_inertia(twin, i, pose)
    for link in reversed(tree.links):
        if link.parent != NO_PARENT:
            inertias[link.parent] += inertias[link.body]
            weights[link.parent] += weights[link.body]
    moving = [link for link in tree.links if link.joint is not None and link.joint.type in MOVING]
    names = tuple(link.joint.name for link in moving if link.joint is not None)
    motions = np.array([_motion(link, poses) for link in moving]).reshape(-1, 6)
    row = {link.body: i for i, link in enumerate(moving)}
    parent = {link.body: link.parent for link in tree.links}
    above = np.zeros((len(moving), len(moving)), dtype=bool)
    for link in moving:
        here = link.body
        while here != NO_PARENT:
            if here in row:
                above[row[here], row[link.body]] = True
            here = parent[here]
    momenta = np.einsum("jab,jb->ja", inertias[[link.body for link in moving]], motions)
    upper = np.where(above, motions @ momenta.T, 0.0)  # parents come first: nothing stands below the diagonal
    matrix = upper + np.triu(upper, 1).T
    # Weight -m z at the centre c is the wrench (c × -m z, -m z); the joint must push against it.
    mass, first = weights[[link.body for link in moving], 0], weights[[link.body for link in moving], 1:]
    down = np.array([0.0, 0.0, -1.0])
    wrench = np.concatenate([np.cross(first, down), mass[:, None] * down], axis=1)
    gravity = -np.einsum("ja,ja->j", motions, wrench)
    return MassMatrix(names, matrix, gravity)


def _spatial_inertia(twin: Twin, index: int, pose: Pose) -> tuple[FloatArray, FloatArray]:
    """(6, 6) spatial inertia of a body about the twin's origin, angular first, and (mass, mass · centre)."""
    properties = twin.bodies[index].mass_properties
    assert properties is not None
    mass, rotation = properties.mass.value, pose.rotation()
    centre = pose.apply(np.array([properties.com_m]))[0]
    inertia = rotation @ np.array(properties.inertia_kgm2) @ rotation.T
    cross = skew(centre)
    result = np.zeros((6, 6))
    result[:3, :3] = inertia + mass * cross @ cross.T
    result[:3, 3:] = mass * cross
    result[3:, :3] = mass * cross.T
    result[3:, 3:] = mass * np.eye(3)
    return result, np.concatenate([[mass], mass * centre])


def skew(v: FloatArray) -> FloatArray:
    """(3, 3) matrix of the cross product with ``v``."""
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def link_axis(link: Link, poses: tuple[Pose, ...]) -> tuple[FloatArray, FloatArray]:
    """Axis (3,) and a point on it (3,) of a link's joint in the twin's frame; the axis is that of the child's motion.

    Args:
        link: With a joint.
        poses: Of the bodies, in their order.
    """
    joint = link.joint
    assert joint is not None
    frame = poses[link.body].matrix() @ (joint.pose1 if link.forward else joint.pose0).matrix()
    sign = 1.0 if link.forward else -1.0
    return sign * frame[:3, _AXES[joint.axis]], frame[:3, 3]


def _motion(link: Link, poses: tuple[Pose, ...]) -> FloatArray:
    """(6,) motion of the child per unit of its joint, about the twin's origin: angular, then linear."""
    axis, point = link_axis(link, poses)
    if link.joint is not None and link.joint.type == "prismatic":
        return np.concatenate([np.zeros(3), axis])
    return np.concatenate([axis, np.cross(point, axis)])
