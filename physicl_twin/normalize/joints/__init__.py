"""Joints where nothing is described: found in the geometry, judged by what speaks for them."""

from physicl_twin.normalize.joints.author import accept
from physicl_twin.normalize.joints.infer import infer_joints

__all__ = ["accept", "infer_joints"]
