"""A configuration of a twin for Isaac Lab: a Python file beside the asset.

The fields are those that the configuration classes of Isaac Lab 2.3 and 3.0 have in common (isaac-sim/IsaacLab:
``actuators/actuator_base_cfg.py``, ``assets/articulation/articulation_cfg.py``, ``sim/schemas``). Their orders of a
quaternion's components differ, so that none is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.job import Job
from physicl_twin.engines.joint_tree import spanning_tree
from physicl_twin.engines.scene_description import DescribedJoint, SceneDescription
from physicl_twin.model import Articulation
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.names import Names
from physicl_twin.usd.options import UsdOptions

#: Significant digits of what is written: more than USD's single precision keeps.
_DIGITS = 9


def configuration_name(twin: str) -> str:
    """Name of the configuration in the file."""
    return f"{twin.upper()}_CFG"


def write_configuration(job: Job, usd: str) -> Path:
    """Write ``<name>_cfg.py``.

    Args:
        job: Of the export.
        usd: File that it spawns, beside it.
    """
    path = job.folder / f"{job.subject.twin.name}_cfg.py"
    path.write_text(configuration(job, usd), encoding="utf-8")
    return path


def configuration(job: Job, usd: str) -> str:
    """Text of the configuration: of an articulation, of a rigid object, or, of what is neither, of a mere asset."""
    twin, scene = job.subject.twin, describe_twin(job.layout)
    jointed = bool(twin.joints) and one_mechanism(job.layout)
    kind = "ArticulationCfg" if jointed else "RigidObjectCfg" if len(twin.bodies) == 1 else "AssetBaseCfg"
    moving = _movable(scene) if jointed else ()
    title = re.sub(r'[\\"\x00-\x1f]', " ", twin.title)
    head = [f'"""{title}: its configuration for Isaac Lab, of the twin version {twin.version}."""', ""]
    head += ["from pathlib import Path", "", "import isaaclab.sim as sim_utils"]
    head += ["from isaaclab.actuators import ImplicitActuatorCfg"] if moving else []
    head += [f"from isaaclab.assets import {kind}", ""]
    spawn = ["    spawn=sim_utils.UsdFileCfg(", f'        usd_path=str(Path(__file__).resolve().parent / "{usd}"),']
    spawn += [*_rigid(job), *(_root(job) if jointed else []), "    ),"]
    state = [*_initial(moving), *_actuators(moving)] if jointed else []
    use = 'prim_path="{ENV_REGEX_NS}/Object"'
    what = "Gains, limits and losses are the twin's estimates in SI units. " if jointed else ""
    slack = ", ".join(f"{j.path} {_number(j.rest)}" for j in moving if j.stiffness and j.rest)
    what += f"Springs are slack at {slack}: set these as position targets. " if slack else ""
    advice = f'"""{what}Use it with .replace({use})."""'
    return "\n".join([*head, f"{configuration_name(twin.name)} = {kind}(", *spawn, *state, ")", advice, ""])


def one_mechanism(layout: Layout) -> bool:
    """False for a twin of several mechanisms, such as a building: Isaac Lab's Articulation is one tree."""
    return layout.mechanism is None or layout.mechanism.root != layout.root


def _movable(scene: SceneDescription) -> tuple[DescribedJoint, ...]:
    """The joints that an articulation has coordinates of: those of its tree, in the twin's order."""
    tree = {joint.path for joint in spanning_tree(scene, sliding_first=False).joints.values()}
    return tuple(j for j in scene.joints if j.path in tree and j.type in ("revolute", "prismatic"))


def _rigid(job: Job) -> list[str]:
    """What PhysX bounds of a rigid body: as the asset itself has it."""
    options = UsdOptions.from_settings(job.settings).physx
    return [
        "        rigid_props=sim_utils.RigidBodyPropertiesCfg(",
        f"            max_depenetration_velocity={_number(options.max_depenetration_m_s)},",
        f"            linear_damping={_number(options.linear_damping_1_s)},",
        f"            angular_damping={_number(options.angular_damping_1_s)},",
        "        ),",
    ]


def _root(job: Job) -> list[str]:
    options = UsdOptions.from_settings(job.settings).physx
    articulation = job.subject.twin.articulation or Articulation()
    position, velocity = articulation.position_iterations, articulation.velocity_iterations
    position = options.articulation_position_iterations if position is None else position
    velocity = options.articulation_velocity_iterations if velocity is None else velocity
    touches = articulation.self_collision
    return [
        "        articulation_props=sim_utils.ArticulationRootPropertiesCfg(",
        f"            enabled_self_collisions={touches},",
        f"            solver_position_iteration_count={position},",
        f"            solver_velocity_iteration_count={velocity},",
        "        ),",
    ]


def _initial(moving: tuple[DescribedJoint, ...]) -> list[str]:
    if not moving:
        return []
    positions = {joint.path: joint.position for joint in moving}
    return ["    init_state=ArticulationCfg.InitialStateCfg(", *_mapping("joint_pos", positions, 8), "    ),"]


def _actuators(moving: tuple[DescribedJoint, ...]) -> list[str]:
    """Groups of joints with equal fields: Isaac Lab takes what a field's mapping does not name for zero."""
    groups: dict[tuple[str, bool, bool], list[DescribedJoint]] = {}
    for joint in moving:
        key = (_group(joint), joint.driven and joint.drive_max_force is not None, joint.max_velocity is not None)
        groups.setdefault(key, []).append(joint)
    lines, taken = ["    actuators={"], Names()
    for (kind, _, _), joints in groups.items():
        named = ", ".join(f'"{_exactly(joint.path)}"' for joint in joints)
        lines += [f'        "{taken.unique(kind)}": ImplicitActuatorCfg(', f"            joint_names_expr=[{named}],"]
        free = kind == "followers"  # what follows has no gains of its own
        for field, values in _fields(joints, free=free).items():
            lines += _field(field, values)
        lines += ["        ),"]
    return [*lines, "    },"]


def _fields(joints: list[DescribedJoint], *, free: bool) -> dict[str, dict[str, float]]:
    """Numbers of a group, joint by joint; a field that the twin does not state is absent."""
    return {
        "effort_limit_sim": {j.path: j.drive_max_force for j in joints if j.driven and j.drive_max_force is not None},
        "velocity_limit_sim": {j.path: j.max_velocity for j in joints if j.max_velocity is not None},
        "stiffness": {j.path: 0.0 if free else j.drive_stiffness + j.stiffness for j in joints},
        "damping": {j.path: 0.0 if free else _damping(j) for j in joints},
        "armature": {j.path: j.armature for j in joints},
        "friction": {j.path: j.friction for j in joints},
    }


def _damping(joint: DescribedJoint) -> float:
    """Of the drive; of a passive joint its own, as its drive in the asset has it."""
    return joint.drive_damping if joint.driven else joint.damping


def _group(joint: DescribedJoint) -> str:
    if joint.mimic_of:
        return "followers"
    if not joint.driven:
        return "passive"
    if joint.drive_stiffness:
        return "position"
    return "velocity" if joint.drive_damping else "effort"


def _field(name: str, values: Mapping[str, float]) -> list[str]:
    """One number where all joints share it."""
    if not values:
        return []
    numbers = set(values.values())
    if len(numbers) == 1:
        return [f"            {name}={_number(numbers.pop())},"]
    return _mapping(name, values, 12)


def _mapping(name: str, values: Mapping[str, float], indent: int) -> list[str]:
    space = " " * indent
    items = [f'{space}    "{_exactly(key)}": {_number(value)},' for key, value in values.items()]
    return [f"{space}{name}={{", *items, f"{space}}},"]


def _exactly(joint: str) -> str:
    """A regular expression that means one joint; Isaac Lab matches names in full."""
    return re.escape(joint)


def _number(value: float) -> str:
    return repr(float(f"{value:.{_DIGITS}g}"))
