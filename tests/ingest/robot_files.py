"""Robot descriptions written by hand, so that the truth is known."""

from __future__ import annotations

import math

import numpy as np

XACRO = 'xmlns:xacro="http://www.ros.org/wiki/xacro"'


def inertial(mass=1.0, moments=(0.01, 0.01, 0.01), xyz="0 0 0", rpy="0 0 0"):
    ixx, iyy, izz = moments
    return (
        f'<inertial><origin xyz="{xyz}" rpy="{rpy}"/><mass value="{mass}"/>'
        f'<inertia ixx="{ixx}" iyy="{iyy}" izz="{izz}" ixy="0" ixz="0" iyz="0"/></inertial>'
    )


def box(size="0.1 0.1 0.1", use="collision", extra=""):
    return f'<{use}><geometry><box size="{size}"/></geometry>{extra}</{use}>'


def link(name, *inside):
    return f'<link name="{name}">{"".join(inside)}</link>'


def joint(name, parent, child, kind="revolute", xyz="0 0 0", rpy="0 0 0", axis="0 0 1", inside=None):
    if inside is None:
        inside = '<limit lower="-3" upper="3" effort="10" velocity="2"/>' if kind in ("revolute", "prismatic") else ""
    turn = "" if axis is None else f'<axis xyz="{axis}"/>'
    return (
        f'<joint name="{name}" type="{kind}"><origin xyz="{xyz}" rpy="{rpy}"/><parent link="{parent}"/>'
        f'<child link="{child}"/>{turn}{inside}</joint>'
    )


def robot(*inside, name="robot", head=""):
    return f'<?xml version="1.0"?>\n<robot name="{name}" {head}>\n' + "\n".join(inside) + "\n</robot>\n"


def written(folder, text, name="robot.urdf"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def rotation(axis, angle):
    """Rodrigues' formula, independent of the code under test."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * (k @ k)


def codes(twin):
    return {note.code for note in twin.notes}


def frames(twin, **coordinates):
    """(4, 4) frames of bodies and sites by name."""
    from physicl_twin.normalize.kinematics import body_poses

    found = {}
    for body, pose in zip(twin.bodies, body_poses(twin, coordinates), strict=True):
        found[body.name] = pose.matrix()
        for site in body.sites:
            found[site.name] = pose.matrix() @ site.pose.matrix()
    return found
