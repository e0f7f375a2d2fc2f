"""A twin as a layered SimReady asset on disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from pxr import Gf, Sdf, Usd

from physicl_twin.model import OutputError, Twin
from physicl_twin.render.textures import mean_color
from physicl_twin.usd import layers, runtimes
from physicl_twin.usd.geometry import geometry_layer
from physicl_twin.usd.handles import plan_grasps
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout, plan
from physicl_twin.usd.materials import material_layer
from physicl_twin.usd.metadata import RUNTIMES, bounds_m, layer_metadata
from physicl_twin.usd.options import UsdOptions
from physicl_twin.usd.structure import base_layer, instance_layer
from physicl_twin.usd.thumbnail import write_thumbnail


def write_asset(twin: Twin, directory: Path, options: UsdOptions, generated: str) -> Path:
    """Write ``<directory>/<name>/simready``; what was there is replaced only when all of the new asset is there.

    Returns:
        Path of the interface layer, ``<directory>/<name>/simready/<name>.usda``.

    Raises:
        UsdError: When the twin is not complete or USD refuses a layer.
        OutputError: ``output_not_writable``.
    """
    layout = plan(twin, options)
    home = directory / twin.name
    try:
        home.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".simready_", dir=home))
    except OSError as error:
        raise OutputError(
            "output_not_writable", f"{directory.name}: {error.strerror}.", "Choose a folder that you may write to."
        ) from error
    try:
        _write_layers(layout, staging, options, generated)
        staging.chmod(0o755)
        final = home / "simready"
        _replace(staging, final)
    except OSError as error:
        raise OutputError(
            "output_not_writable", f"{twin.name}: {error.strerror}.", "Check the folder and the space on the disk."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return final / f"{twin.name}.usda"


def _replace(staging: Path, final: Path) -> None:
    """Move the staged folder to its place; the old one is deleted only when the new one stands there."""
    if not final.exists():
        staging.rename(final)
        return
    old = Path(tempfile.mkdtemp(prefix=".simready_old_", dir=final.parent))
    final.rename(old / "simready")
    try:
        staging.rename(final)
    except OSError:
        (old / "simready").rename(final)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _write_layers(layout: Layout, folder: Path, options: UsdOptions, generated: str) -> None:
    twin = layout.twin
    _write_textures(layout, folder / "textures")
    colors = {look.prim: mean_color(look.appearance) for look in layout.looks}
    payloads = folder / "payloads"
    layers.save(geometry_layer(layout, colors, options.crease_angle_deg), payloads / "geometries.usdc")
    layers.save(material_layer(layout), payloads / "materials.usda")
    layers.save(instance_layer(layout), payloads / "instances.usda")
    layers.save(base_layer(layout, plan_grasps(layout, options.grasp)), payloads / "base.usda")
    for stem, layer in (
        ("physx", runtimes.physx_layer(layout, options)),
        ("newton", runtimes.newton_layer(layout, options)),
        ("mujoco", runtimes.mujoco_layer(layout, options)),
    ):
        layers.save(layer, folder / "runnables" / "physics" / f"{stem}.usda")
    interface = _interface_layer(layout)
    path = folder / f"{twin.name}.usda"
    layers.save(interface, path)
    stage = Usd.Stage.Open(str(path))
    low, high = bounds_m(stage)
    interface.customLayerData = layer_metadata(stage, twin, options, generated)
    del stage
    # Default, render, proxy and guide in USD's order; only the first has geometry that counts.
    hint = [Gf.Vec3f(low), Gf.Vec3f(high)]
    layers.attribute(interface.GetPrimAtPath(layout.root), "extentsHint", Types.Float3Array, hint)
    layers.save(interface, path)
    write_thumbnail(twin, folder / ".thumbs" / "256x256" / f"{twin.name}.usda.png", options.thumbnail_px)


def _interface_layer(layout: Layout) -> Sdf.Layer:
    """The layer that users reference: a component that loads the base, and one variant set an engine."""
    layer = layers.new_layer(".usda", layout.root[1:])
    root = layers.define(layer, layout.root, "Xform", apis=("GeomModelAPI",))
    root.SetInfo("kind", "component")
    root.payloadList.Prepend(Sdf.Payload("./payloads/base.usda"))
    root.SetInfo("variantSetNames", Sdf.StringListOp.Create(prependedItems=[name for name, _ in RUNTIMES]))
    for name, stem in RUNTIMES:
        variants = Sdf.VariantSetSpec(root, name)
        Sdf.VariantSpec(variants, "Disabled")
        enabled = Sdf.VariantSpec(variants, "Enabled")
        enabled.primSpec.payloadList.Prepend(Sdf.Payload(f"./runnables/physics/{stem}.usda"))
        root.variantSelections[name] = "Disabled"
    return layer


def _write_textures(layout: Layout, folder: Path) -> None:
    if not layout.textures:
        return
    folder.mkdir(parents=True, exist_ok=True)
    data = {t.file: t.data for look in layout.looks for t in look.appearance.textures if t.data is not None}
    for file, name in layout.textures:
        if file in data:
            (folder / name).write_bytes(data[file])
