"""One tab a stage; a new stage is a module here and a line in this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from physicl_twin.kit.panel.tabs import augment, deploy, ingest, normalize, validate
from physicl_twin.kit.panel.view import View
from physicl_twin.workbench.session import Stage

TABS: Mapping[Stage, Callable[[View], None]] = {
    "ingest": ingest.build,
    "normalize": normalize.build,
    "augment": augment.build,
    "validate": validate.build,
    "deploy": deploy.build,
}
