"""The solid that a surface bounds: volume with its uncertainty, centroid and inertia at unit density."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model import Estimate, Evidence, GeometryError, Mesh, Note, Shape, SolidProperties
from physicl_twin.model.estimate import Z90
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3
from physicl_twin.normalize.facets import facet_gap
from physicl_twin.normalize.geometry import require_surface
from physicl_twin.normalize.holes import fill_holes
from physicl_twin.normalize.integrals import Moments, signed_volumes, solid_moments, surface_moments, triangle_areas
from physicl_twin.normalize.nesting import Nesting, nesting
from physicl_twin.normalize.occupancy import occupancy, winding_function
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.parity import parity_volume
from physicl_twin.normalize.topology import Edges, Indices, ShellCycles, components, position_ids
from physicl_twin.normalize.union import shell_weights, united

#: Relative error of an integral over coordinates that a file holds in single precision.
FLOAT32_VOLUME_STD = 1e-7
#: Below this fraction of area^1.5 a closed surface encloses nothing (a doubled sheet).
_NO_VOLUME = 1e-7
#: The second method may pull the interval this far, as a factor on the volume.
_DISAGREEMENT_MAX = 2.0
#: From this relative difference on the two methods are said to disagree.
_DISAGREEMENT_FLAG = 0.05
_SPOT_POINTS = 4000
#: How far the rim of an opening may leave its plane, relative to its extent, for a flat lid in the volume.
_LID_PLANARITY = 0.35
#: Lids are believed when they change ln(volume) by less than this against the winding number.
_PATCH_TRUST = 0.2


@dataclass(frozen=True, slots=True)
class _Surface:
    """A mesh over its distinct places."""

    vertices: FloatArray
    faces: Indices
    edges: Edges

    @classmethod
    def of(cls, mesh: Mesh) -> _Surface:
        ids = position_ids(mesh.vertices)
        _, first = np.unique(ids, return_index=True)
        faces = ids[mesh.faces]
        return cls(np.asarray(mesh.vertices[first], dtype=float), faces, Edges.of(faces))


def solid_properties(
    mesh: Mesh,
    settings: NormalizeSettings | None = None,
    fast: bool = False,
    patch_volume_std_m3: float = 0.0,
) -> SolidProperties:
    """Integrals of the solid inside a cleaned mesh.

    Closed and consistently wound shells are integrated exactly (``integrals``): a shell inside another is a cavity when
    it faces inwards and an internal duplicate otherwise, shells apart add up, shells that may cut are united by
    manifold3d first. Everything else goes through the winding number (``occupancy``) with ray parity (``parity``) as a
    second opinion; where flat lids over the openings close the mesh and agree with the winding number, the exact
    integral with lids is the value. A surface that encloses nothing, or opens too widely, is a sheet: its volume is its
    area times a wide lognormal prior of wall thickness, with the flag ``open_surface``.

    The standard deviation of the volume adds in quadrature: float32 coordinates (1e-7); the gap between facets and the
    smooth surface that they may stand for (``facets``); patches over filled holes; and for an open mesh the sampling
    error, half the difference between the volumes where |w| > 1/4 and > 3/4 as half a 90 % interval, the openings'
    share of the area taken of the volume as another, and the disagreement of the methods as a third: the interval just
    reaches the other method's volume (at most a factor of two).

    Args:
        mesh: Metres, shape frame; as ``clean_shape`` leaves it.
        settings: ``[normalize]``; the shipped ones when None.
        fast: Fewer columns.
        patch_volume_std_m3: From ``CleanMesh``.

    Raises:
        GeometryError: ``mesh_empty``, ``mesh_index_out_of_range``, ``mesh_not_finite`` or ``mesh_zero_area``.
    """
    settings = settings or NormalizeSettings.shipped()
    require_surface(mesh, "mesh")
    surface = _Surface.of(mesh)
    exact = _closed_solid(surface, settings, fast)
    facet_std = facet_gap(surface.vertices, surface.faces, surface.edges, math.radians(settings.smooth_angle_deg))
    if exact is not None:
        moments, how = exact
        if moments.measure > _NO_VOLUME * float(triangle_areas(surface.vertices, surface.faces).sum()) ** 1.5:
            return _closed_properties(moments, how, facet_std, patch_volume_std_m3)
        return _sheet(surface, settings, doubled=True)
    return _open_solid(surface, settings, fast, math.hypot(facet_std, patch_volume_std_m3))


def solid_of_shape(
    shape: Shape, settings: NormalizeSettings, fast: bool = False, patch_volume_std_m3: float = 0.0
) -> tuple[SolidProperties, tuple[Note, ...]]:
    """The integrals that mass is derived from: the CAD kernel's where it has some, the mesh's otherwise.

    Args:
        shape: Cleaned, with its mesh.
        settings: ``[normalize]``.
        fast: Fewer columns.
        patch_volume_std_m3: From ``CleanMesh``.

    Returns:
        The solid, and notes where CAD and mesh disagree beyond the facets' error or the solid is doubtful.

    Raises:
        GeometryError: As ``solid_properties``.
    """
    if shape.mesh is None:
        raise GeometryError("mesh_missing", f"The shape {shape.name!r} has no triangles.", "Read the source again.")
    brep = shape.brep
    if brep is None or not brep.volume.value > 0:
        solid = solid_properties(shape.mesh, settings, fast, patch_volume_std_m3)
        return solid, _doubts(shape.name, solid)
    surface = _Surface.of(shape.mesh)
    exact = _closed_solid(surface, settings, fast=True)
    if exact is None:
        checked = occupancy(surface.vertices, surface.faces, settings.occupancy_columns_fast, math.inf).moments
        gap = 0.0
    else:
        checked = exact[0]
        gap = facet_gap(surface.vertices, surface.faces, surface.edges, math.radians(settings.smooth_angle_deg))
    difference = checked.measure - brep.volume.value
    allowed = settings.brep_disagreement * brep.volume.value + 3 * gap
    relative = difference / brep.volume.value
    evidence = Evidence(
        "geometry",
        f"The tessellation's volume of {checked.measure:.6g} m3 differs by {relative:+.2%} from the CAD volume.",
    )
    solid = replace(brep, evidence=(*brep.evidence, evidence))
    if abs(difference) <= allowed:
        return solid, ()
    note = Note(
        "volume_disagreement",
        "warning",
        f"{shape.name}: the CAD volume is {brep.volume.value:.6g} m3, that of its triangles {checked.measure:.6g} m3 "
        f"({relative:+.1%}); the CAD volume is used.",
        "Check the part for faces that are missing or doubled.",
    )
    return solid, (note,)


def _doubts(name: str, solid: SolidProperties) -> tuple[Note, ...]:
    texts = {
        "open_surface": (
            "is an open surface; its mass comes from its area and an assumed wall thickness",
            "Give the wall a thickness in the source, or state the mass (--mass).",
        ),
        "methods_disagree": (
            "has a volume on which two methods disagree; its interval covers both",
            "Close the surface or remove inner copies in the source, or state the mass (--mass).",
        ),
    }
    return tuple(
        Note(
            flag,
            "warning",
            f"{name}: {texts[flag][0]} ({solid.volume.low:.3g} to {solid.volume.high:.3g} m3).",
            texts[flag][1],
        )
        for flag in solid.volume.flags
        if flag in texts
    )


def _closed_solid(surface: _Surface, settings: NormalizeSettings, fast: bool) -> tuple[Moments, str] | None:
    """Exact moments when every shell closes, and how they were put together; None when something is open or tangled."""
    cycles = ShellCycles.of(surface.edges, len(surface.faces))
    if not cycles.closed.all():
        return None
    shells = len(cycles.closed)
    vertices, faces, label = surface.vertices, surface.faces, cycles.label
    if shells == 1:
        if not fast and _overlaps_itself(surface):
            return None
        moments = solid_moments(vertices, faces)
        return (
            moments if moments.measure >= 0 else solid_moments(vertices, faces, -np.ones(len(faces)))
        ), "closed mesh"
    if shells > settings.shells_max:
        return None
    origin = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    volumes = np.bincount(label, weights=signed_volumes(vertices, faces, origin))
    sign = np.where(volumes < 0, -1, 1)
    relations = nesting(vertices, faces, label)
    if len(relations.entangled) == 0:
        weights = shell_weights(sign, relations)
        if not fast and _overlaps_itself(surface, tuple(range(-shells, shells + 1))):
            return None
        return solid_moments(vertices, faces, weights[label]), _shells_in_words(weights, sign, relations)
    if len(faces) > settings.union_faces_max:
        return None
    union = united(vertices, faces, label, sign, relations)
    if union is None:
        return None
    return solid_moments(*union), f"union of {shells} closed shells"


def _shells_in_words(weights: FloatArray, sign: Indices, relations: Nesting) -> str:
    inner = relations.depth > 0
    cavities = int(((weights != 0) & (sign < 0) & inner).sum())
    duplicates = int((weights == 0).sum())
    words = [f"{int(((weights != 0) & (sign > 0)).sum())} closed shells"]
    words += [f"{cavities} cavities"] if cavities else []
    words += [f"{duplicates} internal duplicates left out"] if duplicates else []
    return ", ".join(words)


def _overlaps_itself(surface: _Surface, allowed: tuple[int, ...] = (-1, 0, 1)) -> bool:
    """True when the winding number leaves ``allowed`` at one of 4,000 points a little inside the faces."""
    corners = surface.vertices[surface.faces[:: max(1, len(surface.faces) // _SPOT_POINTS)]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(float).tiny)
    depth = 0.05 * np.sqrt(length)
    points = np.concatenate([corners.mean(axis=1) + side * depth * normal / length for side in (-1, 1)])
    whole = np.round(winding_function(surface.vertices, surface.faces)(points))
    return bool((~np.isin(whole, allowed)).any() or (whole.min() < 0 < whole.max()))


def _closed_properties(moments: Moments, how: str, facet_std: float, patch_std: float) -> SolidProperties:
    volume = moments.measure
    std = math.sqrt((FLOAT32_VOLUME_STD * volume) ** 2 + facet_std**2 + patch_std**2)
    reasons = [f"Exact integral over the triangles ({how}), counted as solid inside the surface."]
    if facet_std > FLOAT32_VOLUME_STD * volume:
        reasons.append(f"Facets may leave {facet_std / volume:.2g} of the volume to the smooth surface they stand for.")
    if patch_std > 0:
        reasons.append(f"Patches over filled holes leave {patch_std / volume:.2g} of the volume open.")
    evidence = tuple(Evidence("geometry", reason) for reason in reasons)
    return _properties(_volume(volume, std, f"exact mesh volume, {how}", evidence, ()), moments, evidence)


def _volume(value: float, std: float, method: str, evidence: tuple[Evidence, ...], flags: tuple[str, ...]) -> Estimate:
    if std < 0.1 * value:
        return Estimate.normal(value, std, "m3", method, evidence, flags)
    return Estimate.lognormal(value, std / value, "m3", method, evidence, flags)


def _open_solid(surface: _Surface, settings: NormalizeSettings, fast: bool, surface_std: float) -> SolidProperties:
    """Occupancy with its cross-check, or a sheet."""
    area = float(triangle_areas(surface.vertices, surface.faces).sum())
    opening = _opening_area(surface)
    if opening > settings.opening_fraction_max * area:
        return _sheet(surface, settings, doubled=False)
    columns = settings.occupancy_columns_fast if fast else settings.occupancy_columns
    closed = not surface.edges.balance.any()
    enough_m3 = math.inf if fast else surface_std / 4
    found = occupancy(surface.vertices, surface.faces, columns, enough_m3, closed)
    volume = found.moments.measure
    if volume <= _NO_VOLUME * area**1.5 or found.tight_m3 < 0.25 * found.loose_m3:
        return _sheet(surface, settings, doubled=False)
    moments = found.moments
    method = f"winding-number volume of {'a self-overlapping' if closed else 'an open'} mesh"
    patched = _patched_solid(surface, settings)
    if patched is not None and abs(math.log(patched.measure / volume)) < _PATCH_TRUST:
        moments, method = patched, "volume of an open mesh with flat lids"
    parity = parity_volume(surface.vertices, surface.faces, settings.parity_columns)
    value = moments.measure
    # Where a closed surface overlaps itself parity counts outside by its nature; elsewhere a difference is a doubt.
    counted_twice_m3 = found.overlap_m3 if closed else 0.0
    apart = max(_apart(value, volume), _apart(value, parity.volume_m3 + counted_twice_m3))
    half_width = np.array([(found.loose_m3 - found.tight_m3) / 2, opening / area * value, apart * value]) / Z90
    std = math.hypot(surface_std, found.sampling_std_m3, FLOAT32_VOLUME_STD * value, *half_width)
    evidence: tuple[Evidence, ...] = (
        Evidence(
            "geometry",
            f"Winding number: {volume:.6g} m3 ± {found.sampling_std_m3 / volume:.1e} from sampling; openings of "
            f"{opening / area:.1%} of the area leave it between {found.tight_m3:.4g} and {found.loose_m3:.4g} m3.",
        ),
        Evidence(
            "geometry",
            f"Ray parity in 14 directions: {parity.volume_m3 + counted_twice_m3:.6g} m3; {parity.leaking:.1%} of the "
            "rays met a hole. The interval reaches the method farthest off.",
        ),
    )
    if found.overlap_m3 > 0:
        overlap = f"{found.overlap_m3:.3g} m3 lie inside the surface more than once and count once."
        evidence = (*evidence, Evidence("geometry", overlap))
    if moments is patched:
        evidence = (Evidence("geometry", f"With flat lids on its openings the mesh holds {value:.6g} m3."), *evidence)
    flags = ("methods_disagree",) if apart > math.log1p(_DISAGREEMENT_FLAG) else ()
    return _properties(_volume(value, std, method, evidence, flags), moments, evidence)


def _apart(first_m3: float, second_m3: float) -> float:
    """Difference of two volumes as a logarithm, at most the factor that a second method may pull."""
    most = math.log(_DISAGREEMENT_MAX)
    return min(abs(math.log(second_m3 / first_m3)), most) if second_m3 > 0 else most


def _patched_solid(surface: _Surface, settings: NormalizeSettings) -> Moments | None:
    """Exact moments with flat lids over openings larger than cleaning would fill; None when that does not close it."""
    bare = Mesh(surface.vertices, surface.faces.astype(np.int32))
    lenient = replace(settings, hole_area_fraction=settings.opening_fraction_max, hole_planarity=_LID_PLANARITY)
    filling = fill_holes(bare, np.arange(len(surface.vertices)), lenient)
    if filling.holes == 0:
        return None
    exact = _closed_solid(_Surface.of(filling.mesh), settings, fast=True)
    return exact[0] if exact is not None and exact[0].measure > 0 else None


def _opening_area(surface: _Surface) -> float:
    """Area of flat lids over the openings: the length of each open rim's vector area."""
    edges, faces = surface.edges, surface.faces
    rim = edges.order[edges.start[edges.count == 1]]
    if len(rim) == 0:
        return 0.0
    corner = faces.reshape(-1)
    tail, head = corner[rim], corner[3 * (rim // 3) + (rim % 3 + 1) % 3]
    compact, where = np.unique(np.concatenate([tail, head]), return_inverse=True)
    loop = components(len(compact), where[: len(rim)].astype(np.int64), where[len(rim) :].astype(np.int64))
    loop = loop[where[: len(rim)]]
    origin = surface.vertices.mean(axis=0)
    vectors = 0.5 * np.cross(surface.vertices[tail] - origin, surface.vertices[head] - origin)
    sums = np.stack([np.bincount(loop, weights=vectors[:, k]) for k in range(3)], axis=1)
    return float(np.linalg.norm(sums, axis=1).sum())


def _sheet(surface: _Surface, settings: NormalizeSettings, doubled: bool) -> SolidProperties:
    """A surface without inside as a thin wall of unknown thickness (halved area where the surface is double)."""
    sheet = surface_moments(surface.vertices, surface.faces)
    area = sheet.measure / (2 if doubled else 1)
    limit = settings.sheet_thickness_fraction_max * math.sqrt(area)
    high = min(settings.sheet_thickness_high_m, limit)
    low = high * settings.sheet_thickness_low_m / settings.sheet_thickness_high_m
    low = min(settings.sheet_thickness_low_m, high) if limit >= settings.sheet_thickness_high_m else low
    thickness = math.sqrt(low * high)
    log_std = math.log(high / low) / (2 * Z90)
    evidence = (
        Evidence(
            "prior",
            f"The surface encloses nothing: {area:.4g} m2 of sheet, assumed {1e3 * low:.2g} to {1e3 * high:.2g} mm "
            "thick (90 %).",
        ),
    )
    volume = Estimate.lognormal(
        area * thickness, log_std, "m3", "area times assumed wall thickness", evidence, ("open_surface",)
    )
    scale = area * thickness / sheet.measure
    # The wall's own thickness keeps a flat sheet's inertia a solid's; taken the same in all directions, t² / 12.
    second = scale * sheet.second + area * thickness * thickness**2 / 12 * np.eye(3)
    return _properties(volume, Moments(area * thickness, sheet.centroid, second), evidence)


def _properties(volume: Estimate, moments: Moments, evidence: tuple[Evidence, ...]) -> SolidProperties:
    inertia = moments.inertia
    return SolidProperties(volume, _vector(moments.centroid), _matrix(0.5 * (inertia + inertia.T)), evidence)


def _vector(values: FloatArray) -> Vector3:
    return (float(values[0]), float(values[1]), float(values[2]))


def _matrix(values: FloatArray) -> Matrix3:
    return (_vector(values[0]), _vector(values[1]), _vector(values[2]))
