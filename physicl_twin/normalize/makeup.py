"""Hollow or solid: how each part is made up inside its surface, with every possibility that the evidence leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from physicl_twin.model import (
    ConfigError,
    Estimate,
    Evidence,
    Material,
    MaterialError,
    Part,
    Possibility,
    Shape,
    Twin,
)
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.makeup_statement import MakeupStatement
from physicl_twin.normalize.makeup_table import Build, Contents, MakeupTable, Wall
from physicl_twin.normalize.material_clues import Context
from physicl_twin.normalize.material_mixture import mixture
from physicl_twin.normalize.material_text import words
from physicl_twin.normalize.semantics import is_robot, shipped_classes, singular

#: Possibilities below this probability are left out.
_NEGLIGIBLE = 1e-3
#: Names that say what shape a thing has, and of which programs make names of meshes: alone they name no class.
_SHAPE_WORDS = (("box",), ("ball",), ("plate",), ("pipe",))


@dataclass(frozen=True, slots=True)
class MakeupSettings:
    """The ``[makeup]`` table of ``config/pipeline.toml``."""

    class_reliability: float
    cad_as_drawn: float
    cavity_ratio: float
    level_full: float
    level_half: float
    level_std: float
    named_reliability: float
    named_full: float
    named_half: float
    assembly_com_std: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> MakeupSettings:
        """Settings from the parsed table.

        Raises:
            ConfigError: ``config_out_of_range`` for a number that is no share.
        """
        values = {name: float(table[name]) for name in cls.__dataclass_fields__}
        for name, value in values.items():
            if not 0 <= value <= 1:
                raise ConfigError("config_out_of_range", f"makeup.{name} is {value!r}.", "It must be from 0 to 1.")
        if values["named_full"] + values["named_half"] > 1:
            raise ConfigError("config_out_of_range", "makeup.named_full and named_half exceed 1.", "Lower one of them.")
        return cls(**values)

    def level(self, state: str) -> float:
        """Share of the inside that contents fill in a state."""
        return {"full": self.level_full, "half": self.level_half, "empty": 0.0}[state]


@dataclass(frozen=True, slots=True)
class _Family:
    """What the part's own material is, if it is of one family: its share and its density."""

    family: str
    share: float
    density: Estimate | None


@dataclass(frozen=True, slots=True)
class Prior:
    """The possibilities of one part before its mass is weighed.

    Attributes:
        possibilities: Their probabilities sum to 1.
        densities: Density of the material in each, kg/m3; None for the material's own.
        evidence: Why.
    """

    possibilities: tuple[Possibility, ...]
    densities: tuple[Estimate | None, ...]
    evidence: tuple[Evidence, ...]

    @property
    def certain(self) -> bool:
        """True when nothing but the material throughout remains."""
        return len(self.possibilities) == 1 and self.possibilities[0].kind == "solid" and self.densities[0] is None


def makeup_of(
    twin: Twin,
    part: Part,
    context: Context,
    settings: MakeupSettings,
    statement: MakeupStatement | None = None,
    table: MakeupTable | None = None,
) -> Prior:
    """How a part may be made up.

    What the user states of its wall and contents holds. Otherwise the class that its name (or the name of a twin of one
    part) belongs to says what such things hold inside; a surface of which the inside is modelled is solid as it stands;
    CAD solids mostly mean what they draw; and with a material that is only guessed, a share stays with the prior for
    parts of which nothing is known.

    Args:
        twin: With shapes and materials.
        part: With its material.
        context: The material base with its settings.
        settings: ``[makeup]``.
        statement: What the user states of the part.
        table: Walls, contents and builds; the shipped ones when None.
    """
    table = table or MakeupTable.load()
    shape, material = twin.shape(part.shape), twin.material(part.material)
    families = _families(material, context)
    build, named, evidence = _class_of(twin, part, table)
    if statement is not None:
        return _stated(statement, build, named, families, table, settings)
    if build is None or shape.solid is None:
        return _mixed(families, material, context, evidence)
    if "open_surface" in shape.solid.volume.flags:
        return _sheet(build, families, table, settings, evidence)
    kinds = dict(build.kinds)
    if named is not None and kinds["filled"] > 0:  # what is named is inside; geometry and CAD have their say after
        kinds |= {"shell": 0.0, "filled": 1.0 - kinds["assembly"], "solid": 0.0}
    ratio = _hull_ratio(shape)
    if kinds["shell"] + kinds["filled"] > 0 and ratio < settings.cavity_ratio:
        kinds = {"solid": 1.0 - kinds["assembly"], "shell": 0.0, "filled": 0.0, "assembly": kinds["assembly"]}
        said = (
            f"The surface bounds {ratio:.0%} of its convex hull: its inside is modelled, its walls are as they stand."
        )
        evidence = (*evidence, Evidence("geometry", said))
    elif shape.brep is not None:
        hollow = kinds["shell"] + kinds["filled"]
        drawn = settings.cad_as_drawn * hollow
        for kind in ("shell", "filled"):
            kinds[kind] *= 1.0 - settings.cad_as_drawn
        kinds["solid"] += drawn
        if drawn > 0:
            said = f"CAD draws walls where there are any: as drawn with {settings.cad_as_drawn:.0%}."
            evidence = (*evidence, Evidence("rule", said, "pipeline.toml", "makeup.cad_as_drawn"))
    if kinds["shell"] + kinds["filled"] > 0 and not any(_walls(build, f.family, table) for f in families):
        kinds |= {"solid": 1.0 - kinds["assembly"], "shell": 0.0, "filled": 0.0}
        said = f"No wall of such a thing is made of {material.title.lower()}."
        evidence = (*evidence, Evidence("rule", said, "makeup.toml", f"builds.{build.class_id}"))
    trusted = "weak_material_evidence" not in material.flags and material.family != "unknown"
    if trusted and _stated_by_user(material):
        # Who says what a part is made of means the part; only of a vessel does it mean the wall.
        hollow = kinds["shell"] + kinds["filled"]
        kinds |= {"solid": kinds["solid"] + kinds["assembly"], "assembly": 0.0}
        if hollow < 0.5:
            kinds = {"solid": 1.0}
    if kinds == {"solid": 1.0} and trusted:
        return _mixed(families, material, context, evidence)
    rest = 1.0 - (settings.class_reliability if named is None else settings.named_reliability)
    parts = [(kind, share * (1.0 - rest)) for kind, share in kinds.items() if share > 0]
    build = _for_shape(build, shape, ratio)
    return _spread(parts, rest, build, named, families, material, table, settings, context, evidence, trusted)


def _stated_by_user(material: Material) -> bool:
    return any(item.kind == "user" for item in material.evidence)


def _families(material: Material, context: Context) -> tuple[_Family, ...]:
    """The families that the material may belong to, with the density within each."""
    rows = [(context.table.rows[a.material], a.probability) for a in material.alternatives]
    families = list(dict.fromkeys(row.family for row, _ in rows))
    stated = material.density.evidence and material.density.evidence[0].kind in ("user", "source")
    if len(families) < 2 or stated or "unknown_material" in material.flags:
        return (_Family(material.family, 1.0, None),)
    total = sum(probability for _, probability in rows)
    found = []
    for family in families:
        inside = [(row, p) for row, p in rows if row.family == family]
        components = [(p, context.estimate("density", ((row.id, 1.0),))) for row, p in inside]
        known = [(p, estimate) for p, estimate in components if estimate is not None]
        share = sum(p for _, p in inside) / total
        names = ", ".join(row.title for row, _ in inside[:3])
        evidence = Evidence("table", f"If it is of {names}.", "materials.toml", family)
        density = known[0][1] if len(known) == 1 else mixture(known, "kg/m3", f"mixture of {family}", (evidence,), ())
        found.append(_Family(family, share, density))
    return tuple(found)


def _class_of(
    twin: Twin, part: Part, table: MakeupTable
) -> tuple[Build | None, tuple[Contents, str] | None, tuple[Evidence, ...]]:
    """The build of the class that the part's names mean, and the contents that they name."""
    classes = shipped_classes()
    texts = [part.name]
    if len(twin.parts) == 1:
        files = [source.name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for source in twin.sources[:1]]
        texts = [twin.title, twin.name, *files, part.name]
    texts = [text for text in texts if singular(words(text)) not in _SHAPE_WORDS]
    named = next((inside for text in texts if (inside := table.contents_in(text)) is not None), None)
    for text in texts:
        found = classes.find(text, robot=is_robot(twin))
        if found is None:
            continue
        build = table.build_of(found[0].id, classes)
        if build is not None:
            statement = (
                f'"{found[1]}" in "{text}": things of the class {found[0].label} are usually {_in_words(build)}.'
            )
            return build, named, (Evidence("rule", statement, "makeup.toml", f"builds.{build.class_id}"),)
    if named is not None and named[0].package:
        build = table.build_of(named[0].package, classes)
        if build is not None:
            statement = f'"{named[1]}": usually packed in a {named[0].package.replace("_", " ")}.'
            return build, named, (Evidence("rule", statement, "makeup.toml", f"contents.{named[0].id}"),)
    return None, named, ()


def _in_words(build: Build) -> str:
    names = {"solid": "solid", "shell": "an empty shell", "filled": "a wall around contents", "assembly": "an assembly"}
    ranked = sorted(build.kinds.items(), key=lambda item: -item[1])
    return ", ".join(f"{names[kind]} ({share:.0%})" for kind, share in ranked if share >= 0.05)


def _mixed(
    families: tuple[_Family, ...],
    material: Material,
    context: Context,
    evidence: tuple[Evidence, ...],
) -> Prior:
    """Solid throughout, of each family that remains, and the prior for unknown parts where the material is a guess."""
    unknown = 1.0 - material.confidence
    possibilities = [Possibility("solid", f.share * (1 - unknown), f.share * (1 - unknown)) for f in families]
    densities = [f.density for f in families]
    if unknown > _NEGLIGIBLE and "unknown_material" not in material.flags:
        possibilities.append(_unknown(unknown, context))
        densities.append(None)
    return _prior(possibilities, densities, evidence)


def _unknown(share: float, context: Context) -> Possibility:
    return Possibility("assembly", share, share, effective_density=context.unknown_density())


def _spread(
    kinds: Sequence[tuple[str, float]], rest: float, build: Build, named: tuple[Contents, str] | None,
    families: tuple[_Family, ...], material: Material, table: MakeupTable, settings: MakeupSettings,
    context: Context, evidence: tuple[Evidence, ...], trusted: bool,
) -> Prior:  # fmt: skip
    """Each kind over families, walls and states of filling; the rest to what is said without the class."""
    possibilities: list[Possibility] = []
    densities: list[Estimate | None] = []

    def add(possibility: Possibility, density: Estimate | None) -> None:
        if possibility.prior > _NEGLIGIBLE:
            possibilities.append(possibility)
            densities.append(density)

    vague = not trusted or "vague_material" in material.flags
    contents = _contents(build, named, table)
    states = _states(build, named, settings)
    if named is not None:
        said = f'The name says "{named[1]}": {named[0].density.evidence[0].statement}'
        evidence = (*evidence, Evidence("rule", said, "makeup.toml", f"contents.{named[0].id}"))
    for kind, weight in kinds:
        if kind == "assembly":
            add(Possibility("assembly", weight, weight, effective_density=build.effective_density), None)
            continue
        for family in families:
            share = weight * family.share
            walls = _walls(build, family.family, table) if kind in ("shell", "filled") else ()
            if not walls:
                add(Possibility("solid", share, share), family.density)
                continue
            for wall, part_of in walls:
                own = _wall_density(wall, family, vague, context)
                if kind == "shell":
                    p = share * part_of
                    add(Possibility("shell", p, p, wall.thickness, wall.title), own)
                    continue
                for state, chance in states:
                    p = share * part_of * chance
                    level = settings.level(state)
                    if level == 0:
                        add(Possibility("shell", p, p, wall.thickness, wall.title), own)
                    elif contents is not None:
                        held = Possibility("filled", p, p, wall.thickness, wall.title, *contents, level)
                        add(held, own)
    if trusted:
        for family in families:
            add(Possibility("solid", rest * family.share, rest * family.share), family.density)
    else:
        add(_unknown(rest, context), None)
    return _prior(possibilities, densities, evidence)


def _wall_density(wall: Wall, family: _Family, vague: bool, context: Context) -> Estimate | None:
    """Density of a wall: of what such walls are usually made where the material is only guessed, else the part's."""
    rows = [row for row in wall.materials if context.table.row(row).family == family.family]
    if not vague or not rows:
        return family.density
    return context.estimate("density", tuple((row, 1.0 / len(rows)) for row in rows))


def _prior(
    possibilities: Sequence[Possibility], densities: Sequence[Estimate | None], evidence: tuple[Evidence, ...]
) -> Prior:
    """Alike possibilities joined, shares scaled to 1, likeliest first."""
    joined: dict[tuple[object, ...], tuple[Possibility, Estimate | None]] = {}
    for possibility, density in zip(possibilities, densities, strict=True):
        key = (replace(possibility, probability=0.0, prior=0.0), density)
        before = joined[key][0].prior if key in joined else 0.0
        p = before + possibility.prior
        joined[key] = (replace(possibility, probability=p, prior=p), density)
    total = sum(p.prior for p, _ in joined.values())
    ranked = sorted(joined.values(), key=lambda item: -item[0].prior)
    scaled = tuple(replace(p, probability=p.prior / total, prior=p.prior / total) for p, _ in ranked)
    return Prior(scaled, tuple(density for _, density in ranked), evidence)


def _contents(build: Build, named: tuple[Contents, str] | None, table: MakeupTable) -> tuple[str, Estimate] | None:
    if named is not None:
        return named[0].title, named[0].density
    rows = [(weight, table.contents[key]) for key, weight in build.contents]
    if not rows:
        return None
    if len(rows) == 1:
        return rows[0][1].title, rows[0][1].density
    names = ", ".join(row.title.lower() for _, row in rows[:3])
    evidence = Evidence("prior", f"No name says what is inside: {names}.", "makeup.toml", f"builds.{build.class_id}")
    density = mixture(
        [(w, row.density) for w, row in rows], "kg/m3", "mixture of contents", (evidence,), ("judgement",)
    )
    return names, density


def _states(
    build: Build, named: tuple[Contents, str] | None, settings: MakeupSettings
) -> tuple[tuple[str, float], ...]:
    """How full it may be; what is named is mostly there."""
    if named is None:
        return build.states
    rest = 1.0 - settings.named_full - settings.named_half
    return (("full", settings.named_full), ("half", settings.named_half), ("empty", rest))


def _walls(build: Build, family: str, table: MakeupTable) -> tuple[tuple[Wall, float], ...]:
    """The class's walls that a family is made into; any of the family's when it must be hollow and has none."""
    own = [
        (table.walls[key], weight) for key, weight in build.walls if family in (*table.walls[key].families, "unknown")
    ]
    if family == "unknown":
        own = [(table.walls[key], weight) for key, weight in build.walls]
    if not own and build.kinds["filled"] >= 0.5:
        return _of_family(family, table)
    total = sum(weight for _, weight in own)
    return tuple((wall, weight / total) for wall, weight in own)


def _of_family(family: str, table: MakeupTable) -> tuple[tuple[Wall, float], ...]:
    """All walls that a family is made into, alike in weight."""
    found = [wall for wall in table.walls.values() if family in wall.families or family == "unknown"]
    return tuple((wall, 1.0 / len(found)) for wall in found)


def _sheet(
    build: Build,
    families: tuple[_Family, ...],
    table: MakeupTable,
    settings: MakeupSettings,
    evidence: tuple[Evidence, ...],
) -> Prior:
    """An open surface: its wall is one of the class's as far as classes are right, else as the solid assumes."""
    possibilities: list[Possibility] = []
    densities: list[Estimate | None] = []
    for family in families:
        walls = _walls(build, family.family, table) if build.walls else ()
        rest = family.share * ((1.0 - settings.class_reliability) if walls else 1.0)
        for wall, part_of in walls:
            p = (family.share - rest) * part_of
            possibilities.append(Possibility("shell", p, p, wall.thickness, wall.title))
            densities.append(family.density)
        possibilities.append(Possibility("solid", rest, rest))
        densities.append(family.density)
    return _prior(possibilities, densities, evidence)


def _stated(
    statement: MakeupStatement,
    build: Build | None,
    named: tuple[Contents, str] | None,
    families: tuple[_Family, ...],
    table: MakeupTable,
    settings: MakeupSettings,
) -> Prior:
    """What the user states of the inside; the wall from the class or the material where only contents are stated."""
    possibilities: list[Possibility] = []
    densities: list[Estimate | None] = []
    contents = statement.contents
    if contents is None and statement.level and build is not None:
        contents = _contents(build, named, table)
    level = settings.level_full if statement.level is None else statement.level
    for family in families:
        walls: tuple[tuple[str, Estimate, float], ...]
        if statement.wall is not None:
            walls = (("stated wall", statement.wall, 1.0),)
        else:
            usual = _walls(build, family.family, table) if build is not None and build.walls else ()
            usual = usual or _of_family(family.family, table)
            if not usual:
                raise MaterialError(
                    "wall_unknown",
                    f"{statement.evidence.field}: contents were stated, but nothing says what a wall of "
                    f"{family.family} is like.",
                    'State the wall too, such as wall = "2 mm".',
                )
            walls = tuple((wall.title, wall.thickness, share) for wall, share in usual)
        for title, thickness, share in walls:
            p = family.share * share
            if contents is None or level == 0:
                possibilities.append(Possibility("shell", p, p, thickness, title))
            else:
                possibilities.append(Possibility("filled", p, p, thickness, title, contents[0], contents[1], level))
            densities.append(family.density)
    return _prior(possibilities, densities, (statement.evidence,))


def _for_shape(build: Build, shape: Shape, ratio: float) -> Build:
    """The build with the mean density of this shape: over its own volume, and less the longer it is."""
    density = build.effective_density
    if density is None or not build.of_hull or shape.mesh is None:
        return build
    low, high = shape.mesh.bounds()
    edges = np.sort(high - low)
    slender = float(edges[2] / edges[0]) if edges[0] > 0 else 1.0
    factor = slender**build.slenderness_exponent / ratio
    return replace(build, effective_density=density.scaled(factor, "kg/m3", "mean density over the convex hull"))


def _hull_ratio(shape: Shape) -> float:
    """Volume of the solid over that of its convex hull; 1 when there is no mesh to ask."""
    if shape.mesh is None or shape.solid is None:
        return 1.0
    from scipy.spatial import ConvexHull, QhullError

    points: FloatArray = np.asarray(shape.mesh.vertices, dtype=float)
    try:
        hull = float(ConvexHull(points).volume)
    except QhullError:  # flat: nothing inside
        return 1.0
    return shape.solid.volume.value / hull if hull > 0 else 1.0
