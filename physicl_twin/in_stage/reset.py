"""Taking back what was written on a stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pxr import Sdf, Usd

from physicl_twin.in_stage.author import BINDING, MADE, NOTES, PROPERTIES, Author, carry_out, is_ours, notes_of, short
from physicl_twin.in_stage.report import InStageReport, ReadyBody, Skip
from physicl_twin.in_stage.selection import prim_at


def reset_to_authored(stage: Usd.Stage, paths: Sequence[str]) -> InStageReport:
    """Take back what these operations wrote in the edit target's layer, and nothing else.

    Physics materials of ours that nothing uses any more go, too.

    Args:
        stage: The stage.
        paths: Prims; everything below them is looked at.

    Raises:
        UsdError: As ``make_sim_ready``.
    """
    author = Author(stage)
    skipped: list[Skip] = []
    ours: dict[Sdf.Path, Usd.Prim] = {}
    for path in dict.fromkeys(paths):
        prim = prim_at(stage, path)
        if prim is None:
            skipped.append(Skip(path, "prim_gone", f"There is no prim at {path} any more.", "Select it again."))
            continue
        noted = [p for p in Usd.PrimRange(prim) if is_ours(p) and not _is_support(p)]
        here = {p.GetPath(): p for p in noted if author.own(p)}
        if not noted:
            skipped.append(Skip(path, "nothing_ours", f"Nothing at {path} was written by Physicl Twin."))
        elif not here:
            name = _layer_of_notes(noted[0])
            message = f"What Physicl Twin wrote at {path} stands in {name}."
            skipped.append(Skip(path, "written_elsewhere", message, f"Make {name} the edit target."))
        ours |= here
    rest = (p for p in stage.TraverseAll() if p.GetPath() not in ours)
    used, bound = _bound(rest), _bound(ours.values())

    def write() -> list[ReadyBody]:
        done = [ReadyBody(str(path), None, (), 0, author.forget(prim)) for path, prim in ours.items()]
        for home in sorted({path.GetParentPath() for path in bound}):
            _clear(stage, author, home, used)
        return done

    return carry_out(author, skipped, write)


def _clear(stage: Usd.Stage, author: Author, home: Sdf.Path, used: set[Sdf.Path]) -> None:
    """Take away materials of ours that nothing uses, those of earlier statements, too, and where they stood."""
    scope = stage.GetPrimAtPath(home)
    for material in scope.GetChildren() if scope else ():
        if material.GetPath() not in used and _is_material(material) and author.own(material):
            author.remove(material.GetPath())
    spec = author.layer.GetPrimAtPath(author.mapped(home))
    if spec and not spec.nameChildren and dict(spec.customData).get(NOTES, {}).get(PROPERTIES) == MADE:
        author.remove(home)
        author.journal.prune(author.mapped(home).GetParentPath())


def _bound(prims: Iterable[Usd.Prim]) -> set[Sdf.Path]:
    return {path for p in prims if (binding := p.GetRelationship(BINDING)) for path in binding.GetTargets()}


def _layer_of_notes(prim: Usd.Prim) -> str:
    """Name of the strongest layer that holds notes of ours on a prim."""
    return next(short(spec.layer) for spec in prim.GetPrimStack() if NOTES in dict(spec.customData))


def _is_support(prim: Usd.Prim) -> bool:
    """Materials of ours, and where they stand: they go when nothing uses them any more."""
    return _is_material(prim) or notes_of(prim).get(PROPERTIES) == MADE


def _is_material(prim: Usd.Prim) -> bool:
    return bool(prim.GetTypeName() == "Material")
