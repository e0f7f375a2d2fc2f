"""Where members come from: a finished set on disk, or a spec whose values are drawn here and now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from pxr import Sdf, Usd, UsdPhysics

from physicl_twin.augment import keyed
from physicl_twin.kit.replicator.calls import Call, layer_calls, member_calls
from physicl_twin.model import ConfigError, SourceError, Variation, VariationSet, loads_twin
from physicl_twin.usd.names import identifier
from physicl_twin.usd.variation_layer import Kind
from physicl_twin.usd.variation_looks import look_slots
from physicl_twin.usd.variation_set import member_path, read_manifest, read_set

Order = Literal["sequence", "shuffled"]


class Source(Protocol):
    """Members by number; the same number gives the same calls for ever."""

    def number(self, turn: int) -> int:
        """Which member the ``turn``-th frame shows (from 0); goes round when all were shown."""

    def calls(self, member: int) -> tuple[Call, ...]:
        """What that member changes in the scene."""

    def facts(self, member: int) -> dict[str, Any]:
        """Whose values these are: what the writer records beside a frame."""


@dataclass(frozen=True)
class FinishedSet:
    """A folder that ``augment`` made: every member is settled.

    Attributes:
        folder: Of the set.
        order: ``sequence``, or ``shuffled`` by ``seed``, every member once a round.
        seed: Of the shuffle.
    """

    folder: Path
    order: Order = "sequence"
    seed: int = 0

    @cached_property
    def shared(self) -> VariationSet:
        """What all members share.

        Raises:
            SourceError: ``set_not_found``, ``set_invalid``, ``set_empty``.
        """
        found = read_set(self.folder)
        if not found.members:
            raise SourceError("set_empty", f"{self.folder.name} has no accepted variation.", "See its manifest.json.")
        return found

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """manifest.json."""
        return read_manifest(self.folder)

    @property
    def scene(self) -> Path:
        """The base scene that the calls are for."""
        return self.folder / "scene.usda"

    def layer_path(self, member: int) -> Path:
        """Layer of a member."""
        return self.folder / member_path(member)

    def number(self, turn: int) -> int:
        """See ``Source``."""
        members = self.shared.members
        round_, place = divmod(turn, len(members))
        if self.order == "sequence":
            return members[place]
        return members[_shuffled(len(members), keyed.key(self.seed, "replicator round", round_))[place]]

    def calls(self, member: int) -> tuple[Call, ...]:
        """See ``Source``.

        Raises:
            SourceError: ``variation_not_found``.
        """
        path = self.layer_path(member)
        layer = Sdf.Layer.FindOrOpen(str(path)) if member in self.shared.members and path.is_file() else None
        if layer is None:
            raise SourceError(
                "variation_not_found",
                f"{self.folder.name} has no variation {member}.",
                "See members in its manifest.json.",
            )
        return layer_calls(layer)

    def facts(self, member: int) -> dict[str, Any]:
        """See ``Source``; the drawn facts stand in the member's layer."""
        layer = Sdf.Layer.FindOrOpen(str(self.layer_path(member)))
        own = dict(layer.customLayerData.get("physicl", {})) if layer is not None else {}
        return {"set": self.shared.name, "settled": True, **own, "variation": member, "twins": self.manifest["twins"]}


@dataclass(frozen=True)
class DrawnSpec:
    """A spec drawn on the spot: lights, camera, looks, friction, mass and inertia; objects stay where they lie.

    Where objects come to rest takes a simulation: ``augment`` does that beforehand. This source is for values that need
    none, without limit to their number.

    Attributes:
        twins: Folders of twins, in the order in which the scene was made.
        spec: The spec's file; the shipped one without.
        seed: Of the draws.
    """

    twins: tuple[Path, ...]
    spec: Path | None = None
    seed: int = 0

    @cached_property
    def _drawer(self) -> Any:
        from physicl_twin.augment.draw import Drawer
        from physicl_twin.augment.family import make_family, open_member
        from physicl_twin.augment.spec import read_spec

        if not self.twins:
            raise ConfigError("twins_missing", "No twin was given.", "Give the folders that build made.")
        members = tuple(open_member(folder, force=False) for folder in self.twins)
        family = make_family(members, read_spec(self.spec), self.seed)
        return family, Drawer(family)

    @cached_property
    def _kinds(self) -> dict[str, Kind]:
        family, _ = self._drawer
        by_twin = [kind_of_twin(member.folder) for member in family.members]
        return {name: by_twin[index] for name, index in family.instances}

    def number(self, turn: int) -> int:
        """See ``Source``: there are as many members as a family may have."""
        return turn % keyed.MAX_MEMBERS

    def calls(self, member: int) -> tuple[Call, ...]:
        """See ``Source``."""
        _, drawer = self._drawer
        draft = drawer.draw(member)
        states = tuple(state for state, there in zip(draft.states, draft.present, strict=True) if there)
        variation = Variation(member, states, draft.light, draft.camera)
        return member_calls(variation, draft.support, self._kinds, scaled=False, poses=False)

    def facts(self, member: int) -> dict[str, Any]:
        """See ``Source``."""
        family, drawer = self._drawer
        draft = drawer.draw(member)
        return {
            "set": "",
            "settled": False,
            "variation": member,
            "seed": str(self.seed),
            "spec_sha256": family.spec.sha256,
            "values": {f"{target}.{name}": value for (target, name), value in sorted(draft.values.items())},
            "twins": [
                {
                    "name": one.name,
                    "licence": one.twin.licence or "NOASSERTION",
                    "sources": [{"name": s.name, "sha256": s.sha256, "licence": s.licence} for s in one.twin.sources],
                }
                for one in family.members
            ],
        }


def kind_of_twin(folder: Path) -> Kind:
    """What a member's calls must know of a twin.

    Raises:
        SourceError: ``twin_not_found``, ``twin_without_mass``.
    """
    record = folder / "twin.json"
    if not record.is_file():
        raise SourceError("twin_not_found", f"{folder.name} is not a twin.", "Give the folder that build made.")
    twin = loads_twin(record.read_text(encoding="utf-8"))
    usd = folder / "simready" / f"{twin.name}.usda"
    stage = Usd.Stage.Open(str(usd))
    root = stage.GetDefaultPrim()
    api = UsdPhysics.MassAPI(root)
    mass, moments = api.GetMassAttr().Get(), api.GetDiagonalInertiaAttr().Get()
    if not mass or moments is None:
        raise SourceError("twin_without_mass", f"{twin.name} has no mass.", "Build the twin again.")
    there = {child.GetName() for child in root.GetChild("PhysicsMaterials").GetChildren()}
    used = dict.fromkeys(part.material for body in twin.bodies for part in body.parts)
    surfaces = tuple((name, identifier(name)) for name in used if identifier(name) in there)
    return Kind(float(mass), (float(moments[0]), float(moments[1]), float(moments[2])), surfaces, look_slots(usd))


def _shuffled(count: int, seed: int) -> list[int]:
    """0 .. count - 1 in an order that the seed alone decides."""
    return sorted(range(count), key=lambda place: keyed.key(seed, place))
