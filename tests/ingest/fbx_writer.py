"""Writes ASCII FBX 7.3 files by hand: a box, placed any number of times, with unit, axis and material."""

from __future__ import annotations

from pathlib import Path

#: Corners and outward quads of an axis-aligned box; the last index of a polygon is written negated minus one.
_CORNERS = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
_QUADS = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]


def write_fbx(
    path: Path,
    size: tuple[float, float, float] = (10.0, 20.0, 30.0),
    placements: tuple[tuple[str, tuple[float, float, float], tuple[float, float, float]], ...] = (
        ("Box", (0, 0, 0), (0, 0, 0)),
    ),
    unit_scale: float | None = 1.0,
    up_axis: int | None = 1,
    material: str = "Red Plastic",
    texture: str = "",
) -> Path:
    """Write the file; placements are (name, translation, Euler angles in degrees)."""
    settings = ""
    if unit_scale is not None:
        settings += f'\t\tP: "UnitScaleFactor", "double", "Number", "",{unit_scale}\n'
        settings += f'\t\tP: "OriginalUnitScaleFactor", "double", "Number", "",{unit_scale}\n'
    if up_axis is not None:
        front, coord = {1: (2, 0), 2: (1, 0)}[up_axis]
        sign = 1 if up_axis == 1 else -1
        for name, value in (("UpAxis", up_axis), ("UpAxisSign", 1), ("FrontAxis", front), ("FrontAxisSign", sign),
                            ("CoordAxis", coord), ("CoordAxisSign", 1)):  # fmt: skip
            settings += f'\t\tP: "{name}", "int", "Integer", "",{value}\n'
    points = ",".join(str(c * s) for corner in _CORNERS for c, s in zip(corner, size, strict=True))
    index = ",".join(",".join(map(str, quad[:-1])) + f",{-quad[-1] - 1}" for quad in _QUADS)
    uv = ",".join(["0,0,1,0,1,1,0,1"] * 6)
    uv_index = ",".join(map(str, range(24)))
    models, links = "", ""
    for number, (name, move, turn) in enumerate(placements):
        model = 2000 + number
        models += f"""\tModel: {model}, "Model::{name}", "Mesh" {{
\t\tVersion: 232
\t\tProperties70:  {{
\t\t\tP: "Lcl Translation", "Lcl Translation", "", "A",{move[0]},{move[1]},{move[2]}
\t\t\tP: "Lcl Rotation", "Lcl Rotation", "", "A",{turn[0]},{turn[1]},{turn[2]}
\t\t}}
\t\tShading: T
\t\tCulling: "CullingOff"
\t}}
"""
        links += f'\tC: "OO",{model},0\n\tC: "OO",1000,{model}\n\tC: "OO",3000,{model}\n'
    image = ""
    if texture:
        image = f"""\tTexture: 4000, "Texture::colour", "" {{
\t\tType: "TextureVideoClip"
\t\tFileName: "{texture}"
\t\tRelativeFilename: "{texture}"
\t}}
"""
        links += '\tC: "OP",4000,3000, "DiffuseColor"\n'
    path.write_text(
        f"""; FBX 7.3.0 project file
FBXHeaderExtension:  {{
\tFBXHeaderVersion: 1003
\tFBXVersion: 7300
\tCreator: "test"
}}
GlobalSettings:  {{
\tVersion: 1000
\tProperties70:  {{
{settings}\t}}
}}
Definitions:  {{
\tVersion: 100
\tCount: 3
}}
Objects:  {{
\tGeometry: 1000, "Geometry::Box", "Mesh" {{
\t\tVertices: *24 {{
\t\t\ta: {points}
\t\t}}
\t\tPolygonVertexIndex: *24 {{
\t\t\ta: {index}
\t\t}}
\t\tGeometryVersion: 124
\t\tLayerElementUV: 0 {{
\t\t\tVersion: 101
\t\t\tName: "map1"
\t\t\tMappingInformationType: "ByPolygonVertex"
\t\t\tReferenceInformationType: "IndexToDirect"
\t\t\tUV: *48 {{
\t\t\t\ta: {uv}
\t\t\t}}
\t\t\tUVIndex: *24 {{
\t\t\t\ta: {uv_index}
\t\t\t}}
\t\t}}
\t\tLayerElementMaterial: 0 {{
\t\t\tVersion: 101
\t\t\tName: ""
\t\t\tMappingInformationType: "AllSame"
\t\t\tReferenceInformationType: "IndexToDirect"
\t\t\tMaterials: *1 {{
\t\t\t\ta: 0
\t\t\t}}
\t\t}}
\t\tLayer: 0 {{
\t\t\tVersion: 100
\t\t\tLayerElement:  {{
\t\t\t\tType: "LayerElementMaterial"
\t\t\t\tTypedIndex: 0
\t\t\t}}
\t\t\tLayerElement:  {{
\t\t\t\tType: "LayerElementUV"
\t\t\t\tTypedIndex: 0
\t\t\t}}
\t\t}}
\t}}
{models}\tMaterial: 3000, "Material::{material}", "" {{
\t\tVersion: 102
\t\tShadingModel: "phong"
\t\tProperties70:  {{
\t\t\tP: "DiffuseColor", "Color", "", "A",0.8,0.1,0.05
\t\t\tP: "Opacity", "double", "Number", "",1
\t\t}}
\t}}
{image}}}
Connections:  {{
{links}}}
""",
        encoding="utf-8",
    )
    return path
