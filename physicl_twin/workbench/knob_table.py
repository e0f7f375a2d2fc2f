"""What each property of the randomization spec is called, its unit, and why its range is what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """What is said of a property.

    Attributes:
        key: ``table.name`` of the spec.
        title: What it is, for people.
        unit: Printed unit.
        why: What it does and why its range is what it is.
        plain: True for one that is the same in every variation.
        options: (value, words) of a choice of words.
    """

    key: str
    title: str
    unit: str
    why: str
    plain: bool = False
    options: tuple[tuple[str, str], ...] = ()


#: Headings of the spec's tables, in the order in which they are shown.
GROUPS: dict[str, str] = {
    "object": "objects",
    "scene": "scene",
    "placement": "placement",
    "look": "looks",
    "light": "lights",
    "camera": "camera",
    "occlusion": "occlusion",
    "settle": "settling",
    "sampling": "sampling",
}

_ESTIMATE = "The estimate's own uncertainty: a weighed twin varies as its scales err, one of unknown material widely."
_SURFACE = "What tables, shelves and boxes are made of, dry (judgement)."
_LOOKS = "What paint, wear and white balance do to a colour (judgement)."
_LIGHTS = "From a dim store room to a bright window (judgement)."
_CAMERA = "Cameras that look down into a bin from above its rim (judgement)."
_REST = "What counts as rest, in PhysX with everything awake and in MuJoCo."

KNOWN: tuple[Known, ...] = (
    Known("object.density", "density", "×", f"Mass and inertia of the material. {_ESTIMATE}"),
    Known("object.friction", "friction", "", f"One number decides static and dynamic friction. {_ESTIMATE}"),
    Known("object.restitution", "restitution", "", f"How much of a bounce comes back. {_ESTIMATE}"),
    Known("object.scale", "size", "×", "Over the true size; mass and inertia follow. Varying it is much slower."),
    Known("object.weight", "share of the places", "", "How much likelier a twin takes a place than others.", True),
    Known("scene.objects", "objects in the scene", "", "The twins take turns. Zero: one of each twin.", True),
    Known("scene.left_out", "objects left out", "", "How many of them a variation lacks."),
    Known(
        "scene.support",
        "they lie in or on",
        "",
        "A bin keeps what tumbles; on a plane what rolls away is rejected.",
        True,
        (("bin", "a bin"), ("plane", "an open floor")),
    ),
    Known("scene.size_m", "inner length, width, height", "m", "Zero: chosen from the objects and the fill.", True),
    Known("scene.fill", "fill of the floor", "", "Share that all objects would cover, when the size is zero.", True),
    Known("scene.wall_m", "thickness of the walls", "m", "Thick enough that no engine lets things through.", True),
    Known("scene.static_friction", "static friction of the support", "", _SURFACE),
    Known("scene.dynamic_ratio", "dynamic over static friction", "", "Of everything that is sampled (judgement)."),
    Known("scene.restitution", "restitution of the support", "", _SURFACE),
    Known("placement.spread", "spread", "", "Share of the support over which they fall: small means clutter."),
    Known(
        "placement.orientation",
        "they fall",
        "",
        "Tumbled in, or with the twin's own up staying up.",
        True,
        (("any", "tumbled"), ("upright", "upright")),
    ),
    Known("placement.yaw_deg", "turn about the vertical", "°", "All directions are as likely; upright ones only."),
    Known("placement.clearance", "gap before the fall", "", "Between bounding boxes, over half a side.", True),
    Known("look.hue_deg", "turn of the hue", "°", _LOOKS),
    Known("look.saturation", "saturation", "×", _LOOKS),
    Known("look.brightness", "brightness", "×", _LOOKS),
    Known("look.roughness", "roughness added", "", _LOOKS),
    Known("light.dome_nits", "sky", "nit", _LIGHTS),
    Known("light.dome_kelvin", "colour of the sky", "K", "Warm lamps to a clear sky (judgement)."),
    Known("light.key_nits", "lamp", "nit", _LIGHTS),
    Known("light.key_kelvin", "colour of the lamp", "K", "Warm lamps to daylight (judgement)."),
    Known("light.key_azimuth_deg", "lamp from", "°", "Shadows from all sides."),
    Known("light.key_elevation_deg", "lamp above the horizon", "°", "Long shadows to nearly none."),
    Known("camera.distance", "distance", "×", f"Over the support's diagonal. {_CAMERA}"),
    Known("camera.azimuth_deg", "camera from", "°", "Views from all sides."),
    Known("camera.elevation_deg", "camera above the horizon", "°", _CAMERA),
    Known("camera.focal_length_mm", "focal length", "mm", "Usual cameras, with an aperture of 20.955 mm."),
    Known("occlusion.target", "hidden object", "", "Instance or twin that others shall hide; empty for none.", True),
    Known("occlusion.range", "share that is hidden", "", "Measured by ray casts to the colliders.", True),
    Known("settle.window_s", "watched for", "s", _REST, True),
    Known("settle.rest_move_m", "moves at most", "m", _REST, True),
    Known("settle.rest_turn_deg", "turns at most", "°", _REST, True),
    Known("settle.longest_s", "given up after", "s", "Of simulated time.", True),
    Known("settle.time_step_s", "time step of PhysX", "s", "The scene states it too; Isaac Sim's own is 1/60 s.", True),
    Known("settle.penetration_m", "overlaps at most", "m", "Of two colliders at rest, measured by MuJoCo.", True),
    Known("settle.retries", "draws again", "", "How often, before a variation is given up with its reasons.", True),
    Known(
        "sampling.design",
        "values are spread",
        "",
        "Sobol and latin cover every range evenly, whatever the count.",
        True,
        (("sobol", "evenly in all together"), ("latin", "evenly in each"), ("random", "independently")),
    ),
)
