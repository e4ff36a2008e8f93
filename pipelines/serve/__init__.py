"""Bringing a dataset version into a serving table."""
