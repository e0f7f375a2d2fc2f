"""What a file's first bytes say it is."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

_HEAD_BYTES = 4096
_XML_HEAD_BYTES = 65536
#: How much further the first element is looked for behind comments.
_LONG_COMMENT_BYTES = 1_000_000

#: Content that is no source by itself, for people.
NOT_SOURCES = {
    "zip": "a zip archive",
    "git_lfs": "a Git LFS pointer",
    "png": "a PNG image",
    "jpeg": "a JPEG image",
    "pdf": "a PDF document",
    "html": "a web page",
    "gzip": "a gzip archive",
    "7z": "a 7-Zip archive",
    "rar": "a RAR archive",
    "elf": "a program",
    "solidworks": "a SolidWorks or older Office document",
    "json": "JSON text",
    "xml": "XML text",
    "srdf": "a semantic robot description (SRDF), which goes with a URDF",
    "mjcf_part": "a part of an MJCF model, which another file includes",
    "text": "plain text",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"glTF", "glb"),
    (b"PXR-USDC", "usdc"),
    (b"#usda", "usda"),
    (b"ISO-10303-21", "step"),
    (b"Kaydara FBX Binary", "fbx"),
    (b"AutoCAD Binary DXF", "dxf"),
    (b"BLENDER", "blend"),
    (b"version https://git-lfs", "git_lfs"),
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "rar"),
    (b"\x7fELF", "elf"),
    (b"\xd0\xcf\x11\xe0", "solidworks"),
)
_OBJ_LINES = re.compile(
    rb"^[ \t]*(?:v[nt]?[ \t]+[-+.\d]|f[ \t]+-?\d|o[ \t]|g[ \t]|mtllib[ \t]|usemtl[ \t])", re.MULTILINE
)
_DXF_START = re.compile(rb"^(?:\s*999\r?\n[^\n]*\n)*\s*0\r?\n\s*SECTION\b")
_IFC_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'IFC", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
#: Root elements that name a format.
_ROOTS = {
    b"COLLADA": "dae",
    b"X3D": "x3d",
    b"mujoco": "mjcf",
    b"mujocoinclude": "mjcf_part",
    b"sdf": "sdf",
}
#: Robots are searched to their end for what makes them xacro; larger ones are generated (judgement).
_ROBOT_BYTES = 16_000_000
_OFF_START = re.compile(rb"^(?:\s*#[^\n]*\n)*\s*(?:ST)?C?N?4?n?OFF\b")


@dataclass(frozen=True, slots=True)
class Mark:
    """What content shows.

    Attributes:
        id: Format id or key of ``NOT_SOURCES``; empty when there is no mark.
        certain: True when no other format starts like that.
    """

    id: str
    certain: bool = True


def sniff(path: Path) -> Mark:
    """What a file's content shows.

    Raises:
        OSError: When it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    size = path.stat().st_size
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return Mark(_zip_kind(path))
    if re.match(rb"ply\r?\n", head):
        return Mark("ply")
    if head.startswith(b"\x1f\x8b") and path.suffix.lower() == ".stpz":
        return Mark("step")
    if head.startswith(b"ISO-10303-21") and _IFC_SCHEMA.search(head):
        return Mark("ifc")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return Mark(kind)
    if head.startswith(b"FORM") and head[8:11] == b"LWO":
        return Mark("lwo")
    if head.startswith(b"MM") and len(head) > 6 and int.from_bytes(head[2:6], "little") == size:
        return Mark("3ds", certain=False)
    if len(head) >= 84 and size == 84 + 50 * int.from_bytes(head[80:84], "little") and size > 84:
        return Mark("stl")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        # A licence may stand before the first element.
        with path.open("rb") as stream:
            head = stream.read(_XML_HEAD_BYTES)
            if not _root(head):
                head += stream.read(_LONG_COMMENT_BYTES)
        if _root(head) == b"robot":
            return Mark(_robot_kind(path))
    return _sniff_text(head)


def _root(text: bytes) -> bytes:
    """Name of the first element of an XML document."""
    found = _ROOT.search(_COMMENT.sub(b"", text))
    return found.group(1) if found else b""


def _robot_kind(path: Path) -> str:
    """URDF, xacro or SRDF, which all have a robot at their root; what stands in comments does not count."""
    with path.open("rb") as stream:
        text = _COMMENT.sub(b"", stream.read(_ROBOT_BYTES))
    if b"<xacro:" in text or (b"xmlns:xacro" in text and (b"${" in text or b"$(" in text)):
        return "xacro"
    semantic = any(tag in text for tag in (b"<disable_collisions", b"<group", b"<virtual_joint"))
    described = any(tag in text for tag in (b"<visual", b"<collision>", b"<collision ", b"<inertial", b"<parent"))
    return "srdf" if semantic and not described else "urdf"


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:10_000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""
    lower = [name.lower() for name in names]
    if any(name.endswith(".model") and name.startswith(("3d/", "/3d/")) for name in lower):
        return "3mf"
    if lower and lower[0].endswith((".usda", ".usdc", ".usd")) and path.suffix.lower() in ("", ".usdz"):
        return "usdz"
    return "zip"


def _sniff_text(head: bytes) -> Mark:
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Mark("")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = text.lower()
    if b"ISO-10303-21" in head[:1024]:
        return Mark("step")
    if lower.startswith((b"<!doctype html", b"<html")):
        return Mark("html")
    if text.startswith(b"<"):
        if (root := _root(text)) in _ROOTS:
            return Mark(_ROOTS[root])
        return Mark("xml", certain=False)
    if text.startswith((b"{", b"[")):
        return Mark(
            "gltf" if b'"asset"' in text or b'"accessors"' in text or b'"meshes"' in text else "json", certain=False
        )
    if _DXF_START.match(text):
        return Mark("dxf")
    if text.startswith(b"; FBX"):
        return Mark("fbx")
    if b"DBRep_DrawableShape" in head or b"CASCADE Topology" in head:
        return Mark("brep")
    if len(head) >= 80 and head[72:73] in (b"S", b"C") and head[73:80].strip().isdigit() and b"\n" not in head[:72]:
        return Mark("iges")
    if _OFF_START.match(head):
        return Mark("off")
    if lower.startswith(b"solid") and b"facet" in lower:
        return Mark("stl")
    if len(_OBJ_LINES.findall(head)) >= 3:
        return Mark("obj")
    printable = sum(32 <= b < 127 or b in b"\t\r\n" or b >= 128 for b in head)
    return Mark("text" if head and printable == len(head) and _decodes(head) else "", certain=False)


def _decodes(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4
    return True
