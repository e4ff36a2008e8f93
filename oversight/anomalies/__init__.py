"""Unusual use of grants and accounts: found, scored, explained, sent to the auditor (R48)."""
