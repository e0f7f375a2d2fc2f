"""Joints as the panel shows them: a row a joint, every figure with its spread and its reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.model import Estimate, Joint, Twin
from physicl_twin.page import numbers
from physicl_twin.workbench.cards import Tone
from physicl_twin.workbench.layout import Column
from physicl_twin.workbench.texts import explained, reasons

#: Columns of the table of joints.
JOINT_COLUMNS = (
    Column("joint", "joint", 1.17),
    Column("kind", "kind", 0.7, least=760),
    Column("between", "moves · against", 1.42, least=620),
    Column("range", "range", 1.15, right=True),
    Column("friction", "friction", 1.2, least=900, right=True),
    Column("damping", "damping", 1.62, least=1040, right=True),
    Column("drive", "drive", 0.95, least=980, right=True),
)
_KINDS = {"revolute": "hinge", "prismatic": "slide", "spherical": "ball", "fixed": "fixed"}


@dataclass(frozen=True, slots=True)
class JointRow:
    """A joint, or a proposal for one.

    Attributes:
        name: Of the joint.
        title: For people: its role where it has one.
        cells: Printed figure and its reasons by column key.
        tone: Of the row's icon.
        word: Beside or behind the icon; of a proposal its probability.
        proposed: True while nobody has decided.
        movable: True for what can be moved by hand here.
        changed: True when an edit touched it.
        lower: Printed lower limit, as it can be typed.
        upper: Printed upper limit.
        excludes: Names of what cannot be together with this proposal.
    """

    name: str
    title: str
    cells: dict[str, tuple[str, str]]
    tone: Tone
    word: str
    proposed: bool
    movable: bool
    changed: bool
    lower: str
    upper: str
    excludes: tuple[str, ...] = ()

    def why(self, column: str) -> str:
        """The reasons of a column's figure."""
        return self.cells[column][1] if column in self.cells else ""


def joint_rows(twin: Twin, before: Twin | None = None) -> tuple[JointRow, ...]:
    """A row a joint that moves, then a row a proposal, the likeliest first.

    Args:
        twin: As it is shown.
        before: The version on disk, when joints were edited since.
    """
    old = {joint.name: joint for joint in before.joints} if before is not None else {}
    rows = [_row(joint, old.get(joint.name, joint if before is None else None)) for joint in twin.joints]
    shown = [row for joint, row in zip(twin.joints, rows, strict=True) if joint.type != "fixed" or row.changed]
    proposals = sorted(twin.proposals, key=lambda one: -one.joint.probability)
    return (*shown, *(_row(one.joint, one.joint, proposed=True, excludes=one.excludes) for one in proposals))


def coordinate(value: float | None, kind: str) -> str:
    """A coordinate as it is printed and can be typed: degrees or millimetres; ``free`` without a limit."""
    if value is None:
        return "free"
    return f"{math.degrees(value):.4g}°" if kind == "revolute" else f"{1000.0 * value:.4g} mm"


def _row(joint: Joint, old: Joint | None, proposed: bool = False, excludes: tuple[str, ...] = ()) -> JointRow:
    title = f"{joint.name} ({joint.role})" if joint.role and joint.role not in joint.name.lower() else joint.name
    unsure = joint.probability < 0.995
    word = f"{100 * joint.probability:.0f} %" if unsure else ""
    return JointRow(
        joint.name,
        title,
        _cells(joint),
        "look" if proposed else "good",
        f"proposed, {word or 'likely'}" if proposed else word,
        proposed,
        joint.type in ("revolute", "prismatic") and joint.mimic is None and not joint.closes_loop,
        joint != old,
        coordinate(joint.lower, joint.type),
        coordinate(joint.upper, joint.type),
        excludes,
    )


def _cells(joint: Joint) -> dict[str, tuple[str, str]]:
    why = reasons(joint.evidence)
    sure = f"probability {100 * joint.probability:.0f} %" if joint.probability < 0.995 else ""
    kind = "closes a loop" if joint.closes_loop else _KINDS[joint.type]
    if joint.mimic is not None:
        kind += f" · follows {joint.mimic.joint}"
    told = "\n".join(text for text in (sure, why) if text)
    axis = f"about {joint.axis} of its frame" if joint.type == "revolute" else f"along {joint.axis} of its frame"
    return {
        "joint": (joint.name, told),
        "kind": (
            kind,
            "\n".join(text for text in (axis if joint.type in ("revolute", "prismatic") else "", told) if text),
        ),
        "between": (f"{joint.body1} · {joint.body0 or 'the world'}", told),
        "range": (_range(joint), told),
        "friction": (_resistance(joint.friction, joint), explained(joint.friction, "friction")),
        "damping": (_resistance(joint.damping, joint), explained(joint.damping, "damping")),
        "drive": _drive(joint),
    }


def _range(joint: Joint) -> str:
    if joint.type == "spherical":
        return "free" if joint.upper is None else f"± {math.degrees(joint.upper):.4g}°"
    if joint.type == "fixed":
        return "none"
    if joint.lower is None and joint.upper is None:
        return "free"
    return f"{coordinate(joint.lower, joint.type)} … {coordinate(joint.upper, joint.type)}"


def _resistance(item: Estimate | None, joint: Joint) -> str:
    if item is None:
        return "not known" if joint.type in ("revolute", "prismatic") else ""
    return numbers.estimate(item)


def _drive(joint: Joint) -> tuple[str, str]:
    drive = joint.drive
    if drive is None:
        return ("passive" if joint.type in ("revolute", "prismatic") else ""), "Nothing drives it."
    strongest = drive.max_force or joint.max_force
    limit = f" · {numbers.quantity(strongest.value, strongest.unit)}" if strongest is not None else ""
    parts = [explained(drive.stiffness, "stiffness"), explained(drive.damping, "damping of the drive")]
    if strongest is not None:
        parts.append(explained(strongest, "strongest effort"))
    return f"{drive.mode}{limit}", "\n".join(parts)
