"""Geoms of MJCF as parts of bodies: what is seen, what collides, what it looks like."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import Soup
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.links import LinkBuilder, PrimitiveKind, Use
from physicl_twin.ingest.mjcf_looks import Looks
from physicl_twin.ingest.mjcf_mass import density_of
from physicl_twin.ingest.mjcf_model import MjcfGeom, MjcfModel, pose
from physicl_twin.ingest.mjcf_tree import GROUND
from physicl_twin.model import PartHints
from physicl_twin.model.geometry import FloatArray

#: MuJoCo's sliding friction of a geom that has none written (XML reference, geom/friction).
_DEFAULT_FRICTION = 1.0
#: MuJoCo's viewer hides geoms of this group and above (mjv_defaultOption); files put colliders there.
_HIDDEN_GROUP = 3


class Parts:
    """Places geoms.

    Args:
        model: The model.
        links: Receives the parts.
        looks: Of the geoms.
        stating: For estimates.
    """

    def __init__(self, model: MjcfModel, links: LinkBuilder, looks: Looks, stating: Stating) -> None:
        self._model = model
        self._links = links
        self._looks = looks
        self._stating = stating

    def place(self, body: str, members: list[tuple[int, FloatArray]]) -> None:
        """Place the geoms of bodies of the model on a body of the twin.

        Args:
            body: Name of the body.
            members: Numbers of the model's bodies that it holds, with their frames in its frame.
        """
        placed = [
            (geom, frame @ pose(geom.position, geom.wxyz))
            for number, frame in members
            for geom in self._model.geoms
            if geom.body == number and geom.kind not in GROUND
        ]
        shown = [(geom, at) for geom, at in placed if not geom.collides]
        drawn = {_key(geom, at) for geom, at in shown}
        touched = {_key(geom, at) for geom, at in placed if geom.collides}
        groups = {geom.group for geom, _ in shown}
        for geom, at in placed:
            key = _key(geom, at)
            if not geom.collides:
                self._place(body, geom, at, "both" if key in touched else "visual")
            elif key not in drawn:
                hidden = bool(shown) and (geom.group >= _HIDDEN_GROUP or geom.group not in groups)
                self._place(body, geom, at, "collision" if hidden or geom.rgba[3] == 0.0 else "both")

    def _place(self, body: str, geom: MjcfGeom, at: FloatArray, use: Use) -> None:
        mesh = self._model.meshes[geom.mesh] if geom.mesh >= 0 else None
        name = geom.name or (mesh.name if mesh is not None else "") or f"{body} {geom.kind}"
        look = self._looks.of(geom, mesh is not None and mesh.uvs is not None)
        if mesh is None:
            kind, size = _primitive(geom)
            hints = self._hints(geom, _volume(kind, size))
            self._links.primitive(body, name, kind, size, at, use, look, hints)
            return
        chosen = "" if look is None else self._links.builder.look(look)
        soup = Soup(mesh.vertices, mesh.faces, mesh.uvs, mesh.normals, looks=(chosen,) if chosen else ())
        hints = self._hints(geom, _mesh_volume(mesh.vertices, mesh.faces))
        self._links.soup(body, name, soup, at, use, hints, key=f"{geom.mesh} {chosen}")

    def _hints(self, geom: MjcfGeom, volume_m3: float) -> PartHints:
        friction = None
        if geom.collides and geom.friction[0] != _DEFAULT_FRICTION:
            friction = self._stating.friction((geom.friction[0],), "geom friction")
        return PartHints(
            material=self._model.looks[geom.look].name if geom.look >= 0 else "",
            density=density_of(geom, volume_m3, self._stating),
            static_friction=friction,
            dynamic_friction=friction,
        )


def _key(geom: MjcfGeom, at: FloatArray) -> tuple[object, ...]:
    shape: object = geom.mesh if geom.mesh >= 0 else _primitive(geom)
    return shape, np.round(at, 7).tobytes()


def _primitive(geom: MjcfGeom) -> tuple[PrimitiveKind, tuple[float, ...]]:
    """Kind and full sizes of a primitive; MuJoCo counts half ones."""
    a, b, c = geom.size
    match geom.kind:
        case "sphere":
            return "sphere", (a,)
        case "capsule":
            return "capsule", (a, 2 * b)
        case "cylinder":
            return "cylinder", (a, 2 * b)
        case "ellipsoid":
            return "ellipsoid", (a, b, c)
        case _:
            return "box", (2 * a, 2 * b, 2 * c)


def _volume(kind: PrimitiveKind, size: tuple[float, ...]) -> float:
    match kind:
        case "sphere":
            return 4 / 3 * math.pi * size[0] ** 3
        case "capsule":
            return math.pi * size[0] ** 2 * (size[1] + 4 / 3 * size[0])
        case "cylinder":
            return math.pi * size[0] ** 2 * size[1]
        case "ellipsoid":
            return 4 / 3 * math.pi * math.prod(size)
        case "box":
            return math.prod(size)


def _mesh_volume(vertices: FloatArray, faces: NDArray[np.int64]) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0
