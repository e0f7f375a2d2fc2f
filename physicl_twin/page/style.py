"""The look of the report: the panel's colours, spacing and sizes as CSS."""

from __future__ import annotations

from pathlib import Path

from physicl_twin.page.markup import Markup, tag

#: Colours of the panel (its styles module holds the same ones as ABGR).
TOKENS = {
    "ground": "#1c1d1f",
    "card": "#2a2b2d",
    "raised": "#333537",
    "line": "#404245",
    "text": "#e4e6e8",
    "muted": "#a3a7aa",
    "good": "#8fd117",
    "look": "#f0b43f",
    "stop": "#ff7b7b",
    "second": "#6db3f2",
}
#: The same roles on paper.
PAPER = {
    "ground": "#ffffff",
    "card": "#ffffff",
    "raised": "#f4f5f6",
    "line": "#c9ccd0",
    "text": "#17181a",
    "muted": "#55595e",
    "good": "#3d6b00",
    "look": "#8a5a00",
    "stop": "#b3261e",
    "second": "#1b5fa8",
}

_PATHS = {
    "passed": "M3.5 8.5l3 3 6-7",
    "failed": "M4 4l8 8M12 4l-8 8",
    "not_checked": "M3.5 8h9",
    "warning": "M8 2.2L14.6 13.6H1.4zM8 6.8v3M8 11.4v.3",
    "info": "M8 7v5.4M8 3.4v1",
}
_TONES = {"passed": "good", "failed": "stop", "not_checked": "muted", "warning": "look", "info": "muted"}
#: Engines as people write them.
ENGINES = {"physx": "PhysX", "mujoco": "MuJoCo", "newton": "Newton"}
WORDS = {"passed": "passed", "failed": "failed", "not_checked": "not checked", "warning": "look here", "info": "note"}


def icon(name: str) -> Markup:
    """A 16 px line icon; the word that it stands for is always written beside it."""
    return tag(
        "svg",
        tag(
            "path",
            d=_PATHS[name],
            fill="none",
            stroke="currentColor",
            stroke_width="2",
            stroke_linecap="round",
            stroke_linejoin="round",
        ),
        viewBox="0 0 16 16",
        class_=f"icon tone-{_TONES[name]}",
        aria_hidden="true",
    )


def status(name: str) -> Markup:
    """Icon and word of a status."""
    return tag("span", icon(name), tag("span", WORDS[name]), class_=f"status tone-{_TONES[name]}")


def _variables(tokens: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in tokens.items())


def css() -> str:
    """The style sheet: the tokens, then the rules of page.css."""
    rules = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    screen = f":root{{color-scheme:dark;{_variables(TOKENS)}}}"
    paper = f"@media print{{:root{{color-scheme:light;{_variables(PAPER)}}}}}"
    return f"{screen}\n{paper}\n{rules}"
