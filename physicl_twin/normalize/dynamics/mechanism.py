"""The entry of the room: everything that a mechanism needs to be simulated, derived where the source says nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from physicl_twin.model import Articulation, Evidence, Joint, Note, Twin
from physicl_twin.normalize.dynamics.base import Base, base_of, own_evidence
from physicl_twin.normalize.dynamics.bearing_load import bearing_load, matter_of
from physicl_twin.normalize.dynamics.effort import Load, loads_of
from physicl_twin.normalize.dynamics.filters import filters_of
from physicl_twin.normalize.dynamics.iterations import position_iterations
from physicl_twin.normalize.dynamics.joint_table import JointTable, Role, joint_table
from physicl_twin.normalize.dynamics.link_masses import with_link_masses
from physicl_twin.normalize.dynamics.loop_drives import loop_led, loop_note
from physicl_twin.normalize.dynamics.marks import besides, derived, stated, stated_drive, untouched
from physicl_twin.normalize.dynamics.mass_matrix import MOVING
from physicl_twin.normalize.dynamics.motors import Effort, Moved, armature_of, drive_of, effort_of, wheel_drive_of
from physicl_twin.normalize.dynamics.overlaps import Hulls, tolerance_m
from physicl_twin.normalize.dynamics.placeholders import placeholder_note, placeholders, stalling_note, without_stalling
from physicl_twin.normalize.dynamics.resistance import Resistance, of_bearing, of_motor
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.dynamics.tree import Tree, tree_of

#: Formats that describe a whole model of the dynamics: what they do not state is zero in them.
_WHOLE_MODELS = ("mjcf",)
#: Roles of joints that turn on and on: their drives hold a speed, not a place.
_TURNING = ("wheel", "propeller")
#: Field of the evidence that the source states the solver's iterations.
_ITERATIONS_FIELD = "iterations"


def with_dynamics(twin: Twin, settings: DynamicsSettings | None = None) -> Twin:
    """Complete the mechanism of a twin: link masses, friction, damping, armature, drives, base, filters, iterations.

    What the source states is kept; what this derives carries a mark and is derived anew, so doing it twice changes
    nothing. A twin without joints comes back as it is.

    Args:
        twin: With mass properties and collision geometry.
        settings: ``[dynamics]``; the shipped ones when None.

    Returns:
        The twin with its articulation, and notes about what was assumed or repaired.
    """
    if not twin.joints:
        return replace(twin, articulation=None) if twin.articulation is not None else twin
    settings = settings or DynamicsSettings.shipped()
    table = joint_table()
    twin = _with_open_loops(twin)
    twin = with_link_masses(twin, settings)
    tree = tree_of(twin)
    roles = _roles(twin, table)
    twin = replace(twin, joints=tuple(_with_role(joint, roles.get(joint.name)) for joint in twin.joints))
    tree = tree_of(twin)
    base = base_of(twin, tree, roles, table, settings)
    # Forward kinematics starts at the root, so it must be known before poses are looked at.
    twin = replace(twin, articulation=replace(twin.articulation or Articulation(), root=base.root))
    fillers = _fillers(twin, tree, base, settings)
    led = _led(twin, tree, base)
    joints = _with_numbers(twin, tree, base, roles, table, settings, fillers, led)
    stalling = stalling_note(twin.joints, joints)
    twin = replace(twin, joints=joints)
    twin = _noted(twin, (*placeholder_note(fillers), *stalling, *loop_note(led), *_uncoupled_note(twin)))
    return _with_articulation(twin, tree_of(twin), base, settings)


def with_kind(twin: Twin, settings: DynamicsSettings | None = None) -> Twin:
    """Say whether the mechanism is a robot, as ``with_dynamics`` will.

    Names, joints and what drives them decide, so that it is known before anything has a mass; what things are made of
    depends on it. The reasons are left to ``with_dynamics``, which wants the articulation as the source states it.
    """
    if not twin.joints:
        return twin
    table = joint_table()
    opened = _with_open_loops(twin)
    base = base_of(opened, tree_of(opened), _roles(opened, table), table, settings or DynamicsSettings.shipped())
    return replace(twin, articulation=replace(twin.articulation or Articulation(), kind=base.kind))


def _uncoupled_note(twin: Twin) -> tuple[Note, ...]:
    """A hinge that follows a slide, or the reverse, is more than one of the engines can."""
    types = {joint.name: joint.type for joint in twin.joints}
    across = [j.name for j in twin.joints if j.mimic is not None and types.get(j.mimic.joint, j.type) != j.type]
    if not across:
        return ()
    some = ", ".join(across[:3]) + (f" and {len(across) - 3} more" if len(across) > 3 else "")
    message = f"{some} follow{'s' if len(across) == 1 else ''} across types: a hinge a slide, or a slide a hinge."
    hint = "PhysX and MuJoCo couple them; Newton couples joints of one type only and leaves the follower to itself."
    return (Note("coupled_across_types", "info", message, hint),)


def _fillers(twin: Twin, tree: Tree, base: Base, settings: DynamicsSettings) -> dict[str, str]:
    """Joints of a robot whose stated effort is a placeholder; none where the source states the whole dynamics."""
    if base.kind != "robot" or _whole(twin):
        return {}
    corners = np.concatenate([item.corners for item in matter_of(twin)] or [np.zeros((0, 3))])
    size = float(np.linalg.norm(np.ptp(corners, axis=0))) if len(corners) else 1.0
    return placeholders(twin, tree, _total_kg(twin) * settings.gravity_mps2, size)


def _led(twin: Twin, tree: Tree, base: Base) -> set[str]:
    """Joints of loops that others move; where the source states actuators it is for it to say which."""
    actuated = any(stated_drive(joint.drive) is not None for joint in twin.joints)
    return set() if base.kind != "robot" or _whole(twin) or actuated else loop_led(twin, tree)


def _total_kg(twin: Twin) -> float:
    return math.fsum(body.mass.value for body in twin.bodies if body.mass is not None)


def _whole(twin: Twin) -> bool:
    return bool(twin.sources) and twin.sources[0].format in _WHOLE_MODELS


def _with_open_loops(twin: Twin) -> Twin:
    """Joints that close a cycle without saying so become constraints outside the tree."""
    loops = tree_of(twin).loops
    if not loops:
        return twin
    joints = tuple(replace(j, closes_loop=True) if j.name in loops else j for j in twin.joints)
    which = f"{', '.join(loops[:3])} {'is' if len(loops) == 1 else 'are'}"
    text = f"The joints of the source run in circles; {which} kept out of the tree."
    note = Note("loop_opened", "info", text, "The mechanism moves the same; the loop is held by a constraint.")
    return _noted(replace(twin, joints=joints), (note,))


def _roles(twin: Twin, table: JointTable) -> dict[str, Role]:
    """The role of each joint that has one: as stated or inferred before, else by the words of its names."""
    found: dict[str, Role] = {}
    for joint in twin.joints:
        if joint.type == "fixed":
            continue
        role = table.role(joint.role) if joint.role else table.role_of(joint.type, joint.name, joint.body1)
        if role is not None:
            found[joint.name] = role
    return found


def _with_role(joint: Joint, role: Role | None) -> Joint:
    if role is None or joint.role:
        return joint
    why = Evidence("rule", f"Its name, or that of {joint.body1}, says that it is a {role.name}.", "joints.toml", "role")
    return replace(joint, role=role.name, evidence=(*joint.evidence, why))


def _with_numbers(
    twin: Twin,
    tree: Tree,
    base: Base,
    roles: dict[str, Role],
    table: JointTable,
    settings: DynamicsSettings,
    fillers: dict[str, str],
    led: set[str],
) -> tuple[Joint, ...]:
    """The joints with friction, damping, armature and drives where they make sense."""
    if _whole(twin):
        return tuple(_as_stated(joint) for joint in twin.joints)
    loads = loads_of(twin, tree, settings)
    links = {link.joint.name: link for link in tree.links if link.joint is not None}
    members, matter = tree.subtrees(), matter_of(twin)
    wheels = max(1, sum(role.name == "wheel" for role in roles.values()))
    total = _total_kg(twin)
    actuated = any(stated_drive(joint.drive) is not None for joint in twin.joints)
    joints = []
    for joint in twin.joints:
        link = links.get(joint.name)
        if joint.type not in MOVING or link is None:
            joints.append(_as_stated(joint))
            continue
        role, load = roles.get(joint.name), loads.get(joint.name, Load(0.0, 0.0))
        rolls = role is not None and role.name == "wheel" and not base.fixed
        carried = bearing_load(twin, link, tuple(matter[i] for i in members[link.body]), settings)
        if base.kind == "robot" and joint.name not in led and _driven(joint, role, actuated):
            rolled = total / wheels * carried.reach_m**2 if rolls else 0.0
            effort = effort_of(joint, load, fillers.get(joint.name, ""))
            load = replace(load, inertia=load.inertia + rolled)
            joints.append(_motorized(joint, role, effort, load, table, settings))
            continue
        if rolls:  # wheels carry what stands on them, not only themselves
            carried = replace(carried, force_n=max(carried.force_n, total * settings.gravity_mps2 / wheels))
        passive = replace(joint, armature=stated(joint.armature), drive=stated_drive(joint.drive))
        joints.append(_resisting(passive, of_bearing(joint, role, carried, table)))
    return tuple(joints)


def _driven(joint: Joint, role: Role | None, actuated: bool) -> bool:
    """True for a joint of a robot with a motor.

    Where the source states actuators it is those; else all but what follows others, and wheels that nothing drives.
    """
    if stated_drive(joint.drive) is not None:
        return True
    if joint.mimic is not None or actuated:
        return False
    if joint.max_force is not None and joint.max_force.value > 0:
        return True
    return role is None or role.name != "wheel"


def _motorized(
    joint: Joint, role: Role | None, effort: Effort, load: Load, table: JointTable, settings: DynamicsSettings
) -> Joint:
    """A robot's joint with its motor, which moves and holds the load."""
    joint = without_stalling(joint, effort.value, effort.log_std)
    armature = armature_of(joint, effort, load.inertia, table)
    inertia = load.inertia + armature.value
    resistance = of_motor(joint, effort.value, effort.log_std, effort.why, table)
    if role is not None and role.name in _TURNING and joint.lower is None and joint.type == "revolute":
        drive = wheel_drive_of(joint, effort, inertia, settings)
    else:
        friction = (stated(joint.friction) or resistance.friction).value
        moved = Moved(inertia, friction, load.gravity)
        drive = drive_of(joint, effort, moved, settings, grips=role is not None and role.name == "finger")
    return _resisting(replace(joint, armature=armature, drive=drive), resistance)


def _resisting(joint: Joint, resistance: Resistance) -> Joint:
    return replace(
        joint,
        friction=stated(joint.friction) or besides(resistance.friction, joint.friction),
        damping=stated(joint.damping) or besides(resistance.damping, joint.damping),
    )


def _as_stated(joint: Joint) -> Joint:
    """A joint with nothing that this room derived."""
    return replace(
        joint,
        friction=untouched(joint.friction),
        damping=untouched(joint.damping),
        armature=untouched(joint.armature),
        drive=stated_drive(joint.drive),
    )


def _with_articulation(twin: Twin, tree: Tree, base: Base, settings: DynamicsSettings) -> Twin:
    """The articulation and the notes about it."""
    told = twin.articulation or Articulation()
    own = own_evidence(twin)
    depth = tolerance_m(twin, settings.overlap_ratio, settings.overlap_floor_m)
    filters, overlapping = filters_of(twin, Hulls.of(twin), depth)
    iterations, why = _iterations(twin, tree, base, own, settings)
    reasons = (*base.evidence, why)
    articulation = Articulation(
        kind=base.kind,
        root=base.root,
        fixed=base.fixed,
        self_collision=told.self_collision,
        filters=filters,
        position_iterations=iterations,
        velocity_iterations=told.velocity_iterations,
        evidence=reasons + tuple(item for item in own if item.statement not in {why.statement for why in reasons}),
    )
    apart = _disconnected(twin, tree)
    return _noted(replace(twin, articulation=articulation), (*base.notes, *overlapping, *apart))


def _iterations(
    twin: Twin, tree: Tree, base: Base, own: tuple[Evidence, ...], settings: DynamicsSettings
) -> tuple[int, Evidence]:
    """Position iterations: those that the source states, else as the mechanism needs."""
    told = twin.articulation
    said = next((item for item in own if item.field == _ITERATIONS_FIELD), None)
    if told is not None and told.position_iterations is not None:
        if said is None and not derived(told.evidence):
            said = Evidence("source", "The source states the iterations.", twin.sources[0].name, _ITERATIONS_FIELD)
        if said is not None:
            return told.position_iterations, said
    return position_iterations(twin, tree, settings, base.root if base.fixed else "")


def _disconnected(twin: Twin, tree: Tree) -> tuple[Note, ...]:
    """A note about bodies that no joint ties to the others."""
    loose = [twin.bodies[r].name for r in tree.roots if len(tree.subtree(r)) == 1 and tree.link(r).joint is None]
    loose = [name for name in loose if not twin.body(name).static]
    if not loose or len(twin.bodies) == 1:
        return ()
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    text = f"No joint holds {', '.join(loose[:3])}{more}: it moves freely."
    return (Note("body_unjointed", "info", text, "Join it in the source when it belongs to the mechanism."),)


def _noted(twin: Twin, notes: tuple[Note, ...]) -> Twin:
    return twin.with_notes(*(note for note in notes if note not in twin.notes))
