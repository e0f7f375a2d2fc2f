"""Which bodies of an MJCF model become bodies of the twin, which become sites, and what hangs on what.

MuJoCo welds a body without joints to its parent. Here such a body stays a body on a fixed joint when it has matter of
its own; without matter it is a site of what it is welded to. What never moves beside things that move is static. In a
file in which nothing moves everything is one body: the file describes an object.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from physicl_twin.ingest.mjcf_model import MjcfModel, pose
from physicl_twin.model.geometry import FloatArray

#: Kinds of geoms that are a ground and no matter.
GROUND = ("plane", "hfield")
WORLD = 0


@dataclass(slots=True)
class Tree:
    """The decision for every body of the model, by its number.

    Attributes:
        kept: Numbers of the bodies that become bodies of the twin, parents first.
        holder: Kept body that holds each body; -1 for none (left out), 0 for the world.
        offset: (4, 4) frame of each body in its holder's frame.
        parent: Holder that each kept body hangs on; 0 for the world.
        mount: (4, 4) frame of each kept body in that holder's frame, before its joints move it.
        static: Kept bodies that never move.
        left: Numbers of the bodies that are left out.
        on_world: Kept bodies without a free joint that hang on the world and carry or are something that moves.
        free: Kept bodies with a free joint.
        needs_base: True when the mechanisms on the world need a body of their own to hang on.
        moves: True when anything moves.
    """

    kept: list[int] = field(default_factory=list)
    holder: dict[int, int] = field(default_factory=dict)
    offset: dict[int, FloatArray] = field(default_factory=dict)
    parent: dict[int, int] = field(default_factory=dict)
    mount: dict[int, FloatArray] = field(default_factory=dict)
    static: set[int] = field(default_factory=set)
    left: list[int] = field(default_factory=list)
    on_world: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    needs_base: bool = False
    moves: bool = False

    @property
    def frames(self) -> list[int]:
        """Bodies that are frames of the world."""
        return [body for body, holder in self.holder.items() if holder == WORLD and body != WORLD]

    def keep(self, body: int, parent: int, mount: FloatArray) -> None:
        """Make a body one of the twin's."""
        self.kept.append(body)
        self.holder[body], self.offset[body] = body, np.eye(4)
        self.parent[body], self.mount[body] = parent, mount

    def hold(self, body: int, holder: int, offset: FloatArray) -> None:
        """Let a kept body hold another one."""
        self.holder[body], self.offset[body] = holder, offset


def build_tree(model: MjcfModel) -> Tree:
    """Decide about every body."""
    return _Planter(model).plant()


class _Planter:
    def __init__(self, model: MjcfModel) -> None:
        self._model = model
        count = len(model.bodies)
        self._children: list[list[int]] = [[] for _ in range(count)]
        for number, body in enumerate(model.bodies[1:], start=1):
            self._children[body.parent].append(number)
        self._kinds = [[model.joints[j].kind for j in model.joints_of(b)] for b in range(count)]
        self._moving = [bool(kinds) for kinds in self._kinds]
        for number in range(count - 1, 0, -1):
            self._moving[model.bodies[number].parent] |= self._moving[number]
        drawn = {geom.body for geom in model.geoms if geom.kind not in GROUND}
        self._matter = [b.mass > 0 or i in drawn for i, b in enumerate(model.bodies)]
        self._tree = Tree()

    def plant(self) -> Tree:
        tree = self._tree
        tree.hold(WORLD, WORLD, np.eye(4))
        tree.moves = any(self._moving[b] for b in self._children[WORLD] if not self._left_out(b))
        for body in self._children[WORLD]:
            if self._left_out(body):
                self._leave(body)
            elif not tree.moves:
                self._gather(body)
            elif not self._moving[body]:
                self._stay(body, pose_of(self._model, body))
            else:
                self._root(body)
        direct = [b for b in tree.on_world if self._kinds[b]]
        tree.needs_base = bool(direct) or len(tree.on_world) > 1
        return tree

    def _left_out(self, body: int) -> bool:
        """True for what a script moves and for vertices of deformable bodies."""
        own = self._model.bodies[body]
        return own.mocap or (own.soft and not self._has_geoms(body))

    def _has_geoms(self, body: int) -> bool:
        return any(geom.body == body for geom in self._model.geoms)

    def _leave(self, body: int) -> None:
        self._tree.left.append(body)
        self._tree.holder[body], self._tree.offset[body] = -1, np.eye(4)
        for child in self._children[body]:
            self._leave(child)

    def _gather(self, body: int) -> None:
        """Of a file in which nothing moves: the first body with matter holds all others."""
        if self._tree.kept:
            keeper = self._tree.kept[0]
            frame = np.linalg.inv(self._tree.mount[keeper]) @ pose_of(self._model, body)
            self._hold_all(body, keeper, frame)
            return
        keeper, placed = self._first_matter(body, pose_of(self._model, body))
        if keeper < 0:
            self._leave(body)
            return
        self._tree.keep(keeper, WORLD, placed)
        self._hold_all(body, keeper, np.linalg.inv(placed) @ pose_of(self._model, body))

    def _first_matter(self, body: int, placed: FloatArray) -> tuple[int, FloatArray]:
        """The first body from here on that has matter, and where it stands; -1 for none."""
        if self._matter[body]:
            return body, placed
        for child in self._children[body]:
            found, at = self._first_matter(child, placed @ pose_of(self._model, child))
            if found >= 0:
                return found, at
        return -1, placed

    def _hold_all(self, body: int, keeper: int, frame: FloatArray) -> None:
        """Let a body hold another and all below it; what is kept already stays."""
        if body != keeper:
            self._tree.hold(body, keeper, frame)
        for child in self._children[body]:
            self._hold_all(child, keeper, frame @ pose_of(self._model, child))

    def _stay(self, body: int, mount: FloatArray) -> None:
        """A body on the world that never moves: static with all below it, or a frame of the world without matter."""
        if self._first_matter(body, mount)[0] < 0:
            self._hold_all(body, WORLD, mount)
            return
        self._tree.keep(body, WORLD, mount)
        self._tree.static.add(body)
        self._hold_all(body, body, np.eye(4))

    def _root(self, body: int) -> None:
        """A body on the world that moves or carries what moves."""
        mount = pose_of(self._model, body)
        frames: list[tuple[int, FloatArray]] = []
        while not self._matter[body] and not self._kinds[body] and (child := self._welded_child(body)) is not None:
            # A frame without matter at the root: what is welded to it takes its place.
            frames.append((body, mount))
            body, mount = child, mount @ pose_of(self._model, child)
        tree = self._tree
        tree.keep(body, WORLD, mount)
        (tree.free if "free" in self._kinds[body] else tree.on_world).append(body)
        for frame, placed in frames:
            tree.hold(frame, body, np.linalg.inv(mount) @ placed)
        for frame, _ in frames:
            self._below(frame)
        self._below(body)

    def _welded_child(self, body: int) -> int | None:
        """The first child on no joint, best one with matter."""
        welded = [c for c in self._children[body] if not self._kinds[c] and not self._left_out(c)]
        return next((c for c in welded if self._matter[c]), welded[0] if welded else None)

    def _below(self, body: int) -> None:
        """Decide about the children of a body that has its place."""
        tree = self._tree
        for child in self._children[body]:
            if child in tree.holder:
                continue
            if self._left_out(child):
                self._leave(child)
                continue
            mount = tree.offset[body] @ pose_of(self._model, child)
            if not self._kinds[child] and self._model.bodies[child].mass == 0.0:
                tree.hold(child, tree.holder[body], mount)
            else:
                tree.keep(child, tree.holder[body], mount)
            self._below(child)


def pose_of(model: MjcfModel, body: int) -> FloatArray:
    """(4, 4) frame of a body in its parent's at the reference position."""
    own = model.bodies[body]
    return pose(own.position, own.wxyz)
