"""Connectors: reading agencies' sources as Arrow batches, in bounded memory."""
