"""The record: readable, up to date, every number with an interval and a reason, every flag said aloud."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from physicl_twin.model import SCHEMA_VERSION, PhysiclError, loads_twin
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.subject import Subject

_REBUILD = "Build the twin again; do not edit twin.json by hand."
_FIELDS = {"value", "unit", "std", "low", "high", "distribution", "method", "evidence"}


def estimates(data: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(JSON path, estimate) of every estimate in the plain data of a twin.json, entries named by their ``name``."""
    if isinstance(data, dict):
        if data.keys() >= _FIELDS:
            yield path, data
        for key, value in data.items():
            yield from estimates(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            label = value.get("name", index) if isinstance(value, dict) else index
            yield from estimates(value, f"{path}[{label}]")


@check("estimates.readable", "twin.json is complete and can be read", _REBUILD)
def readable(subject: Subject) -> Findings:
    """It parses into the model without loss of meaning."""
    found = Findings()
    text = subject.twin_text
    try:
        twin = loads_twin(text)
    except PhysiclError as error:
        found.require(False, "twin.json", error.message)
        return found
    names = {
        "shape": [s.name for s in twin.shapes],
        "body": [b.name for b in twin.bodies],
        "part": [p.name for p in twin.parts],
        "material": [m.name for m in twin.materials],
        "joint": [j.name for j in (*twin.joints, *(p.joint for p in twin.proposals))],
    }
    for kind, listed in names.items():
        double = sorted({n for n in listed if listed.count(n) > 1})
        found.require(not double, "twin.json", f"Several {kind}s are named {', '.join(double[:3])}.")
    for part in twin.parts:
        found.require(part.shape in names["shape"], part.name, f"Its shape {part.shape!r} is not in the record.")
        known = not part.material or part.material in names["material"]
        found.require(known, part.name, f"Its material {part.material!r} is not in the record.")
    for joint in twin.joints:
        ends = [name for name in (joint.body0, joint.body1) if name]
        found.require(bool(ends), joint.name, "It joins nothing.")
        for name in ends:
            found.require(name in names["body"], joint.name, f"Its body {name!r} is not in the record.")
    found.require(bool(twin.sources), "twin.json", "It names no source.")
    found.summary = f"{len(twin.bodies)} bodies, {len(twin.parts)} parts, {len(twin.materials)} materials."
    return found


@check("estimates.schema", "twin.json has the current schema version", "Build the twin again with this physicl_twin.")
def schema(subject: Subject) -> Findings:
    """Neither older (a migration would be needed) nor newer than this program."""
    found = Findings(f"Version {SCHEMA_VERSION}.")
    version = subject.twin_record.get("schema_version") if isinstance(subject.twin_record, dict) else None
    found.require(version == SCHEMA_VERSION, "twin.json", f"It has version {version}; current is {SCHEMA_VERSION}.")
    return found


@check("estimates.interval", "Every estimate lies inside its interval", _REBUILD)
def interval(subject: Subject) -> Findings:
    """low ≤ value ≤ high, spread not negative, all finite."""
    found = Findings()
    count = 0
    for path, item in estimates(subject.twin_record):
        count += 1
        numbers = [item["value"], item["std"], item["low"], item["high"]]
        finite = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in numbers)
        if not found.require(finite, path, f"Not finite numbers: {numbers}."):
            continue
        ordered = item["low"] <= item["value"] <= item["high"]
        found.require(ordered, path, f"{item['value']:g} is not in {item['low']:g} to {item['high']:g} {item['unit']}.")
        found.require(item["std"] >= 0, path, f"Its standard deviation is {item['std']:g}.")
        certain = item["std"] == 0 and item["low"] != item["high"]
        found.require(not certain, path, "It has an interval but no standard deviation.")
    found.require(count > 0, "twin.json", "It holds no estimate.")
    found.summary = f"{count} estimates."
    return found


@check("estimates.evidence", "Every estimate says where it comes from", "Report the field: a number without a reason.")
def evidence(subject: Subject) -> Findings:
    """At least one piece of evidence with a sentence, a method and a unit."""
    found = Findings()
    count = 0
    for path, item in estimates(subject.twin_record):
        count += 1
        reasons = [e for e in item["evidence"] if isinstance(e, dict) and str(e.get("statement", "")).strip()]
        found.require(bool(reasons), path, "It has no evidence.")
        found.require(bool(str(item["method"]).strip()), path, "It names no method.")
        found.require(bool(str(item["unit"]).strip()), path, "It has no unit.")
    found.require(count > 0, "twin.json", "It holds no estimate.")
    found.summary = f"{count} estimates."
    return found


@check("estimates.flags", "What is only assumed is flagged", "Report the field: an assumption that looks like a fact.")
def flags(subject: Subject) -> Findings:
    """No silent default: an estimate that rests on priors alone and a doubtful decision each carry a flag."""
    found = Findings()
    flagged = 0
    for path, item in estimates(subject.twin_record):
        kinds = {e.get("kind") for e in item["evidence"] if isinstance(e, dict)}
        flagged += bool(item.get("flags"))
        silent = kinds == {"prior"} and not item.get("flags")
        found.require(not silent, path, "It rests on a prior alone and is not flagged.")
    sure = subject.number("sure_probability")
    for name in ("units", "up_axis"):
        decision = subject.twin_record.get("frame", {}).get(name, {})
        doubtful = decision.get("probability", 0.0) < sure
        flagged += bool(decision.get("flags"))
        text = (
            f"{decision.get('value')} is only {100 * decision.get('probability', 0.0):.0f} % sure and is not flagged."
        )
        found.require(not doubtful or bool(decision.get("flags")), f"frame.{name}", text)
    found.summary = (
        f"{flagged} flags; each stands beside its number in the report." if flagged else "Nothing is assumed."
    )
    return found
