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

#: Exit status for a file that MuJoCo refuses; its reason is standard error.
REFUSED = 3
#: Exit status for a file that refers out of its area; the reference is standard error.
ESCAPES = 4


class _Escapes(Exception):
    """A reference leaves the area."""


def convert(source: Path, area: Path, result: Path) -> None:
    """Compile ``source`` and write ``result``; files that it draws in must lie in ``area``.

    Raises:
        _Escapes: For a reference out of the area.
        Exception: What MuJoCo raises for a file that it cannot read.
    """

    spec = _spec(source)
    files, missing = _files(spec, source.parent, area)
    _drop_missing(spec, missing)
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
        "looks": _looks(spec, model),
        "excludes": [[int(s) >> 16, int(s) & 0xFFFF] for s in model.exclude_signature],
        "pairs": [[int(a), int(b)] for a, b in zip(model.pair_geom1, model.pair_geom2, strict=True)],
        "keys": [{"name": model.key(i).name, "qpos": _list(model.key_qpos[i])} for i in range(model.nkey)],
        "left": _left(spec, model),
        "gravity": _list(model.opt.gravity),
        "fluid": [float(model.opt.density), float(model.opt.viscosity)],
        "settotalmass": float(spec.compiler.settotalmass),
    }
    for index in range(model.nmesh):
        _mesh(model, index, arrays)
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


def _files(spec: Any, folder: Path, area: Path) -> tuple[list[list[str]], list[tuple[Any, str]]]:
    """Files that the assets name: (role, path) of those that are there, and (element, name) of the missing ones."""
    found: list[list[str]] = []
    missing: list[tuple[Any, str]] = []
    groups = (("mesh", spec.meshes), ("texture", spec.textures), ("hfield", spec.hfields), ("skin", spec.skins))
    for kind, elements in groups:
        for element in elements:
            names = [element.file, *(element.cubefiles if kind == "texture" else ())]
            for name in filter(None, names):
                compiler = getattr(element, "compiler", None) or spec.compiler
                sub = compiler.texturedir if kind == "texture" else compiler.meshdir
                plain = Path(str(name).replace("\\", "/"))
                if spec.strippath:
                    plain = Path(plain.name)
                path = folder / sub.replace("\\", "/") / plain
                if not path.resolve().is_relative_to(area):
                    raise _Escapes(f"{sub}/{name}" if sub else str(name))
                if path.is_file():
                    found.append([kind, str(path), str(element.name)])
                else:
                    missing.append((element, str(name)))
    return found, missing


def _drop_missing(spec: Any, missing: list[tuple[Any, str]]) -> None:
    """Take missing meshes and textures, and the geoms and looks that need them, out of the model."""
    import mujoco

    for element, name in missing:
        stem = element.name or Path(name).stem
        if isinstance(element, mujoco._specs.MjsMesh):
            for geom in [g for g in spec.geoms if g.meshname == stem]:
                spec.delete(geom)
            spec.delete(element)
        elif isinstance(element, mujoco._specs.MjsTexture):
            for material in spec.materials:
                material.textures = ["" if t == stem else t for t in material.textures]
            spec.delete(element)


def _list(values: Any) -> list[float]:
    return [float(v) for v in np.asarray(values).ravel()]


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
            "position": _list(model.body_pos[i]),
            "wxyz": _list(model.body_quat[i]),
            "mass": float(model.body_mass[i]),
            "com": _list(model.body_ipos[i]),
            "com_wxyz": _list(model.body_iquat[i]),
            "inertia": _list(model.body_inertia[i]),
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
                "anchor": _list(model.jnt_pos[i]),
                "axis": _list(model.jnt_axis[i]),
                "range": _list(model.jnt_range[i]) if model.jnt_limited[i] else None,
                "ref": float(model.qpos0[address]),
                "rest": float(model.qpos_spring[address]),
                "stiffness": float(model.jnt_stiffness[i]),
                "stiffness_poly": _list(model.jnt_stiffnesspoly[i]),
                "damping": float(model.dof_damping[dof]),
                "damping_poly": _list(model.dof_dampingpoly[dof]),
                "friction": float(model.dof_frictionloss[dof]),
                "armature": float(model.dof_armature[dof]),
                "force_range": None if bound is None else _list(bound),
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
                "position": _list(model.geom_pos[i]),
                "wxyz": _list(model.geom_quat[i]),
                "size": _list(model.geom_size[i]),
                "mesh": int(model.geom_dataid[i]) if model.geom_type[i] in _MESHES(mujoco) else -1,
                "contype": int(model.geom_contype[i]),
                "conaffinity": int(model.geom_conaffinity[i]),
                "group": int(model.geom_group[i]),
                "look": int(model.geom_matid[i]),
                "rgba": _list(model.geom_rgba[i]),
                "friction": _list(model.geom_friction[i]),
                "density": float(own.density),
                "mass": _number(float(own.mass)),
                "shell": int(own.typeinertia) == int(mujoco.mjtGeomInertia.mjINERTIA_SHELL),
                "weighs": low <= int(model.geom_group[i]) <= high,
            }
        )
    return rows


def _MESHES(mujoco: Any) -> tuple[int, int]:
    return int(mujoco.mjtGeom.mjGEOM_MESH), int(mujoco.mjtGeom.mjGEOM_SDF)


def _mesh(model: Any, index: int, arrays: dict[str, NDArray[Any]]) -> None:
    """Store the arrays of a mesh: as compiled, in the frame of its own inertia (geoms are placed accordingly)."""

    def rows(table: Any, address: Any, count: Any) -> NDArray[Any]:
        start = int(address[index])
        return np.array(table[start : start + int(count[index])])

    arrays[f"vertices{index}"] = rows(model.mesh_vert, model.mesh_vertadr, model.mesh_vertnum).astype(np.float64)
    faces = rows(model.mesh_face, model.mesh_faceadr, model.mesh_facenum)
    arrays[f"faces{index}"] = faces.astype(np.int64)
    normals = rows(model.mesh_normal, model.mesh_normaladr, model.mesh_normalnum).astype(np.float64)
    corners = rows(model.mesh_facenormal, model.mesh_faceadr, model.mesh_facenum)
    arrays[f"normals{index}"] = normals[corners]
    if int(model.mesh_texcoordadr[index]) >= 0:
        uvs = rows(model.mesh_texcoord, model.mesh_texcoordadr, model.mesh_texcoordnum).astype(np.float64)
        uvs = uvs[rows(model.mesh_facetexcoord, model.mesh_faceadr, model.mesh_facenum)]
        uvs[..., 1] = 1.0 - uvs[..., 1]  # MuJoCo counts rows of the image from the top
        arrays[f"uvs{index}"] = uvs
    arrays[f"name{index}"] = np.frombuffer(model.mesh(index).name.encode(), dtype=np.uint8)


def _sites(model: Any) -> list[dict[str, Any]]:
    return [
        {
            "name": model.site(i).name,
            "body": int(model.site_bodyid[i]),
            "position": _list(model.site_pos[i]),
            "wxyz": _list(model.site_quat[i]),
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
            "gear": _list(model.actuator_gear[i]),
            "gain": name(mujoco.mjtGain, int(model.actuator_gaintype[i])),
            "gain_parameters": _list(model.actuator_gainprm[i][:3]),
            "bias": name(mujoco.mjtBias, int(model.actuator_biastype[i])),
            "bias_parameters": _list(model.actuator_biasprm[i][:3]),
            "dynamics": name(mujoco.mjtDyn, int(model.actuator_dyntype[i])),
            "control_range": _list(model.actuator_ctrlrange[i]) if model.actuator_ctrllimited[i] else None,
            "force_range": _list(model.actuator_forcerange[i]) if model.actuator_forcelimited[i] else None,
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
            "data": _list(model.eq_data[i]),
        }
        for i in range(model.neq)
    ]


def _looks(spec: Any, model: Any) -> list[dict[str, Any]]:
    """Materials, with the mean colour of their texture and the file that it came from."""
    import mujoco

    role = int(mujoco.mjtTextureRole.mjTEXROLE_RGB)
    files = {int(t.id): str(t.file) for t in spec.textures}
    rows = []
    for i in range(model.nmat):
        textures = [int(t) for t in (model.mat_texid[i][role], model.mat_texid[i][role + 1]) if t >= 0]
        texture = textures[0] if textures else -1
        rows.append(
            {
                "name": model.material(i).name,
                "rgba": _list(model.mat_rgba[i]),
                "emission": float(model.mat_emission[i]),
                "specular": float(model.mat_specular[i]),
                "shininess": float(model.mat_shininess[i]),
                "metallic": float(model.mat_metallic[i]),
                "roughness": float(model.mat_roughness[i]),
                "texture": files.get(texture, "") if texture >= 0 else "",
                "texture_name": model.texture(texture).name if texture >= 0 else "",
                "flat": texture >= 0 and int(model.tex_type[texture]) == int(mujoco.mjtTexture.mjTEXTURE_2D),
                "mean": _mean_colour(model, texture) if texture >= 0 else None,
                "repeat": _list(model.mat_texrepeat[i]),
            }
        )
    return rows


def _mean_colour(model: Any, texture: int) -> list[float]:
    """Mean of the pixels, 0..1, as they are encoded."""
    channels = int(model.tex_nchannel[texture])
    size = int(model.tex_width[texture]) * int(model.tex_height[texture]) * channels
    start = int(model.tex_adr[texture])
    pixels = np.array(model.tex_data[start : start + size]).reshape(-1, channels)
    mean = pixels.mean(axis=0) / 255.0
    return _list(mean[:3] if channels >= 3 else np.repeat(mean[0], 3))


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
    except _Escapes as error:
        print(error, file=sys.stderr)
        return ESCAPES
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
