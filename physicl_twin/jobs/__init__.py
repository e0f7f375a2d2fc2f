"""Worker processes with limits, progress, cancel and resume."""
