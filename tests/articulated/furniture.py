"""Furniture and kitchen: carcasses with doors, drawers, lids and sashes."""

from __future__ import annotations

import numpy as np

from tests.articulated.recipe import Bench, Mechanism, Primitive, ball, box, rod

#: Gap between what moves and what does not, metres.
GAP = 0.002


def _carcass(bench: Bench, w: float, d: float, h: float, t: float, body: str = "carcass") -> None:
    """A cupboard that is open to the front (-y): x from 0 to w, y from 0 (front) to d, z from 0 to h."""
    bench.add(body, "side_left", box((0, 0, 0), (t, d, h)))
    bench.add(body, "side_right", box((w - t, 0, 0), (w, d, h)))
    bench.add(body, "bottom", box((t, 0, 0), (w - t, d, t)))
    bench.add(body, "top", box((t, 0, h - t), (w - t, d, h)))
    bench.add(body, "back", box((t, d - t / 2, t), (w - t, d, h - t)))


def _handle(bench: Bench, body: str, x: float, z: float, front: float, upright: bool) -> None:
    """A bow handle or a knob on a front at y = front."""
    if bench.rng.random() < 0.4:
        bench.add(body, "knob", rod((x, front, z), (x, front - 0.02, z), 0.006), ball((x, front - 0.024, z), 0.014))
        return
    half = np.array((0, 0, 0.05) if upright else (0.05, 0, 0))
    a, b, out = np.array((x, front, z)) - half, np.array((x, front, z)) + half, np.array((0, -0.03, 0))
    bench.add(body, "handle", rod(a, a + out, 0.004), rod(b, b + out, 0.004), rod(a + out, b + out, 0.005))


def _door(bench: Bench, x0: float, x1: float, z0: float, z1: float, t: float, left: bool, body="door", hinge="none"):
    """A door before y = 0 whose hinge is on the left or the right; ``hinge``: none or barrel."""
    front = -GAP - t
    panel = box((x0, front, z0), (x1, -GAP, z1))
    edge = x0 if left else x1
    if hinge == "none":
        # Pivots in the top and bottom edge of the panel would be hidden: it turns about the line where door and side meet.
        point = np.array((edge, -GAP / 2, z0))
        bench.add(body, "door_panel", panel)
        shown = (0.0, 1.75)
    else:
        r, length = 0.006, 0.05
        point = np.array((edge + (-1 if left else 1) * (r + 0.001), -GAP - t / 2, z0))
        sign = -1 if left else 1
        bench.add(body, "door_panel", panel)
        for z in (z0 + 0.06, z1 - 0.06 - length):
            bottom, middle, top = z, z + length / 2, z + length
            at = point[:2]
            pin = rod((*at, bottom), (*at, top), 0.0025)
            inner = rod((*at, bottom), (*at, middle - 0.0005), r)
            outer = rod((*at, middle + 0.0005), (*at, top), r)
            side = box((edge - sign * 0.012, -0.0015, bottom), (at[0] + sign * 0.0015, 0.0, middle - 0.0005))
            arm = box((at[0] - 0.0015, at[1], bottom), (at[0] + 0.0015, 0.0, middle - 0.0005))
            leaf = box((at[0], at[1] - 0.0015, middle + 0.0005), (edge, at[1] + 0.0015, top))
            hole = (rod((*at, bottom - 0.01), (*at, top + 0.01), 0.0027),)
            bench.add("carcass", "hinge_fixed", inner, arm, side, cut=hole)
            bench.add("carcass", "hinge_pin", pin)
            bench.add(body, "hinge_moving", outer, leaf, cut=hole)
        shown = (0.0, 1.7)
    # Its front (-y) swings out: the left-hinged door turns by -z.
    vague = t if hinge == "none" else 0.0
    bench.joint("revolute", "carcass", body, (0, 0, -1 if left else 1), point, shown, lower=0.0, vague_m=vague)
    away = x1 - 0.04 if left else x0 + 0.04
    _handle(bench, body, away, (z0 + z1) / 2, front, upright=True)


def _drawer(bench: Bench, x0, x1, z0, z1, depth, t, body="drawer", parent="carcass", inset=False) -> None:
    """A drawer between x0, x1, z0, z1 (the opening), whose front covers the opening (or stands in it)."""
    g = GAP
    b = 0.008
    face = 0.0 if inset else -g
    low, high = (z0 + g, z1 - g) if inset else (z0 - t / 3, z1 + t / 3)
    left, right = (x0 + g, x1 - g) if inset else (x0 - t / 3, x1 + t / 3)
    bench.add(
        body, "drawer_front", box((left, face - (0 if inset else t), low), (right, face + (t if inset else 0), high))
    )
    y0, y1 = (t if inset else -g), depth - g
    top = z1 - 0.25 * (z1 - z0)
    bench.add(body, "drawer_side_left", box((x0 + g, y0, z0 + g), (x0 + g + b, y1, top)))
    bench.add(body, "drawer_side_right", box((x1 - g - b, y0, z0 + g), (x1 - g, y1, top)))
    bench.add(body, "drawer_back", box((x0 + g + b, y1 - b, z0 + g), (x1 - g - b, y1, top)))
    bench.add(body, "drawer_bottom", box((x0 + g + b, y0, z0 + g), (x1 - g - b, y1 - b, z0 + g + b)))
    _handle(bench, body, (x0 + x1) / 2, (z0 + z1) / 2, face - (0 if inset else t), upright=False)
    bench.joint("prismatic", parent, body, (0, -1, 0), shown=(0.0, 0.7 * depth), lower=-(g + 0.004) if inset else -g)


def cabinet_door(seed: int) -> Mechanism:
    bench = Bench("cabinet_door", seed)
    w, d, h, t = bench.between(0.35, 0.6), bench.between(0.3, 0.5), bench.between(0.5, 0.9), bench.between(0.015, 0.02)
    _carcass(bench, w, d, h, t)
    bench.add("carcass", "shelf", box((t, 0.02, h / 2), (w - t, d - t / 2, h / 2 + t)))
    _door(bench, 0.0, w, 0.0, h, t, bool(bench.rng.integers(2)))
    return bench.done()


def cabinet(seed: int) -> Mechanism:
    """A door and two drawers, with modelled hinges."""
    bench = Bench("cabinet", seed)
    w, d, h, t = bench.between(0.4, 0.6), bench.between(0.35, 0.5), bench.between(0.7, 0.95), bench.between(0.015, 0.02)
    _carcass(bench, w, d, h, t)
    rise = bench.between(0.12, 0.16)
    levels = [h - t - rise, h - 2 * t - 2 * rise]
    for number, z in enumerate(levels):
        bench.add("carcass", "rail", box((t, 0, z - t), (w - t, d - t / 2, z)))
        _drawer(bench, t, w - t, z, z + rise, d - t / 2 - 0.004, t, f"drawer_{number}")
    _door(bench, 0.0, w, 0.0, levels[1] - t - 0.006, t, bool(bench.rng.integers(2)), hinge="barrel")
    return bench.done()


def two_doors(seed: int) -> Mechanism:
    bench = Bench("two_doors", seed)
    w, d, h, t = bench.between(0.7, 1.0), bench.between(0.3, 0.5), bench.between(0.6, 0.9), 0.018
    _carcass(bench, w, d, h, t)
    hinge = "barrel" if bench.rng.random() < 0.5 else "none"
    _door(bench, 0.0, w / 2 - GAP / 2, 0.0, h, t, True, "door_left", hinge)
    _door(bench, w / 2 + GAP / 2, w, 0.0, h, t, False, "door_right", hinge)
    return bench.done()


def chest(seed: int) -> Mechanism:
    bench = Bench("chest", seed)
    count = int(bench.rng.integers(2, 5))
    w, d, t, rise = bench.between(0.5, 0.9), bench.between(0.35, 0.5), 0.018, bench.between(0.13, 0.2)
    h = count * (rise + t) + t
    _carcass(bench, w, d, h, t)
    inset = bool(bench.rng.integers(2))
    for number in range(count):
        z = t + number * (rise + t)
        if number:
            bench.add("carcass", "divider", box((t, 0, z - t), (w - t, d - t / 2, z)))
        _drawer(bench, t, w - t, z, z + rise, d - t / 2 - 0.004, t, f"drawer_{number}", inset=inset)
    return bench.done()


def knife_drawer(seed: int) -> Mechanism:
    """One drawer in an open box with rails on its sides."""
    bench = Bench("knife_drawer", seed)
    w, d, h, t = bench.between(0.3, 0.5), bench.between(0.35, 0.5), bench.between(0.1, 0.16), 0.012
    bench.add("case", "case", box((0, 0, 0), (w, d, h)), cut=(box((t, -0.01, t), (w - t, d - t, h - t)),))
    _drawer(bench, t, w - t, t, h - t, d - t - 0.004, 0.014, "drawer", "case", inset=True)
    return bench.done()


def fridge(seed: int) -> Mechanism:
    bench = Bench("fridge", seed)
    w, d, h, t = bench.between(0.5, 0.7), bench.between(0.5, 0.65), bench.between(1.4, 1.9), 0.04
    split, left = bench.between(0.3, 0.4) * h, bool(bench.rng.integers(2))
    hole = (box((t, -0.01, t), (w - t, d - t, split - t / 2)), box((t, -0.01, split + t / 2), (w - t, d - t, h - t)))
    bench.add("carcass", "body", box((0, 0, 0), (w, d, h)), cut=hole)
    for body, z0, z1 in (("freezer_door", 0.0, split - GAP), ("fridge_door", split + GAP, h)):
        _pivot_door(bench, body, w, z0, z1, 0.05, left)
    return bench.done()


def _pivot_door(bench: Bench, body: str, w: float, z0: float, z1: float, t: float, left: bool) -> None:
    """A door on pivots: a pin of the door above and below in a bracket of the carcass."""
    # Near the outer corner, so that the inner corner turns clear of the carcass.
    x = 0.008 if left else w - 0.008
    y = -GAP - t + 0.008
    r = 0.005
    bench.add(body, "door", box((0, -GAP - t, z0 + 0.012), (w, -GAP, z1 - 0.012)))
    for low, high in ((z0 + 0.002, z0 + 0.012), (z1 - 0.012, z1 - 0.002)):
        bench.add(body, "pivot", rod((x, y, low), (x, y, high), r))
    for low, high in ((z0 + 0.001, z0 + 0.009), (z1 - 0.009, z1 - 0.001)):
        plate = box((x - 0.015, y - 0.015, low), (x + 0.015, 0.0, high))
        bench.add("carcass", "bracket", plate, cut=(rod((x, y, low - 0.01), (x, y, high + 0.01), r + 0.0003),))
    _handle(bench, body, w - 0.04 if left else 0.04, (z0 + z1) / 2, -GAP - t, upright=True)
    bench.joint("revolute", "carcass", body, (0, 0, -1 if left else 1), (x, y, z0), (0.0, 1.4), lower=0.0)


def microwave(seed: int) -> Mechanism:
    bench = Bench("microwave", seed)
    w, d, h, t = bench.between(0.42, 0.55), bench.between(0.3, 0.4), bench.between(0.25, 0.32), 0.02
    panel = 0.11
    bench.add("carcass", "housing", box((0, 0, 0), (w, d, h)), cut=(box((t, -0.01, t), (w - panel, d - t, h - t)),))
    bench.add("carcass", "control_panel", box((w - panel + GAP, -0.03, 0), (w, 0, h)))
    _pivot_door(bench, "door", w - panel, 0.0, h, 0.03, True)
    bench.add(
        "turntable",
        "turntable",
        rod((0.18, d / 2, t + 0.012), (0.18, d / 2, t + 0.018), 0.11),
        rod((0.18, d / 2, t - 0.006), (0.18, d / 2, t + 0.012), 0.008),
    )
    body = bench.pieces[0]
    bench.pieces[0] = type(body)(
        body.name, body.body, body.joined, (*body.cut, rod((0.18, d / 2, t - 0.008), (0.18, d / 2, t + 0.01), 0.0083))
    )
    bench.joint("revolute", "carcass", "turntable", (0, 0, 1), (0.18, d / 2, 0), (0.0, 2.5))
    return bench.done()


def oven(seed: int) -> Mechanism:
    """A door that is hinged at its bottom on two pins, and knobs on shafts."""
    bench = Bench("oven", seed)
    w, d, h, t = 0.6, bench.between(0.5, 0.6), bench.between(0.6, 0.8), 0.04
    sill = bench.between(0.08, 0.12)
    top = h - 0.12
    cavity = box((t, -0.01, sill), (w - t, d - t, top - 0.02))
    knobs = [w * (i + 1) / 4 for i in range(3)]
    shafts = tuple(rod((x, -0.01, h - 0.06), (x, 0.02, h - 0.06), 0.0042) for x in knobs)
    bench.add("carcass", "oven_body", box((0, 0, 0), (w, d, h)), cut=(cavity, *shafts))
    y, z, r = -GAP - 0.02, sill - 0.03 + 0.008, 0.005
    bench.add("door", "oven_door", box((0.02, -GAP - 0.04, sill - 0.03), (w - 0.02, -GAP, top)))
    for x0, x1 in ((0.008, 0.02), (w - 0.02, w - 0.008)):
        bench.add("door", "hinge_pin", rod((x0, y, z), (x1, y, z), r))
    for x0, x1 in ((0.006, 0.016), (w - 0.016, w - 0.006)):
        ear = box((x0, y - 0.012, z - 0.012), (x1, 0, z + 0.012))
        bench.add("carcass", "hinge_ear", ear, cut=(rod((x0 - 0.01, y, z), (x1 + 0.01, y, z), r + 0.0003),))
    bar = top - 0.05
    a, b = np.array((0.12, -GAP - 0.04, bar)), np.array((w - 0.12, -GAP - 0.04, bar))
    out = np.array((0, -0.04, 0))
    bench.add("door", "door_handle", rod(a, a + out, 0.006), rod(b, b + out, 0.006), rod(a + out, b + out, 0.008))
    # Opens towards the front and down: about +x.
    bench.joint("revolute", "carcass", "door", (1, 0, 0), (0, y, z), (0.0, 1.5), lower=0.0)
    for number, x in enumerate(knobs):
        grip = [
            rod((x, -0.003, h - 0.06), (x, -0.025, h - 0.06), 0.02),
            rod((x, -0.003, h - 0.06), (x, 0.018, h - 0.06), 0.004),
        ]
        mark = box((x - 0.003, -0.03, h - 0.06), (x + 0.003, -0.024, h - 0.04))
        bench.add(f"knob_{number}", f"knob_{number}", *grip, mark)
        bench.joint("revolute", "carcass", f"knob_{number}", (0, 1, 0), (x, 0, h - 0.06), (0.0, 2.0))
    return bench.done()


def sliding_window(seed: int) -> Mechanism:
    bench = Bench("sliding_window", seed)
    w, h, t = bench.between(0.8, 1.4), bench.between(0.6, 1.0), 0.05
    slot_y = 0.03
    grooves = tuple(
        box((t - 0.01, y, z0), (w - t + 0.01, y + slot_y, z1))
        for y in (0.015, 0.055)
        for z0, z1 in ((t - 0.015, t + 0.001), (h - t - 0.001, h - t + 0.015))
    )
    frame = box((0, 0, 0), (w, 0.1, h))
    bench.add("frame", "frame", frame, cut=(box((t, -0.1, t), (w - t, 0.2, h - t)), *grooves))
    for body, y, x0 in (("sash_outer", 0.0555, t + 0.001), ("sash_inner", 0.0155, (w - 0.04) / 2)):
        x1 = x0 + w / 2 - t + 0.018
        glass = box((x0 + 0.035, y + 0.012, t + 0.03), (x1 - 0.035, y + 0.016, h - t - 0.03))
        rim = box((x0, y, t - 0.013), (x1, y + slot_y - 0.001, h - t + 0.013))
        bench.add(body, f"{body}_rim", rim, cut=(box((x0 + 0.035, -0.1, t + 0.03), (x1 - 0.035, 0.2, h - t - 0.03)),))
        bench.add(body, f"{body}_glass", glass)
        sign = 1.0 if x0 < w / 4 else -1.0
        bench.joint("prismatic", "frame", body, (sign, 0, 0), shown=(0.0, 0.4 * w))
    return bench.done()


def sliding_doors(seed: int) -> Mechanism:
    bench = Bench("sliding_doors", seed)
    w, d, h, t = bench.between(1.0, 1.6), bench.between(0.4, 0.6), bench.between(0.8, 1.2), 0.02
    _carcass(bench, w, d, h, t)
    grooves: list[Primitive] = []
    for y in (0.004, 0.028):
        grooves += [
            box((t, y, t - 0.008), (w - t, y + 0.018, t + 0.001)),
            box((t, y, h - t - 0.001), (w - t, y + 0.018, h - t + 0.01)),
        ]
    named = {piece.name: i for i, piece in enumerate(bench.pieces)}
    for which in ("bottom", "top"):
        piece = bench.pieces[named[which]]
        bench.pieces[named[which]] = type(piece)(piece.name, piece.body, piece.joined, tuple(grooves))
    for body, y, x0 in (("door_left", 0.0045, t + 0.003), ("door_right", 0.0285, w / 2 - 0.02)):
        x1 = x0 + w / 2 - t + 0.017
        bench.add(
            body,
            body,
            box((x0, y, t - 0.0075), (x1, y + 0.017, h - t + 0.0085)),
            cut=(
                rod(
                    ((x0 + x1) / 2 + (0.4 if body == "door_right" else -0.4) * (x1 - x0), y - 0.1, h / 2),
                    ((x0 + x1) / 2 + (0.4 if body == "door_right" else -0.4) * (x1 - x0), y + 0.006, h / 2),
                    0.025,
                ),
            ),
        )
        bench.joint("prismatic", "carcass", body, (1 if body == "door_left" else -1, 0, 0), shown=(0.0, 0.4 * w))
    return bench.done()


FAMILIES = (
    cabinet_door,
    cabinet,
    two_doors,
    chest,
    knife_drawer,
    fridge,
    microwave,
    oven,
    sliding_window,
    sliding_doors,
)
