"""A STEP, IGES or BREP file as a document of the CAD kernel, in millimetres, with what the file says of itself."""

from __future__ import annotations

import mmap
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.ingest.cad_precheck import check_brep, check_iges, check_step, truncated
from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.length_units import METRES_PER_UNIT, unit_claim, unit_name, unit_scale
from physicl_twin.ingest.raw import Claim
from physicl_twin.ingest.step_text import StatedMaterial, read_step_text
from physicl_twin.model import Evidence, Note, SourceError

#: The kernel's own length unit, metres: every document is transferred in it.
KERNEL_UNIT_M = 0.001

STEP_SUFFIXES = (".step", ".stp", ".p21", ".stpz")
IGES_SUFFIXES = (".iges", ".igs")
BREP_SUFFIXES = (".brep", ".brp")


@dataclass(frozen=True, slots=True)
class CadDocument:
    """An open document.

    Attributes:
        handle: ``TDocStd_Document``.
        format: ``step``, ``iges`` or ``brep``.
        unit_in_mm: Millimetres (kernel units) per unit of the file.
        unit_claims: What the file says about its unit.
        materials: Material statements of the file's text (STEP).
        notes: Losses.
    """

    handle: Any
    format: str
    unit_in_mm: float
    unit_claims: tuple[Claim, ...]
    materials: tuple[StatedMaterial, ...] = ()
    notes: tuple[Note, ...] = ()


def require_kernel() -> None:
    """Raise ``reader_not_installed`` when the CAD kernel is missing; silence its console otherwise."""
    try:
        from OCP.Message import Message
    except ImportError as error:
        raise SourceError(
            "reader_not_installed", "Reading CAD files needs the OpenCASCADE kernel.", "./physicl.sh install cad"
        ) from error
    Message.DefaultMessenger_s().ChangePrinters().Clear()


def open_document(path: Path, max_bytes: int) -> CadDocument:
    """Read a CAD file.

    Args:
        path: File; its suffix decides between STEP, IGES and BREP.
        max_bytes: Refuse compressed files that unpack to more.

    Raises:
        SourceError: ``file_truncated``, ``file_damaged``, ``file_too_large``, ``not_step`` …
    """
    suffix = path.suffix.lower()
    with kernel_errors(path.name):
        if suffix == ".stpz":
            return _open_compressed(path, max_bytes)
        if suffix in STEP_SUFFIXES:
            return _open_step(path, path.name)
        if suffix in IGES_SUFFIXES:
            return _open_iges(path)
        return _open_brep(path)


@contextmanager
def kernel_errors(name: str) -> Iterator[None]:
    """Turn what the CAD kernel throws into ``file_damaged``; every other exception passes."""
    try:
        yield
    except Exception as error:
        # OCP's exception classes do not all derive from its Standard_Failure; C++ ones arrive as RuntimeError.
        if not type(error).__module__.startswith("OCP") and type(error) not in (RuntimeError, UnicodeDecodeError):
            raise
        reason = str(error).strip() or type(error).__name__
        raise damaged(name, f"the CAD kernel rejects it ({reason[:200]}).") from error


def _new_document() -> Any:
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    document = TDocStd_Document(TCollection_ExtendedString("XCAF"))
    XCAFDoc_DocumentTool.SetLengthUnit_s(document, KERNEL_UNIT_M)
    return document


def _open_compressed(path: Path, max_bytes: int) -> CadDocument:
    """A gzip-compressed STEP file (.stpz), unpacked into a temporary file of bounded size."""
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        raise SourceError("not_step", f"{path.name} is not a gzip-compressed STEP file.", "Unpack it first.")
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(data, max_bytes)
    except zlib.error as error:
        raise damaged(path.name, "its compressed data is broken.") from error
    if inflate.unconsumed_tail:
        raise SourceError("file_too_large", f"{path.name} unpacks to more than {max_bytes} bytes.", "Raise max_bytes.")
    if not inflate.eof:
        raise truncated(path.name, "the compressed data is not complete")
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder) / "source.step"
        unpacked.write_bytes(text)
        return _open_step(unpacked, path.name)


def _open_step(path: Path, name: str) -> CadDocument:
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.Interface import Interface_Static
    from OCP.STEPCAFControl import STEPCAFControl_Reader

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        check_step(data, name)
        text = read_step_text(data)
    reader = STEPCAFControl_Reader()
    Interface_Static.SetCVal_s("xstep.cascade.unit", "MM")
    reader.SetColorMode(True)
    reader.SetNameMode(True)
    reader.SetLayerMode(True)
    reader.SetMatMode(True)
    reader.SetPropsMode(True)
    if reader.ReadFile(str(path)) != IFSelect_ReturnStatus.IFSelect_RetDone:
        raise damaged(name, "its entities cannot be parsed.")
    _refuse_broken_geometry(reader.ChangeReader().StepModel(), name)
    document = _new_document()
    if not reader.Transfer(document):
        raise damaged(name, "no shape in it can be built.")
    metres = text.metres_per_unit or KERNEL_UNIT_M
    notes = []
    if text.other_units:
        others = ", ".join(unit_name(unit) for unit in text.other_units)
        notes.append(
            Note(
                "mixed_units", "info", f"{name} has parts in {others} too; they were converted to {unit_name(metres)}."
            )
        )
    return CadDocument(
        document, "step", unit_scale(metres) / KERNEL_UNIT_M, _step_claims(text.metres_per_unit, name),
        text.materials, tuple(notes),
    )  # fmt: skip


def _refuse_broken_geometry(model: Any, name: str) -> None:
    """Refuse geometry whose parameters do not fit its type: the kernel crashes when it builds a shape from it."""
    broken = 0
    for number in range(1, model.NbEntities() + 1):
        if model.IsErrorEntity(number):
            kind = model.Value(number).DynamicType().Name()
            broken += kind.startswith(("StepGeom_", "StepShape_", "StepRepr_"))
    if broken or model.GlobalCheck(True).HasFailed():
        raise damaged(name, f"{broken or 'some'} of its geometric entities have parameters of a wrong kind.")


def _step_claims(metres_per_unit: float | None, name: str) -> tuple[Claim, ...]:
    if metres_per_unit is None:
        return (
            unit_claim(
                KERNEL_UNIT_M, 0.8,
                Evidence("rule", "The file declares no length unit; CAD kernels then read millimetres.", name),
            ),
        )  # fmt: skip
    unit = unit_name(metres_per_unit)
    statement = f"The STEP file's geometric context declares its lengths in {unit}."
    return (unit_claim(metres_per_unit, 0.99, Evidence("source", statement, name, "GLOBAL_UNIT_ASSIGNED_CONTEXT")),)


def _open_iges(path: Path) -> CadDocument:
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.IGESCAFControl import IGESCAFControl_Reader
    from OCP.Interface import Interface_Static

    check_iges(path.read_bytes(), path.name)
    reader = IGESCAFControl_Reader()
    Interface_Static.SetCVal_s("xstep.cascade.unit", "MM")
    reader.SetColorMode(True)
    reader.SetNameMode(True)
    reader.SetLayerMode(True)
    if reader.ReadFile(str(path)) != IFSelect_ReturnStatus.IFSelect_RetDone:
        raise damaged(path.name, "its entities cannot be parsed.")
    section = reader.IGESModel().GlobalSection()
    unit_in_mm = float(section.UnitValue())
    if not 1e-9 < unit_in_mm < 1e9:
        raise damaged(path.name, "its global section declares no usable unit.")
    document = _new_document()
    if not reader.Transfer(document):
        raise damaged(path.name, "no shape in it can be built.")
    metres = unit_scale(unit_in_mm * KERNEL_UNIT_M)
    evidence = Evidence(
        "source",
        f"The IGES global section declares its lengths in {unit_name(metres)} (unit flag {section.UnitFlag()}).",
        path.name,
        "global section, fields 14 and 15",
    )
    return CadDocument(document, "iges", metres / KERNEL_UNIT_M, (unit_claim(metres, 0.99, evidence),))


def _open_brep(path: Path) -> CadDocument:
    from OCP.BinTools import BinTools
    from OCP.BRep import BRep_Builder
    from OCP.BRepTools import BRepTools
    from OCP.TopoDS import TopoDS_Shape
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    binary = check_brep(path.read_bytes(), path.name)
    shape = TopoDS_Shape()
    ok = BinTools.Read_s(shape, str(path)) if binary else BRepTools.Read_s(shape, str(path), BRep_Builder())
    if not ok or shape.IsNull():
        raise damaged(path.name, "no shape can be read from it.")
    document = _new_document()
    XCAFDoc_DocumentTool.ShapeTool_s(document.Main()).AddShape(shape, _only_solids(shape))
    evidence = Evidence(
        "prior", "BREP files carry no unit; OpenCASCADE programs work in millimetres unless told otherwise.", path.name
    )
    return CadDocument(document, "brep", 1.0, (unit_claim(METRES_PER_UNIT["mm"], 0.75, evidence),))


def _only_solids(shape: Any) -> bool:
    """True for a compound of solids (nested or not): its members become parts and shared members instances."""
    from OCP.TopAbs import TopAbs_ShapeEnum as Kind
    from OCP.TopoDS import TopoDS_Iterator

    if shape.ShapeType() == Kind.TopAbs_SOLID:
        return True
    if shape.ShapeType() != Kind.TopAbs_COMPOUND:
        return False
    members, count = TopoDS_Iterator(shape), 0
    while members.More():
        count += 1
        if not _only_solids(members.Value()):
            return False
        members.Next()
    return count > 0
