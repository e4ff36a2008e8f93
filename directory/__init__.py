"""Agencies, people, keys, systems, the resource catalogue, permissions."""
