"""Gathers the bodies, parts and joints of a building from what the child process says of its elements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.ifc_boxes import exact_boxes
from physicl_twin.ingest.ifc_hints import FRAMING, GLAZING, LINING, Maker, class_word
from physicl_twin.ingest.ifc_openings import Leaf, Piece, leaves_of, pieces_of
from physicl_twin.ingest.ifc_operations import panels_of
from physicl_twin.ingest.ifc_process import IfcSettings
from physicl_twin.ingest.looks import linear_color, unit_interval
from physicl_twin.ingest.naming import readable
from physicl_twin.ingest.raw import Claim, RawBody, RawPart, RawScene
from physicl_twin.model import Appearance, Articulation, BodyPair, Collision, Evidence, Joint, PartHints, Pose
from physicl_twin.model.geometry import FloatArray

#: From this transparency on a surface is glass (judgement: frosted glass lets half through).
_GLASS = 0.3
#: Coordinates that agree to so many digits are one.
_DIGITS = 9
_CONVENTION = "IFC 4.3, IfcDoor and IfcWindowPanelOperationEnum: panels open to +y, left and right as seen along +y"


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """Triangles of a shape in metres, with what is known of each face."""

    description: dict[str, Any]
    vertices: FloatArray
    faces: NDArray[np.int64]
    style: NDArray[np.int64]
    item: NDArray[np.int64]
    layer: NDArray[np.int64]
    centre: FloatArray

    def words(self, style: int, item: int) -> tuple[str, str]:
        """What the file calls a face: its aspect and its style."""
        styles = self.description["styles"]
        aspect = self.description["items"].get(str(item), {"aspect": ""})["aspect"]
        return aspect, styles[style]["name"] if 0 <= style < len(styles) else ""

    def glass(self) -> NDArray[np.bool_]:
        """(F,) True for faces of a transparent style or of an aspect called glazing."""
        through = [s["transparency"] >= _GLASS or "glass" in s["name"].casefold() for s in self.description["styles"]]
        clear = np.array([*through, False])[self.style]
        named = [i for i, d in self.description["items"].items() if "glaz" in d["aspect"].casefold()]
        found: NDArray[np.bool_] = clear | np.isin(self.item, [int(i) for i in named])
        return found


class Building:
    """The bodies of a building.

    Args:
        builder: Of the file.
        settings: ``[ifc]``.
        metres: Metres per unit of the file.
        joint_scale: Metres by which joints count over those of the geometry (where the user overrules the unit).
        density_unit: Whether the project names a unit of density.
    """

    def __init__(
        self, builder: SceneBuilder, settings: IfcSettings, metres: float, joint_scale: float, *, density_unit: bool
    ) -> None:
        self._builder = builder
        self._settings = settings
        self._metres = metres
        self._joint_scale = joint_scale
        self._maker = Maker(builder.path.name, settings.density_relative_std, density_unit)
        self._shapes: dict[int, _Shape] = {}
        self._made: dict[bytes, tuple[str, ...]] = {}
        self._boxes: dict[bytes, Collision | None] = {}
        self._bodies: dict[str, RawBody] = {}
        self._names: dict[int, str] = {}
        self._joints: list[Joint] = []
        self._filters: list[BodyPair] = []

    def add_shape(
        self, number: int, description: dict[str, Any], soup: Soup, item: NDArray[Any], layer: NDArray[Any]
    ) -> None:
        """Register a shape; one far from its own origin is drawn about its middle."""
        vertices = np.asarray(soup.positions, dtype=float)
        centre: FloatArray = np.zeros(3)
        if len(vertices) and np.abs(vertices).max() > self._settings.far_m:
            centre = np.round(0.5 * (vertices.min(axis=0) + vertices.max(axis=0)))
        style = np.zeros(0, np.int64) if soup.group is None else np.asarray(soup.group, dtype=np.int64)
        faces = np.asarray(soup.faces, dtype=np.int64)
        self._shapes[number] = _Shape(description, vertices - centre, faces, style, item, layer, centre)

    def add(self, element: dict[str, Any]) -> None:
        """Add an element: pieces of an assembly go to its one body."""
        if element["shape"] is None:
            if not element["body"] and element["assembly"] is None:
                self._owner(element)  # perhaps pieces of it follow
            return
        shape = self._shapes[element["shape"]]
        if not len(shape.faces):
            return
        if "opening" in element:
            self._add_opening(element, shape)
            return
        body = self._owner(element)
        path = (*element["path"], self._names.get(element["id"], body))
        for faces, hints, name in self._portions(element, shape, path):
            self._place(body, name, element, shape, faces, hints)

    def _owner(self, element: dict[str, Any]) -> str:
        """The body that an element belongs to."""
        key = element["id"] if element["assembly"] is None else element["assembly"]
        if key not in self._names:
            self._names[key] = self._new_body(self._title(element), element, static=True)
        return self._names[key]

    def _title(self, element: dict[str, Any]) -> str:
        return readable(element["name"], "") or readable(element["type"], "") or class_word(element["class"])

    def _new_body(self, wanted: str, element: dict[str, Any], *, static: bool) -> str:
        name, number = wanted, 2
        while name in self._bodies:
            name, number = f"{wanted} {number}", number + 1
        self._bodies[name] = RawBody(name, self._scaled(np.array(element["matrix"])), static=static)
        return name

    def _scaled(self, matrix: FloatArray) -> FloatArray:
        """A placement in metres in the file's unit."""
        scaled = matrix.copy()
        scaled[:3, 3] /= self._metres
        return scaled

    def _portions(
        self, element: dict[str, Any], shape: _Shape, path: tuple[str, ...]
    ) -> list[tuple[NDArray[np.int64], PartHints, str]]:
        """Faces that become one part, with their hints and names: by layer, or by what the file calls the material."""
        title, material = self._title(element), element["material"]
        everything: NDArray[np.int64] = np.arange(len(shape.faces))
        if shape.description["split"]:
            found = []
            for number, entry in enumerate(material["entries"]):
                faces = np.flatnonzero(shape.layer == number)
                if len(faces):
                    name = f"{title} {entry['name'] or 'layer ' + str(number + 1)}"
                    found.append((faces, self._maker.of_entry(entry, path), name))
            return found
        if material["kind"] == "layers" and len(material["entries"]) > 1:
            self._builder.note(
                "layers_not_split", "info",
                f"The layers of {title!r} are not cut apart; it has their mean density.",
            )  # fmt: skip
            return [(everything, self._maker.of_mix(material["entries"], path, self._layer(shape, everything)), title)]
        if material["kind"] in ("constituents", "list", "profiles"):
            hints: dict[PartHints, list[int]] = {}
            for item, style in {(int(i), int(s)) for i, s in zip(shape.item, shape.style, strict=True)}:
                own = self._maker.of_piece(material, shape.words(style, item), "", path, self._item_layer(shape, item))
                hints.setdefault(own, []).extend(np.flatnonzero((shape.item == item) & (shape.style == style)).tolist())
            groups = sorted(((np.sort(np.array(f)), h) for h, f in hints.items()), key=lambda pair: int(pair[0][0]))
            return [(f, h, title if len(groups) == 1 else f"{title} {h.material}".strip()) for f, h in groups]
        return [(everything, self._maker.of_piece(material, (), "", path, self._layer(shape, everything)), title)]

    def _item_layer(self, shape: _Shape, item: int) -> str:
        return str(shape.description["items"].get(str(item), {"layer": ""})["layer"])

    def _layer(self, shape: _Shape, faces: NDArray[np.int64]) -> str:
        """Presentation layer of faces, where all share it."""
        found = {self._item_layer(shape, int(item)) for item in np.unique(shape.item[faces])}
        return next(iter(found)) if len(found) == 1 else ""

    def _place(
        self, body: str, name: str, element: dict[str, Any], shape: _Shape, faces: NDArray[np.int64], hints: PartHints
    ) -> None:
        """Make the triangles a part of a body; equal portions of one shape are made once."""
        colours = tuple(
            tuple(entry["rgb"])
            for entry in element["material"]["entries"]
            if entry["name"] == hints.material and entry["rgb"]
        )
        soup = self._soup(shape, faces, hints, colours[0] if colours else None)
        key = _digest(soup)  # equal elements are often drawn one by one
        if key not in self._made:
            self._made[key] = self._builder.shapes(name, soup)
        own, home = self._scaled(np.array(element["matrix"])), self._bodies[body].transform
        transform = np.eye(4) if np.array_equal(own, home) else np.linalg.inv(home) @ own
        transform[:3, 3] += transform[:3, :3] @ (shape.centre / self._metres)
        made = self._made[key]
        hints = replace(hints, layer=hints.layer or class_word(element["class"]))
        collision = self._blocks(key, soup) if len(made) == 1 else None
        for number, one in enumerate(made):
            title = name if len(made) == 1 else f"{name} {number + 1}"
            part = RawPart(readable(title, "part"), one, transform, hints, body, collision=collision)
            self._builder.add_part(part)

    def _blocks(self, key: bytes, soup: Soup) -> Collision | None:
        """Exact boxes of what is made of blocks, metres; none when the user turns the axes."""
        if self._builder.options.up_axis not in (None, "z"):
            return None
        if key not in self._boxes:
            vertices = np.asarray(soup.positions, dtype=float) * (self._metres * self._joint_scale)
            self._boxes[key] = exact_boxes(vertices, soup.faces, self._builder.path.name)
        return self._boxes[key]

    def _soup(
        self, shape: _Shape, faces: NDArray[np.int64], hints: PartHints, own_colour: tuple[float, ...] | None
    ) -> Soup:
        """Triangles in the file's unit with the looks that the file states."""
        used, corners = np.unique(shape.faces[faces], return_inverse=True)
        soup = Soup(shape.vertices[used] / self._metres, corners.reshape(-1, 3))
        styles = shape.style[faces]
        named = [n for n in np.unique(styles).tolist() if 0 <= n < len(shape.description["styles"])]
        stated = [n for n in named if shape.description["styles"][n]["name"]]
        if not stated:
            if own_colour is None:
                return soup
            colour = linear_color(own_colour[0], own_colour[1], own_colour[2])
            look = Appearance(hints.material or "material", base_color=colour, source_name=hints.material)
            return replace(soup, looks=(self._builder.look(look),))
        looks = tuple(self._look(shape.description["styles"][n]) for n in stated)
        position = {n: i for i, n in enumerate(stated)}
        return replace(soup, looks=looks, group=np.array([position.get(int(s), 0) for s in styles], dtype=np.int64))

    def _look(self, style: dict[str, Any]) -> str:
        red, green, blue = style["rgb"]
        look = Appearance(
            style["name"],
            base_color=linear_color(red, green, blue),
            opacity=max(0.05, 1.0 - unit_interval(style["transparency"], 0.0)),
            source_name=style["name"],
        )
        return self._builder.look(look)

    def _add_opening(self, element: dict[str, Any], shape: _Shape) -> None:
        """Add a door or a window: its frame stays, its leaves move."""
        word = "window" if element["class"].startswith("IfcWindow") else "door"
        title = self._title(element)
        words = [" ".join(shape.words(int(s), int(i))) for s, i in zip(shape.style, shape.item, strict=True)]
        pieces = pieces_of(shape.vertices, shape.faces, shape.item, words, shape.glass())
        panels, missing = panels_of(element["class"], element["opening"])
        leaves, why = leaves_of(pieces, panels)
        reason = missing if not panels else why
        if not leaves and element["opening"]["panels"] and not missing and not panels:
            reason = ""  # a fixed window
        if reason and not leaves:
            self._builder.note(
                f"{word}_stays_shut", "warning", f"The {word} {title!r} does not move: {reason}.",
                "State how it opens in the model, with its leaf as an item of its own.",
            )  # fmt: skip
        elif missing:
            self._builder.note(f"{word}_in_part", "info", f"The {word} {title!r}: {missing}.")
        moving = {id(piece) for leaf in leaves for piece in leaf.pieces}
        still = tuple(piece for piece in pieces if id(piece) not in moving)
        path = (*element["path"], title)
        if still:
            frame = self._new_body(f"{title} frame" if leaves else title, element, static=True)
            self._names[element["id"]] = frame
            self._add_pieces(frame, _said(word, frame), element, shape, still, LINING, path)
        for number, leaf in enumerate(leaves):
            called = f"{title} {'leaf' if word == 'door' else 'sash'}{f' {number + 1}' if len(leaves) > 1 else ''}"
            body = self._new_body(called, element, static=False)
            self._add_pieces(body, _said(word, body), element, shape, leaf.pieces, FRAMING, path)
            self._hang(element, word, leaf, body, title)

    def _add_pieces(
        self, body: str, name: str, element: dict[str, Any], shape: _Shape, pieces: tuple[Piece, ...], role: str,
        path: tuple[str, ...],
    ) -> None:  # fmt: skip
        """Parts of a body from pieces, those of one material together."""
        groups: dict[PartHints, list[NDArray[np.int64]]] = {}
        for piece in pieces:
            first = int(piece.faces[0])
            words = shape.words(int(shape.style[first]), int(shape.item[first]))
            layer = self._item_layer(shape, int(shape.item[first]))
            hints = self._maker.of_piece(element["material"], words, GLAZING if piece.glass else role, path, layer)
            if not hints.material and piece.glass:
                hints = replace(hints, material="glass")
            if not hints.material and words[1]:
                hints = replace(hints, material=words[1])
            groups.setdefault(hints, []).append(piece.faces)
        for hints, faces in groups.items():
            called = name if len(groups) == 1 else f"{name} {hints.material}".strip()
            self._place(body, called, element, shape, np.sort(np.concatenate(faces)), hints)

    def _hang(self, element: dict[str, Any], word: str, leaf: Leaf, body: str, title: str) -> None:
        """The joint of a leaf to its frame, to the wall it stands in, or to the world."""
        opening = element["opening"]
        holder = self._names.get(element["id"]) or self._names.get(opening["host"], "")
        placement = np.array(element["matrix"])
        frame = leaf.frame()
        parent = self._metric(self._bodies[holder].transform) if holder else np.eye(4)
        lower, upper = leaf.limits(self._settings.open_deg)
        scale = self._joint_scale
        slides = leaf.panel.motion == "prismatic"
        panel = leaf.panel
        told = f"{opening['operation']} of the {opening['where']}" if word == "door" else "the panel's operation"
        how = "slides" if slides else "is hung" + (", and swings both ways" if panel.both_ways else "")
        evidence = (
            Evidence("source", f"{told}: it {how} {'to' if slides else 'at'} the {panel.edge}.",
                     self._builder.path.name, "OperationType"),
            Evidence("rule", f"{_CONVENTION}.", "IFC 4.3"),
            Evidence("rule", "It opens by its own width (judgement)." if slides else
                     f"It opens by {self._settings.open_deg:g} degrees (judgement; IFC states no limit).",
                     "config/pipeline.toml", "" if slides else "ifc.open_deg"),
        )  # fmt: skip
        name, number = f"{title} {panel.place}" if panel.place != "whole" else title, 2
        wanted = name
        while any(joint.name == name for joint in self._joints):
            name, number = f"{wanted} {number}", number + 1
        self._joints.append(
            Joint(
                name,
                panel.motion,
                holder,
                body,
                _pose(np.linalg.inv(parent) @ placement @ frame, scale),
                _pose(frame, scale),
                "z",
                lower * (scale if slides else 1.0),
                upper * (scale if slides else 1.0),
                role=word,
                evidence=evidence,
            )
        )
        if holder:
            self._filters.append(BodyPair(holder, body, "adjacent"))

    def _metric(self, transform: FloatArray) -> FloatArray:
        matrix = transform.copy()
        matrix[:3, 3] *= self._metres
        return matrix

    def scene(self, title: str, unit_claims: tuple[Claim, ...], up_claims: tuple[Claim, ...]) -> RawScene:
        """The finished scene, moved to the origin when it stands far from it."""
        scene = self._builder.scene(title, unit_claims, up_claims)
        used = {part.body for part in scene.parts}
        bodies = [body for body in self._bodies.values() if body.name in used]
        offset = self._offset(bodies, scene)
        if offset.any():
            x, y, z = (float(v) for v in offset * self._metres)
            self._builder.note(
                "moved_to_origin", "info",
                f"The building stands far from the file's origin; it is moved by ({-x:g}, {-y:g}, {-z:g}) m.",
            )  # fmt: skip
            scene = replace(scene, notes=self._builder.scene(title).notes)
            bodies = [replace(body, transform=_moved(body.transform, -offset)) for body in bodies]
        joints = self._joints
        articulation = None
        if joints:
            evidence = Evidence("source", "A building stands on its ground.", self._builder.path.name, "base")
            root = next((body.name for body in bodies if body.static), "")
            articulation = Articulation("building", root, True, filters=tuple(self._filters), evidence=(evidence,))
        return replace(scene, bodies=tuple(bodies), joints=tuple(joints), articulation=articulation)

    def _offset(self, bodies: list[RawBody], scene: RawScene) -> FloatArray:
        """Whole metres from the origin to the building, in the file's unit; zero for one that is near."""
        placed = {body.name: body.transform for body in bodies}
        points = np.array([(placed[part.body] @ part.transform)[:3, 3] for part in scene.parts])
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0)) * self._metres
        if np.abs(middle).max() <= self._settings.far_m:
            return np.zeros(3)
        found: FloatArray = np.round(middle) / self._metres
        return found


def _said(word: str, name: str) -> str:
    """A name that says what the thing is: what it is usually made of is looked up by its name."""
    return name if word in name.casefold() else f"{name} ({word})"


def _digest(soup: Soup) -> bytes:
    """Equal for triangles that are equal but for rounding, with equal looks."""
    positions = np.asarray(soup.positions, dtype=float)
    size = max(float(np.abs(positions).max()), 1e-300)
    told = hashlib.sha256(np.round(positions / size, _DIGITS).tobytes())
    told.update(f"{size:.{_DIGITS}g} {soup.looks}".encode())
    told.update(np.asarray(soup.faces, dtype=np.int64).tobytes())
    told.update(b"" if soup.group is None else np.asarray(soup.group, dtype=np.int64).tobytes())
    return told.digest()


def _moved(transform: FloatArray, by: FloatArray) -> FloatArray:
    matrix = transform.copy()
    matrix[:3, 3] += by
    return matrix


def _pose(matrix: FloatArray, scale: float) -> Pose:
    scaled = matrix.copy()
    scaled[:3, 3] *= scale
    return Pose.from_matrix(scaled)
