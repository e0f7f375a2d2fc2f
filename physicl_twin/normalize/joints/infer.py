"""Joints where a source describes none: from geometry, names and what kind of thing it is."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from physicl_twin.model import Note, Progress, Twin, silent
from physicl_twin.normalize.joints.author import Finish, author
from physicl_twin.normalize.joints.candidates import candidates_of
from physicl_twin.normalize.joints.choose import Chosen, choose
from physicl_twin.normalize.joints.glue import glued
from physicl_twin.normalize.joints.pieces import Piece, pieces_of
from physicl_twin.normalize.joints.scene import Scene
from physicl_twin.normalize.joints.settings import JointSettings
from physicl_twin.normalize.material_text import fold


def infer_joints(twin: Twin, table: Mapping[str, Any], finish: Finish, progress: Progress = silent) -> Twin:
    """Find joints in a twin that is one body of several pieces.

    Nothing is looked for where the source describes joints, several bodies, or a body with masses of its own: that is a
    statement about what is rigid. Whatever goes wrong leaves the twin as it was, with a note.

    Args:
        twin: After ``with_solids``.
        table: ``[joints]`` of the pipeline.
        finish: What new shapes need (``with_solids``).
        progress: Told the stage ``joints`` where there is anything to look at.

    Returns:
        The twin with the confident joints and their bodies, and with proposals.

    Raises:
        ConfigError: A setting that is missing or cannot be.
    """
    settings = JointSettings.from_table(table)
    if not settings.infer or not _is_open(twin):
        return twin
    try:
        found = _inferred(twin, settings, finish, progress)
    except Exception as error:
        kind = type(error).__name__
        text = f"Joints were looked for, and that failed ({kind}: {str(error)[:120]}); the object is taken as rigid."
        found = _with_note(twin, Note("joint_inference_failed", "warning", text, "Please report the source."))
    return found


def _is_open(twin: Twin) -> bool:
    if len(twin.bodies) != 1 or twin.joints or twin.proposals or twin.articulation is not None:
        return False
    body = twin.bodies[0]
    stated = body.mass_properties is not None and not any(
        evidence.kind == "rule" for evidence in body.mass_properties.mass.evidence
    )
    return not body.static and not stated


def _inferred(twin: Twin, settings: JointSettings, finish: Finish, progress: Progress) -> Twin:
    pieces = _pieces(twin, settings)
    if len(pieces) < 2:
        return twin
    if len(pieces) > settings.max_pieces:
        text = f"It is of {len(pieces)} pieces; joints are looked for among up to {settings.max_pieces}."
        return _with_note(
            twin, Note("joint_inference_skipped", "info", text, "Raise joints.max_pieces, or describe them.")
        )
    progress("joints", 0.0, f"{len(pieces)} pieces")
    scene = Scene.of(twin, pieces, settings)
    candidates = [one for one in candidates_of(scene) if not _is_said_rigid(scene, one.group)]
    chosen = choose(scene, candidates)
    progress("joints", 1.0, f"{len(chosen.accepted)} joints")
    if scene.left_out > 0:
        text = f"{scene.left_out} of the groups that might move were not looked at, the smallest ones."
        twin = _with_note(twin, Note("joint_candidates_cut", "info", text, "Raise joints.max_candidates."))
    if not chosen.accepted and not chosen.proposed:
        return twin
    found = author(twin, scene, chosen, finish)
    return _with_note(found, *_notes(found, chosen))


def _pieces(twin: Twin, settings: JointSettings) -> list[Piece]:
    body = twin.bodies[0]
    pieces = pieces_of(twin, body, True, settings.max_shells)
    if len(pieces) > settings.max_pieces:
        return pieces_of(twin, body, False, settings.max_shells)
    return glued(pieces) if sum(part.visible for part in body.parts) > 1 else pieces


def _is_said_rigid(scene: Scene, group: frozenset[int]) -> bool:
    patterns = [fold(pattern) for pattern in scene.settings.rigid]
    return any(fnmatchcase(fold(scene.pieces[index].part), pattern) for index in group for pattern in patterns)


def _notes(twin: Twin, chosen: Chosen) -> list[Note]:
    notes = []
    if chosen.accepted:
        names = ", ".join(f"{joint.name} ({joint.probability:.0%})" for joint in twin.joints)
        notes.append(
            Note("joints_inferred", "info", f"The source describes no joints; found: {names}.", "Reject what is wrong.")
        )
    if chosen.proposed:
        names = ", ".join(f"{one.joint.name} ({one.joint.probability:.0%})" for one in twin.proposals)
        notes.append(Note("joints_proposed", "info", f"Likely joints that somebody should decide upon: {names}."))
    return notes


def _with_note(twin: Twin, *notes: Note) -> Twin:
    return twin.with_notes(*(note for note in notes if note not in twin.notes))
