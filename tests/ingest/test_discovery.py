"""Folders and archives: what is built, what belongs to it, what is refused; and the names of it all."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin import ingest
from physicl_twin.ingest import ReadOptions, discover, file_safe_name, read, suggested_name
from physicl_twin.ingest.ingest_settings import ArchiveLimits, shipped_settings
from physicl_twin.ingest.naming import readable, unique
from physicl_twin.model import SourceError
from tests.ingest import mesh_files as files

BOX = files.box((20, 30, 40))
STL = files.stl_binary(BOX)


def mains(found):
    return {d.name: d for d in found if d.role == "main"}


def skipped(found):
    return {d.name: d.skipped for d in found if d.role == "skipped"}


def pack(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


@pytest.fixture
def mixed(tmp_path):
    """A folder as people have them."""
    root = tmp_path / "mixed"
    files.write(root, "crate.obj", files.obj(BOX, head="mtllib crate.mtl\nusemtl wood"))
    files.write(root, "crate.mtl", b"newmtl wood\nKd 1 1 1\nmap_Kd maps/planks.jpg\n")
    files.write(root, "maps/planks.jpg", b"\xff\xd8\xff" + bytes(50))
    files.write(root, "robot/mesh.stl", STL)
    files.write(root, "robot/LICENSE", b"MIT")
    files.write(root, "robot/Materials.txt", b"Body: steel")
    document, buffer = files.gltf_document(BOX)
    document["buffers"][0]["uri"] = "lamp_data.bin"
    files.write(root, "lamp/lamp.gltf", json.dumps(document).encode())
    files.write(root, "lamp/lamp_data.bin", buffer)
    files.write(root, "cloud/points.ply", files.ply(BOX, []))
    files.write(root, "assembly.sldprt", b"\xd0\xcf\x11\xe0" + bytes(100))
    files.write(root, "notes.docx", pack({"word/document.xml": "x"}))
    files.write(root, ".DS_Store", b"x")
    files.write(root, "broken.glb", b"")
    return root


def test_a_mixed_folder(mixed, tmp_path):
    found = discover(mixed, tmp_path)
    assert set(mains(found)) == {"crate.obj", "robot/mesh.stl", "lamp/lamp.gltf", "broken.glb"}
    companions = {name: sorted(p.name for p in d.companions) for name, d in mains(found).items()}
    assert companions["crate.obj"] == ["crate.mtl", "planks.jpg"]
    assert companions["robot/mesh.stl"] == ["LICENSE", "Materials.txt"]
    assert companions["lamp/lamp.gltf"] == ["lamp_data.bin"]
    reasons = skipped(found)
    assert set(reasons) == {"cloud/points.ply", "assembly.sldprt", "notes.docx", ".DS_Store"}
    assert (
        "point cloud" in reasons["cloud/points.ply"]
        and "STEP" in reasons["assembly.sldprt"]
        and "zip" in reasons["notes.docx"]
    )
    seen = {d.path for d in found} | {c for d in found for c in d.companions}
    assert seen == {p for p in mixed.rglob("*") if p.is_file()}, "no file is passed over in silence"
    assert {n: d.twin_name for n, d in mains(found).items()}["robot/mesh.stl"] == "robot"


def test_a_zip_is_its_folder(mixed, tmp_path):
    members = {p.relative_to(mixed).as_posix(): p.read_bytes() for p in mixed.rglob("*") if p.is_file()}
    archive = files.write(tmp_path, "parts.zip", pack(members))
    workspace = tmp_path / "work"
    workspace.mkdir()
    found = discover(archive, workspace)
    assert set(mains(found)) == set(mains(discover(mixed, tmp_path)))
    assert all(d.path.is_relative_to(workspace) for d in found)
    assert read(mains(found)["robot/mesh.stl"].path).name == "robot"


def test_a_cloud_beside_a_mesh_belongs_to_it(tmp_path):
    files.write(tmp_path / "in", "mesh.ply", files.ply(BOX))
    cloud = files.write(tmp_path / "in", "cloud.ply", files.ply(BOX, []))
    (found,) = discover(tmp_path / "in", tmp_path)
    assert found.companions == (cloud,) and found.twin_name == "in"


def test_one_file(tmp_path):
    files.write(tmp_path, "a.mtl", b"newmtl x\nKd 1 1 1\n")
    files.write(tmp_path, "unrelated.mtl", b"newmtl x\n")
    path = files.write(tmp_path, "a.obj", files.obj(BOX, head="mtllib a.mtl\nusemtl x"))
    (found,) = discover(path, tmp_path)
    assert (found.path, found.name, found.twin_name) == (path, "a.obj", "a")
    assert [p.name for p in found.companions] == ["a.mtl"]


def test_equal_stems_get_distinct_names(tmp_path):
    root = tmp_path / "in"
    for name, data in (("gear.stl", STL), ("gear.obj", files.obj(BOX)), ("b/gear.stl", STL), ("c/Gear.stl", STL)):
        files.write(root, name, data)
    names = [d.twin_name for d in discover(root, tmp_path)]
    assert len({n.casefold() for n in names}) == 4 and "gear" in [n.casefold() for n in names]
    assert names == [d.twin_name for d in discover(root, tmp_path)]


def test_layers_of_a_stage_are_no_sources(tmp_path):
    files.write(tmp_path / "in", "asset.usda", b"#usda 1.0\n(\n subLayers = [@./parts/geometry.usda@]\n)\n")
    files.write(tmp_path / "in", "parts/geometry.usda", b"#usda 1.0\n")
    found = discover(tmp_path / "in", tmp_path)
    assert set(mains(found)) == {"asset.usda"} and "layer of asset.usda" in skipped(found)["parts/geometry.usda"]


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    outside = files.write(tmp_path, "outside/secret.stl", STL)
    root = tmp_path / "in"
    files.write(root, "a.stl", STL)
    (root / "link.stl").symlink_to(outside)
    (root / "loop").symlink_to(root)
    found = discover(root, tmp_path)
    assert set(mains(found)) == {"a.stl"} and "link" in skipped(found)["link.stl"]


def test_nothing_there(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        discover(tmp_path / "missing", tmp_path)
    (tmp_path / "hollow").mkdir()
    assert discover(tmp_path / "hollow", tmp_path) == ()


def test_too_many_files(tmp_path):
    for i in range(5):
        files.write(tmp_path / "in", f"{i}.txt", b"x")
    with pytest.raises(SourceError) as caught:
        discover(tmp_path / "in", tmp_path, replace(shipped_settings(), max_files=4))
    assert caught.value.code == "folder_too_large"


# Hostile archives


def refused(tmp_path, data, code, limits=None):
    path = files.write(tmp_path, "bad.zip", data)
    workspace = tmp_path / "work"
    workspace.mkdir(exist_ok=True)
    settings_ = replace(shipped_settings(), archive=limits) if limits else None
    with pytest.raises(SourceError) as caught:
        discover(path, workspace, settings_)
    assert caught.value.code == code, caught.value.message
    assert {p for p in tmp_path.rglob("*") if p.is_file()} - set(workspace.rglob("*")) == {path}, (
        "nothing outside the workspace"
    )


def test_bombs(tmp_path):
    small = ArchiveLimits(max_total_bytes=10_000, max_ratio=200.0, max_members=10, max_depth=1)
    refused(tmp_path, pack({"a.stl": bytes(50_000_000)}), "archive_bomb")
    refused(tmp_path, pack({f"{i}.txt": b"x" for i in range(11)}), "archive_bomb", small)
    refused(tmp_path, pack({"a.bin": b"x" * 20_000}), "archive_bomb", small)


def test_archives_in_archives(tmp_path):
    inner = pack({"deep/a.stl": STL})
    path = files.write(tmp_path, "outer.zip", pack({"inner.zip": inner, "b.stl": STL}))
    workspace = tmp_path / "one"
    workspace.mkdir()
    assert set(mains(discover(path, workspace))) == {"inner/deep/a.stl", "b.stl"}
    refused(tmp_path / "two", pack({"x.zip": pack({"inner.zip": inner})}), "archive_nested")
    tiny = ArchiveLimits(max_total_bytes=3_000, max_ratio=1000.0, max_members=10, max_depth=1)
    refused(
        tmp_path / "three", pack({f"{i}.zip": pack({"a.bin": b"y" * 1500}) for i in range(3)}), "archive_bomb", tiny
    )


@pytest.mark.parametrize("name", ["../evil.stl", "a/../../evil.stl", "/evil.stl", "C:\\evil.stl", "..\\evil.stl"])
def test_members_that_leave_the_archive(tmp_path, name):
    refused(tmp_path, pack({name: STL}), "archive_unsafe_name")


def test_links_encryption_and_damage(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.stl")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/hostname")
    refused(tmp_path, stream.getvalue(), "archive_link")
    plain = bytearray(pack({"a.stl": STL}))
    plain[6] |= 1
    at = plain.index(b"PK\x01\x02")
    plain[at + 8] |= 1
    refused(tmp_path, bytes(plain), "archive_encrypted")
    refused(tmp_path, pack({"a.stl": STL})[:-30], "file_damaged")
    lying = bytearray(pack({"a.stl": STL}))
    at = lying.index(b"PK\x01\x02")
    lying[at + 24 : at + 28] = struct.pack("<I", 10)
    refused(tmp_path, bytes(lying), "file_damaged")


# Names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gear", "gear"), ("Gear Box (v2)", "Gear_Box_v2"), ("2x4 brick", "_2x4_brick"), ("Zahnräder-Größe", "Zahnrader_Grosse"),
        ("écrou", "ecrou"), ("a__b", "a_b"), ("CON", "CON_"), ("Łódź", "Lodz"),
    ],
)  # fmt: skip
def test_file_safe_names(text, expected):
    assert file_safe_name(text) == expected


def test_names_of_other_scripts_stay_apart():
    given_names = [
        "锤子",
        "扳手",
        "молоток",
        "🔨",
        "🔧",
        "hammer 锤",
        "hammer 扳",
        "hammer",
        "x" * 300,
        "x" * 299 + "y",
    ]
    names = [file_safe_name(n) for n in given_names]
    assert len(set(names)) == len(names)
    assert names == [file_safe_name(n) for n in given_names]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_every_name_is_an_identifier(text):
    name = file_safe_name(text)
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and len(name) <= 64
    assert file_safe_name(name) == name, "a safe name stays"
    assert readable(text, "part") and len(readable(text, "part")) <= 120


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "A", "a_2", "a_3", "b", "B_2", "b"]), max_size=12))
def test_unique_names(names):
    result = unique(names)
    assert len({n.casefold() for n in result}) == len(names)
    assert all(r == n or r.startswith(f"{n}_") for r, n in zip(result, names, strict=True))


def test_titles_keep_their_script_and_parts_are_unique(tmp_path):
    path = files.write(tmp_path, "锤子 🔨.obj", files.obj(BOX))
    twin = read(path)
    assert twin.title == "锤子 🔨" and re.fullmatch(r"[A-Za-z_]\w*", twin.name, re.ASCII)
    assert read(path, ReadOptions(name="My Hammer")).name == "My_Hammer"
    assert twin.sources[0].name == "锤子 🔨.obj"


def test_generic_stems_take_their_folders_name(tmp_path):
    assert suggested_name(tmp_path / "rubber_duck" / "textured_mesh.obj") == "rubber_duck"
    assert suggested_name(tmp_path / "rubber_duck" / "meshes" / "model.obj") == "rubber_duck"
    assert suggested_name(tmp_path / "any" / "wrench.obj") == "wrench"


def test_the_package_is_light():
    import subprocess
    import sys

    code = "import sys, physicl_twin.ingest; print([m for m in ('pxr', 'OCP', 'trimesh', 'scipy', 'PIL') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
    assert callable(ingest.discover)
