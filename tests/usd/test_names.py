"""Identifiers and file names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physicl_twin.usd.names import MAX_LENGTH, Names, identifier, safe_file_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shaft", "shaft"),
        ("Größe Ø20", "Grosse_O20"),
        ("1st part", "_1st_part"),
        ("齿轮", "u9f7f_u8f6e"),
        ("a/b.c d", "a_b_c_d"),
        ("", "unnamed"),
        ("___", "unnamed"),
        ("🔧", "u1f527"),
    ],
)
def test_known_identifiers(text, expected):
    assert identifier(text) == expected


@given(st.lists(st.text(max_size=400), max_size=30))
def test_any_text_gives_unique_valid_names(texts):
    names = Names(reserved=("Looks",))
    made = [names.unique(text) for text in texts]
    assert len({name.casefold() for name in made} | {"looks"}) == len(made) + 1
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and len(name) <= MAX_LENGTH + 6 for name in made)


def test_long_names_that_differ_late_stay_apart():
    assert identifier("x" * 300 + "a") != identifier("x" * 300 + "b")


@given(st.text(min_size=1, max_size=300))
def test_any_text_gives_a_file_name_that_simready_accepts(text):
    name = safe_file_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name)
    assert name.partition(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT1"}


def test_good_file_names_stay():
    assert safe_file_name("wood_01.albedo-2k.png") == "wood_01.albedo-2k.png"
    assert safe_file_name("con.png") == "_con.png"
    assert safe_file_name("Kiste groß.JPG") == "Kiste_gross.jpg"
