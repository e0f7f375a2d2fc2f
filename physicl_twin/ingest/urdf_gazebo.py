"""Gazebo's additions to a URDF: friction of links, springs of joints, self-collision, a model that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import Element, number
from physicl_twin.ingest.mechanism import Leftovers, Link
from physicl_twin.model import Estimate, Joint

_TRUE = ("true", "1")
#: What is read of a reference to a link or a joint.
_FRICTION = ("mu1", "mu2", "mu")
_SELF = ("selfCollide", "self_collide")
_SPRING = {"springStiffness": "stiffness", "springReference": "rest"}
#: Instructions to Gazebo's own reader of URDF that say nothing of the robot.
_FOR_GAZEBO = frozenset(["preserveFixedJoint", "disableFixedJointLumping", "fixedJointAsSpring", "provideFeedback"])


@dataclass(slots=True)
class _Said:
    """What Gazebo's elements say of one link or joint."""

    friction: dict[str, float] = field(default_factory=dict)
    self_collide: bool | None = None
    spring: dict[str, float] = field(default_factory=dict)


class UrdfGazebo:
    """Reads the ``gazebo`` elements of one URDF.

    Args:
        root: The ``robot`` element.
        builder: Of the main file.
        stating: For numbers.
        leftovers: Told of what a twin has no place for.

    Raises:
        SourceError: ``number_invalid``.
    """

    def __init__(self, root: Element, builder: SceneBuilder, stating: Stating, leftovers: Leftovers) -> None:
        self._builder = builder
        self._stating = stating
        self._leftovers = leftovers
        self._said: dict[str, _Said] = {}
        #: True when the model never moves.
        self.static = False
        for element in root.all("gazebo"):
            reference = element.get("reference") or ""
            for child in element.children:
                self._read(child, reference)

    def _read(self, element: Element, reference: str) -> None:
        said = self._said.setdefault(reference, _Said())
        text = element.text or element.get("value") or ""
        whole = reference or "the whole model"
        if element.tag in _FRICTION:
            said.friction[element.tag] = number(text, f"{element.tag} of {whole!r}", element)
        elif element.tag in _SELF:
            said.self_collide = text.lower() in _TRUE
        elif element.tag in _SPRING and reference:
            said.spring[_SPRING[element.tag]] = number(text, f"{element.tag} of {whole!r}", element)
        elif element.tag == "static" and not reference:
            self.static = text.lower() in _TRUE
        elif element.tag not in _FOR_GAZEBO:
            self._leftovers.add(f"gazebo/{element.tag}", reference or element.name or element.get("filename") or whole)

    def unknown(self, links: tuple[Link, ...], joints: frozenset[str]) -> None:
        """Note references to links and joints that are not there."""
        names = {link.name for link in links} | joints
        for reference in sorted(self._said):
            if reference and reference not in names:
                message = f"A gazebo element refers to {reference[:80]!r}, which is neither a link nor a joint."
                self._builder.note("gazebo_reference_unknown", "info", message)

    @property
    def self_collision(self) -> bool | None:
        """What the elements say of links that collide with each other; None when they do not."""
        stated = [said.self_collide for said in self._said.values() if said.self_collide is not None]
        return any(stated) if stated else None

    def with_friction(self, link: Link) -> Link:
        """The link with the friction that Gazebo's elements state of it."""
        said = self._said.get(link.name)
        if said is None or not said.friction:
            return link
        friction = self._stating.friction(tuple(said.friction.values()), f"gazebo[@reference='{link.name}']")
        if friction is None:
            shown = ", ".join(f"{name} {value:g}" for name, value in said.friction.items())
            message = f"{link.name!r} has a friction of {shown}, which no surface has; it is left out."
            self._builder.note("friction_implausible", "info", message)
            return link
        pieces = tuple(
            replace(p, hints=replace(p.hints, static_friction=friction, dynamic_friction=friction)) for p in link.pieces
        )
        return replace(link, pieces=pieces)

    def with_spring(self, joint: Joint) -> Joint:
        """The joint with the spring that Gazebo's elements state of it."""
        said = self._said.get(joint.name)
        if said is None or "stiffness" not in said.spring or joint.type == "fixed":
            return joint
        unit = "N m/rad" if joint.type == "revolute" else "N/m"
        where = f"gazebo[@reference='{joint.name}']"
        stiffness: Estimate = self._stating.measured(said.spring["stiffness"], unit, "a spring of", where)
        return replace(joint, stiffness=stiffness, rest=said.spring.get("rest", 0.0))
