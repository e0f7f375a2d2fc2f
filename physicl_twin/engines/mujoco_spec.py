"""A SceneDescription as MuJoCo's MjSpec."""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np

from physicl_twin.engines.mujoco_contact import friction, solref
from physicl_twin.engines.scene_description import CollisionShape, DescribedBody, DescribedJoint, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import Pose

#: Name and geom group of the invisible sphere that overlap queries measure from.
PROBE = "physicl_probe"
PROBE_GROUP = 5
#: Time step until the first call of ``step`` says another.
INITIAL_DT_S = 1e-3
#: Constraint impedance: 0.99 of the reference acceleration is realized, at any depth. MuJoCo's default varies it over a
#: millimetre of depth, which would give a 5 mm part another contact than a 5 m one.
SOLIMP = (0.99, 0.99, 0.001, 0.5, 2.0)
#: Thickness of the triangles of a static mesh, relative to the mesh.
MESH_RADIUS = 1e-5
#: A cylinder stands a millionth of a radian askew: MuJoCo 3.12 projects the axis onto the plane that it stands on and,
#: when only rounding is left of it, takes that for a direction; it then sees no contact, or one as deep as the radius.
_OFF_AXIS = Pose((0.0, 0.0, 0.0), (1.0, 0.5e-6, 0.0, 0.0))


def build_spec(scene: SceneDescription, settings: EngineSettings) -> tuple[Any, tuple[str, ...]]:
    """The MjSpec of a scene and notes on what it lacks.

    Bodies keep their prim path as name; geoms are named after their collider. Inertials are explicit.
    """
    builder = _SpecBuilder(scene, settings)
    builder.build()
    return builder.spec, tuple(builder.notes)


class _SpecBuilder:
    def __init__(self, scene: SceneDescription, settings: EngineSettings) -> None:
        self._scene = scene
        self._settings = settings
        self._described = {body.path: body for body in scene.bodies}
        self.spec = mujoco.MjSpec()
        self.notes: list[str] = []

    def build(self) -> None:
        self._options()
        world = self.spec.worldbody
        sphere = mujoco.mjtGeom.mjGEOM_SPHERE
        world.add_geom(name=PROBE, type=sphere, size=[1e-9, 0, 0], contype=0, conaffinity=0, group=PROBE_GROUP)
        scenes = {body.scene for body in self._scene.bodies} | {shape.scene for shape in self._scene.static_shapes}
        for shape in self._scene.static_shapes:
            # Pairs are excluded by body, so that a static collider of one of several scenes needs one of its own.
            alone = len(scenes) > 1 and shape.kind != "mesh"
            self._add_shape(world.add_body(name=_static_body(shape)) if alone else world, shape, Pose())
        tree, loops = spanning_tree(self._scene)
        placed: dict[str, Any] = {"": world}
        for path in tree.order:
            joint = tree.joints.get(path)
            parent = tree.parents.get(path, "")
            placed[path] = self._add_body(placed[parent], path, parent, joint)
        for joint in self._scene.joints:
            if not joint.bodies_collide and joint.body0 and joint.body1:
                self.spec.add_exclude(bodyname1=joint.body0, bodyname2=joint.body1)
        for joint in loops:
            self._add_loop(joint)
        if len(scenes) > 1:
            self._keep_scenes_apart()

    def _keep_scenes_apart(self) -> None:
        """What belongs to different physics scenes does not collide."""
        members = [(body.path, body.scene) for body in self._scene.bodies]
        ground = [(_static_body(s), s.scene) for s in self._scene.static_shapes if s.kind != "mesh"]
        pairs = [*itertools.combinations(members, 2), *itertools.product(members, ground)]
        for (name1, scene1), (name2, scene2) in pairs:
            if scene1 != scene2:
                self.spec.add_exclude(bodyname1=name1, bodyname2=name2)
        if any(shape.kind == "mesh" for shape in self._scene.static_shapes):
            self.notes.append("Static meshes collide with the bodies of every physics scene.")

    def _options(self) -> None:
        # MjSpec takes angles as degrees unless told otherwise, as MJCF does.
        self.spec.compiler.degree = False
        option = self.spec.option
        option.timestep = INITIAL_DT_S
        option.gravity = list(self._scene.gravity_mps2)
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        option.solver = mujoco.mjtSolver.mjSOL_NEWTON
        option.impratio = self._settings.mujoco_impratio
        option.iterations = self._settings.mujoco_iterations
        option.tolerance = self._settings.mujoco_tolerance
        option.noslip_iterations = self._settings.mujoco_noslip_iterations
        # A state that blows up must be seen, not silently reset to the start.
        option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET

    def _add_body(self, parent: Any, path: str, parent_path: str, joint: DescribedJoint | None) -> Any:
        body = self._described[path]
        pose = body.pose
        if parent_path:
            pose = Pose.from_matrix(np.linalg.inv(self._described[parent_path].pose.matrix()) @ pose.matrix())
        added = parent.add_body(
            name=path,
            pos=list(pose.position_m),
            quat=list(pose.quaternion_wxyz),
            mass=body.mass_kg,
            ipos=list(body.com_m),
            iquat=list(body.principal_wxyz),
            inertia=list(body.principal_inertia_kgm2),
            explicitinertial=True,
            gravcomp=0.0 if body.gravity else 1.0,
        )
        for shape in body.shapes:
            self._add_shape(added, shape, Pose())
        if body.kinematic:
            return added
        if joint is not None:
            self._add_joint(added, body, joint)
        elif body.rotation_locked:
            for column in range(3):
                # The world's axes seen from the body, whose orientation never changes.
                added.add_joint(
                    name=f"{path}:{'xyz'[column]}",
                    type=mujoco.mjtJoint.mjJNT_SLIDE,
                    axis=list(body.pose.rotation()[column]),
                )
        else:
            added.add_freejoint(name=path)
        return added

    def _add_joint(self, added: Any, body: DescribedBody, joint: DescribedJoint) -> None:
        if joint.type == "fixed":
            return
        forward = joint.body1 == body.path
        pose = joint.pose1 if forward else joint.pose0
        # Seen from the other body, the same motion has the opposite sign.
        axis = pose.rotation() @ np.array(joint.axis) * (1.0 if forward else -1.0)
        kinds = {
            "revolute": mujoco.mjtJoint.mjJNT_HINGE,
            "prismatic": mujoco.mjtJoint.mjJNT_SLIDE,
            "spherical": mujoco.mjtJoint.mjJNT_BALL,
        }
        arguments: dict[str, Any] = {}
        lower, upper = joint.lower, joint.upper
        if joint.type != "spherical":
            arguments["ref"] = joint_coordinate(self._scene, joint)
            if lower is not None or upper is not None:
                # One-sided limits: the other side is far beyond any motion.
                arguments["range"] = [lower if lower is not None else -1e9, upper if upper is not None else 1e9]
                arguments["limited"] = mujoco.mjtLimited.mjLIMITED_TRUE
        elif upper is not None:
            arguments["range"], arguments["limited"] = [0.0, upper], mujoco.mjtLimited.mjLIMITED_TRUE
        added.add_joint(
            name=joint.path, type=kinds[joint.type], pos=list(pose.position_m), axis=list(axis), **arguments
        )

    def _add_loop(self, joint: DescribedJoint) -> None:
        """A joint that closes a loop, or a second one on a body: a constraint instead of a coordinate."""
        if joint.type not in ("fixed", "spherical"):
            self.notes.append(f"{joint.path}: a {joint.type} joint that closes a loop was left out.")
            return
        fixed = joint.type == "fixed"
        first, second = (joint.body0, joint.body1) if joint.body1 else (joint.body1, joint.body0)
        pose = joint.pose1 if joint.body1 else joint.pose0
        data = np.zeros(11)
        if fixed:
            # Weld: relative pose is the one at start (a zero quaternion says so); anchor in the second body.
            data[0:3], data[10] = pose.position_m, 1.0
            name1, name2 = first or "world", second
        else:
            data[0:3] = pose.position_m
            name1, name2 = second, first or "world"
        self.spec.add_equality(
            name=joint.path,
            type=mujoco.mjtEq.mjEQ_WELD if fixed else mujoco.mjtEq.mjEQ_CONNECT,
            objtype=mujoco.mjtObj.mjOBJ_BODY,
            name1=name1,
            name2=name2,
            data=data,
        )

    def _add_shape(self, body: Any, shape: CollisionShape, offset: Pose) -> None:
        surface = {
            **friction(shape.kind, shape.material.dynamic_friction, self._settings.mujoco_rolling_m),
            "solref": list(solref(shape.material.restitution, INITIAL_DT_S, self._settings.mujoco_stiffness_steps)),
            "solimp": list(SOLIMP),
        }
        if shape.kind == "mesh":
            self._add_static_mesh(shape, surface)
            return
        pose = offset.compose(shape.pose.compose(_OFF_AXIS) if shape.kind == "cylinder" else shape.pose)
        geom = body.add_geom(
            name=shape.path, pos=list(pose.position_m), quat=list(pose.quaternion_wxyz), mass=0.0, **surface
        )
        if shape.kind == "hull":
            mesh = self.spec.add_mesh(name=shape.path)
            mesh.uservert = shape.vertices.ravel()
            mesh.userface = shape.faces.ravel()
            # Only places the mesh; as a shell it is well defined for slivers whose volume underflows.
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
            geom.type, geom.meshname = mujoco.mjtGeom.mjGEOM_MESH, shape.path
            return
        kinds = {
            "box": mujoco.mjtGeom.mjGEOM_BOX,
            "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
            "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
            "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
            "plane": mujoco.mjtGeom.mjGEOM_PLANE,
        }
        geom.type = kinds[shape.kind]
        if shape.kind == "plane":
            geom.size = [0.0, 0.0, 1.0]
        elif shape.kind == "box":
            geom.size = [0.5 * edge for edge in shape.size_m]
        elif shape.kind == "sphere":
            geom.size = [shape.size_m[0], 0.0, 0.0]
        else:
            geom.size = [shape.size_m[0], 0.5 * shape.size_m[1], 0.0]

    def _add_static_mesh(self, shape: CollisionShape, surface: dict[str, Any]) -> None:
        """MuJoCo collides a mesh geom as its hull; a rigid flex collides as its triangles."""
        flex = self.spec.add_flex()
        flex.name, flex.dim = shape.path, 2
        flex.vert, flex.elem = shape.vertices.ravel(), shape.faces.ravel()
        flex.vertbody = ["world"]
        flex.radius = MESH_RADIUS * float(np.ptp(shape.vertices, axis=0).max())
        flex.contype = flex.conaffinity = 1
        flex.friction, flex.condim = surface["friction"], surface["condim"]
        flex.solref, flex.solimp = surface["solref"], surface["solimp"]


def _static_body(shape: CollisionShape) -> str:
    return f"{shape.path}:static"


class JointTree:
    """Which body hangs on which, in an order in which parents come first.

    Attributes:
        order: Body paths.
        parents: Parent path of each body that has one (a body, not the world).
        joints: The joint through which a body hangs on its parent or on the world.
    """

    def __init__(self) -> None:
        self.order: list[str] = []
        self.parents: dict[str, str] = {}
        self.joints: dict[str, DescribedJoint] = {}


def spanning_tree(scene: SceneDescription) -> tuple[JointTree, tuple[DescribedJoint, ...]]:
    """The tree of a scene's bodies, and the joints that did not fit into it."""
    tree, loops = JointTree(), []
    root = {body.path: body.path for body in scene.bodies} | {"": ""}

    def find(path: str) -> str:
        while root[path] != path:
            path = root[path]
        return path

    fixed_to_world = {body.path for body in scene.bodies if body.kinematic}
    for joint in scene.joints:
        child, parent = (joint.body1, joint.body0) if joint.body1 else (joint.body0, joint.body1)
        if child in tree.joints or child in fixed_to_world or find(child) == find(parent):
            child, parent = parent, child
        taken = not child or child in tree.joints or child in fixed_to_world
        if taken or find(child) == find(parent):
            loops.append(joint)
            continue
        tree.joints[child] = joint
        if parent:
            tree.parents[child] = parent
        root[find(child)] = find(parent)

    def depth(path: str) -> int:
        count = 0
        while path in tree.parents:
            path, count = tree.parents[path], count + 1
        return count

    tree.order = sorted((body.path for body in scene.bodies), key=lambda path: (depth(path), path))
    return tree, tuple(loops)


def joint_coordinate(scene: SceneDescription, joint: DescribedJoint) -> float:
    """Angle (rad) or displacement (m) of a revolute or prismatic joint in the scene's own pose."""
    poses = {body.path: body.pose for body in scene.bodies} | {"": Pose()}
    frame0 = poses[joint.body0].compose(joint.pose0)
    frame1 = poses[joint.body1].compose(joint.pose1)
    axis = np.array(joint.axis)
    if joint.type == "prismatic":
        offset = np.array(frame1.position_m) - np.array(frame0.position_m)
        return float(axis @ frame0.rotation().T @ offset)
    relative = np.eye(4)
    relative[:3, :3] = frame0.rotation().T @ frame1.rotation()
    w, *vector = Pose.from_matrix(relative).quaternion_wxyz
    angle = 2.0 * np.arctan2(float(axis @ np.array(vector)), w)
    return float((angle + np.pi) % (2.0 * np.pi) - np.pi)
