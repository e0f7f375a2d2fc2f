"""MTL: the material library of OBJ."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.looks import linear_color, unit_interval
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.material import TextureSlot

#: Number of words after each option of a texture statement; -1 for one to three numbers.
_OPTION_WORDS = {
    "-blendu": 1,
    "-blendv": 1,
    "-boost": 1,
    "-mm": 2,
    "-o": -1,
    "-s": -1,
    "-t": -1,
    "-texres": 1,
    "-clamp": 1,
    "-bm": 1,
    "-imfchan": 1,
    "-type": 1,
    "-cc": 1,
    "-colorspace": 1,
}
_MAPS: dict[str, TextureSlot] = {
    "map_kd": "base_color",
    "map_d": "opacity",
    "map_pr": "roughness",
    "map_pm": "metallic",
    "map_ke": "emissive",
    "norm": "normal",
    "map_kn": "normal",
}
_BUMPS = ("map_bump", "bump")


@dataclass(slots=True)
class _Statements:
    """Statements of one ``newmtl`` block."""

    name: str
    values: dict[str, str] = field(default_factory=dict)


def read_mtl(path: Path, builder: SceneBuilder, used: Collection[str]) -> dict[str, Appearance]:
    """Looks by material name.

    Colours are taken as sRGB, as viewers show them (the format does not say; our judgement).

    Args:
        path: The library.
        builder: Of the file that refers to it.
        used: Names of the materials that the file uses: a library may serve a hundred files, with textures for all.
    """
    blocks: list[_Statements] = []
    for raw in (
        path.read_bytes().replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").decode("utf-8", "replace").splitlines()
    ):
        words = raw.strip().split(None, 1)
        if not words or words[0].startswith("#"):
            continue
        rest = words[1].strip() if len(words) > 1 else ""
        if words[0].lower() == "newmtl":
            blocks.append(_Statements(rest))
        elif blocks:
            blocks[-1].values[words[0].lower()] = rest
    return {block.name: _appearance(block, path, builder) for block in blocks if block.name in used}


def _color(text: str | None) -> tuple[float, float, float] | None:
    words = (text or "").split()
    try:
        values = [float(word) for word in words[:3]]
    except ValueError:  # "spectral file.rfl" and "xyz" colours are not RGB.
        return None
    if not values or not all(math.isfinite(v) for v in values):
        return None
    r, g, b = values if len(values) == 3 else (values[0],) * 3
    return linear_color(r, g, b)


def _appearance(block: _Statements, path: Path, builder: SceneBuilder) -> Appearance:
    values = block.values
    if "d" in values:
        opacity = unit_interval((values["d"].split() or ["1"])[-1], 1.0)  # "d -halo 0.5" has an option before it.
    else:
        opacity = 1.0 - unit_interval(values.get("tr", "0"), 0.0)
    return Appearance(
        name=block.name or "material",
        base_color=_color(values.get("kd")) or (0.5, 0.5, 0.5),
        metallic=unit_interval(values.get("pm"), 0.0),
        roughness=_roughness(values),
        opacity=opacity,
        emissive=_color(values.get("ke")) or (0.0, 0.0, 0.0),
        textures=_textures(values, path, builder),
        source_name=block.name,
    )


def _roughness(values: dict[str, str]) -> float:
    """``Pr`` where it stands; else from the Phong exponent ``Ns``.

    alpha = sqrt(2 / (Ns + 2)) (Walter et al., Microfacet Models for Refraction, EGSR 2007, section 5.2), and
    UsdPreviewSurface squares its roughness to alpha.
    """
    if "pr" in values:
        return unit_interval(values["pr"], 0.6)
    try:
        exponent = float(values["ns"])
    except (KeyError, ValueError):
        return 0.6
    return (2.0 / (exponent + 2.0)) ** 0.25 if math.isfinite(exponent) and exponent >= 0 else 0.6


def _textures(values: dict[str, str], path: Path, builder: SceneBuilder) -> tuple[Texture, ...]:
    wanted: list[tuple[TextureSlot, str]] = [(slot, values[key]) for key, slot in _MAPS.items() if values.get(key)]
    for key in _BUMPS:
        if values.get(key) and not any(slot == "normal" for slot, _ in wanted):
            name = texture_name(values[key])
            if any(word in name.lower() for word in ("normal", "nrm", "_nor")):
                wanted.append(("normal", values[key]))
            else:
                builder.note(
                    "bump_map_ignored",
                    "info",
                    f"{path.name}: the height map {name[:80]!r} is no normal map and is left out.",
                )
    textures: dict[TextureSlot, Texture] = {}
    for slot, statement in wanted:
        uri = texture_name(statement)
        texture = builder.texture_file(slot, uri, path.name, path.parent) if uri and slot not in textures else None
        if texture is not None:
            textures[slot] = texture
    return tuple(textures.values())


def texture_name(statement: str) -> str:
    """File name of a texture statement, after its options; it may contain spaces."""
    words = statement.split()
    i = 0
    while i < len(words) and words[i].lower() in _OPTION_WORDS:
        count = _OPTION_WORDS[words[i].lower()]
        i += 1
        if count > 0:
            i += count
            continue
        for _ in range(3):
            if i < len(words) - 1 and _is_number(words[i]):
                i += 1
    return " ".join(words[i:]).strip('"')


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
