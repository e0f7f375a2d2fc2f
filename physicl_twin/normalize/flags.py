"""What needs a look is said aloud: one note for each flag that estimates and materials carry."""

from __future__ import annotations

from collections.abc import Iterator

from physicl_twin.model import Note, Twin
from physicl_twin.model.twin import Severity

#: Severity, sentence about ``{names}`` and hint of each flag.
_WORDS: dict[str, tuple[Severity, str, str]] = {
    "unknown_material": (
        "warning",
        "The material of {names} is not known; the mass is a wide guess over all materials, hollow or solid.",
        'Say it with --material "PART=MATERIAL", or give the weighed mass with --mass.',
    ),
    "weak_material_evidence": (
        "warning",
        "The material of {names} is a guess from what such things are usually made of, or from their look.",
        'Say it with --material "PART=MATERIAL", or give the weighed mass with --mass.',
    ),
    "vague_material": (
        "info",
        "The material of {names} is named only by its family; the interval spans the family's members.",
        "A grade or a standard code makes it narrower.",
    ),
    "several_materials": (
        "info",
        "Several materials remain possible for {names}; the interval spans them.",
        "inspect lists the alternatives.",
    ),
    "material_from_density": (
        "info",
        "The material of {names} follows from the density that the source states.",
        "",
    ),
    "density_conflict": (
        "warning",
        "The density stated for {names} does not fit the material that is named.",
        "Check the source, or say the material with --material.",
    ),
    "density_unit_assumed": (
        "warning",
        "The density that the source states for {names} has no unit; the likeliest one was taken.",
        "Check the density in the report, or say the material with --material.",
    ),
    "family_value": ("info", "Some values of {names} are their material family's: their own have no source.", ""),
    "no_source": ("info", "Some values of {names} span all materials: no source was found for theirs.", ""),
    "dynamic_from_static": ("info", "The dynamic friction of {names} is derived from the static one.", ""),
    "open_surface": (
        "warning",
        "The surface of {names} encloses nothing; it counts as a thin sheet of unknown thickness.",
        "Close the surface, or give the weighed mass with --mass.",
    ),
    "hollow_or_solid": (
        "info",
        "Whether {names} is hollow, filled or solid is open; the interval spans what remains possible.",
        "A weighed mass (--mass) or a file of materials beside the source decides it.",
    ),
    "massless_link": (
        "info",
        "{names} has neither mass nor geometry and stands between joints; it got a small mass for the solvers.",
        "State its mass in the source.",
    ),
    "joint_prior": (
        "info",
        "Friction, damping or armature of {names} are what such joints usually have, to within a wide interval.",
        "State them in the source, or find them from a recording of its motion (identify).",
    ),
    "derived_gains": (
        "info",
        "Nobody states the gains of {names}; their drives have a natural frequency and a damping ratio of ours.",
        "State the gains of the real controller, or tune [dynamics] in the settings.",
    ),
    "methods_disagree": (
        "warning",
        "Two ways to measure the volume of {names} disagree; the interval was widened.",
        "Repair the mesh for a narrower one.",
    ),
}

#: At most this many names stand in a sentence.
_NAMES_MAX = 3


def with_flag_notes(twin: Twin) -> Twin:
    """The twin with one note for each flag of what it consists of that no note speaks of yet."""
    spoken = {note.code for note in twin.notes}
    names: dict[str, list[str]] = {}
    for flag, name in _raised(twin):
        if name not in names.setdefault(flag, []):
            names[flag].append(name)
    return twin.with_notes(*(_note(flag, found) for flag, found in names.items() if flag not in spoken))


def _raised(twin: Twin) -> Iterator[tuple[str, str]]:
    """Flags with the name of what carries them: materials by the parts that are made of them."""
    for part in twin.parts:
        material = twin.material(part.material)
        estimates = [material.density, material.static_friction, material.dynamic_friction, material.restitution]
        estimates += [e for e in (material.youngs_modulus, material.poissons_ratio, part.mass) if e is not None]
        for flag in (*material.flags, *(flag for estimate in estimates for flag in estimate.flags)):
            yield flag, part.name
        solid = twin.shape(part.shape).solid
        for flag in solid.volume.flags if solid is not None else ():
            yield flag, part.name
    for body in twin.bodies:
        for flag in body.mass.flags if body.mass is not None else ():
            yield flag, body.name
    for joint in twin.joints:
        told = [joint.max_force, joint.max_velocity, joint.friction, joint.damping, joint.stiffness, joint.armature]
        if joint.drive is not None:
            told += [joint.drive.stiffness, joint.drive.damping, joint.drive.max_force]
        for flag in dict.fromkeys(flag for estimate in told if estimate is not None for flag in estimate.flags):
            yield flag, joint.name


def _note(flag: str, names: list[str]) -> Note:
    listed = ", ".join(names[:_NAMES_MAX])
    if len(names) > _NAMES_MAX:
        listed += f" and {len(names) - _NAMES_MAX} more"
    severity, sentence, hint = _WORDS.get(flag, ("info", f"{{names}} is flagged: {flag.replace('_', ' ')}.", ""))
    return Note(flag, severity, sentence.format(names=listed), hint)
