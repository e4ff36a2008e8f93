"""The case clock, which deadlines run on."""
