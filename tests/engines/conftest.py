from __future__ import annotations

import pytest

from physicl_twin.engines import ENGINES, engine


@pytest.fixture(params=ENGINES)
def any_engine(request):
    return engine(request.param)
