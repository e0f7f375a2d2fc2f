"""The base scene of a family: the objects by reference, the support, lights and a camera, at default values.

Every variation is a layer over it that says only what differs. Twins are referenced as they were delivered, in the
set's own folder, with their payloads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pxr import Gf, Sdf

from physicl_twin.model import CameraState, LightState, Pose, Support
from physicl_twin.usd import layers
from physicl_twin.usd.layers import Types

OBJECTS, SURFACE, CAMERA = "/World/objects", "/World/surface", "/World/camera"
DOME, KEY = "/World/lights/dome", "/World/lights/key"
#: Position iterations of PhysX's solver (TGS: substeps). Measured on heaps of twenty bananas, wrenches and allen keys
#: of 6 to 10 convex pieces: its default leaves overlaps of up to 2.5 mm, 64 leave 0.02 mm in the mean; of 16, 32, 64
#: and 128 they took the fewest draws.
SOLVER_ITERATIONS = 64
#: Floor that is drawn, over the size of the support; the one that carries is infinite.
_FLOOR = 6.0
#: sRGB-linear colours of floor and bin: mid greys that reflect as painted board does.
_FLOOR_COLOR, _BIN_COLOR = (0.18, 0.18, 0.18), (0.32, 0.33, 0.35)


def write_scene(
    path: Path,
    instances: Sequence[tuple[str, str, str, Pose]],
    support: Support,
    light: LightState,
    camera: CameraState,
    gravity_mps2: float,
    time_step_s: float,
) -> None:
    """Write the base scene.

    Args:
        path: File to write.
        instances: (name, path of the twin's layer relative to the scene's folder, name of its root prim, default pose).
        support: What the objects rest on.
        light: Default lights.
        camera: Default camera.
        gravity_mps2: Gravity, downwards.
        time_step_s: Step with which its members settled.

    Raises:
        UsdError: ``usd_not_written``.
    """
    layer = layers.new_layer(".usda", "World")
    world = layers.define(layer, "/World", "Xform")
    world.SetInfo("kind", "assembly")
    scene = layers.define(layer, "/World/physics", "PhysicsScene", apis=("PhysxSceneAPI",))
    layers.attribute(scene, "physics:gravityDirection", Types.Vector3f, Gf.Vec3f(0, 0, -1))
    layers.attribute(scene, "physics:gravityMagnitude", Types.Float, gravity_mps2)
    layers.attribute(scene, "physxScene:bounceThreshold", Types.Float, 0.2)
    layers.attribute(scene, "physxScene:minPositionIterationCount", Types.UInt, SOLVER_ITERATIONS)
    layers.attribute(scene, "physxScene:timeStepsPerSecond", Types.UInt, round(1.0 / time_step_s))
    surface = layers.define(layer, SURFACE, "Material", apis=("PhysicsMaterialAPI",))
    for name, value in surface_values(support):
        layers.attribute(surface, name, Types.Float, value)
    for name, color in (("floor_look", _FLOOR_COLOR), ("bin_look", _BIN_COLOR)):
        _look(layer, f"/World/{name}", color)
    _floor(layer, _FLOOR * max(support.inner_m[:2]))
    for name, centre, size in support.boxes():
        box = layers.define(layer, f"/World/support/{name}", "Cube", apis=("PhysicsCollisionAPI",))
        layers.attribute(box, "size", Types.Double, 1.0)
        layers.attribute(box, "extent", Types.Float3Array, layers.extent([-0.5] * 3, [0.5] * 3))
        layers.place(box, Pose(centre), size)
        layers.bind(box, "/World/bin_look")
        layers.bind(box, SURFACE, physics=True)
    layers.define(layer, OBJECTS, "Xform")
    for name, asset, root, pose in instances:
        prim = layers.define(layer, f"{OBJECTS}/{name}", "Xform")
        layers.reference(prim, asset, f"/{root}")
        place_instance(prim, pose, 1.0)
    _lights(layer, light)
    prim = layers.define(layer, CAMERA, "Camera")
    layers.attribute(prim, "clippingRange", Types.Float2, Gf.Vec2f(0.01, 1000.0))
    layers.attribute(prim, "focalLength", Types.Float, camera.focal_length_mm)
    place_camera(prim, camera.pose)
    layers.save(layer, path)


def surface_values(support: Support) -> tuple[tuple[str, float], ...]:
    """Attributes of the support's physics material."""
    return (
        ("physics:staticFriction", support.static_friction),
        ("physics:dynamicFriction", support.dynamic_friction),
        ("physics:restitution", support.restitution),
    )


def place_instance(prim: Sdf.PrimSpec, pose: Pose, scale: float) -> None:
    """Operations of an instance, each with a value that a variation overrides."""
    layers.attribute(prim, "xformOp:translate", Types.Double3, Gf.Vec3d(*pose.position_m))
    layers.attribute(prim, "xformOp:orient", Types.Quatf, Gf.Quatf(*pose.quaternion_wxyz))
    layers.attribute(prim, "xformOp:scale", Types.Float3, Gf.Vec3f(scale, scale, scale))
    order = ["xformOp:translate", "xformOp:orient", "xformOp:scale"]
    layers.attribute(prim, "xformOpOrder", Types.TokenArray, order, uniform=True)


def place_camera(prim: Sdf.PrimSpec, pose: Pose) -> None:
    """Operations of the camera or of a light."""
    layers.attribute(prim, "xformOp:translate", Types.Double3, Gf.Vec3d(*pose.position_m))
    layers.attribute(prim, "xformOp:orient", Types.Quatf, Gf.Quatf(*pose.quaternion_wxyz))
    layers.attribute(prim, "xformOpOrder", Types.TokenArray, ["xformOp:translate", "xformOp:orient"], uniform=True)


def key_orientation(azimuth_rad: float, elevation_rad: float) -> tuple[float, float, float, float]:
    """wxyz that turns a distant light, which shines along its -z, so that it comes from that direction."""
    # Tilt from the zenith about y, then turn about z.
    tilt, turn = 0.5 * (0.5 * math.pi - elevation_rad), 0.5 * azimuth_rad
    return (
        math.cos(turn) * math.cos(tilt),
        -math.sin(turn) * math.sin(tilt),
        math.cos(turn) * math.sin(tilt),
        math.sin(turn) * math.cos(tilt),
    )


def _look(layer: Sdf.Layer, path: str, color: tuple[float, float, float]) -> None:
    material = layers.define(layer, path, "Material")
    output = layers.attribute(material, "outputs:surface", Types.Token, None)
    shader = layers.define(layer, f"{path}/preview", "Shader")
    layers.attribute(shader, "info:id", Types.Token, "UsdPreviewSurface", uniform=True)
    layers.attribute(shader, "inputs:diffuseColor", Types.Color3f, Gf.Vec3f(*color))
    layers.attribute(shader, "inputs:roughness", Types.Float, 0.7)
    layers.attribute(shader, "outputs:surface", Types.Token, None)
    output.connectionPathList.explicitItems = [Sdf.Path(f"{path}/preview.outputs:surface")]


def _floor(layer: Sdf.Layer, size_m: float) -> None:
    plane = layers.define(layer, "/World/support/floor", "Plane", apis=("PhysicsCollisionAPI",))
    layers.attribute(plane, "axis", Types.Token, "Z", uniform=True)
    layers.attribute(plane, "purpose", Types.Token, "guide", uniform=True)
    layers.bind(plane, SURFACE, physics=True)
    half = 0.5 * size_m
    # A hair lower, so that it does not flicker against the bottom of the bin.
    z = -0.0005
    mesh = layers.define(layer, "/World/support/floor_look", "Mesh")
    corners = [(-half, -half, z), (half, -half, z), (half, half, z), (-half, half, z)]
    layers.attribute(mesh, "points", Types.Point3fArray, [Gf.Vec3f(*corner) for corner in corners])
    layers.attribute(mesh, "faceVertexCounts", Types.IntArray, [4])
    layers.attribute(mesh, "faceVertexIndices", Types.IntArray, [0, 1, 2, 3])
    layers.attribute(mesh, "subdivisionScheme", Types.Token, "none", uniform=True)
    layers.attribute(mesh, "extent", Types.Float3Array, layers.extent((-half, -half, z), (half, half, z)))
    layers.bind(mesh, "/World/floor_look")


def _lights(layer: Sdf.Layer, light: LightState) -> None:
    dome = layers.define(layer, DOME, "DomeLight")
    key = layers.define(layer, KEY, "DistantLight")
    for prim, intensity, kelvin in (
        (dome, light.dome_intensity, light.dome_kelvin),
        (key, light.key_intensity, light.key_kelvin),
    ):
        layers.attribute(prim, "inputs:intensity", Types.Float, intensity)
        layers.attribute(prim, "inputs:enableColorTemperature", Types.Bool, True)
        layers.attribute(prim, "inputs:colorTemperature", Types.Float, kelvin)
    layers.attribute(key, "inputs:angle", Types.Float, 1.0)
    turn = key_orientation(light.key_azimuth_rad, light.key_elevation_rad)
    layers.attribute(key, "xformOp:orient", Types.Quatf, Gf.Quatf(*turn))
    layers.attribute(key, "xformOpOrder", Types.TokenArray, ["xformOp:orient"], uniform=True)
