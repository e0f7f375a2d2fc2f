"""report.html: what a twin is, how sure we are, why, and what was run, in one file that needs nothing else."""

from __future__ import annotations

from physicl_twin.validate.report.page import report as report
