"""Who may have what: applications, grants, agreements, disputes, and the one door."""
