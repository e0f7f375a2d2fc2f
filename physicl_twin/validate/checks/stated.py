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


def stated_links(subject: Subject) -> frozenset[str]:
    """Prim paths of the links of a mechanism whose mass properties the source states: their maker knows."""
    if not subject.has_twin or not subject.twin.joints:
        return frozenset()
    return frozenset(view.path for view, body in subject.pairs if is_stated(body))


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
