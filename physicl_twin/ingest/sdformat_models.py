"""Models of SDFormat: their scopes, models inside models, and models that are included from other files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import DescriptionSettings
from physicl_twin.ingest.description_xml import Element, name_of, parse
from physicl_twin.ingest.guards import check_file, damaged, source_of
from physicl_twin.ingest.mechanism import Leftovers
from physicl_twin.ingest.packages import Resolver
from physicl_twin.ingest.sdformat_frames import MODEL, WORLD, Frame, Scope, pose_of_element, truth
from physicl_twin.model import SourceError

#: Models inside models beyond this are circular (judgement: robots on tables in rooms take four).
_MAX_DEPTH = 24
_PARTS = ("link", "joint", "frame", "model", "include")
_READ = frozenset(["pose", "static", "self_collide", "allow_auto_disable", *_PARTS])


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the description.

    Attributes:
        root: The ``sdf`` element.
        resolver: Finds what the file refers to.
        version: As (major, minor).
    """

    root: Element
    resolver: Resolver
    version: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """A link or joint with the scope and the document that it belongs to.

    Attributes:
        element: The ``link`` or ``joint``.
        scope: Model or world.
        document: File.
        static: True when its model never moves.
    """

    element: Element
    scope: Scope
    document: Document
    static: bool


@dataclass(slots=True)
class Models:
    """Everything that a description describes, model by model.

    Attributes:
        builder: Of the main file.
        settings: Limits.
        leftovers: Told of what a twin has no place for.
        links: All links.
        joints: All joints.
        scopes: (4, 4) poses of all models in the description's frame are found from these: (parent, scope).
        self_collision: What models and links say of it.
    """

    builder: SceneBuilder
    settings: DescriptionSettings
    leftovers: Leftovers
    links: list[Item] = field(default_factory=list)
    joints: list[Item] = field(default_factory=list)
    scopes: list[tuple[Scope | None, Scope]] = field(default_factory=list)
    self_collision: list[bool] = field(default_factory=list)
    _opened: int = 0

    def document(self, path: Path) -> Document:
        """Open a file.

        Raises:
            SourceError: ``file_damaged``, ``xml_entities_refused``, ``description_too_large``.
        """
        self._opened += 1
        if self._opened > self.settings.max_links:
            raise SourceError(
                "description_too_large",
                f"{self.builder.path.name} includes more than {self.settings.max_links:,} models.",
                "Look for models that include each other.",
            )
        root = parse(path.read_bytes(), path.name)
        if root.tag != "sdf":
            raise damaged(path.name, f"its root is {root.tag[:40]!r} and not sdf.")
        return Document(root, Resolver(self.builder, path.parent), _version(root))

    def top(self, document: Document) -> Scope:
        """The scope of a whole document: its world, or a world around its models."""
        worlds = list(document.root.all("world"))
        if len(worlds) > 1:
            message = f"{document.root.file} describes {len(worlds)} worlds; {worlds[0].name!r} is read."
            self.builder.note("worlds_ignored", "warning", message, "Put each world into a file of its own.")
        place = worlds[0] if worlds else document.root
        for child in place.children:
            if child.tag not in (*_PARTS, "world"):
                kind = f"world/{child.tag}" if worlds else f"sdf/{child.tag}"
                self.leftovers.add(kind, child.name or child.get("filename") or child.tag)
        world = Scope("", "", place)
        self.scopes.append((None, world))
        inside = [e for e in place.children if e.tag in ("model", "include")]
        alone = len(inside) == 1 and not any(place.all("joint"))
        for element in inside:
            self._model(element, world, document, static=False, depth=0, alone=alone)
        self._parts(place, world, document, static=False, depth=0, base=WORLD)
        return world

    def _model(
        self, element: Element, parent: Scope, document: Document, *, static: bool, depth: int, alone: bool = False
    ) -> None:
        """A model that is described or included in a parent."""
        if depth > _MAX_DEPTH:
            raise SourceError(
                "model_cycle", f"{element.place}: models lie in models deeper than {_MAX_DEPTH}.", "They are circular."
            )
        base = MODEL if parent.name else WORLD
        pose, base = pose_of_element(element, base)
        placement = element.get("placement_frame") or element.words("placement_frame") or ""
        model, home = element, document
        if element.tag == "include":
            found = self._included(element, document)
            if found is None:
                return
            model, home = found
            if element.find("pose") is None:
                pose, _ = pose_of_element(model, base)
            for extra in element.children:
                if extra.tag not in ("uri", "name", "pose", "static", "placement_frame"):
                    self.leftovers.add(f"include/{extra.tag}", extra.name or element.words("name") or model.name)
            placement = placement or model.get("placement_frame") or ""
            if (element.get("merge") or "").lower() in ("true", "1"):
                self._merged(element, model, parent, home, pose, base, static, depth, placement)
                return
        name = (element.words("name") if element.tag == "include" else None) or name_of(model, "model")
        still = static or bool(truth(model.find("static"))) or bool(truth(element.find("static")))
        path = "" if alone else f"{parent.path}::{name}" if parent.path else name
        scope = Scope(name, path, model, placement)
        parent.models[name] = scope
        parent.add(name, Frame(base, pose, "model", element))
        self.scopes.append((parent, scope))
        self._parts(model, scope, home, static=still, depth=depth, base=MODEL)

    def _merged(
        self, element: Element, model: Element, parent: Scope, document: Document, pose: np.ndarray, base: str,
        static: bool, depth: int, placement: str,
    ) -> None:  # fmt: skip
        """The parts of an included model as parts of the parent, in a frame of their own."""
        name = f"merged {element.words('name') or model.name}"
        parent.add(name, Frame(base, pose, "frame", element))
        if placement:
            message = f"{element.place}: the merged model {model.name!r} is placed by its own frame."
            self.builder.note("placement_ignored", "warning", message)
        still = static or bool(truth(element.find("static")))
        self._parts(model, parent, document, static=still, depth=depth, base=name)

    def _parts(self, model: Element, scope: Scope, document: Document, *, static: bool, depth: int, base: str) -> None:
        """Links, joints, frames and models inside of a model; for a world all but its models."""
        inside = bool(scope.name)
        for element in model.children:
            if element.tag == "link":
                pose, own = pose_of_element(element, base)
                scope.add(name_of(element, "link"), Frame(own, pose, "link", element))
                self.links.append(Item(element, scope, document, static))
                if (said := truth(element.find("self_collide"))) is not None:
                    self.self_collision.append(said)
            elif element.tag == "joint":
                child = element.find("child")
                pose, own = pose_of_element(element, "" if child is None else child.text)
                scope.add(name_of(element, "joint"), Frame(own, pose, "joint", element))
                self.joints.append(Item(element, scope, document, static))
            elif element.tag == "frame":
                attached = element.get("attached_to") or base
                pose, own = pose_of_element(element, attached)
                scope.add(name_of(element, "frame"), Frame(own, pose, "frame", element, attached))
            elif element.tag in ("model", "include") and inside:
                self._model(element, scope, document, static=static, depth=depth + 1)
            elif inside and element.tag not in _READ:
                what = element.name or element.get("filename") or scope.name
                self.leftovers.add(f"model/{element.tag}", what)
        if inside and (said := truth(model.find("self_collide"))) is not None:
            self.self_collision.append(said)
        if len(self.links) > self.settings.max_links:
            raise SourceError(
                "too_many_links",
                f"{self.builder.path.name} describes more than {self.settings.max_links:,} links.",
                "Raise [descriptions] max_links.",
            )

    def _included(self, element: Element, document: Document) -> tuple[Element, Document] | None:
        """The model that an ``include`` names, with its document; None with a note."""
        uri = element.words("uri") or ""
        path = self._model_file(uri, document, element) if uri else None
        if path is None:
            message = f"{element.place}: the included model {uri[:120]!r} is not there; it is left out."
            hint = "Put the model's folder beside the description's own."
            self.builder.note("include_missing", "warning", message, hint)
            return None
        check_file(path, self.builder.options)
        opened = self.document(path)
        models = list(opened.root.all("model"))
        if not models:
            message = f"{element.place}: {path.name}, which is included, describes no model."
            self.builder.note("include_missing", "warning", message)
            return None
        self.builder.add_sources(path, (source_of(path, "reference", format_id="sdf"),))
        return models[0], opened

    def _model_file(self, uri: str, document: Document, element: Element) -> Path | None:
        """The file of an included model: itself, or what the ``model.config`` of its folder names."""
        resolver, owner = document.resolver, element.file
        if uri.lower().endswith((".sdf", ".world")):
            return resolver.find(uri, owner, what="")
        config = resolver.find(f"{uri.rstrip('/')}/model.config", owner, what="")
        if config is None:
            return resolver.find(f"{uri.rstrip('/')}/model.sdf", owner, what="")
        named = list(parse(config.read_bytes(), config.name).all("sdf"))
        if not named:
            return None
        latest = max(named, key=_version)
        return Resolver(self.builder, config.parent).find(latest.text, config.name, what="")


def _version(element: Element) -> tuple[int, int]:
    """Version of an element as (major, minor); the oldest that is read where it states none."""
    words = (element.get("version") or "1.4").split(".")
    try:
        return int(words[0]), int(words[1]) if len(words) > 1 else 0
    except ValueError:
        return 1, 4
