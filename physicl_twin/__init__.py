"""physicl_twin: source material in, a physics-accurate, SimReady-validated OpenUSD twin out."""

__version__ = "0.1.0"
