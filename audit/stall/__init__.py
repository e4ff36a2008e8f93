"""What keeps the log from being signed, and when the hub stopped delivering because of it."""
