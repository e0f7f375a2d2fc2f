"""Assets of an MJCF model as MuJoCo has them: files, meshes, materials. Runs in the child process of mjcf_worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Escapes(Exception):
    """A reference leaves the area."""


def asset_files(spec: Any, folder: Path, area: Path) -> tuple[list[list[str]], list[tuple[Any, str]]]:
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
                    raise Escapes(f"{sub}/{name}" if sub else str(name))
                if path.is_file():
                    found.append([kind, str(path), str(element.name)])
                else:
                    missing.append((element, str(name)))
    return found, missing


def drop_missing(spec: Any, missing: list[tuple[Any, str]]) -> None:
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


def store_mesh(model: Any, index: int, arrays: dict[str, NDArray[Any]]) -> None:
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


def looks(spec: Any, model: Any) -> list[dict[str, Any]]:
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
                "rgba": numbers(model.mat_rgba[i]),
                "emission": float(model.mat_emission[i]),
                "specular": float(model.mat_specular[i]),
                "shininess": float(model.mat_shininess[i]),
                "metallic": float(model.mat_metallic[i]),
                "roughness": float(model.mat_roughness[i]),
                "texture": files.get(texture, "") if texture >= 0 else "",
                "texture_name": model.texture(texture).name if texture >= 0 else "",
                "flat": texture >= 0 and int(model.tex_type[texture]) == int(mujoco.mjtTexture.mjTEXTURE_2D),
                "mean": _mean_colour(model, texture) if texture >= 0 else None,
                "repeat": numbers(model.mat_texrepeat[i]),
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
    return numbers(mean[:3] if channels >= 3 else np.repeat(mean[0], 3))


def numbers(values: Any) -> list[float]:
    """Numbers of an array as a list, for JSON."""
    return [float(v) for v in np.asarray(values).ravel()]
