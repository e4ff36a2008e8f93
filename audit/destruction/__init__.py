"""Destroying personal details beside entries: asked for by one person, confirmed by another, always recorded."""
