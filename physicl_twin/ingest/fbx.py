"""FBX, X3D, 3DS, LightWave and Blender files through an optional converter in a child process."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.fbx_header import read_header
from physicl_twin.ingest.fbx_worker import REFUSED
from physicl_twin.ingest.guards import check_file, damaged
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.length_units import METRES_PER_UNIT, unit_claim, unit_name
from physicl_twin.ingest.looks import linear_color, unit_interval
from physicl_twin.ingest.naming import readable
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.model import Appearance, Evidence, PartHints, Progress, SourceError, silent
from physicl_twin.model.geometry import FloatArray
from physicl_twin.settings import child_environment, worker_python

#: Formats whose root node the converter turns from z up to y up; without that turn the data keep their own axes.
_ROOT_IS_THE_CONVERTERS = frozenset(("fbx", "3ds", "blend"))


@dataclass(frozen=True, slots=True)
class FbxSettings:
    """``[fbx]`` of config/pipeline.toml; see the comments there."""

    time_limit_s: float
    unit_reliability: float
    default_reliability: float
    axis_reliability: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> FbxSettings:
        """From the parsed ``[fbx]`` table."""
        return cls(**{name: float(value) for name, value in table.items()})


def read_fbx(
    path: Path, options: ReadOptions, progress: Progress = silent, settings: IngestSettings | None = None
) -> RawScene:
    """Read a file of one of the formats that the optional converter knows.

    Args:
        path: The file.
        options: Limits.
        progress: Told how far it is.

    Returns:
        One part for each placed mesh, instances shared, in the file's own unit and axes.

    Raises:
        SourceError: ``file_not_found`` …, ``reader_not_installed``, ``file_damaged``, ``converter_crashed``,
            ``converter_time_limit``, ``no_geometry``, ``too_many_faces``, ``reference_escapes``.
    """
    check_file(path, options)
    settings = settings or shipped_settings()
    own = FbxSettings.from_table(settings.readers["fbx"])
    if importlib.util.find_spec("assimp_py") is None:
        raise SourceError(
            "reader_not_installed",
            f"{path.suffix.lower()} files need a converter.",
            "./physicl.sh install fbx",
        )
    progress("ingest", 0.0, f"reading {path.name}")
    form = path.suffix.lower().lstrip(".")
    with tempfile.TemporaryDirectory() as folder:
        arrays = _converted(path, Path(folder), own)
    progress("ingest", 0.6, "building shapes")
    scene = json.loads(arrays["description"].tobytes())
    builder = SceneBuilder(path, form, options, settings)
    looks = [_look(builder, material, path) for material in scene["materials"]]
    shapes = [_shapes(builder, mesh, arrays, index, looks) for index, mesh in enumerate(scene["meshes"])]
    if scene["animations"] or any(mesh["bones"] for mesh in scene["meshes"]):
        builder.note("animation_ignored", "info", "Skeletons and animations are left out; the pose is the stored one.")
    root = np.eye(4) if form in _ROOT_IS_THE_CONVERTERS else np.array(scene["root"]["matrix"])
    _place(builder, scene["root"], root, (), shapes, scene["meshes"])
    header = read_header(path.read_bytes()) if form == "fbx" else None
    progress("ingest", 1.0, "")
    return builder.scene(
        unit_claims=_unit_claims(form, header.cm_per_unit if header else None, path.name, own),
        up_claims=_up_claims(form, header.up_axis if header else "", path.name, own),
    )


def _converted(path: Path, folder: Path, settings: FbxSettings) -> dict[str, Any]:
    """Arrays from the child process. It sees the file alone, so that nothing beside it can be drawn in."""
    alone = folder / f"source{path.suffix.lower()}"
    alone.symlink_to(path.resolve())
    result = folder / "result.npz"
    try:
        child = subprocess.run(
            [worker_python(), "-m", "physicl_twin.ingest.fbx_worker", str(alone), str(result)],
            capture_output=True, timeout=settings.time_limit_s, check=False,
            env=child_environment(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            "converter_time_limit", f"{path.name} could not be converted within {settings.time_limit_s:g} s.",
            "Simplify the file, or raise [fbx] time_limit_s.",
        ) from error  # fmt: skip
    if child.returncode == REFUSED:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        reason = lines[-1].replace(str(alone), path.name).replace(str(folder), "")[:300]
        raise damaged(path.name, f"the converter refuses it ({reason}).")
    if child.returncode != 0:
        raise SourceError(
            "converter_crashed", f"The converter crashed on {path.name} (status {child.returncode}).",
            "The file is probably damaged; export it again, best as glTF.",
        )  # fmt: skip
    try:
        with np.load(result, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise damaged(path.name, "the converter left no usable result.") from error


def _look(builder: SceneBuilder, material: dict[str, Any], path: Path) -> str:
    """Register the look of a material; its name."""
    red, green, blue = [*material.get("COLOR_DIFFUSE", [0.6, 0.6, 0.6]), 0.6, 0.6, 0.6][:3]
    emissive = [*material.get("COLOR_EMISSIVE", [0.0, 0.0, 0.0]), 0.0, 0.0, 0.0][:3]
    shininess = material.get("SHININESS", 0.0)
    # Phong exponent to roughness: Blinn's relation alpha² = 2 / (n + 2), with roughness = sqrt(alpha).
    gloss = (2.0 / (max(float(shininess), 0.0) + 2.0)) ** 0.25 if shininess else 0.6
    texture = None
    uri = material["texture"]
    if uri.startswith("*"):
        builder.note("texture_missing", "warning", "A texture that is embedded in the file was left out.",
                     "Export the textures as files beside it.")  # fmt: skip
    elif uri:
        texture = _texture(builder, uri, path)
    return builder.look(
        Appearance(
            name=material["name"] or "material",
            base_color=(1.0, 1.0, 1.0) if texture else linear_color(red, green, blue),
            metallic=unit_interval(material.get("METALLICFACTOR"), 0.0),
            roughness=unit_interval(material.get("ROUGHNESSFACTOR"), gloss),
            opacity=unit_interval(material.get("OPACITY"), 1.0) or 1.0,
            emissive=linear_color(*emissive),
            textures=(texture,) if texture else (),
            source_name=material["name"],
            double_sided=bool(material.get("TWOSIDED", 0.0)),
        )
    )


def _texture(builder: SceneBuilder, uri: str, path: Path) -> Any:
    """The image beside the file; an absolute path of the machine that wrote the file is looked for by name only."""
    plain = uri.replace("\\", "/")
    if plain.startswith("/") or (len(plain) > 1 and plain[1] == ":"):
        plain = plain.rsplit("/", 1)[-1]
    return builder.texture_file("base_color", plain, path.name)


def _shapes(
    builder: SceneBuilder, mesh: dict[str, Any], arrays: dict[str, Any], index: int, looks: list[str]
) -> tuple[str, ...]:
    """Register a mesh; the names of its shapes, none for points and lines."""
    faces, vertices = arrays[f"faces{index}"], arrays[f"vertices{index}"]
    if not len(faces) or faces.min() < 0 or faces.max() >= len(vertices):
        return ()
    uvs, normals, colors = (arrays.get(f"{name}{index}") for name in ("uvs", "normals", "colors"))
    material = mesh["material"]
    soup = Soup(
        positions=vertices,
        faces=faces,
        uvs=None if uvs is None else uvs[faces],
        normals=None if normals is None else normals[faces],
        looks=(looks[material],) if 0 <= material < len(looks) else (),
        vertex_colors=colors,
    )
    return builder.shapes(readable(mesh["name"], builder.title), soup)


def _place(
    builder: SceneBuilder, node: dict[str, Any], matrix: FloatArray, path: tuple[str, ...],
    shapes: list[tuple[str, ...]], meshes: list[dict[str, Any]],
) -> None:  # fmt: skip
    """Place the meshes of a node and of the nodes below it."""
    if not np.isfinite(matrix).all():
        raise damaged(builder.path.name, "a node has a placement that is not finite.")
    for index in node["meshes"]:
        if 0 <= index < len(shapes):
            alone = len(node["meshes"]) == 1
            name = node["name"] if alone else f"{node['name']} {meshes[index]['name']}".strip()
            builder.place(readable(name, builder.title), shapes[index], matrix, PartHints(path=path))
    for child in node["children"]:
        below = (*path, readable(node["name"], "")) if path or node["name"] not in ("RootNode", "") else path
        _place(builder, child, matrix @ np.array(child["matrix"]), below, shapes, meshes)


def _unit_claims(form: str, cm_per_unit: float | None, name: str, settings: FbxSettings) -> tuple[Claim, ...]:
    if form == "fbx" and cm_per_unit:
        metres = cm_per_unit * METRES_PER_UNIT["cm"]
        statement = f"UnitScaleFactor is {cm_per_unit:g} cm: the unit is {unit_name(metres)}."
        return (unit_claim(metres, settings.unit_reliability, Evidence("source", statement, name, "UnitScaleFactor")),)
    if form == "fbx":
        statement = "FBX files without UnitScaleFactor are in centimetres by the format's convention."
        return (unit_claim(0.01, settings.default_reliability, Evidence("rule", statement, name)),)
    if form in ("x3d", "blend"):
        statement = f"The unit of {form} files is the metre by the format's rule."
        return (unit_claim(1.0, settings.default_reliability, Evidence("rule", statement, name)),)
    return ()


def _up_claims(form: str, up_axis: str, name: str, settings: FbxSettings) -> tuple[Claim, ...]:
    if up_axis:
        evidence = Evidence("source", f"The global settings say that {up_axis} is up.", name, "UpAxis")
        return (Claim(up_axis, settings.axis_reliability, evidence),)
    axis = {"3ds": "z", "blend": "z"}.get(form, "y")
    evidence = Evidence("rule", f"{axis} is up in {form} files by convention.", name)
    return (Claim(axis, settings.default_reliability, evidence),)
