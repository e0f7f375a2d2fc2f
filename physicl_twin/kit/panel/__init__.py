"""The panel on ``omni.ui``: widgets without logic over the view models of ``physicl_twin.workbench``.

The same window runs in Kit and, on NVIDIA's standalone ``ovui``, on any computer (``./physicl.sh panel``).
"""
