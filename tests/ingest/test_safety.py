"""Bad input: each class has its code, a message without traceback or absolute path, and nothing else ever escapes."""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.ingest import ReadOptions, read
from physicl_twin.ingest.guards import local_reference
from physicl_twin.model import PhysiclError, SourceError
from tests.ingest import mesh_files as files

BOX = files.box()


def refused(path, code, options=None):
    with pytest.raises(SourceError) as caught:
        read(path, options)
    error = caught.value
    assert error.code == code, f"{error.code}: {error.message}"
    assert error.message and error.hint
    assert str(path.parent) not in str(error) and "Traceback" not in str(error)
    return error


# The file itself


def test_files_that_are_none(tmp_path):
    refused(tmp_path / "missing.stl", "file_not_found")
    refused(files.write(tmp_path, "empty.stl", b""), "file_empty")
    (tmp_path / "folder.stl").mkdir()
    refused(tmp_path / "folder.stl", "is_a_folder")
    os.mkfifo(tmp_path / "pipe.stl")
    refused(tmp_path / "pipe.stl", "not_a_file")
    refused(files.write(tmp_path, "big.stl", files.stl_binary(BOX)), "file_too_large", ReadOptions(max_bytes=100))
    refused(files.write(tmp_path, "much.stl", files.stl_binary(BOX)), "too_many_faces", ReadOptions(max_faces=5))


def test_a_name_that_no_file_can_have(tmp_path):
    with pytest.raises(SourceError):
        read(tmp_path / ("x" * 300 + ".stl"))
    with pytest.raises(SourceError):
        read(tmp_path / "nul\0byte.stl")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.glb", b"just some words\n" * 9, "format_mismatch"),
        ("a.stl", b"\x89PNG\r\n\x1a\n" + bytes(200), "format_mismatch"),
        ("a.step", b"<!DOCTYPE html><html><body>404</body></html>", "format_mismatch"),
        ("a.obj", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git_lfs_pointer"),
        ("a.xyzzy", b"\1\2\3\4" * 50, "format_unknown"),
        ("a.usda", files.glb(BOX), None),
        ("a.step", files.glb(BOX), None),
        ("a.stl", files.glb(BOX), None),
        ("a.obj", files.ply(BOX), None),
        ("noextension", files.stl_binary(BOX), None),
    ],
)
def test_wrong_extensions(tmp_path, name, data, code):
    path = files.write(tmp_path, name, data)
    if code:
        error = refused(path, code)
        assert "looks like" in error.message or code in ("git_lfs_pointer", "format_unknown")
        return
    twin = read(path)
    assert files.volume(twin.shapes[0].mesh.vertices, twin.shapes[0].mesh.faces) > 0
    assert ("wrong_extension" in [n.code for n in twin.notes]) == (name != "noextension")


def test_a_cad_file_under_a_mesh_name_says_what_to_rename_it_to(tmp_path):
    error = refused(files.write(tmp_path, "part.stl", b"ISO-10303-21;\nHEADER;\n"), "format_mismatch")
    assert ".step" in error.hint


# Geometry


@pytest.mark.parametrize("suffix", files.WRITERS)
def test_vertices_that_are_no_numbers(tmp_path, suffix):
    for bad in (np.nan, np.inf):
        vertices = BOX.copy()
        vertices[3, 1] = bad
        with np.errstate(all="ignore"):
            data = files.WRITERS[suffix](vertices)
        with pytest.raises(SourceError) as caught:
            read(files.write(tmp_path, f"thing{suffix}", data))
        assert caught.value.code in ("vertices_not_finite", "file_damaged")


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".off", ".glb", ".3mf", ".dae"])
def test_faces_that_name_no_vertex(tmp_path, suffix):
    faces = files.TRIANGLES.copy()
    faces[5, 2] = 99
    with pytest.raises(SourceError) as caught:
        read(files.write(tmp_path, f"thing{suffix}", files.WRITERS[suffix](BOX, faces)))
    assert caught.value.code in ("index_out_of_range", "file_damaged")
    assert "names vertex" in caught.value.message


@pytest.mark.parametrize("suffix", files.WRITERS)
def test_geometry_without_area_or_faces(tmp_path, suffix):
    point = np.full_like(BOX, 0.25)
    with pytest.raises(SourceError) as caught:
        read(files.write(tmp_path, f"point{suffix}", files.WRITERS[suffix](point)))
    assert caught.value.code in ("zero_area", "no_geometry")
    line = BOX * [1, 0, 0]
    refused(files.write(tmp_path, f"line{suffix}", files.WRITERS[suffix](line)), "zero_area")
    with pytest.raises(SourceError) as caught:
        read(files.write(tmp_path, f"none{suffix}", files.WRITERS[suffix](BOX, files.TRIANGLES[:0])))
    assert caught.value.code in (
        "no_geometry",
        "point_cloud_without_surface",
        "format_unknown",
        "format_mismatch",
        "file_damaged",
    )


def test_point_clouds(tmp_path):
    for name, data in (("c.ply", files.ply(BOX, [])), ("c.obj", files.obj(BOX, [])), ("c.off", files.off(BOX, []))):
        refused(files.write(tmp_path, name, data), "point_cloud_without_surface")
    document, buffer = files.gltf_document(BOX)
    document["meshes"][0]["primitives"][0]["mode"] = 0
    refused(files.write(tmp_path, "c.glb", files.pack_glb(document, buffer)), "point_cloud_without_surface")


def test_coordinates_beyond_reason(tmp_path):
    refused(files.write(tmp_path, "far.obj", files.obj(BOX * 1e15)), "coordinates_out_of_range")


# Declared sizes are checked before they are believed


def test_huge_declared_counts(tmp_path):
    huge = 4_000_000_000
    stl = bytes(80) + struct.pack("<I", huge) + bytes(500)
    refused(files.write(tmp_path, "a.stl", stl), "file_damaged")
    for kind in ("ascii", "binary_little_endian", "binary_big_endian"):
        head = f"ply\nformat {kind} 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
        head += f"element face {huge}\nproperty list uchar int vertex_indices\nend_header\n"
        refused(files.write(tmp_path, "a.ply", head.encode() + bytes(300)), "file_damaged")
    refused(files.write(tmp_path, "a.off", f"OFF\n{huge} {huge} 0\n0 0 0\n".encode()), "file_damaged")
    for field in ("count", "byteLength", "byteOffset"):
        document, buffer = files.gltf_document(BOX)
        place = document["accessors"] if field == "count" else document["bufferViews"]
        place[0][field] = huge
        refused(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer)), "file_damaged")
    document, buffer = files.gltf_document(BOX)
    document["accessors"][0] = {"componentType": 5126, "type": "VEC3", "count": huge}
    refused(files.write(tmp_path, "b.glb", files.pack_glb(document, buffer)), "file_damaged")


def test_a_list_of_a_billion_corners(tmp_path):
    head = b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
    head += b"element face 1\nproperty list uint int vertex_indices\nend_header\n"
    refused(files.write(tmp_path, "a.ply", head + bytes(12) + struct.pack("<I", 2**31) + bytes(40)), "file_damaged")


# References


ESCAPES = ["../secret.png", "a/../../secret.png", "/etc/hostname", "C:\\Windows\\x.png", "\\\\host\\share\\x.png", "//host/x.png",
           "file:///etc/hostname", "%2e%2e/secret.png", "..\\secret.png"]  # fmt: skip


@pytest.mark.parametrize("uri", ESCAPES)
def test_references_that_leave_the_folder(tmp_path, uri):
    files.write(tmp_path, "secret.png", b"secret")
    inside = tmp_path / "inside"
    files.write(inside, "m.mtl", f"newmtl a\nmap_Kd {uri}\n".encode())
    refused(files.write(inside, "a.obj", files.obj(BOX, head="mtllib m.mtl\nusemtl a")), "reference_escapes")
    refused(files.write(inside, "b.obj", files.obj(BOX, head=f"mtllib {uri}\nusemtl a")), "reference_escapes")
    document, buffer = files.gltf_document(BOX)
    document["buffers"][0]["uri"] = uri
    refused(files.write(inside, "c.gltf", json.dumps(document).encode()), "reference_escapes")
    document["buffers"][0]["uri"] = "data:;base64," + base64.b64encode(buffer).decode()
    document |= {"images": [{"uri": uri}], "textures": [{"source": 0}]}
    document["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    document["meshes"][0]["primitives"][0]["material"] = 0
    refused(files.write(inside, "d.gltf", json.dumps(document).encode()), "reference_escapes")
    library = (
        f'<library_images><image id="i"><init_from>{uri}</init_from></image></library_images><library_effects><effect id="e">'
        '<profile_COMMON><technique sid="t"><lambert><diffuse><texture texture="i" texcoord="u"/></diffuse></lambert></technique>'
        '</profile_COMMON></effect></library_effects><library_materials><material id="m"><instance_effect url="#e"/></material>'
        "</library_materials>"
    )
    scene = '<node><instance_geometry url="#g"/></node>'
    dae = files.dae_document(files.dae_geometry(BOX, material="m"), scene, library=library)
    refused(files.write(inside, "e.dae", dae), "reference_escapes")


def test_a_link_out_of_the_folder(tmp_path):
    files.write(tmp_path, "secret.mtl", b"newmtl a\nKd 1 0 0\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "m.mtl").symlink_to(tmp_path / "secret.mtl")
    refused(files.write(inside, "a.obj", files.obj(BOX, head="mtllib m.mtl\nusemtl a")), "reference_escapes")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(["..", ".", "a", "b", "/", "\\", "%2e%2e", "%2f", "C:", "~", "\0", "x.png"]),
        min_size=1,
        max_size=8,
    )
)
def test_no_reference_ever_resolves_outside(pieces):
    with tempfile.TemporaryDirectory() as folder:
        try:
            target = local_reference(Path(folder), "/".join(pieces), "owner")
        except SourceError as error:
            assert error.code == "reference_escapes"
        else:
            assert target.resolve().is_relative_to(Path(folder).resolve())


def test_missing_and_remote_textures_cost_a_note(tmp_path):
    files.write(tmp_path, "m.mtl", b"newmtl a\nKd 1 0 0\nmap_Kd gone.png\nmap_Ke https://example.org/x.png\n")
    twin = read(files.write(tmp_path, "a.obj", files.obj(BOX, head="mtllib m.mtl\nusemtl a")))
    assert {"texture_missing", "remote_reference_ignored"} <= {n.code for n in twin.notes}
    assert twin.appearances[0].textures == ()


def test_remote_geometry_is_refused(tmp_path):
    document, _ = files.gltf_document(BOX)
    document["buffers"][0]["uri"] = "https://example.org/buffer.bin"
    refused(files.write(tmp_path, "a.gltf", json.dumps(document).encode()), "remote_reference_refused")


def test_missing_geometry_is_an_error(tmp_path):
    document, _ = files.gltf_document(BOX)
    document["buffers"][0]["uri"] = "gone.bin"
    refused(files.write(tmp_path, "a.gltf", json.dumps(document).encode()), "reference_missing")


# XML and archives


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("prolog", [BOMB, EXTERNAL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_entities(tmp_path, prolog, encoding):
    text = (
        files.dae(BOX).decode().replace('<?xml version="1.0"?>', f'<?xml version="1.0" encoding="{encoding}"?>{prolog}')
    )
    refused(files.write(tmp_path, "a.dae", text.encode(encoding)), "xml_entities_refused")
    item = f'<object id="1" type="model">{files.mesh_3mf(BOX)}</object>'
    model = files.model_3mf(item, '<item objectid="1"/>').replace(
        '<?xml version="1.0"?>', f'<?xml version="1.0"?>{prolog}'
    )
    refused(files.write(tmp_path, "a.3mf", files.pack_3mf(model)), "xml_entities_refused")


def test_a_3mf_bomb(tmp_path):
    data = files.pack_3mf("<model>" + " " * 60_000_000 + "</model>")
    assert len(data) < 1_000_000
    refused(files.write(tmp_path, "a.3mf", data), "archive_bomb")


def test_3mf_references_out_of_the_package(tmp_path):
    item = f'<object id="1" type="model">{files.mesh_3mf(BOX)}</object>'
    model = files.model_3mf(item, '<item objectid="1" xmlns:p="http://x" p:path="/../../etc/passwd.model"/>')
    refused(files.write(tmp_path, "a.3mf", files.pack_3mf(model)), "reference_escapes")


def test_circular_scenes(tmp_path):
    document, buffer = files.gltf_document(BOX)
    document["nodes"] = [{"mesh": 0, "children": [1]}, {"children": [0]}]
    refused(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer)), "file_damaged")
    item = f'<object id="1" type="model">{files.mesh_3mf(BOX)}</object>'
    loop = '<object id="2" type="model"><components><component objectid="2"/><component objectid="1"/></components></object>'
    refused(
        files.write(tmp_path, "a.3mf", files.pack_3mf(files.model_3mf(item + loop, '<item objectid="2"/>'))),
        "file_damaged",
    )
    loop = '<node id="n"><instance_geometry url="#g"/><instance_node url="#n"/></node>'
    refused(files.write(tmp_path, "a.dae", files.dae_document(files.dae_geometry(BOX), loop)), "file_damaged")


def test_a_billion_placements(tmp_path):
    """Thirty levels of two components each: a scene bomb of a few kilobytes."""
    items = f'<object id="0" type="model">{files.mesh_3mf(BOX)}</object>'
    for level in range(1, 31):
        both = f'<component objectid="{level - 1}"/>' * 2
        items += f'<object id="{level}" type="model"><components>{both}</components></object>'
    refused(
        files.write(tmp_path, "a.3mf", files.pack_3mf(files.model_3mf(items, '<item objectid="30"/>'))), "file_damaged"
    )


def test_compressed_gltf_says_so(tmp_path):
    document, buffer = files.gltf_document(BOX)
    document["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    error = refused(files.write(tmp_path, "a.glb", files.pack_glb(document, buffer)), "feature_unsupported")
    assert "draco" in error.message


# Truncated and mutated files: 9 formats, 40 mutations each and every tenth of a truncation


def _survives(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.write_bytes(data)
    try:
        twin = read(path, replace(ReadOptions(), max_faces=1_000_000))
    except PhysiclError as error:
        assert error.message and "Traceback" not in str(error)
    else:
        for shape in twin.shapes:
            assert np.isfinite(shape.mesh.vertices).all() and shape.mesh.faces.max() < len(shape.mesh.vertices)


@pytest.mark.parametrize("suffix", files.WRITERS)
def test_truncated_files(tmp_path, suffix):
    data = files.WRITERS[suffix](BOX)
    for tenth in range(1, 10):
        _survives(tmp_path, f"thing{suffix}", data[: len(data) * tenth // 10])


@pytest.mark.parametrize("suffix", files.WRITERS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_mutated_files(suffix, data):
    content = bytearray(files.WRITERS[suffix](BOX))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "set", "insert", "delete", "repeat"]))
        if kind == "flip":
            content[position] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "set":
            content[position] = data.draw(st.integers(0, 255))
        elif kind == "insert":
            content[position:position] = data.draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del content[position : position + data.draw(st.integers(1, 20))]
        else:
            content[position:position] = content[position : position + 30]
        if not content:
            break
    with tempfile.TemporaryDirectory() as folder:
        _survives(Path(folder), f"thing{suffix}", bytes(content))


def _model_of(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("3D/3dmodel.model")


@settings(max_examples=40, deadline=None)
@given(position=st.floats(0, 1), byte=st.integers(0, 255))
def test_mutated_models_inside_intact_archives(position, byte):
    model = bytearray(_model_of(files.threemf(BOX)))
    model[int(position * (len(model) - 1))] = byte
    with tempfile.TemporaryDirectory() as folder:
        _survives(Path(folder), "thing.3mf", files.pack_3mf(bytes(model).decode("latin-1")))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_gltf_with_wrong_values_anywhere(data):
    document, buffer = files.gltf_document(BOX)
    places = [(document, k) for k in document]
    for key in ("nodes", "meshes", "accessors", "bufferViews", "buffers", "scenes"):
        places += [(document[key][0], k) for k in document[key][0]] + [(document[key], 0)]
    primitive = document["meshes"][0]["primitives"][0]
    places += [(primitive, k) for k in primitive] + [(primitive["attributes"], "POSITION")]
    wrong = st.sampled_from([None, -1, 2**40, 1.5, "x", [], {}, [None], True, float("nan"), "POSITION", [[1]]])
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(wrong)
    with tempfile.TemporaryDirectory() as folder:
        _survives(Path(folder), "thing.glb", files.pack_glb(document, buffer))
