"""A built twin with other materials and masses: everything downstream of them again, its collision geometry kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from physicl_twin import normalize, settings, usd
from physicl_twin.jobs import provenance
from physicl_twin.jobs.provenance import Provenance
from physicl_twin.model import ConfigError, Estimate, Progress, SourceError, Twin, dumps, from_json, loads_twin, to_json
from physicl_twin.normalize.joint_statement import JointStatement
from physicl_twin.normalize.options import parse_mass
from physicl_twin.store import staged
from physicl_twin.validate import validate, write_certificate


@dataclass(frozen=True, slots=True)
class Statements:
    """What a person says of a twin, on top of what was said when it was built.

    Attributes:
        materials: Material by the name of the part.
        masses: Mass such as ``0.603 kg`` by the name of the part; ``*`` for the whole twin.
        joints: What is said of joints.
    """

    materials: Mapping[str, str]
    masses: Mapping[str, str]
    joints: tuple[JointStatement, ...] = ()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Statements:
        """From ``materials`` and ``masses``, and ``joints``: fields of ``JointStatement`` by the name of the joint."""
        said = {str(name): dict(fields) for name, fields in record.get("joints", {}).items()}
        joints = tuple(from_json(JointStatement, {"joint": name} | fields) for name, fields in said.items())
        return cls(dict(record.get("materials", {})), dict(record.get("masses", {})), joints)


def load_complete(folder: Path) -> Twin:
    """The twin of a folder with its geometry.

    Raises:
        SourceError: ``twin_not_found`` when the folder is no twin.
        PhysiclError: When its record or its geometry is damaged.
    """
    try:
        text = (folder / "twin.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "Give the folder that build made: it holds twin.json."
        raise SourceError("twin_not_found", f"{folder.name} is not a twin.", hint) from error
    record = loads_twin(text)
    return usd.attach_geometry(record, folder / "simready" / f"{record.name}.usda")


def restated(folder: Path, twin: Twin, said: Statements, progress: Progress | None = None) -> Twin:
    """The twin with the statements taken into account.

    Args:
        folder: Of the twin; its provenance says what was stated before.
        twin: With its geometry.
        said: New statements; they overrule the old ones.
        progress: Told the stages of normalize.

    Raises:
        MaterialError: A material that is not known.
        ConfigError: A mass that cannot be read.
    """
    options = _options(provenance.read(folder), said)
    # Notes that an earlier statement brought are made again where they still hold.
    bare = replace(twin, notes=tuple(note for note in twin.notes if note.code not in _DERIVED_NOTES))
    return normalize.normalize(bare, options, progress) if progress else normalize.normalize(bare, options)


#: Notes of the stages that run again.
_DERIVED_NOTES = frozenset(
    [
        *("unknown_material", "weak_material_evidence", "vague_material", "several_materials"),
        *("material_from_density", "density_conflict", "density_unit_assumed", "family_value", "no_source"),
        *("dynamic_from_static", "open_surface", "hollow_or_solid", "methods_disagree"),
        *("body_without_mass", "stated_mass_impossible", "part_mass_unused", "mass_contradicts_materials"),
    ]
)


def _options(made: Provenance | None, said: Statements) -> normalize.NormalizeOptions:
    before: dict[str, Any] = json.loads(made.options) if made is not None else {}
    materials = [(str(part), str(material)) for part, material in before.get("materials", [])]
    masses = {str(part): from_json(Estimate, mass) for part, mass in before.get("part_masses", [])}
    whole = from_json(Estimate, before["mass"]) if before.get("mass") else None
    materials += list(said.materials.items())
    for part, text in said.masses.items():
        if part == "*":
            whole = parse_mass(text)
        else:
            masses[part] = parse_mass(text)
    return normalize.NormalizeOptions(
        materials=tuple(materials),
        mass=whole,
        part_masses=tuple(masses.items()),
        joints=said.joints,
        settings=json.loads(made.settings) if made is not None and made.settings else settings.pipeline(),
        seed=made.seed if made is not None else 0,
    )


def accept(folder: Path, said: Statements, engines: list[str], progress: Progress) -> dict[str, Any]:
    """Make the statements a new version of the twin: written, checked, run, and put in the place of the old one.

    Args:
        folder: Of the twin.
        said: The statements.
        engines: Physics engines to run it in.
        progress: Told where it is.

    Returns:
        ``twin`` (folder) and ``version``.

    Raises:
        PhysiclError: Any; the old version then stays.
    """
    made = provenance.read(folder)
    if made is None:
        hint = "Build it again from its source, then edit it."
        raise ConfigError("provenance_missing", f"Nothing says how {folder.name} was made.", hint)
    progress("restate", 0.0)
    twin = restated(folder, load_complete(folder), said)
    twin = replace(twin, version=twin.version + 1)
    options = _options(made, said)
    in_force: dict[str, Any] = json.loads(made.settings)
    with staged(folder.parent, folder.name) as place:
        progress("usd", 0.0)
        usd.write_twin(twin, place.parent, generated=made.generated, settings=in_force)
        (place / "twin.json").write_text(dumps(twin), encoding="utf-8")
        stated = json.loads(made.options) | {
            "materials": to_json(options.materials),
            "mass": to_json(options.mass),
            "part_masses": to_json(options.part_masses),
            "joints": [*json.loads(made.options).get("joints", []), *to_json(said.joints)],
        }
        text = json.dumps(stated, sort_keys=True, ensure_ascii=False)
        # Another request than the one that built it: building the source again is no repetition of this version.
        provenance.write(
            replace(made, version=twin.version, options=text, request_sha256=f"edited-{twin.version}"), place
        )
        certificate = validate(place, engines=engines, settings=in_force, seed=made.seed, progress=progress)
        write_certificate(certificate, place, settings=in_force, twin=twin)
        progress("publish", 0.0)
    return {"twin": str(folder), "version": twin.version}
