"""Pages for people: HTML and SVG as strings, one style for every report."""
