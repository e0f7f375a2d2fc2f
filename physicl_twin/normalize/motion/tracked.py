"""Tracked poses of named parts to the joints of a twin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Evidence, GeometryError, Note, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.pose_tracks import PoseTracks, TrackFrame
from physicl_twin.normalize.motion.authoring import author
from physicl_twin.normalize.motion.fit import MotionFit, project
from physicl_twin.normalize.motion.infer import MotionVerdict
from physicl_twin.normalize.motion.naming import parts_of_names, untracked_parts
from physicl_twin.normalize.motion.noise import PoseNoise
from physicl_twin.normalize.motion.pairs import Pairs, apart, rigid_sets, tree_of
from physicl_twin.normalize.motion.rotations import exponential, logarithm
from physicl_twin.normalize.motion.seen import SeenJoint, opening_positively
from physicl_twin.normalize.states.placed import Placed, placed_parts

#: The file's own pose fits a motion when it misses it by no more than this, besides the noise (judgement: a tag is
#: glued on by hand to a millimetre or two).
_FITS_M, _FITS_RAD = 4e-3, math.radians(1.5)
_Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
#: Readings of the tracks are as good as each other within so many tolerances (judgement).
_AS_GOOD = 0.02
_NAMED = 6


@dataclass(frozen=True, slots=True, eq=False)
class _Bodies:
    """Tracked bodies of a twin; number 0 is the world when parts are left that nobody tracks.

    Attributes:
        names: As tracked; empty for the world.
        poses: (N, 7); None for the world.
        parts: Names of their parts in the file.
    """

    names: tuple[str, ...]
    poses: tuple[FloatArray | None, ...]
    parts: tuple[tuple[str, ...], ...]


def with_motion(twin: Twin, tracks: PoseTracks, confident: float) -> Twin:
    """The twin with the joints that tracked poses of its parts show.

    Args:
        twin: With geometry; 0 of every joint is where it stands in the file.
        tracks: Poses of parts, bodies or assembly nodes by name.
        confident: Probability from which a joint is authored; below it is proposed.

    Raises:
        GeometryError: ``tracks_name_nothing``, ``tracks_not_aligned``, and those of ``infer_motion``.
    """
    if twin.joints:
        message = "The source states its joints itself; the tracked poses are not used."
        return twin.with_notes(Note("tracks_not_used", "info", message))
    parts = placed_parts(twin)
    bodies, notes = _bodies(twin, tracks, parts)
    noise = None
    if tracks.position_std_m is not None and tracks.orientation_std_rad is not None:
        noise = PoseNoise(tracks.position_std_m, tracks.orientation_std_rad)
    pairs = Pairs(bodies.poses, noise)
    if bodies.poses[0] is None and len(bodies.names) > 2 and not _stands(pairs):
        bodies = _Bodies(bodies.names[1:], bodies.poses[1:], bodies.parts[1:])
        pairs = Pairs(bodies.poses, noise)
    sets = rigid_sets(pairs)
    number = {body: n for n, members in enumerate(sets) for body in members}
    seeds = {part: number[k] for k, names in enumerate(bodies.parts) for part in names}
    world = number[0] if bodies.poses[0] is None else None
    # A tracked body that stands still is the base, from which untracked parts are found; else the largest one is.
    alone = world is not None and len(sets[world]) == 1
    homes = untracked_parts(parts, seeds, world if alone else None)
    root = world if world is not None else _largest(parts, homes)
    order = [root, *(n for n in range(len(sets)) if n != root)]
    sets = [sets[n] for n in order]
    groups = {part: order.index(home) for part, home in homes.items()}
    if len(sets) == 1:
        message = f"Nothing moves against anything in {tracks.source.name}."
        return twin.with_notes(*notes, Note("tracks_still", "warning", message, "Record the thing while it is moved."))
    edges = tree_of(pairs, sets, 0, _gaps(parts, groups, len(sets)))
    verdicts = []
    for parent, child in edges:
        verdict = pairs.whole(sets[parent][0], sets[child][0])
        if verdict is not None:
            verdicts.append((parent, child, verdict))
    frame, seen, sure_of_axes = _placed_joints(twin, tracks, bodies, sets, verdicts)
    told = f"The tracked poses are those of {_FRAME_WORDS[frame]}."
    silent = [part.name for part in parts if part.name not in seeds]
    if silent:
        told += f" Parts that nobody tracked went with what they touch: {_list(silent)}."
    notes.append(Note("tracks_read_as", "info", told))
    if not sure_of_axes:
        message = f"{tracks.source.name} may count in the file's axes or with z up; the file's axes were taken."
        notes.append(
            Note("tracks_axes_assumed", "warning", message, "Write 'up: y' or 'up: z' into the file of tracks.")
        )
    for part in twin.parts:
        groups.setdefault(part.name, 0)
    return author(twin.with_notes(*notes), groups, seen, confident)


_FRAME_WORDS: dict[TrackFrame, str] = {
    "parts": "the parts' own frames",
    "displacements": "displacements of the parts from the file's pose",
    "first": "frames of the tracker's own, the first row showing the pose of the file",
}


def _bodies(twin: Twin, tracks: PoseTracks, parts: list[Placed]) -> tuple[_Bodies, list[Note]]:
    by_name = dict(tracks.bodies)
    meant = parts_of_names(twin, list(by_name))
    if not meant:
        raise GeometryError(
            "tracks_name_nothing",
            f"No name in {tracks.source.name} is a part of {twin.title}: {_list(list(by_name))}.",
            f"Name the tracked bodies as the parts: {_list([part.name for part in parts])}.",
        )
    notes = []
    strangers = [name for name in by_name if name not in meant]
    if strangers:
        message = f"Nothing in {twin.title} is called {_list(strangers)}; these tracks are not used."
        notes.append(Note("tracks_unmatched", "warning", message))
    tracked = {part for names in meant.values() for part in names}
    world = [part for part in parts if part.name not in tracked]
    names, poses, owned = list(meant), [by_name[name] for name in meant], [meant[name] for name in meant]
    if world or len(meant) == 1:
        return _Bodies(("", *names), (None, *poses), ((), *owned)), notes
    return _Bodies(tuple(names), tuple(poses), tuple(owned)), notes


def _stands(pairs: Pairs) -> bool:
    """True when a tracked body is joined to the world; a thing that is carried about has no part that stands still."""
    verdicts = [pairs.verdict(0, body) for body in range(1, len(pairs.poses))]
    return any(verdict is not None and verdict.type != "free" for verdict in verdicts)


def _list(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _largest(parts: list[Placed], homes: Mapping[str, int]) -> int:
    areas: dict[int, float] = {}
    for part in parts:
        areas[homes[part.name]] = areas.get(homes[part.name], 0.0) + float(part.features[0] ** 2)
    return max(areas, key=lambda home: areas[home])


def _gaps(parts: list[Placed], groups: Mapping[str, int], count: int) -> FloatArray:
    clouds = [[part.points for part in parts if groups[part.name] == n] for n in range(count)]
    gaps = np.zeros((count, count))
    for a in range(count):
        for b in range(a):
            if clouds[a] and clouds[b]:
                gaps[a, b] = gaps[b, a] = apart(np.concatenate(clouds[a]), np.concatenate(clouds[b]))
    return gaps


def _placed_joints(
    twin: Twin,
    tracks: PoseTracks,
    bodies: _Bodies,
    sets: list[list[int]],
    verdicts: list[tuple[int, int, MotionVerdict]],
) -> tuple[TrackFrame, list[SeenJoint], bool]:
    """The joints in the twin's frame, under the reading of the tracks that puts the file's pose on every motion.

    Returns:
        How the tracks were read, the joints, and False when other axes would have fitted as well.
    """
    kinds: tuple[TrackFrame, ...] = (tracks.frame,) if tracks.frame else ("parts", "displacements")
    tried = []
    for kind in kinds:
        for turned in _axes(twin, tracks):
            frames = [_frame(twin, bodies, kind, turned, members[0]) for members in sets]
            found = [_seat(frames[p], frames[c], verdict) for p, c, verdict in verdicts]
            miss = max((off for _, off in found), default=0.0)
            tried.append((miss, kind, frames, [q for q, _ in found]))
    # The usual reading first, unless another one puts the file's pose much nearer to the motions.
    closest = min(one[0] for one in tried)
    fitting = [one for one in tried if one[0] <= 2 * closest + _AS_GOOD]
    miss, kind, frames, zeros = fitting[0]
    if miss > 1.0:
        raise GeometryError(
            "tracks_not_aligned",
            f"The pose of {twin.title} in its file is not among those that {tracks.source.name} shows.",
            "Track the parts' own frames, or their displacements from the file's pose, or write 'frame: first' when "
            "the first row shows the file's pose in the file's axes.",
        )
    joints = [
        _joint(p, c, verdict, frames[p], zero, tracks) for (p, c, verdict), zero in zip(verdicts, zeros, strict=True)
    ]
    return kind, joints, sum(one[1] == kind for one in fitting) == 1


def _axes(twin: Twin, tracks: PoseTracks) -> list[FloatArray]:
    """Axes in which the tracks may be written: as they say, else the source's own, then the twin's."""
    if tracks.up:
        return [np.eye(3) if tracks.up == "z" else _Y_UP_TO_Z_UP]
    turn = Pose(quaternion_wxyz=twin.frame.source_to_twin_wxyz).rotation()
    return [turn] if np.allclose(turn, np.eye(3)) else [turn, np.eye(3)]


def _frame(twin: Twin, bodies: _Bodies, kind: TrackFrame, turned: FloatArray, body: int) -> FloatArray:
    """(4, 4) tracked frame of a body, in the twin's frame, where the file has it."""
    frame = np.eye(4)
    frame[:3, :3] = turned
    poses = bodies.poses[body]
    if poses is None or kind == "displacements":
        return frame
    if kind == "first":
        seen = poses[np.isfinite(poses).all(axis=1)][0]
        first = Pose(tuple(seen[:3]), tuple(seen[3:])).matrix()
        return np.asarray(frame @ first, dtype=float)
    name = bodies.parts[body][0]
    for owner in twin.bodies:
        for part in owner.parts:
            if part.name == name:
                return np.asarray(owner.pose.matrix() @ part.pose.matrix() @ frame, dtype=float)
    raise KeyError(name)


def _seat(parent: FloatArray, child: FloatArray, verdict: MotionVerdict) -> tuple[FloatArray, float]:
    """Coordinate (m,) of the file's pose, and by how many tolerances it misses the motion; 0 of free bodies."""
    fit = verdict.fit
    if fit is None:
        return np.zeros(1), 0.0
    pose = np.asarray(np.linalg.solve(parent, child), dtype=float)
    q = _nearest(fit, pose, verdict)
    turn, place = fit.motion.predict(q[None])
    off = logarithm((pose[:3, :3] @ turn[0].T)[None])[0]
    noise = verdict.track.noise
    far = np.linalg.norm(pose[:3, 3] - place[0]) / (_FITS_M + 4 * noise.position_std_m)
    tilt = np.linalg.norm(off) / (_FITS_RAD + 4 * noise.orientation_std_rad)
    return q, float(max(far, tilt))


def _nearest(fit: MotionFit, pose: FloatArray, verdict: MotionVerdict) -> FloatArray:
    from dataclasses import replace

    one = replace(
        verdict.track,
        rotations=pose[None, :3, :3],
        translations=pose[None, :3, 3],
        whiteners=verdict.track.whiteners[:1],
        rows=verdict.track.rows[:1],
    )
    q = project(fit.motion, one)[0]
    if fit.type in ("revolute", "screw"):  # the turn nearest to those that were seen
        middle = float(np.median(fit.coordinates))
        q = q + 2 * np.pi * np.round((middle - q) / (2 * np.pi))
    return np.asarray(q, dtype=float)


def _joint(
    parent: int, child: int, verdict: MotionVerdict, frame: FloatArray, zero: FloatArray, tracks: PoseTracks
) -> SeenJoint:
    fit = verdict.fit
    name = tracks.source.name
    if fit is None:
        reason = Evidence("fit", f"No joint explains its {len(verdict.track)} tracked poses.", name, "tracks")
        axis, point = np.array([0.0, 0.0, 1.0]), frame[:3, 3]
        return SeenJoint(parent, child, "free", axis, point, 0.0, 0.0, 0.0, 0.0, verdict.probability, (reason,))
    axis, point = frame[:3, :3] @ fit.motion.axis, frame[:3, :3] @ fit.motion.point + frame[:3, 3]
    if fit.type == "spherical":
        off = logarithm(exponential(fit.coordinates) @ exponential(zero[None])[0].T)
        widest = float(np.linalg.norm(off[fit.weights > 0.5], axis=1).max())
        lower, upper = -widest, widest
    else:
        shift = float(zero[0]) if len(zero) else 0.0
        axis, lower, upper = opening_positively(axis, verdict.lower - shift, verdict.upper - shift)
    return SeenJoint(
        parent,
        child,
        verdict.type,
        axis,
        point,
        lower,
        upper,
        verdict.limit_std,
        fit.motion.pitch,
        verdict.probability,
        _reasons(verdict, lower, upper, name),
        verdict.flags,
    )


def _reasons(verdict: MotionVerdict, lower: float, upper: float, file: str) -> tuple[Evidence, ...]:
    second = sorted(verdict.probabilities.items(), key=lambda item: -item[1])[1]
    turning = verdict.type in ("revolute", "screw")
    axis = f", its axis known to {math.degrees(verdict.axis_std_rad):.2f}°" if verdict.type != "spherical" else ""
    place = f" and {1000 * verdict.point_std_m:.2f} mm" if verdict.type != "prismatic" else ""
    fit = (
        f"{len(verdict.track)} tracked poses fit a {verdict.type} joint (next: {second[0]}, {second[1]:.2g})"
        f"{axis}{place} (one standard deviation)."
    )
    unit = "°" if turning or verdict.type == "spherical" else " mm"
    factor = math.degrees(1.0) if unit == "°" else 1000.0
    limits = (
        f"It was seen from {factor * lower:.1f}{unit} to {factor * upper:.1f}{unit} "
        f"(± {factor * verdict.limit_std:.2f}{unit}); it may go farther."
    )
    noise = verdict.track.noise
    source = "estimated from the track" if noise.estimated else "stated"
    error = f"Noise {1000 * noise.position_std_m:.2f} mm and {math.degrees(noise.orientation_std_rad):.2f}° ({source})."
    return tuple(
        Evidence("fit", text, file, field) for text, field in ((fit, "axis"), (limits, "limits"), (error, "noise"))
    )
