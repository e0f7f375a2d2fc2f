"""What stands beside a frame: which member it shows, with every value and under whose licence."""

from __future__ import annotations

from typing import Any

from physicl_twin import __version__
from physicl_twin.kit.replicator.calls import Call, SetActive, attributes_of
from physicl_twin.kit.replicator.source import Source

#: Version of the records.
RECORD_VERSION = 1


def frame_record(source: Source, member: int, calls: tuple[Call, ...], frame: str) -> dict[str, Any]:
    """The record of a frame, as JSON-compatible values.

    Args:
        source: Whose member is shown.
        member: Its number.
        calls: What was carried out.
        frame: The number that the files of the frame carry.

    Returns:
        ``facts`` (seed, spec, licences), ``absent`` prims and every attribute's value by prim.
    """
    values: dict[str, dict[str, Any]] = {}
    for call in attributes_of(calls):
        values.setdefault(call.prim, {})[call.name] = plain(call.value)
    facts = source.facts(member)
    return {
        "schema_version": RECORD_VERSION,
        "physicl_twin": __version__,
        "frame": frame,
        "variation": member,
        "facts": facts,
        "licences": licences(facts["twins"]),
        "absent": sorted(call.prim for call in calls if isinstance(call, SetActive) and not call.active),
        "values": values,
    }


def licences(twins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Under whose terms the frame's content stands: each twin with its own licence and those of its sources."""
    return [
        {
            "twin": twin["name"],
            "licence": twin["licence"],
            "sources": [
                {"name": source["name"], "licence": source["licence"] or "NOASSERTION", "sha256": source["sha256"]}
                for source in twin["sources"]
            ],
        }
        for twin in twins
    ]


def plain(value: Any) -> Any:
    """A value of USD as JSON: vectors as lists, quaternions as w, x, y, z."""
    if hasattr(value, "GetReal"):
        return [float(value.GetReal()), *(float(v) for v in value.GetImaginary())]
    if isinstance(value, bool | int | float | str):
        return value
    return [float(v) for v in value]
