"""What kind of mechanism it is, which body is its root, and whether that stands fixed in the world."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from physicl_twin.model import Evidence, Note, Twin
from physicl_twin.normalize.dynamics.joint_table import JointTable, Role, words_of
from physicl_twin.normalize.dynamics.marks import derived, rule, stated_drive
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.dynamics.tree import Tree

Kind = Literal["prop", "robot", "building"]
#: Formats that describe buildings.
_BUILDINGS = ("ifc",)
#: Fields of evidence that does not come from this room: the source states the base, the kind.
BASE_FIELD, KIND_FIELD = "base", "kind"
#: So many different words of robots in its names make a robot (one alone may be the arm of a chair).
_ROBOT_WORDS = 2
#: So many wheels make a vehicle.
_WHEELS = 2


@dataclass(frozen=True, slots=True)
class Base:
    """Kind and base of a mechanism.

    Attributes:
        kind: See ``Articulation.kind``.
        root: Name of the body at the root.
        fixed: True when it stands fixed.
        evidence: Why, kind first.
        notes: What the user should confirm.
    """

    kind: Kind
    root: str
    fixed: bool
    evidence: tuple[Evidence, ...]
    notes: tuple[Note, ...]


def base_of(twin: Twin, tree: Tree, roles: dict[str, Role], table: JointTable, settings: DynamicsSettings) -> Base:
    """Decide kind, root and base.

    Args:
        twin: With joints.
        tree: Its tree.
        roles: Role by name of the joint, where one is known.
        table: Words.
        settings: ``[dynamics]``.
    """
    kind, why_kind = _kind(twin, tree, roles, table, settings)
    root = _root(twin, tree)
    said = _said(twin)
    held = next((link for link in tree.links if link.parent < 0 and link.joint is not None), None)
    if said is not None:
        fixed, why = twin.articulation.fixed, said  # type: ignore[union-attr]
    elif held is not None and held.joint is not None:
        fixed = held.joint.type == "fixed"
        words = "holds it fixed" if fixed else f"lets it move ({held.joint.type})"
        why = rule(f"The joint {held.joint.name} to the world {words}.")
    elif twin.body(root).static:
        fixed, why = True, rule(f"{root} never moves.")
    else:
        fixed, reason = _inferred(twin, tree, kind, roles, table, settings)
        why = rule(reason)
        stands = "fixed in the world" if fixed else "free"
        hint = "Say it in the source (a link named world, a fixed joint to the world), or choose it in the panel."
        note = Note(
            "inferred_base",
            "info",
            f"The source does not say how {root} stands; it is taken as {stands}. {reason}",
            hint,
        )
        return Base(kind, root, fixed, (why_kind, why), (note,))
    return Base(kind, root, fixed, (why_kind, why), ())


def own_evidence(twin: Twin) -> tuple[Evidence, ...]:
    """The evidence of the articulation that this room did not write."""
    told = twin.articulation.evidence if twin.articulation is not None else ()
    return tuple(item for item in told if not derived((item,)))


def _said(twin: Twin) -> Evidence | None:
    """The evidence with which the source states its base; None when it says nothing."""
    told = twin.articulation
    base = next((item for item in own_evidence(twin) if item.field == BASE_FIELD), None)
    if base is not None or told is None or not told.fixed or derived(told.evidence):
        return base
    why = next((item for item in own_evidence(twin) if item.kind == "source" and "world" in item.statement), None)
    if why is not None:
        return replace(why, field=BASE_FIELD)
    return Evidence("source", "The source holds the root in the world.", twin.sources[0].name, BASE_FIELD)


def _root(twin: Twin, tree: Tree) -> str:
    """The stated root when there is one, else the root of the largest tree."""
    stated = twin.articulation.root if twin.articulation is not None else ""
    if any(body.name == stated for body in twin.bodies):
        return stated
    members = tree.subtrees()
    best = max(tree.roots, key=lambda body: (len(members[body]), -body))
    return twin.bodies[best].name


def _kind(
    twin: Twin, tree: Tree, roles: dict[str, Role], table: JointTable, settings: DynamicsSettings
) -> tuple[Kind, Evidence]:
    told = twin.articulation
    if told is not None and (said_kind := _said_kind(twin)) is not None:
        return told.kind, said_kind
    if twin.sources and twin.sources[0].format in _BUILDINGS:
        return "building", rule("The source describes a building.")
    moving = [joint for joint in twin.joints if joint.type != "fixed"]
    if any(stated_drive(joint.drive) is not None for joint in moving):
        return "robot", rule("The source states actuators.")
    motors = [joint for joint in moving if joint.max_force is not None and joint.max_force.value > 0]
    # A wheel that nobody says is driven tells nothing: trolleys have them, too.
    telling = [joint for joint in moving if joint in motors or joint.name not in roles or roles[joint.name].kind]
    kinds = [roles[joint.name].kind for joint in telling if joint.name in roles]
    if kinds and all(kind == "prop" for kind in kinds) and len(kinds) == len(telling):
        return "prop", rule(f"All its joints are such as people move: {_listed({roles[j.name].name for j in moving})}.")
    said = _words(twin)
    flying = said & table.words["flying"]
    hits = sorted(said & table.words["robot"] | flying)
    props = sum(kind == "prop" for kind in kinds)
    few = props < max(1, len(telling)) / 2
    if motors and few:
        return "robot", rule(f"The source states what {len(motors)} of its {len(moving)} joints can exert.")
    longest = max((link.depth for link in tree.links), default=0)
    if few and (flying or len(hits) >= _ROBOT_WORDS):
        return "robot", rule(f"Its names speak of a robot: {', '.join(hits[:4])}.")
    if longest >= settings.serial_chain and few:
        return "robot", rule(f"{longest} joints follow one another.")
    return "prop", rule("Nothing in it says that it moves by itself.")


def _said_kind(twin: Twin) -> Evidence | None:
    """The evidence with which the reader of the source states the kind; None when it leaves it open (``prop``)."""
    told = twin.articulation
    kind = next((item for item in own_evidence(twin) if item.field == KIND_FIELD), None)
    if kind is not None or told is None or told.kind == "prop" or derived(told.evidence):
        return kind
    return Evidence("source", f"The source describes a {told.kind}.", twin.sources[0].name, KIND_FIELD)


def _inferred(
    twin: Twin, tree: Tree, kind: Kind, roles: dict[str, Role], table: JointTable, settings: DynamicsSettings
) -> tuple[bool, str]:
    """Whether the base stands fixed, and why, in a sentence."""
    said = _words(twin)
    title = words_of(twin.title) | words_of(twin.name)
    if kind == "building":
        return True, "A part of a building stands where it is built."
    wheels = sum(role.name == "wheel" for role in roles.values())
    if wheels >= _WHEELS:
        return False, f"It rolls on {wheels} wheels."
    limbs = sum(link.parent == tree.roots[0] and link.joint is not None for link in tree.links)
    if kind == "robot" and (hits := sorted(said & table.words["legged"])) and limbs >= 2:
        return False, f"It walks: {limbs} limbs on its base, and names such as {_listed(hits)}."
    if hits := sorted(said & table.words["flying"]):
        return False, f"It flies: {_listed(hits)}."
    if kind == "robot":
        if hits := sorted(title & table.words["hand_held"]):
            return False, f"It is mounted or held by others: {_listed(hits)}."
        return True, "An arm on a base is bolted down."
    if hits := sorted(title & table.words["built_in"]):
        return True, f"Such things are built in: {_listed(hits)}."
    moving = [role.name for role in roles.values()]
    if moving and set(moving) == {"door"} and len(twin.joints) == 1 and "door" in title:
        return True, "A door hangs in a wall."
    return False, "Things of this kind stand by their weight alone."


def _words(twin: Twin) -> frozenset[str]:
    names = (twin.name, twin.title, *(body.name for body in twin.bodies), *(joint.name for joint in twin.joints))
    return frozenset(word for name in names for word in words_of(name))


def _listed(names: object) -> str:
    return ", ".join(sorted(names)[:4])  # type: ignore[call-overload]
