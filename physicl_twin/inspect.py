"""Every estimate of a twin with its interval and its evidence, for people and for scripts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from physicl_twin.model import Estimate, Evidence, Joint, Makeup, Twin, to_json

#: So many ways of being made up are listed of a part.
_POSSIBILITIES = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An estimate and where in the twin it stands.

    Attributes:
        owner: ``body``, ``part``, ``joint``, ``material`` or ``shape`` with its name: ``material steel_carbon``.
        quantity: Name of the quantity: ``density``.
        estimate: The estimate.
    """

    owner: str
    quantity: str
    estimate: Estimate


def rows(twin: Twin) -> Iterator[Row]:
    """All estimates of a twin: bodies first, then parts, joints, materials and shapes."""
    for body in twin.bodies:
        if body.mass_properties is not None:
            yield Row(f"body {body.name}", "mass", body.mass_properties.mass)
    for part in twin.parts:
        if part.mass is not None:
            yield Row(f"part {part.name}", "mass", part.mass)
    for joint in twin.joints:
        yield from (Row(f"joint {joint.name}", quantity, estimate) for quantity, estimate in joint_estimates(joint))
    for material in twin.materials:
        for field in dataclasses.fields(material):
            value = getattr(material, field.name)
            if isinstance(value, Estimate):
                yield Row(f"material {material.name}", field.name, value)
    for shape in twin.shapes:
        if shape.solid is not None:
            yield Row(f"shape {shape.name}", "volume", shape.solid.volume)


def joint_estimates(joint: Joint) -> Iterator[tuple[str, Estimate]]:
    """(quantity, estimate) of a joint and its drive."""
    told = {
        "max_force": joint.max_force,
        "max_velocity": joint.max_velocity,
        "friction": joint.friction,
        "damping": joint.damping,
        "stiffness": joint.stiffness,
        "armature": joint.armature,
    }
    if joint.drive is not None:
        told |= {"drive_stiffness": joint.drive.stiffness, "drive_damping": joint.drive.damping}
        told["drive_max_force"] = joint.drive.max_force
    yield from ((quantity, estimate) for quantity, estimate in told.items() if estimate is not None)


def as_json(twin: Twin) -> dict[str, Any]:
    """One JSON object: the estimates as a flat list, then the decisions, the mass properties and the notes."""
    return {
        "twin": twin.name,
        "title": twin.title,
        "version": twin.version,
        "licence": twin.licence,
        "estimates": [{"owner": row.owner, "quantity": row.quantity, **to_json(row.estimate)} for row in rows(twin)],
        "units": to_json(twin.frame.units),
        "up_axis": to_json(twin.frame.up_axis),
        "semantics": to_json(twin.semantics),
        "bodies": [
            {"name": body.name, "mass_properties": to_json(body.mass_properties), "parts": [p.name for p in body.parts]}
            for body in twin.bodies
        ],
        "parts": [
            {
                "name": part.name,
                "shape": part.shape,
                "material": part.material,
                "makeup": to_json(part.makeup),
                "collision": _collision(part.collision),
            }
            for part in twin.parts
        ],
        "joints": to_json(twin.joints),
        "articulation": to_json(twin.articulation),
        "proposals": to_json(twin.proposals),
        "materials": [
            {
                "name": material.name,
                "title": material.title,
                "family": material.family,
                "confidence": material.confidence,
                "alternatives": to_json(material.alternatives),
                "evidence": to_json(material.evidence),
                "flags": list(material.flags),
            }
            for material in twin.materials
        ],
        "notes": to_json(twin.notes),
    }


def _collision(collision: Any) -> dict[str, Any] | None:
    if collision is None:
        return None
    return {
        "method": collision.method,
        "pieces": len(collision.colliders),
        "fit": to_json(collision.fit),
        "evidence": to_json(collision.evidence),
    }


def as_text(twin: Twin) -> str:
    """The estimates for people: value, 90 % interval, and why."""
    lines = [f"{twin.title} ({twin.name}, version {twin.version})"]
    for name, decision in (("units", twin.frame.units), ("up axis", twin.frame.up_axis)):
        lines.append(f"\n{name}: {decision.value} (probability {decision.probability:.2f})")
        lines += _why(decision.evidence)
    owner = ""
    materials = {f"material {material.name}": material for material in twin.materials}
    joints = {f"joint {joint.name}": joint for joint in twin.joints}
    for row in rows(twin):
        if row.owner != owner:
            owner = row.owner
            lines.append(f"\n{owner}")
            if (joint := joints.pop(owner, None)) is not None:
                lines += _joint(joint)
            if (material := materials.get(owner)) is not None:
                lines.append(f"  is {material.title}")
                lines += [f"  {line}" for line in _why(material.evidence)]
        e = row.estimate
        unit = "" if e.unit == "1" else f" {e.unit}"
        flags = f"  ⚠ {', '.join(e.flags)}" if e.flags else ""
        lines.append(f"  {row.quantity} {e.value:.5g}{unit}  (90 %: {e.low:.4g} to {e.high:.4g}; {e.method}){flags}")
        lines += [f"  {line}" for line in _why(e.evidence)]
    for owner, joint in joints.items():  # those of which nothing is estimated: fixed ones
        lines += [f"\n{owner}", *_joint(joint)]
    lines += _mechanism(twin)
    for part in twin.parts:
        if part.makeup is not None:
            said = ", ".join(f"{kind} {probability:.0%}" for kind, probability in part.makeup.kinds())
            lines.append(f"\ninside of {part.name}: {said}")
            lines += [f"  {line}" for line in _possibilities(part.makeup)]
            lines += _why(part.makeup.evidence)
    for part in twin.parts:
        if part.collision is not None:
            fit = part.collision.fit
            lines.append(f"\ncollision of {part.name}: {part.collision.method}, {len(part.collision.colliders)} pieces")
            lines.append(f"  mean distance {fit.mean_m * 1e3:.3g} mm, worst {fit.max_m * 1e3:.3g} mm")
            lines += _why(part.collision.evidence)
    if twin.notes:
        lines.append("\nnotes")
        for note in twin.notes:
            mark = "⚠" if note.severity == "warning" else "·"
            lines.append(f"  {mark} {note.message} {note.hint}".rstrip())
    return "\n".join(lines)


def coordinate(joint: Joint, value: float | None) -> str:
    """A coordinate of a joint for people: degrees or millimetres; ``free`` for no limit."""
    if value is None:
        return "free"
    return f"{1e3 * value:.4g} mm" if joint.type == "prismatic" else f"{math.degrees(value):.4g}°"


def _joint(joint: Joint) -> list[str]:
    """What a joint is, where it may go and why, for people."""
    words = f"  {joint.type} {joint.body0 or 'world'} → {joint.body1}"
    if joint.role:
        words += f", a {joint.role}"
    if joint.type != "fixed":
        words += {"revolute": f", about {joint.axis}", "prismatic": f", along {joint.axis}"}.get(joint.type, "")
        words += f", {coordinate(joint, joint.lower)} to {coordinate(joint, joint.upper)}"
        words += f", stands at {coordinate(joint, joint.position)}"
    if joint.mimic is not None:
        words += f", follows {joint.mimic.joint} times {joint.mimic.multiplier:g}"
    if joint.drive is not None:
        words += f", {joint.drive.mode} drive"
    if joint.closes_loop:
        words += ", closes a loop"
    if joint.probability < 1:
        words += f" (probability {joint.probability:.2f})"
    return [words, *(f"  {line}" for line in _why(joint.evidence))]


def _mechanism(twin: Twin) -> list[str]:
    """The articulation, and joints that wait for a decision."""
    lines: list[str] = []
    told = twin.articulation
    if told is not None:
        stands = "fixed in the world" if told.fixed else "free"
        lines.append(f"\narticulation: {told.kind}, root {told.root or 'none'}, {stands}")
        count = len(told.filters)
        lines.append(
            f"  {count} pairs of bodies do not collide; {told.position_iterations or 'usual'} position iterations"
        )
        lines += _why(told.evidence)
    for proposal in twin.proposals:
        lines.append(f"\nproposed joint {proposal.joint.name}: somebody decides")
        lines += _joint(proposal.joint)
        if proposal.parts:
            lines.append(f"  moves {', '.join(proposal.parts[:_POSSIBILITIES])}")
        if proposal.excludes:
            lines.append(f"  excludes {', '.join(proposal.excludes)}")
    return lines


def _possibilities(makeup: Makeup) -> Iterator[str]:
    """The likelier ways of being made up, a line each."""
    for p in makeup.possibilities[:_POSSIBILITIES]:
        words = [f"{p.probability:.0%} {p.kind}"]
        if p.wall_m is not None:
            words.append(f"{p.wall.lower()}, {p.wall_m.low * 1e3:.2g} to {p.wall_m.high * 1e3:.2g} mm")
        if p.contents_density is not None:
            density = p.contents_density
            words.append(f"{p.contents.lower()} of {density.low:.4g} to {density.high:.4g} kg/m3, {p.level:.0%} full")
        if p.effective_density is not None:
            words.append(f"{p.effective_density.low:.4g} to {p.effective_density.high:.4g} kg/m3 as a whole")
        yield ": ".join((words[0], "; ".join(words[1:]))) if len(words) > 1 else words[0]


def _why(evidence: tuple[Evidence, ...]) -> list[str]:
    return [f"  why: {item.statement}" + (f" [{item.source}]" if item.source else "") for item in evidence]
