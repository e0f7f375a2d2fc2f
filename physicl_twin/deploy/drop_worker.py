"""Child process of ``drop_physx_safely``: a pickled request on standard input, a pickled fall on standard output."""

from __future__ import annotations

import os
import pickle
import sys

from physicl_twin.deploy.drop import Fall, drop_physx
from physicl_twin.model import EngineError


def main() -> None:
    """Drop once."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native libraries print is no answer
    found: Fall | EngineError
    try:
        found = drop_physx(*pickle.load(sys.stdin.buffer))
    except EngineError as error:
        found = error
    with answer:
        pickle.dump(found, answer)


if __name__ == "__main__":
    main()
