"""The child process that runs MuJoCo: ``python -m physicl_twin.ingest.mjcf_worker SOURCE AREA RESULT BYTES``.

MuJoCo reads the whole format (includes, defaults, composites, attached models) and resolves every number; what it
compiles is written as one ``.npz`` with the arrays of the meshes and the tables of the model as JSON. A crash of its
native code on a damaged file ends this process only.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.mjcf_assets import Escapes, asset_files, drop_missing, looks, numbers, store_mesh

#: Exit status for a file that MuJoCo refuses; its reason is standard error.
REFUSED = 3
#: Exit status for a file that refers out of its area; the reference is standard error.
ESCAPES = 4

#: A model whose parameters are all MuJoCo's defaults.
_PLAIN = "<mujoco><worldbody><body><joint/><geom size='1'/></body></worldbody></mujoco>"


def convert(source: Path, area: Path, result: Path) -> None:
    """Compile ``source`` and write ``result``; files that it draws in must lie in ``area``.

    Raises:
        Escapes: For a reference out of the area.
        Exception: What MuJoCo raises for a file that it cannot read.
    """

    spec = _spec(source)
    files, missing = asset_files(spec, source.parent, area)
    drop_missing(spec, missing)
    # The same mechanics, with every body and every geom kept under its own name.
    spec.compiler.fusestatic = False
    spec.compiler.discardvisual = False
    model = spec.compile()
    arrays: dict[str, NDArray[Any]] = {}
    description = {
        "name": str(spec.modelname),
        "files": files,
        "missing": [name for _, name in missing],
        "bodies": _bodies(spec, model),
        "joints": _joints(model),
        "geoms": _geoms(spec, model),
        "sites": _sites(model),
        "actuators": _actuators(model),
        "tendons": _tendons(model),
        "equalities": _equalities(model),
        "looks": looks(spec, model),
        "excludes": [[int(s) >> 16, int(s) & 0xFFFF] for s in model.exclude_signature],
        "pairs": [[int(a), int(b)] for a, b in zip(model.pair_geom1, model.pair_geom2, strict=True)],
        "keys": [{"name": model.key(i).name, "qpos": numbers(model.key_qpos[i])} for i in range(model.nkey)],
        "left": _left(spec, model),
        "gravity": numbers(model.opt.gravity),
        "solver": _solver_parameters(model),
        "fluid": [float(model.opt.density), float(model.opt.viscosity)],
        "settotalmass": float(spec.compiler.settotalmass),
    }
    for index in range(model.nmesh):
        store_mesh(model, index, arrays)
    arrays["description"] = np.frombuffer(json.dumps(description).encode(), dtype=np.uint8)
    np.savez(result, **arrays)  # type: ignore[arg-type]


def _spec(source: Path) -> Any:
    """The parsed description. MuJoCo opens files by their extension, so others go in as text."""
    import mujoco

    if source.suffix.lower() == ".xml":
        return mujoco.MjSpec.from_file(str(source))
    here = Path.cwd()
    os.chdir(source.parent)  # includes start from there
    try:
        spec = mujoco.MjSpec.from_string(source.read_text(encoding="utf-8"))
    finally:
        os.chdir(here)
    spec.modelfiledir = str(source.parent)
    return spec


def _solver_parameters(model: Any) -> list[str]:
    """What has solver parameters of its own: names of the fields of ``MjModel`` that differ from the defaults."""
    import mujoco

    plain = mujoco.MjModel.from_xml_string(_PLAIN)
    fields = [f"geom_{name}" for name in ("solref", "solimp", "margin", "gap", "condim", "solmix", "priority")]
    fields += ["jnt_solref", "jnt_solimp", "jnt_margin", "dof_solref", "dof_solimp"]
    return [name for name in fields if (getattr(model, name) != getattr(plain, name)[0]).any()]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _bodies(spec: Any, model: Any) -> list[dict[str, Any]]:
    """Rows of the bodies; the world is the first."""
    from_geoms = int(spec.compiler.inertiafromgeom) == 1
    explicit = {int(b.id): bool(b.explicitinertial) and not from_geoms for b in spec.bodies}
    soft = {int(b) for b in model.flex_vertbodyid if b > 0} | {int(b) for b in model.flex_nodebodyid if b > 0}
    return [
        {
            "name": model.body(i).name,
            "parent": int(model.body_parentid[i]),
            "position": numbers(model.body_pos[i]),
            "wxyz": numbers(model.body_quat[i]),
            "mass": float(model.body_mass[i]),
            "com": numbers(model.body_ipos[i]),
            "com_wxyz": numbers(model.body_iquat[i]),
            "inertia": numbers(model.body_inertia[i]),
            "explicit": explicit.get(i, False),
            "mocap": int(model.body_mocapid[i]) >= 0,
            "soft": i in soft,
            "gravcomp": float(model.body_gravcomp[i]),
        }
        for i in range(model.nbody)
    ]


def _joints(model: Any) -> list[dict[str, Any]]:
    import mujoco

    kinds = {int(k): k.name.removeprefix("mjJNT_").lower() for k in mujoco.mjtJoint.__members__.values()}
    rows = []
    for i in range(model.njnt):
        address, dof = int(model.jnt_qposadr[i]), int(model.jnt_dofadr[i])
        bound = model.jnt_actfrcrange[i] if model.jnt_actfrclimited[i] else None
        rows.append(
            {
                "name": model.joint(i).name,
                "kind": kinds[int(model.jnt_type[i])],
                "body": int(model.jnt_bodyid[i]),
                "address": address,
                "anchor": numbers(model.jnt_pos[i]),
                "axis": numbers(model.jnt_axis[i]),
                "range": numbers(model.jnt_range[i]) if model.jnt_limited[i] else None,
                "ref": float(model.qpos0[address]),
                "rest": float(model.qpos_spring[address]),
                "stiffness": float(model.jnt_stiffness[i]),
                "stiffness_poly": numbers(model.jnt_stiffnesspoly[i]),
                "damping": float(model.dof_damping[dof]),
                "damping_poly": numbers(model.dof_dampingpoly[dof]),
                "friction": float(model.dof_frictionloss[dof]),
                "armature": float(model.dof_armature[dof]),
                "force_range": None if bound is None else numbers(bound),
            }
        )
    return rows


def _geoms(spec: Any, model: Any) -> list[dict[str, Any]]:
    import mujoco

    kinds = {int(k): k.name.removeprefix("mjGEOM_").lower() for k in mujoco.mjtGeom.__members__.values()}
    written = {int(g.id): g for g in spec.geoms}
    low, high = (int(v) for v in spec.compiler.inertiagrouprange)
    rows = []
    for i in range(model.ngeom):
        own = written[i]
        rows.append(
            {
                "name": model.geom(i).name,
                "kind": kinds[int(model.geom_type[i])],
                "body": int(model.geom_bodyid[i]),
                "position": numbers(model.geom_pos[i]),
                "wxyz": numbers(model.geom_quat[i]),
                "size": numbers(model.geom_size[i]),
                "mesh": int(model.geom_dataid[i]) if model.geom_type[i] in _MESHES(mujoco) else -1,
                "contype": int(model.geom_contype[i]),
                "conaffinity": int(model.geom_conaffinity[i]),
                "group": int(model.geom_group[i]),
                "look": int(model.geom_matid[i]),
                "rgba": numbers(model.geom_rgba[i]),
                "friction": numbers(model.geom_friction[i]),
                "density": float(own.density),
                "mass": _number(float(own.mass)),
                "shell": int(own.typeinertia) == int(mujoco.mjtGeomInertia.mjINERTIA_SHELL),
                "weighs": low <= int(model.geom_group[i]) <= high,
            }
        )
    return rows


def _MESHES(mujoco: Any) -> tuple[int, int]:
    return int(mujoco.mjtGeom.mjGEOM_MESH), int(mujoco.mjtGeom.mjGEOM_SDF)


def _sites(model: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": model.site(i).name,
            "body": int(model.site_bodyid[i]),
            "position": numbers(model.site_pos[i]),
            "wxyz": numbers(model.site_quat[i]),
        }
        for i in range(model.nsite)
    ]


def _actuators(model: Any) -> list[dict[str, Any]]:
    import mujoco

    def name(family: Any, value: int) -> str:
        return str(family(value).name).split("_", 1)[1].lower()

    return [
        {
            "name": model.actuator(i).name,
            "transmission": name(mujoco.mjtTrn, int(model.actuator_trntype[i])),
            "target": int(model.actuator_trnid[i][0]),
            "gear": numbers(model.actuator_gear[i]),
            "gain": name(mujoco.mjtGain, int(model.actuator_gaintype[i])),
            "gain_parameters": numbers(model.actuator_gainprm[i][:3]),
            "bias": name(mujoco.mjtBias, int(model.actuator_biastype[i])),
            "bias_parameters": numbers(model.actuator_biasprm[i][:3]),
            "dynamics": name(mujoco.mjtDyn, int(model.actuator_dyntype[i])),
            "control_range": numbers(model.actuator_ctrlrange[i]) if model.actuator_ctrllimited[i] else None,
            "force_range": numbers(model.actuator_forcerange[i]) if model.actuator_forcelimited[i] else None,
            "armature": float(model.actuator_armature[i]),
            "damping": float(model.actuator_damping[i]),
        }
        for i in range(model.nactuator)
    ]


def _tendons(model: Any) -> list[dict[str, Any]]:
    """Tendons; ``joints`` holds (joint, coefficient) of a fixed one and is None for one through space."""
    import mujoco

    rows = []
    for i in range(model.ntendon):
        start, count = int(model.tendon_adr[i]), int(model.tendon_num[i])
        wraps = range(start, start + count)
        fixed = all(int(model.wrap_type[w]) == int(mujoco.mjtWrap.mjWRAP_JOINT) for w in wraps)
        terms = [[int(model.wrap_objid[w]), float(model.wrap_prm[w])] for w in wraps]
        resists = model.tendon_stiffness[i] or model.tendon_damping[i] or model.tendon_frictionloss[i]
        rows.append(
            {
                "name": model.tendon(i).name,
                "joints": terms if fixed else None,
                "acts": bool(resists or model.tendon_limited[i] or model.tendon_armature[i]),
            }
        )
    return rows


def _equalities(model: Any) -> list[dict[str, Any]]:
    import mujoco

    return [
        {
            "name": model.equality(i).name,
            "kind": str(mujoco.mjtEq(int(model.eq_type[i])).name).removeprefix("mjEQ_").lower(),
            "of_sites": int(model.eq_objtype[i]) == int(mujoco.mjtObj.mjOBJ_SITE),
            "first": int(model.eq_obj1id[i]),
            "second": int(model.eq_obj2id[i]),
            "active": bool(model.eq_active0[i]),
            "data": numbers(model.eq_data[i]),
        }
        for i in range(model.neq)
    ]


def _left(spec: Any, model: Any) -> dict[str, list[str]]:
    """Names of what a twin has no place for, by kind."""
    import mujoco

    def names(elements: Any) -> list[str]:
        return [str(e.name) for e in elements]

    sensors = [
        f"{s.name} ({str(mujoco.mjtSensor(int(s.type)).name).removeprefix('mjSENS_').lower()})" for s in spec.sensors
    ]
    return {
        "camera": names(spec.cameras),
        "light": names(spec.lights),
        "sensor": sensors,
        "height field": names(spec.hfields),
        "skin": names(spec.skins),
        "deformable body": names(spec.flexes),
        "plugin": [str(p.plugin_name) for p in spec.plugins],
        "custom field": [*names(spec.numerics), *names(spec.texts), *names(spec.tuples)],
    }


def main(arguments: list[str]) -> int:
    """Run one conversion; the exit status says how it ended."""
    if os.name == "posix":
        import resource

        # A description of a few bytes may ask for millions of copies.
        resource.setrlimit(resource.RLIMIT_AS, (int(arguments[3]), int(arguments[3])))
    try:
        convert(Path(arguments[0]), Path(arguments[1]), Path(arguments[2]))
    except Escapes as error:
        print(error, file=sys.stderr)
        return ESCAPES
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
