"""Procedural mechanisms with known joints, and rigid things that only look like some."""
