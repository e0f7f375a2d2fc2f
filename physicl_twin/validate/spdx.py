"""Licence expressions: is it SPDX, and in its canonical spelling?"""

from __future__ import annotations

import functools
import re
from typing import Any

from physicl_twin.model.errors import ValidationError

#: User-defined references, SPDX 2.3 annex D: [DocumentRef-idstring:]LicenseRef-idstring.
_REFERENCE = re.compile(r"(DocumentRef-[A-Za-z0-9.\-]+:)?LicenseRef-[A-Za-z0-9.\-]+")


@functools.cache
def _licensing() -> Any:
    try:
        import license_expression  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise ValidationError(
            "spdx_list_missing", "The list of SPDX licences is not installed.", "pip install license-expression"
        ) from error
    return license_expression.get_spdx_licensing()


def problem(expression: str) -> str:
    """What is wrong with a licence expression; empty when it is valid SPDX.

    Args:
        expression: Such as ``MIT``, ``Apache-2.0 OR MIT``, ``LicenseRef-Acme``. Case does not matter (SPDX annex D).

    Raises:
        ValidationError: ``spdx_list_missing`` when the licence list is not installed.
    """
    if not expression.strip():
        return "it is empty"
    # A user-defined reference is a valid term of its own; any known id may stand for it while the grammar is checked.
    grammar = _REFERENCE.sub("MIT", expression)
    try:
        found = _licensing().validate(grammar, strict=True)
    except (
        Exception
    ) as error:  # The parser leaks its own errors (AttributeError on "MIT AND"); each means: not parsable.
        return f"it cannot be parsed ({type(error).__name__})"
    if found.invalid_symbols:
        unknown = ", ".join(repr(symbol) for symbol in found.invalid_symbols if symbol)
        return f"{unknown} is not on the SPDX licence list" if unknown else "its brackets or operators are wrong"
    return "; ".join(found.errors)
