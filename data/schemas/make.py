"""Write the JSON Schemas of the records that a twin's folder holds. Run after a change of the model."""

from __future__ import annotations

import json
from pathlib import Path

from physicl_twin.model import Certificate, Twin, json_schema


def main() -> None:
    """Write twin.schema.json and certificate.schema.json beside this file."""
    for kind, name in ((Twin, "twin"), (Certificate, "certificate")):
        text = json.dumps(json_schema(kind), indent=1, ensure_ascii=False) + "\n"
        Path(__file__).with_name(f"{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
