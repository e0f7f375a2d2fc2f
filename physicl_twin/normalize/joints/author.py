"""Write what was decided into a twin: bodies split off, joints between them, proposals beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from physicl_twin.model import Body, ConfigError, Evidence, Joint, Part, Pose, Proposal, Shape, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.attributes import map_vertices, take_faces
from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.choose import Chosen
from physicl_twin.normalize.joints.pieces import shell_labels
from physicl_twin.normalize.joints.scene import Scene
from physicl_twin.normalize.joints.twist import Twist

#: What is done to new shapes: cleaned and integrated.
Finish = Callable[[Twin], Twin]
#: Words for a joint by how it moves.
_KINDS = {"revolute": "hinge", "prismatic": "slide"}


def author(twin: Twin, scene: Scene, chosen: Chosen, finish: Finish) -> Twin:
    """The twin with the accepted joints, the bodies that they need and the proposals.

    Bodies that are split off keep the frame of the body that they come from, so that part poses stay as they were; a
    joint's frame has its motion axis along z.

    Args:
        twin: With one body, whose pieces the scene shows.
        scene: The pieces.
        chosen: What was decided.
        finish: What new shapes need (``with_solids``).
    """
    body = twin.bodies[0]
    names = _names(scene, body, chosen)
    if not chosen.accepted:
        names[0] = body.name
    proposal_names = names[1 + len(chosen.accepted) :]
    twin, parts = _split(twin, scene, chosen, names)
    owner = {part.name: row for part, row, _ in parts}
    members: dict[int, list[Part]] = {row: [] for row in range(-1, len(chosen.accepted))}
    for part, row, _ in parts:
        members[row].append(part)
    root = replace(body, name=names[0], parts=tuple(members[-1]), mass_properties=None)
    moving = tuple(Body(names[1 + row], tuple(members[row]), body.pose) for row in range(len(chosen.accepted)))
    joints = tuple(
        _joint(scene, one, body.pose, names[0] if parent < 0 else names[1 + parent], names[1 + row])
        for row, (one, parent) in enumerate(zip(chosen.accepted, chosen.parents, strict=True))
    )
    proposed = []
    for row, (one, rival) in enumerate(zip(chosen.proposed, chosen.rivals, strict=True)):
        inside = tuple(part.name for part, _, marks in parts if row in marks)
        host = owner[inside[0]]
        joint = _joint(scene, one, body.pose, names[0] if host < 0 else names[1 + host], proposal_names[row])
        proposed.append((joint, inside, rival))
    taken = {joint.name for joint in joints}
    unique_joints = []
    for joint, _, _ in proposed:
        name = _unique(joint.name, taken)
        taken.add(name)
        unique_joints.append(replace(joint, name=name))
    proposals = tuple(
        Proposal(
            joint,
            inside,
            (*(joints[i].name for i in by_accepted), *(unique_joints[i].name for i in by_proposed)),
        )
        for joint, (_, inside, (by_accepted, by_proposed)) in zip(unique_joints, proposed, strict=True)
    )
    bodies = (root, *moving) if moving else (replace(body, parts=tuple(members[-1])),)
    placed = {part.shape for one in bodies for part in one.parts}
    twin = replace(
        twin,
        bodies=bodies,
        joints=joints,
        proposals=proposals,
        shapes=tuple(shape for shape in twin.shapes if shape.name in placed),
    )
    return finish(twin)


def accept(twin: Twin, names: Sequence[str]) -> Twin:
    """The twin with proposals authored: their bodies split off, they and what they exclude no longer proposed.

    Args:
        twin: With proposals.
        names: Of the proposals' joints, in the order in which they are authored.

    Raises:
        ConfigError: ``proposal_unknown``, or ``proposal_excluded`` by one that was accepted before.
    """
    gone: set[str] = set()
    for name in names:
        found = next((one for one in twin.proposals if one.joint.name == name), None)
        if found is None:
            known = ", ".join(one.joint.name for one in twin.proposals) or "none"
            code = "proposal_excluded" if name in gone else "proposal_unknown"
            raise ConfigError(code, f"There is no proposal {name!r}.", f"Proposals: {known}.")
        kept = tuple(one for one in twin.proposals if one is not found and one.joint.name not in found.excludes)
        gone |= {one.joint.name for one in twin.proposals} - {one.joint.name for one in kept}
        twin = _accepted(replace(twin, proposals=kept), found)
    return twin


def _accepted(twin: Twin, found: Proposal) -> Twin:
    joint = found.joint
    excluded = {one.name for one in twin.joints if one.name in found.excludes}
    if excluded and found.parts:
        replaced = next(one for one in twin.joints if one.name in excluded)
        joint = replace(joint, body0=replaced.body0, body1=replaced.body1)
        others = tuple(one for one in twin.joints if one.name not in excluded)
        return replace(twin, joints=(*others, joint))
    if not found.parts:
        return replace(twin, joints=(*twin.joints, joint))
    moved = set(found.parts)
    host = twin.body(joint.body0)
    split = Body(joint.body1, tuple(part for part in host.parts if part.name in moved), host.pose)
    rest = replace(host, parts=tuple(part for part in host.parts if part.name not in moved), mass_properties=None)
    bodies = tuple(rest if one is host else one for one in twin.bodies)
    # What hung on the parts that move off hangs on the new body.
    return replace(twin, bodies=(*bodies, split), joints=(*twin.joints, joint))


def _split(
    twin: Twin, scene: Scene, chosen: Chosen, names: Sequence[str]
) -> tuple[Twin, list[tuple[Part, int, frozenset[int]]]]:
    """Parts with the row of their body and the proposals that would move them; parts in several bodies come apart."""
    body = twin.bodies[0]
    marks = [
        frozenset(row for row, one in enumerate(chosen.proposed) if index in one.group)
        for index in range(len(scene.pieces))
    ]
    taken = {part.name for part in body.parts}
    shapes = {shape.name: shape for shape in twin.shapes}
    made: dict[tuple[str, tuple[int, ...]], str] = {}
    result: list[tuple[Part, int, frozenset[int]]] = []
    for part in body.parts:
        mine = [piece for piece in scene.pieces if piece.part == part.name]
        keys = list(dict.fromkeys((chosen.body[piece.index], marks[piece.index]) for piece in mine))
        if len(keys) <= 1:
            row, marked = keys[0] if keys else (_nearest_row(twin, part, scene, chosen), frozenset())
            result.append((part, row, marked))
            continue
        for row, marked in keys:
            shells = tuple(
                shell for p in mine if (chosen.body[p.index], marks[p.index]) == (row, marked) for shell in p.shells
            )
            said = (
                names[1 + row] if row >= 0 else (names[1 + len(chosen.accepted) + min(marked)] if marked else names[0])
            )
            if (part.shape, shells) not in made:
                shape_name = _unique(said, set(shapes))
                shapes[shape_name] = sub_shape(shapes[part.shape], shells, shape_name)
                made[part.shape, shells] = shape_name
            name = _unique(said, taken)
            taken.add(name)
            result.append((replace(part, name=name, shape=made[part.shape, shells], collision=None), row, marked))
    return replace(twin, shapes=tuple(shapes.values())), result


def sub_shape(shape: Shape, shells: Sequence[int], name: str) -> Shape:
    """A shape of some of another one's shells."""
    assert shape.mesh is not None
    mesh = take_faces(shape.mesh, np.isin(shell_labels(shape.mesh), shells))
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[mesh.faces] = True
    mesh = map_vertices(mesh, np.cumsum(used) - 1, np.flatnonzero(used))
    if mesh.face_appearance is None:
        return Shape(name, shape.appearances, mesh=mesh)
    seen, compact = np.unique(mesh.face_appearance, return_inverse=True)
    looks = tuple(shape.appearances[int(i)] for i in seen)
    appearance = compact.reshape(-1).astype(np.int32) if len(seen) > 1 else None
    return Shape(name, looks, mesh=replace(mesh, face_appearance=appearance))


def _nearest_row(twin: Twin, part: Part, scene: Scene, chosen: Chosen) -> int:
    """Body of a part that only collides: that of the piece in whose middle it is."""
    mesh = twin.shape(part.shape).mesh
    if mesh is None:
        return -1
    points = twin.bodies[0].pose.compose(part.pose).apply(mesh.vertices)
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    distances = [float(piece.distance(middle[None])[0][0]) for piece in scene.pieces]
    return chosen.body[int(np.argmin(distances))]


def _joint(scene: Scene, one: Candidate, frame: Pose, parent: str, child: str) -> Joint:
    placed = Pose.from_matrix(np.linalg.inv(frame.matrix()) @ _axes(one.twist))
    probability = one.probability(scene.settings.weights)
    reasons = [Evidence("geometry", reason) for reason in one.reasons]
    weights = scene.settings.weights
    said = ", ".join(f"{name} {weights[name] * value:+.1f}" for name, value in one.features.items() if value)
    said += f"; times {one.share:.0%} for this way of moving" if one.share < 0.995 else ""
    reasons.append(
        Evidence("rule", f"Odds of {probability:.1%} from: {said} (natural logarithms).", field="joints.weights")
    )
    return Joint(
        name=f"{child}_{_KINDS[one.twist.kind]}",
        type=one.twist.kind,
        body0=parent,
        body1=child,
        pose0=placed,
        pose1=placed,
        axis="z",
        lower=_limit(one.lower),
        upper=_limit(one.upper),
        role=one.role,
        probability=probability,
        evidence=tuple(reasons),
    )


def _limit(value: float | None) -> float | None:
    """A limit; minus zero is zero."""
    return None if value is None or not math.isfinite(value) else float(value) + 0.0


def _axes(twist: Twist) -> FloatArray:
    """(4, 4) frame on the axis, z along it."""
    z = twist.axis / np.linalg.norm(twist.axis)
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    matrix[:3, 3] = twist.point
    return matrix


def _names(scene: Scene, body: Body, chosen: Chosen) -> list[str]:
    """Names of the base, of the accepted bodies and of what proposals would split off."""
    base = scene.pieces[scene.base]
    meaning = scene.meanings[scene.base]
    single = len({piece.part for piece in scene.pieces}) == 1
    wanted = [base.part if meaning.kind == "base" and not single else _ground_name(scene, body)]
    moving = (*chosen.accepted, *chosen.proposed)
    plain = [_plain(scene, one) for one in moving]
    counts: Mapping[str, int] = {name: plain.count(name) for name in plain}
    numbers: dict[str, int] = {}
    known: list[tuple[frozenset[int], str]] = []
    for one, name in zip(moving, plain, strict=True):
        same = next((said for group, said in known if group == one.group and said.startswith(name)), None)
        if same is not None:
            wanted.append(same)
            continue
        distinct = len({other.group for other, p in zip(moving, plain, strict=True) if p == name})
        if counts[name] > 1 and distinct > 1:
            numbers[name] = numbers.get(name, 0) + 1
            name = f"{name}_{numbers[name]}"
        known.append((one.group, name))
        wanted.append(name)
    result: list[str] = []
    for row, name in enumerate(wanted):
        rival = row > len(chosen.accepted) and name in result
        result.append(name if rival else _unique(name, set(result)))
    return result


def _plain(scene: Scene, one: Candidate) -> str:
    """A body's name: the name that says what it is, else its role, else its largest part's name."""
    if one.name:
        return one.name
    if one.role:
        return one.role
    main = scene.pieces[scene.main(one.group)]
    single = len({piece.part for piece in scene.pieces}) == 1
    return "moving" if single else main.part


def _ground_name(scene: Scene, body: Body) -> str:
    furniture = {"furniture", "openings"}
    if scene.entry in furniture:
        return "carcass" if scene.entry == "furniture" else "frame"
    return f"{body.name}_base" if len(scene.pieces) > 1 else body.name


def _unique(name: str, taken: set[str]) -> str:
    folded = {one.casefold() for one in taken}
    if name.casefold() not in folded:
        return name
    number = 2
    while f"{name}_{number}".casefold() in folded:
        number += 1
    return f"{name}_{number}"
