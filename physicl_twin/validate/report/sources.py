"""Where it comes from and what took part: sources, licences, tools, hashes."""

from __future__ import annotations

from physicl_twin.model import Certificate, Twin
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, join, named, tag
from physicl_twin.validate.report.parts import cell

LISTED_FILES = 400


def sources_section(twin: Twin) -> Markup:
    """The twin's licence and its source files."""
    head = tag("tr", [tag("th", words) for words in ("file", "what for", "licence")], tag("th", "size", class_="right"))
    rows = [
        tag(
            "tr",
            cell(
                "file",
                named(source.name, 60),
                tag("span", f"sha256 {source.sha256[:16]}…", class_="sub mono"),
                class_="head",
            ),
            cell("what for", f"{source.role}, {source.format}"),
            cell("licence", source.licence or "not stated"),
            cell("size", size(source.size_bytes), class_="num right"),
        )
        for source in twin.sources
    ]
    licence = twin.licence or "not stated"
    return join(
        tag("p", "Licence of the twin: ", tag("b", licence)),
        tag("div", tag("table", tag("thead", head), tag("tbody", rows), class_="stack"), class_="table"),
    )


def size(count: int) -> str:
    """A file size in decimal units."""
    for bound, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= bound:
            return f"{numbers.significant(count / bound, 3)} {unit}"
    return f"{count} B"


def record_section(certificate: Certificate) -> Markup:
    """Tool versions and file hashes, folded."""
    tools = [tag("tr", tag("td", tool.name), tag("td", tool.version, class_="mono")) for tool in certificate.tools]
    files = [
        tag(
            "tr",
            tag("td", named(f.path, 70)),
            tag("td", f.sha256, class_="mono"),
            tag("td", size(f.size_bytes), class_="num right"),
        )
        for f in certificate.files[:LISTED_FILES]
    ]
    rest = len(certificate.files) - len(files)
    return join(
        _folded("Tools", len(tools), tag("table", tools)),
        _folded("Files that this certificate speaks of", len(certificate.files), tag("table", files)),
        tag("p", f"And {rest} more in certificate.json.", class_="muted") if rest else None,
    )


def _folded(title: str, count: int, table: Markup) -> Markup:
    return tag(
        "details", tag("summary", title, tag("span", str(count), class_="caption")), tag("div", table, class_="table")
    )
