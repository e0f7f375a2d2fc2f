"""A SceneDescription as MuJoCo's MjSpec."""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np

from physicl_twin.engines.joint_tree import spanning_tree
from physicl_twin.engines.mechanism import movable_joints
from physicl_twin.engines.mujoco_contact import friction, solref
from physicl_twin.engines.mujoco_joints import add_joint, add_loop, add_mimic
from physicl_twin.engines.scene_description import (
    CollisionShape,
    DescribedArticulation,
    DescribedJoint,
    SceneDescription,
)
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


#: Collision masks of MuJoCo are 31 bits wide (signed).
_ALL_BITS, _GROUPS = 0x7FFFFFFF, 30


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
        self._groups = _collision_groups(scene)
        self.spec = mujoco.MjSpec()
        self.notes: list[str] = []

    def build(self) -> None:
        self._options()
        world = self.spec.worldbody
        sphere = mujoco.mjtGeom.mjGEOM_SPHERE
        world.add_geom(name=PROBE, type=sphere, size=[1e-9, 0, 0], contype=0, conaffinity=0, group=PROBE_GROUP)
        scenes = {body.scene for body in self._scene.bodies} | {shape.scene for shape in self._scene.static_shapes}
        filtered = {path for pair in self._scene.filtered_pairs for path in pair}
        for shape in self._scene.static_shapes:
            # Pairs are excluded by body, so that a static collider of one of several scenes needs one of its own.
            alone = (len(scenes) > 1 or shape.path in filtered) and shape.kind != "mesh"
            self._add_shape(world.add_body(name=static_body(shape)) if alone else world, shape, Pose())
        tree = spanning_tree(self._scene)
        placed: dict[str, Any] = {"": world}
        for path in tree.order:
            parent = tree.parents.get(path, "")
            placed[path] = self._add_body(placed[parent], path, parent, tree.joints.get(path))
        self._exclude()
        for joint in tree.loops:
            note = add_loop(self.spec, joint, (placed[joint.body0], placed[joint.body1]), self._scene)
            self.notes += [note] if note else []
        self._add_mimics({joint.path for joint in tree.joints.values()})
        slow = sum(joint.max_velocity is not None for joint in movable_joints(self._scene))
        if slow:
            self.notes.append(f"MuJoCo bounds no joint's speed: the limits of {slow} joints were left out.")
        if any(joint.type == "spherical" and joint.upper is not None for joint in tree.joints.values()):
            self.notes.append("MuJoCo limits the whole turn of a ball joint, its twist included, not its cone alone.")
        if len(scenes) > 1:
            self._keep_scenes_apart()

    def _exclude(self) -> None:
        """Pairs that do not collide: of joints, and those that the stage filters. MuJoCo's own rules are off."""
        named = {body.path: body.path for body in self._scene.bodies}
        named |= {shape.path: static_body(shape) for shape in self._scene.static_shapes if shape.kind != "mesh"}
        pairs = {
            (joint.body0, joint.body1)
            for joint in self._scene.joints
            if not joint.bodies_collide and joint.body0 and joint.body1
        } | set(self._scene.filtered_pairs)
        for articulation in _quiet(self._scene)[_GROUPS:]:
            pairs.update(itertools.combinations(articulation.bodies, 2))
        for one, two in sorted({(min(pair), max(pair)) for pair in pairs}):
            if one in named and two in named and one != two:
                self.spec.add_exclude(bodyname1=named[one], bodyname2=named[two])

    def _add_mimics(self, in_tree: set[str]) -> None:
        joints = {joint.path: joint for joint in movable_joints(self._scene) if joint.path in in_tree}
        for path, joint in joints.items():
            if joint.mimic_of in joints:
                add_mimic(self.spec, joint, joints[joint.mimic_of], self._scene)
            elif joint.mimic_of:
                self.notes.append(f"{path}: it follows {joint.mimic_of}, which is no joint of the trees; left out.")

    def _keep_scenes_apart(self) -> None:
        """What belongs to different physics scenes does not collide."""
        members = [(body.path, body.scene) for body in self._scene.bodies]
        ground = [(static_body(s), s.scene) for s in self._scene.static_shapes if s.kind != "mesh"]
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
        # Who is kept from colliding is said pair by pair, as in USD.
        option.disableflags |= mujoco.mjtDisableBit.mjDSBL_FILTERPARENT

    def _add_body(self, parent: Any, path: str, parent_path: str, joint: DescribedJoint | None) -> Any:
        body = self._described[path]
        pose = body.pose
        if parent_path:
            pose = Pose.from_matrix(np.linalg.inv(self._described[parent_path].pose.matrix()) @ pose.matrix())
        if joint is not None and joint.type == "spherical":
            # A ball's limit counts from where its frames agree.
            near, far = (joint.pose0, joint.pose1) if joint.body1 == path else (joint.pose1, joint.pose0)
            pose = Pose.from_matrix(near.matrix() @ np.linalg.inv(far.matrix()))
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
            self._add_shape(added, shape, Pose(), self._groups.get(path, 0))
        if body.kinematic:
            return added
        if joint is not None:
            add_joint(self.spec, added, path, joint, self._scene)
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

    def _add_shape(self, body: Any, shape: CollisionShape, offset: Pose, group: int = 0) -> None:
        surface = {
            **friction(shape.kind, shape.material.dynamic_friction, self._settings.mujoco_rolling_m),
            "solref": list(solref(shape.material.restitution, INITIAL_DT_S, self._settings.mujoco_stiffness_steps)),
            "solimp": list(SOLIMP),
        }
        if shape.kind == "mesh":
            self._add_static_mesh(shape, surface)
            return
        pose = offset.compose(shape.pose.compose(_OFF_AXIS) if shape.kind == "cylinder" else shape.pose)
        # Of group 0 everything collides with everything; the members of another one collide with all but each other.
        bits = {"contype": 1 << group, "conaffinity": _ALL_BITS & ~(1 << group) if group else _ALL_BITS}
        geom = body.add_geom(
            name=shape.path, pos=list(pose.position_m), quat=list(pose.quaternion_wxyz), mass=0.0, **bits, **surface
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
        flex.contype, flex.conaffinity = 1, _ALL_BITS
        flex.friction, flex.condim = surface["friction"], surface["condim"]
        flex.solref, flex.solimp = surface["solref"], surface["solimp"]


def static_body(shape: CollisionShape) -> str:
    """Name of the body of its own that a static collider may have."""
    return f"{shape.path}:static"


def _collision_groups(scene: SceneDescription) -> dict[str, int]:
    """A bit for the bodies of each articulation that does not collide with itself, as far as there are bits."""
    return {body: index for index, one in enumerate(_quiet(scene)[:_GROUPS], start=1) for body in one.bodies}


def _quiet(scene: SceneDescription) -> list[DescribedArticulation]:
    return [articulation for articulation in scene.articulations if not articulation.self_collision]
