"""The values of a member of a set, as lines: what was drawn, what was not varied, how it came to rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from physicl_twin.model import Support, Variation, from_json
from physicl_twin.page import numbers
from physicl_twin.workbench.cards import Line
from physicl_twin.workbench.knobs import varies
from physicl_twin.workbench.set_view import reason
from physicl_twin.workbench.texts import count


def member_lines(facts: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[Line, ...]:
    """Lines of a member.

    Args:
        facts: What ``workbench.member`` says of it.
        spec: Tables of the set's spec, which say what was varied.

    Raises:
        PhysiclError: ``record_invalid`` when the facts are of another shape.
    """
    variation, support = from_json(Variation, facts["variation"]), from_json(Support, facts["support"])
    lines = _objects(variation, facts["masses_kg"], spec)
    surface = (
        f"µs {_three(support.static_friction)}, µk {_three(support.dynamic_friction)}, "
        f"restitution {_three(support.restitution)}"
    )
    varied = _varied(spec, "scene.static_friction", "scene.dynamic_ratio", "scene.restitution")
    lines.append(_line("surface of the support", surface, varied))
    light = variation.light
    sky = f"{numbers.rounded(light.dome_intensity, 3)} nit, {numbers.rounded(light.dome_kelvin, 3)} K"
    lines.append(_line("sky", sky, _varied(spec, "light.dome_nits", "light.dome_kelvin")))
    lamp = (
        f"{numbers.rounded(light.key_intensity, 3)} nit, {numbers.rounded(light.key_kelvin, 3)} K, "
        f"from {_degrees(light.key_azimuth_rad)}, {_degrees(light.key_elevation_rad)} high"
    )
    keys = ("light.key_nits", "light.key_kelvin", "light.key_azimuth_deg", "light.key_elevation_deg")
    lines.append(_line("lamp", lamp, _varied(spec, *keys)))
    camera = variation.camera
    at = ", ".join(numbers.fixed(value, 2) for value in camera.pose.position_m)
    seen = f"at {at} m, {_three(camera.focal_length_mm)} mm"
    keys = ("camera.distance", "camera.azimuth_deg", "camera.elevation_deg", "camera.focal_length_mm")
    lines.append(_line("camera", seen, _varied(spec, *keys)))
    if variation.occlusion is not None:
        hidden = f"{100 * variation.occlusion:.0f} % of {variation.target}"
        lines.append(_line("hidden", hidden, True))
    return (*lines, *_rest(facts.get("rest") or {}))


def _objects(variation: Variation, masses_kg: Mapping[str, float], spec: Mapping[str, Any]) -> list[Line]:
    lines = []
    for one in variation.instances:
        mass = numbers.quantity(masses_kg[one.name], "kg", 3)
        said = [f"{mass} ({_percent(one.mass_factor)})"]
        if one.scale != 1.0:
            said.append(f"size × {_three(one.scale)}")
        if one.surfaces:
            first = one.surfaces[0]
            more = f" and {len(one.surfaces) - 1} more" if len(one.surfaces) > 1 else ""
            said.append(f"µs {_three(first.static_friction)}, µk {_three(first.dynamic_friction)}{more}")
        full = "\n".join(
            f"{surface.material}: µs {_three(surface.static_friction)}, µk {_three(surface.dynamic_friction)}, "
            f"restitution {_three(surface.restitution)}"
            for surface in one.surfaces
        )
        keys = ("object.density", "object.friction", "object.restitution", "object.scale")
        varied = _varied(spec, *keys, twin=one.twin)
        lines.append(Line(one.name, " · ".join(said), *_tone(varied), full))
        x, y, z = one.pose.position_m
        where = f"at {numbers.fixed(x, 3)}, {numbers.fixed(y, 3)}, {numbers.fixed(z, 3)} m"
        painted = count(len(one.looks), "look", "looks") + " changed" if one.looks else "looks as it is"
        lines.append(Line(f"{one.name} lies", f"{where} · {painted}", "plain", "settled"))
    return lines


def _rest(rest: Mapping[str, Any]) -> list[Line]:
    if not rest or rest.get("settle_s") is None:
        return []
    moved, overlap = float(rest["moved_m"]), float(rest["overlap_m"] or 0.0)
    said = (
        f"after {_three(float(rest['settle_s']))} s; woken, it moves {numbers.quantity(moved, 'm', 2)} and turns "
        f"{_three(float(rest['turned_deg']))}°; deepest overlap {numbers.quantity(overlap, 'm', 2)}"
    )
    lines = [Line("at rest", said, "good", "accepted")]
    if rest.get("reasons"):
        listed = ", ".join(reason(name) for name in dict.fromkeys(rest["reasons"]))
        lines.append(Line(f"draw {int(rest['attempts'])} was accepted", f"before: {listed}", "muted", "drawn again"))
    return lines


def _varied(spec: Mapping[str, Any], *keys: str, twin: str = "") -> bool:
    """True when one of the keys differs between members, of a twin where it has values of its own."""
    own = spec.get("twin", {}).get(twin, {})
    for key in keys:
        table, name = key.split(".", 1)
        if varies(own.get(table, {}).get(name, spec[table][name])):
            return True
    return False


def _line(text: str, detail: str, varied: bool) -> Line:
    return Line(text, detail, *_tone(varied))


def _tone(varied: bool) -> tuple[Any, str]:
    return ("plain", "drawn") if varied else ("muted", "not varied")


def _three(value: float) -> str:
    return numbers.significant(value, 3)


def _degrees(angle_rad: float) -> str:
    return f"{numbers.fixed(math.degrees(angle_rad), 0)}°"


def _percent(factor: float) -> str:
    change = 100.0 * (factor - 1.0)
    return "the best estimate" if abs(change) < 0.05 else f"{'+' if change > 0 else ''}{numbers.fixed(change, 1)} %"
