"""Identifiers of organisations, people, places and resources: their form, their check digits, what is wrong with one."""
