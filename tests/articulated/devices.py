"""Tools, boxes, vehicles and machines that move."""

from __future__ import annotations

import numpy as np

from tests.articulated.recipe import Bench, Mechanism, ball, box, rod

PLAY = 0.0003


def _turned(angle: float, about: tuple[float, float, float], axis=(0, 0, 1)) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(angle * np.asarray(axis, float)).as_matrix()
    matrix[:3, 3] = np.asarray(about) - matrix[:3, :3] @ np.asarray(about)
    return matrix


def _by(place: np.ndarray, x: float, y: float, z: float) -> np.ndarray:
    return place + np.array((x, y, z))


def _barrel(bench: Bench, fixed: str, moving: str, a, b, r: float, feet) -> None:
    """A barrel hinge from a to b: outer knuckles on the fixed body, the middle one on the moving, a pin through all.

    ``feet``: vectors from the axis to the fixed and to the moving side, along which thin leaves join them.
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    hole = (rod(a - 0.01 * (b - a), b + 0.01 * (b - a), 0.45 * r + PLAY),)
    cuts = [a + s * (b - a) for s in (0, 1 / 3 - 0.005, 1 / 3 + 0.005, 2 / 3 - 0.005, 2 / 3 + 0.005, 1)]
    for owner, foot, pairs in ((fixed, feet[0], ((0, 1), (4, 5))), (moving, feet[1], ((2, 3),))):
        pieces = []
        for i, j in pairs:
            pieces.append(rod(cuts[i], cuts[j], r))
            corners = np.array([cuts[i], cuts[j], cuts[i] + foot, cuts[j] + foot])
            low, high = corners.min(axis=0), corners.max(axis=0)
            thin = high - low < 1e-9
            pieces.append(box(np.where(thin, low - 0.25 * r, low), np.where(thin, high + 0.25 * r, high)))
        for number in range(0, len(pieces), 2):
            bench.add(owner, "knuckle", pieces[number], pieces[number + 1], cut=hole)
    bench.add(fixed, "pin", rod(a, b, 0.45 * r))


def box_with_lid(seed: int) -> Mechanism:
    bench = Bench("box_with_lid", seed)
    w, d, h, t = bench.between(0.2, 0.4), bench.between(0.15, 0.3), bench.between(0.08, 0.2), bench.between(0.004, 0.01)
    bench.add("box", "box", box((0, 0, 0), (w, d, h)), cut=(box((t, t, t), (w - t, d - t, h + 1)),))
    gap = 0.001
    bench.add("lid", "lid", box((0, 0, h + gap), (w, d, h + gap + t)))
    r = 0.004
    y, z = d + r + 0.001, h + gap / 2
    for x in (0.15 * w, 0.7 * w):
        _barrel(
            bench,
            "box",
            "lid",
            (x, y, z),
            (x + 0.15 * w, y, z),
            r,
            (np.array((0, -r - 0.001, -0.0025)), np.array((0, -r - 0.001, 0.0035))),
        )
    bench.joint("revolute", "box", "lid", (-1, 0, 0), (0, y, z), (0.0, 1.4), lower=0.0)
    return bench.done()


def toolbox(seed: int) -> Mechanism:
    """A lid on a barrel hinge, and a handle that folds about a rod through two lugs of the lid."""
    bench = Bench("toolbox", seed)
    w, d, h, t = bench.between(0.35, 0.5), bench.between(0.18, 0.25), bench.between(0.12, 0.2), 0.004
    bench.add("box", "toolbox_body", box((0, 0, 0), (w, d, h)), cut=(box((t, t, t), (w - t, d - t, h + 1)),))
    bench.add(
        "lid",
        "toolbox_lid",
        box((0, 0, h + 0.001), (w, d, h + 0.03)),
        cut=(box((t, t, h - 1), (w - t, d - t, h + 0.03 - t)),),
    )
    r = 0.004
    y, z = d + r + 0.001, h + 0.0005
    _barrel(
        bench,
        "box",
        "lid",
        (0.2 * w, y, z),
        (0.8 * w, y, z),
        r,
        (np.array((0, -r - 0.001, -0.0025)), np.array((0, -r - 0.001, 0.0035))),
    )
    bench.joint("revolute", "box", "lid", (-1, 0, 0), (0, y, z), (0.0, 1.4), lower=0.0)
    top, reach = h + 0.03, 0.06
    x0, x1, axle, zc = w / 2 - 0.07, w / 2 + 0.07, 0.003, top + 0.01
    for x in (x0, x1):
        lug = box((x - 0.004, d / 2 - 0.008, top), (x + 0.004, d / 2 + 0.008, top + 0.018))
        bench.add("lid", "lug", lug, cut=(rod((x - 0.01, d / 2, zc), (x + 0.01, d / 2, zc), axle + PLAY),))
    arms = [rod((x, d / 2, zc), (x, d / 2 - reach, zc), 0.004) for x in (x0 - 0.012, x1 + 0.012)]
    axles = [
        rod((x0 - 0.016, d / 2, zc), (x0 + 0.006, d / 2, zc), axle),
        rod((x1 - 0.006, d / 2, zc), (x1 + 0.016, d / 2, zc), axle),
    ]
    bench.add(
        "handle",
        "carry_handle",
        *arms,
        *axles,
        rod((x0 - 0.016, d / 2 - reach, zc), (x1 + 0.016, d / 2 - reach, zc), 0.006),
    )
    bench.joint("revolute", "lid", "handle", (-1, 0, 0), (0, d / 2, zc), (0.0, 1.5))
    return bench.done()


def laptop(seed: int) -> Mechanism:
    """Open at a right angle, as it stands in most files; the screen may close to the keyboard."""
    bench = Bench("laptop", seed)
    w, d, t = bench.between(0.3, 0.38), bench.between(0.2, 0.26), bench.between(0.01, 0.016)
    bench.add("base", "base", box((0, 0, 0), (w, d, t)))
    bench.add("base", "keyboard", box((0.02, 0.09, t), (w - 0.02, d - 0.03, t + 0.001)))
    r = 0.005
    y, z = d + r + 0.001, t
    bench.add("screen", "screen", box((0, y - 0.003, z + r + 0.002), (w, y + 0.004, z + r + 0.002 + d)))
    for x in (0.1 * w, 0.7 * w):
        _barrel(
            bench,
            "base",
            "screen",
            (x, y, z),
            (x + 0.2 * w, y, z),
            r,
            (np.array((0, -r - 0.001, 0)), np.array((0, 0, r + 0.002))),
        )
    bench.joint("revolute", "base", "screen", (1, 0, 0), (0, y, z), (-0.4, 0.7))
    return bench.done()


def scissors(seed: int) -> Mechanism:
    bench = Bench("scissors", seed)
    length, wide, t = bench.between(0.12, 0.2), bench.between(0.012, 0.02), bench.between(0.0015, 0.003)
    _crossed(bench, "blade", length, 0.7 * length, wide, t, 0.003, 0.18, ring=True)
    return bench.done()


def pliers(seed: int) -> Mechanism:
    bench = Bench("pliers", seed)
    length, wide, t = bench.between(0.03, 0.05), bench.between(0.014, 0.02), bench.between(0.005, 0.008)
    _crossed(bench, "jaw", length, 3.0 * length, wide, t, 0.005, 0.25, ring=False)
    return bench.done()


def _crossed(
    bench: Bench, word: str, ahead: float, behind: float, wide: float, t: float, r: float, angle: float, ring: bool
) -> None:
    """Two levers that cross on a rivet along z; each lies in its own plane."""
    gap = 0.0002
    for number, (z, sign) in enumerate(((0.0, 1.0), (t + gap, -1.0))):
        turn = _turned(sign * angle, (0, 0, 0))
        bar = [box((-behind, -wide / 2, z), (ahead, wide / 2, z + t), turn), rod((0, 0, z), (0, 0, z + t), 0.75 * wide)]
        hole = rod((0, 0, z - 1), (0, 0, z + t + 1), r + PLAY)
        cut = [hole]
        if ring:
            end = turn[:3, :3] @ np.array((-behind, 0, 0))
            bar.append(rod((end[0], end[1], z), (end[0], end[1], z + t), 0.02))
            cut.append(rod((end[0], end[1], z - 1), (end[0], end[1], z + t + 1), 0.013))
        bench.add(f"{word}_{'ab'[number]}", f"{word}_{'ab'[number]}", *bar, cut=tuple(cut))
    top = 2 * t + gap
    bench.add(
        f"{word}_a",
        "rivet",
        rod((0, 0, 0), (0, 0, top), r),
        rod((0, 0, top + 0.0002), (0, 0, top + 0.0015), 1.6 * r),
        rod((0, 0, top), (0, 0, top + 0.0003), r),
    )
    bench.joint("revolute", f"{word}_a", f"{word}_b", (0, 0, 1), (0, 0, 0), (0.0, 0.4))


def cart(seed: int) -> Mechanism:
    bench = Bench("cart", seed)
    w, length, r, thick = bench.between(0.4, 0.6), bench.between(0.6, 1.0), bench.between(0.06, 0.12), 0.03
    bench.add("frame", "platform", box((0, 0, 2 * r + 0.02), (length, w, 2 * r + 0.05)))
    axle = 0.008
    for end, x in (("front", 0.18 * length), ("rear", 0.82 * length)):
        bench.add("frame", f"axle_{end}", rod((x, -0.055, r), (x, w + 0.055, r), axle))
        for y in (0.03, w - 0.05):
            block = box((x - 0.02, y, r - 0.02), (x + 0.02, y + 0.02, 2 * r + 0.02))
            bench.add("frame", "axle_block", block, cut=(rod((x, y - 1, r), (x, y + 1, r), axle),))
        for side, y in (("left", -0.045), ("right", w + 0.015)):
            wheel = f"wheel_{end}_{side}"
            bore = rod((x, y - 0.01, r), (x, y + thick + 0.01, r), axle + PLAY)
            bench.add(wheel, wheel, rod((x, y, r), (x, y + thick, r), r), cut=(bore,))
            bench.joint("revolute", "frame", wheel, (0, 1, 0), (x, y, r), (0.0, 2.0))
    bar = [rod((length - 0.02, y, 2 * r + 0.05), (length - 0.02, y, 2 * r + 0.8), 0.012) for y in (0.05, w - 0.05)]
    bench.add(
        "frame",
        "push_bar",
        *bar,
        rod((length - 0.02, 0.05, 2 * r + 0.8), (length - 0.02, w - 0.05, 2 * r + 0.8), 0.012),
    )
    return bench.done()


def faucet(seed: int) -> Mechanism:
    """A spout that swivels on its base and a lever that turns on a side shaft."""
    bench = Bench("faucet", seed)
    r, h, reach = bench.between(0.02, 0.028), bench.between(0.08, 0.14), bench.between(0.12, 0.2)
    socket = (
        rod((0, 0, h - 0.03), (0, 0, h + 0.01), 0.6 * r + PLAY),
        rod((0, -r - 1, h / 3), (0, -0.3 * r, h / 3), 0.3 * r + PLAY),
    )
    bench.add("base", "base", rod((0, 0, 0), (0, 0, h), r), rod((0, 0, 0), (0, 0, 0.008), 1.5 * r), cut=socket)
    up = bench.between(0.08, 0.15)
    bench.add(
        "spout",
        "spout",
        rod((0, 0, h - 0.028), (0, 0, h + 0.001), 0.6 * r),
        rod((0, 0, h + 0.001), (0, 0, h + up), 0.55 * r),
        rod((0, 0, h + up), (reach, 0, h + up), 0.5 * r),
        rod((reach, 0, h + up), (reach, 0, h + up - 0.03), 0.5 * r),
        ball((0, 0, h + up), 0.55 * r),
    )
    bench.joint("revolute", "base", "spout", (0, 0, 1), (0, 0, h), (-1.2, 1.2))
    bench.add(
        "lever",
        "lever",
        rod((0, -0.4 * r, h / 3), (0, -r - 0.02, h / 3), 0.3 * r),
        box((-0.005, -r - 0.026, h / 3 - 0.006), (0.005, -r - 0.018, h / 3 + 0.07)),
    )
    bench.joint("revolute", "base", "lever", (0, 1, 0), (0, 0, h / 3), (-0.5, 0.5))
    return bench.done()


def valve(seed: int) -> Mechanism:
    bench = Bench("valve", seed)
    pipe, length, h = bench.between(0.02, 0.04), bench.between(0.12, 0.2), bench.between(0.08, 0.12)
    stem = 0.25 * pipe
    body = [rod((-length / 2, 0, 0), (length / 2, 0, 0), pipe), rod((0, 0, 0), (0, 0, h), 0.7 * pipe)]
    flanges = [rod((sign * length / 2, 0, 0), (sign * (length / 2 - 0.012), 0, 0), 1.6 * pipe) for sign in (-1, 1)]
    bench.add(
        "body",
        "valve_body",
        *body,
        *flanges,
        cut=(rod((-length, 0, 0), (length, 0, 0), 0.75 * pipe), rod((0, 0, 0), (0, 0, h + 1), stem + PLAY)),
    )
    ring, top = bench.between(0.05, 0.08), h + 0.03
    bench.add("wheel", "stem", rod((0, 0, pipe), (0, 0, top), stem))
    spokes = [
        rod((-ring + 0.004, 0, top), (ring - 0.004, 0, top), 0.004),
        rod((0, -ring + 0.004, top), (0, ring - 0.004, top), 0.004),
    ]
    rim = rod((0, 0, top - 0.006), (0, 0, top + 0.006), ring)
    bench.add("wheel", "handwheel_rim", rim, cut=(rod((0, 0, top - 1), (0, 0, top + 1), ring - 0.008),))
    bench.add("wheel", "handwheel_spokes", *spokes, rod((0, 0, top), (0, 0, top + 0.01), 2 * stem))
    bench.joint("revolute", "body", "wheel", (0, 0, 1), (0, 0, 0), (0.0, 2.8))
    return bench.done()


def swivel_chair(seed: int) -> Mechanism:
    bench = Bench("swivel_chair", seed)
    h, r = bench.between(0.3, 0.4), bench.between(0.018, 0.025)
    legs = [box((0, -0.025, 0.03), (0.3, 0.025, 0.06), _turned(2 * np.pi * k / 5 + 0.1, (0, 0, 0))) for k in range(5)]
    bench.add(
        "base",
        "star_base",
        *legs,
        rod((0, 0, 0.03), (0, 0, 0.09), 0.05),
        cut=(rod((0, 0, 0.02), (0, 0, 1), r + 0.008),),
    )
    bench.add("base", "column", rod((0, 0, 0.03), (0, 0, h), r + 0.008), cut=(rod((0, 0, 0.05), (0, 0, 1), r + PLAY),))
    bench.add("seat", "post", rod((0, 0, 0.06), (0, 0, h + 0.05), r))
    bench.add("seat", "seat", box((-0.24, -0.24, h + 0.05), (0.24, 0.24, h + 0.12)))
    bench.add("seat", "backrest", box((-0.24, -0.2, h + 0.12), (-0.2, 0.2, h + 0.6)))
    bench.joint("revolute", "base", "seat", (0, 0, 1), (0, 0, h), (0.0, 2.5))
    return bench.done()


def lamp(seed: int) -> Mechanism:
    """A chain of three hinges with parallel axes: forks on pins."""
    bench = Bench("lamp", seed)
    lengths = [bench.between(0.18, 0.3), bench.between(0.15, 0.25)]
    bench.add("base", "base_plate", rod((0, 0, 0), (0, 0, 0.02), 0.09))
    angles, at, parent = [bench.between(0.9, 1.3), bench.between(-0.5, -0.1), -0.9], np.array((0.0, 0.0, 0.1)), "base"
    bench.add("base", "post", box((-0.012, -0.012, 0.02), (0.012, 0.012, 0.08)))
    _fork(bench, "base", at, np.array((0, 0, -0.02)))
    for number, (body, length, angle) in enumerate(
        zip(("lower_arm", "upper_arm", "head"), [*lengths, 0.05], angles, strict=True)
    ):
        along = np.array((np.cos(angle), 0.0, np.sin(angle)))
        turn = _turned(-angle, tuple(at), (0, 1, 0))
        eye = rod(_by(at, 0, -0.005, 0), _by(at, 0, 0.005, 0), 0.011)
        last = number == 2
        bar = box(_by(at, 0.0, -0.005, -0.006), _by(at, length - (0 if last else 0.02), 0.005, 0.006), turn)
        bench.add(body, body, eye, bar, cut=(rod(_by(at, 0, -0.1, 0), _by(at, 0, 0.1, 0), 0.004 + PLAY),))
        bench.joint("revolute", parent, body, (0, -1, 0), at, (-0.4, 0.4))
        end = at + length * along
        if last:
            bench.add(body, "shade", box(_by(at, length, -0.04, -0.03), _by(at, length + 0.09, 0.04, 0.05), turn))
        else:
            _fork(bench, body, end, -0.02 * along)
        at, parent = end, body
    return bench.done()


def _fork(bench: Bench, body: str, at: np.ndarray, back: np.ndarray) -> None:
    """Two cheeks with a pin along y around a joint at a place, joined at its back."""
    angle = float(np.arctan2(back[2], back[0]))
    turn = _turned(-angle, tuple(at), (0, 1, 0))
    plates = [box(_by(at, 0, y - 0.002, -0.009), _by(at, 0.024, y + 0.002, 0.009), turn) for y in (-0.0078, 0.0078)]
    web = box(_by(at, 0.014, -0.0098, -0.009), _by(at, 0.024, 0.0098, 0.009), turn)
    bench.add(body, "fork", *plates, web, cut=(rod(_by(at, 0, -0.1, 0), _by(at, 0, 0.1, 0), 0.004),))
    bench.add(body, "fork_pin", rod(_by(at, 0, -0.011, 0), _by(at, 0, 0.011, 0), 0.004))


def crane(seed: int) -> Mechanism:
    """A trolley that hangs on the lower flanges of a beam."""
    bench = Bench("crane", seed)
    length, h, w = bench.between(1.0, 1.8), bench.between(0.1, 0.16), bench.between(0.08, 0.12)
    web, flange = 0.01, 0.012
    bench.add(
        "beam",
        "beam",
        box((0, -w / 2, 0), (length, w / 2, flange)),
        box((0, -web / 2, 0), (length, web / 2, h)),
        box((0, -w / 2, h - flange), (length, w / 2, h)),
    )
    for x in (0.0, length - 0.02):
        bench.add("beam", "end_stop", box((x, -w / 2, -0.05), (x + 0.02, w / 2, 0.0)))
    g, x0, long, cheek = 0.001, 0.4 * length, 0.16, 0.01
    plates = []
    for sign in (-1, 1):
        plates.append(box((x0, sign * (w / 2 + g), -0.03), (x0 + long, sign * (w / 2 + g + cheek), 0.05)))
        plates.append(
            box((x0, sign * (w / 2 - 0.02), flange + g), (x0 + long, sign * (w / 2 + g + cheek), flange + g + 0.01))
        )
    bench.add(
        "trolley", "trolley", *plates, box((x0, -w / 2 - g - cheek, -0.03), (x0 + long, w / 2 + g + cheek, -0.02))
    )
    bench.add("trolley", "hook", rod((x0 + long / 2, 0, -0.03), (x0 + long / 2, 0, -0.2), 0.008))
    bench.joint(
        "prismatic",
        "beam",
        "trolley",
        (1, 0, 0),
        shown=(-0.3 * length, 0.3 * length),
        lower=-(x0 - 0.02),
        upper=length - 0.02 - x0 - long,
    )
    return bench.done()


def butt_hinge(seed: int) -> Mechanism:
    bench = Bench("butt_hinge", seed)
    h, w, t, r = bench.between(0.06, 0.12), bench.between(0.025, 0.04), 0.002, bench.between(0.003, 0.005)
    hole = (rod((0, 0, -1), (0, 0, 1), 0.5 * r + PLAY),)
    cuts = np.linspace(0, h, 6)
    for leaf, sign, which in (("leaf_a", -1, (0, 2, 4)), ("leaf_b", 1, (1, 3))):
        knuckles = [rod((0, 0, cuts[k] + 0.0002), (0, 0, cuts[k + 1] - 0.0002), r) for k in which]
        arms = [box((0, r - t, cuts[k] + 0.0002), (sign * (r + 0.002), r, cuts[k + 1] - 0.0002)) for k in which]
        holes = tuple(rod((sign * w / 1.5, -1, z), (sign * w / 1.5, 1, z), 0.002) for z in (0.2 * h, 0.8 * h))
        bench.add(
            leaf, leaf, box((sign * (r + 0.001), r - t, 0), (sign * w, r, h)), *knuckles, *arms, cut=(*hole, *holes)
        )
    bench.add("leaf_a", "pin", rod((0, 0, -0.001), (0, 0, h + 0.001), 0.5 * r))
    bench.joint("revolute", "leaf_a", "leaf_b", (0, 0, 1), (0, 0, 0), (-1.3, 1.3))
    return bench.done()


def linear_guide(seed: int) -> Mechanism:
    """A carriage around a rail whose flanks hold it."""
    bench = Bench("linear_guide", seed)
    length, w, h = bench.between(0.3, 0.6), bench.between(0.015, 0.03), bench.between(0.015, 0.025)
    neck = 0.2 * w
    rail = box((0, -w / 2, 0), (length, w / 2, h))
    grooves = tuple(box((-1, sign * w / 2, 0.35 * h), (2, sign * (w / 2 - neck), 0.65 * h)) for sign in (-1, 1))
    bench.add(
        "rail",
        "rail",
        rail,
        cut=(*grooves, *(rod((x, 0, -1), (x, 0, 1), 0.003) for x in np.linspace(0.05, length - 0.05, 5))),
    )
    g, x0, long = 0.0003, bench.between(0.1, 0.6) * (length - 0.07), 0.06
    inner = box((x0 - 1, -w / 2 - g, -1), (x0 + 1, w / 2 + g, h + g))
    block = box((x0, -w, 0.15 * h), (x0 + long, w, 1.7 * h))
    bench.add("carriage", "carriage", block, cut=(inner,))
    tongues = [
        box((x0, sign * (w / 2 + g), 0.35 * h + g), (x0 + long, sign * (w / 2 - neck + g), 0.65 * h - g))
        for sign in (-1, 1)
    ]
    for tongue in tongues:
        bench.add("carriage", "ball_row", tongue)
    bench.joint("prismatic", "rail", "carriage", (1, 0, 0), shown=(0.0, 0.3 * length))
    return bench.done()


def bin_with_lid(seed: int) -> Mechanism:
    bench = Bench("bin", seed)
    r, h, t = bench.between(0.12, 0.18), bench.between(0.3, 0.6), 0.003
    bench.add("bin", "bin", rod((0, 0, 0), (0, 0, h), r), cut=(rod((0, 0, t), (0, 0, h + 1), r - t),))
    bench.add("lid", "bin_lid", rod((0, 0, h + 0.001), (0, 0, h + 0.012), r))
    c = 0.005
    x, z = r + c + 0.002, h + 0.0005
    _barrel(
        bench,
        "bin",
        "lid",
        (x, -0.04, z),
        (x, 0.04, z),
        c,
        (np.array((-c - 0.006, 0, -0.003)), np.array((-c - 0.006, 0, 0.004))),
    )
    bench.joint("revolute", "bin", "lid", (0, 1, 0), (x, 0, z), (0.0, 1.4), lower=0.0)
    return bench.done()


def gate(seed: int) -> Mechanism:
    """A gate whose eyes hang on two pintles of a post."""
    bench = Bench("gate", seed)
    w, h, r = bench.between(0.8, 1.2), bench.between(0.8, 1.2), 0.008
    bench.add("post", "post", box((-0.12, -0.05, -0.1), (-0.03, 0.05, h + 0.2)))
    rails = [box((0.02, -0.015, z), (w, 0.015, z + 0.06)) for z in (0.12, h - 0.15)]
    slats = [box((x, -0.012, 0), (x + 0.07, 0.012, h)) for x in np.linspace(0.03, w - 0.07, 6)]
    bench.add("gate", "gate_leaf", *rails, *slats)
    for z in (0.15, h - 0.12):
        bench.add(
            "post",
            "pintle",
            box((-0.035, -0.006, z - 0.045), (0.006, 0.006, z - 0.025)),
            rod((0, 0, z - 0.04), (0, 0, z + 0.03), r),
        )
        eye = [
            rod((0, 0, z - 0.02), (0, 0, z + 0.02), r + 0.006),
            box((0.01, -0.004, z - 0.01), (0.1, 0.004, z + 0.01)),
        ]
        bench.add("gate", "eye", *eye, cut=(rod((0, 0, z - 1), (0, 0, z + 1), r + 0.0005),))
    bench.joint("revolute", "post", "gate", (0, 0, 1), (0, 0, 0), (-1.2, 1.2))
    return bench.done()


def fan(seed: int) -> Mechanism:
    bench = Bench("fan", seed)
    r, h, count = bench.between(0.12, 0.2), bench.between(0.3, 0.5), int(bench.rng.integers(3, 6))
    bench.add("stand", "foot", rod((0, 0, 0), (0, 0, 0.02), 0.12), rod((0, 0, 0.02), (0, 0, h - 0.04), 0.012))
    bench.add(
        "stand", "motor", rod((-0.06, 0, h), (0.04, 0, h), 0.045), cut=(rod((0.0, 0, h), (0.1, 0, h), 0.006 + PLAY),)
    )
    blades = [
        box((0.061, -0.02, h), (0.065, 0.02, h + r), _turned(2 * np.pi * k / count, (0.06, 0, h), (1, 0, 0)))
        for k in range(count)
    ]
    bench.add("rotor", "shaft", rod((0.002, 0, h), (0.055, 0, h), 0.006))
    bench.add("rotor", "fan_blades", rod((0.055, 0, h), (0.075, 0, h), 0.025), *blades)
    bench.joint("revolute", "stand", "rotor", (1, 0, 0), (0, 0, h), (0.0, 2.6))
    return bench.done()


FAMILIES = (
    box_with_lid, toolbox, laptop, scissors, pliers, cart, faucet, valve, swivel_chair, lamp, crane, butt_hinge,
    linear_guide, bin_with_lid, gate, fan,
)  # fmt: skip
