"""Knowledge without I/O: words, identifiers, rule sets, working days, code lists, the metadata profile, contracts."""
