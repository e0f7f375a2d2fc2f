"""All candidates of an object, with what their names and the kind of object say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.frames import frame_of
from physicl_twin.normalize.joints.groups import Named, lifted_groups, loose_groups, named_groups
from physicl_twin.normalize.joints.lines import lines_of
from physicl_twin.normalize.joints.naming import Meaning, Role
from physicl_twin.normalize.joints.panels import panel_candidates, panel_of
from physicl_twin.normalize.joints.pivots import pivots
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.slides import slide_candidates, sliding_groups
from physicl_twin.normalize.joints.spins import rolls_otherwise, spins

#: What turns about an upright axis only does so to this cosine (18°).
_UPRIGHT = 0.95
#: Among more pieces fewer groups are looked at, as each is swept against all of them (judgement: a minute).
_MANY = 150


def candidates_of(scene: Scene) -> list[Candidate]:
    """Every joint that may be there, likeliest first; what is sure gets out of the way of what stands behind it."""
    lines = lines_of(scene)
    lifted = lifted_groups(scene, lines)
    named = named_groups(scene, lines)
    loose = loose_groups(scene, lines)
    sliding = sliding_groups(scene, lines)
    found = [_named(scene, one, named) for one in pivots(scene, lines, named)]
    found += [_named(scene, one, named) for one in spins(scene, lines, named, loose)]
    found += _loose(scene, loose, sliding, named, frozenset())
    found += [_named(scene, one, named) for group in lifted for one in _lifted(scene, group, named)]
    sure = [one for one in found if one.probability(scene.settings.weights) >= scene.settings.confident]
    away = frozenset().union(*(one.group for one in sure)) if sure else frozenset()
    if away and scene.base not in away:
        scene.away = away
        found += _loose(scene, loose, sliding, named, away)
        scene.away = frozenset()
    return sorted(found, key=lambda one: (-one.probability(scene.settings.weights), -len(one.group), min(one.group)))


def _loose(
    scene: Scene, loose: Sequence[Group], sliding: Sequence[tuple[Group, object]], named: Sequence[Named], away: Group
) -> list[Candidate]:
    """Slides and panels among the groups that hang free, come apart along an axis or are named."""
    roles = {one.group: one.meaning for one in named}
    most = int(scene.settings.max_candidates * min(1.0, _MANY / len(scene.pieces)))
    groups = list(dict.fromkeys([*roles, *sorted(loose, key=lambda group: -scene.pieces[scene.main(group)].diagonal)]))
    scene.left_out = max(scene.left_out, len(groups) - most, len(sliding) - most)
    groups, sliding = groups[:most], sliding[:most]
    found: list[Candidate] = []
    for group in groups:
        if group & away:
            continue
        meaning = roles.get(group)
        role = scene.table.roles[meaning.role] if meaning is not None else None
        if role is None or role.moves("prismatic"):
            for one in slide_candidates(scene, group, list(frame_of(scene, group)), _slides(role)):
                found.append(_named(scene, one, named))
        if role is None or role.panel:
            for one in panel_candidates(scene, group, role):
                found.append(_named(scene, one, named))
    for group, axis in sliding:
        if group & away or group in roles or any(group <= other for other in (*loose, *roles)):
            continue
        for one in slide_candidates(scene, group, [axis], False):  # type: ignore[list-item]
            found.append(_named(scene, one, named))
    return found


def _lifted(scene: Scene, group: Group, named: Sequence[Named]) -> list[Candidate]:
    """Hinges of a plate that touches what is round it, where a grip or a bar says that it opens; not of named ones."""
    if any(one.group & group for one in named):
        return []
    panel = panel_of(scene, group, False)
    if panel is None or (panel.grip is None and not panel.pins):
        return []
    return panel_candidates(scene, group, None)


def _slides(role: Role | None) -> bool:
    """True for what usually slides, by its name."""
    return role is not None and role.joint == "prismatic"


def _named(scene: Scene, candidate: Candidate, named: Sequence[Named]) -> Candidate:
    """The candidate with what its name and the kind of object say."""
    features: dict[str, float] = {}
    reasons: list[str] = []
    meaning, name = _meaning(scene, candidate.group, named)
    if not meaning.kind:
        meaning, name = _held_meaning(scene, candidate)
    kind = candidate.twist.kind
    role = ""
    if meaning.kind == "role":
        role = meaning.role
        round_role = scene.table.roles[role].symmetric
        fits = round_role if candidate.pattern == "spin" else not (round_role and rolls_otherwise(scene, candidate))
        if scene.table.roles[role].upright:
            fits &= kind == "revolute" and abs(float(candidate.twist.axis[2])) > _UPRIGHT
        if scene.table.roles[role].moves(kind) and fits:
            usual = 1.0 if kind == scene.table.roles[role].joint else 0.5
            features["named"] = usual * _share_named(scene, candidate.group, named)
            if candidate.pattern == "spin":
                features["named_round"] = 1.0
            reasons.append(f'"{name}" is named as what moves so ({role}).')
        else:
            features["named_otherwise"] = 1.0
    elif meaning.kind:
        features["named_fixed"] = 1.0
        reasons.append(f'"{name}" is named as what does not move by itself.')
    role = role or _guess(scene, candidate)
    if "small" in candidate.features and "named" in features:
        features["small"] = 0.0
    if role and role in scene.expected:
        features["expected"] = 1.0
        reasons.append(f"Things of this kind ({scene.entry}) have a {role}.")
    if scene.entry == "rigid" and meaning.kind != "role":
        features["rigid_thing"] = 1.0
    touching = scene.between(candidate.group, scene.others(candidate.group))
    if candidate.pattern in ("panel", "slide"):
        if not touching:
            features["free"] = 1.0
            reasons.append("It touches nothing else.")
        elif any(not c.slides(candidate.twist) for c, _ in touching):
            features["lifts_off"] = 1.0
    said = _body_name(candidate.group, meaning, name, named)
    return replace(candidate, role=role, name=said).with_features(tuple(reasons), **features)


def _share_named(scene: Scene, group: Group, named: Sequence[Named]) -> float:
    """1 where the name is that of all that moves, a quarter where other things of their own move with it."""
    main = scene.main(group)
    size = scene.pieces[main].diagonal
    large = [index for index in group if scene.pieces[index].diagonal > 0.8 * size and index != main]
    if any(scene.meanings[index].kind == "base" for index in group):
        return 0.25
    if any(scene.meanings[index].kind == "structure" for index in large):
        return 0.25
    mine = [one.group for one in named if main in one.group and one.group < group]
    if not mine or any(one.group >= group for one in named if main in one.group):
        return 1.0
    rest = [index for index in group - max(mine, key=len) if not scene.meanings[index].kind]
    return 0.25 if any(scene.pieces[index].diagonal > 0.5 * size for index in rest) else 1.0


def _body_name(group: Group, meaning: Meaning, name: str, named: Sequence[Named]) -> str:
    """What to call it: as its assembly node, or by the words of its part's name that say what it is."""
    if meaning.kind != "role":
        return ""
    node = any(one.group == group and one.node for one in named)
    return name if node else meaning.words


def _meaning(scene: Scene, group: Group, named: Sequence[Named]) -> tuple[Meaning, str]:
    """What the name of a group says: of its assembly node, of its largest piece, or of most of it."""
    for one in named:
        if one.group == group:
            return one.meaning, one.name
    main = scene.main(group)
    best = [one for one in named if main in one.group and 2 * len(one.group & group) > len(one.group | group)]
    if best:
        closest = min(best, key=lambda one: len(one.group ^ group))
        return closest.meaning, closest.name
    if scene.meanings[main].kind:
        return scene.meanings[main], scene.pieces[main].part
    return Meaning(), ""


def _held_meaning(scene: Scene, candidate: Candidate) -> tuple[Meaning, str]:
    """What the name of a piece says that the axis goes through, where the largest one has no telling name."""
    holders = candidate.holders | {i for i in candidate.group if scene.meanings[i].kind == "fastener"}
    for contact in scene.contacts:
        for one, other in ((contact.a, contact.b), (contact.b, contact.a)):
            said = scene.meanings[one]
            if one in candidate.group and other in holders and said.kind == "role":
                role = scene.table.roles[said.role]
                if not role.symmetric and not role.panel and contact.slides(candidate.twist):
                    return said, scene.pieces[one].part
    return Meaning(), ""


def _guess(scene: Scene, candidate: Candidate) -> str:
    """What it probably is, where no name says so."""
    upright = abs(float(candidate.twist.axis[2]))
    if candidate.pattern == "slide":
        return "drawer" if "hollow" in candidate.features and upright < 0.5 else "slider"
    if candidate.pattern == "panel":
        return "lid" if "level_panel" in candidate.features else "door"
    if candidate.pattern == "spin":
        return "wheel" if "wheel" in candidate.features else ""
    for role in ("door", "lid", "blade", "screen", "lever", "seat", "caster", "window"):
        if role in scene.expected:
            return role
    return ""
