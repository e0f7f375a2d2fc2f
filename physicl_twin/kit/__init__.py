"""The Isaac Sim extension: the only room that imports carb or omni, and only when a part of it is used.

This file stays empty, so that the parts that need no Kit can be imported anywhere. Kit starts the extension through
``physicl_twin.kit.extension`` (see extension.toml).
"""
