"""Finding what was lost or left behind, and putting it right."""
