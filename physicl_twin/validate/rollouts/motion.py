"""Energy, depth and slip of clones, computed from what any engine reports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.engines.protocol import EngineMass, EngineScene
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.rollouts.survey import Survey, SurveyedBody


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """State of one clone at one moment.

    Attributes:
        kinetic_j: Kinetic energy.
        potential_j: Potential energy against the floor at z = 0.
        speed_mps: Largest speed of a body's centre, plus its spin times its reach.
        marks: (M, 3) world positions of marks on the bodies: the centre of mass, and a point at its reach on each axis.
        lowest_m: Height of the lowest collider point; negative inside the floor.
        slip_mps: Speed along the floor of that point.
        com_height_m: Height of the clone's centre of mass.
        up: (3,) world direction of the first body's z axis.
    """

    kinetic_j: float
    potential_j: float
    speed_mps: float
    marks: FloatArray
    lowest_m: float
    slip_mps: float
    com_height_m: float
    up: FloatArray

    @property
    def energy_j(self) -> float:
        """Mechanical energy."""
        return self.kinetic_j + self.potential_j

    def moved_m(self, earlier: Sample) -> float:
        """How far the mark that moved most has moved since another sample."""
        return float(np.linalg.norm(self.marks - earlier.marks, axis=1).max())


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A body of a clone: its row in the scene, what the engine says of its mass, and how far it reaches from there."""

    row: int
    body: SurveyedBody
    mass: EngineMass
    reach_m: float


def _reach(body: SurveyedBody, mass: EngineMass) -> float:
    if not len(body.points):
        return 0.0
    return float((np.linalg.norm(body.points - mass.com_m, axis=1) + body.radii).max())


class Watcher:
    """Reads a scene of clones of one twin.

    Args:
        scene: The running simulation.
        survey: Of the twin.
        clones: Prim path of each clone's asset root.
        gravity_mps2: Gravity.
    """

    def __init__(self, scene: EngineScene, survey: Survey, clones: tuple[str, ...], gravity_mps2: float) -> None:
        self._scene = scene
        self._gravity = gravity_mps2
        row = {path: index for index, path in enumerate(scene.bodies)}
        masses = scene.mass_properties()
        self._members: list[list[_Member]] = []
        for clone in clones:
            rows = [
                (row[path], body)
                for body in survey.bodies
                if (path := clone if body.name == "." else f"{clone}/{body.name}") in row
            ]
            self._members.append(
                [_Member(index, body, masses[index], _reach(body, masses[index])) for index, body in rows]
            )

    @property
    def masses_kg(self) -> tuple[float, ...]:
        """Mass of each clone."""
        return tuple(sum(member.mass.mass_kg for member in members) for members in self._members)

    def look(self) -> tuple[Sample, ...]:
        """The clones now."""
        poses, velocities = self._scene.poses(), self._scene.velocities()
        return tuple(self._sample(members, poses, velocities) for members in self._members)

    def _sample(self, members: list[_Member], poses: FloatArray, velocities: FloatArray) -> Sample:
        kinetic = potential = total = moment = speed = 0.0
        lowest, slip, marks = np.inf, 0.0, []
        up = rotation_matrix(poses[members[0].row, 3:])[:, 2]
        for member in members:
            index, body, mass, reach = member.row, member.body, member.mass, member.reach_m
            rotation = rotation_matrix(poses[index, 3:])
            linear, angular = velocities[index, :3], velocities[index, 3:]
            com = poses[index, :3] + rotation @ mass.com_m
            inertia = rotation @ mass.inertia_kgm2 @ rotation.T
            kinetic += 0.5 * mass.mass_kg * float(linear @ linear) + 0.5 * float(angular @ inertia @ angular)
            potential += mass.mass_kg * self._gravity * float(com[2])
            total += mass.mass_kg
            moment += mass.mass_kg * float(com[2])
            marks.append(com[None])
            if not len(body.points):
                continue
            marks.append(com + reach * rotation.T)
            speed = max(speed, float(np.linalg.norm(linear)) + reach * float(np.linalg.norm(angular)))
            down = -rotation[2]
            depth = body.lowest(down)
            deepest = int(np.argmax(depth))
            height = float(poses[index, 2] - depth[deepest])
            if height < lowest:
                lowest = height
                arm = rotation @ (body.points[deepest] - mass.com_m) - np.array([0.0, 0.0, body.radii[deepest]])
                point = linear + np.cross(angular, arm)
                slip = float(np.hypot(point[0], point[1]))
        return Sample(kinetic, potential, speed, np.vstack(marks), float(lowest), slip, moment / total, up)


def rotation_matrix(wxyz: FloatArray) -> FloatArray:
    """(3, 3) rotation of a unit quaternion."""
    w, x, y, z = (float(value) for value in wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
