"""What keeps the log from being signed, and when the hub stopped delivering because of it; and since when too few
witnesses agree to what it signed, which the same row says.
"""
