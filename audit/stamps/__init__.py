"""Time-stamps of an authority (RFC 3161) on the hourly checkpoints, where the site has one."""
