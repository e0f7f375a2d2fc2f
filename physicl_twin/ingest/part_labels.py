"""A fused mesh split into the parts that a labelled point cloud tells apart (``--part-labels``)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from physicl_twin.ingest.label_file import LabelCloud
from physicl_twin.ingest.soup import TwinSoup, refined, soup_of, twin_of
from physicl_twin.model import ConfigError, Note, SourceError, Twin
from physicl_twin.model.geometry import FloatArray

Indices = NDArray[np.intp]

#: The cloud lies on the surface when nine tenths of its points are nearer than this, over the diagonal: as it stands,
#: and after it was moved (judgements; a scan of a centimetre's accuracy on a metre passes).
_FITS, _FITS_MOVED = 0.01, 0.02
#: The diagonals of cloud and mesh may differ by this factor: a cloud need not cover everything.
_DIAGONAL = (0.5, 1.25)
#: Metres per unit of a cloud that says nothing of its own.
_UNITS = {"m": 1.0, "mm": 0.001, "cm": 0.01, "in": 0.0254}
#: Points with which a placement is tried, and samples of the surface.
_TRIED, _SAMPLES = 400, 60_000
#: A shell of which at least this share of its points has one label belongs to it whole: the others are stray.
_PURE = 0.9
#: Nearest points that decide on a place of a shell that has several labels.
_NEIGHBOURS = 5
#: Where two labels meet, triangles are halved down to this share of the spacing of the points, while the mesh has fewer
#: triangles than this.
_EDGE, _MOST_FACES = 0.5, 2_000_000
#: How often triangles are halved at most: enough for edges of a metre.
_HALVINGS = 24


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """How the cloud's coordinates become the twin's: rotation · (metres_per_unit · p) + shift."""

    metres_per_unit: float
    unit: str
    rotation: FloatArray
    shift: FloatArray
    residual_m: float
    turned: bool

    def apply(self, points: FloatArray) -> FloatArray:
        moved: FloatArray = self.metres_per_unit * points @ self.rotation.T + self.shift
        return moved


def with_part_labels(twin: Twin, cloud: LabelCloud) -> Twin:
    """Split the geometry of a twin by labels: one part a label, named as the label.

    The cloud's units, axes and origin are found by fitting it to the surface. Shells (connected pieces of surface) on
    whose surface the points have one label go to it whole, also what lies hidden inside them; a shell with several is
    cut where the labels meet. A shell without a point goes to the label whose points are nearest.

    Args:
        twin: From the file; one body.
        cloud: The labels.

    Raises:
        ConfigError: ``labels_many_bodies`` when the source declares several links.
        SourceError: ``labels_do_not_fit`` when the points do not lie on the surface in any unit.
    """
    if len(twin.bodies) != 1:
        raise ConfigError(
            "labels_many_bodies",
            f"Part labels split one body; {twin.name} has {len(twin.bodies)}.",
            "Leave --part-labels out: the source's own links have parts already.",
        )
    soup = soup_of(twin)
    fit = _fitted(cloud, soup, twin)
    points = fit.apply(cloud.points)
    diagonal = float(np.linalg.norm(np.ptp(soup.vertices, axis=0)))
    face, distance = _nearest_faces(points, soup)
    on = distance <= max(3.0 * fit.residual_m, 1e-3 * diagonal)
    shells = soup.shells()
    labels = np.full(len(soup.faces), -1, dtype=np.intp)
    tree = cKDTree(points)
    cut = []
    for shell in range(int(shells.max()) + 1):
        mine = np.flatnonzero(on & (shells[face] == shell))
        counts = np.bincount(cloud.labels[mine], minlength=len(cloud.names))
        faces = np.flatnonzero(shells == shell)
        if len(mine) and counts.max() >= _PURE * len(mine):
            labels[faces] = int(counts.argmax())
        elif len(mine):
            cut.append((shell, mine))
        else:
            _, near = tree.query(soup.vertices[soup.faces[faces]].mean(axis=1))
            weights = soup.areas()[faces]
            votes = np.bincount(cloud.labels[near], weights, minlength=len(cloud.names))
            labels[faces] = int(votes.argmax())
    spacing = _spacing(points)
    for shell, mine in cut:
        soup, parent, own = _cut(soup, shells == shell, points[mine], cloud.labels[mine], _EDGE * spacing)
        labels, shells = labels[parent], shells[parent]
        labels[shells == shell] = own
    made = twin_of(twin, soup, labels, cloud.names)
    return replace(made, sources=(*made.sources, cloud.source)).with_notes(*_notes(cloud, fit, labels, on, len(cut)))


def _notes(cloud: LabelCloud, fit: _Fit, labels: Indices, on: NDArray[np.bool_], cut: int) -> list[Note]:
    there = [cloud.names[index] for index in np.unique(labels)]
    moved = ", turned and moved onto the mesh" if fit.turned else ""
    split = f"; {cut} shells were cut where labels meet" if cut else ""
    notes = [
        Note(
            "part_labels",
            "info",
            f"{len(there)} parts ({', '.join(there[:8])}{' …' if len(there) > 8 else ''}) by {cloud.what}: "
            f"{len(cloud.points):,} points of {cloud.source.name}, taken as {fit.unit}{moved}, nine tenths of them "
            f"within {1e3 * fit.residual_m:.2g} mm of the surface{split}.",
        )
    ]
    if missing := [name for name in cloud.names if name not in there]:
        notes.append(
            Note(
                "part_label_without_surface",
                "warning",
                f"No surface has the label {', '.join(missing[:8])}: its points are few, or lie on shells of others.",
                "Check the labels, or give more points.",
            )
        )
    if not on.all():
        notes.append(
            Note("part_label_points_off", "info", f"{int((~on).sum()):,} labelled points lie off the surface.")
        )
    return notes


def _fitted(cloud: LabelCloud, soup: TwinSoup, twin: Twin) -> _Fit:
    """The unit, the axes and the origin in which the points lie on the surface: as they stand if at all."""
    samples, _ = soup.sampled(_SAMPLES)
    tree = cKDTree(samples)
    grain = float(np.median(tree.query(samples[:: max(1, len(samples) // 2000)], k=2)[0][:, 1]))
    diagonal = float(np.linalg.norm(np.ptp(soup.vertices, axis=0)))
    step = max(1, len(cloud.points) // _TRIED)
    tried = cloud.points[::step]
    own = float(np.linalg.norm(np.ptp(cloud.points, axis=0)))
    upright = _rotation(twin.frame.source_to_twin_wxyz)
    units = [("in the unit of the source", twin.frame.metres_per_unit), *((f"in {u}", s) for u, s in _UNITS.items())]
    units = [(u, s) for u, s in units if _DIAGONAL[0] * diagonal <= s * own <= _DIAGONAL[1] * diagonal]
    best: _Fit | None = None

    def consider(unit: str, scale: float, rotation: FloatArray, shift: FloatArray, turned: bool) -> _Fit:
        nonlocal best
        far = tree.query(scale * tried @ rotation.T + shift)[0]
        residual = max(0.0, float(np.quantile(far, 0.9)) - grain)
        fit = _Fit(scale, unit, rotation, shift, residual, turned)
        if best is None or fit.residual_m < best.residual_m:
            best = fit
        return fit

    for unit, scale in units:
        for rotation in (upright, np.eye(3)):
            fit = consider(unit, scale, rotation, np.zeros(3), turned=False)
            if fit.residual_m <= _FITS * diagonal:
                return _exact(fit, tried, soup)
    middle = 0.5 * (soup.vertices.min(axis=0) + soup.vertices.max(axis=0))
    for unit, scale in units:
        for rotation in [upright, *_quarter_turns()]:
            turned_points = scale * cloud.points @ rotation.T
            shift = middle - 0.5 * (turned_points.min(axis=0) + turned_points.max(axis=0))
            consider(unit, scale, rotation, shift, turned=True)
    if best is not None and best.residual_m <= 4.0 * _FITS_MOVED * diagonal:
        best = _closer(best, tried, tree, grain)
    if best is None or best.residual_m > _FITS_MOVED * diagonal:
        size = f"{own:.4g} units across, the mesh {diagonal:.4g} m"
        raise SourceError(
            "labels_do_not_fit",
            f"The points of {cloud.source.name} do not lie on the surface of {twin.sources[0].name} in any unit: the "
            f"cloud is {size}.",
            "Give labels of this very object, in metres, centimetres, millimetres or inches.",
        )
    return _exact(best, tried, soup)


def _exact(fit: _Fit, tried: FloatArray, soup: TwinSoup) -> _Fit:
    """The fit with its true residual."""
    return replace(fit, residual_m=float(np.quantile(_nearest_faces(fit.apply(tried), soup)[1], 0.9)))


def _closer(fit: _Fit, tried: FloatArray, tree: Any, grain: float) -> _Fit:
    """The fit after thirty steps towards the nearest samples (rigid, least squares by Kabsch's rotation)."""
    rotation, shift = fit.rotation, fit.shift
    scaled = fit.metres_per_unit * tried
    for _ in range(30):
        moved = scaled @ rotation.T + shift
        far, at = tree.query(moved)
        near = far <= np.quantile(far, 0.9)
        here, there = moved[near], tree.data[at[near]]
        u, _, vt = np.linalg.svd((here - here.mean(axis=0)).T @ (there - there.mean(axis=0)))
        turn = vt.T @ np.diag([1.0, 1.0, np.linalg.det(vt.T @ u.T)]) @ u.T
        rotation, shift = turn @ rotation, turn @ (shift - here.mean(axis=0)) + there.mean(axis=0)
    far = tree.query(scaled @ rotation.T + shift)[0]
    residual = max(0.0, float(np.quantile(far, 0.9)) - grain)
    better = replace(fit, rotation=rotation, shift=shift, residual_m=residual)
    return better if residual < fit.residual_m else fit


def _quarter_turns() -> list[FloatArray]:
    """The 24 rotations that map axes to axes."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0.0:
                found.append(matrix)
    return found


def _rotation(wxyz: tuple[float, float, float, float]) -> FloatArray:
    from physicl_twin.model import Pose

    return Pose((0.0, 0.0, 0.0), wxyz).rotation()


def _nearest_faces(points: FloatArray, soup: TwinSoup) -> tuple[Indices, FloatArray]:
    """The nearest triangle of each point, and its distance."""
    from trimesh.triangles import closest_point

    samples, owner = soup.sampled(_SAMPLES)
    tree = cKDTree(samples)
    corners = soup.vertices[soup.faces]
    best = np.zeros(len(points), dtype=np.intp)
    distance = np.full(len(points), math.inf)
    _, near = tree.query(points, k=min(12, len(samples)))
    for candidate in near.reshape(len(points), -1).T:
        face = owner[candidate]
        gap = np.linalg.norm(closest_point(corners[face], points) - points, axis=1)
        closer = gap < distance
        best[closer], distance[closer] = face[closer], gap[closer]
    return best, distance


def _spacing(points: FloatArray) -> float:
    """Median distance from a point to its nearest neighbour."""
    if len(points) < 2:
        return math.inf
    return float(np.median(cKDTree(points).query(points, k=2)[0][:, 1]))


def _cut(
    soup: TwinSoup, inside: NDArray[np.bool_], points: FloatArray, own: Indices, edge_m: float
) -> tuple[TwinSoup, Indices, Indices]:
    """Label the faces of a shell one by one, split where labels meet.

    Args:
        soup: All triangles.
        inside: (F,) those of the shell.
        points: (N, 3) labelled points on it.
        own: (N,) their labels.
        edge_m: Longest edge that is left where labels meet.

    Returns:
        The finer triangles, the row that each comes from, and the labels of those of the shell.
    """
    tree = cKDTree(points)
    count = int(own.max()) + 1

    def label(places: FloatArray) -> Indices:
        k = min(_NEIGHBOURS, len(points))
        far, near = tree.query(places, k=k)
        far, near = far.reshape(len(places), k), near.reshape(len(places), k)
        votes = np.zeros((len(places), count))
        for column in range(k):
            np.add.at(votes, (np.arange(len(places)), own[near[:, column]]), 1.0 / (far[:, column] + 1e-9))
        chosen: Indices = votes.argmax(axis=1).astype(np.intp)
        return chosen

    origin = np.arange(len(soup.faces))
    for _ in range(_HALVINGS):
        if len(soup.faces) > _MOST_FACES:
            break
        at = np.unique(soup.faces[inside])
        found = np.full(len(soup.vertices), -1, dtype=np.intp)
        found[at] = label(soup.vertices[at])
        finer = refined(soup, inside, found, edge_m)
        if finer is None:
            break
        soup, parent = finer
        inside, origin = inside[parent], origin[parent]
    return soup, origin, label(soup.vertices[soup.faces[inside]].mean(axis=1))
