"""Damage files the way the world does: cut, flip, splice, swell."""

from __future__ import annotations

import random


def mutate(data: bytes, seed: int) -> bytes:
    """A damaged copy of ``data``; the same for the same seed."""
    rng = random.Random(seed)
    damaged = bytearray(data)
    kind = rng.choice(("cut", "flip", "flip", "zero", "repeat", "splice", "number", "grow"))
    position = rng.randrange(len(damaged))
    if kind == "cut":
        del damaged[position:]
    elif kind == "flip":
        for _ in range(rng.choice((1, 4, 32))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    elif kind == "zero":
        damaged[position : position + 64] = bytes(len(damaged[position : position + 64]))
    elif kind == "repeat":
        damaged[position:position] = damaged[position : position + 256] * rng.randrange(1, 8)
    elif kind == "splice":
        other = rng.randrange(len(damaged))
        damaged[position : position + 128] = damaged[other : other + 128]
    elif kind == "number":
        damaged[position : position + 4] = rng.choice(
            (b"\xff\xff\xff\xff", b"\x00\x00\xc0\x7f", b"1e39", b"-nan", b"\x7f\xff\xff\xff")
        )
    else:
        damaged += rng.randbytes(rng.randrange(1, 4096))
    return bytes(damaged)
