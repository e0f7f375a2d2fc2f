"""MJCF against MuJoCo itself: poses of all bodies at random coordinates, masses and inertias, ties between joints.

    python benchmarks/robots_mjcf.py DIR [--poses 3] [--limit N]

Every XML file below DIR that MuJoCo loads by itself is read; the rate, the largest errors and every failure are
printed. ``benchmarks/robots.py`` calls ``compare``.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin import ingest
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import PhysiclError, Pose, Twin
from physicl_twin.normalize.kinematics import body_poses, coordinates


@dataclass(frozen=True, slots=True)
class MjcfComparison:
    """One description.

    Attributes:
        file: Path below the folder.
        seconds: Of our reader.
        error: Code and message when we refuse it; empty when it is read.
        bodies: Bodies that MuJoCo has (without the world).
        found: Of these, bodies whose pose could be compared (bodies and sites of the twin).
        twin_bodies: Bodies that the twin has.
        joints: Joints of the twin.
        position_error_m: Largest error of a body's position over all poses.
        angle_error_rad: Largest error of a body's rotation.
        stated: Bodies whose mass the file states and whose mass properties were compared.
        derived: Bodies of the twin without stated mass.
        mass_error: Largest relative error of a stated mass.
        inertia_error: Largest error of an inertia, relative to its largest entry.
        tie_residual: Largest violation of MuJoCo's joint equalities where our followers stand.
    """

    file: str
    seconds: float
    error: str = ""
    bodies: int = 0
    found: int = 0
    twin_bodies: int = 0
    joints: int = 0
    position_error_m: float = 0.0
    angle_error_rad: float = 0.0
    stated: int = 0
    derived: int = 0
    mass_error: float = 0.0
    inertia_error: float = 0.0
    tie_residual: float = 0.0


def loads_by_itself(path: Path) -> Any:
    """MuJoCo's own model, or None when MuJoCo refuses the file."""
    import mujoco

    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError:
        return None


def compare(path: Path, folder: Path, poses: int = 3, seed: int = 0) -> MjcfComparison | None:
    """Read a description and compare it with MuJoCo; None when MuJoCo itself refuses it.

    Args:
        path: The file.
        folder: What names are relative to.
        poses: Random poses, besides the one that stands.
        seed: Of them.
    """
    model = loads_by_itself(path)
    if model is None:
        return None
    name = path.relative_to(folder).as_posix()
    start = time.perf_counter()
    try:
        twin = ingest.read(path, ReadOptions())
    except PhysiclError as error:
        return MjcfComparison(name, time.perf_counter() - start, f"{error.code}: {error.message}", model.nbody - 1)
    seconds = time.perf_counter() - start
    found, distance, angle, residual = _kinematics(model, twin, poses, np.random.default_rng(seed))
    stated, mass, inertia = _masses(model, twin)
    derived = sum(b.mass_properties is None and not b.static and bool(b.parts) for b in twin.bodies)
    return MjcfComparison(
        name, seconds, "", model.nbody - 1, found, len(twin.bodies), len(twin.joints), distance, angle, stated, derived,
        mass, inertia, residual,
    )  # fmt: skip


def _kinematics(model: Any, twin: Twin, poses: int, rng: np.random.Generator) -> tuple[int, float, float, float]:
    """Bodies compared, the largest errors of position and angle, and the largest residual of a joint equality."""
    import mujoco

    data = mujoco.MjData(model)
    single = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))
    ours = {joint.name: joint for joint in twin.joints}
    singles = {
        model.joint(j).name: int(model.jnt_qposadr[j])
        for j in range(model.njnt)
        if int(model.jnt_type[j]) in single and model.joint(j).name in ours
    }
    found, distance, angle, residual = 0, 0.0, 0.0, 0.0
    for number in range(poses + 1):
        wanted = {name: ours[name].position for name in singles}
        if number:
            wanted = {name: _random(ours[name], rng) for name in singles}
        at = coordinates(twin, wanted)
        data.qpos[:] = model.qpos0
        for name, address in singles.items():
            data.qpos[address] = at[name]
        mujoco.mj_forward(model, data)
        residual = max(residual, _ties(model, data))
        frames = _frames(twin, body_poses(twin, wanted))
        if number == 0:
            frames = _frames(twin, tuple(body.pose for body in twin.bodies))
        found = 0
        for body in range(1, model.nbody):
            pose = frames.get(model.body(body).name)
            if pose is None:
                continue
            found += 1
            distance = max(distance, float(np.abs(pose[:3, 3] - data.xpos[body]).max()))
            turn = pose[:3, :3].T @ data.xmat[body].reshape(3, 3)
            angle = max(angle, math.asin(min(1.0, float(np.linalg.norm(turn - turn.T)) / math.sqrt(8.0))))
    return found, distance, angle, residual


def _random(joint: Any, rng: np.random.Generator) -> float:
    reach = math.pi if joint.type == "revolute" else 0.5
    low = joint.lower if joint.lower is not None else -reach
    high = joint.upper if joint.upper is not None else reach
    return float(rng.uniform(low, high))


def _ties(model: Any, data: Any) -> float:
    """Largest violation of an equality between joints, by MuJoCo's own formula."""
    import mujoco

    rows = [
        i
        for i in range(data.nefc)
        if int(data.efc_type[i]) == int(mujoco.mjtConstraint.mjCNSTR_EQUALITY)
        and int(model.eq_type[data.efc_id[i]]) == int(mujoco.mjtEq.mjEQ_JOINT)
        and not np.any(model.eq_data[data.efc_id[i]][2:5])  # a curved tie is named and left out
    ]
    return max((abs(float(data.efc_pos[i])) for i in rows), default=0.0)


def _frames(twin: Twin, poses: tuple[Pose, ...]) -> dict[str, Any]:
    frames = {body.name: pose.matrix() for body, pose in zip(twin.bodies, poses, strict=True)}
    for body, pose in zip(twin.bodies, poses, strict=True):
        for site in body.sites:
            frames.setdefault(site.name, pose.matrix() @ site.pose.matrix())
    return frames


def _masses(model: Any, twin: Twin) -> tuple[int, float, float]:
    """Bodies with a stated mass that were compared, and the largest relative errors of mass and inertia."""
    bodies = {body.name: body for body in twin.bodies}
    count, mass_error, inertia_error = 0, 0.0, 0.0
    for number in range(1, model.nbody):
        body = bodies.get(model.body(number).name)
        if body is None or body.mass_properties is None:
            continue
        held = [site.name for site in body.sites]
        others = [b for b in range(1, model.nbody) if model.body(b).name in held and model.body_mass[b] > 0]
        if others:
            continue  # Several bodies of the file in one: only the sum could be compared.
        count += 1
        stated, mass = body.mass_properties, float(model.body_mass[number])
        mass_error = max(mass_error, abs(stated.mass.value - mass) / mass)
        w, x, y, z = (float(v) for v in model.body_iquat[number])
        turn = Pose((0.0, 0.0, 0.0), (w, x, y, z)).rotation()
        inertia = turn @ np.diag(model.body_inertia[number]) @ turn.T
        off = np.abs(np.array(stated.inertia_kgm2) - inertia).max() / max(np.abs(inertia).max(), 1e-15)
        shift = np.abs(np.array(stated.com_m) - model.body_ipos[number]).max()
        inertia_error = max(inertia_error, float(off), float(shift))
    return count, mass_error, inertia_error


def main(arguments: list[str]) -> int:
    """Compare every description below a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--poses", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0)
    asked = parser.parse_args(arguments)
    files = [
        p for p in sorted(asked.folder.rglob("*")) if p.suffix in (".xml", ".mjcf") and b"<mujoco" in p.read_bytes()
    ]
    results = [r for p in files[: asked.limit or None] if (r := compare(p, asked.folder, asked.poses)) is not None]
    read = [r for r in results if not r.error]
    for result in results:
        if result.error or max(result.position_error_m, result.angle_error_rad, result.tie_residual) > 1e-6:
            print(result)
    print(f"{len(read)} of {len(results)} read, {sum(r.seconds for r in results) / max(len(results), 1):.2f} s a file")
    print(f"bodies compared {sum(r.found for r in read)} of {sum(r.bodies for r in read)}")
    print(f"joints {sum(r.joints for r in read)}, masses stated {sum(r.stated for r in read)}")
    print(f"largest error of position {max(r.position_error_m for r in read):.1e} m")
    print(f"largest error of angle {max(r.angle_error_rad for r in read):.1e} rad")
    print(f"largest relative error of mass {max(r.mass_error for r in read):.1e}")
    print(f"largest error of inertia and centre of mass {max(r.inertia_error for r in read):.1e}")
    print(f"largest residual of ties {max(r.tie_residual for r in read):.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
