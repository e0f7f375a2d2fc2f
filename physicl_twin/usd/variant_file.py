"""All members of a set behind one variant set, for whoever wants to step through them in a single stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pxr import Sdf

from physicl_twin.usd import layers
from physicl_twin.usd.variation_set import member_path

#: The file, beside ``scene.usda``, and its variant set on ``/World``.
VARIANTS, VARIANT_SET = "variants.usda", "variation"


def write_variants(folder: Path, members: Sequence[int]) -> Path:
    """Write ``variants.usda``: each variant references a member's layer, so nothing is copied.

    Args:
        folder: Of the set.
        members: Numbers of the accepted members; the first is the one that is selected.

    Raises:
        UsdError: ``usd_not_written``.
    """
    layer = layers.new_layer(".usda", "World")
    with Sdf.ChangeBlock():
        world = layers.define(layer, "/World", "Xform")
        world.SetInfo("kind", "assembly")
        names = Sdf.VariantSetSpec(world, VARIANT_SET)
        world.variantSetNameList.prependedItems = [VARIANT_SET]
        for number in members:
            file = member_path(number)
            variant = Sdf.VariantSpec(names, Path(file).stem)
            layers.reference(variant.primSpec, f"./{file}", "/World")
        world.variantSelections[VARIANT_SET] = Path(member_path(members[0])).stem
    # Whole or not at all: a reader never finds half a file.
    path, part = folder / VARIANTS, folder / f".{VARIANTS}"
    try:
        layers.save(layer, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
