"""What each part is made of: every hint weighed, the alternatives kept, the unknown admitted."""

from __future__ import annotations

from dataclasses import replace

from physicl_twin.model import Alternative, ConfigError, Estimate, Evidence, Material, Part, Twin
from physicl_twin.normalize.material_clues import MAX_EVIDENCE, Context, Finding, MaterialSettings, weigh
from physicl_twin.normalize.material_mixture import (
    Distribution,
    expand,
    target_of,
    unknown_distribution,
)
from physicl_twin.normalize.material_statement import Statement, resolve_statements
from physicl_twin.normalize.material_table import MaterialGroup, MaterialRow, MaterialTable, Property


def resolve_materials(
    twin: Twin,
    statements: tuple[tuple[str, str], ...],
    table: MaterialTable,
    settings: MaterialSettings | None = None,
    context: Context | None = None,
    written: tuple[tuple[str, str], ...] = (),
    sidecar: str = "",
) -> Twin:
    """Give every part its material.

    Args:
        twin: Parts with hints, shapes with appearances.
        statements: The user's (PART, MATERIAL) pairs; they overrule everything.
        written: (PART, MATERIAL) pairs of the sidecar; they overrule everything but ``statements``.
        sidecar: Its name.
        table: The material base.
        settings: Judgements; the shipped ones by default.
        context: Table and judgements with what was looked up before; made anew by default.

    Returns:
        The twin with ``materials`` and with each part's ``material`` set. Parts made of the same, for the same reasons,
        share one.

    Raises:
        MaterialError: A statement names a part or a material that does not exist.
    """
    context = context or Context(table, settings or MaterialSettings.from_config())
    stated = resolve_statements(twin, written, table, sidecar) | resolve_statements(twin, statements, table)
    materials: dict[tuple[object, ...], Material] = {}
    names: dict[str, tuple[object, ...]] = {}
    assigned: dict[str, str] = {}
    seen = _seen_instead(twin)
    for part in twin.parts:
        material = _material_of(twin, seen.get(part.name, part), stated.get(part.name), context)
        key = _identity(material)
        if key in materials:
            known = materials[key]
            evidence = tuple(dict.fromkeys((*known.evidence, *material.evidence)))[:MAX_EVIDENCE]
            materials[key] = replace(known, evidence=evidence)
        else:
            name, number = material.name, 2
            while name in names:
                name, number = f"{material.name}_{number}", number + 1
            names[name] = key
            materials[key] = replace(material, name=name)
        assigned[part.name] = materials[key].name
    bodies = tuple(
        replace(body, parts=tuple(replace(part, material=assigned[part.name]) for part in body.parts))
        for body in twin.bodies
    )
    return replace(twin, bodies=bodies, materials=tuple(materials.values()))


def _seen_instead(twin: Twin) -> dict[str, Part]:
    """For a part that only collides, the largest visible one of its body, with its own friction: the two stand for the
    same matter."""
    found: dict[str, Part] = {}
    for body in twin.bodies:
        visible = [part for part in body.parts if part.visible]
        if not visible:
            continue
        largest = max(visible, key=lambda part: _volume_m3(twin, part))
        for part in body.parts:
            if not part.visible:
                own = part.hints
                hints = replace(
                    largest.hints,
                    static_friction=own.static_friction or largest.hints.static_friction,
                    dynamic_friction=own.dynamic_friction or largest.hints.dynamic_friction,
                    restitution=own.restitution or largest.hints.restitution,
                )
                found[part.name] = replace(largest, hints=hints)
    return found


def _volume_m3(twin: Twin, part: Part) -> float:
    solid = twin.shape(part.shape).solid
    return 0.0 if solid is None else solid.volume.value


def _identity(material: Material) -> tuple[object, ...]:
    numbers = tuple(
        (e.value, e.low, e.high) if e is not None else None
        for e in (material.density, material.static_friction, material.dynamic_friction, material.restitution)
    )
    return (material.name, material.alternatives, numbers, material.flags)


def _material_of(twin: Twin, part: Part, statement: Statement | None, context: Context) -> Material:
    if statement is not None and statement.distribution:
        finding = Finding(statement.distribution, 1.0, True, (statement.evidence,))
    else:
        finding = weigh(twin, part, context)
        if statement is not None:
            finding = replace(finding, evidence=(statement.evidence, *finding.evidence))
    stated_density = statement.density if statement is not None else None
    hint, hint_evidence = _believed_hint(part, finding, context.settings)
    density_source = stated_density or (None if statement is not None else hint)
    if not finding.distribution and density_source is not None:
        finding = _from_density(density_source, finding, context)
    finding = replace(finding, evidence=(*finding.evidence, *hint_evidence))
    if not finding.distribution:
        return _unknown(part, finding, density_source, context)
    return _known(part, finding, density_source, context)


def _believed_hint(
    part: Part, finding: Finding, settings: MaterialSettings
) -> tuple[Estimate | None, tuple[Evidence, ...]]:
    """The density that the source states, unless it is one that programs write when nobody chose a material."""
    hint = part.hints.density
    if hint is None:
        return None, ()
    if not finding.distribution and any(
        abs(hint.value - default) < 1e-6 * default for default in settings.default_densities
    ):
        statement = (
            f"The source's density of {hint.value:g} kg/m3 names no material and is a program's default: not believed."
        )
        return None, (Evidence("rule", statement, "pipeline.toml", "materials.default_densities"),)
    return hint, ()


def _from_density(density: Estimate, finding: Finding, context: Context) -> Finding:
    """Which materials have this density: for friction and restitution only, the density itself stands."""
    table, settings = context.table, context.settings
    weights = settings.unknown.family_weights
    likely: dict[str, float] = {}
    for row in table.rows.values():
        value = row.values.get("density")
        if value is not None and row.family in weights and value.low * 0.99 <= density.value <= value.high * 1.01:
            likely[row.id] = weights[row.family] * row.weight / (value.high / value.low)
    if not likely:
        return finding
    total = sum(likely.values())
    ranked = tuple(sorted(((row, p / total) for row, p in likely.items()), key=lambda item: (-item[1], item[0])))
    names = ", ".join(table.rows[row].title for row, _ in ranked[:3])
    evidence = Evidence(
        "rule", f"Only the density of {density.value:.0f} kg/m3 is known; it fits {names}.", "materials.toml", "density"
    )
    return Finding(ranked, finding.known, True, (*finding.evidence, evidence), ("material_from_density",))


def _known(part: Part, finding: Finding, density: Estimate | None, context: Context) -> Material:
    table, settings = context.table, context.settings
    distribution = finding.distribution
    target = target_of(table, distribution)
    flags = list(finding.flags)
    if isinstance(target, MaterialGroup):
        flags.append("vague_material")
    if len(distribution) > 1 and "material_from_density" not in flags:
        flags.append("several_materials")
    expected = context.estimate("density", distribution)
    weak = not finding.trusted
    if expected is None:
        expected = context.unknown_density()
    elif weak:
        flags.append("weak_material_evidence")
        reason = Evidence(
            "rule",
            f"The clues carry {finding.known:.0%}; the rest of the mass is the prior for unknown parts.",
            "pipeline.toml",
            "materials.trusted_probability",
        )
        expected = expected.with_evidence(reason, flags=("weak_material_evidence",))
    if density is not None:
        factor = max(density.value / expected.high, expected.low / density.value)
        if factor > settings.density_conflict_factor and "material_from_density" not in flags:
            flags.append("density_conflict")
            conflict = Evidence(
                "rule",
                f"The table has {expected.low:.0f} to {expected.high:.0f} kg/m3 for {target.title}; it is kept.",
                "materials.toml",
                target.id,
            )
            density = density.with_evidence(conflict, flags=("density_conflict",))
    return _assemble(
        part,
        target.id,
        target.title,
        target,
        distribution,
        density or expected,
        finding.evidence,
        tuple(flags),
        context,
        finding.known if weak and density is None else 1.0,
    )


def _unknown(part: Part, finding: Finding, density: Estimate | None, context: Context) -> Material:
    distribution = unknown_distribution(context.settings.unknown)
    estimate = density or context.unknown_density()
    evidence = (*finding.evidence, *estimate.evidence[-1:])
    return _assemble(
        part, "unknown", "Unknown material", None, distribution, estimate, evidence, ("unknown_material",), context
    )


def _assemble(
    part: Part, name: str, title: str, target: MaterialRow | MaterialGroup | None, distribution: Distribution,
    density: Estimate, evidence: tuple[Evidence, ...], flags: tuple[str, ...], context: Context,
    confidence: float = 1.0,
) -> Material:  # fmt: skip
    hints = part.hints
    static = hints.static_friction or _required(context, "static_friction", distribution)
    dynamic = hints.dynamic_friction or _not_above(_required(context, "dynamic_friction", distribution), static)
    rows = expand(context.table, distribution)
    alternatives = (
        tuple(Alternative(row, round(p, 4)) for row, p in rows if p >= context.settings.alternative_probability)
        if len(rows) > 1
        else ()
    )
    single = target is not None
    return Material(
        name=name,
        title=title,
        table_id=target.id if target is not None else "",
        family=target.family if target is not None else "unknown",
        density=density,
        static_friction=static,
        dynamic_friction=dynamic,
        restitution=hints.restitution or _required(context, "restitution", distribution),
        youngs_modulus=context.estimate("youngs_modulus_gpa", distribution) if single else None,
        poissons_ratio=context.estimate("poissons_ratio", distribution) if single else None,
        nonvisual=target.nonvisual if target is not None else "none",
        alternatives=alternatives,
        evidence=evidence,
        flags=flags,
        confidence=confidence,
    )


def _required(context: Context, prop: Property, distribution: Distribution) -> Estimate:
    """A property that every row has a stand-in for.

    Raises:
        ConfigError: ``materials_no_value`` when not one row of the table cites it.
    """
    estimate = context.estimate(prop, distribution)
    if estimate is None:
        raise ConfigError(
            "materials_no_value", f"No row of the material table has a {prop}.", "Restore config/materials.toml."
        )
    return estimate


def _not_above(dynamic: Estimate, static: Estimate) -> Estimate:
    """A dynamic friction that does not exceed the static one, bound by bound."""
    if dynamic.value <= static.value and dynamic.high <= static.high:
        return dynamic
    low, high = min(dynamic.low, static.low), min(dynamic.high, static.high)
    bounded = Estimate.interval(low, high, "1", dynamic.method, dynamic.evidence, dynamic.flags)
    return (
        bounded
        if bounded.value <= static.value
        else replace(static, evidence=dynamic.evidence, flags=dynamic.flags, method=dynamic.method)
    )
