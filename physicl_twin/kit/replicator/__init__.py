"""Replicator and our sets of variations: ``augment`` draws and settles the values, Replicator shows them.

``calls`` and ``source`` say what a member changes (pxr only), ``apply`` does it through ``rep.functional``,
``randomizer`` puts it below a ``rep.trigger``, ``writer`` records which member each frame shows.
"""

from physicl_twin.kit.replicator.registration import Registration as Registration
