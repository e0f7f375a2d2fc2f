"""Graph nodes of the category "Physicl": ``OgnX.ogn`` says what a node takes and gives, ``OgnX.py`` what it does.

OmniGraph generates the code between the two when the extension is enabled; there is no build step. What a node does
over many frames stands in ``work`` (no Kit), how it talks to an action graph in ``flow``, what it puts on the stage in
``place`` (USD only).

``compute`` is a static method of one argument: the generated code hands (context, node) to any other.
"""
