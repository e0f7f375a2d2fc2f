"""The child of ``crew``: shapes come on standard input, collisions or errors go out, until the input ends."""

from __future__ import annotations

import os
import pickle
import sys

from physicl_twin.model import PhysiclError
from physicl_twin.normalize.collision.choice import ShapeCollision, fit_shape


def main() -> None:
    """Entry point of ``python -m physicl_twin.normalize.collision.fit_worker``."""
    # Libraries print: keep standard output for the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            shape, settings, fast = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        outcome: ShapeCollision | PhysiclError
        try:
            outcome = fit_shape(shape, settings, fast)
        except PhysiclError as error:
            outcome = error
        pickle.dump(outcome, answers)
        answers.flush()


if __name__ == "__main__":
    main()
