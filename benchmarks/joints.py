"""Joints of procedural mechanisms: from geometry, from two states and from tracked poses, against the truth.

    python benchmarks/joints.py [--seeds 0-1] [--from geometry,states,motion] [--file glb|nameless|step] [--json FILE]

26 families of mechanisms and 15 of rigid things (tests/articulated), parameters drawn by seed; 0 to 99 are for
development, 100 and 101 were held out and are used up, 102 and above are still unseen. Every object is written to a
file, read back as any source, and its joints are compared with the true ones: found means the same type between the
right parts, the axis within 2°, and of hinges within 2 mm of the true line. A door without any hinge in its geometry
has its axis somewhere in its own thickness: from geometry the line may lie in there (``strict`` counts these as wrong).
From states and motion there is no allowance.

- geometry: the file at rest alone.
- states: a second file with every joint opened by 30 to 100 % of a range.
- motion: 120 poses of one part a body, with noise of 0.5 mm and 2 mrad that is estimated, not given.

Baselines in the same run: ``words`` (a joint for each part whose name says so, along its box), ``boxes`` (round boxes
turn, flat ones hinge on their longest edge), ``screws`` (each part that moved by itself, first pose against the last).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions
from physicl_twin.ingest.pose_tracks import read_pose_tracks
from physicl_twin.model import Body, Joint, PhysiclError, Pose, Twin
from physicl_twin.normalize.motion.rotations import frame_along
from physicl_twin.normalize.motion.tracked import with_motion
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stages import with_solids
from physicl_twin.normalize.states.infer import with_states
from physicl_twin.normalize.states.placed import Placed, placed_parts
from physicl_twin.normalize.states.screw import screw_of
from physicl_twin.settings import pipeline
from tests.articulated.files import write_glb, write_step
from tests.articulated.objects import MOVING, moving, rigid_things
from tests.articulated.recipe import Mechanism
from tests.articulated.recording import coordinates, leaders, record, write_csv
from tests.articulated.scoring import Score, score

WORDS = {
    "revolute": (
        "door",
        "lid",
        "screen",
        "wheel",
        "knob",
        "lever",
        "blade",
        "jaw",
        "leaf",
        "seat",
        "spout",
        "turntable",
    ),
    "prismatic": ("drawer", "sash", "trolley", "carriage", "slider"),
}


@dataclass
class Tally:
    """Sums over objects."""

    matched: int = 0
    found: int = 0
    true: int = 0
    strict: int = 0
    seconds: float = 0.0
    failed: int = 0
    range_rad: list[float] = field(default_factory=list)
    range_m: list[float] = field(default_factory=list)

    def add(self, result: Score, strict: int) -> None:
        """One object more."""
        self.matched += result.matched
        self.found += result.found
        self.true += result.true
        self.strict += strict

    @property
    def precision(self) -> float:
        """Share of what was found that is true; 1 when nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what is true that was found; 1 when there is nothing."""
        return self.matched / self.true if self.true else 1.0


def main() -> int:
    """Run the benchmark; exit status 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-0", help="first-last")
    parser.add_argument("--from", dest="sources", default="geometry,states,motion")
    parser.add_argument("--file", choices=("glb", "nameless", "step"), default="glb")
    parser.add_argument("--only", default="", help="families, separated by commas")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    objects = moving(seeds) + rigid_things(seeds)
    if options.only:
        objects = [thing for thing in objects if thing.family in options.only.split(",")]
    if options.file == "nameless":
        objects = [thing.nameless() for thing in objects]
    tallies: dict[str, dict[str, Tally]] = {}
    for source in options.sources.split(","):
        for name, method in METHODS[source].items():
            tallies[name] = _run(method, objects, options.file)
    missed = _print(tallies)
    if options.json:
        rows = {name: {family: vars(tally) for family, tally in families.items()} for name, families in tallies.items()}
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return int(missed)


def _run(method: Callable[[Mechanism, Path, str], Twin], objects: list[Mechanism], kind: str) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    is_geometry = method in (from_geometry, from_words, from_boxes)
    for thing in objects:
        tally = tallies[thing.family]
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            try:
                twin = method(thing, Path(folder), kind)
            except PhysiclError as error:
                print(f"{thing.name}: {error.code}: {error.message}", file=sys.stderr)
                tally.failed += 1
                tally.true += len(thing.joints)
                continue
            tally.seconds += time.perf_counter() - start
        result = score(thing, twin, vague=is_geometry)
        tally.add(result, score(thing, twin).matched)
        if method.__name__.removeprefix("from_") in AIMS and result.matched < max(result.true, result.found):
            named = [f"{j.name} {j.type} {j.probability:.2f}" for j in twin.joints]
            print(
                f"  {method.__name__} {thing.name}: {result.matched} of {result.true}, found {named}", file=sys.stderr
            )
        _limits(thing, result, is_geometry, method is from_motion, tally)
    return dict(tallies)


def _limits(thing: Mechanism, result: Score, is_geometry: bool, is_motion: bool, tally: Tally) -> None:
    """Errors of limits: from geometry against the true stops, else of the range that was shown."""
    rest = thing.spread(0.0)
    opened = thing.spread(_shares(thing))
    way = coordinates(thing) if is_motion else []
    for truth, joint in result.pairs:
        errors = tally.range_m if truth.type == "prismatic" else tally.range_rad
        if joint.lower is None or joint.upper is None:
            continue
        if not is_geometry:
            shown = [q[truth.name] for q in way] if way else [rest[truth.name], opened[truth.name]]
            errors.append(abs((joint.upper - joint.lower) - (max(shown) - min(shown))))
        elif truth.lower is not None:
            errors.append(min(abs(joint.lower - truth.lower), abs(-joint.upper - truth.lower)))


def _shares(thing: Mechanism) -> dict[str, float]:
    rng = np.random.default_rng([thing.seed, 1])
    return {joint.name: float(rng.uniform(0.3, 1.0)) for joint in thing.joints}


def _read(thing: Mechanism, path: Path, kind: str, q: dict[str, float]) -> Twin:
    if kind == "step":
        return ingest.read(write_step(thing, path.with_suffix(".step"), q))
    baked = kind == "nameless"
    return ingest.read(write_glb(thing, path.with_suffix(".glb"), q, baked), ReadOptions(units="m", up_axis="y"))


def from_geometry(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """The file at rest, through inference from geometry."""
    from physicl_twin.normalize.joints import infer_joints

    settings = NormalizeSettings.shipped()
    twin = with_solids(_read(thing, folder / thing.name, kind, thing.spread(0.0)), settings)
    return infer_joints(twin, pipeline()["joints"], lambda changed: with_solids(changed, settings))


def from_states(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """Two files."""
    closed = _read(thing, folder / "closed", kind, thing.spread(0.0))
    opened = _read(thing, folder / "open", kind, thing.spread(_shares(thing)))
    return with_states(closed, [opened], pipeline()["joints"]["confident"])


def from_motion(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """A file and tracked poses of one part a body."""
    twin = _read(thing, folder / thing.name, kind, thing.spread(0.0))
    frame = "parts" if kind == "glb" else "displacements"
    poses = record(thing, frame, z_up=kind == "step")
    return with_motion(twin, read_pose_tracks(write_csv(poses, folder / "t.csv")), pipeline()["joints"]["confident"])


def from_words(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """Baseline: names alone."""
    twin = _read(thing, folder / thing.name, kind, thing.spread(0.0))
    found = []
    for part in placed_parts(twin):
        for joint_type, words in WORDS.items():
            if any(word in part.name.casefold() for word in words):
                found.append((part.name, joint_type, *_line(part, joint_type)))
                break
    return _authored(twin, found)


def from_boxes(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """Baseline: shapes of bounding boxes alone."""
    twin = _read(thing, folder / thing.name, kind, thing.spread(0.0))
    found = []
    for part in placed_parts(twin):
        size = np.sort(np.ptp(part.vertices, axis=0))
        round_box = min(abs(size[1] - size[0]) / size[1], abs(size[2] - size[1]) / size[2]) < 0.01
        flat = size[0] < 0.15 * size[1]
        if (round_box and len(part.vertices) > 60) or flat:
            found.append((part.name, "revolute", *_line(part, "revolute")))
    return _authored(twin, found)


def from_screws(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """Baseline of states: each part's own screw."""
    closed = _read(thing, folder / "closed", kind, thing.spread(0.0))
    opened = placed_parts(_read(thing, folder / "open", kind, thing.spread(_shares(thing))))
    others = {part.name: part for part in opened}
    found = []
    for part in placed_parts(closed):
        motion = _kabsch(part.vertices, others[part.name].vertices)
        axis, point, angle, advance = screw_of(motion)
        if angle > 1e-4 or advance > 1e-4:
            found.append((part.name, "revolute" if angle > 1e-4 else "prismatic", axis, point))
    return _authored(closed, found)


def from_two_poses(thing: Mechanism, folder: Path, kind: str) -> Twin:
    """Baseline of motion: the screw between the first pose of a part and the one farthest from it."""
    twin = _read(thing, folder / thing.name, kind, thing.spread(0.0))
    poses = record(thing, "displacements", z_up=True)
    found = []
    for name in leaders(thing).values():
        first = _matrix(poses[name][0])
        moves = [_matrix(row) @ np.linalg.inv(first) for row in poses[name]]
        far = max(moves, key=lambda m: float(np.linalg.norm(m - np.eye(4))))
        axis, point, angle, advance = screw_of(far)
        if angle > 0.02:
            found.append((name, "revolute", axis, point))
        elif max(advance, float(np.linalg.norm(far[:3, 3]))) > 0.01:
            found.append((name, "prismatic", far[:3, 3] / np.linalg.norm(far[:3, 3]), point))
    return _authored(twin, found)


METHODS: dict[str, dict[str, Callable[[Mechanism, Path, str], Twin]]] = {
    "geometry": {"geometry": from_geometry, "  words": from_words, "  boxes": from_boxes},
    "states": {"states": from_states, "  screws of parts": from_screws},
    "motion": {"motion": from_motion, "  two poses": from_two_poses},
}
AIMS = {"geometry": 0.90, "states": 0.95, "motion": 0.95}


def _line(part: Placed, joint_type: str) -> tuple[np.ndarray, np.ndarray]:
    """Axis and point of a baseline's joint, from the box of a part."""
    low, high = part.vertices.min(axis=0), part.vertices.max(axis=0)
    size = high - low
    order = np.argsort(size)
    middle = 0.5 * (low + high)
    if joint_type == "prismatic":
        return np.eye(3)[order[0]], middle
    if abs(size[order[2]] - size[order[1]]) < 0.01 * size[order[2]]:  # a disc turns about its axis
        return np.eye(3)[order[0]], middle
    if abs(size[order[1]] - size[order[0]]) < 0.01 * size[order[1]]:  # a rod too
        return np.eye(3)[order[2]], middle
    corner = middle.copy()
    corner[order[1]] = low[order[1]]
    return np.eye(3)[order[2]], corner


def _authored(twin: Twin, found: list[tuple[str, Any, np.ndarray, np.ndarray]]) -> Twin:
    body = twin.bodies[0]
    moving_parts = {name for name, *_ in found}
    base = replace(body, parts=tuple(part for part in body.parts if part.name not in moving_parts))
    bodies, joints = [base], []
    for name, joint_type, axis, point in found:
        frame = np.eye(4)
        frame[:3, :3], frame[:3, 3] = frame_along(axis), point
        pose = Pose.from_matrix(np.linalg.inv(body.pose.matrix()) @ frame)
        bodies.append(Body(f"body_{name}", tuple(p for p in body.parts if p.name == name), body.pose))
        joints.append(Joint(f"joint_{name}", joint_type, base.name, f"body_{name}", pose, pose))
    return replace(twin, bodies=tuple(bodies), joints=tuple(joints))


def _kabsch(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    a, b = source.mean(axis=0), target.mean(axis=0)
    u, _, v = np.linalg.svd((target - b).T @ (source - a))
    motion = np.eye(4)
    motion[:3, :3] = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v
    motion[:3, 3] = b - motion[:3, :3] @ a
    return motion


def _matrix(row: np.ndarray) -> np.ndarray:
    return Pose(tuple(row[:3]), tuple(row[3:])).matrix()


def _print(tallies: dict[str, dict[str, Tally]]) -> bool:
    missed = False
    families = list(dict.fromkeys(family for found in tallies.values() for family in found))
    ours = [name for name in tallies if name in AIMS]
    print("family            " + "".join(f"{name:>24}" for name in ours))
    for family in [f for f in families if f in MOVING]:
        cells = []
        for name in ours:
            tally = tallies[name][family]
            cells.append(f"{tally.matched}/{tally.true} found {tally.found}".rjust(24))
        print(f"{family:18}" + "".join(cells))
    print(
        f"\n{'method':18}{'precision':>10}{'recall':>8}{'strict':>8}{'false on rigid':>16}{'limits':>22}{'s each':>8}"
    )
    for name, found in tallies.items():
        whole = Tally()
        for tally in found.values():
            for key in ("matched", "found", "true", "strict", "seconds", "failed"):
                setattr(whole, key, getattr(whole, key) + getattr(tally, key))
            whole.range_rad += tally.range_rad
            whole.range_m += tally.range_m
        false = sum(tally.found for family, tally in found.items() if family not in MOVING)
        limits = "-"
        if whole.range_rad and whole.range_m:
            angle, length = statistics.median(whole.range_rad), statistics.median(whole.range_m)
            limits = f"{np.degrees(angle):.2f}°, {1000 * length:.2f} mm"
        strict = whole.strict / whole.true if whole.true else 1.0
        print(
            f"{name:18}{whole.precision:10.3f}{whole.recall:8.3f}{strict:8.3f}{false:16d}{limits:>22}"
            f"{whole.seconds / max(len(found), 1):8.2f}" + (f"  {whole.failed} failed" if whole.failed else "")
        )
        if name in AIMS:
            missed |= min(whole.precision, whole.recall) < AIMS[name]
    return missed


if __name__ == "__main__":
    sys.exit(main())
