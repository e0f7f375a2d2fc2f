"""What the source of a mechanism states of its links, which may carry what is not drawn: a motor, a battery."""

from __future__ import annotations

from physicl_twin.model import Body
from physicl_twin.normalize.mass import DERIVED
from physicl_twin.validate.subject import Subject


def is_stated(body: Body) -> bool:
    """True when the source states the body's mass properties."""
    properties = body.mass_properties
    if properties is None or any(item.source == DERIVED for item in properties.evidence):
        return False
    return any(item.kind in ("source", "user") for item in (*properties.mass.evidence, *properties.evidence))


def is_described(body: Body) -> bool:
    """True when the source states all of the body's mass properties: parts that are not drawn count there, too."""
    return is_stated(body) and any(item.kind == "source" for item in body.mass_properties.evidence)  # type: ignore[union-attr]


def keeps_statement(subject: Subject, body: Body) -> bool:
    """True when the body's mass properties are its source's, whatever the parts that are drawn would make.

    Of a mechanism's links also those of which a user states the mass.
    """
    return is_stated(body) if subject.twin.joints else is_described(body)


def stated_links(subject: Subject) -> frozenset[str]:
    """Prim paths of the bodies whose mass properties the source states: their maker knows."""
    if not subject.has_twin:
        return frozenset()
    return frozenset(view.path for view, body in subject.pairs if keeps_statement(subject, body))


def colliders_stated(subject: Subject) -> frozenset[str]:
    """Prim paths of the bodies whose collision geometry the source states apart from what is seen of them."""
    if not subject.has_twin:
        return frozenset()
    return frozenset(view.path for view, body in subject.pairs if any(part.role != "solid" for part in body.parts))


def doubt(names: list[str]) -> str:
    """A sentence about links whose stated mass properties do not fit what is drawn; empty for none."""
    if not names:
        return ""
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f" What the source states of {listed} does not fit the geometry alone; it is kept."
