"""Runs inside the Kit kernel's own environment: enable the extension, let it live for some frames, disable it."""

import sys

from omni.kit_app import KitApp

extensions, portable = sys.argv[1:3]
app = KitApp()
app.startup(
    [
        "--empty",
        "--allow-root",
        "--portable-root",
        portable,
        "--no-window",
        "--ext-folder",
        extensions,
        "--/app/extensions/registryEnabled=0",
    ]
)
manager = app.extension_manager
manager.set_extension_enabled_immediate("physicl_twin", True)
for _ in range(10):
    app.update()
import physicl_twin  # noqa: E402 - the extension put it on the path

print("VERSION", physicl_twin.__version__, flush=True)
print("ID", *[e["id"] for e in manager.get_extensions() if e["enabled"] and e["name"] == "physicl_twin"], flush=True)
manager.set_extension_enabled_immediate("physicl_twin", False)
app.update()
print("DISABLED", not manager.is_extension_enabled("physicl_twin"), flush=True)
app.shutdown()
