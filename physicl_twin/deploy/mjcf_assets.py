"""The files that an MJCF refers to, and their entries: hulls, render meshes, textures, materials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco

from physicl_twin.deploy.obj_mesh import write_obj
from physicl_twin.deploy.visuals import Look, Visuals, write_visuals
from physicl_twin.model import Note
from physicl_twin.usd.layout import Layout, hull_key

#: Folder of meshes and textures beside the XML.
ASSETS = "assets"


@dataclass(frozen=True, slots=True)
class TwinAssets:
    """Files of one twin.

    Attributes:
        prefix: Of every name of this twin in the model; empty where there is only one twin.
        folder: Below ``assets``, with a slash at its end; empty where there is only one twin.
        hulls: File stem of the OBJ of each hull, by the hull's hash.
        visuals: Render meshes and looks.
    """

    prefix: str
    folder: str
    hulls: dict[str, str]
    visuals: Visuals

    @property
    def losses(self) -> tuple[Note, ...]:
        """What the looks lost."""
        return self.visuals.losses


def write_assets(layout: Layout, root: Path, crease_angle_deg: float, *, shared: bool = False) -> TwinAssets:
    """Write the meshes and textures of a twin.

    Args:
        layout: Of the twin.
        root: Folder of the XML.
        crease_angle_deg: For meshes without normals.
        shared: True to keep the files apart from those of other twins.
    """
    name = layout.twin.name if shared else ""
    folder = root / ASSETS / name
    hulls = {}
    for prim, collider in layout.hulls:
        assert collider.hull is not None  # layout.require_complete
        write_obj(folder / f"{prim}.obj", collider.hull.vertices, collider.hull.faces)
        hulls[hull_key(collider)] = prim
    visuals = write_visuals(layout, folder, folder, crease_angle_deg)
    return TwinAssets(f"{name}_" if name else "", f"{name}/" if name else "", hulls, visuals)


def add_mesh(spec: Any, name: str, file: str, scale: float = 1.0) -> str:
    """The mesh entry of a file, once a name; returns the name."""
    if spec.mesh(name) is None:
        mesh = spec.add_mesh(name=name, file=file)
        # Inertials are explicit, so this only centres the mesh; as a shell it is defined for open ones and slivers too.
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
        if scale != 1.0:
            mesh.scale = [scale] * 3
    return name


def add_material(spec: Any, name: str, look: Look, folder: str) -> str:
    """The material of a look, once a name; returns the name.

    MuJoCo's own renderer lights by ``specular`` and ``shininess``; ``metallic`` and ``roughness`` are for others.
    """
    if spec.material(name) is not None:
        return name
    material = spec.add_material(name=name, rgba=list(look.rgba))
    material.metallic, material.roughness, material.emission = look.metallic, look.roughness, look.emission
    gloss = 1.0 - look.roughness
    material.specular, material.shininess = round(0.2 + 0.6 * gloss * gloss, 6), round(gloss, 6)
    if look.texture:
        texture = f"{folder.replace('/', '_')}{Path(look.texture).stem}"
        if spec.texture(texture) is None:
            image = spec.add_texture(name=texture, type=mujoco.mjtTexture.mjTEXTURE_2D, file=f"{folder}{look.texture}")
            image.colorspace = mujoco.mjtColorSpace.mjCOLORSPACE_AUTO
        names = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
        names[int(mujoco.mjtTextureRole.mjTEXROLE_RGB)] = texture
        material.textures = names
    return name
