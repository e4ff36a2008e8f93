"""A database that was put back from a backup: noticed before anything is signed, and continued by two people's word."""
