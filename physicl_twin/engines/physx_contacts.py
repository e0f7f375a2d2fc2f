"""Contacts of a running PhysX simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from ovphysx.types import SimObjectType

from physicl_twin.engines.physx_runtime import PhysxRuntime
from physicl_twin.engines.protocol import Contact
from physicl_twin.model.geometry import FloatArray, Vector3

_CONTACT_COLUMNS = (
    "contactEventSensorSide",
    "contactEventOtherBody",
    "contactEventOtherCollider",
    "contactEventPointCount",
    "contactEventPointPosition",
    "contactEventPointNormal",
    "contactEventPointImpulse",
    "contactEventPointSeparation",
)


class PhysxContacts:
    """What the contact sensors of a stage report.

    Args:
        runtime: The process's PhysX.
        physx: The instance that simulates.
        dictionary: Of the paths of its stage.
        bodies: Handles of the paths of the dynamic bodies.
    """

    def __init__(self, runtime: PhysxRuntime, physx: Any, dictionary: Any, bodies: frozenset[int]) -> None:
        self._runtime, self._physx, self._dictionary, self._bodies = runtime, physx, dictionary, bodies
        self._query = physx.query(SimObjectType.CONTACT_SENSOR, metadata=False).wait()

    def close(self) -> None:
        """Release the query."""
        self._query.close_sync()

    def read(self, metre: float, kilogram: float) -> tuple[Contact, ...]:
        """Contact points of the last step.

        Args:
            metre: Metres in a unit of the stage.
            kilogram: Kilograms in a unit of the stage.
        """
        columns: dict[str, dict[int, FloatArray]] = {name: {} for name in _CONTACT_COLUMNS}
        with (
            self._runtime.listening("engine_step_failed", "PhysX's contacts could not be read"),
            self._physx.read(self._query, list(_CONTACT_COLUMNS)).wait() as result,
        ):
            while (group := result.fetch_next().wait()) is not None:
                name = str(self._dictionary.token_to_string(group.attribute))
                for handle, tensor in zip(self._dictionary.get_paths(group.prim_list), group.tensors, strict=True):
                    columns[name][int(handle)] = tensor.numpy().copy()
                    del tensor
                del group
        self._physx.wait_all()
        found = [
            contact
            for handle in columns["contactEventPointCount"]
            for contact in self._sensed(handle, columns, metre, kilogram)
        ]
        return tuple(sorted(found, key=lambda contact: (contact.body0, contact.body1, contact.position_m)))

    def _sensed(
        self, sensor: int, columns: dict[str, dict[int, FloatArray]], metre: float, kilogram: float
    ) -> list[Contact]:
        """Contacts of one sensor; a pair of two sensors is told by the one that is the pair's first side."""
        me = str(self._dictionary.path_to_string(sensor))
        found, start = [], 0
        for event, count in enumerate(columns["contactEventPointCount"][sensor]):
            points = slice(start, start + int(count))
            start += int(count)
            side = int(columns["contactEventSensorSide"][sensor][event])
            other_handle = int(columns["contactEventOtherBody"][sensor][event])
            other_handle = other_handle or int(columns["contactEventOtherCollider"][sensor][event])
            if not count or (side == 1 and other_handle in self._bodies):
                continue
            other = str(self._dictionary.path_to_string(other_handle))
            # PhysX's normal points to the pair's first side; ours to the path that sorts first.
            first = (me < other) == (side == 0)
            for position, normal, impulse, separation in zip(
                columns["contactEventPointPosition"][sensor][points],
                columns["contactEventPointNormal"][sensor][points],
                columns["contactEventPointImpulse"][sensor][points],
                columns["contactEventPointSeparation"][sensor][points],
                strict=True,
            ):
                push = float(np.linalg.norm(impulse)) * kilogram * metre
                if separation > 0 and push == 0.0:
                    continue
                found.append(
                    Contact(
                        min(me, other),
                        max(me, other),
                        _vector(position * metre),
                        _vector(normal if first else -normal),
                        float(separation) * metre,
                        push,
                    )
                )
        return found


def _vector(values: FloatArray) -> Vector3:
    return (float(values[0]), float(values[1]), float(values[2]))
