"""The target mujoco: ``<name>.xml``, its assets, and a scene with a floor."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin, extents
from physicl_twin.deploy.drop import Fall, agreement, drop_mujoco
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.mjcf_assets import write_assets
from physicl_twin.deploy.mjcf_exact import exact_xml
from physicl_twin.deploy.mjcf_spec import Instance, model_spec
from physicl_twin.deploy.motion import twin_facts
from physicl_twin.deploy.read_mujoco import load_model, read_mujoco
from physicl_twin.deploy.record import Comparison, DropAgreement, Written
from physicl_twin.deploy.time_step import time_step_s
from physicl_twin.deploy.xml_text import number, numbers, text_of
from physicl_twin.engines.mujoco_contact import ROLLS
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import EngineError, Note
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.options import UsdOptions

ONE_FRICTION = Note(
    "one_friction",
    "info",
    "MuJoCo has one coefficient of friction a surface and takes the larger one of a pair: it is the sliding one, "
    "static friction is lost.",
)
ROLLING = Note(
    "rolling_friction",
    "info",
    "Spheres, cylinders and capsules have MuJoCo's default of rolling friction (condim 6), without which what lies on "
    "its side rolls for ever; PhysX has none and damps all turning instead.",
)
BOUNCE = Note(
    "contact_spring",
    "info",
    "MuJoCo has no coefficient of restitution and no bounce threshold: solref makes a contact spring of it, for the "
    "time step of this model; with another time step scale its first number likewise.",
)
FIELD = Note("no_sdf", "info", "A part that PhysX collides as a signed distance field collides as its convex pieces.")


def write(job: Job) -> Written:
    """Write the MJCF of a twin.

    Raises:
        EngineError: ``engine_refused_model`` when MuJoCo does not compile it.
    """
    layout, folder, settings, twin = job.layout, job.folder, job.settings, job.subject.twin
    scene = describe_twin(layout)
    assets = write_assets(layout, folder, UsdOptions.from_settings(settings).crease_angle_deg)
    low, high = extents(scene)
    step_s = time_step_s("mujoco", float((high - low).max()), settings)
    solver = EngineSettings.from_pipeline(settings)
    spec, lost = model_spec(twin.name, [Instance(layout, assets, scene)], step_s, solver)
    main = f"{twin.name}.xml"
    save_spec(spec, folder / main)
    (folder / "scene.xml").write_text(_scene(main, scene, float(low[2]), high - low), encoding="utf-8")
    losses = [*assets.losses, ONE_FRICTION, *contact_losses(layout)]
    losses += [Note("joint_in_part", "warning", message) for message in lost]
    notes: tuple[str, ...] = (
        f"{main} is the twin alone, to be included or attached; scene.xml puts it on a floor with a light.",
        "Geoms of group 2 show, those of group 3 collide; all mass stands in the inertials.",
    )
    if twin.joints:
        notes = (*notes, *_joint_notes(scene))
    return Written(main, tuple(losses), notes)


def _joint_notes(scene: SceneDescription) -> list[str]:
    """What the user of a mechanism should know."""
    told = ["Coordinates of joints are the twin's: in the reference configuration (qpos0) it stands as the twin does."]
    if any(joint.driven for joint in scene.joints):
        targets = [f"{j.path} {(j.drive_target or j.drive_target_velocity):.6g}" for j in scene.joints
                   if j.drive_target or j.drive_target_velocity]  # fmt: skip
        at = f" The twin's targets: {', '.join(targets)}." if targets else " The twin's targets are zero."
        told.append(f"The control of a position actuator is a coordinate, of a velocity actuator a speed.{at}")
    return told


def compare(job: Job, written: Written) -> tuple[Comparison, ...]:
    """What MuJoCo compiles from the file against the twin."""
    return compare_facts(twin_facts(job.layout), read_mujoco(load_model(job.folder / written.main)))


def drop(job: Job, written: Written) -> DropAgreement:
    """The file dropped in plain MuJoCo."""
    scene = describe_twin(job.layout)

    def run(orientation: str) -> Fall:
        return drop_mujoco(mujoco.MjSpec.from_file(str(job.folder / written.main)), scene, job.settings, orientation)

    return agreement("mujoco", job.subject.certificate, scene, run)


def contact_losses(layout: Layout) -> list[Note]:
    """What MuJoCo's contacts say otherwise than the twin."""
    losses = []
    if any(material.restitution.value > 0.0 for _, material in layout.physics_materials):
        losses.append(BOUNCE)
    if any(part.collision and part.collision.method == "sdf" for part in layout.twin.parts):
        losses.append(FIELD)
    if any(
        collider.kind in ROLLS for part in layout.twin.parts if part.collision for collider in part.collision.colliders
    ):
        losses.append(ROLLING)
    return losses


def save_spec(spec: Any, path: Path) -> None:
    """Compile an MjSpec against the assets beside ``path`` and write it with every digit.

    Raises:
        EngineError: ``engine_refused_model``.
    """
    spec.modelfiledir = str(path.parent)
    try:
        spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        raise EngineError(
            "engine_refused_model",
            f"MuJoCo refused {path.name}: {' '.join(str(error).split())}.",
            "Repair what the message names in the twin, and build it again.",
        ) from error
    path.write_text(text_of(exact_xml(spec)), encoding="utf-8")


def _scene(main: str, scene: SceneDescription, floor_m: float, size: Any) -> str:
    """A floor at the height of the lowest collider, a light, and a camera that sees the whole twin."""
    span = float(np.linalg.norm(size))
    frictions = [s.material.dynamic_friction for body in scene.bodies for s in body.shapes]
    root = ET.Element("mujoco", model=main.removesuffix(".xml") + "_scene")
    ET.SubElement(root, "include", file=main)
    ET.SubElement(root, "statistic", center=numbers([0, 0, floor_m + 0.5 * float(size[2])]), extent=number(span))
    visual = ET.SubElement(root, "visual")
    ET.SubElement(visual, "headlight", diffuse="0.5 0.5 0.5", ambient="0.3 0.3 0.3", specular="0 0 0")
    ET.SubElement(visual, "global", azimuth="-130", elevation="-25", offwidth="1280", offheight="960")
    assets = ET.SubElement(root, "asset")
    checker = {
        "name": "floor",
        "type": "2d",
        "builtin": "checker",
        "rgb1": "0.82 0.83 0.85",
        "rgb2": "0.74 0.75 0.78",
        "width": "256",
        "height": "256",
    }
    ET.SubElement(assets, "texture", checker)
    repeat = {"name": "floor", "texture": "floor", "texuniform": "true", "texrepeat": numbers([2.0 / span, 2.0 / span])}
    ET.SubElement(assets, "material", repeat)
    world = ET.SubElement(root, "worldbody")
    ET.SubElement(
        world,
        "light",
        name="sun",
        pos=numbers([0, 0, floor_m + 4 * span]),
        dir="0.2 0.3 -1",
        type="directional",
        castshadow="false",
    )
    # The larger coefficient of a pair counts: with the smallest on the floor, that is each part's own.
    floor = {"name": "floor", "type": "plane", "size": "0 0 1", "pos": numbers([0, 0, floor_m])}
    floor |= {"friction": numbers([min(frictions, default=0.5), 0, 0]), "condim": "3", "material": "floor"}
    ET.SubElement(world, "geom", floor)
    return text_of(root)
