"""The settings of the writer, parsed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PhysxOptions:
    """``[usd.physx]``: what the PhysX variant authors; see config/pipeline.toml for units and reasons."""

    contact_offset_fraction: float
    contact_step_s: float
    contact_offset_min_m: float
    contact_offset_max_m: float
    rest_offset_m: float
    position_iterations: int
    velocity_iterations: int
    articulation_position_iterations: int
    articulation_velocity_iterations: int
    mimic_frequency_hz: float
    mimic_damping_ratio: float
    mimic_margin_deg: float
    mimic_margin_m: float
    ccd_speed_m_s: float
    ccd_step_s: float
    max_depenetration_m_s: float
    angular_damping_1_s: float
    linear_damping_1_s: float
    hull_vertex_limit: int
    sdf_cells_across_wall: float
    sdf_resolution_min: int
    sdf_resolution_max: int
    sdf_subgrid_resolution: int


@dataclass(frozen=True, slots=True)
class GraspOptions:
    """``[usd.grasp]``: the gripper that the grasp line is made for."""

    max_opening_m: float
    min_width_m: float
    clearance_m: float
    finger_m: float
    directions: int


@dataclass(frozen=True, slots=True)
class UsdOptions:
    """``[usd]``.

    Attributes:
        author: For SimReady_Metadata.
        unstated_licence: Written when the twin has no licence.
        crease_angle_deg: For meshes without normals.
        thumbnail_px: Side of the thumbnail.
        mujoco_collision_group: Group of MuJoCo's collision geoms.
        physx: PhysX variant.
        grasp: Grasp line.
        looks: ``[render.looks]``, for parts without colour.
    """

    author: str
    unstated_licence: str
    crease_angle_deg: float
    thumbnail_px: int
    mujoco_collision_group: int
    physx: PhysxOptions
    grasp: GraspOptions
    looks: dict[str, Any]

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> UsdOptions:
        """Parse the whole pipeline's settings (``settings.pipeline()``)."""
        usd = settings["usd"]
        return cls(
            author=usd["author"],
            unstated_licence=usd["unstated_licence"],
            crease_angle_deg=float(usd["crease_angle_deg"]),
            thumbnail_px=int(usd["thumbnail_px"]),
            mujoco_collision_group=int(usd["mujoco"]["collision_group"]),
            physx=PhysxOptions(**usd["physx"]),
            grasp=GraspOptions(**usd["grasp"]),
            looks=settings["render"]["looks"],
        )
