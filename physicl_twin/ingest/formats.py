"""The formats that can be read: which file is which, by content first, and which reader reads it.

The policy for wrong extensions: content that names its format beyond doubt is believed over the extension. Readers of
ours then read it, with a note; readers that need the extension (CAD kernels, USD) refuse it with ``format_mismatch``
and say what to rename it to. Content of another kind (an image, a web page) is ``format_mismatch``; content without any
mark is read as its extension says.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from physicl_twin.ingest.guards import check_file, check_scene, damaged
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.sniffing import NOT_SOURCES, sniff
from physicl_twin.model import Note, PhysiclError, Progress, SourceError


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be read.

    Attributes:
        id: Lower-case id.
        title: Name for people.
        suffixes: File extensions, with the dot.
        reader: ``module:function`` below ``physicl_twin.ingest``, imported on first use.
        package: Import name of the optional package that it needs, or empty.
        extra: The extra that installs that package.
        own: True when the reader is driven by content and not by the extension.
    """

    id: str
    title: str
    suffixes: tuple[str, ...]
    reader: str
    package: str = ""
    extra: str = ""
    own: bool = False


FORMATS: tuple[Format, ...] = (
    Format("stl", "STL", (".stl",), "stl:read_stl", own=True),
    Format("obj", "OBJ", (".obj",), "obj:read_obj", own=True),
    Format("ply", "PLY", (".ply",), "ply:read_ply", own=True),
    Format("off", "OFF", (".off", ".coff", ".noff"), "off:read_off", own=True),
    Format("glb", "binary glTF", (".glb",), "gltf:read_gltf", own=True),
    Format("gltf", "glTF", (".gltf",), "gltf:read_gltf", own=True),
    Format("3mf", "3MF", (".3mf",), "threemf:read_3mf", own=True),
    Format("dae", "COLLADA", (".dae",), "dae:read_dae", own=True),
    Format("step", "STEP", (".step", ".stp", ".p21", ".stpz"), "cad:read_cad", "OCP", "cad"),
    Format("iges", "IGES", (".iges", ".igs"), "cad:read_cad", "OCP", "cad"),
    Format("brep", "OpenCASCADE BREP", (".brep", ".brp"), "cad:read_cad", "OCP", "cad"),
    Format("dxf", "DXF", (".dxf",), "dxf:read_dxf", "ezdxf", "dxf"),
    Format("fbx", "FBX", (".fbx",), "fbx:read_fbx", "assimp_py", "fbx"),
    Format("x3d", "X3D", (".x3d",), "fbx:read_fbx", "assimp_py", "fbx"),
    Format("3ds", "3DS", (".3ds",), "fbx:read_fbx", "assimp_py", "fbx"),
    Format("blend", "Blender", (".blend",), "fbx:read_fbx", "assimp_py", "fbx"),
    Format("lwo", "LightWave", (".lwo",), "fbx:read_fbx", "assimp_py", "fbx"),
    Format("urdf", "URDF", (".urdf",), "urdf:read_urdf", own=True),
    Format("xacro", "xacro", (".xacro",), "xacro:read_xacro", "xacro", "robots", own=True),
    Format("mjcf", "MJCF", (".mjcf",), "mjcf:read_mjcf", "mujoco"),
    Format("sdf", "SDFormat", (".sdf", ".world"), "sdformat:read_sdf", own=True),
    Format("ifc", "IFC", (".ifc",), "ifc:read_ifc", "ifcopenshell", "bim"),
    Format("usda", "USD text", (".usda",), "usd:read_usd", "pxr"),
    Format("usdc", "USD crate", (".usdc",), "usd:read_usd", "pxr"),
    Format("usd", "USD", (".usd",), "usd:read_usd", "pxr"),
    Format("usdz", "USDZ", (".usdz",), "usd:read_usd", "pxr"),
)
BY_ID = {f.id: f for f in FORMATS}
BY_SUFFIX = {suffix: f for f in FORMATS for suffix in f.suffixes}
#: Formats whose content may stand under the other's extension.
_SAME = ({"usd", "usda", "usdc"}, {"glb", "gltf"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is.

    Attributes:
        format: Format id to read it as; empty when it is no source.
        looks_like: What the content shows, for people; empty when it has no mark.
        by_content: True when the content contradicts the extension and is believed.
    """

    format: str
    looks_like: str = ""
    by_content: bool = False


def identify(path: Path) -> Identity:
    """Identify a file by its content and its extension.

    Raises:
        SourceError: ``file_unreadable``.
    """
    named = BY_SUFFIX.get(path.suffix.lower())
    try:
        mark = sniff(path)
    except OSError as error:
        raise SourceError(
            "file_unreadable", f"{path.name} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    if mark.id in BY_ID:
        same = named is not None and (named.id == mark.id or any({named.id, mark.id} <= s for s in _SAME))
        if same and named is not None:
            return Identity(named.id if named.id != "gltf" else mark.id, BY_ID[mark.id].title)
        if named is None or mark.certain:
            return Identity(mark.id, BY_ID[mark.id].title, named is not None)
        return Identity(named.id, BY_ID[mark.id].title)
    if mark.id in NOT_SOURCES:
        # An archive, an image … under the name of a source; text may be a damaged file of a text format.
        if (
            named is not None
            and mark.id == "text"
            and named.id in ("obj", "off", "step", "iges", "dxf", "usda", "brep", "stl", "dae", "gltf")
        ):
            return Identity(named.id)
        return Identity("", NOT_SOURCES[mark.id])
    return Identity(named.id if named else "")


def require_format(path: Path) -> Identity:
    """The identity of a file that is to be read.

    Raises:
        SourceError: ``format_mismatch``, ``format_unknown``, ``git_lfs_pointer``.
    """
    identity = identify(path)
    named = BY_SUFFIX.get(path.suffix.lower())
    if identity.looks_like == NOT_SOURCES["git_lfs"]:
        raise SourceError(
            "git_lfs_pointer", f"{path.name} is a Git LFS pointer and not the file itself.", "Run: git lfs pull"
        )
    if not identity.format and named is not None:
        raise SourceError(
            "format_mismatch",
            f"{path.name} is named as {named.title} but its content looks like {identity.looks_like}.",
            "Export it again, or correct the extension.",
        )
    if not identity.format:
        seen = (
            f"its content looks like {identity.looks_like}" if identity.looks_like else "its content has no known mark"
        )
        raise SourceError(
            "format_unknown",
            f"{path.name} is of no format that can be read: {seen}.",
            f"Formats: {', '.join(f.id for f in FORMATS)}.",
        )
    if identity.by_content and named is not None and not BY_ID[identity.format].own:
        wanted = BY_ID[identity.format]
        raise SourceError(
            "format_mismatch",
            f"{path.name} is named as {named.title} but its content is {wanted.title}.",
            f"Rename it to {path.stem[:60]}{wanted.suffixes[0]}.",
        )
    return identity


def load(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings) -> RawScene:
    """Read a file with the reader of its format; nothing but a PhysiclError leaves here.

    Raises:
        SourceError: Whatever is wrong with the file.
    """
    check_file(path, options)
    identity = require_format(path)
    chosen = BY_ID[identity.format]
    try:
        reader = _reader(chosen)
        raw = reader(path, options, progress, settings=settings)
        check_scene(raw, options, settings.max_coordinate)
    except PhysiclError:
        raise
    except MemoryError as error:
        raise SourceError(
            "out_of_memory",
            f"{path.name} needs more memory than there is.",
            "Simplify the model, or raise [jobs] memory_gb.",
        ) from error
    except ImportError as error:
        raise _not_installed(chosen) from error
    except (
        RecursionError,
        ArithmeticError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        OSError,
        RuntimeError,
        AssertionError,
    ) as error:
        # A parser that trips over damage has many ways to say so; all of them mean the same to the user.
        raise damaged(path.name, f"the {chosen.title} data make no sense ({type(error).__name__}).") from error
    if identity.by_content:
        message = f"{path.name} is read as {chosen.title}, which its content is, in spite of its extension."
        raw = replace(raw, notes=(Note("wrong_extension", "warning", message, "Correct the extension."), *raw.notes))
    return raw


def _reader(chosen: Format) -> Callable[..., RawScene]:
    if chosen.package and importlib.util.find_spec(chosen.package) is None:
        raise _not_installed(chosen)
    module, function = chosen.reader.split(":")
    reader: Callable[..., RawScene] = getattr(importlib.import_module(f"physicl_twin.ingest.{module}"), function)
    return reader


def _not_installed(chosen: Format) -> SourceError:
    hint = f"./physicl.sh install {chosen.extra}" if chosen.extra else "Install the package's dependencies again."
    return SourceError("reader_not_installed", f"The reader of {chosen.title} is not installed.", hint)
