"""From a file of any kind to a Twin with geometry and hints."""
