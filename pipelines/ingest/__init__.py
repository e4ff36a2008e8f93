"""Bringing a source's rows into the lake: plan, extract and check, commit."""
