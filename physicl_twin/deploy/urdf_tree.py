"""Bodies and joints as links and joints of a URDF."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from physicl_twin.deploy.facts import collider_facts
from physicl_twin.deploy.motion import site_names
from physicl_twin.deploy.obj_mesh import write_obj
from physicl_twin.deploy.visuals import Piece, Visuals
from physicl_twin.deploy.xml_text import number, numbers, text_of
from physicl_twin.engines.joint_tree import JointTree, spanning_tree
from physicl_twin.engines.mechanism import joint_coordinate
from physicl_twin.engines.scene_description import (
    CollisionShape,
    DescribedBody,
    DescribedJoint,
    SceneDescription,
    SurfaceMaterial,
)
from physicl_twin.model import Pose
from physicl_twin.render.scene import collider_mesh
from physicl_twin.usd.layout import Layout, hull_key

#: What stands for "no limit" where URDF demands a number.
NO_LIMIT = 1e9
#: URDF has no ball joint: it is held where it stands, and a note says so.
_KINDS = {"fixed": "fixed", "revolute": "revolute", "prismatic": "prismatic", "spherical": "fixed"}
WORLD = "world"


@dataclass(frozen=True, slots=True)
class Tree:
    """Bodies that hang together; ``root`` is the first, ``on_world`` says that it is jointed to the world."""

    root: str
    bodies: tuple[str, ...]
    on_world: bool


def trees(scene: SceneDescription) -> tuple[Tree, ...]:
    """The trees of a scene; bodies that are jointed to the world, or never move, hang on one link ``world``."""
    tree = spanning_tree(scene)

    def root_of(path: str) -> str:
        while path in tree.parents:
            path = tree.parents[path]
        return path

    members: dict[str, list[str]] = {}
    for path in tree.order:
        members.setdefault(root_of(path), []).append(path)
    still = {body.path for body in scene.bodies if body.kinematic}
    rooted = [Tree(root, tuple(paths), root in tree.joints or root in still) for root, paths in members.items()]
    fixed = [one for one in rooted if one.on_world]
    if len(fixed) > 1:
        joined = Tree(fixed[0].root, tuple(p for one in fixed for p in one.bodies), True)
        rooted = [joined, *(one for one in rooted if not one.on_world)]
    return tuple(rooted)


def link_frames(scene: SceneDescription, tree: JointTree) -> dict[str, Pose]:
    """Pose of each link's frame in its body's frame: at the joint that it hangs on, as URDF wants it."""
    frames = {}
    for body in scene.bodies:
        joint = tree.joints.get(body.path)
        frames[body.path] = Pose() if joint is None else (joint.pose1 if joint.body1 == body.path else joint.pose0)
    return frames


class TreeWriter:
    """Writes trees of one twin.

    Args:
        layout: Of the twin.
        scene: The twin as described.
        visuals: Render meshes.
        hulls: OBJ file of each hull, by its hash.
        meshes: Folder of the OBJ files.
        prefix: That folder as the URDF names it.

    Attributes:
        invented_limits: True when the format demanded numbers that the twin does not have.
        unspoken: Joints with a spring, a drive's gains or armature, for which the format has no words.
        balls: Ball joints, which are held where they stand.
        loops: Joints that were left out.
    """

    def __init__(
        self,
        layout: Layout,
        scene: SceneDescription,
        visuals: Visuals,
        hulls: dict[str, str],
        meshes: Path,
        prefix: str,
    ) -> None:
        self._scene, self._visuals, self._hulls = scene, visuals, hulls
        self._meshes, self._prefix = meshes, prefix
        self._bodies = {body.path: body for body in scene.bodies}
        self._plans = {body.path: plan for body, plan in zip(scene.bodies, layout.bodies, strict=True)}
        self._tree = spanning_tree(scene)
        self.loops = self._tree.loops
        self._frames = link_frames(scene, self._tree)
        self._sites = site_names(layout)
        self.invented_limits = False
        self.unspoken: list[str] = []
        self.balls: list[str] = []

    def document(self, name: str, tree: Tree) -> str:
        """The URDF of a tree."""
        robot = ET.Element("robot", name=name)
        # MuJoCo alone reads this: it would weld the root into the world, forget folders, and refuse flat looks.
        compiler = {"fusestatic": "false", "discardvisual": "true", "strippath": "false"}
        ET.SubElement(ET.SubElement(robot, "mujoco"), "compiler", compiler)
        if tree.on_world:
            ET.SubElement(robot, "link", name=WORLD)
        for path in tree.bodies:
            self._link(robot, self._bodies[path])
        for path in tree.bodies:
            if path in self._tree.joints:
                self._joint(robot, path, self._tree.joints[path])
            elif self._bodies[path].kinematic:
                self._held(robot, self._bodies[path])
        for path in tree.bodies:
            self._site_links(robot, path)
        for path in tree.bodies:
            self._gazebo(robot, self._bodies[path])
        return text_of(robot)

    def _link(self, robot: ET.Element, body: DescribedBody) -> None:
        link = ET.SubElement(robot, "link", name=body.path)
        to_link = _inverse(self._frames[body.path])
        if body.mass_kg > 0.0:  # what never moves has none
            _inertial(link, body, to_link)
        plan = self._plans[body.path]
        for piece in self._visuals.pieces:
            if piece.body == plan.body.name:
                self._visual(link, piece, to_link)
        for one, shape in zip(plan.colliders, body.shapes, strict=True):
            self._collision(link, hull_key(one.collider), shape, to_link)
        surface = main_surface(body)
        if surface is not None:
            contact = ET.SubElement(link, "contact")  # Bullet's
            ET.SubElement(contact, "lateral_friction", value=number(surface.dynamic_friction))
            ET.SubElement(contact, "restitution", value=number(surface.restitution))

    def _visual(self, link: ET.Element, piece: Piece, to_link: Pose) -> None:
        visual = ET.SubElement(link, "visual", name=piece.name)
        _origin(visual, to_link.compose(piece.pose))
        self._file(visual, piece.mesh)
        material = ET.SubElement(visual, "material", name=piece.look.name)
        ET.SubElement(material, "color", rgba=numbers(piece.look.rgba))
        if piece.look.texture:
            ET.SubElement(material, "texture", filename=f"{self._prefix}/{piece.look.texture}")

    def _collision(self, link: ET.Element, key: str, shape: CollisionShape, to_link: Pose) -> None:
        collision = ET.SubElement(link, "collision", name=shape.path)
        _origin(collision, to_link.compose(shape.pose))
        if shape.kind == "hull":
            file = self._hulls.get(key, f"{shape.path}_capsule.obj")
            if key not in self._hulls:
                write_obj(self._meshes / file, shape.vertices, shape.faces)
            self._file(collision, file)
        else:
            geometry = ET.SubElement(collision, "geometry")
            if shape.kind == "box":
                ET.SubElement(geometry, "box", size=numbers(shape.size_m))
            elif shape.kind == "sphere":
                ET.SubElement(geometry, "sphere", radius=number(shape.size_m[0]))
            else:
                radius, length = (number(v) for v in shape.size_m)
                ET.SubElement(geometry, "cylinder", radius=radius, length=length)

    def _file(self, parent: ET.Element, file: str) -> None:
        ET.SubElement(ET.SubElement(parent, "geometry"), "mesh", filename=f"{self._prefix}/{file}")

    def _joint(self, robot: ET.Element, path: str, joint: DescribedJoint) -> None:
        kind = _KINDS[joint.type]
        if kind == "revolute" and joint.lower is None and joint.upper is None:
            kind = "continuous"
        parent = self._tree.parents.get(path, "")
        forward = joint.body1 == path
        at = joint.pose0 if forward else joint.pose1
        element = ET.SubElement(robot, "joint", name=joint.path, type=kind)
        ET.SubElement(element, "parent", link=parent or WORLD)
        ET.SubElement(element, "child", link=path)
        origin = _inverse(self._frames[parent]).compose(at) if parent else at
        if joint.type == "spherical":
            self.balls.append(joint.path)
            origin = origin.compose(self._turn_of_ball(joint, forward=forward))
        _origin(element, origin)
        if kind == "fixed":
            return
        # Seen from the other body, the same motion has the opposite sign.
        ET.SubElement(element, "axis", xyz=numbers(np.array(joint.axis) * (1.0 if forward else -1.0)))
        limit = {
            "effort": number(NO_LIMIT if joint.drive_max_force is None else joint.drive_max_force),
            "velocity": number(NO_LIMIT if joint.max_velocity is None else joint.max_velocity),
        }
        stated = joint.drive_max_force is not None and joint.max_velocity is not None
        if kind != "continuous":
            limit["lower"] = number(joint.lower if joint.lower is not None else -NO_LIMIT)
            limit["upper"] = number(joint.upper if joint.upper is not None else NO_LIMIT)
        ET.SubElement(element, "limit", limit)
        one_sided = kind != "continuous" and None in (joint.lower, joint.upper)
        self.invented_limits = self.invented_limits or not stated or one_sided
        if joint.damping or joint.friction:
            ET.SubElement(element, "dynamics", damping=number(joint.damping), friction=number(joint.friction))
        if joint.mimic_of:
            follows = {"multiplier": number(joint.mimic_multiplier), "offset": number(joint.mimic_offset)}
            ET.SubElement(element, "mimic", {"joint": joint.mimic_of, **follows})
        if joint.stiffness or joint.drive_stiffness or joint.drive_damping or joint.armature:
            self.unspoken.append(joint.path)

    def _turn_of_ball(self, joint: DescribedJoint, *, forward: bool) -> Pose:
        """How a ball joint is turned where the twin stands, seen from the parent."""
        first = self._bodies[joint.body0].pose.compose(joint.pose0) if joint.body0 else joint.pose0
        second = self._bodies[joint.body1].pose.compose(joint.pose1) if joint.body1 else joint.pose1
        near, far = (first, second) if forward else (second, first)
        turn = np.eye(4)
        turn[:3, :3] = near.rotation().T @ far.rotation()
        return Pose.from_matrix(turn)

    def _held(self, robot: ET.Element, body: DescribedBody) -> None:
        """The fixed joint to the world of what never moves."""
        element = ET.SubElement(robot, "joint", name=f"{body.path}_to_{WORLD}", type="fixed")
        ET.SubElement(element, "parent", link=WORLD)
        ET.SubElement(element, "child", link=body.path)
        _origin(element, body.pose.compose(self._frames[body.path]))

    def _site_links(self, robot: ET.Element, path: str) -> None:
        """Sites as links without matter on fixed joints, as ROS has them."""
        for site in self._plans[path].body.sites:
            name = self._sites[site.name]
            ET.SubElement(robot, "link", name=name)
            element = ET.SubElement(robot, "joint", name=f"{name}_mount", type="fixed")
            ET.SubElement(element, "parent", link=path)
            ET.SubElement(element, "child", link=name)
            _origin(element, _inverse(self._frames[path]).compose(site.pose))

    def _gazebo(self, robot: ET.Element, body: DescribedBody) -> None:
        surface = main_surface(body)
        if surface is not None:
            gazebo = ET.SubElement(robot, "gazebo", reference=body.path)
            for tag in ("mu1", "mu2"):
                ET.SubElement(gazebo, tag).text = number(surface.dynamic_friction)


def _inertial(link: ET.Element, body: DescribedBody, to_link: Pose) -> None:
    inertial = ET.SubElement(link, "inertial")
    com = to_link.apply(np.array([body.com_m]))[0]
    # Full tensor in link axes: MuJoCo's reader ignores a rotation here.
    ET.SubElement(inertial, "origin", xyz=numbers(com), rpy="0 0 0")
    ET.SubElement(inertial, "mass", value=number(body.mass_kg))
    turn = to_link.rotation()
    i = turn @ body.inertia() @ turn.T
    entries = {"ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2), "izz": (2, 2)}
    ET.SubElement(inertial, "inertia", {key: number(i[at]) for key, at in entries.items()})


def main_surface(body: DescribedBody) -> SurfaceMaterial | None:
    """Surface of the largest colliders of a body, by volume; None without colliders."""
    volume: dict[SurfaceMaterial, float] = {}
    for shape in body.shapes:
        size = collider_facts(shape).volume_m3
        volume[shape.material] = volume.get(shape.material, 0.0) + size
    return max(volume, key=lambda s: (volume[s], s.dynamic_friction, s.path)) if volume else None


def without_capsules(scene: SceneDescription) -> SceneDescription:
    """The scene as URDF can say it: capsules as hulls of their surface (32 by 16 facets)."""

    def said(shape: CollisionShape) -> CollisionShape:
        if shape.kind != "capsule":
            return shape
        mesh = collider_mesh("capsule", shape.size_m, None)
        assert mesh is not None  # only a hull has none
        return replace(shape, kind="hull", size_m=(), vertices=mesh.vertices, faces=mesh.faces)

    bodies = tuple(replace(body, shapes=tuple(said(shape) for shape in body.shapes)) for body in scene.bodies)
    return replace(scene, bodies=bodies)


def start_coordinates(scene: SceneDescription) -> dict[str, float]:
    """Coordinate of each joint in the twin's own pose, radians or metres: URDF's zero may be another pose."""
    tree = spanning_tree(scene)
    return {
        joint.path: joint_coordinate(scene, joint)
        for joint in tree.joints.values()
        if joint.type in ("revolute", "prismatic")
    }


def _inverse(pose: Pose) -> Pose:
    return Pose() if pose.is_identity else Pose.from_matrix(np.asarray(np.linalg.inv(pose.matrix()), float))


def _origin(parent: ET.Element, pose: Pose) -> None:
    ET.SubElement(parent, "origin", xyz=numbers(pose.position_m), rpy=numbers(roll_pitch_yaw(pose)))


def roll_pitch_yaw(pose: Pose) -> tuple[float, float, float]:
    """Fixed-axis angles about x, y, z, radians: R = Rz(yaw) Ry(pitch) Rx(roll)."""
    r = pose.rotation()
    flat = math.hypot(r[0, 0], r[1, 0])
    pitch = math.atan2(-r[2, 0], flat)
    if flat < 1e-12:  # looking along z, only the sum or difference of the other two is determined
        return math.atan2(-r[1, 2], r[1, 1]), pitch, 0.0
    return math.atan2(r[2, 1], r[2, 2]), pitch, math.atan2(r[1, 0], r[0, 0])
