"""Mesh files of every format, written by hand from a box, so that the truth is known to the last bit."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

#: Corners of the unit cube and its 12 outward triangles.
CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], dtype=float)
TRIANGLES = np.array(
    [
        [0, 2, 3],
        [0, 3, 1],
        [4, 5, 7],
        [4, 7, 6],
        [0, 1, 5],
        [0, 5, 4],
        [2, 6, 7],
        [2, 7, 3],
        [0, 4, 6],
        [0, 6, 2],
        [1, 3, 7],
        [1, 7, 5],
    ]
)


def box(size=(0.2, 0.3, 0.4), offset=(0.0, 0.0, 0.0)):
    """(8, 3) vertices of a box."""
    return CORNERS * np.asarray(size) + np.asarray(offset)


def volume(vertices, faces):
    """Signed volume by the divergence theorem; independent of the code under test."""
    a, b, c = (np.asarray(vertices, float)[np.asarray(faces)[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def stl_binary(vertices, faces=TRIANGLES, header=b""):
    data = header.ljust(80, b"\0")[:80] + struct.pack("<I", len(faces))
    for face in faces:
        data += struct.pack("<12fH", 0, 0, 0, *np.asarray(vertices)[face].reshape(-1), 0)
    return data


def stl_ascii(vertices, faces=TRIANGLES, name="part"):
    lines = [f"solid {name}"]
    for face in faces:
        lines += [" facet normal 0 0 0", "  outer loop"]
        lines += [f"   vertex {p[0]:.17g} {p[1]:.17g} {p[2]:.17g}" for p in np.asarray(vertices)[face]]
        lines += ["  endloop", " endfacet"]
    return ("\n".join([*lines, f"endsolid {name}"]) + "\n").encode()


def obj(vertices, faces=TRIANGLES, head=""):
    lines = [head] if head else []
    lines += [f"v {p[0]:.17g} {p[1]:.17g} {p[2]:.17g}" for p in vertices]
    lines += ["f " + " ".join(str(i + 1) for i in face) for face in faces]
    return ("\n".join(lines) + "\n").encode()


def ply(vertices, faces=TRIANGLES, kind="binary_little_endian", comments=()):
    head = ["ply", f"format {kind} 1.0", *(f"comment {c}" for c in comments), f"element vertex {len(vertices)}"]
    head += [f"property double {axis}" for axis in "xyz"]
    head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    data = ("\n".join(head) + "\n").encode()
    if kind == "ascii":
        rows = [f"{p[0]:.17g} {p[1]:.17g} {p[2]:.17g}" for p in vertices] + [
            " ".join(map(str, [len(f), *f])) for f in faces
        ]
        return data + ("\n".join(rows) + "\n").encode()
    order = "<" if "little" in kind else ">"
    data += np.asarray(vertices).astype(f"{order}f8").tobytes()
    return data + b"".join(struct.pack(f"{order}B{len(f)}i", len(f), *f) for f in faces)


def off(vertices, faces=TRIANGLES):
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    lines += [f"{p[0]:.17g} {p[1]:.17g} {p[2]:.17g}" for p in vertices] + [
        " ".join(map(str, [len(f), *f])) for f in faces
    ]
    return ("\n".join(lines) + "\n").encode()


def gltf_document(vertices, faces=TRIANGLES):
    """A glTF document and its buffer: one mesh, one node."""
    positions = np.asarray(vertices, "<f4").tobytes()
    indices = np.asarray(faces, "<u4").tobytes()
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, "name": "box"}],
        "meshes": [{"name": "box", "primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(vertices), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5125, "count": 3 * len(faces), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(positions)},
            {"buffer": 0, "byteOffset": len(positions), "byteLength": len(indices)},
        ],
        "buffers": [{"byteLength": len(positions) + len(indices)}],
    }  # fmt: skip
    return document, positions + indices


def pack_glb(document, buffer):
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = buffer + b"\0" * (-len(buffer) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(body), 0x004E4942) + body
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def glb(vertices, faces=TRIANGLES):
    return pack_glb(*gltf_document(vertices, faces))


def gltf(vertices, faces=TRIANGLES):
    document, buffer = gltf_document(vertices, faces)
    document["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(buffer).decode()
    return json.dumps(document).encode()


MODEL_NS = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"


def pack_3mf(model: str, extra: dict[str, bytes] | None = None):
    """A 3MF package around a model's XML."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
            'Id="r" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel" Target="/3D/3dmodel.model"/></Relationships>',
        )
        archive.writestr("3D/3dmodel.model", model)
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return stream.getvalue()


def mesh_3mf(vertices, faces=TRIANGLES):
    """The mesh element of a 3MF object."""
    points = "".join(f'<vertex x="{p[0]:.17g}" y="{p[1]:.17g}" z="{p[2]:.17g}"/>' for p in vertices)
    triangles = "".join(f'<triangle v1="{f[0]}" v2="{f[1]}" v3="{f[2]}"/>' for f in faces)
    return f"<mesh><vertices>{points}</vertices><triangles>{triangles}</triangles></mesh>"


def model_3mf(resources: str, build: str, unit: str | None = "millimeter"):
    attribute = f' unit="{unit}"' if unit else ""
    return f'<?xml version="1.0"?><model xmlns="{MODEL_NS}"{attribute}><resources>{resources}</resources><build>{build}</build></model>'


def threemf(vertices, faces=TRIANGLES, unit="millimeter"):
    item = f'<object id="1" name="box" type="model">{mesh_3mf(vertices, faces)}</object>'
    return pack_3mf(model_3mf(item, '<item objectid="1"/>', unit))


def dae_document(
    geometry: str, scene: str, asset: str = '<unit meter="1" name="meter"/><up_axis>Z_UP</up_axis>', library: str = ""
):
    return (
        '<?xml version="1.0"?><COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">'
        f"<asset>{asset}</asset>{library}<library_geometries>{geometry}</library_geometries><library_visual_scenes>"
        f'<visual_scene id="s">{scene}</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#s"/></scene></COLLADA>'
    ).encode()


def dae_geometry(vertices, faces=TRIANGLES, key="g", material=""):
    numbers = " ".join(f"{v:.17g}" for v in np.asarray(vertices).reshape(-1))
    symbol = f' material="{material}"' if material else ""
    return (
        f'<geometry id="{key}" name="{key}"><mesh><source id="{key}-p"><float_array id="{key}-a" count="{3 * len(vertices)}">{numbers}'
        f'</float_array><technique_common><accessor source="#{key}-a" count="{len(vertices)}" stride="3"/></technique_common></source>'
        f'<vertices id="{key}-v"><input semantic="POSITION" source="#{key}-p"/></vertices><triangles count="{len(faces)}"{symbol}>'
        f'<input semantic="VERTEX" source="#{key}-v" offset="0"/><p>{" ".join(map(str, np.asarray(faces).reshape(-1)))}</p></triangles>'
        "</mesh></geometry>"
    )


def dae(vertices, faces=TRIANGLES, metres=1.0, up="Z_UP"):
    asset = f'<unit meter="{metres!r}" name="unit"/><up_axis>{up}</up_axis>'
    return dae_document(dae_geometry(vertices, faces), '<node name="box"><instance_geometry url="#g"/></node>', asset)


#: Writers by suffix; each keeps float64 or says in FLOAT32 that it cannot.
WRITERS: dict[str, Callable[..., bytes]] = {
    ".stl": stl_binary, ".ascii.stl": stl_ascii, ".obj": obj, ".ply": ply, ".off": off, ".glb": glb, ".gltf": gltf, ".3mf": threemf,
    ".dae": dae,
}  # fmt: skip


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
