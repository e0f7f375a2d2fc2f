"""The colour of each CAD face, from the colours of faces, solids, prototypes and instances."""

from __future__ import annotations

from typing import Any

from physicl_twin.ingest.cad_assembly import Look
from physicl_twin.ingest.cad_solids import Piece, explore
from physicl_twin.ingest.cad_tessellate import faces_of

#: Colours that differ by less than this in every channel are one.
_COLOUR_STEP = 1.0 / 512.0


class FaceColours:
    """Colour of each face: its own, else its solid's or shell's, else the one of the placed whole."""

    def __init__(self, styles_of: list[tuple[Any, Look]], placed: Look | None, whole: Any) -> None:
        from OCP.TopTools import TopTools_IndexedMapOfShape

        self._faces = TopTools_IndexedMapOfShape()
        self._looks: dict[int, Look] = {}
        self._placed = placed
        ordered = sorted(styles_of, key=lambda pair: int(pair[0].ShapeType()) if not pair[0].IsNull() else 0)
        for (
            shape,
            look,
        ) in ordered:  # Large shapes first (compound 0 … face 4), so that a face's own colour is written last.
            if shape.IsNull() or shape.IsSame(whole):
                continue
            for face in explore(shape, "FACE"):
                self._looks[self._faces.Add(face)] = look

    def of(self, piece: Piece) -> list[Look | None]:
        """Colour of each of the piece's faces, in the order of ``faces_of``."""
        origin = [(new, old) for new, old in piece.origin if not new.IsSame(old)]
        colours = []
        for face in faces_of(piece.shape):
            index = self._faces.FindIndex(face)
            if not index and origin:
                old = next((old for new, old in origin if new.IsSame(face)), face)
                index = self._faces.FindIndex(old)
            colours.append(self._looks.get(index, self._placed))
        return colours


def look_key(look: Look | None) -> tuple[int, ...]:
    """Equal for colours that the eye cannot tell apart."""
    return tuple(round(value / _COLOUR_STEP) for value in (*look.rgb, look.opacity)) if look else ()
