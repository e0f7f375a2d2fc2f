"""Materials, textures, colours, normals and texture coordinates, and which faces make a part."""

from __future__ import annotations

import base64
import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from physicl_twin.ingest import ReadOptions, read
from physicl_twin.ingest.looks import linear_from_srgb
from tests.ingest import mesh_files as files

METRES = ReadOptions(units="m", up_axis="z")
TOP, REST = files.TRIANGLES[2:4], np.delete(files.TRIANGLES, [2, 3], axis=0)


def png(color=(255, 0, 0), kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(stream, format=kind)
    return stream.getvalue()


def linear(*srgb):
    return tuple(((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in srgb)


def obj_with(groups, head="mtllib m.mtl"):
    """OBJ of several (statements, faces) blocks over one list of vertices."""
    lines = [head]
    vertices = np.concatenate([v for _, v, _ in groups])
    lines += [f"v {p[0]} {p[1]} {p[2]}" for p in vertices]
    offset = 1
    for statement, own, faces in groups:
        lines += [statement, *("f " + " ".join(str(i + offset) for i in face) for face in faces)]
        offset += len(own)
    return "\n".join(lines).encode()


# Materials of OBJ


def test_mtl_values_become_linear_looks(tmp_path):
    files.write(tmp_path, "m.mtl", b"newmtl Stainless Steel 304\nKd 0.5 0.25 1\nd 0.75\nPm 0.9\nPr 0.2\nKe 0 0.5 0\n")
    twin = read(
        files.write(tmp_path, "a.obj", files.obj(files.box(), head="mtllib m.mtl\nusemtl Stainless Steel 304")), METRES
    )
    look = twin.appearances[0]
    assert look.source_name == "Stainless Steel 304" == twin.parts[0].hints.material
    np.testing.assert_allclose(look.base_color, linear(0.5, 0.25, 1.0), rtol=1e-9)
    np.testing.assert_allclose(look.emissive, linear(0, 0.5, 0), rtol=1e-9)
    assert (look.metallic, look.roughness, look.opacity) == (0.9, 0.2, 0.75)
    assert [(s.name, s.role) for s in twin.sources] == [("a.obj", "main"), ("m.mtl", "material")]


def test_textures_keep_their_bytes_and_odd_formats_become_png(tmp_path):
    data = png()
    files.write(tmp_path, "two words.png", data)
    files.write(tmp_path, "rough.bmp", png((9, 9, 9), "BMP"))
    files.write(tmp_path, "broken.png", b"\x89PNG\r\n\x1a\nnonsense")
    mtl = b"newmtl a\nmap_Kd -s 1 1 1 -clamp on two words.png\nmap_Pr rough.bmp\nnorm broken.png\n"
    files.write(tmp_path, "m.mtl", mtl)
    twin = read(files.write(tmp_path, "a.obj", files.obj(files.box(), head="mtllib m.mtl\nusemtl a")), METRES)
    textures = {t.slot: t for t in twin.appearances[0].textures}
    assert set(textures) == {"base_color", "roughness"}
    assert textures["base_color"].data == data and textures["base_color"].sha256 == hashlib.sha256(data).hexdigest()
    assert textures["base_color"].file.endswith(".png") and " " not in textures["base_color"].file
    assert Image.open(io.BytesIO(textures["roughness"].data)).format == "PNG"
    assert "texture_unreadable" in [n.code for n in twin.notes]


def test_windows_spellings_of_references(tmp_path):
    files.write(tmp_path / "maps", "Wood.PNG", png())
    files.write(tmp_path, "m.mtl", b"newmtl a\r\nmap_Kd maps\\wood.png\r\n")
    twin = read(files.write(tmp_path, "a.obj", files.obj(files.box(), head="mtllib m.mtl\r\nusemtl a")), METRES)
    assert len(twin.appearances[0].textures) == 1


def test_of_a_shared_library_only_what_is_used_is_read(tmp_path):
    files.write(tmp_path, "used.png", png())
    files.write(tmp_path, "other.png", png())
    files.write(
        tmp_path, "m.mtl", b"newmtl a\nmap_Kd used.png\nnewmtl b\nmap_Kd other.png\nnewmtl c\nmap_Kd gone.png\n"
    )
    twin = read(files.write(tmp_path, "a.obj", files.obj(files.box(), head="mtllib m.mtl\nusemtl a")), METRES)
    assert [source.name for source in twin.sources] == ["a.obj", "m.mtl", "used.png"]
    assert not [note for note in twin.notes if note.code == "texture_missing"]


# Which faces make a part


def test_open_materials_that_close_together_are_one_shape(tmp_path):
    data = obj_with([("o crate\nusemtl lid", files.box(), TOP), ("usemtl body", files.box()[:0], REST - 8)])
    twin = read(files.write(tmp_path, "a.obj", data), METRES)
    assert len(twin.shapes) == len(twin.parts) == 1
    shape = twin.shapes[0]
    assert sorted(shape.appearances) == ["body", "lid"]
    lid = shape.mesh.faces[shape.mesh.face_appearance == shape.appearances.index("lid")]
    np.testing.assert_allclose(shape.mesh.vertices[lid][..., 2], 0.4)
    assert files.volume(shape.mesh.vertices, shape.mesh.faces) == pytest.approx(0.024)


def test_closed_solids_of_different_materials_are_parts(tmp_path):
    handle, head = files.box((0.02, 0.02, 0.3)), files.box((0.1, 0.03, 0.03), (0, 0, 0.3))
    data = obj_with([("o tool\nusemtl wood", handle, files.TRIANGLES), ("usemtl steel", head, files.TRIANGLES)])
    twin = read(files.write(tmp_path, "a.obj", data), METRES)
    assert [(p.name, p.hints.material) for p in twin.parts] == [("tool wood", "wood"), ("tool steel", "steel")]
    volumes = [files.volume(s.mesh.vertices, s.mesh.faces) for s in twin.shapes]
    np.testing.assert_allclose(volumes, [0.02 * 0.02 * 0.3, 0.1 * 0.03 * 0.03])


def test_a_closed_part_beside_open_ones(tmp_path):
    knob = files.box((0.05, 0.05, 0.05), (0.1, 0.1, 0.4))
    blocks = [
        ("usemtl lid", files.box(), TOP),
        ("usemtl body", files.box()[:0], REST - 8),
        ("usemtl knob", knob, files.TRIANGLES),
    ]
    twin = read(files.write(tmp_path, "a.obj", obj_with(blocks)), METRES)
    assert sorted(len(s.appearances) for s in twin.shapes) == [1, 2]


def test_objects_are_parts_unless_they_only_close_together(tmp_path):
    one, two = files.box(), files.box(offset=(1, 0, 0))
    twin = read(
        files.write(tmp_path, "a.obj", obj_with([("o left", one, files.TRIANGLES), ("o right", two, files.TRIANGLES)])),
        METRES,
    )
    assert [p.name for p in twin.parts] == ["left", "right"]
    halves = obj_with([("o top", files.box(), TOP), ("o rest", files.box()[:0], REST - 8)])
    twin = read(files.write(tmp_path, "b.obj", halves), METRES)
    assert len(twin.parts) == 1
    assert files.volume(twin.shapes[0].mesh.vertices, twin.shapes[0].mesh.faces) == pytest.approx(0.024)


def test_groups_are_parts_only_when_closed(tmp_path):
    two = files.box(offset=(1, 0, 0))
    blocks = [
        ("g smooth1", files.box(), TOP),
        ("g smooth2", files.box()[:0], REST - 8),
        ("g knob", two, files.TRIANGLES),
    ]
    twin = read(files.write(tmp_path, "pot_lid.obj", obj_with(blocks)), METRES)
    assert sorted(p.name for p in twin.parts) == ["knob", "pot_lid"]


def test_disconnected_bodies_of_one_unnamed_mesh_stay_one_part(tmp_path):
    vertices = np.concatenate([files.box(), files.box(offset=(1, 0, 0))])
    faces = np.concatenate([files.TRIANGLES, files.TRIANGLES + 8])
    assert len(read(files.write(tmp_path, "a.stl", files.stl_binary(vertices, faces)), METRES).parts) == 1


def test_solids_of_one_ascii_stl_are_parts(tmp_path):
    data = files.stl_ascii(files.box(), name="plate") + files.stl_ascii(files.box(offset=(1, 0, 0)), name="pin")
    assert [p.name for p in read(files.write(tmp_path, "a.stl", data), METRES).parts] == ["plate", "pin"]


def test_primitives_of_a_gltf_mesh(tmp_path):
    document, buffer = files.gltf_document(files.box())
    document["materials"] = [
        {
            "name": "Oak",
            "pbrMetallicRoughness": {
                "baseColorFactor": [0.5, 0.25, 0.1, 1],
                "metallicFactor": 0,
                "roughnessFactor": 0.7,
            },
        },
        {"name": "Brass", "doubleSided": True},
    ]
    view = document["accessors"][1]
    document["accessors"] += [view | {"count": 6}, view | {"byteOffset": 24, "count": 30}]
    primitive = document["meshes"][0]["primitives"][0]
    document["meshes"][0]["primitives"] = [
        primitive | {"indices": 2, "material": 0},
        primitive | {"indices": 3, "material": 1},
    ]
    twin = read(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer)))
    shape = twin.shapes[0]
    assert len(twin.shapes) == 1 and shape.appearances == ("Oak", "Brass")
    assert (np.bincount(shape.mesh.face_appearance) == [2, 10]).all()
    assert files.volume(shape.mesh.vertices, shape.mesh.faces) == pytest.approx(0.024, rel=1e-6)
    oak, brass = twin.appearances
    assert oak.base_color == (0.5, 0.25, 0.1) and oak.roughness == 0.7, "glTF factors are linear already"
    assert (brass.metallic, brass.double_sided) == (1.0, True)


# Textures and coordinates of glTF


def _textured(uri=None, view=None):
    document, buffer = files.gltf_document(files.box())
    uvs = np.tile([[0.25, 0.1]], (8, 1)).astype("<f4").tobytes()
    normals = np.tile([[0.0, 3.0, 0.0]], (8, 1)).astype("<f4").tobytes()
    image = png((0, 255, 0))
    for data, kind in ((uvs, "VEC2"), (normals, "VEC3"), (image, None)):
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(buffer), "byteLength": len(data)})
        if kind:
            document["accessors"].append(
                {"bufferView": len(document["bufferViews"]) - 1, "componentType": 5126, "count": 8, "type": kind}
            )
        buffer += data
    document["buffers"][0]["byteLength"] = len(buffer)
    primitive = document["meshes"][0]["primitives"][0]
    primitive["attributes"] |= {"TEXCOORD_0": 2, "NORMAL": 3}
    primitive["material"] = 0
    document["materials"] = [{"name": "m", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    document["textures"] = [{"source": 0}]
    document["images"] = [{"uri": uri} if uri else {"bufferView": 4, "mimeType": "image/png"}]
    return document, buffer, image


def test_embedded_and_external_textures(tmp_path):
    document, buffer, image = _textured()
    inside = read(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer)))
    assert inside.appearances[0].textures[0].data == image
    files.write(tmp_path, "look.png", image)
    document, buffer, image = _textured("look.png")
    document["buffers"][0]["uri"] = "data:;base64," + base64.b64encode(buffer).decode()
    outside = read(files.write(tmp_path, "b.gltf", json.dumps(document).encode()))
    assert outside.appearances[0].textures[0].data == image
    assert [(s.name, s.role) for s in outside.sources] == [("b.gltf", "main"), ("look.png", "texture")]
    embedded = _textured("data:image/png;base64," + base64.b64encode(image).decode())[0]
    embedded["buffers"][0]["uri"] = document["buffers"][0]["uri"]
    assert read(files.write(tmp_path, "c.gltf", json.dumps(embedded).encode())).appearances[0].textures[0].data == image


def test_texture_coordinates_point_up_and_normals_are_unit_and_turn(tmp_path):
    document, buffer, _ = _textured()
    mesh = read(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer))).shapes[0].mesh
    assert mesh.uvs.shape == (12, 3, 2) and mesh.normals.shape == (12, 3, 3)
    np.testing.assert_allclose(mesh.uvs[0, 0], [0.25, 0.9], atol=1e-7)
    np.testing.assert_allclose(mesh.normals[0, 0], [0, 0, 1], atol=1e-12)


def test_obj_coordinates_and_normals_per_corner(tmp_path):
    lines = [f"v {p[0]} {p[1]} {p[2]}" for p in files.box()] + ["vt 0.25 0.9", "vt 0.5 0.5", "vn 0 0 2"]
    lines += ["f " + " ".join(f"{i + 1}/{1 + k % 2}/1" for k, i in enumerate(face)) for face in files.TRIANGLES]
    mesh = read(files.write(tmp_path, "a.obj", "\n".join(lines).encode()), METRES).shapes[0].mesh
    assert len(mesh.vertices) == 8, "seams do not split vertices"
    np.testing.assert_allclose(mesh.uvs[0], [[0.25, 0.9], [0.5, 0.5], [0.25, 0.9]])
    np.testing.assert_allclose(mesh.normals[5, 2], [0, 0, 1])


def test_relative_indices_and_polygons_of_obj(tmp_path):
    quads = [(1, 3, 4, 2), (5, 6, 8, 7), (1, 2, 6, 5), (3, 7, 8, 4), (1, 5, 7, 3), (2, 4, 8, 6)]
    lines = [f"v {p[0]} {p[1]} {p[2]}" for p in files.box()] + ["f " + " ".join(str(i - 9) for i in q) for q in quads]
    mesh = read(files.write(tmp_path, "a.obj", "\n".join(lines).encode()), METRES).shapes[0].mesh
    assert len(mesh.faces) == 12 and files.volume(mesh.vertices, mesh.faces) == pytest.approx(0.024)


def test_concave_polygons_are_covered_once(tmp_path):
    """An L-shaped prism with six-cornered caps: a fan from the first corner would leave the L."""
    outline = np.array([[2, 1], [1, 1], [1, 2], [0, 2], [0, 0], [2, 0]], float)
    lines = [f"v {x} {y} {z}" for z in (0, 1) for x, y in outline]
    lines += ["f 6 5 4 3 2 1", "f 7 8 9 10 11 12"]
    lines += [f"f {i + 1} {(i + 1) % 6 + 1} {(i + 1) % 6 + 7} {i + 7}" for i in range(6)]
    mesh = read(files.write(tmp_path, "a.obj", "\n".join(lines).encode()), METRES).shapes[0].mesh
    caps = mesh.vertices[mesh.faces][np.ptp(mesh.vertices[mesh.faces][..., 2], axis=1) == 0]
    area = 0.5 * np.linalg.norm(np.cross(caps[:, 1] - caps[:, 0], caps[:, 2] - caps[:, 0]), axis=1).sum()
    assert area == pytest.approx(2 * 3.0), "no triangle reaches outside the L"
    assert files.volume(mesh.vertices, mesh.faces) == pytest.approx(3.0)


# Colours


def test_srgb_is_linear_light():
    np.testing.assert_allclose(
        linear_from_srgb(np.array([0.0, 0.04, 0.5, 1.0])), [0, 0.04 / 12.92, linear(0.5)[0], 1], rtol=1e-12
    )


def test_vertex_colours(tmp_path):
    rows = "\n".join(f"{p[0]} {p[1]} {p[2]} 128 0 255" for p in files.box())
    faces = "\n".join(f"3 {f[0]} {f[1]} {f[2]}" for f in files.TRIANGLES)
    head = "ply\nformat ascii 1.0\nelement vertex 8\n" + "".join(f"property float {a}\n" for a in "xyz")
    head += "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
    head += "element face 12\nproperty list uchar int vertex_index\nend_header\n"
    mesh = read(files.write(tmp_path, "a.ply", (head + rows + "\n" + faces + "\n").encode()), METRES).shapes[0].mesh
    np.testing.assert_allclose(mesh.vertex_colors[3], linear(128 / 255, 0, 1), rtol=1e-9)


def test_face_colours_of_solids_are_parts(tmp_path):
    vertices = np.concatenate([files.box(), files.box(offset=(1, 0, 0))])
    faces = np.concatenate([files.TRIANGLES, files.TRIANGLES + 8])
    head = (
        "ply\nformat ascii 1.0\nelement vertex 16\n"
        + "".join(f"property float {a}\n" for a in "xyz")
        + "element face 24\n"
    )
    head += (
        "".join(f"property uchar {c}\n" for c in ("red", "green", "blue"))
        + "property list uchar int vertex_indices\nend_header\n"
    )
    rows = "\n".join(" ".join(map(str, p)) for p in vertices)
    body = "\n".join(f"{255 * (i < 12)} 0 {255 * (i >= 12)} 3 {f[0]} {f[1]} {f[2]}" for i, f in enumerate(faces))
    twin = read(files.write(tmp_path, "tool.ply", (head + rows + "\n" + body + "\n").encode()), METRES)
    assert sorted(a.base_color for a in twin.appearances) == [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0)]
    assert len(twin.parts) == 2 and all(p.hints.material == "" for p in twin.parts), "a colour is no material"


def test_3mf_materials_components_and_placements(tmp_path):
    resources = (
        '<basematerials id="5"><base name="PETG" displaycolor="#FF8000"/></basematerials>'
        f'<object id="1" name="pin" type="model" pid="5" pindex="0">{files.mesh_3mf(files.box((10, 10, 30)))}</object>'
        '<object id="2" name="pair" type="model"><components><component objectid="1"/>'
        '<component objectid="1" transform="0 1 0 -1 0 0 0 0 1 100 0 0"/></components></object>'
    )
    build = '<item objectid="2" transform="1 0 0 0 1 0 0 0 1 0 0 50"/>'
    twin = read(files.write(tmp_path, "a.3mf", files.pack_3mf(files.model_3mf(resources, build))))
    assert len(twin.shapes) == 1 and [p.name for p in twin.parts] == ["pin", "pin_2"]
    assert {p.hints.material for p in twin.parts} == {"PETG"} and twin.parts[0].hints.path == ("pair",)
    np.testing.assert_allclose(twin.appearances[0].base_color, linear(1.0, 128 / 255, 0.0), rtol=1e-9)
    np.testing.assert_allclose(twin.parts[1].pose.position_m, [0.1, 0, 0.05], atol=1e-12)
    # Row vectors: (1, 0, 0) goes to the first row of the transform, (0, 1, 0).
    np.testing.assert_allclose(twin.parts[1].pose.rotation() @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_dae_materials_instances_and_transforms(tmp_path):
    library = (
        '<library_effects><effect id="e"><profile_COMMON><technique sid="t"><lambert><diffuse><color>0.5 0.5 0 1</color></diffuse>'
        '</lambert></technique></profile_COMMON></effect></library_effects><library_materials><material id="m" name="Walnut">'
        '<instance_effect url="#e"/></material></library_materials>'
    )
    bind = '<bind_material><technique_common><instance_material symbol="s" target="#m"/></technique_common></bind_material>'
    scene = "".join(
        f'<node name="leg"><translate>{x} 0 0</translate><rotate>0 0 1 90</rotate><instance_geometry url="#g">{bind}</instance_geometry></node>'
        for x in (0, 1)
    )
    data = files.dae_document(files.dae_geometry(files.box(), material="s"), scene, library=library)
    twin = read(files.write(tmp_path, "a.dae", data))
    assert len(twin.shapes) == 1 and [p.name for p in twin.parts] == ["leg", "leg_2"]
    assert twin.appearances[0].source_name == "Walnut"
    np.testing.assert_allclose(twin.appearances[0].base_color, linear(0.5, 0.5, 0), rtol=1e-9)
    np.testing.assert_allclose(twin.parts[1].pose.matrix() @ [1, 0, 0, 1], [1, 1, 0, 1], atol=1e-12)
