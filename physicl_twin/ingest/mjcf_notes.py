"""What of an MJCF model has no place in a twin, by name."""

from __future__ import annotations

from collections.abc import Iterable

from physicl_twin.ingest.description_settings import HIGHEST_FRICTION
from physicl_twin.ingest.mjcf_mass import is_stated
from physicl_twin.ingest.mjcf_model import MjcfModel
from physicl_twin.ingest.mjcf_tree import GROUND, WORLD, Tree
from physicl_twin.model import Note

_MOST_NAMES = 8
#: Standard gravity differs from what files write by less than this, m/s2.
_GRAVITY_SLACK = 0.02


def notes_of(model: MjcfModel, tree: Tree) -> list[Note]:
    """Notes about everything that is left out or left to be derived."""
    notes = [
        Note("left_out", "info", f"Left out, {kind}s: {_names(names)}.") for kind, names in model.left.items() if names
    ]
    for missing in model.missing:
        message = f"The description refers to {missing[:120]!r}, which is not there."
        hint = "Keep the folders of the description together, or put the file where it is looked for."
        notes.append(Note("mesh_missing", "warning", message, hint))
    ground = [g.name or g.kind for g in model.geoms if g.kind in GROUND]
    if ground:
        message = f"The ground of the description is left out: {_names(ground)}."
        notes.append(Note("ground_left_out", "info", message, "A scene brings its own ground."))
    moved = [model.body_names[b] for b in tree.left if model.bodies[b].mocap]
    if moved:
        message = f"Left out, bodies that a script moves (mocap): {_names(moved)}."
        notes.append(Note("mocap_left_out", "info", message))
    others = [model.body_names[b] for b in tree.left if not model.bodies[b].mocap and not model.bodies[b].soft]
    others += [] if tree.needs_base else [model.body_names[b] for b in tree.frames]
    if others:
        notes.append(Note("left_out", "info", f"Left out, frames on the world without matter: {_names(others)}."))
    tendons = [t.name or "unnamed" for t in model.tendons if t.acts or t.joints is None]
    if tendons:
        message = f"Springs, dampers, limits and paths of tendons are left out: {_names(tendons)}."
        notes.append(Note("tendon_left_out", "warning", message, "USD physics has no tendons."))
    lifted = [model.body_names[i] for i, body in enumerate(model.bodies) if body.gravcomp]
    if lifted:
        message = f"Gravity compensation is left out: {_names(lifted)}."
        notes.append(Note("gravity_compensation_left_out", "warning", message))
    pairs = [f"{_geom(model, a)} and {_geom(model, b)}" for a, b in model.pairs]
    if pairs:
        message = f"Contact parameters of single pairs are left out: {_names(pairs)}."
        notes.append(Note("contact_pair_left_out", "info", message))
    sites = [s.name or "unnamed" for s in model.sites if s.body == WORLD]
    if sites and not tree.needs_base:
        notes.append(Note("left_out", "info", f"Left out, sites of the world: {_names(sites)}."))
    notes += _mass_notes(model, tree) + _surroundings(model)
    return notes


def _mass_notes(model: MjcfModel, tree: Tree) -> list[Note]:
    unstated = [
        model.body_names[b]
        for b in range(1, len(model.bodies))
        if model.bodies[b].mass > 0.0 and tree.holder.get(b, -1) not in ({-1} | tree.static) and not is_stated(model, b)
    ]
    if not unstated:
        return []
    message = f"The file states no mass for {_names(unstated)}; MuJoCo takes 1000 kg/m3 there. It is derived instead."
    return [Note("default_density", "info", message)]


def _surroundings(model: MjcfModel) -> list[Note]:
    """Options of the simulation that no asset carries."""
    notes = []
    x, y, z = model.gravity
    if abs(x) + abs(y) + abs(z + 9.81) > _GRAVITY_SLACK:
        notes.append(Note("gravity_left_out", "info", f"The description's gravity ({x:g}, {y:g}, {z:g}) is left out."))
    if any(model.fluid):
        density, viscosity = model.fluid
        message = f"The description's medium is left out (density {density:g} kg/m3, viscosity {viscosity:g} Pa s)."
        notes.append(Note("medium_left_out", "info", message))
    if model.solver:
        message = f"MuJoCo's solver parameters are left out: {', '.join(model.solver)}."
        notes.append(
            Note("solver_parameters_left_out", "info", message, "They are softness of one solver's constraints.")
        )
    if any(g.friction[1:] != (0.005, 0.0001) for g in model.geoms if g.collides):
        message = "Torsional and rolling friction of geoms are left out."
        notes.append(Note("friction_simplified", "info", message))
    slipless = [_geom(model, i) for i, g in enumerate(model.geoms) if g.collides and g.friction[0] > HIGHEST_FRICTION]
    if slipless:
        message = f"The friction of {_names(slipless)} is more than any surface has; it is left out."
        notes.append(Note("friction_implausible", "info", message))
    return notes


def _geom(model: MjcfModel, number: int) -> str:
    geom = model.geoms[number]
    return geom.name or f"a {geom.kind} of {model.body_names[geom.body]}"


def _names(names: Iterable[str]) -> str:
    every = [name or "unnamed" for name in names]
    more = f" and {len(every) - _MOST_NAMES} more" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more
