"""What Replicator knows of us while both extensions are enabled."""

from __future__ import annotations


class Registration:
    """Makes ``rep.randomizer.physicl_variation`` and the writer exist; ``release`` takes the writer away again.

    Replicator has no way to forget a randomizer: its name stays until Kit ends, and a new registration replaces it.
    """

    def __init__(self) -> None:
        from physicl_twin.kit.replicator import randomizer, writer

        randomizer.register()
        writer.register()

    def release(self) -> None:
        """Take back what can be taken back."""
        from physicl_twin.kit.replicator import writer

        writer.unregister()
