"""The target isaac-sim: the layered SimReady asset, a file that selects PhysX, and a configuration for Isaac Lab."""

from __future__ import annotations

from pathlib import Path

from pxr import Sdf

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.drop import Fall, agreement, drop_physx_safely
from physicl_twin.deploy.isaac_lab import configuration_name, one_mechanism, write_configuration
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.motion import twin_facts
from physicl_twin.deploy.read_usd import read_usd
from physicl_twin.deploy.record import Comparison, DropAgreement, Written
from physicl_twin.deploy.simready_folder import place_simready
from physicl_twin.model import Note
from physicl_twin.usd.rollout_scene import ENGINE_VARIANTS

SINGLE = Note(
    "single_precision", "info", "USD stores mass properties and points in single precision: a rounding of 6e-8."
)

MIMIC_LIMITS = Note(
    "mimic_limits",
    "info",
    "PhysX demands finite limits of joints that follow others and of their leaders: its layer adds wide ones, and "
    "gives a follower's a margin; the neutral base keeps the twin's.",
)


def write(job: Job) -> Written:
    """Write ``<name>.usda``, ``simready/`` and ``<name>_cfg.py``.

    Raises:
        UsdError: ``usd_not_found``.
    """
    name = job.subject.twin.name
    asset = place_simready(job, job.folder)
    main = f"{name}.usda"
    _reference(job.folder / main, name, f"./{asset.relative_to(job.folder).as_posix()}", "PhysX")
    notes: tuple[str, ...] = (
        f"Reference {main}: it is simready/{main} with the variant PhysX selected.",
        f"simready/{main} itself is neutral and untouched (Robotics-Prop); its variants PhysX, Newton and MuJoCo "
        "are for one engine each.",
    )
    configuration = write_configuration(job, main)
    called = configuration_name(name)
    notes = (
        *notes,
        f"{configuration.name} configures the asset for Isaac Lab: from {configuration.stem} import {called}.",
    )
    if not one_mechanism(job.layout):
        notes = (
            *notes,
            "The twin is several mechanisms, and Isaac Lab's Articulation is one: it is only spawned there.",
        )
    return Written(main, usd_losses(job), notes)


def usd_losses(job: Job) -> tuple[Note, ...]:
    """What the USD of a twin holds otherwise than the twin."""
    follows = any(joint.mimic is not None for joint in job.subject.twin.joints)
    return (SINGLE, MIMIC_LIMITS) if follows else (SINGLE,)


def _reference(path: Path, name: str, asset: str, selected: str) -> None:
    """A layer whose root prim refers to an asset with one engine's variant selected."""
    layer = Sdf.Layer.CreateAnonymous(".usda")
    layer.defaultPrim = name
    root = layer.pseudoRoot
    for key, value in (("metersPerUnit", 1.0), ("kilogramsPerUnit", 1.0), ("upAxis", "Z")):
        root.SetInfo(key, value)
    prim = Sdf.PrimSpec(layer, name, Sdf.SpecifierDef, "Xform")
    prim.SetInfo("kind", "component")
    prim.referenceList.Prepend(Sdf.Reference(asset))
    for variant in ENGINE_VARIANTS.values():
        prim.variantSelections[variant] = "Enabled" if variant == selected else "Disabled"
    path.write_text(layer.ExportToString(), encoding="utf-8")


def compare(job: Job, written: Written) -> tuple[Comparison, ...]:
    """What the composed stage says against the twin."""
    return compare_facts(twin_facts(job.layout), read_usd(job.folder / written.main, job.layout, job.settings))


def drop(job: Job, written: Written) -> DropAgreement:
    """The file dropped in PhysX."""
    scene = describe_twin(job.layout)

    def run(orientation: str) -> Fall:
        return drop_physx_safely(job.folder / written.main, scene, job.settings, orientation)

    return agreement("physx", job.subject.certificate, scene, run)
