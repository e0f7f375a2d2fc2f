"""Small mechanisms with joints, written with plain usd-core."""

from __future__ import annotations

import math

import numpy as np
from pxr import Gf, Sdf, UsdPhysics

from physicl_twin.model.geometry import Pose
from tests.engines.stages import StageBuilder

_KINDS = {
    "fixed": UsdPhysics.FixedJoint,
    "revolute": UsdPhysics.RevoluteJoint,
    "prismatic": UsdPhysics.PrismaticJoint,
    "spherical": UsdPhysics.SphericalJoint,
}


class MechanismBuilder(StageBuilder):
    """Bodies of stated mass without colliders, and joints; /World is the articulation root unless told otherwise."""

    def __init__(self, path, articulated=True, **more):
        super().__init__(path, **more)
        if articulated:
            UsdPhysics.ArticulationRootAPI.Apply(self.stage.GetPrimAtPath("/World"))

    def link(self, name, position=(0, 0, 0), mass=1.0, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01), wxyz=(1, 0, 0, 0)):
        prim = self.body(name, position, wxyz, mass=mass, com=com, inertia=inertia)
        self.collider(self.sphere(f"/World/{name}/shape", 0.01))
        return prim

    def base(self, name="base", position=(0, 0, 0)):
        """A link that is held by the world."""
        prim = self.link(name, position)
        self.joint("anchor", "fixed", "", name, position, (0, 0, 0))
        return prim

    def joint(self, name, kind, body0, body1, at0, at1, axis="Y", lower=None, upper=None, turn0=None, loop=False):
        """A joint; ``at0`` and ``at1`` in the frames of the bodies (of the world for an empty name)."""
        joint = _KINDS[kind].Define(self.stage, f"/World/joints/{name}")
        for body, relation in ((body0, joint.CreateBody0Rel()), (body1, joint.CreateBody1Rel())):
            if body:
                relation.SetTargets([f"/World/{body}"])
        joint.CreateLocalPos0Attr(Gf.Vec3f(*map(float, at0)))
        joint.CreateLocalPos1Attr(Gf.Vec3f(*map(float, at1)))
        if turn0 is not None:
            joint.CreateLocalRot0Attr(Gf.Quatf(*turn0))
        if kind in ("revolute", "prismatic"):
            unit = math.degrees(1.0) if kind == "revolute" else 1.0
            joint.CreateAxisAttr(axis)
            if lower is not None:
                joint.CreateLowerLimitAttr(lower * unit)
            if upper is not None:
                joint.CreateUpperLimitAttr(upper * unit)
        if loop:
            joint.CreateExcludeFromArticulationAttr(True)
        return joint.GetPrim()

    @staticmethod
    def drive(prim, stiffness=0.0, damping=0.0, max_force=None, target=0.0, velocity=0.0, kind="force"):
        """SI gains, per radian."""
        revolute = prim.IsA(UsdPhysics.RevoluteJoint)
        drive = UsdPhysics.DriveAPI.Apply(prim, "angular" if revolute else "linear")
        unit = math.degrees(1.0) if revolute else 1.0
        drive.CreateTypeAttr(kind)
        drive.CreateStiffnessAttr(stiffness / unit)
        drive.CreateDampingAttr(damping / unit)
        drive.CreateTargetPositionAttr(target * unit)
        drive.CreateTargetVelocityAttr(velocity * unit)
        if max_force is not None:
            drive.CreateMaxForceAttr(max_force)

    @staticmethod
    def losses(prim, friction=0.0, damping=0.0, armature=0.0, family="newton"):
        """SI, per radian; written as one family of attributes has them."""
        revolute = prim.IsA(UsdPhysics.RevoluteJoint)
        unit = math.degrees(1.0) if revolute else 1.0
        axis = f"physxJointAxis:{'angular' if revolute else 'linear'}"
        if family == "physx":
            prim.AddAppliedSchema(f"PhysxJointAxisAPI:{'angular' if revolute else 'linear'}")
            names = {
                f"{axis}:staticFrictionEffort": friction,
                f"{axis}:dynamicFrictionEffort": friction,
                f"{axis}:viscousFrictionCoefficient": damping / unit,
                f"{axis}:armature": armature,
            }
        else:
            prim.AddAppliedSchema("NewtonJointAPI")
            names = {"newton:friction": friction, "newton:damping": damping / unit, "newton:armature": armature}
        for name, value in names.items():
            prim.CreateAttribute(name, Sdf.ValueTypeNames.Float).Set(value)

    def mimic(self, follower, leader, multiplier, offset=0.0):
        unit = math.degrees(1.0) if follower.IsA(UsdPhysics.RevoluteJoint) else 1.0
        follower.AddAppliedSchema("NewtonMimicAPI")
        follower.CreateRelationship("newton:mimicJoint").SetTargets([leader.GetPath()])
        follower.CreateAttribute("newton:mimicCoef1", Sdf.ValueTypeNames.Float).Set(multiplier)
        follower.CreateAttribute("newton:mimicCoef0", Sdf.ValueTypeNames.Float).Set(offset * unit)

    def solver(self, name):
        """PhysX's: PGS or TGS."""
        scene = self.stage.GetPrimAtPath("/World/scene")
        scene.AddAppliedSchema("PhysxSceneAPI")
        scene.CreateAttribute("physxScene:solverType", Sdf.ValueTypeNames.Token).Set(name)

    def quiet(self):
        """Links do not collide with each other."""
        root = self.stage.GetPrimAtPath("/World")
        root.CreateAttribute("newton:selfCollisionEnabled", Sdf.ValueTypeNames.Bool).Set(False)


def pendulum(path, length=0.5, **more):
    """A bob of 1 kg on a massless rod of 0.5 m, as far as engines allow: inertia m l^2 + 1e-4; axis Y, hangs along -z."""
    builder = MechanismBuilder(path, **more)
    builder.base(position=(0, 0, 1))
    builder.link("bob", (0, 0, 1), com=(0, 0, -length), inertia=(1e-4, 1e-4, 1e-4))
    return builder, builder.joint("hinge", "revolute", "base", "bob", (0, 0, 0), (0, 0, 0))


def slider(path, mass=2.0, axis="X", **more):
    """A body that slides along x, without gravity."""
    builder = MechanismBuilder(path, gravity_mps2=0.0, **more)
    builder.base()
    builder.link("cart", mass=mass)
    return builder, builder.joint("rail", "prismatic", "base", "cart", (0, 0, 0), (0, 0, 0), axis=axis)


def energy_j(scene, gravity_mps2=9.81):
    """Kinetic and potential energy of all bodies."""
    total = 0.0
    for mass, pose, velocity in zip(scene.mass_properties(), scene.poses(), scene.velocities(), strict=True):
        rotation = Pose((0.0, 0.0, 0.0), tuple(pose[3:])).rotation()
        inertia = rotation @ mass.inertia_kgm2 @ rotation.T
        height = (pose[:3] + rotation @ mass.com_m)[2]
        linear, angular = velocity[:3], velocity[3:]
        total += 0.5 * mass.mass_kg * float(linear @ linear) + 0.5 * float(angular @ inertia @ angular)
        total += mass.mass_kg * gravity_mps2 * float(height)
    return total


def momenta(scene):
    """Linear and angular momentum (about the origin) of all bodies."""
    linear, angular = np.zeros(3), np.zeros(3)
    for mass, pose, velocity in zip(scene.mass_properties(), scene.poses(), scene.velocities(), strict=True):
        rotation = Pose((0.0, 0.0, 0.0), tuple(pose[3:])).rotation()
        com = pose[:3] + rotation @ mass.com_m
        linear += mass.mass_kg * velocity[:3]
        angular += rotation @ mass.inertia_kgm2 @ rotation.T @ velocity[3:] + np.cross(com, mass.mass_kg * velocity[:3])
    return linear, angular


def crossings_s(values, dt_s):
    """Times at which a sampled curve rises through zero, by linear interpolation."""
    found = []
    for index in range(1, len(values)):
        if values[index - 1] < 0.0 <= values[index]:
            found.append((index - values[index] / (values[index] - values[index - 1])) * dt_s)
    return found
