"""The hub's schema, one numbered step per change."""
