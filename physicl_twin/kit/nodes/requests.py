"""From a node's inputs to the call of a verb, and from what the verb returned to a node's outputs. No Kit in here."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin.kit.nodes.work import Request
from physicl_twin.kit.settings import KitSettings
from physicl_twin.model.errors import ConfigError, PhysiclError, SourceError, UsdError

if TYPE_CHECKING:
    from physicl_twin.in_stage import InStageOptions, InStageReport

#: So many prims that were left alone are named in an error.
_NAMED = 3


def build_request(inputs: Any, settings: KitSettings) -> Request:
    """Of Import Source.

    Raises:
        PhysiclError: When an input is missing or malformed.
    """
    source = _path(_text(inputs.source, "Source", "a file or a folder"))
    arguments = {
        "sources": [source],
        "out": _output(inputs.out, settings, "twins"),
        "units": _unless_auto(inputs.units),
        "up": _unless_auto(inputs.upAxis),
        "materials": _materials(inputs.materials),
        "mass": inputs.mass or None,
        "licence": inputs.licence,
        "seed": _seed(inputs.seed, settings),
        "jobs": settings.jobs,
        "fast": bool(inputs.fast),
    }
    return Request("build", arguments, (source,))


def built(result: Any) -> tuple[list[dict[str, Any]], str]:
    """The records of what was built, and one line for each source that could not be.

    Raises:
        SourceError: ``nothing_built`` when nothing was.
    """
    records = list(result["records"])
    good = [record for record in records if record["error"] is None]
    bad = [_said(record["error"]) for record in records if record["error"] is not None]
    if not good:
        raise SourceError("nothing_built", " ".join(bad) or "There is nothing to read.", "")
    return good, "\n".join(bad)


def variation_request(inputs: Any, settings: KitSettings) -> Request:
    """Of Spawn Variations.

    Raises:
        PhysiclError: When an input is missing or malformed.
    """
    twins = [_path(str(twin)) for twin in inputs.twins]
    if not twins:
        raise ConfigError("input_missing", "Twin Folders is empty.", "Give at least one folder that build made.")
    spec, seed, count = _path(inputs.spec) if inputs.spec else None, _seed(inputs.seed, settings), int(inputs.count)
    asked = json.dumps([twins, spec, count, seed], ensure_ascii=False)
    own = f"{Path(twins[0]).name}_{hashlib.sha256(asked.encode()).hexdigest()[:10]}"
    arguments = {
        "twins": twins,
        "out": _path(inputs.out) if inputs.out else _output("", settings, "variations", own),
        "spec": spec,
        "count": count,
        "seed": seed,
        "jobs": settings.jobs,
        "force": bool(inputs.force),
        "report": False,
    }
    records = [str(Path(twin) / "twin.json") for twin in twins]
    return Request("augment", arguments, (*records, *([spec] if spec else [])))


def member_of_turn(members: Sequence[int], turn: int) -> int:
    """The number of the member that is shown at a turn (from 1); goes round when all were shown.

    Raises:
        SourceError: ``set_empty``.
    """
    if not members:
        raise SourceError("set_empty", "The set has no accepted variation.", "See manifest.json in its folder.")
    return members[(turn - 1) % len(members)]


def rollout_request(inputs: Any, settings: KitSettings) -> Request:
    """Of Run Rollout.

    Raises:
        PhysiclError: When an input is missing.
    """
    del settings  # every builder takes them
    twin = _path(_text(inputs.twin, "Twin", "the folder of a twin or a USD file"))
    arguments = {
        "target": twin,
        "engines": [str(engine) for engine in inputs.engines],
        "rollouts": [str(name) for name in inputs.rollouts] or None,
        "profile": inputs.profile,
    }
    return Request("validate", arguments, (twin, str(Path(twin) / "twin.json")))


def failures(record: Any) -> list[str]:
    """What failed: ids of checks, names of rollouts with their engine."""
    certificate = record["certificate"]
    checks = [check["id"] for check in certificate["checks"] if check["status"] == "failed"]
    runs = [f"{run['name']} ({run['engine']})" for run in certificate["rollouts"] if run["status"] == "failed"]
    return checks + runs


def deploy_request(inputs: Any, settings: KitSettings) -> Request:
    """Of Deploy Twin.

    Raises:
        PhysiclError: When an input is missing.
    """
    twin = _path(_text(inputs.twin, "Twin", "the folder of a twin or of a set of variations"))
    targets = [str(target) for target in inputs.targets]
    if not targets:
        raise ConfigError("input_missing", "Targets is empty.", "Give at least one, such as isaac-sim.")
    arguments = {
        "twin": twin,
        "targets": targets,
        "out": _output(inputs.out, settings, "deployed"),
        "check": bool(inputs.check),
        "force": bool(inputs.force),
        "members": inputs.members or None,
    }
    return Request("deploy", arguments, (twin, *(str(Path(twin) / name) for name in ("twin.json", "manifest.json"))))


def deployed(result: Any) -> tuple[list[str], bool, str]:
    """Main file of each export, whether all agree with the twin, and one line for each target that failed.

    Raises:
        PhysiclError: ``nothing_deployed`` when no target could be written.
    """
    records = result["records"]
    good = [record for record in records if record["error"] is None]
    bad = [f"{record['target']}: {_said(record['error'])}" for record in records if record["error"] is not None]
    if not good:
        raise PhysiclError("nothing_deployed", " ".join(bad) or "There was no target.", "")
    passed = not bad and all(record["passed"] for record in good)
    return [record["main"] for record in good], passed, "\n".join(bad)


def sim_ready(inputs: Any, settings: KitSettings) -> tuple[list[str], InStageOptions]:
    """Paths and options of Make Sim-Ready.

    Raises:
        ConfigError: When an input is missing or malformed.
    """
    from physicl_twin.in_stage import InStageOptions

    paths = [str(path) for path in inputs.prims]
    if not paths:
        raise ConfigError("input_missing", "Prims is empty.", "Add at least one prim as its target.")
    if not math.isfinite(inputs.massKg) or inputs.massKg < 0.0:
        raise ConfigError(
            "mass_malformed", f"The mass is {inputs.massKg} kg.", "Give a positive one, or 0 to derive it."
        )
    return paths, InStageOptions(
        approximation=inputs.approximation,
        bodies=inputs.bodies,
        materials=tuple(_materials(inputs.materials).items()),
        mass_kg=inputs.massKg or None,
        articulation=bool(inputs.articulation),
        seed=_seed(inputs.seed, settings),
    )


def left_alone(report: InStageReport) -> str:
    """Why prims were left alone, a line each; of many the first few."""
    said = [f"{one.path}: {one.message} {one.hint}".strip() for one in report.skipped]
    return "\n".join([*said[:_NAMED], *([f"… and {len(said) - _NAMED} more."] if len(said) > _NAMED else [])])


def joint_positions(inputs: Any, stage: Any) -> dict[str, float]:
    """Of Move Joints: coordinate by path of the joint, radians or metres.

    Raises:
        PhysiclError: ``no_joints``, ``input_missing``, ``positions_not_paired``, ``sweep_malformed``, ``no_stage``.
    """
    from physicl_twin.in_stage import joints_of

    joints = joints_of(stage, [str(path) for path in inputs.prims])
    numbers = [float(number) for number in inputs.positions]
    if not joints:
        raise UsdError("no_joints", "There are no joints that turn or slide.", "Name prims that hold some.")
    joints = tuple(joint for joint in joints if not joint.follows) or joints
    if inputs.sweepSeconds:
        at = _swept(inputs.time, inputs.sweepSeconds)
        return {joint.path: joint.at_fraction(at) for joint in joints}
    if not numbers:
        raise ConfigError("input_missing", "Positions is empty.", "Give one number for all joints, or one for each.")
    if len(numbers) == 1:
        numbers *= len(joints)
    if len(numbers) != len(joints):
        text = f"There are {len(numbers)} positions for {len(joints)} joints that follow no other."
        raise ConfigError("positions_not_paired", text, "Give one for all, or one for each.")
    if inputs.measure == "range":
        return {joint.path: joint.at_fraction(number) for joint, number in zip(joints, numbers, strict=True)}
    degrees = math.pi / 180 if inputs.measure == "degrees" else 1.0
    return {
        joint.path: number * (degrees if joint.type == "revolute" else 1.0)
        for joint, number in zip(joints, numbers, strict=True)
    }


def _swept(time_s: float, period_s: float) -> float:
    """Fraction of the range at a time: from 0 to 1 and back in a period, at a steady speed.

    Raises:
        ConfigError: ``sweep_malformed``.
    """
    if not (math.isfinite(period_s) and period_s > 0 and math.isfinite(time_s)):
        text = f"A sweep in {period_s} s at {time_s} s cannot be."
        raise ConfigError("sweep_malformed", text, "Give a time above 0, or 0 for no sweep.")
    turn = time_s / period_s % 1.0
    return 1.0 - abs(2.0 * turn - 1.0)


def _said(error: dict[str, str]) -> str:
    return f"{error['message']} {error['hint']}".strip()


def _text(value: str, name: str, wanted: str) -> str:
    if not value:
        raise ConfigError("input_missing", f"{name} is empty.", f"Give {wanted}.")
    return value


def _path(text: str) -> str:
    return str(Path(text).expanduser().absolute())


def _output(stated: str, settings: KitSettings, *below: str) -> str:
    if stated:
        return _path(stated)
    if not settings.output_folder:
        hint = "State one on the node, or in the settings of the extension."
        raise ConfigError("output_folder_unknown", "There is no output folder.", hint)
    return _path(str(Path(settings.output_folder, *below)))


def _unless_auto(token: str) -> str | None:
    return None if token in ("", "auto") else token


def _seed(stated: int, settings: KitSettings) -> int:
    return settings.seed if stated < 0 else int(stated)


def _materials(pairs: Sequence[str]) -> dict[str, str]:
    materials: dict[str, str] = {}
    for pair in pairs:
        part, separator, material = str(pair).partition("=")
        if not separator or not part.strip() or not material.strip():
            raise ConfigError("material_malformed", f"{pair!r} is no PART=MATERIAL.", "Write it like handle=beech.")
        materials[part.strip()] = material.strip()
    return materials
