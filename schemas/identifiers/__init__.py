"""Identifiers of organisations, people, places and resources: their form and their check digits."""
