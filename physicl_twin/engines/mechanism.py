"""Kinematics of a scene's joints without an engine: coordinates from poses, poses from coordinates, gaps of frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from physicl_twin.engines.joint_tree import JointTree, spanning_tree
from physicl_twin.engines.quaternions import about, angle_about, angle_of, conjugated, multiplied, rotated
from physicl_twin.engines.scene_description import DescribedJoint, SceneDescription
from physicl_twin.model.geometry import FloatArray, Pose

MOVABLE = ("revolute", "prismatic")


def movable_joints(scene: SceneDescription) -> tuple[DescribedJoint, ...]:
    """The joints with one coordinate, revolute and prismatic ones, between things of which one can move; by path."""
    fixed = {body.path for body in scene.bodies if body.kinematic} | {""}
    return tuple(joint for joint in scene.joints if joint.type in MOVABLE and not {joint.body0, joint.body1} <= fixed)


def joint_coordinate(scene: SceneDescription, joint: DescribedJoint) -> float:
    """Angle (rad, within half a turn of the joint's stated position) or displacement (m) in the scene's own pose."""
    poses = {body.path: _flat(body.pose) for body in scene.bodies} | {"": _flat(Pose())}
    first = _composed(poses[joint.body0], _flat(joint.pose0))
    second = _composed(poses[joint.body1], _flat(joint.pose1))
    axis = np.array(joint.axis)
    if joint.type == "prismatic":
        return float(axis @ rotated(conjugated(first[3:]), second[:3] - first[:3]))
    angle = float(angle_about(multiplied(conjugated(first[3:]), second[3:]), axis))
    return angle + 2.0 * np.pi * float(np.round((joint.position - angle) / (2.0 * np.pi)))


class Mechanism:
    """Arrays are in the order of ``bodies`` and ``joints``; metres, radians, world frame, quaternions wxyz.

    Args:
        scene: Bodies and joints.
        sliding_first: See ``spanning_tree``.

    Attributes:
        joints: The movable joints (J), by path.
        bodies: Paths of the dynamic bodies (N), by path.
        tree: How the bodies hang on each other.
    """

    def __init__(self, scene: SceneDescription, *, sliding_first: bool = True) -> None:
        self.joints = movable_joints(scene)
        self.tree: JointTree = spanning_tree(scene, sliding_first=sliding_first)
        self.bodies = tuple(body.path for body in scene.dynamic_bodies)
        row = {path: index for index, path in enumerate(self.bodies)}
        # The rows of what never moves follow those of the bodies; the last one is the world itself.
        still = [body for body in scene.bodies if body.kinematic]
        row |= {body.path: len(self.bodies) + index for index, body in enumerate(still)}
        self._row = row | {"": len(row)}
        self._still: FloatArray = np.array([_flat(pose) for pose in (*(body.pose for body in still), Pose())])
        self._com: FloatArray = np.array([body.com_m for body in scene.dynamic_bodies]).reshape(-1, 3)
        self._home: FloatArray = np.array([_flat(body.pose) for body in scene.dynamic_bodies]).reshape(-1, 7)
        self._of_joints = _Frames(self.joints, self._row)
        self._held = tuple(scene.joints)
        self._of_held = _Frames(self._held, self._row)
        self._number = {joint.path: index for index, joint in enumerate(self.joints)}
        self._hung = [path for path in self.tree.order if path in self.tree.joints and path in row]
        #: (J,) True for a joint of the trees; the others follow.
        self.in_tree: NDArray[np.bool_] = np.zeros(len(self.joints), dtype=bool)
        for joint in self.tree.joints.values():
            if joint.path in self._number:
                self.in_tree[self._number[joint.path]] = True

    @property
    def home(self) -> FloatArray:
        """(N, 7) poses of the stage."""
        return self._home.copy()

    def positions(self, poses: FloatArray, near: FloatArray | None = None) -> FloatArray:
        """Coordinates (J,) of bodies at poses (N, 7).

        Args:
            poses: Of the bodies.
            near: (J,) coordinates; angles come out within half a turn of them, else within half a turn of zero.
        """
        frames = self._of_joints
        first, second = frames.placed(self._table(poses))
        turn = angle_about(multiplied(conjugated(first[:, 3:]), second[:, 3:]), frames.axis)
        slide = np.einsum("ij,ij->i", rotated(first[:, 3:], frames.axis), second[:, :3] - first[:, :3])
        if near is not None:
            turn = turn + 2.0 * np.pi * np.round((near - turn) / (2.0 * np.pi))
        found: FloatArray = np.where(frames.turns, turn, slide)
        return found

    def rates(self, poses: FloatArray, velocities: FloatArray) -> FloatArray:
        """Speeds (J,) along the coordinates of bodies with poses (N, 7) and velocities (N, 6: com, angular)."""
        frames, table = self._of_joints, self._table(poses)
        first, second = frames.placed(table)
        axis = rotated(first[:, 3:], frames.axis)
        com, moving = self._coms(poses), self._padded(velocities)
        spin = moving[:, 3:]

        def speed(rows: NDArray[np.intp]) -> FloatArray:
            found: FloatArray = moving[rows, :3] + np.cross(spin[rows], second[:, :3] - com[rows])
            return found

        relative = speed(frames.row1) - speed(frames.row0)
        found: FloatArray = np.where(
            frames.turns,
            np.einsum("ij,ij->i", axis, spin[frames.row1] - spin[frames.row0]),
            np.einsum("ij,ij->i", axis, relative),
        )
        return found

    def gaps(self, poses: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How far the frames of each joint (all of ``scene.joints``) are from what it allows: metres, radians."""
        frames = self._of_held
        first, second = frames.placed(self._table(poses))
        offset = second[:, :3] - first[:, :3]
        axis = rotated(first[:, 3:], frames.axis)
        along = np.einsum("ij,ij->i", axis, offset)[:, None] * axis
        apart = np.linalg.norm(np.where(frames.slides[:, None], offset - along, offset), axis=1)
        relative = multiplied(conjugated(first[:, 3:]), second[:, 3:])
        turned = about(frames.axis, angle_about(relative, frames.axis))
        rest = multiplied(conjugated(turned), relative)
        askew = np.where(frames.turns, angle_of(rest), angle_of(relative))
        return apart, np.where(frames.balls, 0.0, askew)

    def placed(self, poses: FloatArray, coordinates: FloatArray) -> FloatArray:
        """Poses (N, 7) of the bodies with the joints of the trees at coordinates (J,).

        Args:
            poses: Of the bodies now: roots, and what hangs on ball joints, keep what they have.
            coordinates: Those of joints that close loops are passed over.
        """
        table = self._table(poses)
        before = table.copy()
        for path in self._hung:
            joint, mine, theirs = self.tree.joints[path], self._row[path], self._row[self.tree.parents.get(path, "")]
            forward = joint.body1 == path
            near, far = (joint.pose0, joint.pose1) if forward else (joint.pose1, joint.pose0)
            motion = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
            if joint.path in self._number:
                q = float(coordinates[self._number[joint.path]]) * (1.0 if forward else -1.0)
                axis = np.array(joint.axis)
                if joint.type == "revolute":
                    motion[3:] = about(axis, np.array(q))
                else:
                    motion[:3] = q * axis
            elif joint.type == "spherical":
                held0, held1 = _composed(before[theirs], _flat(near)), _composed(before[mine], _flat(far))
                motion[3:] = multiplied(conjugated(held0[3:]), held1[3:])
            table[mine] = _composed(_composed(_composed(table[theirs], _flat(near)), motion), _inverse(_flat(far)))
        return table[: len(self.bodies)]

    def moved(self, poses: FloatArray, velocities: FloatArray, rates: FloatArray) -> FloatArray:
        """Velocities (N, 6) of the bodies when the joints of the trees move at rates (J,).

        Args:
            poses: (N, 7).
            velocities: (N, 6) of the bodies now: roots, and what hangs on ball joints, keep what they have.
            rates: Those of joints that close loops are passed over.
        """
        table = self._table(poses)
        com = self._coms(poses)
        moving = self._padded(velocities)
        spin_before = moving[:, 3:].copy()
        for path in self._hung:
            joint, mine, theirs = self.tree.joints[path], self._row[path], self._row[self.tree.parents.get(path, "")]
            first = _composed(table[self._row[joint.body0]], _flat(joint.pose0))
            axis = rotated(first[3:], np.array(joint.axis))
            anchor = _composed(table[mine], _flat(joint.pose1 if joint.body1 == path else joint.pose0))[:3]
            spin, slide = np.zeros(3), np.zeros(3)
            if joint.path in self._number:
                rate = float(rates[self._number[joint.path]]) * (1.0 if joint.body1 == path else -1.0)
                if joint.type == "revolute":
                    spin = rate * axis
                else:
                    slide = rate * axis
            elif joint.type == "spherical":
                spin = spin_before[mine] - spin_before[theirs]
            moving[mine, 3:] = moving[theirs, 3:] + spin
            carried = moving[theirs, :3] + np.cross(moving[theirs, 3:], anchor - com[theirs])
            moving[mine, :3] = carried + slide + np.cross(moving[mine, 3:], com[mine] - anchor)
        return moving[: len(self.bodies)]

    def _table(self, poses: FloatArray) -> FloatArray:
        return np.vstack([np.asarray(poses, dtype=float).reshape(-1, 7), self._still])

    def _padded(self, velocities: FloatArray) -> FloatArray:
        return np.vstack([np.asarray(velocities, dtype=float).reshape(-1, 6), np.zeros((len(self._still), 6))])

    def _coms(self, poses: FloatArray) -> FloatArray:
        there = np.asarray(poses, dtype=float).reshape(-1, 7)
        return np.vstack([there[:, :3] + rotated(there[:, 3:], self._com), self._still[:, :3]])


class _Frames:
    """Both frames of joints, as arrays."""

    def __init__(self, joints: tuple[DescribedJoint, ...], row: dict[str, int]) -> None:
        self.row0: NDArray[np.intp] = np.array([row[joint.body0] for joint in joints], dtype=np.intp)
        self.row1: NDArray[np.intp] = np.array([row[joint.body1] for joint in joints], dtype=np.intp)
        self._pose0: FloatArray = np.array([_flat(joint.pose0) for joint in joints]).reshape(-1, 7)
        self._pose1: FloatArray = np.array([_flat(joint.pose1) for joint in joints]).reshape(-1, 7)
        self.axis: FloatArray = np.array([joint.axis for joint in joints], dtype=float).reshape(-1, 3)
        self.turns = np.array([joint.type == "revolute" for joint in joints], dtype=bool)
        self.slides = np.array([joint.type == "prismatic" for joint in joints], dtype=bool)
        self.balls = np.array([joint.type == "spherical" for joint in joints], dtype=bool)

    def placed(self, table: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(J, 7) each, in the world."""
        return _composed(table[self.row0], self._pose0), _composed(table[self.row1], self._pose1)


def _flat(pose: Pose) -> FloatArray:
    return np.array([*pose.position_m, *pose.quaternion_wxyz])


def _composed(outer: FloatArray, inner: FloatArray) -> FloatArray:
    """Poses (…, 7) of ``inner``, given in the frames ``outer``."""
    position = outer[..., :3] + rotated(outer[..., 3:], inner[..., :3])
    return np.concatenate([position, multiplied(outer[..., 3:], inner[..., 3:])], axis=-1)


def _inverse(pose: FloatArray) -> FloatArray:
    back = conjugated(pose[..., 3:])
    return np.concatenate([-rotated(back, pose[..., :3]), back], axis=-1)
