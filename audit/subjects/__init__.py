"""Data subjects of the log: found by those who know their number, and by nobody else."""
