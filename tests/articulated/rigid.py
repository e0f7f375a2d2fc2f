"""Things in which nothing moves, though they have round holes, fitting parts or the looks of a mechanism."""

from __future__ import annotations

import numpy as np

from tests.articulated.recipe import Bench, Mechanism, box, rod


def bracket(seed: int) -> Mechanism:
    """Two plates bolted at four places: bolts in holes are coaxial cylinders, too."""
    bench = Bench("bracket", seed)
    w, t, r = bench.between(0.06, 0.12), bench.between(0.004, 0.008), bench.between(0.0025, 0.004)
    places = [(sx * 0.35 * w, sy * 0.35 * w) for sx in (-1, 1) for sy in (-1, 1)]
    for number in range(2):
        z = number * t
        holes = tuple(rod((x, y, z - 1), (x, y, z + 1), r + 0.0002) for x, y in places)
        extra = (box((-w / 2, w / 2 - t, 2 * t), (w / 2, w / 2, 0.6 * w)),) if number else ()
        bench.add("bracket", f"plate_{number}", box((-w / 2, -w / 2, z), (w / 2, w / 2, z + t)), *extra, cut=holes)
    for x, y in places:
        bench.add(
            "bracket",
            "bolt",
            rod((x, y, -0.008), (x, y, 2 * t + 0.001), r),
            rod((x, y, 2 * t), (x, y, 2 * t + 1.6 * r), 1.8 * r),
        )
        bench.add("bracket", "nut", rod((x, y, -0.005), (x, y, 0), 1.8 * r), cut=(rod((x, y, -1), (x, y, 1), r),))
    return bench.done()


def flanges(seed: int) -> Mechanism:
    bench = Bench("flanges", seed)
    r, t, count = bench.between(0.03, 0.06), bench.between(0.008, 0.014), int(bench.rng.choice((4, 6, 8)))
    places = [(1.4 * r * np.cos(a), 1.4 * r * np.sin(a)) for a in np.arange(count) * 2 * np.pi / count]
    for number, sign in enumerate((-1, 1)):
        holes = tuple(rod((x, y, -1), (x, y, 1), 0.0042) for x, y in places)
        flange = [rod((0, 0, 0), (0, 0, sign * t), 1.8 * r), rod((0, 0, 0), (0, 0, sign * 0.1), r)]
        bench.add("pipe", f"flange_{number}", *flange, cut=(rod((0, 0, -1), (0, 0, 1), 0.85 * r), *holes))
    for x, y in places:
        bench.add(
            "pipe",
            "bolt",
            rod((x, y, -t), (x, y, t), 0.004),
            rod((x, y, t), (x, y, t + 0.006), 0.007),
            rod((x, y, -t), (x, y, -t - 0.006), 0.007),
        )
    return bench.done()


def gear_housing(seed: int) -> Mechanism:
    """A housing with a cover, screws and a pressed-in bush."""
    bench = Bench("gear_housing", seed)
    w, d, h, t = bench.between(0.12, 0.2), bench.between(0.1, 0.16), bench.between(0.08, 0.12), 0.008
    bush = rod((-1, d / 2, h / 2), (t + 0.001, d / 2, h / 2), 0.02)
    bench.add("housing", "housing", box((0, 0, 0), (w, d, h)), cut=(box((t, t, t), (w - t, d - t, h + 1)), bush))
    bench.add("housing", "cover", box((0, 0, h), (w, d, h + t)))
    bench.add(
        "housing",
        "bush",
        rod((-0.004, d / 2, h / 2), (t, d / 2, h / 2), 0.02),
        cut=(rod((-1, d / 2, h / 2), (1, d / 2, h / 2), 0.012),),
    )
    for x in (0.5 * t, w - 0.5 * t):
        for y in (0.5 * t, d - 0.5 * t):
            bench.add("housing", "screw", rod((x, y, h + t), (x, y, h + t + 0.003), 0.0035))
    return bench.done()


def stool(seed: int) -> Mechanism:
    bench = Bench("stool", seed)
    h, r = bench.between(0.4, 0.7), bench.between(0.15, 0.2)
    bench.add("stool", "seat", rod((0, 0, h), (0, 0, h + 0.03), r))
    for k in range(4):
        x, y = 0.7 * r * np.cos(np.pi / 4 + k * np.pi / 2), 0.7 * r * np.sin(np.pi / 4 + k * np.pi / 2)
        bench.add("stool", "leg", rod((x, y, 0), (x, y, h), 0.015))
    return bench.done()


def table(seed: int) -> Mechanism:
    bench = Bench("table", seed)
    w, d, h, leg = bench.between(0.8, 1.6), bench.between(0.6, 0.9), bench.between(0.45, 0.76), 0.05
    bench.add("table", "table_top", box((0, 0, h - 0.03), (w, d, h)))
    for x in (0.02, w - 0.02 - leg):
        for y in (0.02, d - 0.02 - leg):
            bench.add("table", "leg", box((x, y, 0), (x + leg, y + leg, h - 0.03)))
    for y in (0.03, d - 0.05):
        bench.add("table", "apron", box((0.02 + leg, y, h - 0.11), (w - 0.02 - leg, y + 0.02, h - 0.03)))
    return bench.done()


def bookcase(seed: int) -> Mechanism:
    bench = Bench("bookcase", seed)
    w, d, h, t, count = (
        bench.between(0.6, 1.0),
        bench.between(0.25, 0.35),
        bench.between(0.8, 1.8),
        0.018,
        int(bench.rng.integers(2, 5)),
    )
    for name, x in (("side_left", 0.0), ("side_right", w - t)):
        bench.add("bookcase", name, box((x, 0, 0), (x + t, d, h)))
    for z in np.linspace(0.05, h - t, count + 2):
        bench.add("bookcase", "shelf", box((t, 0, z), (w - t, d - 0.006, z + t)))
    bench.add("bookcase", "back", box((t, d - 0.006, 0.05), (w - t, d, h)))
    return bench.done()


def bench_seat(seed: int) -> Mechanism:
    bench = Bench("bench", seed)
    w, h = bench.between(1.0, 1.6), bench.between(0.4, 0.5)
    for number in range(4):
        bench.add("bench", "slat", box((0, 0.1 * number, h), (w, 0.1 * number + 0.09, h + 0.03)))
    for x in (0.1, w - 0.16):
        bench.add(
            "bench",
            "trestle",
            box((x, 0, 0), (x + 0.06, 0.39, h)),
            cut=(box((x - 1, 0.06, -1), (x + 1, 0.33, h - 0.08)),),
        )
    return bench.done()


def picture(seed: int) -> Mechanism:
    bench = Bench("picture", seed)
    w, h, b = bench.between(0.3, 0.6), bench.between(0.3, 0.6), 0.03
    bench.add(
        "picture",
        "frame",
        box((0, 0, 0), (w, 0.02, h)),
        cut=(
            box((b, -1, b), (w - b, 0.014, h - b)),
            box((b - 0.006, 0.006, b - 0.006), (w - b + 0.006, 1, h - b + 0.006)),
        ),
    )
    bench.add("picture", "glass", box((b - 0.006, 0.006, b - 0.006), (w - b + 0.006, 0.009, h - b + 0.006)))
    bench.add("picture", "print", box((b - 0.006, 0.009, b - 0.006), (w - b + 0.006, 0.01, h - b + 0.006)))
    bench.add("picture", "backing", box((b - 0.006, 0.01, b - 0.006), (w - b + 0.006, 0.013, h - b + 0.006)))
    return bench.done()


def flag_stand(seed: int) -> Mechanism:
    """A pole pressed into a foot: one round piece in another, with no play."""
    bench = Bench("flag_stand", seed)
    r, h = bench.between(0.012, 0.02), bench.between(0.8, 1.4)
    bench.add("stand", "foot", rod((0, 0, 0), (0, 0, 0.06), 0.15), cut=(rod((0, 0, 0.01), (0, 0, 1), r),))
    bench.add("stand", "pole", rod((0, 0, 0.01), (0, 0, h), r))
    bench.add(
        "stand", "crossbar", rod((-0.2, 0, h - 0.05), (0.2, 0, h - 0.05), 1.4 * r), cut=(rod((0, 0, 0), (0, 0, 2), r),)
    )
    return bench.done()


def ladder(seed: int) -> Mechanism:
    bench = Bench("ladder", seed)
    w, h, count = bench.between(0.35, 0.5), bench.between(1.2, 2.0), int(bench.rng.integers(4, 8))
    zs = np.linspace(0.2, h - 0.2, count)
    for name, x in (("rail_left", 0.0), ("rail_right", w)):
        holes = tuple(rod((x - 0.1, 0.03, z), (x + 0.1, 0.03, z), 0.015) for z in zs)
        bench.add("ladder", name, box((x - 0.012, 0, 0), (x + 0.012, 0.06, h)), cut=holes)
    for z in zs:
        bench.add("ladder", "rung", rod((-0.012, 0.03, z), (w + 0.012, 0.03, z), 0.015))
    return bench.done()


def crate(seed: int) -> Mechanism:
    bench = Bench("crate", seed)
    w, d, h, t = bench.between(0.3, 0.5), bench.between(0.25, 0.4), bench.between(0.2, 0.3), 0.012
    bench.add("crate", "floor", box((0, 0, 0), (w, d, t)))
    for k in range(3):
        z = t + k * (h - t) / 3
        high = z + (h - t) / 3 - 0.015
        for y in (0.0, d - t):
            bench.add("crate", "slat", box((0, y, z), (w, y + t, high)))
        for x in (0.0, w - t):
            bench.add("crate", "slat", box((x, t, z), (x + t, d - t, high)))
    for x in (t, w - 2 * t - 0.01):
        for y in (t, d - 2 * t - 0.01):
            bench.add("crate", "corner", box((x, y, t), (x + t + 0.01, y + t + 0.01, h)))
    return bench.done()


def pipe_tee(seed: int) -> Mechanism:
    bench = Bench("pipe_tee", seed)
    r, length = bench.between(0.012, 0.03), bench.between(0.06, 0.1)
    tee = [rod((-length, 0, 0), (length, 0, 0), 1.35 * r), rod((0, 0, 0), (0, 0, length), 1.35 * r)]
    cut = (rod((-1, 0, 0), (1, 0, 0), r), rod((0, 0, 0), (0, 0, 1), r))
    bench.add("pipes", "tee", *tee, cut=cut)
    for name, a, b in (
        ("pipe_left", (-length - 0.2, 0, 0), (-length / 2, 0, 0)),
        ("pipe_right", (length / 2, 0, 0), (length + 0.2, 0, 0)),
        ("pipe_up", (0, 0, length / 2), (0, 0, length + 0.2)),
    ):
        along = np.subtract(b, a)
        bench.add("pipes", name, rod(a, b, r), cut=(rod(a - along, b + along, 0.8 * r),))
    return bench.done()


def plinth(seed: int) -> Mechanism:
    """Boxes stacked and glued, each smaller than the one below."""
    bench = Bench("plinth", seed)
    w, z = bench.between(0.3, 0.5), 0.0
    for number in range(4):
        high = bench.between(0.03, 0.12)
        inset = 0.03 * number
        bench.add("plinth", f"step_{number}", box((inset, inset, z), (w - inset, w - inset, z + high)))
        z += high
    return bench.done()


def heat_sink(seed: int) -> Mechanism:
    bench = Bench("heat_sink", seed)
    w, t, count = bench.between(0.05, 0.09), 0.0012, int(bench.rng.integers(8, 14))
    bench.add("sink", "base", box((0, 0, 0), (w, w, 0.006)))
    for x in np.linspace(0, w - t, count):
        bench.add("sink", "fin", box((x, 0, 0.006), (x + t, w, 0.04)))
    return bench.done()


def dumbbell(seed: int) -> Mechanism:
    """A welded bar with discs: it has the looks of wheels on an axle."""
    bench = Bench("dumbbell", seed)
    length, r, grip = bench.between(0.12, 0.16), bench.between(0.05, 0.09), bench.between(0.012, 0.016)
    bench.add("dumbbell", "bar", rod((-length, 0, 0), (length, 0, 0), grip))
    for sign in (-1, 1):
        for number, share in enumerate((1.0, 0.8)):
            x0 = sign * (0.4 * length + 0.022 * number)
            disc = rod((x0, 0, 0), (x0 + sign * 0.022, 0, 0), share * r)
            bench.add("dumbbell", "disc", disc, cut=(rod((-1, 0, 0), (1, 0, 0), grip),))
    return bench.done()


FAMILIES = (
    bracket, flanges, gear_housing, stool, table, bookcase, bench_seat, picture, flag_stand, ladder, crate, pipe_tee, plinth,
    heat_sink, dumbbell,
)  # fmt: skip
