"""What the rollouts over joints must know of a twin: its joints, what drives them, how heavy they are to move."""

from __future__ import annotations

import functools
import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pxr import Usd, UsdPhysics

from physicl_twin.engines.joint_properties import Reader
from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.scene_description import DescribedJoint, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, open_stage
from physicl_twin.model import EngineError, ValidationError
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene

#: Damping over stiffness of a drive, seconds, beyond which it holds a speed and not a position: the time in which it
#: makes good two thirds of an error (judgement; position drives of robots take tenths of a second).
_SLOWEST_HOLD_S = 2.0

#: How far beyond its limit a joint may start, radians or metres: rounding of degrees, and the play of followers.
_BEYOND = 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class MovingTwin:
    """A twin with joints, as an engine's variant of it; arrays are in the order of its movable joints (J).

    Attributes:
        usd: Its file.
        scene: As described, its own frame in the world's (Z up).
        mechanism: Its kinematics.
        names: Of the joints, for people.
        bodies: Names of the dynamic bodies (N) in the twin's record, else of their prims.
        driven: True for a joint that a controller drives; a passive spring or damper is none.
        inertia: kg m2 or kg about the joint of all that hangs on it, in the pose of the stage, armature included.
        mass_matrix: (J, J) in the pose of the stage, armatures on the diagonal: an entry is the effort that a held
            joint (row) needs when another one (column) speeds up by 1 a second.
        leader: Row of the joint that leads this one; -1 for none.
        in_loop: True for a joint of a closed loop.
        floating: Paths of the bodies that mechanisms hang on which nothing holds.
        size_m: Largest extent of the colliders, or of the bodies' origins.
    """

    usd: Path
    scene: SceneDescription
    mechanism: Mechanism
    names: tuple[str, ...]
    bodies: tuple[str, ...]
    driven: NDArray[np.bool_]
    inertia: FloatArray
    mass_matrix: FloatArray
    leader: NDArray[np.intp]
    in_loop: NDArray[np.bool_]
    floating: tuple[str, ...]
    size_m: float

    @property
    def joints(self) -> tuple[DescribedJoint, ...]:
        """The movable joints."""
        return self.mechanism.joints

    @property
    def held(self) -> bool:
        """True when the world holds one of its mechanisms: it stands or hangs where it is."""
        tree = self.mechanism.tree
        return any(path in tree.joints and path not in tree.parents for path in self.mechanism.bodies)

    @property
    def home(self) -> FloatArray:
        """(J,) coordinates of the stage."""
        return np.array([joint.position for joint in self.joints])

    @property
    def steered(self) -> NDArray[np.bool_]:
        """(J,) True for joints that move by themselves: of the trees, following none."""
        found: NDArray[np.bool_] = self.mechanism.in_tree & (self.leader < 0)
        return found

    @property
    def positioned(self) -> NDArray[np.bool_]:
        """(J,) True for joints that a drive holds at a position; one that hardly pulls back holds a speed."""
        holds = [joint.drive_damping < _SLOWEST_HOLD_S * joint.drive_stiffness for joint in self.joints]
        found: NDArray[np.bool_] = self.driven & np.array(holds, dtype=bool)
        return found

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """(J,) lower and upper limits, infinite where there are none."""
        lower = [-math.inf if joint.lower is None else joint.lower for joint in self.joints]
        upper = [math.inf if joint.upper is None else joint.upper for joint in self.joints]
        return np.array(lower), np.array(upper)

    def followed(self, positions: FloatArray) -> FloatArray:
        """Coordinates (J,) with those of followers where their leaders put them."""
        told = np.array(positions, dtype=float)
        for row in np.flatnonzero(self.leader >= 0):
            joint = self.joints[row]
            told[row] = joint.mimic_multiplier * told[self.leader[row]] + joint.mimic_offset
        return told

    def driven_stiffness(self, row: int) -> tuple[float, float]:
        """Stiffness and damping of a joint's drive, per radian or metre, and not per unit of inertia."""
        joint = self.joints[row]
        scale = float(self.inertia[row]) if joint.drive_acceleration else 1.0
        return joint.drive_stiffness * scale, joint.drive_damping * scale

    def spring(self, row: int) -> tuple[float, float]:
        """Stiffness and rest of a joint's passive spring: a drive that is no controller is one."""
        joint = self.joints[row]
        if joint.stiffness > 0.0 or self.driven[row]:
            return joint.stiffness, joint.rest
        return joint.drive_stiffness, joint.drive_target


def survey_moving(usd: Path, engine: str, settings: EngineSettings) -> MovingTwin:
    """Look at a twin with joints as the given engine's variant of it.

    Raises:
        ValidationError: ``rollout_no_joint`` without a movable joint, ``rollout_beyond_limits`` when one starts outside
            of its limits.
        EngineError: ``engine_refused_stage`` when it cannot be simulated.
        UsdError: When the file cannot be composed.
    """
    return _surveyed(str(usd.resolve()), _changed(usd), engine, settings)


def _changed(usd: Path) -> tuple[int, ...]:
    """Times at which the files of a stage were changed: a survey is made anew when one is."""
    stage = open_stage(usd)  # kept alive: layers of a stage that is gone are no more
    files = sorted(layer.realPath for layer in stage.GetUsedLayers() if layer.realPath)
    return tuple(Path(file).stat().st_mtime_ns for file in files)


@functools.lru_cache(maxsize=4)
def _surveyed(usd: str, changed: tuple[int, ...], engine: str, settings: EngineSettings) -> MovingTwin:
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        written = write_rollout_scene(Path(folder) / "survey.usda", Path(usd), engine, [Clone(Pose())])
        stage = open_stage(written.path)
        reader: Reader = "physx" if engine == "physx" else "mujoco"
        scene = _with_speeds(describe(stage, settings, reader), stage)
        mechanism = Mechanism(scene)
        bodies = tuple(_body_name(stage.GetPrimAtPath(path)) for path in mechanism.bodies)
        records = [_record(stage.GetPrimAtPath(joint.path)) for joint in mechanism.joints]
    if not mechanism.joints:
        raise ValidationError("rollout_no_joint", f"{Path(usd).name} has no joint that moves.", "Author one.")
    _require_within_limits(mechanism.joints, _names(mechanism.joints, records))
    row = {joint.path: index for index, joint in enumerate(mechanism.joints)}
    matrix = _mass_matrix(scene, mechanism)
    driven = [
        bool(record.get("drive")) and record["drive"].get("mode") != "force"
        if record
        else joint.drive_stiffness > 0.0 or joint.drive_damping > 0.0
        for joint, record in zip(mechanism.joints, records, strict=True)
    ]
    return MovingTwin(
        Path(usd),
        scene,
        mechanism,
        _names(mechanism.joints, records),
        bodies,
        np.array([drives and joint.driven for drives, joint in zip(driven, mechanism.joints, strict=True)], dtype=bool),
        _inertias(matrix, mechanism),
        matrix,
        np.array([row.get(joint.mimic_of, -1) for joint in mechanism.joints], dtype=np.intp),
        _looped(mechanism),
        tuple(path for path in mechanism.tree.order if _floats(mechanism, path)),
        _size_m(scene),
    )


def _require_within_limits(joints: tuple[DescribedJoint, ...], names: tuple[str, ...]) -> None:
    """A joint that starts beyond its limit is thrown back at once: PhysX blows up, or takes the process with it."""
    for joint, name in zip(joints, names, strict=True):
        low = -math.inf if joint.lower is None else joint.lower
        high = math.inf if joint.upper is None else joint.upper
        if not low - _BEYOND <= joint.position <= high + _BEYOND:
            raise ValidationError(
                "rollout_beyond_limits",
                f"The joint {name} starts at {joint.position:.4g}, outside of its limits {low:.4g} to {high:.4g} "
                f"({'rad' if joint.type == 'revolute' else 'm'}).",
                "Put its bodies where the limits allow, or correct the limits.",
            )


def has_moving_joint(usd: Path) -> bool:
    """True for a stage with a revolute or prismatic joint that is switched on; False when it cannot be opened."""
    try:
        stage = open_stage(usd)
    except EngineError:  # whoever simulates it says what is wrong with it
        return False
    return any(
        (prim.IsA(UsdPhysics.RevoluteJoint) or prim.IsA(UsdPhysics.PrismaticJoint))
        and UsdPhysics.Joint(prim).GetJointEnabledAttr().Get() is not False
        for prim in Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies())
    )


def _with_speeds(scene: SceneDescription, stage: Any) -> SceneDescription:
    """Limits of speed that the twin's record states where the engine's variant has no word for them, as MuJoCo's.

    No command may break them whatever the engine: the same question is then asked of all.
    """

    def limited(joint: DescribedJoint) -> DescribedJoint:
        told = _record(stage.GetPrimAtPath(joint.path)).get("max_velocity") or {}
        speed = float(told.get("value", 0.0))
        return replace(joint, max_velocity=speed) if joint.max_velocity is None and speed > 0.0 else joint

    return replace(scene, joints=tuple(limited(joint) for joint in scene.joints))


def _record(prim: Any) -> dict[str, Any]:
    """What our writer recorded of a joint; empty for another's."""
    return dict((prim.GetCustomDataByKey("physicl") or {}).get("joint", {}))


def _body_name(prim: Any) -> str:
    return str((prim.GetCustomDataByKey("physicl") or {}).get("body", prim.GetName()))


def _names(joints: tuple[DescribedJoint, ...], records: list[dict[str, Any]]) -> tuple[str, ...]:
    """As the source has them, else of the prims."""
    return tuple(
        str(record.get("name") or joint.path.rsplit("/", 1)[-1]) for joint, record in zip(joints, records, strict=True)
    )


def _mass_matrix(scene: SceneDescription, mechanism: Mechanism) -> FloatArray:
    """(J, J) in the pose of the stage, armatures on the diagonal; of a joint that closes a loop, nothing."""
    bodies = {body.path: body for body in scene.bodies}
    tree = mechanism.tree
    child = {joint.path: path for path, joint in tree.joints.items()}
    row_of = {child[joint.path]: row for row, joint in enumerate(mechanism.joints) if joint.path in child}
    axes = {}
    for row in row_of.values():
        joint = mechanism.joints[row]
        frame = bodies[joint.body1].pose.compose(joint.pose1) if joint.body1 else joint.pose1
        axes[row] = frame.rotation() @ np.array(joint.axis), np.array(frame.position_m)
    found = np.diag([joint.armature if joint.path in child else 0.0 for joint in mechanism.joints])
    for path in tree.order:
        body, rows = bodies[path], []
        above: str | None = path
        while above is not None:
            rows += [row_of[above]] if above in row_of else []
            above = tree.parents.get(above)
        # Velocity of its centre and spin, per unit of each joint that moves it.
        centre, turn = body.pose.apply(np.array([body.com_m]))[0], body.pose.rotation()
        spins = np.array([np.zeros(3) if _slides(mechanism, row) else axes[row][0] for row in rows]).reshape(-1, 3)
        moves = np.array(
            [axes[row][0] if _slides(mechanism, row) else np.cross(axes[row][0], centre - axes[row][1]) for row in rows]
        ).reshape(-1, 3)
        inertia = turn @ body.inertia() @ turn.T
        found[np.ix_(rows, rows)] += body.mass_kg * moves @ moves.T + spins @ inertia @ spins.T
    return found


def _slides(mechanism: Mechanism, row: int) -> bool:
    return mechanism.joints[row].type == "prismatic"


def _inertias(matrix: FloatArray, mechanism: Mechanism) -> FloatArray:
    """Of each joint, the others held; what leads carries what follows it."""
    own = np.diagonal(matrix)
    found = own.copy()
    row_of = {joint.path: row for row, joint in enumerate(mechanism.joints)}
    for row, joint in enumerate(mechanism.joints):
        if joint.mimic_of in row_of:
            found[row_of[joint.mimic_of]] += joint.mimic_multiplier**2 * own[row]
    return found


def _looped(mechanism: Mechanism) -> NDArray[np.bool_]:
    """(J,) True for the joints on the way around a loop."""
    tree = mechanism.tree
    looped: set[str] = set()
    for joint in tree.loops:
        ways = []
        for end in (joint.body0, joint.body1):
            way = []
            while end in tree.joints:
                way.append(tree.joints[end].path)
                end = tree.parents.get(end, "")
            ways.append(way)
        looped |= set(ways[0]) ^ set(ways[1]) | {joint.path}
    return np.array([joint.path in looped for joint in mechanism.joints], dtype=bool)


def _floats(mechanism: Mechanism, path: str) -> bool:
    """True for a body that others hang on and that hangs on nothing."""
    tree = mechanism.tree
    return path in mechanism.bodies and path not in tree.joints and path in set(tree.parents.values())


def _size_m(scene: SceneDescription) -> float:
    clouds = [np.array([body.pose.position_m]) for body in scene.dynamic_bodies]
    for body in scene.dynamic_bodies:
        for shape in body.shapes:
            if shape.kind != "plane":
                points, radius = shape.support_points()
                placed = body.pose.apply(points)
                clouds += [placed - radius, placed + radius]
    every = np.vstack(clouds)
    return max(float(np.ptp(every, axis=0).max()), 1e-3)
