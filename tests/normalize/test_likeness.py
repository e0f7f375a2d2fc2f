"""The plain Python answers as rapidfuzz does: the same material whichever Python asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physicl_twin.normalize import likeness

WORDS = ("stainless", "aluminium", "aluminum", "polypropylene", "polyethylene", "walnut", "beech", "brass", "bronze")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "_has_rapidfuzz", lambda: False)


@given(st.text("abcdelmnopstuy", max_size=14), st.sampled_from([60.0, 80.0, 88.0]))
def test_the_best_is_the_best_of_both(word: str, cutoff: float) -> None:
    fast = likeness.best(word, WORDS, cutoff)
    before, likeness._has_rapidfuzz = likeness._has_rapidfuzz, lambda: False
    try:
        slow = likeness.best(word, WORDS, cutoff)
    finally:
        likeness._has_rapidfuzz = before
    assert (fast is None) == (slow is None)
    if fast is not None and slow is not None:
        assert fast[0] == slow[0]
        assert fast[1] == pytest.approx(slow[1], abs=1e-9)


def test_slips_are_found_without_rapidfuzz(plain: None) -> None:
    assert likeness.best("alumnium", WORDS, 85.0) is not None
    assert likeness.best("zzzz", WORDS, 60.0) is None
    assert likeness.nearest("walnutt", WORDS, 2)[0] == "walnut"


def test_the_longest_common_subsequence() -> None:
    assert likeness.common("polymer", "polyester") == 6
