"""Friction and restitution: bound on every collider, physical, and those of the record."""

from __future__ import annotations

from physicl_twin.usd.names import identifier
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.stage_view import ColliderView, PhysicsMaterialView, read_static_colliders
from physicl_twin.validate.subject import NotChecked, Subject

_REBUILD = "Build the twin again, or give the part's material with --material."


def _colliders(subject: Subject) -> tuple[ColliderView, ...]:
    colliders = tuple(c for body in subject.all_bodies for c in body.colliders)
    colliders += read_static_colliders(subject.stage)
    if not colliders:
        raise NotChecked("No body has a collider.")
    return colliders


def _materials(subject: Subject) -> tuple[PhysicsMaterialView, ...]:
    found = {c.material.path: c.material for c in _colliders(subject) if c.material is not None}
    if not found:
        raise NotChecked("No collider has a physics material.")
    return tuple(found.values())


@check("friction.bound", "Every collider has a physics material", _REBUILD)
def bound(subject: Subject) -> Findings:
    """With static and dynamic friction and restitution authored (engines differ in their defaults)."""
    found = Findings()
    for collider in _colliders(subject):
        if not found.require(collider.material is not None, collider.path, "It has no physics material."):
            continue
        assert collider.material is not None
        values = {
            "static friction": collider.material.static_friction,
            "dynamic friction": collider.material.dynamic_friction,
            "restitution": collider.material.restitution,
        }
        missing = [name for name, value in values.items() if value is None]
        found.require(not missing, collider.material.path, f"Not authored: {', '.join(missing)}.")
    found.summary = f"{len(_colliders(subject))} colliders."
    return found


@check("friction.range", "Friction coefficients are physical", _REBUILD)
def coefficient_range(subject: Subject) -> Findings:
    """Above 0, at most what rubber on dry ground reaches; 0 where the source says so: of stand-ins for rollers."""
    found = Findings()
    limit = subject.number("friction_max")
    slippery = _frictionless(subject)
    texts = []
    for material in _materials(subject):
        rolls = material.path.rpartition("/")[2] in slippery
        for name, value in (("static", material.static_friction), ("dynamic", material.dynamic_friction)):
            ok = value is not None and (0 < value <= limit or (rolls and value == 0))
            found.require(ok, material.path, f"Its {name} friction is {value}; expected above 0, at most {limit:g}.")
        texts.append(f"{material.static_friction:.3g} / {material.dynamic_friction:.3g}" if not found.failures else "")
    found.summary = f"µs / µk {', '.join(texts[:4])}."
    if slippery:
        found.summary += f" The source gives {', '.join(sorted(slippery)[:3])} none; it is kept."
    return found


def _frictionless(subject: Subject) -> frozenset[str]:
    """Prim names of materials to which the source gives no friction: casters that are drawn as fixed balls."""
    if not subject.has_twin:
        return frozenset()
    return frozenset(
        identifier(material.name)
        for material in subject.twin.materials
        for mu in (material.static_friction,)
        if mu.value == 0 and any(item.kind == "source" for item in mu.evidence)
    )


@check("friction.order", "Dynamic friction does not exceed static friction", _REBUILD)
def order(subject: Subject) -> Findings:
    """A sliding body is not held more than a resting one (Coulomb)."""
    found = Findings()
    for material in _materials(subject):
        if material.static_friction is None or material.dynamic_friction is None:
            raise NotChecked(f"{material.path} lacks a coefficient.")
        ok = material.dynamic_friction <= material.static_friction + 1e-6
        found.require(ok, material.path, f"{material.dynamic_friction:.4g} > {material.static_friction:.4g}.")
    found.summary = f"{len(_materials(subject))} physics materials."
    return found


@check("friction.restitution", "Restitution is between 0 and 1", _REBUILD)
def restitution(subject: Subject) -> Findings:
    """Above 1 a bounce would make energy."""
    found = Findings()
    for material in _materials(subject):
        ok = material.restitution is not None and 0 <= material.restitution <= 1
        found.require(ok, material.path, f"It is {material.restitution}.")
    found.summary = f"{len(_materials(subject))} physics materials."
    return found


@check("friction.density", "Densities of physics materials are those of solids", "Check the unit: kg/m³.")
def density(subject: Subject) -> Findings:
    """Where one is authored."""
    found = Findings()
    low, high = subject.number("density_min_kgm3"), subject.number("density_max_kgm3")
    authored = [m for m in _materials(subject) if m.density is not None]
    for material in authored:
        ok = material.density is not None and low <= material.density <= high
        found.require(ok, material.path, f"It is {material.density:g} kg/m³; expected {low:g} to {high:g}.")
    found.summary = f"{len(authored)} densities."
    return found


@check("friction.equal", "Stage and twin.json state the same friction", _REBUILD)
def equal(subject: Subject) -> Findings:
    """The material of each part that collides is on the stage with its friction and restitution."""
    found = Findings()
    tolerance = subject.number("mass_relative_tolerance")
    parts = [part for part in subject.twin.parts if part.material]
    if not found.require(bool(parts), "twin.json", "No part has a material."):
        return found
    # What is only seen touches nothing: its material's friction stands nowhere on the stage.
    used = sorted({part.material for part in parts if part.collides})
    on_stage = _materials(subject)
    for name in used:
        material = subject.twin.material(name)
        wanted = (material.static_friction.value, material.dynamic_friction.value, material.restitution.value)
        same = any(
            all(
                value is not None and abs(value - want) <= tolerance + 1e-6
                for value, want in zip((m.static_friction, m.dynamic_friction, m.restitution), wanted, strict=True)
            )
            for m in on_stage
        )
        text = f"µs {wanted[0]:.4g}, µk {wanted[1]:.4g}, e {wanted[2]:.4g} are bound to no collider."
        found.require(same, name, text)
    found.summary = f"{len(used)} materials."
    return found
