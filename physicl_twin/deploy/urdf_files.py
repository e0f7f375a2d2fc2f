"""The material library of the OBJ meshes."""

from __future__ import annotations

from collections.abc import Iterable

from physicl_twin.deploy.visuals import Look
from physicl_twin.deploy.xml_text import number, numbers


def material_library(looks: Iterable[Look]) -> str:
    """MTL text: colours are sRGB, as its readers take them; ``Pm`` and ``Pr`` are metallic and roughness."""
    lines = []
    for look in looks:
        color = numbers(look.rgba[:3])
        gloss = round(1000.0 * (1.0 - look.roughness) ** 2, 3)
        lines += [f"newmtl {look.name}", f"Ka {color}", f"Kd {color}", "Ks 0.04 0.04 0.04", f"Ns {number(gloss)}"]
        lines += [f"d {number(look.rgba[3])}", f"Pm {number(look.metallic)}", f"Pr {number(look.roughness)}", "illum 2"]
        if look.texture:
            lines.append(f"map_Kd {look.texture}")
        lines.append("")
    return "\n".join(lines)
