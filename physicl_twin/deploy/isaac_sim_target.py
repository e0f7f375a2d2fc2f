"""The target isaac-sim: the layered SimReady asset, and one file beside it that selects PhysX."""

from __future__ import annotations

from pathlib import Path

from pxr import Sdf

from physicl_twin.deploy.compare import compare as compare_facts
from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.drop import Fall, agreement, drop_physx
from physicl_twin.deploy.facts import facts_of
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.read_usd import read_usd
from physicl_twin.deploy.record import Comparison, DropAgreement, Written
from physicl_twin.deploy.simready_folder import place_simready
from physicl_twin.model import Note
from physicl_twin.usd.rollout_scene import ENGINE_VARIANTS

SINGLE = Note(
    "single_precision", "info", "USD stores mass properties and points in single precision: a rounding of 6e-8."
)


def write(job: Job) -> Written:
    """Write ``<name>.usda`` and ``simready/``.

    Raises:
        UsdError: ``usd_not_found``.
    """
    name = job.subject.twin.name
    asset = place_simready(job, job.folder)
    main = f"{name}.usda"
    _reference(job.folder / main, name, f"./{asset.relative_to(job.folder).as_posix()}", "PhysX")
    notes = (
        f"Reference {main}: it is simready/{main} with the variant PhysX selected.",
        f"simready/{main} itself is neutral and untouched (Robotics-Prop); its variants PhysX, Newton and MuJoCo "
        "are for one engine each.",
    )
    return Written(main, (SINGLE,), notes)


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
    expected = facts_of(describe_twin(job.layout))
    return compare_facts(expected, read_usd(job.folder / written.main, job.layout, job.settings))


def drop(job: Job, written: Written) -> DropAgreement:
    """The file dropped in PhysX."""
    scene = describe_twin(job.layout)

    def run(orientation: str) -> Fall:
        return drop_physx(job.folder / written.main, scene, job.settings, orientation)

    return agreement("physx", job.subject.certificate, scene, run)
