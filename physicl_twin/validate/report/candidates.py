"""What else could have been the collision geometry: a picture of each way that was tried, with what it measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from physicl_twin.model import CollisionCandidate, Part, PhysiclError, Twin
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, named, tag
from physicl_twin.page.style import icon
from physicl_twin.settings import overlay
from physicl_twin.validate.report.pictures import jpeg_uri

#: Parts that are shown: those with the largest error of their chosen colliders.
_PARTS = 4


def candidates_section(twin: Twin | None, settings: dict[str, Any]) -> tuple[Markup, ...]:
    """For each part of interest, the chosen colliders and the rejected ones.

    Args:
        twin: Straight from normalize: only there the candidates have their shapes.
        settings: Of the pipeline: ``[report]`` and ``[render]``.

    Returns:
        One block a part; none when nothing else was tried or the shapes are gone.
    """
    if twin is None:
        return ()
    tried = [part for part in twin.parts if len(_drawable(part)) > 1]
    first_of_shape = {part.shape: part for part in reversed(tried)}
    shown = sorted(first_of_shape.values(), key=lambda part: -part.collision.fit.mean_m if part.collision else 0.0)
    look = settings["report"]
    px = int(look["candidate_px"])
    drawing = {**settings, "render": overlay(settings["render"], look["render"])}
    return tuple(_block(twin, part, px, int(look["picture_quality"]), drawing) for part in shown[:_PARTS])


def _drawable(part: Part) -> Sequence[CollisionCandidate]:
    return [c for c in part.collision.candidates if c.colliders] if part.collision is not None else []


def _block(twin: Twin, part: Part, px: int, quality: int, drawing: dict[str, Any]) -> Markup:
    assert part.collision is not None
    figures = [
        _figure(twin, part, candidate, candidate.fit == part.collision.fit, px, quality, drawing)
        for candidate in _drawable(part)
    ]
    return tag("div", tag("h3", named(part.name, 48)), tag("div", figures, class_="candidates"))


def _figure(
    twin: Twin,
    part: Part,
    candidate: CollisionCandidate,
    chosen: bool,
    px: int,
    quality: int,
    drawing: dict[str, Any],
) -> Markup:
    from physicl_twin import render

    assert part.collision is not None
    body = next(body for body in twin.bodies if part in body.parts)
    alone = replace(part, collision=replace(part.collision, colliders=candidate.colliders))
    scene = replace(twin, bodies=(replace(body, parts=(alone,)),), joints=())
    fit = candidate.fit
    words = [f"{fit.colliders} {'piece' if fit.colliders == 1 else 'pieces'}", f"mean {numbers.fit_error(fit.mean_m)}"]
    words.append(f"99 % within {numbers.fit_error(fit.p99_m)}")
    if fit.cavity_kept is not None:
        words.append("cavities open" if fit.cavity_kept else "cavities closed")
    title = f"{candidate.method}, {'chosen' if chosen else 'not taken'}"
    try:
        uri = jpeg_uri(render.picture(scene, (px, px * 3 // 4), show="colliders", settings=drawing), quality)
    except PhysiclError as error:
        return tag("figure", tag("figcaption", tag("b", title), f" {error}"))
    mark = icon("passed") if chosen else None
    return tag(
        "figure",
        tag("img", src=uri, alt=f"{PurePath(part.name).name}: {title}"),
        tag("figcaption", mark, tag("b", title), f" {' · '.join(words)}"),
        class_="chosen" if chosen else None,
    )
