"""Robot descriptions: which of them load, and whether links, masses and limits are where their files say.

    python benchmarks/robots.py DIR [--limit N] [--match TEXT …] [--configurations N] [--seed N] [--json FILE]
                                    [--build] [--against PYTHON] [--rollouts] [--swing] [--keep FOLDER]

DIR holds URDF, xacro, SDFormat and MJCF files with their meshes at any depth (the PyPI package example-robot-data,
unpacked, say). Each is read. Then every link of a URDF (a body of the twin, or a site of one) is placed at random
coordinates of the joints and compared with yourdfpy, where it is installed, and with MuJoCo's own reader of URDF;
masses, inertias and limits are compared with a plain reading of the file. The reference programs see the same file
without its geometry, as kinematics need none. MJCF is compared with MuJoCo, see ``robots_mjcf.py``.

With --build each becomes a twin as USD, with all static checks and NVIDIA's verdict, against urdf-usd-converter in
PYTHON where that is given, see ``robots_build.py``; --rollouts runs all rollouts, too; --swing lets each swing down in
PhysX and in MuJoCo, see ``robots_swing.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import math
import re
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import robots_build
import robots_mjcf
import robots_swing

from physicl_twin import ingest
from physicl_twin.model import PhysiclError, Twin
from physicl_twin.normalize.kinematics import body_poses

#: Aims of the issue: metres, radians, and relative errors.
AIM_FK, AIM_FIDELITY = 1e-6, 1e-6
#: Files that describe nothing fail with these, and rightly so.
RIGHT_REASONS = ("no_links", "no_geometry")
#: Repairs after which an inertia is not the file's any more.
_REPAIRED = ("inertia_repaired", "inertia_replaced", "inertia_rounded")
FloatArray = NDArray[np.float64]
Placing = Callable[[Mapping[str, float]], dict[str, FloatArray]]


@dataclass(frozen=True, slots=True)
class Row:
    """What one description showed.

    Attributes:
        robot: File, relative to DIR.
        error: Code of the error; empty when it was read.
        refused: True when the reference program refuses the file, too.
        links: Links of the file.
        bodies: Bodies of the twin.
        joints: Joints of the twin that move.
        seconds: Time to read it with all its meshes.
        fk_m: Largest error of a position, metres, by the name of the reference.
        fk_rad: Largest error of an orientation.
        mass: Relative error of the total mass.
        inertia: Largest relative error of a link's inertia (com and rotation in it).
        repaired: Links whose inertia no body can have.
        limits: Joints whose limits, effort or velocity differ.
        build: What became of it, when it was built.
    """

    robot: str
    error: str = ""
    refused: bool = False
    links: int = 0
    bodies: int = 0
    joints: int = 0
    seconds: float = 0.0
    fk_m: tuple[tuple[str, float], ...] = ()
    fk_rad: tuple[tuple[str, float], ...] = ()
    mass: float = 0.0
    inertia: float = 0.0
    repaired: int = 0
    limits: int = 0
    build: robots_build.Build | None = None

    @property
    def passed(self) -> bool:
        """True when it was read rightly, or refused for a right reason."""
        if self.error:
            return self.refused or self.error in RIGHT_REASONS
        errors = [*(e for _, e in self.fk_m), *(e for _, e in self.fk_rad)] or [0.0]
        return max(errors) < AIM_FK and max(self.mass, self.inertia) < AIM_FIDELITY and not self.limits


def measure(path: Path, root: Path, configurations: int, seed: int) -> Row:
    """Read one description and compare it; of xacro and SDFormat, which have no reference here, only the reading."""
    if path.suffix in _MJCF:
        return _measure_mjcf(path, root, configurations, seed)
    name = path.relative_to(root).as_posix()
    start = time.perf_counter()
    try:
        twin = ingest.read(path)
    except PhysiclError as error:
        return Row(name, error.code, seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    moving = sum(joint.type != "fixed" for joint in twin.joints)
    if path.suffix != ".urdf":
        return Row(name, "", False, len(link_frames(twin, {})), len(twin.bodies), moving, seconds)
    robot = ElementTree.fromstring(path.read_bytes().strip(b"\0 \t\r\n"))
    for element in robot.iter():  # what our reader forgives and the others do not
        for key in ("xyz", "rpy"):
            if "," in element.get(key, ""):
                element.set(key, element.get(key, "").replace(",", " "))
        element.tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else element.tag
    random = np.random.default_rng(seed)
    wanted = [_random_coordinates(twin, random) for _ in range(configurations)] + [{}]
    fk_m, fk_rad = [], []
    root_link = _root(_bare(robot))
    for reference, place in _references(robot, twin):
        errors = [_fk_error(twin, coordinates, place, root_link) for coordinates in wanted]
        fk_m.append((reference, max(e[0] for e in errors)))
        fk_rad.append((reference, max(e[1] for e in errors)))
    mass, inertia, repaired = _mass_errors(robot, twin)
    return Row(
        name, "", False, len(robot.findall("link")), len(twin.bodies), moving, seconds,
        tuple(fk_m), tuple(fk_rad), mass, inertia, repaired, _limit_errors(robot, twin),
    )  # fmt: skip


def _measure_mjcf(path: Path, root: Path, configurations: int, seed: int) -> Row:
    told = robots_mjcf.compare(path, root, configurations, seed)
    name = path.relative_to(root).as_posix()
    if told is None:
        return Row(name, "mujoco_refuses", True)
    if told.error:
        return Row(name, told.error.split(":")[0], seconds=told.seconds)
    return Row(
        name, "", False, told.bodies, told.twin_bodies, told.joints, told.seconds, (("mujoco", told.position_error_m),),
        (("mujoco", told.angle_error_rad),), told.mass_error, told.inertia_error,
    )  # fmt: skip


def link_frames(twin: Twin, coordinates: Mapping[str, float]) -> dict[str, FloatArray]:
    """(4, 4) frames of all links that a twin knows, bodies and sites, at coordinates of its joints."""
    frames = {}
    for body, pose in zip(twin.bodies, body_poses(twin, coordinates), strict=True):
        frames[body.name] = pose.matrix()
        for site in body.sites:
            frames[site.name] = frames[body.name] @ site.pose.matrix()
    return frames


def _fk_error(twin: Twin, coordinates: Mapping[str, float], place: Placing, root: str) -> tuple[float, float]:
    """Largest error of position and of angle over all links, in the frame of the file's root link."""
    ours, theirs = link_frames(twin, coordinates), place(coordinates)
    home, their_home = np.linalg.inv(ours[root]), np.linalg.inv(theirs[root])
    metres = radians = 0.0
    for name, frame in theirs.items():
        mine, other = home @ ours[name], their_home @ frame
        metres = max(metres, float(np.abs(mine[:3, 3] - other[:3, 3]).max()))
        # 2 sin(angle / 2) is the Frobenius norm of the difference over the root of two.
        chord = float(np.linalg.norm(mine[:3, :3] - other[:3, :3])) / math.sqrt(2)
        radians = max(radians, 2 * math.asin(min(1.0, chord / 2)))
    return metres, radians


def _random_coordinates(twin: Twin, random: np.random.Generator) -> dict[str, float]:
    """Coordinates of the joints that lead, inside their limits (of one that turns freely, a whole turn)."""
    found = {}
    for joint in twin.joints:
        if joint.type == "fixed" or joint.mimic is not None:
            continue
        low = -math.pi if joint.lower is None else joint.lower
        high = math.pi if joint.upper is None else joint.upper
        found[joint.name] = float(random.uniform(low, high))
    return found


def _all_coordinates(robot: ElementTree.Element, twin: Twin, coordinates: Mapping[str, float]) -> dict[str, float]:
    """Coordinates of all joints of a file, those that follow others by the file's own words."""
    stands = {joint.name: joint.position for joint in twin.joints}
    names = {j.get("name", "") for j in robot.findall("joint")}
    found: dict[str, float] = {}

    def value(joint: ElementTree.Element) -> float:
        name, mimic = joint.get("name", ""), joint.find("mimic")
        leader = None if mimic is None else mimic.get("joint", "")
        if mimic is not None and leader in names:
            followed = next(j for j in robot.findall("joint") if j.get("name") == leader)
            return float(mimic.get("multiplier", "1")) * value(followed) + float(mimic.get("offset", "0"))
        return coordinates.get(name, stands.get(name, 0.0))

    for joint in robot.findall("joint"):
        if joint.get("type") in ("revolute", "continuous", "prismatic"):
            found[joint.get("name", "")] = value(joint)
    return found


def _references(robot: ElementTree.Element, twin: Twin) -> Iterator[tuple[str, Placing]]:
    """Other readers' kinematics; one that refuses the file says nothing."""
    bare = _bare(robot)
    if importlib.util.find_spec("yourdfpy") is not None:
        yield "yourdfpy", _yourdfpy(bare, robot, twin)
    with contextlib.suppress(ValueError):  # MuJoCo's parser forgives less
        yield "mujoco", _mujoco(bare, robot, twin)


def _bare(robot: ElementTree.Element) -> ElementTree.Element:
    """The links and joints of a robot, without geometry; mimics are carried out by us, ``world`` need not be a link."""
    bare = ElementTree.Element("robot", name="robot")
    names = [link.get("name", "") for link in robot.findall("link")]
    ends = {end.get("link", "") for joint in robot.findall("joint") for end in joint if end.tag in ("parent", "child")}
    for name in [*names, *sorted(ends.difference(names))]:
        ElementTree.SubElement(bare, "link", name=name)
    for joint in robot.findall("joint"):
        made = ElementTree.SubElement(bare, "joint", name=joint.get("name", ""), type=joint.get("type", ""))
        made.extend(child for child in joint if child.tag in ("origin", "parent", "child", "axis"))
        if joint.get("type") in ("revolute", "prismatic"):
            ElementTree.SubElement(made, "limit", lower="-1e9", upper="1e9", effort="1", velocity="1")
    return bare


def _root(robot: ElementTree.Element) -> str:
    """The link of a bare robot that is nobody's child."""
    children = {joint.find("child").get("link") for joint in robot.findall("joint")}  # type: ignore[union-attr]
    return next(link.get("name", "") for link in robot.findall("link") if link.get("name") not in children)


def _yourdfpy(bare: ElementTree.Element, robot: ElementTree.Element, twin: Twin) -> Placing:
    import io

    import yourdfpy  # type: ignore[import-not-found]

    text = ElementTree.tostring(bare)
    model = yourdfpy.URDF.load(io.BytesIO(text), load_meshes=False, build_scene_graph=True)
    names = [link.get("name", "") for link in bare.findall("link")]

    def place(coordinates: Mapping[str, float]) -> dict[str, FloatArray]:
        every = _all_coordinates(robot, twin, coordinates)
        model.update_cfg({name: every[name] for name in model.actuated_joint_names})
        return {name: np.asarray(model.get_transform(name, model.base_link)) for name in names}

    return place


def _mujoco(bare: ElementTree.Element, robot: ElementTree.Element, twin: Twin) -> Placing:
    import copy

    import mujoco

    bare = copy.deepcopy(bare)
    root = _root(bare)
    for link in bare.findall("link"):
        inertial = ElementTree.SubElement(link, "inertial")
        ElementTree.SubElement(inertial, "mass", value="1")
        ElementTree.SubElement(inertial, "inertia", ixx="1", iyy="1", izz="1", ixy="0", ixz="0", iyz="0")
    # MuJoCo makes the root link the world; a link above it keeps it a body.
    ElementTree.SubElement(bare, "link", name="above the root")
    above = ElementTree.SubElement(bare, "joint", name="above the root", type="fixed")
    ElementTree.SubElement(above, "parent", link="above the root")
    ElementTree.SubElement(above, "child", link=root)
    extension = ElementTree.SubElement(bare, "mujoco")
    ElementTree.SubElement(extension, "compiler", fusestatic="false", autolimits="true")
    model = mujoco.MjModel.from_xml_string(ElementTree.tostring(bare, encoding="unicode"))
    data = mujoco.MjData(model)
    names = [link.get("name", "") for link in robot.findall("link")]

    def place(coordinates: Mapping[str, float]) -> dict[str, FloatArray]:
        mujoco.mj_resetData(model, data)
        for name, value in _all_coordinates(robot, twin, coordinates).items():
            data.joint(name).qpos[0] = value
        mujoco.mj_kinematics(model, data)
        frames = {}
        for name in names:
            body = data.body(name)
            frames[name] = np.eye(4)
            frames[name][:3, :3], frames[name][:3, 3] = body.xmat.reshape(3, 3), body.xpos
        return frames

    return place


def _mass_errors(robot: ElementTree.Element, twin: Twin) -> tuple[float, float, int]:
    """Relative errors of the total mass and of links' inertias about their frames, and how many were repaired.

    An inertia about the origin of the link holds mass, centre, rotation and tensor in one matrix.
    """
    bodies = {body.name: (body, np.eye(4)) for body in twin.bodies}
    bodies |= {site.name: (body, site.pose.matrix()) for body in twin.bodies for site in body.sites}
    changed = "\n".join(note.message for note in twin.notes if note.code in _REPAIRED)
    stated = total = worst = 0.0
    repaired = 0
    for link in robot.findall("link"):
        truth = _inertial(link)
        if truth is None:
            continue
        body, frame = bodies[link.get("name", "")]
        if body.mass_properties is None:
            return math.inf, math.inf, repaired
        own = body.mass_properties
        stated, total = stated + truth[0], total + own.mass.value
        if repr(link.get("name", "")) in changed:
            repaired += 1
            continue
        r = frame[:3, :3]
        com = r.T @ (np.array(own.com_m) - frame[:3, 3])
        ours = _about_origin(own.mass.value, com, r.T @ np.array(own.inertia_kgm2) @ r)
        theirs = _about_origin(*truth)
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    return (abs(total / stated - 1) if stated else 0.0), worst, repaired


def _about_origin(mass: float, com: FloatArray, inertia: FloatArray) -> FloatArray:
    """(4, 4) of mass times centre and of inertia about the origin, in one."""
    whole = np.zeros((4, 4))
    whole[:3, :3] = inertia + mass * (com @ com * np.eye(3) - np.outer(com, com))
    whole[3, :3], whole[3, 3] = mass * com, mass
    return whole


def _inertial(link: ElementTree.Element) -> tuple[float, FloatArray, FloatArray] | None:
    """Mass, centre and inertia about it in link axes as the file states them; None without a positive mass."""
    mass = link.find("inertial/mass")
    if mass is None or not float(mass.get("value", "0")) > 0:
        return None
    origin, tensor = link.find("inertial/origin"), link.find("inertial/inertia")
    xyz = np.array((origin.get("xyz", "0 0 0") if origin is not None else "0 0 0").split(), dtype=float)
    roll, pitch, yaw = (float(v) for v in (origin.get("rpy", "0 0 0") if origin is not None else "0 0 0").split())
    rotation = _turn(2, yaw) @ _turn(1, pitch) @ _turn(0, roll)
    inertia = np.zeros((3, 3))
    for a, b, key in ((0, 0, "ixx"), (1, 1, "iyy"), (2, 2, "izz"), (0, 1, "ixy"), (0, 2, "ixz"), (1, 2, "iyz")):
        inertia[a, b] = inertia[b, a] = float(tensor.get(key, "0")) if tensor is not None else 0.0
    return float(mass.get("value", "0")), xyz, rotation @ inertia @ rotation.T


def _turn(axis: int, angle: float) -> FloatArray:
    b, c = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[b, b] = matrix[c, c] = math.cos(angle)
    matrix[c, b], matrix[b, c] = math.sin(angle), -math.sin(angle)
    return matrix


def _limit_errors(robot: ElementTree.Element, twin: Twin) -> int:
    """Joints of which a limit, an effort or a velocity is not the file's."""
    ours = {joint.name: joint for joint in twin.joints}
    wrong = 0
    for joint in robot.findall("joint"):
        limit, kind = joint.find("limit"), joint.get("type")
        if kind not in ("revolute", "prismatic", "continuous") or limit is None:
            continue
        mine = ours.get(joint.get("name", ""))
        if mine is None:
            wrong += 1
            continue
        low, high = sorted((float(limit.get("lower", "0")), float(limit.get("upper", "0"))))
        open_ended = kind == "continuous" or low == high == 0
        stated = [
            None if open_ended or abs(low) >= 1e6 else low,
            None if open_ended or abs(high) >= 1e6 else high,
            *(value if 0 < value < math.inf else None for value in (float(limit.get(k, "0")) for k in _BOUNDS)),
        ]
        bounds = [None if bound is None else bound.value for bound in (mine.max_force, mine.max_velocity)]
        wrong += stated != [mine.lower, mine.upper, *bounds]
    return wrong


_BOUNDS = ("effort", "velocity")
_MJCF = (".xml", ".mjcf")


def descriptions(folder: Path, matches: Sequence[str]) -> list[Path]:
    """The descriptions in a folder; of macro files those that are named as robots, of MJCF whole files."""
    patterns = ("*.urdf", "*.urdf.xacro", "*.sdf", "*.xml", "*.mjcf")
    found = sorted(p for pattern in patterns for p in folder.rglob(pattern))
    return [
        p
        for p in found
        if (not matches or any(match in p.as_posix() for match in matches))
        and (p.suffix not in _MJCF or re.search(rb"<mujoco[\s>]", p.read_bytes()))
    ]


def _line(row: Row) -> str:
    if row.error:
        return f"{row.robot[-48:]:48}  {row.error}"
    fk = "  ".join(f"{name} {m:.0e} m {dict(row.fk_rad)[name]:.0e} rad" for name, m in row.fk_m)
    return (
        f"{row.robot[-48:]:48}  {row.links:4} links {row.bodies:4} bodies {row.joints:3} joints {row.seconds:5.1f} s  "
        f"{fk}  mass {row.mass:.0e} inertia {row.inertia:.0e} ({row.repaired} repaired) limits {row.limits}"
    )


def _summary(rows: Sequence[Row]) -> None:
    """What was measured of all of them."""
    read = [row for row in rows if not row.error]
    print(f"\n{len(read)} of {len(rows)} descriptions read; {sum(row.passed for row in rows)} as they should be")
    for row in rows:
        if row.error:
            print(f"  {row.robot}: {row.error}{'' if row.passed else '  (wrong)'}")
    if read:
        worst_m = max((e for row in read for _, e in row.fk_m), default=0.0)
        worst_rad = max((e for row in read for _, e in row.fk_rad), default=0.0)
        seconds = sorted(row.seconds for row in read)
        print(f"forward kinematics within {worst_m:.1e} m and {worst_rad:.1e} rad (aim {AIM_FK:g})")
        print(f"mass within {max(r.mass for r in read):.1e}, inertia within {max(r.inertia for r in read):.1e}")
        print(f"{sum(r.repaired for r in read)} impossible inertias, {sum(r.limits for r in read)} wrong limits")
        print(f"seconds a robot: median {seconds[len(seconds) // 2]:.2f}, largest {seconds[-1]:.2f}")


def main() -> int:
    """Run the benchmark; exit status 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="descriptions and meshes")
    parser.add_argument("--limit", type=int, help="at most so many files")
    parser.add_argument("--match", nargs="*", default=[], help="only files with one of these in their path")
    parser.add_argument("--configurations", type=int, default=8, help="random coordinates a robot")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--build", action="store_true", help="build and check each")
    parser.add_argument("--against", default="", metavar="PYTHON", help="a Python that has urdf-usd-converter")
    parser.add_argument("--rollouts", action="store_true", help="run all rollouts of what is built")
    parser.add_argument("--swing", action="store_true", help="compare a swing-down of what is built in two engines")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="leave the twins there")
    parser.add_argument("--fast", action="store_true", help="build with the coarser collision geometry")
    parser.add_argument("--longest", type=float, default=600.0, metavar="SECONDS", help="given to one robot")
    options = parser.parse_args()
    rows: list[Row] = []
    process = robots_build.ours(options.longest)
    rival = robots_build.rival(options.against, options.longest) if options.against else None
    asked = {"rollouts": options.rollouts, "swing": options.swing, "keep": options.keep, "fast": options.fast}
    for path in descriptions(options.folder, options.match)[: options.limit]:
        row = measure(path, options.folder, options.configurations, options.seed)
        print(_line(row), flush=True)
        if not row.error and (options.build or options.swing or options.rollouts):
            row = replace(row, build=robots_build.build(path, process, rival, **asked))
            print(robots_build.line(row.build), flush=True)
        rows.append(row)
        if options.json:
            options.json.write_text(json.dumps([asdict(r) for r in rows], indent=1) + "\n", encoding="utf-8")
    process.close()
    if rival is not None:
        rival.close()
    _summary(rows)
    builds = {row.robot: row.build for row in rows if row.build is not None}
    if builds:
        robots_build.summary(builds)
    if options.swing:
        robots_swing.summary({name: build.swing for name, build in builds.items() if build.swing})
    good = all(row.passed and (row.build is None or not row.build.error) for row in rows)
    return 0 if rows and good else 1


if __name__ == "__main__":
    raise SystemExit(main())
